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
    /// Where its outcomes come from.
    pub reach: Reach,
}

/// How a kind of probe is written in `[[zone.probe]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindForm {
    /// As a port, or a list of ports: this key.
    Ports(&'static KeyEntry),
    /// As a table.
    Table {
        /// Its keys, list by list.
        keys: &'static [&'static [KeyEntry]],
        /// The key that a value alone stands for; none: it must be a table.
        short: Option<&'static KeyEntry>,
    },
}

/// Where the outcomes of a kind come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From the target itself: each says something of the network between, too.
    Network,
    /// From somebody on this host who says how it is: they prove nothing of the network.
    Hearsay,
}
