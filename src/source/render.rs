//! Diagnostics drawn: as rustc does, as one line for a log, as JSON values.
//!
//! Responsible for the look. Not responsible for the words.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, FileId, Label, Place, RemarkKind, Severity, Sources};

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// For files and pipes.
    Plain,
    /// For a terminal.
    Coloured,
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
    /// Draws a diagnostic with its lines and carets, over several lines,
    /// without a line break at the end.
    pub fn render(&self, diagnostic: &Diagnostic, look: Look) -> String {
        let mut group = Group::with_title(level(diagnostic.severity).primary_title(&*diagnostic.message));
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

    /// A diagnostic in one line, for a log: `lab.zone:14:3: unknown record
    /// type "AA"; did you mean "A"?`
    pub fn sentence(&self, diagnostic: &Diagnostic) -> String {
        let mut sentence = String::new();
        if let Some(place) = self.place_of(diagnostic) {
            sentence.push_str(&format!("{place}: "));
        }
        sentence.push_str(&diagnostic.message);
        for remark in &diagnostic.remarks {
            sentence.push_str("; ");
            sentence.push_str(&remark.text);
        }
        sentence
    }

    /// The place of a diagnostic as a person names it, if it has one.
    pub fn place_of(&self, diagnostic: &Diagnostic) -> Option<Place> {
        diagnostic.span().map(|span| self.place(span))
    }

    /// The lines to draw, grouped by file and sorted; several carets in one
    /// line share it.
    fn drawn(&self, labels: &[Label]) -> Vec<(FileId, Vec<Drawn>)> {
        let mut files: Vec<(FileId, Vec<Drawn>)> = Vec::new();
        for (index, label) in labels.iter().enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let (start, line) = self.line_of(label.span);
            let lines = match files.iter_mut().find(|(file, _)| *file == label.span.file) {
                Some((_, lines)) => lines,
                None => {
                    files.push((label.span.file, Vec::new()));
                    &mut files.last_mut().expect("just pushed").1
                }
            };
            let whole = lines.iter_mut().find(|drawn| drawn.line == line);
            if let Some(drawn) = whole {
                let range = self.caret(label, start, drawn.text.len());
                drawn.carets.push((range, label.text.clone(), kind));
                continue;
            }
            lines.push(self.draw(label, start, line, kind));
        }
        files.into_iter().map(|(file, lines)| (file, self.joined(file, lines))).collect()
    }

    /// Lines of one file as one drawing, what lies between them folded by the
    /// renderer; lines far apart stay drawings of their own, the fault's first.
    fn joined(&self, file: FileId, mut lines: Vec<Drawn>) -> Vec<Drawn> {
        let numbers = lines.iter().map(|drawn| drawn.line);
        let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else { return lines };
        if lines.len() == 1 || last - first > JOINED_LINES_MAX {
            return lines;
        }
        lines.sort_by_key(|drawn| drawn.line);
        let Some(start) = lines.first().map(|drawn| drawn.start) else { return lines };
        let bytes = self.bytes(file);
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

    fn draw(&self, label: &Label, start: u32, line: u32, kind: AnnotationKind) -> Drawn {
        let bytes = self.bytes(label.span.file);
        let rest = bytes.get(start as usize..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let text = rest.get(..end).unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let caret = self.caret(label, start, text.len());
        // A very long line (one TXT of a kilobyte) would hide its own caret.
        let (text, caret) = if text.len() > LINE_BYTES_MAX {
            let from = caret.start.saturating_sub(LINE_BYTES_MAX / 3);
            let to = (from + LINE_BYTES_MAX).min(text.len());
            (&text[from..to], caret.start - from..caret.end.min(to) - from)
        } else {
            (text, caret)
        };
        let (text, caret) = lossy(text, &caret);
        Drawn { line, start, text, carets: vec![(caret, label.text.clone(), kind)] }
    }

    /// Where in its line a label's caret stands, in bytes, within the line.
    fn caret(&self, label: &Label, line_start: u32, line_bytes: usize) -> Range<usize> {
        let from = (label.span.start.saturating_sub(line_start) as usize).min(line_bytes);
        let to = (label.span.end.saturating_sub(line_start) as usize).clamp(from, line_bytes);
        from..to
    }
}

/// The text as characters, and the caret moved along where a byte that is not
/// UTF-8 became a longer replacement character.
fn lossy(text: &[u8], caret: &Range<usize>) -> (String, Range<usize>) {
    let before = String::from_utf8_lossy(&text[..caret.start]);
    let under = String::from_utf8_lossy(&text[caret.clone()]);
    let range = before.len()..before.len() + under.len();
    let after = String::from_utf8_lossy(&text[caret.end..]);
    (format!("{before}{under}{after}"), range)
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}
