//! Takes wire RDATA apart: where each field begins and ends.
//!
//! Measures every kind, which also decides whether some bytes are RDATA of their type.

use super::piece::{Piece, counted, digest_length, is_tag, name_length};
use super::table::{Field, FieldKind, OtherLength, TypeEntry};
use super::{a6, bitmap, foreign, gateway, hip, loc, prefixes, services, svcb};

/// The fields of some RDATA, from first to last; ends at the first that does not fit.
pub(super) struct Pieces<'r> {
    fields: std::slice::Iter<'static, Field>,
    rdata: &'r [u8],
    at: usize,
}

impl<'r> Pieces<'r> {
    /// Takes `rdata` apart as the fields of `entry`.
    pub(super) fn of(entry: &'static TypeEntry, rdata: &'r [u8]) -> Self {
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
        let (before, rest) = self.rdata.split_at_checked(self.at)?;
        let bytes = rest.get(..length(field.kind, before, rest)?)?;
        // Only a field that fits counts as found, see `took_all`.
        self.fields.next();
        let piece = Piece { kind: field.kind, at: self.at, bytes, before };
        self.at += bytes.len();
        Some(piece)
    }
}

/// How many bytes of `rest` a field behind `before` takes; none when they do not fit its kind.
fn length(kind: FieldKind, before: &[u8], rest: &[u8]) -> Option<usize> {
    if rest.is_empty() && kind.may_be_absent(before) {
        return Some(0);
    }
    let all = Some(rest.len());
    match kind {
        FieldKind::U8 | FieldKind::Named8(_) | FieldKind::RelayType => Some(1),
        FieldKind::U16 | FieldKind::Named16(_) | FieldKind::Flags16(_) | FieldKind::Type => Some(2),
        FieldKind::U32 | FieldKind::Timer | FieldKind::Timestamp | FieldKind::Ipv4 => Some(4),
        FieldKind::Eui48 => Some(6),
        FieldKind::Eui64 | FieldKind::Locator64 | FieldKind::Halves64 => Some(8),
        FieldKind::Ipv6 => Some(16),
        FieldKind::Name(..) => name_length(rest),
        FieldKind::CharString | FieldKind::OptionalString | FieldKind::Salt => Some(counted(rest)?.len() + 1),
        FieldKind::HashedOwner => Some(counted(rest).filter(|hash| !hash.is_empty())?.len() + 1),
        FieldKind::Tag => Some(counted(rest).filter(|tag| is_tag(tag))?.len() + 1),
        FieldKind::Digits => Some(counted(rest).filter(|digits| foreign::are_digits(digits))?.len() + 1),
        FieldKind::CharStrings => strings_length(rest),
        FieldKind::Text(_) | FieldKind::Opaque | FieldKind::Base64OrDash => all,
        FieldKind::Base64(_) | FieldKind::Hex | FieldKind::Nsap => all.filter(|&length| length > 0),
        FieldKind::Digest(lengths, other) => {
            let wanted = digest_length(lengths, *before.last()?).filter(|_| other == OtherLength::Refused);
            all.filter(|&length| wanted.map_or(length > 0, |wanted| wanted == length))
        }
        FieldKind::TypeBitmap => all.filter(|_| bitmap::fits(rest)),
        FieldKind::FlatBitmap => all.filter(|_| bitmap::fits_flat(rest)),
        FieldKind::SvcParams => all.filter(|_| svcb::fits(rest)),
        FieldKind::Location => loc::extent(rest),
        FieldKind::Prefixes => all.filter(|_| prefixes::fit(rest)),
        FieldKind::Gateway(place) => gateway::length(place, before, rest),
        FieldKind::HostIdentity => all.filter(|_| hip::fits(rest)),
        FieldKind::Services => all.filter(|_| services::fit(rest)),
        FieldKind::AddressChain => all.filter(|_| a6::fits(rest)),
        FieldKind::Atm => all.filter(|_| foreign::fits_atm(rest)),
    }
}

/// All of `bytes`, if that is character strings, one at least.
fn strings_length(bytes: &[u8]) -> Option<usize> {
    let mut at = counted(bytes)?.len() + 1;
    while at < bytes.len() {
        at += counted(bytes.get(at..)?)?.len() + 1;
    }
    Some(at)
}
