//! A table of the config file: its values by key.
//!
//! Which keys it may have is for `config` to say, which knows them all.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use toml::de::DeTable;

use super::key::KeyEntry;
use super::value::{Value, keep};
use crate::source::{Diagnostic, Diagnostics, FileId, Span};
use crate::tls::FileError;

/// A table, or a place where one could stand.
#[derive(Clone, Copy)]
pub struct Table<'t> {
    header: &'static str,
    file: FileId,
    span: Span,
    entries: &'t DeTable<'t>,
}

impl<'t> Table<'t> {
    /// A table of `file`; `span` is its `header`, or all of it if it is written inline.
    pub fn new(header: &'static str, file: FileId, span: Span, entries: &'t DeTable<'t>) -> Self {
        Self { header, file, span, entries }
    }

    /// A table with nothing in it, which would stand at `span`.
    pub fn empty(span: Span) -> Table<'static> {
        static NOTHING: LazyLock<DeTable<'static>> = LazyLock::new(DeTable::new);
        Table { header: "", file: span.file, span, entries: &NOTHING }
    }

    /// Its header, as it should be written.
    pub fn header(&self) -> &'static str {
        self.header
    }

    /// The file it stands in.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Its header, or all of it if it is written inline.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Its keys and values, as they were parsed.
    pub fn entries(&self) -> &'t DeTable<'t> {
        self.entries
    }

    /// The value of a key, if the key is given.
    pub fn get(&self, key: &'static str) -> Option<Value<'t>> {
        Some(Value::new(key, self.file, self.entries.get(key)?))
    }

    /// As [`Table::get`]; its absence is a fault at the header.
    pub fn need(&self, key: &KeyEntry, found: &mut Diagnostics) -> Option<Value<'t>> {
        let value = self.get(key.name);
        if value.is_none() {
            let KeyEntry { name, help, .. } = key;
            let message = format!("`{}` lacks `{name}`", self.header);
            found.push(Diagnostic::error(self.span, message).help(format!("`{name}` is {help}")));
        }
        value
    }

    /// The value of a key as `read` takes it; a fault of it goes to `found`.
    pub fn read<T>(
        &self,
        key: &'static str,
        found: &mut Diagnostics,
        read: impl FnOnce(Value<'t>) -> Result<T, Diagnostic>,
    ) -> Option<T> {
        keep(read(self.get(key)?), found)
    }

    /// What `look` finds in the file that `key` names, relative to `folder`; none where the key is not given.
    ///
    /// # Errors
    ///
    /// [`Faulty`], when the fault has been pushed to `found`.
    pub fn read_file<T>(
        &self,
        key: &'static str,
        folder: &Path,
        found: &mut Diagnostics,
        look: impl FnOnce(PathBuf) -> Result<T, FileError>,
    ) -> Result<Option<T>, Faulty> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let looked = path_in(value, folder)
            .and_then(|path| look(path).map_err(|error| value.fault(error.to_string())));
        keep(looked, found).map(Some).ok_or(Faulty)
    }
}

/// A fault that has been reported.
#[derive(Clone, Copy, Debug)]
pub struct Faulty;

/// The file a value names, relative to `folder`.
///
/// # Errors
///
/// When it names none.
pub fn path_in(value: Value<'_>, folder: &Path) -> Result<PathBuf, Diagnostic> {
    let text = value.text()?;
    if text.is_empty() { Err(value.fault("no file is named")) } else { Ok(folder.join(text)) }
}

/// Every item of a list that is sound.
pub fn read_each<'t, T>(
    value: Value<'t>,
    found: &mut Diagnostics,
    read: impl Fn(Value<'t>) -> Result<T, Diagnostic>,
) -> Vec<T> {
    let items = keep(value.items(), found).unwrap_or_default();
    items.into_iter().filter_map(|item| keep(read(item), found)).collect()
}
