//! The output formats of commands.

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Drawn for people, to standard error.
    Text,
    /// One JSON object, to standard output.
    Json,
}
