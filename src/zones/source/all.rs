//! All sources of one zone.

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::interface::{Reading, Source, SourceTiming};
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics};
use crate::zone::{Builder, Pool};

/// The sources of a zone, in the order in which they add to it.
#[derive(Clone, Debug, Default)]
pub struct ZoneSources {
    list: Vec<Arc<dyn Source>>,
    keeping: Keeping,
}

/// Whether the contents of a zone stay in memory when it is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeping {
    /// Only where a source proposes changes to them.
    #[default]
    ForChanges,
    /// In any case: they are sent to other servers.
    ForTransfers,
}

impl ZoneSources {
    /// Adds a source behind the others.
    pub fn push(&mut self, source: impl Source) {
        self.add(Arc::new(source));
    }

    /// As [`ZoneSources::push`], of a source that was read.
    pub fn add(&mut self, source: Arc<dyn Source>) {
        self.list.push(source);
    }

    /// The source of a kind, if the zone has one.
    pub fn find<S: Source>(&self) -> Option<&S> {
        self.list.iter().find_map(|source| (source.as_ref() as &dyn Any).downcast_ref())
    }

    /// Whether this is one of them.
    pub fn has<S: Source + PartialEq>(&self, wanted: &S) -> bool {
        self.list.iter().any(|source| (source.as_ref() as &dyn Any).downcast_ref() == Some(wanted))
    }

    /// Has the contents of the zone stay in memory.
    pub fn keep_contents(&mut self) {
        self.keeping = Keeping::ForTransfers;
    }

    /// Whether they stay there though no source proposes changes to them.
    pub fn keeps_contents(&self) -> bool {
        self.keeping == Keeping::ForTransfers
    }

    /// Has each add its records. None when some cannot be had; `found` says why.
    pub fn read(
        &self,
        reading: &mut Reading<'_>,
        builder: &mut Builder,
        found: &mut Diagnostics,
    ) -> Option<()> {
        self.list.iter().try_for_each(|source| source.read(reading, builder, found))
    }

    /// The zone's own file.
    pub fn file(&self) -> Option<&Path> {
        self.list.iter().find_map(|source| source.file())
    }

    /// Texts in the state directory that they read where these are there.
    pub fn kept_texts(&self, state_directory: &Path) -> impl Iterator<Item = PathBuf> {
        self.list.iter().flat_map(|source| source.kept_texts(state_directory))
    }

    /// The zone whose addresses are needed.
    pub fn made_from(&self) -> Option<&Name> {
        self.list.iter().find_map(|source| source.made_from())
    }

    /// Whether its records come while it is served.
    pub fn arrive_while_serving(&self) -> bool {
        self.list.iter().any(|source| source.timing() == SourceTiming::WhileServing)
    }

    /// Why a zone with these pools is not served; none: it is. Its sources may have no say over what is probed.
    pub fn pools_fault(&self, pools: &[Arc<Pool>]) -> Option<Diagnostic> {
        let has_lua = pools.iter().any(|pool| pool.lua.is_some());
        self.list.iter().find_map(|source| source.lua_fault()).filter(|_| has_lua)
    }

    /// What `edgedns explain` says of records that stand in no file.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.list.iter().filter_map(|source| source.remark())
    }

    /// Whether the contents of the zone stay in memory, since changes to them may be proposed.
    pub fn propose_changes(&self) -> bool {
        self.list.iter().any(|source| source.proposes_changes())
    }
}

impl PartialEq for ZoneSources {
    fn eq(&self, other: &Self) -> bool {
        self.keeping == other.keeping
            && self.list.len() == other.list.len()
            && self.list.iter().zip(&other.list).all(|(one, other)| one.is_same(other.as_ref()))
    }
}

impl Eq for ZoneSources {}

impl fmt::Display for ZoneSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.list.is_empty() {
            return f.write_str("nothing");
        }
        for (number, source) in self.list.iter().enumerate() {
            let between = if number == 0 { "" } else { " and " };
            write!(f, "{between}{source}")?;
        }
        Ok(())
    }
}
