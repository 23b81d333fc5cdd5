//! Messages that no worker answers: what they are, and which of them somebody takes.

use crate::dns::Rtype;
use crate::dns::message::Opcode;

/// A message that is no plain query. What it asks for takes time, several messages, a key, or a change of a
/// zone, so it is handed over, off the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// A question for AXFR or IXFR (RFC 5936, RFC 1995).
    Transfer,
    /// A zone has changed at a primary (RFC 1996).
    Notify,
    /// A dynamic update (RFC 2136).
    Update,
    /// Any query with a transaction signature (RFC 8945); what it asks for is looked at when that is verified.
    Signed,
}

/// Kinds of messages that somebody takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageKinds(u8);

impl MessageKind {
    /// All of them.
    pub const ALL: [MessageKind; 4] =
        [MessageKind::Transfer, MessageKind::Notify, MessageKind::Update, MessageKind::Signed];

    /// What a message is, whether it is signed or not; none for a plain query, and for opcodes that nobody
    /// knows.
    #[inline]
    pub fn of(opcode: Opcode, qtype: Rtype) -> Option<MessageKind> {
        match (opcode, qtype) {
            (Opcode::QUERY, Rtype::AXFR | Rtype::IXFR) => Some(MessageKind::Transfer),
            (Opcode::NOTIFY, _) => Some(MessageKind::Notify),
            (Opcode::UPDATE, _) => Some(MessageKind::Update),
            _ => None,
        }
    }
}

impl MessageKinds {
    /// Whether somebody takes messages of this kind.
    #[inline]
    pub fn have(self, kind: MessageKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

impl FromIterator<MessageKind> for MessageKinds {
    fn from_iter<I: IntoIterator<Item = MessageKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |all, kind| all | 1 << kind as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_was_made_of_and_nothing_else() {
        let kinds: MessageKinds = [MessageKind::Notify, MessageKind::Signed].into_iter().collect();
        assert_eq!(MessageKind::ALL.map(|kind| kinds.have(kind)), [false, true, false, true]);
        assert_eq!(MessageKind::ALL.map(|kind| MessageKinds::default().have(kind)), [false; 4]);
    }

    #[test]
    fn a_plain_query_is_of_no_kind() {
        assert_eq!(MessageKind::of(Opcode::QUERY, Rtype::A), None);
        assert_eq!(MessageKind::of(Opcode::QUERY, Rtype::IXFR), Some(MessageKind::Transfer));
        assert_eq!(MessageKind::of(Opcode::UPDATE, Rtype::SOA), Some(MessageKind::Update));
        assert_eq!(MessageKind::of(Opcode::NOTIFY, Rtype::SOA), Some(MessageKind::Notify));
        assert_eq!(MessageKind::of(Opcode(1), Rtype::AXFR), None);
    }
}
