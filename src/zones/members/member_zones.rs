//! The members of all catalogs by the settings and versions of now.
//!
//! Responsible for one look at several catalogs giving one fate for each zone, and for what is told of each catalog. Pure
//! but for what is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use tracing::warn;

use super::kept;
use super::membership::{Clash, Losses, Membership, Step, Taken};
use crate::dns::Name;
use crate::transfer::catalog::{Broken, Catalog};
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::version::ZoneVersion;

/// The members of all catalogs.
#[derive(Default)]
pub(in crate::zones) struct MemberZones {
    membership: Membership,
    /// The last good version of each catalog.
    newest: BTreeMap<Name, Arc<Catalog>>,
    said: BTreeMap<Name, Said>,
    /// The versions that were looked at last.
    seen: HashMap<Name, Arc<ZoneVersion>>,
    /// Whether members of before were taken.
    has_begun: bool,
}

/// What is to be told of a catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::zones) struct Said {
    /// The serial of the version that was taken last; none: none was since the start.
    pub(in crate::zones) taken: Option<u32>,
    /// Why the newest version changes nothing.
    pub(in crate::zones) broken: Option<Broken>,
    /// Members that are not in it any more, and are served on.
    pub(in crate::zones) held: usize,
    /// The zones that it names and others have.
    pub(in crate::zones) clashes: BTreeMap<Name, Clash>,
    /// How many members it has here.
    pub(in crate::zones) members: usize,
}

/// What one look at the catalogs gave.
#[derive(Default)]
pub(in crate::zones) struct Turn {
    /// Zones to be served as these settings say.
    pub(in crate::zones) served: Vec<ZoneSettings>,
    /// Those of them that a catalog has named, or said something else of, since the last look.
    pub(in crate::zones) news: Vec<Name>,
    /// The same, where what is known of the zone does not hold.
    pub(in crate::zones) reset: Vec<ZoneSettings>,
    /// Zones to be served no more, and forgotten.
    pub(in crate::zones) removed: Vec<Name>,
    /// Zones to be served no more because of the config file: somebody may have left out a line by mistake.
    pub(in crate::zones) left: Vec<Name>,
    /// Catalogs whose members are not what they were.
    pub(in crate::zones) changed: HashSet<Name>,
}

/// What becomes of a zone in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Served,
    Reset,
    Removed,
    Left,
}

impl MemberZones {
    /// Takes the members that were kept when the server ended. Only the first call does anything.
    pub(in crate::zones) fn begin(&mut self, settings: &Settings) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let Some(folder) = &settings.state_directory else { return };
        let configured = configured(settings);
        for catalog in &settings.catalogs {
            match kept::read(folder, &catalog.name) {
                Ok(Some(known)) => self.membership.restore(&catalog.name, &known, &configured),
                Ok(None) => {}
                Err(error) => {
                    warn!(zone = %catalog.name, "cannot read the members that were kept of catalog {}: {error}", catalog.name);
                }
            }
        }
    }

    /// Looks at the newest version of each catalog. Those that were looked at before are passed over, unless the settings
    /// are others.
    pub(in crate::zones) fn look(
        &mut self,
        settings: &Settings,
        versions: &[Option<Arc<ZoneVersion>>],
        losses: Losses,
        settings_are: SettingsAre,
    ) -> Turn {
        let configured = configured(settings);
        let mut fates: HashMap<Name, Fate> = HashMap::new();
        let mut changed = HashSet::new();
        if settings_are == SettingsAre::New {
            let catalogs: HashSet<Name> =
                settings.catalogs.iter().map(|catalog| catalog.name.clone()).collect();
            self.newest.retain(|name, _| catalogs.contains(name));
            self.said.retain(|name, _| catalogs.contains(name));
            self.seen.retain(|name, _| catalogs.contains(name));
            changed.extend(catalogs.iter().cloned());
            let left = self.membership.keep_to(&catalogs, &configured);
            fates.extend(left.into_iter().map(|zone| (zone, Fate::Left)));
        }
        // All are read before any is taken: one may let go of what another one names.
        let mut due = Vec::new();
        for (catalog, version) in settings.catalogs.iter().zip(versions) {
            let name = &catalog.name;
            let Some(version) = version else { continue };
            let is_seen = self.seen.get(name).is_some_and(|seen| Arc::ptr_eq(seen, version));
            let is_held = self.said.get(name).is_some_and(|said| said.held > 0) && losses == Losses::Meant;
            if is_seen && settings_are == SettingsAre::Known && !is_held {
                continue;
            }
            self.seen.insert(name.clone(), Arc::clone(version));
            if self.read(name, version) {
                due.push((name, version.serial));
            }
        }
        for (name, serial) in due {
            let Taken { steps, clashes, held } =
                self.membership.take(name, &configured, &self.newest, losses);
            let said = self.said.entry(name.clone()).or_default();
            *said = Said { taken: Some(serial), broken: None, held, clashes, members: 0 };
            if !steps.is_empty() {
                changed.insert(name.clone());
                // A member that one lets go of may be another's now.
                changed.extend(self.newest.keys().cloned());
            }
            note(&mut fates, steps);
        }
        for catalog in &settings.catalogs {
            let members = self.membership.count(&catalog.name);
            self.said.entry(catalog.name.clone()).or_default().members = members;
        }
        let news = fates.iter().filter(|(_, fate)| **fate == Fate::Served).map(|(zone, _)| zone.clone());
        let turn = Turn { news: news.collect(), changed, ..Turn::default() };
        if settings_are == SettingsAre::New {
            // Their settings may be others.
            for (zone, _) in self.membership.iter() {
                fates.entry(zone.clone()).or_insert(Fate::Served);
            }
        }
        self.settle(turn, settings, fates)
    }

    /// Reads a version; whether it is a good one.
    fn read(&mut self, name: &Name, version: &ZoneVersion) -> bool {
        let Some(zone) = version.contents.as_deref() else { return false };
        match Catalog::of(zone) {
            Ok(catalog) => {
                self.newest.insert(name.clone(), Arc::new(catalog));
                true
            }
            Err(broken) => {
                self.said.entry(name.clone()).or_default().broken = Some(broken);
                false
            }
        }
    }

    /// Adds what becomes of each zone.
    fn settle(&self, mut turn: Turn, settings: &Settings, fates: HashMap<Name, Fate>) -> Turn {
        for (zone, fate) in fates {
            let Some(owned) = self.membership.get(&zone) else {
                if fate == Fate::Left { &mut turn.left } else { &mut turn.removed }.push(zone);
                continue;
            };
            let catalog = settings.catalogs.iter().find(|catalog| catalog.name == owned.catalog);
            let Some(catalog) = catalog else { continue };
            let served = catalog.member(&zone, &owned.member);
            if fate == Fate::Served { &mut turn.served } else { &mut turn.reset }.push(served);
        }
        turn
    }

    /// What is to be told of each catalog.
    pub(in crate::zones) fn said(&self) -> &BTreeMap<Name, Said> {
        &self.said
    }

    /// Keeps the members of a catalog for the next start.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(in crate::zones) fn keep(&self, folder: &Path, catalog: &Name) -> std::io::Result<()> {
        let serial = self.said.get(catalog).and_then(|said| said.taken).unwrap_or(0);
        let own = self.membership.iter().filter(|(_, owned)| owned.catalog == *catalog);
        kept::write(folder, catalog, serial, own)
    }
}

/// Whether the settings are those of the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::zones) enum SettingsAre {
    Known,
    New,
}

/// The zones of the config file.
fn configured(settings: &Settings) -> HashSet<Name> {
    settings.zones.iter().map(|zone| zone.id.name.clone()).collect()
}

/// Adds what happens next to what has happened to zones.
fn note(fates: &mut HashMap<Name, Fate>, steps: Vec<Step>) {
    for step in steps {
        let (zone, fate) = match step {
            Step::Added(zone) if fates.contains_key(&zone) => (zone, Fate::Reset),
            Step::Changed(zone) if fates.get(&zone) == Some(&Fate::Reset) => (zone, Fate::Reset),
            Step::Added(zone) | Step::Changed(zone) => (zone, Fate::Served),
            Step::Reset(zone) => (zone, Fate::Reset),
            Step::Removed(zone) => (zone, Fate::Removed),
        };
        fates.insert(zone, fate);
    }
}
