//! Who belongs to pools by the word of a cluster, and who still does though it is gone.
//!
//! ```text
//!   there ──── gone ───▶ missed ──── forget ───▶ nobody
//!     ▲                    │
//!     └──── there again ───┘
//! ```
//!
//! Pure; time is passed in. A machine that is replaced is gone for minutes: its address stays a member meanwhile, and whether
//! it answers is for probes to say. Who is gone, and whose addresses others have, is missed by nobody: so are pods that are
//! replaced on their node. The last one is never forgotten: a list that is empty is more likely a mistake in labels or rights
//! than a cluster of nobody. While all are missed, no time passes for them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::kubernetes::Member;
use crate::zone;

/// Most addresses that a cluster says: half of what a pool holds, whose other half is for those of the zone file.
const ADDRESSES_MAX: usize = zone::MEMBERS_MAX / 2;

/// Most members: several pods have one address.
const MEMBERS_MAX: usize = 2_000;

/// Members by their names.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: BTreeMap<String, Known>,
    /// How many have each address.
    addresses: BTreeMap<IpAddr, usize>,
    /// Those for whom there is no room.
    left_out: BTreeSet<String>,
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
    pub(super) fn kept(members: impl IntoIterator<Item = Member>, now: Instant) -> Roster {
        let mut roster = Roster::default();
        members.into_iter().for_each(|member| roster.take(member, now));
        roster
    }

    /// The cluster has these, and no others.
    pub(super) fn restate(&mut self, all: Vec<Member>, now: Instant) {
        let names: BTreeSet<String> = all.iter().map(|member| member.name.clone()).collect();
        self.left_out.clear();
        all.into_iter().for_each(|member| self.take(member, now));
        for (_, known) in self.members.iter_mut().filter(|(name, _)| !names.contains(*name)) {
            known.missed_since.get_or_insert(now);
        }
        self.let_go_of_replaced();
    }

    /// One is there. As long as it has no address, it keeps those that it had.
    pub(super) fn there(&mut self, member: Member, now: Instant) {
        self.take(member, now);
        self.let_go_of_replaced();
    }

    /// One is gone.
    pub(super) fn gone(&mut self, name: &str, now: Instant) {
        self.left_out.remove(name);
        if let Some(known) = self.members.get_mut(name) {
            known.missed_since.get_or_insert(now);
        }
        self.let_go_of_replaced();
    }

    fn take(&mut self, Member { name, mut addresses }: Member, now: Instant) {
        if self.are_all_missed() {
            // The others may come back, too, one after the other.
            self.members.values_mut().for_each(|known| known.missed_since = Some(now));
        }
        let before = self.members.get(&name).map(|known| known.addresses.clone()).unwrap_or_default();
        if addresses.is_empty() {
            addresses = before.clone();
        }
        if addresses.is_empty() {
            return;
        }
        let new = addresses.iter().filter(|one| !self.addresses.contains_key(*one)).count();
        let freed =
            before.iter().filter(|one| self.addresses.get(*one) == Some(&1) && !addresses.contains(one));
        let count = self.addresses.len() + new - freed.count();
        let is_known = !before.is_empty();
        if (new > 0 && count > ADDRESSES_MAX) || (!is_known && self.members.len() >= MEMBERS_MAX) {
            if self.left_out.len() < MEMBERS_MAX {
                self.left_out.insert(name.clone());
            }
            // It stays as it was.
            self.members.get_mut(&name).into_iter().for_each(|known| known.missed_since = None);
            return;
        }
        self.left_out.remove(&name);
        self.remove(&name);
        addresses.iter().for_each(|one| *self.addresses.entry(*one).or_default() += 1);
        self.members.insert(name, Known { addresses, missed_since: None });
    }

    fn remove(&mut self, name: &str) {
        let Some(known) = self.members.remove(name) else { return };
        for address in known.addresses {
            let count = self.addresses.entry(address).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    /// Forgets those that are gone and all of whose addresses others have that are there.
    fn let_go_of_replaced(&mut self) {
        if self.missed() == 0 {
            return;
        }
        let there = self.members.values().filter(|known| known.missed_since.is_none());
        let there: BTreeSet<IpAddr> = there.flat_map(|known| known.addresses.iter().copied()).collect();
        let is_replaced = |known: &Known| {
            known.missed_since.is_some() && known.addresses.iter().all(|one| there.contains(one))
        };
        let replaced = self.members.iter().filter(|(_, known)| is_replaced(known));
        let replaced: Vec<String> = replaced.map(|(name, _)| name.clone()).collect();
        replaced.iter().for_each(|name| self.remove(name));
    }

    fn are_all_missed(&self) -> bool {
        self.members.values().all(|known| known.missed_since.is_some())
    }

    /// When the next one is to be forgotten; none: nobody is missed, or only all of them are.
    pub(super) fn next_forgotten(&self, forget: Duration) -> Option<Instant> {
        if self.are_all_missed() {
            return None;
        }
        self.members.values().filter_map(|known| known.missed_since?.checked_add(forget)).min()
    }

    /// Forgets those that have been missed for so long, but never all of them.
    pub(super) fn forget(&mut self, forget: Duration, now: Instant) -> Vec<String> {
        let is_over = |known: &Known| {
            known.missed_since.is_some_and(|since| now.saturating_duration_since(since) >= forget)
        };
        if self.are_all_missed() {
            return Vec::new();
        }
        let over: Vec<String> =
            self.members.iter().filter(|(_, known)| is_over(known)).map(|(name, _)| name.clone()).collect();
        over.iter().for_each(|name| self.remove(name));
        over
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// How many the cluster has besides, for whom there is no room.
    pub(super) fn left_out(&self) -> usize {
        self.left_out.len()
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

    /// The addresses of all of them, each once.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.addresses.keys().copied().collect()
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
        roster.there(member("m2", "192.0.2.3"), at(610));
        assert_eq!((roster.missed(), roster.next_forgotten(FORGET)), (0, None), "there again");
        roster.restate(three()[..2].to_vec(), at(700));
        assert_eq!(roster.forget(FORGET, at(1300)), ["m2"]);
        assert_eq!(roster.addresses().len(), 2);
    }

    #[test]
    fn a_list_of_nobody_forgets_nobody_and_who_returns_first_leaves_the_others_their_time() {
        let begin = Instant::now();
        let mut roster = Roster::kept(three(), begin);
        roster.restate(Vec::new(), begin);
        assert!(roster.forget(FORGET, begin + FORGET * 10).is_empty());
        assert_eq!((roster.len(), roster.missed(), roster.next_forgotten(FORGET)), (3, 3, None));
        let back = begin + FORGET * 10;
        roster.there(member("m0", "192.0.2.1"), back);
        assert!(roster.forget(FORGET, back).is_empty(), "the others come next");
        roster.there(member("m1", "192.0.2.2"), back + Duration::from_secs(1));
        assert_eq!(roster.forget(FORGET, back + FORGET), ["m2"]);
    }

    #[test]
    fn a_pod_that_is_replaced_on_its_node_is_missed_by_nobody() {
        let now = Instant::now();
        let mut roster = Roster::kept([member("a1", "192.0.2.1"), member("b1", "192.0.2.2")], now);
        roster.gone("a1", now);
        assert_eq!((roster.len(), roster.missed()), (2, 1));
        roster.there(member("a2", "192.0.2.1"), now);
        assert_eq!((roster.len(), roster.missed(), roster.addresses().len()), (2, 0, 2));
        roster.there(member("b2", "192.0.2.2"), now);
        roster.gone("b1", now);
        assert_eq!((roster.len(), roster.missed(), roster.addresses().len()), (2, 0, 2));
        roster.gone("b2", now);
        assert_eq!((roster.missed(), roster.addresses().len()), (1, 2), "its address was the last one");
    }

    #[test]
    fn more_than_a_pool_holds_are_left_out_until_there_is_room() {
        let now = Instant::now();
        let mut roster = Roster::default();
        let of =
            |number: usize| member(&format!("m{number}"), &format!("10.0.{}.{}", number / 200, number % 200));
        (0..ADDRESSES_MAX + 2).for_each(|number| roster.there(of(number), now));
        assert_eq!(
            (roster.addresses().len(), roster.len(), roster.left_out()),
            (ADDRESSES_MAX, ADDRESSES_MAX, 2)
        );
        roster.there(member("m0", "10.9.0.1"), now);
        assert_eq!(
            (roster.addresses().len(), roster.left_out()),
            (ADDRESSES_MAX, 2),
            "one in place of its own"
        );
        let mut more = of(1);
        more.addresses.push("10.9.0.2".parse().unwrap());
        roster.there(more, now);
        assert_eq!((roster.addresses().len(), roster.left_out()), (ADDRESSES_MAX, 3));
        roster.gone(&format!("m{ADDRESSES_MAX}"), now);
        assert_eq!(roster.left_out(), 2);
        let pods =
            |count: usize| (0..count).map(|number| member(&format!("p{number}"), "192.0.2.1")).collect();
        roster.restate(pods(MEMBERS_MAX + 7), now);
        let over = roster.len() + roster.left_out();
        assert!(roster.len() <= MEMBERS_MAX && over >= MEMBERS_MAX + 7, "{} {over}", roster.len());
    }

    #[test]
    fn a_member_has_the_addresses_that_it_had_last() {
        let now = Instant::now();
        let addresses =
            |roster: &Roster| -> Vec<String> { roster.addresses().iter().map(ToString::to_string).collect() };
        let mut roster = Roster::default();
        roster.there(member("new", ""), now);
        assert_eq!(roster.len(), 0, "where it is is not known yet");
        roster.there(member("new", "192.0.2.1"), now);
        roster.there(member("new", ""), now);
        assert_eq!(addresses(&roster), ["192.0.2.1"]);
        roster.there(member("new", "192.0.2.9"), now);
        assert_eq!(addresses(&roster), ["192.0.2.9"]);
    }
}
