//! The values of keys, which a thread writes down while others come.
//!
//! ```text
//!   base, lent to who writes it ◀── since: what has come meanwhile, taken into the base once that is given back
//! ```
//!
//! Responsible for a million values costing nothing when they are lent. Not responsible for what they mean.

use std::collections::HashMap;
use std::sync::Arc;

use crate::etcd::LeaseId;

/// A value of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::zones) struct Value {
    /// The revision that it came with.
    pub(in crate::zones) revision: u64,
    /// What it is.
    pub(in crate::zones) bytes: Box<[u8]>,
    /// The lease that it goes with.
    pub(in crate::zones) lease: Option<LeaseId>,
}

type ByKey<V> = HashMap<Arc<[u8]>, V>;

/// The values of keys.
#[derive(Default)]
pub(super) struct Values {
    base: Arc<ByKey<Value>>,
    /// What is otherwise since the base was lent; none: the key has gone.
    since: ByKey<Option<Value>>,
    count: usize,
}

/// The values of keys as they were.
#[derive(Clone, Default)]
pub(in crate::zones) struct Lent {
    base: Arc<ByKey<Value>>,
    since: ByKey<Option<Value>>,
}

impl Values {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.get_entry(key).map(|(_, value)| value)
    }

    fn get_entry(&self, key: &[u8]) -> Option<(&Arc<[u8]>, &Value)> {
        match self.since.get_key_value(key) {
            Some((key, since)) => Some((key, since.as_ref()?)),
            None => self.base.get_key_value(key),
        }
    }

    pub(super) fn insert(&mut self, key: Arc<[u8]>, value: Value) {
        let is_new = self.get(&key).is_none();
        match self.owned() {
            Some(base) => drop(base.insert(key, value)),
            None => drop(self.since.insert(key, Some(value))),
        }
        self.count += usize::from(is_new);
    }

    /// A key has come again with the same value.
    pub(super) fn renew(&mut self, key: &[u8], revision: u64) {
        if let Some(known) = self.owned().and_then(|base| base.get_mut(key)) {
            known.revision = revision;
        } else if let Some((key, value)) =
            self.get_entry(key).map(|(key, value)| (Arc::clone(key), value.clone()))
        {
            self.since.insert(key, Some(Value { revision, ..value }));
        }
    }

    pub(super) fn remove_entry(&mut self, key: &[u8]) -> Option<(Arc<[u8]>, Value)> {
        let removed = match self.owned() {
            Some(base) => base.remove_entry(key),
            None => {
                let (key, value) =
                    self.get_entry(key).map(|(key, value)| (Arc::clone(key), value.clone()))?;
                // What the base never had leaves nothing: new keys may come and go for as long as a disk hangs.
                if self.base.contains_key(&*key) {
                    self.since.insert(Arc::clone(&key), None);
                } else {
                    self.since.remove(&*key);
                }
                Some((key, value))
            }
        };
        self.count -= usize::from(removed.is_some());
        removed
    }

    /// The keys that have one.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        all(&self.base, &self.since).map(|(key, _)| key)
    }

    /// All as they are now, for a thread that takes its time.
    pub(super) fn lend(&mut self) -> Lent {
        self.owned();
        Lent { base: Arc::clone(&self.base), since: self.since.clone() }
    }

    /// The base with all that has come; none while somebody else has it.
    fn owned(&mut self) -> Option<&mut ByKey<Value>> {
        let base = Arc::get_mut(&mut self.base)?;
        for (key, since) in self.since.drain() {
            match since {
                Some(value) => drop(base.insert(key, value)),
                None => drop(base.remove(&key)),
            }
        }
        Some(base)
    }
}

impl Lent {
    /// All keys with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Value)> {
        all(&self.base, &self.since)
    }
}

fn all<'v>(
    base: &'v ByKey<Value>,
    since: &'v ByKey<Option<Value>>,
) -> impl Iterator<Item = (&'v [u8], &'v Value)> {
    let unchanged = base.iter().filter(|(key, _)| since.is_empty() || !since.contains_key(&***key));
    let changed = since.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    unchanged.chain(changed).map(|(key, value)| (&**key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(revision: u64) -> Value {
        Value { revision, bytes: Box::default(), lease: None }
    }

    fn told<'v>(all: impl Iterator<Item = (&'v [u8], &'v Value)>) -> Vec<(String, u64)> {
        let mut told: Vec<_> =
            all.map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), value.revision)).collect();
        told.sort();
        told
    }

    #[test]
    fn what_is_lent_stays_as_it_was_while_values_come_and_go() {
        let mut values = Values::default();
        for (number, key) in (1..).zip([b"a", b"b", b"c"]) {
            values.insert(Arc::from(&key[..]), value(number));
        }
        let lent = values.lend();
        values.insert(Arc::from(&b"a"[..]), value(11));
        values.insert(Arc::from(&b"d"[..]), value(4));
        assert_eq!(values.remove_entry(b"b").map(|(_, value)| value.revision), Some(2));
        assert_eq!(values.remove_entry(b"b"), None);
        assert_eq!(values.remove_entry(b"d").map(|(_, value)| value.revision), Some(4));
        assert_eq!(values.remove_entry(b"e"), None);
        values.renew(b"e", 5);
        values.insert(Arc::from(&b"b"[..]), value(2));
        values.renew(b"b", 12);
        let was = [("a", 1), ("b", 2), ("c", 3)].map(|(key, revision)| (key.to_owned(), revision));
        let is = [("a", 11), ("b", 12), ("c", 3)].map(|(key, revision)| (key.to_owned(), revision));
        assert_eq!(told(lent.iter()), was);
        assert_eq!((told(all(&values.base, &values.since)), values.len()), (is.to_vec(), 3));
        for number in 0..100_u64 {
            let key = number.to_be_bytes();
            values.insert(Arc::from(&key[..]), value(number));
            values.remove_entry(&key);
        }
        assert!(values.since.len() <= 3, "what has come and gone leaves nothing");
        // Lent once more meanwhile, and given back.
        let again = values.lend();
        assert_eq!(told(again.iter()), is);
        drop((lent, again));
        values.insert(Arc::from(&b"e"[..]), value(5));
        assert!(values.since.is_empty(), "it is one again");
        assert_eq!((values.len(), values.get(b"e"), values.get(b"d")), (4, Some(&value(5)), None));
    }
}
