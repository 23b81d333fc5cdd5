//! `name=value` files, as PowerDNS reads them: `pdns.conf` and the old `recursor.conf`.
//!
//! Reads lines, comments and `+=`, and decides which of several values counts.

use super::report::{Fate, Report};
use super::server_setting::{Occurrence, ServerSetting, ServerSettings, Value};
use super::word::{Word, is_secret};
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// Reads a file into `settings`; later values win.
pub(super) fn read(
    sources: &Sources,
    file: FileId,
    settings: &mut ServerSettings,
    report: &mut Report,
    found: &mut Diagnostics,
) {
    let bytes = sources.bytes(file);
    for line in lines(file, &bytes) {
        let Some((name, value, extends)) = line.setting() else { continue };
        let shown = if is_secret(&name.text) && !value.text.is_empty() {
            format!("{}=…", name.text)
        } else {
            line.text.trim().to_owned()
        };
        let span = name.span.to(value.span);
        let occurrences = vec![Occurrence { span, shown }];
        let setting =
            ServerSetting { name: name.text.clone(), span, occurrences, value: Value::Lines(vec![value]) };
        if extends {
            if settings.extend(&setting).is_some() {
                continue;
            }
            let message = format!("`{}+=` has nothing to add to", name.text);
            let help = format!("write `{}=`; PowerDNS does not start with this", name.text);
            found.push(Diagnostic::error(name.span, message).help(help));
        }
        let place = sources.place(setting.span);
        for before in settings.set(setting) {
            let text = format!("given again at {}:{}, which counts", place.path, place.line);
            report.add(before.span, before.shown, Fate::no_effect(text));
        }
    }
}

/// A line without its comment, put together from several where they end with `\`.
struct Line {
    text: String,
    /// From the first byte on.
    span: Span,
}

fn lines(file: FileId, bytes: &[u8]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut start = 0_usize;
    let mut goes_on = false;
    for raw in bytes.split(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(without_comment(raw));
        let trimmed = text.trim_end();
        let (text, more) = match trimmed.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (trimmed, false),
        };
        let end = start + text.len().min(raw.len());
        match lines.last_mut().filter(|_| goes_on) {
            Some(line) => line.text.push_str(text),
            None => {
                lines.push(Line { text: text.to_owned(), span: Span::new(file, offset(start), offset(end)) })
            }
        }
        goes_on = more;
        start += raw.len() + 1;
    }
    lines
}

/// Only the first `#` of a line counts, and only in front or behind a blank.
fn without_comment(line: &[u8]) -> &[u8] {
    match line.iter().position(|&byte| byte == b'#') {
        Some(at) if at == 0 || line[at - 1].is_ascii_whitespace() => &line[..at],
        Some(_) | None => line,
    }
}

impl Line {
    /// Name, value, and whether the value is added to what was given before; none for an empty line.
    fn setting(&self) -> Option<(Word, Word, bool)> {
        let whole = Word { text: self.text.clone(), span: self.span };
        let text = whole.text.trim();
        if text.is_empty() {
            return None;
        }
        let Some((name, value)) = text.split_once('=') else {
            // A name alone says yes.
            let name = whole.part(text);
            let yes = Word { text: "yes".to_owned(), span: name.span };
            return Some((name, yes, false));
        };
        let (name, extends) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        Some((whole.part(name.trim()), whole.part(value.trim()), extends))
    }
}
