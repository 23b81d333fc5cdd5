//! Places on earth: the RDATA of LOC (RFC 1876), `42 21 54 N 71 06 18 W -24m 30m` and its 16 bytes.

use std::fmt::{self, Write};

use super::number::{bounded, decimal};
use super::reader::{Reader, show, split_once};
use super::token::Token;
use crate::source::Diagnostic;

/// Bytes of version 0, the only one.
const LENGTH: usize = 16;
/// The number of the equator and the prime meridian, in thousandths of a second.
const MERIDIAN: u32 = 1 << 31;
const DEGREE: u64 = 3_600_000;
const MINUTE: u64 = 60_000;
/// Where altitudes begin, in centimetres below the ellipsoid.
const GROUND: u64 = 10_000_000;
/// Largest size or precision, in centimetres: 9 · 10^9.
const SIZE_MAX: u64 = 9_000_000_000;
/// Size, horizontal and vertical precision where they are left out: 1 m, 10 km, 10 m.
const DEFAULTS: [u8; 3] = [0x12, 0x16, 0x13];

/// One of the two angles.
struct Axis {
    name: &'static str,
    /// Letters of the positive and of the negative half.
    halves: [u8; 2],
    degrees_max: u32,
}

const LATITUDE: Axis = Axis { name: "latitude", halves: *b"NS", degrees_max: 90 };
const LONGITUDE: Axis = Axis { name: "longitude", halves: *b"EW", degrees_max: 180 };

const FORM: &str = "LOC is written as: degrees [minutes [seconds]] N|S degrees [minutes [seconds]] E|W altitude[m] [size[m] \
     [horizontal-precision[m] [vertical-precision[m]]]]";

/// Reads all that is left.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let latitude = angle(&LATITUDE, reader)?;
    let longitude = angle(&LONGITUDE, reader)?;
    let altitude = altitude(&reader.word("altitude").map_err(|fault| fault.help(FORM))?)?;
    let mut sizes = DEFAULTS;
    for (size, what) in sizes.iter_mut().zip(["size", "horizontal precision", "vertical precision"]) {
        if !reader.rest.is_empty() {
            *size = read_size(what, &reader.word(what)?)?;
        }
    }
    if let Some(extra) = reader.rest.first() {
        let message = format!("`{}` is one word too many", show(extra.text));
        return Err(Diagnostic::error(extra.span, message).help(FORM));
    }
    reader.out.push(0);
    reader.out.extend_from_slice(&sizes);
    for number in [latitude, longitude, altitude] {
        reader.out.extend_from_slice(&number.to_be_bytes());
    }
    Ok(())
}

fn angle(axis: &Axis, reader: &mut Reader<'_, '_>) -> Result<u32, Diagnostic> {
    let degrees = part("degrees", axis, reader)?;
    let mut angle = bounded(axis.name, &degrees, axis.degrees_max.into())? * DEGREE;
    let mut parts = ["minutes", "seconds"].into_iter();
    loop {
        let token = part("hemisphere", axis, reader)?;
        if let Some(half) = axis.halves.iter().position(|half| token.text.eq_ignore_ascii_case(&[*half])) {
            return place(axis, angle, half, &degrees);
        }
        angle += match parts.next() {
            Some("minutes") => bounded("minutes", &token, 59)? * MINUTE,
            Some(_) => thousandths(token.text).filter(|&seconds| seconds < MINUTE).ok_or_else(|| {
                let message = format!("`{}` is not a number of seconds", show(token.text));
                Diagnostic::error(token.span, message)
                    .help("0 to 59.999, with at most three digits behind the dot")
            })?,
            None => return Err(no_half(axis, &token)),
        };
    }
}

fn part<'t>(what: &str, axis: &Axis, reader: &mut Reader<'_, 't>) -> Result<Token<'t>, Diagnostic> {
    reader.word(&format!("{what} of {}", axis.name)).map_err(|fault| fault.help(FORM))
}

#[cold]
fn no_half(axis: &Axis, token: &Token<'_>) -> Diagnostic {
    let [positive, negative] = axis.halves.map(char::from);
    let message = format!("`{}` is neither `{positive}` nor `{negative}`", show(token.text));
    Diagnostic::error(token.span, message).help(FORM)
}

fn place(axis: &Axis, angle: u64, half: usize, degrees: &Token<'_>) -> Result<u32, Diagnostic> {
    let angle =
        u32::try_from(angle).ok().filter(|&angle| u64::from(angle) <= angle_max(axis)).ok_or_else(|| {
            let message = format!("{} beyond {} degrees", axis.name, axis.degrees_max);
            Diagnostic::error(degrees.span, message)
        })?;
    Ok(if half == 0 { MERIDIAN + angle } else { MERIDIAN - angle })
}

fn angle_max(axis: &Axis) -> u64 {
    u64::from(axis.degrees_max) * DEGREE
}

fn altitude(token: &Token<'_>) -> Result<u32, Diagnostic> {
    let text = without_metre(token.text);
    let above = match text.split_first() {
        Some((b'-', depth)) => scaled(depth, 2).and_then(|depth| GROUND.checked_sub(depth)),
        Some((b'+', height)) => scaled(height, 2).map(|height| GROUND + height),
        _ => scaled(text, 2).map(|height| GROUND + height),
    };
    above.and_then(|above| u32::try_from(above).ok()).ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not an altitude", show(token.text)))
            .help("-100000.00 to 42849672.95, in metres")
    })
}

/// A size as its first digit and a power of ten, in centimetres (RFC 1876, section 2).
fn read_size(what: &str, token: &Token<'_>) -> Result<u8, Diagnostic> {
    let size = scaled(without_metre(token.text), 2).filter(|&size| size <= SIZE_MAX).ok_or_else(|| {
        Diagnostic::error(token.span, format!("`{}` is not a {what}", show(token.text)))
            .help("0 to 90000000.00, in metres")
    })?;
    let (mut digit, mut power) = (size, 0u8);
    while digit > 9 {
        digit /= 10;
        power += 1;
    }
    // One digit, so that four bits hold it.
    Ok(u8::try_from(digit << 4).unwrap_or(0) | power)
}

fn without_metre(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"m").or_else(|| text.strip_suffix(b"M")).unwrap_or(text)
}

fn thousandths(text: &[u8]) -> Option<u64> {
    scaled(text, 3)
}

/// A decimal number times ten to the `places`; none with more places. Ten digits before the dot are more than
/// any field takes.
fn scaled(text: &[u8], places: usize) -> Option<u64> {
    let (whole, fraction) = split_once(text, b'.').unwrap_or((text, b""));
    if whole.len() > 10 || fraction.len() > places {
        return None;
    }
    let mut digits = [b'0'; 16];
    digits.get_mut(..whole.len())?.copy_from_slice(whole);
    digits.get_mut(whole.len()..whole.len() + fraction.len())?.copy_from_slice(fraction);
    if whole.is_empty() { None } else { decimal(digits.get(..whole.len() + places)?) }
}

/// The bytes of a place, if `rdata` begins with one.
pub(super) fn extent(rdata: &[u8]) -> Option<usize> {
    // RFC 1876, section 2: nothing is known of other versions, so they may hold anything.
    if rdata.first().is_some_and(|&version| version != 0) {
        return Some(rdata.len());
    }
    let (sizes, numbers) = rdata.get(1..LENGTH)?.split_first_chunk::<3>()?;
    let sizes_fit = sizes.iter().all(|&size| size == 0 || (matches!(size >> 4, 1..=9) && size & 0xf <= 9));
    let fits = |axis: &Axis, at: usize| {
        number(numbers, at).is_some_and(|place| u64::from(place.abs_diff(MERIDIAN)) <= angle_max(axis))
    };
    (sizes_fit && fits(&LATITUDE, 0) && fits(&LONGITUDE, 4)).then_some(LENGTH)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

/// Writes a place with all its parts.
pub(super) fn write(rdata: &[u8], out: &mut String) -> fmt::Result {
    if rdata.first() != Some(&0) {
        return Err(fmt::Error);
    }
    for (axis, at) in [(&LATITUDE, 4), (&LONGITUDE, 8)] {
        let place = number(rdata, at).ok_or(fmt::Error)?;
        let [positive, negative] = axis.halves.map(char::from);
        let half = if place >= MERIDIAN { positive } else { negative };
        let angle = u64::from(place.abs_diff(MERIDIAN));
        let (degrees, minutes, seconds) = (angle / DEGREE, angle % DEGREE / MINUTE, angle % MINUTE);
        write!(out, "{degrees} {minutes} {}.{:03} {half} ", seconds / 1000, seconds % 1000)?;
    }
    let above = u64::from(number(rdata, 12).ok_or(fmt::Error)?);
    let sign = if above < GROUND { "-" } else { "" };
    let distance = above.abs_diff(GROUND);
    write!(out, "{sign}{}.{:02}m", distance / 100, distance % 100)?;
    for &size in rdata.get(1..4).unwrap_or_default() {
        let size = u64::from(size >> 4) * 10u64.pow(u32::from(size & 0xf));
        match size % 100 {
            0 => write!(out, " {}m", size / 100)?,
            centimetres => write!(out, " {}.{centimetres:02}m", size / 100)?,
        }
    }
    Ok(())
}
