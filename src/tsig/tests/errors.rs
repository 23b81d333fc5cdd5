//! Requests that are not verified, and what is answered.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::dns::message::{Header, Rcode};

/// A request for `www.example.` signed with `key` at `signed`.
fn signed(key: &Arc<Key>, at: Time) -> (Vec<u8>, ClientExchange) {
    let mut request = question(7);
    let asked = ClientExchange::sign_request(Arc::clone(key), &mut request, at).unwrap();
    (request, asked)
}

/// How a request is refused: the response, and the TSIG error that it should hold.
fn refused(keys: &[&Arc<Key>], request: &[u8]) -> (Refused, Vec<u8>) {
    let mut message = request.to_vec();
    let Received::Refused(refused) = received(keys, &mut message) else { panic!("it was not refused") };
    assert_eq!(message, request, "a request that is refused stays as it came");
    let Received::Refused(again) = received(keys, &mut message) else { unreachable!() };
    let response = again.response(request).unwrap();
    let header = Header::read(&response).unwrap();
    assert!(header.is_response());
    assert_eq!((header.id, header.flags & 0x0f), (7, Rcode::NOTAUTH.0));
    (*refused, response)
}

#[test]
fn a_key_that_nobody_knows_and_one_with_another_algorithm_are_badkey_unsigned() {
    let ours = key("ours", "hmac-sha256", 1);
    let other_algorithm = key("ours", "hmac-sha512", 1);
    for theirs in [key("theirs", "hmac-sha256", 1), other_algorithm] {
        let (request, mut asked) = signed(&theirs, NOW);
        let (refused, mut response) = refused(&[&ours], &request);
        assert_eq!((refused.error(), refused.is_md5()), (TsigError::BADKEY, false));
        assert_eq!(refused.key(), theirs.name().as_ref());
        assert_eq!(asked.verify(&mut response, NOW), Err(Unverified::Refused(TsigError::BADKEY)));
    }
}

#[test]
fn another_secret_is_badsig_unsigned() {
    let (request, mut asked) = signed(&key("k", "hmac-sha256", 1), NOW);
    let (refused, mut response) = refused(&[&key("k", "hmac-sha256", 2)], &request);
    assert_eq!(refused.error(), TsigError::BADSIG);
    assert_eq!(asked.verify(&mut response, NOW), Err(Unverified::Refused(TsigError::BADSIG)));
}

#[test]
fn another_time_is_badtime_signed_with_the_clients_time_and_ours() {
    let key = key("k", "hmac-sha256", 1);
    for (seconds, taken) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let at = Time::from_seconds(NOW.seconds().checked_add_signed(seconds).unwrap());
        let (request, mut asked) = signed(&key, at);
        if taken {
            verified(&[&key], &mut request.clone());
            continue;
        }
        let (refused, mut response) = refused(&[&key], &request);
        assert_eq!((refused.error(), refused.signed(), refused.now()), (TsigError::BADTIME, at, NOW));
        assert_eq!(&response[response.len() - 8..], [&[0, 6], &NOW.bytes()[..]].concat());
        let record = record::find(&response).unwrap().unwrap();
        assert_eq!(record.fields.signed, at);
        assert_eq!(asked.verify(&mut response, at), Err(Unverified::ClocksDiffer { theirs: NOW }));
    }
}

#[test]
fn a_wrong_secret_at_a_wrong_time_is_badsig() {
    let (request, _) = signed(&key("k", "hmac-sha256", 1), Time::from_seconds(5));
    assert_eq!(refused(&[&key("k", "hmac-sha256", 2)], &request).0.error(), TsigError::BADSIG);
}

#[test]
fn a_mac_that_is_cut_further_than_the_key_allows_is_badtrunc_signed() {
    let (whole, cut) = (key("k", "hmac-sha256", 1), key("k", "hmac-sha256-128", 1));
    let (request, mut asked) = signed(&cut, NOW);
    let (refused, mut response) = refused(&[&whole], &request);
    assert_eq!(refused.error(), TsigError::BADTRUNC);
    assert_eq!(asked.verify(&mut response, NOW), Err(Unverified::Refused(TsigError::BADTRUNC)));
    // A key that is cut takes whole MACs as well.
    for theirs in [&whole, &cut] {
        verified(&[&cut], &mut signed(theirs, NOW).0);
    }
}

#[test]
fn an_answer_that_is_wrong_late_or_of_another_key_is_not_believed() {
    let key_one = key("k", "hmac-sha256", 1);
    let (mut request, asked) = signed(&key_one, NOW);
    let server = verified(&[&key_one], &mut request);
    let outcome = |at: Time, change: &dyn Fn(&mut Vec<u8>)| {
        let mut response = answer(7);
        server.clone().sign(&mut response, at).unwrap();
        change(&mut response);
        asked.clone().verify(&mut response, NOW)
    };
    assert_eq!(outcome(NOW, &|_| {}), Ok(()));
    assert_eq!(outcome(NOW, &|response| response[13] ^= 1), Err(Unverified::WrongMac));
    let late = Time::from_seconds(NOW.seconds() + 301);
    assert_eq!(outcome(late, &|_| {}), Err(Unverified::WrongTime { signed: late }));
    let name_at = answer(7).len() + 1;
    assert_eq!(outcome(NOW, &|response| response[name_at] = b'x'), Err(Unverified::OtherKey));
    assert_eq!(outcome(NOW, &|response| response.push(0)), Err(Unverified::Malformed));
}

/// A signed request that was changed.
fn is_malformed(change: impl Fn(&mut Vec<u8>)) -> bool {
    let key = key("k", "hmac-sha256", 1);
    let mut request = signed(&key, NOW).0;
    change(&mut request);
    let outcome = received(&[&key], &mut request);
    matches!(outcome, Received::Malformed)
}

#[test]
fn a_tsig_that_is_not_the_last_record_not_alone_or_not_well_formed_is_a_format_error() {
    let tsig_at = question(7).len();
    let extra = [0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
    // Another record behind it; another TSIG; bytes behind it; in the answer section.
    assert!(is_malformed(|request| {
        request.extend_from_slice(&extra);
        request[11] += 1;
    }));
    assert!(is_malformed(|request| {
        let again = request[tsig_at..].to_vec();
        request.extend(again);
        request[11] += 1;
    }));
    assert!(is_malformed(|request| request.push(0)));
    assert!(is_malformed(|request| (request[7], request[11]) = (1, 0)));
    // Class and TTL; a MAC of nine bytes, and one of 33; a length that does not fit.
    assert!(is_malformed(|request| request[tsig_at + 6] = 1));
    assert!(is_malformed(|request| request[tsig_at + 10] = 1));
    for bytes in [0_usize, 9, 15, 33] {
        assert!(is_malformed(|request| set_mac_bytes(request, tsig_at, bytes)), "{bytes}");
    }
    assert!(is_malformed(|request| *request.last_mut().unwrap() = 1));
    assert!(is_malformed(|request| request.truncate(tsig_at + 20)));
}

/// Gives a TSIG of the key `k` a MAC of so many bytes.
fn set_mac_bytes(request: &mut Vec<u8>, tsig_at: usize, bytes: usize) {
    // The name, ten bytes, the algorithm, time and fudge.
    let length_at = tsig_at + 3 + 10 + 13 + 8;
    let rdata = u16::try_from(13 + 16 + bytes).unwrap();
    request[tsig_at + 11..tsig_at + 13].copy_from_slice(&rdata.to_be_bytes());
    request[length_at + 1] = u8::try_from(bytes).unwrap();
    request.splice(length_at + 2..length_at + 34, vec![0; bytes]);
}

#[test]
fn md5_is_badkey_and_recognized() {
    let tsig_at = question(7).len();
    let key = key("k", "hmac-sha256", 1);
    let (mut request, _) = signed(&key, NOW);
    let md5 = b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0";
    request.splice(tsig_at + 13..tsig_at + 26, md5.iter().copied());
    request[tsig_at + 12] += u8::try_from(md5.len() - 13).unwrap();
    let (refused, response) = refused(&[&key], &request);
    assert_eq!((refused.error(), refused.is_md5()), (TsigError::BADKEY, true));
    let record = record::find(&response).unwrap().unwrap();
    assert_eq!(record.algorithm.wire(), md5);
}

#[test]
fn who_sends_an_opt_record_gets_one_with_the_error() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = question(7);
    request.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    request[11] = 1;
    ClientExchange::sign_request(key, &mut request, NOW).unwrap();
    let (_, response) = refused(&[], &request);
    assert_eq!(response[11], 2);
    let (_, response) = refused(&[], &signed(&super::key("k", "hmac-sha256", 1), NOW).0);
    assert_eq!(response[11], 1);
}

#[test]
fn a_response_is_never_answered() {
    let key = key("k", "hmac-sha256", 1);
    let mut request = answer(7);
    ClientExchange::sign_request(key, &mut request, NOW).unwrap();
    let Received::Refused(refused) = received(&[], &mut request.clone()) else { panic!() };
    assert_eq!(refused.response(&request), None);
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let key = key("k", "hmac-sha256", 1);
        let mut asked = signed(&key, NOW).1;
        let _ = asked.verify(&mut bytes.clone(), NOW);
        if let Received::Refused(refused) = received(&[&key], &mut bytes.clone()) {
            let _ = refused.response(&bytes);
        }
    }

    #[test]
    fn a_request_that_is_changed_anywhere_is_not_verified(at in 0..200_usize, to in any::<u8>(), cut in any::<bool>()) {
        let key = key("k", "hmac-sha256", 1);
        let request = signed(&key, NOW).0;
        let mut changed = request.clone();
        let at = at % changed.len();
        if cut { changed.truncate(at) } else { changed[at] = to }
        // The id is not signed, its original is; letters of names have no case.
        let original = |bytes: &[u8]| bytes.get(2..).unwrap_or_default().to_ascii_lowercase();
        let same = original(&changed) == original(&request);
        let sent = changed.clone();
        match received(&[&key], &mut changed) {
            Received::Verified(_) => prop_assert!(same),
            Received::Refused(refused) => {
                // The question's letters are signed as they are.
                let is_case = refused.error() == TsigError::BADSIG;
                prop_assert!(!same || is_case);
                let _ = refused.response(&sent);
            }
            Received::Unsigned | Received::Malformed => prop_assert!(!same),
        }
    }
}
