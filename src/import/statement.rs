//! The grammar of `named.conf`, of which PowerDNS's `bind.conf` is a part: words, quoted words and blocks,
//! each statement ended by a semicolon. Follows `include`, and reports every fault of syntax with its place.

use std::path::PathBuf;

use super::folders::Folders;
use super::word::Word;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// Deepest nesting of blocks; `named` itself needs five.
const DEPTH_MAX: usize = 32;

/// Deepest nesting of `include`, as in PowerDNS.
const INCLUDE_DEPTH_MAX: usize = 10;

/// Files included in all: two files that include each other twice would otherwise grow as powers of two.
const INCLUDES_MAX: usize = 1000;

/// What begins a statement of a file: behind `}` it means that a semicolon is missing.
const STATEMENTS: &[&str] = &[
    "acl",
    "controls",
    "http",
    "include",
    "key",
    "logging",
    "masters",
    "options",
    "primaries",
    "server",
    "statistics-channels",
    "tls",
    "trust-anchors",
    "view",
    "zone",
];

/// The beginning of a statement that keeps clients out: inside of another one it means that a semicolon is
/// missing, and must not be lost.
const RESTRICTING: &[&str] = &[
    "allow-query",
    "allow-query-cache",
    "allow-query-cache-on",
    "allow-query-on",
    "allow-recursion",
    "allow-recursion-on",
    "blackhole",
    "listen-on",
    "listen-on-v6",
    "match-clients",
    "match-destinations",
    "match-recursive-only",
    "recursion",
];

/// One statement: its words and blocks up to the semicolon.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) parts: Vec<Part>,
    pub(super) span: Span,
}

/// A piece of a statement.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Word(Word),
    /// What is between braces.
    Block(Vec<Statement>),
}

impl Statement {
    /// Its first word, by which it is known: case does not matter.
    pub(super) fn keyword(&self) -> String {
        self.word(0).map(|word| word.text.to_ascii_lowercase()).unwrap_or_default()
    }

    /// Its word at a place; none for a block.
    pub(super) fn word(&self, place: usize) -> Option<&Word> {
        match self.parts.get(place) {
            Some(Part::Word(word)) => Some(word),
            Some(Part::Block(_)) | None => None,
        }
    }

    /// Its words behind the first.
    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        (1..self.parts.len()).filter_map(|place| self.word(place))
    }

    /// What its first block holds; nothing where it has none.
    pub(super) fn block(&self) -> &[Statement] {
        self.list().unwrap_or_default()
    }

    /// What its first block holds; none where it has none.
    pub(super) fn list(&self) -> Option<&[Statement]> {
        self.parts.iter().find_map(|part| match part {
            Part::Block(statements) => Some(statements.as_slice()),
            Part::Word(_) => None,
        })
    }

    /// As the report shows it: its words, and `{ … }` for a block with more than fits.
    pub(super) fn shown(&self) -> String {
        let shown = |part: &Part| match part {
            Part::Word(word) => word.text.clone(),
            Part::Block(inner) if inner.len() > 4 || inner.iter().any(|one| one.parts.len() > 2) => {
                "{ … }".to_owned()
            }
            Part::Block(inner) => {
                let inner: Vec<String> = inner.iter().map(|one| format!("{};", one.shown())).collect();
                format!("{{ {} }}", inner.join(" "))
            }
        };
        let parts: Vec<String> = match self.keyword().as_str() {
            // Nobody's business.
            "secret" | "cookie-secret" => vec![self.keyword(), "…".to_owned()],
            _ => self.parts.iter().map(shown).collect(),
        };
        parts.join(" ")
    }
}

/// What a file says, with all that it includes.
#[derive(Clone, Debug, Default)]
pub(super) struct Parsed {
    pub(super) statements: Vec<Statement>,
    /// Faults of syntax: words after one may have been taken for a part of another statement, or are lost.
    pub(super) faults: usize,
    /// The `include` statements whose files could not be read.
    missing: Vec<Span>,
}

impl Parsed {
    /// What is to be said of an `include`; none where its statements are here.
    pub(super) fn missing(&self, include: &Statement) -> Option<Missing> {
        if !self.missing.contains(&include.span) {
            return None;
        }
        let path = include.word(1).map_or("", |word| word.text.as_str());
        let stock = STOCK.iter().find(|(known, _)| *known == path);
        Some(stock.map_or(Missing::Unknown, |(_, what)| Missing::Stock(what)))
    }

    /// Whether one of these statements is an `include` whose content is unknown.
    pub(super) fn lacks_some_of(&self, statements: &[Statement]) -> bool {
        let mut includes = statements.iter().filter(|statement| statement.keyword() == "include");
        includes.any(|include| matches!(self.missing(include), Some(Missing::Unknown)))
    }
}

/// A file that an `include` names and that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It comes with the system, and this is in it.
    Stock(&'static str),
    /// Anything may be in it.
    Unknown,
}

/// Files that come with the system, and what is in them.
const STOCK: &[(&str, &str)] = &[
    ("/etc/crypto-policies/back-ends/bind.config", "algorithms of DNSSEC, and nothing is validated here"),
    ("/etc/named.rfc1912.zones", "the zones of `localhost`, which hosts know from /etc/hosts"),
    ("/etc/named.root.key", "the key of the root zone, and nothing is validated here"),
    ("/etc/rndc.key", "the key of `rndc`; `edgedns` talks to the running server over [admin] socket"),
    ("/etc/bind/bind.keys", "the key of the root zone, and nothing is validated here"),
    ("/etc/bind/named.conf.default-zones", "the zones of `localhost`, which hosts know from /etc/hosts"),
    ("/etc/bind/rndc.key", "the key of `rndc`; `edgedns` talks to the running server over [admin] socket"),
];

/// Reads a file and all that it includes.
pub(super) fn read(
    sources: &mut Sources,
    file: FileId,
    folders: &mut Folders,
    found: &mut Diagnostics,
) -> Parsed {
    let parsed = Parsed::default();
    let mut reader = Reader { sources, folders, found, directory: None, depth: 0, count: 0, parsed };
    let statements = reader.file(file);
    Parsed { statements, ..reader.parsed }
}

/// The folder that relative paths begin at: `options { directory "…"; }`.
pub(super) fn directory(statements: &[Statement]) -> Option<PathBuf> {
    let options = statements.iter().filter(|statement| statement.keyword() == "options");
    let mut inside = options.flat_map(Statement::block);
    let last = inside.rfind(|statement| statement.keyword() == "directory")?;
    last.word(1).map(|word| PathBuf::from(&word.text))
}

struct Reader<'r> {
    sources: &'r mut Sources,
    folders: &'r mut Folders,
    found: &'r mut Diagnostics,
    /// What was noted besides statements.
    parsed: Parsed,
    directory: Option<PathBuf>,
    /// Files that include each other, down to the one that is being read.
    depth: usize,
    /// Files included so far.
    count: usize,
}

impl Reader<'_> {
    fn file(&mut self, file: FileId) -> Vec<Statement> {
        let bytes = self.sources.bytes(file);
        let mut lexer = Lexer { file, bytes: &bytes, at: 0 };
        self.block(&mut lexer, None, 0)
    }

    /// Statements up to the end: of the file, or of the block that `opened`.
    fn block(&mut self, lexer: &mut Lexer<'_>, opened: Option<Span>, depth: usize) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut begin: Option<Span> = None;
        let mut last = Span::new(lexer.file, 0, 0);
        loop {
            let (token, span) = match lexer.next() {
                Ok(Some(token)) => token,
                Ok(None) => break,
                Err(fault) => {
                    self.fault(fault);
                    return statements;
                }
            };
            match token {
                Token::End => {
                    if let Some(begin) = begin.take() {
                        let statement = Statement { parts: std::mem::take(&mut parts), span: begin.to(last) };
                        self.take(statement, &mut statements, depth);
                    }
                }
                Token::Close if opened.is_some() => {
                    if let Some(begin) = begin {
                        self.missing_end(last);
                        self.take(Statement { parts, span: begin.to(last) }, &mut statements, depth);
                    }
                    return statements;
                }
                Token::Close => self.fault(Diagnostic::error(span, "`}` closes nothing")),
                Token::Open if depth >= DEPTH_MAX => {
                    self.fault(Diagnostic::error(span, format!("blocks nested more than {DEPTH_MAX} deep")));
                    return statements;
                }
                Token::Open => {
                    begin.get_or_insert(span);
                    let inner = self.block(lexer, Some(span), depth + 1);
                    parts.push(Part::Block(inner));
                    last = lexer.last();
                    continue;
                }
                Token::Word(text) => {
                    if begins_a_statement(&parts, &text, depth) {
                        self.missing_end(last);
                        let begin = begin.take().unwrap_or(last);
                        let statement = Statement { parts: std::mem::take(&mut parts), span: begin.to(last) };
                        self.take(statement, &mut statements, depth);
                    }
                    begin.get_or_insert(span);
                    parts.push(Part::Word(Word { text, span }));
                }
            }
            last = span;
        }
        if let Some(opened) = opened {
            let fault = Diagnostic::error(opened, "this `{` is never closed");
            self.fault(fault.help("write `};` where the block ends"));
        } else if begin.is_some() {
            self.missing_end(last);
        }
        statements
    }

    fn missing_end(&mut self, last: Span) {
        // Behind the last byte of a file there is nothing to point at.
        let length = offset(self.sources.bytes(last.file).len());
        let behind = Span::new(last.file, last.end.min(length), last.end.saturating_add(1).min(length));
        self.fault(Diagnostic::error(behind, "`;` is missing").label("here"));
    }

    fn fault(&mut self, fault: Diagnostic) {
        self.parsed.faults += 1;
        self.found.push(fault);
    }

    /// Takes a whole statement; behind an `include`, the statements of the file it names.
    fn take(&mut self, statement: Statement, statements: &mut Vec<Statement>, depth: usize) {
        let is_swallowed = |word: &&Word| RESTRICTING.contains(&word.text.to_ascii_lowercase().as_str());
        // The word behind the first is its value, whatever it looks like.
        if let Some(word) = statement.words().skip(1).find(is_swallowed).filter(|_| depth > 0) {
            let message = format!("`;` is missing in front of `{}`", word.text);
            self.fault(Diagnostic::error(word.span, message));
        }
        if statement.keyword() == "directory" && depth == 1 {
            self.directory = statement.word(1).map(|word| PathBuf::from(&word.text));
        }
        let Some(path) = statement.word(1).filter(|_| statement.keyword() == "include") else {
            statements.push(statement);
            return;
        };
        let path = path.clone();
        let include = statement.span;
        statements.push(statement);
        self.count += 1;
        let too_many = match (self.depth >= INCLUDE_DEPTH_MAX, self.count > INCLUDES_MAX) {
            (true, _) => Some(format!("files included more than {INCLUDE_DEPTH_MAX} deep")),
            (false, true) => Some(format!("more than {INCLUDES_MAX} files included")),
            (false, false) => None,
        };
        if let Some(message) = too_many {
            self.fault(Diagnostic::error(path.span, message).help("does a file include itself?"));
            return;
        }
        let beside = self.sources.path(path.span.file).to_owned();
        let found = self.folders.find(&path, self.directory.as_deref(), beside.as_ref(), self.found);
        match self.sources.read(&found) {
            Ok(file) => {
                self.depth += 1;
                statements.extend(self.file(file));
                self.depth -= 1;
            }
            Err(error) => {
                self.parsed.missing.push(include);
                if !STOCK.iter().any(|(known, _)| *known == path.text) {
                    let fault = Diagnostic::error(path.span, error.to_string());
                    self.found.push(fault.help(self.folders.advice(&path.text)));
                }
            }
        }
    }
}

/// Whether a word behind a block of a file can only be the next statement.
fn begins_a_statement(parts: &[Part], word: &str, depth: usize) -> bool {
    depth == 0
        && matches!(parts.last(), Some(Part::Block(_)))
        && STATEMENTS.contains(&word.to_ascii_lowercase().as_str())
        && !matches!(parts.first(), Some(Part::Word(first)) if first.text.eq_ignore_ascii_case("controls"))
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

struct Lexer<'b> {
    file: FileId,
    bytes: &'b [u8],
    at: usize,
}

impl Lexer<'_> {
    /// The last byte that was read.
    fn last(&self) -> Span {
        self.span(self.at.saturating_sub(1))
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.file, offset(start), offset(self.at))
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes on until behind `end`; false if it does not come.
    fn skip_past(&mut self, end: &[u8]) -> Option<()> {
        let found = self.rest().windows(end.len()).position(|window| window == end);
        self.at = found.map_or(self.bytes.len(), |place| self.at + place + end.len());
        found.map(|_| ())
    }

    /// Goes on behind blanks and comments of all three kinds.
    fn skip_blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            let start = self.at;
            match self.rest() {
                [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
                [b'#', ..] | [b'/', b'/', ..] => _ = self.skip_past(b"\n"),
                [b'/', b'*', ..] => {
                    self.at += 2;
                    if self.skip_past(b"*/").is_none() {
                        // The two bytes that open it.
                        let span = Span::new(self.file, offset(start), offset(start + 2));
                        return Err(
                            Diagnostic::error(span, "this comment is never closed").help("write `*/`")
                        );
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn next(&mut self) -> Result<Option<(Token, Span)>, Diagnostic> {
        self.skip_blank()?;
        let start = self.at;
        let token = match self.rest() {
            [] => return Ok(None),
            [b'{', ..] => Token::Open,
            [b'}', ..] => Token::Close,
            [b';', ..] => Token::End,
            [b'"', ..] => return self.quoted().map(Some),
            rest => {
                let is_end =
                    |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}' | b';' | b'"');
                let len = rest.iter().position(is_end).unwrap_or(rest.len());
                let text = String::from_utf8_lossy(&rest[..len]).into_owned();
                self.at += len;
                return Ok(Some((Token::Word(text), self.span(start))));
            }
        };
        self.at += 1;
        Ok(Some((token, self.span(start))))
    }

    /// A quoted word: its text without the quotes, its place with them.
    fn quoted(&mut self) -> Result<(Token, Span), Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match *self.rest() {
                [] | [b'\n', ..] => {
                    return Err(Diagnostic::error(self.span(start), "this quote is never closed"));
                }
                [b'"', ..] => break,
                [b'\\', escaped, ..] if escaped != b'\n' => {
                    text.push(escaped);
                    self.at += 2;
                }
                [byte, ..] => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok((Token::Word(String::from_utf8_lossy(&text).into_owned()), self.span(start)))
    }
}
