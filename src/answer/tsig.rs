//! Transaction signatures (RFC 8945): reads a query's TSIG, and answers it with BADKEY, as there are no keys.
//!
//! The response code beside it is set by `respond`.

use super::response_writer::ResponseWriter;
use crate::dns::message::{Extra, Header, Section, class};
use crate::dns::message_writer::RecordHead;
use crate::dns::{NameRef, Rtype};

/// What comes back of a transaction signature (RFC 8945, section 4.2).
pub(super) struct Tsig<'q> {
    key: NameRef<'q>,
    algorithm: NameRef<'q>,
    /// When it was signed, and how far the clocks may differ.
    signed_and_fudge: &'q [u8; 8],
}

/// Reads what is returned of a TSIG record. None when it is not well formed.
#[cold]
pub(super) fn read_tsig<'q>(record: &'q [u8], extra: &Extra<'q>) -> Option<Tsig<'q>> {
    let (key, _) = NameRef::split_from(record).ok()?;
    let (algorithm, rest) = NameRef::split_from(extra.rdata).ok()?;
    let (signed_and_fudge, rest) = rest.split_first_chunk::<8>()?;
    let (&mac_bytes, rest) = rest.split_first_chunk::<2>()?;
    let rest = rest.get(usize::from(u16::from_be_bytes(mac_bytes))..)?;
    // Original id, error, length of the other data, and that.
    let (&[_, _, _, _, high, low], other) = rest.split_first_chunk::<6>()?;
    let whole = other.len() == usize::from(u16::from_be_bytes([high, low]));
    whole.then_some(Tsig { key, algorithm, signed_and_fudge })
}

/// Error BADKEY (RFC 8945, section 3): there is no key here that could have made this signature.
const BADKEY: u16 = 17;

/// The TSIG record that says so: the query's, without a signature (RFC 8945, section 5.3.2).
#[cold]
pub(super) fn write_tsig(header: &Header, tsig: &Tsig<'_>, response: &mut ResponseWriter<'_>) {
    let message = &mut response.message;
    message.release_all();
    let head = RecordHead { rtype: Rtype::TSIG, class: class::ANY, ttl: 0 };
    let (id, error) = (header.id.to_be_bytes(), BADKEY.to_be_bytes());
    // No MAC; the original id; the error; no other data.
    let rdata = [tsig.algorithm.wire(), tsig.signed_and_fudge, &[0, 0], &id, &error, &[0, 0]];
    message.record(Section::Additional, tsig.key.wire(), &head, &rdata);
}
