//! What an import did, or would do.

use std::io::{self, Write};
use std::path::PathBuf;

use super::report::{Report, ReportLine};
use super::word::plain;
use crate::delivery::File;
use crate::source::{Diagnostics, Look, Sources};

/// Places of refused settings that the last line names; the report has all of them.
const PLACES_MAX: usize = 8;

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// What became of every setting.
    pub report: Report,
    /// Faults of the files that were read, and warnings of doors that are open.
    pub found: Diagnostics,
    /// The files those point into.
    pub sources: Sources,
    /// The config file that was written; none when the other server's files cannot be understood, as `found`
    /// says.
    pub config: Option<PathBuf>,
    /// All files written.
    pub written: Vec<PathBuf>,
}

/// What an import would do.
#[derive(Debug)]
pub struct Planned {
    /// As if nothing had been written yet.
    pub imported: Imported,
    /// The files to be written, below the folder they go to. The last one is the config file; none when the
    /// other server's files cannot be understood.
    pub files: Vec<File<'static>>,
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
            writeln!(out, "written: {}", plain(&path.display().to_string()))?;
        }
        Ok(())
    }

    /// Draws the faults and the open doors.
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

    /// Whether the result serves all that the other server did, as far as can be known without checking it.
    pub fn is_whole(&self) -> bool {
        self.lacks().is_none()
    }

    /// What is missing of that, in a sentence.
    pub fn lacks(&self) -> Option<String> {
        let missed = self.report.missed();
        let place = |finding: &&ReportLine| {
            let place = finding.span.map(|span| self.sources.place(span));
            let place = place.map(|place| format!("{}:{}", place.path, place.line));
            plain(place.as_deref().unwrap_or(&finding.setting))
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
