//! Signatures of a zone that comes signed: of each algorithm, by dnssec-signzone of BIND 9.18.

use super::*;

/// `example.`, signed by one key of each algorithm from 2020 to the end of 2030.
const SIGNED: &str = include_str!("../../../tests/data/dnssec/every-algorithm.zone");

const NOW: u32 = 1_800_000_000;
const END: u32 = 1_924_905_600;

fn told(text: &str, now: u32) -> Vec<String> {
    let (zone, sources) = read("example.", "lab.zone", text);
    assert!(zone.is_signed());
    let mut found = Diagnostics::default();
    check_signatures(&zone, now, &mut found);
    found.iter().map(|one| format!("{} {}", one.severity.word(), sources.sentence(one))).collect()
}

/// The one thing that is told.
fn only(text: &str, now: u32) -> String {
    let mut told = told(text, now);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

/// The text without lines that begin so.
fn without(begin: &str) -> String {
    SIGNED.lines().filter(|line| !line.starts_with(begin)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn signatures_of_every_algorithm_hold() {
    assert_eq!(told(SIGNED, NOW), [""; 0]);
}

#[test]
fn signatures_hold_from_the_time_and_to_the_time_that_they_say() {
    assert_eq!(told(SIGNED, END - 8 * 24 * 3600), [""; 0]);
    let soon = only(SIGNED, END - 1);
    assert!(
        soon.contains("signatures expire within a week; so are 52 of this zone; sign the zone again"),
        "{soon}"
    );
    let expired = only(SIGNED, END + 1);
    assert!(
        expired.starts_with("warning lab.zone:") && expired.contains("signatures have expired; so are 52"),
        "{expired}"
    );
    let early = only(SIGNED, 1_500_000_000);
    assert!(early.contains("signatures are not valid yet; so are 52"), "{early}");
}

#[test]
fn a_record_that_was_changed_does_not_fit_its_signatures() {
    let wrong = only(&SIGNED.replace("192.0.2.53", "192.0.2.54"), NOW);
    assert!(wrong.contains("signatures do not fit what they cover; so are 4 of this zone"), "{wrong}");
}

#[test]
fn records_without_signatures_and_signatures_without_records_are_told() {
    let missing = only(&without("ns.example. 60 RRSIG A"), NOW);
    assert!(missing.contains("records are not signed; sign the zone again"), "{missing}");
    let nothing = only(&without("ns.example. 60 A"), NOW);
    assert!(
        nothing.contains("signatures cover records that are not there; sign the zone again"),
        "{nothing}"
    );
}

#[test]
fn signatures_of_a_key_that_is_gone_are_told() {
    let told = told(&without("example. 60 DNSKEY 257 3 15"), NOW);
    assert!(
        told.iter().any(|one| one.contains("signatures are by keys that the zone does not have; so are 13")),
        "{told:?}"
    );
}
