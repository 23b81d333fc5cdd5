//! Tables that zones come into and go from, beside tables that are made of the same zones at once.

use proptest::prelude::*;

use super::*;
use crate::answer::Pools;

fn entry(apex: &str) -> ZoneEntry {
    ZoneEntry {
        apex: apex.parse().unwrap(),
        compiled: None,
        pools: Arc::new(Pools::default()),
        access: None,
        expires: None,
    }
}

fn hashed(name: &str) -> HashedName {
    let mut hashed = HashedName::new();
    hashed.set(name.parse::<Name>().unwrap().as_ref());
    hashed
}

/// The apex of the zone that holds a name; none where none does.
fn found(table: &ZoneTable, qname: &str) -> Option<String> {
    table.zone_for(&hashed(qname), Rtype::A).map(|zone| zone.apex.to_string())
}

fn apex(number: u16) -> String {
    // Of one to four labels, in one and another case.
    match number % 4 {
        0 => format!("Zone{number}."),
        1 => format!("z{number}.example."),
        2 => format!("z{number}.SUB.example."),
        _ => format!("z{number}.deep.sub.example."),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_that_zones_come_and_go_from_finds_what_one_made_at_once_finds(
        begin in 0_u16..20,
        changes in proptest::collection::vec(0_u16..60, 0..200),
    ) {
        let mut plain: Vec<u16> = (0..begin).collect();
        let mut table = ZoneTable::new(plain.iter().map(|number| entry(&apex(*number))).collect());
        for number in changes {
            let before = table.clone();
            let had = plain.clone();
            match plain.iter().position(|known| *known == number) {
                Some(place) => {
                    plain.swap_remove(place);
                    table.swap_remove(place);
                }
                None => {
                    plain.push(number);
                    table.push(entry(&apex(number)));
                }
            }
            prop_assert!(had.iter().all(|number| found(&before, &apex(*number)).is_some()), "a copy never changes");
        }
        let whole = ZoneTable::new(plain.iter().map(|number| entry(&apex(*number))).collect());
        prop_assert_eq!(table.zones().count(), plain.len());
        for number in 0..60 {
            let qname = format!("www.{}", apex(number).to_lowercase());
            prop_assert_eq!(found(&table, &qname), found(&whole, &qname), "{}", qname);
        }
    }
}

#[test]
fn later_versions_of_a_name_are_not_found_first_when_a_table_grows() {
    let seen = |network: &str| Access::new(Some(vec![network.parse().unwrap()]), None);
    let first = ZoneEntry { access: seen("192.0.2.0/24"), ..entry("a.example.") };
    let mut table = ZoneTable::new(vec![first, entry("a.example.")]);
    for number in 0..40 {
        table.push(entry(&apex(number)));
        assert!(table.zone_for(&hashed("a.example."), Rtype::A).unwrap().access.is_some(), "{number}");
    }
}
