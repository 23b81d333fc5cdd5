//! The task of one zone whose records are keys of etcd.
//!
//! Responsible for following the store, for having served what it says, and for keeping an image of it. Not responsible
//! for what a version is made of (`making`), or for which member is asked (`crate::etcd`).

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, sleep_until};
use tracing::{debug, info, warn};

use super::gathering::Gathering;
use super::keeping;
use super::leases::learn_leases;
use super::settings::{BYTES_MAX, EtcdSettings};
use super::status::{EtcdStatus, Held};
use crate::dns::Name;
use crate::etcd::{Access, Client, Error, Mark, Watch, Watched, read_all};
use crate::http_client;
use crate::layout::KeyFault;
use crate::sync::Shared;
use crate::tls::Random;
use crate::zones::etcd::{
    Keys, Made, Making, is_made_text_kept, is_text_worth_keeping, make, read_image, serial_of,
};
use crate::zones::feed::FeedPublisher;
use crate::zones::publication::NotPublished;
use crate::zones::saving::Saving;
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// How often the store is asked where it stands: so a member that is dead or cut off is noticed.
const BEAT: Duration = Duration::from_secs(5);

/// How often a watch is made anew of which nothing has come though the store has moved on.
const WATCH_AGE_MAX: Duration = Duration::from_secs(60);

/// How soon a lost store is asked again, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How often it is noted that what is kept holds.
const CONFIRMING: Duration = Duration::from_secs(60);

/// Values that are not served and shown one by one.
const FAULTS_SHOWN_MAX: usize = 20;

/// What a task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// What waits to be accepted is.
    Accept,
}

/// Where what is served comes from when a task begins.
pub(super) enum Begins {
    /// From the image, or from another source: no task has followed the zone before.
    First,
    /// From a task that went by these settings.
    Behind(Arc<EtcdSettings>),
}

/// What a task begins with.
pub(super) struct EtcdTask {
    pub(super) settings: Arc<EtcdSettings>,
    pub(super) begins: Begins,
    /// What is served, as it came; none: SERVFAIL.
    pub(super) current: Option<Arc<ZoneVersion>>,
    pub(super) publications: FeedPublisher,
    pub(super) status: Shared<EtcdStatus>,
    pub(super) random: Arc<Random>,
    /// The image on the disk, and its text.
    pub(super) saving: Saving,
    /// Called when a new version is served from whose addresses other zones are made.
    pub(super) addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

/// Why the store is followed no more.
enum Ended {
    /// It is lost.
    Lost(Error),
    /// What has happened since is not known: all keys must be read.
    Missed,
    /// Nobody wants the zone any more.
    Over,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        match error {
            Error::Compacted => Ended::Missed,
            error if error.is_too_long() => Ended::Missed,
            error => Ended::Lost(error),
        }
    }
}

impl From<NotPublished> for Ended {
    fn from(_: NotPublished) -> Ended {
        Ended::Over
    }
}

/// The zone as it is followed.
struct Following {
    task: EtcdTask,
    orders: mpsc::Receiver<Order>,
    client: Client,
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
    /// When it was noted last that what is kept holds.
    noted: Option<Instant>,
}

impl EtcdTask {
    /// Turns until nobody can give orders any more: that is the end of the server, or of the zone.
    pub(super) async fn run(self, orders: mpsc::Receiver<Order>) {
        let client = Client::new(self.settings.source.access.clone());
        let keys = Keys::new(self.settings.source.layout, self.settings.place());
        let mut following = Following {
            task: self,
            orders,
            client,
            keys: Some(keys),
            mark: None,
            served: 0,
            refused: Vec::new(),
            accepted: false,
            is_refused: false,
            is_pending: false,
            noted: None,
        };
        following.begin().await;
        following.follow().await;
        following.finish().await;
    }
}

impl Following {
    /// Takes the image. Where what is served is what it says, it is followed from there; else all keys are read: what is
    /// served may be newer, and would go back.
    async fn begin(&mut self) {
        let settings = &self.task.settings;
        let (Some(folder), Some(current)) = (settings.folder.clone(), self.task.current.clone()) else {
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
        let (is_served, is_read_alike) = match &self.task.begins {
            // Its serial may be an earlier one: keys of others have changed since.
            Begins::First => (current.loaded_at == confirmed_at, true),
            Begins::Behind(before) => {
                let are_read = |settings: &EtcdSettings| (settings.source.layout.name, settings.place());
                (
                    serial_of(mark.revision) == current.serial,
                    are_read(before) == are_read(&self.task.settings),
                )
            }
        };
        self.task.status.change(|status| {
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
                self.task.saving.changed();
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
        let (Some(keys), Some(current)) = (&mut self.keys, &self.task.current) else { return };
        let Some(zone) = &current.contents else { return };
        let names = zone.nodes().filter(|node| node.all_rrsets().next().is_some());
        keys.mark_changed(names.map(|node| node.name().to_name()));
    }

    /// Follows the store, whatever becomes of it.
    async fn follow(&mut self) {
        let mut retry = RETRY_MIN;
        loop {
            let begun = Instant::now();
            let ended = self.follow_once().await;
            self.task.status.change(|status| status.connected = false);
            match ended {
                Ended::Over => return,
                Ended::Missed => {
                    // Read after a pause: a store whose watch says nothing else is not read over and over.
                    debug!("zone {}: etcd has compacted what was not heard", self.id());
                    self.mark = None;
                }
                Ended::Lost(error) => {
                    self.client.turn();
                    if self.tell_ill(error.to_string()).await.is_err() {
                        return;
                    }
                }
            }
            if begun.elapsed() > RETRY_MAX {
                retry = RETRY_MIN;
            }
            // Servers that have lost one store at once do not come back at once; a number below 64 fits.
            let part = u32::try_from(self.task.random.next() % 64).unwrap_or_default();
            let pause = retry.saturating_mul(64 + part) / 64;
            retry = retry.saturating_mul(2).min(RETRY_MAX);
            if self.pause(pause).await.is_err() {
                return;
            }
        }
    }

    /// Waits, and hears orders meanwhile.
    async fn pause(&mut self, pause: Duration) -> Result<(), NotPublished> {
        let end = Instant::now() + pause;
        loop {
            self.keep();
            let saving_due = self.saving_due();
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Accept) => {
                        self.accepted = true;
                        self.publish().await?;
                    }
                    None => return Err(NotPublished::Ending),
                },
                () = self.task.saving.ended() => {}
                () = until(saving_due) => {}
                () = sleep_until(end.into()) => return Ok(()),
            }
        }
    }

    /// Reads what is to be read, and follows what changes from there.
    async fn follow_once(&mut self) -> Ended {
        let watch = match self.catch_up().await {
            Ok(watch) => watch,
            Err(ended) => return ended,
        };
        if let Err(ended) = self.confirm().await {
            return ended;
        }
        self.keep();
        self.turn(watch).await
    }

    /// Knows the keys at a revision, and watches from there.
    async fn catch_up(&mut self) -> Result<Watch, Ended> {
        let prefix = self.prefix();
        let now = self.client.mark(&prefix).await?;
        if let Some(known) = self.mark
            && known.cluster == now.cluster
            && known.term <= now.term
            && known.revision <= now.revision
        {
            let watch = self.client.watch(&prefix, known.revision.saturating_add(1)).await?;
            // The first that comes may be that it is not known any more; nothing is confirmed before that.
            self.note(Mark { term: now.term, ..known });
            return Ok(watch);
        }
        if let Some(known) =
            self.mark.filter(|known| known.cluster != now.cluster || known.revision > now.revision)
        {
            info!(
                "zone {}: etcd is another store than it was, or was restored: from revision {} to {}",
                self.id(),
                known.revision,
                now.revision
            );
        }
        let (mark, all) = read_all(&mut self.client, &prefix, BYTES_MAX).await?;
        let count = all.len();
        let Some(mut keys) = self.keys.take() else { return Err(Ended::Over) };
        let restated = tokio::task::spawn_blocking(move || {
            keys.restate(all);
            keys
        });
        self.keys = Some(restated.await.map_err(|_| Ended::Over)?);
        self.is_pending = true;
        self.note(mark);
        self.task.status.change(|status| status.images = status.images.saturating_add(1));
        debug!("zone {}: {count} keys at revision {} of etcd", self.id(), mark.revision);
        Ok(self.client.watch(&prefix, mark.revision.saturating_add(1)).await?)
    }

    /// Follows the store from where the keys are known.
    async fn turn(&mut self, mut watch: Watch) -> Ended {
        // The member that is watched is asked, and no other: it is the one that may be cut off or dead.
        let endpoints = self.client.endpoint().into_iter().collect();
        let access = Access { endpoints, ..self.task.settings.source.access.clone() };
        let mut beats = Beats::start(access, self.prefix());
        let mut gathering = Gathering::default();
        let mut watched_since = Instant::now();
        loop {
            let due = gathering.due();
            let saving_due = self.saving_due();
            let ended = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Accept) => {
                        self.accepted = true;
                        self.publish().await.err().map(Ended::from)
                    }
                    None => Some(Ended::Over),
                },
                () = until(due) => {
                    let begun = Instant::now();
                    let ended = self.publish_changes().await.err();
                    gathering.published(begun, Instant::now());
                    ended
                }
                watched = watch.next() => match watched {
                    Ok(watched) => {
                        let now = Instant::now();
                        if !watched.changes.is_empty() {
                            gathering.heard(now);
                        }
                        self.take(watched);
                        watched_since = now;
                        None
                    }
                    Err(error) => Some(error.into()),
                },
                beat = beats.next() => match beat {
                    Ok(mark) if watched_since.elapsed() > WATCH_AGE_MAX && self.is_behind(mark) => {
                        watched_since = Instant::now();
                        self.watch_anew(&mut watch).await.err()
                    }
                    Ok(mark) => self.heard(mark).await.err(),
                    Err(error) => Some(Ended::Lost(error)),
                },
                () = self.task.saving.ended() => None,
                () = until(saving_due) => None,
            };
            if let Some(ended) = ended {
                // What a lease bounds waits until that can be asked for.
                let is_known = self.keys.as_ref().is_some_and(|keys| !keys.has_unknown_leases());
                if gathering.due().is_some() && is_known && self.publish().await.is_err() {
                    return Ended::Over;
                }
                return ended;
            }
            self.keep();
        }
    }

    /// The store says where it stands.
    async fn heard(&mut self, now: Mark) -> Result<(), Ended> {
        let Some(known) = self.mark else { return Err(Ended::Missed) };
        if known.cluster != now.cluster || now.term < known.term || now.revision < known.revision {
            info!("zone {}: etcd is another store than it was, or was restored", self.id());
            return Err(Ended::Missed);
        }
        self.mark = Some(Mark { term: now.term, ..known });
        self.confirm_again().await
    }

    /// Watches from where the keys are known, in place of a watch that has said nothing for long though the store has
    /// moved on.
    async fn watch_anew(&mut self, watch: &mut Watch) -> Result<(), Ended> {
        let from = self.mark.map_or(0, |mark| mark.revision);
        match self.client.watch(&self.prefix(), from.saturating_add(1)).await {
            Ok(anew) => *watch = anew,
            // The one that stands goes on: nothing is known to be wrong with it.
            Err(Error::Compacted) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether the store has gone on while nothing was heard of it.
    fn is_behind(&self, now: Mark) -> bool {
        self.mark.is_some_and(|known| known.revision < now.revision)
    }

    /// Takes in what has changed.
    fn take(&mut self, Watched { mark, changes }: Watched) {
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
        self.note(Mark { cluster: mark.cluster, revision: mark.revision.max(known), term });
    }

    fn note(&mut self, mark: Mark) {
        self.mark = Some(mark);
        let member = self.client.endpoint().map(|endpoint| endpoint.to_string());
        self.task.status.change(|status| {
            status.revision = Some(mark.revision);
            status.member = member;
        });
    }

    /// What is known is what the store says.
    async fn confirm(&mut self) -> Result<(), Ended> {
        self.publish_changes().await?;
        self.confirm_again().await
    }

    /// Has served what the store says, with what leases say of it.
    async fn publish_changes(&mut self) -> Result<(), Ended> {
        if let Some(keys) = &mut self.keys {
            learn_leases(&mut self.client, keys).await?;
        }
        Ok(self.publish().await?)
    }

    async fn confirm_again(&mut self) -> Result<(), Ended> {
        let id = self.id();
        let member = self.client.endpoint().map(|endpoint| endpoint.to_string()).unwrap_or_default();
        let is_refused = self.is_refused;
        self.task.status.change(|status| {
            if status.fault.take().is_some() {
                info!(zone = %id.name, "zone {id} follows etcd again, {member}");
            }
            status.connected = true;
            if !is_refused {
                status.confirmed_at = Some(SystemTime::now());
            }
        });
        if !is_refused && self.noted.is_none_or(|noted| noted.elapsed() >= CONFIRMING) {
            self.noted = Some(Instant::now());
            self.task.saving.confirmed();
        }
        // What holds for a while only is to be held anew, and what could not be signed tried again.
        let is_again = self.task.settings.source.max_stale.is_some() || self.task.publications.is_behind();
        let current = self.task.current.clone().filter(|_| is_again);
        if let (Some(version), false) = (current, self.is_refused) {
            self.accept(version).await?;
        }
        Ok(())
    }

    /// Has served what the keys say.
    async fn publish(&mut self) -> Result<(), NotPublished> {
        let Some(keys) = self.keys.take() else { return Err(NotPublished::Ending) };
        if self.is_shrunk(keys.len()) {
            let held = Held { keys: keys.len(), served: self.served };
            self.keys = Some(keys);
            return self.hold(held).await;
        }
        let revision = self.mark.map_or(0, |mark| mark.revision);
        let (settings, current) = (Arc::clone(&self.task.settings), self.task.current.clone());
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
            self.task.saving.changed();
        }
        self.task.status.change(|status| status.held = None);
        let Some(version) = version.map(Arc::new) else {
            // What is served is what the store says after all.
            let current = self.task.current.clone().filter(|_| self.is_refused);
            return match current {
                Some(version) => self.accept(version).await,
                None => Ok(()),
            };
        };
        let (id, serial, records) = (self.id(), version.serial, version.records);
        let was = self.task.current.as_ref().map(|before| before.serial);
        match was {
            Some(was) => {
                debug!(zone = %id.name, serial, "zone {id} from serial {was} to {serial}: keys of etcd")
            }
            None => {
                info!(zone = %id.name, serial, "zone {id} serial {serial}: {records} records, keys of etcd")
            }
        }
        self.task.current = Some(Arc::clone(&version));
        self.task.status.change(|status| {
            status.changes = status.changes.saturating_add(1);
            status.serial = Some(serial);
        });
        self.accept(version).await?;
        if self.task.settings.wants_hosts {
            (self.task.addresses_changed)();
        }
        Ok(())
    }

    async fn accept(&mut self, version: Arc<ZoneVersion>) -> Result<(), NotPublished> {
        self.is_refused = false;
        let holds = self.task.settings.source.max_stale;
        self.apply(Event::Accepted { version, holds }).await
    }

    async fn refuse(&mut self, sentence: String) -> Result<(), NotPublished> {
        self.is_refused = true;
        self.apply(Event::Refused { fault: Fault::of(sentence), last_good: None }).await
    }

    async fn apply(&self, event: Event) -> Result<(), NotPublished> {
        self.task.publications.apply(event).await
    }

    /// Whether so many keys have gone since the last version that it may be a mistake.
    fn is_shrunk(&self, keys: usize) -> bool {
        let gone = self.served.saturating_sub(keys);
        let limit = usize::from(self.task.settings.source.shrink_limit);
        !self.accepted && gone.saturating_mul(100) > self.served.saturating_mul(limit)
    }

    /// What is served stays, until somebody accepts what has become of the keys, or they are there again.
    async fn hold(&mut self, held: Held) -> Result<(), NotPublished> {
        let id = self.id();
        let mut is_news = false;
        self.task.status.change(|status| {
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
    async fn tell_ill(&mut self, why: String) -> Result<(), NotPublished> {
        let id = self.id();
        let mut is_news = false;
        self.task.status.change(|status| {
            is_news = status.fault.is_none();
            if is_news {
                status.lost = status.lost.saturating_add(1);
            }
            status.fault = Some(why.clone());
        });
        if !is_news {
            return Ok(());
        }
        match &self.task.current {
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
        self.task.status.change(|status| {
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
    fn saving_due(&self) -> Option<Instant> {
        self.task.saving.due().filter(|_| self.is_keepable())
    }

    /// Keeps what is served, where that is due.
    fn keep(&mut self) {
        if self.is_keepable() {
            let (EtcdTask { settings, current, status, saving, .. }, keys) = (&mut self.task, &mut self.keys);
            saving.begin(|doing| {
                let kept = keeping::Kept::of(settings, current.as_ref(), status, self.mark)?;
                kept.work(doing, keys.as_mut()?)
            });
        }
    }

    /// Keeps what is served, and waits for it, and for what is being written.
    async fn finish(self) {
        let (EtcdTask { settings, current, status, mut saving, .. }, mut keys) = (self.task, self.keys);
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

    fn id(&self) -> ZoneId {
        self.task.settings.id().clone()
    }

    fn prefix(&self) -> Vec<u8> {
        let source = &self.task.settings.source;
        source.prefix().into_bytes()
    }
}

/// Waits until then; for ever, where there is no such moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => pending().await,
    }
}

/// Asks the store again and again where it stands, beside the watch.
struct Beats {
    heard: mpsc::Receiver<Result<Mark, Error>>,
    task: JoinHandle<()>,
}

impl Beats {
    fn start(access: Access, key: Vec<u8>) -> Beats {
        let (tell, heard) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut client = Client::new(access);
            loop {
                sleep(BEAT).await;
                if tell.send(client.mark(&key).await).await.is_err() {
                    return;
                }
            }
        });
        Beats { heard, task }
    }

    async fn next(&mut self) -> Result<Mark, Error> {
        self.heard.recv().await.unwrap_or(Err(Error::Link(http_client::Error::TimedOut)))
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.task.abort();
    }
}
