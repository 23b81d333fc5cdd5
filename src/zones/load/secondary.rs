//! A secondary zone, at a start: the last copy on disk, under the settings as they are now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use crate::source::{Diagnostics, Sources, patiently_for};
use crate::transfer::Soa;
use crate::transfer::incoming::expiry;
use crate::zone;
use crate::zones::copy::{self, ZoneCopy};
use crate::zones::source::{Primaries, Reading};
use crate::zones::version::ZoneVersion;

/// How long a copy may take to come. It is on a disk of this node, and may be long.
const COPY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Takes the last copy.
pub(super) fn take(fed: &FedZone<'_>, sources: &Sources, loaded: &mut LoadedZone) -> bool {
    if fed.zone.sources.find::<Primaries>().is_none() {
        return false;
    }
    let Some(folder) = fed.folder else { return true };
    let (named, id) = (folder.to_owned(), loaded.id.clone());
    let read = patiently_for(folder, COPY_WAIT_MAX, move |_| copy::read(&named, &id));
    let copy = match read {
        Ok(None) => return true,
        Ok(Some(copy)) => copy,
        Err(error) => {
            loaded.last_good_error = Some(format!("it cannot be read: {error}"));
            return true;
        }
    };
    let mut found = Diagnostics::default();
    let confirmed_at = copy.confirmed_at;
    match version_of(fed, copy, sources, &mut found) {
        Some(version) => {
            let holds = remaining(&version, confirmed_at, SystemTime::now());
            loaded.loaded_as = LoadedAs::Copied { holds };
            loaded.version = Some(Arc::new(version));
        }
        None => loaded.last_good_error = Some(found.first_error_or("it cannot be read")),
    }
    true
}

fn version_of(
    fed: &FedZone<'_>,
    copy: ZoneCopy,
    sources: &Sources,
    found: &mut Diagnostics,
) -> Option<ZoneVersion> {
    let ZoneCopy { path, text, confirmed_at } = copy;
    let mut sources = sources.closed_over(vec![(path.display().to_string(), text)]);
    let mut builder = zone::Builder::new(fed.zone.id.name.clone(), fed.zone.name_span);
    let mut reading = Reading {
        sources: &mut sources,
        settings: &fed.inputs.settings,
        last_good: Some(&path),
        state_directory: None,
        hosts: None,
    };
    fed.zone.sources.read(&mut reading, &mut builder, found)?;
    fed.inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
    let version = fed.version(builder, found)?;
    Some(ZoneVersion { loaded_at: confirmed_at, ..version })
}

/// How long a copy still holds that was confirmed at this time. A clock that was set back makes it no older than new.
fn remaining(version: &ZoneVersion, confirmed_at: SystemTime, now: SystemTime) -> Duration {
    let age = now.duration_since(confirmed_at).unwrap_or_default();
    let soa = version.contents.as_deref().and_then(Soa::of);
    soa.map_or(Duration::ZERO, |soa| expiry(&soa).saturating_sub(age))
}
