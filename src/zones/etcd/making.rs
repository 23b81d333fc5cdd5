//! From keys to the version that is to be served.
//!
//! Responsible for a version costing what has changed, and for a name that makes no sense leaving the others, and what it
//! answered before, as they are. Pure; it may take seconds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::keys::{HasLua, Keys};
use super::serial::{next_serial, serial_of};
use crate::dns::{Name, Rtype, Ttl};
use crate::layout::{ApexRecords, Guards, Item, KeyFault, settle, text_of};
use crate::source::{Diagnostic, Diagnostics, Origin, Sources, Span, StoreKey};
use crate::zone::{
    Apexes, Builder, Changeset, Expected, Guarding, Hosts, MemoryLimit, NodeId, PoolId, Record, Test, Zone,
};
use crate::zonefile;
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::version::{Inputs, VersionOrigin, ZoneVersion, guard_the_same};
use crate::zones::zone_id::ZoneId;

/// Memory that a zone may take where `memory-limit` says nothing, in bytes: some two million records. A store has no
/// length before it ends.
const MEMORY_MAX: u64 = 1 << 30;

/// Up to so many names may always change before a zone is put together anew.
const CHANGED_MIN: usize = 1_000;

/// The share of all names that may change before that.
const CHANGED_SHARE: usize = 4;

/// How often a zone is put together without names that break the rules between records.
const ROUNDS_MAX: usize = 20;

/// Up to so many keys each record knows the one that it comes from. With more, only what the keys begin with is kept:
/// a million of them would take more memory than the records.
const ORIGINS_MAX: usize = 100_000;

/// The numbers of an SOA record that keys do not give: refresh, retry and expiry are for servers that copy the zone,
/// the minimum is how long clients believe that a name is not there (RFC 2308).
const SOA_TIMERS: [u32; 4] = [3600, 600, 604_800, 60];

/// What a version is made from, besides the keys.
pub(in crate::zones) struct Making<'m> {
    /// The zone.
    pub(in crate::zones) id: &'m ZoneId,
    /// What the version says it was made from.
    pub(in crate::zones) inputs: Arc<Inputs>,
    /// The apexes of all zones.
    pub(in crate::zones) apexes: Arc<Apexes>,
    /// Whether some other zone is made from its addresses.
    pub(in crate::zones) wants_hosts: bool,
    /// Where faults are told that have no place of their own.
    pub(in crate::zones) span: Span,
    /// What the store is called.
    pub(in crate::zones) store: &'static str,
    /// Where the store stands.
    pub(in crate::zones) revision: u64,
}

/// What has been made.
#[derive(Default)]
pub(in crate::zones) struct Made {
    /// The next version; none: nothing has changed.
    pub(in crate::zones) version: Option<ZoneVersion>,
    /// Names that stay as they were, or are left out, and why.
    pub(in crate::zones) refused: Vec<(Name, KeyFault)>,
}

/// The version that comes of the keys; `current` is what is served.
///
/// # Errors
///
/// When there is none. The names that have changed are still marked.
pub(in crate::zones) fn make(
    making: &Making<'_>,
    keys: &mut Keys,
    current: Option<&ZoneVersion>,
) -> Result<Made, String> {
    let changed = keys.take_changed();
    let made = making.made(keys, &changed, current);
    match &made {
        Ok(made) => keys.mark_changed(made.refused.iter().map(|(name, _)| name.clone())),
        Err(_) => keys.mark_changed(changed),
    }
    let made = made?;
    let hosted = made.version.map(|version| {
        let contents = version.contents.as_deref().filter(|_| making.wants_hosts);
        let hosts = contents.map(|zone| Arc::new(Hosts::of(zone)));
        ZoneVersion { hosts, ..version }
    });
    Ok(Made { version: hosted, refused: made.refused })
}

/// What is otherwise at one name.
struct Difference<'k> {
    owner: Name,
    /// The first key that says something of it.
    key: Vec<u8>,
    changes: Changeset,
    keys: &'k Keys,
}

impl Making<'_> {
    fn made(
        &self,
        keys: &Keys,
        changed: &HashSet<Name>,
        current: Option<&ZoneVersion>,
    ) -> Result<Made, String> {
        let Some((current, zone)) = current.and_then(|current| Some((current, current.contents.as_deref()?)))
        else {
            return self.whole(keys, None, serial_of(self.revision));
        };
        let serial = next_serial(current.serial, self.revision);
        let few = changed.len() <= CHANGED_MIN.max(keys.names() / CHANGED_SHARE);
        if !few || changed.iter().any(|owner| has_lua(keys, zone, owner)) {
            return self.whole(keys, Some(current), serial);
        }
        let mut faults = Vec::new();
        let mut inputs = Arc::clone(&self.inputs);
        let of_keys = current.inputs.guards.iter().filter(|guarding| is_of_key(guarding));
        let guarded: HashSet<&Name> = of_keys.map(|guarding| &guarding.owner).collect();
        if keys.pools().next().is_some() || !guarded.is_empty() {
            inputs = Arc::clone(&current.inputs);
            if changed.iter().any(|owner| keys.guards(owner) || guarded.contains(owner)) {
                let (guards, idle) = self.guards(keys);
                if !guard_the_same(&guards, &current.inputs.guards) {
                    return self.whole(keys, Some(current), serial);
                }
                faults.extend(idle);
            }
        }
        let mut differences: Vec<Difference<'_>> = Vec::new();
        for owner in changed {
            let (records, told) = self.records_of(keys, owner);
            faults.extend(told.into_iter().map(|fault| (owner.clone(), fault)));
            let changes = difference(zone, owner, &records);
            if !(changes.removed.is_empty() && changes.added.is_empty()) {
                let key = keys.said(owner).0.first().map(|(key, _)| key.to_vec()).unwrap_or_default();
                differences.push(Difference { owner: owner.clone(), key, changes, keys });
            }
        }
        if differences.is_empty() {
            return Ok(Made { version: None, refused: faults });
        }
        differences.sort_by(|one, other| one.owner.cmp(&other.owner));
        let mut made = self.changed((current, zone), &inputs, &differences, serial)?;
        made.refused.extend(faults);
        Ok(made)
    }

    /// The records of a name, without the SOA record, whose serial is not that of the keys.
    fn records_of(&self, keys: &Keys, owner: &Name) -> (Vec<Record>, Vec<KeyFault>) {
        self.records_said(keys, owner, &keys.said(owner).0)
    }

    /// The same, where it is known what the keys say.
    fn records_said(
        &self,
        keys: &Keys,
        owner: &Name,
        said: &[(&[u8], Item)],
    ) -> (Vec<Record>, Vec<KeyFault>) {
        let settled = settle(said);
        let faults = settled.faults;
        let mut records: Vec<Record> = settled.records.into_iter().map(|(_, record)| record).collect();
        if *owner == self.id.name {
            records.retain(|record| record.rtype != Rtype::SOA);
            if keys.layout().apex == ApexRecords::Configured {
                records.retain(|record| !matches!(record.rtype, Rtype::NS | Rtype::CNAME));
                records.extend(name_servers(keys));
            }
        }
        (records, faults)
    }

    /// The version after changes, and the names whose changes break a rule between records.
    fn changed(
        &self,
        (current, zone): (&ZoneVersion, &Zone),
        inputs: &Arc<Inputs>,
        differences: &[Difference<'_>],
        serial: u32,
    ) -> Result<Made, String> {
        let mut soa = self.soa_change(zone, differences.first().map(|one| one.keys), serial)?;
        let mut version = None;
        let mut rest: Vec<&Difference<'_>> = differences.iter().collect();
        loop {
            let mut refused: Vec<(&Difference<'_>, String)> = Vec::new();
            let mut waiting: Vec<&[&Difference<'_>]> = vec![&rest];
            while let Some(part) = waiting.pop() {
                let base = version.as_ref().unwrap_or(current);
                let mut changes = soa.clone();
                for one in part {
                    changes.removed.extend(one.changes.removed.iter().cloned());
                    changes.added.extend(one.changes.added.iter().cloned());
                }
                match (self.accept(base, inputs, changes, self.origin_of(part)), part) {
                    (Ok(next), _) => {
                        version = Some(next);
                        soa = Changeset::default();
                    }
                    (Err(error), [one]) => refused.push((one, error.to_string())),
                    (Err(_), _) => {
                        // Who breaks the rules is found by halves.
                        let (first, second) = part.split_at(part.len() / 2);
                        waiting.extend([second, first]);
                    }
                }
            }
            // What was in the way of one name may have gone with another one.
            if refused.is_empty() || refused.len() == rest.len() {
                let told =
                    |(one, why): (&Difference<'_>, String)| (one.owner.clone(), KeyFault::of(&one.key, why));
                return Ok(Made { version, refused: refused.into_iter().map(told).collect() });
            }
            rest = refused.into_iter().map(|(one, _)| one).collect();
        }
    }

    fn accept(
        &self,
        base: &ZoneVersion,
        inputs: &Arc<Inputs>,
        changes: Changeset,
        origin: Origin,
    ) -> Result<ZoneVersion, ProposalError> {
        let contents = Contents::Changes { base: base.serial, changes, origin };
        let proposal = Proposal {
            zone: self.id.clone(),
            contents,
            inputs: Arc::clone(inputs),
            origin: VersionOrigin::Sources,
        };
        proposal.accept(Some(base))
    }

    /// What guards names: the config file, and keys for names that have something to guard. Keys for others are told.
    fn guards(&self, keys: &Keys) -> (Vec<Guarding>, Vec<(Name, KeyFault)>) {
        let (mut guards, mut idle) = (self.inputs.guards.clone(), Vec::new());
        let mut last = None;
        for (owner, key, wanted) in keys.pools() {
            if last.replace(owner) == Some(owner) {
                let why_not = format!("another key guards `{owner}` already");
                idle.push((owner.clone(), KeyFault::of(key, why_not)));
                continue;
            }
            let configured = self.inputs.guards.iter().find(|guarding| guarding.owner == *owner);
            if configured.is_some_and(|guarding| guarding.choice != wanted.choice) {
                let why_not =
                    format!("the config file guards `{owner}`, with other choices: give both the same");
                idle.push((owner.clone(), KeyFault::of(key, why_not)));
                continue;
            }
            let (settled, lua) = keys.settled(owner);
            let has = |types: &[Rtype]| settled.records.iter().any(|(_, one)| types.contains(&one.rtype));
            let lacks = wanted.guards.iter().find_map(|guard| match guard.test {
                Test::Same(_) => (!has(&[Rtype::A, Rtype::AAAA])).then_some("A or AAAA"),
                Test::TargetPort => (!has(&[Rtype::SRV])).then_some("SRV"),
            });
            let why_not = match (lua, lacks) {
                (HasLua::Yes, _) => format!("`{owner}` has LUA records: they bring their own probes"),
                (HasLua::No, Some(types)) => format!("`{owner}` has no {types} record to guard"),
                (HasLua::No, None) => {
                    let Guards { guards: tests, choice } = wanted.clone();
                    let origin = self.origin(key);
                    guards.push(Guarding {
                        owner: owner.clone(),
                        origin,
                        hosts: Vec::new(),
                        guards: tests,
                        choice,
                        records: Expected::Now,
                    });
                    continue;
                }
            };
            idle.push((owner.clone(), KeyFault::of(key, why_not)));
        }
        (guards, idle)
    }

    /// Where records come from that are changed together: a key, where it is one.
    fn origin_of(&self, part: &[&Difference<'_>]) -> Origin {
        match part {
            [one] => self.origin(&one.key),
            [first, ..] => self.origin_of_many(first.keys),
            [] => self.origin(&[]),
        }
    }

    fn origin(&self, key: &[u8]) -> Origin {
        let key = String::from_utf8_lossy(key).into_owned();
        Origin::Store(Arc::new(StoreKey { store: self.store.to_owned(), key }))
    }

    fn origin_of_many(&self, keys: &Keys) -> Origin {
        self.origin(format!("{}*", (keys.layout().keys)(keys.place())).as_bytes())
    }

    /// The new serial, in the SOA record that the zone has or its key says.
    fn soa_change(&self, zone: &Zone, keys: Option<&Keys>, serial: u32) -> Result<Changeset, String> {
        let old =
            zone.node(NodeId::APEX).rrset(Rtype::SOA).ok_or("the zone that is served has no SOA record")?;
        let (rtype, ttl) = (Rtype::SOA, old.ttl());
        let rdata = old.rdatas().next().unwrap_or_default().into();
        let old = Record { owner: zone.apex().to_name(), rtype, ttl, rdata };
        let wanted = keys.map_or_else(|| Ok(old.clone()), |keys| self.soa(keys))?;
        let new = with_serial(wanted, serial).ok_or("the SOA record is too short")?;
        Ok(Changeset { removed: vec![old], added: vec![new] })
    }

    /// The SOA record, whatever its serial.
    fn soa(&self, keys: &Keys) -> Result<Record, String> {
        let apex = &self.id.name;
        match keys.layout().apex {
            ApexRecords::InKeys => {
                let (settled, _) = keys.settled(apex);
                let mut records = settled.records.into_iter().map(|(_, record)| record);
                let missing =
                    || format!("no SOA record is in the key {}@", (keys.layout().keys)(keys.place()));
                records.find(|record| record.rtype == Rtype::SOA).ok_or_else(missing)
            }
            ApexRecords::Configured => {
                let primary = keys.place().nameservers.first().ok_or("no name server is configured")?;
                let contact = Name::parse(b"hostmaster", apex.as_ref()).map_err(|error| error.to_string())?;
                let mut rdata = [primary.as_ref().wire(), contact.as_ref().wire(), &[0; 4]].concat();
                SOA_TIMERS.iter().for_each(|number| rdata.extend_from_slice(&number.to_be_bytes()));
                let (owner, ttl) = (apex.clone(), keys.place().ttl);
                Ok(Record { owner, rtype: Rtype::SOA, ttl, rdata: rdata.into() })
            }
        }
    }

    /// The zone put together anew. Names that break a rule are as `before` has them, or left out.
    fn whole(&self, keys: &Keys, before: Option<&ZoneVersion>, serial: u32) -> Result<Made, String> {
        let soa = with_serial(self.soa(keys)?, serial).ok_or("the SOA record is too short")?;
        let (wanted, idle) = self.guards(keys);
        let mut refused: BTreeMap<Name, KeyFault> = BTreeMap::new();
        for _ in 0..ROUNDS_MAX {
            let mut sources = Sources::default().closed_over(Vec::new());
            let mut found = Diagnostics::default();
            let mut left_out = idle.clone();
            let texts = (&mut sources, &mut found);
            let old = before.and_then(|before| before.contents.as_deref());
            let mut builder = self.builder(keys, old, &soa, (&refused, &mut left_out), texts)?;
            // A name that stays as it was is guarded as it was.
            let kept = |guarding: &Guarding| !(is_of_key(guarding) && refused.contains_key(&guarding.owner));
            let before_too = refused.keys().filter_map(|owner| key_guard(before?, owner));
            let guards: Vec<Guarding> =
                wanted.iter().filter(|guarding| kept(guarding)).chain(before_too).cloned().collect();
            for mut guarding in guards.iter().cloned() {
                // What is left out has nothing to guard.
                if refused.contains_key(&guarding.owner) {
                    guarding.records = Expected::Later;
                }
                builder.guard(guarding);
            }
            let zone = builder.finish(&mut found);
            let Some(mut zone) = zone.filter(|_| found.errors() == 0) else {
                let faults = self.names_of(keys, &sources, &found);
                let known = refused.len();
                let why = found.first_error_or("it is no zone");
                refused.extend(faults);
                if refused.len() == known {
                    return Err(why);
                }
                continue;
            };
            let mut inputs = Inputs { guards, ..Inputs::clone(&self.inputs) };
            inputs.settle(&mut zone, &sources);
            let proposal = Proposal {
                zone: self.id.clone(),
                contents: Contents::Whole(Box::new(zone)),
                inputs: Arc::new(inputs),
                origin: VersionOrigin::Sources,
            };
            let version = proposal.accept(None).map_err(|error| error.to_string())?;
            left_out.extend(refused);
            return Ok(Made { version: Some(version), refused: left_out });
        }
        let some = refused.values().next().map_or_else(String::new, KeyFault::to_string);
        Err(format!("{} keys break the rules between records, one of them: {some}", refused.len()))
    }

    fn builder(
        &self,
        keys: &Keys,
        before: Option<&Zone>,
        soa: &Record,
        (refused, left_out): (&BTreeMap<Name, KeyFault>, &mut Vec<(Name, KeyFault)>),
        (sources, found): (&mut Sources, &mut Diagnostics),
    ) -> Result<Builder, String> {
        let mut builder = Builder::new(self.id.name.clone(), self.span);
        builder.set_memory_limit(Some(match self.inputs.settings.memory_limit {
            MemoryLimit::ByText => MemoryLimit::Bytes(MEMORY_MAX),
            limit @ MemoryLimit::Bytes(_) => limit,
        }));
        let common = self.origin_of_many(keys);
        let told = |fault: Diagnostic| fault.message;
        let mut add = |record: &Record, origin: &Origin| {
            let Record { owner, rtype, ttl, rdata } = record;
            builder.add(owner.as_ref(), *rtype, *ttl, rdata, origin).map_err(told)
        };
        add(soa, &common)?;
        let mut code = BTreeSet::new();
        let apex = std::iter::once(&self.id.name);
        let owners = keys.owners().filter(|owner| **owner != self.id.name);
        for owner in apex.chain(owners) {
            if refused.contains_key(owner) {
                let old = before.map(|zone| records_at(zone, owner)).unwrap_or_default();
                old.iter().filter(|one| one.rtype != Rtype::SOA).try_for_each(|one| add(one, &common))?;
                continue;
            }
            let (items, lua) = keys.said(owner);
            if lua == HasLua::Yes {
                code.extend(items.iter().filter(|(_, item)| item.has_lua).map(|(key, _)| key.to_vec()));
            }
            let origin = match items.first() {
                Some((key, _)) if keys.len() <= ORIGINS_MAX => self.origin(key),
                _ => common.clone(),
            };
            let (records, faults) = self.records_said(keys, owner, &items);
            left_out.extend(faults.into_iter().map(|fault| (owner.clone(), fault)));
            records.iter().try_for_each(|record| add(record, &origin))?;
        }
        let mut files = Vec::new();
        for key in &code {
            let value = keys.value(key).unwrap_or_default();
            let (_, text) = text_of(keys.place(), key, value)?;
            files.push(sources.add(String::from_utf8_lossy(key).into_owned(), text));
        }
        zonefile::read_code(sources, &files, &mut builder, &self.inputs.settings, found);
        builder.set_own_addresses(self.inputs.own.clone());
        builder.set_apexes(Arc::clone(&self.apexes));
        Ok(builder)
    }

    /// The names that errors are about.
    fn names_of(&self, keys: &Keys, sources: &Sources, found: &Diagnostics) -> Vec<(Name, KeyFault)> {
        let mut names = Vec::new();
        for fault in found.iter().filter(|fault| fault.is_error()) {
            let key = match fault.origin() {
                Some(Origin::Store(key)) => key.key.clone(),
                Some(Origin::Text(span)) => sources.place(*span).path,
                _ => continue,
            };
            let value = keys.value(key.as_bytes());
            let items = value.and_then(|value| (keys.layout().read)(keys.place(), key.as_bytes(), value));
            for item in items.and_then(Result::ok).unwrap_or_default() {
                names.push((item.owner, KeyFault { key: key.clone(), what: fault.message.clone() }));
            }
        }
        names.retain(|(name, _)| *name != self.id.name || keys.layout().apex == ApexRecords::Configured);
        names
    }
}

/// Whether a key says that a name is guarded.
fn is_of_key(guarding: &Guarding) -> bool {
    matches!(guarding.origin, Origin::Store(_))
}

/// What guards a name in a version because a key says so.
fn key_guard<'v>(version: &'v ZoneVersion, owner: &Name) -> Option<&'v Guarding> {
    version.inputs.guards.iter().find(|guarding| is_of_key(guarding) && guarding.owner == *owner)
}

/// Whether a name has LUA records, or had: changes cannot say so.
fn has_lua(keys: &Keys, zone: &Zone, owner: &Name) -> bool {
    let had = || {
        let node = zone.find(owner.as_ref()).map(|id| zone.node(id));
        let pools = node.into_iter().flat_map(|node| node.pools());
        let is_lua = |pool: PoolId| zone.pools().get(pool.index()).is_some_and(|pool| pool.lua.is_some());
        pools.into_iter().any(is_lua)
    };
    keys.said(owner).1 == HasLua::Yes || had()
}

/// The NS records that the config file gives.
fn name_servers(keys: &Keys) -> Vec<Record> {
    let place = keys.place();
    let record = |name: &Name| Record {
        owner: place.apex.clone(),
        rtype: Rtype::NS,
        ttl: place.ttl,
        rdata: name.as_ref().wire().into(),
    };
    place.nameservers.iter().map(record).collect()
}

/// The plain records of a name.
fn records_at(zone: &Zone, owner: &Name) -> Vec<Record> {
    let Some(node) = zone.find(owner.as_ref()).map(|id| zone.node(id)) else { return Vec::new() };
    let mut records = Vec::new();
    for rrset in node.all_rrsets() {
        let (rtype, ttl): (Rtype, Ttl) = (rrset.rtype(), rrset.ttl());
        let record = |rdata: &[u8]| Record { owner: owner.clone(), rtype, ttl, rdata: rdata.into() };
        records.extend(rrset.rdatas().map(record));
    }
    records
}

/// What leads from what is at a name to these records.
fn difference(zone: &Zone, owner: &Name, wanted: &[Record]) -> Changeset {
    let mut there = records_at(zone, owner);
    there.retain(|record| record.rtype != Rtype::SOA);
    // Another TTL is another set, all of whose records go and come.
    let (was, is): (HashSet<&Record>, HashSet<&Record>) = (there.iter().collect(), wanted.iter().collect());
    let removed = there.iter().filter(|record| !is.contains(record)).cloned().collect();
    let added = wanted.iter().filter(|record| !was.contains(record)).cloned().collect();
    Changeset { removed, added }
}

/// An SOA record with another serial.
fn with_serial(mut soa: Record, serial: u32) -> Option<Record> {
    // Before the other four numbers, which end the RDATA.
    let at = soa.rdata.len().checked_sub(20)?;
    soa.rdata.get_mut(at..)?.first_chunk_mut::<4>()?.copy_from_slice(&serial.to_be_bytes());
    Some(soa)
}

#[cfg(test)]
mod tests;
