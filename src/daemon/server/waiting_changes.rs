//! Changes of single zones that wait until the targets they bring have been probed.
//!
//! Responsible for one of each zone at most, and for how long it waits. Not responsible for what a change is.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::served::BoundPools;
use crate::health::Unprobed;
use crate::zones::{Publication, ZoneId};

/// Changes whose targets are being probed for the first time: one for each zone.
#[derive(Default)]
pub(super) struct WaitingChanges {
    waiting: HashMap<ZoneId, WaitingChange>,
    rounds: JoinSet<Round>,
    /// How many have waited so far.
    count: u64,
}

/// A change that is made when its targets have been probed.
pub(super) struct WaitingChange {
    round: u64,
    pub(super) publication: Publication,
    /// The pools that it brings.
    pub(super) bound: BoundPools,
}

/// The first probes of what a change brings.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Round {
    zone: ZoneId,
    number: u64,
}

impl WaitingChanges {
    /// The first probes of a change are over, or have taken as long as they may; never where no change waits.
    pub(super) async fn probed(&mut self) -> Round {
        loop {
            match self.rounds.join_next().await {
                Some(Ok(round)) => return round,
                // It cannot panic, and nobody aborts it.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Has a change wait until its targets have been probed of, for `limit` at most.
    pub(super) fn wait(
        &mut self,
        publication: Publication,
        bound: BoundPools,
        unprobed: Unprobed,
        limit: Duration,
    ) {
        let (number, zone) = (self.count, publication.zone.clone());
        self.count += 1;
        let round = Round { zone: zone.clone(), number };
        self.rounds.spawn(async move {
            let _ = timeout(limit, unprobed.probed()).await;
            round
        });
        self.waiting.insert(zone, WaitingChange { round: number, publication, bound });
    }

    /// The change that waited for these probes; none: a later one has taken its place.
    pub(super) fn take(&mut self, round: &Round) -> Option<WaitingChange> {
        self.waiting.get(&round.zone).filter(|waiting| waiting.round == round.number)?;
        self.waiting.remove(&round.zone)
    }

    /// The change of a zone that waits.
    pub(super) fn take_of(&mut self, zone: &ZoneId) -> Option<WaitingChange> {
        self.waiting.remove(zone)
    }
}
