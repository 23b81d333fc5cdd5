//! DNS over TLS: what is counted and shown of it, and padding.

use super::*;

/// An option of the OPT record.
fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value");
    [&code.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

#[test]
fn a_padded_query_is_answered_in_whole_blocks_and_over_encrypted_transports_alone() {
    let encrypted = Encrypted::new("nsid = \"master-1\"", "");
    let program = encrypted.start();
    let mut client = encrypted.connect();
    let padding = option(12, &[0; 40]);
    assert_eq!(ask(&mut client, &query(1, &padding)).len(), 468);
    assert!(ask(&mut client, &query(2, &[])).len() < 100, "nobody asked for it");
    let with_name = ask(&mut client, &query(3, &[option(3, &[]), padding.clone()].concat()));
    assert_eq!(with_name.len(), 468);
    assert!(with_name.windows(8).any(|bytes| bytes == b"master-1"));
    let mut plain = TcpStream::connect(program.listen()).expect("a listener");
    assert!(ask(&mut plain, &query(4, &padding)).len() < 100, "it would hide nothing");
    program.stop();
}

#[test]
fn what_comes_over_tls_is_counted_and_shown_as_such() {
    let encrypted = Encrypted::new("", "");
    let (site, program) = (&encrypted.site, encrypted.start());
    let mut client = encrypted.connect();
    for id in 0..5 {
        ask(&mut client, &query(id, &[]));
    }
    let status = site.status();
    let over = |name: &str| {
        let all = status["transports"].as_array().expect("transports");
        all.iter().find(|one| one["transport"] == name).expect("a transport")["queries"].as_u64()
    };
    assert_eq!((over("tls"), over("tcp")), (Some(5), Some(0)), "{status}");
    assert_eq!(status["tcp"]["handshakes"]["completed"].as_u64(), Some(1), "{status}");
    let places = status["listening"].as_array().expect("listeners");
    assert!(places.iter().any(|one| one["protocols"] == "TLS"), "{status}");
    program.stop();
}
