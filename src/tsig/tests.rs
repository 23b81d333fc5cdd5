//! Signing and verifying, against the crate `domain`, and against what is wrong.

mod errors;
mod oracle;

use std::sync::Arc;

use super::*;
use crate::dns::message_writer::owned;
use crate::dns::{Name, Rtype};

/// Some moment.
pub(super) const NOW: Time = Time::from_seconds(1_800_000_000);

/// A key of this name with a secret that is made of a byte.
pub(super) fn key(name: &str, algorithm: &str, byte: u8) -> Arc<Key> {
    let secret = Secret::from_bytes(&[byte; 32]);
    Arc::new(Key::new(name.parse().unwrap(), algorithm.parse().unwrap(), &secret))
}

/// A question for `www.example.`.
pub(super) fn question(id: u16) -> Vec<u8> {
    let qname: Name = "www.example.".parse().unwrap();
    owned(512, id, 0x0100, |message| message.question(qname.as_ref(), Rtype::A, 1))
}

/// An answer to it, without records.
pub(super) fn answer(id: u16) -> Vec<u8> {
    let mut answer = question(id);
    answer[2] |= 0x84;
    answer
}

/// What becomes of a request where these keys are known.
pub(super) fn received(keys: &[&Arc<Key>], request: &mut Vec<u8>) -> Received {
    let keys = KeyRing::new(keys.iter().map(|key| Arc::clone(key)).collect());
    receive(&keys, request, NOW)
}

/// As [`received`], of one that is verified.
pub(super) fn verified(keys: &[&Arc<Key>], request: &mut Vec<u8>) -> Verified {
    match received(keys, request) {
        Received::Verified(verified) => verified,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_request_is_verified_and_comes_out_as_it_was() {
    let key = key("Transfer.Example", "hmac-sha256", 1);
    let mut request = question(7);
    ClientExchange::sign_request(Arc::clone(&key), &mut request, NOW).unwrap();
    let mut cased = request.clone();
    let at = question(7).len() + 1;
    cased[at..at + 8].make_ascii_uppercase();
    for mut message in [request, cased] {
        let verified = verified(&[&key], &mut message);
        assert_eq!(verified.key().to_string(), "transfer.example");
        assert_eq!(message, question(7));
    }
}

#[test]
fn a_response_is_verified_with_the_request_it_answers_and_with_no_other() {
    let key = key("k", "hmac-sha512", 1);
    let (mut one, mut other) = (question(7), question(8));
    let mut asked = ClientExchange::sign_request(Arc::clone(&key), &mut one, NOW).unwrap();
    let mut asked_other = ClientExchange::sign_request(Arc::clone(&key), &mut other, NOW).unwrap();
    let mut response = answer(7);
    let mut server = verified(&[&key], &mut one);
    server.sign(&mut response, NOW).unwrap();
    assert_eq!(response.len(), answer(7).len() + server.signature_bytes());
    assert_eq!(asked_other.verify(&mut response.clone(), NOW), Err(Unverified::WrongMac));
    assert_eq!(asked.verify(&mut response, NOW), Ok(()));
    assert_eq!(response, answer(7));
    assert_eq!(asked.finish(), Ok(()));
}

#[test]
fn a_request_whose_id_was_changed_on_its_way_is_verified_with_the_one_it_was_signed_with() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = question(7);
    ClientExchange::sign_request(Arc::clone(&key), &mut request, NOW).unwrap();
    request[..2].copy_from_slice(&[9, 9]);
    verified(&[&key], &mut request);
    assert_eq!(request, question(0x0909));
}

#[test]
fn of_two_keys_the_one_that_is_named_counts() {
    let (one, other) = (key("one", "hmac-sha256", 1), key("other", "hmac-sha384", 2));
    for used in [&one, &other] {
        let mut request = question(7);
        ClientExchange::sign_request(Arc::clone(used), &mut request, NOW).unwrap();
        assert_eq!(verified(&[&other, &one], &mut request).key(), used.name());
    }
}

#[test]
fn a_transfer_is_verified_with_messages_in_between_that_are_not_signed() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = question(7);
    let asked = ClientExchange::sign_request(Arc::clone(&key), &mut request, NOW).unwrap();
    let mut server = verified(&[&key], &mut request);
    let mut first = answer(7);
    server.sign(&mut first, NOW).unwrap();
    let last = |unsigned: usize| {
        let mut response = answer(7);
        let unsigned = vec![answer(7); unsigned].concat();
        server.clone().sign_behind(&unsigned, &mut response, NOW);
        response
    };
    for (unsigned, outcome) in [(0, Ok(())), (1, Ok(())), (99, Ok(())), (100, Err(Unverified::Unsigned))] {
        let mut asked = asked.clone();
        assert_eq!(asked.verify(&mut first.clone(), NOW), Ok(()));
        let taken: Result<Vec<()>, Unverified> =
            (0..unsigned).map(|_| asked.verify(&mut answer(7), NOW)).collect();
        assert_eq!(taken.map(|_| ()), outcome, "{unsigned}");
        if outcome.is_ok() {
            assert_eq!(asked.finish().is_ok(), unsigned == 0);
            assert_eq!(asked.verify(&mut last(unsigned), NOW), Ok(()), "{unsigned}");
            assert_eq!(asked.finish(), Ok(()));
        }
    }
}

#[test]
fn a_transfer_in_which_a_message_is_missing_changed_or_in_another_place_is_not_verified() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = question(7);
    let asked = ClientExchange::sign_request(Arc::clone(&key), &mut request, NOW).unwrap();
    let mut server = verified(&[&key], &mut request);
    let messages: Vec<Vec<u8>> = (0..3)
        .map(|_| {
            let mut message = answer(7);
            server.sign(&mut message, NOW).unwrap();
            message
        })
        .collect();
    let outcome = |order: &[usize]| {
        let mut asked = asked.clone();
        order.iter().map(|&at| asked.verify(&mut messages[at].clone(), NOW)).collect::<Vec<_>>()
    };
    assert_eq!(outcome(&[0, 1, 2]), [Ok(()); 3]);
    assert_eq!(outcome(&[0, 2]), [Ok(()), Err(Unverified::WrongMac)]);
    assert_eq!(outcome(&[1]), [Err(Unverified::WrongMac)]);
    assert_eq!(outcome(&[0, 1, 1]), [Ok(()), Ok(()), Err(Unverified::WrongMac)]);
}

#[test]
fn the_first_response_must_be_signed() {
    let key = key("k", "hmac-sha256", 1);
    let mut asked = ClientExchange::sign_request(key, &mut question(7), NOW).unwrap();
    assert_eq!(asked.finish(), Err(Unverified::Unsigned));
    assert_eq!(asked.verify(&mut answer(7), NOW), Err(Unverified::Unsigned));
}

#[test]
fn what_has_no_room_for_a_signature_is_left_as_it_was() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = question(7);
    ClientExchange::sign_request(Arc::clone(&key), &mut request, NOW).unwrap();
    let mut server = verified(&[&key], &mut request);
    let mut long = answer(7);
    long.resize(65_535 - server.signature_bytes() + 1, 0);
    let before = long.clone();
    assert_eq!(server.sign(&mut long, NOW), Err(TooLong));
    assert_eq!(long, before);
    long.pop();
    assert_eq!(server.sign(&mut long, NOW), Ok(()));
    assert_eq!(long.len(), 65_535);
    assert_eq!(server.sign(&mut vec![0; 11], NOW), Err(TooLong));
}

#[test]
fn algorithms_are_read_as_they_are_shown() {
    for text in ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha256-128", "hmac-sha1-80"]
    {
        assert_eq!(text.parse::<Algorithm>().unwrap().to_string(), text);
    }
    assert_eq!("HMAC-SHA256.".parse(), Ok(Algorithm::DEFAULT));
    assert_eq!("hmac-sha256-256".parse(), Ok(Algorithm::DEFAULT));
    let refused = |text: &str| text.parse::<Algorithm>().unwrap_err();
    assert_eq!(refused("hmac-md5"), AlgorithmError::Md5);
    assert_eq!(refused("HMAC-MD5.SIG-ALG.REG.INT"), AlgorithmError::Md5);
    assert_eq!(refused("hmac-sha224"), AlgorithmError::Sha224);
    assert_eq!(refused("sha256"), AlgorithmError::Unknown);
    assert_eq!(refused("hmac-sha2567"), AlgorithmError::Unknown);
    for bits in ["120", "264", "129", "", "x"] {
        let refused = refused(&format!("hmac-sha256-{bits}"));
        assert_eq!(refused, AlgorithmError::Truncation { min: 128, max: 256 }, "{bits}");
    }
}

#[test]
fn a_secret_is_read_from_base64_and_not_shown() {
    let secret = Secret::from_base64(b" c2VjcmV0\nc2VjcmV0\n").unwrap();
    assert_eq!(secret, Secret::from_bytes(b"secretsecret"));
    assert_eq!(Secret::from_base64(b"YQ"), Secret::from_base64(b"YQ=="));
    assert_eq!(secret.to_base64(), "c2VjcmV0c2VjcmV0");
    assert_eq!(Secret::from_base64(b" \n"), Err(SecretError::Empty));
    assert_eq!(Secret::from_base64(b"not base64!"), Err(SecretError::NotBase64));
    let key = Key::new("k".parse().unwrap(), Algorithm::DEFAULT, &secret);
    assert_eq!(format!("{secret:?} {key:?}"), "Secret(…) Key(k hmac-sha256)");
}
