//! Which zone is a member of which catalog here, and what a new version of a catalog changes of it (RFC 9432, section
//! 5).
//!
//! ```text
//!   a version of a catalog ─ Catalog::of ─▶ take ─▶ steps: added, reset, changed, removed
//!                                            └────▶ clashes: what somebody else has
//! ```
//!
//! Pure. Not responsible for what is done with a zone that comes or goes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::dns::Name;
use crate::transfer::catalog::{Catalog, Member};

/// A catalog that loses more than half of so many members is not believed at once: whoever makes it may have made an
/// empty one by mistake. Of fewer, each was likely taken out by somebody.
pub(super) const DOUBTED_MIN: usize = 10;

/// The members of all catalogs: what is served because of them.
#[derive(Default)]
pub(super) struct Membership {
    owned: HashMap<Name, Owned>,
    counts: HashMap<Name, usize>,
}

/// A member, and the catalog that it is here for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owned {
    pub(super) catalog: Name,
    pub(super) member: Member,
}

/// What becomes of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is served from now on.
    Added(Name),
    /// It is served on, and all that is known of it is forgotten.
    Reset(Name),
    /// It is served on, maybe in another way.
    Changed(Name),
    /// It is served no more, and forgotten.
    Removed(Name),
}

/// Why a zone that a catalog names is none of its members here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// The config file has it.
    Configured,
    /// It is a member of that other catalog, which does not say that it may go.
    Owned(Name),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clash::Configured => f.write_str("the config file has it"),
            Clash::Owned(catalog) => {
                write!(f, "it is a member of {catalog}, which has no `coo` property for it")
            }
        }
    }
}

/// What has come of a version of a catalog.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// In no order; each zone once.
    pub(super) steps: Vec<Step>,
    /// The zones of the catalog that others have.
    pub(super) clashes: BTreeMap<Name, Clash>,
    /// How many members are not in it and are kept for now: too many are gone at once.
    pub(super) held: usize,
}

/// Whether the operator has said that members which are gone are meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// Many at once are not believed.
    Doubted,
    /// All are.
    Meant,
}

impl Membership {
    /// Takes a version of a catalog that is not broken. `configured` has the zones of the config file, `newest` the
    /// last good version of each catalog.
    pub(super) fn take(
        &mut self,
        catalog: &Name,
        configured: &HashSet<Name>,
        newest: &BTreeMap<Name, Arc<Catalog>>,
        losses: Losses,
    ) -> Taken {
        let mut taken = Taken::default();
        let Some(read) = newest.get(catalog) else { return taken };
        let own = self.owned.iter().filter(|(_, owned)| owned.catalog == *catalog);
        let gone: Vec<Name> =
            own.filter(|(zone, _)| read.member(zone).is_none()).map(|(zone, _)| zone.clone()).collect();
        let had = self.count(catalog);
        if losses == Losses::Doubted && had >= DOUBTED_MIN && gone.len() > had / 2 {
            taken.held = gone.len();
        } else {
            for zone in gone {
                self.remove(&zone);
                // It may be in another catalog, which could not have it so far.
                let heir = newest.iter().find_map(|(name, other)| Some((name, other.member(&zone)?)));
                match heir.filter(|_| !configured.contains(&zone)) {
                    Some((heir, member)) => {
                        self.put(&zone, heir, member);
                        taken.steps.push(Step::Reset(zone));
                    }
                    None => taken.steps.push(Step::Removed(zone)),
                }
            }
        }
        for (zone, member) in read.members() {
            match self.step(catalog, zone, member, configured) {
                Ok(None) => {}
                Ok(Some(step)) => {
                    self.put(zone, catalog, member);
                    taken.steps.push(step);
                }
                Err(clash) => drop(taken.clashes.insert(zone.clone(), clash)),
            }
        }
        taken
    }

    /// What becomes of a zone that a catalog names; none: it is as it was.
    fn step(
        &self,
        catalog: &Name,
        zone: &Name,
        member: &Member,
        configured: &HashSet<Name>,
    ) -> Result<Option<Step>, Clash> {
        if configured.contains(zone) {
            return Err(Clash::Configured);
        }
        let Some(owned) = self.owned.get(zone) else { return Ok(Some(Step::Added(zone.clone()))) };
        let is_own = owned.catalog == *catalog;
        if !is_own && owned.member.coo.as_ref() != Some(catalog) {
            return Err(Clash::Owned(owned.catalog.clone()));
        }
        // Also where it goes to another catalog: with the same label what is known of it goes along (RFC 9432, section 4.3.1).
        if owned.member.label != member.label {
            return Ok(Some(Step::Reset(zone.clone())));
        }
        let is_same = is_own && owned.member == *member;
        Ok((!is_same).then(|| Step::Changed(zone.clone())))
    }

    /// Lets go of members that the config file has now, and of those whose catalog it has no more.
    pub(super) fn keep_to(&mut self, catalogs: &HashSet<Name>, configured: &HashSet<Name>) -> Vec<Name> {
        let others = self
            .owned
            .iter()
            .filter(|(zone, owned)| configured.contains(*zone) || !catalogs.contains(&owned.catalog));
        let others: Vec<Name> = others.map(|(zone, _)| zone.clone()).collect();
        others.iter().for_each(|zone| self.remove(zone));
        others
    }

    /// Takes members as they were when the server ended, where nobody has them.
    pub(super) fn restore(&mut self, catalog: &Name, known: &Catalog, configured: &HashSet<Name>) {
        for (zone, member) in known.members() {
            if !configured.contains(zone) && !self.owned.contains_key(zone) {
                self.put(zone, catalog, member);
            }
        }
    }

    fn put(&mut self, zone: &Name, catalog: &Name, member: &Member) {
        self.remove(zone);
        *self.counts.entry(catalog.clone()).or_default() += 1;
        self.owned.insert(zone.clone(), Owned { catalog: catalog.clone(), member: member.clone() });
    }

    fn remove(&mut self, zone: &Name) {
        if let Some(owned) = self.owned.remove(zone)
            && let Some(count) = self.counts.get_mut(&owned.catalog)
        {
            *count -= 1;
        }
    }

    /// The member of a name.
    pub(super) fn get(&self, zone: &Name) -> Option<&Owned> {
        self.owned.get(zone)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Owned)> {
        self.owned.iter()
    }

    /// How many members a catalog has here.
    pub(super) fn count(&self, catalog: &Name) -> usize {
        self.counts.get(catalog).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
