//! The zones that catalogs name, at a start.
//!
//! They are served from their last copies before any primary is asked. From then on `catalogs` has them come and go, and
//! a reading leaves them alone.

use std::sync::Arc;
use std::time::Duration;

use super::loaded::{LoadedAs, LoadedZone};
use super::others::Others;
use super::reader::ZoneReader;
use super::serving::{Purpose, ReadCause};
use crate::dns::Name;
use crate::source::Sources;
use crate::sync::in_parallel;
use crate::zones::copy;
use crate::zones::members::{Losses, MemberZones, SettingsAre, Turn};
use crate::zones::settings::{CatalogSettings, Settings, ZoneSettings};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// Loads them, at most `readers` at once; `loaded` are the zones of the config file.
pub(super) fn load(
    reader: &ZoneReader<'_>,
    sources: &Sources,
    settings: &Settings,
    purpose: &Purpose,
    readers: usize,
    loaded: &[LoadedZone],
) -> Vec<LoadedZone> {
    if !matches!(purpose, Purpose::Serve(serving) if serving.cause == ReadCause::Start) {
        return Vec::new();
    }
    let members = members(settings, loaded);
    let mut members = in_parallel("edgedns-zone", readers, &members, |zone| {
        reader.load(&mut sources.branch(), zone, &Others::default(), &mut |_, _| {})
    });
    members.sort_by(|one, other| one.id.name.cmp(&other.id.name));
    members
}

/// How each of them is served.
fn members(settings: &Settings, loaded: &[LoadedZone]) -> Vec<ZoneSettings> {
    if settings.catalogs.is_empty() {
        return Vec::new();
    }
    let mut member_zones = MemberZones::default();
    member_zones.begin(settings);
    let version = |catalog: &CatalogSettings| good_version(&catalog.name, loaded);
    let versions: Vec<Option<Arc<ZoneVersion>>> = settings.catalogs.iter().map(version).collect();
    let turn = member_zones.look(settings, &versions, Losses::Doubted, SettingsAre::New);
    let Turn { mut served, reset, removed, .. } = turn;
    if let Some(folder) = &settings.state_directory {
        let reset = reset.iter().map(|zone| zone.id.clone());
        for zone in removed.into_iter().map(ZoneId::from).chain(reset) {
            // One that cannot be removed now cannot be then either, which is told.
            drop(copy::remove(folder, &zone));
        }
    }
    served.extend(reset);
    served
}

/// The version of a catalog that is served; one that has expired says nothing any more (RFC 9432, section 5.1).
fn good_version(catalog: &Name, loaded: &[LoadedZone]) -> Option<Arc<ZoneVersion>> {
    let zone = loaded.iter().find(|zone| zone.id.name == *catalog)?;
    let has_expired = matches!(zone.loaded_as, LoadedAs::Copied { holds: Duration::ZERO });
    zone.version.clone().filter(|_| !has_expired)
}
