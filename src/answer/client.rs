//! Whom an answer is for: who asks, or the network that a resolver asks for (RFC 7871). HOT.
//!
//! Gives the address by which an answer is chosen, and remembers how many of its bits the choice looked at. Not responsible for what
//! a client may ask, and how often: access and rate limits go by the address that the query came from.

use std::cell::Cell;
use std::net::IpAddr;

use super::prefix::Prefix;

/// Whom an answer is for. Of a client that asks for itself nothing is copied.
pub(super) struct Client<'p> {
    peer: &'p IpAddr,
    /// The network that it asks for, of at least one bit; none: nobody asks how many bits matter.
    network: Option<Prefix>,
    /// How many of its bits have mattered so far.
    scope: Cell<u8>,
}

impl<'p> Client<'p> {
    /// One that asks for itself.
    #[inline]
    pub(super) fn itself(peer: &'p IpAddr) -> Self {
        Self { peer, network: None, scope: Cell::new(0) }
    }

    /// It asks for the clients of a network of at least one bit.
    pub(super) fn ask_for(&mut self, network: Prefix) {
        self.network = Some(network);
    }

    /// Who sent the query.
    #[inline]
    pub(super) fn peer(&self) -> IpAddr {
        *self.peer
    }

    /// Whose answer it is to be.
    #[inline]
    pub(super) fn address(&self) -> IpAddr {
        self.network.as_ref().map_or(*self.peer, Prefix::address)
    }

    /// Notes that every bit that is known matters.
    #[inline]
    pub(super) fn all_matters(&self) {
        if let Some(network) = &self.network {
            self.matters(network.length());
        }
    }

    /// Notes that it matters whether the address is in a network: `bits` tells how many of its bits say that.
    #[inline]
    pub(super) fn matters_as(&self, bits: impl FnOnce(IpAddr) -> u8) {
        if let Some(network) = &self.network {
            self.matters(bits(network.address()));
        }
    }

    #[inline]
    fn matters(&self, bits: u8) {
        self.scope.set(self.scope.get().max(bits));
    }

    /// How many bits of the address have mattered.
    pub(super) fn scope(&self) -> u8 {
        self.scope.get()
    }
}
