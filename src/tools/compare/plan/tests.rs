//! What is asked about zones of every kind of node.

use super::*;
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::Builder;
use crate::zonefile;

const HEAD: &str = "$TTL 60\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n";

fn zone(text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add("x.zone", format!("{HEAD}{text}").into_bytes());
    let mut found = Diagnostics::default();
    let mut builder = Builder::new("x.example".parse().unwrap(), Span::new(file, 0, 1));
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    builder.finish(&mut found).expect("a zone without errors")
}

/// All questions, as `name types`, lower case, made-up labels as `?`.
fn asked(text: &str) -> Vec<String> {
    let plan = ZonePlan::of(&zone(text), None);
    let shown = |question: Question| format!("{} {}", question.qname, question.qtype);
    let questions = std::iter::once(plan.soa()).chain(plan.questions()).map(shown);
    let questions: Vec<String> = questions
        .map(|shown| {
            let (name, rtype) = shown.split_once(' ').unwrap();
            format!("{} {rtype}", name.to_lowercase().replace("edgedns-compare", "?"))
        })
        .collect();
    assert_eq!(questions.len() as u64, plan.questions_count());
    questions
}

#[test]
fn every_name_is_asked_for_its_types_and_for_addresses_and_so_is_one_below_it() {
    let asked = asked("mail MX 10 ns\n");
    for wanted in ["x.example. SOA", "x.example. NS", "x.example. DNSKEY", "?.x.example. A"] {
        assert!(asked.iter().any(|one| one == wanted), "{wanted}: {asked:?}");
    }
    let of_mail: Vec<&String> = asked.iter().filter(|one| one.contains("mail.")).collect();
    assert_eq!(
        of_mail,
        [
            "mail.x.example. A",
            "mail.x.example. MX",
            "mail.x.example. AAAA",
            "?.mail.x.example. A",
            "?.mail.x.example. AAAA"
        ]
    );
    assert_eq!(asked.iter().filter(|one| *one == "x.example. SOA").count(), 1);
}

#[test]
fn below_the_parent_of_a_wildcard_its_types_are_asked_for_one_and_two_labels_deep() {
    let asked = asked("*.apps TXT \"t\"\n");
    for wanted in
        ["*.apps.x.example. TXT", "?.apps.x.example. TXT", "?.?.apps.x.example. TXT", "apps.x.example. A"]
    {
        assert!(asked.iter().any(|one| one == wanted), "{wanted}: {asked:?}");
    }
}

#[test]
fn a_zone_cut_is_asked_for_its_referral_and_what_is_below_it_only_through_it() {
    let asked = asked("sub NS ns.sub\nns.sub A 192.0.2.1\n");
    let of_sub: Vec<&String> = asked.iter().filter(|one| one.contains("sub.")).collect();
    assert_eq!(
        of_sub,
        [
            "sub.x.example. A",
            "sub.x.example. NS",
            "sub.x.example. AAAA",
            "sub.x.example. DS",
            "?.sub.x.example. A",
            "?.sub.x.example. AAAA"
        ]
    );
}

#[test]
fn a_sample_holds_the_apex_pools_and_wildcards_whatever_its_size() {
    let mut text =
        String::from("api LUA A \"ifportup(6443, {'192.0.2.1', '192.0.2.2'})\"\n*.apps A 192.0.2.3\n");
    (0..500).for_each(|number| text += &format!("host{number} A 192.0.2.4\n"));
    let plan = ZonePlan::of(&zone(&text), NonZeroUsize::new(10));
    let names: Vec<String> = plan.names.iter().map(|planned| planned.name.to_string()).collect();
    for wanted in ["x.example.", "api.x.example.", "edgedns-compare.apps.x.example."] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}: {names:?}");
    }
    let hosts = names.iter().filter(|name| name.starts_with("host")).count();
    assert!((5..=10).contains(&hosts), "{hosts} hosts");
}

#[test]
fn one_question_of_each_name_is_in_mixed_case() {
    let plan = ZonePlan::of(&zone("www A 192.0.2.1\n"), None);
    let mixed: Vec<Question> = plan.questions().filter(|one| one.qtype == Rtype::AAAA).collect();
    let lower = |name: &Name| name.to_string().to_lowercase() == name.to_string();
    assert!(!mixed.is_empty() && mixed.iter().all(|one| !lower(&one.qname)), "{mixed:?}");
    assert!(plan.questions().filter(|one| one.qtype == Rtype::A).all(|one| lower(&one.qname)));
}

#[test]
fn a_name_that_is_too_long_for_another_label_has_none_made_up_below() {
    let long = ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(55)].join(".");
    let asked = asked(&format!("{long} A 192.0.2.1\n"));
    assert!(!asked.iter().any(|one| one.starts_with("?.aaa")), "{asked:?}");
}
