//! All texts of one run: read from files or taken in, each with an id that spans point to.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::digest::Digest;
use super::patience::{open_regular, patiently, patiently_for, pieces, wait_for_bytes};
use super::span::{FileId, Place, Span, TEXT_BYTES_MAX, offset};

/// Why a text could not be taken in.
#[derive(Debug)]
pub enum Error {
    /// The file system refused.
    Read {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// Not a regular file, as a zone or config file must be.
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Longer than [`TEXT_BYTES_MAX`].
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Read { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Error::NotAFile { path } => write!(f, "{} is not a regular file", path.display()),
            Error::TooLong { path } => {
                write!(f, "{} is longer than {TEXT_BYTES_MAX} bytes", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}

/// One text and the name it goes by.
#[derive(Clone, Debug)]
struct Text {
    path: String,
    bytes: Arc<Vec<u8>>,
    /// The same with stars for what nobody shall see; none where that is nothing.
    shown: Option<Arc<Vec<u8>>>,
    /// The file it was read from; none for a text that was taken in.
    file: Option<TextFile>,
}

/// A file as it stood when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// The file, as the operator named it.
    pub path: PathBuf,
    /// How long its text was, in bytes.
    pub bytes: u64,
    /// Of its text.
    pub digest: Digest,
}

impl TextFile {
    /// Whether the file still holds that text. It is read, but not kept; one of another length is not even
    /// read.
    pub fn is_unchanged(&self) -> bool {
        let same = Digest::of_file_with(&self.path, |bytes| bytes == self.bytes);
        same.is_ok_and(|digest| digest == Some(self.digest))
    }
}

/// A word in a text that names a file, and what was read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The word.
    pub by: Span,
    /// Where the file was found: the word, behind the folder it is relative to.
    pub path: PathBuf,
    /// Its text.
    pub file: FileId,
}

/// All texts read in one run, so that every diagnostic of the run can be drawn together.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: BTreeMap<FileId, Text>,
    /// How many texts were taken in, here and in all branches: no two have one id.
    taken: Arc<AtomicU32>,
    /// What was to be read and could not.
    unread: Vec<PathBuf>,
    reach: Reach,
    namings: Vec<Naming>,
}

/// Where [`Sources::read`] finds texts.
#[derive(Clone, Copy, Debug, Default)]
enum Reach {
    #[default]
    FileSystem,
    /// Among the texts from this one on.
    Texts(FileId),
}

impl Sources {
    /// Takes in a text under the name that diagnostics shall show.
    ///
    /// # Panics
    ///
    /// Never for texts that [`Sources::read`] would accept; a longer one is cut at [`TEXT_BYTES_MAX`].
    pub fn add(&mut self, path: impl Into<String>, mut bytes: Vec<u8>) -> FileId {
        // Where it does not fit, the whole memory has no room for a longer one.
        bytes.truncate(usize::try_from(TEXT_BYTES_MAX).unwrap_or(usize::MAX));
        self.push(Text { path: path.into(), bytes: Arc::new(bytes), shown: None, file: None })
    }

    fn push(&mut self, text: Text) -> FileId {
        let id = FileId::behind(self.taken.fetch_add(1, Ordering::Relaxed));
        self.texts.insert(id, text);
        id
    }

    /// Before this one are all texts that were taken in so far, and none that comes later.
    pub fn next(&self) -> FileId {
        FileId::behind(self.taken.load(Ordering::Relaxed))
    }

    /// The same texts, for a reader beside others that comes back with [`Sources::join`].
    #[must_use]
    pub fn branch(&self) -> Sources {
        Sources { unread: Vec::new(), namings: Vec::new(), ..self.clone() }
    }

    /// Takes in all that was read in a branch. Spans into it hold here as they did there.
    pub fn join(&mut self, branch: Sources) {
        self.texts.extend(branch.texts);
        self.unread.extend(branch.unread);
        self.namings.extend(branch.namings);
    }

    /// Frees the texts from `first` on: their spans can no longer be rendered. Their files stay known.
    pub fn let_go(&mut self, first: FileId) {
        for (_, text) in self.texts.range_mut(first..) {
            (text.bytes, text.shown) = (Arc::default(), None);
        }
    }

    /// Reads a regular file (or a link to one).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is something else than a file, or is longer than [`TEXT_BYTES_MAX`].
    pub fn read(&mut self, path: &Path) -> Result<FileId, Error> {
        let read = match self.reach {
            Reach::FileSystem => self.read_file(path),
            Reach::Texts(from) => self.find(path, from),
        };
        if read.is_err() {
            self.unread.push(path.to_owned());
        }
        read
    }

    fn read_file(&mut self, path: &Path) -> Result<FileId, Error> {
        let fail = |error: std::io::Error| match error.kind() {
            ErrorKind::InvalidInput => Error::NotAFile { path: path.to_owned() },
            ErrorKind::FileTooLarge => Error::TooLong { path: path.to_owned() },
            _ => Error::Read { path: path.to_owned(), error },
        };
        let named = path.to_owned();
        let (mut from, meta) = patiently(path, move |_| open_regular(&named)).map_err(fail)?;
        let expected = meta.len();
        if expected > TEXT_BYTES_MAX {
            return Err(Error::TooLong { path: path.to_owned() });
        }
        let read = patiently_for(path, wait_for_bytes(expected), move |left| {
            let mut bytes = Vec::new();
            // As std does it: for want of memory a file is not read, which ends nothing else.
            bytes.try_reserve_exact(usize::try_from(expected).unwrap_or(usize::MAX))?;
            pieces(&mut from, TEXT_BYTES_MAX, left, |piece| {
                bytes.try_reserve(piece.len())?;
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            Ok(bytes)
        });
        let bytes = read.map_err(fail)?;
        let file = TextFile { path: path.to_owned(), bytes: bytes.len() as u64, digest: Digest::of(&bytes) };
        let path = path.display().to_string();
        let text = Text { path, bytes: Arc::new(bytes), shown: None, file: Some(file) };
        Ok(self.push(text))
    }

    /// The path without links, by which a file is recognised; none where it leads nowhere. Of texts that were
    /// taken in it is their name.
    pub fn canonical(&self, path: &Path) -> Option<PathBuf> {
        match self.reach {
            Reach::FileSystem => canonical(path),
            Reach::Texts(_) => Some(path.to_owned()),
        }
    }

    /// Whether files are read, and not texts that were taken in under their names.
    pub fn reads_files(&self) -> bool {
        matches!(self.reach, Reach::FileSystem)
    }

    /// A text that was taken in under the name of this file.
    fn find(&self, path: &Path, from: FileId) -> Result<FileId, Error> {
        let name = path.display().to_string();
        let found = self.texts.range(from..).find_map(|(id, text)| (text.path == name).then_some(*id));
        found.ok_or_else(|| Error::Read { path: path.to_owned(), error: std::io::ErrorKind::NotFound.into() })
    }

    /// A copy that takes in these texts, too, and finds them when the files of their names are to be read,
    /// and no other file.
    #[must_use]
    pub fn closed_over(&self, texts: impl IntoIterator<Item = (String, Vec<u8>)>) -> Sources {
        let mut closed = self.clone();
        closed.reach = Reach::Texts(closed.next());
        for (path, bytes) in texts {
            closed.add(path, bytes);
        }
        closed
    }

    /// The files read so far.
    pub fn files(&self) -> impl Iterator<Item = &TextFile> {
        self.files_from(FileId::FIRST)
    }

    /// The files read from `first` on.
    pub fn files_from(&self, first: FileId) -> impl Iterator<Item = &TextFile> {
        self.texts.range(first..).filter_map(|(_, text)| text.file.as_ref())
    }

    /// The files that were to be read and could not.
    pub fn unread(&self) -> impl Iterator<Item = &Path> {
        self.unread.iter().map(PathBuf::as_path)
    }

    /// Notes that a text names another one.
    pub fn note_naming(&mut self, naming: Naming) {
        self.namings.push(naming);
    }

    /// What was noted of texts that name others, in the order of reading.
    pub fn namings(&self) -> &[Naming] {
        &self.namings
    }

    /// The text that was taken in first: the one that leads to all others.
    pub fn first(&self) -> Option<FileId> {
        self.texts.keys().next().copied()
    }

    /// The bytes of a text, shared, so that a reader can hold them while more texts are added.
    pub fn bytes(&self, file: FileId) -> Arc<Vec<u8>> {
        self.texts.get(&file).map(|text| Arc::clone(&text.bytes)).unwrap_or_default()
    }

    /// Has stars drawn for these ranges of a text from now on: they are secrets.
    pub fn conceal(&mut self, file: FileId, secrets: &[Range<usize>]) {
        let Some(text) = self.texts.get_mut(&file).filter(|_| !secrets.is_empty()) else { return };
        let mut shown = text.shown.take().map_or_else(|| text.bytes.to_vec(), |shown| shown.to_vec());
        for secret in secrets {
            let bytes = shown.get_mut(secret.clone()).unwrap_or_default();
            bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b'*');
        }
        text.shown = Some(Arc::new(shown));
    }

    /// The bytes of a text as they may be drawn: of the same length, secrets concealed.
    pub(super) fn shown(&self, file: FileId) -> Arc<Vec<u8>> {
        match self.texts.get(&file).and_then(|text| text.shown.as_ref()) {
            Some(shown) => Arc::clone(shown),
            None => self.bytes(file),
        }
    }

    /// The name a text goes by.
    pub fn path(&self, file: FileId) -> &str {
        self.texts.get(&file).map_or("", |text| text.path.as_str())
    }

    /// The bytes a span covers.
    pub fn slice(&self, span: Span) -> &[u8] {
        self.texts
            .get(&span.file)
            .and_then(|text| text.bytes.get(span.start as usize..span.end as usize))
            .unwrap_or_default()
    }

    /// Line and column of the start of a span.
    pub fn place(&self, span: Span) -> Place {
        let (line_start, line) = self.line_of(span);
        let before = self.slice(Span { start: line_start, end: span.start, ..span });
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        Place { path: self.path(span.file).to_owned(), line, column: offset(column) }
    }

    /// Where the line that holds the start of a span begins, and its number.
    pub(super) fn line_of(&self, span: Span) -> (u32, u32) {
        let before = self.slice(Span { start: 0, ..Span { end: span.start, ..span } });
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        // There are no more lines than bytes before them, and one.
        (offset(start), offset(line))
    }
}

/// A path without links; none where it leads nowhere.
pub fn canonical(path: &Path) -> Option<PathBuf> {
    let named = path.to_owned();
    patiently(path, move |_| std::fs::canonicalize(named)).ok()
}
