//! What was served with signatures that are kept: whether it is the same after a restart.
//!
//! Signatures alone do not tell. Those of a zone whose delegations or glue are others now are all there: neither is signed.

use crate::dns::Rtype;
use crate::source::{Digest, Digesting};
use crate::zone::Zone;

/// What was served of a zone whose records come while it is served: its serial, and a digest of what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::zones) struct ServedContents {
    pub(super) serial: u32,
    pub(super) digest: Digest,
}

impl ServedContents {
    /// With this serial, what is signed of `unsigned`.
    pub(in crate::zones) fn of(serial: u32, unsigned: &Zone) -> ServedContents {
        ServedContents { serial, digest: digest(unsigned) }
    }
}

/// Of all records that came, but for what is made anew here: the serial, and what signs and denies.
///
/// The sum of the digests of each: a zone has its names in no order, and to sort a million takes as long as all the rest.
fn digest(zone: &Zone) -> Digest {
    let mut sum = 0_u128;
    let mut take = |rtype: Rtype, parts: &[&[u8]]| {
        let mut digesting = Digesting::default();
        digesting.take(&rtype.0.to_be_bytes());
        parts.iter().for_each(|part| digesting.take(part));
        sum = sum.wrapping_add(u128::from_be_bytes(digesting.finish().bytes()));
    };
    for node in zone.nodes() {
        let owner = node.name().wire();
        for rrset in node.all_rrsets().filter(|rrset| !rrset.rtype().is_of_signing()) {
            let (rtype, ttl) = (rrset.rtype(), rrset.ttl().seconds().to_be_bytes());
            for rdata in rrset.rdatas() {
                match rdata.split_last_chunk::<20>() {
                    // The serial comes before four other numbers.
                    Some((names, [_, _, _, _, times @ ..])) if rtype == Rtype::SOA => {
                        take(rtype, &[owner, &ttl, names, times]);
                    }
                    _ => take(rtype, &[owner, &ttl, rdata]),
                }
            }
        }
    }
    for (owner, answered, ttl, code) in zone.lua_records() {
        let (answered, ttl) = (answered.0.to_be_bytes(), ttl.seconds().to_be_bytes());
        take(Rtype::LUA, &[owner.wire(), &ttl, &answered, code.as_bytes()]);
    }
    Digest::from_bytes(sum.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Diagnostics, Sources, Span};
    use crate::zone::{Builder, Changeset, Record};
    use crate::zonefile;

    const TEXT: &str = "@ 60 SOA ns h 7 60 60 60 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nsub 60 NS ns.sub\nns.sub 60 A 192.0.2.2\n\
                        www 60 A 192.0.2.3\nwww 60 A 192.0.2.4\napi 5 LUA A \"ifportup(443, {'192.0.2.1'})\"\n";

    fn zone(text: &str) -> Zone {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        let mut found = Diagnostics::default();
        let mut builder = Builder::new("lab.example.".parse().unwrap(), Span::new(file, 0, 1));
        zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
        builder.finish(&mut found).unwrap()
    }

    #[test]
    fn every_record_counts_also_one_that_nobody_signs_and_neither_their_order_nor_the_serial() {
        let was = digest(&zone(TEXT));
        for (old, new) in [
            ("sub 60 NS ns.sub", "sub 60 NS other.sub"),
            ("ns.sub 60 A 192.0.2.2", "ns.sub 60 A 192.0.2.9"),
            ("ns.sub 60 A 192.0.2.2", "ns.sub 90 A 192.0.2.2"),
            ("ns.sub 60 A 192.0.2.2\n", ""),
            ("www 60 A 192.0.2.4", "www 60 A 192.0.2.5"),
            ("www 60 A 192.0.2.3\nwww 60 A 192.0.2.4", "www 60 A 192.0.2.3\nw 60 A 192.0.2.4"),
            ("{'192.0.2.1'}", "{'192.0.2.2'}"),
            ("7 60 60 60 60", "7 60 60 60 90"),
        ] {
            assert_ne!(digest(&zone(&TEXT.replacen(old, new, 1))), was, "{new}");
        }
        let mut lines: Vec<&str> = TEXT.lines().collect();
        lines[2..].reverse();
        assert_eq!(digest(&zone(&lines.join("\n"))), was);
        assert_eq!(digest(&zone(&TEXT.replace("h 7 60", "h 8 60"))), was);
    }

    #[test]
    fn a_zone_that_was_changed_has_the_digest_of_one_that_came_so() {
        let zone_before = zone(&TEXT.replace("www 60 A 192.0.2.4\n", ""));
        let added = Record {
            owner: "www.lab.example.".parse().unwrap(),
            rtype: Rtype::A,
            ttl: crate::dns::Ttl::from_seconds(60).unwrap(),
            rdata: [192, 0, 2, 4].into(),
        };
        let changes = Changeset { removed: Vec::new(), added: vec![added] };
        let place = Span::new(Sources::default().add("lab.zone", b"x".to_vec()), 0, 1).into();
        let mut found = Diagnostics::default();
        let mut zone_before = zone_before;
        zone_before.prepare_for_changes();
        let (changed, _) = zone_before.after(&changes, &[], &place, &mut found).unwrap().unwrap();
        assert_eq!(digest(&changed), digest(&zone(TEXT)));
    }
}
