//! Any bytes as a TCP stream: the same queries come out however it is cut.
//!
//! The first byte of the input is the number of bytes that arrive at a time; the rest is the stream.

use edgedns::transport::{Frame, Input};

/// Lengths at the edges.
pub(crate) const WORDS: &[&[u8]] = &[
    b"\0\0",
    b"\0\x01",
    b"\0\x0b",
    b"\0\x0c",
    b"\0\x0caaaaaaaaaaaa",
    b"\x10\0",
    b"\x10\x01",
    b"\xff\xff",
    b"\xff\xffid\x28",
];

/// Panics unless the property holds.
pub(crate) fn holds(input: &[u8]) {
    let Some((&piece, stream)) = input.split_first() else { return };
    let expected = cut(stream);
    for piece in [usize::from(piece).max(1), stream.len().max(1)] {
        assert_eq!(received(stream, piece), expected, "in pieces of {piece} bytes");
    }
}

/// The queries of a stream, and whether it ends because of a length that no query has.
fn cut(mut stream: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut queries = Vec::new();
    while let Some((length, rest)) = stream.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 12 {
            return (queries, true);
        }
        if length > 4096 {
            // An UPDATE may be longer.
            let Some(flags) = rest.get(2) else { break };
            if flags & 0xf8 != 0x28 {
                return (queries, true);
            }
        }
        let Some((query, rest)) = rest.split_at_checked(length) else { break };
        queries.push(query.to_vec());
        stream = rest;
    }
    (queries, false)
}

/// The same, as a connection receives it.
fn received(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, bool) {
    let mut input = Input::default();
    let mut queries = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let space = input.space();
        assert!(!space.is_empty(), "there is space once all whole queries are taken");
        let count = piece.min(rest.len()).min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        input.filled(count);
        rest = &rest[count..];
        loop {
            match input.take() {
                Frame::Query(query) => queries.push(query.to_vec()),
                Frame::Long => input.take_long(),
                Frame::Partial => break,
                Frame::Malformed => return (queries, true),
            }
        }
    }
    (queries, false)
}
