//! The status for people: pools with what they answer now, their members, zones, totals.

use std::time::{Duration, SystemTime};

use super::columns::{Cell, columns, head, line, widths};
use super::quantities::{counted, duration};
use super::status::{
    CatalogStatus, ChangeStatus, MemberStatus, OtherVantage, PoolStatus, RuleStatus, Status, TargetStatus,
    VantageStatus, ZoneStatus,
};
use super::style::{Style, style};
use super::{ForceOrder, Forced, UtcTime};
use crate::forward::ForwardStatus;
use crate::source::Look;

/// Before the members of a pool.
const INDENT: &str = "  ";

/// Where there is nothing to show.
const NONE: &str = "-";

/// Longest error in a column, in characters; machines get all of it.
const ERROR_CHARACTERS_MAX: usize = 60;

/// Changes of verdict that are shown; machines get all that are known.
const CHANGES_SHOWN_MAX: usize = 10;

/// Signatures that end sooner are marked: the alert on them begins then, too.
const SIGNED_LEFT_MIN: Duration = Duration::from_hours(7 * 24);

/// Where the end of signatures stands among the columns of zones: behind LOADED.
const SIGNATURES_COLUMN: usize = 4;

/// When something was said, by the server's clock: ages are reckoned from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(SystemTime);

impl Moment {
    /// So many seconds after the start of the server.
    pub(super) fn of(started_at: UtcTime, uptime_seconds: u64) -> Moment {
        let now = started_at.0.checked_add(Duration::from_secs(uptime_seconds));
        Moment(now.unwrap_or(started_at.0))
    }

    /// How long ago that was: `12 s ago`.
    fn ago(self, then: UtcTime) -> String {
        let ago = self.0.duration_since(then.0).unwrap_or_default();
        format!("{} ago", duration(ago.as_secs()))
    }

    /// How long it is until then.
    fn until(self, then: UtcTime) -> String {
        let left = then.0.duration_since(self.0).unwrap_or_default();
        format!("in {}", duration(left.as_secs()))
    }
}

/// All of it. With the status of some seconds `before` it also shows the current rate of queries.
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
    if !status.changes.is_empty() {
        lines.push('\n');
        let changes = status.changes.iter().take(CHANGES_SHOWN_MAX).map(|change| change_row(change, now));
        let head = head(&["CHANGE", "TARGET", "VERDICT", "WHY"]);
        lines += &columns("", &std::iter::once(head).chain(changes).collect::<Vec<_>>(), look);
        let more = status.changes.len().saturating_sub(CHANGES_SHOWN_MAX);
        if more > 0 {
            lines += &format!("{}\n", style(&format!("{more} more in --format json"), Style::Faint, look));
        }
    }
    if let Some(forward) = &status.forward {
        lines.push('\n');
        lines += &forward_lines(forward, look);
    }
    if let Some(vantage) = &status.vantage {
        lines.push('\n');
        lines += &vantage_lines(vantage, look);
    }
    lines.push('\n');
    lines += &zone_lines(&status.zones, now, look);
    if !status.catalogs.is_empty() {
        lines.push('\n');
        let catalogs = status.catalogs.iter().map(catalog_row);
        let head = self::head(&["CATALOG", "SERIAL", "MEMBERS", "CLASHES", "ERROR"]);
        lines += &columns("", &std::iter::once(head).chain(catalogs).collect::<Vec<_>>(), look);
    }
    lines.push('\n');
    lines + &totals(status, before, look)
}

/// A change of verdict.
fn change_row(change: &ChangeStatus, now: Moment) -> Vec<Cell> {
    let ChangeStatus { at, target, to, why, .. } = change;
    let why: String = why.chars().take(ERROR_CHARACTERS_MAX).collect();
    vec![
        now.ago(*at).into(),
        target.as_str().into(),
        Cell::new(to.as_str(), Style::of_verdict(to)),
        why.into(),
    ]
}

/// The server itself, and whatever is not as it should be.
fn title(status: &Status, look: Look) -> String {
    let ready = if status.not_ready.is_empty() { ("ready", Style::Good) } else { ("NOT READY", Style::Bad) };
    let name = style(&format!("edgedns {}", status.version), Style::Strong, look);
    let mut lines =
        format!("{name}, up {}, {}\n", duration(status.uptime_seconds), style(ready.0, ready.1, look));
    for why in status.not_ready.iter().chain(&status.local_trouble) {
        lines += &format!("{INDENT}{}\n", style(why, Style::Bad, look));
    }
    for remark in status.remarks() {
        lines += &format!("{INDENT}{}\n", style(&remark, Style::Doubtful, look));
    }
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
    let widths = widths(all.iter().flat_map(|(_, rows)| rows).chain([&head]));
    let mut lines = line(INDENT, &head, &widths, look);
    for (pool, rows) in &all {
        lines += &format!("{}\n", pool_title(pool, look));
        lines.extend(rows.iter().map(|row| line(INDENT, row, &widths, look)));
    }
    lines
}

/// The state of a pool, and what it answers now.
pub(super) fn pool_title(pool: &PoolStatus, look: Look) -> String {
    let PoolStatus { rtype, standing, members, answering, .. } = pool;
    let up = members.iter().filter(|member| member.verdict == "up").count();
    let of = members.len();
    let stands = match standing.as_str() {
        "all-down" if up == 0 => format!("ALL {of} DOWN"),
        "all-down" => format!("TOO FEW UP: {up} of {of}"),
        "pending" => format!("pending, {up} of {of} up"),
        _ => format!("{up} of {of} up"),
    };
    let state_style = match Style::of_verdict(standing) {
        Style::Good if up < of => Style::Doubtful,
        other => other,
    };
    if members.is_empty() && standing == "up" {
        return format!(
            "{}: made for each name",
            style(&format!("{} {rtype}", pool.title()), Style::Strong, look)
        );
    }
    let now = if answering.is_empty() { "no record".to_owned() } else { answering.join(" ") };
    let name = style(&format!("{} {rtype}", pool.title()), Style::Strong, look);
    let elsewhere = pool.elsewhere.as_ref().map(|elsewhere| match elsewhere.is_empty() {
        true => ", elsewhere no record".to_owned(),
        false => format!(", elsewhere {}", elsewhere.join(" ")),
    });
    let elsewhere = style(&elsewhere.unwrap_or_default(), Style::Doubtful, look);
    format!(
        "{name}: {}, now {}{elsewhere}",
        style(&stands, state_style, look),
        style(&now, Style::Strong, look)
    )
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
        let style = if target.believed == "up" { Style::Faint } else { Style::Plain };
        let probed = target.outcomes.passed + target.outcomes.failed > 0;
        vec![
            address(),
            format!("{} {}", target.probe, target.name).into(),
            verdict(target),
            if probed { now.ago(target.since).into() } else { Cell::default() },
            target.latency_ms.map(|latency| format!("{latency:.1} ms")).unwrap_or_default().into(),
            Cell::new(target.last_error.as_deref().map(shortened).unwrap_or_default(), style),
        ]
    };
    let rows: Vec<Vec<Cell>> = found.map(row).collect();
    if rows.is_empty() {
        let verdict = Cell::new(member.verdict.as_str(), Style::of_verdict(&member.verdict));
        return vec![vec![address(), Cell::new("not probed", Style::Faint), verdict]];
    }
    rows
}

/// Other servers that are named in a column; machines get all of them.
const VANTAGES_NAMED_MAX: usize = 3;

/// The order that takes a target out of new answers.
const DRAIN: &str = "drain";

/// What is believed, in front of the outcomes.
fn verdict(target: &TargetStatus) -> Cell {
    let TargetStatus { verdict, believed, elsewhere, seen, forced, held, share, starting, .. } = target;
    if let Some(elsewhere) = elsewhere {
        return Cell::new(format!("{believed} ({elsewhere} for clients elsewhere)"), Style::Doubtful);
    }
    let up: Vec<&str> =
        seen.iter().filter(|seen| seen.verdict == "up").map(|seen| seen.vantage.as_str()).collect();
    if believed == "down" && !up.is_empty() {
        let named = up.iter().take(VANTAGES_NAMED_MAX).copied().collect::<Vec<_>>().join(" ");
        let more = if up.len() > VANTAGES_NAMED_MAX { " …" } else { "" };
        return Cell::new(format!("{believed} (up for {named}{more})"), Style::Bad);
    }
    match (forced, held) {
        (Some(order), _) if order == DRAIN => Cell::new(format!("{believed} (drained)"), Style::Doubtful),
        (Some(_), _) => Cell::new(format!("{believed} (forced; probes say {verdict})"), Style::Doubtful),
        (None, true) => Cell::new(format!("{believed} (held; probes say {verdict})"), Style::Doubtful),
        (None, false) if *starting => {
            Cell::new(format!("{believed} (starting, not judged yet)"), Style::of_verdict(believed))
        }
        (None, false) => match share {
            Some(share) => {
                Cell::new(format!("{believed} ({share} % of its share)"), Style::of_verdict(believed))
            }
            None => Cell::new(believed.as_str(), Style::of_verdict(believed)),
        },
    }
}

fn rule_row(rule: &RuleStatus, now: Moment) -> Vec<Cell> {
    vec![
        rule.target.as_str().into(),
        Cell::new(rule.verdict.as_str(), Style::Doubtful),
        now.ago(rule.since).into(),
        rule.until.map_or_else(|| "never".to_owned(), |until| now.until(until)).into(),
        rule.reason.as_deref().unwrap_or_default().into(),
    ]
}

/// What is forwarded where, and how the upstreams are doing.
fn forward_lines(forward: &ForwardStatus, look: Look) -> String {
    let zones = forward.zones.iter().map(|zone| {
        let zone_name = Cell::new(zone.zone.as_str(), Style::Strong);
        vec![zone_name, zone.policy.as_str().into(), zone.upstreams.join(" ").into()]
    });
    let upstreams = forward.upstreams.iter().map(|upstream| {
        vec![
            upstream.address.as_str().into(),
            Cell::new(upstream.standing.as_str(), Style::of_verdict(&upstream.standing)),
            upstream.latency_ms.map(|latency| format!("{latency:.1} ms")).unwrap_or_default().into(),
            Cell::new(upstream.quirks.join(" "), Style::Doubtful),
            Cell::new(upstream.last_error.as_deref().unwrap_or_default(), Style::Faint),
        ]
    });
    let cache = &forward.cache;
    let table = |indent, words: &[&str], rows: Vec<Vec<Cell>>| {
        columns(indent, &std::iter::once(head(words)).chain(rows).collect::<Vec<_>>(), look)
    };
    format!(
        "{}\n{}{INDENT}cache: {} of {} answers, {} hits, {} misses, {} stale\n",
        table("", &["FORWARD", "POLICY", "UPSTREAMS"], zones.collect()),
        table(INDENT, &["UPSTREAM", "STANDING", "LATENCY", "HABITS", "LAST ERROR"], upstreams.collect()),
        cache.entries,
        cache.entries_max,
        cache.hits,
        cache.misses,
        cache.stale
    )
}

/// Who else is heard, and what they see.
fn vantage_lines(vantage: &VantageStatus, look: Look) -> String {
    let own = vec![
        Cell::new(vantage.name.as_str(), Style::Strong),
        Cell::new(
            format!("this one, {}", vantage.standing),
            if vantage.why.is_none() && vantage.error.is_none() { Style::Good } else { Style::Bad },
        ),
    ];
    let other = |one: &OtherVantage| {
        let there = match one.suspects_itself {
            true => Cell::new("suspects itself", Style::Doubtful),
            false => Cell::new("there", Style::Good),
        };
        vec![
            Cell::new(one.name.as_str(), Style::Strong),
            there,
            one.up.to_string().into(),
            one.down.to_string().into(),
            format!("{} ago", duration(one.age_seconds)).into(),
        ]
    };
    let head = head(&["VANTAGE", "STANDING", "UP", "DOWN", "LAST CHANGE"]);
    let rows = [head, own].into_iter().chain(vantage.others.iter().map(other));
    columns("", &rows.collect::<Vec<_>>(), look)
}

/// Every zone; where any is signed, also for how long the signatures of each are valid.
fn zone_lines(zones: &[ZoneStatus], now: Moment, look: Look) -> String {
    let mut rows = vec![head(&["ZONE", "SERIAL", "RECORDS", "LOADED", "FILE", "ERROR"])];
    rows.extend(zones.iter().map(|zone| zone_row(zone, now)));
    if zones.iter().any(|zone| zone.signed_until.is_some()) {
        let column = std::iter::once(Cell::from("SIGNATURES END"));
        let column = column.chain(zones.iter().map(|zone| signatures_end(zone, now)));
        for (row, cell) in rows.iter_mut().zip(column) {
            row.insert(SIGNATURES_COLUMN, cell);
        }
    }
    columns("", &rows, look)
}

/// When the first signature of a zone ends.
fn signatures_end(zone: &ZoneStatus, now: Moment) -> Cell {
    let Some(until) = zone.signed_until else { return NONE.into() };
    match until.0.duration_since(now.0) {
        Err(_) => Cell::new("ENDED", Style::Bad),
        Ok(left) if left < SIGNED_LEFT_MIN => Cell::new(now.until(until), Style::Doubtful),
        Ok(_) => now.until(until).into(),
    }
}

fn zone_row(zone: &ZoneStatus, now: Moment) -> Vec<Cell> {
    let none = || NONE.to_owned();
    let serial = zone.serial.map_or(Cell::new("SERVFAIL", Style::Bad), |serial| serial.to_string().into());
    vec![
        Cell::new(zone.title(), Style::Strong),
        serial,
        zone.records.map_or_else(none, |records| records.to_string()).into(),
        match (zone.kept_at, zone.loaded_at) {
            (Some(then), _) => Cell::new(format!("{}, kept", now.ago(then)), Style::Bad),
            (None, loaded_at) => loaded_at.map_or_else(none, |then| now.ago(then)).into(),
        },
        zone.file.as_str().into(),
        // Whole: it is what is to be mended.
        Cell::new(zone.error.as_deref().unwrap_or_default(), Style::Bad),
    ]
}

/// A catalog; the zones it names are among the others.
fn catalog_row(catalog: &CatalogStatus) -> Vec<Cell> {
    let held = match catalog.held {
        0 => String::new(),
        held => format!(", {held} of them gone from it"),
    };
    vec![
        Cell::new(catalog.name.clone(), Style::Strong),
        catalog.serial.map_or_else(|| NONE.to_owned(), |serial| serial.to_string()).into(),
        format!("{}{held}", catalog.members).into(),
        catalog.clashes.len().to_string().into(),
        Cell::new(catalog.broken.as_deref().unwrap_or_default(), Style::Bad),
    ]
}

/// Everything once more, in numbers.
fn totals(status: &Status, before: Option<&Status>, look: Look) -> String {
    let down = status.pools.iter().filter(|pool| pool.is_all_down()).count();
    let mut pools = counted(status.pools.len(), "pool");
    if down > 0 {
        pools += &format!(" ({})", style(&format!("{down} all down"), Style::Bad, look));
    }
    let believed = |verdict| status.targets.iter().filter(|target| target.believed == verdict).count();
    let verdicts = ["up", "down", "pending"].map(|verdict| (believed(verdict), verdict));
    let verdicts: Vec<String> = verdicts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, verdict)| style(&format!("{number} {verdict}"), Style::of_verdict(verdict), look))
        .collect();
    let targets = counted(status.targets.len(), "target");
    let targets = if verdicts.is_empty() { targets } else { format!("{targets} ({})", verdicts.join(", ")) };
    let zones = counted(status.zones.len(), "zone");
    format!("{zones}, {pools}, {targets}\n{}\n", traffic(status, before))
}

/// What has been asked and answered since the start, and how much of it a second at present.
fn traffic(status: &Status, before: Option<&Status>) -> String {
    let all = |status: &Status| status.transports.iter().map(|one| one.queries).sum::<u64>();
    let asked = all(status);
    let mut text = if asked == 1 { "1 query".to_owned() } else { format!("{asked} queries") };
    let lasted = before.map(|before| status.uptime_seconds.saturating_sub(before.uptime_seconds).max(1));
    if let (Some(before), Some(seconds)) = (before, lasted) {
        text += &format!(" ({} a second)", asked.saturating_sub(all(before)) / seconds);
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
mod tests;
