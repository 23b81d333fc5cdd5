//! Compiles a zone, at load: every owner and type is prepared for its answer.
//!
//! Decides which templates a node gets; what is in them is worked out by `sections`, their bytes by
//! `encoder`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "runs at load, on checked zones"
)]

mod sections;

mod encoder;

mod lookups;

mod denials;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use self::denials::{denial_after, denial_of, value_of_pool};
use self::encoder::{AtQuery, Encoder, QnameLength};
use self::lookups::looked_up;
use self::sections::{chain_end, first_name, sections_of};
use super::compiled_zone::{CompiledZone, NodeFlags, SignedZone, is_named};
use super::denial::Denial;
use super::links::{LinkKey, Links};
use super::signed_template::SignedTemplateBuilder;
use super::template::{ANY_OTHER, DNAME_BELOW, TemplateBuilder, TooLarge};
use super::zone_builder::{COMPILED_BYTES_MAX, CompiledZoneBuilder, NodeOffset};
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{Name, NameHash, Rtype, Ttl};
use crate::dnssec::PoolDenial;
use crate::zone::{Node, NodeId, NodeKind, Zone};

/// Why a zone cannot be compiled: what is too large in it, and where.
///
/// The rules of [`crate::zone`] refuse most of it earlier and with more words. This is for what they cannot
/// see, so that nothing is ever written with a length that is not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    owner: Name,
    /// Of the answer; or one of [`ANY_OTHER`] and [`DNAME_BELOW`].
    qtype: u16,
    cause: TooLarge,
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, qtype, cause } = self;
        match *qtype {
            ANY_OTHER => write!(f, "`{owner}` cannot be answered: {cause}"),
            DNAME_BELOW => write!(f, "the DNAME record of `{owner}` cannot be answered: {cause}"),
            qtype => write!(f, "{} of `{owner}` cannot be answered: {cause}", Rtype(qtype)),
        }
    }
}

impl std::error::Error for CompileError {}

/// Compiles a zone. A pure function: the same zone gives the same bytes.
///
/// Pools are left open: a template names their place in [`Zone::pools`].
///
/// # Errors
///
/// When an answer does not fit a message, or the whole does not fit offsets of 32 bits.
pub fn compile(zone: &Zone) -> Result<CompiledZone, CompileError> {
    compile_into(zone, COMPILED_BYTES_MAX, Linking::None).map(|(compiled, _)| compiled)
}

/// Compiles a zone that is going to change, and says which owners lead to which names.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_for_changes(zone: &Zone) -> Result<(CompiledZone, Links), CompileError> {
    compile_into(zone, COMPILED_BYTES_MAX, Linking::All)
        .map(|(compiled, links)| (compiled, Links::new(links)))
}

/// Whether it is wanted which owners lead to which names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Linking {
    None,
    All,
}

/// Compiles a zone into at most `bytes_max` bytes.
pub(super) fn compile_into(
    zone: &Zone,
    bytes_max: usize,
    linking: Linking,
) -> Result<(CompiledZone, Vec<(LinkKey, NodeId)>), CompileError> {
    let of_apex = |cause| CompileError { owner: zone.apex().to_name(), qtype: ANY_OTHER, cause };
    let negative = negative(zone).map_err(of_apex)?;
    let mut builder = CompiledZoneBuilder::new(zone.apex(), bytes_max);
    let mut compiler = Compiler::new(zone, linking);
    let mut wildcards = Vec::new();
    let mut offsets = HashMap::new();
    // Names beside each other follow each other, mostly: the hash of their parent is known then.
    let mut last_parent = (NodeId::APEX, NameHash::of(zone.apex()));
    for node in zone.nodes().filter(|node| is_served(*node)) {
        let parent = node.parent();
        if last_parent.0 != parent.id() {
            last_parent = (parent.id(), NameHash::of(parent.name()));
        }
        // The apex is its own parent.
        let hash = if parent.id() == node.id() { last_parent.1 } else { last_parent.1.child(node.name()) };
        // Asked for by its own name, a wildcard is a name like others; for the names it makes, its NS and
        // DNAME records are plain data.
        let is_special = is_wildcard(node) && node.kind() != NodeKind::Plain;
        if is_special {
            wildcards.push((node.parent().id(), compiler.made(node, &mut builder)?));
        }
        let offset = compiler.own(node, &mut builder)?;
        builder.list(hash, offset);
        if is_wildcard(node) && !is_special {
            wildcards.push((node.parent().id(), offset));
        }
        if node.wildcard().is_some() {
            offsets.insert(node.id(), offset);
        }
    }
    // A name has a lower place than those below it, so that a wildcard was added behind the name above it.
    for (parent, wildcard) in wildcards {
        if let Some(&offset) = offsets.get(&parent) {
            builder.link_wildcard(offset, wildcard);
        }
    }
    let denial = zone.is_signed().then(|| denial_of(zone));
    let signed = denial.map(|denial| signed_zone(zone, denial)).transpose().map_err(of_apex)?;
    Ok((builder.finish(&negative, expire(zone), signed).map_err(of_apex)?, compiler.links))
}

/// What a signed zone has besides its nodes.
fn signed_zone(zone: &Zone, denial: Denial) -> Result<SignedZone, TooLarge> {
    let mut negative = Vec::new();
    signed_negative(zone)?.write(&mut negative)?;
    Ok(SignedZone { negative: negative.into(), denial })
}

/// Whether a node answers for a name.
fn is_served(node: Node<'_>) -> bool {
    !matches!(node.kind(), NodeKind::Occluded | NodeKind::Hashed)
}

impl CompiledZone {
    /// The next version, made from this one: `zone` has been changed, and `affected` are the owners whose answers may
    /// be others ([`Links::affected`]). `links` are the zone's, and hold those of the next version then.
    ///
    /// # Errors
    ///
    /// As [`compile`].
    pub fn after(
        &self,
        zone: &Zone,
        affected: &[NodeId],
        links: &mut Links,
    ) -> Result<CompiledZone, CompileError> {
        let of_apex = |cause| CompileError { owner: zone.apex().to_name(), qtype: ANY_OTHER, cause };
        let signed = match (&self.signed, zone.is_signed()) {
            (Some(before), true) => {
                let denial = denial_after(&before.denial, zone, affected);
                Some(Arc::new(signed_zone(zone, denial).map_err(of_apex)?))
            }
            (None, false) => None,
            // Every node is another one then.
            (Some(_), false) | (None, true) => {
                let (compiled, all) = compile_for_changes(zone)?;
                *links = all;
                return Ok(compiled);
            }
        };
        let mut negative_bytes = Vec::new();
        negative(zone).and_then(|soa| soa.write(&mut negative_bytes)).map_err(of_apex)?;
        let mut compiler = Compiler::new(zone, Linking::All);
        let mut changed = self.changed.clone();
        for node in affected.iter().map(|id| zone.node(*id)) {
            let lower = node.name().to_lowercase();
            let relative = &lower[..lower.len() - zone.apex().wire().len()];
            let hash = NameHash::of(node.name());
            let is_served = node.exists() && is_served(node);
            if is_served || self.find(hash, relative).is_some() {
                let piece = if is_served { compiler.piece(node)? } else { gone(zone, node, relative)? };
                changed.insert(hash.bits(), piece, |piece| is_named(piece, relative));
            }
        }
        compiler.links.sort_unstable();
        compiler.links.dedup();
        compiler.links.into_iter().for_each(|(key, owner)| links.add(key, owner));
        Ok(CompiledZone {
            sealed: Arc::clone(&self.sealed),
            changed,
            apex_bytes: self.apex_bytes,
            apex_labels: self.apex_labels,
            negative: negative_bytes.into(),
            expire: expire(zone),
            signed,
            pool_denials: Box::default(),
        })
    }

    /// The same with what denies the types of pools that may be empty, by their places in the zone.
    #[must_use]
    pub fn with_pool_denials(self, zone: &Zone, denials: Vec<(usize, PoolDenial)>) -> CompiledZone {
        let value = |(place, denial): (usize, PoolDenial)| {
            // A zone has fewer pools than places of 32 bits.
            Some((u32::try_from(place).ok()?, value_of_pool(zone, &denial)))
        };
        CompiledZone { pool_denials: denials.into_iter().filter_map(value).collect(), ..self }
    }
}

/// A name that is not there any more.
fn gone(zone: &Zone, node: Node<'_>, relative: &[u8]) -> Result<Arc<[u8]>, CompileError> {
    let mut builder = CompiledZoneBuilder::new(zone.apex(), COMPILED_BYTES_MAX);
    builder.add(relative, NodeFlags::GONE, &[], None).map_err(|cause| error(node, ANY_OTHER, cause))?;
    Ok(builder.into_piece())
}

/// Whether a node makes the names that do not exist below the one above it.
fn is_wildcard(node: Node<'_>) -> bool {
    node.name().is_wildcard() && node.id() != NodeId::APEX
}

struct Compiler<'z> {
    zone: &'z Zone,
    at_query: AtQuery<'z>,
    templates: Vec<TemplateBuilder>,
    /// What they have more; only in a signed zone.
    signed: Option<Vec<SignedTemplateBuilder>>,
    linking: Linking,
    /// What the templates were made from, each with the owner of the template.
    links: Vec<(LinkKey, NodeId)>,
    /// The same of one node.
    keys: Vec<LinkKey>,
}

impl<'z> Compiler<'z> {
    fn new(zone: &'z Zone, linking: Linking) -> Self {
        let at_query = AtQuery { pools: zone.pools(), negative_bytes: NEGATIVE_BYTES_MAX };
        let signed = zone.is_signed().then(Vec::new);
        Self { zone, at_query, templates: Vec::new(), signed, linking, links: Vec::new(), keys: Vec::new() }
    }

    /// A node as it answers for its own name, with what it is to names below it.
    fn own(&mut self, node: Node<'z>, builder: &mut CompiledZoneBuilder) -> Result<NodeOffset, CompileError> {
        let (kind, flags) = match node.kind() {
            NodeKind::Plain | NodeKind::Occluded | NodeKind::Hashed => (NodeKind::Plain, NodeFlags::NONE),
            NodeKind::Dname => (NodeKind::Dname, NodeFlags::DNAME),
            NodeKind::ZoneCut => (NodeKind::ZoneCut, NodeFlags::CUT),
        };
        let is_made = is_wildcard(node) && kind != NodeKind::ZoneCut;
        self.put(node, kind, if is_made { flags.with(NodeFlags::WILDCARD) } else { flags }, builder)
    }

    /// A wildcard as it answers for the names that it makes.
    fn made(
        &mut self,
        wildcard: Node<'z>,
        builder: &mut CompiledZoneBuilder,
    ) -> Result<NodeOffset, CompileError> {
        self.put(wildcard, NodeKind::Plain, NodeFlags::WILDCARD, builder)
    }

    /// A node alone, with the wildcard right below it.
    fn piece(&mut self, node: Node<'z>) -> Result<Arc<[u8]>, CompileError> {
        let mut builder = CompiledZoneBuilder::new(self.zone.apex(), COMPILED_BYTES_MAX);
        let own = self.own(node, &mut builder)?;
        if let Some(wildcard) = node.wildcard().filter(|wildcard| is_served(*wildcard)) {
            let made = self.made(wildcard, &mut builder)?;
            builder.link_wildcard(own, made);
        }
        Ok(builder.into_piece())
    }

    fn put(
        &mut self,
        node: Node<'z>,
        kind: NodeKind,
        flags: NodeFlags,
        builder: &mut CompiledZoneBuilder,
    ) -> Result<NodeOffset, CompileError> {
        self.add_templates(node, kind)?;
        let lower = node.name().to_lowercase();
        let relative = &lower[..lower.len() - self.zone.apex().wire().len()];
        self.keys.sort_unstable();
        self.keys.dedup();
        self.links.extend(self.keys.drain(..).map(|key| (key, node.id())));
        let signed = self.signed.as_deref();
        builder.add(relative, flags, &self.templates, signed).map_err(|cause| error(node, ANY_OTHER, cause))
    }

    /// Makes the templates of a node.
    fn add_templates(&mut self, node: Node<'z>, kind: NodeKind) -> Result<(), CompileError> {
        self.templates.clear();
        if let Some(signed) = &mut self.signed {
            signed.clear();
        }
        match kind {
            NodeKind::ZoneCut => {
                self.add_template(node, kind, Rtype::DS, Rtype::DS.0)?;
                self.add_template(node, kind, NO_TYPE, ANY_OTHER)?;
            }
            NodeKind::Plain | NodeKind::Dname | NodeKind::Occluded | NodeKind::Hashed => {
                if node.alias().is_some() {
                    self.add_template(node, kind, Rtype::CNAME, Rtype::CNAME.0)?;
                    self.alias(node, kind)?;
                } else {
                    let mut types = node.types().filter(|rtype| is_answered(*rtype));
                    types.try_for_each(|rtype| self.add_template(node, kind, rtype, rtype.0))?;
                }
                if kind == NodeKind::Dname
                    && let Some(rrset) = node.rrset(Rtype::DNAME)
                    && let Some(target) = first_name(rrset)
                {
                    let encoder = || Encoder::new(node.name(), QnameLength::Longer);
                    let (ttl, wire) = (rrset.ttl(), target.wire());
                    let of_node = |cause| error(node, DNAME_BELOW, cause);
                    let made = encoder().record(DNAME_BELOW, Rtype::DNAME, ttl, wire).map_err(of_node)?;
                    if let Some(signed) = &mut self.signed {
                        let more = encoder().signed_record(&made, ttl, node.signatures(Rtype::DNAME));
                        signed.push(more.map_err(of_node)?);
                    }
                    self.templates.push(made);
                }
            }
        }
        Ok(())
    }

    /// The templates of an alias: for the types at its chain's end, and one for all others.
    fn alias(&mut self, node: Node<'z>, kind: NodeKind) -> Result<(), CompileError> {
        let types: Vec<Rtype> = chain_end(self.zone, node).into_iter().flat_map(Node::types).collect();
        for rtype in types.into_iter().filter(|rtype| *rtype != Rtype::CNAME && is_answered(*rtype)) {
            self.add_template(node, kind, rtype, rtype.0)?;
        }
        // A DS record that ends a chain belongs to a zone cut, whose other types are not answered.
        if !self.templates.iter().any(|template| template.qtype == Rtype::DS.0) {
            self.add_template(node, kind, Rtype::DS, Rtype::DS.0)?;
        }
        self.add_template(node, kind, NO_TYPE, ANY_OTHER)
    }

    fn add_template(
        &mut self,
        node: Node<'z>,
        kind: NodeKind,
        rtype: Rtype,
        qtype: u16,
    ) -> Result<(), CompileError> {
        let sections = sections_of(self.zone, node, kind, rtype);
        if self.linking == Linking::All {
            looked_up(self.zone, &sections, &mut self.keys);
        }
        let wildcard = is_wildcard(node) && kind != NodeKind::ZoneCut;
        let (base, length) = match kind {
            _ if wildcard => (node.parent().name(), QnameLength::Longer),
            NodeKind::ZoneCut if qtype != Rtype::DS.0 => (node.name(), QnameLength::Longer),
            NodeKind::ZoneCut | NodeKind::Plain | NodeKind::Dname | NodeKind::Occluded | NodeKind::Hashed => {
                (node.name(), QnameLength::Exact)
            }
        };
        let of_node = |cause| error(node, qtype, cause);
        let made = Encoder::new(base, length).template(qtype, &sections, &self.at_query).map_err(of_node)?;
        if let Some(signed) = &mut self.signed {
            let more = Encoder::new(base, length).signed(&made, &sections, &self.at_query);
            signed.push(more.map_err(of_node)?);
        }
        self.templates.push(made);
        Ok(())
    }
}

/// Whether a type has a template: signatures and what denies types are found elsewhere, so that they are there once.
fn is_answered(rtype: Rtype) -> bool {
    !matches!(rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3)
}

fn error(node: Node<'_>, qtype: u16, cause: TooLarge) -> CompileError {
    CompileError { owner: node.name().to_name(), qtype, cause }
}

/// A QTYPE that no node has: every other such type gets the same answer.
const NO_TYPE: Rtype = Rtype(ANY_OTHER);

/// Most bytes of the SOA record of negative answers: its owner is a pointer. Whether an answer fits does not depend on
/// how long the names in it are now.
const NEGATIVE_BYTES_MAX: usize = 12 + 2 * NAME_BYTES_MAX + 20;

/// The SOA record of negative answers: its TTL is the lower of its own and its MINIMUM field (RFC 2308,
/// section 3).
fn negative(zone: &Zone) -> Result<TemplateBuilder, TooLarge> {
    let (ttl, rdata) = negative_soa(zone);
    Encoder::new(zone.apex(), QnameLength::Longer).negative(ttl, rdata)
}

/// The same with its signatures.
fn signed_negative(zone: &Zone) -> Result<TemplateBuilder, TooLarge> {
    let (ttl, rdata) = negative_soa(zone);
    let signatures = zone.node(NodeId::APEX).signatures(Rtype::SOA);
    Encoder::new(zone.apex(), QnameLength::Longer).signed_negative(ttl, rdata, signatures)
}

/// TTL and RDATA of it.
fn negative_soa(zone: &Zone) -> (Ttl, &[u8]) {
    let soa = zone.node(NodeId::APEX).rrset(Rtype::SOA);
    (zone.negative_ttl(), soa.and_then(|soa| soa.rdatas().next()).unwrap_or_default())
}

/// EXPIRE of the SOA record, in seconds: the last of its numbers but one.
fn expire(zone: &Zone) -> u32 {
    let (_, rdata) = negative_soa(zone);
    rdata.last_chunk::<8>().map_or(0, |[e0, e1, e2, e3, ..]| u32::from_be_bytes([*e0, *e1, *e2, *e3]))
}
