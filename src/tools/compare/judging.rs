//! The differences between two answers to one question.
//!
//! Compression, the order of records and the case of names do not count; of a pool any member is accepted.
//! Differences that matter to no client are known by name.

use std::collections::BTreeSet;

use super::super::asking::{Echo, Manner, Question, Reply};
use super::ours::Ours;
use super::records::{
    ADDITIONAL, ANSWER, AUTHORITY, SECTIONS, negative_times, normal, not_among, plain, sets, shown,
    timed_values, values,
};
use crate::dns::response::{Record, Response};
use crate::dns::{Name, Rtype};

/// A question with both answers.
pub(super) struct Case<'c> {
    pub(super) question: &'c Question,
    pub(super) ours: &'c Reply,
    pub(super) theirs: &'c Reply,
    /// How the other server answers.
    pub(super) manner: Manner,
    /// What we hold.
    pub(super) held: &'c Ours,
}

/// What is thought of a case: nothing where both answer the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What differs.
    pub(super) parts: Vec<Part>,
    /// What differs and matters to no client.
    pub(super) known: BTreeSet<Known>,
}

/// A part of the answers that differs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Part {
    /// `rcode`, `flags`, `question`, or a section: `answer`, `authority`, `additional`.
    pub(super) what: &'static str,
    /// What only they say.
    pub(super) theirs: Vec<String>,
    /// What only we say.
    pub(super) ours: Vec<String>,
}

/// A difference that is a choice of each server, and matters to no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// The NS records of the zone behind an answer.
    ApexNs,
    /// Records in the additional section that only one of both adds.
    Additional,
    /// A chain that is followed into another zone.
    ChainGoesOn,
}

impl Known {
    /// Why it is not counted.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Known::ApexNs => "the zone's NS records behind an answer, which BIND adds: no client needs them",
            Known::Additional => {
                "addresses in the additional section that one of both leaves out: clients ask"
            }
            Known::ChainGoesOn => {
                "a CNAME or DNAME that leads into another zone and is followed there, as PowerDNS does: clients ask"
            }
        }
    }
}

/// Compares two answers.
pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let mut found = Judgement::default();
    let (theirs, ours) = (&case.theirs.response, &case.ours.response);
    if case.theirs.echo == Echo::OtherCase {
        let asked = case.question.qname.to_string();
        found.put("question", vec!["comes back in another case".to_owned()], vec![asked]);
    }
    if case.chosen_alias_differs() {
        // Everything behind an alias that was chosen follows from the choice.
        found.section(case, ANSWER, |case, key| case.held.members(key.0, key.1).is_some());
        return found;
    }
    if case.leaves_the_zone() {
        let own: BTreeSet<_> = sets(ours, ANSWER).into_keys().collect();
        found.section(case, ANSWER, |_, key| own.contains(&key));
        if theirs.rcode != ours.rcode || sets(theirs, ANSWER).len() > own.len() {
            found.known.insert(Known::ChainGoesOn);
        }
        return found;
    }
    if case.manner == Manner::Resolver && case.is_referral() {
        // It asks the other servers itself, and answers what they say.
        return found;
    }
    if theirs.rcode != ours.rcode {
        found.put("rcode", vec![theirs.rcode.to_string()], vec![ours.rcode.to_string()]);
    }
    match case.manner {
        Manner::Authority => {
            if theirs.is_authoritative() != ours.is_authoritative() {
                found.put("flags", vec![authority(theirs)], vec![authority(ours)]);
            }
            for (section, _) in SECTIONS {
                found.section(case, section, |_, _| true);
            }
        }
        Manner::Resolver => found.section(case, ANSWER, |_, _| true),
    }
    found
}

fn authority(response: &Response) -> String {
    if response.is_authoritative() { "aa" } else { "no aa" }.to_owned()
}

impl Case<'_> {
    /// Whether our chain of aliases ends at a name of another zone.
    fn leaves_the_zone(&self) -> bool {
        let answers = self.ours.response.answers();
        let end =
            answers.iter().rev().find_map(|record| (record.rtype == Rtype::CNAME).then(|| record.target()));
        let Some(end) = end.flatten().filter(|_| self.question.qtype != Rtype::CNAME) else { return false };
        let goes_on = answers.iter().any(|record| record.owner == end);
        !goes_on && self.held.zone_of(&end) != self.held.zone_of(&self.question.qname)
    }

    /// Whether both were led elsewhere because a pool of aliases answers one of several.
    fn chosen_alias_differs(&self) -> bool {
        let (theirs, ours) = (sets(&self.theirs.response, ANSWER), sets(&self.ours.response, ANSWER));
        ours.iter().any(|(key, records)| {
            let (owner, rtype) = *key;
            rtype == Rtype::CNAME
                && theirs.get(key).is_some_and(|theirs| values(theirs) != values(records))
                && self.held.members(owner, rtype).is_some()
        })
    }

    /// Whether ours sends the client to other servers.
    fn is_referral(&self) -> bool {
        let ours = &self.ours.response;
        ours.answers().is_empty() && ours.sections[AUTHORITY].iter().any(|record| record.rtype == Rtype::NS)
    }

    /// Whether the RRset of a section, of which one server says nothing, is a known difference.
    fn known(&self, section: usize, (owner, rtype): (&Name, Rtype)) -> Option<Known> {
        let positive = !self.ours.response.answers().is_empty();
        match section {
            AUTHORITY if positive && rtype == Rtype::NS && self.held.zone_of(owner) == Some(owner) => {
                Some(Known::ApexNs)
            }
            // Without glue a referral leads nowhere.
            ADDITIONAL if !self.is_referral() => Some(Known::Additional),
            _ => None,
        }
    }

    /// Whether two RRsets say the same.
    fn same(&self, section: usize, rtype: Rtype, theirs: &[&Record], ours: &[&Record]) -> bool {
        match (self.manner, section, rtype) {
            // Of a negative answer it is the time that counts; the SOA record itself is asked for at the
            // apex.
            (Manner::Authority, AUTHORITY, Rtype::SOA) => negative_times(theirs) == negative_times(ours),
            (Manner::Authority, _, _) => timed_values(theirs) == timed_values(ours),
            (Manner::Resolver, _, _) => {
                let ttl = |records: &[&Record]| records.iter().map(|record| record.ttl).min();
                values(theirs) == values(ours) && ttl(theirs) <= ttl(ours)
            }
        }
    }
}

impl Judgement {
    fn put(&mut self, what: &'static str, theirs: Vec<String>, ours: Vec<String>) {
        self.parts.push(Part { what, theirs, ours });
    }

    /// Compares the RRsets of a section that are `wanted`.
    fn section(
        &mut self,
        case: &Case<'_>,
        section: usize,
        wanted: impl Fn(&Case<'_>, (&Name, Rtype)) -> bool,
    ) {
        let (theirs, ours) = (sets(&case.theirs.response, section), sets(&case.ours.response, section));
        let keys: BTreeSet<_> = theirs.keys().chain(ours.keys()).copied().collect();
        let (mut their_lines, mut our_lines) = (Vec::new(), Vec::new());
        for key in keys.into_iter().filter(|key| wanted(case, *key)) {
            let (theirs, ours) = (theirs.get(&key), ours.get(&key));
            if theirs.is_some() != ours.is_some()
                && let Some(known) = case.known(section, key)
            {
                self.known.insert(known);
                continue;
            }
            let (theirs, ours) = (theirs.map_or(&[][..], Vec::as_slice), ours.map_or(&[][..], Vec::as_slice));
            let (theirs, ours) = match case.held.members(key.0, key.1) {
                Some(members) => {
                    let stranger = |record: &&&Record| {
                        let value = normal(record.rtype, &record.rdata);
                        !members.admit(record.ttl, &value, case.manner)
                    };
                    let strange: Vec<String> =
                        theirs.iter().filter(stranger).map(|record| shown(record)).collect();
                    if strange.is_empty() && theirs.is_empty() == ours.is_empty() {
                        continue;
                    }
                    let ttls: Vec<String> = members.ttls().iter().map(u32::to_string).collect();
                    let (owner, rtype) = key;
                    let any = format!(
                        "{} {} IN {rtype} any of {}",
                        plain(owner),
                        ttls.join("/"),
                        members.shown.join(", ")
                    );
                    (strange, vec![any])
                }
                None if case.same(section, key.1, theirs, ours) => continue,
                None => (not_among(theirs, ours), not_among(ours, theirs)),
            };
            their_lines.extend(theirs);
            our_lines.extend(ours);
        }
        if !their_lines.is_empty() || !our_lines.is_empty() {
            let what = SECTIONS.iter().find(|(place, _)| *place == section).map_or("", |(_, name)| name);
            self.put(what, their_lines, our_lines);
        }
    }
}

#[cfg(test)]
mod tests;
