//! Finds what answers a name within a zone: its node, its zone cut, its DNAME or its wildcard (RFC 1034,
//! section 4.3.2; RFC 4592). HOT.

use super::compiled_zone::{CompiledNode, CompiledZone, NodeFlags};
use super::hashed_name::HashedName;
use super::rate_limit::RrlSource;
use crate::dns::NameHash;

/// What answers a name within a zone.
pub(super) enum Found<'b> {
    /// The name exists.
    Exact(CompiledNode<'b>),
    /// It is synthesised from the wildcard below a closest encloser with this many labels.
    Wildcard(CompiledNode<'b>, usize),
    /// It lies at or below a zone cut with this many labels.
    Cut(CompiledNode<'b>, usize),
    /// It lies below a DNAME with this many labels.
    Dname(CompiledNode<'b>, usize),
    /// It does not exist.
    NxDomain,
}

impl Found<'_> {
    /// The name whose records the answer is made from, in a zone with `apex_labels` labels.
    #[inline]
    pub(super) fn source(&self, name: &HashedName, apex_labels: usize) -> RrlSource {
        match *self {
            Found::Exact(_) => RrlSource::Name(name.hash(name.labels())),
            Found::Wildcard(_, encloser) => RrlSource::WildcardBelow(name.hash(encloser)),
            Found::Cut(_, labels) | Found::Dname(_, labels) => RrlSource::Name(name.hash(labels)),
            Found::NxDomain => RrlSource::Name(name.hash(apex_labels)),
        }
    }
}

/// What answers a name that lies in this zone. HOT: one look-up for a name that exists, one more per label up
/// to the closest encloser. Inlined once, on the way of every query.
#[inline(always)]
pub(super) fn search<'z>(zone: &'z CompiledZone, name: &HashedName) -> Found<'z> {
    match closest(zone, name) {
        Some((node, labels)) => found_at(node, labels, name.labels()),
        None => Found::NxDomain,
    }
}

/// The same for a name that an answer leads to, and for who explains an answer.
#[inline(never)]
pub(super) fn search_again<'z>(zone: &'z CompiledZone, name: &HashedName) -> Found<'z> {
    search(zone, name)
}

/// The name itself if it exists, else its closest encloser; with the number of its labels. HOT.
#[inline(always)]
pub(super) fn closest<'z>(zone: &'z CompiledZone, name: &HashedName) -> Option<(CompiledNode<'z>, usize)> {
    if zone.is_changed() {
        return closest_of_changed(zone, name);
    }
    let sealed = zone.sealed();
    enclosers(zone, name, |hash, relative| sealed.find(hash, relative))
}

/// The same in a zone of which some nodes have changed. Not inlined, so that other zones do not pay for it.
#[inline(never)]
fn closest_of_changed<'z>(zone: &'z CompiledZone, name: &HashedName) -> Option<(CompiledNode<'z>, usize)> {
    enclosers(zone, name, |hash, relative| zone.find(hash, relative))
}

/// The first that `find` has of a name and those above it. HOT.
#[inline(always)]
fn enclosers<'z>(
    zone: &'z CompiledZone,
    name: &HashedName,
    find: impl Fn(NameHash, &[u8]) -> Option<CompiledNode<'z>>,
) -> Option<(CompiledNode<'z>, usize)> {
    let mut labels = name.labels();
    loop {
        if let Some(node) = find(name.hash(labels), name.relative(labels, zone.apex_bytes())) {
            return Some((node, labels));
        }
        if labels <= zone.apex_labels() {
            return None;
        }
        labels = labels.wrapping_sub(1);
    }
}

/// What the closest existing name, of `labels` labels, means for a name of `asked` labels.
#[inline(always)]
fn found_at(node: CompiledNode<'_>, labels: usize, asked: usize) -> Found<'_> {
    if node.has(NodeFlags::CUT) {
        Found::Cut(node, labels)
    } else if labels == asked {
        Found::Exact(node)
    } else if node.has(NodeFlags::DNAME) {
        Found::Dname(node, labels)
    } else if let Some(wildcard) = node.wildcard() {
        Found::Wildcard(wildcard, labels)
    } else {
        Found::NxDomain
    }
}
