//! Records in a form that can be compared: by RRset, with the names in RDATA in lower case.

use std::collections::{BTreeMap, BTreeSet};

use crate::dns::response::{Record, Response};
use crate::dns::{Name, Rtype, rdata};

/// The sections of a response, as `Response::sections` has them.
pub(super) const SECTIONS: [(usize, &str); 3] =
    [(ANSWER, "answer"), (AUTHORITY, "authority"), (ADDITIONAL, "additional")];
pub(super) const ANSWER: usize = 0;
pub(super) const AUTHORITY: usize = 1;
pub(super) const ADDITIONAL: usize = 2;

/// RRsets by owner and type.
pub(super) type Sets<'r> = BTreeMap<(&'r Name, Rtype), Vec<&'r Record>>;

/// The RRsets of a section.
pub(super) fn sets(response: &Response, section: usize) -> Sets<'_> {
    let mut sets = Sets::new();
    for record in response.sections.get(section).into_iter().flatten() {
        sets.entry((&record.owner, record.rtype)).or_default().push(record);
    }
    sets
}

/// Records of one side that the other one does not have just so.
pub(super) fn not_among(records: &[&Record], others: &[&Record]) -> Vec<String> {
    let others = timed_values(others);
    let missing = |record: &&&Record| !others.contains(&(record.ttl, normal(record.rtype, &record.rdata)));
    let mut lines: Vec<String> = records.iter().filter(missing).map(|record| shown(record)).collect();
    lines.sort_unstable();
    lines
}

/// A record as in zone text, its owner as [`plain`] writes it.
pub(super) fn shown(record: &Record) -> String {
    format!("{} {} IN {} {}", plain(&record.owner), record.ttl, record.rtype, record.data())
}

/// A name in lower case: mixed case is only how it was asked.
pub(super) fn plain(name: &Name) -> String {
    name.to_string().to_ascii_lowercase()
}

/// What a set says, TTLs aside.
pub(super) fn values(records: &[&Record]) -> BTreeSet<Vec<u8>> {
    records.iter().map(|record| normal(record.rtype, &record.rdata)).collect()
}

pub(super) fn timed_values(records: &[&Record]) -> BTreeSet<(u32, Vec<u8>)> {
    records.iter().map(|record| (record.ttl, normal(record.rtype, &record.rdata))).collect()
}

/// TTL and MINIMUM field of SOA records: how long a negative answer is kept (RFC 2308, section 5).
pub(super) fn negative_times(records: &[&Record]) -> BTreeSet<(u32, Option<[u8; 4]>)> {
    records.iter().map(|record| (record.ttl, record.rdata.last_chunk().copied())).collect()
}

/// RDATA with its names in lower case: the same names, the same bytes (RFC 4343).
pub(super) fn normal(rtype: Rtype, data: &[u8]) -> Vec<u8> {
    let mut normal = data.to_vec();
    for inner in rdata::names(rtype, data) {
        let end = inner.at + inner.name.wire().len();
        if let Some(name) = normal.get_mut(inner.at..end) {
            name.make_ascii_lowercase();
        }
    }
    normal
}
