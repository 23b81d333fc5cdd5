//! A zone whose records are keys of etcd, at a start: the last image, under the settings as they are now. Where the text of
//! what was made of it is kept, and was made under the same settings, that is read in place of the keys.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use crate::layout::Place;
use crate::source::{Diagnostics, Sources, patiently_for};
use crate::zone;
use crate::zonefile;
use crate::zones::etcd::{Image, Keys, MadeText, Making, make, read_image, read_image_head, read_made_text};
use crate::zones::source::EtcdKeys;
use crate::zones::version::ZoneVersion;

/// How long an image may take to come. It is on a disk of this node, and may be long.
const IMAGE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Takes the last image of the keys.
pub(super) fn take(fed: &FedZone<'_>, sources: &Sources, loaded: &mut LoadedZone) -> bool {
    let Some(source) = fed.zone.sources.find::<EtcdKeys>() else { return false };
    let Some(folder) = fed.folder else { return true };
    if let Some((version, confirmed_at)) = from_text(fed, source, (folder, sources)) {
        accept(loaded, source, version, confirmed_at);
        return true;
    }
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
        Ok(version) => accept(loaded, source, version, confirmed_at),
        Err(why) => loaded.last_good_error = Some(why),
    }
    true
}

/// Has a version be served that the store has confirmed last at this time.
fn accept(loaded: &mut LoadedZone, source: &EtcdKeys, version: ZoneVersion, confirmed_at: SystemTime) {
    let age = SystemTime::now().duration_since(confirmed_at).unwrap_or_default();
    loaded.loaded_as = match source.max_stale {
        Some(max) => LoadedAs::Copied { holds: max.saturating_sub(age) },
        None => LoadedAs::Read,
    };
    loaded.version = Some(Arc::new(ZoneVersion { loaded_at: confirmed_at, ..version }));
}

/// The version that the kept text makes, and when the store has confirmed it last; none where no text is of use: the keys
/// say all that it does.
fn from_text(
    fed: &FedZone<'_>,
    source: &EtcdKeys,
    (folder, sources): (&Path, &Sources),
) -> Option<(ZoneVersion, SystemTime)> {
    let (named, id) = (folder.to_owned(), fed.zone.id.clone());
    let (layout, place) = (source.layout, place_of(fed, source));
    let read = patiently_for(folder, IMAGE_WAIT_MAX, move |_| {
        let Some((mark, confirmed_at)) = read_image_head(&named, &id)? else { return Ok(None) };
        let text = read_made_text(&named, &id, &mark, (layout, &place))?;
        Ok(text.map(|text| (text, confirmed_at)))
    });
    let (MadeText { path, text }, confirmed_at) = read.ok().flatten()?;
    let mut sources = sources.closed_over(Vec::new());
    let file = sources.add(path.display().to_string(), text);
    let mut builder = zone::Builder::new(fed.zone.id.name.clone(), fed.zone.name_span);
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &fed.inputs.settings, &mut found);
    fed.inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
    let version = fed.version(builder, &mut found).filter(|_| found.errors() == 0)?;
    Some((version, confirmed_at))
}

/// Where the zone is in the store, and how its keys are read now.
fn place_of(fed: &FedZone<'_>, source: &EtcdKeys) -> Place {
    Place { text: fed.inputs.settings.clone(), ..source.place.clone() }
}

fn version_of(fed: &FedZone<'_>, source: &EtcdKeys, image: Image) -> Result<ZoneVersion, String> {
    let mut keys = Keys::new(source.layout, place_of(fed, source));
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
