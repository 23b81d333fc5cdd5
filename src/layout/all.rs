//! Every layout.

use std::fmt;

use super::item::{Item, KeyFault};
use super::place::Place;
use super::{lines, skydns};
use crate::dns::Name;

/// Reads a key with its value; none: the key is not of the zone.
pub type ReadKey = fn(&Place, &[u8], &[u8]) -> Option<Result<Vec<Item>, KeyFault>>;

/// A layout of keys.
pub struct Layout {
    /// What it is called in the config file.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// What keys begin with if nothing is said.
    pub prefix: &'static str,
    /// What keys of a zone begin with. Others may, too.
    pub keys: fn(&Place) -> String,
    /// What a key with its value says; none: the key is not of the zone.
    pub read: ReadKey,
    /// The key of a name of the zone.
    pub key_of: fn(&Place, &Name) -> String,
    /// The key of what guards the addresses of a name; none: there are no such keys.
    pub pool_key_of: Option<fn(&Place, &Name) -> String>,
    /// Whether SOA and NS records are in keys.
    pub apex: ApexRecords,
}

/// Where the SOA and NS records of a zone come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApexRecords {
    /// From keys.
    InKeys,
    /// From the config file.
    Configured,
}

/// The layouts, the one that is used unless another is named first.
pub static LAYOUTS: &[Layout] = &[
    Layout {
        name: "skydns",
        about: "as CoreDNS and external-dns have it",
        prefix: "/skydns",
        keys: skydns::prefix,
        read: skydns::read,
        key_of: skydns::key_of,
        pool_key_of: None,
        apex: ApexRecords::Configured,
    },
    Layout {
        name: "zone",
        about: "lines of a zone file",
        prefix: "/edgedns",
        keys: lines::prefix,
        read: lines::read,
        key_of: lines::key_of,
        pool_key_of: Some(lines::pool_key_of),
        apex: ApexRecords::InKeys,
    },
];

/// The layout of a name.
pub fn layout(name: &str) -> Option<&'static Layout> {
    LAYOUTS.iter().find(|layout| layout.name == name)
}

impl PartialEq for Layout {
    fn eq(&self, other: &Layout) -> bool {
        self.name == other.name
    }
}

impl Eq for Layout {}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
