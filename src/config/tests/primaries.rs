//! `primary` of a zone: what is read, and what an operator is told who writes it wrong.

use super::{Outcome, read};
use crate::transfer::incoming::LuaRecords;
use crate::zones::source::{Changing, Primaries};

const KEY: &str = "[[key]]\nname = \"transfer\"\nsecret = \"c2VjcmV0c2VjcmV0c2VjcmV0\"\n";

/// What came of a zone with these lines.
fn zone(lines: &str) -> Outcome {
    read(format!("{KEY}[server]\nlisten = [\"192.0.2.9:53\"]\n[[zone]]\nname = \"lab.example\"\n{lines}\n"))
}

#[test]
fn primaries_are_read_with_ports_transports_and_keys() {
    let list = "[\"192.0.2.1\", \"[2001:db8::1]:5353 key:Transfer\", \"tls://192.0.2.2#ns1.example\"]";
    let config = zone(&format!("primary = {list}\nlua = \"accept\"")).settings();
    let primaries = config.zones[0].sources.find::<Primaries>().unwrap();
    let told: Vec<String> = primaries.list.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["192.0.2.1:53", "[2001:db8::1]:5353 key:transfer", "tls://192.0.2.2:853#ns1.example"]);
    assert_eq!(primaries.lua, LuaRecords::Accept);
    assert!(config.zones[0].sources.file().is_none());
    let usual = zone("primary = [\"192.0.2.1\"]").settings();
    assert_eq!(usual.zones[0].sources.find::<Primaries>().unwrap().lua, LuaRecords::Refuse);
}

#[test]
fn what_cannot_be_a_primary_is_told_with_the_remedy() {
    let told = |lines: &str| zone(lines).sentence();
    let list = |item: &str| told(&format!("primary = [\"{item}\"]"));
    assert!(told("file = \"lab.zone\"\nprimary = [\"192.0.2.1\"]").contains("either `file` or `primary`"));
    assert!(told("primary = []").contains("1 to 16 items, not 0"));
    assert!(told("primary = \"192.0.2.1\"").contains("takes a list"));
    assert!(told("file = \"lab.zone\"\nlua = \"accept\"").contains("there is no `primary`"));
    assert!(told("primary = [\"192.0.2.1\", \"192.0.2.1:53\"]").contains("asked already"));
    assert!(list("192.0.2.9").contains("this server itself"));
    assert!(list("ns1.example").contains("no address of a primary"));
    assert!(list("192.0.2.1:0").contains("port 0"));
    assert!(list("https://192.0.2.1#ns1.example").contains("zones are not copied over HTTPS"));
    assert!(list("quic://192.0.2.1#ns1.example").contains("zones are not copied over QUIC"));
    assert!(list("0.0.0.0").contains("0.0.0.0"));
    assert!(list("192.0.2.1 transfer").contains("`transfer` is no key"));
    assert!(list("192.0.2.1 key:trnsfer").contains("no `[[key]]` has the name `trnsfer`"));
    assert!(list("192.0.2.1 key:transfer now").contains("one word too many"));
    assert!(told("").contains("file"), "one of the two must be there");
    assert!(told("file = \"lab.zone\"\nca = \"ca.pem\"").contains("there is no `primary`"));
    assert!(
        told("primary = [\"tls://192.0.2.1#ns1.example\"]\nca = \"nowhere.pem\"").contains("nowhere.pem")
    );
}

#[test]
fn a_copy_says_whose_updates_are_passed_on_and_leaves_the_rest_to_its_primary() {
    let block = |lines: &str| zone(&format!("primary = [\"192.0.2.1\"]\n[[zone.update]]\n{lines}"));
    let config = block("allow = [\"192.0.2.0/24\", \"key:transfer\"]").settings();
    assert_eq!(config.zones[0].updates.len(), 1);
    assert!(config.zones[0].sources.find::<Changing>().is_none(), "nobody changes it here");
    let told = block("allow = [\"192.0.2.0/24\"]\nnames = [\"**\"]").sentence();
    assert!(told.contains("`names` has no place in a zone that is copied"), "{told}");
    let told = block("allow = [\"192.0.2.0/24\"]\ntypes = [\"TXT\"]").sentence();
    assert!(told.contains("`types` has no place"), "{told}");
    assert!(block("allow = []").sentence().contains("nobody's updates are passed on"));
}
