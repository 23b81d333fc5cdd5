//! `file`: a zone file.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::interface::{Reading, Source};
use super::kind::{Company, Signable, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::setting::{Absent, Faulty, KeyEntry, Table, keep};
use crate::source::{Diagnostic, Diagnostics, Naming, Span};
use crate::zone::Builder;
use crate::zonefile;

const FILE: KeyEntry = KeyEntry::new(
    "file",
    Absent::Required { example: r#""zones/ocp4.example.com.zone""# },
    "its zone file; relative to the folder of the config file; none with `primary`, and not needed with `reverse-of`",
);

pub(super) const KIND: SourceKind = SourceKind {
    form: SourceForm::Keys(&[FILE]),
    company: Company::Others,
    updates: TakesUpdates::Yes,
    signing: Signable::Yes,
    read,
};

/// A zone file, and all that it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFile {
    /// If it was written relative, below the config file's folder.
    pub path: PathBuf,
    /// Where it is named.
    pub span: Span,
}

impl Source for ZoneFile {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let path = reading.last_good.unwrap_or(&self.path);
        let file = match reading.sources.read(path) {
            Ok(file) => file,
            Err(error) => {
                let fault = Diagnostic::error(self.span, error.to_string());
                found.push(fault.label(format!("the zone file of `{}`", builder.apex())));
                return None;
            }
        };
        if reading.last_good.is_none() {
            reading.sources.note_naming(Naming { by: self.span, path: self.path.clone(), file });
        }
        zonefile::read(reading.sources, file, builder, reading.settings, found);
        Some(())
    }

    /// Where the config file names it makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(|other| self.path == other.path)
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl fmt::Display for ZoneFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

fn read(
    table: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Result<Option<Arc<dyn Source>>, Faulty> {
    let Some(value) = table.get(FILE.name) else { return Ok(None) };
    let text = keep(value.text(), found).ok_or(Faulty)?;
    if text.is_empty() {
        found.push(value.fault("`file` is empty"));
        return Err(Faulty);
    }
    Ok(Some(Arc::new(ZoneFile { path: context.folder.join(text), span: value.span() })))
}
