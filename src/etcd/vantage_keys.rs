//! The keys by which vantages tell each other what they see, and what they mean.
//!
//! ```text
//!   PREFIX/NAME           here, or: suspects itself        one is there
//!   PREFIX/NAME/TARGET    up, or: down                     what it sees of a target
//! ```
//!
//! All of them have the lease of their writer: they go when it is not heard any more. Pure.

use std::fmt;
use std::str;
use std::sync::Arc;

use super::wire::KeyValue;
use crate::health::{Verdict, Word};
use crate::source::words;

/// Longest name of a vantage, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// Longest key that is written or taken, in bytes: a probe of a URL has a long name.
const KEY_BYTES_MAX: usize = 2048;

/// The value of [`VantageKeys::own`], of one that trusts itself and of one that does not.
pub(super) const HERE: &str = "here";
pub(super) const SUSPECTS_ITSELF: &str = "suspects itself";
const UP: &str = "up";
const DOWN: &str = "down";

/// Whether a text can be the name of a vantage: it is a part of keys, and a label of metrics.
pub fn is_vantage_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_plain)
}

/// A key that says nothing of use, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VantageFault {
    /// The key.
    pub(super) key: String,
    /// What is wrong.
    pub(super) what: String,
}

impl fmt::Display for VantageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// The keys of all vantages of a store, as seen by one of them.
#[derive(Clone, Debug)]
pub(super) struct VantageKeys {
    range: String,
    name: String,
}

/// Whose key it is, and of which target it tells.
enum Place<'k> {
    Vantage(&'k str),
    Target(&'k str, &'k str),
}

impl VantageKeys {
    pub(super) fn new(prefix: &str, name: &str) -> VantageKeys {
        VantageKeys { range: format!("{prefix}/"), name: name.to_owned() }
    }

    /// What all of them begin with.
    pub(super) fn range(&self) -> &[u8] {
        self.range.as_bytes()
    }

    /// That this one is there.
    pub(super) fn own(&self) -> Vec<u8> {
        format!("{}{}", self.range, self.name).into_bytes()
    }

    /// What it tells of targets begins so.
    pub(super) fn own_targets(&self) -> Vec<u8> {
        format!("{}{}/", self.range, self.name).into_bytes()
    }

    /// What it tells of a target; none where that has too long a name.
    pub(super) fn own_target(&self, target: &str) -> Option<Vec<u8>> {
        let key = [&*self.own_targets(), target.as_bytes()].concat();
        (key.len() <= KEY_BYTES_MAX).then_some(key)
    }

    /// The value of a target's key; none: it has none.
    pub(super) fn value(verdict: Verdict) -> Option<Vec<u8>> {
        match verdict {
            Verdict::Up => Some(UP.into()),
            Verdict::Down => Some(DOWN.into()),
            Verdict::Pending => None,
        }
    }

    /// What a key with its value tells of another vantage; none: it is one of this one.
    pub(super) fn told(&self, kv: &KeyValue) -> Result<Option<Word>, VantageFault> {
        let place = self.place(&kv.key)?;
        let fault = |what: &str| VantageFault {
            key: words(&String::from_utf8_lossy(&kv.key)),
            what: what.to_owned(),
        };
        let value = str::from_utf8(&kv.value).unwrap_or_default();
        let word = match place {
            Place::Vantage(name) | Place::Target(name, _) if name == self.name => return Ok(None),
            Place::Vantage(name) => {
                let suspects_itself = match value {
                    HERE => false,
                    SUSPECTS_ITSELF => true,
                    _ => return Err(fault("neither `here` nor `suspects itself`")),
                };
                Word::There { vantage: name.into(), suspects_itself }
            }
            Place::Target(name, target) => {
                let verdict = match value {
                    UP => Verdict::Up,
                    DOWN => Verdict::Down,
                    _ => return Err(fault("neither `up` nor `down`")),
                };
                Word::Sees { vantage: name.into(), target: target.into(), verdict }
            }
        };
        if kv.lease.is_none() {
            return Err(fault("it has no lease, so that it would stay when its writer is gone"));
        }
        Ok(Some(word))
    }

    /// What it tells that a key is gone, or says nothing of use; none: it is one of this one, or never said anything.
    pub(super) fn gone(&self, key: &[u8]) -> Option<Word> {
        match self.place(key).ok()? {
            Place::Vantage(name) | Place::Target(name, _) if name == self.name => None,
            Place::Vantage(name) => Some(Word::Gone { vantage: Arc::from(name) }),
            Place::Target(name, target) => {
                Some(Word::Sees { vantage: name.into(), target: target.into(), verdict: Verdict::Pending })
            }
        }
    }

    fn place<'k>(&self, key: &'k [u8]) -> Result<Place<'k>, VantageFault> {
        let shown = || words(&String::from_utf8_lossy(key));
        let fault = |what: &str| VantageFault { key: shown(), what: what.to_owned() };
        if key.len() > KEY_BYTES_MAX {
            return Err(fault("it is too long"));
        }
        let text = str::from_utf8(key).map_err(|_| fault("it is no text"))?;
        let rest = text.strip_prefix(&*self.range).ok_or_else(|| fault("it was not asked for"))?;
        let (name, target) = rest.split_once('/').map_or((rest, None), |(name, target)| (name, Some(target)));
        if !is_vantage_name(name) {
            return Err(fault("no name of a vantage"));
        }
        match target {
            None => Ok(Place::Vantage(name)),
            Some("") => Err(fault("it names no target")),
            Some(target) => Ok(Place::Target(name, target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> VantageKeys {
        VantageKeys::new("/v", "a")
    }

    fn kv(key: &str, value: &str) -> KeyValue {
        KeyValue { key: key.into(), value: value.into(), revision: 1, lease: Some("7".parse().unwrap()) }
    }

    fn told(key: &str, value: &str) -> Result<Option<Word>, String> {
        keys().told(&kv(key, value)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_others_write_is_read_and_what_this_one_does_is_not() {
        let there = |suspects_itself| Ok(Some(Word::There { vantage: "b".into(), suspects_itself }));
        assert_eq!(told("/v/b", "here"), there(false));
        assert_eq!(told("/v/b", "suspects itself"), there(true));
        let sees = |target: &str, verdict| {
            Ok(Some(Word::Sees { vantage: "b".into(), target: target.into(), verdict }))
        };
        assert_eq!(told("/v/b/192.0.2.1:6443", "up"), sees("192.0.2.1:6443", Verdict::Up));
        let url = "https://192.0.2.1/a/b";
        assert_eq!(told(&format!("/v/b/{url}"), "down"), sees(url, Verdict::Down));
        for own in ["/v/a", "/v/a/192.0.2.1:6443"] {
            assert_eq!(told(own, "up"), Ok(None));
            assert_eq!(keys().gone(own.as_bytes()), None);
        }
        assert_eq!(keys().gone(b"/v/b"), Some(Word::Gone { vantage: "b".into() }));
        assert_eq!(Ok(keys().gone(b"/v/b/x")), sees("x", Verdict::Pending));
    }

    #[test]
    fn what_this_one_writes_is_read_by_the_others() {
        let other = VantageKeys::new("/v", "b");
        let (key, value) = (other.own(), SUSPECTS_ITSELF.into());
        let word = keys().told(&KeyValue { key, value, ..kv("", "") }).unwrap();
        assert_eq!(word, Some(Word::There { vantage: "b".into(), suspects_itself: true }));
        let key = other.own_target("192.0.2.1:1").unwrap();
        assert!(key.starts_with(&other.own_targets()) && key.starts_with(other.range()));
        let value = VantageKeys::value(Verdict::Down).unwrap();
        let word = keys().told(&KeyValue { key, value, ..kv("", "") }).unwrap();
        assert_eq!(
            word,
            Some(Word::Sees { vantage: "b".into(), target: "192.0.2.1:1".into(), verdict: Verdict::Down })
        );
        assert_eq!(other.own_target(&"x".repeat(KEY_BYTES_MAX)), None);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_key() {
        for (key, value, why) in [
            ("/v/b", "yes", "/v/b: neither `here`"),
            ("/v/b/x", "UP", "/v/b/x: neither `up` nor `down`"),
            ("/v/", "here", "no name of a vantage"),
            ("/v/b c", "here", "no name of a vantage"),
            ("/v/b/", "up", "names no target"),
            ("/w/b", "here", "not asked for"),
            (&format!("/v/b/{}", "x".repeat(KEY_BYTES_MAX)), "up", "too long"),
        ] {
            let fault = told(key, value).unwrap_err();
            assert!(fault.contains(why), "{fault}");
        }
        let fault = keys().told(&KeyValue { lease: None, ..kv("/v/b/x", "up") }).unwrap_err();
        assert!(fault.to_string().contains("no lease"), "{fault}");
        let fault = keys().told(&KeyValue { key: b"/v/\xff".to_vec(), ..kv("", "up") }).unwrap_err();
        assert!(fault.to_string().contains("no text"), "{fault}");
    }

    #[test]
    fn names_are_plain() {
        for good in ["a", "master-0.example.com", "site_b"] {
            assert!(is_vantage_name(good));
        }
        for bad in ["", "a/b", "a b", "ä", &"a".repeat(64)] {
            assert!(!is_vantage_name(bad), "{bad}");
        }
    }
}
