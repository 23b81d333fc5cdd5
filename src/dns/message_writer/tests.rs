//! Messages written and read back.

use super::*;
use crate::dns::edns::{DNSSEC_OK, Edns, OPT_BYTES, OptWriter, PaddingBlock, UDP_PAYLOAD_MAX, option};
use crate::dns::message::{Extra, Question, Rcode, class};
use crate::dns::{Name, Rtype};

fn name() -> Name {
    "www.example.".parse().unwrap()
}

const A: RecordHead = RecordHead { rtype: Rtype::A, class: class::IN, ttl: 60 };

#[test]
fn a_message_is_read_back_as_it_was_written() {
    let bytes = owned(QUERY_BYTES_MAX, 7, Header::RD, |message| {
        message.question(name().as_ref(), Rtype::A, class::IN);
        message.record(Section::Answer, &[0xc0, 12], &A, &[&[192, 0, 2], &[1]]);
    });
    let header = Header::read(&bytes).unwrap();
    assert_eq!((header.id, header.flags, header.counts), (7, Header::RD, [1, 1, 0, 0]));
    let (question, rest) = Question::read(&bytes).unwrap();
    assert_eq!((question.qname.to_name(), question.qtype), (name(), Rtype::A));
    let (record, rest) = Extra::read(rest).unwrap();
    assert_eq!((record.rtype, record.ttl, record.rdata), (Rtype::A, 60, &[192, 0, 2, 1][..]));
    assert!(rest.is_empty());
}

#[test]
fn nothing_is_written_past_the_limit_and_a_cleared_message_has_its_question_alone() {
    let mut out = [0xff; 64];
    let mut message = MessageWriter::new(&mut out, 40);
    message.question(name().as_ref(), Rtype::A, class::IN);
    let records_at = message.position();
    message.reserve(OPT_BYTES);
    message.record(Section::Answer, &[0xc0, 12], &A, &[&[192, 0, 2, 1]]);
    assert!(message.is_overflown());
    message.clear();
    assert!(!message.is_overflown());
    message.release();
    assert_eq!((message.finish(1, Header::TC), message.counts()), (records_at, [0; 3]));
    assert!(out[40..].iter().all(|byte| *byte == 0xff));
}

#[test]
fn an_opt_record_is_read_back_with_its_options() {
    let bytes = owned(QUERY_BYTES_MAX, 7, 0, |message| {
        message.question(name().as_ref(), Rtype::A, class::IN);
        let mut opt = OptWriter::new(message, Rcode::BADVERS, DNSSEC_OK);
        opt.option(option::COOKIE, b"12345678");
        opt.extended_error(22, "why");
        opt.finish();
    });
    let header = Header::read(&bytes).unwrap();
    assert_eq!(header.counts, [1, 0, 0, 1]);
    let (extra, rest) = Extra::read(Question::read(&bytes).unwrap().1).unwrap();
    let edns = Edns::of(&extra).unwrap();
    assert!(rest.is_empty());
    assert_eq!((usize::from(edns.payload), edns.rcode(&header)), (UDP_PAYLOAD_MAX, Rcode::BADVERS));
    assert_eq!((edns.is_dnssec_ok(), edns.client_cookie()), (true, Some(*b"12345678")));
    assert_eq!(edns.option(option::EXTENDED_ERROR), Some(&b"\0\x16why"[..]));
}

#[test]
fn an_option_without_room_is_left_out_and_padding_fills_a_block() {
    let bytes = owned(40, 7, 0, |message| {
        message.question(name().as_ref(), Rtype::A, class::IN);
        let mut opt = OptWriter::new(message, Rcode::NOERROR, 0);
        opt.option(option::NSID, b"far too long for the rest");
        opt.finish();
    });
    let (extra, _) = Extra::read(Question::read(&bytes).unwrap().1).unwrap();
    assert_eq!(Edns::of(&extra).unwrap().options, b"");
    let padded = owned(QUERY_BYTES_MAX, 7, 0, |message| {
        message.question(name().as_ref(), Rtype::A, class::IN);
        let mut opt = OptWriter::new(message, Rcode::NOERROR, 0);
        opt.pad(PaddingBlock::Query);
        opt.finish();
    });
    assert_eq!(padded.len(), 128);
}
