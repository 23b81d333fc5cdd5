//! The registry: every selector is documented, can be written, and is explained.

use super::*;
use crate::zone::{AnswerOrder, Member};

const ARRANGEMENT: Arrangement =
    Arrangement { order: AnswerOrder::Rotate, answers_max: None, share_max: None };

fn candidate(member: &Member) -> Candidate<'_> {
    Candidate { member, reported_weight: 1, share: 100, latency: None, rank: 0 }
}

#[test]
fn every_selector_is_documented_under_a_name_of_its_own() {
    let mut names: Vec<&str> = Selector::LIST.iter().map(|one| one.entry().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Selector::LIST.len());
    for entry in Selector::LIST.iter().map(|one| one.entry()) {
        assert!(entry.help.len() > 10 && !entry.help.ends_with('.'), "{}", entry.name);
    }
}

#[test]
fn every_selector_can_be_written() {
    for entry in Selector::LIST.iter().map(|one| one.entry()) {
        let is_in_config = entry.config != ConfigForm::Absent;
        let is_in_text = entry.lua_option.is_some() || entry.lua_function.is_some();
        assert!(is_in_config || is_in_text, "{}", entry.name);
        if let ConfigForm::Weighing(word) = entry.config {
            assert!(Selector::config_words().iter().any(|(known, _)| *known == word), "{word}");
        }
    }
}

#[test]
fn every_selector_is_explained_in_words_of_its_own() {
    let client = "192.0.2.77".parse().unwrap();
    let mut sentences: Vec<String> =
        Selector::LIST.iter().map(|one| one.explain(&ARRANGEMENT, client)).collect();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), Selector::LIST.len(), "{sentences:?}");
}

#[test]
fn every_selector_leaves_as_many_candidates_as_it_says() {
    let members = [[192, 0, 2, 1], [192, 0, 2, 2]].map(Member::new);
    for selector in Selector::LIST {
        let mut candidates: Vec<Candidate<'_>> = members.iter().map(candidate).collect();
        selector.prepare(&ARRANGEMENT, &mut candidates);
        let is_empty = selector.entry().answers == Answers::Nothing;
        assert_eq!(candidates.is_empty(), is_empty, "{selector:?}");
    }
}
