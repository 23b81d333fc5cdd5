//! Proposals: what a source wants a zone to be. A proposal is accepted as a whole or refused, and changes
//! only apply to the version that they were made for.
//!
//! Responsible for a zone of many changes being put together anew, whoever makes them: that takes as long as reading the
//! zone without its text, once for as many changes as a quarter of it has names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tracing::warn;

use super::signing::{SignedFault, ZoneSigning};
use super::since::Since;
use super::version::{Inputs, VersionOrigin, ZoneVersion};
use super::zone_id::ZoneId;
use crate::answer::CompileError;
use crate::dns::Rtype;
use crate::dnssec::{Chain, SignError};
use crate::source::{Diagnostics, Origin};
use crate::zone::{Changeset, ChangesetError, NodeChange, NodeId, Record, Zone};

/// What a source wants a zone to be.
pub struct Proposal {
    /// The zone.
    pub zone: ZoneId,
    /// What is to be in it.
    pub contents: Contents,
    /// What it was made from.
    pub inputs: Arc<Inputs>,
    /// Where it comes from.
    pub origin: VersionOrigin,
}

/// What is to be in a zone.
pub enum Contents {
    /// All of it. The rules between records hold: only a checked zone is one.
    Whole(Box<Zone>),
    /// What is there, with changes.
    Changes {
        /// The serial of the version that they are to.
        base: u32,
        /// The changes.
        changes: Changeset,
        /// What they come from.
        origin: Origin,
    },
}

/// Why a proposal is not accepted.
#[derive(Debug)]
pub enum ProposalError {
    /// Changes to a version whose contents are not there.
    NoContents,
    /// Changes to another version than the one that is current.
    OtherBase {
        /// The serial that they are to.
        base: u32,
        /// The serial of the current version.
        current: u32,
    },
    /// Changes that do not fit.
    Changes(ChangesetError),
    /// The rules between records do not hold.
    Unsound(Diagnostics),
    /// An answer does not fit a message.
    Compile(CompileError),
    /// It cannot be signed.
    Sign(SignError),
}

impl fmt::Display for ProposalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProposalError::NoContents => f.write_str("the contents of the zone are not in memory"),
            ProposalError::OtherBase { base, current } => {
                write!(f, "the changes are to serial {base}, and the zone is at serial {current}")
            }
            ProposalError::Changes(error) => error.fmt(f),
            ProposalError::Unsound(found) => {
                let Some(first) = found.first_error() else {
                    return f.write_str("the zone would be unsound");
                };
                if let Some(origin) = first.origin().and_then(Origin::in_words) {
                    write!(f, "{origin}: ")?;
                }
                f.write_str(&first.message)
            }
            ProposalError::Compile(error) => error.fmt(f),
            ProposalError::Sign(error) => write!(f, "the zone cannot be signed: {error}"),
        }
    }
}

impl From<SignedFault> for ProposalError {
    fn from(fault: SignedFault) -> ProposalError {
        match fault {
            SignedFault::Signing(error) => ProposalError::Sign(error),
            SignedFault::Unsound(found) => ProposalError::Unsound(found),
        }
    }
}

impl std::error::Error for ProposalError {}

impl Proposal {
    /// The version that it makes; `current` is the one that changes are to.
    ///
    /// # Errors
    ///
    /// When it cannot be served. What is served stays as it is.
    pub fn accept(self, current: Option<&ZoneVersion>) -> Result<ZoneVersion, ProposalError> {
        let Proposal { zone: id, contents, inputs, origin } = self;
        match contents {
            Contents::Whole(zone) => {
                let zone = signed(*zone, &inputs, None)?;
                ZoneVersion::of(id, zone, inputs, origin).map_err(ProposalError::Compile)
            }
            Contents::Changes { base, changes, origin: place } => {
                let current = current.ok_or(ProposalError::NoContents)?;
                if current.serial != base {
                    return Err(ProposalError::OtherBase { base, current: current.serial });
                }
                let proposal = (id, inputs, origin);
                let is_same = current.inputs.guards_the_same(&proposal.1)
                    && current.inputs.signing == proposal.1.signing;
                if !is_same || proposal.1.signing.is_some() && moves_negative_ttl(&changes) {
                    return put_together(current, &changes, &place, proposal, Signatures::Anew);
                }
                let version = changed(current, &changes, &place, proposal)?;
                let since = version.since.clone();
                let version = if version.is_merge_due() { merged(version) } else { version };
                Ok(ZoneVersion { since, ..version })
            }
        }
    }
}

/// A version after changes, at the cost of what changes.
fn changed(
    current: &ZoneVersion,
    changes: &Changeset,
    place: &Origin,
    (id, inputs, origin): (ZoneId, Arc<Inputs>, VersionOrigin),
) -> Result<ZoneVersion, ProposalError> {
    let (Some(base), Some(links)) = (&current.contents, &current.links) else {
        return Err(ProposalError::NoContents);
    };
    let mut found = Diagnostics::default();
    let changed = base.after(changes, &inputs.guards, place, &mut found);
    let Some((zone, nodes)) = changed.map_err(ProposalError::Changes)? else {
        return Err(ProposalError::Unsound(found));
    };
    let (zone, nodes, members) = with_members(zone, nodes, &inputs, &mut found)?;
    let SignedChange { zone, nodes, chain, signatures } = signed_again(current, zone, nodes, place, &inputs)?;
    let affected = links.affected(&zone, &nodes);
    zone.check_aliases(affected.iter().copied(), &mut found);
    if found.errors() > 0 {
        return Err(ProposalError::Unsound(found));
    }
    let mut links = links.clone();
    let compiled = current.compiled.after(&zone, &affected, &mut links).map_err(ProposalError::Compile)?;
    let since = Since::of(base, [changes].into_iter().chain(&members).chain([&signatures]));
    let version = ZoneVersion::with_chain(id, zone, (compiled, Some(links), chain), inputs, origin);
    Ok(ZoneVersion { since: Some(since), ..version }.with_signatures_of(current, changes))
}

/// The same version, put together anew.
fn merged(version: ZoneVersion) -> ZoneVersion {
    let place = version.contents.as_ref().and_then(|zone| zone.node(NodeId::APEX).first_origin());
    let proposal = (version.id.clone(), Arc::clone(&version.inputs), version.origin);
    let place = place.ok_or(ProposalError::NoContents);
    let put_together =
        |place: Origin| put_together(&version, &Changeset::default(), &place, proposal, Signatures::Kept);
    let merged = place.and_then(put_together);
    merged.unwrap_or_else(|error| {
        // It is sound, and fits.
        warn!(zone = %version.id.name, "zone {} cannot be put together anew: {error}", version.id);
        version
    })
}

/// A version after changes by putting all of it together anew, as where other RRsets are guarded now.
fn put_together(
    current: &ZoneVersion,
    changes: &Changeset,
    place: &Origin,
    (id, inputs, origin): (ZoneId, Arc<Inputs>, VersionOrigin),
    signatures: Signatures,
) -> Result<ZoneVersion, ProposalError> {
    let zone = current.contents.as_ref().ok_or(ProposalError::NoContents)?;
    let mut found = Diagnostics::default();
    let changed = changes.apply(zone, &inputs.guards, place, &mut found);
    let changed = changed.map_err(ProposalError::Changes)?.finish(&mut found);
    let changed = changed.ok_or(ProposalError::Unsound(found))?;
    let changed = match signatures {
        Signatures::Kept => changed,
        Signatures::Anew => signed(changed, &inputs, current.inputs.signing.as_deref())?,
    };
    ZoneVersion::of(id, changed, inputs, origin).map_err(ProposalError::Compile)
}

/// What becomes of signatures that are in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signatures {
    /// They are those of its records.
    Kept,
    /// They are found or made anew.
    Anew,
}

/// A zone as it is signed; `before` has signed what is left of signatures in it.
fn signed(zone: Zone, inputs: &Inputs, before: Option<&ZoneSigning>) -> Result<Zone, ProposalError> {
    match &inputs.signing {
        None => Ok(zone),
        Some(signing) => Ok(signing.sign(zone, before, &inputs.guards)?),
    }
}

/// Whether changes give negative answers or the records of keys another TTL: much more than what they touch is signed anew
/// then.
fn moves_negative_ttl(changes: &Changeset) -> bool {
    let timers = |record: &Record| (record.ttl, record.rdata.last_chunk::<4>().copied());
    let soa = |records: &[Record]| records.iter().find(|record| record.rtype == Rtype::SOA).map(timers);
    soa(&changes.removed) != soa(&changes.added)
}

/// A zone after changes, with the addresses of the hosts that are members by name as they are now; and what that took.
fn with_members(
    zone: Zone,
    nodes: Vec<NodeChange>,
    inputs: &Inputs,
    found: &mut Diagnostics,
) -> Result<(Zone, Vec<NodeChange>, Vec<Changeset>), ProposalError> {
    let changes = zone.member_changes(&nodes, &inputs.guards, found);
    if found.errors() > 0 {
        return Err(ProposalError::Unsound(std::mem::take(found)));
    }
    if changes.is_empty() {
        return Ok((zone, nodes, Vec::new()));
    }
    let changed = zone.after_all(&changes, &inputs.guards, found).map_err(ProposalError::Changes)?;
    let Some((after, more)) = changed else {
        return Err(ProposalError::Unsound(std::mem::take(found)));
    };
    Ok((after, joined(nodes, more), changes.into_iter().map(|(_, changes)| changes).collect()))
}

/// What became of nodes by one change and by the next.
fn joined(nodes: Vec<NodeChange>, more: Vec<NodeChange>) -> Vec<NodeChange> {
    let mut all: BTreeMap<NodeId, NodeChange> =
        nodes.into_iter().map(|change| (change.node, change)).collect();
    for change in more {
        all.entry(change.node).and_modify(|first| *first = first.and(change)).or_insert(change);
    }
    all.into_values().collect()
}

/// A zone after changes, signed again.
struct SignedChange {
    zone: Zone,
    nodes: Vec<NodeChange>,
    chain: Option<Chain>,
    signatures: Changeset,
}

/// Signs what changes have touched.
fn signed_again(
    current: &ZoneVersion,
    zone: Zone,
    nodes: Vec<NodeChange>,
    place: &Origin,
    inputs: &Inputs,
) -> Result<SignedChange, ProposalError> {
    let (Some(signing), Some(chain)) = (&inputs.signing, &current.chain) else {
        return Ok(SignedChange { zone, nodes, chain: None, signatures: Changeset::default() });
    };
    let (signatures, chain) = signing.resign(&zone, nodes.iter().map(|change| change.node), chain)?;
    let mut found = Diagnostics::default();
    let signed = zone.after(&signatures, &inputs.guards, place, &mut found);
    let Some((zone, more)) = signed.map_err(ProposalError::Changes)? else {
        return Err(ProposalError::Unsound(found));
    };
    Ok(SignedChange { zone, nodes: joined(nodes, more), chain: Some(chain), signatures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Name, Rtype, Ttl};
    use crate::source::{Sources, Span};
    use crate::zone::{Builder, Expected, Guarding, HostName, PoolSettings, Record};
    use crate::zonefile;
    use crate::zones::source::{Changing, ZoneSources};

    fn named() -> Origin {
        Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7).into()
    }

    fn inputs(sources: ZoneSources) -> Inputs {
        Inputs {
            sources,
            forward: None,
            settings: zonefile::Settings::default(),
            guards: Vec::new(),
            own: Vec::new(),
            texts: Vec::new(),
            signing: None,
        }
    }

    fn live() -> Inputs {
        let mut sources = ZoneSources::default();
        sources.push(Changing::Updates);
        inputs(sources)
    }

    fn soa(serial: u32) -> Record {
        let rdata = [&[0, 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
        record("example.", Rtype::SOA, &rdata)
    }

    fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
        let ttl = Ttl::from_seconds(60).unwrap();
        Record { owner: owner.parse().unwrap(), rtype, ttl, rdata: rdata.into() }
    }

    fn proposal(contents: Contents, inputs: Inputs) -> Proposal {
        let zone = ZoneId::from("example.".parse::<Name>().unwrap());
        Proposal { zone, contents, inputs: Arc::new(inputs), origin: VersionOrigin::Sources }
    }

    fn version(inputs: Inputs) -> ZoneVersion {
        let mut builder = Builder::new("example.".parse().unwrap(), named());
        for Record { owner, rtype, ttl, rdata } in
            [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")]
        {
            builder.add(owner.as_ref(), rtype, ttl, &rdata, named()).unwrap();
        }
        let zone = builder.finish(&mut Diagnostics::default()).unwrap();
        proposal(Contents::Whole(Box::new(zone)), inputs).accept(None).unwrap()
    }

    fn changes(base: u32, added: Record) -> Contents {
        let changes = Changeset { removed: vec![soa(base)], added: vec![soa(base + 1), added] };
        Contents::Changes { base, changes, origin: named() }
    }

    #[test]
    fn changes_make_the_next_version_of_the_one_they_are_to() {
        let host = record("h.example.", Rtype::A, &[192, 0, 2, 1]);
        let first = version(live());
        let second = proposal(changes(1, host), live()).accept(Some(&first)).unwrap();
        assert_eq!((second.serial, second.records), (2, 3));
        assert!(!Arc::ptr_eq(&first.compiled, &second.compiled));
        assert_eq!((first.serial, first.records), (1, 2), "the first is what it was");
    }

    #[test]
    fn a_version_of_many_changes_is_put_together_anew() {
        let mut current = version(live());
        let changed_nodes = |version: &ZoneVersion| version.contents.as_ref().unwrap().changed_nodes();
        let (mut before, mut most) = (0, 0);
        for number in 0..5_000_u32 {
            let name = format!("h{number}.sub.example.");
            let host = record(&name, Rtype::A, &[192, 0, 2, 1]);
            current = proposal(changes(1 + 2 * number, host.clone()), live()).accept(Some(&current)).unwrap();
            if number % 2 == 0 {
                let changes = Changeset {
                    removed: vec![soa(current.serial), host],
                    added: vec![soa(current.serial + 1)],
                };
                let contents = Contents::Changes { base: current.serial, changes, origin: named() };
                current = proposal(contents, live()).accept(Some(&current)).unwrap();
            } else {
                let host = record(&name, Rtype::TXT, b"\x01t");
                current = proposal(changes(current.serial, host), live()).accept(Some(&current)).unwrap();
            }
            assert!(!current.is_merge_due(), "{number} changes");
            most = most.max(changed_nodes(&current));
            if most > changed_nodes(&current) {
                break;
            }
            before = current.records;
        }
        // What the second changeset of the last round changed.
        assert!(changed_nodes(&current) <= 3 && current.compiled.changed_nodes() <= 3);
        assert!(most > 1_000 && current.records >= before, "{most} nodes changed, {before} records");
        let next = changes(current.serial, record("next.example.", Rtype::A, &[192, 0, 2, 2]));
        assert_eq!(proposal(next, live()).accept(Some(&current)).unwrap().records, current.records + 1);
    }

    #[test]
    fn a_version_of_one_change_to_what_many_aliases_lead_to_is_put_together_anew() {
        let mut current = version(live());
        let hub = record("hub.example.", Rtype::A, &[192, 0, 2, 1]);
        let alias =
            |number: u32| record(&format!("a{number}.example."), Rtype::CNAME, b"\x03hub\x07example\x00");
        let added = (0..5_000).map(alias).chain([hub.clone(), soa(2)]).collect();
        let changes = Changeset { removed: vec![soa(1)], added };
        let contents = Contents::Changes { base: 1, changes, origin: named() };
        current = proposal(contents, live()).accept(Some(&current)).unwrap();
        assert_eq!(current.compiled.changed_nodes(), 0, "put together anew");
        let changes = Changeset {
            removed: vec![soa(2), hub],
            added: vec![soa(3), record("hub.example.", Rtype::A, &[192, 0, 2, 2])],
        };
        let contents = Contents::Changes { base: 2, changes, origin: named() };
        current = proposal(contents, live()).accept(Some(&current)).unwrap();
        assert_eq!((current.serial, current.compiled.changed_nodes()), (3, 0));
    }

    #[test]
    fn members_by_name_follow_the_addresses_of_their_hosts() {
        let named_host = |name: &str| HostName { name: name.parse().unwrap(), origin: named() };
        let guarding = || Guarding {
            owner: "api.example.".parse().unwrap(),
            origin: named(),
            hosts: vec![named_host("m0.example."), named_host("m1.example.")],
            guards: Vec::new(),
            choice: PoolSettings::default(),
            records: Expected::Now,
        };
        let inputs = || Inputs { guards: vec![guarding()], ..live() };
        let host = |name: &str, last: u8| record(name, Rtype::A, &[192, 0, 2, last]);
        let version_with = |hosts: &[Record]| {
            let mut builder = Builder::new("example.".parse().unwrap(), named());
            let apex = [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")];
            for Record { owner, rtype, ttl, rdata } in apex.iter().chain(hosts) {
                builder.add(owner.as_ref(), *rtype, *ttl, rdata, named()).unwrap();
            }
            builder.guard(guarding());
            let mut found = Diagnostics::default();
            let zone =
                builder.finish(&mut found).ok_or_else(|| found.first_error().unwrap().message.clone())?;
            Ok::<_, String>(proposal(Contents::Whole(Box::new(zone)), inputs()).accept(None).unwrap())
        };
        let api = |version: &ZoneVersion| {
            let records = version.contents.as_ref().unwrap().records();
            let own = records.filter(|(owner, ..)| owner.to_string() == "api.example.");
            let mut last: Vec<u8> = own.filter_map(|(.., rdata)| rdata.last().copied()).collect();
            last.sort_unstable();
            last
        };
        let first = version_with(&[host("m0.example.", 1), host("m1.example.", 2)]).unwrap();
        assert_eq!(api(&first), [1, 2]);
        let changes = Changeset {
            removed: vec![soa(1), host("m1.example.", 2)],
            added: vec![soa(2), host("m1.example.", 3), host("m1.example.", 4)],
        };
        let moved = Contents::Changes { base: 1, changes, origin: named() };
        let second = proposal(moved, inputs()).accept(Some(&first)).unwrap();
        assert_eq!(api(&second), [1, 3, 4]);
        // So does a version that is put together anew.
        let merged = merged(second);
        assert_eq!(api(&merged), [1, 3, 4]);
        // So do their TTLs, of all hosts at once, and a change elsewhere leaves all as it is.
        let slower =
            |name: &str, last: u8| Record { ttl: Ttl::from_seconds(90).unwrap(), ..host(name, last) };
        let changes = Changeset {
            removed: vec![soa(2), host("m0.example.", 1), host("m1.example.", 3), host("m1.example.", 4)],
            added: vec![
                soa(3),
                slower("m0.example.", 1),
                slower("m1.example.", 3),
                slower("m1.example.", 4),
                host("other.example.", 9),
            ],
        };
        let contents = Contents::Changes { base: 2, changes, origin: named() };
        let third = proposal(contents, inputs()).accept(Some(&merged)).unwrap();
        let ttls = |version: &ZoneVersion| -> Vec<(String, u32)> {
            let records = version.contents.as_ref().unwrap().records();
            let addresses = records.filter(|(_, rtype, ..)| *rtype == Rtype::A);
            addresses.map(|(owner, _, ttl, _)| (owner.to_string(), ttl.seconds())).collect()
        };
        let is_slow = |(owner, ttl): &(String, u32)| *ttl == if owner == "other.example." { 60 } else { 90 };
        assert_eq!((api(&third), ttls(&third).len()), (vec![1, 3, 4], 7));
        assert!(ttls(&third).iter().all(is_slow), "{:?}", ttls(&third));
        assert!(ttls(&super::merged(third)).iter().all(is_slow));
        let removed = Changeset { removed: vec![soa(2), host("m0.example.", 1)], added: vec![soa(3)] };
        let gone = Contents::Changes { base: 2, changes: removed, origin: named() };
        let fault = proposal(gone, inputs()).accept(Some(&merged)).err().unwrap().to_string();
        assert!(fault.contains("`m0.example.`, a member of `api.example.`, has no address"), "{fault}");
        let missing = version_with(&[host("m0.example.", 1)]).err().unwrap();
        assert_eq!(missing, "`m1.example.`, a member of `api.example.`, has no address");
    }

    #[test]
    fn changes_to_another_version_or_without_contents_or_to_an_unsound_zone_are_refused() {
        let host = || record("h.example.", Rtype::A, &[192, 0, 2, 1]);
        let refused = |contents, current: Option<&ZoneVersion>| {
            proposal(contents, live()).accept(current).err().unwrap().to_string()
        };
        let current = version(live());
        assert_eq!(
            refused(changes(7, host()), Some(&current)),
            "the changes are to serial 7, and the zone is at serial 1"
        );
        let forgotten = version(inputs(ZoneSources::default()));
        assert!(forgotten.contents.is_none(), "a zone that is read as a whole is not kept in memory");
        for current in [Some(&forgotten), None] {
            assert_eq!(refused(changes(1, host()), current), "the contents of the zone are not in memory");
        }
        let alias = record("example.", Rtype::CNAME, b"\x01a\x04test\x00");
        assert!(refused(changes(1, alias), Some(&current)).contains("CNAME"));
    }
}
