//! The task of one secondary zone: asks its primaries, publishes what has come, and writes a copy of it.
//!
//! `transfer::incoming::Refresh` decides when to ask, `making` makes the version.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tracing::{debug, info, warn};

use super::making;
use super::settings::SecondarySettings;
use crate::source::{Origin, Transfer};
use crate::tls::{Random, Verify};
use crate::transfer::Soa;
use crate::transfer::incoming::{
    FetchError, Fetched, Held, PrimaryClient, Received, Refresh, Seen, Standing,
};
use crate::zones::copy;
use crate::zones::feed::SharedStatus;
use crate::zones::publication::{NotPublished, Publications};
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;

/// A copy is not written more often than this part of the time that it takes allows.
const SAVING_SHARE: u32 = 20;

/// When it is tried again to write what could not be written.
const SAVING_RETRY: Duration = Duration::from_secs(60);

/// A NOTIFY for the zone, from somebody who may send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notified {
    /// Which primary sent it, by its place; none: it is none of them.
    pub(super) from: Option<usize>,
    /// The serial that it tells of.
    pub(super) serial: Option<u32>,
}

/// What a task begins with.
pub(super) struct SecondaryTask {
    pub(super) settings: Arc<SecondarySettings>,
    /// What is served; none: SERVFAIL.
    pub(super) current: Option<Arc<ZoneVersion>>,
    /// What this task, or the load before it, published last.
    pub(super) published: Option<Arc<ZoneVersion>>,
    /// How long `current` holds.
    pub(super) holds: Option<Duration>,
    pub(super) publications: Publications,
    pub(super) status: SharedStatus,
    pub(super) random: Arc<Random>,
    /// The copy that is to be written, as soon as it may be.
    pub(super) saving: Saving,
    /// Called when a new version is served from whose addresses other zones are made.
    pub(super) addresses_changed: Arc<dyn Fn() + Send + Sync>,
}

/// When a copy is written.
#[derive(Default)]
pub(super) struct Saving {
    /// From which primary it came; none: what is kept is what is served.
    unsaved: Option<String>,
    due: Option<Instant>,
    /// When it may be written next.
    not_before: Option<Instant>,
    /// What was wrong the last time, so that it is said once.
    fault: Option<String>,
}

impl Saving {
    /// What is served is written once more, as copied from a primary, if it is known from which.
    pub(super) fn anew(from: Option<String>) -> Saving {
        let due = from.is_some().then(Instant::now);
        Saving { unsaved: from, due, ..Saving::default() }
    }
}

impl SecondaryTask {
    /// Turns until nobody can send NOTIFY any more: that is the end of the server, or of the zone.
    pub(super) async fn run(mut self, mut notified: mpsc::Receiver<Notified>) {
        let clients: Vec<PrimaryClient> = self
            .settings
            .primaries
            .list
            .iter()
            .map(|one| PrimaryClient::new(one.clone(), Verify::System))
            .collect();
        let now = Instant::now();
        let soa = self.current.as_ref().and_then(|version| Soa::of(version.contents.as_deref()?));
        let expires = self.holds.and_then(|holds| now.checked_add(holds));
        let mut refresh = Refresh::new(clients.len(), soa.map(|soa| Held { soa, expires }), now);
        loop {
            let due = self.saving.due.map_or(refresh.due(), |due| due.min(refresh.due()));
            tokio::select! {
                message = notified.recv() => match message {
                    Some(Notified { from, serial }) => {
                        if refresh.notified(from, serial, Instant::now()) {
                            self.status.change(|status| status.notified += 1);
                        }
                        continue;
                    }
                    None => return self.save().await,
                },
                () = sleep_until(due.into()) => {}
            }
            let now = Instant::now();
            if refresh.due() <= now && self.round(&clients, &mut refresh).await.is_err() {
                return;
            }
            if self.saving.due.is_some_and(|due| due <= now) {
                self.save().await;
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
        let Seen { soa, expire } = client.soa(apex, &self.random).await.map_err(|error| error.to_string())?;
        match refresh.standing(soa.serial) {
            Standing::Same => {
                refresh.confirmed(place, expire, Instant::now(), self.random.next());
                self.confirm_copy().await;
                Ok(())
            }
            Standing::Older => {
                let ours = refresh.held().map_or(0, |held| held.soa.serial);
                Err(format!("it is at serial {}, which is older than ours, {ours}", soa.serial))
            }
            Standing::Newer => {
                let seen = self.transfer(client, soa.serial).await?;
                refresh.transferred(place, seen.soa, seen.expire, Instant::now(), self.random.next());
                Ok(())
            }
        }
    }

    /// Transfers what is newer, as changes where that goes, and makes a version of it.
    async fn transfer(&mut self, client: &PrimaryClient, serial: u32) -> Result<Seen, String> {
        let (zone, primary) = (self.settings.id().to_string(), client.primary().to_string());
        let origin = Origin::Transfer(Arc::new(Transfer { zone, primary, serial }));
        let base =
            self.current.as_ref().filter(|version| version.contents.is_some()).map(|version| version.serial);
        if let Some(base) = base {
            match client.transfer(&self.settings.asked(Some(base), origin.clone()), &self.random).await {
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
        let fetched = client.transfer(&self.settings.asked(None, origin.clone()), &self.random).await;
        self.make(client, fetched.map_err(|error| error.to_string())?, &origin).await
    }

    /// Makes a zone version of a transfer, on a blocking thread.
    async fn make(
        &mut self,
        client: &PrimaryClient,
        fetched: Fetched,
        origin: &Origin,
    ) -> Result<Seen, String> {
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
        self.saving.unsaved = Some(from.to_string());
        let now = Instant::now();
        self.saving.due = Some(self.saving.not_before.map_or(now, |not_before| not_before.max(now)));
        Ok(seen)
    }

    /// Publishes the current version for as long as it holds.
    async fn publish(&mut self, refresh: &Refresh) -> Result<(), NotPublished> {
        let Some(version) = self.current.clone() else { return Ok(()) };
        let holds = refresh.holds(Instant::now());
        let is_new = !self.published.as_ref().is_some_and(|published| Arc::ptr_eq(published, &version));
        self.published = Some(Arc::clone(&version));
        self.publications.apply(self.settings.id().clone(), Event::Accepted { version, holds }).await?;
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
        let fault = Fault { sentence: format!("no primary confirms it: {why}"), drawn: None };
        self.publications.apply(id.clone(), Event::Refused { fault, last_good: None }).await
    }

    /// Notes that the copy holds.
    async fn confirm_copy(&mut self) {
        let (Some(folder), None) = (self.settings.folder.clone(), &self.saving.unsaved) else { return };
        let id = self.settings.id().clone();
        let noted = tokio::task::spawn_blocking(move || copy::confirm(&folder, &id, SystemTime::now())).await;
        self.tell_saved(noted.unwrap_or(Ok(())).map_err(|error| error.to_string()));
    }

    /// Writes what is current, if it is not kept yet.
    async fn save(&mut self) {
        self.saving.due = None;
        let (Some(folder), Some(version)) = (self.settings.folder.clone(), self.current.clone()) else {
            return;
        };
        let Some(from) = self.saving.unsaved.take() else { return };
        let id = self.settings.id().clone();
        let confirmed_at = self.status.get().confirmed_at.unwrap_or_else(SystemTime::now);
        let begun = Instant::now();
        let name = from.clone();
        let written = tokio::task::spawn_blocking(move || match version.contents.as_deref() {
            Some(zone) => copy::write(&folder, &id, zone, &name, confirmed_at),
            None => Ok(()),
        });
        let written = written.await.unwrap_or(Ok(())).map_err(|error| error.to_string());
        let (now, pause) = (Instant::now(), begun.elapsed().saturating_mul(SAVING_SHARE));
        self.saving.not_before = now.checked_add(pause);
        if written.is_err() {
            self.saving.unsaved = Some(from);
            self.saving.due = now.checked_add(pause.max(SAVING_RETRY));
        }
        self.tell_saved(written);
    }

    fn tell_saved(&mut self, done: Result<(), String>) {
        let id = self.settings.id();
        let fault = done.err();
        if let Some(why) = fault.as_ref().filter(|_| self.saving.fault != fault) {
            warn!(zone = %id.name, "cannot store a copy of zone {id}: {why}; a restart serves an older copy, or none until a primary answers");
        }
        self.saving.fault = fault;
    }
}
