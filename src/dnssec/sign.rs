//! Signs a zone: the records that are to be added to it.
//!
//! Pure but for the randomness of ECDSA: the same zone, keys and times give the same records, with Ed25519 byte for
//! byte, with ECDSA where the shelf has the signature. Of a pool it signs the records that stand for it where nobody
//! probes, which other servers are sent; what it answers is signed by `pool_signer`.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::canonical;
use super::delegation::{CDNSKEY_OF_NO_DS, CDS_OF_NO_DS, cdnskey, cds};
use super::denial_kind::{DenialKind, DenialRecord};
use super::key::Key;
use super::nsec;
use super::pair::{PairError, Signature};
use super::period::Validity;
use super::public_key::PublicKey;
use super::rrsig::{SignedRrset, rrsig};
use super::shelf::{Shelf, SignedDigest};
use super::zone_keys::{ForParent, KeysInEffect};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::sync::in_parallel;
use crate::zone::{Node, NodeId, NodeKind, Pool, Record, Zone};

/// Owners that a thread signs at a time: so much work that taking the next ones costs nothing.
const OWNERS_AT_A_TIME: usize = 256;

/// What a zone is signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The keys.
    pub keys: KeysInEffect,
    /// From when to when signatures are valid.
    pub validity: Validity,
    /// How names and types are denied.
    pub denial: DenialKind,
}

impl Signing {
    /// The records that its keys bring to the apex of a zone.
    pub fn records_of_keys(&self, apex: NameRef<'_>) -> Vec<(Rtype, Vec<u8>)> {
        let of_type =
            |(rtype, rdatas): (Rtype, Vec<Vec<u8>>)| rdatas.into_iter().map(move |rdata| (rtype, rdata));
        self.of_keys(apex).into_iter().flat_map(of_type).collect()
    }

    /// The same by their types.
    fn of_keys(&self, apex: NameRef<'_>) -> Vec<(Rtype, Vec<Vec<u8>>)> {
        let of = |keys: &[Arc<Key>], rdata: &dyn Fn(&PublicKey) -> Vec<u8>| -> Vec<Vec<u8>> {
            keys.iter().map(|key| rdata(key.public())).collect()
        };
        let keys = &self.keys;
        let (told, told_keys) = match &keys.for_parent {
            ForParent::Keys(keys) => (of(keys, &|key| cds(apex, key)), of(keys, &cdnskey)),
            ForParent::NoDs => (vec![CDS_OF_NO_DS.to_vec()], vec![CDNSKEY_OF_NO_DS.to_vec()]),
        };
        let of_published = of(&keys.published, &|key| key.rdata().to_vec());
        let made = [(Rtype::DNSKEY, of_published), (Rtype::CDS, told), (Rtype::CDNSKEY, told_keys)];
        made.into_iter().filter(|(_, rdatas)| !rdatas.is_empty()).collect()
    }
}

/// Why a zone cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    /// It has NS records at this wildcard: nobody could prove what they delegate (RFC 4592, section 4.2).
    WildcardCut(Name),
    /// It has no SOA record.
    NoSoa,
    /// Its name leaves no room for the hashes of others before it.
    NoRoomForHashes,
    /// No signature comes of a key.
    Pair(PairError),
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SignError::WildcardCut(owner) => {
                write!(
                    f,
                    "`{owner}` has NS records: no proof says what a wildcard delegates (RFC 4592, section 4.2)"
                )
            }
            SignError::NoSoa => f.write_str("the zone has no SOA record"),
            SignError::NoRoomForHashes => f.write_str(
                "the zone's name is too long for hashes of 33 bytes before it: write `denial = \"nsec\"`",
            ),
            SignError::Pair(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SignError {}

/// The records that sign a zone: RRSIG, NSEC or NSEC3 and NSEC3PARAM, DNSKEY, CDS and CDNSKEY, in no order. What is left of earlier signatures in
/// it does not count. `shelf` has the signatures of this version afterwards, and no others; `threads` sign at a time.
///
/// # Errors
///
/// When the zone cannot be signed.
pub fn sign(
    zone: &Zone,
    signing: &Signing,
    shelf: &mut Shelf,
    threads: NonZeroUsize,
) -> Result<Vec<Record>, SignError> {
    let signer = Signer::of(zone, signing, shelf)?;
    let owners = signing.denial.owners(zone);
    let made = signer.sign_all(&owners, threads)?;
    let (mut records, mut used, mut new) = (Vec::new(), Vec::new(), 0);
    for part in made {
        records.extend(part.records);
        used.extend(part.used);
        new += part.new;
    }
    shelf.replace(used, new);
    Ok(records)
}

/// Signs the owners of a zone.
pub(super) struct Signer<'z> {
    zone: &'z Zone,
    signing: &'z Signing,
    shelf: &'z Shelf,
    soa_ttl: Ttl,
    denial_ttl: Ttl,
}

/// What comes of signing some owners.
#[derive(Default)]
pub(super) struct Signed {
    pub(super) records: Vec<Record>,
    pub(super) used: Vec<(SignedDigest, Signature)>,
    pub(super) new: u64,
}

impl<'z> Signer<'z> {
    pub(super) fn of(zone: &'z Zone, signing: &'z Signing, shelf: &'z Shelf) -> Result<Self, SignError> {
        let soa = zone.node(NodeId::APEX).rrset(Rtype::SOA).ok_or(SignError::NoSoa)?;
        let (soa_ttl, denial_ttl) = (soa.ttl(), zone.negative_ttl());
        Ok(Self { zone, signing, shelf, soa_ttl, denial_ttl })
    }

    /// Signs owners, which are in the order of the chain and all there are, on several threads.
    fn sign_all(&self, owners: &[NodeId], threads: NonZeroUsize) -> Result<Vec<Signed>, SignError> {
        let first = owners.first().copied().unwrap_or(NodeId::APEX);
        let starts: Vec<usize> = (0..owners.len()).step_by(OWNERS_AT_A_TIME).collect();
        let mut done = in_parallel("edgedns-sign", threads.get(), &starts, |at| {
            let part = owners.iter().skip(*at).take(OWNERS_AT_A_TIME).enumerate().map(|(offset, id)| {
                let following = owners.get(at + offset + 1).copied().unwrap_or(first);
                (*id, following)
            });
            (*at, self.sign_some(part))
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, signed)| signed).collect()
    }

    fn sign_some(&self, owners: impl Iterator<Item = (NodeId, NodeId)>) -> Result<Signed, SignError> {
        let mut signed = Signed::default();
        for (owner, next) in owners {
            self.sign_owner(self.zone.node(owner), next, &mut signed)?;
        }
        Ok(signed)
    }

    /// Signs what an owner has; `next` is the owner behind it in the chain.
    pub(super) fn sign_owner(&self, node: Node<'z>, next: NodeId, out: &mut Signed) -> Result<(), SignError> {
        if node.kind() == NodeKind::ZoneCut && node.name().is_wildcard() {
            return Err(SignError::WildcardCut(node.name().to_name()));
        }
        let mut types = nsec::types(node);
        let keys = if node.id() == NodeId::APEX { self.of_keys() } else { Vec::new() };
        for (rtype, _) in &keys {
            if !types.contains(rtype) {
                types.push(*rtype);
            }
        }
        for rrset in node.all_rrsets().filter(|rrset| is_signed(node.kind(), rrset.rtype())) {
            // The set of both is signed below.
            if !keys.iter().any(|(rtype, _)| *rtype == rrset.rtype()) {
                let rdatas = canonical::rdatas(rrset.rtype(), rrset.rdatas());
                let set = SignedRrset { owner: node.name(), rtype: rrset.rtype(), ttl: rrset.ttl(), rdatas };
                self.sign_rrset(&set, out)?;
            }
        }
        for pool in self.written_pools(node).filter(|pool| is_signed(node.kind(), pool.rtype)) {
            let rdatas = canonical::rdatas(pool.rtype, pool.standing().into_iter());
            let set = SignedRrset { owner: node.name(), rtype: pool.rtype, ttl: pool.ttl, rdatas };
            self.sign_rrset(&set, out)?;
        }
        for (rtype, made) in &keys {
            // Other providers' keys stand in the zone itself (RFC 8901).
            let own = node.rrset(*rtype);
            let ttl = own.map_or(self.soa_ttl, |own| own.ttl());
            let theirs: Vec<&[u8]> = own.map(|own| own.rdatas().collect()).unwrap_or_default();
            for rdata in made.iter().filter(|rdata| !theirs.contains(&&rdata[..])) {
                out.records.push(record(node, *rtype, ttl, rdata.clone().into()));
            }
            let rdatas = theirs.into_iter().chain(made.iter().map(|rdata| &rdata[..]));
            let rdatas = canonical::rdatas(*rtype, rdatas);
            self.sign_rrset(&SignedRrset { owner: node.name(), rtype: *rtype, ttl, rdatas }, out)?;
        }
        let denial = self.signing.denial;
        if let Some(rdata) = denial.parameters(node) {
            // It is for servers alone: nobody keeps it.
            let owner = node.name().to_name();
            self.sign_denial(DenialRecord { owner, rtype: Rtype::NSEC3PARAM, rdata }, Ttl::default(), out)?;
        }
        let made = denial.record(self.zone, node, next, types).ok_or(SignError::NoRoomForHashes)?;
        self.sign_denial(made, self.denial_ttl, out)
    }

    /// Adds a record that is the only one of its owner and type, and signs it.
    fn sign_denial(&self, made: DenialRecord, ttl: Ttl, out: &mut Signed) -> Result<(), SignError> {
        let DenialRecord { owner, rtype, rdata } = made;
        let rdatas = vec![(&rdata[..]).into()];
        self.sign_rrset(&SignedRrset { owner: owner.as_ref(), rtype, ttl, rdatas }, out)?;
        out.records.push(Record { owner, rtype, ttl, rdata: rdata.into() });
        Ok(())
    }

    /// The pools of a node that are no RRsets which are guarded.
    fn written_pools(&self, node: Node<'z>) -> impl Iterator<Item = &'z Pool> {
        let pools = self.zone.pools();
        node.pools()
            .filter_map(|id| pools.get(id.index()))
            .map(|pool| &**pool)
            .filter(|pool| pool.lua.is_some())
    }

    /// The records that keys bring to the apex.
    fn of_keys(&self) -> Vec<(Rtype, Vec<Vec<u8>>)> {
        self.signing.of_keys(self.zone.apex())
    }

    fn sign_rrset(&self, set: &SignedRrset<'_>, out: &mut Signed) -> Result<(), SignError> {
        let keys = match set.rtype {
            Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY => &self.signing.keys.of_keys,
            _ => &self.signing.keys.of_zone,
        };
        for key in keys {
            let made = rrsig(set, key, self.signing.validity, |digest| self.shelf.get(digest))
                .map_err(SignError::Pair)?;
            out.used.push((made.digest, made.signature));
            out.new += u64::from(made.is_new);
            let owner = set.owner.to_name();
            out.records.push(Record { owner, rtype: Rtype::RRSIG, ttl: set.ttl, rdata: made.rdata });
        }
        Ok(())
    }
}

/// Whether the RRset of a type at a node of a kind is signed (RFC 4035, section 2.2): at a zone cut what is the parent's
/// and not the child's.
fn is_signed(kind: NodeKind, rtype: Rtype) -> bool {
    match kind {
        NodeKind::Occluded | NodeKind::Hashed => false,
        NodeKind::ZoneCut => rtype == Rtype::DS,
        NodeKind::Plain | NodeKind::Dname => !rtype.is_of_signing(),
    }
}

fn record(node: Node<'_>, rtype: Rtype, ttl: Ttl, rdata: Box<[u8]>) -> Record {
    Record { owner: node.name().to_name(), rtype, ttl, rdata }
}
