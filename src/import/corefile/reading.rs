//! What the rules of a server block's plugins work on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::made::MadeZones;
use super::super::networks::Clients;
use super::super::word::Word;
use super::super::work::Work;
use super::lines::ServerBlock;
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;

/// What the rules work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    /// The block whose plugins are read.
    pub(super) block: &'r ServerBlock,
    /// The zones of the block.
    pub(super) zones: Vec<Name>,
    /// The blocks that are asked for each zone; none for a zone that nobody is answered.
    pub(super) asked_of: &'r BTreeMap<&'r Name, Vec<&'r ServerBlock>>,
    /// The zones that are put together of single records.
    pub(super) made: &'r mut MadeZones,
    /// The clients that the block answers.
    pub(super) clients: &'r Clients,
    /// Where files are that are named by a relative path.
    pub(super) root: Option<PathBuf>,
}

impl Reading<'_> {
    /// The zones that a plugin names behind others, or those of the block; without those that another block is
    /// asked for.
    pub(super) fn zones_or_own(&mut self, words: &[Word]) -> Vec<Name> {
        if words.is_empty() {
            return self.zones.clone();
        }
        let named: Vec<Name> = words.iter().filter_map(|word| self.name(word)).collect();
        named.into_iter().filter(|zone| self.is_asked(zone)).collect()
    }

    /// Whether this block is asked for a name: that of the longest zone is which holds it.
    pub(super) fn is_asked(&self, name: &Name) -> bool {
        let upward = std::iter::successors(Some(name.as_ref()), |name| name.parent());
        let found = upward.map(NameRef::to_name).find_map(|zone| self.asked_of.get(&zone));
        found.is_some_and(|blocks| blocks.iter().any(|block| std::ptr::eq(*block, self.block)))
    }

    /// A name; what is none is pushed.
    pub(super) fn name(&mut self, word: &Word) -> Option<Name> {
        match Name::parse(word.text.as_bytes(), NameRef::ROOT) {
            Ok(name) => Some(name),
            Err(error) => {
                self.work.found.push(Diagnostic::error(word.span, format!("`{}`: {error}", word.text)));
                None
            }
        }
    }

    /// Whether names that a plugin does not have go to others.
    pub(super) fn forwards(&self) -> bool {
        self.block.lines.iter().any(|line| line.text(0) == "forward")
    }
}
