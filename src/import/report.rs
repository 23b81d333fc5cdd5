//! The report of an import: the fate of every setting, one of four.

use std::borrow::Cow;
use std::io::{self, Write};

use super::word::plain;
use crate::source::{Sources, Span};

/// Longest setting shown whole, in characters; a longer one is cut.
const SHOWN_CHARS_MAX: usize = 44;

/// Longest text of a fate that is shown whole, in characters: lists of 64 networks fit, and words of the other server's files,
/// which it has too, may be of any length.
const TEXT_CHARS_MAX: usize = 4000;

/// What kind of fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FateKind {
    /// It means the same here; the text says by which key.
    Honoured,
    /// There is nothing here that it could change; the text says why.
    NoEffect,
    /// It is different here; the text says how.
    Changed,
    /// It cannot be had here; the text says what to do.
    Refused,
}

impl FateKind {
    /// Every kind.
    pub const ALL: &[FateKind] =
        &[FateKind::Honoured, FateKind::NoEffect, FateKind::Changed, FateKind::Refused];

    /// As the report says it.
    pub fn word(self) -> &'static str {
        match self {
            FateKind::Honoured => "honoured",
            FateKind::NoEffect => "no effect here",
            FateKind::Changed => "changed",
            FateKind::Refused => "refused",
        }
    }
}

/// What depends on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// How the server is run, and nothing that clients are answered.
    Operation,
    /// What clients are answered, or which of them.
    Answers,
}

/// What became of a setting, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Which of the four.
    pub kind: FateKind,
    /// What is missing where it is refused.
    pub concern: Concern,
    /// Which key, why, how, or what to do.
    pub text: Cow<'static, str>,
}

impl Fate {
    /// One of the four; where it is refused, something that was served is missing.
    pub(super) fn new(kind: FateKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, concern: Concern::Answers, text: text.into() }
    }

    /// It means the same here.
    pub(super) fn honoured(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FateKind::Honoured, text)
    }

    /// Nothing here depends on it.
    pub(super) fn no_effect(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FateKind::NoEffect, text)
    }

    /// It is different here.
    pub(super) fn changed(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FateKind::Changed, text)
    }

    /// It cannot be had here, and something that was served is missing without it.
    pub(super) fn refused(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(FateKind::Refused, text)
    }

    /// It cannot be had here, and all that was served is served without it.
    pub(super) fn dispensable(text: impl Into<Cow<'static, str>>) -> Self {
        Self { concern: Concern::Operation, ..Self::new(FateKind::Refused, text) }
    }

    /// The worst of several, which a setting has that means several things; of none, that there is nothing.
    pub(super) fn worst(fates: impl IntoIterator<Item = Fate>, none: &'static str) -> Self {
        fates.into_iter().max_by_key(|fate| fate.kind).unwrap_or_else(|| Self::refused(none))
    }

    /// Whether something that was served is missing.
    pub(super) fn is_missed(&self) -> bool {
        self.kind == FateKind::Refused && self.concern == Concern::Answers
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLine {
    /// The place of the setting; none for a default.
    pub span: Option<Span>,
    /// The setting as it was written, secrets left out.
    pub setting: String,
    /// What became of it.
    pub fate: Fate,
}

/// The fates of all settings of an import.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<ReportLine>,
}

impl Report {
    /// Adds the fate of the setting at `span`.
    pub(super) fn add(&mut self, span: Span, setting: impl Into<String>, fate: Fate) {
        self.findings.push(ReportLine { span: Some(span), setting: setting.into(), fate });
    }

    /// Adds what holds by default, without a line in the file.
    pub(super) fn add_besides(&mut self, what: impl Into<String>, fate: Fate) {
        self.findings.push(ReportLine { span: None, setting: what.into(), fate });
    }

    /// The findings, file by file and from top to bottom; those without a place come last.
    pub fn findings(&self) -> Vec<&ReportLine> {
        let mut findings: Vec<&ReportLine> = self.findings.iter().collect();
        findings.sort_by_key(|finding| (finding.span.is_none(), finding.span));
        findings
    }

    /// How many settings had this fate.
    pub fn count(&self, kind: FateKind) -> usize {
        self.findings.iter().filter(|finding| finding.fate.kind == kind).count()
    }

    /// Those without which something that was served is missing.
    pub fn missed(&self) -> Vec<&ReportLine> {
        let mut findings = self.findings();
        findings.retain(|finding| finding.fate.is_missed());
        findings
    }

    /// Writes the list, with a head line for each file and the numbers below it.
    pub(super) fn write(&self, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
        let findings = self.findings();
        let shown: Vec<String> =
            findings.iter().map(|finding| cut(&finding.setting, SHOWN_CHARS_MAX)).collect();
        let width = shown.iter().map(|text| text.chars().count()).max().unwrap_or(0);
        let mut file = None;
        for (finding, setting) in findings.into_iter().zip(shown) {
            let place = finding.span.map(|span| sources.place(span));
            let (path, line) = match &place {
                Some(place) => (plain(&place.path), place.line.to_string()),
                None => ("besides".to_owned(), String::new()),
            };
            if file.as_ref() != Some(&path) {
                writeln!(out, "{}{path}", if file.is_some() { "\n" } else { "" })?;
                file = Some(path);
            }
            let (kind, text) = (finding.fate.kind.word(), cut(&finding.fate.text, TEXT_CHARS_MAX));
            writeln!(out, "{line:>5}  {setting:<width$}  {kind:<14}  {text}")?;
        }
        let counts = FateKind::ALL.iter().map(|kind| format!("{} {}", self.count(*kind), kind.word()));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let spared = self.count(FateKind::Refused) - self.missed().len();
        let note = match spared {
            0 => String::new(),
            spared => format!(" ({spared} of them without effect on what is served)"),
        };
        writeln!(out, "\n{counts}{note}")
    }
}

/// What the other server's files say, on one line that a terminal takes as text.
fn cut(text: &str, chars_max: usize) -> String {
    let line = plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() <= chars_max {
        return line;
    }
    let head: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{head}…")
}
