//! The apexes of all zones of a server: each zone answers for itself.
//!
//! Finds the zone that a name belongs to.

use std::collections::HashSet;

use crate::dns::NameRef;

/// Apexes, found by name however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apexes(
    /// In wire form and lower case.
    HashSet<Box<[u8]>>,
);

impl Apexes {
    /// The apex of the zone that answers for a name.
    pub fn nearest<'n>(&self, name: NameRef<'n>) -> Option<NameRef<'n>> {
        let lower = name.to_lowercase();
        let is_apex = |name: &NameRef<'_>| {
            let from = lower.len().checked_sub(name.wire().len());
            from.and_then(|from| lower.get(from..)).is_some_and(|wire| self.0.contains(wire))
        };
        std::iter::successors(Some(name), |name| name.parent()).find(is_apex)
    }
}

impl<'n> FromIterator<NameRef<'n>> for Apexes {
    fn from_iter<I: IntoIterator<Item = NameRef<'n>>>(apexes: I) -> Self {
        Self(apexes.into_iter().map(|apex| apex.to_lowercase().into()).collect())
    }
}
