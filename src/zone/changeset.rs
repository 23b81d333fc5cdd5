//! Changes to a zone: records that go, and records that come.
//!
//! A zone with changes is the same as one that was read with them. Not responsible for which changes are
//! allowed, or for the serial: a changeset replaces the SOA record like any other.

use std::collections::HashSet;
use std::fmt;

use super::builder::Builder;
use super::guarding::Guarding;
use super::pool::Pool;
use super::rrset_key::RrsetKey;
use super::sealed::NodeId;
use super::tree::{LuaLibrary, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Diagnostic, Diagnostics, Origin, Severity};

/// A record of class IN with its RDATA in wire form, uncompressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The owner.
    pub owner: Name,
    /// Its type.
    pub rtype: Rtype,
    /// Its TTL; of a record that goes it does not matter.
    pub ttl: Ttl,
    /// Its data.
    pub rdata: Box<[u8]>,
}

/// Records that go, and then records that come (RFC 1995, section 4). LUA records and libraries stay as they
/// are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changeset {
    /// Records that are in the zone and go.
    pub removed: Vec<Record>,
    /// Records that are not in the zone and come.
    pub added: Vec<Record>,
}

/// Why changes do not fit a zone: it is not the one that they were made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesetError {
    /// A record that is to go is not there.
    NotThere(Record),
    /// A record that is to come is there already.
    AlreadyThere(Record),
}

impl fmt::Display for ChangesetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangesetError::NotThere(Record { owner, rtype, .. }) => {
                write!(f, "a {rtype} record of `{owner}` that is to be removed is not in the zone")
            }
            ChangesetError::AlreadyThere(Record { owner, rtype, .. }) => {
                write!(f, "a {rtype} record of `{owner}` that is to be added is in the zone already")
            }
        }
    }
}

impl std::error::Error for ChangesetError {}

/// A record by what tells it from others, with its owner in lower case.
type Key = (Vec<u8>, Rtype, Vec<u8>);

fn key(owner: NameRef<'_>, rtype: Rtype, rdata: &[u8]) -> Key {
    (owner.to_lowercase().to_vec(), rtype, rdata.to_vec())
}

impl Record {
    /// The RRset that it belongs to.
    pub(super) fn rrset_key(&self) -> RrsetKey {
        RrsetKey::of(self.rtype, &self.rdata)
    }

    fn key(&self) -> Key {
        key(self.owner.as_ref(), self.rtype, &self.rdata)
    }
}

impl Changeset {
    /// What leads from one zone to another, apart from LUA records.
    pub fn between(from: &Zone, to: &Zone) -> Changeset {
        let of = |zone: &Zone| -> Vec<Record> {
            let records = zone.records().map(|(owner, rtype, ttl, rdata)| Record {
                owner: owner.to_name(),
                rtype,
                ttl,
                rdata: rdata.into(),
            });
            records.collect()
        };
        let (before, after) = (of(from), of(to));
        let (was, is): (HashSet<&Record>, HashSet<&Record>) =
            (before.iter().collect(), after.iter().collect());
        Changeset {
            removed: before.iter().filter(|record| !is.contains(record)).cloned().collect(),
            added: after.iter().filter(|record| !was.contains(record)).cloned().collect(),
        }
    }

    /// The same where nothing but RRsets of these owners and types has changed.
    pub fn between_rrsets<'r>(
        from: &Zone,
        to: &Zone,
        rrsets: impl Iterator<Item = &'r (Name, Rtype)>,
    ) -> Changeset {
        let of = |zone: &Zone, owner: &Name, rtype: Rtype| -> Vec<Record> {
            let node = zone.find(owner.as_ref()).map(|id| zone.node(id));
            let rrset = node.and_then(|node| node.rrset(rtype));
            let record = |ttl, rdata: &[u8]| Record { owner: owner.clone(), rtype, ttl, rdata: rdata.into() };
            rrset
                .map(|rrset| rrset.rdatas().map(|rdata| record(rrset.ttl(), rdata)).collect())
                .unwrap_or_default()
        };
        let mut changes = Changeset::default();
        for (owner, rtype) in rrsets {
            let (before, after) = (of(from, owner, *rtype), of(to, owner, *rtype));
            changes.removed.extend(before.iter().filter(|record| !after.contains(record)).cloned());
            changes.added.extend(after.iter().filter(|record| !before.contains(record)).cloned());
        }
        changes
    }

    /// A builder that holds what `zone` would hold after the changes, guarded by `guards`. Records that come
    /// come from `origin`, those that stay from where they did.
    ///
    /// # Errors
    ///
    /// When the zone is not the one that the changes were made for.
    pub fn apply(
        &self,
        zone: &Zone,
        guards: &[Guarding],
        origin: impl Into<Origin>,
        found: &mut Diagnostics,
    ) -> Result<Builder, ChangesetError> {
        let origin = &origin.into();
        let mut going: HashSet<Key> = self.removed.iter().map(Record::key).collect();
        let coming: HashSet<Key> = self.added.iter().map(Record::key).collect();
        // Of those that come: a zone of many records is not held here a second time.
        let mut there = HashSet::new();
        let is_same = going.is_empty() && coming.is_empty();
        let mut builder = Builder::new(zone.apex().to_name(), origin);
        for node in zone.nodes() {
            for rrset in node.all_rrsets() {
                // Members by name are made anew.
                let own =
                    rrset.rdatas().zip(rrset.origins()).filter(|(_, origin)| !is_member_by_name(origin));
                for (rdata, origin) in own {
                    if !is_same {
                        let key = key(node.name(), rrset.rtype(), rdata);
                        if going.remove(&key) {
                            continue;
                        }
                        there.extend(coming.contains(&key).then_some(key));
                    }
                    let added = builder.add(node.name(), rrset.rtype(), rrset.ttl(), rdata, origin);
                    found.extend(added.err());
                }
            }
        }
        if let Some(record) = self.removed.iter().find(|record| going.contains(&record.key())) {
            return Err(ChangesetError::NotThere(record.clone()));
        }
        for record in &self.added {
            if !there.insert(record.key()) {
                return Err(ChangesetError::AlreadyThere(record.clone()));
            }
            let Record { owner, rtype, ttl, rdata } = record;
            found.extend(builder.add(owner.as_ref(), *rtype, *ttl, rdata, origin).err());
        }
        for pool in zone.pools().iter().filter(|pool| pool.lua.is_some()) {
            found.extend(builder.add_pool(as_written(pool)).err());
        }
        for library in zone.lua_libraries() {
            found.extend(
                builder.add_lua_library(library.owner.clone(), library.ttl, &library.code, origin).err(),
            );
        }
        builder.set_own_addresses(zone.own.to_vec());
        builder.set_signed_as(zone);
        guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        Ok(builder)
    }
}

impl Zone {
    /// A builder that holds what the zone does, as far as it stays, guarded by `guards`. LUA records stay. The zone is
    /// `origin`'s.
    pub fn to_builder(
        &self,
        guards: &[Guarding],
        origin: &Origin,
        stays: impl Fn(NodeId, Rtype, &[u8]) -> bool,
        found: &mut Diagnostics,
    ) -> Builder {
        let mut builder = Builder::new(self.apex().to_name(), origin);
        for id in self.node_ids() {
            let node = self.node(id);
            for rrset in node.all_rrsets() {
                let own =
                    rrset.rdatas().zip(rrset.origins()).filter(|(_, origin)| !is_member_by_name(origin));
                for (rdata, origin) in own {
                    if stays(id, rrset.rtype(), rdata) {
                        let added = builder.add(node.name(), rrset.rtype(), rrset.ttl(), rdata, origin);
                        found.extend(added.err());
                    }
                }
            }
        }
        for pool in self.pools().iter().filter(|pool| pool.lua.is_some()) {
            found.extend(builder.add_pool(as_written(pool)).err());
        }
        for library in self.lua_libraries() {
            let LuaLibrary { owner, ttl, code } = library;
            found.extend(builder.add_lua_library(owner.clone(), *ttl, code, origin).err());
        }
        builder.set_own_addresses(self.own.to_vec());
        builder.set_signed_as(self);
        guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        builder
    }
}

/// Whether a record is there because it is one of a host's.
fn is_member_by_name(origin: &Origin) -> bool {
    matches!(origin, Origin::Host(_))
}

/// A pool as it was before the names that it tests were looked up, which gave it each of its guards once per
/// address.
pub(super) fn as_written(pool: &Pool) -> Pool {
    let mut pool = pool.clone();
    for member in pool.groups.iter_mut().flatten().filter(|member| member.tested.is_some()) {
        if let Some(first) = member.guards.first().map(|guard| guard.probe.address) {
            member.guards.retain(|guard| guard.probe.address == first);
        }
    }
    pool
}

impl From<ChangesetError> for Diagnostic {
    fn from(error: ChangesetError) -> Diagnostic {
        Diagnostic::placeless(Severity::Error, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A zone with records of its own, some of which are guarded.
    fn zone(serial: u32, records: &[(u8, u8)]) -> Zone {
        let origin = named();
        let mut builder = Builder::new(name("example."), &origin);
        let soa = [&[1, b'n', 0, 1, b'h', 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
        let ttl = Ttl::from_seconds(60).unwrap();
        builder.add(name("example.").as_ref(), Rtype::SOA, ttl, &soa, &origin).unwrap();
        let ns = name("ns.test.");
        builder.add(name("example.").as_ref(), Rtype::NS, ttl, ns.as_ref().wire(), &origin).unwrap();
        for (owner, address) in records {
            let owner = name(&format!("h{owner}.sub{}.example.", owner % 3));
            builder.add(owner.as_ref(), Rtype::A, ttl, &[192, 0, 2, *address], &origin).unwrap();
        }
        finished(builder)
    }

    fn named() -> Origin {
        let file = crate::source::Sources::default().add("edgedns.toml", b"example".to_vec());
        crate::source::Span::new(file, 0, 7).into()
    }

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn finished(builder: Builder) -> Zone {
        let mut found = Diagnostics::default();
        builder.finish(&mut found).unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>()))
    }

    fn told(zone: &Zone) -> Vec<String> {
        zone.records()
            .map(|(owner, rtype, ttl, rdata)| format!("{owner} {} {rtype} {rdata:?}", ttl.seconds()))
            .collect()
    }

    fn hosts() -> impl Strategy<Value = Vec<(u8, u8)>> {
        prop::collection::btree_set((0..6_u8, 0..4_u8), 0..12).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_zone_with_what_leads_to_another_is_the_other(before in hosts(), after in hosts(), serial in 1..9_u32) {
            let (from, to) = (zone(1, &before), zone(serial, &after));
            let changes = Changeset::between(&from, &to);
            let mut found = Diagnostics::default();
            let made = finished(changes.apply(&from, &[], named(), &mut found).unwrap());
            prop_assert_eq!(told(&made), told(&to));
            prop_assert_eq!(made.serial(), serial);
            // Names that only lead to others come and go with them.
            for id in to.node_ids() {
                prop_assert!(made.find(to.node(id).name()).is_some());
            }
            prop_assert_eq!(made.node_ids().count(), to.node_ids().count());
        }
    }

    #[test]
    fn changes_for_another_zone_are_refused() {
        let (one, two) = (zone(1, &[(1, 1)]), zone(2, &[(1, 2)]));
        let changes = Changeset::between(&one, &two);
        let apply = |zone: &Zone| {
            changes
                .apply(zone, &[], named(), &mut Diagnostics::default())
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(apply(&one), None);
        assert!(apply(&two).unwrap().contains("is not in the zone"));
        let again = Changeset { removed: Vec::new(), added: changes.added.clone() };
        let error = again.apply(&two, &[], named(), &mut Diagnostics::default()).err().unwrap();
        assert!(error.to_string().contains("is in the zone already"), "{error}");
    }
}
