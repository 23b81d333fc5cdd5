//! EDNS (RFC 6891): the OPT record of queries and responses, read and written.
//!
//! Reads and writes payload size, extended response code, DO bit and options, and says how long a UDP
//! response may be. HOT. What options mean is decided by `answer` and `forward`.

use super::message::{Extra, Header, Rcode, Section};
use super::message_writer::MessageWriter;
use super::rtype::Rtype;

/// Largest UDP payload that is sent and accepted, in bytes, whatever the other side says: it passes every
/// link without fragments (DNS flag day 2020; RFC 9715).
pub const UDP_PAYLOAD_MAX: usize = PAYLOAD as usize;

const PAYLOAD: u16 = 1232;

/// UDP payload of a client without EDNS, in bytes (RFC 1035, section 2.3.4).
pub const UDP_PAYLOAD_PLAIN: usize = 512;

/// Length of an OPT record without options, in bytes (RFC 6891, section 6.1.2).
pub const OPT_BYTES: usize = 11;

/// Length of an option's code and length, in bytes (RFC 6891, section 6.1.2).
pub const OPTION_HEAD_BYTES: usize = 4;

/// The DO bit in the first byte of the flags (RFC 3225, section 3).
pub const DNSSEC_OK: u8 = 0x80;

/// Length of a client cookie in bytes (RFC 7873, section 4).
pub const CLIENT_COOKIE_BYTES: usize = 8;

/// Longest UDP response that a client takes, in bytes; `edns` is its OPT record.
#[inline]
pub fn udp_size_limit(edns: Option<&Edns<'_>>) -> usize {
    match edns {
        None => UDP_PAYLOAD_PLAIN,
        Some(edns) => usize::from(edns.payload).clamp(UDP_PAYLOAD_PLAIN, UDP_PAYLOAD_MAX),
    }
}

/// The contents of an OPT record (RFC 6891, section 6.1).
#[derive(Clone, Copy, Debug)]
pub struct Edns<'q> {
    /// Largest UDP payload that the sender accepts, in bytes.
    pub payload: u16,
    /// The upper eight bits of the response code; 0 in a query.
    pub extended_rcode: u8,
    /// EDNS version of the sender.
    pub version: u8,
    /// The first byte of its flags; the highest bit is DO (RFC 3225).
    pub flags: u8,
    /// Its options, as they came.
    pub options: &'q [u8],
}

impl<'q> Edns<'q> {
    /// Reads an OPT record; none if the record is of another type, or not at the root.
    #[inline]
    pub fn of(extra: &Extra<'q>) -> Option<Edns<'q>> {
        let [extended_rcode, version, flags, _] = extra.ttl.to_be_bytes();
        (extra.rtype == Rtype::OPT && extra.at_root).then_some(Edns {
            payload: extra.class,
            extended_rcode,
            version,
            flags,
            options: extra.rdata,
        })
    }

    /// Whether DO is set: the sender wants DNSSEC records.
    #[inline]
    pub fn is_dnssec_ok(&self) -> bool {
        self.flags & DNSSEC_OK != 0
    }

    /// The response code of a message with this header: twelve bits (RFC 6891, section 6.1.3).
    pub fn rcode(&self, header: &Header) -> Rcode {
        Rcode(header.flags & 0x000f | u16::from(self.extended_rcode) << 4)
    }

    /// The value of the first option of this code. Options that overrun the record are not looked at.
    pub fn option(&self, code: u16) -> Option<&'q [u8]> {
        let mut options = Options::new(self.options).map_while(Result::ok);
        options.find(|(other, _)| *other == code).map(|(_, value)| value)
    }

    /// The client's cookie: the first eight bytes of its cookie option (RFC 7873, section 4).
    pub fn client_cookie(&self) -> Option<[u8; CLIENT_COOKIE_BYTES]> {
        self.option(option::COOKIE)?.first_chunk().copied()
    }

    /// The code of the first extended error (RFC 8914, section 2).
    pub fn extended_error(&self) -> Option<u16> {
        let errors = Options::new(self.options).flatten().filter(|(code, _)| *code == option::EXTENDED_ERROR);
        let mut codes = errors.filter_map(|(_, value)| value.first_chunk().copied());
        codes.next().map(u16::from_be_bytes)
    }
}

/// Codes of the EDNS options that are read or written.
pub mod option {
    /// Name server identifier (RFC 5001).
    pub const NSID: u16 = 3;
    /// For whom a resolver asks (RFC 7871).
    pub const CLIENT_SUBNET: u16 = 8;
    /// How long a zone holds where it is asked for (RFC 7314).
    pub const EXPIRE: u16 = 9;
    /// DNS cookie (RFC 7873).
    pub const COOKIE: u16 = 10;
    /// How long a connection may be idle (RFC 7828).
    pub const TCP_KEEPALIVE: u16 = 11;
    /// Padding (RFC 7830).
    pub const PADDING: u16 = 12;
    /// Extended DNS error (RFC 8914).
    pub const EXTENDED_ERROR: u16 = 15;
}

/// Codes of extended DNS errors (RFC 8914, section 4).
pub mod extended_error {
    /// Any other reason; the text says which.
    pub const OTHER: u16 = 0;
    /// The answer's TTL has expired (RFC 8767).
    pub const STALE_ANSWER: u16 = 3;
    /// The server withholds the answer by policy of its operator.
    pub const BLOCKED: u16 = 15;
    /// The client is not among those who may ask.
    pub const PROHIBITED: u16 = 18;
    /// As [`STALE_ANSWER`], of an NXDOMAIN.
    pub const STALE_NXDOMAIN_ANSWER: u16 = 19;
    /// The server is not authoritative for the name, and does not recurse for the client.
    pub const NOT_AUTHORITATIVE: u16 = 20;
    /// No upstream answers.
    pub const NO_REACHABLE_AUTHORITY: u16 = 22;
}

/// The options of an OPT record, one after the other; `Err` when they do not fill it exactly.
#[derive(Clone, Debug)]
pub struct Options<'q> {
    rest: &'q [u8],
}

/// An OPT record whose options overrun it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl<'q> Options<'q> {
    /// The options in an OPT record's RDATA.
    #[inline]
    pub fn new(options: &'q [u8]) -> Self {
        Self { rest: options }
    }
}

impl<'q> Iterator for Options<'q> {
    type Item = Result<(u16, &'q [u8]), Overrun>;
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((&[c, d, l, m], rest)) = self.rest.split_first_chunk::<4>() else {
            self.rest = &[];
            return Some(Err(Overrun));
        };
        let Some((value, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([l, m]))) else {
            self.rest = &[];
            return Some(Err(Overrun));
        };
        self.rest = rest;
        Some(Ok((u16::from_be_bytes([c, d]), value)))
    }
}

/// What the length of an encrypted message is a multiple of, so that it says little of what is asked (RFC 8467, section
/// 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingBlock {
    /// Of queries.
    Query,
    /// Of responses to queries that are padded (RFC 7830, section 4).
    Response,
}

impl PaddingBlock {
    const fn bytes(self) -> usize {
        match self {
            PaddingBlock::Query => 128,
            PaddingBlock::Response => 468,
        }
    }
}

/// Writes an OPT record at the end of a message, option by option.
///
/// [`OptWriter::finish`] completes it. The writer of the message must have room for the [`OPT_BYTES`] of the
/// fixed part; an option that does not fit is left out.
pub struct OptWriter<'m, 'o> {
    message: &'m mut MessageWriter<'o>,
    options_at: usize,
}

impl<'m, 'o> OptWriter<'m, 'o> {
    /// Writes the fixed part: our payload size, the upper bits of `rcode`, version 0 and the first byte of
    /// the flags, which is 0 or [`DNSSEC_OK`].
    #[inline]
    pub fn new(message: &'m mut MessageWriter<'o>, rcode: Rcode, flags: u8) -> Self {
        let [size_high, size_low] = PAYLOAD.to_be_bytes();
        let [rcode_high, rcode_low] = rcode.0.to_be_bytes();
        let extended = rcode_high << 4 | rcode_low >> 4;
        message.put(&[0, 0, 41, size_high, size_low, extended, 0, flags, 0, 0, 0]);
        let options_at = message.position();
        Self { message, options_at }
    }

    /// Appends an option of at most 65,535 bytes, unless there is no room for it.
    #[inline]
    pub fn option(&mut self, code: u16, value: &[u8]) {
        let [c, d] = code.to_be_bytes();
        let Ok(length) = u16::try_from(value.len()) else { return };
        let [l, m] = length.to_be_bytes();
        self.put_whole(&[c, d, l, m], value);
    }

    /// Appends an extended error with a text of at most 65,533 bytes, which may be empty (RFC 8914, section
    /// 2), unless there is no room for it.
    #[inline]
    pub fn extended_error(&mut self, code: u16, text: &str) {
        let [c, d] = option::EXTENDED_ERROR.to_be_bytes();
        let Ok(length) = u16::try_from(text.len() + 2) else { return };
        let [l, m] = length.to_be_bytes();
        let [high, low] = code.to_be_bytes();
        self.put_whole(&[c, d, l, m, high, low], text.as_bytes());
    }

    #[inline]
    fn put_whole(&mut self, head: &[u8], value: &[u8]) {
        if self.message.room() < head.len() + value.len() {
            return;
        }
        self.message.put(head);
        if !value.is_empty() {
            self.message.put(value);
        }
    }

    /// Pads the message with zeros to a multiple of the block, unless there is no room for them. Nothing may be written
    /// behind it.
    pub fn pad(&mut self, block: PaddingBlock) {
        const ZEROS: [u8; PaddingBlock::Response.bytes()] = [0; PaddingBlock::Response.bytes()];
        let bare = self.message.position().saturating_add(OPTION_HEAD_BYTES);
        let padding = bare.next_multiple_of(block.bytes()).saturating_sub(bare);
        self.option(option::PADDING, ZEROS.get(..padding).unwrap_or_default());
    }

    /// Completes the record: its length, and its place in the additional section.
    #[inline]
    pub fn finish(self) {
        let length = self.message.position().saturating_sub(self.options_at);
        if length != 0 {
            // It fits: a message has 65,535 bytes.
            let length = u16::try_from(length).unwrap_or(0);
            self.message.patch(self.options_at.saturating_sub(2), length);
        }
        self.message.count(Section::Additional, 1);
    }
}
