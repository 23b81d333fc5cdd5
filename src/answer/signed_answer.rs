//! Answers from a signed zone where signatures are wanted (RFC 4035, section 3.1), or asked for.
//!
//! Looks up as `zone_answer` does, and chooses the same template; writes what signs it, and has what it says there is not
//! proven. Never on the way of queries without the DO bit, but for those that ask for signatures themselves.

use super::authority::{Authority, template_for, template_type};
use super::chase::{self, WaitingProofs};
use super::client::Client;
use super::compiled_zone::{CompiledNode, SignedZone};
use super::context::{QueryContext, WorkerContext};
use super::hashed_name::HashedName;
use super::lookup::{Found, search_again};
use super::pointer::moved;
use super::proofs::{NsecParts, Proofs};
use super::response_writer::ResponseWriter;
use super::rewrite;
use super::signed_pools::{EmptyPool, SignedPooled};
use super::signed_template::Proof;
use super::template::PoolRef;
use crate::dns::Rtype;
use crate::dns::compression::{Decompressed, POINTER_MAX};
use crate::dns::edns::DNSSEC_OK;
use crate::dns::message::{Rcode, Section};

/// Whether signatures go along with an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signatures {
    Wanted,
    Unwanted,
}

/// Answers with signatures, or with signatures and denials as what was asked for; false where neither is wanted.
#[inline(never)]
pub(super) fn is_answered<'z>(
    authority: &Authority<'z>,
    signed: &'z SignedZone,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
) -> bool {
    let is_wanted = query.edns.opt.is_some_and(|opt| opt.flags & DNSSEC_OK != 0);
    let is_asked = matches!(query.question.qtype, Rtype::RRSIG | Rtype::NSEC);
    if !is_wanted && !is_asked {
        return false;
    }
    let compiled = authority.compiled;
    let (name, rng) = (&worker.name, &mut worker.rng);
    let beyond_apex = name.offset(compiled.apex_labels());
    let found = search_again(compiled, name);
    if query.snapshot.limit.is_some() {
        response.source = found.source(name, compiled.apex_labels());
    }
    let mut proofs = Proofs::new(compiled, &signed.denial, beyond_apex);
    let signatures = if is_wanted { Signatures::Wanted } else { Signatures::Unwanted };
    if is_asked {
        let asked = Asked { authority, name, qtype: query.question.qtype, signatures };
        if asked.put(&found, (rng, &query.client), &mut proofs, response) {
            return true;
        }
    }
    if is_asked && matches!(found, Found::Exact(_) | Found::Wildcard(..)) {
        put_none(authority, signed, &found, signatures, worker, &mut proofs, response);
        return true;
    }
    if !is_wanted {
        return false;
    }
    if let Found::Dname(node, labels) = found {
        let from = (signed, proofs);
        chase::follow_signed_dname(authority, query, worker, response, (node, labels), from);
    } else {
        put(authority, signed, query, worker, &found, proofs, response);
    }
    true
}

/// Writes what a name was found as, with signatures and proofs.
fn put<'z>(
    authority: &Authority<'z>,
    signed: &'z SignedZone,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    found: &Found<'z>,
    mut proofs: Proofs<'z>,
    response: &mut ResponseWriter<'_>,
) {
    let name = &mut worker.name;
    let (template, base) = template_for(found, template_type(query.question.qtype), name.labels());
    let more = template.map(|template| found.signed_template(template.qtype()));
    let beyond_owner = name.offset(base);
    let beyond_apex = name.offset(authority.compiled.apex_labels());
    let (is_negative, proof) = found.conclusion(template.as_ref());
    match (&template, &more) {
        (Some(template), Some(more)) => {
            response.rcode = template.flags().rcode();
            response.authoritative = template.flags().is_authoritative();
            response.put_signed(template, more, beyond_owner);
            if template.flags().is_repeating() {
                rewrite::cut_repetition(response);
            }
        }
        _ => {
            response.authoritative = true;
            let exists = !matches!(found, Found::NxDomain);
            response.rcode = if exists { Rcode::NOERROR } else { Rcode::NXDOMAIN };
        }
    }
    let pointer = |at: PoolRef| if at.is_moved { moved(at.owner, beyond_owner) } else { at.owner };
    let owner = |at: PoolRef, _: &ResponseWriter<'_>| pointer(at).to_be_bytes();
    let client = &query.client;
    let mut empty = None;
    if let Some(more) = more.as_ref().filter(|more| more.own.has_pools()) {
        match authority.put_signed_pools(Section::Answer, (&mut worker.rng, client), more, response, owner) {
            SignedPooled::Alias => {
                let waiting = WaitingProofs::new(proof, more);
                return chase::follow_signed_pool_alias(
                    authority,
                    query,
                    worker,
                    response,
                    (signed, proofs, waiting),
                );
            }
            SignedPooled::Records => {}
            SignedPooled::Empty(at) => match EmptyPool::new(authority.compiled, at, &mut proofs, response) {
                Some(pool) => empty = Some((pool, at)),
                None => return,
            },
            SignedPooled::Fails => return,
        }
    }
    match &empty {
        Some((pool, _)) => pool.put_soa(signed, beyond_apex, response),
        None if is_negative => Authority::put_signed_negative(signed, beyond_apex, response),
        None => {}
    }
    if let Some(proof) = proof {
        proofs.prove(proof, name, response);
    }
    let Some(more) = &more else { return };
    for (proof, other) in more.proofs() {
        name.set(other);
        proofs.prove(proof, name, response);
    }
    if let Some((pool, at)) = empty {
        let mut owner = Decompressed::new();
        owner.read(response.message.written(), usize::from(pointer(at) & POINTER_MAX));
        if let Some(owner) = owner.name() {
            pool.prove(owner, name, &mut proofs, response);
        }
    }
    response.put_signed_additional(more, beyond_owner);
    if more.own.has_pools() {
        authority.put_signed_pools(Section::Additional, (&mut worker.rng, client), more, response, owner);
    }
}

/// Says that a name has no signatures, or no NSEC record. An alias is not followed for them: it has its own (RFC 4035,
/// section 2.5).
fn put_none(
    authority: &Authority<'_>,
    signed: &SignedZone,
    found: &Found<'_>,
    signatures: Signatures,
    worker: &WorkerContext,
    proofs: &mut Proofs<'_>,
    response: &mut ResponseWriter<'_>,
) {
    let beyond_apex = worker.name.offset(authority.compiled.apex_labels());
    response.authoritative = true;
    match signatures {
        Signatures::Unwanted => authority.put_negative(beyond_apex, response),
        Signatures::Wanted => {
            Authority::put_signed_negative(signed, beyond_apex, response);
            let is_made = matches!(found, Found::Wildcard(..));
            let proof = if is_made { Proof::WildcardNoData } else { Proof::NoData };
            proofs.prove(proof, &worker.name, response);
        }
    }
}

/// A question for signatures or the NSEC record of a name, which have no templates.
struct Asked<'q, 'z> {
    authority: &'q Authority<'z>,
    name: &'q HashedName,
    qtype: Rtype,
    signatures: Signatures,
}

impl Asked<'_, '_> {
    /// Answers it; false where the name has none.
    fn put(
        &self,
        found: &Found<'_>,
        chance: (&mut u64, &Client<'_>),
        proofs: &mut Proofs<'_>,
        response: &mut ResponseWriter<'_>,
    ) -> bool {
        let (node, key) = match found {
            Found::Exact(node) => (node, proofs.key_of(self.name, self.name.labels())),
            Found::Wildcard(node, encloser) => (node, proofs.key_of(self.name, *encloser).below(b"*")),
            Found::Cut(..) | Found::Dname(..) | Found::NxDomain => return false,
        };
        let is_signed = self.signatures == Signatures::Wanted;
        let records = match self.qtype {
            Rtype::NSEC if is_signed => proofs.answer_nsec(&key, NsecParts::All, response),
            Rtype::NSEC => proofs.answer_nsec(&key, NsecParts::Record, response),
            _ => {
                let of_denial = proofs.answer_nsec(&key, NsecParts::Signatures, response);
                self.put_signatures(node, chance, response).saturating_add(of_denial)
            }
        };
        if records == 0 {
            return false;
        }
        response.authoritative = true;
        if matches!(found, Found::Wildcard(..)) && is_signed {
            proofs.prove(Proof::Expansion, self.name, response);
        }
        true
    }

    /// Writes the signatures of all RRsets of a node that are answered, of a pool those of what it chooses now, and says how
    /// many there are.
    fn put_signatures(
        &self,
        node: &CompiledNode<'_>,
        (rng, client): (&mut u64, &Client<'_>),
        response: &mut ResponseWriter<'_>,
    ) -> u16 {
        let is_alias = node.template(Rtype::CNAME.0).is_some();
        let mut count = 0_u16;
        for template in node.signed_templates() {
            // Those of an alias for other types hold what it leads to; those for what has no template of its own, no RRset.
            let is_own =
                if is_alias { template.own.qtype() == Rtype::CNAME.0 } else { template.is_of_rrset() };
            if !is_own {
                continue;
            }
            response.message.put(template.signatures());
            count = count.saturating_add(template.signature_count());
            for at in template.own.pools().filter(|at| at.section == Section::Answer) {
                let pool = self
                    .authority
                    .zone
                    .pools
                    .get(at.pool)
                    .map(|pool| pool.for_client(client.peer(), self.authority.host));
                let of_pool = pool.map_or(0, |pool| response.put_pool_signatures(pool, rng, client));
                count = count.saturating_add(of_pool);
            }
        }
        response.message.count(Section::Answer, count);
        count
    }
}
