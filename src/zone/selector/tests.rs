//! The registry: every selector is documented, can be written, and is explained.

use super::*;
use crate::zone::{AnswerOrder, Member, ShareMax};

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

#[test]
fn what_a_rank_can_take_is_shared_to_the_last_part_and_nothing_of_it_goes_to_the_next() {
    let members: Vec<Member> = (0..4).map(|last| Member::new([192, 0, 2, last])).collect();
    let sums = |arrangement: &Arrangement, shares: [u8; 4]| {
        let mut candidates: Vec<Candidate<'_>> = members.iter().map(candidate).collect();
        for (one, share) in candidates.iter_mut().zip(shares) {
            one.share = share;
        }
        candidates[3].rank = 1;
        match super::shares::by_rank(arrangement, &mut candidates) {
            ChoiceAtQuery::Weighted(_, sums) => sums,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(*sums(&ARRANGEMENT, [100; 4]), [333_333, 666_666, 1_000_000]);
    // One has come back just now: the others have what it may not have yet.
    assert_eq!(*sums(&ARRANGEMENT, [10, 100, 100, 100]), [47_619, 523_809, 1_000_000]);
    let few = Arrangement { share_max: ShareMax::percent(30), ..ARRANGEMENT };
    assert_eq!(*sums(&few, [20, 100, 100, 100]), [200_000, 500_000, 800_000, 1_000_000]);
}

#[test]
fn shares_of_as_many_as_a_pool_may_have_take_no_time() {
    let members: Vec<Member> = (0..u16::MAX)
        .map(|last| Member::new([10, 0, last.to_be_bytes()[0], last.to_be_bytes()[1]]))
        .collect();
    let mut candidates: Vec<Candidate<'_>> = members.iter().map(candidate).collect();
    // Each may have a little more than the one before, so that one after the other is full.
    for (place, one) in candidates.iter_mut().enumerate() {
        one.share = u8::try_from(1 + place % 100).unwrap();
    }
    let begun = std::time::Instant::now();
    let in_order = super::shares::in_order(&ARRANGEMENT, &mut candidates.clone());
    let by_rank = super::shares::by_rank(&ARRANGEMENT, &mut candidates);
    assert!(matches!((in_order, by_rank), (ChoiceAtQuery::Weighted(..), ChoiceAtQuery::Weighted(..))));
    // Sixty times as many would take hours if each looked at all others.
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}
