//! What is left to choose at a query: the few shapes that every selector comes down to.
//!
//! Selectors make them when the board changes, `answer` carries them out. A new selector combines these, or adds one.

use std::ops::Range;
use std::sync::Arc;

use super::super::computed::Computed;
use super::super::network::Network;

/// What is done at a query with the candidates that a selector has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoiceAtQuery {
    /// All, at most `most`: the first `pinned` as they stand, the others beginning anywhere.
    All {
        /// How many keep their place at the front.
        pinned: u32,
        /// Most that are answered.
        most: u32,
    },
    /// As `All`, of those alone whose share is above a number below 100 that is made for each query.
    Growing {
        /// How many keep their place at the front.
        pinned: u32,
        /// Most that are answered.
        most: u32,
        /// The share of each, in percent; one of them at least is 100.
        shares: Box<[u8]>,
        /// Those shares below 100, each once, ascending.
        levels: Box<[u8]>,
    },
    /// This many, by chance, none twice.
    Sample(u32),
    /// The first; NODATA if no candidate is left.
    First,
    /// One, all alike.
    One(ChosenBy),
    /// One: the first whose weight, added to those before it, is above the number. The sums ascend.
    Weighted(ChosenBy, Box<[u32]>),
    /// One: the nearest on the ring, of points and places, ascending.
    Ring(Box<[(u32, u32)]>),
    /// One by chance of the first view that holds the client.
    Views(Box<[View]>),
    /// One that is made from the name asked.
    Computed(Arc<Computed>),
    /// SERVFAIL.
    ServFail,
}

/// What the number that chooses is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// A new one for each query.
    Chance,
    /// The client's address.
    Client,
    /// The client's address, such that few clients get another one when weights change a little.
    ClientRange,
    /// The name that is asked.
    Name,
}

/// The members for some clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The clients.
    pub networks: Box<[Network]>,
    /// The places of the members.
    pub places: Range<u32>,
}
