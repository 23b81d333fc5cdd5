//! A zone that is signed from change to change is the one that would have been signed as a whole.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::source::Origin;
use crate::zone::Changeset;

/// Lines that come and go: owners below, above and between each other, cuts, glue, and what they hide.
const LINES: [&str; 16] = [
    "a 60 A 192.0.2.1",
    "a 60 A 192.0.2.2",
    "a 60 TXT \"x\"",
    "b.a 60 A 192.0.2.1",
    "d.c.b.a 60 A 192.0.2.1",
    "*.c.b.a 60 A 192.0.2.1",
    "f.g.h 60 NS ns.c",
    "c 60 NS ns.c",
    "c 60 DS 1 13 2 0101010101010101010101010101010101010101010101010101010101010101",
    "ns.c 60 A 192.0.2.9",
    "x.y.c 60 TXT \"below\"",
    "e 60 DNAME other.test.",
    "z 60 A 192.0.2.26",
    "@ 60 TXT \"apex\"",
    "0 60 A 192.0.2.1",
    "* 60 TXT \"any\"",
];

fn text(serial: u32, lines: &BTreeSet<usize>) -> String {
    let lines = lines.iter().map(|at| format!("{}\n", LINES[*at])).collect::<String>();
    format!("@ 60 SOA ns h {serial} 1 2 3 30\n@ 60 NS ns\nns 60 A 192.0.2.53\n{lines}")
}

fn with(zone: &Zone, added: Vec<Record>) -> Zone {
    let mut found = Diagnostics::default();
    let changes = Changeset { removed: Vec::new(), added };
    let builder = changes.apply(zone, &[], origin(), &mut found).unwrap();
    builder.finish(&mut found).unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>()))
}

fn origin() -> Origin {
    let file = Sources::default().add("edgedns.toml", b"example".to_vec());
    Span::new(file, 0, 7).into()
}

fn told(zone: &Zone) -> BTreeSet<String> {
    let records = zone.records().map(|(owner, rtype, _, data)| {
        let mut text = String::new();
        rdata::write(rtype, data, &mut text);
        format!("{owner} {rtype} {text}")
    });
    records.collect()
}

fn sets() -> impl Strategy<Value = Vec<BTreeSet<usize>>> {
    let set = prop::collection::btree_set(0..LINES.len(), 0..LINES.len());
    prop::collection::vec(set, 2..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn changes_are_signed_as_the_whole_zone_would_be(sets in sets(), denial in prop::sample::select(&DenialKind::ALL[..])) {
        let signing = Signing { denial, ..signing([ed25519([7; 32], ZONE_KEY | SEP)]) };
        let mut shelf = Shelf::default();
        let plain = zone(&text(1, &sets[0]));
        let mut current = with(&plain, signed(&plain, &signing, &mut shelf));
        let mut chain = Chain::of(&current, denial);
        for (serial, (before, after)) in (2..).zip(sets.iter().zip(&sets[1..])) {
            let (from, to) = (zone(&text(serial - 1, before)), zone(&text(serial, after)));
            let changes = Changeset::between(&from, &to);
            let mut found = Diagnostics::default();
            let changed = current.after(&changes, &[], origin(), &mut found).unwrap();
            let Some((next, nodes)) = changed else { return Err(TestCaseError::reject("unsound")) };
            let touched = nodes.iter().map(|change| change.node);
            let (signatures, links) = resign(&next, touched, &chain, &signing, &mut shelf).unwrap();
            let (next, _) = next.after(&signatures, &[], origin(), &mut found).unwrap().unwrap();
            let whole = with(&to, signed(&to, &signing, &mut Shelf::default()));
            prop_assert_eq!(told(&next), told(&whole));
            let names = |zone: &Zone, chain: &Chain| -> Vec<String> {
                chain.iter().map(|id| zone.node(id).name().to_string()).collect()
            };
            prop_assert_eq!(names(&next, &links), names(&whole, &Chain::of(&whole, denial)));
            (current, chain) = (next, links);
        }
    }
}

#[test]
fn a_change_of_one_record_among_many_makes_few_signatures() {
    let hosts: String = (0..3000).map(|host| format!("h{host} 60 A 192.0.2.1\n")).collect();
    let text = |serial: u32, more: &str| {
        format!("@ 60 SOA ns h {serial} 1 2 3 30\n@ 60 NS ns\nns 60 A 192.0.2.53\n{hosts}{more}")
    };
    let signing = signing([ed25519([7; 32], ZONE_KEY | SEP)]);
    let (mut shelf, plain) = (Shelf::default(), zone(&text(1, "")));
    let current = with(&plain, signed(&plain, &signing, &mut shelf));
    let chain = Chain::of(&current, DenialKind::Nsec);
    let changes = Changeset::between(&plain, &zone(&text(2, "h1000x 60 A 192.0.2.1\n")));
    let mut found = Diagnostics::default();
    let (next, nodes) = current.after(&changes, &[], origin(), &mut found).unwrap().unwrap();
    let made = shelf.made();
    let touched = nodes.iter().map(|change| change.node);
    let (signatures, _) = resign(&next, touched, &chain, &signing, &mut shelf).unwrap();
    assert_eq!(shelf.made() - made, 4, "SOA, the record, its NSEC, and the NSEC before it");
    assert_eq!(signatures.added.len(), 6);
    let added = lines(&signatures.added);
    assert!(added.iter().any(|line| line.starts_with("h1000.example.org. 30 NSEC h1000x.example.org. ")));
    assert!(added.iter().any(|line| line.starts_with("h1000x.example.org. 30 NSEC h1001.example.org. ")));
    assert!(added.iter().filter(|line| line.contains(" RRSIG ")).all(|line| !line.contains("RRSIG DNSKEY")));
    assert_eq!(added.iter().filter(|line| line.contains(" RRSIG SOA ")).count(), 1);
}
