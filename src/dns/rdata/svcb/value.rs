//! Reads, checks and writes the values of SvcParams: one kind per form.
//!
//! Which key takes which kind is in `key`.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::super::presentation::{unescape_into, write_quoted};
use super::super::encoding::BASE64;

use super::super::address::address;
use super::super::number::decimal;
use super::super::piece::counted;

use super::key::{MANDATORY, Name, Value, read_key};

impl Value {
    /// Appends the wire form of a value as written, escapes included; none if it cannot be read. What has
    /// been read may still not fit.
    pub(super) fn read(self, written: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut text = Vec::with_capacity(written.len());
        unescape_into(written, &mut text).ok()?;
        let mut items = text.split(|&byte| byte == b',');
        match self {
            Value::Keys => return read_keys(&text, out),
            Value::Alpn => return read_alpn(&text, out),
            Value::Port => out.extend(u16::try_from(decimal(&text)?).ok()?.to_be_bytes()),
            Value::Ipv4s => items.try_for_each(|item| {
                out.extend(address::<Ipv4Addr>(item)?.octets());
                Some(())
            })?,
            Value::Ipv6s => items.try_for_each(|item| {
                out.extend(address::<Ipv6Addr>(item)?.octets());
                Some(())
            })?,
            Value::Base64 => BASE64.decode(std::iter::once(&*text), out).ok()?,
            Value::Nothing | Value::Path | Value::Opaque => out.extend(text),
        }
        Some(())
    }

    /// Whether some bytes are a value of this kind.
    pub(super) fn fits(self, value: &[u8]) -> bool {
        match self {
            Value::Keys => {
                let rising = codes(value).zip(codes(value).skip(1)).all(|(one, next)| one < next);
                rising
                    && value.len().is_multiple_of(2)
                    && codes(value).next().is_some_and(|first| first != MANDATORY)
            }
            Value::Alpn => {
                !value.is_empty() && protocols(value).all(|id| id.is_some_and(|id| !id.is_empty()))
            }
            Value::Nothing => value.is_empty(),
            Value::Port => value.len() == 2,
            Value::Ipv4s => !value.is_empty() && value.len().is_multiple_of(4),
            Value::Ipv6s => !value.is_empty() && value.len().is_multiple_of(16),
            Value::Base64 => !value.is_empty(),
            Value::Path => {
                std::str::from_utf8(value).is_ok_and(|path| path.starts_with('/') && takes_dns(path))
            }
            Value::Opaque => true,
        }
    }

    /// Writes a value that fits, without the `=`.
    pub(super) fn write(self, value: &[u8], out: &mut String) -> fmt::Result {
        match self {
            Value::Keys => write_list(codes(value).map(Name), out),
            Value::Alpn => {
                let mut list = Vec::with_capacity(value.len());
                for id in protocols(value) {
                    escape_item(id.ok_or(fmt::Error)?, &mut list);
                }
                write_quoted(&list, out)
            }
            Value::Nothing => Ok(()),
            Value::Port => write_list(codes(value), out),
            Value::Ipv4s => write_list(value.as_chunks().0.iter().map(|octets| Ipv4Addr::from(*octets)), out),
            Value::Ipv6s => write_list(value.as_chunks().0.iter().map(|octets| Ipv6Addr::from(*octets)), out),
            Value::Base64 => {
                BASE64.encode(value, out);
                Ok(())
            }
            Value::Path | Value::Opaque => write_quoted(value, out),
        }
    }
}

/// The 16-bit numbers that a value is.
pub(super) fn codes(value: &[u8]) -> impl Iterator<Item = u16> {
    value.as_chunks().0.iter().map(|code| u16::from_be_bytes(*code))
}

/// The protocol ids of an `alpn`; none and the end where one is cut short.
fn protocols(value: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let id = counted(rest);
        rest = id.and_then(|id| rest.get(id.len() + 1..)).unwrap_or_default();
        Some(id)
    })
}

fn read_keys(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut keys = Vec::new();
    for name in text.split(|&byte| byte == b',') {
        keys.push(read_key(name)?.0);
    }
    keys.sort_unstable();
    out.extend(keys.into_iter().flat_map(u16::to_be_bytes));
    Some(())
}

/// Reads a list in which `\,` and `\\` stand for themselves (RFC 9460, appendix A.1).
fn read_alpn(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = text.iter().copied();
    let mut id = Vec::new();
    loop {
        let byte = bytes.next();
        match byte {
            Some(b'\\') => id.push(bytes.next().filter(|byte| matches!(byte, b',' | b'\\'))?),
            Some(byte) if byte != b',' => id.push(byte),
            _ => {
                out.push(u8::try_from(id.len()).ok()?);
                out.append(&mut id);
            }
        }
        if byte.is_none() {
            return Some(());
        }
    }
}

/// Appends one item of a list, behind a comma if it is not the first.
fn escape_item(id: &[u8], list: &mut Vec<u8>) {
    if !list.is_empty() {
        list.push(b',');
    }
    for &byte in id {
        if matches!(byte, b',' | b'\\') {
            list.push(b'\\');
        }
        list.push(byte);
    }
}

fn write_list(items: impl Iterator<Item = impl fmt::Display>, out: &mut String) -> fmt::Result {
    for (index, item) in items.enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}{item}")?;
    }
    Ok(())
}

/// Whether one of the expressions of a template is about the variable `dns`.
fn takes_dns(template: &str) -> bool {
    let expressions = template.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    expressions
        .map(|expression| expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']))
        .any(|variables| variables.split(',').any(|variable| variable == "dns"))
}
