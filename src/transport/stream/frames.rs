//! Messages in a stream: each after its length in two bytes (RFC 1035, section 4.2.2).
//!
//! Cuts what was received into queries.

/// Longest query taken over a stream, in bytes; as over UDP, a query is small. A client that announces a
/// longer one is not served further.
pub(super) const QUERY_LENGTH_MAX: usize = crate::transport::mmsg::QUERY_LENGTH_MAX;

/// A shorter message cannot be DNS: it has no room for the header.
const QUERY_LENGTH_MIN: usize = 12;

/// Bytes of the length.
const LENGTH_BYTES: usize = 2;

/// What is received ahead of answering, in bytes: the longest query fits at any place, and a hundred usual
/// ones are taken by one system call.
pub(super) const INPUT_BYTES: usize = (LENGTH_BYTES + QUERY_LENGTH_MAX) * 2;

/// What has been received and not been answered yet.
pub struct Input {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'i> {
    /// A whole query.
    Query(&'i [u8]),
    /// Nothing, or the beginning of a query.
    Partial,
    /// A length that no query has: this is not DNS.
    Malformed,
}

impl Default for Input {
    /// Nothing yet.
    fn default() -> Self {
        Self { bytes: vec![0; INPUT_BYTES].into_boxed_slice(), start: 0, end: 0 }
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
    }

    /// Takes the next query, if it is whole.
    pub fn take(&mut self) -> Frame<'_> {
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else {
            return Frame::Partial;
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if !(QUERY_LENGTH_MIN..=QUERY_LENGTH_MAX).contains(&length) {
            return Frame::Malformed;
        }
        let Some(query) = rest.get(..length) else {
            return Frame::Partial;
        };
        self.start = self.start.saturating_add(LENGTH_BYTES).saturating_add(length);
        Frame::Query(query)
    }
}

/// Appends `response` with its length. An empty one, which is none, is left out, and one longer than the
/// length can say, which no responder makes.
pub(super) fn push(output: &mut Vec<u8>, response: &[u8]) {
    if let Ok(length @ 1..) = u16::try_from(response.len()) {
        output.extend_from_slice(&length.to_be_bytes());
        output.extend_from_slice(response);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(input: &mut Input, bytes: &[u8]) {
        input.space()[..bytes.len()].copy_from_slice(bytes);
        input.filled(bytes.len());
    }

    #[test]
    fn queries_come_out_whole_however_the_stream_is_cut() {
        let queries = [vec![1; 12], vec![2; QUERY_LENGTH_MAX], vec![3; 40], vec![4; QUERY_LENGTH_MAX]];
        let mut stream = Vec::new();
        queries.iter().for_each(|query| push(&mut stream, query));
        for piece in [1, 2, 3, 13, 100, 4097] {
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
            assert_eq!(input.take(), Frame::Malformed, "{length}");
        }
    }
}
