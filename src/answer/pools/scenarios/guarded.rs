//! Plain RRsets that the configuration guards.

use super::*;
use crate::dns::Name;
use crate::dns::{Rtype, Ttl};
use crate::probe::{Port, ProbeKind, Tcp};
use crate::zone::{Expected, GuardTemplate, MinUp, Test};

/// A guarding of `owner` with one guard.
fn guarding(owner: &str, test: Test, choice: PoolSettings) -> Guarding {
    let mut sources = Sources::default();
    let span = Span::new(sources.add("guards", b"x".to_vec()), 0, 1);
    let owner: Name = format!("{owner}.x.example.").parse().unwrap();
    Guarding {
        owner,
        origin: span.into(),
        hosts: Vec::new(),
        guards: vec![GuardTemplate::each_second(test)],
        choice,
        records: Expected::Now,
    }
}

fn tcp() -> Test {
    Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(443).unwrap() }))
}

fn sorted(mut given: Given) -> Vec<String> {
    given.answers.sort_unstable();
    given.answers
}

const THREE: &str = "api A 192.0.2.1\napi A 192.0.2.2\napi A 192.0.2.3\n";

#[test]
fn backups_are_answered_when_none_of_the_rrset_passes() {
    let backups = vec![vec!["192.0.2.9".parse().unwrap()]];
    let choice =
        PoolSettings { backups, all_down: AllDown::Select(Selector::Empty), ..PoolSettings::default() };
    let (zone, said) = zone(THREE, vec![guarding("api", tcp(), choice)]);
    let zone = zone.unwrap_or_else(|| panic!("{said:?}"));
    assert_eq!(said, Vec::<String>::new());
    let [pool] = zone.pools() else { panic!("one pool") };
    assert_eq!(pool.groups.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1]);
    let backup = &pool.groups[1][0];
    assert_eq!((pool.show(backup), backup.guards.len()), ("192.0.2.9".to_owned(), 1));
    assert_eq!(Served::of(&zone, Verdict::Up).ask("api", RecordType::A).answers.len(), 3);
    assert_eq!(Served::of(&zone, Verdict::Down).ask("api", RecordType::A).answers.len(), 0);
}

#[test]
fn each_rrset_takes_the_backups_and_weights_of_its_family() {
    let backups = vec![vec!["2001:db8::9".parse().unwrap()], vec!["192.0.2.9".parse().unwrap()]];
    let three = NonZeroU32::new(3).unwrap();
    let weights = vec![("192.0.2.2".parse().unwrap(), three), ("2001:db8::9".parse().unwrap(), three)];
    let choice =
        PoolSettings { backups, weights, selector: Selector::WeightedRandom, ..PoolSettings::default() };
    let text = format!("{THREE}api AAAA 2001:db8::1\n");
    let (zone, said) = zone(&text, vec![guarding("api", tcp(), choice)]);
    assert_eq!(said, Vec::<String>::new());
    let zone = zone.unwrap();
    let shown = |pool: &Pool| {
        let member = |member: &Member| format!("{} x{}", pool.show(member), member.weight);
        pool.groups.iter().map(|group| group.iter().map(member).collect()).collect::<Vec<Vec<_>>>()
    };
    let [v4, v6] = zone.pools() else { panic!("two pools") };
    let (v4, v6) = if v4.rtype == Rtype::A { (v4, v6) } else { (v6, v4) };
    assert_eq!(shown(v4), [vec!["192.0.2.1 x1", "192.0.2.2 x3", "192.0.2.3 x1"], vec!["192.0.2.9 x1"]]);
    assert_eq!(shown(v6), [vec!["2001:db8::1 x1"], vec!["2001:db8::9 x3"]]);
}

#[test]
fn an_srv_record_is_guarded_by_its_port_at_each_address_of_its_target() {
    let text = "_etcd._tcp SRV 0 10 2380 etcd-0\n_etcd._tcp SRV 0 10 2381 etcd-1\n_etcd._tcp SRV 0 0 0 .\n\
                etcd-0 A 192.0.2.1\netcd-0 AAAA 2001:db8::1\n*.w A 192.0.2.7\n\
                etcd-1 LUA A \"ifportup(6443, {'192.0.2.2'})\"\n";
    let (zone, said) = zone(text, vec![guarding("_etcd._tcp", Test::TargetPort, PoolSettings::default())]);
    let zone = zone.unwrap_or_else(|| panic!("{said:?}"));
    let pool = zone.pools().iter().find(|pool| pool.rtype == Rtype::SRV).unwrap();
    let probes = |member: &Member| {
        member.guards.iter().map(|guard| guard.probe.to_string()).collect::<Vec<_>>().join(" ")
    };
    let members: Vec<String> = pool.groups[0].iter().map(probes).collect();
    assert_eq!(members, ["192.0.2.1:2380 [2001:db8::1]:2380", "192.0.2.2:2381", ""]);
    assert_eq!(
        sorted(Served::of(&zone, Verdict::Up).ask("_etcd._tcp", RecordType::SRV)),
        [
            "_etcd._tcp 60 SRV 0 0 0 .",
            "_etcd._tcp 60 SRV 0 10 2380 etcd-0.x.example.",
            "_etcd._tcp 60 SRV 0 10 2381 etcd-1.x.example."
        ]
    );
    let down = Served::of(&zone, Verdict::Down).ask("_etcd._tcp", RecordType::SRV);
    assert_eq!(down.answers, ["_etcd._tcp 60 SRV 0 0 0 ."]);
}

#[test]
fn what_cannot_be_guarded_is_an_error_and_what_never_holds_a_warning() {
    let said = |text: &str, guardings: Vec<Guarding>| zone(text, guardings).1.join("\n");
    let missing = said(
        "_s._tcp SRV 0 0 1 host.example.net.\n",
        vec![guarding("_s._tcp", Test::TargetPort, PoolSettings::default())],
    );
    assert!(missing.contains("error edgedns.toml:1:1: `host.example.net.`, a target of"), "{missing}");
    let none = said(THREE, vec![guarding("api", Test::TargetPort, PoolSettings::default())]);
    assert!(none.contains("`api.x.example.` has no SRV record to guard"), "{none}");
    let other = PoolSettings { selector: Selector::Random, ..PoolSettings::default() };
    let twice =
        said(THREE, vec![guarding("api", tcp(), PoolSettings::default()), guarding("api", tcp(), other)]);
    assert!(twice.contains("`api.x.example.` is guarded twice, with different choices"), "{twice}");
    let choice = PoolSettings {
        ttl_degraded: Ttl::from_seconds(61),
        min_up: MinUp::Count(NonZeroU32::new(4).unwrap()),
        weights: vec![("192.0.2.8".parse().unwrap(), NonZeroU32::MIN)],
        backups: vec![vec!["2001:db8::9".parse().unwrap()]],
        ..PoolSettings::default()
    };
    let never = said(THREE, vec![guarding("api", tcp(), choice)]);
    for expected in [
        "`ttl-degraded` is 61, longer than the TTL of `api.x.example.`: 60 holds",
        "`api.x.example.` has 3 A records: `min-up` is never reached",
        "`api.x.example.` has no address 192.0.2.8: its weight means nothing",
        "`api.x.example.` has no AAAA record: the backup 2001:db8::9 is never answered",
    ] {
        assert!(never.contains(&format!("warning edgedns.toml:1:1: {expected}")), "{never}");
    }
}

#[test]
fn guards_of_two_blocks_add_up_for_backups_too() {
    let backups = vec![vec!["192.0.2.9".parse().unwrap()]];
    let choice = PoolSettings { backups, ..PoolSettings::default() };
    let other = Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(443).unwrap() }));
    let guardings = vec![guarding("api", tcp(), choice.clone()), guarding("api", other, choice)];
    let zone = zone(THREE, guardings).0.unwrap();
    let members = zone.pools()[0].groups.iter().flatten();
    assert!(members.into_iter().all(|member| member.guards.len() == 2));
}
