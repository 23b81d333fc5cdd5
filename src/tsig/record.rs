//! The TSIG record (RFC 8945, section 4.2): found at the end of a message, and appended to one.

use std::fmt;

use super::time::Time;
use crate::dns::compression::Decompressed;
use crate::dns::message::{Extra, HEADER_BYTES, Header, MESSAGE_BYTES_MAX, class};
use crate::dns::{NameRef, Rtype};

/// What a TSIG record can say is wrong (RFC 8945, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TsigError(pub u16);

impl TsigError {
    /// Nothing is.
    pub const NONE: TsigError = TsigError(0);
    /// The MAC is not that of the message.
    pub const BADSIG: TsigError = TsigError(16);
    /// There is no such key, or it has another algorithm.
    pub const BADKEY: TsigError = TsigError(17);
    /// The message was signed too long ago, or the clocks differ.
    pub const BADTIME: TsigError = TsigError(18);
    /// More of the MAC was cut off than the receiver allows.
    pub const BADTRUNC: TsigError = TsigError(22);
}

impl fmt::Display for TsigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            TsigError::NONE => f.write_str("no error"),
            TsigError::BADSIG => f.write_str("BADSIG"),
            TsigError::BADKEY => f.write_str("BADKEY"),
            TsigError::BADTIME => f.write_str("BADTIME"),
            TsigError::BADTRUNC => f.write_str("BADTRUNC"),
            TsigError(code) => write!(f, "TSIG error {code}"),
        }
    }
}

/// Longest MAC, in bytes: HMAC-SHA512.
const MAC_BYTES_MAX: usize = 64;

/// A message authentication code.
#[derive(Clone, Copy)]
pub struct Mac {
    bytes: [u8; MAC_BYTES_MAX],
    length: u8,
}

impl Mac {
    /// The first `length` bytes of a MAC; all of it when it is shorter.
    pub(super) fn cut(mac: &[u8], length: usize) -> Self {
        let mut bytes = [0; MAC_BYTES_MAX];
        let length = length.min(mac.len()).min(MAC_BYTES_MAX);
        bytes.iter_mut().zip(mac).take(length).for_each(|(to, byte)| *to = *byte);
        // It fits: 64 at most.
        Self { bytes, length: u8::try_from(length).unwrap_or(0) }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({} bytes)", self.length)
    }
}

/// A message whose TSIG, or what leads to it, is not well formed: FORMERR (RFC 8945, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The TSIG record of a message.
pub(super) struct TsigRecord<'m> {
    /// Where it begins in the message.
    pub(super) at: usize,
    /// The name of the key, in lower case.
    pub(super) key: Decompressed,
    pub(super) algorithm: NameRef<'m>,
    pub(super) fields: Fields<'m>,
}

/// The fields behind the names.
#[derive(Clone, Copy)]
pub(super) struct Fields<'m> {
    pub(super) signed: Time,
    pub(super) fudge: u16,
    pub(super) mac: &'m [u8],
    pub(super) original_id: u16,
    pub(super) error: TsigError,
    pub(super) other: &'m [u8],
}

/// Finds the TSIG of a message. None when it has none.
///
/// # Errors
///
/// When there is one that does not end the message, is not the only one or is not well formed; or when what
/// is before it is not. A message without any is not judged further than to its last record.
pub(super) fn find(message: &[u8]) -> Result<Option<TsigRecord<'_>>, Malformed> {
    let header = Header::read(message).ok_or(Malformed)?;
    let mut at = HEADER_BYTES;
    let mut name = Decompressed::new();
    let [questions, answers, authorities, additionals] = header.counts.map(u32::from);
    for _ in 0..questions {
        at = name.read(message, at).and_then(|end| end.checked_add(4)).ok_or(Malformed)?;
    }
    // Sums of three 16-bit numbers.
    let before = answers.saturating_add(authorities);
    let all = before.saturating_add(additionals);
    for index in 0..all {
        let rest = message.get(at..).ok_or(Malformed)?;
        let (record, after) = Extra::read(rest).ok_or(Malformed)?;
        if record.rtype == Rtype::TSIG {
            let ends_it = index >= before && index.saturating_add(1) == all && after.is_empty();
            return if ends_it { read(message, at, &record).map(Some) } else { Err(Malformed) };
        }
        at = message.len().checked_sub(after.len()).ok_or(Malformed)?;
    }
    Ok(None)
}

fn read<'m>(message: &'m [u8], at: usize, record: &Extra<'m>) -> Result<TsigRecord<'m>, Malformed> {
    // RFC 8945, section 4.2: both MUST be so.
    if record.class != class::ANY || record.ttl != 0 {
        return Err(Malformed);
    }
    let mut key = Decompressed::new();
    key.read(message, at).ok_or(Malformed)?;
    key.make_lowercase();
    let (algorithm, rest) = NameRef::split_from(record.rdata).map_err(|_| Malformed)?;
    let fields = read_fields(rest).ok_or(Malformed)?;
    Ok(TsigRecord { at, key, algorithm, fields })
}

fn read_fields(rest: &[u8]) -> Option<Fields<'_>> {
    let (&signed, rest) = rest.split_first_chunk::<6>()?;
    let (&fudge, rest) = rest.split_first_chunk::<2>()?;
    let (mac, rest) = split_sized(rest)?;
    let (&[i, j, e, r], rest) = rest.split_first_chunk::<4>()?;
    let (other, rest) = split_sized(rest)?;
    rest.is_empty().then_some(Fields {
        signed: Time::read(signed),
        fudge: u16::from_be_bytes(fudge),
        mac,
        original_id: u16::from_be_bytes([i, j]),
        error: TsigError(u16::from_be_bytes([e, r])),
        other,
    })
}

/// Splits off what has its length in front.
fn split_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(length)))
}

impl TsigRecord<'_> {
    /// The name of the key, in lower case.
    pub(super) fn key(&self) -> NameRef<'_> {
        // One was read.
        self.key.name().unwrap_or(NameRef::ROOT)
    }
}

/// Takes the record at `at`, the last one, off a message.
pub(super) fn take_off(message: &mut Vec<u8>, at: usize) {
    message.truncate(at);
    if let Some(count) = additionals_mut(message) {
        *count = u16::from_be_bytes(*count).saturating_sub(1).to_be_bytes();
    }
}

/// The number of additional records.
fn additionals_mut(message: &mut [u8]) -> Option<&mut [u8; 2]> {
    message.get_mut(10..HEADER_BYTES)?.first_chunk_mut()
}

/// A message that has no room for a TSIG: longer than [`MESSAGE_BYTES_MAX`] with it, or without a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the message has no room for its signature within {MESSAGE_BYTES_MAX} bytes")
    }
}

impl std::error::Error for TooLong {}

/// Bytes of a record besides names, MAC and other data: ten of its head, sixteen of its fields.
const FIXED_BYTES: usize = 26;

/// Bytes of a record, its other data apart.
pub(super) fn record_bytes(key: NameRef<'_>, algorithm: &[u8], mac: usize) -> usize {
    [key.wire().len(), algorithm.len(), mac].into_iter().fold(FIXED_BYTES, usize::saturating_add)
}

/// Appends a TSIG record, and counts it.
///
/// # Errors
///
/// [`TooLong`]; the message is left as it was.
pub(super) fn append(
    message: &mut Vec<u8>,
    key: NameRef<'_>,
    algorithm: &[u8],
    fields: &Fields<'_>,
) -> Result<(), TooLong> {
    let bytes = record_bytes(key, algorithm, fields.mac.len()).saturating_add(fields.other.len());
    if message.len().saturating_add(bytes) > MESSAGE_BYTES_MAX {
        return Err(TooLong);
    }
    let count = additionals_mut(message).ok_or(TooLong)?;
    *count = u16::from_be_bytes(*count).checked_add(1).ok_or(TooLong)?.to_be_bytes();
    let sized = |length: usize| u16::try_from(length).map(u16::to_be_bytes).map_err(|_| TooLong);
    // What is in front of the RDATA: the name and ten bytes.
    let rdata = bytes.saturating_sub(key.wire().len()).saturating_sub(10);
    let [t, u] = Rtype::TSIG.0.to_be_bytes();
    let [c, d] = class::ANY.to_be_bytes();
    let pieces: [&[u8]; 11] = [
        key.wire(),
        &[t, u, c, d, 0, 0, 0, 0],
        &sized(rdata)?,
        algorithm,
        &fields.signed.bytes(),
        &fields.fudge.to_be_bytes(),
        &sized(fields.mac.len())?,
        fields.mac,
        &fields.original_id.to_be_bytes(),
        &fields.error.0.to_be_bytes(),
        &sized(fields.other.len())?,
    ];
    pieces.into_iter().for_each(|piece| message.extend_from_slice(piece));
    message.extend_from_slice(fields.other);
    Ok(())
}
