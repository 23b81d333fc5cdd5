//! What others see: who counts, until when, and that nothing of it is taken from anybody.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LEASE: Duration = Duration::from_secs(10);

/// Vantages, and a clock that is turned by hand.
struct Lab {
    vantages: Vantages,
    begin: Instant,
}

fn there(vantage: &str) -> Word {
    Word::There { vantage: vantage.into(), suspects_itself: false }
}

fn gone(vantage: &str) -> Word {
    Word::Gone { vantage: vantage.into() }
}

fn sees(vantage: &str, target: &str, verdict: Verdict) -> Word {
    Word::Sees { vantage: vantage.into(), target: target.into(), verdict }
}

fn up(vantage: &str) -> Word {
    sees(vantage, "t", Verdict::Up)
}

fn down(vantage: &str) -> Word {
    sees(vantage, "t", Verdict::Down)
}

impl Lab {
    fn new(members: &[&str]) -> Lab {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        let settings = VantageSettings { name: "a".to_owned(), members, patience: LEASE };
        Lab { vantages: Vantages::new(settings), begin: Instant::now() }
    }

    /// One whose store was read just now.
    fn heard(members: &[&str], words: impl IntoIterator<Item = Word>) -> Lab {
        let mut lab = Lab::new(members);
        let words: Vec<Word> = std::iter::once(Word::Anew).chain(words).chain([Word::Confirmed]).collect();
        lab.hears(0, words);
        lab
    }

    fn hears(&mut self, seconds: u64, words: impl IntoIterator<Item = Word>) -> Touched {
        self.vantages.hear(words, self.begin + Duration::from_secs(seconds))
    }

    /// Whether others see the target up by `any`, `quorum` and `all`.
    fn seen(&self) -> [bool; 3] {
        let SeenUp { any, quorum, all } = self.vantages.seen_up("t");
        [any, quorum, all]
    }
}

const NOT_AT_ALL: [bool; 3] = [false; 3];

#[test]
fn one_is_enough_for_any_more_than_half_for_quorum_and_all_others_for_all() {
    for (words, seen) in [
        (vec![], NOT_AT_ALL),
        // Of two, one is no more than half.
        (vec![up("b")], [true, false, true]),
        (vec![down("b")], NOT_AT_ALL),
        (vec![up("b"), down("c")], [true, false, false]),
        (vec![up("b"), up("c")], [true, true, true]),
        (vec![up("b"), up("c"), down("d")], [true, false, false]),
        (vec![up("b"), up("c"), up("d"), down("e")], [true, true, false]),
    ] {
        assert_eq!(Lab::heard(&[], words.clone()).seen(), seen, "{words:?}");
    }
}

#[test]
fn who_says_nothing_of_a_target_does_not_count_unless_members_are_named() {
    let words = || vec![up("b"), up("c"), there("d"), sees("e", "another", Verdict::Up)];
    assert_eq!(Lab::heard(&[], words()).seen(), [true, true, true]);
    assert_eq!(Lab::heard(&["a", "b", "c", "d", "e"], words()).seen(), [true, false, false]);
    assert_eq!(Lab::heard(&["a", "b", "c"], words()).seen(), [true, true, true]);
}

#[test]
fn nobody_counts_who_is_no_member_or_has_the_name_of_this_one() {
    assert_eq!(Lab::heard(&["a", "b", "c"], [up("x"), up("y"), up("z"), down("b")]).seen(), NOT_AT_ALL);
    assert_eq!(Lab::heard(&[], [up("a")]).seen(), NOT_AT_ALL);
}

#[test]
fn half_of_the_members_or_fewer_go_by_themselves() {
    let mut lab = Lab::heard(&["a", "b", "c"], [up("b"), up("c")]);
    assert_eq!(lab.seen(), [true, true, true]);
    lab.hears(1, [gone("c")]);
    assert_eq!(*lab.vantages.standing(), Standing::Heard);
    assert_eq!(lab.seen(), [true, false, false], "two of three are there");
    assert_eq!(lab.hears(2, [gone("b")]), Touched::All);
    assert_eq!(*lab.vantages.standing(), Standing::Minority { there: 1, members: 3 });
    // Four sites in two halves: each goes by itself.
    let mut lab = Lab::heard(&["a", "b", "c", "d"], [up("b"), there("c")]);
    assert_eq!(lab.seen(), [true, false, false]);
    lab.hears(1, [gone("c")]);
    assert_eq!(lab.seen(), NOT_AT_ALL);
    lab.hears(2, [there("d")]);
    assert_eq!(lab.seen(), [true, false, false], "it is back");
}

#[test]
fn what_one_has_said_leaves_with_it_at_once() {
    let mut lab = Lab::heard(&[], [up("b"), sees("b", "u", Verdict::Down), up("c")]);
    let names = ["t", "u"].map(Arc::from);
    assert_eq!(lab.hears(1, [gone("b")]), Touched::Targets(names.into_iter().collect()));
    assert_eq!(lab.seen(), [true, false, true]);
    assert!(lab.vantages.sightings("u").is_empty());
    lab.hears(2, [sees("c", "t", Verdict::Pending)]);
    assert_eq!(lab.seen(), NOT_AT_ALL);
    assert_eq!(lab.hears(3, [gone("x")]), Touched::Targets(HashSet::new()), "nobody knew it");
    // The store takes the words back one by one behind their vantage.
    lab.hears(4, [gone("c"), sees("c", "t", Verdict::Pending)]);
    assert!(lab.vantages.report().others.is_empty());
}

#[test]
fn a_lost_store_leaves_this_one_by_itself_until_it_is_read_anew() {
    let mut lab = Lab::heard(&[], [up("b"), up("c")]);
    assert_eq!(lab.hears(1, [Word::Lost { why: "refused".to_owned() }]), Touched::All);
    assert_eq!(*lab.vantages.standing(), Standing::Alone { why: "refused".to_owned() });
    assert_eq!(lab.seen(), NOT_AT_ALL);
    lab.hears(2, [Word::Anew, up("b")]);
    assert_eq!(lab.seen(), NOT_AT_ALL, "nobody has confirmed it");
    assert_eq!(lab.hears(3, [Word::Confirmed]), Touched::All);
    assert_eq!(lab.seen(), [true, false, true]);
}

#[test]
fn what_nobody_confirms_holds_for_a_lease_and_no_longer() {
    let mut lab = Lab::heard(&[], [up("b"), up("c")]);
    let at = |seconds| lab.begin + Duration::from_secs(seconds);
    let (almost, over) = (at(10), at(11));
    assert!(!lab.vantages.tend(almost));
    assert_eq!(lab.seen(), [true, true, true]);
    assert!(lab.vantages.tend(over), "as when this process was stopped for a while");
    assert_eq!(lab.seen(), NOT_AT_ALL);
    assert!(!lab.vantages.tend(over), "it is told once");
    lab.hears(12, [Word::Confirmed]);
    assert_eq!(lab.seen(), NOT_AT_ALL, "what was known is forgotten");
}

#[test]
fn a_sight_has_its_age_since_it_is_another() {
    let mut lab = Lab::heard(&[], [up("b")]);
    lab.hears(5, [up("b")]);
    lab.hears(7, [down("c")]);
    let ages: Vec<(String, Verdict, Duration)> = lab
        .vantages
        .sightings("t")
        .into_iter()
        .map(|seen| (seen.vantage.to_string(), seen.verdict, seen.since - lab.begin))
        .collect();
    let second = Duration::from_secs;
    assert_eq!(ages, [("b".to_owned(), Verdict::Up, second(0)), ("c".to_owned(), Verdict::Down, second(7))]);
    let report = lab.vantages.report();
    assert_eq!(report.others.iter().map(|one| (one.up, one.down)).collect::<Vec<_>>(), [(1, 0), (0, 1)]);
}

#[test]
fn a_store_that_says_too_much_is_heard_to_its_limit() {
    let names: Vec<String> = (0..=VANTAGES_MAX).map(|number| format!("v{number}")).collect();
    let lab = Lab::heard(&[], names.iter().map(|name| up(name)));
    let report = lab.vantages.report();
    assert_eq!((report.others.len(), report.left_out), (VANTAGES_MAX, 1));
    let targets: Vec<String> = (0..=TARGETS_MAX).map(|number| format!("t{number}")).collect();
    let lab = Lab::heard(&[], targets.iter().map(|target| sees("b", target, Verdict::Up)));
    let report = lab.vantages.report();
    assert_eq!((report.others[0].up, report.left_out), (TARGETS_MAX, 1));
}

fn word() -> impl Strategy<Value = Word> {
    let vantage = || prop::sample::select(vec!["a", "b", "c", "d", "x"]);
    let target = prop::sample::select(vec!["t", "u"]);
    let verdict = prop::sample::select(vec![Verdict::Up, Verdict::Down, Verdict::Pending]);
    prop_oneof![
        6 => (vantage(), target, verdict).prop_map(|(vantage, target, verdict)| sees(vantage, target, verdict)),
        2 => vantage().prop_map(there),
        2 => vantage().prop_map(gone),
        2 => Just(Word::Confirmed),
        1 => Just(Word::Anew),
        1 => Just(Word::Lost { why: "cut".to_owned() }),
    ]
}

proptest! {
    /// The tallies are what the others say, counted anew.
    #[test]
    fn whatever_is_told_the_count_is_that_of_what_is_known(
        words in prop::collection::vec((word(), 0_u64..4), 0..60),
        members in prop::sample::select(vec![vec![], vec!["a", "b", "c"], vec!["a", "b", "c", "d"]]),
    ) {
        let mut lab = Lab::new(&members);
        let mut seconds = 0;
        for (word, pause) in words {
            seconds += pause;
            lab.hears(seconds, [word]);
            let sightings = lab.vantages.sightings("t");
            let count = |wanted| sightings.iter().filter(|seen| seen.verdict == wanted).count();
            let (ups, downs) = (count(Verdict::Up), count(Verdict::Down));
            let all = if members.is_empty() { 1 + ups + downs } else { members.len() };
            let is_heard = *lab.vantages.standing() == Standing::Heard;
            let wanted = [is_heard && ups > 0, is_heard && 2 * ups > all, is_heard && ups > 0 && ups + 1 == all];
            prop_assert_eq!(lab.seen(), wanted);
            let names: BTreeSet<&str> = sightings.iter().map(|seen| &*seen.vantage).collect();
            prop_assert!(!names.contains("a"));
            prop_assert!(members.is_empty() || names.iter().all(|name| members.contains(name)));
        }
    }
}
