//! A query to an upstream.
//!
//! Responsible for its bytes, and for which response is to it.
//! Not responsible for sending it.

use super::asked::{AUTHENTIC, Wanted};
use super::chance::Chance;
use super::response::Response;
use crate::dns::message::{HEADER_BYTES, Header, Opcode};

/// The UDP payload told to upstreams, in bytes: what passes every link
/// without fragments, into which an attacker could slip his own (RFC 9715).
pub(super) const PAYLOAD: u16 = 1232;

/// Queries over TLS are padded to a multiple of this (RFC 8467, section 4.1).
const PADDING_BLOCK_BYTES: usize = 128;

/// EDNS padding (RFC 7830).
const PADDING: u16 = 12;

/// Bytes of an OPT record without options.
const OPT_BYTES: usize = 11;

/// How a query is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With EDNS.
    Usual,
    /// Without, for upstreams that do not know it.
    Plain,
    /// With EDNS and padding, where it travels encrypted.
    Padded,
}

/// How letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// At random, so that a forged response must guess it, too (0x20).
    Mixed,
    /// All upper, which shows for sure whether it matters.
    Upper,
    /// All lower.
    Lower,
}

/// A query that has been written.
pub(super) struct Query {
    pub(super) bytes: Vec<u8>,
    /// Where the question ends.
    question_end: usize,
}

/// How a message fits a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is a response to it.
    Exact,
    /// It is, but for the case of the name: forged, or of a server that does
    /// not keep it.
    OtherCase,
    /// It may be: a header alone, as servers send that cannot read a query.
    Bare,
    /// It is to something else.
    None,
}

/// What a datagram is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A response to it, whole and well formed.
    Response,
    /// One that is cut off.
    Truncated,
    /// One that cannot be read.
    Malformed,
    /// One whose question is written otherwise.
    OtherCase,
    /// Word that the query could not be read.
    Unread,
    /// Something else.
    Stranger,
}

impl Query {
    /// A query for `wanted` with an id and case that nobody can foretell.
    pub(super) fn new(wanted: &Wanted, form: Form, case: Case, chance: &Chance) -> Self {
        let mut bytes = Vec::with_capacity(320);
        // AD says that we understand it in the response (RFC 6840, section 5.7).
        let flags = Header::RD | AUTHENTIC | wanted.header_flags();
        let additionals = u16::from(form != Form::Plain);
        for field in [chance.id(), flags, 1, 0, 0, additionals] {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
        let mut coins = chance.next();
        for &byte in wanted.qname().wire() {
            // Length bytes are at most 63 and no letters.
            let upper = match case {
                Case::Mixed => coins & 1 != 0,
                Case::Upper => true,
                Case::Lower => false,
            };
            bytes.push(if upper { byte.to_ascii_uppercase() } else { byte });
            coins = coins.rotate_right(1);
        }
        bytes.extend_from_slice(&wanted.qtype().0.to_be_bytes());
        bytes.extend_from_slice(&[0, 1]);
        let question_end = bytes.len();
        if form != Form::Plain {
            let [high, low] = PAYLOAD.to_be_bytes();
            bytes.extend_from_slice(&[0, 0, 41, high, low, 0, 0, wanted.edns_flags(), 0, 0, 0]);
        }
        if form == Form::Padded {
            pad(&mut bytes, question_end);
        }
        Self { bytes, question_end }
    }

    /// Whether its name is not all lower: then an answer shows what becomes of that.
    pub(super) fn shows_case(&self) -> bool {
        let question = self.bytes.get(HEADER_BYTES..self.question_end).unwrap_or_default();
        question.split_last_chunk::<4>().is_some_and(|(name, _)| name.iter().any(u8::is_ascii_uppercase))
    }

    /// What a datagram is to it.
    pub(super) fn hear(&self, datagram: &[u8]) -> Heard {
        match self.fit(datagram) {
            Fit::None => Heard::Stranger,
            Fit::OtherCase => Heard::OtherCase,
            Fit::Bare => Heard::Unread,
            // Only now: of a stranger's datagram there is nothing to read.
            Fit::Exact => match Response::read(datagram) {
                None => Heard::Malformed,
                Some(response) if response.is_truncated() => Heard::Truncated,
                Some(_) => Heard::Response,
            },
        }
    }

    /// How a message of a connection fits; none where it is no response to it
    /// that is whole and well formed.
    pub(super) fn take(&self, message: &[u8]) -> Option<Fit> {
        let fit = self.fit(message);
        if fit == Fit::None {
            return None;
        }
        // Nobody is left to be asked for what is cut off.
        let whole = Response::read(message).is_some_and(|response| !response.is_truncated());
        whole.then_some(fit)
    }

    /// How a message fits.
    pub(super) fn fit(&self, message: &[u8]) -> Fit {
        let (Some(asked), Some(header)) = (Header::read(&self.bytes), Header::read(message)) else {
            return Fit::None;
        };
        let is_response = header.is_response() && header.opcode() == Opcode::QUERY;
        if !is_response || header.id != asked.id {
            return Fit::None;
        }
        let question = self.bytes.get(HEADER_BYTES..self.question_end).unwrap_or_default();
        match message.get(HEADER_BYTES..self.question_end) {
            Some(_) if header.counts[0] != 1 => Fit::None,
            Some(same) if same == question => Fit::Exact,
            Some(same) if same.eq_ignore_ascii_case(question) => Fit::OtherCase,
            None if message.len() == HEADER_BYTES => Fit::Bare,
            _ => Fit::None,
        }
    }

    /// The same under another id, as a connection that is shared needs it.
    pub(super) fn set_id(&mut self, id: u16) {
        if let Some(place) = self.bytes.first_chunk_mut() {
            *place = id.to_be_bytes();
        }
    }
}

/// Fills up with zeros inside the OPT record that ends the message.
fn pad(bytes: &mut Vec<u8>, opt_at: usize) {
    let bare = bytes.len().saturating_add(4);
    let padding = bare.next_multiple_of(PADDING_BLOCK_BYTES).saturating_sub(bare);
    // Less than a block of 128 bytes.
    let [high, low] = u16::try_from(padding).unwrap_or(0).to_be_bytes();
    let option = padding.saturating_add(4);
    bytes.extend_from_slice(&PADDING.to_be_bytes());
    bytes.extend_from_slice(&[high, low]);
    bytes.resize(bytes.len().saturating_add(padding), 0);
    let length_at = opt_at.saturating_add(OPT_BYTES).saturating_sub(2);
    if let Some(place) = bytes.get_mut(length_at..).and_then(<[u8]>::first_chunk_mut) {
        // Less than a block, and the head of the option.
        *place = u16::try_from(option).unwrap_or(0).to_be_bytes();
    }
}
