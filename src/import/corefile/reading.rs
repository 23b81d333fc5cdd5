//! What the rules of a server block's plugins work on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::made::MadeZones;
use super::super::networks::Clients;
use super::super::report::Fate;
use super::super::word::Word;
use super::super::work::Work;
use super::lines::ServerBlock;
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;

/// The blocks that are asked for each zone; none for a zone that nobody is answered.
pub(super) struct AskedOf<'b>(pub(super) BTreeMap<&'b Name, Vec<&'b ServerBlock>>);

impl AskedOf<'_> {
    /// The blocks that are asked for a name: those of the longest zone that holds it.
    pub(super) fn blocks(&self, name: &Name) -> &[&ServerBlock] {
        let upward = std::iter::successors(Some(name.as_ref()), |name| name.parent());
        let found = upward.map(NameRef::to_name).find_map(|zone| self.0.get(&zone));
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

/// What the rules work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    /// The block whose plugins are read.
    pub(super) block: &'r ServerBlock,
    /// The zones of the block.
    pub(super) zones: Vec<Name>,
    pub(super) asked_of: &'r AskedOf<'r>,
    /// The zones that are put together of single records.
    pub(super) made: &'r mut MadeZones,
    /// The clients that the block answers.
    pub(super) clients: &'r Clients,
    /// Where files are that are named by a relative path.
    pub(super) root: Option<PathBuf>,
}

impl Reading<'_> {
    /// The zones that a plugin names behind others, or those of the block, as far as this block is asked for them: of a
    /// zone above it for its own.
    pub(super) fn zones_or_own(&mut self, words: &[Word]) -> Vec<Name> {
        let Named { mut asked, above } = self.named(words);
        for zone in above {
            asked.extend(self.zones.iter().filter(|own| own.as_ref().is_at_or_below(zone.as_ref())).cloned());
        }
        asked.sort();
        asked.dedup();
        asked
    }

    /// The zones that a plugin names behind others, or those of the block; without those that have nothing to do with
    /// it.
    pub(super) fn named(&mut self, words: &[Word]) -> Named {
        if words.is_empty() {
            return Named { asked: self.zones.clone(), above: Vec::new() };
        }
        let named: Vec<Name> = words.iter().filter_map(|word| self.name(word)).collect();
        let (asked, others): (Vec<Name>, Vec<Name>) = named.into_iter().partition(|zone| self.is_asked(zone));
        let is_above = |zone: &Name| self.zones.iter().any(|own| own.as_ref().is_at_or_below(zone.as_ref()));
        let above = others.into_iter().filter(is_above).collect();
        Named { asked, above }
    }

    /// Whether this block is asked for a name: that of the longest zone is which holds it.
    pub(super) fn is_asked(&self, name: &Name) -> bool {
        self.asked_of.blocks(name).iter().any(|block| std::ptr::eq(*block, self.block))
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
        self.block.lines.iter().any(|line| matches!(line.text(0), "forward" | "proxy"))
    }

    /// Closes the zones of a block whose names go nowhere: else they would go to the upstreams of a block of a zone
    /// above, or be answered from its zone. Once all blocks are read, as it depends on what the others have.
    /// Returns those zones.
    pub(super) fn close_unanswered(&mut self) -> Vec<Name> {
        let is_left = |zone: &&Name| !zone.as_ref().is_root() && self.has_unanswered(zone);
        let unanswered: Vec<Name> = self.zones.iter().filter(is_left).cloned().collect();
        if unanswered.is_empty() {
            return unanswered;
        }
        let remark = self.work.whence(self.block.span);
        let list = unanswered.iter().map(Name::to_string).collect::<Vec<_>>().join(", ");
        let has_names = |zone: &Name| self.made.alone_below(zone).any(|name| self.is_asked(name));
        let text = if unanswered.iter().any(has_names) {
            self.made.answer_to(self.clients.clone(), "acl");
            format!("→ [[zone]] {list}: names that its plugins have not do not exist, and go to nobody else")
        } else {
            self.made.answer_to(Clients::nobody(), "a block that answers nothing");
            format!("→ [[zone]] {list}, for nobody: no plugin answers it, and its names go to nobody else")
        };
        unanswered.iter().for_each(|zone| self.made.answer_whole(zone.clone(), &remark));
        self.work.report.add(self.block.span, self.block.shown(), Fate::changed(text));
        unanswered
    }

    /// Whether names of a zone of this block go where the block sends none.
    fn has_unanswered(&self, zone: &Name) -> bool {
        let draft = &self.work.draft;
        let is_zone = draft.zones.iter().any(|known| known.name == *zone)
            || self.made.domain_of(zone.as_ref()) == Some(zone);
        if is_zone || draft.forwards.iter().any(|known| known.zone == *zone) {
            return false;
        }
        let is_above = |other: &Name| zone.as_ref().is_below(other.as_ref());
        let has_above = draft.zones.iter().any(|known| is_above(&known.name))
            || draft.forwards.iter().any(|known| is_above(&known.zone))
            || zone.as_ref().parent().is_some_and(|parent| self.made.zone_of(parent).is_some());
        // A zone hides what is forwarded below it: where nothing is above, nobody has the other names anyway.
        has_above || !draft.forwards.iter().any(|known| known.zone.as_ref().is_below(zone.as_ref()))
    }
}

/// The zones that a plugin names.
pub(super) struct Named {
    /// Those that its block is asked for.
    pub(super) asked: Vec<Name>,
    /// Those above zones of its block.
    pub(super) above: Vec<Name>,
}
