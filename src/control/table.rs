//! The status for people: plain lines in columns.
//!
//! Responsible for their look. Not responsible for what is told.

use super::status::{MemberStatus, PoolStatus, Status, TargetStatus, ZoneStatus};
use super::{ForceOrder, Forced};

/// Between two columns.
const GAP: &str = "  ";

/// Where there is nothing to show.
const NONE: &str = "-";

/// Pools with what they answer now and their members, then zones.
pub fn status_lines(status: &Status) -> String {
    let uptime = uptime(status.uptime_seconds);
    let mut lines = format!("edgedns {}, up {uptime}\n", status.version);
    if let Some(trouble) = &status.local_trouble {
        lines.push_str(&format!("TROUBLE: {trouble}\n"));
    }
    for pool in &status.pools {
        lines.push('\n');
        lines.push_str(&pool_lines(pool, &status.targets));
    }
    if !status.forced.is_empty() {
        lines.push('\n');
        let rules = status.forced.iter().map(|rule| {
            let until = rule.until.map_or_else(|| NONE.to_owned(), |until| until.to_string());
            let reason = rule.reason.clone().unwrap_or_else(|| NONE.to_owned());
            vec![rule.target.clone(), rule.verdict.clone(), rule.since.to_string(), until, reason]
        });
        lines.push_str(&columns("", &["FORCED", "VERDICT", "SINCE", "UNTIL", "REASON"], rules));
    }
    lines.push('\n');
    let zones = status.zones.iter().map(zone_row);
    lines.push_str(&columns("", &["ZONE", "SERIAL", "LOADED", "FILE", "ERROR"], zones));
    lines
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

fn pool_lines(pool: &PoolStatus, targets: &[TargetStatus]) -> String {
    let PoolStatus { owner, rtype, standing, members, answering } = pool;
    let now = if answering.is_empty() { "no address".to_owned() } else { answering.join(" ") };
    let rows = members.iter().flat_map(|member| member_rows(member, targets));
    let table = columns(GAP, &["MEMBER", "PROBE", "VERDICT", "SINCE", "LATENCY", "LAST ERROR"], rows);
    format!("{owner} {rtype}: {standing}, now {now}\n{table}")
}

fn member_rows(member: &MemberStatus, targets: &[TargetStatus]) -> Vec<Vec<String>> {
    let none = || NONE.to_owned();
    if member.targets.is_empty() {
        return vec![vec![member.address.clone(), none(), member.verdict.clone(), none(), none(), none()]];
    }
    let found = member.targets.iter().filter_map(|id| targets.iter().find(|target| target.id == *id));
    let row = |target: &TargetStatus| {
        vec![
            member.address.clone(),
            format!("{} {}", target.probe, target.name),
            verdict(target),
            target.since.to_string(),
            target.latency_ms.map_or_else(none, |latency| format!("{latency:.1} ms")),
            target.last_error.clone().unwrap_or_else(none),
        ]
    };
    found.map(row).collect()
}

/// What is believed, and what stands before the outcomes.
fn verdict(target: &TargetStatus) -> String {
    let TargetStatus { verdict, believed, forced, held, .. } = target;
    match (forced, held) {
        (Some(_), _) => format!("{believed} (forced; probes say {verdict})"),
        (None, true) => format!("{believed} (held; probes say {verdict})"),
        (None, false) => believed.clone(),
    }
}

fn zone_row(zone: &ZoneStatus) -> Vec<String> {
    let none = || NONE.to_owned();
    vec![
        zone.name.clone(),
        zone.serial.map_or_else(none, |serial| serial.to_string()),
        zone.loaded_at.map_or_else(none, |moment| moment.to_string()),
        zone.file.clone(),
        zone.error.clone().unwrap_or_else(none),
    ]
}

fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

/// Rows under a head, each column as wide as its widest cell.
fn columns(indent: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..all.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let cells: Vec<String> = cells.collect();
        format!("{indent}{}", cells.join(GAP)).trim_end().to_owned() + "\n"
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ..TargetStatus::default()
        }
    }

    fn member(id: usize) -> MemberStatus {
        MemberStatus { address: format!("127.0.1.{id}"), verdict: String::new(), targets: vec![id] }
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
            uptime_seconds: 3700,
            zones: vec![zone],
            pools: vec![pool],
            targets: vec![target(13, "up", "up", None), target(14, "up", "down", Some("down"))],
            ..Status::default()
        };
        let expected = "\
edgedns 1, up 1 h 1 min

api.lab.example. A: up, now 127.0.1.13
  MEMBER      PROBE                VERDICT                        SINCE                 LATENCY  LAST ERROR
  127.0.1.13  tcp 127.0.1.13:6443  up                             2026-11-21T02:18:00Z  0.2 ms   -
  127.0.1.14  tcp 127.0.1.14:6443  down (forced; probes say up)   2026-11-21T02:18:00Z  0.2 ms   connection refused

ZONE          SERIAL  LOADED                FILE      ERROR
lab.example.  7       2026-11-21T02:17:00Z  lab.zone  -
";
        let squeezed =
            |text: &str| text.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<String>();
        assert_eq!(squeezed(&status_lines(&status)), squeezed(expected));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bbbb", "c"], ["aaa", "b", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            columns(" ", &["X", "Y", "Z"], rows.into_iter()),
            " X    Y     Z\n a    bbbb  c\n aaa  b\n"
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
}
