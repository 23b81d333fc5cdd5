//! Belief: which verdict on one target counts, and why.
//!
//! An operator's word comes before everything else, then silence, then damping, then what outcomes say. Pure:
//! time comes in as an argument.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::probe::Outcome;

use super::board::TargetState;
use super::damping::{Damper, Damping};
use super::force::{Order, Rule};
use super::report::{Observed, TransitionCause};
use super::verdict::{Effect, Thresholds, Verdict, VerdictState};

/// All that is held of one target.
#[derive(Debug)]
pub(super) struct Belief {
    probed: VerdictState,
    damper: Damper,
    /// How long it had been without outcomes when its prober was found to be stuck; until the next outcome
    /// that says something.
    silence: Option<Duration>,
    forced: Option<Arc<Rule>>,
    /// Until when failures say nothing, as long as it has never passed; none: it is judged.
    unjudged_until: Option<Instant>,
}

impl Belief {
    /// The belief in a new target: pending, unless something is known already.
    pub(super) fn new(verdict: Verdict, thresholds: Thresholds, forced: Option<Arc<Rule>>) -> Self {
        Self {
            probed: VerdictState::new(verdict, thresholds),
            damper: Damper::default(),
            silence: None,
            forced,
            unjudged_until: None,
        }
    }

    /// The same, of a target that may take until then for its first pass.
    pub(super) fn unjudged_until(self, ends: Instant) -> Self {
        Self { unjudged_until: Some(ends), ..self }
    }

    /// What outcomes say.
    pub(super) fn verdict(&self) -> Verdict {
        self.probed.verdict()
    }

    /// Whether it is yet to pass for the first time, and has time for that.
    pub(super) fn is_unjudged(&self, now: Instant) -> bool {
        self.probed.verdict() == Verdict::Pending && self.unjudged_until.is_some_and(|ends| now < ends)
    }

    /// What answers are made from, but for weight and share.
    pub(super) fn state(&self) -> TargetState {
        let probed = self.probed.verdict();
        let forced = self.forced.as_ref().and_then(|rule| rule.order.verdict());
        match (forced, self.damper.is_held()) {
            (Some(forced), _) => forced.into(),
            (None, true) => TargetState { unheld: probed, ..Verdict::Down.into() },
            (None, false) => probed.into(),
        }
    }

    /// The rule that forces it.
    pub(super) fn forced(&self) -> Option<&Arc<Rule>> {
        self.forced.as_ref()
    }

    /// Whether the operator says what its verdict is.
    pub(super) fn has_forced_verdict(&self) -> bool {
        self.forced.as_ref().is_some_and(|rule| rule.order.verdict().is_some())
    }

    /// Whether the operator wants no new answers to lead there.
    pub(super) fn is_drained(&self) -> bool {
        self.forced.as_ref().is_some_and(|rule| rule.order == Order::Drain)
    }

    /// Whether it is held down for changing too often.
    pub(super) fn is_held(&self) -> bool {
        self.damper.is_held()
    }

    /// Takes in an outcome; returns what it changed, for the log.
    pub(super) fn observe(
        &mut self,
        outcome: &Outcome,
        at: Instant,
        damping: Damping,
    ) -> (Effect, Option<TransitionCause>) {
        match outcome {
            Outcome::Fail { .. } if self.is_unjudged(at) => return (Effect::Ignored, None),
            Outcome::Pass { .. } => self.unjudged_until = None,
            Outcome::Fail { .. } | Outcome::Local { .. } => {}
        }
        let effect = self.probed.observe(outcome);
        let Effect::Changed(change) = effect else { return (effect, None) };
        let reason = match outcome {
            Outcome::Fail { reason } => Some(reason.clone()),
            Outcome::Pass { .. } | Outcome::Local { .. } => None,
        };
        let observed = Observed { verdict: change.to, outcomes: change.outcomes, reason };
        let begins = match change.from {
            // The first verdict on a target is not a change.
            Verdict::Pending => None,
            Verdict::Up | Verdict::Down => self.damper.note(at, damping),
        };
        let cause = match (begins, self.silence.take()) {
            (Some(changes), _) => TransitionCause::Held { observed, changes, window: damping.window },
            (None, Some(silence)) => TransitionCause::Heard { observed, silence },
            (None, None) => TransitionCause::Outcomes(observed),
        };
        (effect, Some(cause))
    }

    /// Lets time pass. `silence` is how long there has been no outcome, `silence_max` how long is borne.
    pub(super) fn tend(
        &mut self,
        now: Instant,
        silence: Duration,
        silence_max: Duration,
        damping: Damping,
    ) -> Option<TransitionCause> {
        if silence > silence_max && self.silence.is_none() {
            self.silence = Some(silence);
            self.probed.forget();
            return Some(TransitionCause::Silent { silence });
        }
        self.damper.release(now, damping).then_some(TransitionCause::Steady { window: damping.window })
    }

    /// Takes in what the operator says now.
    pub(super) fn force(&mut self, rule: Option<&Arc<Rule>>) -> Option<TransitionCause> {
        if self.forced.as_ref() == rule {
            return None;
        }
        self.forced = rule.cloned();
        Some(rule.map_or(TransitionCause::Unforced, |rule| TransitionCause::Forced(Arc::clone(rule))))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::SystemTime;

    use super::*;
    use crate::probe::Reason;

    const PASS: Outcome = Outcome::Pass { latency: Duration::ZERO, not_after: None, weight: None };
    const FAIL: Outcome = Outcome::Fail { reason: Reason::Refused };
    const DAMPING: Damping = Damping { limit: 2, window: Duration::from_secs(60) };
    const LIMIT: Duration = Duration::from_secs(7);

    fn belief(verdict: Verdict) -> Belief {
        Belief::new(verdict, Thresholds { rise: NonZeroU32::MIN, fall: NonZeroU32::MIN }, None)
    }

    fn rule(order: Order) -> Arc<Rule> {
        let (pattern, since) = ("*".parse().unwrap(), SystemTime::UNIX_EPOCH);
        Arc::new(Rule { pattern, order, since, term: None, remark: None })
    }

    /// Down, up, down: held.
    fn restless(now: Instant) -> Belief {
        let mut belief = belief(Verdict::Up);
        for outcome in [FAIL, PASS, FAIL] {
            belief.observe(&outcome, now, DAMPING);
        }
        belief
    }

    #[test]
    fn the_operator_is_believed_before_anybody_else() {
        let now = Instant::now();
        for (order, verdict) in [(Order::Up, Verdict::Up), (Order::Down, Verdict::Down)] {
            for mut belief in
                [belief(Verdict::Pending), belief(Verdict::Up), belief(Verdict::Down), restless(now)]
            {
                assert!(matches!(belief.force(Some(&rule(order))), Some(TransitionCause::Forced(_))));
                assert_eq!(belief.state(), verdict.into());
            }
        }
    }

    #[test]
    fn what_outcomes_say_is_kept_below_the_operators_word() {
        let now = Instant::now();
        let mut belief = belief(Verdict::Up);
        belief.force(Some(&rule(Order::Up)));
        belief.observe(&FAIL, now, DAMPING);
        assert_eq!((belief.verdict(), belief.state()), (Verdict::Down, Verdict::Up.into()));
        assert_eq!(belief.force(None), Some(TransitionCause::Unforced));
        assert_eq!(belief.state(), Verdict::Down.into());
    }

    #[test]
    fn failures_of_a_target_that_has_never_passed_say_nothing_while_it_starts() {
        let now = Instant::now();
        let (early, late) = (now + LIMIT / 2, now + LIMIT);
        let starting = || belief(Verdict::Pending).unjudged_until(late);
        let mut slow = starting();
        assert_eq!(slow.observe(&FAIL, early, DAMPING), (Effect::Ignored, None));
        assert_eq!(slow.verdict(), Verdict::Pending);
        slow.observe(&FAIL, late, DAMPING);
        assert_eq!(slow.verdict(), Verdict::Down, "its time is over");
        let mut quick = starting();
        for outcome in [PASS, FAIL] {
            quick.observe(&outcome, early, DAMPING);
        }
        assert_eq!(quick.verdict(), Verdict::Down, "it has passed once");
    }

    #[test]
    fn a_drained_target_is_what_its_probes_say() {
        let mut belief = belief(Verdict::Up);
        assert!(matches!(belief.force(Some(&rule(Order::Drain))), Some(TransitionCause::Forced(_))));
        assert!(belief.is_drained() && !belief.has_forced_verdict());
        assert_eq!(belief.state(), Verdict::Up.into());
        belief.observe(&FAIL, Instant::now(), DAMPING);
        assert_eq!(belief.state(), Verdict::Down.into());
    }

    #[test]
    fn an_order_that_is_repeated_is_no_news() {
        let mut belief = belief(Verdict::Up);
        assert!(belief.force(Some(&rule(Order::Down))).is_some());
        assert_eq!(belief.force(Some(&rule(Order::Down))), None);
    }

    #[test]
    fn a_restless_target_is_down_but_known_to_pass() {
        let now = Instant::now();
        let mut belief = restless(now);
        assert_eq!(belief.state(), Verdict::Down.into());
        let (_, cause) = belief.observe(&PASS, now, DAMPING);
        assert!(matches!(cause, Some(TransitionCause::Outcomes(_))), "{cause:?}");
        assert_eq!(belief.state(), TargetState { unheld: Verdict::Up, ..Verdict::Down.into() });
        let later = now + DAMPING.window;
        assert!(matches!(belief.tend(later, LIMIT, LIMIT, DAMPING), Some(TransitionCause::Steady { .. })));
        assert_eq!(belief.state(), Verdict::Up.into());
    }

    #[test]
    fn the_first_word_on_a_target_does_not_count_as_unrest() {
        let (mut belief, now) = (belief(Verdict::Pending), Instant::now());
        for outcome in [PASS, FAIL, PASS] {
            belief.observe(&outcome, now, DAMPING);
        }
        assert!(!belief.is_held());
        let (_, cause) = belief.observe(&FAIL, now, DAMPING);
        assert!(matches!(cause, Some(TransitionCause::Held { changes: 3, .. })), "{cause:?}");
    }

    #[test]
    fn a_silent_target_is_pending_until_its_next_outcome_decides_at_once() {
        let now = Instant::now();
        let thresholds = Thresholds { rise: NonZeroU32::MAX, fall: NonZeroU32::MAX };
        let mut belief = Belief::new(Verdict::Up, thresholds, None);
        assert_eq!(belief.tend(now, LIMIT, LIMIT, DAMPING), None);
        let over = LIMIT + Duration::from_millis(1);
        assert_eq!(belief.tend(now, over, LIMIT, DAMPING), Some(TransitionCause::Silent { silence: over }));
        assert_eq!(belief.tend(now, 2 * LIMIT, LIMIT, DAMPING), None, "it is told once");
        assert_eq!(belief.state(), Verdict::Pending.into());
        let (_, cause) = belief.observe(&FAIL, now, DAMPING);
        assert!(
            matches!(cause, Some(TransitionCause::Heard { silence, .. }) if silence == over),
            "{cause:?}"
        );
        assert_eq!(belief.state(), Verdict::Down.into());
    }
}
