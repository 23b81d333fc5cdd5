//! The texts of a key as BIND has them: `K*.key` with the DNSKEY record, `K*.private` with the secret and the times.
//!
//! Reads the formats v1.0 to v1.3, and writes v1.3. Knows no files.

use std::fmt::{self, Write as _};

use super::algorithm::Algorithm;
use super::key::Key;
use super::pair::{Pair, PairError};
use super::public_key::PublicKey;
use super::time::Time;
use super::timing::{Event, Timing};
use crate::dns::Name;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no DNSKEY record in it.
    NoRecord,
    /// The record is not one of a key that signs zones.
    BadRecord,
    /// The algorithm is none that zones are signed with here.
    Algorithm(String),
    /// A line of this name is missing.
    Lacks(&'static str),
    /// This line is not understood.
    BadLine(&'static str),
    /// Secret and public key have different algorithms.
    OtherAlgorithm,
    /// It is a key of another zone.
    OtherZone(String),
    /// Both are not a pair.
    Pair(PairError),
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyFault::NoRecord => f.write_str("there is no DNSKEY record in it"),
            KeyFault::BadRecord => f.write_str("its DNSKEY record is not one of a key that signs zones"),
            KeyFault::Algorithm(number) => {
                let offered = Algorithm::ALL.map(|one| format!("{} ({one})", one.number())).join(" and ");
                write!(f, "zones are not signed with algorithm {number} here, but with {offered}")
            }
            KeyFault::Lacks(line) => write!(f, "it has no line `{line}:`"),
            KeyFault::BadLine(line) => write!(f, "its line `{line}:` is not understood"),
            KeyFault::OtherAlgorithm => f.write_str("it is for another algorithm than the public key"),
            KeyFault::OtherZone(zone) => write!(f, "it is a key of {zone}"),
            KeyFault::Pair(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyFault {}

/// Reads the text of a `.key` file: the zone and its key.
pub(super) fn read_public(text: &str) -> Result<(Name, PublicKey), KeyFault> {
    let line = text
        .lines()
        .map(|line| line.split(';').next().unwrap_or_default().trim())
        .find(|line| !line.is_empty())
        .ok_or(KeyFault::NoRecord)?;
    let mut words = line.split_ascii_whitespace();
    let owner = words.next().ok_or(KeyFault::NoRecord)?;
    // TTL and class may be left out, and come in either order (RFC 1035, section 5.1).
    words.by_ref().find(|word| word.eq_ignore_ascii_case("DNSKEY")).ok_or(KeyFault::NoRecord)?;
    let mut number = || words.next().and_then(|word| word.parse::<u16>().ok()).ok_or(KeyFault::BadRecord);
    let (flags, protocol, algorithm) = (number()?, number()?, number()?);
    let known = u8::try_from(algorithm).ok().and_then(Algorithm::from_number);
    let algorithm = known.ok_or_else(|| KeyFault::Algorithm(algorithm.to_string()))?;
    let key = BASE64_STANDARD.decode(words.collect::<String>()).map_err(|_| KeyFault::BadRecord)?;
    let public = PublicKey::new(flags, algorithm, &key).filter(|key| protocol == 3 && key.signs_zones());
    let zone: Name = owner.parse().map_err(|_| KeyFault::BadRecord)?;
    Ok((zone, public.ok_or(KeyFault::BadRecord)?))
}

/// Reads the text of a `.private` file: the key of this zone and public key.
pub(super) fn read_private(text: &str, zone: Name, public: PublicKey) -> Result<Key, KeyFault> {
    if line(text, "Private-key-format").is_none_or(|format| !format.starts_with("v1.")) {
        return Err(KeyFault::BadLine("Private-key-format"));
    }
    let algorithm = line(text, "Algorithm").ok_or(KeyFault::Lacks("Algorithm"))?;
    if algorithm.split_ascii_whitespace().next() != Some(&public.algorithm().number().to_string()) {
        return Err(KeyFault::OtherAlgorithm);
    }
    let secret = line(text, "PrivateKey").ok_or(KeyFault::Lacks("PrivateKey"))?;
    let pair = Pair::new(&public, secret).map_err(KeyFault::Pair)?;
    Ok(Key::new(zone, public, pair, read_timing(text)?))
}

/// The times in the text of a `.private` file.
fn read_timing(text: &str) -> Result<Timing, KeyFault> {
    let mut timing = Timing::default();
    for event in Event::ALL {
        if let Some(value) = line(text, event.word()) {
            timing.set(event, Some(Time::parse(value).ok_or(KeyFault::BadLine(event.word()))?));
        }
    }
    Ok(timing)
}

/// The value of a line `WORD: VALUE`.
pub(super) fn line<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.lines().find_map(|line| Some(line.strip_prefix(word)?.strip_prefix(':')?.trim()))
}

/// The text of a `.key` file.
pub(super) fn write_public(zone: &Name, public: &PublicKey, timing: &Timing) -> String {
    let kind = if public.is_sep() { "key" } else { "zone-signing key" };
    let mut text = format!("; This is a {kind}, keyid {}, for {zone}\n", public.tag());
    for (event, time) in times(timing) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "; {event}: {} ({time})", time.digits());
    }
    let (flags, algorithm) = (public.flags(), public.algorithm().number());
    text + &format!("{zone} IN DNSKEY {flags} 3 {algorithm} {}\n", BASE64_STANDARD.encode(public.key()))
}

/// The text of a `.private` file.
pub(super) fn write_private(algorithm: Algorithm, secret: &str, timing: &Timing) -> String {
    let number = algorithm.number();
    let head = format!("Private-key-format: v1.3\nAlgorithm: {number} ({algorithm})\nPrivateKey: {secret}\n");
    with_timing(&head, timing)
}

/// The text of a `.private` file with other times; all else in it stays.
pub(super) fn with_timing(text: &str, timing: &Timing) -> String {
    let is_time = |line: &&str| {
        Event::ALL
            .iter()
            .any(|event| line.strip_prefix(event.word()).is_some_and(|rest| rest.starts_with(':')))
    };
    let mut out: String = text.lines().filter(|line| !is_time(line)).flat_map(|line| [line, "\n"]).collect();
    for (event, time) in times(timing) {
        // Writing to a string does not fail.
        let _ = writeln!(out, "{event}: {}", time.digits());
    }
    out
}

fn times(timing: &Timing) -> impl Iterator<Item = (Event, Time)> {
    Event::ALL.into_iter().filter_map(|event| Some((event, timing.get(event)?)))
}
