//! Reading everything the server needs: config file, zone files, guards.
//!
//! Responsible for the way from a path to compiled zones, the same for start,
//! reload and `edgedns check`.
//! Not responsible for what happens with them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::own::own_addresses;
use crate::answer::{Book, compile};
use crate::config::{self, Config, ZoneProbe};
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Severity, Sources};
use crate::zone::{self, GuardTemplate, Guarding, Pool, Test, Zone};
use crate::zonefile;

/// What one reading gave: everything that was wrong, and what can be served.
pub(super) struct Reading {
    pub(super) sources: Sources,
    /// None when the config file cannot be used; then nothing else was read.
    pub(super) loaded: Option<Loaded>,
    /// What is wrong with the config file.
    pub(super) config_faults: Diagnostics,
}

/// A config file and its zones.
pub(super) struct Loaded {
    pub(super) config: Config,
    /// In the order of the config file.
    pub(super) zones: Vec<LoadedZone>,
}

/// A zone as it was read just now.
pub(super) struct LoadedZone {
    pub(super) name: Name,
    pub(super) file: PathBuf,
    pub(super) faults: Diagnostics,
    /// None when it cannot be served as it stands.
    pub(super) version: Option<Version>,
    /// Why it cannot, in one sentence.
    pub(super) error: Option<String>,
}

/// A zone that can be served.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) serial: u32,
    pub(super) loaded_at: SystemTime,
    pub(super) records: usize,
    pub(super) book: Arc<Book>,
    pub(super) pools: Vec<Arc<Pool>>,
}

impl Reading {
    /// Reads the config file at `path` and every zone it names. `each` sees
    /// every zone before it is compiled and let go.
    pub(super) fn new(path: &Path, mut each: impl FnMut(&Zone)) -> Reading {
        let mut sources = Sources::default();
        let mut config_faults = Diagnostics::default();
        let config = config::read(&mut sources, path, &mut config_faults);
        let loaded = config.map(|config| {
            let zones = config.zones.iter().map(|zone| {
                let mut faults = Diagnostics::default();
                let read = read_zone(&mut sources, &config, zone, &mut faults);
                faults.sort();
                let version = read.map(|zone| {
                    each(&zone);
                    Version::of(&zone)
                });
                let error = version.is_none().then(|| why_not(&sources, path, &faults)).flatten();
                LoadedZone { name: zone.name.clone(), file: zone.file.clone(), faults, version, error }
            });
            let zones = zones.collect();
            Loaded { config, zones }
        });
        Reading { sources, loaded, config_faults }
    }

    /// Everything that was found, the config file's first.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        self.config_faults.iter().chain(zones.flat_map(|zone| zone.faults.iter()))
    }
}

impl Version {
    fn of(zone: &Zone) -> Version {
        Version {
            serial: zone.serial(),
            loaded_at: SystemTime::now(),
            records: zone.record_count(),
            book: Arc::new(compile(zone)),
            pools: zone.pools().iter().cloned().map(Arc::new).collect(),
        }
    }
}

/// Why a zone is not served: the first error in its files; one in the config file may be its echo.
fn why_not(sources: &Sources, config: &Path, faults: &Diagnostics) -> Option<String> {
    let in_config =
        |fault: &&Diagnostic| fault.span().is_none_or(|span| Path::new(&sources.place(span).path) == config);
    let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| is_error(fault)).collect();
    let first = errors.iter().find(|fault| !in_config(fault)).or(errors.first())?;
    Some(sources.sentence(first))
}

/// Reads one zone. None when it cannot be served; `found` says why.
fn read_zone(
    sources: &mut Sources,
    config: &Config,
    zone: &config::Zone,
    found: &mut Diagnostics,
) -> Option<Zone> {
    let file = match sources.read(&zone.file) {
        Ok(file) => file,
        Err(error) => {
            let fault = Diagnostic::error(zone.file_span, error.to_string());
            found.push(fault.label(format!("the zone file of `{}`", zone.name)));
            return None;
        }
    };
    let mut builder = zone::Builder::new(zone.name.clone(), zone.name_span);
    let settings = zonefile::Settings { lua: lua_settings(config), ..zonefile::Settings::default() };
    zonefile::read(sources, file, &mut builder, &settings, found);
    builder.set_own_addresses(own_addresses());
    for block in &zone.guards {
        guardings(block).for_each(|guarding| builder.guard(guarding));
    }
    builder.finish(found)
}

fn lua_settings(config: &Config) -> zonefile::lua_record::Settings {
    zonefile::lua_record::Settings {
        selector: config.lua.selector,
        interval: config.probe.interval,
        timeout: config.probe.timeout,
        retry: config.probe.retry,
        rise: config.probe.rise,
        fall: config.probe.fall,
    }
}

/// What a `[[zone.probe]]` block says about each of its owners.
fn guardings(block: &ZoneProbe) -> impl Iterator<Item = Guarding> {
    let guards: Vec<GuardTemplate> = block
        .probes
        .iter()
        .map(|probe| GuardTemplate {
            test: Test::Same(probe.kind.clone()),
            source: probe.source,
            timeout: probe.timeout,
            interval: probe.interval,
            retry: probe.retry,
            rise: probe.rise,
            fall: probe.fall,
        })
        .chain(block.target.as_ref().map(|times| target_guard(times, block.source)))
        .collect();
    block.names.iter().map(move |(owner, span)| Guarding {
        owner: owner.clone(),
        span: *span,
        guards: guards.clone(),
        choice: block.choice.clone(),
    })
}

fn target_guard(times: &config::Probe, source: Option<IpAddr>) -> GuardTemplate {
    let config::Probe { interval, timeout, retry, rise, fall, .. } = *times;
    GuardTemplate { test: Test::TargetPort, source, timeout, interval, retry, rise, fall }
}

/// Whether something found is an error.
pub(super) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}
