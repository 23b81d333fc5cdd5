//! A version of a zone: a value, whoever proposed it.
//!
//! Knows whether reading the zone again would give the same version.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::signing::ZoneSigning;
use super::since::Since;
use super::source::ZoneSources;
use super::zone_id::ZoneId;
use crate::answer::{CompileError, CompiledZone, Links, compile, compile_for_changes};
use crate::dnssec::Chain;
use crate::source::{Lines, Sources, TextFile};
use crate::zone::{Guarding, Hosts, Pool, Zone};
use crate::zonefile;

/// A zone that can be served. Nothing of it ever changes.
pub struct ZoneVersion {
    /// The zone.
    pub id: ZoneId,
    /// Of its SOA record.
    pub serial: u32,
    /// When its contents were accepted.
    pub loaded_at: SystemTime,
    /// How many records it has.
    pub records: usize,
    /// Its compiled form.
    pub compiled: Arc<CompiledZone>,
    /// The pools that its compiled form names, in that order.
    pub pools: Arc<Vec<Arc<Pool>>>,
    /// Its contents, where changes to them may be proposed or other servers get them; a zone that is read as a whole
    /// needs them no more.
    pub contents: Option<Arc<Zone>>,
    /// Which answers must be made anew when a name changes, likewise.
    pub(super) links: Option<Links>,
    /// The owners of its NSEC records in their order, where it is signed here.
    pub(super) chain: Option<Chain>,
    /// What it changed of the version that it was made from; none: it was made as a whole.
    pub since: Option<Since>,
    /// What it was made from.
    pub inputs: Arc<Inputs>,
    /// What it says of addresses, where other zones are made from it; after an update, what the version before said.
    pub hosts: Option<Arc<Hosts>>,
    /// Where it comes from.
    pub origin: VersionOrigin,
}

/// Where a version comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionOrigin {
    /// The sources of the zone.
    Sources,
    /// The last good text that was kept of it.
    LastGood {
        /// When that was read from the zone's file.
        read_at: SystemTime,
    },
}

/// Everything a version is made from: the same gives the same version.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Where its records come from.
    pub sources: ZoneSources,
    /// What the zone was made from whose addresses are in this one.
    pub forward: Option<Arc<Inputs>>,
    /// How its text was read.
    pub settings: zonefile::Settings,
    /// What guards its plain RRsets.
    pub guards: Vec<Guarding>,
    /// The addresses of this node.
    pub own: Vec<IpAddr>,
    /// The files that it was read from, its own first; none where the text was a kept one.
    pub texts: Vec<TextFile>,
    /// What it is signed with; none: it is not, or its sources have signed it.
    pub signing: Option<Arc<ZoneSigning>>,
}

impl Inputs {
    /// Has `zone`, which was made from this, and what guards it outlive the texts they were read from.
    pub fn settle(&mut self, zone: &mut Zone, sources: &Sources) {
        let mut lines = Lines::of(sources);
        zone.settle(&mut lines);
        self.guards.iter_mut().for_each(|guarding| guarding.settle(&mut lines));
    }
}

impl ZoneVersion {
    /// Compiles a zone.
    ///
    /// # Errors
    ///
    /// When an answer does not fit a message.
    pub(super) fn of(
        id: ZoneId,
        mut zone: Zone,
        inputs: Arc<Inputs>,
        origin: VersionOrigin,
    ) -> Result<ZoneVersion, CompileError> {
        let (compiled, links) = if inputs.sources.propose_changes() {
            zone.prepare_for_changes();
            compile_for_changes(&zone).map(|(compiled, links)| (compiled, Some(links)))?
        } else {
            (compile(&zone)?, None)
        };
        Ok(Self::with(id, zone, compiled, links, inputs, origin))
    }

    /// A version with its compiled form. Its contents are kept where it has links.
    pub(super) fn with(
        id: ZoneId,
        zone: Zone,
        compiled: CompiledZone,
        links: Option<Links>,
        inputs: Arc<Inputs>,
        origin: VersionOrigin,
    ) -> ZoneVersion {
        let chain = inputs.signing.as_ref().map(|_| Chain::of(&zone));
        Self::with_chain(id, zone, (compiled, links, chain), inputs, origin)
    }

    /// As [`ZoneVersion::with`], where the owners of NSEC records are known.
    pub(super) fn with_chain(
        id: ZoneId,
        zone: Zone,
        (compiled, links, chain): (CompiledZone, Option<Links>, Option<Chain>),
        inputs: Arc<Inputs>,
        origin: VersionOrigin,
    ) -> ZoneVersion {
        ZoneVersion {
            id,
            serial: zone.serial(),
            loaded_at: SystemTime::now(),
            records: zone.record_count(),
            compiled: Arc::new(compiled),
            pools: zone.shared_pools(),
            contents: (links.is_some() || inputs.sources.keeps_contents()).then(|| Arc::new(zone)),
            links,
            chain,
            since: None,
            inputs,
            hosts: None,
            origin,
        }
    }

    /// Whether so much has changed since its zone was put together that this should be done anew: until then the zone
    /// takes more memory, and an answer from it costs one look-up more.
    pub(super) fn is_merge_due(&self) -> bool {
        let Some(zone) = &self.contents else { return false };
        // A name that changes may have the answers of many others made anew.
        let nodes = zone.changed_nodes().max(self.compiled.changed_nodes());
        let links = self.links.as_ref().map_or(0, Links::added);
        nodes.saturating_add(links) > zone.changed_nodes_max()
    }

    /// When its text was read from the zone's file for the first time, where it is the last good one now.
    pub fn last_good_since(&self) -> Option<SystemTime> {
        match self.origin {
            VersionOrigin::Sources => None,
            VersionOrigin::LastGood { read_at } => Some(read_at),
        }
    }

    /// Until when its signatures are valid, where they are made here.
    pub fn signed_until(&self) -> Option<SystemTime> {
        self.inputs.signing.as_ref().map(|signing| signing.until())
    }

    /// Whether the zone would come out the same with the sources, settings and guards of `wanted`. The files
    /// are read, but nothing is kept of them.
    pub(super) fn is_current(&self, wanted: &Inputs) -> bool {
        let Inputs { sources, forward, settings, guards: _, own: _, texts, signing } = &*self.inputs;
        self.last_good_since().is_none()
            && *sources == wanted.sources
            && forward.as_ref().map(Arc::as_ptr) == wanted.forward.as_ref().map(Arc::as_ptr)
            && *settings == wanted.settings
            && ZoneSigning::are_alike(signing.as_deref(), wanted.signing.as_deref())
            && self.inputs.guards_the_same(wanted)
            && texts.iter().all(TextFile::is_unchanged)
    }
}

/// Whether guards make the same of a zone.
pub(super) fn guard_the_same(these: &[Guarding], others: &[Guarding]) -> bool {
    these.len() == others.len() && these.iter().zip(others).all(|(one, other)| guards_the_same(one, other))
}

impl Inputs {
    /// Whether pools are made of the same RRsets, in the same way.
    pub(super) fn guards_the_same(&self, other: &Inputs) -> bool {
        std::ptr::eq(self, other) || self.own == other.own && guard_the_same(&self.guards, &other.guards)
    }
}

/// Where the config file says it makes no difference.
fn guards_the_same(one: &Guarding, other: &Guarding) -> bool {
    let Guarding { owner, origin: _, guards, choice, records } = one;
    *owner == other.owner && *guards == other.guards && *choice == other.choice && *records == other.records
}
