//! Works out, at load, which RRsets belong into which section of an answer: RFC 1034, section 4.3.2, with
//! wildcards (RFC 4592) and DNAME (RFC 6672).
//!
//! Runs once per owner and type when a zone is loaded. The bytes are written by `encoder`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "runs at load, on checked zones"
)]

use super::super::signed_template::Proof;
use crate::dns::message::Rcode;
use crate::dns::{Name, NameRef, Rtype, Ttl, rdata};
use crate::zone::{CNAME_CHAIN_MAX, Node, NodeKind, PoolId, Rrset, Zone};

/// What a zone answers to one type at one node: the records of each section.
pub(super) struct Sections<'z> {
    pub(super) rcode: Rcode,
    pub(super) authoritative: bool,
    pub(super) answer: Vec<SectionEntry<'z>>,
    pub(super) authority: Vec<SectionEntry<'z>>,
    pub(super) additional: Vec<SectionEntry<'z>>,
    /// The DS records of the zone cut that it refers to: they go along with their signatures.
    pub(super) delegation: Option<SectionEntry<'z>>,
    /// What is to be proven of names that aliases lead to, and of zone cuts, where that is wanted.
    pub(super) proofs: Vec<(Proof, Name)>,
    pub(super) ending: Ending,
    /// An alias at a wildcard leads to a name that the wildcard makes, too: if that is the QNAME, its first
    /// link says all.
    pub(super) repeats: bool,
}

/// What follows the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing more.
    Complete,
    /// The zone's SOA, in the authority section (RFC 2308).
    Negative,
    /// It ends in a CNAME from a pool, which is followed at the query.
    PoolAlias,
}

/// Records of one owner and type in a section.
pub(super) struct SectionEntry<'z> {
    pub(super) owner: Owner<'z>,
    pub(super) records: Records<'z>,
    /// Where they stand, and what signs them.
    pub(super) node: Node<'z>,
}

/// The owner of records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Owner<'z> {
    /// The QNAME, whatever it is.
    Qname,
    /// A name of the zone.
    Name(NameRef<'z>),
    /// A name that a DNAME or a wildcard made.
    Synthesised(Name),
}

/// Where records come from.
pub(super) enum Records<'z> {
    /// An RRset of the zone.
    Rrset(Rrset<'z>),
    /// A CNAME made by a DNAME.
    Cname(Ttl, Name),
    /// A pool: known at the query.
    Pool(PoolId),
}

/// A node that a chain has reached, and the name it answers for.
struct Reached<'z> {
    node: Node<'z>,
    owner: Owner<'z>,
    role: Role,
}

/// What a node is for the name that led to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It answers for the name, exactly or as a wildcard.
    Answers,
    /// The name is its own, and it is a zone cut.
    Cut,
    /// The name lies below it, and it is a zone cut.
    AboveAsCut,
}

/// What lookup found for a name within a zone.
enum Lookup<'z> {
    Node(Reached<'z>),
    /// Below a DNAME.
    Dname(Node<'z>),
    NxDomain,
}

impl<'z> Owner<'z> {
    /// The name, if it is known at load.
    pub(super) fn name(&self) -> Option<NameRef<'_>> {
        match self {
            Owner::Qname => None,
            Owner::Name(name) => Some(*name),
            Owner::Synthesised(name) => Some(name.as_ref()),
        }
    }
}

/// What the zone answers for a type at a node that was found for the QNAME, exactly or as a wildcard. A
/// wildcard answers for what it makes, so its NS and DNAME records are plain data there (RFC 4592, sections
/// 4.2 and 4.4).
pub(super) fn sections_of<'z>(zone: &'z Zone, node: Node<'z>, kind: NodeKind, qtype: Rtype) -> Sections<'z> {
    let mut sections = Sections {
        rcode: Rcode::NOERROR,
        authoritative: true,
        answer: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        delegation: None,
        proofs: Vec::new(),
        ending: Ending::Complete,
        repeats: false,
    };
    let role = if kind == NodeKind::ZoneCut { Role::Cut } else { Role::Answers };
    sections.run(zone, Reached { node, owner: Owner::Qname, role }, qtype);
    sections.add_addresses(zone);
    sections
}

/// The node at the end of the chain of aliases that begins at `node`: its types get templates of their own
/// there.
pub(super) fn chain_end<'z>(zone: &'z Zone, node: Node<'z>) -> Option<Node<'z>> {
    let mut reached = Reached { node, owner: Owner::Qname, role: Role::Answers };
    for _ in 0..CNAME_CHAIN_MAX {
        let Some(target) = reached.node.rrset(Rtype::CNAME).and_then(first_name) else {
            return Some(reached.node);
        };
        reached = follow(zone, target.to_name())?;
    }
    None
}

impl<'z> Sections<'z> {
    fn run(&mut self, zone: &'z Zone, mut reached: Reached<'z>, qtype: Rtype) {
        let first = reached.node.id();
        let qname = Some(reached.node.name()).filter(|name| !name.is_wildcard());
        for _ in 0..=CNAME_CHAIN_MAX {
            if reached.role != Role::Answers && !self.at_cut(zone, &reached, qtype) {
                return;
            }
            let cname =
                reached.node.rrset(Rtype::CNAME).filter(|_| !matches!(qtype, Rtype::CNAME | Rtype::ANY));
            let Some(cname) = cname else { return self.end(reached, qtype) };
            // A loop: each link once, and no more (as NSD and Knot have it).
            let again = |entry: &SectionEntry<'_>| entry.owner.name().or(qname) == reached.owner.name();
            if reached.owner != Owner::Qname && self.answer.iter().any(again) {
                return;
            }
            // Which name a wildcard answers for is not known yet: it may be this one.
            self.repeats |= qname.is_none() && reached.owner != Owner::Qname && reached.node.id() == first;
            let Some(target) = first_name(cname) else { return };
            self.prove_expansion(&reached);
            let node = reached.node;
            self.answer.push(SectionEntry { owner: reached.owner, records: Records::Rrset(cname), node });
            if !target.is_at_or_below(zone.apex()) {
                return;
            }
            match follow_into(zone, target.to_name(), &mut self.answer) {
                Followed::To(next) => reached = next,
                Followed::Out => return,
                Followed::NxDomain(name) => {
                    self.proofs.push((Proof::NxDomain, name));
                    self.rcode = Rcode::NXDOMAIN;
                    self.ending = Ending::Negative;
                    return;
                }
                Followed::TooLong => {
                    self.rcode = Rcode::YXDOMAIN;
                    return;
                }
            }
        }
    }

    /// At a zone cut: the referral, unless the question is for the DS record, which is the parent's (RFC
    /// 4035, section 3.1.4.1). True if the node is to be answered from.
    fn at_cut(&mut self, zone: &'z Zone, reached: &Reached<'z>, qtype: Rtype) -> bool {
        if qtype == Rtype::DS && reached.role == Role::Cut {
            return true;
        }
        let Some(ns) = reached.node.rrset(Rtype::NS) else { return true };
        // An alias that leads here was still answered with authority.
        self.authoritative = !self.answer.is_empty();
        let (node, owner) = (reached.node, Owner::Name(reached.node.name()));
        self.delegation = node.rrset(Rtype::DS).map(|ds| {
            let owner = owner.clone();
            SectionEntry { owner, records: Records::Rrset(ds), node }
        });
        if self.delegation.is_none() {
            self.proofs.push((Proof::NoData, node.name().to_name()));
        }
        self.authority.push(SectionEntry { owner, records: Records::Rrset(ns), node });
        for target in names_of(ns) {
            self.add_address(zone, target);
        }
        false
    }

    /// Ends the chain at a node: with its records, or with an alias that is chosen at the query.
    fn end(&mut self, reached: Reached<'z>, qtype: Rtype) {
        let alias = reached.node.pools_of(Rtype::CNAME).next();
        match alias.filter(|_| !matches!(qtype, Rtype::CNAME | Rtype::ANY)) {
            Some(pool) => {
                self.prove_expansion(&reached);
                let node = reached.node;
                self.answer.push(SectionEntry { owner: reached.owner, records: Records::Pool(pool), node });
                self.ending = Ending::PoolAlias;
            }
            None => self.put_records(&reached, qtype),
        }
    }

    /// Answers from the node where the chain ends.
    fn put_records(&mut self, reached: &Reached<'z>, qtype: Rtype) {
        let mut found = false;
        let any = reached.node.types().next();
        let wanted = if qtype == Rtype::ANY { any.unwrap_or(qtype) } else { qtype };
        let node = reached.node;
        for rrset in node.rrsets().filter(|rrset| rrset.rtype() == wanted) {
            let owner = reached.owner.clone();
            self.answer.push(SectionEntry { owner, records: Records::Rrset(rrset), node });
            found = true;
        }
        for pool in node.pools_of(wanted) {
            self.answer.push(SectionEntry {
                owner: reached.owner.clone(),
                records: Records::Pool(pool),
                node,
            });
            found = true;
        }
        if found {
            self.prove_expansion(reached);
        } else {
            self.ending = Ending::Negative;
            // Of the QNAME it is known at the query only what it is.
            if let Some(name) = reached.owner.name() {
                let is_made = name != node.name();
                let proof = if is_made { Proof::WildcardNoData } else { Proof::NoData };
                self.proofs.push((proof, name.to_name()));
            }
        }
    }

    /// A name on the way that a wildcard makes does not exist, which is to be proven. Of the QNAME it is known at the query.
    fn prove_expansion(&mut self, reached: &Reached<'_>) {
        if let Some(name) = reached.owner.name().filter(|name| *name != reached.node.name()) {
            self.proofs.push((Proof::Expansion, name.to_name()));
        }
    }

    /// Addresses of the targets of NS, MX, SRV, SVCB and HTTPS records (RFC 1034, section 4.3.2; RFC 2782;
    /// RFC 9460, section 4.1); none where the targets are chosen at the query.
    fn add_addresses(&mut self, zone: &'z Zone) {
        if self.answer.iter().any(|entry| matches!(entry.records, Records::Pool(_))) {
            return;
        }
        let sets: Vec<Rrset<'z>> = self
            .answer
            .iter()
            .filter_map(|entry| match entry.records {
                Records::Rrset(rrset) => Some(rrset),
                Records::Cname(..) | Records::Pool(_) => None,
            })
            .collect();
        for rrset in sets {
            if takes_addresses(rrset.rtype()) {
                names_of(rrset).for_each(|target| self.add_address(zone, target));
            }
        }
    }

    fn add_address(&mut self, zone: &'z Zone, target: NameRef<'z>) {
        if !target.is_at_or_below(zone.apex()) {
            return;
        }
        let Some(node) = address_node(zone, target) else { return };
        if self.additional.iter().any(|entry| entry.owner.name() == Some(target)) {
            return;
        }
        for rtype in [Rtype::A, Rtype::AAAA] {
            let rrsets = node.rrsets().filter(|rrset| rrset.rtype() == rtype).map(Records::Rrset);
            for records in rrsets.chain(node.pools_of(rtype).map(Records::Pool)) {
                self.additional.push(SectionEntry { owner: Owner::Name(target), records, node });
            }
        }
    }
}

/// Whether the addresses of the names in records of a type go along with them.
pub(super) fn takes_addresses(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::NS | Rtype::MX | Rtype::SRV | Rtype::SVCB | Rtype::HTTPS)
}

/// The node with the addresses of a target: itself or a wildcard, delegated or not, since an additional
/// address is a hint, but nothing below a DNAME.
fn address_node<'z>(zone: &'z Zone, target: NameRef<'_>) -> Option<Node<'z>> {
    let redirected = |id| zone.covering(id).is_some_and(|above| zone.node(above).kind() == NodeKind::Dname);
    match zone.find_served(target) {
        Some(id) => Some(zone.node(id)).filter(|_| !redirected(id)),
        None => wildcard_above(zone, target),
    }
}

/// The wildcard that a name which does not exist would be made from, zone cuts aside; none below a DNAME.
fn wildcard_above<'z>(zone: &'z Zone, name: NameRef<'_>) -> Option<Node<'z>> {
    let mut encloser = name;
    let id = loop {
        match zone.find_served(encloser) {
            Some(id) => break id,
            None => encloser = encloser.parent()?,
        }
    };
    let redirected = |id| zone.node(id).kind() == NodeKind::Dname;
    let redirects = redirected(id) || zone.covering(id).is_some_and(redirected);
    zone.node(id).wildcard().filter(|_| !redirects)
}

/// What follows from an alias.
enum Followed<'z> {
    To(Reached<'z>),
    /// Out of the zone, or in a circle.
    Out,
    /// The name does not exist.
    NxDomain(Name),
    /// A DNAME makes a name of more than 255 bytes.
    TooLong,
}

/// Follows a name through DNAMEs, whose records and CNAMEs go into `answer`.
fn follow_into<'z>(zone: &'z Zone, mut name: Name, answer: &mut Vec<SectionEntry<'z>>) -> Followed<'z> {
    for _ in 0..CNAME_CHAIN_MAX {
        let node = match find(zone, &name) {
            Lookup::Node(reached) => return Followed::To(reached),
            Lookup::NxDomain => return Followed::NxDomain(name),
            Lookup::Dname(node) => node,
        };
        let Some((rrset, target)) = node.rrset(Rtype::DNAME).and_then(|set| Some((set, first_name(set)?)))
        else {
            return Followed::Out;
        };
        let owner = Owner::Name(node.name());
        if !answer.iter().any(|entry| entry.owner == owner) {
            answer.push(SectionEntry { owner, records: Records::Rrset(rrset), node });
        }
        let wire = name.as_ref().wire();
        let prefix = &wire[..wire.len() - node.name().wire().len()];
        let Ok(made) = Name::from_wire(&[prefix, target.wire()].concat()) else { return Followed::TooLong };
        let owner = Owner::Synthesised(name);
        if answer.iter().any(|entry| entry.owner.name() == owner.name()) {
            return Followed::Out;
        }
        answer.push(SectionEntry { owner, records: Records::Cname(rrset.ttl(), made.clone()), node });
        // Out of the zone; or a DNAME into itself, where every turn would add labels.
        if !made.as_ref().is_at_or_below(zone.apex()) || target.is_at_or_below(node.name()) {
            return Followed::Out;
        }
        name = made;
    }
    Followed::Out
}

/// Where a name leads through DNAMEs.
fn follow(zone: &Zone, name: Name) -> Option<Reached<'_>> {
    if !name.as_ref().is_at_or_below(zone.apex()) {
        return None;
    }
    match follow_into(zone, name, &mut Vec::new()) {
        Followed::To(reached) => Some(reached),
        Followed::Out | Followed::NxDomain(_) | Followed::TooLong => None,
    }
}

/// What answers a name of the zone.
fn find<'z>(zone: &'z Zone, name: &Name) -> Lookup<'z> {
    let mut encloser = name.as_ref();
    let id = loop {
        match (zone.find_served(encloser), encloser.parent()) {
            (Some(id), _) => break id,
            (None, Some(parent)) => encloser = parent,
            (None, None) => return Lookup::NxDomain,
        }
    };
    let node = zone.node(id);
    let found = |node, role| Lookup::Node(Reached { node, owner: Owner::Synthesised(name.clone()), role });
    if let Some(covering) = zone.covering(id).map(|id| zone.node(id)) {
        return match covering.kind() {
            NodeKind::Dname => Lookup::Dname(covering),
            NodeKind::Plain | NodeKind::ZoneCut | NodeKind::Occluded | NodeKind::Hashed => {
                found(covering, Role::AboveAsCut)
            }
        };
    }
    let exact = name.as_ref() == encloser;
    match node.kind() {
        // Below a cut a DS record is the child's, too.
        NodeKind::ZoneCut => found(node, if exact { Role::Cut } else { Role::AboveAsCut }),
        NodeKind::Plain | NodeKind::Dname | NodeKind::Occluded | NodeKind::Hashed if exact => {
            found(node, Role::Answers)
        }
        NodeKind::Dname => Lookup::Dname(node),
        NodeKind::Plain | NodeKind::Occluded | NodeKind::Hashed => match node.wildcard() {
            Some(wildcard) => found(wildcard, Role::Answers),
            None => Lookup::NxDomain,
        },
    }
}

/// The first name in the first record of an RRset: a CNAME's or DNAME's target.
pub(super) fn first_name(rrset: Rrset<'_>) -> Option<NameRef<'_>> {
    names_of(rrset).next()
}

fn names_of<'z>(rrset: Rrset<'z>) -> impl Iterator<Item = NameRef<'z>> {
    let rtype = rrset.rtype();
    rrset.rdatas().filter_map(move |bytes| rdata::names(rtype, bytes).next().map(|inner| inner.name))
}
