//! Answers questions of class CHAOS about the server itself: `version.bind`, `id.server` (RFC 4892) and their
//! like.

use super::pointer::OWN;
use super::response_writer::ResponseWriter;
use super::snapshot::Identity;
use crate::dns::Rtype;
use crate::dns::message::{Question, Rcode, Section, class};
use crate::dns::message_writer::RecordHead;

/// Answers a question of class CHAOS; REFUSED for other names, and for what the operator keeps back.
#[cold]
pub(super) fn answer(identity: &Identity, question: &Question<'_>, response: &mut ResponseWriter<'_>) {
    let is = |wire: &[u8]| question.qname.wire().eq_ignore_ascii_case(wire);
    let text = if is(b"\x07version\x04bind\0") || is(b"\x07version\x06server\0") {
        identity.version.as_deref()
    } else if is(b"\x08hostname\x04bind\0") || is(b"\x02id\x06server\0") {
        identity.nsid.as_deref()
    } else {
        None
    };
    let Some(text) = text.filter(|_| matches!(question.qtype, Rtype::TXT | Rtype::ANY)) else {
        response.rcode = Rcode::REFUSED;
        return;
    };
    let text = text.as_bytes();
    let text = text.get(..text.len().min(255)).unwrap_or_default();
    let [length, ..] = text.len().to_le_bytes();
    let head = RecordHead { rtype: Rtype::TXT, class: class::CH, ttl: 0 };
    response.message.record(Section::Answer, &OWN, &head, &[&[length], text]);
}
