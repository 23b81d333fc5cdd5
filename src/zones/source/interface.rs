//! What every source does.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Sources};
use crate::zone::{Builder, Hosts};
use crate::zonefile;

/// A place that records of a zone come from. Several may make one zone together, each adding to what those
/// before it gave. [`fmt::Display`] says it in words: `the addresses of lab.example.`
pub trait Source: Any + fmt::Debug + fmt::Display + Send + Sync {
    /// Adds its records to `builder`. None when they cannot be had; `found` says why, and every other fault.
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()>;

    /// Whether `other` is the same source: a zone that was read from it need not be read again.
    fn is_same(&self, other: &dyn Source) -> bool;

    /// The zone's own file, which is marked while it is read, watched, and kept when it is good.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Texts in the state directory that it reads where these are there.
    fn kept_texts(&self, _state_directory: &Path) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The zone whose addresses it needs, which is read before.
    fn made_from(&self) -> Option<&Name> {
        None
    }

    /// When its records come.
    fn timing(&self) -> SourceTiming {
        SourceTiming::WhenRead
    }

    /// Why LUA records that it gives are not served; none: they are. What such a record names is probed from here, so
    /// that a source elsewhere needs the operator's word for it.
    fn lua_fault(&self) -> Option<Diagnostic> {
        None
    }

    /// What `edgedns explain` says of its records, which stand in no file.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Whether what it proposes later may be changes: then the contents of the zone stay in memory.
    fn proposes_changes(&self) -> bool {
        false
    }
}

/// When the records of a source come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceTiming {
    /// When the zone is read.
    WhenRead,
    /// While the zone is served. When it is read, there is at most what came before the last start.
    WhileServing,
}

/// What a source reads with.
pub struct Reading<'r> {
    /// The texts that were read, for diagnostics.
    pub sources: &'r mut Sources,
    /// How zone text is read.
    pub settings: &'r zonefile::Settings,
    /// The zone's own file in a last good text, where it had this path; none: the file is read as it is now. Of a zone
    /// that is copied from primaries, its last copy.
    pub last_good: Option<&'r Path>,
    /// Where what outlives a restart is kept; none: nothing is.
    pub state_directory: Option<&'r Path>,
    /// The addresses of the zone that [`Source::made_from`] names; none: it cannot be read.
    pub hosts: Option<&'r Hosts>,
}
