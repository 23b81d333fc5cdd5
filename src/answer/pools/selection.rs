//! What the choice at a query depends on: the client, the name, a random number. HOT.

use super::super::client::Client;
use crate::zone::{ChosenBy, client_hash, name_hash};

/// What the choice at a query depends on.
pub(in crate::answer) struct Selection<'c> {
    /// The worker's random number generator.
    pub(in crate::answer) rng: &'c mut u64,
    /// The client.
    pub(in crate::answer) client: &'c Client<'c>,
    /// The name that the pool answers for, in lower case; needed where
    /// [`super::PoolAnswer::is_by_name`].
    pub(in crate::answer) name: &'c [u8],
}

impl Selection<'_> {
    /// The hash of the client's address, of which all matters then. HOT.
    #[inline]
    pub(super) fn client_hash(&self) -> u32 {
        self.client.all_matters();
        client_hash(self.client.address())
    }

    /// A number below `bound`. HOT.
    #[inline]
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        number_below(self.rng, bound)
    }

    /// A number below `bound` by which one member is chosen. HOT.
    #[inline]
    pub(super) fn number(&mut self, by: ChosenBy, bound: u32) -> u32 {
        match by {
            ChosenBy::Chance => self.below(bound),
            ChosenBy::Client => self.client_hash().checked_rem(bound).unwrap_or(0),
            ChosenBy::ClientRange => part_of(self.client_hash(), bound),
            ChosenBy::Name => name_hash(self.name).checked_rem(bound).unwrap_or(0),
        }
    }
}

/// The next number of a worker's generator. HOT. xorshift64* (Vigna
/// 2016): nothing secret depends on it.
#[inline]
pub(in crate::answer) fn next_random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

/// A number below `bound`. HOT. Even enough for sharing load.
#[inline]
pub(super) fn number_below(rng: &mut u64, bound: u32) -> u32 {
    // The upper half has 32 bits.
    part_of(u32::try_from(next_random(rng) >> 32).unwrap_or(0), bound)
}

/// A number of 32 bits, scaled to one below `bound`. HOT.
#[inline]
fn part_of(number: u32, bound: u32) -> u32 {
    // Two numbers of 32 bits: the upper half of their product has 32 as well.
    u32::try_from(u64::from(number).wrapping_mul(u64::from(bound)) >> 32).unwrap_or(0)
}
