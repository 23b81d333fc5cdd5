//! Escapes of presentation format (RFC 1035, section 5.1): `\.` and `\046`, in names and in character
//! strings.
//!
//! Where a word begins and ends is decided by `zonefile`.

use std::fmt;

/// Reads the escape that `text` begins with (a backslash): the byte it stands for and how many bytes it
/// takes. None if it is none.
pub fn unescape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'\\', hundreds @ b'0'..=b'9', tens, ones, ..] => {
            let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
            let value = digit(hundreds)? * 100 + digit(tens)? * 10 + digit(ones)?;
            Some((u8::try_from(value).ok()?, 4))
        }
        [b'\\', b'0'..=b'9', ..] => None,
        [b'\\', byte, ..] => Some((*byte, 2)),
        _ => None,
    }
}

/// Text with a backslash that is followed by neither three digits up to 255 nor a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape;

impl fmt::Display for BadEscape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad escape: `\\` wants three digits up to 255, or one character")
    }
}

impl std::error::Error for BadEscape {}

/// Appends the bytes that the text of a character string stands for.
///
/// # Errors
///
/// When a backslash begins no escape; `out` then holds a part.
pub fn unescape_into(mut text: &[u8], out: &mut Vec<u8>) -> Result<(), BadEscape> {
    while let Some(at) = text.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = text.split_at(at);
        let (byte, width) = unescape(escape).ok_or(BadEscape)?;
        out.extend_from_slice(plain);
        out.push(byte);
        text = escape.get(width..).unwrap_or_default();
    }
    out.extend_from_slice(text);
    Ok(())
}

/// Writes one label of a name, with what is special escaped.
///
/// # Errors
///
/// Only the formatter's own.
pub fn write_label(label: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    for &byte in label {
        match byte {
            b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(byte))?,
            0x21..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    Ok(())
}

/// Writes a character string between quotes, with what is special escaped.
///
/// # Errors
///
/// Only the formatter's own.
pub fn write_quoted(string: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    f.write_char('"')?;
    for &byte in string {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            0x20..=0x7e => f.write_char(char::from(byte))?,
            _ => write!(f, "\\{byte:03}")?,
        }
    }
    f.write_char('"')
}
