//! A query that waits for an answer, with what has been begun of it.
//!
//! Responsible for what belongs together. Not responsible for how long it waits.

use crate::answer::Peer;
use crate::transport::Deferred;

/// A query that waits.
pub(super) struct Waiter {
    pub(super) deferred: Deferred,
    /// The answer so far, where an upstream has had a part in it: a message
    /// that ends at an alias, neither bounded nor with an OPT record.
    pub(super) chain: Option<Box<[u8]>>,
}

impl Waiter {
    /// One for whom nobody has been asked yet.
    pub(super) fn new(deferred: Deferred) -> Self {
        Self { deferred, chain: None }
    }

    /// The answer so far.
    pub(super) fn begun(&self) -> Option<&[u8]> {
        self.chain.as_deref().or(self.deferred.begun.as_deref())
    }

    /// Who asks, and the answer so far.
    pub(super) fn way(&self) -> (Peer, Option<&[u8]>) {
        (self.deferred.peer, self.begun())
    }
}
