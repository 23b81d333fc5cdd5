//! Finishes a response: rate limit, truncation, OPT, TSIG, header, counters. HOT.
//!
//! Everything that is sent leaves through here, so that everything is counted, and limited if there is a
//! limit.

use super::context::{QueryContext, WorkerContext};
use super::counters::Count;
use super::message_kind::MessageKind;
use super::opt::{Ede, write_opt};
use super::peer::{Peer, Reply};
use super::query_edns::Wants;
use super::rate_limit::{RrlAction, RrlSource};
use super::response_writer::ResponseWriter;
use super::snapshot::Snapshot;
use super::tsig::write_tsig;
use crate::dns::NameHash;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::dns::message_writer::MessageWriter;

/// Finishes a response, unless the rate limit drops it.
#[inline(always)]
pub(super) fn limit_and_finish(
    query: &mut QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    ede: Option<Ede>,
) -> Reply {
    let mut flags = reply_flags(&query.header);
    // As what it would have been, even if that does not fit or is over the limit.
    let count = count_of(response);
    check_cookie(query, worker);
    match &query.snapshot.limit {
        Some(limit) if !query.edns.cookie_is_ours => {
            match worker.limit(limit, query.peer, count, response.source) {
                RrlAction::Pass => {}
                RrlAction::Slip => flags |= slip(query, worker, response),
                RrlAction::Drop => return Reply::Drop,
            }
        }
        _ => {}
    }
    worker.counters.add(count);
    if response.message.is_overflown() {
        response.message.clear();
        flags |= Header::TC;
        worker.counters.add(Count::Truncated);
    }
    if response.authoritative {
        flags |= Header::AA;
    }
    finish(query, worker, response, flags, ede)
}

/// Finds out whether the cookie is one of ours.
#[inline(always)]
fn check_cookie(query: &mut QueryContext<'_>, worker: &WorkerContext) {
    if let (Some(cookie), Some(secret)) = (query.edns.cookie, &query.snapshot.identity.cookies) {
        query.edns.cookie_is_ours = secret.is_ours(cookie, worker.now_seconds, query.peer.address);
    }
}

/// Appends OPT and TSIG, and writes the header.
#[inline(always)]
fn finish(
    query: &QueryContext<'_>,
    worker: &WorkerContext,
    response: &mut ResponseWriter<'_>,
    mut flags: u16,
    ede: Option<Ede>,
) -> Reply {
    let [_, rcode] = response.rcode.0.to_be_bytes();
    flags |= u16::from(rcode & 0x0f);
    if let Some(opt) = query.edns.opt {
        worker.counters.add(Count::Edns);
        response.message.release();
        write_opt(query, worker, opt, ede, response);
    }
    if let Some(tsig) = &query.edns.tsig {
        write_tsig(&query.header, tsig, response);
    }
    send(worker, response.rcode, response.message.finish(query.header.id, flags))
}

/// Counts a response of `len` bytes.
#[inline]
fn send(worker: &WorkerContext, rcode: Rcode, len: usize) -> Reply {
    worker.counters.spread.response(rcode, len);
    Reply::Send { len }
}

/// For a name that is forwarded for this client. What an upstream will answer is not known, so the rate limit
/// takes all that is forwarded for one kind of response, by the QNAME; what it holds back is not asked for.
#[inline(never)]
pub(super) fn limit_and_forward(
    query: &mut QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
) -> Reply {
    check_cookie(query, worker);
    let source = RrlSource::Name(worker.name.hash(worker.name.labels()));
    let action = match &query.snapshot.limit {
        Some(limit) if !query.edns.cookie_is_ours => {
            worker.limit(limit, query.peer, Count::Forwarded, source)
        }
        _ => RrlAction::Pass,
    };
    if action != RrlAction::Pass {
        worker.counters.add(Count::ForwardLimited);
    }
    match action {
        RrlAction::Pass => {
            worker.counters.add(Count::Forwarded);
            Reply::Forward
        }
        RrlAction::Slip => {
            worker.counters.add(Count::Forwarded);
            worker.counters.add(Count::Slipped);
            query.edns.wants = Wants::NOTHING;
            response.message.clear();
            response.rcode = Rcode::NOERROR;
            // Over TCP the recursion is available that is held back here.
            let flags = reply_flags(&query.header) | Header::TC | Header::RA;
            finish(query, worker, response, flags, None)
        }
        RrlAction::Drop => Reply::Drop,
    }
}

/// For a query that somebody else takes. The rate limit takes all of these for one kind of response, whatever
/// they ask.
#[cold]
pub(super) fn limit_and_hand_over(
    query: &mut QueryContext<'_>,
    worker: &mut WorkerContext,
    response: &mut ResponseWriter<'_>,
    kind: MessageKind,
) -> Reply {
    check_cookie(query, worker);
    let action = match &query.snapshot.limit {
        Some(limit) if !query.edns.cookie_is_ours => {
            worker.limit(limit, query.peer, Count::HandedOver, response.source)
        }
        _ => RrlAction::Pass,
    };
    match action {
        RrlAction::Pass => {
            worker.counters.add(Count::HandedOver);
            Reply::HandOver(kind)
        }
        RrlAction::Slip => {
            worker.counters.add(Count::NoData);
            worker.counters.add(Count::Slipped);
            query.edns.wants = Wants::NOTHING;
            // Over TCP the signature is verified.
            query.edns.tsig = None;
            let flags = reply_flags(&query.header) | Header::TC;
            finish(query, worker, response, flags, None)
        }
        RrlAction::Drop => Reply::Drop,
    }
}

/// The same for a message of another opcode, which has no place for TC: over its limit it is not answered.
#[cold]
pub(super) fn hand_over_bare(
    snapshot: &Snapshot,
    worker: &mut WorkerContext,
    peer: Peer,
    kind: MessageKind,
) -> Reply {
    let source = RrlSource::Name(NameHash::ROOT);
    let action = match &snapshot.limit {
        Some(limit) => worker.limit(limit, peer, Count::HandedOver, source),
        None => RrlAction::Pass,
    };
    match action {
        RrlAction::Pass => {
            worker.counters.add(Count::HandedOver);
            Reply::HandOver(kind)
        }
        RrlAction::Slip => {
            worker.counters.add(Count::RateDropped);
            Reply::Drop
        }
        RrlAction::Drop => Reply::Drop,
    }
}

/// Turns a response into what a client over its limit gets, so that it asks again in a way that cannot be
/// forged: the question with TC. An error, which has no records to leave out, stays as it is. Returns flags
/// to be set.
#[cold]
fn slip(query: &mut QueryContext<'_>, worker: &WorkerContext, response: &mut ResponseWriter<'_>) -> u16 {
    worker.counters.add(Count::Slipped);
    // A client that is not limited can still ask for it.
    query.edns.wants = Wants::NOTHING;
    if response.message.counts() == [0; 3] {
        return 0;
    }
    response.message.clear();
    Header::TC
}

#[inline]
fn reply_flags(header: &Header) -> u16 {
    // Opcode and RD come back as they were (RFC 1035, section 4.1.1).
    Header::QR | header.flags & (0x7800 | Header::RD)
}

/// What a response is counted as.
#[inline]
fn count_of(response: &ResponseWriter<'_>) -> Count {
    let [answers, authorities, _] = response.message.counts();
    match response.rcode {
        Rcode::NOERROR if answers != 0 => Count::Answered,
        Rcode::NOERROR if authorities != 0 && !response.authoritative => Count::Referral,
        Rcode::NOERROR => Count::NoData,
        Rcode::NXDOMAIN => Count::NxDomain,
        Rcode::FORMERR => Count::FormErr,
        Rcode::SERVFAIL => Count::ServFail,
        Rcode::NOTIMP => Count::NotImp,
        Rcode::REFUSED => Count::Refused,
        _ => Count::OtherRcode,
    }
}

/// Responds with a header alone, to what cannot be read or is not served.
#[cold]
pub(super) fn respond_bare(
    snapshot: &Snapshot,
    worker: &mut WorkerContext,
    peer: Peer,
    header: &Header,
    rcode: Rcode,
    out: &mut [u8],
) -> Reply {
    let mut response = ResponseWriter::new(MessageWriter::new(out, HEADER_BYTES));
    response.rcode = rcode;
    let count = count_of(&response);
    if let Some(limit) = &snapshot.limit {
        match worker.limit(limit, peer, count, response.source) {
            RrlAction::Pass => {}
            RrlAction::Slip => worker.counters.add(Count::Slipped),
            RrlAction::Drop => return Reply::Drop,
        }
    }
    worker.counters.add(count);
    send(worker, rcode, response.message.finish(header.id, reply_flags(header) | rcode.0))
}
