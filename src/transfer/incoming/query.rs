//! Writes SOA, AXFR and IXFR queries.

use crate::dns::edns::{OptWriter, option};
use crate::dns::message::{Rcode, Section, class};
use crate::dns::message_writer::{self, RecordHead};
use crate::dns::{NameRef, Rtype};

/// Most bytes of a query: a question, a SOA record with its owner, and an OPT record.
const QUERY_BYTES_MAX: usize = 1024;

/// Whether a query has an OPT record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extended {
    /// With EDNS, and the question how long the zone holds (RFC 7314).
    Yes,
    /// Without: some servers do not know it.
    No,
}

/// A query of a secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryKind {
    /// For the SOA record.
    Soa,
    /// For the whole zone.
    Axfr,
    /// For what has changed since the version of this serial.
    Ixfr(u32),
}

impl QueryKind {
    /// The type that is asked for.
    pub(super) fn qtype(self) -> Rtype {
        match self {
            QueryKind::Soa => Rtype::SOA,
            QueryKind::Axfr => Rtype::AXFR,
            QueryKind::Ixfr(_) => Rtype::IXFR,
        }
    }
}

/// The query under an id.
pub(super) fn write(id: u16, apex: NameRef<'_>, kind: QueryKind, extended: Extended) -> Vec<u8> {
    message_writer::owned(QUERY_BYTES_MAX, id, 0, |message| {
        message.question(apex, kind.qtype(), class::IN);
        if let QueryKind::Ixfr(serial) = kind {
            // The serial alone counts (RFC 1995, section 3): two roots before it, and four numbers behind.
            let head = RecordHead { rtype: Rtype::SOA, class: class::IN, ttl: 0 };
            let rdata: [&[u8]; 3] = [&[0, 0], &serial.to_be_bytes(), &[0; 16]];
            message.record(Section::Authority, apex.wire(), &head, &rdata);
        }
        if extended == Extended::Yes {
            let mut opt = OptWriter::new(message, Rcode::NOERROR, 0);
            opt.option(option::EXPIRE, &[]);
            opt.finish();
        }
    })
}
