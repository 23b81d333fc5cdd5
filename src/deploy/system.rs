//! What would go wrong on this host: before an installation, after it, and at three in the morning.
//!
//! ```text
//! config ─▶ Wanted ─┐
//! /proc, /etc, /sys ┴▶ one file per subject ─▶ Finding ─▶ drawn, or JSON
//! ```
//!
//! Responsible for what is looked at, for what is wrong with it, and for what to do about that.
//! Not responsible for the config and its zones, or for changing anything.

mod addresses;
mod clock;
mod files;
mod host;
mod kernel;
mod platform;
mod ports;
mod resolver;
mod selinux;
mod service;
mod sockets;
mod state;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::dns::Name;
use crate::source::{Diagnostic, Severity};

pub use host::Host;
pub use resolver::search_domains;

/// What a config asks of the host it is served on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Where DNS is to be served, over UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// Where the page and the metrics are to be served.
    pub admin: Option<SocketAddr>,
    /// Every file that is read: config, zones, what they include, and what probes are run with. Absolute paths.
    pub files: Vec<PathBuf>,
    /// Where what outlives a restart is to be kept; none: where systemd says.
    pub state_directory: Option<PathBuf>,
    /// The control socket; none: where systemd says.
    pub socket: Option<PathBuf>,
    /// Domains that this host searches, each with the wildcard that answers for every name in it.
    pub wildcards: Vec<(Name, Name)>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Fine,
    /// It works, but likely not as it was meant.
    Warning,
    /// The service does not start here, or nobody gets an answer from it.
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

/// How one thing on the host stands.
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
    fn new(subject: &'static str, grade: Grade, message: impl Into<String>) -> Self {
        Self { subject, grade, message: message.into(), notes: Vec::new(), help: Vec::new() }
    }

    fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    fn help(mut self, text: impl Into<String>) -> Self {
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
        let told = self.notes.iter().fold(bare, |told, note| told.remark(note.clone()));
        Some(self.help.iter().fold(told, |told, help| told.help(help.clone())))
    }
}

/// Looks at one subject.
type Look = fn(&Host, &Wanted) -> Vec<Finding>;

/// Every subject, in the order in which they are told.
const SUBJECTS: &[Look] = &[
    service::look,
    ports::look,
    platform::look,
    addresses::look,
    files::look,
    state::look,
    resolver::look,
    selinux::look,
    clock::look,
    kernel::look,
];

/// Looks at `host` with what is `wanted` of it. Nothing is changed, nothing is sent.
pub fn examine(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    SUBJECTS.iter().flat_map(|look| look(host, wanted)).collect()
}

/// Words in a row: `a, b and c`.
fn listed<T: ToString>(words: impl IntoIterator<Item = T>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| word.to_string()).collect();
    let Some(last) = words.pop() else { return String::new() };
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

#[cfg(test)]
mod tests;
