//! The text of the metrics, of a status made by hand.

use std::collections::HashSet;

use super::*;
use crate::control::{CopiedStatus, MemberStatus, OutcomesStatus, UdpStatus};
use crate::forward::{ForwardCacheStatus, ForwardStatus, UpstreamStatus};

#[allow(clippy::too_many_lines, reason = "a value for each field")]
fn status() -> Status {
    let zone = ZoneStatus {
        view: None,
        name: "lab.example.".to_owned(),
        serial: Some(2_026_112_001),
        records: Some(12),
        file: "lab.zone".to_owned(),
        source: "lab.zone".to_owned(),
        stale_seconds: Some(7),
        etcd: None,
        copied: Some(CopiedStatus {
            ixfr: 3,
            bytes: 900,
            notify_messages: 6,
            expire_seconds: Some(3600),
            expires_in_seconds: Some(3593),
            ..Default::default()
        }),
        loaded_at: Some("2026-11-21T02:18:00Z".parse().unwrap()),
        error: None,
        kept_at: None,
        drawn: None,
        catalog: None,
        group: None,
        journal: None,
        signed_until: Some("2026-12-17T00:00:00Z".parse().unwrap()),
        hosts_unknown: Some(vec!["one is gone".to_owned()]),
    };
    let broken = ZoneStatus {
        view: None,
        name: "broken.example.".to_owned(),
        error: Some("no such file".to_owned()),
        kept_at: Some("2026-11-20T02:18:00Z".parse().unwrap()),
        ..Default::default()
    };
    let member = |verdict: &str| MemberStatus { verdict: verdict.to_owned(), ..Default::default() };
    let pool = PoolStatus {
        view: None,
        owner: "*.apps.lab\\\".example.".to_owned(),
        rtype: "A".to_owned(),
        standing: "up".to_owned(),
        members: vec![member("up"), member("down")],
        answering: vec!["127.0.5.1".to_owned()],
        elsewhere: Some(vec!["127.0.5.1".to_owned(), "127.0.5.2".to_owned()]),
    };
    let target = target();
    let never_passed = OutcomesStatus::default();
    let twin = TargetStatus {
        id: 1,
        forced: None,
        latency_ms: None,
        weight: None,
        outcomes: never_passed,
        ..target.clone()
    };
    let probes = ProbesStatus {
        late_max_ms: 12.5,
        late_sum_seconds: 0.25,
        late: vec![900, 90, 10],
        late_bounds_seconds: vec![0.001024, 1.0],
        latency_bounds_seconds: vec![0.001, 2.0],
        ..Default::default()
    };
    Status {
        version: "1.2.3".to_owned(),
        not_ready: vec!["zone broken.example. answers SERVFAIL".to_owned()],
        generation: 9,
        published_at: "2026-11-21T02:18:00Z".parse().unwrap(),
        udp: UdpStatus {
            durations: HistogramStatus { bounds: vec![1e-5], counts: vec![3, 1], sum: 0.5 },
            ..Default::default()
        },
        transports: vec![udp()],
        watch_trouble: Some("no inotify".to_owned()),
        zones: vec![zone, broken],
        pools: vec![pool],
        probes,
        targets: vec![target, twin],
        forward: Some(forward()),
        ..Default::default()
    }
}

fn udp() -> TransportStatus {
    TransportStatus {
        transport: "udp".to_owned(),
        queries: 7,
        dropped: 1,
        responses: [("answered".to_owned(), 4), ("nxdomain".to_owned(), 2)].into(),
        truncated: 1,
        edns: 3,
        cookies: 0,
        limited: 5,
        slipped: 2,
        qtypes: [("A".to_owned(), 6), ("other".to_owned(), 0)].into(),
        rcodes: [("NOERROR".to_owned(), 4), ("NXDOMAIN".to_owned(), 2)].into(),
        sizes: HistogramStatus { bounds: vec![32.0, 64.0], counts: vec![0, 4, 2], sum: 500.0 },
    }
}

fn target() -> TargetStatus {
    TargetStatus {
        name: "127.0.5.1:443".to_owned(),
        probe: "tcp".to_owned(),
        verdict: "up".to_owned(),
        believed: "down".to_owned(),
        forced: Some("down".to_owned()),
        latency_ms: Some(1.5),
        last_probe_age_ms: 1042,
        transitions: 3,
        outcomes: OutcomesStatus { passed: 90, failed: 8, local: 2 },
        failures: [("refused".to_owned(), 5), ("status".to_owned(), 3)].into(),
        latencies: vec![80, 0, 10],
        latency_sum_seconds: 4.5,
        certificate_not_after: Some("2026-11-21T02:18:00Z".parse().unwrap()),
        weight: Some(7),
        ..Default::default()
    }
}

fn forward() -> ForwardStatus {
    let upstream = UpstreamStatus {
        address: "tls://192.0.2.1:853#dns.example".to_owned(),
        standing: "suspect".to_owned(),
        latency_ms: Some(1.5),
        queries: 9,
        answers: 8,
        answer_seconds: 0.25,
        ..Default::default()
    };
    // The same, with other authorities.
    let twin = UpstreamStatus { queries: 1, ..upstream.clone() };
    ForwardStatus {
        upstreams: vec![upstream, twin],
        cache: ForwardCacheStatus { entries: 3, hits: 5, ..Default::default() },
        questions: 4,
        ..Default::default()
    }
}

fn written(form: Form) -> String {
    let usage = Usage { cpu_seconds: Some(0.25), ..Usage::default() };
    text(&status(), usage, form)
}

/// What two entries of one address, which stand like this, come to: whether it is up, and whether it loops.
fn of_two_entries(one: &str, other: &str) -> (Option<char>, Option<char>) {
    let entry = |standing: &str| UpstreamStatus {
        address: "192.0.2.1:53".to_owned(),
        standing: standing.to_owned(),
        ..Default::default()
    };
    let forward = ForwardStatus { upstreams: vec![entry(one), entry(other)], ..Default::default() };
    let text = text(&Status { forward: Some(forward), ..Status::default() }, Usage::default(), Form::Plain);
    let value = |name: &str| {
        let begin = format!("edgedns_forward_upstream_{name}{{upstream=\"192.0.2.1:53\"}} ");
        let values: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(&begin)).collect();
        assert_eq!(values.len(), 1, "{values:?} of {name}");
        values[0].chars().next()
    };
    (value("up"), value("looping"))
}

#[test]
fn an_address_of_several_entries_is_up_if_all_are_and_looping_if_any_is() {
    assert_eq!(of_two_entries("up", "up"), (Some('1'), Some('0')));
    for down in ["suspect", "down"] {
        assert_eq!(of_two_entries("up", down), (Some('0'), Some('0')), "{down}");
        assert_eq!(of_two_entries(down, "up"), (Some('0'), Some('0')), "{down}");
    }
    for other in ["up", "suspect", "down"] {
        assert_eq!(of_two_entries(other, "looping"), (Some('0'), Some('1')), "{other}");
        assert_eq!(of_two_entries("looping", other), (Some('0'), Some('1')), "{other}");
    }
}

#[test]
fn what_is_said_to_other_servers_is_counted_by_one_word_for_each_idea() {
    let transfers = TransfersStatus {
        results: [("ixfr".to_owned(), 4)].into(),
        notify_messages: [("heard".to_owned(), 5)].into(),
        ..Default::default()
    };
    let status = Status { transfers: Some(transfers), turned_away: 8, ..status() };
    let text = text(&status, Usage::default(), Form::Plain);
    for line in [
        "edgedns_transfers_total{result=\"ixfr\"} 4",
        "edgedns_notify_messages_total{result=\"heard\"} 5",
        "edgedns_zone_notify_messages_total{zone=\"lab.example.\"} 6",
        "edgedns_messages_turned_away_total 8",
    ] {
        assert!(text.lines().any(|one| one == line), "no {line} in\n{text}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a list of samples")]
fn every_number_of_the_status_is_a_sample() {
    let text = written(Form::Plain);
    for line in [
        "edgedns_build_info{version=\"1.2.3\"} 1",
        "edgedns_ready 0",
        "edgedns_snapshot_generation 9",
        "edgedns_watch_trouble 1",
        "edgedns_state_trouble 0",
        "edgedns_snapshot_published_timestamp_seconds 1795227480",
        "edgedns_questions_total{transport=\"udp\",type=\"A\"} 6",
        "edgedns_rcodes_total{transport=\"udp\",rcode=\"NXDOMAIN\"} 2",
        "edgedns_responses_limited_total{transport=\"udp\"} 5",
        "edgedns_responses_slipped_total{transport=\"udp\"} 2",
        "edgedns_response_size_bytes_bucket{transport=\"udp\",le=\"64.0\"} 4",
        "edgedns_response_size_bytes_bucket{transport=\"udp\",le=\"+Inf\"} 6",
        "edgedns_response_size_bytes_sum{transport=\"udp\"} 500",
        "edgedns_udp_duration_seconds_bucket{le=\"1e-5\"} 3",
        "edgedns_udp_duration_seconds_count 4",
        "edgedns_zone_error_info{zone=\"broken.example.\",error=\"no such file\"} 1",
        "edgedns_queries_total{transport=\"udp\"} 7",
        "edgedns_queries_dropped_total{transport=\"udp\"} 1",
        "edgedns_responses_total{transport=\"udp\",kind=\"nxdomain\"} 2",
        "edgedns_responses_truncated_total{transport=\"udp\"} 1",
        "edgedns_tcp_connections_total{admission=\"served\"} 0",
        "edgedns_zone_ok{zone=\"lab.example.\"} 1",
        "edgedns_zone_ok{zone=\"broken.example.\"} 0",
        "edgedns_zone_kept{zone=\"lab.example.\"} 0",
        "edgedns_zone_stale_seconds{zone=\"lab.example.\"} 7",
        "edgedns_zone_signed_until_timestamp_seconds{zone=\"lab.example.\"} 1797465600",
        "edgedns_zone_hosts_unknown{zone=\"lab.example.\"} 1",
        "edgedns_zone_expire_seconds{zone=\"lab.example.\"} 3600",
        "edgedns_zone_expires_in_seconds{zone=\"lab.example.\"} 3593",
        "edgedns_zone_transfers_total{zone=\"lab.example.\",form=\"ixfr\"} 3",
        "edgedns_zone_kept{zone=\"broken.example.\"} 1",
        "edgedns_zone_serial{zone=\"lab.example.\"} 2026112001",
        "edgedns_zone_loaded_timestamp_seconds{zone=\"lab.example.\"} 1795227480",
        "edgedns_pool_members_up{owner=\"*.apps.lab\\\\\\\".example.\",type=\"A\"} 1",
        "edgedns_pool_all_down{owner=\"*.apps.lab\\\\\\\".example.\",type=\"A\"} 0",
        "edgedns_target_verdict{target=\"127.0.5.1:443\",probe=\"tcp\",verdict=\"up\"} 1",
        "edgedns_target_believed{target=\"127.0.5.1:443\",probe=\"tcp\",verdict=\"up\"} 0",
        "edgedns_target_forced{target=\"127.0.5.1:443\",probe=\"tcp\"} 1",
        "edgedns_target_probes_total{target=\"127.0.5.1:443\",probe=\"tcp\",outcome=\"failed\"} 8",
        "edgedns_target_failures_total{target=\"127.0.5.1:443\",probe=\"tcp\",reason=\"refused\"} 5",
        "edgedns_target_failures_total{target=\"127.0.5.1:443\",probe=\"tcp\",reason=\"local\"} 2",
        "edgedns_target_last_latency_seconds{target=\"127.0.5.1:443\",probe=\"tcp\"} 0.0015",
        "edgedns_target_latency_seconds_bucket{target=\"127.0.5.1:443\",probe=\"tcp\",le=\"0.001\"} 80",
        "edgedns_target_latency_seconds_bucket{target=\"127.0.5.1:443\",probe=\"tcp\",le=\"2.0\"} 80",
        "edgedns_target_latency_seconds_bucket{target=\"127.0.5.1:443\",probe=\"tcp\",le=\"+Inf\"} 90",
        "edgedns_target_latency_seconds_sum{target=\"127.0.5.1:443\",probe=\"tcp\"} 4.5",
        "edgedns_target_latency_seconds_count{target=\"127.0.5.1:443\",probe=\"tcp\"} 90",
        "edgedns_target_certificate_expiry_timestamp_seconds{target=\"127.0.5.1:443\",probe=\"tcp\"} 1795227480",
        "edgedns_target_weight{target=\"127.0.5.1:443\",probe=\"tcp\"} 7",
        "edgedns_probe_lateness_seconds_bucket{le=\"0.001024\"} 900",
        "edgedns_probe_lateness_seconds_bucket{le=\"+Inf\"} 1000",
        "edgedns_probe_lateness_seconds_sum 0.25",
        "edgedns_probe_lateness_seconds_count 1000",
        "edgedns_probe_lateness_max_seconds 0.0125",
        "edgedns_target_last_probe_age_seconds{target=\"127.0.5.1:443\",probe=\"tcp\"} 1.042",
        "edgedns_forward_queries_total{cache=\"hit\"} 5",
        "edgedns_forward_questions_total 4",
        "edgedns_forward_cache_entries 3",
        "edgedns_forward_upstream_up{upstream=\"tls://192.0.2.1:853#dns.example\"} 0",
        "edgedns_forward_upstream_queries_total{upstream=\"tls://192.0.2.1:853#dns.example\"} 10",
        "edgedns_forward_upstream_latency_seconds{upstream=\"tls://192.0.2.1:853#dns.example\"} 0.0015",
        "edgedns_forward_upstream_answer_seconds_total{upstream=\"tls://192.0.2.1:853#dns.example\"} 0.5",
        "process_cpu_seconds_total 0.25",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("edgedns_zone_serial{zone=\"broken"), "{text}");
    assert!(!text.contains("process_open_fds"), "{text}");
    assert!(
        !text.contains("edgedns_target_latency_seconds_count{target=\"127.0.5.1:443\",probe=\"tcp\",id=")
    );
    assert!(!text.contains("edgedns_target_weight{target=\"127.0.5.1:443\",probe=\"tcp\",id="));
}

#[test]
fn no_two_samples_are_the_same_series() {
    for form in [Form::Plain, Form::OpenMetrics] {
        let text = written(form);
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let series: Vec<&str> = samples.filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
        assert_eq!(series.len(), series.iter().collect::<HashSet<_>>().len(), "{text}");
        assert!(text.contains("edgedns_target_forced{target=\"127.0.5.1:443\",probe=\"tcp\",id=\"1\"} 0"));
    }
}

#[test]
fn counters_are_named_as_their_form_wants_it() {
    let (plain, open) = (written(Form::Plain), written(Form::OpenMetrics));
    assert!(plain.contains("# TYPE edgedns_queries_total counter\n"), "{plain}");
    assert!(open.contains("# TYPE edgedns_queries counter\nedgedns_queries_total{"), "{open}");
    assert!(open.ends_with("# EOF\n") && !plain.contains("# EOF"));
    assert_eq!(
        Form::accepted("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"),
        Form::OpenMetrics
    );
    assert_eq!(Form::accepted("text/plain;version=0.0.4"), Form::Plain);
    assert_eq!(Form::accepted(""), Form::Plain);
}

#[test]
fn samples_of_open_metrics_stand_under_the_family_they_belong_to() {
    let text = written(Form::OpenMetrics);
    let (mut families, mut family, mut ends) = (HashSet::new(), "", vec![]);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap_or_default();
            assert!(families.insert(family), "{family} stands twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            ends = match rest.strip_prefix(family) {
                Some(" counter") => vec!["_total"],
                Some(" histogram") => vec!["_bucket", "_sum", "_count"],
                Some(" gauge") => vec![""],
                _ => panic!("{line}"),
            };
        } else if line != "# EOF" {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            assert!(ends.iter().any(|end| name == format!("{family}{end}")), "{line}");
        }
    }
}
