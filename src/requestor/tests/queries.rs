//! The bytes of a query, and which messages are responses to it.

use hickory_proto::op::{Message, ResponseCode};

use super::messages::{record, response};
use crate::dns::message::Header;
use crate::dns::{Name, NameRef, Rtype};
use crate::requestor::{Case, DatagramClass, Fit, Form, Query, Request};
use crate::tls::Random;

fn request(qname: NameRef<'_>, qtype: Rtype) -> Request<'_> {
    Request { qname, qtype, flags: Header::RD | Header::AD, edns_flags: 0 }
}

#[test]
fn a_response_fits_only_with_its_id_and_its_question_letter_by_letter() {
    let random = Random::new();
    let qname: Name = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww.example.".parse().unwrap();
    let request = request(qname.as_ref(), Rtype::A);
    let query = Query::new(&request, Form::WithEdns, Case::Mixed, &random);
    let mut response = query.bytes().to_vec();
    response[2] |= 0x80;
    assert_eq!(query.fit(&response), Fit::Exact);
    assert_eq!(query.fit(query.bytes()), Fit::None, "a query is no response");
    let mut other = response.clone();
    other[0] ^= 1;
    assert_eq!(query.fit(&other), Fit::None, "another id");
    let mut lower = response.clone();
    lower.make_ascii_lowercase();
    lower[..12].copy_from_slice(&response[..12]);
    assert_eq!(query.fit(&lower), Fit::OtherCase);
    let mut name = response.clone();
    name[13] ^= 1;
    assert_eq!(query.fit(&name), Fit::None, "another name");
    for length in 0..40 {
        let fit = if length == 12 { Fit::Bare } else { Fit::None };
        assert_eq!(query.fit(&response[..length]), fit, "{length} bytes");
    }
}

#[test]
fn a_name_is_sent_in_the_case_that_is_asked_for_however_it_is_given() {
    let qname: Name = "wWw.Example.".parse().unwrap();
    let request = request(qname.as_ref(), Rtype::A);
    for (case, name) in [(Case::Lower, b"\x03www\x07example\0"), (Case::Upper, b"\x03WWW\x07EXAMPLE\0")] {
        let query = Query::new(&request, Form::WithoutEdns, case, &Random::new());
        assert_eq!(&query.bytes()[12..25], name);
    }
}

#[test]
fn a_query_over_tls_is_padded_to_a_block() {
    let random = Random::new();
    for qname in ["a.", "www.example.", "a-name-of-some-length.of-a-subdomain.example."] {
        let qname: Name = qname.parse().unwrap();
        let request = request(qname.as_ref(), Rtype::A);
        let query = Query::new(&request, Form::Padded, Case::Lower, &random);
        assert_eq!(query.bytes().len() % 128, 0);
        let message = Message::from_vec(query.bytes()).unwrap();
        assert_eq!(message.metadata.response_code, ResponseCode::NoError);
        assert!(message.edns.is_some());
    }
}

#[test]
fn what_is_cut_off_or_has_another_number_of_questions_is_not_taken_over_a_connection_either() {
    let qname: Name = "www.example.".parse().unwrap();
    let request = request(qname.as_ref(), Rtype::A);
    let query = Query::new(&request, Form::WithoutEdns, Case::Lower, &Random::new());
    let mut message = response(0, [&[record(1, 60, &[0; 4])], &[], &[]]);
    message[..2].copy_from_slice(&query.bytes()[..2]);
    assert_eq!(
        (query.accept(&message), query.classify(&message)),
        (Some(Fit::Exact), DatagramClass::Response)
    );
    for (at, bits, heard) in [
        (2, 2, DatagramClass::Truncated),
        (4, 1, DatagramClass::Mismatch),
        (5, 1, DatagramClass::Mismatch),
        (5, 3, DatagramClass::Mismatch),
    ] {
        let mut other = message.clone();
        other[at] ^= bits;
        assert_eq!((query.accept(&other), query.classify(&other)), (None, heard), "{bits} at {at}");
    }
}
