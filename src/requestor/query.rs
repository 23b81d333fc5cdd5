//! A query to another server.
//!
//! Writes its bytes, and decides which message is a response to it. Not responsible for sending it.

use super::response::Response;
use crate::dns::edns::{OptWriter, PaddingBlock};
use crate::dns::message::{HEADER_BYTES, Header, Question, Rcode, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::{NameRef, Rtype};
use crate::tls::Random;

/// What is asked, as far as the asker chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'r> {
    /// The name.
    pub qname: NameRef<'r>,
    /// The type; the class is IN.
    pub qtype: Rtype,
    /// Opcode and flags of the header.
    pub flags: u16,
    /// The first byte of the flags of the OPT record: DO.
    pub edns_flags: u8,
}

/// How a query has EDNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With an OPT record.
    WithEdns,
    /// Without, for servers that do not know it.
    WithoutEdns,
    /// With an OPT record and padding, where it travels encrypted.
    Padded,
}

/// How the letters of a name are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// At random, so that a forged response must guess it, too (0x20).
    Mixed,
    /// All upper, which shows for sure whether it matters.
    Upper,
    /// All lower.
    Lower,
}

/// A query that has been written.
#[derive(Clone, Debug)]
pub struct Query {
    bytes: Vec<u8>,
    /// Where the question ends.
    question_end: usize,
    judge: Judge,
}

/// Who looks into what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judge {
    /// This room.
    Requestor,
    /// Whoever has signed the query: nothing in the response counts before its signature does.
    Signer,
}

/// How a message fits a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is a response to it.
    Exact,
    /// It is, but for the case of the name: it is forged, or its server does not keep the case.
    OtherCase,
    /// It may be: a header alone, as servers send that cannot read a query.
    Bare,
    /// It is to something else.
    None,
}

/// What a datagram is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatagramClass {
    /// A response to it, whole and well formed.
    Response,
    /// One that is cut off.
    Truncated,
    /// One that cannot be read.
    Malformed,
    /// One whose question is written otherwise.
    OtherCase,
    /// A header alone, as to a query that could not be read.
    Unreadable,
    /// No response to it.
    Mismatch,
}

impl Query {
    /// A query with an id, and where it is wanted a case, that cannot be predicted.
    pub fn new(request: &Request<'_>, form: Form, case: Case, random: &Random) -> Self {
        let mut question_end = HEADER_BYTES;
        let bytes = message_writer::owned(QUERY_BYTES_MAX, random.id(), request.flags, |message| {
            message.question(request.qname, request.qtype, class::IN);
            question_end = message.position();
            let name = message.written_mut().get_mut(HEADER_BYTES..).unwrap_or_default();
            write_case(name.get_mut(..request.qname.wire().len()).unwrap_or_default(), case, random);
            if form == Form::WithoutEdns {
                return;
            }
            let mut opt = OptWriter::new(message, Rcode::NOERROR, request.edns_flags);
            if form == Form::Padded {
                opt.pad(PaddingBlock::Query);
            }
            opt.finish();
        });
        Self { bytes, question_end, judge: Judge::Requestor }
    }

    /// A query that its sender has written and signed (RFC 8945), under a fresh id: the one that the signature is made
    /// with stands in it. Whether the response is well formed is for the sender to find out.
    pub fn of_signed(message: Vec<u8>, random: &Random) -> Option<Self> {
        Some(Self { judge: Judge::Signer, ..Self::of_message(message, random)? })
    }

    /// A query that its sender has written, under a fresh id; none for a message without a question, or
    /// longer than 65,535 bytes. A NOTIFY or an UPDATE is one, too.
    pub fn of_message(mut message: Vec<u8>, random: &Random) -> Option<Self> {
        let (_, rest) = Question::read(&message)?;
        let question_end = message.len().checked_sub(rest.len())?;
        u16::try_from(message.len()).ok()?;
        *message.first_chunk_mut()? = random.id().to_be_bytes();
        Some(Self { bytes: message, question_end, judge: Judge::Requestor })
    }

    /// The whole message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its name is not all in lower case: then an answer shows what becomes of the case.
    pub(super) fn shows_case(&self) -> bool {
        let question = self.bytes.get(HEADER_BYTES..self.question_end).unwrap_or_default();
        question.split_last_chunk::<4>().is_some_and(|(name, _)| name.iter().any(u8::is_ascii_uppercase))
    }

    /// What a datagram is to it.
    pub fn classify(&self, datagram: &[u8]) -> DatagramClass {
        match self.fit(datagram) {
            Fit::None => DatagramClass::Mismatch,
            Fit::OtherCase => DatagramClass::OtherCase,
            Fit::Bare => DatagramClass::Unreadable,
            // Only now: in a datagram that is no response to it there is nothing to read.
            Fit::Exact if !self.is_well_formed(datagram) => DatagramClass::Malformed,
            Fit::Exact if is_truncated(datagram) => DatagramClass::Truncated,
            Fit::Exact => DatagramClass::Response,
        }
    }

    /// How a message of a connection fits; none where it is no response to it that is whole and well formed.
    pub fn accept(&self, message: &[u8]) -> Option<Fit> {
        let fit = self.fit(message);
        if fit == Fit::None {
            return None;
        }
        // There is no other transport to ask for the rest of a truncated one.
        let whole = self.is_well_formed(message) && !is_truncated(message);
        whole.then_some(fit)
    }

    /// Whether a response can be read, as far as this room is to find out.
    fn is_well_formed(&self, response: &[u8]) -> bool {
        match self.judge {
            Judge::Requestor => Response::read(response).is_some(),
            Judge::Signer => true,
        }
    }

    /// How a message fits.
    pub fn fit(&self, message: &[u8]) -> Fit {
        let (Some(asked), Some(header)) = (Header::read(&self.bytes), Header::read(message)) else {
            return Fit::None;
        };
        let is_response = header.is_response() && header.opcode() == asked.opcode();
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

fn is_truncated(response: &[u8]) -> bool {
    Header::read(response).is_some_and(|header| header.flags & Header::TC != 0)
}

/// Writes the letters of a name. Length bytes are at most 63 and no letters.
fn write_case(name: &mut [u8], case: Case, random: &Random) {
    let mut coins = random.next();
    for byte in name {
        let upper = match case {
            Case::Mixed => coins & 1 != 0,
            Case::Upper => true,
            Case::Lower => false,
        };
        *byte = if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        coins = coins.rotate_right(1);
    }
}
