//! One field of some RDATA in wire form, and how long its bytes are.
//!
//! Knows what several kinds have in common. How long each kind is, is measured by `extent`.

use std::fmt;

use super::super::name::NameRef;
use super::table::FieldKind;

/// Longest RDATA in bytes: its length has 16 bits (RFC 1035, section 3.2.1).
pub const RDATA_BYTES_MAX: usize = 65_535;

/// One field as it lies in its RDATA.
pub(super) struct Piece<'r> {
    /// What it is.
    pub(super) kind: FieldKind,
    /// Offset of its first byte in the RDATA.
    pub(super) at: usize,
    /// Its bytes.
    pub(super) bytes: &'r [u8],
    /// The RDATA before it.
    pub(super) before: &'r [u8],
}

/// How long the name is that `bytes` begins with.
pub(super) fn name_length(bytes: &[u8]) -> Option<usize> {
    NameRef::split_from(bytes).ok().map(|(name, _)| name.wire().len())
}

/// How long a digest must be whose kind is `selector`, if that is known.
pub(super) fn digest_length(lengths: &[(u8, usize)], selector: u8) -> Option<usize> {
    lengths.iter().find(|(listed, _)| *listed == selector).map(|&(_, length)| length)
}

/// Whether these bytes can be a property tag (RFC 8659, section 4.1).
pub(super) fn is_tag(tag: &[u8]) -> bool {
    !tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric)
}

/// The bytes behind the length that `bytes` begins with.
pub(super) fn counted(bytes: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = bytes.split_first()?;
    rest.get(..usize::from(length))
}

/// The bytes as an array of that length.
pub(super) fn exactly<const BYTES: usize>(bytes: &[u8]) -> Result<[u8; BYTES], fmt::Error> {
    bytes.try_into().map_err(|_| fmt::Error)
}
