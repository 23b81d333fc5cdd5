//! Whether the signatures of a zone that comes signed hold: for `check`, since they are served whatever they say.
//!
//! Looks at what is signed and verifies it (RFC 4035, section 5.3). Not responsible for whether denials are complete:
//! `dnssec-verify` and `ldns-verify-zone` find that.

use std::thread;

use super::canonical;
use super::public_key::tag_of;
use super::rrsig::{SignedRrset, labels, signed_data};
use super::time::Time;
use crate::crypto::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use crate::dns::{NameRef, Rtype};
use crate::source::{Diagnostic, Diagnostics, Origin};
use crate::sync::in_parallel;
use crate::zone::{Node, NodeId, NodeKind, Rrset, Zone};

/// A week: signatures that end sooner are told of.
const SOON_SECONDS: u32 = 7 * 24 * 3600;

/// What is wrong with a signature, or where one is missing. In the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Missing,
    Expired,
    NotYetValid,
    UnknownKey,
    OtherSigner,
    Wrong,
    CoversNothing,
    EndsSoon,
}

impl Fault {
    fn message(self) -> &'static str {
        match self {
            Fault::Missing => "records are not signed",
            Fault::Expired => "signatures have expired",
            Fault::NotYetValid => "signatures are not valid yet",
            Fault::UnknownKey => "signatures are by keys that the zone does not have",
            Fault::OtherSigner => "signatures are by another zone",
            Fault::Wrong => "signatures do not fit what they cover",
            Fault::CoversNothing => "signatures cover records that are not there",
            Fault::EndsSoon => "signatures expire within a week",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Fault::NotYetValid => "look at the clock of this host, and of the one that signs",
            Fault::EndsSoon | Fault::CoversNothing => "sign the zone again",
            Fault::Missing | Fault::Expired | Fault::UnknownKey | Fault::OtherSigner | Fault::Wrong => {
                "sign the zone again: validators refuse what is answered from these records"
            }
        }
    }
}

/// A fault, whose it is, and where.
type Found = (Fault, Origin, String);

/// Tells what is wrong with the signatures of a zone that comes signed, `now` being seconds since 1970 modulo 2^32.
/// Several threads verify them.
pub fn check_signatures(zone: &Zone, now: u32, found: &mut Diagnostics) {
    if !zone.is_signed() {
        return;
    }
    let keys = Keys::of(zone);
    let nodes: Vec<NodeId> = zone.node_ids().collect();
    /// Nodes that a thread takes at a time.
    const NODES: usize = 64;
    let parts: Vec<&[NodeId]> = nodes.chunks(NODES).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let all = in_parallel("edgedns-verify", threads, &parts, |part| {
        let mut own = Vec::new();
        part.iter().for_each(|id| check_node(zone, zone.node(*id), &keys, now, &mut own));
        own
    });
    tell(all.into_iter().flatten().collect(), found);
}

/// When the first signature of a zone ends; none: it has none. `now` says in which round of 136 years.
pub fn first_end(zone: &Zone, now: Time) -> Option<Time> {
    let nodes = zone.nodes().filter(|node| node.kind() != NodeKind::Occluded);
    let signatures = nodes.flat_map(Node::all_rrsets).filter(|rrset| rrset.rtype() == Rtype::RRSIG);
    signatures.flat_map(Rrset::rdatas).filter_map(|rdata| end_of(rdata, now)).min()
}

/// When a signature ends, by the RDATA of its RRSIG record.
pub fn end_of(rdata: &[u8], now: Time) -> Option<Time> {
    let behind = Signature::read(rdata)?.expires.wrapping_sub(now.in_signature());
    // RFC 1982: half of the round lies ahead.
    Some(if behind < 1 << 31 { now.after(behind.into()) } else { now.before(behind.wrapping_neg().into()) })
}

/// One diagnostic for each fault, with the first place and how many there are.
fn tell(mut all: Vec<Found>, found: &mut Diagnostics) {
    all.sort_by(|(one, _, name), (other, _, other_name)| (one, name).cmp(&(other, other_name)));
    for alike in all.chunk_by(|(one, ..), (other, ..)| one == other) {
        let Some((fault, origin, what)) = alike.first() else { continue };
        let told = Diagnostic::warning(origin.clone(), fault.message()).label(what.clone());
        let told =
            if alike.len() > 1 { told.remark(format!("so are {} of this zone", alike.len())) } else { told };
        found.push(told.help(fault.help()));
    }
}

/// Checks what is signed at a node, and what should be.
fn check_node(zone: &Zone, node: Node<'_>, keys: &Keys<'_>, now: u32, found: &mut Vec<Found>) {
    for rrset in node.all_rrsets() {
        let rtype = rrset.rtype();
        let mut tell = |fault, origin| found.push((fault, origin, format!("{rtype} of `{}`", node.name())));
        if rtype == Rtype::RRSIG {
            let covers = rrset.covered().unwrap_or(Rtype(0));
            match node.rrset(covers) {
                Some(covered) => check_rrset(zone, node, covered, rrset, keys, now, found),
                None => tell(Fault::CoversNothing, rrset.origin()),
            }
        } else if is_to_be_signed(node, rtype) && node.signatures(rtype).is_none() {
            tell(Fault::Missing, rrset.origin());
        }
    }
}

/// Whether records of a type are the zone's own (RFC 4035, section 2.2): of a zone cut only what denies and delegates.
fn is_to_be_signed(node: Node<'_>, rtype: Rtype) -> bool {
    match node.kind() {
        NodeKind::Plain | NodeKind::Dname | NodeKind::Hashed => true,
        NodeKind::ZoneCut => matches!(rtype, Rtype::DS | Rtype::NSEC),
        NodeKind::Occluded => false,
    }
}

/// Checks the signatures of an RRset.
fn check_rrset(
    zone: &Zone,
    node: Node<'_>,
    covered: Rrset<'_>,
    signatures: Rrset<'_>,
    keys: &Keys<'_>,
    now: u32,
    found: &mut Vec<Found>,
) {
    let rrset = SignedRrset {
        owner: node.name(),
        rtype: covered.rtype(),
        ttl: covered.ttl(),
        rdatas: canonical::rdatas(covered.rtype(), covered.rdatas()),
    };
    for (rdata, origin) in signatures.rdatas().zip(signatures.origins()) {
        let fault = match Signature::read(rdata) {
            None => Some(Fault::Wrong),
            Some(signature) => signature.fault(zone, &rrset, keys, now),
        };
        if let Some(fault) = fault {
            found.push((fault, origin, format!("{} of `{}`", covered.rtype(), node.name())));
        }
    }
}

/// The fields of an RRSIG record.
struct Signature<'r> {
    algorithm: u8,
    labels: u8,
    original_ttl: [u8; 4],
    expires: u32,
    begins: u32,
    tag: u16,
    signer: NameRef<'r>,
    /// All up to the signer.
    fixed: &'r [u8],
    bits: &'r [u8],
}

impl<'r> Signature<'r> {
    fn read(rdata: &'r [u8]) -> Option<Signature<'r>> {
        let (fixed, rest) = rdata.split_at_checked(18)?;
        let &[_, _, algorithm, labels, o0, o1, o2, o3, e0, e1, e2, e3, b0, b1, b2, b3, t0, t1] = fixed else {
            return None;
        };
        let (signer, bits) = NameRef::split_from(rest).ok()?;
        Some(Signature {
            algorithm,
            labels,
            original_ttl: [o0, o1, o2, o3],
            expires: u32::from_be_bytes([e0, e1, e2, e3]),
            begins: u32::from_be_bytes([b0, b1, b2, b3]),
            tag: u16::from_be_bytes([t0, t1]),
            signer,
            fixed,
            bits,
        })
    }

    fn fault(&self, zone: &Zone, rrset: &SignedRrset<'_>, keys: &Keys<'_>, now: u32) -> Option<Fault> {
        if self.signer != zone.apex() {
            return Some(Fault::OtherSigner);
        }
        // RFC 1982.
        let is_behind = |one: u32, other: u32| one.wrapping_sub(other) < 1 << 31 && one != other;
        if is_behind(now, self.expires) {
            return Some(Fault::Expired);
        }
        if is_behind(self.begins, now) {
            return Some(Fault::NotYetValid);
        }
        let mut own =
            keys.0.iter().filter(|key| key.tag == self.tag && key.algorithm == self.algorithm).peekable();
        if own.peek().is_none() {
            return Some(Fault::UnknownKey);
        }
        let head = [self.fixed, &self.signer.to_lowercase()].concat();
        let signed = signed_data(&head, rrset, self.original_ttl);
        if self.labels != labels(rrset.owner) || !own.any(|key| key.verifies(&signed, self.bits)) {
            return Some(Fault::Wrong);
        }
        is_behind(now.wrapping_add(SOON_SECONDS), self.expires).then_some(Fault::EndsSoon)
    }
}

/// The keys of a zone.
struct Keys<'z>(Vec<Key<'z>>);

struct Key<'z> {
    tag: u16,
    algorithm: u8,
    bits: &'z [u8],
}

impl<'z> Keys<'z> {
    fn of(zone: &'z Zone) -> Keys<'z> {
        let keys = zone.node(NodeId::APEX).rrset(Rtype::DNSKEY);
        let key = |rdata: &'z [u8]| {
            let (&[_, _, _, algorithm], bits) = rdata.split_first_chunk()?;
            Some(Key { tag: tag_of(rdata), algorithm, bits })
        };
        Keys(keys.into_iter().flat_map(Rrset::rdatas).filter_map(key).collect())
    }
}

impl Key<'_> {
    /// Whether a signature is by this key; true for algorithms that are not known here.
    fn verifies(&self, signed: &[u8], bits: &[u8]) -> bool {
        match self.algorithm {
            8 => self.rsa(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, signed, bits),
            10 => self.rsa(&signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, signed, bits),
            13 => self.ecdsa(&signature::ECDSA_P256_SHA256_FIXED, signed, bits),
            14 => self.ecdsa(&signature::ECDSA_P384_SHA384_FIXED, signed, bits),
            15 => UnparsedPublicKey::new(&signature::ED25519, self.bits).verify(signed, bits).is_ok(),
            _ => true,
        }
    }

    fn ecdsa(
        &self,
        algorithm: &'static signature::EcdsaVerificationAlgorithm,
        signed: &[u8],
        bits: &[u8],
    ) -> bool {
        // An uncompressed point.
        let key = [&[4], self.bits].concat();
        UnparsedPublicKey::new(algorithm, key).verify(signed, bits).is_ok()
    }

    /// RFC 3110, section 2: the length of the exponent, the exponent, the modulus.
    fn rsa(&self, algorithm: &'static signature::RsaParameters, signed: &[u8], bits: &[u8]) -> bool {
        let split = || match *self.bits {
            [0, high, low, ref rest @ ..] => {
                rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))
            }
            [length, ref rest @ ..] => rest.split_at_checked(usize::from(length)),
            [] => None,
        };
        split().is_some_and(|(e, n)| RsaPublicKeyComponents { n, e }.verify(algorithm, signed, bits).is_ok())
    }
}
