//! A query that waits for an answer, with the partial answer to it.

use std::net::IpAddr;

use super::client_query::{ClientQuery, OwnedClientQuery};
use crate::transport::{Deferred, client};

/// A query that waits.
pub(super) struct Waiter {
    pub(super) deferred: Deferred,
    query: OwnedClientQuery,
    /// The answer so far, where an upstream has had a part in it: a message that ends at an alias, neither
    /// bounded nor with an OPT record.
    pub(super) chain: Option<Box<[u8]>>,
}

impl Waiter {
    /// One for which no upstream has been asked yet; none if the message is not a query.
    pub(super) fn new(deferred: Deferred) -> Option<Self> {
        let query = ClientQuery::read(deferred.peer, &deferred.query)?.to_owned();
        Some(Self { deferred, query, chain: None })
    }

    /// The same with a longer answer so far.
    pub(super) fn with_chain(self, chain: Box<[u8]>) -> Self {
        Self { chain: Some(chain), ..self }
    }

    /// The query.
    pub(super) fn query(&self) -> ClientQuery<'_> {
        self.query.get()
    }

    /// The answer so far.
    pub(super) fn partial(&self) -> Option<&[u8]> {
        self.chain.as_deref().or(self.deferred.partial.as_deref())
    }

    /// Who counts as the client: an IPv4 address, or an IPv6 /64.
    pub(super) fn client(&self) -> IpAddr {
        client(self.deferred.peer.address)
    }
}
