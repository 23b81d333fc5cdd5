//! The lines of many places: each text is looked through once.

use std::collections::HashMap;
use std::sync::Arc;

use super::origin::{FileLine, Origin};
use super::sources::Sources;
use super::span::{FileId, offset};

/// Finds the lines of spans into these sources.
pub struct Lines<'s> {
    sources: &'s Sources,
    texts: HashMap<FileId, TextLines>,
}

struct TextLines {
    path: Arc<str>,
    /// Where each line begins.
    starts: Vec<u32>,
}

impl<'s> Lines<'s> {
    /// No line has been looked for.
    pub fn of(sources: &'s Sources) -> Lines<'s> {
        Lines { sources, texts: HashMap::new() }
    }

    /// The same origin for those that outlive the texts: file and line in place of a span.
    pub fn settled(&mut self, origin: &Origin) -> Origin {
        let Origin::Text(span) = origin else { return origin.clone() };
        let TextLines { path, starts } =
            self.texts.entry(span.file).or_insert_with(|| TextLines::of(self.sources, span.file));
        let line = offset(starts.partition_point(|start| *start <= span.start));
        Origin::Line(FileLine { path: Arc::clone(path), line })
    }
}

impl TextLines {
    fn of(sources: &Sources, file: FileId) -> TextLines {
        let text = sources.bytes(file);
        let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| offset(at + 1)));
        TextLines { path: sources.path(file).into(), starts: starts.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn a_place_has_the_line_that_a_diagnostic_shows() {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", b"one\ntwo\r\n\nfour".to_vec());
        let mut lines = Lines::of(&sources);
        for at in 0..15 {
            let span = Span::new(file, at, at);
            let line = sources.place(span).line;
            let settled = Origin::Line(FileLine { path: "lab.zone".into(), line });
            assert_eq!(lines.settled(&span.into()), settled, "{at}");
            assert_eq!(lines.settled(&settled), settled);
        }
    }
}
