//! The clients of a zone: which of its versions a client sees, and whether it may ask. HOT where a zone is
//! not for all.
//!
//! Versions of one name are looked at in the order of the config file. The first that is for the client
//! answers it or refuses it, and no other is tried. EDNS client subnet (RFC 7871) says whatever a
//! client likes, so it opens nothing here: who may ask is decided by the address that the query came from. Which version a client
//! sees is decided by the network that a resolver asks for, where the operator trusts that resolver.

use std::net::IpAddr;

use super::client::Client;
use super::prefix::Prefix;

/// The clients of a zone that is not for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The clients that see this version of the zone; none for all that see no earlier version.
    view: Option<Box<[Prefix]>>,
    /// Those of them that may ask; none for all.
    allowed: Option<Box<[Prefix]>>,
    /// The place of the next version of the same name in the zone table.
    pub(super) next: Option<u32>,
}

impl Access {
    /// A version of a zone for clients in `view`, of which those in `allowed` may ask. None if that is all
    /// clients.
    pub fn new(view: Option<Vec<Prefix>>, allowed: Option<Vec<Prefix>>) -> Option<Box<Access>> {
        if view.is_none() && allowed.is_none() {
            return None;
        }
        let [view, allowed] = [view, allowed].map(|clients| clients.map(Vec::into_boxed_slice));
        Some(Box::new(Access { view, allowed, next: None }))
    }

    /// Whether every client sees it that sees no earlier version.
    pub fn is_for_everybody(&self) -> bool {
        self.view.is_none()
    }

    /// Whether this client sees it.
    #[inline]
    pub fn is_seen_by(&self, client: IpAddr) -> bool {
        self.is_for(&Client::itself(&client))
    }

    /// The same, noting how much of the address matters. HOT.
    #[inline]
    pub(super) fn is_for(&self, client: &Client<'_>) -> bool {
        let Some(view) = &self.view else { return true };
        view.iter().any(|prefix| {
            client.matters_as(|address| prefix.deciding_bits(address));
            prefix.contains(client.address())
        })
    }

    #[inline]
    pub(super) fn allows(&self, client: IpAddr) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| holds(allowed, client))
    }
}

#[inline]
fn holds(prefixes: &[Prefix], client: IpAddr) -> bool {
    prefixes.iter().any(|prefix| prefix.contains(client))
}
