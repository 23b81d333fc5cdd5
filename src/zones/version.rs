//! A version of a zone: a value, whoever proposed it.
//!
//! Knows whether reading the zone again would give the same version.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::signing::ZoneSigning;
use super::since::Since;
use super::source::ZoneSources;
use super::zone_id::ZoneId;
use crate::answer::{CompileError, CompiledZone, Links, compile, compile_for_changes};
use crate::dns::{Name, Rtype};
use crate::dnssec::{Chain, PoolSigner, Time, end_of, first_end};
use crate::source::{Digest, Digesting, Lines, Sources, TextFile};
use crate::zone::{Changeset, Guarding, HostAddress, HostName, Hosts, NoHost, Pool, Record, Zone};
use crate::zonefile;

/// What a zone says of names: their addresses, or why they have none.
pub(super) type NamedHosts = HashMap<Name, Result<Arc<[HostAddress]>, NoHost>>;

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
    /// When the first of its signatures ends, where its sources have signed it.
    pub(super) came_signed_until: Option<SystemTime>,
    /// What it changed of the version that it was made from; none: it was made as a whole.
    pub since: Option<Since>,
    /// What it was made from.
    pub inputs: Arc<Inputs>,
    /// What it says of addresses, where other zones are made from it; after an update, what the version before said.
    pub hosts: Option<Arc<Hosts>>,
    /// What it says of the names that other zones have as members, where its contents are not kept.
    pub(super) named: Option<Arc<NamedHosts>>,
    /// Where it comes from.
    pub origin: VersionOrigin,
    /// What it is signed of, where its records come while it is served and it is signed here: with the serial that they came
    /// with.
    pub(super) unsigned: Option<Arc<ZoneVersion>>,
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
#[derive(Clone, Debug, Default)]
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
    /// Whether a zone that is made from this comes signed: what is changed of it here nobody signs, and its serial is signed
    /// as well.
    pub(super) fn comes_signed(&self, zone: &Zone) -> bool {
        self.signing.is_none() && zone.is_signed()
    }

    /// Whether hosts of other zones are members of its pools.
    pub(super) fn has_hosts_elsewhere(&self) -> bool {
        self.guards.iter().any(|guarding| guarding.hosts_elsewhere().next().is_some())
    }

    /// The digest of the files that it was read from, and of what other zones say of its hosts; none: there is neither.
    pub(super) fn digest(&self) -> Option<Digest> {
        let mut digesting = Digesting::default();
        self.texts.iter().for_each(|text| digesting.take(&text.digest.bytes()));
        for (name, elsewhere) in self.guards.iter().flat_map(Guarding::hosts_elsewhere) {
            let addresses = elsewhere.addresses.iter();
            let said = addresses.map(|HostAddress { address, ttl }| format!(" {address} {}", ttl.seconds()));
            digesting.take(format!("{name}{}\n", said.collect::<String>()).as_bytes());
        }
        (!self.texts.is_empty() || self.has_hosts_elsewhere()).then(|| digesting.finish())
    }

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
        let chain = inputs.signing.as_ref().map(|signing| signing.chain(&zone));
        let came_signed = inputs.comes_signed(&zone);
        let first_end = came_signed.then(|| first_end(&zone, Time::of(SystemTime::now()))).flatten();
        let version = Self::with_chain(id, zone, (compiled, links, chain), inputs, origin);
        ZoneVersion { came_signed_until: first_end.map(Time::to_system), ..version }
    }

    /// As [`ZoneVersion::with`], where the owners of what denies are known.
    pub(super) fn with_chain(
        id: ZoneId,
        zone: Zone,
        (compiled, links, chain): (CompiledZone, Option<Links>, Option<Chain>),
        inputs: Arc<Inputs>,
        origin: VersionOrigin,
    ) -> ZoneVersion {
        let compiled = match &inputs.signing {
            Some(signing) => compiled.with_pool_denials(&zone, signing.pool_denials(&zone)),
            None => compiled,
        };
        ZoneVersion {
            id,
            came_signed_until: None,
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
            named: None,
            origin,
            unsigned: None,
        }
    }

    /// The same of a zone after changes to `before`: a signature that goes may have been the first to end.
    #[must_use]
    pub(super) fn with_signatures_of(mut self, before: &ZoneVersion, changes: &Changeset) -> ZoneVersion {
        let now = Time::of(SystemTime::now());
        let is_signature = |record: &&Record| record.rtype == Rtype::RRSIG;
        let end = |record: &Record| Some(end_of(&record.rdata, now)?.to_system());
        let ends = |records: &[Record]| records.iter().filter(is_signature).filter_map(end).min();
        let zone = self.contents.as_ref().filter(|zone| self.inputs.comes_signed(zone));
        self.came_signed_until = zone.and_then(|zone| match before.came_signed_until {
            Some(first) if ends(&changes.removed).is_none_or(|gone| gone > first) => {
                Some(ends(&changes.added).map_or(first, |come| come.min(first)))
            }
            Some(_) | None => first_end(zone, now).map(Time::to_system),
        });
        self
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

    /// Whether it was made as a whole, and not of a few changes to the version before.
    pub fn is_put_together(&self) -> bool {
        let is_merged = || self.contents.as_ref().is_some_and(|zone| zone.changed_nodes() == 0);
        self.since.is_none() || is_merged()
    }

    /// When its text was read from the zone's file for the first time, where it is the last good one now.
    pub fn last_good_since(&self) -> Option<SystemTime> {
        match self.origin {
            VersionOrigin::Sources => None,
            VersionOrigin::LastGood { read_at } => Some(read_at),
        }
    }

    /// What its sources gave: what it is signed of, or itself.
    pub(super) fn as_it_came(this: &Arc<ZoneVersion>) -> Arc<ZoneVersion> {
        Arc::clone(this.unsigned.as_ref().unwrap_or(this))
    }

    /// The addresses of a name for a pool of another zone, or why it has none; none: nobody wanted to know when it was made.
    pub(super) fn host(&self, name: &Name) -> Option<Result<Arc<[HostAddress]>, NoHost>> {
        match &self.contents {
            Some(zone) => Some(zone.host(name.as_ref(), &self.inputs.guards)),
            None => self.named.as_ref()?.get(name).cloned(),
        }
    }

    /// Whether hosts are members of its pools: their addresses are in it, though no source gives these records.
    pub fn has_members_by_name(&self) -> bool {
        self.inputs.guards.iter().any(|guarding| !guarding.hosts.is_empty())
    }

    /// What signs the answers of its pools, where signatures are made here.
    pub fn pool_signer(&self) -> Option<&Arc<PoolSigner>> {
        self.inputs.signing.as_ref().map(|signing| signing.pools())
    }

    /// Until when its signatures are valid, where they are made here.
    pub fn signed_until(&self) -> Option<SystemTime> {
        self.inputs.signing.as_ref().map(|signing| signing.until())
    }

    /// Whether it has signatures that are made here, and that it did not have before the start.
    pub fn has_new_signatures(&self) -> bool {
        self.inputs.signing.as_ref().is_some_and(|signing| !signing.is_as_before())
    }

    /// Until when all its signatures are valid, whoever has made them; none: it is not signed.
    pub fn valid_until(&self) -> Option<SystemTime> {
        self.signed_until().or(self.came_signed_until)
    }

    /// Whether its sources have signed it, where its contents are there: it has their serials and no others.
    pub fn comes_signed(&self) -> bool {
        self.contents.as_ref().is_some_and(|zone| self.inputs.comes_signed(zone))
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
    are_pairs(these, others, |one, other| guards_alike(one, other) && !has_moved_hosts(one, other))
}

fn are_pairs(these: &[Guarding], others: &[Guarding], is: impl Fn(&Guarding, &Guarding) -> bool) -> bool {
    these.len() == others.len() && these.iter().zip(others).all(|(one, other)| is(one, other))
}

impl Inputs {
    /// Whether pools are made of the same RRsets, in the same way.
    pub(super) fn guards_the_same(&self, other: &Inputs) -> bool {
        std::ptr::eq(self, other) || self.own == other.own && guard_the_same(&self.guards, &other.guards)
    }

    /// The same but for what other zones say of hosts.
    pub(super) fn guards_alike(&self, other: &Inputs) -> bool {
        let are_alike = || are_pairs(&self.guards, &other.guards, guards_alike);
        std::ptr::eq(self, other) || self.own == other.own && are_alike()
    }

    /// Which guards have hosts of which other zones say something else than in `before`, which guards alike.
    pub(super) fn hosts_moved_since(&self, before: &Inputs) -> Vec<&Guarding> {
        if std::ptr::eq(self, before) {
            return Vec::new();
        }
        let pairs = self.guards.iter().zip(&before.guards);
        pairs.filter(|(one, before)| has_moved_hosts(one, before)).map(|(one, _)| one).collect()
    }
}

fn has_moved_hosts(one: &Guarding, other: &Guarding) -> bool {
    !one.hosts_elsewhere().eq(other.hosts_elsewhere())
}

/// Where the config file says it makes no difference, nor what other zones say of hosts.
fn guards_alike(one: &Guarding, other: &Guarding) -> bool {
    let Guarding { owner, origin: _, hosts, guards, choice, records } = one;
    hosts.iter().map(place_of).eq(other.hosts.iter().map(place_of))
        && *owner == other.owner
        && *guards == other.guards
        && *choice == other.choice
        && *records == other.records
}

/// A host and, where it is not one of the pool's own zone, whose it is.
fn place_of(host: &HostName) -> (&Name, Option<&Name>) {
    (&host.name, host.elsewhere.as_ref().map(|elsewhere| &elsewhere.zone))
}
