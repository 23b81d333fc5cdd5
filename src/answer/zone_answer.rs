//! Answers a query from its zone: looks the name up and writes what was found. HOT.
//!
//! Aliases that are known at the query only are followed by `chase`.

use super::authority::{Authority, Pooled, template_for, template_type};
use super::chase;
use super::context::{QueryContext, WorkerContext};
use super::lookup::{Found, search};
use super::pointer::moved;
use super::response_writer::ResponseWriter;
use super::rewrite;
use super::signed_answer;
use super::template::{PoolRef, ResponseTemplate};
use crate::dns::message::Rcode;

/// A template, and how many bytes the QNAME is longer than the names in it.
struct FoundTemplate<'z> {
    template: ResponseTemplate<'z>,
    /// Than the name it was made for.
    beyond_owner: usize,
    /// Than the apex.
    beyond_apex: usize,
}

/// Answers from a zone. Called once per query: inlined, what it is given stays where it is.
#[inline(always)]
pub(super) fn answer(
    authority: &Authority<'_>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
) {
    if let Some(signed) = &authority.compiled.signed
        && signed_answer::is_answered(authority, signed, query, worker, response)
    {
        return;
    }
    let name = &worker.name;
    let apex_labels = authority.compiled.apex_labels();
    let beyond_apex = name.offset(apex_labels);
    let found = search(authority.compiled, name);
    // Only the rate limit asks for it.
    if query.snapshot.limit.is_some() {
        response.source = found.source(name, apex_labels);
    }
    if let Found::Dname(node, labels) = found {
        return chase::follow_dname(authority, query, worker, response, node, labels);
    }
    match template_for(&found, template_type(query.question.qtype), name.labels()) {
        (Some(template), base) => {
            let found = FoundTemplate { template, beyond_owner: name.offset(base), beyond_apex };
            put(authority, query, worker, &found, response);
        }
        (None, _) => {
            response.authoritative = true;
            let exists = !matches!(found, Found::NxDomain);
            response.rcode = if exists { Rcode::NOERROR } else { Rcode::NXDOMAIN };
            authority.put_negative(beyond_apex, response);
        }
    }
}

/// Writes a template: its records, its pools, its negative SOA.
#[inline(always)]
fn put(
    authority: &Authority<'_>,
    query: &QueryContext<'_>,
    worker: &mut WorkerContext,
    found: &FoundTemplate<'_>,
    response: &mut ResponseWriter<'_>,
) {
    let FoundTemplate { template, beyond_owner, beyond_apex } = found;
    response.rcode = template.flags().rcode();
    response.authoritative = template.flags().is_authoritative();
    response.put_template(template, *beyond_owner);
    if template.flags().is_repeating() {
        rewrite::cut_repetition(response);
    }
    let mut negative = template.flags().is_negative();
    if template.has_pools() {
        let owner = |at: PoolRef| {
            let pointer = if at.is_moved { moved(at.owner, *beyond_owner) } else { at.owner };
            pointer.to_be_bytes()
        };
        let client = &query.client;
        match authority.put_pools(&mut worker.rng, client, template, response, owner) {
            Pooled::Alias => return chase::follow_pool_alias(authority, query, worker, response),
            Pooled::Records => {}
            Pooled::Empty => negative = true,
            Pooled::Fails => return,
        }
    }
    if negative {
        authority.put_negative(*beyond_apex, response);
    }
}
