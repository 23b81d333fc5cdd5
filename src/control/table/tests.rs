//! The status as it is read, and pools that cannot be overlooked.

use super::*;
use crate::control::{OutcomesStatus, TransportStatus};

fn target(id: usize, verdict: &str, believed: &str, forced: Option<&str>) -> TargetStatus {
    TargetStatus {
        id,
        name: format!("127.0.1.{id}:6443"),
        probe: "tcp".to_owned(),
        verdict: verdict.to_owned(),
        believed: believed.to_owned(),
        forced: forced.map(str::to_owned),
        since: "2026-11-21T02:18:00Z".parse().unwrap(),
        latency_ms: Some(0.25),
        last_error: (believed == "down").then(|| "connection refused".to_owned()),
        outcomes: OutcomesStatus { passed: 1, failed: 0, local: 0 },
        ..TargetStatus::default()
    }
}

fn member(id: usize) -> MemberStatus {
    let verdict = if id == 13 { "up" } else { "down" }.to_owned();
    MemberStatus { address: format!("127.0.1.{id}"), verdict, share: None, targets: vec![id] }
}

#[test]
fn the_table_shows_pools_members_and_zones() {
    let pool = PoolStatus {
        view: None,
        owner: "api.lab.example.".to_owned(),
        rtype: "A".to_owned(),
        standing: "up".to_owned(),
        members: vec![member(13), member(14)],
        answering: vec!["127.0.1.13".to_owned()],
        elsewhere: None,
    };
    let zone = ZoneStatus {
        view: None,
        kept_at: None,
        records: Some(12),
        name: "lab.example.".to_owned(),
        serial: Some(7),
        file: "lab.zone".to_owned(),
        source: "lab.zone".to_owned(),
        stale_seconds: None,
        copied: None,
        etcd: None,
        loaded_at: Some("2026-11-21T02:17:00Z".parse().unwrap()),
        error: None,
        drawn: None,
        catalog: None,
        group: None,
        journal: None,
        signed_until: None,
        hosts_unknown: None,
    };
    let status = Status {
        version: "1".to_owned(),
        started_at: "2026-11-21T01:17:20Z".parse().unwrap(),
        uptime_seconds: 3700,
        transports: vec![TransportStatus {
            queries: 12,
            responses: [("answered", 9), ("nxdomain", 3)].map(|(kind, n)| (kind.to_owned(), n)).into(),
            ..TransportStatus::default()
        }],
        zones: vec![zone],
        pools: vec![pool],
        targets: vec![target(13, "up", "up", None), target(14, "up", "down", Some("down"))],
        ..Status::default()
    };
    let expected = "\
edgedns 1, up 1 h 1 min, ready

  MEMBER      PROBE                VERDICT                       SINCE        LATENCY  LAST ERROR
api.lab.example. A: 1 of 2 up, now 127.0.1.13
  127.0.1.13  tcp 127.0.1.13:6443  up                            1 min ago    0.2 ms
  127.0.1.14  tcp 127.0.1.14:6443  down (forced; probes say up)  1 min ago    0.2 ms   connection refused

ZONE          SERIAL  RECORDS  LOADED     FILE      ERROR
lab.example.  7       12       2 min ago  lab.zone

1 zone, 1 pool, 2 targets (1 up, 1 down)
12 queries: 9 answered, 3 nxdomain
";
    let squeezed = |text: &str| {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&status_lines(&status, None, Look::Plain)), squeezed(expected));
    let coloured = status_lines(&status, None, Look::Coloured);
    assert!(
        coloured.contains("\x1b[32mup\x1b[0m") && coloured.contains("\x1b[33m1 of 2 up\x1b[0m"),
        "{coloured}"
    );
    let mut before = status.clone();
    before.uptime_seconds -= 2;
    before.transports[0].queries -= 10;
    let watched = status_lines(&status, Some(&before), Look::Plain);
    assert!(watched.contains("12 queries (5 a second): "), "{watched}");
}

#[test]
fn a_pool_whose_members_are_all_down_cannot_be_overlooked() {
    let pool = |standing: &str, members: Vec<MemberStatus>| PoolStatus {
        view: None,
        owner: "api.".to_owned(),
        rtype: "A".to_owned(),
        standing: standing.to_owned(),
        members,
        answering: Vec::new(),
        elsewhere: None,
    };
    let member = |verdict: &str| MemberStatus { verdict: verdict.to_owned(), ..member(1) };
    let title = |pool| pool_title(&pool, Look::Plain);
    let (up, down) = (member("up"), member("down"));
    assert_eq!(title(pool("all-down", vec![down.clone(); 2])), "api. A: ALL 2 DOWN, now no record");
    assert_eq!(title(pool("all-down", vec![up.clone(), down])), "api. A: TOO FEW UP: 1 of 2, now no record");
    assert_eq!(title(pool("up", vec![up])), "api. A: 1 of 1 up, now no record");
}

#[test]
fn where_a_zone_is_signed_the_table_shows_when_its_signatures_end() {
    let zone = |name: &str, until: Option<&str>| ZoneStatus {
        name: name.to_owned(),
        signed_until: until.map(|until| until.parse().unwrap()),
        ..ZoneStatus::default()
    };
    let of = |zones: Vec<ZoneStatus>| {
        let started_at = "2026-11-21T00:00:00Z".parse().unwrap();
        let status = Status { started_at, uptime_seconds: 0, zones, ..Status::default() };
        status_lines(&status, None, Look::Plain)
    };
    let plain = of(vec![zone("plain.example.", None)]);
    assert!(!plain.contains("SIGNATURES"), "{plain}");
    let lines = of(vec![
        zone("plain.example.", None),
        zone("week.example.", Some("2026-12-01T00:00:00Z")),
        zone("soon.example.", Some("2026-11-23T00:00:00Z")),
        zone("late.example.", Some("2026-11-20T00:00:00Z")),
    ]);
    let column = |name: &str| {
        let at = lines.lines().find(|line| line.starts_with("ZONE")).unwrap().find("SIGNATURES END").unwrap();
        let row = lines.lines().find(|line| line.starts_with(name)).unwrap();
        row[at..].split("  ").next().unwrap().to_owned()
    };
    assert_eq!(
        ["plain", "week", "soon", "late"].map(column),
        ["-", "in 10 d 0 h", "in 2 d 0 h", "ENDED"],
        "{lines}"
    );
}

#[test]
fn forcing_that_means_nothing_is_warned_about() {
    let order = ForceOrder {
        pattern: "127.0.9.*".parse().unwrap(),
        order: crate::health::force::Order::Down,
        lasts: None,
        remark: None,
    };
    let forced = Forced { targets: Vec::new(), not_kept: Some("no folder".to_owned()) };
    assert_eq!(
        force_lines(&order, &forced),
        "warning: `127.0.9.*` means no target that is watched now\n\
             warning: this will not outlive a restart: no folder\n"
    );
}
