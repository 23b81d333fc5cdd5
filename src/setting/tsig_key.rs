//! The `[[key]]` that a value names: `key:NAME`.
//!
//! Has what was read of each `[[key]]`, and finds one by its name. Not responsible for reading them (`config`), or for
//! what a key allows.

use std::path::PathBuf;

use super::value::Value;
use crate::source::{Diagnostic, Digest, nearest};
use crate::tsig::{Algorithm, Key, KeyName, Secret};

/// What makes a key.
pub const MAKE_KEY: &str = "`edgedns key NAME` makes one";

/// What begins the name of a key where an entry names one.
pub const KEY_WORD: &str = "key:";

/// A `[[key]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TsigKey {
    /// Its name.
    pub name: KeyName,
    /// What MACs are made with.
    pub algorithm: Algorithm,
    /// What both ends know; not shown, not even for debugging. None: its file cannot be used, and neither can the key.
    pub secret: Option<Secret>,
    /// The file that it is read from, to be watched, with the digest of what was in it; none when the secret stands in
    /// the config file.
    pub file: Option<(PathBuf, Option<Digest>)>,
}

impl TsigKey {
    /// The key to sign with; none while there is no secret.
    pub fn key(&self) -> Option<Key> {
        let secret = self.secret.as_ref()?;
        Some(Key::new(self.name.clone(), self.algorithm, secret))
    }

    /// The key of a name that `value` has.
    ///
    /// # Errors
    ///
    /// When it is none of `keys`: whoever was meant would be refused.
    pub fn named<'k>(value: Value<'_>, name: &str, keys: &'k [TsigKey]) -> Result<&'k TsigKey, Diagnostic> {
        let wanted: KeyName =
            name.parse().map_err(|error| value.fault(format!("`{name}` is no name of a key: {error}")))?;
        keys.iter().find(|key| key.name == wanted).ok_or_else(|| {
            let fault = value.fault(format!("no `[[key]]` has the name `{name}`"));
            let names: Vec<String> = keys.iter().map(|key| key.name.to_string()).collect();
            match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(MAKE_KEY),
            }
        })
    }
}
