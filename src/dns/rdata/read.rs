//! Text to wire, field by field.
//!
//! Responsible for reading every kind and for what is said when it cannot be
//! read. The larger kinds have files of their own.
//! Not responsible for which fields a type has: that is `table`.

mod address;
mod name;

use super::super::presentation::unescape_into;
use super::super::{Rtype, TtlForm, parse_timer, powerdns_reading};
use super::encoding::{BASE32HEX, BASE64, Encoding, Fault, HEX};
use super::extent::{digest_length, is_tag};
use super::reader::{Reader, quoted, show};
use super::table::{Emptiness, Entry, Field, Kind};
use super::{Token, bitmap, loc, number, svcb, time};
use crate::source::{Diagnostic, Span, nearest};
pub(super) use address::address;

/// Longest character string, in bytes: its length has 8 bits (RFC 1035, section 3.3).
const STRING_BYTES_MAX: usize = 255;

/// Reads one field from as many words as its kind takes.
pub(super) fn field(field: &Field, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let what = field.name;
    match field.kind {
        Kind::U8 => unsigned::<1>(what, reader),
        Kind::U16 => unsigned::<2>(what, reader),
        Kind::U32 => unsigned::<4>(what, reader),
        Kind::Named8(mnemonics) => named::<1, _>(what, mnemonics, reader),
        Kind::Named16(mnemonics) => named::<2, _>(what, mnemonics, reader),
        Kind::Timer => timer(what, reader),
        Kind::Timestamp => timestamp(what, reader),
        Kind::Type => {
            let rtype = record_type(&reader.word(what)?)?;
            reader.out.extend(rtype.0.to_be_bytes());
            Ok(())
        }
        Kind::Ipv4 => address::ipv4(what, reader),
        Kind::Ipv6 => address::ipv6(what, reader),
        Kind::Eui48 => address::eui(what, 6, reader),
        Kind::Eui64 => address::eui(what, 8, reader),
        Kind::Name(_, in_powerdns) => name::read(what, in_powerdns, reader),
        Kind::CharString => {
            let token = reader.next(what)?;
            char_string(&token, reader)
        }
        Kind::CharStrings => char_strings(reader),
        Kind::Text(emptiness) => text(what, emptiness, reader),
        Kind::Tag => tag(what, reader),
        Kind::Digest(lengths) => digest(what, lengths, reader),
        Kind::Base64 => {
            let words = std::mem::take(&mut reader.rest);
            encoded(what, &BASE64, words, reader)
        }
        Kind::Salt => salt(what, reader),
        Kind::HashedOwner => {
            let token = reader.word(what)?;
            counted(what, &BASE32HEX, &token, reader)
        }
        Kind::TypeBitmap => bitmap::read(reader),
        Kind::SvcParams => svcb::read(reader),
        Kind::Location => loc::read(reader),
    }
}

/// The fault of fields that are not there.
#[cold]
pub(super) fn missing(entry: &Entry, fields: &[Field], end: Span) -> Diagnostic {
    let names: Vec<&str> =
        fields.iter().filter(|one| !one.kind.may_be_absent()).map(|one| one.name).collect();
    let list = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    };
    Diagnostic::error(end, format!("missing {list}")).help(form(entry))
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
        match nearest(&word, Rtype::mnemonics()) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
}

fn char_strings(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    if let [first, .., last] = words
        && words.iter().all(|word| !word.quoted)
    {
        let message = format!("these are {} strings; readers join them without blanks", words.len());
        let warning = Diagnostic::warning(first.span.to(last.span), message);
        reader.found.push(warning.help("put quotes round text with blanks"));
    }
    words.iter().try_for_each(|word| char_string(word, reader).map_err(|fault| split_help(fault, word)))
}

fn split_help(fault: Diagnostic, word: &Token<'_>) -> Diagnostic {
    if word.text.len() > STRING_BYTES_MAX {
        fault.help("split it: `\"first part\" \"second part\"`; readers join them")
    } else {
        fault
    }
}

fn char_string(token: &Token<'_>, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let at = reader.out.len();
    reader.out.push(0);
    unescaped(token, reader.out)?;
    let length = reader.out.len() - at - 1;
    let counted = u8::try_from(length).map_err(|_| {
        let message = format!("string of {length} bytes; one holds at most {STRING_BYTES_MAX}");
        Diagnostic::error(token.span, message)
    })?;
    if let Some(byte) = reader.out.get_mut(at) {
        *byte = counted;
    }
    Ok(())
}

/// Appends the bytes that a string stands for.
pub(super) fn unescaped(token: &Token<'_>, out: &mut Vec<u8>) -> Result<(), Diagnostic> {
    unescape_into(token.text, out).map_err(|error| Diagnostic::error(token.span, error.to_string()))
}

fn text(what: &str, emptiness: Emptiness, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.next(what)?;
    let at = reader.out.len();
    unescaped(&token, reader.out)?;
    if reader.out.len() == at && emptiness == Emptiness::Forbidden {
        return Err(Diagnostic::error(token.span, format!("empty {what}")));
    }
    Ok(())
}

fn tag(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let length = u8::try_from(token.text.len()).ok().filter(|_| is_tag(token.text)).ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
            .help("it has letters and digits only, such as `issue`")
    })?;
    reader.out.push(length);
    reader.out.extend_from_slice(token.text);
    Ok(())
}

fn digest(
    what: &str,
    lengths: &'static [(u8, usize)],
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let words = std::mem::take(&mut reader.rest);
    let at = reader.out.len();
    let selector = reader.out.last().copied().unwrap_or(0);
    encoded(what, &HEX, words, reader)?;
    let (length, wanted) = (reader.out.len() - at, digest_length(lengths, selector));
    match (wanted, words) {
        (Some(wanted), [first, .., last] | [first @ last]) if wanted != length => {
            let message = format!("{what} of {length} bytes; one of kind {selector} has {wanted}");
            Err(Diagnostic::error(first.span.to(last.span), message))
        }
        _ => Ok(()),
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
