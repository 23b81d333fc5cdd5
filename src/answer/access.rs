//! Whom a zone answers: which of its versions a client sees, and whether it
//! may ask at all.
//!
//! Responsible for choosing by the client's address. A zone for everybody
//! costs one look at an empty place.
//! Not responsible for finding the zone of a name.
//!
//! Versions of one name are looked at in the order of the config file; the
//! first that is for the client answers it or refuses it, and no other is
//! tried. The address is the one that the query came from: EDNS client subnet
//! (RFC 7871) says whatever a client likes, so it opens nothing here.

use std::net::IpAddr;

use super::prefix::Prefix;
use super::snapshot::{ZoneShelf, ZoneSlot};

/// The clients of a zone that is not for everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who sees this version of the zone; none: everybody who sees none before it.
    view: Option<Box<[Prefix]>>,
    /// Who of them may ask; none: all.
    allowed: Option<Box<[Prefix]>>,
    /// The place of the next version of the same name on its shelf.
    pub(super) next: Option<u32>,
}

impl Access {
    /// A version of a zone for clients in `view`, of whom those in `allowed`
    /// may ask. None where that is everybody.
    pub fn new(view: Option<Vec<Prefix>>, allowed: Option<Vec<Prefix>>) -> Option<Box<Access>> {
        if view.is_none() && allowed.is_none() {
            return None;
        }
        let [view, allowed] = [view, allowed].map(|clients| clients.map(Vec::into_boxed_slice));
        Some(Box::new(Access { view, allowed, next: None }))
    }

    /// Whether every client sees it that sees no version before it.
    pub fn is_for_everybody(&self) -> bool {
        self.view.is_none()
    }

    /// Whether this client sees it.
    #[inline]
    pub fn is_seen_by(&self, client: IpAddr) -> bool {
        self.view.as_ref().is_none_or(|view| holds(view, client))
    }

    fn allows(&self, client: IpAddr) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| holds(allowed, client))
    }
}

impl ZoneShelf {
    /// The version of a zone that answers this client, of which `first` is the
    /// first on the shelf; none: it is refused. HOT.
    #[inline]
    pub(super) fn version_for<'s>(&'s self, first: &'s ZoneSlot, client: IpAddr) -> Option<&'s ZoneSlot> {
        match first.access {
            None => Some(first),
            Some(_) => self
                .seen_by(first, client)
                .filter(|version| version.access.as_ref().is_none_or(|access| access.allows(client))),
        }
    }

    /// The version that this client sees, whether it may ask or not. HOT where
    /// zones have versions.
    pub(super) fn seen_by<'s>(&'s self, first: &'s ZoneSlot, client: IpAddr) -> Option<&'s ZoneSlot> {
        let mut version = first;
        // A place only ever leads to a later one, so this ends.
        while let Some(access) = &version.access {
            if access.is_seen_by(client) {
                break;
            }
            version = self.zones().get(access.next? as usize)?;
        }
        Some(version)
    }
}

#[inline]
fn holds(prefixes: &[Prefix], client: IpAddr) -> bool {
    prefixes.iter().any(|prefix| prefix.contains(client))
}
