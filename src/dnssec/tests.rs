//! Signed zones beside those of the crate `domain`, keys in folders, and rolls by a turned clock.

mod changes;
mod folders;
mod oracle;
mod rolls;
mod zones;

use std::num::NonZeroUsize;

use super::*;
use crate::dns::{Name, rdata};
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::{Builder, Record, Zone};
use crate::zonefile;

/// A zone with everything that is signed in a way of its own.
pub(super) const ZONE: &str = r#"
$ORIGIN example.org.
@ 3600 SOA NS1.example.org. Host.Master.example.org. 2026113001 7200 3600 1209600 300
@ 3600 NS NS1
@ 3600 NS ns2.other.test.
@ 600 MX 10 Mail
@ 600 CAA 0 issue "ca.test"
NS1 3600 A 192.0.2.53
NS1 3600 AAAA 2001:db8::53
Mail 60 A 192.0.2.25
www 60 A 192.0.2.1
www 60 A 192.0.2.3
www 60 A 192.0.2.2
*.apps 60 A 192.0.2.10
*.apps 60 TXT "any" "name"
deep.empty.non.terminal 60 TXT "x"
alias 60 CNAME WWW
redirected 60 DNAME Other.Test.
_sip._tcp 60 SRV 1 2 5060 Mail
svc 60 HTTPS 1 Mail alpn=h2
naptr 60 NAPTR 1 2 "u" "E2U+sip" "!^.*$!sip:x@example.org!" .
odd\000\.label 60 TXT "odd"
\001 60 TXT "one"
*.odd\000\.label 60 TXT "odd"
secure 60 NS ns.secure
secure 60 DS 12345 13 2 0101010101010101010101010101010101010101010101010101010101010101
ns.secure 60 A 192.0.2.60
insecure 60 NS ns.insecure
ns.insecure 60 A 192.0.2.61
below.it.insecure 60 TXT "not ours"
type65280 60 TYPE65280 \# 3 010203
"#;

pub(super) fn zone(text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add("example.org.zone", text.as_bytes().to_vec());
    let mut builder = Builder::new("example.org.".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    let zone = builder.finish(&mut found);
    zone.unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>()))
}

pub(super) fn now() -> Time {
    Time::parse("20261130095147").unwrap()
}

/// A key that is there always, with this secret.
pub(super) fn ed25519(secret: [u8; 32], flags: u16) -> Key {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
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
    Signing { keys, validity: Period::at(now(), 0).validity() }
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
