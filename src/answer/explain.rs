//! Why a name is answered as it is: the same look-up as `respond`'s, told step by step.
//!
//! Responsible for what was found for the QNAME and for every name that it leads to. Never on the way of an
//! answer, so it may allocate.
//! Not responsible for the answer itself: that is made by `respond`, and handed in.

use std::net::IpAddr;
use std::sync::Arc;

use super::authority::{Authority, plan_type};
use super::book::{Book, BookNode};
use super::lookup::{Asked, Found};
use super::plan::{ANY_OTHER, DNAME_BELOW};
use super::respond::{Scratch, respond, zone_of};
use super::snapshot::{Snapshot, ZoneSlot};
use super::{CNAME_CHAIN_MAX, Peer, Reply, Transport};
use crate::dns::message::{Section, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::response::{Record, Response};
use crate::dns::{Name, NameRef, Rtype};

/// What was found on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Where the search set out.
    pub outset: Outset,
    /// The QNAME, and every name that it leads to.
    pub links: Vec<Link>,
    /// The pools that are asked, as places in what [`super::Pools::new`] was given.
    pub pools: Vec<usize>,
}

/// Where a search sets out: the first thing that is decided of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outset {
    /// No zone of this server holds the name.
    NotOurs,
    /// No version of the zone at this place is for the client.
    Prohibited(usize),
    /// The zone at this place has no version that could be read.
    Unreadable(usize),
    /// A transfer of the zone at this place, which nobody gets.
    Transfer(usize),
    /// The zone at this place is answered from.
    Zone(usize),
}

/// One name on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name.
    pub name: Name,
    /// What was found for it.
    pub finding: Finding,
}

/// What answers a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The name exists, with records of these types; none: it is an empty non-terminal.
    Exact {
        /// In ascending order.
        types: Vec<Rtype>,
    },
    /// It is synthesised from a wildcard (RFC 4592) with these types.
    Wildcard {
        /// The source of synthesis.
        source: Name,
        /// In ascending order.
        types: Vec<Rtype>,
    },
    /// It lies at or below a zone cut.
    Cut {
        /// The owner of the NS records.
        cut: Name,
    },
    /// It lies below a DNAME (RFC 6672).
    Dname {
        /// The owner of the DNAME record.
        owner: Name,
    },
    /// It does not exist.
    Missing {
        /// The closest encloser.
        encloser: Name,
    },
    /// It lies outside the zone: the client asks again.
    Elsewhere,
    /// The chain leads back to it: each link is answered once.
    Again,
}

impl Outset {
    /// The place of the zone in [`super::ZoneShelf::zones`].
    pub fn zone(self) -> Option<usize> {
        match self {
            Outset::NotOurs => None,
            Outset::Prohibited(place)
            | Outset::Unreadable(place)
            | Outset::Transfer(place)
            | Outset::Zone(place) => Some(place),
        }
    }
}

/// Explains a client's question of class IN whose answer section is `answers`: where an alias is chosen at the
/// query, that is the one to follow.
pub fn explain(
    snapshot: &Snapshot,
    client: IpAddr,
    (qname, qtype): (NameRef<'_>, Rtype),
    answers: &[Record],
) -> Explained {
    let mut asked = Asked::new();
    asked.set(qname);
    let mut explained = Explained { outset: Outset::NotOurs, links: Vec::new(), pools: Vec::new() };
    let Some(first) = zone_of(snapshot, &asked, qtype) else { return explained };
    let place_of = |zone: &ZoneSlot| {
        snapshot.zones.zones().iter().position(|other| std::ptr::eq(other, zone)).unwrap_or(0)
    };
    let Some(zone) = snapshot.zones.version_for(first, client) else {
        let seen = snapshot.zones.seen_by(first, client).unwrap_or(first);
        explained.outset = Outset::Prohibited(place_of(seen));
        return explained;
    };
    let place = place_of(zone);
    let Some(book) = zone.book.as_deref().filter(|_| !matches!(qtype, Rtype::AXFR | Rtype::IXFR)) else {
        let transfer = matches!(qtype, Rtype::AXFR | Rtype::IXFR);
        explained.outset = if transfer { Outset::Transfer(place) } else { Outset::Unreadable(place) };
        return explained;
    };
    explained.outset = Outset::Zone(place);
    let authority = Authority { snapshot, zone, book };
    let mut name = qname.to_name();
    let mut aliases = Aliases { snapshot, client, answers };
    // The longest chain there is; a CNAME and a DNAME may take turns in it.
    for _ in 0..=CNAME_CHAIN_MAX.saturating_mul(2) {
        let finding = explained.finding(&authority, &mut asked, &name, qtype);
        let next = if leads_on(qtype, &finding) { aliases.of(&name) } else { None };
        let finding =
            if next.is_none() && explained.has_been(&name, &finding) { Finding::Again } else { finding };
        let over = finding == Finding::Again || explained.links.iter().any(|link| link.name == name);
        explained.links.push(Link { name, finding: if over { Finding::Again } else { finding } });
        match next.filter(|_| !over) {
            Some(next) => name = next,
            None => break,
        }
    }
    explained
}

/// Whether a CNAME is followed rather than what was asked for. One that a DNAME makes is as little what was
/// asked for as any other link; a name below a DNAME has no CNAME of its own.
fn leads_on(qtype: Rtype, finding: &Finding) -> bool {
    match finding {
        Finding::Elsewhere | Finding::Missing { .. } => false,
        Finding::Dname { .. } => qtype != Rtype::CNAME,
        Finding::Exact { .. } | Finding::Wildcard { .. } | Finding::Cut { .. } | Finding::Again => {
            !matches!(qtype, Rtype::CNAME | Rtype::ANY)
        }
    }
}

/// Where names lead: as the answer says, which may have been chosen by chance. Where there is none, because
/// a pool at the end of the chain made a SERVFAIL of it, the chain is asked for link by link.
struct Aliases<'a> {
    snapshot: &'a Snapshot,
    client: IpAddr,
    answers: &'a [Record],
}

impl Aliases<'_> {
    fn of(&mut self, name: &Name) -> Option<Name> {
        let alias = |records: &[Record]| {
            let mut own = records.iter().filter(|one| one.owner == *name && one.rtype == Rtype::CNAME);
            own.find_map(Record::target)
        };
        if !self.answers.is_empty() {
            return alias(self.answers);
        }
        let query = message_writer::owned(QUERY_BYTES_MAX, 0, 0, |query| {
            query.question(name.as_ref(), Rtype::CNAME, class::IN);
        });
        let peer = Peer { address: self.client, transport: Transport::Tcp };
        let mut scratch = Scratch::new(Arc::default(), 1);
        let mut out = vec![0; usize::from(u16::MAX)];
        let Reply::Send { len } = respond(self.snapshot, &mut scratch, peer, &query, &mut out) else {
            return None;
        };
        alias(Response::read(out.get(..len)?)?.answers())
    }
}

impl Explained {
    /// Whether a DNAME that leads to itself has been there already: it is answered once.
    fn has_been(&self, name: &Name, finding: &Finding) -> bool {
        matches!(finding, Finding::Dname { .. })
            && self.links.iter().any(|link| link.finding == *finding && link.name != *name)
    }

    /// What is found for one name; takes note of the pools that answer it.
    fn finding(
        &mut self,
        authority: &Authority<'_>,
        asked: &mut Asked,
        name: &Name,
        qtype: Rtype,
    ) -> Finding {
        let (zone, book) = (authority.zone, authority.book);
        if !name.as_ref().is_at_or_below(zone.apex.as_ref()) {
            return Finding::Elsewhere;
        }
        asked.set(name.as_ref());
        let found = book.search(asked);
        self.note_pools(authority, &found, qtype, asked.labels());
        match found {
            Found::Exact(node) => Finding::Exact { types: types(&node) },
            Found::Wildcard(node, labels) => {
                Finding::Wildcard { source: wildcard_below(&suffix(name, labels)), types: types(&node) }
            }
            Found::Cut(_, labels) => Finding::Cut { cut: suffix(name, labels) },
            Found::Dname(_, labels) => Finding::Dname { owner: suffix(name, labels) },
            Found::NxDomain => Finding::Missing { encloser: encloser(book, zone, asked, name) },
        }
    }

    fn note_pools(&mut self, authority: &Authority<'_>, found: &Found<'_>, qtype: Rtype, labels: usize) {
        let (plan, _) = authority.plan(found, plan_type(qtype), labels);
        let asked = plan.iter().flat_map(|plan| plan.pools()).filter(|at| at.section == Section::Answer);
        for at in asked {
            let place = authority.zone.pools_from.saturating_add(at.pool) as usize;
            if !self.pools.contains(&place) {
                self.pools.push(place);
            }
        }
    }
}

/// The types of a node. An alias has plans for the types at the end of its chain, too.
fn types(node: &BookNode<'_>) -> Vec<Rtype> {
    if node.plan(Rtype::CNAME.0).is_some() {
        return vec![Rtype::CNAME];
    }
    let plans =
        node.plans().map(|plan| plan.qtype()).filter(|qtype| !matches!(*qtype, ANY_OTHER | DNAME_BELOW));
    let mut types: Vec<Rtype> = plans.map(Rtype).collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn encloser(book: &Book, zone: &ZoneSlot, asked: &Asked, name: &Name) -> Name {
    book.closest(asked).map_or_else(|| zone.apex.clone(), |(_, labels)| suffix(name, labels))
}

/// The last so many labels of a name.
fn suffix(name: &Name, labels: usize) -> Name {
    let mut suffix = name.as_ref();
    while suffix.label_count() > labels
        && let Some(parent) = suffix.parent()
    {
        suffix = parent;
    }
    suffix.to_name()
}

/// The wildcard right below a name; the name itself where there is no room for one, which has none then.
fn wildcard_below(name: &Name) -> Name {
    Name::from_wire(&[b"\x01*", name.as_ref().wire()].concat()).unwrap_or_else(|_| name.clone())
}
