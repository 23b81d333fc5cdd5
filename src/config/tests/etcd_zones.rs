//! `[zone.etcd]`: what is read, and what an operator is told who writes it wrong.

use std::time::Duration;

use super::{Outcome, read};
use crate::zones::source::EtcdKeys;

/// What came of a zone with these lines.
fn zone(lines: &str) -> Outcome {
    read(format!("[[zone]]\nname = \"lab.example\"\n[zone.etcd]\n{lines}\n"))
}

const LEAST: &str = "endpoints = [\"https://192.0.2.9\"]\nnameservers = [\"ns.test\"]";

#[test]
fn a_zone_in_etcd_is_read_with_its_defaults_and_with_all_that_it_may_say() {
    let config = zone(LEAST).settings();
    let keys = config.zones[0].sources.find::<EtcdKeys>().unwrap();
    assert_eq!(keys.to_string(), "keys /skydns/example/lab of etcd https://192.0.2.9:2379");
    assert_eq!((keys.shrink_limit, keys.max_stale, keys.place.ttl.seconds()), (50, None, 300));
    assert_eq!(keys.place.nameservers.len(), 1);
    assert!(keys.access.login.is_none() && keys.access.server_name.is_none());
    let config = zone(
        "endpoints = [\"https://192.0.2.9:1\", \"http://[2001:db8::9]\"]\nlayout = \"zone\"\nprefix = \"/names\"\n\
         ttl = \"1m\"\nshrink-limit = \"100%\"\nmax-stale = \"24h\"\nserver-name = \"etcd.example\"",
    )
    .settings();
    let keys = config.zones[0].sources.find::<EtcdKeys>().unwrap();
    assert_eq!(
        keys.to_string(),
        "keys /names/lab.example/ of etcd https://192.0.2.9:1 http://[2001:db8::9]:2379"
    );
    assert_eq!((keys.shrink_limit, keys.max_stale), (100, Some(Duration::from_secs(86_400))));
}

#[test]
fn what_cannot_be_a_zone_in_etcd_is_told_with_the_remedy() {
    let told = |lines: &str| zone(lines).sentence();
    let more = |lines: &str| told(&format!("{LEAST}\n{lines}"));
    assert!(told("nameservers = [\"ns.test\"]").contains("endpoints"));
    assert!(told("endpoints = [\"https://192.0.2.9\"]").contains("nameservers"));
    let endpoint = |text: &str| told(&format!("endpoints = [\"{text}\"]\nnameservers = [\"ns.test\"]"));
    assert!(endpoint("https://etcd.example:2379").contains("names are not looked up at a start"));
    assert!(endpoint("192.0.2.9:2379").contains("neither `https://` nor `http://`"));
    assert!(more("shrink-limit = \"0%\"").contains("1% to 100%"));
    assert!(more("prefix = \"skydns\"").contains("begins with a slash"));
    assert!(more("user = \"edgedns\"").contains("no effect without `password-file`"));
    assert!(more("cert = \"client.pem\"").contains("no effect without `key`"));
    assert!(more("layout = \"dns\"").contains("layout"));
    assert!(more("layout = \"zone\"").contains("`nameservers` has no meaning with the layout `zone`"));
    let plain =
        "endpoints = [\"http://192.0.2.9\"]\nnameservers = [\"ns.test\"]\nserver-name = \"etcd.example\"";
    assert!(told(plain).contains("no effect without TLS"));
    let both = read(format!("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n[zone.etcd]\n{LEAST}\n"));
    assert!(both.sentence().contains("a zone has either"));
}
