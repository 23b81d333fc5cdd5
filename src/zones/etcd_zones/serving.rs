//! What is served of the keys of a zone, and what of it is kept on the disk.
//!
//! Responsible for a version being made of what is known, for none that has lost most of its keys, and for the image. Not
//! responsible for knowing what the store says (`task`), or for what a version is made of (`making`).

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tracing::{debug, info, warn};

use super::keeping;
use super::settings::EtcdSettings;
use super::status::{EtcdStatus, Held};
use crate::dns::Name;
use crate::etcd::{KeyValue, Mark, Watched};
use crate::layout::KeyFault;
use crate::sync::Shared;
use crate::zones::etcd::{
    Keys, Made, Making, is_made_text_kept, is_text_worth_keeping, make, read_image, serial_of,
};
use crate::zones::feed::FeedPublisher;
use crate::zones::publication::NotPublished;
use crate::zones::saving::Saving;
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// Values that are not served and shown one by one.
const FAULTS_SHOWN_MAX: usize = 20;

/// Where what is served comes from when a task begins.
pub(super) enum Begins {
    /// From the image, or from another source: no task has followed the zone before.
    First,
    /// From a task that went by these settings.
    Behind(Arc<EtcdSettings>),
}

/// A zone, and where what is made of its keys goes.
pub(super) struct EtcdZone {
    pub(super) settings: Arc<EtcdSettings>,
    /// What is served, as it came; none: SERVFAIL.
    pub(super) current: Option<Arc<ZoneVersion>>,
    pub(super) publications: FeedPublisher,
    pub(super) status: Shared<EtcdStatus>,
    /// The image on the disk, and its text.
    pub(super) saving: Saving,
    /// Called when a new version is served from whose addresses other zones are made.
    pub(super) addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

/// A zone as it is served.
pub(super) struct Serving {
    zone: EtcdZone,
    /// None only while a version is made of it.
    keys: Option<Keys>,
    /// Up to where the keys are known.
    mark: Option<Mark>,
    /// How many keys said something when a version was made last.
    served: usize,
    /// The names that are not as their keys say.
    refused: Vec<(Name, KeyFault)>,
    /// Whether what has gone at once is accepted.
    accepted: bool,
    /// Whether the loop was told that a newer version is not served.
    is_refused: bool,
    /// Whether the keys say something that is not served yet.
    is_pending: bool,
}

impl Serving {
    /// Before anything is known.
    pub(super) fn new(zone: EtcdZone) -> Serving {
        let keys = Keys::new(zone.settings.source.layout, zone.settings.place());
        Serving {
            zone,
            keys: Some(keys),
            mark: None,
            served: 0,
            refused: Vec::new(),
            accepted: false,
            is_refused: false,
            is_pending: false,
        }
    }

    /// Takes the image. Where what is served is what it says, it is followed from there; else all keys are read: what is
    /// served may be newer, and would go back.
    pub(super) async fn begin(&mut self, begins: &Begins) {
        let settings = &self.zone.settings;
        let (Some(folder), Some(current)) = (settings.folder.clone(), self.zone.current.clone()) else {
            return self.mark_all();
        };
        let (id, layout, place) = (settings.id().clone(), settings.source.layout, settings.place());
        let read = tokio::task::spawn_blocking(move || {
            let image = read_image(&folder, &id).ok().flatten()?;
            let has_text = is_made_text_kept(&folder, &id, &image.mark, (layout, &place));
            let mut keys = Keys::new(layout, place);
            keys.restate(image.keys);
            image.leases.into_iter().for_each(|(lease, ttl)| keys.granted(lease, ttl));
            Some((keys, image.mark, image.confirmed_at, has_text))
        });
        let Some((mut keys, mark, confirmed_at, has_text)) = read.await.unwrap_or_default() else {
            return self.mark_all();
        };
        let (is_served, is_read_alike) = match begins {
            // Its serial may be an earlier one: keys of others have changed since.
            Begins::First => (current.loaded_at == confirmed_at, true),
            Begins::Behind(before) => {
                let are_read = |settings: &EtcdSettings| (settings.source.layout.name, settings.place());
                (
                    serial_of(mark.revision) == current.serial,
                    are_read(before) == are_read(&self.zone.settings),
                )
            }
        };
        self.zone.status.change(|status| {
            status.revision.get_or_insert(mark.revision);
            status.confirmed_at.get_or_insert(confirmed_at);
            status.keys = keys.len();
        });
        self.served = keys.len();
        self.mark = is_served.then_some(mark);
        if is_served && is_read_alike {
            keys.take_changed();
            keys.mark_pools();
            let contents = current.contents.as_deref();
            if !has_text && contents.is_some_and(|zone| is_text_worth_keeping(zone, keys.len())) {
                self.zone.saving.changed();
            }
            self.keys = Some(keys);
            return;
        }
        self.keys = Some(keys);
        self.mark_all();
        if is_served {
            // When the server ends meanwhile, that is noticed by whoever waits for orders.
            let _ = self.publish().await;
        }
    }

    /// What is served may be something else than the keys say, at any name.
    fn mark_all(&mut self) {
        let (Some(keys), Some(current)) = (&mut self.keys, &self.zone.current) else { return };
        let Some(zone) = &current.contents else { return };
        let names = zone.nodes().filter(|node| node.all_rrsets().next().is_some());
        keys.mark_changed(names.map(|node| node.name().to_name()));
    }

    /// Up to where the keys are known; none: all of them are to be read.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The keys, as they are known; none: nobody wants them any more.
    pub(super) fn keys(&mut self) -> Option<&mut Keys> {
        self.keys.as_mut()
    }

    /// How the zone is followed.
    pub(super) fn settings(&self) -> &EtcdSettings {
        &self.zone.settings
    }

    /// All keys are to be read.
    pub(super) fn forget_mark(&mut self) {
        self.mark = None;
    }

    /// The keys are known up to here, by the word of this member.
    pub(super) fn note(&mut self, mark: Mark, member: Option<String>) {
        self.mark = Some(mark);
        self.zone.status.change(|status| {
            status.revision = Some(mark.revision);
            status.member = member;
        });
    }

    /// All keys were read.
    ///
    /// # Errors
    ///
    /// When nobody wants them any more.
    pub(super) async fn restate(&mut self, all: Vec<KeyValue>) -> Result<(), NotPublished> {
        let Some(mut keys) = self.keys.take() else { return Err(NotPublished::Ending) };
        let restated = tokio::task::spawn_blocking(move || {
            keys.restate(all);
            keys
        });
        self.keys = Some(restated.await.map_err(|_| NotPublished::Ending)?);
        self.is_pending = true;
        self.zone.status.change(|status| status.images = status.images.saturating_add(1));
        Ok(())
    }

    /// Takes in what has changed, by the word of this member.
    pub(super) fn take(&mut self, Watched { mark, changes }: Watched, member: Option<String>) {
        let known = self.mark.map_or(0, |mark| mark.revision);
        self.is_pending |= !changes.is_empty();
        if let Some(keys) = &mut self.keys {
            // A watch that is made anew may say once more what is known.
            changes
                .into_iter()
                .filter(|change| change.revision() > known)
                .for_each(|change| keys.take(change));
        }
        let term = self.mark.map_or(mark.term, |before| before.term.max(mark.term));
        self.note(Mark { cluster: mark.cluster, revision: mark.revision.max(known), term }, member);
    }

    /// Has served what the keys say, however few are left.
    pub(super) async fn publish_accepted(&mut self) -> Result<(), NotPublished> {
        self.accepted = true;
        self.publish().await
    }

    /// Has served what the keys say.
    pub(super) async fn publish(&mut self) -> Result<(), NotPublished> {
        let Some(keys) = self.keys.take() else { return Err(NotPublished::Ending) };
        if self.is_shrunk(keys.len()) {
            let held = Held { keys: keys.len(), served: self.served };
            self.keys = Some(keys);
            return self.hold(held).await;
        }
        let revision = self.mark.map_or(0, |mark| mark.revision);
        let (settings, current) = (Arc::clone(&self.zone.settings), self.zone.current.clone());
        let made = tokio::task::spawn_blocking(move || {
            let mut keys = keys;
            let making = Making {
                id: settings.id(),
                inputs: Arc::new(settings.inputs()),
                apexes: Arc::clone(&settings.apexes),
                wants_hosts: settings.wants_hosts,
                span: settings.zone.name_span,
                store: settings.source.store(),
                revision,
            };
            let made = make(&making, &mut keys, current.as_deref());
            (keys, made)
        });
        // It has panicked: there is a mistake in this program, and what is served stays.
        let Ok((keys, made)) = made.await else { return Err(NotPublished::Ending) };
        self.keys = Some(keys);
        match made {
            Ok(made) => self.serve(made).await,
            Err(why) => self.tell_refused(why).await,
        }
    }

    async fn serve(&mut self, Made { version, refused }: Made) -> Result<(), NotPublished> {
        self.accepted = false;
        let has_new_keys = std::mem::take(&mut self.is_pending);
        self.served = self.keys.as_ref().map_or(0, Keys::len);
        self.refused = refused;
        self.tell_faults();
        if has_new_keys || version.is_some() {
            self.zone.saving.changed();
        }
        self.zone.status.change(|status| status.held = None);
        let Some(version) = version.map(Arc::new) else {
            // What is served is what the store says after all.
            let current = self.zone.current.clone().filter(|_| self.is_refused);
            return match current {
                Some(version) => self.accept(version).await,
                None => Ok(()),
            };
        };
        let (id, serial, records) = (self.id(), version.serial, version.records);
        let was = self.zone.current.as_ref().map(|before| before.serial);
        match was {
            Some(was) => {
                debug!(zone = %id.name, serial, "zone {id} from serial {was} to {serial}: keys of etcd")
            }
            None => {
                info!(zone = %id.name, serial, "zone {id} serial {serial}: {records} records, keys of etcd")
            }
        }
        self.zone.current = Some(Arc::clone(&version));
        self.zone.status.change(|status| {
            status.changes = status.changes.saturating_add(1);
            status.serial = Some(serial);
        });
        self.accept(version).await?;
        if self.zone.settings.wants_hosts {
            (self.zone.addresses_changed)();
        }
        Ok(())
    }

    async fn accept(&mut self, version: Arc<ZoneVersion>) -> Result<(), NotPublished> {
        self.is_refused = false;
        let holds = self.zone.settings.source.max_stale;
        self.apply(Event::Accepted { version, holds }).await
    }

    async fn refuse(&mut self, sentence: String) -> Result<(), NotPublished> {
        self.is_refused = true;
        self.apply(Event::Refused { fault: Fault::of(sentence), last_good: None }).await
    }

    async fn apply(&self, event: Event) -> Result<(), NotPublished> {
        self.zone.publications.apply(event).await
    }

    /// Whether so many keys have gone since the last version that it may be a mistake.
    fn is_shrunk(&self, keys: usize) -> bool {
        let gone = self.served.saturating_sub(keys);
        let limit = usize::from(self.zone.settings.source.shrink_limit);
        !self.accepted && gone.saturating_mul(100) > self.served.saturating_mul(limit)
    }

    /// What is served stays, until somebody accepts what has become of the keys, or they are there again.
    async fn hold(&mut self, held: Held) -> Result<(), NotPublished> {
        let id = self.id();
        let mut is_news = false;
        self.zone.status.change(|status| {
            is_news = status.held.is_none();
            status.held = Some(held);
        });
        if !is_news {
            return Ok(());
        }
        let Held { keys, served } = held;
        let sentence = format!(
            "etcd has {keys} of {served} keys left, so what was there is served; `edgedns reload --accept` accepts it"
        );
        warn!(zone = %id.name, "zone {id}: {sentence}");
        self.refuse(sentence).await
    }

    /// No version comes of the keys.
    async fn tell_refused(&mut self, why: String) -> Result<(), NotPublished> {
        let id = self.id();
        warn!(zone = %id.name, "zone {id} stays as it is: {why}");
        self.refuse(why).await
    }

    /// The store is not heard. It is said once, and stands in the status while it is so.
    pub(super) async fn tell_ill(&mut self, why: String) -> Result<(), NotPublished> {
        let id = self.id();
        let mut is_news = false;
        self.zone.status.change(|status| {
            is_news = status.fault.is_none();
            if is_news {
                status.lost = status.lost.saturating_add(1);
            }
            status.fault = Some(why.clone());
        });
        if !is_news {
            return Ok(());
        }
        match &self.zone.current {
            Some(version) => {
                warn!(zone = %id.name, "zone {id} stays at serial {}, etcd is not heard: {why}", version.serial);
                Ok(())
            }
            None => {
                warn!(zone = %id.name, "zone {id} cannot be had, etcd is not heard: {why}");
                let sentence = format!("etcd is not heard, and no image of its keys is kept: {why}");
                self.refuse(sentence).await
            }
        }
    }

    /// Says which values are not served.
    fn tell_faults(&mut self) {
        let id = self.id();
        let Some(keys) = &self.keys else { return };
        let all: Vec<&KeyFault> = keys.faults().chain(self.refused.iter().map(|(_, fault)| fault)).collect();
        let shown: Vec<String> = all.iter().take(FAULTS_SHOWN_MAX).map(ToString::to_string).collect();
        let (faulty, count) = (all.len(), keys.len());
        self.zone.status.change(|status| {
            for fault in shown.iter().filter(|fault| !status.faults.contains(fault)) {
                warn!(zone = %id.name, "zone {id}: {fault}; what was there before stays");
            }
            status.faults = shown;
            status.faulty = faulty;
            status.keys = count;
        });
    }

    /// Whether the keys are what is served, at a revision that is known. What waits to be published or accepted is not served,
    /// nor will it be at the next start.
    fn is_keepable(&self) -> bool {
        !self.is_pending && self.mark.is_some()
    }

    /// When what is served is to be kept.
    pub(super) fn saving_due(&self) -> Option<Instant> {
        self.zone.saving.due().filter(|_| self.is_keepable())
    }

    /// Keeps what is served, where that is due.
    pub(super) fn keep(&mut self) {
        if self.is_keepable() {
            let (EtcdZone { settings, current, status, saving, .. }, keys) = (&mut self.zone, &mut self.keys);
            saving.begin(|doing| {
                let kept = keeping::Kept::of(settings, current.as_ref(), status, self.mark)?;
                kept.work(doing, keys.as_mut()?)
            });
        }
    }

    /// Keeps what is served, and waits for it, and for what is being written.
    pub(super) async fn finish(self) {
        let (EtcdZone { settings, current, status, mut saving, .. }, mut keys) = (self.zone, self.keys);
        if self.is_pending {
            return saving.finish(|_| None).await;
        }
        saving.confirmed();
        let work = |doing| {
            let kept = keeping::Kept::of(&settings, current.as_ref(), &status, self.mark)?;
            kept.work(doing, keys.as_mut()?)
        };
        saving.finish(work).await;
    }

    /// The store is not followed.
    pub(super) fn disconnected(&self) {
        self.zone.status.change(|status| status.connected = false);
    }

    /// A member of the store says that what is known is what it has. Returns whether that is served.
    pub(super) fn connected(&self, member: &str) -> bool {
        let (id, is_served) = (self.id(), !self.is_refused);
        self.zone.status.change(|status| {
            if status.fault.take().is_some() {
                info!(zone = %id.name, "zone {id} follows etcd again, {member}");
            }
            status.connected = true;
            if is_served {
                status.confirmed_at = Some(SystemTime::now());
            }
        });
        is_served
    }

    /// What is kept is to be noted to hold.
    pub(super) fn note_kept(&mut self) {
        self.zone.saving.confirmed();
    }

    /// Has what is served accepted once more, where that holds for a while only, or could not be signed.
    pub(super) async fn accept_again(&mut self) -> Result<(), NotPublished> {
        let is_again = self.zone.settings.source.max_stale.is_some() || self.zone.publications.is_behind();
        match self.zone.current.clone().filter(|_| is_again && !self.is_refused) {
            Some(version) => self.accept(version).await,
            None => Ok(()),
        }
    }

    /// Waits for the end of what is being written; for ever, where nothing is.
    pub(super) async fn kept(&mut self) {
        self.zone.saving.ended().await;
    }

    pub(super) fn id(&self) -> ZoneId {
        self.zone.settings.id().clone()
    }
}
