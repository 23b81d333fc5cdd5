//! What a LUA record stands for: a pool, or records that never change.

use crate::source::Span;
use crate::zone::Pool;

/// What a LUA record stands for.
#[derive(Clone, Debug)]
pub(in crate::zonefile) enum Meaning {
    /// Members that are probed or chosen among.
    Pool(Pool),
    /// Records of the inner type that never change. At least one.
    Constants(Vec<Constant>),
}

/// The RDATA of one record, as text.
///
/// As in PowerDNS a name in it is absolute without a final dot, and the text of a TXT record is one
/// character-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::zonefile) struct Constant {
    /// Presentation format. May hold any byte.
    pub(in crate::zonefile) text: Box<[u8]>,
    /// Where the string stands in the code.
    pub(in crate::zonefile) span: Span,
}
