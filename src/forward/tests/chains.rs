//! Chains of aliases in answers of upstreams: how far one is the upstream's.

use super::super::cache_key::CacheKey;
use super::super::chain::{ContinuedChain, continued};
use super::super::routing::Routing;
use super::super::settings::{ForwardZone, Rebinding, Settings, Upstreams};
use crate::dns::message::Section;
use crate::dns::{Name, Rtype};
use crate::requestor::Response;
use crate::requestor::tests::messages::{record, response, soa};

const A: u16 = 1;
const CNAME: u16 = 5;
const DNAME: u16 = 39;
const RRSIG: u16 = 46;

/// `lab.test.` is ours; `test.` and all the rest are forwarded to different upstreams.
fn routing() -> Routing {
    let zone = |apex: &str| ForwardZone::new(apex.parse().unwrap(), Upstreams::Listed(Vec::new()));
    let own_zones = vec!["lab.test.".parse().unwrap()];
    Routing::new(Settings { zones: vec![zone("."), zone("test.")], own_zones, ..Settings::default() }, None)
}

fn wire(name: &str) -> Vec<u8> {
    name.parse::<Name>().unwrap().as_ref().wire().to_vec()
}

/// A record below another owner.
fn at(owner: &str, rtype: u16, rdata: &[u8]) -> Vec<u8> {
    [&wire(owner), &record(rtype, 60, rdata)[2..]].concat()
}

fn signature(owner: &str, covered: u16) -> Vec<u8> {
    at(owner, RRSIG, &[&covered.to_be_bytes()[..], &[0; 16], &wire("example.")].concat())
}

/// Where the answer to `www.example. A` with these records leads on.
fn leads(rcode: u16, sections: [&[Vec<u8>]; 3]) -> Option<ContinuedChain> {
    let message = response(rcode, sections);
    let key = CacheKey::plain("www.example.".parse::<Name>().unwrap().as_ref(), Rtype::A);
    continued(&routing(), &key, &Response::read(&message).unwrap())
}

/// The records of what is kept: owner and type.
fn kept(continuation: &ContinuedChain) -> Vec<String> {
    let response = Response::read(&continuation.message).unwrap();
    assert!(response.records.iter().all(|record| record.section == Section::Answer));
    let told = |record| format!("{} {}", response.owner(record).unwrap(), record.rtype);
    response.records.iter().map(told).collect()
}

#[test]
fn a_chain_is_kept_as_far_as_our_zone_with_its_signatures_and_in_its_order() {
    let answers = [
        at("www.lab.test.", A, &[203, 0, 113, 66]),
        at("middle.other.", CNAME, &wire("www.lab.test.")),
        signature("middle.other.", CNAME),
        signature("www.lab.test.", A),
        at("www.example.", CNAME, &wire("middle.other.")),
        at("stranger.other.", CNAME, &wire("www.lab.test.")),
        signature("www.example.", CNAME),
    ];
    let continuation = leads(0, [&answers, &[soa(60, 60)], &[]]).unwrap();
    assert_eq!(continuation.target.to_string(), "www.lab.test.");
    let chain = ["www.example. RRSIG", "www.example. CNAME", "middle.other. RRSIG", "middle.other. CNAME"];
    assert_eq!(kept(&continuation), chain);
}

#[test]
fn the_name_of_the_question_is_written_as_each_client_writes_it() {
    let alias = [at("wWw.eXample.", CNAME, &wire("www.lab.test."))];
    let kept = leads(0, [&alias, &[], &[]]).unwrap();
    let start = 12 + wire("www.example.").len() + 4;
    assert_eq!(kept.message[start..start + 2], [0xc0, 12]);
    // A name that ends in the question must not show in which case we have asked.
    let mut message = response(0, [&[record(CNAME, 60, b"\x05other\xc0\x10")], &[], &[]]);
    message[12..12 + 13].make_ascii_uppercase();
    let key = CacheKey::plain("www.example.".parse::<Name>().unwrap().as_ref(), Rtype::A);
    let continuation = continued(&routing(), &key, &Response::read(&message).unwrap()).unwrap();
    assert_eq!(continuation.target.to_string(), "other.example.");
}

#[test]
fn a_chain_ends_with_what_its_upstream_says_of_its_own_names() {
    let alias = |target: &str| vec![record(CNAME, 60, &wire(target))];
    let with_address = |target: &str| [alias(target), vec![at(target, A, &[203, 0, 113, 66])]].concat();
    let nothing = [soa(60, 60)];
    // The SOA is that of www.example., which does not hold the target; that of the root would.
    let root_soa = [at(".", 6, &[0; 22])];
    for (target, rcode, answers, authority, leads_on) in [
        ("other.", 0, with_address("other."), &[][..], false),
        ("other.", 0, alias("other."), &root_soa[..], false),
        ("other.", 3, alias("other."), &[][..], false),
        ("other.", 0, alias("other."), &[][..], true),
        ("other.", 0, alias("other."), &nothing[..], true),
        ("www.test.", 0, with_address("www.test."), &[][..], false),
        ("www.test.", 0, alias("www.test."), &root_soa[..], true),
        ("www.test.", 3, alias("www.test."), &[][..], true),
        ("lab.test.", 0, with_address("lab.test."), &[][..], true),
        ("xlab.test.", 0, with_address("xlab.test."), &[][..], false),
    ] {
        let continuation = leads(rcode, [&answers, authority, &[]]);
        assert_eq!(continuation.is_some(), leads_on, "{target} {rcode} {}", authority.len());
    }
}

#[test]
fn a_dname_that_stands_alone_makes_the_alias() {
    let dname = [at("example.", DNAME, &wire("lab.test.")), signature("example.", DNAME)];
    let continuation = leads(0, [&dname, &[], &[]]).unwrap();
    assert_eq!(continuation.target.to_string(), "www.lab.test.");
    assert_eq!(kept(&continuation), ["example. DNAME", "example. RRSIG", "www.example. CNAME"]);
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(58)].join(".");
    assert!(leads(0, [&[at("example.", DNAME, &wire(&long))], &[], &[]]).is_none(), "it would be too long");
}

#[test]
fn a_loop_of_an_upstream_and_a_chain_without_end_are_passed_on_as_they_are() {
    let turn = [record(CNAME, 60, &wire("b.other.")), at("b.other.", CNAME, &wire("www.example."))];
    assert!(leads(0, [&turn, &[], &[]]).is_none());
    let mut long = vec![record(CNAME, 60, &wire("n0.other."))];
    long.extend((0..20).map(|n| at(&format!("n{n}.other."), CNAME, &wire(&format!("n{}.other.", n + 1)))));
    assert!(leads(0, [&long, &[], &[]]).is_none());
}

#[test]
fn an_upstream_whose_answers_hold_no_private_addresses_says_none_of_names_that_may_have_them() {
    let zone = |apex: &str, rebinding| {
        let zone = ForwardZone::new(apex.parse().unwrap(), Upstreams::Listed(Vec::new()));
        ForwardZone { rebinding, ..zone }
    };
    let leads = |all, test| {
        let zones = vec![zone(".", all), zone("test.", test)];
        let routing = Routing::new(Settings { zones, ..Settings::default() }, None);
        let answers = [at("www.example.", CNAME, &wire("x.test.")), at("x.test.", A, &[10, 0, 0, 1])];
        let message = response(0, [&answers, &[], &[]]);
        let key = CacheKey::plain("www.example.".parse::<Name>().unwrap().as_ref(), Rtype::A);
        continued(&routing, &key, &Response::read(&message).unwrap()).map(|continuation| continuation.target)
    };
    assert_eq!(leads(Rebinding::Refused, Rebinding::Allowed), Some("x.test.".parse().unwrap()));
    // Where both are trusted alike the answer is whole.
    assert_eq!(leads(Rebinding::Allowed, Rebinding::Allowed), None);
    assert_eq!(leads(Rebinding::Refused, Rebinding::Refused), None);
}
