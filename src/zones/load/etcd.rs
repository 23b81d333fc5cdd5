//! A zone whose records are keys of etcd, at a start and at a reload.
//!
//! Nothing is asked of anybody here: at a start the last image is taken, at a reload what is served. What is newer is
//! `etcd`'s.
//!
//! Responsible for the version that this gives under the settings as they are now.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use crate::layout::Place;
use crate::source::{Diagnostic, Diagnostics, Severity, patiently_for};
use crate::zones::etcd::{Image, Keys, Making, make, read_image};
use crate::zones::source::EtcdKeys;
use crate::zones::version::ZoneVersion;

/// How long an image may take to come. It is on a disk of this node, and may be long.
const IMAGE_WAIT_MAX: Duration = Duration::from_secs(30);

/// A zone to be loaded.
pub(super) struct EtcdLoad<'l> {
    pub(super) fed: FedZone<'l>,
    pub(super) source: &'l EtcdKeys,
}

impl EtcdLoad<'_> {
    /// Makes anew what is served; where nothing is, takes the last image.
    pub(super) fn load(self, before: Option<&Arc<ZoneVersion>>, loaded: &mut LoadedZone) {
        match before {
            Some(before) => {
                let mut found = Diagnostics::default();
                match self.fed.remade(before, &mut found) {
                    Some(version) => {
                        loaded.version = Some(Arc::new(version));
                        loaded.loaded_as = LoadedAs::Remade { from: Arc::clone(before) };
                    }
                    None => {
                        let why = found.first_error_or("it is no zone");
                        let why = format!("the keys of etcd cannot be served with these settings: {why}");
                        loaded.faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
                        loaded.error = Some(why);
                    }
                }
            }
            None => self.take_image(loaded),
        }
    }

    fn take_image(&self, loaded: &mut LoadedZone) {
        let Some(folder) = self.fed.folder else { return };
        let (named, id) = (folder.to_owned(), loaded.id.clone());
        let image = match patiently_for(folder, IMAGE_WAIT_MAX, move |_| read_image(&named, &id)) {
            Ok(None) => return,
            Ok(Some(image)) => image,
            Err(error) => {
                loaded.last_good_error = Some(format!("the image of its keys cannot be read: {error}"));
                return;
            }
        };
        let confirmed_at = image.confirmed_at;
        match self.version_of(image) {
            Ok(version) => {
                let age = SystemTime::now().duration_since(confirmed_at).unwrap_or_default();
                loaded.loaded_as = match self.source.max_stale {
                    Some(max) => LoadedAs::Copied { holds: max.saturating_sub(age) },
                    None => LoadedAs::Read,
                };
                loaded.version = Some(Arc::new(ZoneVersion { loaded_at: confirmed_at, ..version }));
            }
            Err(why) => loaded.last_good_error = Some(why),
        }
    }

    fn version_of(&self, image: Image) -> Result<ZoneVersion, String> {
        let place = Place { text: self.fed.inputs.settings.clone(), ..self.source.place.clone() };
        let mut keys = Keys::new(self.source.layout, place);
        let revision = image.mark.revision;
        keys.restate(image.keys);
        image.leases.into_iter().for_each(|(lease, ttl)| keys.granted(lease, ttl));
        let making = Making {
            id: &self.fed.zone.id,
            inputs: Arc::new(self.fed.inputs.clone()),
            apexes: Arc::clone(&self.fed.apexes),
            wants_hosts: self.fed.wants_hosts,
            span: self.fed.zone.name_span,
            store: self.source.store(),
            revision,
        };
        let made = make(&making, &mut keys, None)?;
        made.version.ok_or_else(|| "it has no records".to_owned())
    }
}
