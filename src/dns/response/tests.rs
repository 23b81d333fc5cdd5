//! Messages, whole and broken, taken apart.

use super::*;

/// `www.example. CNAME api.example.`, `api.example. A 192.0.2.1`, and an OPT record with an extended error.
const MESSAGE: &[u8] = b"\x12\x34\x85\x00\x00\x01\x00\x02\x00\x00\x00\x01\
    \x03www\x07example\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x06\x03api\xc0\x10\
    \xc0\x29\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x04\xc0\x00\x02\x01\
    \x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x06\x00\x0f\x00\x02\x00\x14";

#[test]
fn names_come_back_in_full() {
    let response = Response::read(MESSAGE).unwrap();
    let lines: Vec<String> = response.answers().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["www.example. 60 IN CNAME api.example.", "api.example. 10 IN A 192.0.2.1"]);
    assert_eq!(response.answers()[0].target().unwrap().to_string(), "api.example.");
    assert_eq!(response.flags().collect::<Vec<_>>(), ["qr", "aa", "rd"]);
    assert_eq!(response.edns, Some(ResponseEdns { payload: 1232, error: Some(20) }));
    assert_eq!(response.rcode, Rcode::BADVERS);
    assert!(response.is_authoritative());
}

#[test]
fn a_response_that_is_cut_off_anywhere_is_not_taken_apart() {
    for length in 0..MESSAGE.len() {
        assert_eq!(Response::read(&MESSAGE[..length]), None, "{length}");
    }
}

#[test]
fn pointers_in_a_circle_end() {
    let mut message = MESSAGE.to_vec();
    message[0x1d..0x1f].copy_from_slice(b"\xc0\x1d");
    assert_eq!(Response::read(&message), None);
}
