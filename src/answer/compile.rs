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

use std::collections::HashMap;
use std::fmt;

use self::encoder::{AtQuery, Encoder, QnameLength};
use self::sections::{chain_end, first_name, sections_of};
use super::compiled_zone::{CompiledZone, NodeFlags};
use super::template::{ANY_OTHER, DNAME_BELOW, TemplateBuilder, TooLarge};
use super::zone_builder::{COMPILED_BYTES_MAX, CompiledZoneBuilder, NodeOffset};
use crate::dns::{Name, NameHash, Rtype, Ttl};
use crate::zone::{Kind, Node, NodeId, Zone};

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
    compile_into(zone, COMPILED_BYTES_MAX)
}

/// Compiles a zone into at most `bytes_max` bytes.
pub(super) fn compile_into(zone: &Zone, bytes_max: usize) -> Result<CompiledZone, CompileError> {
    let of_apex = |cause| CompileError { owner: zone.apex().to_name(), qtype: ANY_OTHER, cause };
    let negative = negative(zone).map_err(of_apex)?;
    let apex = zone.apex();
    let mut compiler = Compiler {
        zone,
        builder: CompiledZoneBuilder::new(apex.wire().len(), apex.label_count(), bytes_max),
        wildcards: Vec::new(),
        offsets: HashMap::new(),
        at_query: AtQuery { pools: zone.pools(), negative_bytes: negative.bytes.len() },
        templates: Vec::new(),
    };
    for id in zone.node_ids() {
        compiler.node(zone.node(id))?;
    }
    for &(parent, wildcard) in &compiler.wildcards {
        if let Some(&offset) = compiler.offsets.get(&parent) {
            compiler.builder.link_wildcard(offset, wildcard);
        }
    }
    compiler.builder.finish(&negative).map_err(of_apex)
}

struct Compiler<'z> {
    zone: &'z Zone,
    builder: CompiledZoneBuilder,
    /// Wildcards, each with the node above it.
    wildcards: Vec<(NodeId, NodeOffset)>,
    /// Where nodes with a wildcard right below them were put.
    offsets: HashMap<NodeId, NodeOffset>,
    at_query: AtQuery<'z>,
    templates: Vec<TemplateBuilder>,
}

impl<'z> Compiler<'z> {
    fn node(&mut self, node: Node<'z>) -> Result<(), CompileError> {
        let (kind, flags) = match node.kind() {
            Kind::Occluded => return Ok(()),
            Kind::Plain => (Kind::Plain, NodeFlags::NONE),
            Kind::Dname => (Kind::Dname, NodeFlags::DNAME),
            Kind::ZoneCut => (Kind::ZoneCut, NodeFlags::CUT),
        };
        let lower = node.name().to_lowercase();
        let relative = &lower[..lower.len() - self.zone.apex().wire().len()];
        let hash = NameHash::of(node.name());
        let of_node = |cause| error(node, ANY_OTHER, cause);
        if !node.name().is_wildcard() || node.id() == NodeId::APEX {
            self.add_templates(node, kind)?;
            let offset = self.builder.add(hash, relative, flags, &self.templates).map_err(of_node)?;
            if node.wildcard().is_some() {
                self.offsets.insert(node.id(), offset);
            }
            return Ok(());
        }
        // Asked for by its own name, a wildcard is a name like others; for the names it makes, its NS and
        // DNAME records are plain data.
        let special = kind != Kind::Plain;
        self.add_templates(node, Kind::Plain)?;
        let made = if special {
            self.builder.add_unlisted(relative, NodeFlags::WILDCARD, &self.templates)
        } else {
            self.builder.add(hash, relative, NodeFlags::WILDCARD, &self.templates)
        };
        let made = made.map_err(of_node)?;
        self.wildcards.push((node.parent().id(), made));
        let own = if special {
            self.add_templates(node, kind)?;
            let flags = if kind == Kind::Dname { flags.with(NodeFlags::WILDCARD) } else { flags };
            self.builder.add(hash, relative, flags, &self.templates).map_err(of_node)?
        } else {
            made
        };
        if node.wildcard().is_some() {
            self.offsets.insert(node.id(), own);
        }
        Ok(())
    }

    /// Makes the templates of a node.
    fn add_templates(&mut self, node: Node<'z>, kind: Kind) -> Result<(), CompileError> {
        self.templates.clear();
        match kind {
            Kind::ZoneCut => {
                self.add_template(node, kind, Rtype::DS, Rtype::DS.0)?;
                self.add_template(node, kind, NO_TYPE, ANY_OTHER)?;
            }
            Kind::Plain | Kind::Dname | Kind::Occluded => {
                if node.alias().is_some() {
                    self.add_template(node, kind, Rtype::CNAME, Rtype::CNAME.0)?;
                    self.alias(node, kind)?;
                } else {
                    node.types().try_for_each(|rtype| self.add_template(node, kind, rtype, rtype.0))?;
                }
                if kind == Kind::Dname
                    && let Some(rrset) = node.rrset(Rtype::DNAME)
                    && let Some(target) = first_name(rrset)
                {
                    let encoder = Encoder::new(node.name(), QnameLength::Longer);
                    let wire = target.wire();
                    let made = encoder.record(DNAME_BELOW, Rtype::DNAME, rrset.ttl(), wire);
                    self.templates.push(made.map_err(|cause| error(node, DNAME_BELOW, cause))?);
                }
            }
        }
        Ok(())
    }

    /// The templates of an alias: for the types at its chain's end, and one for all others.
    fn alias(&mut self, node: Node<'z>, kind: Kind) -> Result<(), CompileError> {
        let types: Vec<Rtype> = chain_end(self.zone, node).into_iter().flat_map(Node::types).collect();
        for rtype in types.into_iter().filter(|rtype| *rtype != Rtype::CNAME) {
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
        kind: Kind,
        rtype: Rtype,
        qtype: u16,
    ) -> Result<(), CompileError> {
        let sections = sections_of(self.zone, node, kind, rtype);
        let wildcard = node.name().is_wildcard() && node.id() != NodeId::APEX && kind != Kind::ZoneCut;
        let (base, length) = match kind {
            _ if wildcard => (node.parent().name(), QnameLength::Longer),
            Kind::ZoneCut if qtype != Rtype::DS.0 => (node.name(), QnameLength::Longer),
            Kind::ZoneCut | Kind::Plain | Kind::Dname | Kind::Occluded => (node.name(), QnameLength::Exact),
        };
        let made = Encoder::new(base, length).template(qtype, &sections, &self.at_query);
        self.templates.push(made.map_err(|cause| error(node, qtype, cause))?);
        Ok(())
    }
}

fn error(node: Node<'_>, qtype: u16, cause: TooLarge) -> CompileError {
    CompileError { owner: node.name().to_name(), qtype, cause }
}

/// A QTYPE that no node has: every other such type gets the same answer.
const NO_TYPE: Rtype = Rtype(ANY_OTHER);

/// The SOA record of negative answers: its TTL is the lower of its own and its MINIMUM field (RFC 2308,
/// section 3).
fn negative(zone: &Zone) -> Result<TemplateBuilder, TooLarge> {
    let soa = zone.node(NodeId::APEX).rrset(Rtype::SOA);
    let rdata = soa.and_then(|soa| soa.rdatas().next()).unwrap_or_default();
    let minimum = rdata.last_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let own = soa.map_or(Ttl::default(), |soa| soa.ttl());
    let ttl = Ttl::from_seconds(minimum).map_or(own, |minimum| own.min(minimum));
    Encoder::new(zone.apex(), QnameLength::Longer).negative(ttl, rdata)
}
