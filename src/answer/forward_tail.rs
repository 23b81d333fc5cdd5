//! Recognises answers of our zones that end at an alias whose target is forwarded. HOT.
//!
//! Only with a forward table, and only where a response begins with an alias, does this cost more than one
//! look.

use super::context::{QueryContext, WorkerContext};
use super::forward_table::{ForwardAccess, ForwardTable};
use super::response_writer::ResponseWriter;
use crate::dns::Rtype;
use crate::dns::compression::Decompressed;
use crate::dns::message::Extra;

/// Whether a response of ours ends at an alias that is to be followed outside our zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// It does: `forward` answers the rest.
    Forwarded,
    /// The response is the whole answer.
    None,
}

impl Tail {
    /// Whether the target of the last alias is forwarded for this client: a stub resolver does not ask on
    /// (RFC 1034, section 5.3.1).
    #[inline]
    pub(super) fn of(
        response: &ResponseWriter<'_>,
        table: &ForwardTable,
        query: &QueryContext<'_>,
        worker: &mut WorkerContext,
    ) -> Self {
        let message = response.message.written();
        let first = message.get(response.message.records_at()..).and_then(Extra::read);
        let is_alias = |rtype| matches!(rtype, Rtype::CNAME | Rtype::DNAME);
        let qtype = query.question.qtype;
        let follows = !is_alias(qtype) && qtype != Rtype::ANY;
        match first {
            Some((first, _)) if follows && is_alias(first.rtype) => {
                Self::of_alias(response, table, query, worker)
            }
            _ => Self::None,
        }
    }

    #[cold]
    fn of_alias(
        response: &ResponseWriter<'_>,
        table: &ForwardTable,
        query: &QueryContext<'_>,
        worker: &mut WorkerContext,
    ) -> Self {
        let mut target = Decompressed::new();
        read_last_alias(response, &mut target);
        let Some(name) = target.name() else { return Self::None };
        worker.name.set(name);
        if query.snapshot.zones.zone_for(&worker.name, query.question.qtype).is_some() {
            return Self::None;
        }
        match table.admit(&worker.name, query.peer.address, &query.header, &query.question) {
            ForwardAccess::Allowed => Self::Forwarded,
            ForwardAccess::NotForwarded | ForwardAccess::Prohibited => Self::None,
        }
    }
}

/// Reads the target of the last record of an answer, if that is a CNAME.
fn read_last_alias(response: &ResponseWriter<'_>, target: &mut Decompressed) -> Option<usize> {
    let message = response.message.written();
    let mut rest = message.get(response.message.records_at()..)?;
    let mut last = None;
    for _ in 0..response.message.counts()[0] {
        let (record, after) = Extra::read(rest)?;
        let rdata_at = message.len().checked_sub(after.len())?.checked_sub(record.rdata.len())?;
        last = Some((record.rtype, rdata_at));
        rest = after;
    }
    let (Rtype::CNAME, at) = last? else { return None };
    target.read(message, at)
}
