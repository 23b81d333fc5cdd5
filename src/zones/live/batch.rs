//! Updates in a batch: evaluated one after the other, journaled with one write.

use std::sync::Arc;

use super::updaters::Updater;
use super::zone::{LiveState, LiveZone, seconds_now};
use crate::answer::Requester;
use crate::dns::Name;
use crate::source::Origin;
use crate::update::{Evaluated, Policy, Reason, Rejection, UpdateMessage, evaluate};
use crate::zone::{Changeset, Record};
use crate::zones::journal::{Deleted, JournalError, JournalStep, OverlayKey};
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::since::Since;
use crate::zones::version::ZoneVersion;

/// Most records of an overlay: they stay in memory and in the journal.
pub const OVERLAY_RECORDS_MAX: usize = 1_000_000;

/// An update request.
#[derive(Clone, Debug)]
pub struct UpdateRequest {
    /// The message.
    pub message: Arc<UpdateMessage>,
    /// Who sent it.
    pub requester: Requester,
}

/// What came of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was made, and led from one serial to the next.
    Made {
        /// The serial before.
        from: u32,
        /// The serial after.
        to: u32,
    },
    /// All of it was so already, and the zone stays at this serial.
    NothingToDo {
        /// The serial.
        serial: u32,
    },
}

/// The result of a batch of updates.
pub struct UpdateBatch {
    /// The result of each update, in their order.
    pub results: Vec<Result<Outcome, Rejection>>,
    /// The version to publish; none: nothing has changed.
    pub version: Option<ZoneVersion>,
}

/// What updates leave to be written down.
#[derive(Default)]
struct Unwritten {
    steps: Vec<JournalStep>,
    deleted: Vec<Deleted>,
    /// Of which of the updates.
    whose: Vec<usize>,
}

/// Applies updates one after the other to the served version, and journals them: they are durable when this returns.
/// Blocks.
pub fn make_batch(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
    policy: &Policy,
    asked: &[UpdateRequest],
) -> UpdateBatch {
    make_batch_within(OVERLAY_RECORDS_MAX, zone, state, current, (policy, asked))
}

/// The same, where the zone may differ from its file by at most so many records.
pub(super) fn make_batch_within(
    records_max: usize,
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
    (policy, asked): (&Policy, &[UpdateRequest]),
) -> UpdateBatch {
    let mut results = Vec::with_capacity(asked.len());
    let mut unwritten = Unwritten::default();
    let mut made: Option<ZoneVersion> = None;
    let mut sinces: Vec<Option<Since>> = Vec::new();
    let mut room = records_max.saturating_sub(state.journal().map_or(0, |journal| journal.overlay().len()));
    for (at, one) in asked.iter().enumerate() {
        let base = made.as_ref().unwrap_or(current);
        let Updater { origin, by } = state.updaters.get(&zone.id.name, &one.requester);
        let next = next_version(base, policy, one, origin).and_then(|next| match next {
            Some((_, changes)) if more_records(&changes) > room => Err(Reason::TooMany.into()),
            next => Ok(next),
        });
        let next = match next {
            Ok(next) => next,
            Err(rejection) => {
                results.push(Err(rejection));
                continue;
            }
        };
        let deleted = deleted_aside(state, current, policy, (one, &by));
        if next.is_some() || deleted.is_some() {
            unwritten.whose.push(at);
        }
        unwritten.deleted.extend(deleted);
        let Some((version, changes)) = next else {
            results.push(Ok(Outcome::NothingToDo { serial: base.serial }));
            continue;
        };
        room = room.saturating_sub(more_records(&changes));
        let (from, to) = (base.serial, version.serial);
        results.push(Ok(Outcome::Made { from, to }));
        unwritten.steps.push(JournalStep { from, to, changes, at: seconds_now(), by });
        sinces.push(version.since.clone());
        made = Some(version);
    }
    let whose = std::mem::take(&mut unwritten.whose);
    let contents = current.contents.as_ref();
    let since = contents.and_then(|base| Since::across(base, sinces.iter().map(Option::as_ref)));
    if let Err(why) = write_down(state, zone, current.serial, unwritten) {
        let failed = Rejection::from(Reason::Failed(why));
        let failing = results.iter_mut().enumerate().filter(|(at, _)| whose.contains(at));
        failing.for_each(|(_, result)| *result = Err(failed.clone()));
        made = None;
    }
    zone.show(state);
    // Only the last version is served: it changes what all of them do.
    UpdateBatch { results, version: made.map(|version| ZoneVersion { since, ..version }) }
}

/// How many records a zone has more after these changes; the SOA record goes and comes.
fn more_records(changes: &Changeset) -> usize {
    changes.added.len().saturating_sub(changes.removed.len())
}

/// What an update deletes of records that are set aside, where its client may change them. They are not served, so
/// nothing that is served changes; but they would come back when they fit the file again.
fn deleted_aside(
    state: &LiveState,
    current: &ZoneVersion,
    policy: &Policy,
    (asked, by): (&UpdateRequest, &Arc<str>),
) -> Option<Deleted> {
    let (journal, apex) = (state.journal()?, current.id.name.as_ref());
    let is_deleted = |key: &OverlayKey| asked.message.deletes(&key.0, key.1, &key.2);
    let may = |key: &OverlayKey| policy.permits(&asked.requester, apex, key.0.as_ref(), key.1);
    // They are in the order of their owners: there may be very many.
    let at = |owner: &Name| {
        let from = state.aside.partition_point(|one| one.key.0 < *owner);
        state
            .aside
            .iter()
            .skip(from)
            .map(|one| &one.key)
            .take_while(|key| key.0 == *owner)
            .collect::<Vec<_>>()
    };
    let owners = asked.message.deleted_owners();
    let keys = owners.into_iter().flat_map(at).filter(|key| is_deleted(key) && may(key));
    let records = keys.filter_map(|key| {
        let overlaid = journal.overlay().get(key)?;
        let (owner, rtype) = (key.0.clone(), key.1);
        Some(Record { owner, rtype, ttl: overlaid.updated?, rdata: overlaid.rdata(key).into() })
    });
    let records: Vec<Record> = records.collect();
    (!records.is_empty()).then(|| Deleted { records, at: seconds_now(), by: Arc::clone(by) })
}

/// The version after an update, with what changes; none: nothing does.
fn next_version(
    base: &ZoneVersion,
    policy: &Policy,
    asked: &UpdateRequest,
    origin: Origin,
) -> Result<Option<(ZoneVersion, Changeset)>, Rejection> {
    let no_contents = || Reason::Failed("the contents of the zone are not in memory".to_owned());
    let contents = base.contents.as_ref().ok_or_else(no_contents)?;
    let evaluated = evaluate(&asked.message, contents, &base.inputs.guards, policy, &asked.requester)?;
    let Evaluated::Changes(changes) = evaluated else { return Ok(None) };
    if base.inputs.comes_signed(contents) {
        return Err(Reason::ComesSigned.into());
    }
    let proposal = Proposal {
        zone: base.id.clone(),
        contents: Contents::Changes { base: base.serial, changes: changes.clone(), origin },
        inputs: Arc::clone(&base.inputs),
        origin: base.origin,
    };
    let version = proposal.accept(Some(base)).map_err(|error| match error {
        ProposalError::Unsound(_) | ProposalError::Compile(_) => Reason::Unsound(error.to_string()),
        ProposalError::NoContents
        | ProposalError::OtherBase { .. }
        | ProposalError::Changes(_)
        | ProposalError::Sign(_) => Reason::Failed(error.to_string()),
    })?;
    Ok(Some((sharing(version, base), changes)))
}

/// A version with what it has in common with the one that it was made from: pools that are as they were stay bound, and
/// what other zones are made from is what it was until the file is read again, with a serial that says so.
pub(super) fn sharing(version: ZoneVersion, base: &ZoneVersion) -> ZoneVersion {
    let pools = if version.pools == base.pools { base.pools.clone() } else { version.pools };
    ZoneVersion { pools, hosts: base.hosts.clone(), unsigned: base.unsigned.clone(), ..version }
}

/// Writes a step down; in words, why it cannot be done.
pub(super) fn write_step(
    state: &mut LiveState,
    zone: &LiveZone,
    serial: u32,
    step: JournalStep,
) -> Result<(), String> {
    write_down(state, zone, serial, Unwritten { steps: vec![step], ..Unwritten::default() })
}

/// Writes down what updates leave; in words, why it cannot be done.
fn write_down(
    state: &mut LiveState,
    zone: &LiveZone,
    serial: u32,
    unwritten: Unwritten,
) -> Result<(), String> {
    let Unwritten { steps, deleted, .. } = unwritten;
    if steps.is_empty() && deleted.is_empty() {
        return Ok(());
    }
    if state.journal.is_none() && state.folder.is_none() {
        return Err("there is no state directory, so it would not last".to_owned());
    }
    match append(state, zone, serial, (steps, deleted)) {
        Ok(()) => {
            state.clear_fault(&zone.id);
            state.forget_aside_that_is_gone();
            Ok(())
        }
        Err(error) => {
            // That is the update's fault.
            if !matches!(error, JournalError::TooLong) {
                state.set_fault(&zone.id, &error);
            }
            Err(error.to_string())
        }
    }
}

/// Appends steps to the journal, which is made where there is none.
fn append(
    state: &mut LiveState,
    zone: &LiveZone,
    serial: u32,
    (steps, deleted): (Vec<JournalStep>, Vec<Deleted>),
) -> Result<(), JournalError> {
    state.make_journal(&zone.id, serial)?;
    state.journal.as_mut().map_or(Ok(()), |journal| journal.append_with(steps, deleted))
}
