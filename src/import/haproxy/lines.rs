//! The grammar of `haproxy.cfg`: lines of words, in sections.

use super::super::word::Word;
use crate::probe::Header;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// Words that begin a section (the manual of HAProxy 2.6 to 3.2).
const SECTIONS: &[&str] = &[
    "acme",
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "http-errors",
    "listen",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
];

/// A line of words.
#[derive(Clone, Debug)]
pub(super) struct ConfigLine {
    /// Never empty.
    pub(super) words: Vec<Word>,
    pub(super) span: Span,
    /// As the report shows it.
    pub(super) shown: String,
}

/// A section: its own line, and those below it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) head: ConfigLine,
    pub(super) lines: Vec<ConfigLine>,
}

impl ConfigLine {
    /// The word at a place, or an empty text.
    pub(super) fn text(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |word| word.text.as_str())
    }

    /// Whether it begins with these words.
    pub(super) fn begins(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(place, word)| self.text(place) == *word)
    }

    /// What is behind a word that stands somewhere in it.
    pub(super) fn behind(&self, name: &str) -> Option<&Word> {
        let at = self.words.iter().position(|word| word.text == name)?;
        self.words.get(at + 1)
    }
}

impl Section {
    pub(super) fn kind(&self) -> &str {
        self.head.text(0)
    }

    /// Whether it is off.
    pub(super) fn is_off(&self) -> bool {
        self.lines.iter().any(|line| line.words.len() == 1 && line.text(0) == "disabled")
    }

    /// What it is called; nothing where it has no name.
    pub(super) fn name(&self) -> &str {
        match self.head.text(1) {
            "from" => "",
            name => name,
        }
    }
}

/// The sections of a file.
pub(super) fn read(sources: &Sources, file: FileId, found: &mut Diagnostics) -> Vec<Section> {
    let bytes = sources.bytes(file);
    let mut sections: Vec<Section> = Vec::new();
    let mut start = 0_usize;
    for raw in bytes.split(|&byte| byte == b'\n') {
        let line = line(file, start, raw, found);
        start += raw.len() + 1;
        let Some(line) = line else { continue };
        if SECTIONS.contains(&line.text(0)) {
            sections.push(Section { head: line, lines: Vec::new() });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        } else {
            found.push(Diagnostic::error(line.span, "a line in front of all sections"));
        }
    }
    sections
}

/// The words of a line; none for an empty one.
fn line(file: FileId, start: usize, raw: &[u8], found: &mut Diagnostics) -> Option<ConfigLine> {
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        match byte {
            b'#' => break,
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let begin = at;
                let (text, end) = word(raw, begin);
                at = end;
                let span = Span::new(file, offset(start + begin), offset(start + end));
                if text.contains('\0') {
                    let message = "a variable of the environment, which is not known here";
                    found.push(
                        Diagnostic::error(span, message).help("write what it stands for, and import again"),
                    );
                }
                words.push(Word { text: text.replace('\0', "$"), span });
            }
        }
    }
    let span = words.first()?.span.to(words.last()?.span);
    let shown = shown(&words);
    Some(ConfigLine { words, span, shown })
}

/// As the report shows a line: what proves who asks is left out.
fn shown(words: &[Word]) -> String {
    let text = |place: usize| words.get(place).map_or("", |word| word.text.as_str());
    let is_secret = |place: usize| {
        let before = |by: usize| place.checked_sub(by).map_or("", text);
        match before(1) {
            "auth" | "password" | "insecure-password" | "body" => true,
            name if matches!(before(2), "hdr" | "set-header" | "add-header") => Header::proves_client(name),
            // `http-check send` has names for what it sends.
            word => text(0) == "tcp-check" && word.starts_with("send"),
        }
    };
    let shown = |place: usize| {
        let word = text(place);
        // Arguments of a path, and headers that are written behind a version.
        let end = word.find(['\r', '\n']).or_else(|| word.starts_with('/').then(|| word.find('?')).flatten());
        match end {
            _ if is_secret(place) => "…".to_owned(),
            Some(end) => format!("{}…", word.get(..end).unwrap_or_default()),
            None => word.to_owned(),
        }
    };
    (0..words.len()).map(shown).collect::<Vec<_>>().join(" ")
}

/// A word and where it ends: quotes and `\` as HAProxy reads them ("Quoting and escaping"). A variable is
/// marked by a zero byte.
fn word(raw: &[u8], begin: usize) -> (String, usize) {
    let mut text = Vec::new();
    let mut quote = None;
    let mut at = begin;
    while let Some(&byte) = raw.get(at) {
        match (quote, byte) {
            (None, b'#') => break,
            (None, byte) if byte.is_ascii_whitespace() => break,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (Some(b'"'), b'$') => text.push(0),
            (None | Some(b'"'), b'\\') => {
                let (meant, length) = escaped(raw.get(at + 1..).unwrap_or_default(), quote);
                text.push(meant);
                at += length;
            }
            (_, byte) => text.push(byte),
        }
        at += 1;
    }
    (String::from_utf8_lossy(&text).into_owned(), at)
}

/// What a `\` means in front of these bytes, and how many of them go with it. It stays where it means nothing, as in
/// patterns.
fn escaped(behind: &[u8], quote: Option<u8>) -> (u8, usize) {
    match behind {
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'x', high, low, ..] => {
            let digits = [*high, *low].map(|digit| char::from(digit).to_digit(16));
            match digits.map(|digit| digit.and_then(|digit| u8::try_from(digit).ok())) {
                [Some(high), Some(low)] => (high << 4 | low, 3),
                _ => (b'\\', 0),
            }
        }
        [b'$', ..] if quote.is_some() => (b'$', 1),
        [meant @ (b' ' | b'#' | b'\\' | b'\'' | b'"'), ..] => (*meant, 1),
        _ => (b'\\', 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_they_mean_in_haproxy() {
        // As HAProxy 2.6 sent them.
        for (written, meant) in [
            ("PING\\r\\n", "PING\r\n".to_owned()),
            ("\"PING\\r\\n\\+\\.\"", "PING\r\n\\+\\.".to_owned()),
            ("'PING\\r\\n\\+\\.'", "PING\\r\\n\\+\\.".to_owned()),
            ("PI\\+\\.\\d\\x41\\\"\\'\\$\\ \\#", "PI\\+\\.\\dA\"'\\$ #".to_owned()),
            ("\"a\\$b\\\"c\\'\\$d\\x42\"", "a$b\"c'$dB".to_owned()),
        ] {
            assert_eq!(word(written.as_bytes(), 0), (meant, written.len()), "{written}");
        }
    }

    #[test]
    fn what_proves_who_asks_is_not_shown() {
        for (written, shown) in [
            (
                "http-check send meth GET hdr Authorization \"Basic YTpi\" hdr X-Check yes",
                "http-check send meth GET hdr Authorization … hdr X-Check yes",
            ),
            ("tcp-check send AUTH\\ secret\\r\\n comment login", "tcp-check send … comment login"),
            ("tcp-check send-binary 50494e47", "tcp-check send-binary …"),
            ("http-check send uri /h?token=secret body pw=secret", "http-check send uri /h… body …"),
            ("option httpchk GET /h HTTP/1.1\\r\\nCookie:\\ secret", "option httpchk GET /h HTTP/1.1…"),
            ("http-request set-header X-Token secret", "http-request set-header X-Token …"),
            ("stats auth admin:secret", "stats auth …"),
            ("user ops insecure-password secret groups all", "user ops insecure-password … groups all"),
            ("server a 192.0.2.1:443 check", "server a 192.0.2.1:443 check"),
        ] {
            let file = Sources::default().add("haproxy.cfg", written.as_bytes().to_vec());
            let read = line(file, 0, written.as_bytes(), &mut Diagnostics::default());
            assert_eq!(read.unwrap().shown, shown);
        }
    }
}
