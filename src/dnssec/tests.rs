//! Signed zones beside those of the crate `domain`, keys in folders, and rolls by a turned clock.

mod changes;
mod folders;
mod oracle;
mod rolls;
mod verify;
mod zones;

use std::num::NonZeroUsize;

use super::*;
use crate::dns::{Name, rdata};
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::{Builder, Record, Zone};
use crate::zonefile;

/// A zone with everything that is signed in a way of its own.
pub(super) const ZONE: &str = concat!(
    "$ORIGIN example.org.\n",
    include_str!("../../tests/data/dnssec/in-every-way.zone"),
    "www 60 A 192.0.2.2\nbelow.it.insecure 60 TXT \"not ours\"\n",
);

pub(super) fn zone(text: &str) -> Zone {
    read("example.org.", "example.org.zone", text).0
}

/// A zone of a text, with the text.
pub(super) fn read(apex: &str, file: &str, text: &str) -> (Zone, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(file, text.as_bytes().to_vec());
    let mut builder = Builder::new(apex.parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    let zone = builder.finish(&mut found);
    (zone.unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>())), sources)
}

pub(super) fn now() -> Time {
    Time::parse("20261130095147").unwrap()
}

/// A key that is there always, with this secret.
pub(super) fn ed25519(secret: [u8; 32], flags: u16) -> Key {
    use crate::crypto::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    let public = Ed25519KeyPair::from_seed_unchecked(&secret).unwrap();
    let public = PublicKey::new(flags, Algorithm::Ed25519, public.public_key().as_ref()).unwrap();
    let pair = Pair::new(&public, &BASE64_STANDARD.encode(secret)).unwrap();
    Key::new("example.org.".parse().unwrap(), public, pair, Timing::ALWAYS)
}

pub(super) fn made(algorithm: Algorithm, flags: u16, timing: Timing) -> Key {
    let (public, secret) = Pair::generate(algorithm, flags).unwrap();
    let pair = Pair::new(&public, &secret).unwrap();
    Key::new("example.org.".parse().unwrap(), public, pair, timing)
}

pub(super) fn signing(keys: impl IntoIterator<Item = Key>) -> Signing {
    let keys = ZoneKeys::new(keys).unwrap().in_effect(now()).unwrap();
    Signing { keys, validity: Period::at(now(), 0).validity(), denial: DenialKind::Nsec }
}

pub(super) fn signed(zone: &Zone, signing: &Signing, shelf: &mut Shelf) -> Vec<Record> {
    sign(zone, signing, shelf, NonZeroUsize::new(3).unwrap()).unwrap()
}

/// `owner TTL type RDATA` of records, in the order of names.
pub(super) fn lines(records: &[Record]) -> Vec<String> {
    let line = |record: &Record| {
        let mut text = String::new();
        rdata::write(record.rtype, &record.rdata, &mut text);
        format!("{} {} {} {text}", record.owner, record.ttl, record.rtype)
    };
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by_key(|record| (record.owner.as_ref(), record.rtype));
    sorted.into_iter().map(line).collect()
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}
