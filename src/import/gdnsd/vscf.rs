//! The language of gdnsd's config file: tables, lists and words. Follows `$include{…}`.

use super::super::folders::Folders;
use super::super::word::Word;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// Deepest nesting of tables and lists.
const DEPTH_MAX: usize = 32;

/// Files included in all: one that includes itself would never end.
const INCLUDES_MAX: usize = 100;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Word(Word),
    List(Vec<Value>),
    /// In the order in which they are written.
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Word,
    pub(super) value: Value,
}

impl Value {
    /// An entry of a table.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.entries().iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// The entries of a table; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Value::Table(entries) => entries,
            Value::Word(_) | Value::List(_) => &[],
        }
    }

    /// The word that it is.
    pub(super) fn word(&self) -> Option<&Word> {
        match self {
            Value::Word(word) => Some(word),
            Value::List(_) | Value::Table(_) => None,
        }
    }

    /// The text of the word that it is, or nothing.
    pub(super) fn text(&self) -> &str {
        self.word().map_or("", |word| word.text.as_str())
    }

    /// The words of a list, or the only one.
    pub(super) fn words(&self) -> Vec<&Word> {
        match self {
            Value::Word(word) => vec![word],
            Value::List(items) => items.iter().filter_map(Value::word).collect(),
            Value::Table(_) => Vec::new(),
        }
    }

    /// As the report shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Value::Word(word) => word.text.clone(),
            Value::List(items) => {
                format!("[ {} ]", items.iter().map(Value::shown).collect::<Vec<_>>().join(", "))
            }
            Value::Table(_) => "{ … }".to_owned(),
        }
    }
}

/// Reads a file; none when it has faults, which are pushed.
pub(super) fn read(
    sources: &mut Sources,
    folders: &mut Folders,
    file: FileId,
    found: &mut Diagnostics,
) -> Option<Value> {
    let mut reader = Reader { sources, folders, found, includes: 0 };
    reader.file(file, 0).map(Value::Table)
}

struct Reader<'r> {
    sources: &'r mut Sources,
    folders: &'r mut Folders,
    found: &'r mut Diagnostics,
    includes: usize,
}

impl Reader<'_> {
    /// The entries of a file, which may stand in braces.
    fn file(&mut self, file: FileId, depth: usize) -> Option<Vec<Entry>> {
        let bytes = self.sources.bytes(file);
        let mut lexer = Lexer { file, bytes: &bytes, at: 0 };
        let first = lexer.clone_at_next();
        if let Some((Token::Open, _)) = first {
            lexer.next();
            return self.table(&mut lexer, Some(()), depth + 1);
        }
        self.table(&mut lexer, None, depth)
    }

    fn fault<T>(&mut self, span: Span, message: impl Into<String>) -> Option<T> {
        self.found.push(Diagnostic::error(span, message));
        None
    }

    /// Entries up to the end of the file, or of the braces that were opened.
    fn table(&mut self, lexer: &mut Lexer<'_>, opened: Option<()>, depth: usize) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        loop {
            let Some((token, span)) = lexer.next() else {
                let end = Span::new(lexer.file, offset(lexer.bytes.len()), offset(lexer.bytes.len()));
                return match opened {
                    Some(()) => self.fault(end, "`}` is missing"),
                    None => Some(entries),
                };
            };
            match token {
                Token::Comma => {}
                Token::Close if opened.is_some() => return Some(entries),
                Token::Include(path) => {
                    let more = self.include(&Word { text: path, span }, depth)?;
                    entries.extend(more);
                }
                Token::Word(text) => {
                    let key = Word { text, span };
                    match lexer.next() {
                        Some((Token::Is, _)) => {}
                        _ => return self.fault(key.span, format!("`=>` is missing behind `{}`", key.text)),
                    }
                    let value = self.value(lexer, depth, &key)?;
                    entries.push(Entry { key, value });
                }
                _ => return self.fault(span, "a key is wanted here"),
            }
        }
    }

    fn value(&mut self, lexer: &mut Lexer<'_>, depth: usize, key: &Word) -> Option<Value> {
        if depth > DEPTH_MAX {
            return self.fault(key.span, format!("nested more than {DEPTH_MAX} deep"));
        }
        match lexer.next() {
            Some((Token::Word(text), span)) => Some(Value::Word(Word { text, span })),
            Some((Token::Open, _)) => self.table(lexer, Some(()), depth + 1).map(Value::Table),
            Some((Token::OpenList, _)) => self.list(lexer, depth + 1, key).map(Value::List),
            Some((Token::Include(path), span)) => {
                self.include(&Word { text: path, span }, depth).map(Value::Table)
            }
            Some((_, span)) => self.fault(span, "a value is wanted here"),
            None => self.fault(key.span, format!("`{}` has no value", key.text)),
        }
    }

    fn list(&mut self, lexer: &mut Lexer<'_>, depth: usize, key: &Word) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        loop {
            match lexer.clone_at_next() {
                Some((Token::CloseList, _)) => {
                    lexer.next();
                    return Some(items);
                }
                Some((Token::Comma, _)) => _ = lexer.next(),
                Some(_) => items.push(self.value(lexer, depth, key)?),
                None => return self.fault(key.span, "this list is never closed"),
            }
        }
    }

    fn include(&mut self, path: &Word, depth: usize) -> Option<Vec<Entry>> {
        self.includes += 1;
        if self.includes > INCLUDES_MAX || depth > DEPTH_MAX {
            return self.fault(path.span, "too many files included: does one include itself?");
        }
        let by = self.sources.path(path.span.file).to_owned();
        let place = self.folders.find(path, None, by.as_ref(), self.found);
        match self.sources.read(&place) {
            Ok(file) => self.file(file, depth + 1),
            Err(error) => {
                let help = self.folders.advice(&path.text);
                self.found.push(Diagnostic::error(path.span, error.to_string()).help(help));
                None
            }
        }
    }
}

enum Token {
    Word(String),
    Open,
    Close,
    OpenList,
    CloseList,
    Is,
    Comma,
    Include(String),
}

struct Lexer<'b> {
    file: FileId,
    bytes: &'b [u8],
    at: usize,
}

impl Lexer<'_> {
    /// What comes next, which is not taken.
    fn clone_at_next(&self) -> Option<(Token, Span)> {
        Lexer { file: self.file, bytes: self.bytes, at: self.at }.next()
    }

    fn next(&mut self) -> Option<(Token, Span)> {
        loop {
            match self.bytes.get(self.at)? {
                byte if byte.is_ascii_whitespace() => self.at += 1,
                b'#' => {
                    let rest = self.bytes.get(self.at..)?;
                    self.at += rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        let start = self.at;
        self.at += 1;
        let token = match self.bytes.get(start)? {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b'[' => Token::OpenList,
            b']' => Token::CloseList,
            b',' => Token::Comma,
            b'=' => {
                if self.bytes.get(self.at) == Some(&b'>') {
                    self.at += 1;
                }
                Token::Is
            }
            b'"' => self.quoted(),
            _ => self.bare(start),
        };
        Some((token, Span::new(self.file, offset(start), offset(self.at))))
    }

    fn quoted(&mut self) -> Token {
        let mut text = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    text.extend(self.bytes.get(self.at));
                    self.at += 1;
                }
                byte => text.push(byte),
            }
        }
        self.at = self.at.min(self.bytes.len());
        Token::Word(String::from_utf8_lossy(&text).into_owned())
    }

    fn bare(&mut self, start: usize) -> Token {
        let rest = self.bytes.get(start..).unwrap_or_default();
        if let Some(inside) = rest.strip_prefix(b"$include{") {
            let length = inside.iter().position(|&byte| byte == b'}').unwrap_or(inside.len());
            self.at = (start + b"$include{".len() + length + 1).min(self.bytes.len());
            return Token::Include(String::from_utf8_lossy(&inside[..length]).into_owned());
        }
        let is_end = |byte: &u8| {
            byte.is_ascii_whitespace()
                || matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b'=' | b'#' | b'"')
        };
        let length = rest.iter().position(is_end).unwrap_or(rest.len()).max(1);
        self.at = start + length;
        Token::Word(String::from_utf8_lossy(&rest[..length]).into_owned())
    }
}
