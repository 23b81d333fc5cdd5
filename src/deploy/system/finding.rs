//! What was found about one subject: how bad it is, why it matters, what to do.

use crate::source::{Diagnostic, Severity};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// It works, but likely not as it was meant.
    Warning,
    /// The service does not start here, or no client gets an answer from it.
    Error,
}

impl Grade {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Fine => "fine",
            Grade::Warning => "warning",
            Grade::Error => "error",
        }
    }
}

/// The state of one thing on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a word: `ports`.
    pub subject: &'static str,
    /// How bad it is.
    pub grade: Grade,
    /// What is so, in one sentence without a full stop.
    pub message: String,
    /// Why that matters.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Finding {
    /// With a message and nothing else.
    pub fn new(subject: &'static str, grade: Grade, message: impl Into<String>) -> Self {
        Self { subject, grade, message: message.into(), notes: Vec::new(), help: Vec::new() }
    }

    /// With one more reason why it matters.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// With one more thing to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// As a diagnostic, to be drawn; none where all is fine.
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let severity = match self.grade {
            Grade::Fine => return None,
            Grade::Warning => Severity::Warning,
            Grade::Error => Severity::Error,
        };
        let bare = Diagnostic::placeless(severity, self.message.clone());
        let drawn = self.notes.iter().fold(bare, |drawn, note| drawn.remark(note.clone()));
        Some(self.help.iter().fold(drawn, |drawn, help| drawn.help(help.clone())))
    }
}

/// Words in a row: `a, b and c`.
pub fn listed<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    let Some(last) = words.pop() else { return String::new() };
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}
