//! Reads RDATA from text, field by field, and says what is wrong when a field cannot be read.
//!
//! Which fields a type has is in `table`; the larger kinds have files of their own.

use super::super::ttl::{TtlForm, parse_timer, powerdns_reading};
use super::address::{eui, ipv4, ipv6};
use super::encoded::{base64_or_dash, counted, rest_encoded, salt};
use super::encoding::{BASE32HEX, BASE64, HEX};
use super::number::record_type;
use super::piece::digest_length;
use super::reader::{Reader, show, split_once};
use super::strings::{char_string, char_strings, tag, text};
use super::table::{Field, FieldKind, OtherLength, TypeEntry};
use super::token::Token;
use super::{a6, bitmap, foreign, gateway, hip, loc, name, number, prefixes, services, svcb, time};
use crate::source::Diagnostic;

/// Reads one field from as many words as its kind takes; there is one at least.
pub(super) fn field(field: &Field, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let what = field.name;
    match field.kind {
        FieldKind::U8 => unsigned::<1>(what, reader),
        FieldKind::U16 => unsigned::<2>(what, reader),
        FieldKind::U32 => unsigned::<4>(what, reader),
        FieldKind::Named8(mnemonics) => named::<1, _>(what, mnemonics, reader),
        FieldKind::Named16(mnemonics) => named::<2, _>(what, mnemonics, reader),
        FieldKind::Flags16(mnemonics) => flags(what, mnemonics, reader),
        FieldKind::Halves64 => halves(what, reader),
        FieldKind::Timer => timer(what, reader),
        FieldKind::Timestamp => timestamp(what, reader),
        FieldKind::Type => {
            let rtype = record_type(&reader.word(what)?)?;
            reader.out.extend(rtype.0.to_be_bytes());
            Ok(())
        }
        FieldKind::Ipv4 => ipv4(what, reader),
        FieldKind::Ipv6 => ipv6(what, reader),
        FieldKind::Eui48 => eui(what, 6, reader),
        FieldKind::Eui64 => eui(what, 8, reader),
        FieldKind::Locator64 => foreign::read_locator(what, reader),
        FieldKind::Nsap => foreign::read_nsap(what, reader),
        FieldKind::Atm => foreign::read_atm(what, reader),
        FieldKind::Digits => foreign::read_digits(what, reader),
        FieldKind::Prefixes => prefixes::read(reader),
        FieldKind::Gateway(place) => gateway::read(what, place, reader),
        FieldKind::RelayType => gateway::read_relay_type(reader),
        FieldKind::HostIdentity => hip::read(reader),
        FieldKind::Services => services::read(what, reader),
        FieldKind::AddressChain => a6::read(reader),
        FieldKind::Name(_, in_powerdns) => name::read(what, in_powerdns, reader),
        FieldKind::CharString | FieldKind::OptionalString => {
            let token = reader.next(what)?;
            char_string(&token, reader)
        }
        FieldKind::CharStrings => char_strings(reader),
        FieldKind::Text(emptiness) => text(what, emptiness, reader),
        FieldKind::Tag => tag(what, reader),
        FieldKind::Digest(lengths, other) => digest(what, lengths, other, reader),
        FieldKind::Hex => rest_encoded(what, &HEX, reader).map(|_| ()),
        FieldKind::Base64(_) => rest_encoded(what, &BASE64, reader).map(|_| ()),
        FieldKind::Base64OrDash => base64_or_dash(what, reader),
        // Its text never comes here, see `TypeEntry::is_opaque`.
        FieldKind::Opaque => Ok(()),
        FieldKind::Salt => salt(what, reader),
        FieldKind::HashedOwner => {
            let token = reader.word(what)?;
            counted(what, &BASE32HEX, &token, reader)
        }
        FieldKind::TypeBitmap => bitmap::read(reader),
        FieldKind::FlatBitmap => bitmap::read_flat(reader),
        FieldKind::SvcParams => svcb::read(reader),
        FieldKind::Location => loc::read(reader),
    }
}

/// The fault of fields that are not there.
#[cold]
pub(super) fn missing(entry: &TypeEntry, fields: &[Field], reader: &Reader<'_, '_>) -> Diagnostic {
    let wanted = fields.iter().filter(|one| !one.kind.may_be_absent(reader.rdata()));
    let names: Vec<&str> = wanted.map(|one| one.name).collect();
    let list = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    Diagnostic::error(reader.end, format!("missing {list}")).help(entry.form())
}

/// The fault of a word behind the last field.
#[cold]
pub(super) fn too_many(entry: &TypeEntry, extra: &Token<'_>) -> Diagnostic {
    let fault = Diagnostic::error(extra.span, format!("`{}` is one word too many", show(extra.text)));
    let comment = !extra.quoted && (extra.text.starts_with(b"#") || extra.text.starts_with(b"//"));
    fault.help(if comment { "comments begin with `;`".to_owned() } else { entry.form() })
}

fn unsigned<const BYTES: usize>(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let value = number::bounded(what, &token, max::<BYTES>())?;
    put::<BYTES>(value, reader);
    Ok(())
}

fn named<const BYTES: usize, N: Copy + Into<u64>>(
    what: &str,
    mnemonics: &'static [(&'static str, N)],
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let value = number::named(what, &token, mnemonics, max::<BYTES>())?;
    put::<BYTES>(value, reader);
    Ok(())
}

fn flags(
    what: &str,
    mnemonics: &'static [(&'static str, u16)],
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let mut value = 0;
    for text in token.text.split(|&byte| byte == b'|') {
        value |= number::named(what, &Token { text, ..token }, mnemonics, max::<2>())?;
    }
    put::<2>(value, reader);
    Ok(())
}

/// Reads one number of 64 bits, or its upper and its lower half.
fn halves(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let value = match split_once(token.text, b'.') {
        None => number::decimal(token.text),
        Some((upper, lower)) => {
            let half = |text: &[u8]| number::decimal(text).filter(|&half| half <= max::<4>());
            half(upper).zip(half(lower)).map(|(upper, lower)| upper << 32 | lower)
        }
    };
    let value = value.ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
            .help("write a number of at most 64 bits, or two of 32 joined by a dot")
    })?;
    put::<8>(value, reader);
    Ok(())
}

/// The largest number of `BYTES` bytes.
const fn max<const BYTES: usize>() -> u64 {
    u64::MAX >> (64 - 8 * BYTES)
}

/// Appends the lowest bytes of a number.
fn put<const BYTES: usize>(value: u64, reader: &mut Reader<'_, '_>) {
    if let Some(bytes) = value.to_be_bytes().last_chunk::<BYTES>() {
        reader.out.extend_from_slice(bytes);
    }
}

fn timer(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let fault =
        |error| Diagnostic::error(token.span, format!("`{}` is {error}", show(token.text))).label(what);
    let (seconds, form) = parse_timer(token.text).map_err(fault)?;
    if form == TtlForm::Compound {
        let theirs = powerdns_reading(token.text);
        let message = format!("PowerDNS reads `{}` as {theirs} seconds", show(token.text));
        let warning = Diagnostic::warning(token.span, message);
        reader.found.push(
            warning.help(format!("it means {seconds} seconds, and is read so here: write `{seconds}`")),
        );
    }
    put::<4>(seconds.into(), reader);
    Ok(())
}

fn timestamp(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let seconds = time::parse(token.text).ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not a time for {what}", show(token.text)))
            .help("write YYYYMMDDHHmmSS in UTC up to 2106, or seconds since 1970")
    })?;
    put::<4>(seconds.into(), reader);
    Ok(())
}

fn digest(
    what: &str,
    lengths: &'static [(u8, usize)],
    other: OtherLength,
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    let selector = reader.out.last().copied().unwrap_or(0);
    let span = rest_encoded(what, &HEX, reader)?;
    let length = reader.out.len() - at;
    let Some(wanted) = digest_length(lengths, selector).filter(|&wanted| wanted != length) else {
        return Ok(());
    };
    let message = format!("{what} of {length} bytes; one of kind {selector} has {wanted}");
    match other {
        OtherLength::Refused => Err(Diagnostic::error(span, message)),
        OtherLength::Remarked => {
            reader.found.push(Diagnostic::warning(span, message).remark("clients pass over this record"));
            Ok(())
        }
    }
}
