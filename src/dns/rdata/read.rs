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
use super::table::{Field, Kind, OtherLength, TypeEntry};
use super::token::Token;
use super::{a6, bitmap, foreign, gateway, hip, loc, name, number, prefixes, services, svcb, time};
use crate::source::Diagnostic;

/// Reads one field from as many words as its kind takes; there is one at least.
pub(super) fn field(field: &Field, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let what = field.name;
    match field.kind {
        Kind::U8 => unsigned::<1>(what, reader),
        Kind::U16 => unsigned::<2>(what, reader),
        Kind::U32 => unsigned::<4>(what, reader),
        Kind::Named8(mnemonics) => named::<1, _>(what, mnemonics, reader),
        Kind::Named16(mnemonics) => named::<2, _>(what, mnemonics, reader),
        Kind::Flags16(mnemonics) => flags(what, mnemonics, reader),
        Kind::Halves64 => halves(what, reader),
        Kind::Timer => timer(what, reader),
        Kind::Timestamp => timestamp(what, reader),
        Kind::Type => {
            let rtype = record_type(&reader.word(what)?)?;
            reader.out.extend(rtype.0.to_be_bytes());
            Ok(())
        }
        Kind::Ipv4 => ipv4(what, reader),
        Kind::Ipv6 => ipv6(what, reader),
        Kind::Eui48 => eui(what, 6, reader),
        Kind::Eui64 => eui(what, 8, reader),
        Kind::Locator64 => foreign::read_locator(what, reader),
        Kind::Nsap => foreign::read_nsap(what, reader),
        Kind::Atm => foreign::read_atm(what, reader),
        Kind::Digits => foreign::read_digits(what, reader),
        Kind::Prefixes => prefixes::read(reader),
        Kind::Gateway(place) => gateway::read(what, place, reader),
        Kind::RelayType => gateway::read_relay_type(reader),
        Kind::HostIdentity => hip::read(reader),
        Kind::Services => services::read(what, reader),
        Kind::AddressChain => a6::read(reader),
        Kind::Name(_, in_powerdns) => name::read(what, in_powerdns, reader),
        Kind::CharString | Kind::OptionalString => {
            let token = reader.next(what)?;
            char_string(&token, reader)
        }
        Kind::CharStrings => char_strings(reader),
        Kind::Text(emptiness) => text(what, emptiness, reader),
        Kind::Tag => tag(what, reader),
        Kind::Digest(lengths, other) => digest(what, lengths, other, reader),
        Kind::Hex => rest_encoded(what, &HEX, reader).map(|_| ()),
        Kind::Base64(_) => rest_encoded(what, &BASE64, reader).map(|_| ()),
        Kind::Base64OrDash => base64_or_dash(what, reader),
        // Its text never comes here, see `TypeEntry::is_opaque`.
        Kind::Opaque => Ok(()),
        Kind::Salt => salt(what, reader),
        Kind::HashedOwner => {
            let token = reader.word(what)?;
            counted(what, &BASE32HEX, &token, reader)
        }
        Kind::TypeBitmap => bitmap::read(reader),
        Kind::FlatBitmap => bitmap::read_flat(reader),
        Kind::SvcParams => svcb::read(reader),
        Kind::Location => loc::read(reader),
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
