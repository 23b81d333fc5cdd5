//! What people are told about a kind of probe.

/// What people are told about a kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindEntry {
    /// Its name: the key in the configuration and the label in metrics.
    pub name: &'static str,
    /// What a pass means, in one line.
    pub help: &'static str,
}
