//! How each catalog stands.

use std::collections::BTreeMap;

use crate::dns::Name;
use crate::zones::members::{Clash, Said};

/// How a catalog stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogStatus {
    /// Its name.
    pub name: Name,
    /// The serial of the version that its members are from; none: none was taken since the start.
    pub serial: Option<u32>,
    /// How many of its members are served here.
    pub members: usize,
    /// Why its newest version changes nothing; none: it is not broken.
    pub broken: Option<String>,
    /// Members that it does not name any more, and that are served on because they are so many.
    pub held: usize,
    /// The zones that it names and others have.
    pub clashes: BTreeMap<Name, Clash>,
}

impl CatalogStatus {
    pub(super) fn of(name: &Name, said: &Said) -> CatalogStatus {
        let Said { taken, broken, held, clashes, members } = said;
        CatalogStatus {
            name: name.clone(),
            serial: *taken,
            members: *members,
            broken: broken.as_ref().map(ToString::to_string),
            held: *held,
            clashes: clashes.clone(),
        }
    }
}
