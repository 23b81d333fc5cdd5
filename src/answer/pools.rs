//! Pools as ready bytes: what each answers with, given the board.
//!
//! Responsible for choosing a pool's members by their verdicts, and, at a
//! query, among the candidates. Not responsible for verdicts.

use std::net::IpAddr;
use std::sync::Arc;

use crate::dns::Rtype;
use crate::health::{Board, TargetId, Verdict};
use crate::zone::{AllDown, Member, Pool, Selector, WhilePending};

/// All pools of all zones, ready to be answered from.
#[derive(Default)]
pub struct Pools {
    answers: Vec<PoolAnswer>,
}

/// A pool whose members know their targets.
#[derive(Clone)]
pub struct BoundPool {
    /// The pool.
    pub pool: Arc<Pool>,
    /// For each group, for each member, the targets that must all be up.
    pub targets: Vec<Vec<Vec<TargetId>>>,
}

/// How a pool stands: what it is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Members that are up.
    Up,
    /// No member is known to be up or down yet.
    Pending,
    /// Every member is down.
    AllDown,
}

impl BoundPool {
    /// How the pool stands and which addresses it may answer with.
    pub fn candidates(&self, board: &Board) -> (Standing, Vec<IpAddr>) {
        let (standing, candidates, _) = self.choose(board);
        (standing, candidates)
    }

    /// What a group of targets comes to: down if one is down, else pending if
    /// one is pending.
    pub fn verdict(targets: &[TargetId], board: &Board) -> Verdict {
        let mut all = Verdict::Up;
        for target in targets {
            match (all, board.verdict(*target)) {
                (_, Verdict::Down) => return Verdict::Down,
                (Verdict::Up, Verdict::Pending) => all = Verdict::Pending,
                (Verdict::Up | Verdict::Pending | Verdict::Down, Verdict::Up | Verdict::Pending) => {}
            }
        }
        all
    }

    fn members(&self, wanted: Verdict, board: &Board) -> Vec<IpAddr> {
        let groups = self.pool.groups.iter().zip(&self.targets);
        let found = groups.map(|(group, targets)| {
            let members = group.iter().zip(targets);
            let passing = members.filter(|(_, targets)| Self::verdict(targets, board) == wanted);
            distinct(passing.map(|(member, _)| member.address))
        });
        found.into_iter().find(|group| !group.is_empty()).unwrap_or_default()
    }

    fn choose(&self, board: &Board) -> (Standing, Vec<IpAddr>, Pick) {
        let mut up = self.members(Verdict::Up, board);
        if up.is_empty() {
            // One that changes too often, and passes just now, is better than none.
            up = self.members(Verdict::Up, &board.unheld());
        }
        if !up.is_empty() {
            let (candidates, pick) = select(up, self.pool.selector);
            return (Standing::Up, candidates, pick);
        }
        let pending = self.members(Verdict::Pending, board);
        if !pending.is_empty() {
            let (candidates, pick) = match self.pool.while_pending {
                WhilePending::ServFail => (Vec::new(), Pick::ServFail),
                WhilePending::NoData => (Vec::new(), Pick::All),
                WhilePending::Select => select(pending, self.pool.selector),
            };
            return (Standing::Pending, candidates, pick);
        }
        match self.pool.all_down {
            AllDown::ServFail => (Standing::AllDown, Vec::new(), Pick::ServFail),
            AllDown::Select(selector) => {
                let first = self.pool.groups.iter().find(|group| !group.is_empty());
                let all = first.into_iter().flatten().map(|member: &Member| member.address);
                let (candidates, pick) = select(distinct(all), selector);
                (Standing::AllDown, candidates, pick)
            }
        }
    }
}

/// Each address once: one that is tested at two ports is two members.
fn distinct(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut once = Vec::new();
    for address in addresses {
        if !once.contains(&address) {
            once.push(address);
        }
    }
    once
}

fn select(candidates: Vec<IpAddr>, selector: Selector) -> (Vec<IpAddr>, Pick) {
    match selector {
        Selector::All => (candidates, Pick::All),
        Selector::Random => (candidates, Pick::Random),
        Selector::Hashed => (candidates, Pick::Hashed),
        Selector::Empty => (Vec::new(), Pick::All),
    }
}

/// What is done with the candidates at a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    /// All, beginning anywhere.
    All,
    /// One, by chance.
    Random,
    /// One, by the client's address.
    Hashed,
    /// None: SERVFAIL.
    ServFail,
}

/// What one pool answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolAnswer {
    pick: Pick,
    count: u32,
    /// Length of one record without its owner.
    record_bytes: usize,
    /// The records without owners, one after the other.
    records: Box<[u8]>,
}

/// Where the choice at a query comes from.
pub(super) struct Chance<'c> {
    /// The worker's source of chance.
    pub(super) state: &'c mut u64,
    /// The client.
    pub(super) client: IpAddr,
}

impl Chance<'_> {
    /// A number below `bound`. HOT. Even enough for sharing load: xorshift64*
    /// (Vigna 2016), nothing secret depends on it.
    #[inline]
    fn below(self, bound: u32) -> u32 {
        *self.state ^= *self.state >> 12;
        *self.state ^= *self.state << 25;
        *self.state ^= *self.state >> 27;
        let wide = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        u32::try_from(wide.wrapping_mul(u64::from(bound)) >> 32).unwrap_or(0)
    }
}

impl PoolAnswer {
    /// Whether the whole answer must be SERVFAIL.
    #[inline]
    pub(super) fn fails(&self) -> bool {
        self.pick == Pick::ServFail
    }

    /// Most bytes it answers with when owners take `owner` bytes each.
    #[inline]
    pub(super) fn bytes_max(&self, owner: usize) -> usize {
        (self.count as usize).saturating_mul(self.record_bytes.saturating_add(owner))
    }

    /// Hands the chosen records to `put`, in the order to answer. HOT.
    #[inline]
    pub(super) fn chosen<'a>(&'a self, chance: Chance<'_>, mut put: impl FnMut(&'a [u8])) {
        if self.count == 0 {
            return;
        }
        let start = match self.pick {
            Pick::All if self.count == 1 => 0,
            Pick::All | Pick::Random => chance.below(self.count),
            Pick::Hashed => client_hash(chance.client).checked_rem(self.count).unwrap_or(0),
            Pick::ServFail => return,
        };
        let split = (start as usize).saturating_mul(self.record_bytes);
        let (first, then) = self.records.split_at_checked(split).unwrap_or_default();
        match self.pick {
            Pick::All => {
                let rotated =
                    then.chunks_exact(self.record_bytes).chain(first.chunks_exact(self.record_bytes));
                rotated.for_each(put);
            }
            Pick::Random | Pick::Hashed => {
                if let Some(record) = then.get(..self.record_bytes) {
                    put(record);
                }
            }
            Pick::ServFail => {}
        }
    }
}

impl Pools {
    /// What every pool answers with, given the board. A pure function.
    pub fn new<'p>(pools: impl IntoIterator<Item = &'p BoundPool>, board: &Board) -> Pools {
        Pools { answers: pools.into_iter().map(|pool| ready(pool, board)).collect() }
    }

    /// The answer of a pool: its zone's first place, and its place in the zone.
    #[inline]
    pub(super) fn get(&self, from: u32, place: u32) -> Option<&PoolAnswer> {
        self.answers.get(from.saturating_add(place) as usize)
    }
}

fn ready(bound: &BoundPool, board: &Board) -> PoolAnswer {
    let (_, candidates, pick) = bound.choose(board);
    let mut records = Vec::new();
    for address in &candidates {
        records.extend_from_slice(&bound.pool.rtype.0.to_be_bytes());
        records.extend_from_slice(&[0, 1]);
        records.extend_from_slice(&bound.pool.ttl.seconds().to_be_bytes());
        match address {
            IpAddr::V4(address) => {
                records.extend_from_slice(&[0, 4]);
                records.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                records.extend_from_slice(&[0, 16]);
                records.extend_from_slice(&address.octets());
            }
        }
    }
    let record_bytes = if bound.pool.rtype == Rtype::A { 14 } else { 26 };
    let count = u32::try_from(candidates.len()).unwrap_or(0);
    PoolAnswer { pick, count, record_bytes, records: records.into_boxed_slice() }
}

/// PowerDNS's hash of a client address, so that `hashed` sends a client where
/// PowerDNS sent it: Bob Jenkins' hash of 1996 over the address in network
/// order, starting from 0.
fn client_hash(client: IpAddr) -> u32 {
    match client {
        IpAddr::V4(address) => jenkins(&address.octets()),
        IpAddr::V6(address) => jenkins(&address.octets()),
    }
}

fn jenkins(key: &[u8]) -> u32 {
    let length = u32::try_from(key.len()).unwrap_or(0);
    let (mut a, mut b, mut c) = (0x9e37_79b9_u32, 0x9e37_79b9_u32, 0_u32);
    let (blocks, tail) = key.as_chunks::<12>();
    for &[k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11] in blocks {
        a = a.wrapping_add(u32::from_le_bytes([k0, k1, k2, k3]));
        b = b.wrapping_add(u32::from_le_bytes([k4, k5, k6, k7]));
        c = c.wrapping_add(u32::from_le_bytes([k8, k9, k10, k11]));
        (a, b, c) = mix(a, b, c);
    }
    // The lowest byte of `c` is the length's.
    let byte = |at: usize| u32::from(tail.get(at).copied().unwrap_or(0));
    let at = |at: usize| {
        let [i, j, k, l] = [at, at.wrapping_add(1), at.wrapping_add(2), at.wrapping_add(3)].map(byte);
        i | j << 8 | k << 16 | l << 24
    };
    a = a.wrapping_add(at(0));
    b = b.wrapping_add(at(4));
    c = c.wrapping_add(length).wrapping_add(at(8) << 8);
    mix(a, b, c).2
}

fn mix(a: u32, b: u32, c: u32) -> (u32, u32, u32) {
    let (mut a, mut b, mut c) = (a, b, c);
    for [first, second, third] in [[13, 8, 13], [12, 16, 5], [3, 10, 15]] {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> first);
        b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << second);
        c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> third);
    }
    (a, b, c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures that PowerDNS itself gave for these clients.
    #[test]
    fn a_client_hashes_as_with_powerdns() {
        let hash = |text: &str| client_hash(text.parse().unwrap());
        assert_eq!(hash("127.0.0.1"), 4_196_678_856);
        assert_eq!(hash("127.0.0.2"), 287_116_632);
        assert_eq!(hash("192.0.2.1"), 3_312_216_360);
        assert_eq!(hash("::1"), 1_530_700_467);
    }

    #[test]
    fn every_member_is_first_about_equally_often() {
        let mut state = 7;
        let mut first = [0_u32; 3];
        for _ in 0..3000 {
            let chance = Chance { state: &mut state, client: IpAddr::from([127, 0, 0, 1]) };
            first[chance.below(3) as usize] += 1;
        }
        assert!(first.iter().all(|count| (900..1100).contains(count)), "{first:?}");
    }
}
