//! What led from one serial of a zone to the next: what incremental transfers are made of (RFC 1995).
//!
//! Responsible for making one step of many, and for the steps in memory, of all zones alike. Those of an updated zone
//! outlive a restart in its journal, and come here from there; not responsible for that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::condenser::{Condenser, Repeated};
use crate::dns::Rtype;
use crate::sync::lock;
use crate::zone::{Changeset, Record};

/// Steps that are kept of a zone: each is looked at by a transfer that begins before it.
pub const HISTORY_STEPS_MAX: usize = 1000;

/// Memory that they take, in bytes, as far as it grows with them: 1 MiB, as NSD keeps of a zone.
pub const HISTORY_BYTES_MAX: usize = 1 << 20;

/// The steps of a zone from serial to serial.
pub trait History: Send + Sync {
    /// Shows each step from one serial to another, oldest first. None, with nothing shown, when some of them
    /// is not known.
    fn steps(&self, from: u32, to: u32, show: &mut dyn FnMut(&Changeset)) -> Option<()>;
}

/// Several steps as one.
#[derive(Clone, Debug, Default)]
pub struct Condensed {
    /// The SOA record of the version before the first.
    pub soa: Option<Record>,
    /// The records that all of them together delete and add, without SOA records.
    pub changes: Changeset,
}

/// All steps from one serial to another as one; none when some step is not known, or they do not fit each other.
pub fn condensed(history: &dyn History, from: u32, to: u32) -> Option<Condensed> {
    let (mut soa, mut condenser) = (None, Condenser::default());
    let mut fit = Ok(());
    history.steps(from, to, &mut |step| {
        if soa.is_none() {
            soa = step.removed.iter().find(|record| record.rtype == Rtype::SOA).cloned();
        }
        if fit.is_ok() {
            fit = take(&mut condenser, step);
        }
    })?;
    fit.ok()?;
    Some(Condensed { soa, changes: condenser.finish() })
}

/// Takes in a step, without its SOA records.
fn take(condenser: &mut Condenser, step: &Changeset) -> Result<(), Repeated> {
    let is_plain = |record: &&Record| record.rtype != Rtype::SOA;
    step.removed.iter().filter(is_plain).cloned().try_for_each(|record| condenser.remove(record))?;
    step.added.iter().filter(is_plain).cloned().try_for_each(|record| condenser.add(record))
}

/// The newest steps of a zone, as they are sent; without a gap, and bounded.
#[derive(Default)]
pub struct Differences(Mutex<Steps>);

#[derive(Default)]
struct Steps {
    steps: VecDeque<Step>,
    bytes: usize,
    /// Steps that are being found out.
    open: usize,
}

struct Step {
    from: u32,
    to: u32,
    changes: Arc<Changeset>,
    bytes: usize,
}

impl Differences {
    /// The newest step is being found out; [`Differences::end`] is to be called.
    pub fn begin(&self) {
        let mut steps = lock(&self.0);
        steps.open = steps.open.saturating_add(1);
    }

    /// What was begun has come to its end, whatever came of it.
    pub fn end(&self) {
        let mut steps = lock(&self.0);
        steps.open = steps.open.saturating_sub(1);
    }

    /// Whether nothing is being found out: what is not known will not be known.
    pub fn is_settled(&self) -> bool {
        lock(&self.0).open == 0
    }

    /// Adds a step. One that does not begin where the last one ended makes the others useless.
    pub fn push(&self, from: u32, to: u32, changes: Changeset) {
        let bytes = bytes(&changes);
        let mut steps = lock(&self.0);
        if steps.steps.back().is_some_and(|last| last.to != from) {
            steps.forget();
        }
        steps.steps.push_back(Step { from, to, changes: Arc::new(changes), bytes });
        steps.bytes = steps.bytes.saturating_add(bytes);
        while steps.bytes > HISTORY_BYTES_MAX || steps.steps.len() > HISTORY_STEPS_MAX {
            let Some(oldest) = steps.steps.pop_front() else { break };
            steps.bytes = steps.bytes.saturating_sub(oldest.bytes);
        }
    }

    /// Puts steps that led to the oldest one, or to what is served where there is none, before it. Oldest first, each with
    /// its serials.
    pub fn recall(&self, before: Vec<(u32, u32, Changeset)>) {
        let mut steps = lock(&self.0);
        for (from, to, changes) in before.into_iter().rev() {
            let bytes = bytes(&changes);
            let is_gap = steps.steps.front().is_some_and(|oldest| oldest.from != to);
            let is_full = steps.bytes.saturating_add(bytes) > HISTORY_BYTES_MAX
                || steps.steps.len() >= HISTORY_STEPS_MAX;
            if is_gap || is_full {
                return;
            }
            steps.bytes = steps.bytes.saturating_add(bytes);
            steps.steps.push_front(Step { from, to, changes: Arc::new(changes), bytes });
        }
    }

    /// Forgets all steps: the zone has changed, and its serial has not.
    pub fn clear(&self) {
        lock(&self.0).forget();
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        lock(&self.0).steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn since(&self, from: u32, to: u32) -> Option<Vec<Arc<Changeset>>> {
        let steps = lock(&self.0);
        let first = steps.steps.iter().position(|step| step.from == from)?;
        let count = steps.steps.iter().skip(first).position(|step| step.to == to)?.checked_add(1)?;
        let led = steps.steps.iter().skip(first).take(count);
        Some(led.map(|step| Arc::clone(&step.changes)).collect())
    }
}

impl Steps {
    fn forget(&mut self) {
        self.steps.clear();
        self.bytes = 0;
    }
}

impl History for Differences {
    fn steps(&self, from: u32, to: u32, show: &mut dyn FnMut(&Changeset)) -> Option<()> {
        // Shown without the lock: there may be many records.
        self.since(from, to)?.iter().for_each(|step| show(step));
        Some(())
    }
}

/// About what a changeset takes in memory.
fn bytes(changes: &Changeset) -> usize {
    let records = changes.removed.iter().chain(&changes.added);
    let each = |record: &Record| {
        let data = record.owner.as_ref().wire().len().saturating_add(record.rdata.len());
        data.saturating_add(size_of::<Record>())
    };
    records.map(each).fold(0, usize::saturating_add)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dns::Ttl;

    fn record(owner: u8, ttl: u32) -> Record {
        let ttl = Ttl::from_seconds(ttl).unwrap();
        Record {
            owner: format!("h{owner}.test.").parse().unwrap(),
            rtype: Rtype::A,
            ttl,
            rdata: Box::new([owner; 4]),
        }
    }

    fn soa(serial: u8) -> Record {
        Record { rtype: Rtype::SOA, ..record(serial, 60) }
    }

    fn changes(removed: &[Record], added: &[Record]) -> Changeset {
        Changeset { removed: removed.to_vec(), added: added.to_vec() }
    }

    fn sorted(Condensed { changes, .. }: Condensed) -> (Vec<String>, Vec<String>) {
        let [mut removed, mut added] = [changes.removed, changes.added].map(|records| {
            records.iter().map(|one| format!("{} {}", one.owner, one.ttl.seconds())).collect::<Vec<_>>()
        });
        removed.sort();
        added.sort();
        (removed, added)
    }

    #[test]
    fn what_came_and_went_again_is_left_out_and_a_new_ttl_is_not() {
        let history = Differences::default();
        history.push(1, 2, changes(&[soa(1), record(1, 60)], &[soa(2), record(2, 60)]));
        history.push(
            2,
            3,
            changes(&[soa(2), record(2, 60), record(3, 60)], &[soa(3), record(1, 60), record(3, 90)]),
        );
        assert_eq!(condensed(&history, 1, 3).unwrap().soa, Some(soa(1)));
        let net = sorted(condensed(&history, 1, 3).unwrap());
        assert_eq!(net, (vec!["h3.test. 60".to_owned()], vec!["h3.test. 90".to_owned()]));
        let last = sorted(condensed(&history, 2, 3).unwrap());
        assert_eq!(last.0, ["h2.test. 60", "h3.test. 60"]);
        assert_eq!(last.1, ["h1.test. 60", "h3.test. 90"]);
    }

    #[test]
    fn a_serial_that_is_not_known_leads_nowhere() {
        let history = Differences::default();
        history.push(1, 2, changes(&[], &[record(1, 60)]));
        history.push(2, 3, changes(&[], &[record(2, 60)]));
        for (from, to) in [(0, 3), (3, 3), (2, 2), (3, 2), (1, 4)] {
            assert!(condensed(&history, from, to).is_none(), "{from} to {to}");
        }
        assert_eq!(condensed(&history, 1, 2).unwrap().changes.added.len(), 1, "not the newest");
        history.push(7, 8, changes(&[], &[record(3, 60)]));
        assert!(condensed(&history, 1, 8).is_none(), "there is a gap");
        assert!(condensed(&history, 7, 8).is_some());
    }

    #[test]
    fn what_is_recalled_stands_before_what_has_come_meanwhile() {
        let history = Differences::default();
        history.push(3, 4, changes(&[], &[record(3, 60)]));
        let of = |from: u32, to: u32, owner| (from, to, changes(&[], &[record(owner, 60)]));
        history.recall(vec![of(0, 1, 0), of(1, 2, 1), of(2, 3, 2)]);
        assert_eq!(condensed(&history, 0, 4).unwrap().changes.added.len(), 4);
        history.recall(vec![of(7, 8, 7)]);
        assert_eq!(history.len(), 4, "it does not lead there");
        let many = (0..3000).map(|serial| of(serial, serial + 1, 1)).collect();
        let history = Differences::default();
        history.recall(many);
        assert_eq!(history.len(), HISTORY_STEPS_MAX);
        assert!(condensed(&history, 2999, 3000).is_some(), "the newest are kept");
    }

    #[test]
    fn only_the_newest_steps_are_kept() {
        let history = Differences::default();
        for serial in 0..3000 {
            history.push(serial, serial + 1, changes(&[], &[record(1, 60)]));
        }
        assert_eq!(history.len(), HISTORY_STEPS_MAX);
        let large: Vec<Record> =
            (0..=255).flat_map(|owner| (0..80).map(move |ttl| record(owner, ttl))).collect();
        history.push(3000, 3001, changes(&[], &large));
        assert_eq!(history.len(), 0, "larger than all may be");
    }

    proptest! {
        #[test]
        fn one_step_does_what_many_do(steps in prop::collection::vec(prop::collection::btree_set(0..6_u8, 0..6), 1..8)) {
            let history = Differences::default();
            let mut at = std::collections::BTreeSet::new();
            let first = at.clone();
            for (serial, next) in (0..).zip(steps) {
                let gone: Vec<Record> = at.difference(&next).map(|owner| record(*owner, 60)).collect();
                let come: Vec<Record> = next.difference(&at).map(|owner| record(*owner, 60)).collect();
                history.push(serial, serial + 1, changes(&gone, &come));
                at = next;
            }
            let last = u32::try_from(history.len()).unwrap();
            let (removed, added) = sorted(condensed(&history, 0, last).unwrap());
            let expected = |set: Vec<&u8>| set.iter().map(|owner| format!("h{owner}.test. 60")).collect::<Vec<_>>();
            prop_assert_eq!(removed, expected(first.difference(&at).collect()));
            prop_assert_eq!(added, expected(at.difference(&first).collect()));
        }
    }
}
