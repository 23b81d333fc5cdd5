//! Zones whose records come while they are served, at a start and at a reload.
//!
//! Asks no other server. A start reads the last copy on disk; a reload makes the served version anew under the new
//! settings.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::loaded::{LoadedAs, LoadedZone};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources, patiently_for};
use crate::transfer::Soa;
use crate::transfer::incoming::expiry;
use crate::zone::{self, Apexes, Changeset, Hosts};
use crate::zones::copy::{self, ZoneCopy};
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::settings::ZoneSettings;
use crate::zones::source::Reading;
use crate::zones::version::{Inputs, VersionOrigin, ZoneVersion};

/// How long a copy may take to come. It is on a disk of this node, and may be long.
const COPY_WAIT_MAX: Duration = Duration::from_secs(30);

/// A zone to be loaded.
pub(super) struct SecondaryLoad<'l> {
    pub(super) zone: &'l ZoneSettings,
    pub(super) inputs: Inputs,
    pub(super) apexes: Arc<Apexes>,
    /// Where copies are kept.
    pub(super) folder: Option<&'l Path>,
    /// Whether some other zone wants to know its addresses.
    pub(super) wants_hosts: bool,
}

impl SecondaryLoad<'_> {
    /// Makes the served version anew; if none is served, reads the last copy.
    pub(super) fn load(self, sources: &Sources, before: Option<&Arc<ZoneVersion>>, loaded: &mut LoadedZone) {
        let mut faults = Diagnostics::default();
        match before {
            Some(before) => match self.remade(before, &mut faults) {
                Some(version) => {
                    loaded.version = Some(version);
                    loaded.loaded_as = LoadedAs::Remade { from: Arc::clone(before) };
                }
                None => {
                    let why =
                        format!("what was copied cannot be served with these settings: {}", first(&faults));
                    faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
                    loaded.error = Some(why);
                    loaded.faults = faults;
                }
            },
            None => self.take_copy(sources, loaded),
        }
    }

    fn remade(&self, before: &ZoneVersion, found: &mut Diagnostics) -> Option<Arc<ZoneVersion>> {
        let contents = before.contents.as_ref()?;
        let same = Changeset::default();
        let builder = same.apply(contents, &self.inputs.guards, self.zone.name_span, found).ok()?;
        let version = self.version(builder, found)?;
        let loaded_at = before.loaded_at;
        Some(Arc::new(ZoneVersion { loaded_at, ..version }))
    }

    fn take_copy(&self, sources: &Sources, loaded: &mut LoadedZone) {
        let Some(folder) = self.folder else { return };
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
            None => loaded.last_good_error = Some(first(&found)),
        }
    }

    fn version_of(&self, copy: ZoneCopy, sources: &Sources, found: &mut Diagnostics) -> Option<ZoneVersion> {
        let ZoneCopy { path, text, confirmed_at } = copy;
        let mut sources = sources.closed_over(vec![(path.display().to_string(), text)]);
        let mut builder = zone::Builder::new(self.zone.id.name.clone(), self.zone.name_span);
        let mut reading = Reading {
            sources: &mut sources,
            settings: &self.inputs.settings,
            last_good: Some(&path),
            hosts: None,
        };
        self.zone.sources.read(&mut reading, &mut builder, found)?;
        self.inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        let version = self.version(builder, found)?;
        Some(ZoneVersion { loaded_at: confirmed_at, ..version })
    }

    /// The version that comes of records.
    fn version(&self, mut builder: zone::Builder, found: &mut Diagnostics) -> Option<ZoneVersion> {
        builder.set_own_addresses(self.inputs.own.clone());
        builder.set_apexes(Arc::clone(&self.apexes));
        let zone = builder.finish(found)?;
        if let Some(fault) = self.zone.sources.pools_fault(zone.pools()) {
            found.push(fault);
            return None;
        }
        let hosts = self.wants_hosts.then(|| Arc::new(Hosts::of(&zone)));
        let proposal = Proposal {
            zone: self.zone.id.clone(),
            contents: Contents::Whole(Box::new(zone)),
            inputs: Arc::new(self.inputs.clone()),
            origin: VersionOrigin::Sources,
        };
        let refuse = |error: ProposalError| {
            found.push(Diagnostic::error(self.zone.name_span, error.to_string()));
        };
        let version = proposal.accept(None).map_err(refuse).ok()?;
        Some(ZoneVersion { hosts, ..version })
    }
}

/// How long a copy still holds that was confirmed at this time. A clock that was set back makes it no older than new.
fn remaining(version: &ZoneVersion, confirmed_at: SystemTime, now: SystemTime) -> Duration {
    let age = now.duration_since(confirmed_at).unwrap_or_default();
    let soa = version.contents.as_deref().and_then(Soa::of);
    soa.map_or(Duration::ZERO, |soa| expiry(&soa).saturating_sub(age))
}

/// The first error in words.
fn first(found: &Diagnostics) -> String {
    let first = found.iter().find(|fault| fault.is_error());
    first.map_or_else(|| "it cannot be read".to_owned(), |fault| fault.message.clone())
}
