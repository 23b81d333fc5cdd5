//! Likely reasons for a difference: what is known of PowerDNS, BIND and Knot DNS.
//!
//! A hint, never a judgement: it does not change what counts as a difference.

use super::super::asking::Manner;
use super::judging::Case;
use super::records::{sets, values};
use crate::dns::Rtype;
use crate::dns::message::Rcode;
use crate::dns::response::Response;

/// A kind of difference with its likely reason.
struct Reason {
    fits: fn(&Case<'_>) -> bool,
    text: &'static str,
}

/// The first that fits is shown.
const REASONS: &[Reason] = &[
    Reason {
        fits: |case| {
            case.question.qtype == Rtype::SOA && matches!(rcodes(case).0, Rcode::REFUSED | Rcode::NOTAUTH)
        },
        text: "the zone is not served there, or not to this host",
    },
    Reason {
        fits: |case| case.question.qtype == Rtype::SOA && rcodes(case).0 == Rcode::SERVFAIL,
        text: "the zone could not be loaded there: look into that server's log",
    },
    Reason {
        fits: |case| case.question.qtype == Rtype::SOA && case.manner == Manner::Authority,
        text: "another version of the zone is served there: compare again when both have the same text",
    },
    Reason {
        fits: |case| {
            case.question.qtype == Rtype::DNSKEY
                && case.ours.response.answers().is_empty()
                && !case.theirs.response.answers().is_empty()
        },
        text: "the zone is signed there and would not be here: the parent's DS records have to go first, and long \
               enough before",
    },
    Reason {
        fits: |case| is_pool(case) && rcodes(case).0 == Rcode::NXDOMAIN,
        text: "a PowerDNS without `enable-lua-records` does not see LUA records, nor names that have no other",
    },
    Reason {
        fits: |case| is_pool(case) && rcodes(case).0 == Rcode::SERVFAIL,
        text: "PowerDNS answers SERVFAIL when a LUA record fails, which its log says, and with \
               `failOnIncompleteCheck` while nothing is known",
    },
    Reason {
        fits: |case| is_pool(case) && case.theirs.response.answers().is_empty(),
        text: "no member is up there, or LUA records are not enabled",
    },
    Reason {
        fits: |case| has_dname(&case.ours.response) && !has_dname(&case.theirs.response),
        text: "PowerDNS follows DNAME records with `dname-processing=yes` only",
    },
    Reason {
        fits: |case| {
            rcodes(case) == (Rcode::NXDOMAIN, Rcode::NOERROR) && case.ours.response.answers().is_empty()
        },
        text: "the name has records below it only, so it exists (RFC 8020): not every server knows",
    },
    Reason {
        fits: |case| {
            rcodes(case) == (Rcode::NXDOMAIN, Rcode::NOERROR) && !case.ours.response.answers().is_empty()
        },
        text: "the record is missing there: PowerDNS leaves out records behind a parenthesis that is never closed, \
               and types that it does not know",
    },
    Reason {
        fits: only_ttls_differ,
        text: "PowerDNS reads only a part of TTLs like 1h30m, and takes 3600 s where no TTL is written; here an \
               RRset with several TTLs has the lowest",
    },
    Reason {
        fits: |case| {
            let (theirs, ours) = (sets(&case.theirs.response, 0), sets(&case.ours.response, 0));
            theirs.len() < ours.len() && theirs.keys().all(|key| ours.contains_key(key)) && !theirs.is_empty()
        },
        text: "the chain of CNAMEs is not followed to its end there, as Knot DNS does after five",
    },
];

/// The likely reason of a difference, if one is known.
pub(super) fn likely(case: &Case<'_>) -> Option<&'static str> {
    REASONS.iter().find(|reason| (reason.fits)(case)).map(|reason| reason.text)
}

/// Their response code and ours.
fn rcodes(case: &Case<'_>) -> (Rcode, Rcode) {
    (case.theirs.response.rcode, case.ours.response.rcode)
}

/// Whether a pool of ours answers the question.
fn is_pool(case: &Case<'_>) -> bool {
    case.held.members(&case.question.qname, case.question.qtype).is_some()
}

fn has_dname(response: &Response) -> bool {
    response.answers().iter().any(|record| record.rtype == Rtype::DNAME)
}

/// Whether the answer sections have the same records with other TTLs.
fn only_ttls_differ(case: &Case<'_>) -> bool {
    let (theirs, ours) = (sets(&case.theirs.response, 0), sets(&case.ours.response, 0));
    let same =
        |(key, records): (&_, &Vec<_>)| theirs.get(key).is_some_and(|other| values(other) == values(records));
    !ours.is_empty() && theirs.len() == ours.len() && ours.iter().all(same)
}
