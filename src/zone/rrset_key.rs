//! What makes records of one owner an RRset.

use crate::dns::Rtype;

/// The type of an RRset. Signatures of one owner are as many RRsets as they cover: each has the TTL of what it covers
/// (RFC 4034, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RrsetKey {
    pub(super) rtype: Rtype,
    /// What signatures cover; 0 for all others.
    covers: Rtype,
}

impl RrsetKey {
    /// Of a record.
    pub(super) fn of(rtype: Rtype, rdata: &[u8]) -> RrsetKey {
        RrsetKey { rtype, covers: covered(rtype, rdata).unwrap_or(Rtype(0)) }
    }

    /// Of the signatures that cover a type.
    pub(super) fn signatures(covers: Rtype) -> RrsetKey {
        RrsetKey { rtype: Rtype::RRSIG, covers }
    }
}

/// What a signature covers; none for records of other types.
pub(super) fn covered(rtype: Rtype, rdata: &[u8]) -> Option<Rtype> {
    let covers = rdata.first_chunk().filter(|_| rtype == Rtype::RRSIG)?;
    Some(Rtype(u16::from_be_bytes(*covers)))
}
