//! Canonical form of RRsets (RFC 4034, section 6).

use std::borrow::Cow;

use crate::dns::{Rtype, rdata};

/// RDATA in canonical form and order (RFC 4034, sections 6.2 and 6.3).
pub(super) fn rdatas<'r>(rtype: Rtype, rdatas: impl Iterator<Item = &'r [u8]>) -> Vec<Cow<'r, [u8]>> {
    let mut rdatas: Vec<Cow<'r, [u8]>> = rdatas.map(|bytes| rdata::canonical(rtype, bytes)).collect();
    rdatas.sort_unstable();
    rdatas.dedup();
    rdatas
}
