//! Diagnostics drawn: as rustc does, as one line for a log, as JSON values. And whether colours are wanted.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin as Arrow, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Label, RemarkKind, Severity};
use super::origin::Origin;
use super::sources::Sources;
use super::span::{FileId, Span};

/// How diagnostics, and whatever else is for people, are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// For files and pipes.
    Plain,
    /// For a terminal.
    Coloured,
}

impl Look {
    /// How to draw on a stream, as people have agreed on it for all programs (no-color.org,
    /// bixense.com/clicolors): `NO_COLOR` says no, `CLICOLOR_FORCE` yes, and otherwise colours are for a
    /// terminal that knows them.
    pub fn on(stream: &impl IsTerminal) -> Look {
        Look::chosen(stream, |variable| std::env::var_os(variable).unwrap_or_default())
    }

    fn chosen(stream: &impl IsTerminal, says: impl Fn(&str) -> OsString) -> Look {
        let is_forced = || !matches!(says("CLICOLOR_FORCE").as_encoded_bytes(), b"" | b"0");
        let is_able = || stream.is_terminal() && says("TERM") != "dumb" && says("CLICOLOR") != "0";
        if says("NO_COLOR").is_empty() && (is_forced() || is_able()) { Look::Coloured } else { Look::Plain }
    }
}

/// Longest line drawn whole, in bytes; a longer one is cut around the caret.
const LINE_BYTES_MAX: usize = 240;

/// Lines between two carets that are still one drawing.
const JOINED_LINES_MAX: u32 = 200;

/// The piece of a line that is drawn, and where the carets stand in it.
struct Drawn {
    line: u32,
    /// Offset of the line in its file.
    start: u32,
    text: String,
    carets: Vec<(Range<usize>, String, AnnotationKind)>,
}

impl Sources {
    /// Draws diagnostics, with an empty line between two.
    pub fn render_all<'d>(&self, diagnostics: impl Iterator<Item = &'d Diagnostic>, look: Look) -> String {
        diagnostics.map(|diagnostic| self.render(diagnostic, look)).collect::<Vec<String>>().join("\n\n")
    }

    /// Draws a diagnostic with its lines and carets, over several lines, without a line break at the end.
    pub fn render(&self, diagnostic: &Diagnostic, look: Look) -> String {
        let mut group = Group::with_title(level(diagnostic.severity).primary_title(&*diagnostic.message));
        if let Some(words) = diagnostic.origin().and_then(Origin::in_words) {
            group = group.element(Arrow::path(words));
        }
        for (file, lines) in self.drawn(&diagnostic.labels) {
            for line in lines {
                let mut snippet =
                    Snippet::source(line.text).line_start(line.line as usize).path(self.path(file));
                for (range, text, kind) in line.carets {
                    let caret = kind.span(range);
                    snippet = snippet.annotation(if text.is_empty() { caret } else { caret.label(text) });
                }
                group = group.element(snippet);
            }
        }
        for note in notes(&diagnostic.labels) {
            group = group.element(Level::NOTE.message(note));
        }
        for remark in &diagnostic.remarks {
            let level = match remark.kind {
                RemarkKind::Note => Level::NOTE,
                RemarkKind::Help => Level::HELP,
            };
            group = group.element(level.message(&*remark.text));
        }
        let renderer = match look {
            Look::Plain => Renderer::plain(),
            Look::Coloured => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// A diagnostic in one line, for a log: `lab.zone:14:3: unknown record type "AA"; did you mean "A"?`
    pub fn sentence(&self, diagnostic: &Diagnostic) -> String {
        let mut sentence = String::new();
        if let Some(origin) = diagnostic.origin() {
            sentence.push_str(&format!("{}: ", self.whereabouts(origin)));
        }
        sentence.push_str(&diagnostic.message);
        for remark in &diagnostic.remarks {
            sentence.push_str("; ");
            sentence.push_str(&remark.text);
        }
        sentence
    }

    /// An origin as a person names it: `lab.zone:14:3`, or `records of lab.example. from 192.0.2.1, serial 7`.
    pub fn whereabouts(&self, origin: &Origin) -> String {
        match origin {
            Origin::Text(span) => self.place(*span).to_string(),
            other => other.in_words().unwrap_or_default(),
        }
    }

    /// The lines to draw, grouped by file and sorted; several carets in one line share it. What is in no text has no
    /// line.
    fn drawn(&self, labels: &[Label]) -> Vec<(FileId, Vec<Drawn>)> {
        let mut files: Vec<(FileId, Vec<Drawn>)> = Vec::new();
        let spans =
            labels.iter().enumerate().filter_map(|(index, label)| Some((index, label.origin.span()?, label)));
        for (index, span, label) in spans {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let (start, line) = self.line_of(span);
            let caret = (within(span, start), label.text.clone(), kind);
            let file = files.iter().position(|(file, _)| *file == span.file).unwrap_or_else(|| {
                files.push((span.file, Vec::new()));
                files.len() - 1
            });
            let lines = &mut files[file].1;
            match lines.iter_mut().find(|drawn| drawn.line == line) {
                Some(drawn) => drawn.carets.push(caret),
                None => lines.push(Drawn { line, start, text: String::new(), carets: vec![caret] }),
            }
        }
        let draw = |(file, mut lines): (FileId, Vec<Drawn>)| {
            let bytes = self.shown(file);
            lines.iter_mut().for_each(|drawn| drawn.fill(&bytes));
            (file, self.joined(file, lines))
        };
        files.into_iter().map(draw).collect()
    }

    /// Lines of one file as one drawing, what lies between them folded by the renderer; lines far apart stay
    /// drawings of their own, the fault's first.
    fn joined(&self, file: FileId, mut lines: Vec<Drawn>) -> Vec<Drawn> {
        let numbers = lines.iter().map(|drawn| drawn.line);
        let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else { return lines };
        if lines.len() == 1 || last - first > JOINED_LINES_MAX {
            return lines;
        }
        lines.sort_by_key(|drawn| drawn.line);
        let Some(start) = lines.first().map(|drawn| drawn.start) else { return lines };
        let bytes = self.shown(file);
        let rest = bytes.get(start as usize..).unwrap_or_default();
        let mut whole = Drawn { line: first, start, text: String::new(), carets: Vec::new() };
        let mut annotated = lines.into_iter().peekable();
        for (number, text) in (first..=last).zip(rest.split(|&byte| byte == b'\n')) {
            let at = whole.text.len();
            match annotated.next_if(|drawn| drawn.line == number) {
                Some(drawn) => {
                    whole.text.push_str(&drawn.text);
                    let moved = drawn
                        .carets
                        .into_iter()
                        .map(|(range, text, kind)| (range.start + at..range.end + at, text, kind));
                    whole.carets.extend(moved);
                }
                None => {
                    whole.text.push_str(&String::from_utf8_lossy(&text[..text.len().min(LINE_BYTES_MAX)]))
                }
            }
            whole.text.push('\n');
        }
        vec![whole]
    }
}

impl Drawn {
    /// Takes the text of the line from its file. The carets are where the bytes stand in the line, and then
    /// where the characters do.
    fn fill(&mut self, file: &[u8]) {
        let rest = file.get(self.start as usize..).unwrap_or_default();
        let line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // A very long line (one TXT of a kilobyte) would hide its own caret.
        let first = self.carets.first().map_or(0, |(range, ..)| range.start.min(line.len()));
        let from = if line.len() > LINE_BYTES_MAX { first.saturating_sub(LINE_BYTES_MAX / 3) } else { 0 };
        let line = &line[from..(from + LINE_BYTES_MAX).min(line.len())];
        let clipped = |at: usize| at.saturating_sub(from).min(line.len());
        let mut edges: Vec<usize> =
            self.carets.iter().flat_map(|(range, ..)| [clipped(range.start), clipped(range.end)]).collect();
        edges.push(line.len());
        edges.sort_unstable();
        edges.dedup();
        // A byte that is not UTF-8 becomes a longer replacement character, so the line is put together from
        // what stands between carets.
        let mut places = Vec::with_capacity(edges.len());
        let mut before = 0;
        for edge in edges {
            self.text.push_str(&String::from_utf8_lossy(&line[before..edge]));
            places.push((edge, self.text.len()));
            before = edge;
        }
        let place = |at: usize| places.iter().find(|(edge, _)| *edge == clipped(at)).map_or(0, |(_, to)| *to);
        for (range, ..) in &mut self.carets {
            *range = place(range.start)..place(range.end);
        }
    }
}

/// Where a span is in the line that begins at `line_start`, in bytes.
fn within(span: Span, line_start: u32) -> Range<usize> {
    let from = span.start.saturating_sub(line_start) as usize;
    from..(span.end.saturating_sub(line_start) as usize).max(from)
}

/// What is to be said where there is no line to draw it below. The first label's place is in the arrow already.
fn notes(labels: &[Label]) -> impl Iterator<Item = String> {
    labels.iter().enumerate().filter_map(|(index, label)| {
        let words = label.origin.in_words()?;
        match (index, label.text.is_empty()) {
            (0, true) => None,
            (0, false) => Some(label.text.clone()),
            (_, true) => Some(words),
            (_, false) => Some(format!("{}: {words}", label.text)),
        }
    })
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// What is chosen for a stream when these variables are set.
    fn chosen(stream: &File, set: &[(&str, &str)]) -> Look {
        Look::chosen(stream, |variable| {
            let found = set.iter().find(|(name, _)| *name == variable);
            found.map_or(OsString::new(), |(_, value)| value.into())
        })
    }

    #[test]
    fn colours_are_for_a_terminal_unless_somebody_says_otherwise() {
        // The other end of a terminal is one, too.
        let terminal = File::open("/dev/ptmx").unwrap();
        let file = tempfile::tempfile().unwrap();
        for (set, on_a_terminal, in_a_file) in [
            (&[][..], Look::Coloured, Look::Plain),
            (&[("NO_COLOR", "")], Look::Coloured, Look::Plain),
            (&[("NO_COLOR", "1")], Look::Plain, Look::Plain),
            (&[("TERM", "dumb")], Look::Plain, Look::Plain),
            (&[("CLICOLOR", "0")], Look::Plain, Look::Plain),
            (&[("CLICOLOR_FORCE", "0")], Look::Coloured, Look::Plain),
            (&[("CLICOLOR_FORCE", "1")], Look::Coloured, Look::Coloured),
            (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Look::Plain, Look::Plain),
        ] {
            assert_eq!((chosen(&terminal, set), chosen(&file, set)), (on_a_terminal, in_a_file), "{set:?}");
        }
    }
}
