//! The keys of a zone, and which of them do what at a time.

use std::fmt;
use std::sync::Arc;

use super::algorithm::Algorithm;
use super::key::Key;
use super::leaving::Leaving;
use super::time::Time;

/// All keys of a zone.
#[derive(Clone, Debug)]
pub struct ZoneKeys {
    /// In the order of their tags.
    keys: Vec<Arc<Key>>,
    /// The zone leaves DNSSEC.
    leaving: Option<Leaving>,
}

/// Why keys cannot sign a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysUnusable {
    /// Two have the same tag, by which signatures name them: of one algorithm they could not be told apart, and of two
    /// whoever rolls one could take the other.
    SameTag(u16),
    /// None of them signs.
    NoneActive,
    /// Keys of this algorithm are in the zone, and none of them signs (RFC 4035, section 2.2).
    AlgorithmWithoutSignatures(Algorithm),
}

impl fmt::Display for KeysUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeysUnusable::SameTag(tag) => write!(f, "two keys have the tag {tag}: one of them must go"),
            KeysUnusable::NoneActive => f.write_str("there is no key that signs now"),
            KeysUnusable::AlgorithmWithoutSignatures(algorithm) => {
                write!(f, "a key of algorithm {algorithm} is in the zone, and none of it signs now")
            }
        }
    }
}

impl std::error::Error for KeysUnusable {}

/// What keys do at a time.
#[derive(Clone, Debug)]
pub struct KeysInEffect {
    /// Those in the zone.
    pub published: Vec<Arc<Key>>,
    /// Those that sign DNSKEY, CDS and CDNSKEY records.
    pub of_keys: Vec<Arc<Key>>,
    /// Those that sign everything else.
    pub of_zone: Vec<Arc<Key>>,
    /// What the parent shall know.
    pub for_parent: ForParent,
}

/// What CDS and CDNSKEY records tell the parent.
#[derive(Clone, Debug)]
pub enum ForParent {
    /// DS records of these keys; of none: nothing is said.
    Keys(Vec<Arc<Key>>),
    /// No DS record any more (RFC 8078, section 4).
    NoDs,
}

impl ZoneKeys {
    /// These keys.
    ///
    /// # Errors
    ///
    /// When two cannot be told apart.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeysUnusable> {
        let mut keys: Vec<Arc<Key>> = keys.into_iter().map(Arc::new).collect();
        keys.sort_by_key(|key| (key.public().tag(), key.public().algorithm()));
        let same = keys.windows(2).find_map(|pair| {
            let [one, other] = pair else { return None };
            (one.public().tag() == other.public().tag()).then(|| one.public().tag())
        });
        same.map_or(Ok(Self { keys, leaving: None }), |tag| Err(KeysUnusable::SameTag(tag)))
    }

    /// The same of a zone that leaves DNSSEC, or not.
    #[must_use]
    pub fn leaving(self, leaving: Option<Leaving>) -> Self {
        Self { leaving, ..self }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter()
    }

    /// What they do at a time.
    ///
    /// # Errors
    ///
    /// When the zone would be bogus with them.
    pub fn in_effect(&self, now: Time) -> Result<KeysInEffect, KeysUnusable> {
        let these = |is_one: &dyn Fn(&Key) -> bool| -> Vec<Arc<Key>> {
            self.keys.iter().filter(|key| is_one(key)).cloned().collect()
        };
        let published = these(&|key| key.timing().is_published(now));
        // Signatures of an algorithm come before its keys in a roll, and stay after them; beside keys of it that are in the
        // zone, those of one that is not would be bogus.
        let is_there = |algorithm| published.iter().any(|key| key.public().algorithm() == algorithm);
        let active = these(&|key| {
            let timing = key.timing();
            timing.is_active(now) && (timing.is_published(now) || !is_there(key.public().algorithm()))
        });
        if !active.iter().any(|key| key.timing().is_published(now)) {
            return Err(KeysUnusable::NoneActive);
        }
        // Where a pair of a zone signing key and a key signing key is active, each has its own part; a key alone has both.
        let has = |algorithm: Algorithm, sep: bool| {
            active.iter().any(|key| key.public().algorithm() == algorithm && key.public().is_sep() == sep)
        };
        let (mut of_keys, mut of_zone) = (Vec::new(), Vec::new());
        for key in &active {
            let (algorithm, is_sep) = (key.public().algorithm(), key.public().is_sep());
            if is_sep || !has(algorithm, true) {
                of_keys.push(Arc::clone(key));
            }
            if !is_sep || !has(algorithm, false) {
                of_zone.push(Arc::clone(key));
            }
        }
        let silent = published.iter().map(|key| key.public().algorithm());
        if let Some(algorithm) = silent.into_iter().find(|one| !has(*one, true) && !has(*one, false)) {
            return Err(KeysUnusable::AlgorithmWithoutSignatures(algorithm));
        }
        let for_parent = match self.leaving {
            Some(leaving) if leaving.since <= now => ForParent::NoDs,
            Some(_) | None => {
                ForParent::Keys(these(&|key| key.public().is_sep() && key.timing().is_for_parent(now)))
            }
        };
        Ok(KeysInEffect { published, of_keys, of_zone, for_parent })
    }

    /// When the next of them does something else.
    pub fn next(&self, now: Time) -> Option<Time> {
        self.keys.iter().filter_map(|key| key.timing().next(now)).map(|(time, _)| time).min()
    }
}

/// Keys by their tags and what they do: the same signatures come of keys that are alike.
impl PartialEq for KeysInEffect {
    fn eq(&self, other: &Self) -> bool {
        let alike = |one: &[Arc<Key>], other: &[Arc<Key>]| {
            one.iter().map(|key| key.public()).eq(other.iter().map(|key| key.public()))
        };
        alike(&self.published, &other.published)
            && alike(&self.of_keys, &other.of_keys)
            && alike(&self.of_zone, &other.of_zone)
            && match (&self.for_parent, &other.for_parent) {
                (ForParent::Keys(one), ForParent::Keys(other)) => alike(one, other),
                (ForParent::NoDs, ForParent::NoDs) => true,
                (ForParent::Keys(_), ForParent::NoDs) | (ForParent::NoDs, ForParent::Keys(_)) => false,
            }
    }
}
impl Eq for KeysInEffect {}
