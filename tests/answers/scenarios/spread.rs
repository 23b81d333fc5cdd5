//! Each query is counted once by type, response code and size.

use edgedns::answer::{Counters, SpreadTotals, Totals};
use edgedns::dns::Rtype;
use edgedns::dns::message::{Header, Opcode, Question, Rcode};
use hickory_proto::op::Message;

/// What has been counted until now.
pub(crate) fn counted(counters: &Counters) -> SpreadTotals {
    [counters].into_iter().collect::<Totals>().spread
}

/// Fails unless exactly this query and this response were counted since.
pub(crate) fn check(before: &SpreadTotals, after: &SpreadTotals, query: &[u8], response: Option<&[u8]>) {
    let types: Vec<Option<Rtype>> = moved(before.questions(), after.questions());
    let codes: Vec<Option<Rcode>> = moved(before.rcodes(), after.rcodes());
    let sizes: Vec<u32> = moved(before.sizes(), after.sizes());
    let own = asked(query)
        .map(|qtype| Some(qtype).filter(|own| before.questions().any(|(one, _)| one == Some(*own))));
    assert_eq!(types, own.into_iter().collect::<Vec<_>>(), "the type that was asked for");
    assert_eq!(
        codes,
        response.map(|message| Some(rcode(message))).into_iter().collect::<Vec<_>>(),
        "the code"
    );
    assert_eq!(after.bytes() - before.bytes(), response.map_or(0, <[u8]>::len) as u64, "the bytes");
    match (response, sizes.as_slice()) {
        (None, []) => {}
        (Some(message), [most]) => assert_eq!(*most as usize, message.len().next_power_of_two().max(32)),
        (_, sizes) => panic!("{} sizes", sizes.len()),
    }
}

/// What was counted once more; anything else is a fault.
fn moved<K>(before: impl Iterator<Item = (K, u64)>, after: impl Iterator<Item = (K, u64)>) -> Vec<K> {
    let more = before.zip(after).map(|((key, before), (_, after))| (key, after - before));
    more.filter(|(_, more)| *more > 0).inspect(|(_, more)| assert_eq!(*more, 1)).map(|(key, _)| key).collect()
}

/// The type of the question, where there is one that can be read.
fn asked(query: &[u8]) -> Option<Rtype> {
    let header = Header::read(query).filter(|header| !header.is_response())?;
    let is_question = header.opcode() == Opcode::QUERY && header.counts[0] == 1;
    Question::read(query).filter(|_| is_question).map(|(question, _)| question.qtype)
}

/// The whole code, its upper bits from the OPT record.
fn rcode(message: &[u8]) -> Rcode {
    let message = Message::from_vec(message).expect("a response that decodes");
    Rcode(message.metadata.response_code.into())
}
