//! Any bytes as the code of a LUA record: every fault can be drawn, and lies within the code.
//!
//! A byte 0 of the input ends a chunk and begins the next.

use edgedns::lua::{Chunk, Code, parse};
use edgedns::source::{Diagnostics, Sources, Span};

use super::zone_text;

/// Words of the language and of PowerDNS.
pub(crate) const WORDS: &[&[u8]] = &[
    b"ifportup(443, {'192.0.2.1', '192.0.2.2'})",
    b"ifurlup('https://x/', {{'192.0.2.1'}})",
    b"pickrandom(",
    b"{selector='random'}",
    b"backupSelector=",
    b"interval=5",
    b"return ",
    b";",
    b"if ",
    b" then ",
    b" end",
    b"local x = ",
    b"[[",
    b"]]",
    b"[==[",
    b"--",
    b"--[[",
    b"'",
    b"\\\"",
    b"\\",
    b"0x1F",
    b"1e400",
    b"-",
    b"..",
    b"((((((((((((((((((((((",
    b"{{{{{{{{{{{{{{{{{{{{{{{",
    b"\0",
    b"2001:db8::1",
];

/// A zone in which one record is missing.
const ZONE: &str = "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\n";

/// Panics unless the property holds.
pub(crate) fn holds(text: &[u8]) {
    let quoted: Vec<Vec<u8>> =
        text.split(|byte| *byte == 0).map(|chunk| [b"\"", chunk, b"\""].concat()).collect();
    let source = quoted.join(&b' ');
    let mut sources = Sources::default();
    let file = sources.add("example.zone", source.clone());
    let span = |from: usize, length: usize| {
        let offset = |at| u32::try_from(at).expect("a short input");
        Span::new(file, offset(from), offset(from + length))
    };
    let mut from = 0;
    let chunks: Vec<Chunk<'_>> = quoted
        .iter()
        .map(|chunk| {
            let one = Chunk { text: &chunk[1..chunk.len() - 1], span: span(from, chunk.len()), quoted: true };
            from += chunk.len() + 1;
            one
        })
        .collect();
    let code = Code::join(&chunks);
    let mut found = Diagnostics::default();
    let read = parse(&code, span(0, source.len()), &mut found);
    assert!(read.is_some() || found.errors() > 0, "what is not read has a fault");
    for place in found.iter().filter_map(|one| one.span()) {
        assert!(place.start <= place.end && place.end as usize <= source.len(), "{place:?} lies in the code");
    }
    zone_text::draw(&sources, &found);
    zone_text::holds(&[ZONE.as_bytes(), b"api 60 LUA A ", &source, b"\n"].concat());
}
