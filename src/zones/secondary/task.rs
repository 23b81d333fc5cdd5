//! The task of one secondary zone: asks its primaries, publishes what has come, and writes a copy of it.
//!
//! `transfer::incoming::Refresh` decides when to ask, `making` makes the version.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep_until;
use tracing::{debug, info, warn};

use super::making;
use super::settings::SecondarySettings;
use super::told::{HeardNotify, Listener};
use crate::source::{Origin, Transfer};
use crate::sync::Shared;
use crate::tls::Random;
use crate::transfer::incoming::{
    FetchError, Fetched, Held, PrimaryClient, PrimaryVersion, Received, Refresh, SerialComparison, expiry,
};
use crate::transfer::{Soa, is_newer};
use crate::zones::copy;
use crate::zones::feed::{FeedPublisher, FeedStatus};
use crate::zones::publication::NotPublished;
use crate::zones::saving::{Doing, KeptAs, Saving, Work};
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;

/// The copy of a zone.
pub(super) const KEPT_AS: KeptAs = KeptAs {
    what: "a copy",
    without: "a restart serves an older copy, or none until a primary answers",
    pause: Duration::ZERO,
};

/// The state of the task.
pub(super) struct SecondaryTask {
    pub(super) settings: Arc<SecondarySettings>,
    /// What is served, as it came; none: SERVFAIL.
    pub(super) current: Option<Arc<ZoneVersion>>,
    /// What this task, or the load before it, published last.
    pub(super) published: Option<Arc<ZoneVersion>>,
    /// How long `current` holds.
    pub(super) holds: Option<Duration>,
    pub(super) publications: FeedPublisher,
    pub(super) status: Shared<FeedStatus>,
    pub(super) random: Arc<Random>,
    /// From which primary the current version came; none: it is what is kept.
    pub(super) from: Option<String>,
    /// The copy on the disk.
    pub(super) saving: Saving,
    /// Called for each new version if reverse zones are made from this zone.
    pub(super) addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

impl SecondaryTask {
    /// Runs until the sender of NOTIFY is dropped: the server ends, or the zone is configured no more.
    pub(super) async fn run(mut self, mut listener: Listener) {
        let clients: Vec<PrimaryClient> = self
            .settings
            .source
            .list
            .iter()
            .map(|one| PrimaryClient::new(one.clone(), self.settings.source.credentials.clone()))
            .collect();
        let now = Instant::now();
        let expires = self.holds.and_then(|holds| now.checked_add(holds));
        self.settle().await;
        let soa = self.current.as_ref().and_then(|version| Soa::of(version.contents.as_deref()?));
        let mut refresh = Refresh::new(clients.len(), soa.map(|soa| Held { soa, expires }), now);
        loop {
            let expire = refresh.held().map(|held| expiry(&held.soa));
            self.status.change(|status| status.expire = expire.or(status.expire));
            let kept = self.kept(&refresh);
            self.saving.begin(kept);
            let due = self.saving.due().map_or(refresh.due(), |due| due.min(refresh.due()));
            tokio::select! {
                heard = listener.next() => match heard {
                    Some(HeardNotify { from, told }) => {
                        if refresh.notified(Some(from), told, Instant::now()) {
                            self.status.change(|status| status.notified += 1);
                        }
                        continue;
                    }
                    None => {
                        let kept = self.kept(&refresh);
                        return self.saving.finish(kept).await;
                    }
                },
                () = self.saving.ended() => continue,
                () = sleep_until(due.into()) => {}
            }
            if refresh.due() <= Instant::now() && self.round(&clients, &mut refresh).await.is_err() {
                return;
            }
        }
    }

    /// Has what is served be what these settings make of it. What was transferred while they were read was made under
    /// those of before; what they do not allow at all gives way to what a primary sends next.
    async fn settle(&mut self) {
        while let Some(current) = self.current.clone() {
            if current.is_current(&self.settings.inputs()) {
                return;
            }
            let (settings, before) = (Arc::clone(&self.settings), Arc::clone(&current));
            let made = tokio::task::spawn_blocking(move || making::remade(&settings, &before)).await;
            let Ok(Ok(version)) = made else {
                self.current = None;
                return;
            };
            let version = Arc::new(version);
            match self.publications.replace(current, Arc::clone(&version)).await {
                Ok(()) => {
                    self.current = Some(Arc::clone(&version));
                    self.published = Some(version);
                    return;
                }
                Err(NotPublished::OtherBase(served)) => {
                    self.current = served.as_ref().map(ZoneVersion::as_it_came);
                }
                Err(NotPublished::NoZone | NotPublished::Ending) => return,
            }
        }
    }

    /// How what is served is kept, and how it is noted that it holds.
    fn kept(&self, refresh: &Refresh) -> impl FnOnce(Doing) -> Option<Work> + use<> {
        let (folder, id, at) = (self.settings.folder.clone(), self.settings.id().clone(), since(refresh));
        let (current, from) = (self.current.clone(), self.from.clone());
        move |doing| {
            let folder = folder?;
            let told = |error: std::io::Error| error.to_string();
            match doing {
                Doing::Writing => {
                    let (contents, from) = (current?.contents.clone()?, from?);
                    Some(Box::new(move || copy::write(&folder, &id, &contents, &from, at).map_err(told)))
                }
                Doing::Confirming => Some(Box::new(move || copy::confirm(&folder, &id, at).map_err(told))),
            }
        }
    }

    /// Asks one primary after the other until one answers usefully. Fails when the server ends.
    async fn round(&mut self, clients: &[PrimaryClient], refresh: &mut Refresh) -> Result<(), NotPublished> {
        let mut faults = Vec::new();
        for place in refresh.order() {
            let Some(client) = clients.get(place) else { continue };
            match self.ask(client, place, refresh).await {
                Ok(()) => {
                    self.tell_well(client);
                    return self.publish(refresh).await;
                }
                Err(why) => faults.push(format!("{}: {why}", client.primary())),
            }
        }
        refresh.failed(Instant::now(), self.random.next());
        self.tell_ill(faults.join("; ")).await
    }

    /// Asks one primary, and transfers the zone if its version is newer.
    async fn ask(
        &mut self,
        client: &PrimaryClient,
        place: usize,
        refresh: &mut Refresh,
    ) -> Result<(), String> {
        let apex = &self.settings.zone.id.name;
        let PrimaryVersion { soa, expire } =
            client.soa(apex, &self.random).await.map_err(|error| error.to_string())?;
        match refresh.compare_serial(soa.serial, Instant::now()) {
            SerialComparison::Same => {
                refresh.confirmed(place, expire, Instant::now(), self.random.next());
                self.saving.confirmed();
                Ok(())
            }
            SerialComparison::Older => {
                let ours = refresh.held().map_or(0, |held| held.soa.serial);
                Err(format!("it is at serial {}, which is older than ours, {ours}", soa.serial))
            }
            SerialComparison::Newer => {
                let newer_than = refresh.newer_than(Instant::now());
                let seen = self.transfer(client, soa.serial, newer_than).await?;
                if is_newer(soa.serial, seen.soa.serial) {
                    refresh.promised(soa.serial);
                }
                refresh.transferred(place, seen.soa, seen.expire, Instant::now(), self.random.next());
                Ok(())
            }
        }
    }

    /// Transfers a newer version, by IXFR if possible, and makes a zone version of it.
    async fn transfer(
        &mut self,
        client: &PrimaryClient,
        serial: u32,
        newer_than: Option<u32>,
    ) -> Result<PrimaryVersion, String> {
        let (zone, primary) = (self.settings.id().to_string(), client.primary().to_string());
        let origin = Origin::Transfer(Arc::new(Transfer { zone, primary, serial }));
        let current = self.current.as_ref().filter(|version| version.contents.is_some());
        // Nothing leads from a version to an older one.
        let base = current.map(|version| version.serial).filter(|base| is_newer(serial, *base));
        if let Some(base) = base {
            let asked = self.settings.asked(Some(base), newer_than, origin.clone());
            match client.transfer(&asked, &self.random).await {
                Ok(fetched) => match self.make(client, fetched, &origin).await {
                    Ok(seen) => return Ok(seen),
                    Err(why) => debug!("zone {}: {}: IXFR: {why}", self.settings.id(), client.primary()),
                },
                Err(FetchError::Fault(fault)) if fault.is_of_changes() => {
                    debug!("zone {}: {}: IXFR: {fault}", self.settings.id(), client.primary());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        let asked = self.settings.asked(None, newer_than, origin.clone());
        let fetched = client.transfer(&asked, &self.random).await;
        self.make(client, fetched.map_err(|error| error.to_string())?, &origin).await
    }

    /// Makes a zone version of a transfer, on a blocking thread.
    async fn make(
        &mut self,
        client: &PrimaryClient,
        fetched: Fetched,
        origin: &Origin,
    ) -> Result<PrimaryVersion, String> {
        let Fetched { seen, received, bytes } = fetched;
        let is_whole = matches!(received, Received::Whole(_));
        let (settings, current) = (Arc::clone(&self.settings), self.current.clone());
        let origin = origin.clone();
        let made = tokio::task::spawn_blocking(move || {
            making::make(&settings, current.as_deref(), received, origin)
        });
        let version = made.await.map_err(|_| "making the zone has failed".to_owned())??;
        if version.serial != seen.soa.serial {
            return Err(format!("what it sends is at serial {}, not {}", version.serial, seen.soa.serial));
        }
        let (id, from, records, serial) =
            (self.settings.id(), client.primary(), version.records, version.serial);
        let before = self.current.as_ref().map(|version| version.serial);
        match (is_whole, before) {
            (false, Some(before)) => info!(
                zone = %id.name, serial,
                "zone {id} from serial {before} to {serial}: changes of {bytes} bytes from {from}"
            ),
            _ => {
                info!(zone = %id.name, serial, "zone {id} serial {serial}: {records} records, {bytes} bytes from {from}")
            }
        }
        self.status.change(|status| {
            *(if is_whole { &mut status.axfr } else { &mut status.ixfr }) += 1;
            status.bytes = status.bytes.saturating_add(bytes);
        });
        self.current = Some(Arc::new(version));
        self.from = Some(from.to_string());
        self.saving.changed();
        Ok(seen)
    }

    /// Publishes the current version for as long as it holds.
    async fn publish(&mut self, refresh: &Refresh) -> Result<(), NotPublished> {
        let Some(version) = self.current.clone() else { return Ok(()) };
        let holds = refresh.holds(Instant::now());
        let is_new = !self.published.as_ref().is_some_and(|published| Arc::ptr_eq(published, &version));
        self.published = Some(Arc::clone(&version));
        self.publications.apply(Event::Accepted { version, holds }).await?;
        if is_new && self.settings.wants_hosts {
            (self.addresses_changed)();
        }
        Ok(())
    }

    /// Notes that a primary answered usefully.
    fn tell_well(&self, client: &PrimaryClient) {
        let id = self.settings.id();
        let from = client.primary().to_string();
        self.status.change(|status| {
            if status.fault.take().is_some() {
                info!(zone = %id.name, "zone {id} is confirmed again, by {from}");
            }
            status.from = Some(from);
            status.confirmed_at = Some(SystemTime::now());
        });
    }

    /// Notes that no primary did: logs it once, and shows it in the status until one does.
    async fn tell_ill(&mut self, why: String) -> Result<(), NotPublished> {
        let id = self.settings.id();
        let mut is_news = false;
        self.status.change(|status| {
            status.failed = status.failed.saturating_add(1);
            is_news = status.fault.as_ref() != Some(&why);
            status.fault = Some(why.clone());
        });
        if !is_news {
            return Ok(());
        }
        match &self.current {
            Some(version) => {
                warn!(zone = %id.name, "zone {id} stays at serial {}, no primary confirms it: {why}", version.serial);
            }
            None => warn!(zone = %id.name, "zone {id} cannot be copied: {why}"),
        }
        let fault = Fault::of(format!("no primary confirms it: {why}"));
        self.publications.apply(Event::Refused { fault, last_good: None }).await
    }
}

/// Since when what is here holds, if it holds for as long as its SOA record says: a primary that is a secondary itself may
/// have said that it holds for less (RFC 7314).
fn since(refresh: &Refresh) -> SystemTime {
    let (now, at) = (Instant::now(), SystemTime::now());
    let Some((held, holds)) = refresh.held().zip(refresh.holds(now)) else { return at };
    let past = expiry(&held.soa).saturating_sub(holds);
    at.checked_sub(past).unwrap_or(at)
}
