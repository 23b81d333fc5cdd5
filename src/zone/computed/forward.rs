//! Addresses in the labels of a name, as PowerDNS's `createForward` and `createForward6` read them. HOT.
//!
//! A name that holds none stands for the unspecified address, as there. Not responsible for which addresses are answered
//! (`filter`).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::dns::NameRef;
use crate::dns::name::LABEL_BYTES_MAX;

/// The IPv4 address in the first `count` labels of a name: `192.0.2.1`, `ip-192-0-2-1` or `c0000201`.
pub(super) fn ipv4(name: NameRef<'_>, count: usize) -> Ipv4Addr {
    let mut labels = name.labels().take(count);
    let address = match (labels.next(), labels.next(), labels.next(), labels.next()) {
        (Some(a), Some(b), Some(c), Some(d)) => octets([a, b, c, d].map(written_as_in_c)),
        (Some(only), ..) => dashed(from_first_digit(only)).or_else(|| hexadecimal(from_first_digit(only))),
        (None, ..) => None,
    };
    address.unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// The IPv6 address in the first `count` labels of a name, which must be all there are before a wildcard's own: eight labels
/// of hexadecimal digits, `2001-db8--1`, or 32 digits behind anything.
pub(super) fn ipv6(name: NameRef<'_>, count: usize) -> Ipv6Addr {
    let mut labels = name.labels().take(count);
    let address = match (count, labels.next()) {
        (1, Some(label)) if label.contains(&b'-') => compressed(label),
        (1, Some(label)) => full(label),
        (8, Some(first)) => segments(std::iter::once(first).chain(labels)),
        _ => None,
    };
    address.unwrap_or(Ipv6Addr::UNSPECIFIED)
}

fn octets(parts: [Option<u8>; 4]) -> Option<Ipv4Addr> {
    let [Some(a), Some(b), Some(c), Some(d)] = parts else { return None };
    Some(Ipv4Addr::new(a, b, c, d))
}

/// A number as C writes it: a 0 in front makes it octal, 0x hexadecimal (inet_aton, by which PowerDNS reads it).
fn written_as_in_c(label: &[u8]) -> Option<u8> {
    match label {
        [b'0', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => number(digits, 8),
        digits => number(digits, 10),
    }
}

/// A number of at most 255; none where there are other characters than digits, or no digits.
pub(super) fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    });
    value.filter(|_| !digits.is_empty()).and_then(|value| u8::try_from(value).ok())
}

/// What follows a word in front of an address: all from the first hexadecimal digit on.
fn from_first_digit(label: &[u8]) -> &[u8] {
    let at = label.iter().position(u8::is_ascii_hexdigit).unwrap_or(label.len());
    label.get(at..).unwrap_or_default()
}

/// `any-words-192-0-2-1`
fn dashed(label: &[u8]) -> Option<Ipv4Addr> {
    let mut last = label.rsplit(|byte| *byte == b'-').filter(|part| !part.is_empty());
    let (d, c, b, a) = (last.next()?, last.next()?, last.next()?, last.next()?);
    octets([a, b, c, d].map(|part| number(part, 10)))
}

/// `wordc0000201`; of four parts with dashes between them PowerDNS does not try that.
fn hexadecimal(label: &[u8]) -> Option<Ipv4Addr> {
    let parts = label.split(|byte| *byte == b'-').filter(|part| !part.is_empty()).count();
    let digits = label.last_chunk::<8>().filter(|_| parts < 4)?;
    let (pairs, _) = digits.as_chunks::<2>();
    let mut pairs = pairs.iter().map(|pair| number(pair, 16));
    octets([pairs.next()?, pairs.next()?, pairs.next()?, pairs.next()?])
}

/// `2001-db8--1`
fn compressed(label: &[u8]) -> Option<Ipv6Addr> {
    let mut text = [0; LABEL_BYTES_MAX];
    let text = text.get_mut(..label.len())?;
    for (to, from) in text.iter_mut().zip(label) {
        *to = if *from == b'-' { b':' } else { *from };
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `any20010db8000000000000000000000001`
fn full(label: &[u8]) -> Option<Ipv6Addr> {
    let digits = label.last_chunk::<32>()?;
    let (fours, _) = digits.as_chunks::<4>();
    segments(fours.iter().map(<[u8; 4]>::as_slice))
}

/// Eight groups of at most four hexadecimal digits.
fn segments<'l>(groups: impl Iterator<Item = &'l [u8]>) -> Option<Ipv6Addr> {
    let mut segments = [0_u16; 8];
    for (slot, group) in segments.iter_mut().zip(groups) {
        if group.is_empty() || group.len() > 4 {
            return None;
        }
        *slot = group.iter().try_fold(0_u16, |value, digit| {
            let digit = char::from(*digit).to_digit(16).and_then(|digit| u16::try_from(digit).ok())?;
            value.checked_mul(16)?.checked_add(digit)
        })?;
    }
    Some(Ipv6Addr::from(segments))
}
