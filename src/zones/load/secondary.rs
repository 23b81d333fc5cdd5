//! Zones whose records come while they are served, at a start and at a reload.
//!
//! Asks no other server. A start reads the last copy on disk; a reload makes the served version anew under the new
//! settings.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources, patiently_for};
use crate::transfer::Soa;
use crate::transfer::incoming::expiry;
use crate::zone;
use crate::zones::copy::{self, ZoneCopy};
use crate::zones::source::Reading;
use crate::zones::version::ZoneVersion;

/// How long a copy may take to come. It is on a disk of this node, and may be long.
const COPY_WAIT_MAX: Duration = Duration::from_secs(30);

/// A zone to be loaded.
pub(super) struct SecondaryLoad<'l> {
    pub(super) fed: FedZone<'l>,
}

impl SecondaryLoad<'_> {
    /// Makes the served version anew; if none is served, reads the last copy.
    pub(super) fn load(self, sources: &Sources, before: Option<&Arc<ZoneVersion>>, loaded: &mut LoadedZone) {
        let mut faults = Diagnostics::default();
        match before {
            Some(before) => match self.fed.remade(before, &mut faults) {
                Some(version) => {
                    loaded.version = Some(Arc::new(version));
                    loaded.loaded_as = LoadedAs::Remade { from: Arc::clone(before) };
                }
                None => {
                    let why = format!(
                        "what was copied cannot be served with these settings: {}",
                        faults.first_error_or("it cannot be read")
                    );
                    faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
                    loaded.error = Some(why);
                    loaded.faults = faults;
                }
            },
            None => self.take_copy(sources, loaded),
        }
    }

    fn take_copy(&self, sources: &Sources, loaded: &mut LoadedZone) {
        let Some(folder) = self.fed.folder else { return };
        let (named, id) = (folder.to_owned(), loaded.id.clone());
        let read = patiently_for(folder, COPY_WAIT_MAX, move |_| copy::read(&named, &id));
        let copy = match read {
            Ok(None) => return,
            Ok(Some(copy)) => copy,
            Err(error) => {
                loaded.last_good_error = Some(format!("it cannot be read: {error}"));
                return;
            }
        };
        let mut found = Diagnostics::default();
        let confirmed_at = copy.confirmed_at;
        match self.version_of(copy, sources, &mut found) {
            Some(version) => {
                let holds = remaining(&version, confirmed_at, SystemTime::now());
                loaded.loaded_as = LoadedAs::Copied { holds };
                loaded.version = Some(Arc::new(version));
            }
            None => loaded.last_good_error = Some(found.first_error_or("it cannot be read")),
        }
    }

    fn version_of(&self, copy: ZoneCopy, sources: &Sources, found: &mut Diagnostics) -> Option<ZoneVersion> {
        let ZoneCopy { path, text, confirmed_at } = copy;
        let mut sources = sources.closed_over(vec![(path.display().to_string(), text)]);
        let mut builder = zone::Builder::new(self.fed.zone.id.name.clone(), self.fed.zone.name_span);
        let mut reading = Reading {
            sources: &mut sources,
            settings: &self.fed.inputs.settings,
            last_good: Some(&path),
            state_directory: None,
            hosts: None,
        };
        self.fed.zone.sources.read(&mut reading, &mut builder, found)?;
        self.fed.inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        let version = self.fed.version(builder, found)?;
        Some(ZoneVersion { loaded_at: confirmed_at, ..version })
    }
}

/// How long a copy still holds that was confirmed at this time. A clock that was set back makes it no older than new.
fn remaining(version: &ZoneVersion, confirmed_at: SystemTime, now: SystemTime) -> Duration {
    let age = now.duration_since(confirmed_at).unwrap_or_default();
    let soa = version.contents.as_deref().and_then(Soa::of);
    soa.map_or(Duration::ZERO, |soa| expiry(&soa).saturating_sub(age))
}
