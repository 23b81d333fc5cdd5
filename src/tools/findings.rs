//! What was found on a host or at a server, written for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use crate::deploy::system::{Finding, Grade};
use crate::source::{Look, Sources};

/// A finding as scripts read it.
#[derive(Serialize)]
pub(super) struct FindingView {
    subject: &'static str,
    severity: &'static str,
    message: String,
    help: Vec<String>,
    notes: Vec<String>,
}

impl FindingView {
    pub(super) fn of(finding: &Finding) -> FindingView {
        FindingView {
            subject: finding.subject,
            severity: finding.grade.word(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            notes: finding.notes.clone(),
        }
    }
}

/// How many of them are as bad as that.
pub(super) fn graded(found: &[Finding], grade: Grade) -> usize {
    found.iter().filter(|one| one.grade == grade).count()
}

/// Draws what is wrong.
pub(super) fn draw_troubles(found: &[Finding], out: &mut impl Write, look: Look) -> io::Result<()> {
    let nowhere = Sources::default();
    for trouble in found.iter().filter_map(Finding::diagnostic) {
        writeln!(out, "{}\n", nowhere.render(&trouble, look))?;
    }
    Ok(())
}

/// Lists what is as it should be.
pub(super) fn list_fine(found: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let fine = found.iter().filter(|finding| finding.grade == Grade::Fine);
    fine.into_iter().try_for_each(|finding| writeln!(out, "{}: {}", finding.grade.word(), finding.message))
}

/// The last line: how many faults there are, behind a word that says whether all is well.
pub(super) fn conclusion(word: &str, errors: usize, warnings: usize) -> String {
    format!("{word}: {}, {}", plural(errors, "error"), plural(warnings, "warning"))
}

/// The word for it.
pub(super) const ALL_WELL: &str = "ok";
pub(super) const NOT_WELL: &str = "not ok";

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
