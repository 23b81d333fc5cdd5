//! A zone whose records are keys of etcd, at a start: the last image, under the settings as they are now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use crate::layout::Place;
use crate::source::{Sources, patiently_for};
use crate::zones::etcd::{Image, Keys, Making, make, read_image};
use crate::zones::source::EtcdKeys;
use crate::zones::version::ZoneVersion;

/// How long an image may take to come. It is on a disk of this node, and may be long.
const IMAGE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Takes the last image of the keys.
pub(super) fn take(fed: &FedZone<'_>, _: &Sources, loaded: &mut LoadedZone) -> bool {
    let Some(source) = fed.zone.sources.find::<EtcdKeys>() else { return false };
    let Some(folder) = fed.folder else { return true };
    let (named, id) = (folder.to_owned(), loaded.id.clone());
    let image = match patiently_for(folder, IMAGE_WAIT_MAX, move |_| read_image(&named, &id)) {
        Ok(None) => return true,
        Ok(Some(image)) => image,
        Err(error) => {
            loaded.last_good_error = Some(format!("the image of its keys cannot be read: {error}"));
            return true;
        }
    };
    let confirmed_at = image.confirmed_at;
    match version_of(fed, source, image) {
        Ok(version) => {
            let age = SystemTime::now().duration_since(confirmed_at).unwrap_or_default();
            loaded.loaded_as = match source.max_stale {
                Some(max) => LoadedAs::Copied { holds: max.saturating_sub(age) },
                None => LoadedAs::Read,
            };
            loaded.version = Some(Arc::new(ZoneVersion { loaded_at: confirmed_at, ..version }));
        }
        Err(why) => loaded.last_good_error = Some(why),
    }
    true
}

fn version_of(fed: &FedZone<'_>, source: &EtcdKeys, image: Image) -> Result<ZoneVersion, String> {
    let place = Place { text: fed.inputs.settings.clone(), ..source.place.clone() };
    let mut keys = Keys::new(source.layout, place);
    let revision = image.mark.revision;
    keys.restate(image.keys);
    image.leases.into_iter().for_each(|(lease, ttl)| keys.granted(lease, ttl));
    let making = Making {
        id: &fed.zone.id,
        inputs: Arc::new(fed.inputs.clone()),
        apexes: Arc::clone(&fed.apexes),
        wants_hosts: fed.wants_hosts,
        span: fed.zone.name_span,
        store: source.store(),
        revision,
    };
    let made = make(&making, &mut keys, None)?;
    made.version.ok_or_else(|| "it has no records".to_owned())
}
