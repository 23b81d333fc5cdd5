//! What the rules of dnsmasq's options work on, and the files those are in.

use std::path::{Path, PathBuf};

use super::super::draft::Upstream;
use super::super::made::MadeZones;
use super::super::word::Word;
use super::super::work::{Unreadable, Work};
use crate::dns::Name;
use crate::source::{Diagnostic, FileId, Span, offset};

/// Files read in all: two that name each other would never end.
const FILES_MAX: usize = 1000;

/// One option as it is given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) name: String,
    /// What is behind `=`, quotes included; none where there is none.
    pub(super) value: Option<Word>,
    /// The line.
    pub(super) span: Span,
    /// As the report shows it.
    pub(super) shown: String,
}

/// What the rules work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    /// The options, those of all files in the order in which dnsmasq reads them.
    pub(super) options: &'r [Given],
    pub(super) made: MadeZones,
    /// Names that are asked elsewhere, and whom.
    pub(super) upstreams: Vec<(Name, Upstream, String)>,
    /// Domains whose answers may have private addresses.
    pub(super) rebinding: Vec<Name>,
}

impl Reading<'_> {
    /// The last of the options of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.options.iter().rfind(|option| option.name == name)
    }

    /// Whether an option is given.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl Given {
    /// What is between the commas of the value, without quotes.
    pub(super) fn fields(&self) -> Vec<Word> {
        let Some(value) = &self.value else { return Vec::new() };
        let mut fields = Vec::new();
        let mut begin = 0;
        let mut quoted = false;
        let bytes = value.text.as_bytes();
        for at in 0..=bytes.len() {
            match bytes.get(at) {
                Some(b'"') if !(quoted && bytes.get(at.wrapping_sub(1)) == Some(&b'\\')) => quoted = !quoted,
                None => fields.push(unquoted(&value.part(&value.text[begin..at]))),
                Some(b',') if !quoted => {
                    fields.push(unquoted(&value.part(&value.text[begin..at])));
                    begin = at + 1;
                }
                Some(_) => {}
            }
        }
        fields
    }

    /// The value as one text, without quotes.
    pub(super) fn text(&self) -> Word {
        match &self.value {
            Some(value) => unquoted(value),
            None => Word { text: String::new(), span: self.span },
        }
    }
}

/// A field as dnsmasq takes it: without quotes, and with what `\` means within them.
fn unquoted(field: &Word) -> Word {
    let mut text = String::new();
    let mut quoted = false;
    let mut letters = field.text.trim().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' if quoted => match letters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    Word { text, span: field.span }
}

/// The options of a file and of those it names.
pub(super) fn options(work: &mut Work, path: &Path) -> Result<Vec<Given>, Unreadable> {
    let file = work.sources.read(path).map_err(|error| {
        let fault = Diagnostic::placeless(crate::source::Severity::Error, error.to_string());
        work.found.push(fault);
        Unreadable
    })?;
    let mut reader = Reader { work, files: 0, options: Vec::new() };
    reader.file(file);
    Ok(reader.options)
}

struct Reader<'w> {
    work: &'w mut Work,
    files: usize,
    options: Vec<Given>,
}

impl Reader<'_> {
    fn file(&mut self, file: FileId) {
        self.files += 1;
        let bytes = self.work.sources.bytes(file);
        let mut start = 0_usize;
        for raw in bytes.split(|&byte| byte == b'\n') {
            if let Some(option) = option(file, start, raw) {
                self.take(option);
            }
            start += raw.len() + 1;
        }
    }

    /// Takes an option; behind one that names files, what is in those.
    fn take(&mut self, option: Given) {
        let paths = match option.name.as_str() {
            "conf-file" | "servers-file" => vec![option.text()],
            "conf-dir" => self.folder(&option.fields()),
            _ => Vec::new(),
        };
        self.options.push(option);
        for path in paths {
            if self.files >= FILES_MAX {
                let message = format!("more than {FILES_MAX} files");
                self.work.found.push(Diagnostic::error(path.span, message).help("does one name itself?"));
                return;
            }
            if let Some(file) = read_named(self.work, &path) {
                self.file(file);
            }
        }
    }

    /// The files of `conf-dir=FOLDER,END…`: without those that end so, or only those where an end begins with
    /// `*`.
    fn folder(&mut self, fields: &[Word]) -> Vec<Word> {
        let Some((folder, ends)) = fields.split_first() else { return Vec::new() };
        let by = self.work.sources.path(folder.span.file).to_owned();
        let path = self.work.folders.find(folder, None, by.as_ref(), &mut self.work.found);
        match files_of(&path) {
            Ok(files) => {
                let names = files.into_iter().filter(|file| is_wanted(file, ends));
                names.map(|file| Word { text: file.display().to_string(), span: folder.span }).collect()
            }
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                let help = self.work.folders.advice(&folder.text);
                self.work.found.push(Diagnostic::error(folder.span, message).help(help));
                Vec::new()
            }
        }
    }
}

fn is_wanted(file: &Path, ends: &[Word]) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wanted: Vec<&str> = ends.iter().filter_map(|end| end.text.strip_prefix('*')).collect();
    let unwanted = ends.iter().map(|end| end.text.as_str()).filter(|end| !end.starts_with('*'));
    (wanted.is_empty() || wanted.iter().any(|end| name.ends_with(end)))
        && !unwanted.into_iter().any(|end| !end.is_empty() && name.ends_with(end))
}

/// The files of a folder that dnsmasq reads, sorted: no hidden ones, and none that an editor left.
pub(super) fn files_of(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let is_left = |name: &str| {
        name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && !is_left(&name) {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a file that a word names; what is wrong with it is pushed.
pub(super) fn read_named(work: &mut Work, word: &Word) -> Option<FileId> {
    let by = work.sources.path(word.span.file).to_owned();
    let path = work.folders.find(word, None, by.as_ref(), &mut work.found);
    match work.sources.read(&path) {
        Ok(file) => Some(file),
        Err(error) => {
            let help = work.folders.advice(&word.text);
            work.found.push(Diagnostic::error(word.span, error.to_string()).help(help));
            None
        }
    }
}

/// The option of a line; none for an empty one.
fn option(file: FileId, start: usize, raw: &[u8]) -> Option<Given> {
    let said = String::from_utf8_lossy(without_comment(raw)).into_owned();
    let length = said.len().min(raw.len());
    let line = Word { text: said, span: Span::new(file, offset(start), offset(start + length)) };
    let text = line.text.trim();
    if text.is_empty() {
        return None;
    }
    let whole = line.part(text);
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name.trim(), Some(line.part(value.trim()))),
        None => (text, None),
    };
    // The program takes the same words behind two dashes.
    let name = name.trim_start_matches("--").to_owned();
    Some(Given { name, value, span: whole.span, shown: text.to_owned() })
}

/// A `#` begins a comment in front and behind a blank, unless it stands in quotes.
fn without_comment(line: &[u8]) -> &[u8] {
    let mut quoted = false;
    let mut before = b' ';
    for (at, &byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'#' if !quoted && before.is_ascii_whitespace() => return &line[..at],
            _ => {}
        }
        before = byte;
    }
    line
}
