//! What the rules of dnsmasq's options work on, and the files those are in.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::super::draft::Upstream;
use super::super::folders::file_name;
use super::super::made::MadeZones;
use super::super::networks::Clients;
use super::super::report::Fate;
use super::super::word::Word;
use super::super::work::{Unreadable, Work};
use crate::dns::Name;
use crate::source::{Diagnostic, FileId, Span, offset};

/// Most files that are read.
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
    pub(super) upstreams: Upstreams,
    /// Domains whose answers may have private addresses.
    pub(super) rebinding: Vec<Name>,
}

/// The clients that `local-service` has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LocalService {
    /// Those in networks of this host.
    Networks,
    /// This host alone.
    Host,
}

impl LocalService {
    /// Options that take its place (the manual of dnsmasq, `--local-service`).
    pub(super) const REPLACED_BY: [&str; 4] =
        ["interface", "except-interface", "listen-address", "auth-server"];

    /// What the options say; none: it does not count. Of both kinds the narrower one does.
    pub(super) fn of(options: &[Given]) -> Option<Self> {
        if options.iter().any(|option| Self::REPLACED_BY.contains(&option.name.as_str())) {
            return None;
        }
        let kind = |option: &Given| match option.text().text.as_str() {
            "host" => LocalService::Host,
            _ => LocalService::Networks,
        };
        let given = options.iter().filter(|option| option.name == "local-service").map(kind);
        given.reduce(|one, other| if one == LocalService::Host { one } else { other })
    }

    /// Whom it has answered.
    pub(super) fn clients(self) -> Clients {
        match self {
            LocalService::Networks => Clients::local(),
            LocalService::Host => Clients::local().on_this_host(),
        }
    }
}

/// Names that are asked elsewhere, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Upstreams {
    all: Vec<(Name, Asked)>,
    places: HashMap<Name, usize>,
}

/// Who is asked, and where that was said.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) upstream: Upstream,
    pub(super) remark: String,
}

impl Upstreams {
    /// Who is asked for a zone.
    pub(super) fn of(&self, zone: &Name) -> Option<&Asked> {
        self.places.get(zone).and_then(|place| self.all.get(*place)).map(|(_, asked)| asked)
    }

    /// Has these asked for a zone, unless others are asked for it already.
    pub(super) fn add(&mut self, zone: Name, upstream: Upstream, remark: &str) {
        if !self.places.contains_key(&zone) {
            self.places.insert(zone.clone(), self.all.len());
            self.all.push((zone, Asked { upstream, remark: remark.to_owned() }));
        }
    }

    /// Has a server asked for a zone, besides those that are asked for it already.
    pub(super) fn ask(&mut self, zone: Name, server: String, remark: &str) {
        let known = self.places.get(&zone).and_then(|place| self.all.get_mut(*place));
        match known.map(|(_, asked)| &mut asked.upstream) {
            Some(Upstream::Listed(servers)) if servers.contains(&server) => {}
            Some(Upstream::Listed(servers)) => servers.push(server),
            Some(upstream @ Upstream::System) => *upstream = Upstream::Listed(vec![server]),
            None => self.add(zone, Upstream::Listed(vec![server]), remark),
        }
    }

    /// Whether none is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All of them.
    pub(super) fn into_all(self) -> Vec<(Name, Asked)> {
        self.all
    }
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
    let mut reader = Reader { work, files: BTreeSet::new(), options: Vec::new() };
    reader.is_new(path);
    reader.file(file);
    Ok(reader.options)
}

struct Reader<'w> {
    work: &'w mut Work,
    /// Those that were read: dnsmasq reads none again.
    files: BTreeSet<PathBuf>,
    options: Vec<Given>,
}

impl Reader<'_> {
    /// Whether a file has not been read yet; then it counts as read.
    fn is_new(&mut self, path: &Path) -> bool {
        let real = self.work.sources.canonical(path).unwrap_or_else(|| path.to_owned());
        self.files.insert(real)
    }

    fn file(&mut self, file: FileId) {
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
            if self.files.len() >= FILES_MAX {
                let message = format!("more than {FILES_MAX} files");
                let fault = Diagnostic::error(path.span, message);
                self.work.found.push(fault.help("put some of them together, and import again"));
                return;
            }
            let by = self.work.sources.path(path.span.file).to_owned();
            let found = self.work.folders.find(&path, None, by.as_ref(), &mut self.work.found);
            if !self.is_new(&found) {
                let fate = Fate::no_effect("it has been read: dnsmasq reads no file again, either");
                self.work.report.add(path.span, &path.text, fate);
            } else if let Some(file) = read_named(self.work, &path) {
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
        let files = files_of(self.work, &path, folder).unwrap_or_default().into_iter();
        let wanted = files.filter(|file| is_wanted(file, ends));
        wanted.map(|file| Word { text: file.display().to_string(), span: folder.span }).collect()
    }
}

fn is_wanted(file: &Path, ends: &[Word]) -> bool {
    let name = file_name(file);
    let wanted: Vec<&str> = ends.iter().filter_map(|end| end.text.strip_prefix('*')).collect();
    let unwanted = ends.iter().map(|end| end.text.as_str()).filter(|end| !end.starts_with('*'));
    (wanted.is_empty() || wanted.iter().any(|end| name.ends_with(end)))
        && !unwanted.into_iter().any(|end| !end.is_empty() && name.ends_with(end))
}

/// The files of a folder that dnsmasq reads, sorted: no hidden ones, and none that an editor left. A folder that
/// cannot be read is pushed.
pub(super) fn files_of(work: &mut Work, folder: &Path, word: &Word) -> Option<Vec<PathBuf>> {
    let is_left = |name: &str| {
        name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
    };
    let mut files = work.folders.files_of(folder, word, &mut work.found)?;
    files.retain(|file| !is_left(&file_name(file)));
    Some(files)
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
