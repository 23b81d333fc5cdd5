//! From keys to versions: change by change, and at once.

use proptest::prelude::*;

use super::*;
use crate::etcd::{Change, KeyValue};
use crate::layout::{Place, PoolReader, ReadPool, Subtree, layout};
use crate::probe::{Port, ProbeKind, Tcp};
use crate::zone::{GuardTemplate, PoolSettings, Selector};
use crate::zones::source::{Changing, ZoneSources};

fn keys(name: &str) -> Keys {
    let layout = layout(name).unwrap();
    let nameservers = match layout.apex {
        ApexRecords::Configured => vec!["ns.test.".parse().unwrap()],
        ApexRecords::InKeys => Vec::new(),
    };
    let place = Place {
        apex: "lab.example.".parse().unwrap(),
        prefix: layout.prefix.to_owned(),
        ttl: Ttl::from_seconds(300).unwrap(),
        subtree: Subtree::Apart,
        nameservers,
        text: zonefile::Settings::default(),
        pools: PoolReader::new(Ports),
    };
    Keys::new(layout, place)
}

/// A pool is a port here, with `only` before it one that answers a single address.
#[derive(Debug)]
struct Ports;

impl ReadPool for Ports {
    fn read(&self, text: &[u8]) -> Result<Guards, String> {
        let text = std::str::from_utf8(text).unwrap();
        let port = text.trim_start_matches("only ").parse().map_err(|_| "no port")?;
        let selector = if text.starts_with("only ") { Selector::First } else { Selector::All };
        Ok(Guards { guards: vec![guard(port)], choice: PoolSettings { selector, ..PoolSettings::default() } })
    }

    fn is_same(&self, _: &dyn ReadPool) -> bool {
        true
    }
}

fn guard(port: u16) -> GuardTemplate {
    GuardTemplate::each_second(Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(port).unwrap() })))
}

fn made(keys: &mut Keys, current: Option<&ZoneVersion>, revision: u64) -> Result<Made, String> {
    guarded(keys, current, revision, &[])
}

/// The same where the config file guards these names.
fn guarded(
    keys: &mut Keys,
    current: Option<&ZoneVersion>,
    revision: u64,
    names: &[&str],
) -> Result<Made, String> {
    let mut sources = ZoneSources::default();
    sources.push(Changing::Updates);
    let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
    let id = ZoneId::from("lab.example.".parse::<Name>().unwrap());
    let guarding = |owner: &&str| Guarding {
        owner: owner.parse().unwrap(),
        origin: span.into(),
        hosts: Vec::new(),
        guards: vec![guard(6443)],
        choice: PoolSettings::default(),
        records: Expected::Now,
    };
    let making = Making {
        id: &id,
        inputs: Arc::new(Inputs {
            sources,
            guards: names.iter().map(guarding).collect(),
            ..Inputs::default()
        }),
        apexes: Arc::default(),
        wants_hosts: false,
        span,
        store: "etcd",
        revision,
    };
    make(&making, keys, current)
}

fn put(keys: &mut Keys, key: &str, value: &str) {
    keys.put(KeyValue {
        key: key.as_bytes().to_vec(),
        value: value.as_bytes().to_vec(),
        revision: 1,
        lease: None,
    });
}

fn line(keys: &mut Keys, owner: &str, value: &str) {
    put(keys, &format!("/edgedns/lab.example/{owner}"), value);
}

/// The zone as text, without its SOA record.
fn text(version: &ZoneVersion) -> Vec<String> {
    let mut text = String::new();
    zonefile::write(version.contents.as_deref().unwrap(), &mut text);
    text.lines()
        .filter(|line| !line.contains(" SOA ") && !line.contains("\tSOA\t"))
        .map(str::to_owned)
        .collect()
}

const SOA: &str = "60 SOA ns.test. host.test. 1 3600 600 604800 60\n60 NS ns.test.";

#[test]
fn a_version_has_the_serial_of_the_revision_and_nothing_new_makes_none() {
    let mut keys = keys("skydns");
    put(&mut keys, "/skydns/example/lab/api", r#"{"host":"192.0.2.1"}"#);
    let first = made(&mut keys, None, 7).unwrap().version.unwrap();
    assert_eq!((first.serial, first.records), (7, 3));
    put(&mut keys, "/skydns/example/lab/api", r#"{"host":"192.0.2.1", "weight": 3}"#);
    assert!(made(&mut keys, Some(&first), 8).unwrap().version.is_none(), "another value, the same records");
    put(&mut keys, "/skydns/example/lab/api", r#"{"host":"192.0.2.2"}"#);
    let second = made(&mut keys, Some(&first), 9).unwrap().version.unwrap();
    assert_eq!((second.serial, second.records), (9, 3));
    let zone = second.contents.as_deref().unwrap();
    let api = zone.node(zone.find("api.lab.example.".parse::<Name>().unwrap().as_ref()).unwrap());
    let origin = api.all_rrsets().next().unwrap().origin().in_words().unwrap();
    assert_eq!(origin, "key /skydns/example/lab/api of etcd");
}

#[test]
fn names_that_break_a_rule_stay_as_they_were_and_others_change() {
    let mut keys = keys("zone");
    line(&mut keys, "@", SOA);
    line(&mut keys, "a.sub", "60 A 192.0.2.1");
    let first = made(&mut keys, None, 5).unwrap().version.unwrap();
    line(&mut keys, "sub", "60 DNAME other.test.");
    line(&mut keys, "well", "60 A 192.0.2.2");
    let Made { version, refused } = made(&mut keys, Some(&first), 6).unwrap();
    let second = version.unwrap();
    assert_eq!(second.serial, 6);
    assert!(text(&second).iter().any(|line| line.starts_with("well")), "{:?}", text(&second));
    let [(name, fault)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((name.to_string(), &*fault.key), ("sub.lab.example.".to_owned(), "/edgedns/lab.example/sub"));
    // What was in its way goes: then it is served.
    keys.take(Change::Gone { key: b"/edgedns/lab.example/a.sub".to_vec(), revision: 7 });
    let Made { version, refused } = made(&mut keys, Some(&second), 7).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(text(&version.unwrap()).iter().any(|line| line.contains("DNAME")));
}

#[test]
fn a_zone_is_made_without_the_names_that_break_a_rule() {
    let mut keys = keys("zone");
    assert!(made(&mut keys, None, 5).err().unwrap().starts_with("no SOA record is in the key /edgedns/"));
    line(&mut keys, "@", SOA);
    line(&mut keys, "sub", "60 DNAME other.test.");
    line(&mut keys, "a.sub", "60 A 192.0.2.1");
    line(&mut keys, "well", "60 A 192.0.2.2");
    line(&mut keys, "lua", "10 LUA A \"ifportup(443, {'192.0.2.9'})\"");
    let Made { version, refused } = made(&mut keys, None, 6).unwrap();
    let version = version.unwrap();
    assert_eq!((refused.len(), version.pools.len()), (1, 1), "{refused:?}");
    assert!(text(&version).iter().any(|line| line.starts_with("well")));
}

/// What guards the addresses of `api`.
fn probes(version: &ZoneVersion) -> Vec<String> {
    let pool = version.pools.iter().find(|pool| pool.owner == "api.lab.example.".parse().unwrap());
    let members = pool.into_iter().flat_map(|pool| pool.groups.iter().flatten());
    members.flat_map(|member| member.guards.iter().map(|guard| guard.probe.to_string())).collect()
}

#[test]
fn a_key_that_guards_otherwise_than_the_config_file_is_a_fault_of_that_key_alone() {
    let mut keys = keys("zone");
    line(&mut keys, "@", SOA);
    line(&mut keys, "api", "60 A 192.0.2.1");
    line(&mut keys, "well", "60 A 192.0.2.2");
    line(&mut keys, "api#pool", "only 22623");
    let names = ["api.lab.example."];
    let Made { version, refused } = guarded(&mut keys, None, 1, &names).unwrap();
    let first = version.unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].1.to_string().contains("api#pool: the config file guards"), "{}", refused[0].1);
    assert!(text(&first).iter().any(|line| line.starts_with("well")), "{:?}", text(&first));
    assert_eq!(probes(&first).len(), 1, "{:?}", probes(&first));
    // With the same choices both must pass.
    line(&mut keys, "api#pool", "22623");
    let Made { version, refused } = guarded(&mut keys, Some(&first), 2, &names).unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(probes(&version.unwrap()).len(), 2);
    // A name that breaks a rule at the start is left out, and its guard with it.
    let mut keys = self::keys("zone");
    line(&mut keys, "@", SOA);
    line(&mut keys, "api", "60 A 192.0.2.1\n60 CNAME other.test.");
    line(&mut keys, "well", "60 A 192.0.2.2");
    let Made { version, refused } = guarded(&mut keys, None, 1, &names).unwrap();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(text(&version.unwrap()).iter().any(|line| line.starts_with("well")));
}

#[test]
fn of_two_keys_that_guard_a_name_the_first_counts_until_it_is_gone() {
    let mut keys = keys("zone");
    line(&mut keys, "@", SOA);
    line(&mut keys, "api", "60 A 192.0.2.1");
    line(&mut keys, "API#pool", "443");
    line(&mut keys, "api#pool", "8443");
    let Made { version, refused } = made(&mut keys, None, 1).unwrap();
    let first = version.unwrap();
    assert!(refused.len() == 1 && refused[0].1.to_string().contains("another key guards"), "{refused:?}");
    assert!(probes(&first)[0].contains(":443"), "{:?}", probes(&first));
    keys.take(Change::Gone { key: b"/edgedns/lab.example/API#pool".to_vec(), revision: 2 });
    let Made { version, refused } = made(&mut keys, Some(&first), 2).unwrap();
    let second = version.unwrap();
    assert!(refused.is_empty() && probes(&second)[0].contains(":8443"), "{:?}", probes(&second));
    keys.take(Change::Gone { key: b"/edgedns/lab.example/api#pool".to_vec(), revision: 3 });
    assert!(probes(&made(&mut keys, Some(&second), 3).unwrap().version.unwrap()).is_empty());
}

#[test]
fn lua_records_come_change_and_go() {
    let mut keys = keys("zone");
    line(&mut keys, "@", SOA);
    let mut current = made(&mut keys, None, 1).unwrap().version.unwrap();
    let steps: [(&str, usize); 3] = [
        ("10 LUA A \"ifportup(443, {'192.0.2.9'})\"", 1),
        ("10 LUA A \"ifportup(444, {'192.0.2.8'})\"", 1),
        ("10 A 192.0.2.7", 0),
    ];
    for (number, (value, pools)) in (2..).zip(steps) {
        line(&mut keys, "api", value);
        current = made(&mut keys, Some(&current), number).unwrap().version.unwrap();
        assert_eq!((current.pools.len(), u64::from(current.serial)), (pools, number), "{value}");
    }
}

/// What may happen to a key.
#[derive(Clone, Debug)]
enum Step {
    Put(usize, usize),
    Delete(usize),
    Make,
}

const NAMES: [&str; 9] = ["a", "b", "web/1", "web/2", "a/deep/down", "*", "apps/*", "_tcp/_x/0", ""];

const VALUES: [&str; 8] = [
    r#"{"host":"192.0.2.1"}"#,
    r#"{"host":"192.0.2.2","ttl":60}"#,
    r#"{"host":"192.0.2.2","targetstrip":1}"#,
    r#"{"host":"other.test"}"#,
    r#"{"host":"2001:db8::1","text":"t","port":80}"#,
    r#"{"text":"only","ttl":7}"#,
    r#"{"host":"mx.test","mail":true,"targetstrip":1}"#,
    "bad",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..NAMES.len(), 0..VALUES.len()).prop_map(|(name, value)| Step::Put(name, value)),
        2 => (0..NAMES.len()).prop_map(Step::Delete),
        2 => Just(Step::Make),
    ]
}

proptest! {
    #[test]
    fn what_is_made_from_change_to_change_is_what_the_keys_say_at_once(
        steps in proptest::collection::vec(step(), 1..40)
    ) {
        let mut changing = keys("skydns");
        let mut current = made(&mut changing, None, 1).unwrap().version.unwrap();
        let key = |name: usize| format!("/skydns/example/lab/{}", NAMES[name]).trim_end_matches('/').to_owned();
        let mut revision = 1;
        for step in steps.into_iter().chain([Step::Make]) {
            match step {
                Step::Put(name, value) => put(&mut changing, &key(name), VALUES[value]),
                Step::Delete(name) => {
                    changing.take(Change::Gone { key: key(name).into_bytes(), revision });
                }
                Step::Make => {
                    revision += 1;
                    if let Some(next) = made(&mut changing, Some(&current), revision).unwrap().version {
                        current = next;
                    }
                }
            }
        }
        let mut anew = keys("skydns");
        let kept = changing.lend();
        let kept = kept.iter().map(|(key, value)| KeyValue {
            key: key.to_vec(),
            value: value.bytes.to_vec(),
            revision: value.revision,
            lease: value.lease,
        });
        anew.restate(kept.collect());
        let whole = made(&mut anew, None, revision).unwrap().version.unwrap();
        prop_assert_eq!(text(&current), text(&whole));
    }
}
