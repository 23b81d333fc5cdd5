//! Single zones that change while they are served.
//!
//! Responsible for a change being made to the version that it is meant for, and for the targets that it brings having been
//! probed before it is served. Not responsible for making versions, or for reading files (`apply`).

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::super::served::{BoundPools, bind, targets_of};
use super::publishing::Publishing;
use super::waiting_changes::{Round, WaitingChange};
use crate::health::TargetId;
use crate::zones::{Event, NotPublished, Publication, ZoneChange, ZoneRequest, ZoneVersion};

/// Changes that are published together. What comes meanwhile is next.
pub(super) const CHANGES_AT_ONCE_MAX: usize = 256;

/// What is told to whom when it is published.
type Told = (oneshot::Sender<Result<(), NotPublished>>, Result<(), NotPublished>);

impl Publishing {
    /// Makes changes of single zones, and publishes all of them at once. Those that bring targets wait until these have
    /// been probed.
    pub(super) fn change_zones(&mut self, requests: &mut Vec<ZoneRequest>) {
        let (mut told, mut let_go) = (Vec::new(), Vec::new());
        let mut members = Vec::new();
        for request in requests.drain(..) {
            match request {
                ZoneRequest::Current { zone, reply } => {
                    // Whoever asked may have gone.
                    let _ = reply.send(self.served.version_of(&zone).cloned());
                }
                ZoneRequest::Change(publication) => self.begin_change(publication, &mut told, &mut let_go),
                ZoneRequest::Members { changes, reply } => {
                    members.push((reply, self.change_members(changes, &mut let_go)));
                }
            }
        }
        self.publish_changes(told, let_go);
        // Whoever asked may have gone.
        members.into_iter().for_each(|(reply, stored)| drop(reply.send(stored)));
    }

    /// Makes a change whose targets have been probed.
    pub(super) fn end_change(&mut self, round: &Round) {
        let Some(WaitingChange { publication, bound, .. }) = self.waiting_changes.take(round) else { return };
        let (mut told, mut let_go) = (Vec::new(), Vec::new());
        match self.refusal(&publication) {
            None => self.make_change(publication, Some(bound), &mut told, &mut let_go),
            Some(refusal) => {
                let_go.extend(targets_of(&bound));
                told.push((publication.reply, Err(refusal)));
            }
        }
        self.publish_changes(told, let_go);
    }

    fn begin_change(&mut self, publication: Publication, told: &mut Vec<Told>, let_go: &mut Vec<TargetId>) {
        if let Some(refusal) = self.refusal(&publication) {
            return told.push((publication.reply, Err(refusal)));
        }
        // Whoever asks while a change waits is not who made that one, or it would wait for it.
        if let Some(WaitingChange { publication, bound, .. }) =
            self.waiting_changes.take_of(&publication.zone)
        {
            let_go.extend(targets_of(&bound));
            let current = self.served.version_of(&publication.zone).cloned();
            told.push((publication.reply, Err(NotPublished::OtherBase(current))));
        }
        let bound = self.bind_new(&publication);
        let Some(bound) = bound else { return self.make_change(publication, None, told, let_go) };
        let new: Vec<TargetId> = targets_of(&bound).collect();
        let unprobed = self.engine.unprobed(&new);
        match unprobed.timeout() {
            None => self.make_change(publication, Some(bound), told, let_go),
            Some(limit) => self.waiting_changes.wait(publication, bound, unprobed, limit),
        }
    }

    /// Binds the pools that a change brings; none: there is no other version, or it has the pools of the one before.
    fn bind_new(&mut self, publication: &Publication) -> Option<BoundPools> {
        let (ZoneChange::Next { event, .. } | ZoneChange::Anyhow(event)) = &publication.change;
        let (Event::Accepted { version, .. } | Event::Changed { version }) = event else { return None };
        let same_pools = |before: &Arc<ZoneVersion>| {
            let same = |(one, other): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(one, other);
            Arc::ptr_eq(&before.pools, &version.pools)
                || before.pools.len() == version.pools.len()
                    && before.pools.iter().zip(&*version.pools).all(same)
        };
        if self.served.version_of(&publication.zone).is_some_and(same_pools) {
            return None;
        }
        Some(bind(version, |targets| self.engine.watch(targets)))
    }

    /// Why a change cannot be made; none: it can.
    fn refusal(&self, publication: &Publication) -> Option<NotPublished> {
        let Some(place) = self.served.place(&publication.zone) else { return Some(NotPublished::NoZone) };
        let current = self.served.version(place);
        match &publication.change {
            ZoneChange::Next { base, .. } if !current.is_some_and(|current| Arc::ptr_eq(current, base)) => {
                Some(NotPublished::OtherBase(current.cloned()))
            }
            // The task of the zone was replaced, and this is made under settings that hold no more.
            ZoneChange::Anyhow(_) if publication.reply.is_closed() => Some(NotPublished::NoZone),
            ZoneChange::Next { .. } | ZoneChange::Anyhow(_) => None,
        }
    }

    fn make_change(
        &mut self,
        publication: Publication,
        bound: Option<BoundPools>,
        told: &mut Vec<Told>,
        let_go: &mut Vec<TargetId>,
    ) {
        let Publication { zone, change, reply } = publication;
        let Some(place) = self.served.place(&zone) else {
            return told.push((reply, Err(NotPublished::NoZone)));
        };
        let (ZoneChange::Next { event, .. } | ZoneChange::Anyhow(event)) = change;
        let_go.extend(self.served.apply(place, event, bound, Instant::now()));
        told.push((reply, Ok(())));
    }

    /// Publishes what has changed, and then tells whoever waits for it.
    fn publish_changes(&mut self, told: Vec<Told>, let_go: Vec<TargetId>) {
        if self.served.has_changed() {
            self.publish();
            self.are_zones_newer = true;
        }
        self.engine.release(let_go);
        // Whoever asked may have gone.
        told.into_iter().for_each(|(reply, told)| drop(reply.send(told)));
    }
}

#[cfg(test)]
mod tests;
