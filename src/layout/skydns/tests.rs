//! What keys of the layout say, by example.

use super::super::settle::settle;
use super::*;
use crate::dns::rdata;
use crate::zonefile;

fn place(apex: &str, subtree: Subtree) -> Place {
    Place {
        apex: apex.parse().unwrap(),
        prefix: "/skydns".to_owned(),
        ttl: Ttl::from_seconds(300).unwrap(),
        subtree,
        nameservers: Vec::new(),
        text: zonefile::Settings::default(),
    }
}

/// What all names answer: `owner ttl type rdata`, sorted.
fn answers(place: &Place, keys: &[(&str, &str)]) -> Vec<String> {
    type Items<'k> = Vec<(&'k [u8], Item)>;
    let mut owners: Vec<(Name, Items<'_>)> = Vec::new();
    for (key, value) in keys {
        for item in read(place, key.as_bytes(), value.as_bytes()).expect("a key of ours").unwrap() {
            let owner = item.owner.clone();
            match owners.iter_mut().find(|(name, _)| *name == owner) {
                Some((_, items)) => items.push((key.as_bytes(), item)),
                None => owners.push((owner, vec![(key.as_bytes(), item)])),
            }
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for (owner, items) in owners {
        for (_, Record { rtype, ttl, rdata, .. }) in settle(&items).records {
            let mut shown = String::new();
            rdata::write(rtype, &rdata, &mut shown);
            lines.push(format!("{owner} {} {rtype} {shown}", ttl.seconds()));
        }
    }
    lines.sort();
    lines
}

fn lab(keys: &[(&str, &str)]) -> Vec<String> {
    answers(&place("lab.example.", Subtree::Apart), keys)
}

#[test]
fn a_key_answers_at_its_own_name() {
    assert_eq!(
        lab(&[
            ("/skydns/example/lab/api", r#"{"host":"192.0.2.1","ttl":60}"#),
            ("/skydns/example/lab/v6", r#"{"host":"2001:db8::1"}"#),
            ("/skydns/example/lab/apps/*", r#"{"host":"192.0.2.2"}"#),
            ("/skydns/example/lab/alias", r#"{"host":"api.lab.example"}"#),
            ("/skydns/example/lab/info", r#"{"text":"hello \"you\""}"#),
            ("/skydns/example/lab", r#"{"host":"192.0.2.3"}"#),
        ]),
        [
            "*.apps.lab.example. 300 A 192.0.2.2",
            "alias.lab.example. 300 CNAME api.lab.example.",
            "api.lab.example. 60 A 192.0.2.1",
            r#"info.lab.example. 300 TXT "hello \"you\"""#,
            "lab.example. 300 A 192.0.2.3",
            "v6.lab.example. 300 AAAA 2001:db8::1",
        ]
    );
}

#[test]
fn a_random_leaf_of_external_dns_answers_at_the_name_above() {
    assert_eq!(
        lab(&[
            (
                "/skydns/example/lab/web/1a2b3c4d",
                r#"{"host":"192.0.2.1","text":"\"heritage=external-dns,external-dns/owner=me\"","targetstrip":1,"ttl":30}"#
            ),
            (
                "/skydns/example/lab/web/5e6f7a8b",
                r#"{"host":"192.0.2.2","targetstrip":1,"ttl":30,"owner":"me"}"#
            ),
        ]),
        [
            "web.lab.example. 30 A 192.0.2.1",
            "web.lab.example. 30 A 192.0.2.2",
            r#"web.lab.example. 30 TXT "\"heritage=external-dns,external-dns/owner=me\"""#,
        ]
    );
}

#[test]
fn services_answer_at_their_name_and_their_children_do() {
    assert_eq!(
        lab(&[
            (
                "/skydns/example/lab/_tcp/_etcd-server-ssl/0",
                r#"{"host":"etcd-0.lab.example","port":2380,"priority":0,"weight":10}"#
            ),
            (
                "/skydns/example/lab/_tcp/_etcd-server-ssl/1",
                r#"{"host":"192.0.2.9","port":2380,"priority":20}"#
            ),
            ("/skydns/example/lab/_udp/_sip", r#"{"host":"sip.lab.example","port":5060}"#),
            ("/skydns/example/lab/plain", r#"{"host":"192.0.2.5","port":80}"#),
        ]),
        [
            "1._etcd-server-ssl._tcp.lab.example. 300 A 192.0.2.9",
            "_etcd-server-ssl._tcp.lab.example. 300 SRV 10 10 2380 etcd-0.lab.example.",
            "_etcd-server-ssl._tcp.lab.example. 300 SRV 20 0 2380 1._etcd-server-ssl._tcp.lab.example.",
            "_sip._udp.lab.example. 300 SRV 10 0 5060 sip.lab.example.",
            "plain.lab.example. 300 A 192.0.2.5",
            "plain.lab.example. 300 SRV 10 0 80 plain.lab.example.",
        ]
    );
}

#[test]
fn mail_is_an_mx_record_and_reverse_zones_have_ptr_records() {
    assert_eq!(
        lab(&[
            (
                "/skydns/example/lab/mail/a",
                r#"{"host":"mx1.example.net","mail":true,"priority":5,"targetstrip":1}"#
            ),
            ("/skydns/example/lab/mx", r#"{"host":"192.0.2.4","mail":true}"#),
        ]),
        [
            "mail.lab.example. 300 MX 5 mx1.example.net.",
            "mx.lab.example. 300 A 192.0.2.4",
            "mx.lab.example. 300 MX 10 mx.lab.example.",
        ]
    );
    let reverse = place("2.0.192.in-addr.arpa.", Subtree::Apart);
    let key = "/skydns/arpa/in-addr/192/0/2/7";
    assert_eq!(
        answers(&reverse, &[(key, r#"{"host":"api.lab.example."}"#)]),
        ["7.2.0.192.in-addr.arpa. 300 PTR api.lab.example."]
    );
    let refused = read(&reverse, key.as_bytes(), br#"{"host":"192.0.2.1"}"#).unwrap().unwrap_err();
    assert!(refused.to_string().starts_with("/skydns/arpa/in-addr/192/0/2/7: `host` is an address"));
}

/// The examples of the documentation of CoreDNS' plugin `etcd`.
#[test]
fn with_subtree_a_name_answers_with_all_below_it() {
    let joined = place("skydns.local.", Subtree::Joined);
    let lines = answers(
        &joined,
        &[
            ("/skydns/local/skydns/x1", r#"{"host":"1.1.1.1","ttl":60}"#),
            ("/skydns/local/skydns/x2", r#"{"host":"1.1.1.2","ttl":60}"#),
            ("/skydns/local/skydns/deep/x3", r#"{"host":"other.test","ttl":60}"#),
        ],
    );
    assert_eq!(
        lines,
        [
            "skydns.local. 60 A 1.1.1.1",
            "skydns.local. 60 A 1.1.1.2",
            "x1.skydns.local. 60 A 1.1.1.1",
            "x2.skydns.local. 60 A 1.1.1.2",
            "x3.deep.skydns.local. 60 CNAME other.test.",
        ]
    );
}

#[test]
fn what_says_nothing_of_use_is_told_with_its_key() {
    let place = place("lab.example.", Subtree::Apart);
    let fault = |key: &str, value: &str| {
        read(&place, key.as_bytes(), value.as_bytes()).unwrap().unwrap_err().to_string()
    };
    let key = "/skydns/example/lab/x";
    assert_eq!(
        fault(key, r#"{"host": 7}"#),
        "/skydns/example/lab/x: invalid type: integer `7`, expected a string at line 1 column 10"
    );
    assert_eq!(fault(key, "{}"), "/skydns/example/lab/x: the value has neither `host` nor `text`");
    assert_eq!(fault(key, ""), "/skydns/example/lab/x: the value is empty");
    assert!(fault(key, r#"{"host":"a..b"}"#).contains("`host` is no name"));
    assert!(fault(key, r#"{"host":"192.0.2.1","targetstrip":2}"#).contains("leads out of the zone"));
    assert!(
        fault("/skydns/example/lab/a..b", r#"{"host":"192.0.2.1"}"#)
            .starts_with("/skydns/example/lab/a..b: ")
    );
    assert!(read(&place, b"/skydns/example/lab2", b"{}").is_none(), "another zone");
    assert!(read(&place, b"/skydns/example", b"{}").is_none(), "above the zone");
}

#[test]
fn a_long_text_is_several_strings() {
    let rdata = strings(&"x".repeat(300)).unwrap();
    assert_eq!((rdata.len(), rdata[0], rdata[256]), (302, 255, 45));
}

#[test]
fn a_name_has_a_key_that_is_read_as_that_name() {
    let place = place("lab.example.", Subtree::Apart);
    for (name, key) in [
        ("lab.example.", "/skydns/example/lab"),
        ("*.apps.LAB.example.", "/skydns/example/lab/apps/*"),
        ("_sip._udp.lab.example.", "/skydns/example/lab/_udp/_sip"),
    ] {
        let name: Name = name.parse().unwrap();
        assert_eq!(key_of(&place, &name), key);
        let items = read(&place, key.as_bytes(), br#"{"host":"192.0.2.1"}"#).unwrap().unwrap();
        assert_eq!(items[0].owner, name);
    }
}
