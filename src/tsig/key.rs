//! Keys: a name, an algorithm and a secret, and the set of them that a server knows.
//!
//! A secret is never shown, not even for debugging.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::algorithm::Algorithm;
use crate::crypto::hmac;
use crate::dns::{Name, NameError, NameRef};

/// The name of a key, in lower case; cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyName(Arc<Name>);

impl KeyName {
    pub(super) fn of(name: NameRef<'_>) -> Option<Self> {
        // Digests are made over lower-case names (RFC 8945, section 4.3.3).
        Name::from_wire(&name.to_lowercase()).ok().map(|name| Self(Arc::new(name)))
    }

    /// The name.
    pub fn as_ref(&self) -> NameRef<'_> {
        Name::as_ref(&self.0)
    }

    /// Order as names have it.
    fn order(&self, other: NameRef<'_>) -> Ordering {
        self.as_ref().cmp(&other)
    }
}

/// The same name.
impl From<&Name> for KeyName {
    fn from(name: &Name) -> Self {
        // What is lower case of a name is one.
        Self::of(name.as_ref()).unwrap_or_else(|| Self(Arc::new(name.clone())))
    }
}

/// Reads a name; the final dot may be left out.
impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(|name: Name| Self::from(&name))
    }
}

/// Without the final dot, as it is written in configurations.
impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(text.strip_suffix('.').filter(|short| !short.is_empty()).unwrap_or(&text))
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyName({self})")
    }
}

/// The bytes that both ends know.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

/// Secrets with fewer bytes can be guessed with the means of today.
pub const SECRET_BYTES_SHORT: usize = 16;

/// Why a text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretError {
    /// There is nothing.
    Empty,
    /// It is not base64 (RFC 4648, section 4).
    NotBase64,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SecretError::Empty => "there is no secret",
            SecretError::NotBase64 => "a secret is written in base64",
        })
    }
}

impl std::error::Error for SecretError {}

/// Padding may be left out, as some programs do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Secret {
    /// Reads base64, which may be broken into lines.
    ///
    /// # Errors
    ///
    /// When it is none, or empty.
    pub fn from_base64(text: &[u8]) -> Result<Self, SecretError> {
        let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let bytes = BASE64.decode(text).map_err(|_| SecretError::NotBase64)?;
        if bytes.is_empty() { Err(SecretError::Empty) } else { Ok(Self(bytes.into())) }
    }

    /// These bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// As base64: for the one who made it.
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.0)
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A key that messages are signed with.
pub struct Key {
    name: KeyName,
    algorithm: Algorithm,
    hmac: hmac::Key,
}

impl Key {
    /// A key.
    pub fn new(name: KeyName, algorithm: Algorithm, secret: &Secret) -> Self {
        let hmac = hmac::Key::new(algorithm.hmac(), &secret.0);
        Self { name, algorithm, hmac }
    }

    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn hmac(&self) -> &hmac::Key {
        &self.hmac
    }
}

/// Without the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.name, self.algorithm)
    }
}

/// The keys that a server knows.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    /// In the order of their names.
    keys: Vec<Arc<Key>>,
}

impl KeyRing {
    /// These keys. Of several with one name the first counts.
    pub fn new(mut keys: Vec<Arc<Key>>) -> Self {
        keys.sort_by(|one, other| one.name.order(other.name.as_ref()));
        keys.dedup_by(|later, first| later.name == first.name);
        Self { keys }
    }

    /// The key of this name; case is ignored.
    pub fn get(&self, name: NameRef<'_>) -> Option<&Arc<Key>> {
        let at = self.keys.binary_search_by(|key| key.name.order(name)).ok()?;
        self.keys.get(at)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All keys, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter()
    }
}
