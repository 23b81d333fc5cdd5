//! What signs an answer, and what proves that something is not there: what a client with the DO bit gets besides.
//!
//! Reads the records of the response that such a client gets, and nothing else: what is said is what is sent.

use std::collections::BTreeSet;

use crate::dns::Rtype;
use crate::dns::response::{Record, Response};

/// One sentence for each signature and proof; none where the zone is not signed. `names` are those on the way to the answer.
pub(super) fn sentences(response: &Response, names: &[String]) -> Vec<String> {
    let [answer, authority, _] = &response.sections;
    let records = || answer.iter().chain(authority);
    let signatures = records().filter(|record| record.rtype == Rtype::RRSIG).filter_map(signature);
    let proofs = records().filter_map(|record| match record.rtype {
        Rtype::NSEC => nsec(record, names),
        Rtype::NSEC3 => nsec3(record),
        _ => None,
    });
    // Records of one RRset are signed together, and each RRset by as many keys as sign.
    let mut said = BTreeSet::new();
    signatures.chain(proofs).filter(|sentence| said.insert(sentence.clone())).collect()
}

/// Which key signs what, until when; and by which name, where a wildcard has made another of it (RFC 4034, section 3.1.3).
fn signature(record: &Record) -> Option<String> {
    let data = record.data();
    let words: Vec<&str> = data.split_ascii_whitespace().collect();
    let [covered, algorithm, labels, _, expires, _, tag, ..] = *words else { return None };
    let labels: usize = labels.parse().ok()?;
    let mut name = record.owner.as_ref();
    while name.label_count() > labels
        && let Some(parent) = name.parent()
    {
        name = parent;
    }
    let is_made = name != record.owner.as_ref() && !record.owner.as_ref().is_wildcard();
    let made = if is_made { format!(", as the wildcard *.{name} has it") } else { String::new() };
    Some(format!(
        "{covered} of {} is signed by key {tag} (algorithm {algorithm}) until {}{made}",
        record.owner,
        date(expires)?
    ))
}

/// A date as signatures have it, `20261221000000`, for people.
fn date(digits: &str) -> Option<String> {
    let part = |from: usize, to: usize| digits.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hours, minutes, seconds) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    Some(format!("{year}-{month}-{day}T{hours}:{minutes}:{seconds}Z"))
}

/// What a NSEC record proves (RFC 4034, section 4): of its owner which types it has, else which names are not there.
fn nsec(record: &Record, names: &[String]) -> Option<String> {
    let data = record.data();
    let (next, types) = data.split_once(' ').unwrap_or((&data, ""));
    let owner = record.owner.to_string();
    Some(if names.contains(&owner) {
        format!("NSEC of {owner} proves that it has {} and no other type", listed(types))
    } else {
        format!("NSEC of {owner} proves that no name lies between it and {next}")
    })
}

/// What a NSEC3 record proves (RFC 5155, section 3).
fn nsec3(record: &Record) -> Option<String> {
    let data = record.data();
    let mut words = data.split_ascii_whitespace().skip(4);
    let next = words.next()?;
    let types: Vec<&str> = words.collect();
    let types = listed(&types.join(" "));
    let owner = &record.owner;
    Some(format!(
        "NSEC3 of {owner} proves that what hashes to it has {types}, and that nothing hashes to what lies between it and {next}"
    ))
}

/// Types that are listed in an answer, between spaces.
fn listed(types: &str) -> String {
    let types: Vec<&str> = types.split_ascii_whitespace().collect();
    if types.is_empty() { "no type".to_owned() } else { types.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_a_signature_is_told_for_people() {
        assert_eq!(date("20261221013000").as_deref(), Some("2026-12-21T01:30:00Z"));
        assert_eq!(date("2026"), None);
    }
}
