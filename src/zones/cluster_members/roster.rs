//! Who belongs to pools by the word of a cluster, and who still does though it is gone.
//!
//! ```text
//!   there ──── gone ───▶ missed ──── forget ───▶ nobody
//!     ▲                    │
//!     └──── there again ───┘
//! ```
//!
//! Pure; time is passed in. A machine that is replaced is gone for minutes: its address stays a member meanwhile, and whether
//! it answers is for probes to say. The last one is never forgotten: a list that is empty is more likely a mistake in labels or
//! rights than a cluster of nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::kubernetes::Member;

/// Members by their names.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<String, Known>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    addresses: Vec<IpAddr>,
    /// Since when it is gone; none: it is there.
    missed_since: Option<Instant>,
}

impl Roster {
    /// Those that were kept. What has become of them meanwhile is not known, so they are there.
    pub(super) fn kept(members: impl IntoIterator<Item = Member>) -> Roster {
        let mut roster = Roster::default();
        members.into_iter().for_each(|member| roster.there(member));
        roster
    }

    /// The cluster has these, and no others.
    pub(super) fn restate(&mut self, all: Vec<Member>, now: Instant) {
        let names: BTreeSet<&str> = all.iter().map(|member| member.name.as_str()).collect();
        let gone: Vec<String> =
            self.members.keys().filter(|name| !names.contains(name.as_str())).cloned().collect();
        gone.iter().for_each(|name| self.gone(name, now));
        all.into_iter().for_each(|member| self.there(member));
    }

    /// One is there. As long as it has no address, it keeps those that it had.
    pub(super) fn there(&mut self, Member { name, addresses }: Member) {
        match self.members.get_mut(&name) {
            Some(known) => {
                known.missed_since = None;
                if !addresses.is_empty() {
                    known.addresses = addresses;
                }
            }
            None if addresses.is_empty() => {}
            None => drop(self.members.insert(name, Known { addresses, missed_since: None })),
        }
    }

    /// One is gone.
    pub(super) fn gone(&mut self, name: &str, now: Instant) {
        if let Some(known) = self.members.get_mut(name) {
            known.missed_since.get_or_insert(now);
        }
    }

    /// When the next one is to be forgotten; none: nobody is missed, or only all of them are.
    pub(super) fn next_forgotten(&self, forget: Duration) -> Option<Instant> {
        if self.members.values().all(|known| known.missed_since.is_some()) {
            return None;
        }
        self.members.values().filter_map(|known| known.missed_since?.checked_add(forget)).min()
    }

    /// Forgets those that have been missed for so long, but never all of them.
    pub(super) fn forget(&mut self, forget: Duration, now: Instant) -> Vec<String> {
        let is_over = |known: &Known| {
            known.missed_since.is_some_and(|since| now.saturating_duration_since(since) >= forget)
        };
        if self.members.values().all(|known| known.missed_since.is_some()) {
            return Vec::new();
        }
        let over: Vec<String> =
            self.members.iter().filter(|(_, known)| is_over(known)).map(|(name, _)| name.clone()).collect();
        over.iter().for_each(|name| drop(self.members.remove(name)));
        over
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// How many of them are gone.
    pub(super) fn missed(&self) -> usize {
        self.members.values().filter(|known| known.missed_since.is_some()).count()
    }

    /// All of them, gone or not, in the order of their names.
    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        let member = |(name, known): (&String, &Known)| Member {
            name: name.clone(),
            addresses: known.addresses.clone(),
        };
        self.members.iter().map(member)
    }

    /// The addresses of all of them.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.members.values().flat_map(|known| known.addresses.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORGET: Duration = Duration::from_secs(600);

    fn member(name: &str, address: &str) -> Member {
        let addresses = if address.is_empty() { Vec::new() } else { vec![address.parse().unwrap()] };
        Member { name: name.to_owned(), addresses }
    }

    fn three() -> Vec<Member> {
        vec![member("m0", "192.0.2.1"), member("m1", "192.0.2.2"), member("m2", "192.0.2.3")]
    }

    #[test]
    fn who_is_gone_for_less_than_forget_stays_and_then_is_forgotten() {
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut roster = Roster::default();
        roster.restate(three(), begin);
        roster.gone("m2", at(10));
        roster.gone("m2", at(300));
        assert!(roster.forget(FORGET, at(609)).is_empty());
        assert_eq!((roster.len(), roster.missed(), roster.next_forgotten(FORGET)), (3, 1, Some(at(610))));
        roster.there(member("m2", "192.0.2.3"));
        assert_eq!((roster.missed(), roster.next_forgotten(FORGET)), (0, None), "there again");
        roster.restate(three()[..2].to_vec(), at(700));
        assert_eq!(roster.forget(FORGET, at(1300)), ["m2"]);
        assert_eq!(roster.addresses().count(), 2);
    }

    #[test]
    fn a_list_of_nobody_forgets_nobody() {
        let begin = Instant::now();
        let mut roster = Roster::kept(three());
        roster.restate(Vec::new(), begin);
        assert!(roster.forget(FORGET, begin + FORGET * 10).is_empty());
        assert_eq!((roster.len(), roster.missed(), roster.next_forgotten(FORGET)), (3, 3, None));
        // As soon as one is there, the others are known to be gone.
        roster.there(member("m0", "192.0.2.1"));
        assert_eq!(roster.forget(FORGET, begin + FORGET * 10).len(), 2);
    }

    #[test]
    fn a_member_has_the_addresses_that_it_had_last() {
        let mut roster = Roster::default();
        roster.there(member("new", ""));
        assert_eq!(roster.len(), 0, "where it is is not known yet");
        roster.there(member("new", "192.0.2.1"));
        roster.there(member("new", ""));
        assert_eq!(roster.addresses().collect::<Vec<_>>(), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        roster.there(member("new", "192.0.2.9"));
        assert_eq!(roster.addresses().collect::<Vec<_>>(), ["192.0.2.9".parse::<IpAddr>().unwrap()]);
    }
}
