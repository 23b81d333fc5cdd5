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
use crate::zone::{Changeset, ChangesetError, Guarding, NodeChange, NodeId, Record, Zone};

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
                let is_same =
                    current.inputs.guards_alike(&proposal.1) && current.inputs.signing == proposal.1.signing;
                if !is_same || proposal.1.signing.is_some() && moves_negative_ttl(&changes) {
                    return put_together(current, &changes, &place, proposal, Signatures::Anew);
                }
                let (id, inputs, origin) = proposal;
                let next = changed(current, &changes, &place, (id.clone(), Arc::clone(&inputs), origin))?;
                let Some(version) = next else {
                    return put_together(current, &changes, &place, (id, inputs, origin), Signatures::Anew);
                };
                let since = version.since.clone();
                let version = if version.is_merge_due() { merged(version) } else { version };
                Ok(ZoneVersion { since, ..version })
            }
        }
    }
}

/// A version after changes, at the cost of what changes; none where it must be put together anew.
fn changed(
    current: &ZoneVersion,
    changes: &Changeset,
    place: &Origin,
    (id, inputs, origin): (ZoneId, Arc<Inputs>, VersionOrigin),
) -> Result<Option<ZoneVersion>, ProposalError> {
    let (Some(base), Some(links)) = (&current.contents, &current.links) else {
        return Err(ProposalError::NoContents);
    };
    let mut found = Diagnostics::default();
    let changed = base.after(changes, &inputs.guards, place, &mut found);
    let Some((zone, nodes)) = changed.map_err(ProposalError::Changes)? else {
        return Err(ProposalError::Unsound(found));
    };
    let moved = inputs.hosts_moved_since(&current.inputs);
    let Some((zone, nodes, members)) = with_members(zone, nodes, (&inputs, &moved), &mut found)? else {
        return Ok(None);
    };
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
    Ok(Some(ZoneVersion { since: Some(since), ..version }.with_signatures_of(current, changes)))
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

/// A zone, what became of its nodes, and what members by name took.
type WithMembers = (Zone, Vec<NodeChange>, Vec<Changeset>);

/// A zone after changes, with the addresses of the hosts that are members by name as they are now, those of `moved` included;
/// and what that took. None where it must be put together anew.
fn with_members(
    zone: Zone,
    nodes: Vec<NodeChange>,
    (inputs, moved): (&Inputs, &[&Guarding]),
    found: &mut Diagnostics,
) -> Result<Option<WithMembers>, ProposalError> {
    let changes = zone.member_changes(&nodes, (&inputs.guards, moved), found);
    if found.errors() > 0 {
        return Err(ProposalError::Unsound(std::mem::take(found)));
    }
    let Some(changes) = changes else { return Ok(None) };
    if changes.is_empty() {
        return Ok(Some((zone, nodes, Vec::new())));
    }
    let changed = zone.after_all(&changes, &inputs.guards, found).map_err(ProposalError::Changes)?;
    let Some((after, more)) = changed else {
        return Err(ProposalError::Unsound(std::mem::take(found)));
    };
    Ok(Some((after, joined(nodes, more), changes.into_iter().map(|(_, changes)| changes).collect())))
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
mod tests;
