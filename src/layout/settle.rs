//! From what keys say of one owner to its records.
//!
//! Responsible for what may stand at one name together being all that does: one alias and nothing else, one TTL for a
//! set, one group. Not responsible for rules that look at other names.

use std::collections::{BTreeMap, HashSet};

use super::item::{Item, KeyFault};
use crate::dns::{Rtype, Ttl};
use crate::zone::Record;

/// The records of an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled<'k> {
    /// The records, each once, with the first key that says it.
    pub records: Vec<(&'k [u8], Record)>,
    /// What was left out though its key says it.
    pub faults: Vec<KeyFault>,
}

/// The records of one owner by all that keys say of it, in the order of the keys.
pub fn settle<'k>(items: &[(&'k [u8], Item)]) -> Settled<'k> {
    let mut settled = Settled::default();
    let group = group(items);
    let kept = items.iter().filter(|(_, item)| match (&group, &item.group) {
        (Some(group), Some(own)) => group == own,
        (None, _) | (_, None) => true,
    });
    let said: Vec<(&'k [u8], &Record)> =
        kept.flat_map(|(key, item)| item.records.iter().map(|record| (*key, record))).collect();
    let alias = said.iter().position(|(_, record)| record.rtype == Rtype::CNAME);
    let has_addresses = said.iter().any(|(_, record)| matches!(record.rtype, Rtype::A | Rtype::AAAA));
    let mut seen = HashSet::new();
    for (place, (key, record)) in said.iter().enumerate() {
        let is_alias = record.rtype == Rtype::CNAME;
        let why_not = match alias {
            // What is an address stays one: a name that was added by the side takes nothing away.
            Some(_) if has_addresses && is_alias => Some("an alias, and the name has addresses"),
            Some(_) if has_addresses => None,
            Some(first) if is_alias && place != first => Some("a second alias of the name"),
            Some(_) if !is_alias => Some("the name is an alias and can have no other records"),
            _ => None,
        };
        match why_not {
            // The same said twice is said once.
            Some(_) if seen.contains(&(record.rtype, &record.rdata)) => {}
            Some(why) => settled.faults.push(KeyFault::of(key, why)),
            None => {
                if seen.insert((record.rtype, &record.rdata)) {
                    settled.records.push((key, (*record).clone()));
                }
            }
        }
    }
    level(&mut settled.records);
    settled
}

/// The group that is answered: the one that the shortest keys agree on; none: all are.
fn group(items: &[(&[u8], Item)]) -> Option<Box<str>> {
    let depth = items.iter().map(|(_, item)| item.depth).min()?;
    let shortest = items.iter().filter(|(_, item)| item.depth == depth);
    let mut groups = shortest.filter_map(|(_, item)| item.group.clone());
    let first = groups.next()?;
    groups.all(|other| other == first).then_some(first)
}

/// One TTL for each set, the lowest (RFC 2181, section 5.2).
fn level(records: &mut [(&[u8], Record)]) {
    let mut lowest: BTreeMap<Rtype, Ttl> = BTreeMap::new();
    for (_, record) in records.iter() {
        lowest.entry(record.rtype).and_modify(|ttl| *ttl = record.ttl.min(*ttl)).or_insert(record.ttl);
    }
    for (_, record) in records {
        record.ttl = lowest.get(&record.rtype).copied().unwrap_or(record.ttl);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rtype: Rtype, ttl: u32, rdata: &[u8]) -> Record {
        let (owner, ttl) = ("n.example.".parse().unwrap(), Ttl::from_seconds(ttl).unwrap());
        Record { owner, rtype, ttl, rdata: rdata.into() }
    }

    fn item(depth: usize, group: &str, records: Vec<Record>) -> Item {
        let group = (!group.is_empty()).then(|| group.into());
        Item { owner: "n.example.".parse().unwrap(), records, has_lua: false, pool: None, depth, group }
    }

    fn settled(items: Vec<Item>) -> (Vec<(Rtype, u8)>, usize) {
        let keys = ["/a", "/b", "/c", "/d"];
        let items: Vec<(&[u8], Item)> = keys.iter().map(|key| key.as_bytes()).zip(items).collect();
        let Settled { records, faults } = settle(&items);
        (records.iter().map(|(_, record)| (record.rtype, record.rdata[0])).collect(), faults.len())
    }

    fn a(last: u8) -> Vec<Record> {
        vec![record(Rtype::A, 60, &[last, 0, 0, 0])]
    }

    #[test]
    fn the_group_of_the_shortest_keys_is_answered_and_what_has_no_group() {
        let (records, _) = settled(vec![item(2, "g1", a(1)), item(3, "g2", a(2)), item(3, "", a(3))]);
        assert_eq!(records, [(Rtype::A, 1), (Rtype::A, 3)]);
        let (records, _) = settled(vec![item(2, "g1", a(1)), item(2, "g2", a(2))]);
        assert_eq!(records.len(), 2, "they disagree");
        let (records, _) = settled(vec![item(2, "", a(1)), item(3, "g2", a(2))]);
        assert_eq!(records.len(), 2, "the shortest key has none");
    }

    #[test]
    fn an_alias_stands_alone_and_yields_to_addresses() {
        let alias = |last| vec![record(Rtype::CNAME, 60, &[last])];
        let text = || vec![record(Rtype::TXT, 60, &[9])];
        let plain = |records| item(2, "", records);
        assert_eq!(settled(vec![plain(alias(1)), plain(text())]), (vec![(Rtype::CNAME, 1)], 1));
        assert_eq!(settled(vec![plain(text()), plain(alias(1))]), (vec![(Rtype::CNAME, 1)], 1));
        assert_eq!(settled(vec![plain(alias(1)), plain(alias(2))]), (vec![(Rtype::CNAME, 1)], 1));
        assert_eq!(settled(vec![plain(alias(1)), plain(alias(1))]), (vec![(Rtype::CNAME, 1)], 0));
        let with_address = settled(vec![plain(alias(1)), plain(a(7)), plain(text())]);
        assert_eq!(with_address, (vec![(Rtype::A, 7), (Rtype::TXT, 9)], 1));
    }

    #[test]
    fn a_set_has_one_ttl_and_each_record_once() {
        let items = [record(Rtype::A, 60, &[1]), record(Rtype::A, 30, &[1]), record(Rtype::A, 40, &[2])];
        let items: Vec<(&[u8], Item)> = vec![(b"/a", item(2, "", items.to_vec()))];
        let told: Vec<u32> = settle(&items).records.iter().map(|(_, record)| record.ttl.seconds()).collect();
        assert_eq!(told, [40, 40], "what was left out does not count");
    }
}
