//! Messages in a stream: each after its length in two bytes (RFC 1035, section 4.2.2).
//!
//! Cuts what was received into queries.

use crate::dns::message::{HEADER_BYTES, MESSAGE_BYTES_MAX, Opcode};
use crate::transport::response_slot::SentResponse;

/// Longest query taken over a stream, in bytes; as over UDP, a query is small. A client that announces a
/// longer one is not served further, unless it is an UPDATE.
pub(super) const QUERY_LENGTH_MAX: usize = crate::transport::mmsg::QUERY_LENGTH_MAX;

/// A shorter message cannot be DNS: it has no room for the header.
const QUERY_LENGTH_MIN: usize = 12;

/// Bytes of the length.
const LENGTH_BYTES: usize = 2;

/// What is received ahead of answering, in bytes: the longest query fits at any place, and a hundred usual
/// ones are taken by one system call.
pub(super) const INPUT_BYTES: usize = (LENGTH_BYTES + QUERY_LENGTH_MAX) * 2;

/// The same for a client that has not sent so much yet: enough for ten usual queries, and of a size that allocators keep
/// at hand.
const INPUT_FIRST_BYTES: usize = 1000;

/// What a long UPDATE takes while it is received, in bytes: its room grows by half as it comes.
pub(super) const LONG_BYTES_MAX: usize = MESSAGE_BYTES_MAX + MESSAGE_BYTES_MAX / 2;

/// Where the flags of a message are in its frame: behind length and id.
const FLAGS_AT: usize = LENGTH_BYTES + 2;

/// What has been received and not been answered yet.
pub struct Input {
    /// The room for it, all of which is initialized: first little, and [`INPUT_BYTES`] once that was filled.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// An UPDATE that is longer than any query, as far as it has come. Nobody else pays for it.
    long: Option<Box<Long>>,
}

/// A message that is longer than any query.
struct Long {
    length: usize,
    bytes: Vec<u8>,
}

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'i> {
    /// A whole query.
    Query(&'i [u8]),
    /// Nothing, or the beginning of a query.
    Partial,
    /// The beginning of an UPDATE that is longer than any query. [`Input::take_long`] has it received; otherwise it is
    /// as good as malformed.
    Long,
    /// A length that no query has: this is not DNS.
    Malformed,
}

impl Default for Input {
    /// Nothing yet.
    fn default() -> Self {
        #[allow(
            clippy::slow_vector_initialization,
            reason = "`vec!` has the allocator clear it, which keeps nothing at hand for that"
        )]
        let mut bytes = Vec::with_capacity(INPUT_FIRST_BYTES);
        bytes.resize(INPUT_FIRST_BYTES, 0);
        Self { bytes, start: 0, end: 0, long: None }
    }
}

impl Input {
    /// Where to receive more. Empty only while a whole query waits.
    pub fn space(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// The first `count` bytes of the space have been received.
    pub fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
        if self.end == self.bytes.len() && self.end < INPUT_BYTES {
            self.bytes.reserve_exact(INPUT_BYTES.saturating_sub(self.end));
            self.bytes.resize(INPUT_BYTES, 0);
        }
    }

    /// Takes the next query, if it is whole.
    pub fn take(&mut self) -> Frame<'_> {
        if self.long.is_some() {
            return self.go_on_with_long();
        }
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else {
            return Frame::Partial;
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if !(QUERY_LENGTH_MIN..=QUERY_LENGTH_MAX).contains(&length) {
            return without_query(waiting);
        }
        let Some(query) = rest.get(..length) else {
            return Frame::Partial;
        };
        self.start = self.start.saturating_add(LENGTH_BYTES).saturating_add(length);
        Frame::Query(query)
    }

    /// Has the message received of which [`Frame::Long`] was the beginning: it is the next that is taken.
    #[cold]
    pub fn take_long(&mut self) {
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some((length, _)) = waiting.split_first_chunk::<LENGTH_BYTES>() else { return };
        let length = usize::from(u16::from_be_bytes(*length));
        self.start = self.start.saturating_add(LENGTH_BYTES);
        self.long = Some(Box::new(Long { length, bytes: Vec::new() }));
    }

    /// Moves what has come to the long message, and takes that if it is whole.
    #[cold]
    fn go_on_with_long(&mut self) -> Frame<'_> {
        if self.long.as_ref().is_some_and(|long| long.is_whole()) {
            // It was taken the last time.
            self.long = None;
            return self.take();
        }
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some(long) = &mut self.long else { return Frame::Partial };
        self.start = self.start.saturating_add(long.fill(waiting));
        if long.is_whole() { Frame::Query(&long.bytes) } else { Frame::Partial }
    }
}

/// What there is where the length is that of no query.
#[cold]
fn without_query(waiting: &[u8]) -> Frame<'static> {
    let (Some((length, _)), flags) = (waiting.split_first_chunk::<LENGTH_BYTES>(), waiting.get(FLAGS_AT))
    else {
        return Frame::Partial;
    };
    if usize::from(u16::from_be_bytes(*length)) < HEADER_BYTES {
        return Frame::Malformed;
    }
    match flags {
        // No response, and this opcode.
        Some(flags) if flags & 0xf8 == Opcode::UPDATE.0 << 3 => Frame::Long,
        Some(_) => Frame::Malformed,
        None => Frame::Partial,
    }
}

impl Long {
    fn is_whole(&self) -> bool {
        self.bytes.len() == self.length
    }

    /// Takes what belongs to it from the front of `waiting`; how many bytes.
    fn fill(&mut self, waiting: &[u8]) -> usize {
        let missing = self.length.saturating_sub(self.bytes.len());
        let bytes = waiting.get(..missing).unwrap_or(waiting);
        let wanted = self.bytes.len().saturating_add(bytes.len());
        if wanted > self.bytes.capacity() {
            // A client that announces much and sends nothing costs nothing.
            let grown = self.bytes.capacity().saturating_add(self.bytes.capacity() / 2);
            let room = wanted.max(grown).min(self.length);
            self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(bytes);
        bytes.len()
    }
}

/// Appends `response` with its length. An empty one, which is none, is left out, and one longer than the
/// length can say, which no responder makes.
pub(super) fn push(output: &mut Vec<u8>, response: &[u8]) {
    if let Ok(length @ 1..) = u16::try_from(response.len()) {
        output.reserve(response.len().saturating_add(LENGTH_BYTES));
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(response);
    }
}

/// Appends each message of `sent` with its length, as [`push`] does.
pub(super) fn push_all(output: &mut Vec<u8>, sent: &SentResponse) {
    let bytes = |message: &[u8]| message.len().saturating_add(LENGTH_BYTES);
    output.reserve(sent.messages().map(bytes).fold(0, usize::saturating_add));
    sent.messages().for_each(|message| push(output, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = input.space();
            let count = space.len().min(bytes.len());
            assert!(count > 0, "there is space");
            space[..count].copy_from_slice(&bytes[..count]);
            input.filled(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn queries_come_out_whole_however_the_stream_is_cut() {
        let queries = [vec![1; 12], vec![2; QUERY_LENGTH_MAX], vec![3; 40], vec![4; QUERY_LENGTH_MAX]];
        let mut stream = Vec::new();
        queries.iter().for_each(|query| push(&mut stream, query));
        for piece in [1, 2, 3, 13, 100, INPUT_FIRST_BYTES, 4097] {
            let mut input = Input::default();
            let mut taken = Vec::new();
            for bytes in stream.chunks(piece) {
                receive(&mut input, bytes);
                while let Frame::Query(query) = input.take() {
                    taken.push(query.to_vec());
                }
            }
            assert!(taken == queries, "cut into pieces of {piece} bytes");
        }
    }

    #[test]
    fn there_is_always_space_for_the_rest_of_a_query() {
        let mut input = Input::default();
        let mut stream = Vec::new();
        push(&mut stream, &[7; QUERY_LENGTH_MAX]);
        receive(&mut input, &stream);
        receive(&mut input, &stream[..stream.len() - 1]);
        assert!(matches!(input.take(), Frame::Query(_)));
        assert_eq!(input.take(), Frame::Partial);
        assert!(!input.space().is_empty());
    }

    #[test]
    fn a_length_that_no_query_has_is_malformed() {
        for length in [0_u16, 1, 11, 4097, 65_535] {
            let mut input = Input::default();
            receive(&mut input, &length.to_be_bytes());
            let known = if length < 12 { Frame::Malformed } else { Frame::Partial };
            assert_eq!(input.take(), known, "{length}");
            receive(&mut input, &[7, 7, 0x24]);
            assert_eq!(input.take(), Frame::Malformed, "{length}, of a NOTIFY");
        }
    }

    #[test]
    fn an_update_that_is_longer_than_a_query_comes_out_whole_between_queries() {
        let update = |length: usize, fill: u8| {
            let mut update = vec![fill; length];
            update[2] = 0x28;
            update
        };
        let messages = [
            vec![1; 40],
            update(QUERY_LENGTH_MAX + 1, 2),
            update(65_535, 3),
            update(60, 4),
            update(65_535, 5),
            vec![6; QUERY_LENGTH_MAX],
        ];
        let mut stream = Vec::new();
        messages.iter().for_each(|message| push(&mut stream, message));
        for piece in [1, 5, 100, 4097, INPUT_BYTES] {
            let mut input = Input::default();
            let (mut taken, mut rest) = (Vec::new(), &stream[..]);
            while !rest.is_empty() {
                let count = piece.min(rest.len()).min(input.space().len());
                assert!(count > 0, "there is space");
                receive(&mut input, &rest[..count]);
                rest = &rest[count..];
                loop {
                    match input.take() {
                        Frame::Query(query) => taken.push(query.to_vec()),
                        Frame::Long => input.take_long(),
                        Frame::Partial => break,
                        Frame::Malformed => panic!("malformed"),
                    }
                }
                let held = input.long.as_ref().map_or(0, |long| long.bytes.capacity());
                assert!(held <= 65_535);
            }
            assert!(taken == messages, "cut into pieces of {piece} bytes");
            assert_eq!(input.take(), Frame::Partial);
            assert!(input.long.is_none(), "its room is given back");
        }
    }

    #[test]
    fn a_long_message_that_is_announced_and_does_not_come_takes_no_room() {
        let mut input = Input::default();
        receive(&mut input, &[0xff, 0xff, 7, 7, 0x28, 0]);
        assert_eq!(input.take(), Frame::Long);
        input.take_long();
        assert_eq!(input.take(), Frame::Partial);
        assert!(input.long.as_ref().is_some_and(|long| long.bytes.capacity() < 100));
        assert!(!input.space().is_empty());
    }

    #[test]
    fn a_client_that_sends_little_takes_little_room() {
        let mut input = Input::default();
        let mut stream = Vec::new();
        push(&mut stream, &[7; 40]);
        for _ in 0..100 {
            receive(&mut input, &stream);
            assert!(matches!(input.take(), Frame::Query(_)));
        }
        assert_eq!(input.bytes.capacity(), INPUT_FIRST_BYTES);
        receive(&mut input, &stream.repeat(30));
        assert_eq!(input.bytes.capacity(), INPUT_BYTES);
    }
}
