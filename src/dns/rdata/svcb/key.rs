//! Keys of SvcParams: their numbers, names and the kind of value behind each.
//!
//! Values are read, judged and written by `value`.

use std::fmt;

use super::super::number::decimal;

/// What the value of a key is.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// Keys (RFC 9460, section 8).
    Keys,
    /// ALPN protocol ids (section 7.1).
    Alpn,
    /// No value.
    Nothing,
    /// A port (section 7.2).
    Port,
    /// IPv4 addresses (section 7.3).
    Ipv4s,
    /// IPv6 addresses (section 7.3).
    Ipv6s,
    /// Bytes in base64.
    Base64,
    /// A relative URI template with the variable `dns` (RFC 9461, section 5).
    Path,
    /// Any bytes.
    Opaque,
}

impl Value {
    /// What a value looks like, in words.
    pub(super) fn form(self) -> &'static str {
        match self {
            Value::Keys => "a list of other keys, each once: alpn,port",
            Value::Alpn => "a list of protocol ids: h2,h3",
            Value::Nothing => "no value",
            Value::Port => "a number from 0 to 65535",
            Value::Ipv4s => "a list of IPv4 addresses: 192.0.2.1,192.0.2.2",
            Value::Ipv6s => "a list of IPv6 addresses: 2001:db8::1,2001:db8::2",
            Value::Base64 => "base64",
            Value::Path => "a path with the variable `dns`: /dns-query{?dns}",
            Value::Opaque => "a string",
        }
    }
}

/// A key with a meaning.
pub(super) struct Key {
    pub(super) code: u16,
    pub(super) name: &'static str,
    pub(super) value: Value,
}

pub(super) const MANDATORY: u16 = 0;
pub(super) const ALPN: u16 = 1;
pub(super) const NO_DEFAULT_ALPN: u16 = 2;
/// Reserved, never a key (RFC 9460, section 14.3.2).
pub(super) const INVALID: u16 = 65_535;

/// All keys with a meaning; the others are `keyNNNNN` with any bytes.
pub(super) const KEYS: &[Key] = &[
    Key { code: MANDATORY, name: "mandatory", value: Value::Keys },
    Key { code: ALPN, name: "alpn", value: Value::Alpn },
    Key { code: NO_DEFAULT_ALPN, name: "no-default-alpn", value: Value::Nothing },
    Key { code: 3, name: "port", value: Value::Port },
    Key { code: 4, name: "ipv4hint", value: Value::Ipv4s },
    Key { code: 5, name: "ech", value: Value::Base64 },
    Key { code: 6, name: "ipv6hint", value: Value::Ipv6s },
    // RFC 9461, section 5.
    Key { code: 7, name: "dohpath", value: Value::Path },
    // RFC 9540, section 4.
    Key { code: 8, name: "ohttp", value: Value::Nothing },
];

/// The code of a key, and how its value is written: by the key's own rules behind its name, as plain bytes
/// behind `keyNNNNN`.
pub(super) fn read_key(name: &[u8]) -> Option<(u16, Value)> {
    match KEYS.iter().find(|key| key.name.as_bytes() == name) {
        Some(key) => Some((key.code, key.value)),
        None => code_of_generic(name).map(|code| (code, Value::Opaque)),
    }
}

/// The number of `keyNNNNN`, without leading zeros (RFC 9460, section 2.1).
fn code_of_generic(name: &[u8]) -> Option<u16> {
    let digits = name.strip_prefix(b"key")?;
    if digits.len() > 1 && digits.starts_with(b"0") {
        return None;
    }
    u16::try_from(decimal(digits)?).ok().filter(|&code| code != INVALID)
}

pub(super) fn value_of(code: u16) -> Value {
    KEYS.iter().find(|key| key.code == code).map_or(Value::Opaque, |key| key.value)
}

/// A key as it is shown.
pub(super) struct Name(pub(super) u16);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match KEYS.iter().find(|key| key.code == self.0) {
            Some(key) => f.write_str(key.name),
            None => write!(f, "key{}", self.0),
        }
    }
}
