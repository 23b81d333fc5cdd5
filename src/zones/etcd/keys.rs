//! The keys of a zone as they are known, and which names they have changed.
//!
//! Pure. A value that cannot be read leaves what its key said before.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::values::{Lent, Value, Values};
use crate::dns::{Name, Ttl};
use crate::etcd::{Change, KeyValue, LeaseId};
use crate::layout::{self, Guards, Item, KeyFault, Layout, Settled, settle};

/// The keys of a zone.
pub(in crate::zones) struct Keys {
    layout: &'static Layout,
    place: layout::Place,
    /// Each key that says something, with its last value of use.
    values: Values,
    /// The keys that say something of a name, in their order.
    owners: HashMap<Name, Vec<Arc<[u8]>>>,
    /// The names of which something else may be said than was taken.
    changed: HashSet<Name>,
    faults: BTreeMap<Vec<u8>, KeyFault>,
    /// What guards the addresses of names, by the keys that say so: of several for one name, which keys in capitals and in
    /// small letters are, the first counts.
    pools: BTreeMap<Name, BTreeMap<Arc<[u8]>, Guards>>,
    leases: HashMap<LeaseId, Granted>,
    /// The leases of which it is to be asked how long they were granted for.
    unknown: Vec<LeaseId>,
}

/// A lease that keys have.
struct Granted {
    /// How many have it.
    keys: usize,
    /// The most that a TTL may be; none: not known.
    ttl: Option<Ttl>,
}

impl Keys {
    /// None yet.
    pub(in crate::zones) fn new(layout: &'static Layout, place: layout::Place) -> Keys {
        Keys {
            layout,
            place,
            values: Values::default(),
            owners: HashMap::new(),
            changed: HashSet::new(),
            faults: BTreeMap::new(),
            pools: BTreeMap::new(),
            leases: HashMap::new(),
            unknown: Vec::new(),
        }
    }

    /// How many keys say something.
    pub(in crate::zones) fn len(&self) -> usize {
        self.values.len()
    }

    /// Where the zone is in the store.
    pub(in crate::zones) fn place(&self) -> &layout::Place {
        &self.place
    }

    /// What they mean.
    pub(in crate::zones) fn layout(&self) -> &'static Layout {
        self.layout
    }

    /// Takes in what has become of a key.
    pub(in crate::zones) fn take(&mut self, change: Change) {
        match change {
            Change::Put(kv) => self.put(kv),
            Change::Gone { key, revision: _ } => self.remove(&key),
        }
    }

    /// A key has a value.
    pub(in crate::zones) fn put(&mut self, KeyValue { key, value, revision, lease }: KeyValue) {
        if let Some(known) = self.values.get(&key)
            && *known.bytes == *value
            && known.lease == lease
        {
            self.values.renew(&key, revision);
            self.faults.remove(&key);
            return;
        }
        match (self.layout.read)(&self.place, &key, &value) {
            None => {}
            Some(Err(fault)) => drop(self.faults.insert(key, fault)),
            Some(Ok(items)) => {
                self.forget(&key);
                self.faults.remove(&key);
                let key: Arc<[u8]> = key.into();
                for item in items {
                    self.changed.insert(item.owner.clone());
                    if let Some(pool) = item.pool {
                        self.pools.entry(item.owner.clone()).or_default().insert(Arc::clone(&key), *pool);
                    }
                    let keys = self.owners.entry(item.owner).or_default();
                    if let Err(at) = keys.binary_search(&key) {
                        keys.insert(at, Arc::clone(&key));
                    }
                }
                if let Some(lease) = lease {
                    self.hold(lease);
                }
                self.values.insert(key, Value { revision, bytes: value.into(), lease });
            }
        }
    }

    fn remove(&mut self, key: &[u8]) {
        self.faults.remove(key);
        self.forget(key);
    }

    /// What a key said is said no more.
    fn forget(&mut self, key: &[u8]) {
        let Some((key, value)) = self.values.remove_entry(key) else { return };
        if let Some(lease) = value.lease {
            self.let_go(lease);
        }
        for item in self.read(&key, &value.bytes) {
            if let Place::Occupied(mut keys) = self.owners.entry(item.owner.clone()) {
                keys.get_mut().retain(|one| *one != key);
                if keys.get().is_empty() {
                    keys.remove();
                }
            }
            if let (Some(_), Some(pools)) = (&item.pool, self.pools.get_mut(&item.owner)) {
                pools.remove(&key);
                if pools.is_empty() {
                    self.pools.remove(&item.owner);
                }
            }
            self.changed.insert(item.owner);
        }
    }

    /// One more key has a lease.
    fn hold(&mut self, lease: LeaseId) {
        match self.leases.entry(lease) {
            Place::Occupied(mut known) => known.get_mut().keys += 1,
            Place::Vacant(new) => {
                new.insert(Granted { keys: 1, ttl: None });
                self.unknown.push(lease);
            }
        }
    }

    fn let_go(&mut self, lease: LeaseId) {
        let Place::Occupied(mut known) = self.leases.entry(lease) else { return };
        known.get_mut().keys -= 1;
        if known.get().keys == 0 {
            known.remove();
        }
    }

    /// The leases of which it is to be asked how long they were granted for, which are not any more.
    pub(in crate::zones) fn take_unknown_leases(&mut self) -> Vec<LeaseId> {
        let mut unknown = std::mem::take(&mut self.unknown);
        unknown.retain(|lease| self.leases.get(lease).is_some_and(|known| known.ttl.is_none()));
        unknown
    }

    /// Whether there are such.
    pub(in crate::zones) fn has_unknown_leases(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// These are still to be asked for.
    pub(in crate::zones) fn mark_unknown(&mut self, leases: impl IntoIterator<Item = LeaseId>) {
        self.unknown.extend(leases);
    }

    /// With this lease no TTL is longer. What has been published of its keys is not looked at again.
    pub(in crate::zones) fn granted(&mut self, lease: LeaseId, ttl: Ttl) {
        if let Some(known) = self.leases.get_mut(&lease) {
            known.ttl = Some(ttl);
        }
    }

    /// The leases that are known, for the disk.
    pub(in crate::zones) fn known_leases(&self) -> Vec<(LeaseId, Ttl)> {
        self.leases.iter().filter_map(|(lease, known)| Some((*lease, known.ttl?))).collect()
    }

    /// What a value says that was of use once.
    fn read(&self, key: &[u8], value: &[u8]) -> Vec<Item> {
        (self.layout.read)(&self.place, key, value).and_then(Result::ok).unwrap_or_default()
    }

    /// The keys are these, and no others.
    pub(in crate::zones) fn restate(&mut self, all: Vec<KeyValue>) {
        if !(self.values.len() == 0 && self.faults.is_empty()) {
            let there: HashSet<&[u8]> = all.iter().map(|kv| &*kv.key).collect();
            let gone = |key: &&[u8]| !there.contains(key);
            let values = self.values.keys().filter(gone);
            let faulty = self.faults.keys().map(Vec::as_slice).filter(gone);
            let gone: Vec<Vec<u8>> = values.chain(faulty).map(<[u8]>::to_vec).collect();
            gone.iter().for_each(|key| self.remove(key));
        }
        all.into_iter().for_each(|kv| self.put(kv));
    }

    /// All that is said, for the disk.
    pub(in crate::zones) fn lend(&mut self) -> Lent {
        self.values.lend()
    }

    /// The names of which something is said.
    pub(in crate::zones) fn owners(&self) -> impl Iterator<Item = &Name> {
        self.owners.keys()
    }

    /// How many names there are of which something is said.
    pub(in crate::zones) fn names(&self) -> usize {
        self.owners.len()
    }

    /// Whether names have changed.
    #[cfg(test)]
    pub(in crate::zones) fn have_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The names that have changed, which have not any more.
    pub(in crate::zones) fn take_changed(&mut self) -> HashSet<Name> {
        std::mem::take(&mut self.changed)
    }

    /// These names are still to be looked at.
    pub(in crate::zones) fn mark_changed(&mut self, names: impl IntoIterator<Item = Name>) {
        self.changed.extend(names);
    }

    /// What is said of a name.
    pub(in crate::zones) fn said(&self, owner: &Name) -> (Vec<(&[u8], Item)>, HasLua) {
        let keys = self.owners.get(owner).map(Vec::as_slice).unwrap_or_default();
        let mut items = Vec::new();
        let mut has_lua = HasLua::No;
        for key in keys {
            let Some(value) = self.values.get(key) else { continue };
            let mut own = self.read(key, &value.bytes).into_iter().find(|item| item.owner == *owner);
            let lease = value.lease.and_then(|lease| self.leases.get(&lease));
            if let (Some(own), Some(most)) = (&mut own, lease.and_then(|granted| granted.ttl)) {
                own.records.iter_mut().for_each(|record| record.ttl = record.ttl.min(most));
            }
            if own.as_ref().is_some_and(|own| own.has_lua) {
                has_lua = HasLua::Yes;
            }
            items.extend(own.map(|own| (&**key, own)));
        }
        (items, has_lua)
    }

    /// The records of a name.
    pub(in crate::zones) fn settled(&self, owner: &Name) -> (Settled<'_>, HasLua) {
        let (items, has_lua) = self.said(owner);
        (settle(&items), has_lua)
    }

    /// What guards the addresses of names, with the key that says so; those of one name follow each other.
    pub(in crate::zones) fn pools(&self) -> impl Iterator<Item = (&Name, &[u8], &Guards)> {
        let of_one = |(owner, keys)| (std::iter::repeat(owner), keys);
        let all = self.pools.iter().map(of_one);
        all.flat_map(|(owner, keys): (_, &BTreeMap<Arc<[u8]>, Guards>)| owner.zip(keys))
            .map(|(owner, (key, guards))| (owner, &**key, guards))
    }

    /// Whether a key guards the addresses of a name.
    pub(in crate::zones) fn guards(&self, owner: &Name) -> bool {
        self.pools.contains_key(owner)
    }

    /// The names that keys guard are to be looked at: they may be guarded otherwise in what is served.
    pub(in crate::zones) fn mark_pools(&mut self) {
        self.changed.extend(self.pools.keys().cloned());
    }

    /// The value of a key.
    pub(in crate::zones) fn value(&self, key: &[u8]) -> Option<&[u8]> {
        self.values.get(key).map(|value| &*value.bytes)
    }

    /// Values that cannot be read.
    pub(in crate::zones) fn faults(&self) -> impl Iterator<Item = &KeyFault> {
        self.faults.values()
    }
}

/// Whether LUA records are among what is said of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::zones) enum HasLua {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{PoolReader, Subtree};
    use crate::zonefile;

    fn keys() -> Keys {
        let place = layout::Place {
            apex: "lab.example.".parse().unwrap(),
            prefix: "/skydns".to_owned(),
            ttl: Ttl::from_seconds(300).unwrap(),
            subtree: Subtree::Apart,
            nameservers: Vec::new(),
            text: zonefile::Settings::default(),
            pools: PoolReader::default(),
        };
        Keys::new(layout::layout("skydns").unwrap(), place)
    }

    fn kv(name: &str, value: &str, revision: u64) -> KeyValue {
        let key = format!("/skydns/example/lab/{name}").into_bytes();
        KeyValue { key, value: value.as_bytes().to_vec(), revision, lease: None }
    }

    fn changed(keys: &mut Keys) -> Vec<String> {
        let mut names: Vec<String> = keys.take_changed().iter().map(Name::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn what_changes_is_the_names_of_a_key_before_and_after() {
        let mut keys = keys();
        keys.put(kv("api", r#"{"host":"192.0.2.1"}"#, 2));
        keys.put(kv("web/1", r#"{"host":"192.0.2.2","targetstrip":1}"#, 3));
        assert_eq!(changed(&mut keys), ["api.lab.example.", "web.lab.example."]);
        keys.put(kv("api", r#"{"host":"192.0.2.1"}"#, 4));
        assert!(!keys.have_changed(), "the same value");
        keys.put(kv("web/1", r#"{"host":"192.0.2.2"}"#, 5));
        assert_eq!(changed(&mut keys), ["1.web.lab.example.", "web.lab.example."]);
        keys.take(Change::Gone { key: kv("api", "", 0).key, revision: 6 });
        assert_eq!((changed(&mut keys), keys.len()), (vec!["api.lab.example.".to_owned()], 1));
    }

    #[test]
    fn a_bad_value_is_told_and_leaves_what_was_said() {
        let mut keys = keys();
        keys.put(kv("api", r#"{"host":"192.0.2.1"}"#, 2));
        keys.take_changed();
        keys.put(kv("api", "{", 3));
        keys.put(kv("new", "nonsense", 4));
        let told: Vec<&str> = keys.faults().map(|fault| &*fault.key).collect();
        assert_eq!(told, ["/skydns/example/lab/api", "/skydns/example/lab/new"]);
        assert!(!keys.have_changed());
        assert_eq!(keys.settled(&"api.lab.example.".parse().unwrap()).0.records.len(), 1);
        keys.put(kv("api", r#"{"host":"192.0.2.1"}"#, 5));
        keys.take(Change::Gone { key: kv("new", "", 0).key, revision: 6 });
        assert_eq!(keys.faults().count(), 0);
    }

    #[test]
    fn a_lease_bounds_the_ttls_of_its_keys_and_is_forgotten_with_the_last_of_them() {
        let mut keys = keys();
        let lease: LeaseId = "7".parse().unwrap();
        let leased = |name: &str, value: &str| KeyValue { lease: Some(lease), ..kv(name, value, 2) };
        let ttl = |keys: &Keys, name: &str| {
            let owner = format!("{name}.lab.example.").parse().unwrap();
            keys.settled(&owner).0.records[0].1.ttl.seconds()
        };
        keys.put(leased("a", r#"{"host":"192.0.2.1","ttl":20}"#));
        keys.put(leased("b", r#"{"host":"192.0.2.1"}"#));
        keys.put(kv("c", r#"{"host":"192.0.2.1"}"#, 3));
        assert_eq!(keys.take_unknown_leases(), [lease]);
        keys.granted(lease, Ttl::from_seconds(60).unwrap());
        assert_eq!([ttl(&keys, "a"), ttl(&keys, "b"), ttl(&keys, "c")], [20, 60, 300]);
        keys.take_changed();
        keys.put(leased("c", r#"{"host":"192.0.2.1"}"#));
        assert_eq!((changed(&mut keys), ttl(&keys, "c")), (vec!["c.lab.example.".to_owned()], 60));
        assert!(keys.take_unknown_leases().is_empty(), "it is known");
        ["a", "b"].iter().for_each(|name| keys.remove(&kv(name, "", 0).key));
        assert_eq!(keys.known_leases().len(), 1);
        keys.put(kv("c", r#"{"host":"192.0.2.1"}"#, 4));
        assert!(keys.known_leases().is_empty());
    }

    #[test]
    fn an_image_is_taken_as_what_it_differs_in() {
        let mut keys = keys();
        for name in ["a", "b", "c"] {
            keys.put(kv(name, r#"{"host":"192.0.2.1"}"#, 2));
        }
        keys.put(kv("bad", "{", 3));
        keys.take_changed();
        keys.restate(vec![kv("a", r#"{"host":"192.0.2.1"}"#, 2), kv("b", r#"{"host":"192.0.2.9"}"#, 9)]);
        assert_eq!(changed(&mut keys), ["b.lab.example.", "c.lab.example."]);
        assert_eq!((keys.len(), keys.faults().count()), (2, 0));
    }
}
