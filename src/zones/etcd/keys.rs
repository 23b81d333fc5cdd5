//! The keys of a zone as they are known, and which names they have changed.
//!
//! Pure. A value that cannot be read leaves what its key said before.

use std::collections::hash_map::Entry as Place;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::dns::Name;
use crate::etcd::{Change, KeyValue};
use crate::layout::{self, Item, KeyFault, Layout, Settled, settle};

/// The keys of a zone.
pub(in crate::zones) struct Keys {
    layout: &'static Layout,
    place: layout::Place,
    /// Each key that says something, with its last value of use.
    values: HashMap<Arc<[u8]>, Value>,
    /// The keys that say something of a name, in their order.
    owners: HashMap<Name, Vec<Arc<[u8]>>>,
    /// The names of which something else may be said than was taken.
    changed: HashSet<Name>,
    faults: BTreeMap<Vec<u8>, KeyFault>,
}

/// A value of use.
struct Value {
    revision: u64,
    bytes: Box<[u8]>,
}

impl Keys {
    /// None yet.
    pub(in crate::zones) fn new(layout: &'static Layout, place: layout::Place) -> Keys {
        Keys {
            layout,
            place,
            values: HashMap::new(),
            owners: HashMap::new(),
            changed: HashSet::new(),
            faults: BTreeMap::new(),
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
    pub(in crate::zones) fn put(&mut self, KeyValue { key, value, revision }: KeyValue) {
        if let Some(known) = self.values.get_mut(&*key)
            && *known.bytes == *value
        {
            known.revision = revision;
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
                    let keys = self.owners.entry(item.owner).or_default();
                    if let Err(at) = keys.binary_search(&key) {
                        keys.insert(at, Arc::clone(&key));
                    }
                }
                self.values.insert(key, Value { revision, bytes: value.into() });
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
        for item in self.read(&key, &value.bytes) {
            if let Place::Occupied(mut keys) = self.owners.entry(item.owner.clone()) {
                keys.get_mut().retain(|one| *one != key);
                if keys.get().is_empty() {
                    keys.remove();
                }
            }
            self.changed.insert(item.owner);
        }
    }

    /// What a value says that was of use once.
    fn read(&self, key: &[u8], value: &[u8]) -> Vec<Item> {
        (self.layout.read)(&self.place, key, value).and_then(Result::ok).unwrap_or_default()
    }

    /// The keys are these, and no others.
    pub(in crate::zones) fn restate(&mut self, all: Vec<KeyValue>) {
        let there: HashSet<&[u8]> = all.iter().map(|kv| &*kv.key).collect();
        let gone = |key: &&[u8]| !there.contains(key);
        let values = self.values.keys().map(|key| &**key).filter(gone);
        let faulty = self.faults.keys().map(Vec::as_slice).filter(gone);
        let gone: Vec<Vec<u8>> = values.chain(faulty).map(<[u8]>::to_vec).collect();
        gone.iter().for_each(|key| self.remove(key));
        all.into_iter().for_each(|kv| self.put(kv));
    }

    /// All that is said, for the disk.
    pub(in crate::zones) fn all(&self) -> Vec<KeyValue> {
        let kv = |(key, value): (&Arc<[u8]>, &Value)| KeyValue {
            key: key.to_vec(),
            value: value.bytes.to_vec(),
            revision: value.revision,
        };
        self.values.iter().map(kv).collect()
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
            let own = self.read(key, &value.bytes).into_iter().find(|item| item.owner == *owner);
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
    use crate::dns::Ttl;
    use crate::layout::Subtree;
    use crate::zonefile;

    fn keys() -> Keys {
        let place = layout::Place {
            apex: "lab.example.".parse().unwrap(),
            prefix: "/skydns".to_owned(),
            ttl: Ttl::from_seconds(300).unwrap(),
            subtree: Subtree::Apart,
            nameservers: Vec::new(),
            text: zonefile::Settings::default(),
        };
        Keys::new(layout::layout("skydns").unwrap(), place)
    }

    fn kv(name: &str, value: &str, revision: u64) -> KeyValue {
        let key = format!("/skydns/example/lab/{name}").into_bytes();
        KeyValue { key, value: value.as_bytes().to_vec(), revision }
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
