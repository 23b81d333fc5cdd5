//! The one function that answers a query. HOT.
//!
//! Defines the order: read the query, decide, answer, forward or finish.

use super::chaos;
use super::client::Client;
use super::context::{QueryContext, WorkerContext};
use super::counters::Count;
use super::decision::{Decision, decide};
use super::finish::{hand_over_bare, limit_and_finish, limit_and_forward, limit_and_hand_over, respond_bare};
use super::forward_table::ForwardAccess;
use super::forward_tail::Tail;
use super::message_kind::MessageKind;
use super::opt::{Ede, opt_bytes};
use super::peer::{Peer, Reply};
use super::prefix::Prefix;
use super::query_edns::{QueryEdns, Wants};
use super::response_writer::ResponseWriter;
use super::snapshot::Snapshot;
use super::zone_answer;
use crate::dns::client_subnet::ClientSubnet;
use crate::dns::edns::UDP_PAYLOAD_PLAIN;
use crate::dns::message::{HEADER_BYTES, Header, Opcode, Question, Rcode};
use crate::dns::message_writer::MessageWriter;
use crate::dns::{NameRef, Rtype};

/// Answers one query. HOT: no allocation, lock, log, clock, system call or panic.
///
/// `query` is a whole DNS message; `out` takes the response: it should hold
/// [`UDP_PAYLOAD_MAX`](super::UDP_PAYLOAD_MAX) bytes for UDP and 65,535 for TCP, and what does not fit is
/// sent truncated. Into fewer than [`UDP_PAYLOAD_PLAIN`] nothing is written.
pub fn respond(
    snapshot: &Snapshot,
    worker: &mut WorkerContext,
    peer: Peer,
    query: &[u8],
    out: &mut [u8],
) -> Reply {
    worker.counters.add(Count::Queries);
    let header = Header::read(query).filter(|header| !header.is_response());
    let Some(header) = header.filter(|_| out.len() >= UDP_PAYLOAD_PLAIN) else {
        worker.counters.add(Count::Dropped);
        return Reply::Drop;
    };
    if header.opcode() != Opcode::QUERY {
        return respond_to_opcode(snapshot, worker, peer, &header, out);
    }
    if header.counts[0] == 0 {
        return respond_without_question(snapshot, worker, peer, &header, query, out);
    }
    let read = if header.counts[0] == 1 { Question::read(query) } else { None };
    let Some((question, rest)) = read else {
        return respond_bare(snapshot, worker, peer, &header, Rcode::FORMERR, out);
    };
    worker.counters.spread.question(question.qtype);
    let mut edns = QueryEdns::default();
    let [_, behind @ ..] = header.counts;
    if behind != [0; 3] && edns.read(&header, rest).is_none() {
        return respond_bare(snapshot, worker, peer, &header, Rcode::FORMERR, out);
    }
    let mut query =
        QueryContext { snapshot, peer, client: Client::itself(&peer.address), header, question, edns };
    let query = &mut query;
    let is_sound = !query.edns.wants.has(Wants::CLIENT_SUBNET) || has_sound_subnet(query);
    let reserved = if query.edns.opt.is_some() { opt_bytes(&snapshot.identity, &query.edns) } else { 0 };
    let mut message = MessageWriter::new(out, peer.transport.size_limit(query.edns.opt.as_ref()));
    message.put_question(question.wire);
    message.reserve(reserved);
    let mut response = ResponseWriter::new(message);
    let decision = if is_sound { decide(query, &mut worker.name) } else { Decision::MalformedSubnet };
    let mut ede = match decision {
        Decision::Zone(authority) => {
            zone_answer::answer(&authority, query, worker, &mut response);
            None
        }
        Decision::NotOurs => {
            response.rcode = Rcode::REFUSED;
            Some(Ede::NotAuthoritative)
        }
        Decision::HandOver(kind, _) => return limit_and_hand_over(query, worker, &mut response, kind),
        decision => respond_otherwise(&decision, query, &mut response),
    };
    let mut tail = Tail::None;
    if let Some(table) = &snapshot.forward {
        match ede {
            Some(Ede::NotAuthoritative) => {
                match table.admit(&worker.name, peer.address, &query.header, &question) {
                    ForwardAccess::Allowed => return limit_and_forward(query, worker, &mut response),
                    ForwardAccess::Prohibited => ede = Some(Ede::Prohibited),
                    ForwardAccess::NotForwarded => {}
                }
            }
            // What does not fit is asked for again over TCP, and gone on from there.
            None if !response.message.is_overflown() => {
                tail = Tail::of(&response, table, query, worker);
            }
            None | Some(Ede::Prohibited) => {}
        }
    }
    match limit_and_finish(query, worker, &mut response, ede) {
        reply if tail == Tail::None => reply,
        Reply::Send { len } if response.message.counts()[0] != 0 => Reply::ForwardTail { len },
        // The rate limit took the alias back: there is nothing to go on from.
        reply => {
            worker.counters.add(Count::ForwardLimited);
            reply
        }
    }
}

/// Reads for whom a query asks, if its sender is believed that; else that is as if it were not there. False where it is not well
/// formed.
#[cold]
fn has_sound_subnet(query: &mut QueryContext<'_>) -> bool {
    let peer = query.peer.address;
    // What options mean in another version is not known here: that is answered BADVERS.
    let is_read =
        query.edns.opt.is_some_and(|opt| opt.version == 0) && query.snapshot.reads_client_subnet_of(peer);
    let value = query.edns.client_subnet().filter(|_| is_read);
    match value.map(ClientSubnet::read) {
        Some(Ok(ClientSubnet::Of { address, bits })) => {
            query.client.ask_for(Prefix::around(address, bits));
        }
        Some(Ok(ClientSubnet::Withheld)) => {}
        Some(Ok(ClientSubnet::UnknownFamily)) | None => query.edns.wants.remove(Wants::CLIENT_SUBNET),
        Some(Err(_)) => {
            query.edns.wants.remove(Wants::CLIENT_SUBNET);
            return false;
        }
    }
    true
}

/// What is said of a query that is not answered from a zone, with the extended error of that.
#[inline(never)]
fn respond_otherwise(
    decision: &Decision<'_>,
    query: &QueryContext<'_>,
    response: &mut ResponseWriter<'_>,
) -> Option<Ede> {
    response.rcode = match decision {
        Decision::Chaos => {
            chaos::answer(&query.snapshot.identity, &query.question, response);
            return None;
        }
        Decision::Prohibited(_) => {
            response.rcode = Rcode::REFUSED;
            return Some(Ede::Prohibited);
        }
        Decision::BadVersion => Rcode::BADVERS,
        Decision::Signed => Rcode::NOTAUTH,
        Decision::BadCookie | Decision::MalformedSubnet => Rcode::FORMERR,
        Decision::UnknownClass | Decision::Transfer(_) => Rcode::REFUSED,
        Decision::NoVersion(_) => Rcode::SERVFAIL,
        // These are not for here.
        Decision::Zone(_) | Decision::NotOurs | Decision::HandOver(..) => response.rcode,
    };
    None
}

/// An opcode that is no query's: somebody takes it, or it is not implemented.
#[cold]
fn respond_to_opcode(
    snapshot: &Snapshot,
    worker: &mut WorkerContext,
    peer: Peer,
    header: &Header,
    out: &mut [u8],
) -> Reply {
    match MessageKind::of(header.opcode(), Rtype::SOA).filter(|kind| snapshot.handed_over.have(*kind)) {
        Some(kind) => hand_over_bare(snapshot, worker, peer, kind),
        None => respond_bare(snapshot, worker, peer, header, Rcode::NOTIMP, out),
    }
}

/// No question: a client may ask for a server cookie alone (RFC 7873, section 5.4); anything else is a format
/// error.
#[cold]
fn respond_without_question(
    snapshot: &Snapshot,
    worker: &mut WorkerContext,
    peer: Peer,
    header: &Header,
    query: &[u8],
    out: &mut [u8],
) -> Reply {
    let mut edns = QueryEdns::default();
    let read = query.get(HEADER_BYTES..).and_then(|rest| edns.read(header, rest));
    if read.is_none() || !edns.has_sound_cookie() {
        return respond_bare(snapshot, worker, peer, header, Rcode::FORMERR, out);
    }
    let question = Question { qname: NameRef::ROOT, qtype: Rtype(0), qclass: 0, wire: &[] };
    let client = Client::itself(&peer.address);
    let mut query = QueryContext { snapshot, peer, client, header: *header, question, edns };
    let mut response = ResponseWriter::new(MessageWriter::new(out, UDP_PAYLOAD_PLAIN));
    limit_and_finish(&mut query, worker, &mut response, None)
}
