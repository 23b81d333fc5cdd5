//! The status for people: pools with what they answer now, their members, zones, totals.
//!
//! Responsible for what stands where. Not responsible for colours and columns (`paint`), or for what is told.

use std::time::{Duration, SystemTime};

use super::paint::{self, Cell, Ink, columns, counted, duration, head, paint, verdict_ink};
use super::status::{MemberStatus, PoolStatus, RuleStatus, Status, TargetStatus, ZoneStatus};
use super::{Calendar, ForceOrder, Forced};
use crate::source::Look;

/// Before the members of a pool.
const INDENT: &str = "  ";

/// Where there is nothing to show.
const NONE: &str = "-";

/// Longest error in a column, in characters; machines get all of it.
const ERROR_CHARACTERS_MAX: usize = 60;

/// When something was said, by the server's clock: ages are reckoned from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(SystemTime);

impl Moment {
    /// So many seconds after the start of the server.
    pub(super) fn of(started_at: Calendar, uptime_seconds: u64) -> Moment {
        let now = started_at.0.checked_add(Duration::from_secs(uptime_seconds));
        Moment(now.unwrap_or(started_at.0))
    }

    /// How long ago that was: `12 s ago`.
    fn ago(self, then: Calendar) -> String {
        let ago = self.0.duration_since(then.0).unwrap_or_default();
        format!("{} ago", duration(ago.as_secs()))
    }

    /// How long it is until then.
    fn until(self, then: Calendar) -> String {
        let left = then.0.duration_since(self.0).unwrap_or_default();
        format!("in {}", duration(left.as_secs()))
    }
}

/// All of it. With what stood there `before`, some seconds ago, it tells how much is asked at present.
pub fn status_lines(status: &Status, before: Option<&Status>, look: Look) -> String {
    let now = Moment::of(status.started_at, status.uptime_seconds);
    let mut lines = title(status, look);
    if !status.pools.is_empty() {
        lines.push('\n');
        lines += &pools(status, now, look);
    }
    if !status.forced.is_empty() {
        lines.push('\n');
        let rules = status.forced.iter().map(|rule| rule_row(rule, now));
        let head = head(&["FORCED", "VERDICT", "SAID", "ENDS", "REASON"]);
        lines += &columns("", &std::iter::once(head).chain(rules).collect::<Vec<_>>(), look);
    }
    lines.push('\n');
    let zones = status.zones.iter().map(|zone| zone_row(zone, now));
    let head = head(&["ZONE", "SERIAL", "RECORDS", "LOADED", "FILE", "ERROR"]);
    lines += &columns("", &std::iter::once(head).chain(zones).collect::<Vec<_>>(), look);
    lines.push('\n');
    lines + &totals(status, before, look)
}

/// The server itself, and whatever is not as it should be.
fn title(status: &Status, look: Look) -> String {
    let ready = if status.not_ready.is_empty() { ("ready", Ink::Good) } else { ("NOT READY", Ink::Bad) };
    let name = paint(&format!("edgedns {}", status.version), Ink::Strong, look);
    let mut lines =
        format!("{name}, up {}, {}\n", duration(status.uptime_seconds), paint(ready.0, ready.1, look));
    let mut trouble = |text: &str| lines += &format!("{}\n", paint(text, Ink::Bad, look));
    status.not_ready.iter().for_each(|why| trouble(&format!("NOT READY: {why}")));
    status.local_trouble.iter().for_each(|what| trouble(&format!("TROUBLE: {what}")));
    lines
}

/// Every pool with its members, columns under each other from the first pool to the last.
fn pools(status: &Status, now: Moment, look: Look) -> String {
    let rows = |pool: &PoolStatus| -> Vec<Vec<Cell>> {
        pool.members.iter().flat_map(|member| member_rows(member, &status.targets, now)).collect()
    };
    let all: Vec<(&PoolStatus, Vec<Vec<Cell>>)> =
        status.pools.iter().map(|pool| (pool, rows(pool))).collect();
    let head = member_head();
    let widths = paint::widths(all.iter().flat_map(|(_, rows)| rows).chain([&head]));
    let mut lines = paint::line(INDENT, &head, &widths, look);
    for (pool, rows) in &all {
        lines += &format!("{}\n", pool_title(pool, look));
        lines.extend(rows.iter().map(|row| paint::line(INDENT, row, &widths, look)));
    }
    lines
}

/// How a pool stands, and what it answers now.
pub(super) fn pool_title(pool: &PoolStatus, look: Look) -> String {
    let PoolStatus { owner, rtype, standing, members, answering } = pool;
    let up = members.iter().filter(|member| member.verdict == "up").count();
    let of = members.len();
    let stands = match standing.as_str() {
        "all-down" if up == 0 => format!("ALL {of} DOWN"),
        "all-down" => format!("TOO FEW UP: {up} of {of}"),
        "pending" => format!("pending, {up} of {of} up"),
        _ => format!("{up} of {of} up"),
    };
    let ink = match verdict_ink(standing) {
        Ink::Good if up < of => Ink::Doubtful,
        ink => ink,
    };
    let now = if answering.is_empty() { "no record".to_owned() } else { answering.join(" ") };
    let name = paint(&format!("{owner} {rtype}"), Ink::Strong, look);
    format!("{name}: {}, now {}", paint(&stands, ink, look), paint(&now, Ink::Strong, look))
}

/// The head of [`member_rows`].
pub(super) fn member_head() -> Vec<Cell> {
    head(&["MEMBER", "PROBE", "VERDICT", "SINCE", "LATENCY", "LAST ERROR"])
}

/// A member: a row for each of its targets.
pub(super) fn member_rows(member: &MemberStatus, targets: &[TargetStatus], now: Moment) -> Vec<Vec<Cell>> {
    let address = || Cell::from(member.address.as_str());
    let found = member.targets.iter().filter_map(|id| targets.iter().find(|target| target.id == *id));
    let row = |target: &TargetStatus| {
        // Of a target that passes it is history.
        let ink = if target.believed == "up" { Ink::Faint } else { Ink::Plain };
        let probed = target.outcomes.passed + target.outcomes.failed > 0;
        vec![
            address(),
            format!("{} {}", target.probe, target.name).into(),
            verdict(target),
            if probed { now.ago(target.since).into() } else { Cell::default() },
            target.latency_ms.map(|latency| format!("{latency:.1} ms")).unwrap_or_default().into(),
            Cell::new(target.last_error.as_deref().map(shortened).unwrap_or_default(), ink),
        ]
    };
    let rows: Vec<Vec<Cell>> = found.map(row).collect();
    if rows.is_empty() {
        let verdict = Cell::new(member.verdict.as_str(), verdict_ink(&member.verdict));
        return vec![vec![address(), Cell::new("not probed", Ink::Faint), verdict]];
    }
    rows
}

/// What is believed, and what stands before the outcomes.
fn verdict(target: &TargetStatus) -> Cell {
    let TargetStatus { verdict, believed, forced, held, .. } = target;
    match (forced, held) {
        (Some(_), _) => Cell::new(format!("{believed} (forced; probes say {verdict})"), Ink::Doubtful),
        (None, true) => Cell::new(format!("{believed} (held; probes say {verdict})"), Ink::Doubtful),
        (None, false) => Cell::new(believed.as_str(), verdict_ink(believed)),
    }
}

fn rule_row(rule: &RuleStatus, now: Moment) -> Vec<Cell> {
    vec![
        rule.target.as_str().into(),
        Cell::new(rule.verdict.as_str(), Ink::Doubtful),
        now.ago(rule.since).into(),
        rule.until.map_or_else(|| "never".to_owned(), |until| now.until(until)).into(),
        rule.reason.as_deref().unwrap_or_default().into(),
    ]
}

fn zone_row(zone: &ZoneStatus, now: Moment) -> Vec<Cell> {
    let none = || NONE.to_owned();
    let serial = zone.serial.map_or(Cell::new("SERVFAIL", Ink::Bad), |serial| serial.to_string().into());
    vec![
        Cell::new(zone.name.as_str(), Ink::Strong),
        serial,
        zone.records.map_or_else(none, |records| records.to_string()).into(),
        zone.loaded_at.map_or_else(none, |then| now.ago(then)).into(),
        zone.file.as_str().into(),
        // Whole: it is what is to be mended.
        Cell::new(zone.error.as_deref().unwrap_or_default(), Ink::Bad),
    ]
}

/// Everything once more, in numbers.
fn totals(status: &Status, before: Option<&Status>, look: Look) -> String {
    let down = status.pools.iter().filter(|pool| pool.is_all_down()).count();
    let mut pools = counted(status.pools.len(), "pool");
    if down > 0 {
        pools += &format!(" ({})", paint(&format!("{down} all down"), Ink::Bad, look));
    }
    let believed = |verdict| status.targets.iter().filter(|target| target.believed == verdict).count();
    let verdicts = ["up", "down", "pending"].map(|verdict| (believed(verdict), verdict));
    let verdicts: Vec<String> = verdicts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, verdict)| paint(&format!("{number} {verdict}"), verdict_ink(verdict), look))
        .collect();
    let targets = counted(status.targets.len(), "target");
    let targets = if verdicts.is_empty() { targets } else { format!("{targets} ({})", verdicts.join(", ")) };
    let zones = counted(status.zones.len(), "zone");
    format!("{zones}, {pools}, {targets}\n{}\n", traffic(status, before))
}

/// What has been asked and answered since the start, and how much of it a second at present.
fn traffic(status: &Status, before: Option<&Status>) -> String {
    let all = |status: &Status| status.transports.iter().map(|one| one.queries).sum::<u64>();
    let mut text = format!("{} queries", all(status));
    let lasted = before.map(|before| status.uptime_seconds.saturating_sub(before.uptime_seconds).max(1));
    if let (Some(before), Some(seconds)) = (before, lasted) {
        text += &format!(" ({} a second)", all(status).saturating_sub(all(before)) / seconds);
    }
    let sum =
        |kind: &str| -> u64 { status.transports.iter().filter_map(|one| one.responses.get(kind)).sum() };
    let mut kinds: Vec<&String> = status.transports.iter().flat_map(|one| one.responses.keys()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut sums: Vec<(u64, &str)> = kinds.into_iter().map(|kind| (sum(kind), kind.as_str())).collect();
    let rest = |number: fn(&super::TransportStatus) -> u64| status.transports.iter().map(number).sum::<u64>();
    sums.push((rest(|one| one.truncated), "truncated"));
    sums.push((rest(|one| one.dropped), "dropped"));
    let sums: Vec<String> = sums
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, kind)| format!("{number} {kind}"))
        .collect();
    if sums.is_empty() { text } else { format!("{text}: {}", sums.join(", ")) }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(ERROR_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What came of forcing.
pub fn force_lines(order: &ForceOrder, forced: &Forced) -> String {
    let mut lines = String::new();
    for target in &forced.targets {
        lines.push_str(&format!("{target}: {}\n", order.order));
    }
    if forced.targets.is_empty() {
        lines.push_str(&format!("warning: `{}` means no target that is watched now\n", order.pattern));
    }
    if let Some(why) = &forced.not_kept {
        lines.push_str(&format!("warning: this will not outlive a restart: {why}\n"));
    }
    lines
}

#[cfg(test)]
mod tests {
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
        MemberStatus { address: format!("127.0.1.{id}"), verdict, targets: vec![id] }
    }

    #[test]
    fn the_table_shows_pools_members_and_zones() {
        let pool = PoolStatus {
            owner: "api.lab.example.".to_owned(),
            rtype: "A".to_owned(),
            standing: "up".to_owned(),
            members: vec![member(13), member(14)],
            answering: vec!["127.0.1.13".to_owned()],
        };
        let zone = ZoneStatus {
            records: Some(12),
            name: "lab.example.".to_owned(),
            serial: Some(7),
            file: "lab.zone".to_owned(),
            loaded_at: Some("2026-11-21T02:17:00Z".parse().unwrap()),
            error: None,
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
            owner: "api.".to_owned(),
            rtype: "A".to_owned(),
            standing: standing.to_owned(),
            members,
            answering: Vec::new(),
        };
        let member = |verdict: &str| MemberStatus { verdict: verdict.to_owned(), ..member(1) };
        let title = |pool| pool_title(&pool, Look::Plain);
        let (up, down) = (member("up"), member("down"));
        assert_eq!(title(pool("all-down", vec![down.clone(); 2])), "api. A: ALL 2 DOWN, now no record");
        assert_eq!(
            title(pool("all-down", vec![up.clone(), down])),
            "api. A: TOO FEW UP: 1 of 2, now no record"
        );
        assert_eq!(title(pool("up", vec![up])), "api. A: 1 of 1 up, now no record");
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
}
