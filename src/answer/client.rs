//! Whom an answer is for: who asks, or the network that a resolver asks for (RFC 7871). HOT.
//!
//! Says where the client's address matters which address that is, and remembers how many of its bits did. What a client may, and
//! how much of it, is decided by the address that the query came from.

use std::cell::Cell;
use std::net::IpAddr;

use super::prefix::Prefix;

/// Whom an answer is for.
pub(super) struct Client {
    /// Who sent the query.
    pub(super) peer: IpAddr,
    /// Whose answer it is to be.
    pub(super) address: IpAddr,
    /// How many bits are known of that address; 0: it is the peer's own, and nobody asks how many matter.
    known: u8,
    /// How many of them have mattered so far.
    scope: Cell<u8>,
}

impl Client {
    /// One that asks for itself.
    #[inline]
    pub(super) fn itself(peer: IpAddr) -> Self {
        Self { peer, address: peer, known: 0, scope: Cell::new(0) }
    }

    /// Those of a network, for whom `peer` asks.
    pub(super) fn behind(peer: IpAddr, network: Prefix) -> Self {
        Self { peer, address: network.address(), known: network.length(), scope: Cell::new(0) }
    }

    /// Notes that every bit that is known matters.
    #[inline]
    pub(super) fn all_matters(&self) {
        self.matters(self.known);
    }

    /// Notes that it matters whether the address is in a network: `bits` tells how many of its bits say that.
    #[inline]
    pub(super) fn matters_as(&self, bits: impl FnOnce(IpAddr) -> u8) {
        if self.known != 0 {
            self.matters(bits(self.address));
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
