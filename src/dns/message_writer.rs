//! Messages being written: header, question, records, all within a limit. HOT.
//!
//! Writes into a buffer that its user brings, and never past the limit: it neither allocates nor panics. What
//! does not fit is noticed ([`MessageWriter::is_overflown`]), for its user to truncate the message. What is
//! written is chosen by its users; OPT records are written by `edns`.

use super::message::{HEADER_BYTES, Header, Section};
use super::name::NameRef;
use super::rtype::Rtype;

/// A message that is being written.
pub struct MessageWriter<'o> {
    out: &'o mut [u8],
    /// Where the next byte goes.
    at: usize,
    /// Where the records begin: behind the question.
    records_at: usize,
    /// Nothing may go past this.
    limit: usize,
    /// The same when nothing is reserved any more.
    end: usize,
    is_overflown: bool,
    questions: u16,
    counts: [u16; 3],
}

impl<'o> MessageWriter<'o> {
    /// A message of at most `limit` bytes in `out`. Room for the header is left in front.
    #[inline]
    pub fn new(out: &'o mut [u8], limit: usize) -> Self {
        let end = limit.min(out.len());
        Self {
            limit: end,
            end,
            out,
            at: HEADER_BYTES,
            records_at: HEADER_BYTES,
            is_overflown: false,
            questions: 0,
            counts: [0; 3],
        }
    }

    /// Appends a question in wire form, the first thing of a message.
    #[inline]
    pub fn put_question(&mut self, wire: &[u8]) {
        self.put(wire);
        self.records_at = self.at;
        self.questions = 1;
    }

    /// Appends a question, the first thing of a message.
    pub fn question(&mut self, qname: NameRef<'_>, qtype: Rtype, qclass: u16) {
        self.put(qname.wire());
        self.put(&qtype.0.to_be_bytes());
        self.put_question(&qclass.to_be_bytes());
    }

    /// Keeps `bytes` of the limit for later, until [`MessageWriter::release`].
    #[inline]
    pub fn reserve(&mut self, bytes: usize) {
        self.limit = self.end.saturating_sub(bytes);
    }

    /// Opens what was reserved.
    #[inline]
    pub fn release(&mut self) {
        self.limit = self.end;
    }

    /// Opens the whole buffer, past the limit: a TSIG record must be sent, however long (RFC 8945, section
    /// 5.3).
    pub fn release_all(&mut self) {
        self.limit = self.out.len();
    }

    /// Where the next byte goes, from the start of the message.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes that may still follow.
    #[inline]
    pub fn room(&self) -> usize {
        self.limit.saturating_sub(self.at)
    }

    /// Whether something did not fit.
    #[inline]
    pub fn is_overflown(&self) -> bool {
        self.is_overflown
    }

    /// Records in the answer, authority and additional section.
    #[inline]
    pub fn counts(&self) -> [u16; 3] {
        self.counts
    }

    /// Appends bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.append(bytes);
    }

    /// Appends bytes; returns their place in the message, none if they do not fit.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Option<&mut [u8]> {
        // Two lengths of slices add up without an overflow.
        let end = self.at.wrapping_add(bytes.len());
        match self.out.get_mut(self.at..end) {
            Some(room) if end <= self.limit => {
                room.copy_from_slice(bytes);
                self.at = end;
                Some(room)
            }
            _ => {
                self.is_overflown = true;
                None
            }
        }
    }

    /// Appends a record of at most 65,535 bytes of RDATA; `owner` is a name or a pointer.
    pub fn record(&mut self, section: Section, owner: &[u8], fixed: &RecordHead, rdata: &[&[u8]]) {
        self.put(owner);
        self.put(&fixed.rtype.0.to_be_bytes());
        self.put(&fixed.class.to_be_bytes());
        self.put(&fixed.ttl.to_be_bytes());
        let length = rdata.iter().fold(0, |length: usize, piece| length.saturating_add(piece.len()));
        match u16::try_from(length) {
            Ok(short) => self.put(&short.to_be_bytes()),
            Err(_) => self.is_overflown = true,
        }
        rdata.iter().for_each(|piece| self.put(piece));
        self.count(section, 1);
    }

    /// Overwrites two bytes that have been written.
    #[inline]
    pub fn patch(&mut self, at: usize, value: u16) {
        if let Some(place) = self.out.get_mut(at..at.saturating_add(2)) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// Counts records into a section.
    #[inline]
    pub fn count(&mut self, section: Section, records: u16) {
        let [answers, authorities, additionals] = &mut self.counts;
        let count = match section {
            Section::Answer => answers,
            Section::Authority => authorities,
            Section::Additional => additionals,
        };
        // A message of 65,535 bytes has no room for more than fit here; what does not fit is cleared.
        *count = count.wrapping_add(records);
    }

    /// The message so far, the header not yet written.
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.out.get(..self.at).unwrap_or_default()
    }

    /// The same, to be changed in place.
    #[inline]
    pub fn written_mut(&mut self) -> &mut [u8] {
        self.out.get_mut(..self.at).unwrap_or_default()
    }

    /// Where the records begin: behind the question.
    #[inline]
    pub fn records_at(&self) -> usize {
        self.records_at
    }

    /// Takes back what was written behind `at`, and leaves `counts`; an overflow is forgotten.
    pub fn take_back(&mut self, at: usize, counts: [u16; 3]) {
        self.at = self.at.min(at);
        self.counts = counts;
        self.is_overflown = false;
    }

    /// Takes back every record: a truncated message has none.
    pub fn clear(&mut self) {
        self.take_back(self.records_at, [0; 3]);
    }

    /// Writes the header, which completes the message. Returns its length.
    #[inline]
    pub fn finish(&mut self, id: u16, flags: u16) -> usize {
        let [answers, authorities, additionals] = self.counts;
        let header = Header { id, flags, counts: [self.questions, answers, authorities, additionals] };
        if let Some(place) = self.out.first_chunk_mut::<HEADER_BYTES>() {
            header.write(place);
        }
        self.at
    }
}

/// The fields between a record's owner and its RDATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// The type.
    pub rtype: Rtype,
    /// The class.
    pub class: u16,
    /// The TTL, in seconds.
    pub ttl: u32,
}

/// A message of at most `bytes_max` bytes in a buffer of its own: for what is not on the way of an answer.
/// `write` appends everything behind the header.
pub fn owned(bytes_max: usize, id: u16, flags: u16, write: impl FnOnce(&mut MessageWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; bytes_max.max(HEADER_BYTES)];
    let mut message = MessageWriter::new(&mut bytes, bytes_max);
    write(&mut message);
    let length = message.finish(id, flags);
    bytes.truncate(length);
    bytes
}

/// Most bytes of a query that has a question and an OPT record of at most 128 bytes.
pub const QUERY_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests;
