//! What keys of the layout say, by example.

use super::super::pool::PoolReader;
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
        pools: PoolReader::default(),
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

/// The keys of those documents.
const DOCUMENTED_KEYS: &[(&str, &str)] = &[
    ("/skydns/test/skydns/region1/dev/server1/a", r#"{"host":"dev.server1","port":8080}"#),
    ("/skydns/test/skydns/region1/prod/server1/a", r#"{"host":"10.0.0.1","port":8080}"#),
    ("/skydns/test/skydns/region1/prod/server1/b", r#"{"host":"10.0.0.2","port":8080}"#),
    ("/skydns/test/skydns/region1/prod/server6/b", r#"{"host":"::1","port":8080}"#),
    ("/skydns/test/skydns/region1/prod/cname", r#"{"host":"unresolvable.skydns.test"}"#),
    ("/skydns/test/skydns/priority", r#"{"host":"priority.server1","priority":333,"port":8080}"#),
    ("/skydns/test/skydns/region1/sub/a", r#"{"host":"sub.server1"}"#),
    ("/skydns/test/skydns/region1/sub/b", r#"{"host":"sub.server2","port":80}"#),
    ("/skydns/test/skydns/region1/sub/c", r#"{"host":"10.0.0.1","port":8080}"#),
    ("/skydns/test/skydns/dns/ns/a", r#"{"host":"10.0.0.2"}"#),
    ("/skydns/test/skydns/dns/ns/b", r#"{"host":"10.0.0.3"}"#),
    ("/skydns/test/skydns/readme/", r#"{"host":"1.1.1.1","ttl":60}"#),
    ("/skydns/test/skydns/several/x1", r#"{"host":"1.1.1.1","ttl":"60"}"#),
    ("/skydns/test/skydns/several/x2", r#"{"host":"1.1.1.2","ttl":"60"}"#),
    ("/skydns/test/skydns/several/x3", r#"{"host":"2003::8:1","ttl":"60"}"#),
    ("/skydns/test/skydns/several/x4", r#"{"host":"2003::8:2","ttl":"60"}"#),
    (
        "/skydns/test/skydns/several/x5",
        r#"{"host":"skydns-local.server","ttl":60,"priority":10,"port":8080}"#,
    ),
    ("/skydns/test/skydns/several/x6", r#"{"ttl":60,"text":"this is a random text message."}"#),
];

/// Name, type, what CoreDNS answers, and what is answered here where that is something else.
type Row = (&'static str, &'static str, &'static [&'static str], Option<&'static [&'static str]>);

/// What is documented.
const DOCUMENTED: &[Row] = &[
    ("a.server1.prod.region1", "A", &["300 A 10.0.0.1"], None),
    ("server1.prod.region1", "A", &["300 A 10.0.0.1", "300 A 10.0.0.2"], None),
    ("b.server6.prod.region1", "AAAA", &["300 AAAA ::1"], None),
    ("ns.dns", "A", &["300 A 10.0.0.2", "300 A 10.0.0.3"], None),
    ("readme", "A", &["60 A 1.1.1.1"], None),
    ("several", "A", &["60 A 1.1.1.1", "60 A 1.1.1.2"], None),
    ("several", "AAAA", &["60 AAAA 2003::8:1", "60 AAAA 2003::8:2"], None),
    ("several", "TXT", &[r#"60 TXT "this is a random text message.""#], None),
    ("doesnotexist", "A", &[], None),
    ("a.server1.dev.region1", "TXT", &[], None),
    ("a.server1.nonexistent.region1", "HINFO", &[], None),
    // The weights that CoreDNS makes: 100, shared out.
    (
        "several",
        "SRV",
        &["60 SRV 10 100 8080 skydns-local.server."],
        Some(&["60 SRV 10 0 8080 skydns-local.server."]),
    ),
    (
        "a.server1.prod.region1",
        "SRV",
        &["300 SRV 10 100 8080 a.server1.prod.region1.skydns.test."],
        Some(&["300 SRV 10 0 8080 a.server1.prod.region1.skydns.test."]),
    ),
    // And a port of 0, which is no service, makes no SRV record.
    (
        "sub.region1",
        "SRV",
        &[
            "300 SRV 10 33 0 sub.server1.",
            "300 SRV 10 33 80 sub.server2.",
            "300 SRV 10 33 8080 c.sub.region1.skydns.test.",
        ],
        Some(&["300 SRV 10 0 80 sub.server2.", "300 SRV 10 0 8080 c.sub.region1.skydns.test."]),
    ),
    // An alias is answered as one, whatever is asked.
    ("a.server1.dev.region1", "SRV", &["300 SRV 10 100 8080 dev.server1."], Some(&[])),
    ("a.server1.dev.region1", "CNAME", &["300 CNAME dev.server1."], None),
    ("priority", "SRV", &["300 SRV 333 100 8080 priority.server1."], Some(&[])),
    // A star in a question is a name like any other.
    ("prod.*", "SRV", &["300 SRV 10 25 8080 a.server1.prod.region1.skydns.test."], Some(&[])),
];

/// What CoreDNS answers by its own documents, and what is answered here with `subtree = true`. The keys and answers are
/// those of `plugin/etcd/README.md` and of the table in `plugin/etcd/lookup_test.go` (github.com/coredns/coredns at
/// 449c913372561a25b62e9fb93c5a652308220eba). CoreDNS writes weights of its own into SRV records; here they are as written,
/// and an alias has no other records.
#[test]
fn with_subtree_names_answer_what_coredns_documents_but_for_weights_and_aliases() {
    let all = answers(&place("skydns.test.", Subtree::Joined), DOCUMENTED_KEYS);
    for (name, rtype, coredns, ours) in DOCUMENTED {
        let (owner, kind) = (format!("{name}.skydns.test. "), format!(" {rtype} "));
        let here: Vec<&str> = all
            .iter()
            .filter_map(|line| line.strip_prefix(owner.as_str()))
            .filter(|rest| rest.contains(&kind))
            .collect();
        assert_eq!(here, ours.unwrap_or(coredns), "{name} {rtype}");
    }
    let reverse = place("0.0.10.in-addr.arpa.", Subtree::Joined);
    assert!(
        answers(&reverse, &[("/skydns/arpa/in-addr/10/0/0/127", r#"{"host":"reverse.skydns.local."}"#)])
            .contains(&"127.0.0.10.in-addr.arpa. 300 PTR reverse.skydns.local.".to_owned())
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
    assert!(fault(key, r#"{"host":"192.0.2.1","ttl":"soon"}"#).contains("`ttl` is a number of seconds"));
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
