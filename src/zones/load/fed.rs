//! Zones whose records come while they are served: what their versions are made with at a start and at a reload.
//!
//! Makes a version of records that are there already. Where they are kept between two starts is each source's (`kept`).

use std::path::Path;
use std::sync::Arc;

use crate::source::{Diagnostic, Diagnostics};
use crate::zone::{Apexes, Builder, Changeset, Hosts};
use crate::zones::live::LiveZones;
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::settings::ZoneSettings;
use crate::zones::signing::ZoneSigning;
use crate::zones::version::{Inputs, VersionOrigin, ZoneVersion};

/// Such a zone, under the settings as they are now.
pub(super) struct FedZone<'l> {
    pub(super) zone: &'l ZoneSettings,
    /// Without what the zone is signed with: it is signed in the end.
    pub(super) inputs: Inputs,
    /// What it is signed with in the end; none: it is not.
    pub(super) signing: Option<Arc<ZoneSigning>>,
    pub(super) apexes: Arc<Apexes>,
    /// Where what outlives a restart is kept.
    pub(super) folder: Option<&'l Path>,
    /// Whether some other zone wants to know its addresses.
    pub(super) wants_hosts: bool,
    /// The zones with a journal: those that are signed here have one.
    pub(super) live: Arc<LiveZones>,
}

impl FedZone<'_> {
    /// The served version made anew; none if it cannot be served so, `found` says why.
    pub(super) fn remade(&self, before: &ZoneVersion, found: &mut Diagnostics) -> Option<ZoneVersion> {
        let fault = |why: String| Diagnostic::error(self.zone.name_span, why);
        let Some(contents) = before.contents.as_ref() else {
            found.push(fault("its contents are not in memory".to_owned()));
            return None;
        };
        let same = Changeset::default();
        let builder = same.apply(contents, &self.inputs.guards, self.zone.name_span, found);
        let builder = builder.map_err(|error| found.push(fault(error.to_string()))).ok()?;
        let version = self.version(builder, found)?;
        Some(ZoneVersion { loaded_at: before.loaded_at, ..version })
    }

    /// The version that comes of records; none if it cannot be served, `found` says why.
    pub(super) fn version(&self, mut builder: Builder, found: &mut Diagnostics) -> Option<ZoneVersion> {
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
