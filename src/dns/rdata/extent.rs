//! Wire RDATA taken apart: where each field begins and ends.
//!
//! Responsible for measuring every kind, which is also what decides whether
//! some bytes are RDATA of their type.
//! Not responsible for what the bytes look like in text: that is `write`.

use super::super::NameRef;
use super::table::{Emptiness, Entry, Field, Kind};
use super::{bitmap, loc, svcb};

/// One field as it lies in its RDATA.
pub(super) struct Piece<'r> {
    /// What it is.
    pub(super) kind: Kind,
    /// Offset of its first byte in the RDATA.
    pub(super) at: usize,
    /// Its bytes.
    pub(super) bytes: &'r [u8],
}

/// The fields of some RDATA, from first to last; ends at the first that does
/// not fit.
pub(super) struct Pieces<'r> {
    fields: std::slice::Iter<'static, Field>,
    rdata: &'r [u8],
    at: usize,
}

impl<'r> Pieces<'r> {
    /// Takes `rdata` apart as the fields of `entry`.
    pub(super) fn of(entry: &'static Entry, rdata: &'r [u8]) -> Self {
        Self { fields: entry.fields.iter(), rdata, at: 0 }
    }

    /// Whether all fields were found and nothing is left.
    pub(super) fn took_all(&self) -> bool {
        self.fields.len() == 0 && self.at == self.rdata.len()
    }
}

impl<'r> Iterator for Pieces<'r> {
    type Item = Piece<'r>;
    fn next(&mut self) -> Option<Piece<'r>> {
        let field = self.fields.as_slice().first()?;
        let bytes = extent(field.kind, self.rdata, self.at)?;
        // Only a field that fits counts as found, see `took_all`.
        self.fields.next();
        let piece = Piece { kind: field.kind, at: self.at, bytes };
        self.at += bytes.len();
        Some(piece)
    }
}

/// The bytes of a field that begins at `at`; none when they do not fit its kind.
fn extent(kind: Kind, rdata: &[u8], at: usize) -> Option<&[u8]> {
    let rest = rdata.get(at..)?;
    let length = match kind {
        Kind::U8 | Kind::Named8(_) => 1,
        Kind::U16 | Kind::Named16(_) | Kind::Type => 2,
        Kind::U32 | Kind::Timer | Kind::Timestamp | Kind::Ipv4 => 4,
        Kind::Eui48 => 6,
        Kind::Eui64 => 8,
        Kind::Ipv6 => 16,
        Kind::Name(..) => NameRef::split_from(rest).ok()?.0.wire().len(),
        Kind::CharString | Kind::Salt => counted(rest)?.len() + 1,
        Kind::HashedOwner => counted(rest).filter(|hash| !hash.is_empty())?.len() + 1,
        Kind::Tag => counted(rest).filter(|tag| is_tag(tag))?.len() + 1,
        Kind::CharStrings => strings_length(rest)?,
        Kind::Text(Emptiness::Allowed) => rest.len(),
        Kind::Text(Emptiness::Forbidden) | Kind::Base64 => Some(rest.len()).filter(|&length| length > 0)?,
        Kind::Digest(lengths) => {
            let selector = rdata.get(at.checked_sub(1)?).copied()?;
            Some(rest.len())
                .filter(|&length| digest_length(lengths, selector).map_or(length > 0, |it| it == length))?
        }
        Kind::TypeBitmap => Some(rest.len()).filter(|_| bitmap::fits(rest))?,
        Kind::SvcParams => Some(rest.len()).filter(|_| svcb::fits(rest))?,
        Kind::Location => loc::extent(rest)?,
    };
    rest.get(..length)
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

/// All of `bytes`, if that is character strings, one at least.
fn strings_length(bytes: &[u8]) -> Option<usize> {
    let mut at = counted(bytes)?.len() + 1;
    while at < bytes.len() {
        at += counted(bytes.get(at..)?)?.len() + 1;
    }
    Some(at)
}
