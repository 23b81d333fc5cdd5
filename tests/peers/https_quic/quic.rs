//! QUIC: queries, whole zones, and a certificate for another name.

use super::*;

#[test]
fn kdig_asks_over_quic_and_verifies_the_certificate() {
    let encrypted = started("listen-quic");
    let asked = |words: &[&str]| encrypted.kdig(&[&["+quic"][..], words].concat());
    let Some(said) = asked(&["www.lab.example", "A"]) else { return };
    assert!(
        said.contains("NOERROR") && said.contains("192.0.2.1") && said.contains("QUIC session"),
        "{said}"
    );
    let said = asked(&["nothing.lab.example", "A"]).expect("kdig");
    assert!(said.contains("NXDOMAIN"), "{said}");
    let said = asked(&["big.lab.example", "TXT"]).expect("kdig");
    assert!(said.contains("119 xxx"), "{said}");
    let three = ["+keepopen", "www.lab.example", "ns.lab.example", "alias.lab.example"];
    let said = asked(&three).expect("kdig");
    assert_eq!(said.matches("status: NOERROR").count(), 3, "{said}");
    let other = asked(&["+tls-hostname=ns2.lab.example", "www.lab.example", "A"]).expect("kdig");
    assert!(!other.contains("192.0.2.1"), "{other}");
    let status = encrypted.site.status();
    let transports = status["transports"].as_array().expect("transports").iter();
    let queries: Vec<_> =
        transports.map(|one| (one["transport"].as_str(), one["queries"].as_u64())).collect();
    assert!(queries.contains(&(Some("quic"), Some(6))), "{queries:?}");
    encrypted.program.stop();
}

#[test]
fn kdig_has_a_hundred_and_fifty_answers_on_one_connection() {
    let encrypted = started("listen-quic");
    let names = [&["+quic", "+keepopen"][..], &["www.lab.example"; 150]].concat();
    let Some(said) = encrypted.kdig(&names) else { return };
    assert_eq!(said.matches("status: NOERROR").count(), 150);
    let handshakes = encrypted.site.status()["tcp"]["handshakes"]["completed"].as_u64();
    assert_eq!(handshakes, Some(1), "one connection");
    encrypted.program.stop();
}
