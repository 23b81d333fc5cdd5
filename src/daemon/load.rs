//! Reading everything the server needs: the config file, and the zones it names.
//!
//! The way from the path of a config file to its zones, the same for start, reload and `edgedns check`. Not
//! responsible for reading a zone (`zones`), or for what happens with it.

use std::path::{Path, PathBuf};

use super::folders;
use super::zone_settings::zone_settings;
use crate::config::{self, Config};
use crate::source::{Diagnostic, Diagnostics, Sources};
use crate::zone::Zone;
use crate::zones::{self, FileDigests, LoadedZone, Purpose, ZoneId};

/// What one reading gave: everything that was wrong, and what can be served.
pub(crate) struct LoadResult {
    pub(crate) sources: Sources,
    /// None when the config file cannot be used; then nothing else was read.
    pub(crate) loaded: Option<Loaded>,
    /// What is wrong with the config file.
    pub(crate) config_faults: Diagnostics,
}

/// A config file and its zones.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// In the order of the config file.
    pub(crate) zones: Vec<LoadedZone>,
    /// What is to outlive a restart is kept here; none: it is not.
    pub(crate) state_directory: Option<PathBuf>,
}

impl LoadResult {
    /// Reads the config file at `path` and every zone it names. In a check `each` sees every zone before it
    /// is compiled and dropped. Zones that will be served may be read by several threads; then `each` sees
    /// none.
    pub(crate) fn new(path: &Path, purpose: &Purpose, each: impl FnMut(&ZoneId, &Zone)) -> LoadResult {
        LoadResult::by(zones::readers_max(purpose), path, purpose, each)
    }

    /// As [`LoadResult::new`], with at most this many zones at once.
    fn by(
        readers: usize,
        path: &Path,
        purpose: &Purpose,
        mut each: impl FnMut(&ZoneId, &Zone),
    ) -> LoadResult {
        let mut sources = Sources::default();
        let mut config_faults = Diagnostics::default();
        let config = config::read(&mut sources, path, &mut config_faults);
        let loaded = config.map(|config| {
            let settings = zone_settings(&config, path);
            if let (Purpose::Serve(_), Some(folder)) = (purpose, &settings.state_directory) {
                config_faults.extend(folders::make_state_directory(folder));
            }
            let zones = zones::load(&mut sources, &settings, purpose, readers, &mut each);
            Loaded { zones, state_directory: settings.state_directory, config }
        });
        LoadResult { sources, loaded, config_faults }
    }

    /// Everything that was found, the config file's first.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        self.config_faults.iter().chain(zones.flat_map(|zone| zone.faults.iter()))
    }

    /// The digests of the files, also of those that were not read again because they had not changed.
    pub(crate) fn digests(&self) -> FileDigests {
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        let versions = zones.filter_map(|zone| zone.version.as_ref());
        let unchanged = versions.flat_map(|version| &version.inputs.texts);
        let read = unchanged.chain(self.sources.files()).map(|text| (text.path.clone(), Some(text.digest)));
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        let keys = self.loaded.iter().flat_map(|loaded| &loaded.config.keys);
        let secrets = keys.filter_map(|key| key.file.clone());
        let left_alone = zones.flat_map(|zone| zone.unread.clone());
        self.sources
            .unread()
            .map(|path| (path.to_owned(), None))
            .chain(read)
            .chain(secrets)
            .chain(left_alone)
            .collect()
    }
}

#[cfg(test)]
mod host_tests;
#[cfg(test)]
mod parallel_tests;
#[cfg(test)]
mod tests;
