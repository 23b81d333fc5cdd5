//! The one task that follows all catalogs, beside the loop.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::status::CatalogStatus;
use crate::dns::Name;
use crate::sync::lock;
use crate::zones::copy;
use crate::zones::local_addresses::known_addresses;
use crate::zones::members::{Clash, Losses, MemberZones, Said, SettingsAre, Turn};
use crate::zones::publication::{MemberChange, NotPublished, Publications};
use crate::zones::secondary::{ForgottenCopies, Secondaries};
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::store::StoredZone;
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// Zones that come or go with one turn of the loop, which does other things between two of those.
const CHANGES_AT_ONCE_MAX: usize = 256;

/// Zones that are named in a line of the log; the rest is counted.
const NAMED_MAX: usize = 4;

/// How long the end of the server waits for what is being written.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Follows catalogs.
pub struct Catalogs {
    wanted: watch::Sender<Wanted>,
    statuses: Arc<Mutex<Vec<CatalogStatus>>>,
    task: JoinHandle<()>,
}

/// What is to be followed now.
#[derive(Clone, Default)]
struct Wanted {
    settings: Option<Arc<Settings>>,
    /// What is served of each catalog, in the order of the settings; none: SERVFAIL.
    versions: Vec<Option<Arc<ZoneVersion>>>,
    /// How often the operator has said that all losses are meant.
    meant: u64,
}

impl Catalogs {
    /// None yet. Zones come and go by way of `publications`, and are copied by `secondaries`. Needs a runtime.
    pub fn start(publications: Publications, secondaries: Option<Secondaries>) -> Catalogs {
        let (wanted, followed) = watch::channel(Wanted::default());
        let statuses = Arc::default();
        let task = CatalogTask {
            publications,
            secondaries,
            member_zones: MemberZones::default(),
            statuses: Arc::clone(&statuses),
            settings: None,
            meant: 0,
            said: BTreeMap::new(),
        };
        Catalogs { wanted, statuses, task: tokio::spawn(task.run(followed)) }
    }

    /// Follows the catalogs of these settings from now on; `served` says what is served of a zone. With
    /// [`Losses::Meant`], members that are gone go, however many.
    pub fn follow<'v>(
        &self,
        settings: Settings,
        served: impl Fn(&ZoneId) -> Option<&'v Arc<ZoneVersion>>,
        losses: Losses,
    ) {
        let versions = versions(&settings, served);
        self.wanted.send_modify(|wanted| {
            wanted.settings = Some(Arc::new(settings));
            wanted.versions = versions;
            wanted.meant = wanted.meant.wrapping_add(u64::from(losses == Losses::Meant));
        });
    }

    /// Notes what is served now. Costs a look-up for each catalog.
    pub fn note<'v>(&self, served: impl Fn(&ZoneId) -> Option<&'v Arc<ZoneVersion>>) {
        self.wanted.send_if_modified(|wanted| {
            let Some(settings) = &wanted.settings else { return false };
            let now = versions(settings, served);
            let pointers = |versions: &[Option<Arc<ZoneVersion>>]| -> Vec<Option<*const ZoneVersion>> {
                versions.iter().map(|version| version.as_ref().map(Arc::as_ptr)).collect()
            };
            let is_new = pointers(&now) != pointers(&wanted.versions);
            wanted.versions = now;
            is_new
        });
    }

    /// How each catalog stands, in the order of the settings.
    pub fn status(&self) -> Vec<CatalogStatus> {
        lock(&self.statuses).clone()
    }

    /// Ends when what is under way is done.
    pub async fn stop(self) {
        drop(self.wanted);
        let _ = timeout(STOP_WAIT, self.task).await;
    }
}

/// What is served of each catalog.
fn versions<'v>(
    settings: &Settings,
    served: impl Fn(&ZoneId) -> Option<&'v Arc<ZoneVersion>>,
) -> Vec<Option<Arc<ZoneVersion>>> {
    settings.catalogs.iter().map(|catalog| served(&catalog.name.clone().into()).cloned()).collect()
}

/// The task.
struct CatalogTask {
    publications: Publications,
    secondaries: Option<Secondaries>,
    member_zones: MemberZones,
    statuses: Arc<Mutex<Vec<CatalogStatus>>>,
    /// The settings that were followed last.
    settings: Option<Arc<Settings>>,
    meant: u64,
    /// What was told last of each catalog.
    said: BTreeMap<Name, Said>,
}

impl CatalogTask {
    /// Turns until the server ends.
    async fn run(mut self, mut followed: watch::Receiver<Wanted>) {
        while followed.changed().await.is_ok() {
            let wanted = followed.borrow_and_update().clone();
            let Some(settings) = wanted.settings.clone() else { continue };
            let Ok(turn) = self.look(wanted, &settings).await else { return };
            self.tell(&settings, &turn);
            if self.make(&settings, turn).await.is_err() {
                return;
            }
        }
    }

    /// Looks at what is wanted, on a thread of its own: a catalog may have many members.
    async fn look(&mut self, wanted: Wanted, settings: &Arc<Settings>) -> Result<Turn, ()> {
        let are_same = self.settings.as_ref().is_some_and(|known| Arc::ptr_eq(known, settings));
        let settings_are = if are_same { SettingsAre::Known } else { SettingsAre::New };
        let losses = if wanted.meant == self.meant { Losses::Doubted } else { Losses::Meant };
        self.meant = wanted.meant;
        self.settings = Some(Arc::clone(settings));
        let (mut member_zones, settings) = (std::mem::take(&mut self.member_zones), Arc::clone(settings));
        let looked = tokio::task::spawn_blocking(move || {
            member_zones.begin(&settings);
            let turn = member_zones.look(&settings, &wanted.versions, losses, settings_are);
            (member_zones, turn)
        });
        let (member_zones, turn) =
            looked.await.map_err(|failed| error!("catalogs are followed no more: {failed}"))?;
        self.member_zones = member_zones;
        Ok(turn)
    }

    /// Has zones come and go.
    async fn make(&mut self, settings: &Settings, turn: Turn) -> Result<(), NotPublished> {
        let Turn { served, news: _, reset, removed, left, changed } = turn;
        let forgotten: Vec<Name> =
            removed.iter().cloned().chain(reset.iter().map(|zone| zone.id.name.clone())).collect();
        if let Some(secondaries) = &self.secondaries {
            secondaries.forget_members(forgotten.iter(), ForgottenCopies::Removed).await;
            secondaries.forget_members(left.iter(), ForgottenCopies::Kept).await;
        }
        self.remove_copies(settings, forgotten).await;
        let drops = removed.into_iter().chain(left).map(MemberChange::Drop);
        let resets = reset.into_iter().map(|zone| MemberChange::Reset(Box::new(zone)));
        let serves = served.into_iter().map(|zone| MemberChange::Serve(Box::new(zone)));
        let own = known_addresses();
        let mut changes = drops.chain(resets).chain(serves).peekable();
        while changes.peek().is_some() {
            let some: Vec<MemberChange> = changes.by_ref().take(CHANGES_AT_ONCE_MAX).collect();
            let zones: Vec<ZoneSettings> = some.iter().filter_map(MemberChange::settings).cloned().collect();
            let stored = self.publications.change_members(some).await?;
            let stored: HashMap<&ZoneId, &StoredZone> = stored.iter().map(|zone| (&zone.id, zone)).collect();
            for zone in zones {
                if let (Some(stored), Some(secondaries)) = (stored.get(&zone.id), &self.secondaries) {
                    secondaries.follow_member(settings, zone, own.clone(), stored);
                }
            }
        }
        self.keep(settings, changed.into_iter().collect()).await;
        Ok(())
    }

    /// Removes the copies of zones of which nothing holds any more.
    async fn remove_copies(&self, settings: &Settings, zones: Vec<Name>) {
        let Some(folder) = settings.state_directory.clone().filter(|_| !zones.is_empty()) else { return };
        let removed = tokio::task::spawn_blocking(move || {
            let mut removed = zones.into_iter().map(|zone| copy::remove(&folder, &zone.into()));
            removed.find_map(Result::err)
        });
        if let Ok(Some(error)) = removed.await {
            warn!("cannot remove the copy of a zone that is no member of a catalog any more: {error}");
        }
    }

    /// Keeps the members of these catalogs for the next start.
    async fn keep(&mut self, settings: &Settings, catalogs: Vec<Name>) {
        let Some(folder) = settings.state_directory.clone().filter(|_| !catalogs.is_empty()) else { return };
        let member_zones = std::mem::take(&mut self.member_zones);
        let kept = tokio::task::spawn_blocking(move || {
            let kept = catalogs.iter().map(|catalog| member_zones.keep(&folder, catalog));
            let errors: Vec<std::io::Error> = kept.filter_map(Result::err).collect();
            (member_zones, errors.into_iter().next())
        });
        let Ok((member_zones, error)) = kept.await else { return };
        self.member_zones = member_zones;
        if let Some(error) = error {
            warn!(
                "cannot store the members of a catalog: {error}; a restart serves those of before until a primary answers"
            );
        }
    }

    /// Says what has changed of each catalog.
    fn tell(&mut self, settings: &Settings, turn: &Turn) {
        let said = self.member_zones.said();
        *lock(&self.statuses) = settings
            .catalogs
            .iter()
            .filter_map(|catalog| Some(CatalogStatus::of(&catalog.name, said.get(&catalog.name)?)))
            .collect();
        for (name, now) in said {
            let before = self.said.get(name).cloned().unwrap_or_default();
            tell_one(name, &before, now);
        }
        self.said = said.clone();
        let reset: Vec<Name> = turn.reset.iter().map(|zone| zone.id.name.clone()).collect();
        let gone: Vec<Name> = turn.removed.iter().chain(&turn.left).cloned().collect();
        for (what, zones) in [("removed", gone), ("begun anew", reset), ("served", turn.news.clone())] {
            if !zones.is_empty() {
                info!("zones of catalogs {what}: {}", listed(&zones));
            }
        }
    }
}

/// Says what has changed of a catalog.
fn tell_one(name: &Name, before: &Said, now: &Said) {
    match (&before.broken, &now.broken) {
        (_, None) if now.taken != before.taken => {
            info!(zone = %name, serial = now.taken, "catalog {name} serial {}: {} members", now.taken.unwrap_or(0), now.members);
        }
        (before, Some(broken)) if before.as_ref() != Some(broken) => {
            error!(zone = %name, "catalog {name} is broken, its {} members stay as they are: {broken}", now.members);
        }
        _ => {}
    }
    if now.held > 0 && now.held != before.held {
        error!(
            zone = %name,
            "catalog {name} has lost {} of {} members at once: they are served on; `edgedns reload` lets them go",
            now.held, now.members
        );
    }
    let new: Vec<(&Name, &Clash)> =
        now.clashes.iter().filter(|(zone, clash)| before.clashes.get(*zone) != Some(*clash)).collect();
    for (zone, clash) in new.iter().take(NAMED_MAX) {
        error!(zone = %name, "zone {zone} is no member of catalog {name} here: {clash}");
    }
    if new.len() > NAMED_MAX {
        error!(zone = %name, "and {} more zones are no members of catalog {name} here", new.len() - NAMED_MAX);
    }
}

/// The first of some zones, and how many there are besides.
fn listed(zones: &[Name]) -> String {
    let named: Vec<String> = zones.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    match zones.len().saturating_sub(NAMED_MAX) {
        0 => named.join(" "),
        more => format!("{} and {more} more", named.join(" ")),
    }
}
