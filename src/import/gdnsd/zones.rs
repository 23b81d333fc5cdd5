//! Zone files with DYNA and DYNC records, as files that any server reads.

use super::super::word::Word;
use crate::dns::{Name, NameRef};
use crate::source::{FileId, Span, offset};

/// A record whose data a plugin answers.
#[derive(Clone, Debug)]
pub(super) struct Dynamic {
    /// `DYNA` or `DYNC`, and what is behind it.
    pub(super) word: Word,
    pub(super) owner: Name,
    /// `PLUGIN!RESOURCE`.
    pub(super) resource: String,
    /// In seconds; none: that of `$TTL`.
    pub(super) ttl: Option<u32>,
    /// The least that it may be, in seconds, if that is said.
    pub(super) ttl_min: Option<u32>,
}

/// A piece of a zone file.
#[derive(Debug)]
pub(super) enum Piece {
    /// As it stands.
    Text(String),
    /// Takes the place of a line; the default TTL there.
    Dynamic(Dynamic, u32),
}

/// Parts a zone file into lines that stay and records that do not. `ttl` is the default TTL at its begin.
pub(super) fn pieces(file: FileId, bytes: &[u8], apex: &Name, ttl: u32) -> Vec<Piece> {
    let mut origin = apex.clone();
    let mut owner: Option<Name> = None;
    let mut usual = ttl;
    let mut pieces = Vec::new();
    let mut start = 0_usize;
    let mut depth = 0_usize;
    for raw in bytes.split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(raw).into_owned();
        let words = words(file, start, raw);
        let is_continued = depth > 0;
        let is_indented = raw.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        depth = open_after(raw, depth);
        start += raw.len();
        let mut rest = words.as_slice();
        if is_continued || rest.is_empty() {
            pieces.push(Piece::Text(special(&text, apex)));
            continue;
        }
        let first = rest.first().map_or("", |word| word.text.as_str());
        if first.starts_with('$') {
            let value = rest.get(1).map_or("", |word| word.text.as_str());
            match first.to_ascii_uppercase().as_str() {
                "$TTL" => usual = seconds(value).unwrap_or(usual),
                "$ORIGIN" => origin = name(value, &origin, apex).unwrap_or(origin),
                _ => {}
            }
            pieces.push(Piece::Text(special(&text, apex)));
            continue;
        }
        if !is_indented {
            owner = name(first, &origin, apex);
            rest = rest.get(1..).unwrap_or_default();
        }
        match (dynamic(rest), &owner) {
            (Some((word, resource, ttl, ttl_min)), Some(owner)) => {
                let owner = owner.clone();
                pieces.push(Piece::Dynamic(Dynamic { word, owner, resource, ttl, ttl_min }, usual));
            }
            // A line above it may go.
            (_, Some(owner)) if is_indented => {
                pieces.push(Piece::Text(format!("{owner}{}", special(&text, apex))));
            }
            _ => pieces.push(Piece::Text(special(&text, apex))),
        }
    }
    pieces
}

/// `600/30 DYNA multifo!web`: what it names, and its TTLs.
fn dynamic(words: &[Word]) -> Option<(Word, String, Option<u32>, Option<u32>)> {
    let place =
        words.iter().position(|word| matches!(word.text.to_ascii_uppercase().as_str(), "DYNA" | "DYNC"))?;
    let (before, behind) = words.split_at_checked(place)?;
    let [word, resource, ..] = behind else { return None };
    let mut ttls = (None, None);
    for word in before.iter().filter(|word| !word.text.eq_ignore_ascii_case("IN")) {
        let (most, least) = match word.text.split_once('/') {
            Some((most, least)) => (most, seconds(least)),
            None => (word.text.as_str(), None),
        };
        ttls = (Some(seconds(most)?), least);
    }
    let whole = Word { text: format!("{} {}", word.text, resource.text), span: word.span.to(resource.span) };
    Some((whole, resource.text.clone(), ttls.0, ttls.1))
}

/// A time: `600`, `30M`.
fn seconds(text: &str) -> Option<u32> {
    let (digits, unit) = match text.char_indices().last()? {
        (_, last) if last.is_ascii_digit() => (text, 1),
        (at, last) => {
            let unit = match last.to_ascii_lowercase() {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return None,
            };
            (text.get(..at)?, unit)
        }
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

/// A name as gdnsd reads it: `@Z` and `@F` are the zone.
fn name(text: &str, origin: &Name, apex: &Name) -> Option<Name> {
    Name::parse(special(text, apex).as_bytes(), origin.as_ref()).ok()
}

/// The text with `@Z` and `@F` written out, where they end a word.
fn special(text: &str, apex: &Name) -> String {
    if !text.contains("@Z") && !text.contains("@F") {
        return text.to_owned();
    }
    let mut written = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("@Z").into_iter().chain(rest.find("@F")).min() {
        let (before, behind) = rest.split_at(at);
        let begins = before.is_empty() || before.ends_with([' ', '\t', '.', '(']);
        let ends = behind
            .get(2..)
            .is_none_or(|next| next.is_empty() || next.starts_with([' ', '\t', '\r', '\n', ')', ';']));
        written.push_str(before);
        if begins && ends {
            written.push_str(&apex.to_string());
        } else {
            written.push_str(behind.get(..2).unwrap_or_default());
        }
        rest = behind.get(2..).unwrap_or_default();
    }
    written.push_str(rest);
    written
}

/// The words of a line without its comment; a quoted text is one.
fn words(file: FileId, start: usize, line: &[u8]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b';' => break,
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let begin = at;
                let mut quoted = false;
                while let Some(&byte) = line.get(at) {
                    match byte {
                        b'\\' => at += 1,
                        b'"' => quoted = !quoted,
                        b';' if !quoted => break,
                        byte if byte.is_ascii_whitespace() && !quoted => break,
                        _ => {}
                    }
                    at += 1;
                }
                at = at.min(line.len());
                let text = String::from_utf8_lossy(line.get(begin..at).unwrap_or_default()).into_owned();
                let span = Span::new(file, offset(start + begin), offset(start + at));
                words.push(Word { text, span });
            }
        }
    }
    words
}

/// How many parentheses are open behind a line.
fn open_after(line: &[u8], mut depth: usize) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for &byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => break,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    depth
}

/// The apex that a zone file is of: it is called so, with `@` in place of `/`.
pub(super) fn apex_of(file: &str) -> Option<Name> {
    let text = if file == "ROOT_ZONE" { ".".to_owned() } else { file.replace('@', "/") };
    Name::parse(text.as_bytes(), NameRef::ROOT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn read(text: &str) -> Vec<Piece> {
        let mut sources = Sources::default();
        let file = sources.add("zone", text.as_bytes().to_vec());
        pieces(file, text.as_bytes(), &"lab.test".parse().expect("a name"), 86_400)
    }

    #[test]
    fn records_of_plugins_are_found_with_their_owners_and_times() {
        let found = read(
            "@ SOA ns h (\n 1 2 3 4 5 )\n$TTL 300\nwww 600/30 DYNA multifo!web ; comment\n  DYNC weighted!x\n$ORIGIN sub\n\
             a.@Z 5M IN DYNA simplefo!a\nb TXT \"DYNA multifo!no\"\n",
        );
        let dynamic = |piece: &Piece| match piece {
            Piece::Dynamic(it, usual) => {
                Some(format!("{} {} {:?} {:?} {usual}", it.owner, it.resource, it.ttl, it.ttl_min))
            }
            Piece::Text(_) => None,
        };
        assert_eq!(
            found.iter().filter_map(dynamic).collect::<Vec<_>>(),
            [
                "www.lab.test. multifo!web Some(600) Some(30) 300",
                "www.lab.test. weighted!x None None 300",
                "a.lab.test. simplefo!a Some(300) None 300"
            ]
        );
    }

    #[test]
    fn names_of_the_zone_are_written_out_where_a_word_ends() {
        let apex = "lab.test".parse().expect("a name");
        assert_eq!(special("a CNAME b.@Z\n", &apex), "a CNAME b.lab.test.\n");
        assert_eq!(special("a TXT \"x@Zed\"", &apex), "a TXT \"x@Zed\"");
    }
}
