//! What counts as a difference, over one zone and answers made from it.

use std::path::Path;

use super::*;
use crate::daemon::LoadResult;
use crate::zones::Purpose;

const ZONE: &str = "$TTL 60\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\nwww A 192.0.2.2\n\
    api 10 LUA A \"ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})\"\nmx MX 10 NS\n\
    out CNAME www.example.net.\nsub NS ns.sub\nns.sub A 192.0.2.9\n";

/// What is held when the zone's file has this text.
fn held(text: &str) -> Ours {
    let folder = tempfile::tempdir().unwrap();
    let config = "[[zone]]\nname = \"x.example\"\nfile = \"x.zone\"\n";
    std::fs::write(folder.path().join("edgedns.toml"), config).unwrap();
    std::fs::write(folder.path().join("x.zone"), text).unwrap();
    let read = |path: &Path| LoadResult::new(path, &Purpose::Check, |_, _| {});
    let loaded = read(&folder.path().join("edgedns.toml")).loaded.expect("a config");
    Ours::new(loaded.zones, [127, 0, 0, 1].into())
}

/// What is thought when they have another text of the zone, and `change` befalls their answer.
fn judged(
    name: &str,
    rtype: Rtype,
    theirs: &str,
    manner: Manner,
    change: impl FnOnce(&mut Response),
) -> Judgement {
    let question = Question { qname: format!("{name}.x.example").parse().unwrap(), qtype: rtype };
    let (mut held, mut other) = (held(ZONE), held(theirs));
    let (ours, mut theirs) = (held.answer(&question), other.answer(&question));
    change(&mut theirs.response);
    judge(&Case { question: &question, ours: &ours, theirs: &theirs, manner, held: &held })
}

fn plainly(name: &str, rtype: Rtype, theirs: &str) -> Judgement {
    judged(name, rtype, theirs, Manner::Authority, |_| {})
}

#[test]
fn order_and_case_of_names_make_no_difference() {
    let theirs =
        ZONE.replace("192.0.2.1\nwww A 192.0.2.2", "192.0.2.2\nwww A 192.0.2.1").replace("10 NS", "10 ns");
    for (name, rtype) in [("www", Rtype::A), ("mx", Rtype::MX), ("nothing", Rtype::A)] {
        assert_eq!(plainly(name, rtype, &theirs), Judgement::default(), "{name}");
    }
}

#[test]
fn only_the_records_that_differ_are_told_with_their_ttls() {
    let judgement = plainly("www", Rtype::A, &ZONE.replace("www A 192.0.2.2", "www A 192.0.2.7"));
    let part = Part {
        what: "answer",
        theirs: vec!["www.x.example. 60 IN A 192.0.2.7".to_owned()],
        ours: vec!["www.x.example. 60 IN A 192.0.2.2".to_owned()],
    };
    assert_eq!(judgement.parts, [part]);
    let judgement = plainly("www", Rtype::A, &ZONE.replace("$TTL 60", "$TTL 61"));
    assert_eq!(judgement.parts[0].theirs.len(), 2, "{judgement:?}");
}

#[test]
fn any_members_of_a_pool_will_do_and_no_stranger() {
    let with = |rule: &str| {
        ZONE.replace("api 10 LUA A \"ifportup(6443, {'192.0.2.1', '192.0.2.2', '192.0.2.3'})\"", rule)
    };
    assert_eq!(plainly("api", Rtype::A, &with("api 10 A 192.0.2.3")), Judgement::default());
    let stranger = plainly("api", Rtype::A, &with("api 10 A 192.0.2.3\napi 10 A 192.0.2.4"));
    assert_eq!(stranger.parts[0].theirs, ["api.x.example. 10 IN A 192.0.2.4"]);
    assert_eq!(stranger.parts[0].ours, ["api.x.example. 10 IN A any of 192.0.2.1, 192.0.2.2, 192.0.2.3"]);
    let ttl = plainly("api", Rtype::A, &with("api 11 A 192.0.2.3"));
    assert_eq!(ttl.parts[0].theirs, ["api.x.example. 11 IN A 192.0.2.3"]);
    let nothing = plainly("api", Rtype::A, &with("api 10 TXT \"t\""));
    assert!(nothing.parts.iter().any(|part| part.what == "answer"), "{nothing:?}");
}

#[test]
fn a_name_that_one_of_both_lacks_is_told_by_its_response_code() {
    let judgement = plainly("mx", Rtype::MX, &ZONE.replace("mx MX 10 NS\n", ""));
    let rcode = &judgement.parts[0];
    assert_eq!(
        (rcode.what, &rcode.theirs[..], &rcode.ours[..]),
        ("rcode", &["NXDOMAIN".to_owned()][..], &["NOERROR".to_owned()][..])
    );
}

#[test]
fn records_that_only_save_a_question_are_known_unless_a_referral_needs_them() {
    let without = |response: &mut Response| response.sections[2].clear();
    let judgement = judged("mx", Rtype::MX, ZONE, Manner::Authority, without);
    assert!(judgement.parts.is_empty() && judgement.known.contains(&Known::Additional), "{judgement:?}");
    let judgement = judged("sub", Rtype::A, ZONE, Manner::Authority, without);
    assert_eq!(judgement.parts[0].what, "additional");
}

#[test]
fn the_zones_own_ns_records_behind_an_answer_are_known() {
    let add = |response: &mut Response| {
        let owner: Name = "x.example".parse().unwrap();
        let rdata = "ns.x.example".parse::<Name>().unwrap().as_ref().wire().to_vec();
        response.sections[1].push(Record { owner, rtype: Rtype::NS, class: 1, ttl: 60, rdata });
    };
    let judgement = judged("www", Rtype::A, ZONE, Manner::Authority, add);
    assert!(judgement.parts.is_empty() && judgement.known.contains(&Known::ApexNs), "{judgement:?}");
}

#[test]
fn a_chain_that_is_followed_into_another_zone_is_known() {
    let follow = |response: &mut Response| {
        let owner: Name = "www.example.net".parse().unwrap();
        response.sections[0].push(Record {
            owner,
            rtype: Rtype::A,
            class: 1,
            ttl: 5,
            rdata: vec![192, 0, 2, 8],
        });
    };
    let judgement = judged("out", Rtype::A, ZONE, Manner::Authority, follow);
    assert!(judgement.parts.is_empty() && judgement.known.contains(&Known::ChainGoesOn), "{judgement:?}");
    let other = plainly("out", Rtype::A, &ZONE.replace("www.example.net.", "www.example.org."));
    assert_eq!(other.parts[0].what, "answer");
}

#[test]
fn of_a_negative_answer_the_times_count_and_the_serial_does_not() {
    assert_eq!(plainly("nothing", Rtype::A, &ZONE.replace("h 1 ", "h 2 ")), Judgement::default());
    let judgement = plainly("nothing", Rtype::A, &ZONE.replace("86400 60\n", "86400 30\n"));
    assert_eq!(judgement.parts[0].what, "authority");
}

#[test]
fn a_resolver_may_have_kept_an_answer_for_a_while_and_says_nothing_of_authority() {
    let kept = |ttl: u32| {
        move |response: &mut Response| {
            response.header.flags &= !0x0400;
            response.sections[1].clear();
            response.sections[2].clear();
            response.sections[0].iter_mut().for_each(|record| record.ttl = ttl);
        }
    };
    for name in ["www", "api"] {
        let judgement = judged(name, Rtype::A, ZONE, Manner::Resolver, kept(7));
        assert_eq!(judgement, Judgement::default(), "{name}");
    }
    let judgement = judged("www", Rtype::A, ZONE, Manner::Resolver, kept(61));
    assert_eq!(judgement.parts[0].what, "answer");
    let judgement = judged("www", Rtype::A, ZONE, Manner::Authority, kept(60));
    assert_eq!(judgement.parts[0].what, "flags");
}

#[test]
fn a_question_that_comes_back_in_another_case_is_told() {
    let question = Question { qname: "wWw.x.example".parse().unwrap(), qtype: Rtype::A };
    let mut held = held(ZONE);
    let ours = held.answer(&question);
    let theirs = Reply { echo: Echo::OtherCase, ..ours.clone() };
    let case =
        Case { question: &question, ours: &ours, theirs: &theirs, manner: Manner::Authority, held: &held };
    let parts = judge(&case).parts;
    assert_eq!((parts.len(), parts[0].what, &parts[0].ours[0][..]), (1, "question", "wWw.x.example."));
}
