//! Where the records of a zone come from.
//!
//! Responsible for saying it. Not responsible for reading.

use std::fmt;
use std::path::{Path, PathBuf};

use super::settings::ZoneSettings;
use crate::dns::Name;

/// A zone file, another zone, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSource {
    /// The zone's own file.
    pub file: Option<PathBuf>,
    /// The zone whose addresses give its PTR records.
    pub reverse_of: Option<Name>,
}

impl ZoneSource {
    pub(super) fn of(zone: &ZoneSettings) -> ZoneSource {
        ZoneSource {
            file: zone.file.as_ref().map(|file| file.path.clone()),
            reverse_of: zone.reverse_of.as_ref().map(|reverse_of| reverse_of.zone.clone()),
        }
    }
}

impl fmt::Display for ZoneSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.as_deref().map(Path::display), &self.reverse_of) {
            (Some(file), None) => write!(f, "{file}"),
            (Some(file), Some(zone)) => write!(f, "{file} and the addresses of {zone}"),
            (None, Some(zone)) => write!(f, "the addresses of {zone}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}
