//! Signatures of what a pool may answer next: made before a verdict changes, so that the change itself signs nothing.
//!
//! Responsible for which sets of records one change of a verdict leads to. Not responsible for when they are signed, or on
//! which thread.

use super::candidates::{BoundPool, Chosen};
use super::signatures::{sets, sign, signable};
use crate::dnssec::{PairError, PoolSigner};
use crate::health::Board;
use crate::zone::ChoiceAtQuery;

/// Sets of a pool that are signed ahead at most: of 100 take 2 ms. A pool of more signs what is missing when it is published.
const SETS_MAX: usize = 128;

impl BoundPool {
    /// Signs what this pool would answer if one of its targets had another verdict than on this board. What was signed
    /// before is found. Calls `pause` behind each of them, some 30 µs apart, so that who waits for the core need not wait for all.
    ///
    /// # Errors
    ///
    /// When no signature comes of a key.
    pub fn sign_ahead(&self, board: &Board, signer: &PoolSigner, pause: impl Fn()) -> Result<(), PairError> {
        let mut left = SETS_MAX;
        for target in self.targets.iter() {
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

/// Whether a choice answers several records at once. What answers one has a signature for each member, whatever the verdicts.
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
