//! How the output of a command is written.
//!
//! Responsible for which ways there are. Not responsible for any of them.

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Drawn for people, to standard error.
    Text,
    /// One JSON object, to standard output.
    Json,
}
