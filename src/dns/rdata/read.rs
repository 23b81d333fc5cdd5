//! Text to wire, field by field.
//!
//! Responsible for reading every kind and for what is said when it cannot be
//! read. The larger kinds have files of their own.
//! Not responsible for which fields a type has: that is `table`.

mod address;
mod name;
mod strings;

use super::super::{Rtype, TtlForm, parse_timer, powerdns_reading};
use super::encoding::{BASE32HEX, BASE64, Encoding, Fault, HEX};
use super::extent::digest_length;
use super::reader::{Reader, quoted, show, split_once};
use super::table::{Entry, Field, InPowerDns, Kind, OtherLength};
use super::{Token, a6, bitmap, foreign, gateway, hip, loc, number, prefixes, services, svcb, time};
use crate::source::{Diagnostic, Span};
pub(super) use address::{address, ipv4, ipv6};
pub(super) use strings::char_string;
use strings::{char_strings, tag, text};

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
        Kind::Eui48 => address::eui(what, 6, reader),
        Kind::Eui64 => address::eui(what, 8, reader),
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
        // Its text never comes here, see `Entry::is_opaque`.
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

/// Reads a name that all servers complete alike.
pub(super) fn plain_name(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    name::read(what, InPowerDns::Completed, reader)
}

/// The fault of fields that are not there.
#[cold]
pub(super) fn missing(entry: &Entry, fields: &[Field], reader: &Reader<'_, '_>) -> Diagnostic {
    let wanted = fields.iter().filter(|one| !one.kind.may_be_absent(reader.rdata()));
    let names: Vec<&str> = wanted.map(|one| one.name).collect();
    let list = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    Diagnostic::error(reader.end, format!("missing {list}")).help(form(entry))
}

/// The fault of a word behind the last field.
#[cold]
pub(super) fn too_many(entry: &Entry, extra: &Token<'_>) -> Diagnostic {
    let fault = Diagnostic::error(extra.span, format!("`{}` is one word too many", show(extra.text)));
    let comment = !extra.quoted && (extra.text.starts_with(b"#") || extra.text.starts_with(b"//"));
    fault.help(if comment { "comments begin with `;`".to_owned() } else { form(entry) })
}

/// How a type is written.
pub(super) fn form(entry: &Entry) -> String {
    let names: Vec<&str> = entry.fields.iter().map(|field| field.name).collect();
    format!("{} is written as: {}", entry.mnemonic, names.join(" "))
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

/// The largest number of so many bytes.
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

/// The type a word names.
pub(super) fn record_type(token: &Token<'_>) -> Result<Rtype, Diagnostic> {
    Rtype::parse(token.text).ok_or_else(|| {
        let word = show(token.text);
        let fault = Diagnostic::error(token.span, format!("unknown record type `{word}`"));
        match Rtype::nearest(&word) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
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

/// Reads all words that are left as bytes, one at least; gives back where they stand.
fn rest_encoded(what: &str, encoding: &Encoding, reader: &mut Reader<'_, '_>) -> Result<Span, Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    let span = match words {
        [first, .., last] | [first @ last] => first.span.to(last.span),
        [] => reader.end,
    };
    let at = reader.out.len();
    encoded(what, encoding, words, reader)?;
    if reader.out.len() > at { Ok(span) } else { Err(Diagnostic::error(span, format!("empty {what}"))) }
}

fn base64_or_dash(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    match reader.rest {
        [dash] if dash.text == b"-" && !dash.quoted => {
            reader.rest = &[];
            Ok(())
        }
        _ => rest_encoded(what, &BASE64, reader).map(|_| ()),
    }
}

/// Appends the bytes that all `words` together stand for.
pub(super) fn encoded(
    what: &str,
    encoding: &Encoding,
    words: &[Token<'_>],
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    if let Some(word) = words.iter().find(|word| word.quoted) {
        return Err(quoted(word, what));
    }
    let decoded = encoding.decode(words.iter().map(|word| word.text), reader.out);
    decoded.map_err(|fault| not_encoded(what, encoding, words, fault, reader.end))
}

#[cold]
fn not_encoded(what: &str, encoding: &Encoding, words: &[Token<'_>], fault: Fault, end: Span) -> Diagnostic {
    let name = encoding.name;
    match fault {
        Fault::Letter { word, letter } => {
            let (span, text) =
                words.get(word).map_or((end, String::new()), |word| (word.span, show(word.text)));
            let letter = char::from(letter).escape_default();
            Diagnostic::error(span, format!("`{text}` is not {name}: `{letter}`")).label(what)
        }
        Fault::CutShort => {
            let span = words.last().map_or(end, |last| last.span);
            let message = format!("{what} is cut short: its {name} ends within a byte");
            Diagnostic::error(span, message)
        }
    }
}

fn salt(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    if token.text == b"-" {
        reader.out.push(0);
        return Ok(());
    }
    counted(what, &HEX, &token, reader)
}

/// Appends the bytes that one word stands for, behind their length.
fn counted(
    what: &str,
    encoding: &Encoding,
    token: &Token<'_>,
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    reader.out.push(0);
    encoded(what, encoding, std::slice::from_ref(token), reader)?;
    let length = reader.out.len() - at - 1;
    let fits = u8::try_from(length).ok().filter(|&length| length > 0);
    match (fits, reader.out.get_mut(at)) {
        (Some(length), Some(byte)) => *byte = length,
        _ => return Err(Diagnostic::error(token.span, format!("{what} of {length} bytes; it has 1 to 255"))),
    }
    Ok(())
}
