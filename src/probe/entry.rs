//! What there is to say of a kind of probe: its name, its documentation, and how it is written.

use crate::setting::KeyEntry;

/// A kind of probe as help, documentation and configuration know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindEntry {
    /// Its name: the key in the configuration and the label in metrics.
    pub name: &'static str,
    /// What a pass means, in one line.
    pub help: &'static str,
    /// How it is written.
    pub form: KindForm,
}

/// How a kind of probe is written in `[[zone.probe]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindForm {
    /// As a port, or a list of ports: this key.
    Ports(&'static KeyEntry),
    /// As a table with these keys, list by list, and a port; or as a port alone.
    Table(&'static [&'static [KeyEntry]]),
}
