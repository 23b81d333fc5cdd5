//! Both ways with the crate `domain`: what it signs we verify, and what we sign it verifies.
//!
//! Two things it does in a way of its own, and they are not compared: as a server that cuts MACs it goes on from the
//! whole one behind the first message, which its own client does not follow; and the MAC of a BADTIME is made over eight
//! bytes of time where six are sent (RFC 8945, section 5.2.3). `tests/peers` has dig for that.

use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::tsig::Time48;
use domain::tsig::{self, ClientSequence, ClientTransaction, ServerSequence, ServerTransaction};

use super::*;

const ALGORITHMS: [(tsig::Algorithm, &str, Option<usize>); 6] = [
    (tsig::Algorithm::Sha1, "hmac-sha1", None),
    (tsig::Algorithm::Sha256, "hmac-sha256", None),
    (tsig::Algorithm::Sha384, "hmac-sha384", None),
    (tsig::Algorithm::Sha512, "hmac-sha512", None),
    (tsig::Algorithm::Sha256, "hmac-sha256-128", Some(16)),
    (tsig::Algorithm::Sha1, "hmac-sha1-80", Some(10)),
];

/// A key of both, with a name in both cases.
fn keys(algorithm: &(tsig::Algorithm, &str, Option<usize>)) -> (tsig::Key, Arc<Key>) {
    let name = "key.example".parse().unwrap();
    let theirs = tsig::Key::new(algorithm.0, &[3; 32], name, algorithm.2, algorithm.2).unwrap();
    (theirs, key("KEY.example", algorithm.1, 3))
}

fn now() -> Time48 {
    Time48::from_u64(NOW.seconds())
}

/// A question in the builder of theirs.
fn their_question() -> domain::base::message_builder::AdditionalBuilder<Vec<u8>> {
    let mut builder = MessageBuilder::new_vec().question();
    builder.push((Name::vec_from_str("www.example.").unwrap(), Rtype::A)).unwrap();
    builder.additional()
}

/// An answer of theirs to a request.
fn their_answer(request: &Message<Vec<u8>>) -> domain::base::message_builder::AdditionalBuilder<Vec<u8>> {
    MessageBuilder::new_vec().start_answer(request, Rcode::NOERROR).unwrap().additional()
}

fn message(bytes: Vec<u8>) -> Message<Vec<u8>> {
    Message::from_octets(bytes).unwrap()
}

#[test]
fn they_verify_our_request_and_we_their_answers() {
    for algorithm in &ALGORITHMS {
        let (theirs, ours) = keys(algorithm);
        let mut request = question(7);
        let mut asked = ClientExchange::sign_request(ours, &mut request, NOW).unwrap();
        let mut request = message(request);
        let mut server = ServerSequence::request(&theirs, &mut request, now()).unwrap().unwrap();
        for _ in 0..if algorithm.2.is_none() { 4 } else { 1 } {
            let mut response = their_answer(&request);
            server.answer(&mut response, now()).unwrap();
            let mut response = response.finish();
            assert_eq!(asked.verify(&mut response, NOW), Ok(()), "{algorithm:?}");
        }
        assert_eq!(asked.finish(), Ok(()));
    }
}

#[test]
fn we_verify_their_request_and_they_our_answers() {
    for algorithm in &ALGORITHMS {
        let (theirs, ours) = keys(algorithm);
        let mut request = their_question();
        let mut asked = ClientSequence::request(&theirs, &mut request, now()).unwrap();
        let mut request = request.finish();
        let mut server = verified(&[&ours], &mut request);
        for _ in 0..4 {
            let mut response = answer(u16::from_be_bytes([request[0], request[1]]));
            server.sign(&mut response, NOW).unwrap();
            asked
                .answer(&mut message(response), now())
                .unwrap_or_else(|error| panic!("{algorithm:?} {error}"));
        }
        asked.done().unwrap();
    }
}

#[test]
fn we_believe_their_badkey_and_they_ours() {
    let (theirs, _) = keys(&ALGORITHMS[1]);
    let other = key("other", "hmac-sha256", 3);
    let mut request = question(7);
    let mut asked = ClientExchange::sign_request(Arc::clone(&other), &mut request, NOW).unwrap();
    let mut read = message(request.clone());
    let error = ServerTransaction::request(&&theirs, &mut read, now()).unwrap_err();
    let response = error.build_message(&message(request), MessageBuilder::new_vec()).unwrap();
    assert_eq!(asked.verify(&mut response.finish(), NOW), Err(Unverified::Refused(TsigError::BADKEY)));

    let mut request = their_question();
    let asked = ClientTransaction::request(&theirs, &mut request, now()).unwrap();
    let request = request.finish();
    for (known, outcome) in [(other, "unknown key"), (key("key.example", "hmac-sha256", 4), "bad signature")]
    {
        let Received::Refused(refused) = received(&[&known], &mut request.clone()) else { panic!() };
        let response = refused.response(&request).unwrap();
        let error = asked.answer(&mut message(response), now()).unwrap_err();
        let of_server = match error {
            tsig::ValidationError::ServerBadKey => "unknown key",
            tsig::ValidationError::ServerBadSig => "bad signature",
            other => panic!("{other}"),
        };
        assert_eq!(of_server, outcome);
    }
}
