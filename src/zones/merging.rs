//! Versions that were made of many changes, put together anew.
//!
//! Responsible for when that is due, and for doing it. Not responsible for doing it beside the loop, or for the changes
//! that come meanwhile: whoever writes the zone has them accepted once more, on what this gives.

use std::sync::Arc;

use super::proposal::ProposalError;
use super::version::ZoneVersion;
use crate::answer::{Links, compile_for_changes};
use crate::source::Diagnostics;
use crate::zone::{Changeset, NodeId};

impl ZoneVersion {
    /// Whether so much has changed since its zone was put together that this should be done anew: until then the zone
    /// takes more memory, and an answer from it costs one look-up more.
    pub fn is_merge_due(&self) -> bool {
        let links = self.links.as_ref().map_or(0, Links::added);
        self.contents.as_ref().is_some_and(|zone| zone.is_merge_due(links))
    }

    /// The same version, put together anew. That takes as long as reading the zone without its text.
    ///
    /// # Errors
    ///
    /// When its contents are not in memory. They are sound, and fit.
    pub fn merged(&self) -> Result<ZoneVersion, ProposalError> {
        let zone = self.contents.as_ref().ok_or(ProposalError::NoContents)?;
        let place = zone.node(NodeId::APEX).first_origin().ok_or(ProposalError::NoContents)?;
        let mut found = Diagnostics::default();
        let builder = Changeset::default().apply(zone, &self.inputs.guards, place, &mut found);
        let zone = builder.map_err(ProposalError::Changes)?.finish(&mut found);
        let mut zone = zone.ok_or(ProposalError::Unsound(found))?;
        zone.prepare_for_changes();
        let (compiled, links) = compile_for_changes(&zone).map_err(ProposalError::Compile)?;
        let (id, inputs) = (self.id.clone(), Arc::clone(&self.inputs));
        let merged = Self::with(id, zone, compiled, Some(links), inputs, self.origin);
        Ok(ZoneVersion { loaded_at: self.loaded_at, hosts: self.hosts.clone(), ..merged })
    }
}
