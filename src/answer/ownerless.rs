//! Records without their owners, as they are ready for answers: whoever writes one puts the owner in front.

use crate::dns::{Rtype, Ttl};

/// Appends a record of class IN without its owner. Names inside stay in full.
pub(super) fn put_ownerless(rtype: Rtype, ttl: Ttl, rdata: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&rtype.0.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&ttl.seconds().to_be_bytes());
    // What is read as RDATA has at most so many (`dns::rdata`).
    out.extend_from_slice(&u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(rdata);
}
