//! One live zone: its journal, and the lock under which its next version is made.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use tokio::sync::OwnedMutexGuard;
use tracing::{info, warn};

use super::effective::{Aside, effective};
use super::serial::{after_change, is_ahead};
use super::updaters::Updaters;
use crate::dns::Rtype;
use crate::source::{Digest, Origin, Sources};
use crate::sync::lock;
use crate::zone::{Changeset, Zone};
use crate::zones::journal::{Journal, JournalError, JournalStep, Overlaid, Overlay, OverlayKey};
use crate::zones::version::{Inputs, ZoneVersion};
use crate::zones::zone_id::ZoneId;

/// Who changes a zone by its file, in steps and lines.
const BY_FILE: &str = "zone file";

/// A zone that changes while it is served.
#[derive(Debug)]
pub struct LiveZone {
    /// The zone.
    pub id: ZoneId,
    state: Arc<tokio::sync::Mutex<LiveState>>,
    shown: Mutex<LiveStatus>,
}

/// The state of a live zone. Its lock is held while the next version is made.
#[derive(Debug, Default)]
pub struct LiveState {
    /// None: it was not looked for, or there is none yet.
    pub(super) journal: Option<Journal>,
    /// Records of the overlay that are not served, in the order of their keys.
    pub(super) aside: Vec<Aside>,
    /// Of the file that is served.
    pub(super) file: Option<Digest>,
    /// The state directory where the journal was looked for.
    pub(super) folder: Option<PathBuf>,
    /// Why the journal is of no use; none: it is, as far as is known.
    fault: Option<String>,
    /// Whose updates were made lately.
    pub(super) updaters: Updaters,
}

/// The status of a live zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveStatus {
    /// Bytes of its journal; none: there is none.
    pub bytes: Option<u64>,
    /// Steps from serial to serial that are kept.
    pub steps: usize,
    /// When the oldest of them was made, in seconds since 1970.
    pub oldest: Option<u64>,
    /// Records by which what is served differs from the file.
    pub records: usize,
    /// Records that do not fit the file.
    pub aside: usize,
    /// Why the journal cannot be used.
    pub fault: Option<String>,
}

/// The lock of a live zone while a load makes its next version. Dropping it changes nothing.
#[derive(Debug)]
pub struct Hold {
    zone: Arc<LiveZone>,
    state: OwnedMutexGuard<LiveState>,
    made: Option<EffectiveZone>,
}

/// What a reading has made.
#[derive(Debug)]
struct EffectiveZone {
    serial: u32,
    file: Option<Digest>,
    overlay: Overlay,
    aside: Vec<Aside>,
}

impl LiveZone {
    pub(super) fn new(id: ZoneId) -> LiveZone {
        LiveZone { id, state: Arc::default(), shown: Mutex::default() }
    }

    /// Waits for the lock as [`LiveZone::open_blocking`] does, for a load.
    pub fn hold_blocking(self: &Arc<Self>, folder: Option<&Path>) -> Hold {
        Hold { zone: Arc::clone(self), state: self.open_blocking(folder), made: None }
    }

    /// Waits for the lock, on a thread that may wait, and opens the journal in this state directory.
    pub fn open_blocking(&self, folder: Option<&Path>) -> OwnedMutexGuard<LiveState> {
        let mut state = Arc::clone(&self.state).blocking_lock_owned();
        if state.folder.as_deref() != folder {
            *state = LiveState { folder: folder.map(Path::to_owned), ..LiveState::default() };
        }
        if let (None, Some(folder)) = (&state.journal, folder) {
            match Journal::open(folder, &self.id) {
                Ok(opened) => {
                    let (journal, torn) = opened.unzip();
                    if let Some(torn) = torn.flatten() {
                        warn!(zone = %self.id.name, "zone {}: {torn}", self.id);
                    }
                    state.journal = journal;
                    state.fault = None;
                }
                Err(error) => {
                    state.set_fault(&self.id, &error);
                    self.show(&state);
                }
            }
        }
        state
    }

    /// Waits for the lock.
    pub async fn lock(&self) -> OwnedMutexGuard<LiveState> {
        Arc::clone(&self.state).lock_owned().await
    }

    /// The steps that are kept and lead to a serial, oldest first, for incremental transfers. Waits while the next version
    /// is made.
    pub async fn steps_to(&self, serial: u32) -> Vec<Arc<JournalStep>> {
        let state = self.lock().await;
        let steps: Vec<Arc<JournalStep>> =
            state.journal().into_iter().flat_map(|journal| journal.history().iter().cloned()).collect();
        let last = steps.iter().rposition(|step| step.to == serial);
        steps.into_iter().take(last.map_or(0, |last| last.saturating_add(1))).collect()
    }

    /// What the status says of it.
    pub fn status(&self) -> LiveStatus {
        lock(&self.shown).clone()
    }

    /// Updates the status.
    pub fn show(&self, state: &LiveState) {
        let journal = state.journal.as_ref();
        *lock(&self.shown) = LiveStatus {
            bytes: journal.map(Journal::bytes),
            steps: journal.map_or(0, |journal| journal.history().len()),
            oldest: journal.and_then(|journal| journal.history().iter().next().map(|step| step.at)),
            records: journal.map_or(0, |journal| journal.overlay().len()),
            aside: state.aside.len(),
            fault: state.fault.clone(),
        };
    }
}

impl LiveState {
    /// The journal, if there is one.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Whether the journal has grown so long that it is to be written anew.
    pub fn is_compaction_due(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::is_compaction_due)
    }

    /// Writes the journal anew if it has grown so long. Blocks.
    pub fn compact(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.compact();
        }
    }

    /// Records of the overlay that are not served.
    pub fn aside(&self) -> &[Aside] {
        &self.aside
    }

    /// What is not in the overlay any more is not set aside either.
    pub(super) fn forget_aside_that_is_gone(&mut self) {
        let overlay = self.journal.as_ref().map(Journal::overlay);
        self.aside.retain(|one| overlay.is_some_and(|overlay| overlay.get(&one.key).is_some()));
    }

    /// Makes a journal where there is none, if there is a state directory, for a zone that is served with this serial.
    pub(super) fn make_journal(&mut self, zone: &ZoneId, serial: u32) -> Result<(), JournalError> {
        if let (None, Some(folder)) = (&self.journal, &self.folder) {
            // One that is there was of no use when the zone was read.
            if let Some((journal, _)) = Journal::open(folder, zone)? {
                return Err(JournalError::Unread(journal.path().to_owned()));
            }
            self.journal = Some(Journal::create(folder, zone, serial, self.file)?);
        }
        Ok(())
    }

    /// Notes what the zone is made from now, by its digest, and the step that led there.
    pub(super) fn rebase(
        &mut self,
        zone: &ZoneId,
        digest: Option<Digest>,
        step: JournalStep,
    ) -> Result<(), JournalError> {
        self.file = digest;
        let serial = step.to;
        self.make_journal(zone, serial)?;
        match &mut self.journal {
            Some(journal) if (journal.serial(), journal.file_digest()) != (Some(serial), digest) => {
                journal.rebase(serial, digest, journal.overlay().clone(), Some(step))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The journal is of no use; told where that is new.
    pub(super) fn set_fault(&mut self, zone: &ZoneId, error: &JournalError) {
        let fault = Some(error.to_string());
        if self.fault == fault {
            return;
        }
        match self.journal {
            None => {
                warn!(zone = %zone.name, "zone {zone} is served without its updates, and takes none: {error}");
            }
            Some(_) => {
                warn!(zone = %zone.name, "zone {zone} takes no updates until its journal can be written: {error}");
            }
        }
        self.fault = fault;
    }

    /// The journal was written.
    pub(super) fn clear_fault(&mut self, zone: &ZoneId) {
        if self.fault.take().is_some() {
            info!(zone = %zone.name, "the journal of zone {zone} is written again");
        }
    }
}

impl Hold {
    /// What is served of a zone whose file was read: with the overlay of updates, and a serial that does not go back; `before` is
    /// what is served until then. Where `inputs` have no text, it was a kept one, which is what was served last, but for what
    /// other zones say of hosts. A zone that comes signed is served as it is.
    pub fn effective(
        &mut self,
        file: Zone,
        (inputs, before): (&Inputs, Option<&ZoneVersion>),
        origin: &Origin,
        sources: &Sources,
    ) -> Zone {
        let (texts, guards) = (&inputs.texts[..], &inputs.guards[..]);
        let digest = inputs.digest();
        if inputs.comes_signed(&file) {
            self.set_all_aside(&file, digest);
            return file;
        }
        // Without a journal a serial is the operator's; but other servers are to hear of hosts that have moved.
        let moved = before.filter(|before| before.inputs.has_hosts_elsewhere());
        let (served, last, mut overlay) = match (&self.state.journal, moved) {
            (Some(journal), _) => {
                let served = journal.serial().unwrap_or(file.serial());
                (served, journal.file_digest(), journal.overlay().clone())
            }
            (None, Some(before)) => (before.serial, before.inputs.digest(), Overlay::default()),
            (None, None) => {
                let (serial, overlay, aside) = (file.serial(), Overlay::default(), Vec::new());
                self.made = Some(EffectiveZone { serial, file: digest, overlay, aside });
                return file;
            }
        };
        let digest = digest.or(last);
        let is_changed = digest != last;
        let serial = if is_changed { after_change(file.serial(), served) } else { served };
        if texts.is_empty() {
            overlay.rebase_on_kept(&file);
        } else {
            overlay.rebase(&file);
        }
        let Some((zone, mut aside)) = effective(&file, &overlay, serial, guards, origin) else { return file };
        for one in &mut aside {
            one.place = one.origin.as_ref().and_then(|origin| match origin.span() {
                Some(span) => Some(sources.place(span).to_string()),
                None => origin.in_words(),
            });
        }
        self.tell_of(&aside);
        if is_changed {
            if let Err(error) = self.announce(serial, digest) {
                warn!(zone = %self.zone.id.name, "cannot write down the serial of zone {}: {error}", self.zone.id);
            }
            if serial != file.serial() {
                let (id, own) = (&self.zone.id, file.serial());
                info!(zone = %id.name, "zone {id} gets serial {serial}: {own} of its file is not ahead of the last one");
            }
        }
        self.made = Some(EffectiveZone { serial, file: digest, overlay, aside });
        zone
    }

    /// Has a zone that comes signed be served without any update: its signatures cover its file alone, the serial included.
    fn set_all_aside(&mut self, file: &Zone, digest: Option<Digest>) {
        let (id, serial) = (&self.zone.id, file.serial());
        let journal = self.state.journal.as_ref();
        let overlay = journal.map(|journal| journal.overlay().clone()).unwrap_or_default();
        let served = journal.and_then(Journal::serial).unwrap_or(serial);
        if served != serial && !is_ahead(serial, served) {
            warn!(
                zone = %id.name,
                "zone {id} comes signed, so it gets serial {serial} of its file, and was at {served}: servers that copy it \
                 stay there until it is signed with a serial ahead of that"
            );
        }
        let reason = "the zone comes signed, and its signatures do not cover updates";
        let aside = |(key, _): (&OverlayKey, &Overlaid)| Aside {
            key: key.clone(),
            reason: reason.to_owned(),
            origin: None,
            place: None,
        };
        let aside: Vec<Aside> = overlay.iter().map(aside).collect();
        self.tell_of(&aside);
        self.made = Some(EffectiveZone { serial, file: digest, overlay, aside });
    }

    /// Tells of updates that are set aside, and were not before.
    fn tell_of(&self, aside: &[Aside]) {
        let before = &self.state.aside;
        let is_known = |one: &&Aside| {
            let at = before.binary_search_by(|other| other.key.cmp(&one.key));
            at.ok().and_then(|at| before.get(at)) == Some(*one)
        };
        for one in aside.iter().filter(|one| !is_known(one)) {
            let (owner, rtype, _) = &one.key;
            let place = one.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
            warn!(zone = %self.zone.id.name, "an update is set aside, {owner} {rtype}: {}{place}", one.reason);
        }
    }

    fn announce(&mut self, serial: u32, digest: Option<Digest>) -> Result<(), JournalError> {
        self.state.journal.as_mut().map_or(Ok(()), |journal| journal.announce(serial, digest))
    }

    /// Notes in the journal that the new version is served in place of `before`. Blocks.
    pub fn commit(mut self, served: &ZoneVersion, before: Option<&ZoneVersion>) {
        if let Some(EffectiveZone { serial, file, overlay, aside }) = self.made.take()
            && served.serial == serial
        {
            let step = before.and_then(|before| step_between(before, served));
            let state = &mut *self.state;
            state.aside = aside;
            let changed = state.journal.as_mut().filter(|journal| {
                journal.file_digest() != file
                    || journal.overlay() != &overlay
                    || journal.has_announced()
                    || journal.is_behind()
            });
            match changed.map(|journal| journal.rebase(serial, file, overlay, step)) {
                Some(Err(error)) => state.set_fault(&self.zone.id, &error),
                Some(Ok(())) => state.clear_fault(&self.zone.id),
                None => {}
            }
            state.file = file;
            // What hosts of other zones said is to be known after a restart, as the serial is.
            if served.inputs.has_hosts_elsewhere()
                && let Err(error) = state.make_journal(&self.zone.id, serial)
            {
                state.set_fault(&self.zone.id, &error);
            }
        }
        self.zone.show(&self.state);
    }

    /// The zone that is held.
    pub fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    /// The zone and its state, for who makes its version.
    pub fn parts(&mut self) -> (&LiveZone, &mut LiveState) {
        (&self.zone, &mut self.state)
    }
}

/// The step from one version to the next, where the contents of both are there.
fn step_between(before: &ZoneVersion, after: &ZoneVersion) -> Option<JournalStep> {
    // Signatures are made anew after a restart, and are nothing to write down.
    if !is_ahead(after.serial, before.serial) || after.inputs.signing.is_some() {
        return None;
    }
    let (old, new) = (before.contents.as_deref()?, after.contents.as_deref()?);
    // A step has no LUA records: who takes it would keep those of before.
    if !old.lua_records().eq(new.lua_records()) {
        return None;
    }
    let mut changes = Changeset::between(old, new);
    // The SOA record first, as everywhere.
    changes.removed.sort_by_key(|record| record.rtype != Rtype::SOA);
    changes.added.sort_by_key(|record| record.rtype != Rtype::SOA);
    Some(JournalStep {
        from: before.serial,
        to: after.serial,
        changes,
        at: seconds_now(),
        by: Arc::from(BY_FILE),
    })
}

/// Seconds since 1970.
pub(super) fn seconds_now() -> u64 {
    // A clock before 1970 is one that was never set.
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
