//! The explanation for people: the way to the answer, then the answer as `dig` would show it.

use super::columns::{Cell, columns, line, widths};
use super::explanation::{AnswerView, Explanation, PoolView, RecordView};
use super::style::{Style, style};
use super::table::{Moment, member_head, member_rows, pool_title};
use crate::source::Look;

/// How wide the words at the beginning of lines are.
const WORD_WIDTH: usize = 8;

/// Largest UDP payload that is sent, in bytes.
const UDP_PAYLOAD_MAX: usize = crate::answer::UDP_PAYLOAD_MAX;

/// Step by step what is answered, and why.
pub fn explain_lines(explanation: &Explanation, look: Look) -> String {
    let Explanation { name, rtype, client, answer, .. } = explanation;
    let (rcode, ink) = match answer.rcode.as_deref() {
        Some("NOERROR") => ("NOERROR", Style::Good),
        Some(rcode) => (rcode, Style::Bad),
        None if explanation.forwarded => ("forwarded", Style::Good),
        None => ("no response", Style::Bad),
    };
    let title = style(&format!("{name} {rtype}"), Style::Strong, look);
    let mut lines = format!("{title}, asked by {client}: {}\n\n", style(rcode, ink, look));
    let said = |word: &str, text: &str| {
        format!("{}  {text}\n", style(&format!("{word:WORD_WIDTH$}"), Style::Faint, look))
    };
    lines += &said("zone", &zone(explanation));
    for step in &explanation.steps {
        lines += &said("name", &step.sentence);
    }
    let now = Moment::of(explanation.started_at, explanation.uptime_seconds);
    for pool in &explanation.pools {
        lines += &said("pool", &pool_title(&pool.status, look));
        lines += &members(pool, now, look);
        for (word, text) in pool_facts(pool) {
            lines += &said(word, &text);
        }
    }
    lines += &said("answer", &explanation.because);
    for sentence in &explanation.dnssec {
        lines += &said("dnssec", sentence);
    }
    for remark in &explanation.remarks {
        lines += &said("note", &style(remark, Style::Doubtful, look));
    }
    lines.push('\n');
    lines + &answer_lines(explanation, look)
}

fn zone(explanation: &Explanation) -> String {
    let Some(zone) = &explanation.zone else { return "none of this server's".to_owned() };
    let served = zone.serial.map_or("no version".to_owned(), |serial| format!("serial {serial}"));
    format!("{}, {served} of {}", zone.title(), zone.file)
}

fn members(pool: &PoolView, now: Moment, look: Look) -> String {
    if pool.status.members.is_empty() {
        return String::new();
    }
    let rows = pool.status.members.iter().flat_map(|member| member_rows(member, &pool.targets, now));
    let rows: Vec<Vec<Cell>> = std::iter::once(member_head()).chain(rows).collect();
    columns(&" ".repeat(WORD_WIDTH + 2), &rows, look)
}

fn pool_facts(pool: &PoolView) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let guarded = pool.guarded_at.as_ref().map(|place| format!("guarded at {place}"));
    let written = pool.place.as_ref().map(|place| format!("written at {place}"));
    let places: Vec<String> = written.into_iter().chain(guarded).collect();
    if !places.is_empty() {
        facts.push(("place", places.join(", ")));
    }
    facts.push(("choice", pool.choice.clone()));
    let PoolView { ttl, ttl_degraded, .. } = pool;
    facts.push((
        "ttl",
        if ttl == ttl_degraded {
            format!("{ttl} s")
        } else {
            format!("{ttl} s, {ttl_degraded} s while a member is down")
        },
    ));
    facts
}

/// As `dig` shows a response, with the place of each record behind it.
fn answer_lines(explanation: &Explanation, look: Look) -> String {
    let Explanation { name, rtype, answer, .. } = explanation;
    let Some(rcode) = &answer.rcode else {
        let none = if explanation.forwarded { ";; as the upstreams answer" } else { ";; nothing is sent" };
        return format!("{none}\n");
    };
    let AnswerView { flags, bytes, answer, authority, additional, extended_error, .. } = answer;
    // A transfer is not tried.
    if *bytes == 0 {
        return format!(";; status: {rcode}\n");
    }
    let counts = [1, answer.len(), authority.len(), additional.len() + 1];
    let [one, answers, authorities, additionals] = counts;
    let mut lines = format!(
        ";; opcode: QUERY, status: {rcode}, flags: {}; QUERY: {one}, ANSWER: {answers}, AUTHORITY: \
         {authorities}, ADDITIONAL: {additionals}\n",
        flags.join(" ")
    );
    if let Some(code) = extended_error {
        lines += &format!("; EDE: {code}{}\n", if *code == 20 { " (Not Authoritative)" } else { "" });
    }
    lines += &format!("\n;; QUESTION SECTION:\n;{name} IN {rtype}\n");
    let all: Vec<Vec<Cell>> = answer.iter().chain(authority).chain(additional).map(record).collect();
    let widths = widths(&all);
    for (heading, records) in [("ANSWER", answer), ("AUTHORITY", authority), ("ADDITIONAL", additional)] {
        if records.is_empty() {
            continue;
        }
        lines += &format!("\n;; {heading} SECTION:\n");
        lines.extend(records.iter().map(|one| line("", &record(one), &widths, look)));
    }
    let over =
        if *bytes > UDP_PAYLOAD_MAX { ": over UDP TC is sent, and the client asks over TCP" } else { "" };
    lines + &format!("\n;; MSG SIZE: {bytes}{over}\n")
}

fn record(record: &RecordView) -> Vec<Cell> {
    let RecordView { owner, ttl, rtype, data, place } = record;
    let place = place.as_ref().map(|place| format!("; {place}")).unwrap_or_default();
    vec![
        owner.as_str().into(),
        ttl.to_string().into(),
        "IN".into(),
        rtype.as_str().into(),
        Cell::new(data.as_str(), Style::Strong),
        Cell::new(place, Style::Faint),
    ]
}
