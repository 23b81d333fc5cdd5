//! How host names that are made from addresses look: `%5%.static.example.com`.
//!
//! Reads the format, at load, so that no name that is made of it can be too long. HOT where a name is made.

use std::fmt;

use super::family::AddressFamily;
use super::rdata::ComputedRdata;
use super::reverse::{AskedAddress, DASHED_BYTES_MAX};
use crate::dns::name::{LABEL_BYTES_MAX, NAME_BYTES_MAX};

/// A host name with values of the address in it.
///
/// Of an IPv4 address, `%1%` to `%4%` are its octets, `%5%` those with dashes between them, `%6%` its eight hexadecimal digits.
/// Of an IPv6 address, `%1%` to `%32%` are its digits, `%33%` its short form with dashes, `%34%` to `%41%` its groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFormat {
    /// Its labels, from the left.
    labels: Box<[Box<[Piece]>]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<[u8]>),
    Value(usize),
}

/// Why a text is not the format of a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostFormatError {
    /// A `%` that begins no value.
    Percent {
        /// How many values there are.
        values: usize,
    },
    /// A character that host names do not have.
    Character(char),
    /// A label without anything in it.
    EmptyLabel,
    /// A label that may become longer than 63 bytes.
    LongLabel,
    /// It may become longer than 255 bytes.
    LongName,
}

impl fmt::Display for HostFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostFormatError::Percent { values } => {
                write!(f, "a value of the address is `%1%` to `%{values}%`")
            }
            HostFormatError::Character(character) => write!(f, "a host name has no `{character}`"),
            HostFormatError::EmptyLabel => f.write_str("a label of this name is empty"),
            HostFormatError::LongLabel => {
                f.write_str("a label of this name may become longer than 63 characters")
            }
            HostFormatError::LongName => f.write_str("this name may become longer than 255 bytes"),
        }
    }
}

impl HostFormat {
    /// Reads a format; the name is absolute with and without its final dot.
    ///
    /// # Errors
    ///
    /// When some address would not make a host name of it.
    pub fn parse(text: &str, family: AddressFamily) -> Result<HostFormat, HostFormatError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        // The root.
        let mut bytes_max = 1_usize;
        let mut labels = Vec::new();
        for label in text.split('.') {
            let pieces = pieces(label, family)?;
            let length: usize =
                pieces.iter().map(|piece| piece.bytes_max(family)).fold(0, usize::saturating_add);
            if length == 0 {
                return Err(HostFormatError::EmptyLabel);
            }
            if length > LABEL_BYTES_MAX {
                return Err(HostFormatError::LongLabel);
            }
            bytes_max = bytes_max.saturating_add(length).saturating_add(1);
            labels.push(pieces.into_boxed_slice());
        }
        if bytes_max > NAME_BYTES_MAX {
            return Err(HostFormatError::LongName);
        }
        Ok(HostFormat { labels: labels.into_boxed_slice() })
    }

    /// Writes the name for an address. HOT.
    pub(super) fn put(&self, asked: &AskedAddress<'_>, out: &mut ComputedRdata) -> Option<()> {
        for label in &self.labels {
            let at = out.len();
            out.put(&[0])?;
            for piece in label {
                match piece {
                    Piece::Text(text) => out.put(text)?,
                    Piece::Value(value) => asked.put_value(*value, |text| out.put(text))?,
                }
            }
            let length = out.len().checked_sub(at)?.checked_sub(1)?;
            let length =
                u8::try_from(length).ok().filter(|length| usize::from(*length) <= LABEL_BYTES_MAX)?;
            out.set(at, length)?;
        }
        out.put(&[0])
    }
}

impl Piece {
    fn bytes_max(&self, family: AddressFamily) -> usize {
        match (self, family) {
            (Piece::Text(text), _) => text.len(),
            (Piece::Value(1..=4), AddressFamily::Ipv4) => 3,
            (Piece::Value(5), AddressFamily::Ipv4) => 15,
            (Piece::Value(_), AddressFamily::Ipv4) => 8,
            (Piece::Value(1..=32), AddressFamily::Ipv6) => 1,
            (Piece::Value(33), AddressFamily::Ipv6) => DASHED_BYTES_MAX,
            (Piece::Value(_), AddressFamily::Ipv6) => 4,
        }
    }
}

/// The pieces of one label.
fn pieces(label: &str, family: AddressFamily) -> Result<Vec<Piece>, HostFormatError> {
    let values = match family {
        AddressFamily::Ipv4 => 6,
        AddressFamily::Ipv6 => 41,
    };
    // Between two percent signs stands a value, so what is at an odd place is one.
    let parts: Vec<&str> = label.split('%').collect();
    if parts.len().is_multiple_of(2) {
        return Err(HostFormatError::Percent { values });
    }
    let mut pieces = Vec::new();
    for (place, part) in parts.into_iter().enumerate() {
        if place % 2 == 1 {
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            let value = part.parse().ok().filter(|value| digits && (1..=values).contains(value));
            pieces.push(Piece::Value(value.ok_or(HostFormatError::Percent { values })?));
        } else if let Some(strange) =
            part.chars().find(|one| !one.is_ascii_alphanumeric() && !"-_/".contains(*one))
        {
            return Err(HostFormatError::Character(strange));
        } else if !part.is_empty() {
            pieces.push(Piece::Text(part.as_bytes().into()));
        }
    }
    Ok(pieces)
}
