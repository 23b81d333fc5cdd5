//! Diagnostics: what is wrong, where, and what was probably meant.

use super::origin::Origin;
use super::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Note,
    /// Served, but likely not what was meant.
    Warning,
    /// Cannot be served.
    Error,
}

impl Severity {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Where something is, and what is to be said there (may be empty).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// In a text, what the caret points at.
    pub origin: Origin,
    /// The words beside the caret.
    pub text: String,
}

/// What a remark below the drawing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// Background: why, or what still holds.
    Note,
    /// What to do.
    Help,
}

/// A line below the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Note or help.
    pub kind: RemarkKind,
    /// The words.
    pub text: String,
}

/// One fault or remark, with its place.
///
/// ```
/// # use edgedns::source::*;
/// # let mut sources = Sources::default();
/// # let file = sources.add("lab.zone", b"www IN AA 192.0.2.1\n".to_vec());
/// let fault = Diagnostic::error(Span::new(file, 7, 9), "unknown record type `AA`")
///     .help("did you mean `A`?");
/// assert!(sources.render(&fault, Look::Plain).contains("lab.zone:1:8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the offending word in backquotes.
    pub message: String,
    /// The first is the place of the fault; others are context.
    pub labels: Vec<Label>,
    /// Lines below the drawing.
    pub remarks: Vec<Remark>,
}

impl Diagnostic {
    /// Whether it is an error, which cannot be served.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// A fault that cannot be served.
    pub fn error(origin: impl Into<Origin>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, origin, message)
    }

    /// Something that is served but likely not meant.
    pub fn warning(origin: impl Into<Origin>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, origin, message)
    }

    /// Something worth knowing.
    pub fn note(origin: impl Into<Origin>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, origin, message)
    }

    /// A fault that lies nowhere (a file that cannot be opened).
    pub fn placeless(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, message: message.into(), labels: Vec::new(), remarks: Vec::new() }
    }

    /// Of a severity that is known only here.
    pub fn new(severity: Severity, origin: impl Into<Origin>, message: impl Into<String>) -> Self {
        let labels = vec![Label { origin: origin.into(), text: String::new() }];
        Self { severity, message: message.into(), labels, remarks: Vec::new() }
    }

    /// Words beside the caret of the fault.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Another place that matters, with words beside it.
    #[must_use]
    pub fn and_at(mut self, origin: impl Into<Origin>, text: impl Into<String>) -> Self {
        self.labels.push(Label { origin: origin.into(), text: text.into() });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(Remark { kind: RemarkKind::Help, text: text.into() });
        self
    }

    /// Background, or what still holds.
    #[must_use]
    pub fn remark(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(Remark { kind: RemarkKind::Note, text: text.into() });
        self
    }

    /// Where the fault is, if it is anywhere.
    pub fn origin(&self) -> Option<&Origin> {
        self.labels.first().map(|label| &label.origin)
    }

    /// The place of the fault, if it is in a text.
    pub fn span(&self) -> Option<Span> {
        self.origin().and_then(Origin::span)
    }
}

/// Diagnostics kept of one run. A file full of faults is mended from the top; the rest is counted, not kept.
pub const DIAGNOSTICS_MAX: usize = 1000;

/// All that was found in one run, in the order it was found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// Adds one; beyond [`DIAGNOSTICS_MAX`] it is only counted, except that an error still takes the place of
    /// the last lesser one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => {}
        }
        if self.list.len() < DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
        } else if diagnostic.severity == Severity::Error
            && let Some(lesser) = self.list.iter().rposition(|kept| kept.severity < Severity::Error)
        {
            self.list.remove(lesser);
            self.list.push(diagnostic);
        }
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Diagnostics) {
        let kept = other.list.iter().filter(|one| one.severity == Severity::Error).count();
        let kept_warnings = other.list.iter().filter(|one| one.severity == Severity::Warning).count();
        self.errors += other.errors - kept;
        self.warnings += other.warnings - kept_warnings;
        other.list.into_iter().for_each(|one| self.push(one));
    }

    /// The first error.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.list.iter().find(|one| one.is_error())
    }

    /// The first error in words; `otherwise` where there is none.
    pub fn first_error_or(&self, otherwise: &str) -> String {
        self.first_error().map_or_else(|| otherwise.to_owned(), |error| error.message.clone())
    }

    /// How many errors were found, kept or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings were found, kept or not.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// Those kept, as they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Sorts by file and place, so that output reads from top to bottom.
    pub fn sort(&mut self) {
        self.list.sort_by(|one, other| one.origin().cmp(&other.origin()));
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, iter: T) {
        iter.into_iter().for_each(|one| self.push(one));
    }
}
