//! `explain` agrees with `respond`: every question of every scenario is explained as well, and its steps are
//! compared with the response.

use std::net::IpAddr;

use edgedns::answer::{Decided, Explained, ExplainedStep, Finding, Prefix, Snapshot, explain};
use edgedns::dns::Rtype;
use edgedns::dns::message::{Header, Opcode, Question, Rcode, class};
use edgedns::dns::response::Response;

/// What makes a response that no zone was looked at for.
const UNREAD: [Rcode; 4] = [Rcode::FORMERR, Rcode::BADVERS, Rcode::NOTAUTH, Rcode::NOTIMP];

/// Explains a query and compares with the response.
///
/// # Panics
///
/// When the steps lead elsewhere than the response.
pub(crate) fn check(
    snapshot: &Snapshot,
    (client, subnet): (IpAddr, Option<Prefix>),
    query: &[u8],
    message: &[u8],
) {
    let response = Response::read(message).expect("a response that can be read back");
    let whole = response.header.flags & Header::TC == 0 && response.header.counts[0] == 1;
    let header = Header::read(query).filter(|header| whole && header.opcode() == Opcode::QUERY);
    let Some((question, _)) = header.and_then(|_| Question::read(query)) else { return };
    if !matches!(question.qclass, class::IN | class::ANY) || UNREAD.contains(&response.rcode) {
        return;
    }
    let qtype = question.qtype;
    let explained = explain(snapshot, client, subnet, question.qname, qtype, response.answers());
    let context = || format!("{} {qtype}: {explained:?} for {response:?}", question.qname);
    match explained.decided {
        Decided::NotOurs | Decided::Prohibited(_) | Decided::Transfer(_) => {
            assert_eq!(response.rcode, Rcode::REFUSED, "{}", context());
        }
        Decided::NoVersion(_) => assert_eq!(response.rcode, Rcode::SERVFAIL, "{}", context()),
        Decided::Zone(_) if response.rcode == Rcode::SERVFAIL => {
            assert!(!explained.pools.is_empty(), "only a pool fails: {}", context());
        }
        Decided::Zone(_) => {
            chain(&explained.steps, &response, qtype, &context());
            let last = explained.steps.last().expect("the QNAME at least");
            assert!(agrees(last, &explained, &response, qtype), "{}", context());
        }
    }
}

/// Every alias of the answer is a step, in the order of the answer.
fn chain(steps: &[ExplainedStep], response: &Response, qtype: Rtype, context: &str) {
    if matches!(qtype, Rtype::CNAME | Rtype::ANY) {
        return;
    }
    let aliases = response.answers().iter().filter(|record| record.rtype == Rtype::CNAME);
    let owners: Vec<_> = aliases.map(|record| record.owner.to_string()).collect();
    let steps: Vec<_> = steps.iter().map(|step| step.name.to_string()).collect();
    assert!(steps.len() <= owners.len() + 1 && steps.starts_with(&owners), "{context}");
}

/// Whether what was found for the last name is what the response says of it.
fn agrees(last: &ExplainedStep, explained: &Explained, response: &Response, qtype: Rtype) -> bool {
    let pooled = !explained.pools.is_empty();
    let [answers, authorities, _] = &response.sections;
    let own = answers.iter().any(|record| record.owner == last.name && record.rtype != Rtype::CNAME);
    let alias = answers.iter().any(|record| record.owner == last.name && record.rtype == Rtype::CNAME);
    let nodata = authorities.iter().any(|record| record.rtype == Rtype::SOA);
    match &last.finding {
        Finding::Missing { .. } => response.rcode == Rcode::NXDOMAIN,
        Finding::Cut { cut } => {
            let referral = authorities.iter().any(|record| record.owner == *cut && record.rtype == Rtype::NS);
            response.rcode == Rcode::NOERROR && (referral || qtype == Rtype::DS)
        }
        Finding::Dname { .. } => alias || response.rcode == Rcode::YXDOMAIN,
        Finding::Exact { types } | Finding::Wildcard { types, .. } => {
            let exists = types.contains(&qtype) || (qtype == Rtype::ANY && !types.is_empty());
            let right = if exists { own || alias || pooled } else { nodata || types == &[Rtype::CNAME] };
            response.rcode == Rcode::NOERROR && right
        }
        Finding::Outside | Finding::Again => answers.iter().any(|record| record.rtype == Rtype::CNAME),
    }
}
