//! The grammar of a Corefile, which is that of the Caddyfile: server blocks of lines, snippets and imports.

use std::collections::BTreeMap;

use super::super::folders::{Folders, file_name};
use super::super::word::Word;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// Deepest nesting of blocks; CoreDNS has two.
const DEPTH_MAX: usize = 8;

/// Imports in all: a snippet that imports itself would never end.
const IMPORTS_MAX: usize = 1000;

/// Longest word with the arguments of an import in it, in bytes: one that has its argument twice and imports itself
/// would double each time.
const WORD_MAX: usize = 4096;

/// How deep imports are in each other at most: each takes room on the stack.
const NESTED_MAX: usize = 50;

/// Most arguments of an import: each of them is looked for in each word that has a place for one.
const ARGUMENTS_MAX: usize = 100;

/// What imports bring, in bytes: files, and the words of snippets.
const IMPORTED_MAX: usize = 16 << 20;

/// A line of words, and the lines of its block.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Never empty.
    pub(super) words: Vec<Word>,
    pub(super) block: Vec<Line>,
    pub(super) span: Span,
}

/// A server block: what it is asked for, and its plugins.
#[derive(Clone, Debug)]
pub(super) struct ServerBlock {
    pub(super) keys: Vec<Word>,
    pub(super) lines: Vec<Line>,
    pub(super) span: Span,
}

impl Line {
    /// The word at a place, or an empty text.
    pub(super) fn text(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |word| word.text.as_str())
    }

    /// The words behind the first.
    pub(super) fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// As the report shows it.
    pub(super) fn shown(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        match self.block.as_slice() {
            [] => words.join(" "),
            _ => format!("{} {{ … }}", words.join(" ")),
        }
    }
}

impl ServerBlock {
    /// As the report shows it.
    pub(super) fn shown(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|key| key.text.as_str()).collect();
        format!("{} {{ … }}", keys.join(" "))
    }
}

/// The server blocks of a file; none when it has faults, which are pushed.
pub(super) fn read(
    sources: &mut Sources,
    folders: &mut Folders,
    file: FileId,
    found: &mut Diagnostics,
) -> Option<Vec<ServerBlock>> {
    let mut reader =
        Reader { sources, folders, found, snippets: BTreeMap::new(), imports: 0, nested: 0, imported: 0 };
    reader.file(file)
}

struct Reader<'r> {
    sources: &'r mut Sources,
    folders: &'r mut Folders,
    found: &'r mut Diagnostics,
    snippets: BTreeMap<String, Vec<Line>>,
    imports: usize,
    /// Imports that the one that is read is in.
    nested: usize,
    /// Bytes of words that imports brought.
    imported: usize,
}

impl Reader<'_> {
    fn file(&mut self, file: FileId) -> Option<Vec<ServerBlock>> {
        let rows = self.rows(file)?;
        let mut rows = rows.into_iter().peekable();
        let mut blocks = Vec::new();
        while let Some(mut row) = rows.next() {
            if row.first().is_some_and(|word| word.text == "import") {
                let span = row.first().map_or_else(|| Span::new(file, 0, 0), |word| word.span);
                for file in self.files(&row)? {
                    blocks.extend(self.nested(span, |reader| reader.file(file))?);
                }
                continue;
            }
            // Keys may go on behind a comma.
            while row.last().is_some_and(|word| word.text.ends_with(',')) {
                let Some(more) = rows.next() else { break };
                row.extend(more);
            }
            let opens = row.last().is_some_and(|word| word.text == "{");
            if opens {
                row.pop();
            }
            let (Some(first), Some(last)) = (row.first().cloned(), row.last().cloned()) else {
                return self.fault(Span::new(file, 0, 0), "a block without a zone");
            };
            let span = first.span.to(last.span);
            // A file of one block needs no braces.
            let lines = if opens { self.block(&mut rows, span, 0)? } else { self.rest(&mut rows)? };
            match first.text.strip_prefix('(').and_then(|name| name.strip_suffix(')')) {
                Some(name) => _ = self.snippets.insert(name.to_owned(), lines),
                None => {
                    let keys = row.iter().flat_map(|word| word.split(&[','])).collect();
                    let lines = self.imported(lines)?;
                    blocks.push(ServerBlock { keys, lines, span });
                }
            }
        }
        Some(blocks)
    }

    fn fault<T>(&mut self, span: Span, message: impl Into<String>) -> Option<T> {
        self.found.push(Diagnostic::error(span, message));
        None
    }

    fn too_much<T>(&mut self, span: Span) -> Option<T> {
        self.fault(span, format!("imports bring more than {} MiB", IMPORTED_MAX >> 20))
    }

    /// Lines up to the end of the file.
    fn rest(&mut self, rows: &mut Rows) -> Option<Vec<Line>> {
        let mut lines = Vec::new();
        while let Some(row) = rows.next() {
            lines.push(self.line(row, rows, 0)?);
        }
        Some(lines)
    }

    /// Lines up to the brace that closes their block.
    fn block(&mut self, rows: &mut Rows, opened: Span, depth: usize) -> Option<Vec<Line>> {
        if depth > DEPTH_MAX {
            return self.fault(opened, format!("blocks nested more than {DEPTH_MAX} deep"));
        }
        let mut lines = Vec::new();
        loop {
            let Some(row) = rows.next() else {
                return self.fault(opened, "the block of this is never closed");
            };
            if row.first().is_some_and(|word| word.text == "}") {
                return Some(lines);
            }
            lines.push(self.line(row, rows, depth)?);
        }
    }

    fn line(&mut self, mut row: Vec<Word>, rows: &mut Rows, depth: usize) -> Option<Line> {
        let opens = row.len() > 1 && row.last().is_some_and(|word| word.text == "{");
        if opens {
            row.pop();
        }
        let span = match (row.first(), row.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => return None,
        };
        if row.first().is_some_and(|word| matches!(word.text.as_str(), "{" | "}")) {
            return self.fault(span, "a brace without a word");
        }
        let block = if opens { self.block(rows, span, depth + 1)? } else { Vec::new() };
        Some(Line { words: row, block, span })
    }

    /// What an import brings that stands there, read by `read`.
    fn nested<T>(&mut self, span: Span, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.nested == NESTED_MAX {
            return self.fault(span, "too many imports: does one import itself?");
        }
        self.nested += 1;
        let read = read(self);
        self.nested -= 1;
        read
    }

    /// The lines, with those of snippets and files in place of `import`.
    fn imported(&mut self, lines: Vec<Line>) -> Option<Vec<Line>> {
        let mut all = Vec::new();
        for line in lines {
            if line.text(0) != "import" {
                let block = self.imported(line.block)?;
                all.push(Line { block, ..line });
                continue;
            }
            self.imports += 1;
            if self.imports > IMPORTS_MAX {
                return self.fault(line.span, "too many imports: does one import itself?");
            }
            let arguments: Vec<String> = line.words.iter().skip(2).map(|word| word.text.clone()).collect();
            if arguments.len() > ARGUMENTS_MAX {
                return self.fault(line.span, format!("an import has more than {ARGUMENTS_MAX} arguments"));
            }
            let snippet = self.snippets.get(line.text(1));
            let long = snippet.map_or(0, |lines| lines.iter().map(size).sum());
            let more = match snippet.filter(|_| self.imported.saturating_add(long) <= IMPORTED_MAX).cloned() {
                Some(snippet) => snippet,
                None if long > 0 => return self.too_much(line.span),
                None => {
                    let mut more = Vec::new();
                    for file in self.files(&line.words)? {
                        let mut rows = self.rows(file)?.into_iter().peekable();
                        more.extend(self.rest(&mut rows)?);
                    }
                    more
                }
            };
            let filled = more.into_iter().map(|line| filled(line, &arguments));
            let filled = match filled.collect::<Result<Vec<Line>, Span>>() {
                Ok(filled) => filled,
                Err(span) => {
                    let message = format!("with the arguments in it a word has more than {WORD_MAX} bytes");
                    return self.fault(span, message);
                }
            };
            self.imported = filled.iter().map(size).fold(self.imported, usize::saturating_add);
            if self.imported > IMPORTED_MAX {
                return self.too_much(line.span);
            }
            all.extend(self.nested(line.span, |reader| reader.imported(filled))?);
        }
        Some(all)
    }

    /// The files that an `import` names, by their path or with `*` in its last part.
    fn files(&mut self, row: &[Word]) -> Option<Vec<FileId>> {
        self.imports += 1;
        let Some(word) = row.get(1).cloned() else {
            return self.fault(
                row.first().map_or_else(|| Span::new(self.sources.next(), 0, 0), |it| it.span),
                "it names nothing",
            );
        };
        if self.imports > IMPORTS_MAX {
            return self.fault(word.span, "too many imports: does one import itself?");
        }
        let by = self.sources.path(word.span.file).to_owned();
        let paths = match word.text.rsplit_once('/').unwrap_or((".", &word.text)) {
            (_, pattern) if pattern.matches('*').count() > 1 => {
                return self.fault(word.span, "a pattern of files has one `*`");
            }
            (folder, pattern) if pattern.contains('*') => {
                let folder = Word { text: folder.to_owned(), span: word.span };
                let path = self.folders.find(&folder, None, by.as_ref(), self.found);
                let mut files = self.folders.files_of(&path, &folder, self.found)?;
                files.retain(|file| is_matched(&file_name(file), pattern));
                if files.is_empty() {
                    let message = format!("no file in {} has a name like `{pattern}`", path.display());
                    let fault = Diagnostic::warning(word.span, message);
                    self.found.push(fault.help("it means nothing; copy its files there if they are missing"));
                }
                files
            }
            _ => vec![self.folders.find(&word, None, by.as_ref(), self.found)],
        };
        let mut files = Vec::new();
        for path in paths {
            match self.sources.read(&path) {
                Ok(file) => {
                    self.imported = self.imported.saturating_add(self.sources.bytes(file).len());
                    if self.imported > IMPORTED_MAX {
                        return self.too_much(word.span);
                    }
                    files.push(file);
                }
                Err(error) => {
                    let help =
                        format!("no snippet has this name, either; {}", self.folders.advice(&word.text));
                    self.found.push(Diagnostic::error(word.span, error.to_string()).help(help));
                    return None;
                }
            }
        }
        Some(files)
    }

    /// The lines of a file as words, empty ones left out.
    fn rows(&mut self, file: FileId) -> Option<Vec<Vec<Word>>> {
        let bytes = self.sources.bytes(file);
        let mut rows: Vec<Vec<Word>> = Vec::new();
        let mut row = Vec::new();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\n' => {
                    at += 1;
                    if !row.is_empty() {
                        rows.push(std::mem::take(&mut row));
                    }
                }
                byte if byte.is_ascii_whitespace() => at += 1,
                b'#' => at += bytes[at..].iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len() - at),
                _ => {
                    let (text, end) = token(&bytes, at);
                    let span = Span::new(file, offset(at), offset(end));
                    if text.contains("{$") || text.contains("{%") {
                        let message = "a variable of the environment, which is not known here";
                        let fault = Diagnostic::error(span, message);
                        self.found.push(fault.help("write what it stands for, and import again"));
                        return None;
                    }
                    at = end;
                    row.push(Word { text, span });
                }
            }
        }
        if !row.is_empty() {
            rows.push(row);
        }
        Some(rows)
    }
}

type Rows = std::iter::Peekable<std::vec::IntoIter<Vec<Word>>>;

/// A word and where it ends; a quoted one may go over several lines.
fn token(bytes: &[u8], begin: usize) -> (String, usize) {
    let mut at = begin;
    let mut text = Vec::new();
    if bytes.get(at) == Some(&b'"') {
        at += 1;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => break,
                b'\\' if bytes.get(at) == Some(&b'"') => {
                    text.push(b'"');
                    at += 1;
                }
                byte => text.push(byte),
            }
        }
    } else {
        while let Some(&byte) = bytes.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
            text.push(byte);
            at += 1;
        }
    }
    (String::from_utf8_lossy(&text).into_owned(), at)
}

/// A line of a snippet with its arguments in it; the place of a word that gets too long by them.
fn filled(line: Line, arguments: &[String]) -> Result<Line, Span> {
    let fill = |word: Word| {
        let mut text = word.text;
        for (place, argument) in arguments.iter().enumerate() {
            for hole in [format!("{{args.{place}}}"), format!("{{args[{place}]}}")] {
                let holes = text.matches(&hole).count();
                if holes > 0 && text.len().saturating_add(holes.saturating_mul(argument.len())) > WORD_MAX {
                    return Err(word.span);
                }
                text = text.replace(&hole, argument);
            }
        }
        Ok(Word { text, span: word.span })
    };
    let words = line.words.into_iter().map(fill).collect::<Result<_, Span>>()?;
    let block = line.block.into_iter().map(|line| filled(line, arguments)).collect::<Result<_, Span>>()?;
    Ok(Line { words, block, span: line.span })
}

/// What the words of a line and its block take, in bytes.
fn size(line: &Line) -> usize {
    let words = line.words.iter().map(|word| size_of::<Word>() + word.text.len());
    words.chain(line.block.iter().map(size)).sum()
}

/// Whether a file is called as a pattern with one `*` says.
fn is_matched(name: &str, pattern: &str) -> bool {
    let (begin, end) = pattern.split_once('*').unwrap_or((pattern, ""));
    name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
}
