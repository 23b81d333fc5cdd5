//! Explains an answer: what was decided of the query, and what was found for every name on the way.
//!
//! Asks the same `decision` and the same `lookup` as `respond`; what is answered is handed in. Never on the
//! path of an answer, so it may allocate.

use std::net::IpAddr;
use std::sync::Arc;

use super::authority::{Authority, template_for, template_type};
use super::client::Client;
use super::compiled_zone::CompiledNode;
use super::context::{QueryContext, WorkerContext};
use super::decision::{Decision, decide};
use super::denial::{Denial, order_key};
use super::explanation::{Decided, Explained, ExplainedStep, Finding};
use super::hashed_name::HashedName;
use super::lookup::{Found, closest, search_again};
use super::peer::{Peer, Reply, Transport};
use super::prefix::Prefix;
use super::query_edns::QueryEdns;
use super::respond::respond;
use super::snapshot::Snapshot;
use super::template::{ANY_OTHER, DNAME_BELOW};
use super::zone_table::ZoneEntry;
use crate::dns::message::{Header, Question, Section, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::response::{Record, Response};
use crate::dns::{Name, NameRef, OrderKey, Rtype};
use crate::zone::CNAME_CHAIN_MAX;

/// Explains a question of a client, or of a resolver that asks for a network, of class IN whose answer section is `answers`: where an alias is chosen at
/// the query, that is the one to follow.
pub fn explain(
    snapshot: &Snapshot,
    client: IpAddr,
    subnet: Option<Prefix>,
    qname: NameRef<'_>,
    qtype: Rtype,
    answers: &[Record],
) -> Explained {
    let question = Question { qname, qtype, qclass: class::IN, wire: &[] };
    let query = QueryContext {
        snapshot,
        peer: Peer { address: client, transport: Transport::Tcp },
        client: asked_for(snapshot, &client, subnet),
        header: Header { id: 0, flags: 0, counts: [1, 0, 0, 0] },
        question,
        edns: QueryEdns::default(),
    };
    let mut name = HashedName::new();
    let place_of =
        |zone: &ZoneEntry| snapshot.zones.zones().position(|other| std::ptr::eq(other, zone)).unwrap_or(0);
    let (decided, authority) = match decide(&query, &mut name) {
        Decision::Prohibited(first) => {
            let seen = snapshot.zones.seen_by(first, &query.client).unwrap_or(first);
            (Decided::Prohibited(place_of(seen)), None)
        }
        Decision::HandOver(_, Some(zone)) | Decision::Transfer(zone) => {
            (Decided::Transfer(place_of(zone)), None)
        }
        Decision::NoVersion(zone) => (Decided::NoVersion(place_of(zone)), None),
        Decision::Zone(authority) => (Decided::Zone(place_of(authority.zone)), Some(authority)),
        // The others are not for questions of class IN without EDNS.
        Decision::NotOurs
        | Decision::BadVersion
        | Decision::Signed
        | Decision::HandOver(_, None)
        | Decision::BadCookie
        | Decision::MalformedSubnet
        | Decision::Chaos
        | Decision::UnknownClass => (Decided::NotOurs, None),
    };
    let mut explained = Explained { decided, steps: Vec::new(), pools: Vec::new() };
    if let Some(authority) = authority {
        explained.follow(
            &authority,
            &mut name,
            qname.to_name(),
            qtype,
            &Aliases { snapshot, client, answers },
        );
    }
    explained
}

/// Whom the answer is for.
fn asked_for<'p>(snapshot: &Snapshot, peer: &'p IpAddr, subnet: Option<Prefix>) -> Client<'p> {
    let mut client = Client::itself(peer);
    if let Some(network) = snapshot.believed(*peer, subnet) {
        client.ask_for(network);
    }
    client
}

/// Whether a CNAME is followed. One that is asked for is not; one that a DNAME makes is, unless the question
/// is for CNAME: a name below a DNAME has none of its own.
fn is_followed(qtype: Rtype, finding: &Finding) -> bool {
    match finding {
        Finding::Outside | Finding::Missing { .. } => false,
        Finding::Dname { .. } => qtype != Rtype::CNAME,
        Finding::Exact { .. } | Finding::Wildcard { .. } | Finding::Cut { .. } | Finding::Again => {
            !matches!(qtype, Rtype::CNAME | Rtype::ANY)
        }
    }
}

/// Finds the target of an alias: in the answer, which may have been chosen by chance. If a pool at the end of
/// the chain turned the answer into SERVFAIL, each step is asked for separately.
struct Aliases<'a> {
    snapshot: &'a Snapshot,
    client: IpAddr,
    answers: &'a [Record],
}

impl Aliases<'_> {
    fn of(&self, name: &Name) -> Option<Name> {
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
        let mut worker = WorkerContext::new(Arc::default(), 1);
        let mut out = vec![0; usize::from(u16::MAX)];
        let Reply::Send { len } = respond(self.snapshot, &mut worker, peer, &query, &mut out) else {
            return None;
        };
        alias(Response::read(out.get(..len)?)?.answers())
    }
}

impl Explained {
    /// Records what is found for a name, and for every name that it leads to.
    fn follow(
        &mut self,
        authority: &Authority<'_>,
        hashed: &mut HashedName,
        mut name: Name,
        qtype: Rtype,
        aliases: &Aliases<'_>,
    ) {
        // The longest chain there is; a CNAME and a DNAME may take turns in it.
        for _ in 0..=CNAME_CHAIN_MAX.saturating_mul(2) {
            let finding = self.finding(authority, hashed, &name, qtype);
            let next = if is_followed(qtype, &finding) { aliases.of(&name) } else { None };
            let finding =
                if next.is_none() && self.has_been(&name, &finding) { Finding::Again } else { finding };
            let over = finding == Finding::Again || self.steps.iter().any(|step| step.name == name);
            self.steps.push(ExplainedStep { name, finding: if over { Finding::Again } else { finding } });
            match next.filter(|_| !over) {
                Some(next) => name = next,
                None => break,
            }
        }
    }

    /// Whether a DNAME that leads to itself was met before: it is answered once.
    fn has_been(&self, name: &Name, finding: &Finding) -> bool {
        matches!(finding, Finding::Dname { .. })
            && self.steps.iter().any(|step| step.finding == *finding && step.name != *name)
    }

    /// What is found for one name. Adds the pools that answer it.
    fn finding(
        &mut self,
        authority: &Authority<'_>,
        hashed: &mut HashedName,
        name: &Name,
        qtype: Rtype,
    ) -> Finding {
        let compiled = authority.compiled;
        if !name.as_ref().is_at_or_below(authority.zone.apex.as_ref()) {
            return Finding::Outside;
        }
        hashed.set(name.as_ref());
        let found = search_again(compiled, hashed);
        self.note_pools(&found, qtype, hashed.labels());
        match found {
            Found::Exact(node) => {
                let key = |apex_labels| order_key(hashed, hashed.labels(), apex_labels);
                Finding::Exact { types: with_signing(types(&node), authority, &node, key) }
            }
            Found::Wildcard(node, labels) => {
                let key = |apex_labels| order_key(hashed, labels, apex_labels).below(b"*");
                let types = with_signing(types(&node), authority, &node, key);
                Finding::Wildcard { source: wildcard_below(&suffix(name, labels)), types }
            }
            Found::Cut(_, labels) => Finding::Cut { cut: suffix(name, labels) },
            Found::Dname(_, labels) => Finding::Dname { owner: suffix(name, labels) },
            Found::NxDomain => Finding::Missing { encloser: encloser(authority, hashed, name) },
        }
    }

    fn note_pools(&mut self, found: &Found<'_>, qtype: Rtype, labels: usize) {
        let (template, _) = template_for(found, template_type(qtype), labels);
        let asked =
            template.iter().flat_map(|template| template.pools()).filter(|at| at.section == Section::Answer);
        for at in asked {
            let place = at.pool as usize;
            if !self.pools.contains(&place) {
                self.pools.push(place);
            }
        }
    }
}

/// The same with what signs them in a signed zone, and what denies others, which have no templates.
fn with_signing(
    mut types: Vec<Rtype>,
    authority: &Authority<'_>,
    node: &CompiledNode<'_>,
    key: impl Fn(usize) -> OrderKey,
) -> Vec<Rtype> {
    let Some(signed) = &authority.compiled.signed else { return types };
    let key = key(authority.compiled.apex_labels());
    let denies = matches!(&signed.denial, Denial::Nsec(chain) if chain.get(key.as_bytes()).is_some());
    let is_signed = node.signed_templates().any(|template| !template.signatures().is_empty());
    types.extend((denies || is_signed).then_some(Rtype::RRSIG));
    types.extend(denies.then_some(Rtype::NSEC));
    types.sort_unstable();
    types
}

/// The types of a node. An alias has templates for the types at the end of its chain, too.
fn types(node: &CompiledNode<'_>) -> Vec<Rtype> {
    if node.template(Rtype::CNAME.0).is_some() {
        return vec![Rtype::CNAME];
    }
    let templates = node
        .templates()
        .map(|template| template.qtype())
        .filter(|qtype| !matches!(*qtype, ANY_OTHER | DNAME_BELOW));
    let mut types: Vec<Rtype> = templates.map(Rtype).collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn encloser(authority: &Authority<'_>, hashed: &HashedName, name: &Name) -> Name {
    let closest = closest(authority.compiled, hashed);
    closest.map_or_else(|| authority.zone.apex.clone(), |(_, labels)| suffix(name, labels))
}

/// The last `labels` labels of a name.
fn suffix(name: &Name, labels: usize) -> Name {
    let mut suffix = name.as_ref();
    while suffix.label_count() > labels
        && let Some(parent) = suffix.parent()
    {
        suffix = parent;
    }
    suffix.to_name()
}

/// The wildcard right below a name; the name itself if it is too long to have one.
fn wildcard_below(name: &Name) -> Name {
    Name::from_wire(&[b"\x01*", name.as_ref().wire()].concat()).unwrap_or_else(|_| name.clone())
}
