//! Transaction signatures (RFC 8945): there are no keys here, and this says so.
//!
//! Responsible for reading a query's TSIG record and for the one that answers
//! it: error BADKEY.
//! Not responsible for the response code beside it.

use super::plan::Section;
use super::write::Response;
use crate::dns::message::{Extra, Header};
use crate::dns::{NameRef, Rtype};

/// What comes back of a transaction signature (RFC 8945, section 4.2).
pub(super) struct Tsig<'q> {
    key: NameRef<'q>,
    algorithm: NameRef<'q>,
    /// When it was signed, and how far the clocks may differ.
    signed_and_fudge: &'q [u8; 8],
}

/// Transaction signature (RFC 8945).
pub(super) const TSIG: Rtype = Rtype(250);

/// What is wanted of a TSIG record. None when it is not well formed.
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

/// Error BADKEY (RFC 8945, section 3): there is no key here that could have
/// made this signature.
const BADKEY: u16 = 17;

/// The TSIG record that says so: the query's, without a signature (RFC 8945,
/// section 5.3.2).
#[cold]
pub(super) fn write_tsig(header: &Header, tsig: &Tsig<'_>, response: &mut Response<'_>) {
    response.open_all();
    response.put(tsig.key.wire());
    response.put(&[0, 250, 0, 255, 0, 0, 0, 0]);
    let length = tsig.algorithm.wire().len().saturating_add(16);
    // A name has 255 bytes at most.
    response.put(&u16::try_from(length).unwrap_or(0).to_be_bytes());
    response.put(tsig.algorithm.wire());
    response.put(tsig.signed_and_fudge);
    // No MAC; the original id; the error; no other data.
    response.put(&[0, 0]);
    response.put(&header.id.to_be_bytes());
    response.put(&BADKEY.to_be_bytes());
    response.put(&[0, 0]);
    response.count(Section::Additional, 1);
}
