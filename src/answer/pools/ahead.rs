//! Signatures of what a pool may answer next: made before a verdict changes, so that the change itself signs nothing.
//!
//! Responsible for which sets of records one change of a verdict leads to. Not responsible for when they are signed, or on
//! which thread.

use super::candidates::{BoundPool, Chosen};
use super::signatures::{sets, sign, signable};
use crate::dnssec::{PairError, PoolSigner, may_answer_several};
use crate::health::Board;
use crate::zone::ChoiceAtQuery;

/// Most targets of one pool that are looked at, and most sets of it that are signed ahead: 100 signatures take 2 ms, and each look
/// goes over all members. What a larger pool lacks then, the publication that first answers it signs.
const SETS_MAX: usize = 128;

impl BoundPool {
    /// Signs what this pool would answer if one of its targets had another verdict than on this board. What was signed
    /// before is found. Calls `pause` before each target and behind each signature, some 30 µs apart, so that who waits for
    /// the core need not wait for all.
    ///
    /// # Errors
    ///
    /// When no signature comes of a key.
    pub fn sign_ahead(&self, board: &Board, signer: &PoolSigner, pause: impl Fn()) -> Result<(), PairError> {
        // What answers one member at a time has a signature for each of them, whatever the verdicts.
        if !may_answer_several(&self.pool) {
            return Ok(());
        }
        let mut left = SETS_MAX;
        for target in self.targets.iter().take(SETS_MAX) {
            pause();
            let next = board.with_other_verdict(target);
            let boards = [self.elsewhere(&next), Some(next)];
            for board in boards.iter().flatten() {
                let Chosen { mut candidates, choice, .. } = self.choose(board);
                let choice = signable(choice, &mut candidates);
                if !depends_on_verdicts(&choice) {
                    continue;
                }
                let sets = sets(&choice, candidates.len());
                let Some(rest) = left.checked_sub(sets.len()) else { return Ok(()) };
                left = rest;
                for set in sets {
                    sign(&set, &self.pool, &candidates, signer)?;
                    pause();
                }
            }
        }
        Ok(())
    }
}

/// Whether a choice answers several records at once: one of two may do so, that for when some are up or that for when all are down.
fn depends_on_verdicts(choice: &ChoiceAtQuery) -> bool {
    match choice {
        ChoiceAtQuery::All { .. } | ChoiceAtQuery::Growing { .. } | ChoiceAtQuery::Sample(_) => true,
        ChoiceAtQuery::First
        | ChoiceAtQuery::One(_)
        | ChoiceAtQuery::Weighted(..)
        | ChoiceAtQuery::Ring(_)
        | ChoiceAtQuery::Views(_)
        | ChoiceAtQuery::Computed(_)
        | ChoiceAtQuery::ServFail => false,
    }
}
