//! Files of the form of `/etc/hosts`: an address, and the names it has.

use std::net::IpAddr;

use super::word::Word;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// One line: an address and its names, the first of which is the one that the address has.
#[derive(Clone, Debug)]
pub(super) struct HostsLine {
    pub(super) address: IpAddr,
    pub(super) names: Vec<Word>,
}

/// The lines of a file. What is no address is pushed to `found`.
pub(super) fn read(sources: &Sources, file: FileId, found: &mut Diagnostics) -> Vec<HostsLine> {
    let bytes = sources.bytes(file);
    let mut lines = Vec::new();
    let mut start = 0_usize;
    for raw in bytes.split(|&byte| byte == b'\n') {
        lines.extend(line(words(file, start, raw), found));
        start += raw.len() + 1;
    }
    lines
}

/// What the words of one line mean; none for an empty line, or one without an address.
pub(super) fn line(words: Vec<Word>, found: &mut Diagnostics) -> Option<HostsLine> {
    let mut words = words.into_iter();
    let address = words.next()?;
    match address.text.parse() {
        Ok(address) => Some(HostsLine { address, names: words.collect() }),
        Err(_) => {
            let message = format!("`{}` is not an address", address.text);
            found.push(Diagnostic::warning(address.span, message).help("the line is left out"));
            None
        }
    }
}

/// The words of a line, those behind `#` left out.
fn words(file: FileId, start: usize, line: &[u8]) -> Vec<Word> {
    let said = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    let mut words = Vec::new();
    let mut at = start;
    for piece in said.split(u8::is_ascii_whitespace) {
        if !piece.is_empty() {
            let span = Span::new(file, offset(at), offset(at + piece.len()));
            words.push(Word { text: String::from_utf8_lossy(piece).into_owned(), span });
        }
        at += piece.len() + 1;
    }
    words
}
