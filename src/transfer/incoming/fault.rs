//! What is wrong with a transfer.

use std::fmt;

use crate::dns::message::Rcode;
use crate::dns::{Name, Rtype};
use crate::transfer::condenser::Repeated;

/// Why what a primary sends is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferFault {
    /// A message that does not hold what its header says.
    Malformed,
    /// A message that is no response to what was asked: its id, its opcode or its question is another one.
    Mismatched,
    /// The primary says no.
    Rcode(Rcode),
    /// A message that is cut off.
    Truncated,
    /// A message without a record.
    Empty,
    /// It answers as a resolver does, or from a zone above: it has not this one.
    NotAuthoritative,
    /// The first record is no SOA record of the zone.
    NoSoa,
    /// The SOA record at the end is not the one at the beginning: the zone has changed meanwhile.
    OtherSoa,
    /// Something follows the SOA record that ends the transfer.
    BehindTheEnd,
    /// The changes do not begin at the version that is here.
    OtherBase {
        /// The serial at which they begin.
        from: u32,
        /// The serial at which they must begin.
        base: u32,
    },
    /// A version that is not behind the one that is here.
    NotNewer {
        /// Its serial.
        serial: u32,
        /// The serial that is here.
        ours: u32,
    },
    /// A record of another zone.
    OutOfZone(Name),
    /// A record of another class than IN.
    Class(Name),
    /// A record that cannot be in a zone.
    Meta(Name, Rtype),
    /// A record whose data is not that of its type.
    Rdata(Name, Rtype),
    /// A LUA record, and this primary may not send any.
    Lua(Name),
    /// A LUA record among changes.
    LuaChanges,
    /// It takes more memory than the zone may, in bytes.
    TooLarge(u64),
    /// It cannot be taken into a zone.
    Refused(String),
}

impl TransferFault {
    /// Whether the primary may have nothing but this form against it: the whole zone may be had from it.
    pub fn is_of_changes(&self) -> bool {
        match self {
            // What is too large as changes is so as a whole, but for changes that go to and fro.
            TransferFault::Malformed
            | TransferFault::Mismatched
            | TransferFault::Rcode(_)
            | TransferFault::Truncated
            | TransferFault::Empty
            | TransferFault::NotAuthoritative
            | TransferFault::NoSoa
            | TransferFault::OtherSoa
            | TransferFault::BehindTheEnd
            | TransferFault::OtherBase { .. }
            | TransferFault::NotNewer { .. }
            | TransferFault::LuaChanges
            | TransferFault::TooLarge(_)
            | TransferFault::Refused(_) => true,
            TransferFault::OutOfZone(_)
            | TransferFault::Class(_)
            | TransferFault::Meta(..)
            | TransferFault::Rdata(..)
            | TransferFault::Lua(_) => false,
        }
    }
}

impl From<Repeated> for TransferFault {
    fn from(repeated: Repeated) -> Self {
        TransferFault::Refused(repeated.to_string())
    }
}

impl fmt::Display for TransferFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferFault::Malformed => f.write_str("it sends a message that is malformed"),
            TransferFault::Mismatched => f.write_str("it sends a message that is no response to our query"),
            TransferFault::Rcode(Rcode::REFUSED) => {
                f.write_str("it answers REFUSED: it does not let us transfer the zone")
            }
            TransferFault::Rcode(Rcode::NOTAUTH) => {
                f.write_str("it answers NOTAUTH: it has no such zone, or not for this key")
            }
            TransferFault::Rcode(rcode) => write!(f, "it answers {rcode}"),
            TransferFault::Truncated => f.write_str("it sends a message that is truncated"),
            TransferFault::Empty => f.write_str("it sends a message without a record"),
            TransferFault::NotAuthoritative => {
                f.write_str("it has not the zone: its answer is not authoritative")
            }
            TransferFault::NoSoa => {
                f.write_str("what it sends does not begin with the SOA record of the zone")
            }
            TransferFault::OtherSoa => {
                f.write_str("the SOA record at the end is not the one at the beginning")
            }
            TransferFault::BehindTheEnd => {
                f.write_str("records follow the SOA record that ends the transfer")
            }
            TransferFault::OtherBase { from, base } => {
                write!(f, "it sends changes to serial {from} where those to serial {base} must come")
            }
            TransferFault::NotNewer { serial, ours } => {
                write!(f, "it sends the zone at serial {serial}, which is not newer than ours, {ours}")
            }
            TransferFault::OutOfZone(owner) => {
                write!(f, "it sends a record of `{owner}`, which does not lie in the zone")
            }
            TransferFault::Class(owner) => write!(f, "it sends a record of `{owner}` whose class is not IN"),
            TransferFault::Meta(owner, rtype) => {
                write!(f, "it sends a {rtype} record of `{owner}`, which cannot be in a zone")
            }
            TransferFault::Rdata(owner, rtype) => {
                write!(f, "it sends a {rtype} record of `{owner}` whose data is not that of its type")
            }
            TransferFault::Lua(owner) => write!(
                f,
                "it sends a LUA record of `{owner}`, which would have this server probe what it names; `lua = \"accept\"` \
                 takes such records"
            ),
            TransferFault::LuaChanges => f.write_str("it sends changes of LUA records"),
            TransferFault::TooLarge(bytes) => write!(
                f,
                "what it sends takes more than {} MiB of memory; `memory-limit` allows more",
                bytes >> 20
            ),
            TransferFault::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TransferFault {}
