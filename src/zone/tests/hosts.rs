//! What a zone says of its hosts to pools of other zones.

use super::guards::ALL;
use super::*;

#[test]
fn a_host_has_addresses_of_its_own_and_whatever_else_a_name_is_has_a_reason() {
    let text = sound!(
        "m0 10 A 192.0.2.2" "m0 10 A 192.0.2.1" "m0 20 AAAA 2001:db8::1" "text 10 TXT x" "alias 10 CNAME m0"
        "*.wild 10 A 192.0.2.3" "sub 10 NS ns.sub" "ns.sub 10 A 192.0.2.4" "moved 10 DNAME example.test." "pool 10 A 192.0.2.5"
    );
    let mut lab = Lab::new(text).lua("lua", "text").guard("pool", 443, ALL);
    let named = lab.named;
    let host = |word: &str| HostName { name: name(word.as_bytes()), origin: named.into(), elsewhere: None };
    let guarding = Guarding {
        owner: name(b"api"),
        origin: named.into(),
        hosts: vec![host("m0")],
        guards: vec![lab.template(443)],
        choice: PoolSettings::default(),
        records: Expected::Now,
    };
    lab.builder.guard(guarding.clone());
    let zone = lab.finish().0.unwrap();
    let said = |word: &str| zone.host(name(word.as_bytes()).as_ref(), std::slice::from_ref(&guarding));
    let shown = |word: &str| -> Vec<String> {
        let addresses = said(word).unwrap();
        addresses.iter().map(|one| format!("{} {}", one.address, one.ttl.seconds())).collect()
    };
    assert_eq!(shown("m0"), ["192.0.2.1 10", "192.0.2.2 10", "2001:db8::1 20"]);
    assert_eq!(shown("pool"), ["192.0.2.5 10"], "a guarded host is a host, whatever its verdict");
    for (word, why) in [
        ("none", NoHost::NoName),
        ("any.wild", NoHost::NoName),
        ("wild", NoHost::NoAddress),
        ("text", NoHost::NoAddress),
        ("alias", NoHost::Alias),
        ("lua", NoHost::Lua),
        ("sub", NoHost::Below),
        ("ns.sub", NoHost::Below),
        ("deep.ns.sub", NoHost::Below),
        ("other.sub", NoHost::Below),
        ("any.moved", NoHost::Below),
        ("api", NoHost::Members),
    ] {
        assert_eq!(said(word).err(), Some(why), "{word}");
    }
}
