//! The state machine: a table of all pairs, the thresholds, and a reference model.

use std::time::Duration;

use proptest::prelude::*;

use super::Verdict::{Down, Pending, Up};
use super::*;
use crate::probe::{Reason, Trouble};

fn pass() -> Outcome {
    Outcome::Pass { latency: Duration::from_millis(1), not_after: None, weight: None }
}

fn fail() -> Outcome {
    Outcome::Fail { reason: Reason::Refused }
}

fn local() -> Outcome {
    Outcome::Local { trouble: Trouble::OutOfFiles }
}

fn state_at(verdict: Verdict, rise: u32, fall: u32) -> VerdictState {
    let threshold = |number| NonZeroU32::new(number).unwrap();
    VerdictState::new(verdict, Thresholds { rise: threshold(rise), fall: threshold(fall) })
}

fn changed(from: Verdict, to: Verdict, outcomes: u32) -> Effect {
    Effect::Changed(VerdictChange { from, to, outcomes })
}

#[test]
fn every_pair_of_verdict_and_outcome_does_what_the_drawing_says() {
    let table = [
        (Pending, pass(), changed(Pending, Up, 1)),
        (Pending, fail(), changed(Pending, Down, 1)),
        (Pending, local(), Effect::Ignored),
        (Up, pass(), Effect::Confirmed),
        (Up, fail(), Effect::Doubted),
        (Up, local(), Effect::Ignored),
        (Down, pass(), Effect::Doubted),
        (Down, fail(), Effect::Confirmed),
        (Down, local(), Effect::Ignored),
    ];
    for (verdict, outcome, effect) in table {
        assert_eq!(state_at(verdict, 2, 2).observe(&outcome), effect, "{verdict}, {outcome}");
    }
}

#[test]
fn a_threshold_of_one_changes_the_verdict_at_once() {
    assert_eq!(state_at(Up, 9, 1).observe(&fail()), changed(Up, Down, 1));
    assert_eq!(state_at(Down, 1, 9).observe(&pass()), changed(Down, Up, 1));
}

#[test]
fn one_pass_between_failures_starts_the_count_again() {
    let mut state = state_at(Up, 1, 3);
    for outcome in [fail(), fail(), pass(), fail(), fail()] {
        state.observe(&outcome);
        assert_eq!(state.verdict(), Up);
    }
    assert_eq!(state.observe(&fail()), changed(Up, Down, 3));
}

#[test]
fn local_trouble_between_failures_neither_counts_nor_starts_again() {
    let mut state = state_at(Up, 1, 3);
    for outcome in [fail(), local(), fail(), local(), local()] {
        state.observe(&outcome);
    }
    assert_eq!(state.verdict(), Up);
    assert_eq!(state.observe(&fail()), changed(Up, Down, 3));
}

#[test]
fn a_flip_starts_the_other_count_from_nothing() {
    let mut state = state_at(Up, 3, 2);
    for (outcome, verdict) in [
        (fail(), Up),
        (fail(), Down),
        (fail(), Down),
        (pass(), Down),
        (pass(), Down),
        (pass(), Up),
        (fail(), Up),
    ] {
        state.observe(&outcome);
        assert_eq!(state.verdict(), verdict);
    }
}

/// The same, told from the whole history: the verdict follows the first outcome that says
/// something, and then each run of equal outcomes that is long enough.
fn reference(history: &[Outcome], rise: usize, fall: usize) -> Verdict {
    let telling: Vec<bool> = history
        .iter()
        .filter(|outcome| !matches!(outcome, Outcome::Local { .. }))
        .map(|outcome| matches!(outcome, Outcome::Pass { .. }))
        .collect();
    let Some(first) = telling.first() else { return Pending };
    let mut runs = telling.chunk_by(|before, after| before == after);
    let long = |run: &&[bool]| run.len() >= if run[0] { rise } else { fall };
    let last = runs.rfind(long).map_or(*first, |run| run[0]);
    // A first run that is too short still decides, until a run is long enough.
    if last { Up } else { Down }
}

proptest! {
    #[test]
    fn the_verdict_is_the_one_of_the_reference_model(
        history in prop::collection::vec(prop_oneof![3 => Just(pass()), 3 => Just(fail()), 1 => Just(local())], 0..60),
        rise in 1u8..5,
        fall in 1u8..5,
    ) {
        let mut state = state_at(Pending, rise.into(), fall.into());
        for (seen, outcome) in history.iter().enumerate() {
            let before = state.verdict();
            let effect = state.observe(outcome);
            prop_assert_eq!(state.verdict(), reference(&history[..=seen], rise.into(), fall.into()));
            prop_assert_eq!(matches!(effect, Effect::Changed(_)), before != state.verdict());
        }
    }
}
