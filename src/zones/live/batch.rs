//! Updates that are made together: evaluated one after the other, written down with one write.

use std::sync::Arc;

use super::zone::{LiveState, LiveZone, seconds_now};
use crate::answer::Requester;
use crate::source::{Origin, Update};
use crate::update::{Evaluated, Policy, Reason, Rejection, UpdateMessage, evaluate};
use crate::zone::Changeset;
use crate::zones::journal::{Journal, JournalError, Step};
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::version::ZoneVersion;

/// Most records by which what is served may differ from the file: what they take stays in memory and in the journal.
pub const OVERLAY_RECORDS_MAX: usize = 1_000_000;

/// An update that somebody asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is wanted.
    pub message: Arc<UpdateMessage>,
    /// Who wants it.
    pub requester: Requester,
}

/// What comes of updates.
pub struct Batch {
    /// Of each of them, in their order.
    pub results: Vec<Result<(), Rejection>>,
    /// What is to be served now; none: what is served already.
    pub version: Option<ZoneVersion>,
}

/// Makes updates to the version that is served, each after those before it, and writes them down: they are on the disk
/// when this returns. Blocks.
pub fn make_batch(
    zone: &LiveZone,
    state: &mut LiveState,
    current: &ZoneVersion,
    policy: &Policy,
    asked: &[Asked],
) -> Batch {
    let mut results = Vec::with_capacity(asked.len());
    let (mut steps, mut changing) = (Vec::new(), Vec::new());
    let mut made: Option<ZoneVersion> = None;
    let mut room =
        OVERLAY_RECORDS_MAX.saturating_sub(state.journal().map_or(0, |journal| journal.overlay().len()));
    for (at, one) in asked.iter().enumerate() {
        let base = made.as_ref().unwrap_or(current);
        let (result, next) = match next_version(base, policy, one) {
            Err(rejection) => (Err(rejection), None),
            Ok(Some((_, changes))) if changes.added.len() > room => (Err(Reason::TooMany.into()), None),
            Ok(next) => (Ok(()), next),
        };
        results.push(result);
        let Some((version, changes)) = next else { continue };
        room = room.saturating_sub(changes.added.len());
        let (from, to, by) = (base.serial, version.serial, Arc::from(one.requester.to_string()));
        steps.push(Step { from, to, changes, at: seconds_now(), by });
        changing.push(at);
        made = Some(version);
    }
    if let Err(why) = write_down(state, zone, current.serial, steps) {
        let failed = Rejection::from(Reason::Failed(why));
        let whose = results.iter_mut().enumerate().filter(|(at, _)| changing.contains(at));
        whose.for_each(|(_, result)| *result = Err(failed.clone()));
        made = None;
    }
    zone.show(state);
    Batch { results, version: made }
}

/// The version after an update, with what changes; none: nothing does.
fn next_version(
    base: &ZoneVersion,
    policy: &Policy,
    asked: &Asked,
) -> Result<Option<(ZoneVersion, Changeset)>, Rejection> {
    let no_contents = || Reason::Failed("the contents of the zone are not in memory".to_owned());
    let contents = base.contents.as_ref().ok_or_else(no_contents)?;
    let evaluated = evaluate(&asked.message, contents, &base.inputs.guards, policy, &asked.requester)?;
    let Evaluated::Changes(changes) = evaluated else { return Ok(None) };
    let origin = Origin::Update(Arc::new(Update {
        zone: base.id.name.to_string(),
        client: Some(asked.requester.address),
        key: asked.requester.key.as_ref().map(ToString::to_string),
    }));
    let proposal = Proposal {
        zone: base.id.clone(),
        contents: Contents::Changes { base: base.serial, changes: changes.clone(), origin },
        inputs: base.inputs.as_ref().clone(),
        origin: base.origin,
    };
    let version = proposal.accept(Some(base)).map_err(|error| match error {
        ProposalError::Unsound(_) | ProposalError::Compile(_) => Reason::Unsound(error.to_string()),
        ProposalError::NoContents | ProposalError::OtherBase { .. } | ProposalError::Changes(_) => {
            Reason::Failed(error.to_string())
        }
    })?;
    Ok(Some((sharing(version, base), changes)))
}

/// A version with what it has in common with the one that it was made from: that its file has not changed is seen by the
/// very same inputs, and pools that are as they were stay bound.
pub(super) fn sharing(version: ZoneVersion, base: &ZoneVersion) -> ZoneVersion {
    let pools = if version.pools == base.pools { base.pools.clone() } else { version.pools };
    ZoneVersion { inputs: Arc::clone(&base.inputs), pools, ..version }
}

/// Writes steps down; in words, why it cannot be done.
fn write_down(state: &mut LiveState, zone: &LiveZone, serial: u32, steps: Vec<Step>) -> Result<(), String> {
    if steps.is_empty() {
        return Ok(());
    }
    if state.journal.is_none() && state.folder.is_none() {
        return Err("there is no state directory, so an update would not last".to_owned());
    }
    match append(state, zone, serial, steps) {
        Ok(()) => {
            state.clear_fault(&zone.id);
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
    steps: Vec<Step>,
) -> Result<(), JournalError> {
    if let (None, Some(folder)) = (&state.journal, &state.folder) {
        // One that is there was of no use when the zone was read.
        if let Some((journal, _)) = Journal::open(folder, &zone.id)? {
            return Err(JournalError::Unread(journal.path().to_owned()));
        }
        state.journal = Some(Journal::create(folder, &zone.id, serial, state.file)?);
    }
    state.journal.as_mut().map_or(Ok(()), |journal| journal.append(steps))
}
