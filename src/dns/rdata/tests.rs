//! RDATA as zone text writes it and as messages carry it.

use super::table::TYPES;
use super::*;
use crate::dns::Name;
use crate::dns::compression::names_within;
use crate::source::{FileId, Look, Sources};

mod faults;
mod forms;
mod oracle;
mod random;
mod warnings;

/// One line of zone text behind the type, cut into words as the zone reader does.
struct Line {
    sources: Sources,
    file: FileId,
    text: Vec<u8>,
}

impl Line {
    fn new(text: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        Self { sources, file, text: text.as_bytes().to_vec() }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, u32::try_from(start).unwrap(), u32::try_from(end).unwrap())
    }

    fn tokens(&self) -> Vec<Token<'_>> {
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < self.text.len() {
            let start = at;
            let quoted = self.text[at] == b'"';
            if self.text[at] == b' ' {
                at += 1;
                continue;
            }
            let mut within = quoted;
            at += usize::from(quoted);
            while let Some(&byte) = self.text.get(at) {
                match byte {
                    b'\\' => at += 1,
                    b'"' if quoted => break,
                    b'"' => within = !within,
                    b' ' if !within => break,
                    _ => {}
                }
                at += 1;
            }
            at = at.min(self.text.len());
            let inner = start + usize::from(quoted);
            tokens.push(Token {
                text: &self.text[inner..at],
                quoted,
                span: self.span(start, at + usize::from(quoted)),
            });
            at += usize::from(quoted);
        }
        tokens
    }

    fn read(&self, rtype: Rtype, found: &mut Diagnostics) -> Result<Vec<u8>, Diagnostic> {
        let origin: Name = "example.org.".parse().unwrap();
        let end = self.span(self.text.len(), self.text.len());
        let mut out = b"before".to_vec();
        let read = parse(rtype, &self.tokens(), origin.as_ref(), end, &mut out, found);
        assert!(out.starts_with(b"before"), "earlier bytes are kept");
        match read {
            Ok(()) => Ok(out.split_off(6)),
            Err(fault) => {
                assert_eq!(out, b"before", "a fault leaves nothing behind");
                Err(fault)
            }
        }
    }
}

fn rtype(mnemonic: &str) -> Rtype {
    Rtype::parse(mnemonic.as_bytes()).unwrap()
}

/// The wire form of some text, which must be sound.
fn wire(mnemonic: &str, text: &str) -> Vec<u8> {
    let line = Line::new(text);
    line.read(rtype(mnemonic), &mut Diagnostics::default())
        .unwrap_or_else(|fault| panic!("{mnemonic} {text}\n{}", line.sources.render(&fault, Look::Plain)))
}

fn written(rtype: Rtype, rdata: &[u8]) -> String {
    let mut text = String::new();
    write(rtype, rdata, &mut text);
    text
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    encoding::HEX.encode(bytes, &mut text);
    text.to_lowercase()
}

#[test]
fn every_type_whose_names_may_be_compressed_is_one_that_is_decompressed() {
    let compressed = TYPES.iter().filter(|entry| {
        entry.fields.iter().any(|field| matches!(field.kind, FieldKind::Name(Compression::Allowed, _)))
    });
    for entry in compressed {
        assert!(names_within(entry.rtype).is_some(), "{}", entry.mnemonic);
    }
}
