//! Other servers' files to ours: PowerDNS with its recursor, and BIND.
//!
//! ```text
//! pdns.conf, recursor.conf ─ keyed ─┐
//! recursor.yml ─ yaml ──────────────┼▶ given ─▶ pdns, recursor ─┐    ┌▶ draft ─▶ edgedns.toml
//! bind.conf, named.conf ─ statement ┴─────────▶ named ──────────┼────┼▶ copies ─▶ edgedns/zones/
//!                                                               └────┴▶ report
//! ```
//!
//! Nobody gets in who was kept out: what cannot be carried over is closed, and refused in the report. What the report
//! calls honoured was honoured.
//!
//! Responsible for reading them by their own rules, for saying of every
//! setting what becomes of it, and for which files are written.
//! Not responsible for writing them (`delivery`), for the running server, or for whether the result can be
//! served: that is found when it is checked.

mod address;
mod copies;
mod draft;
mod folders;
mod given;
mod keyed;
mod named;
mod netmasks;
mod networks;
mod pdns;
mod recursor;
mod report;
mod rule;
mod statement;
mod yaml;
mod zone;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use report::{Concern, Fate, Finding, Kind, Report};

use crate::delivery::{Existing, File, WriteError, write_files};
use crate::dns::Name;
use crate::source::{Diagnostics, Look, Sources};
use copies::Copies;
use draft::Draft;
use folders::Folders;

/// The config file in its folder.
const CONFIG: &str = "edgedns.toml";

/// Places of refused settings that the last line names; the report has all of them.
const PLACES_MAX: usize = 8;

/// A PowerDNS node.
#[derive(Clone, Debug)]
pub struct Pdns {
    /// The folder of `pdns.conf`, or that file.
    pub from: PathBuf,
    /// The folder of `recursor.yml` or `recursor.conf`, or one of them; none where no recursor runs.
    pub recursor: Option<PathBuf>,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// A BIND node.
#[derive(Clone, Debug)]
pub struct Named {
    /// `named.conf`, or its folder.
    pub from: PathBuf,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// What became of every setting.
    pub report: Report,
    /// What is wrong in the files that were read, and doors that stand open.
    pub found: Diagnostics,
    /// The files those point into.
    pub sources: Sources,
    /// The config file that was written; none when the other server's files cannot be understood, as `found` says.
    pub config: Option<PathBuf>,
    /// All files written.
    pub written: Vec<PathBuf>,
}

/// What an import would do.
#[derive(Debug)]
pub struct Planned {
    /// As if nothing had been written yet.
    pub imported: Imported,
    /// The files to be written, below the folder they go to. The last one is
    /// the config file; none when the other server's files cannot be understood.
    pub files: Vec<File<'static>>,
}

/// Files by their paths.
pub type Texts = Vec<(String, Vec<u8>)>;

/// Imports a PowerDNS node.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn pdns(node: &Pdns) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = pdns::read(&mut work, &node.from, node.recursor.as_deref());
    write(work.finish(read), &node.into, node.existing)
}

/// What would become of a PowerDNS node with these texts as its files: no other
/// file is opened, and nothing is written; which paths there are is still asked
/// of the system. `from` and `recursor` are as those of [`Pdns`].
pub fn pdns_in_texts(from: &Path, recursor: Option<&Path>, texts: Texts) -> Planned {
    let mut work = Work::new(from);
    work.sources = work.sources.closed_over(texts);
    let read = pdns::read(&mut work, from, recursor);
    work.finish(read)
}

/// Imports a BIND node.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn named(node: &Named) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = named::read(&mut work, &node.from);
    write(work.finish(read), &node.into, node.existing)
}

/// What would become of a BIND node with these texts as its files: no other file
/// is opened, and nothing is written; which paths there are is still asked of
/// the system.
pub fn named_in_texts(from: &Path, texts: Texts) -> Planned {
    let mut work = Work::new(from);
    work.sources = work.sources.closed_over(texts);
    let read = named::read(&mut work, from);
    work.finish(read)
}

impl Imported {
    /// Writes what became of every setting, and which files were written.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to.
    pub fn write_report(&self, out: &mut dyn Write) -> io::Result<()> {
        self.report.write(&self.sources, out)?;
        for path in &self.written {
            writeln!(out, "written: {}", path.display())?;
        }
        Ok(())
    }

    /// Draws what is wrong, and which doors stand open.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to.
    pub fn write_faults(&self, look: Look, out: &mut dyn Write) -> io::Result<()> {
        for fault in &self.found {
            writeln!(out, "{}\n", self.sources.render(fault, look))?;
        }
        Ok(())
    }

    /// Whether the result serves all that the other server did, as far as can be told without checking it.
    pub fn is_whole(&self) -> bool {
        self.lacks().is_none()
    }

    /// What is missing of that, in a sentence.
    pub fn lacks(&self) -> Option<String> {
        let missed = self.report.missed();
        let place = |finding: &&Finding| {
            let place = finding.span.map(|span| self.sources.place(span));
            place.map_or_else(|| finding.setting.clone(), |place| format!("{}:{}", place.path, place.line))
        };
        let places = missed.iter().take(PLACES_MAX).map(place).collect::<Vec<_>>().join(", ");
        let more = if missed.len() > PLACES_MAX { ", …" } else { "" };
        match (&self.config, missed.len(), self.found.errors()) {
            (Some(_), 0, 0) => None,
            (None, ..) => Some("nothing was written: mend the errors above, and import again".to_owned()),
            (Some(_), 0, errors) => {
                Some(format!("not all that was served is served: errors above: {errors}"))
            }
            (Some(_), count, _) => {
                Some(format!("not all that was served is served: refused above: {count}, at {places}{more}"))
            }
        }
    }
}

/// An import under way.
struct Work {
    sources: Sources,
    found: Diagnostics,
    report: Report,
    draft: Draft,
    copies: Copies,
    folders: Folders,
    /// Zones that were served and are not, as the report says of each.
    missing: Vec<Name>,
}

/// The files of the other server cannot be understood; what is wrong has been pushed.
struct Unreadable;

impl Work {
    fn new(from: &Path) -> Self {
        Self {
            sources: Sources::default(),
            found: Diagnostics::default(),
            report: Report::default(),
            draft: Draft::default(),
            copies: Copies::default(),
            folders: Folders::new(from),
            missing: Vec::new(),
        }
    }

    /// What was read, ready to be written.
    fn finish(self, read: Result<String, Unreadable>) -> Planned {
        let Self { sources, found: all, report, draft, copies, .. } = self;
        let mut found = Diagnostics::default();
        for fault in &all {
            // A list that is read for two purposes tells its faults twice.
            if !found.iter().any(|known| known == fault) {
                found.push(fault.clone());
            }
        }
        found.sort();
        let mut files = Vec::new();
        if let Ok(origin) = read {
            let copied =
                copies.iter().map(|copy| File { path: copy.to.clone(), bytes: copy.bytes.to_vec().into() });
            files.extend(copied);
            // Last, as it names the others.
            files.push(File::of_text(CONFIG, draft.text(&origin)));
        }
        Planned { imported: Imported { report, found, sources, config: None, written: Vec::new() }, files }
    }
}

/// Does what an import is to do.
fn write(planned: Planned, into: &Path, existing: Existing) -> Result<Imported, WriteError> {
    let Planned { mut imported, files } = planned;
    // Nothing to write where nothing was understood.
    if files.is_empty() {
        return Ok(imported);
    }
    imported.written = write_files(&files, into, existing)?;
    imported.config = imported.written.last().cloned();
    Ok(imported)
}

/// The file at `path`, or the first of `names` that is in the folder there.
fn file_at(path: &Path, names: &[&str]) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let mut files = names.iter().map(|name| path.join(name));
    files.clone().find(|file| file.exists()).or_else(|| files.next()).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests;
