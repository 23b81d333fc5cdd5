//! What a transfer sends of a zone: its records, and for each pool what `transfer-pools` says.

use std::borrow::Cow;
use std::sync::Arc;
use std::vec;

use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::zone::{Node, NodeId, Pool, PoolId, Rdatas, Rrset, Rrsets, Zone};

/// What is sent of the pools of a zone (`transfer-pools`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferPools {
    /// A plain RRset of all members of the first group, whatever their verdicts: for servers that probe nothing. RRsets
    /// that the configuration guards are sent as the file has them.
    #[default]
    Members,
    /// A plain RRset of what is answered when the serial is given out: for servers that shall follow the verdicts. RRsets
    /// that the configuration guards as well.
    Up,
    /// The LUA records themselves (TYPE65402), as PowerDNS sends them: for servers that probe themselves. RRsets that the
    /// configuration guards are sent as the file has them.
    Lua,
}

/// What a pool answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpPool {
    /// The TTL.
    pub ttl: Ttl,
    /// The RDATA of each record; none: nothing is answered.
    pub rdatas: Vec<Box<[u8]>>,
}

/// A version of a zone as it is sent. A pure function of the zone, and of what its pools answered at one moment.
#[derive(Clone)]
pub struct Contents {
    zone: Arc<Zone>,
    sent: SentPools,
}

/// What is sent of the pools of a version.
#[derive(Clone)]
pub enum SentPools {
    /// Their members.
    Members,
    /// What they answered: of each, by its place in the zone.
    Up(Arc<[UpPool]>),
    /// The LUA records.
    Lua,
}

/// A record of a transfer.
pub(super) struct SentRecord<'z> {
    pub(super) owner: NameRef<'z>,
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    pub(super) rdata: Cow<'z, [u8]>,
}

/// Most bytes of a character string.
const STRING_BYTES_MAX: usize = 255;

impl Contents {
    /// Sends `zone` with this of its pools.
    pub fn new(zone: Arc<Zone>, sent: SentPools) -> Self {
        Self { zone, sent }
    }

    /// The serial of the SOA record.
    pub fn serial(&self) -> u32 {
        self.zone.serial()
    }

    /// About how many records there are.
    pub(super) fn len(&self) -> usize {
        self.zone.record_count()
    }

    /// Whether it is sent from this version.
    pub fn is_of(&self, zone: &Arc<Zone>, pools: TransferPools) -> bool {
        Arc::ptr_eq(&self.zone, zone) && self.pools() == pools
    }

    fn pools(&self) -> TransferPools {
        match self.sent {
            SentPools::Members => TransferPools::Members,
            SentPools::Up(_) => TransferPools::Up,
            SentPools::Lua => TransferPools::Lua,
        }
    }

    /// Whether the pool at this place is sent with another answer than this.
    pub fn is_behind(&self, place: usize, now: &UpPool) -> bool {
        match &self.sent {
            SentPools::Up(up) => up.get(place) != Some(now),
            SentPools::Members | SentPools::Lua => false,
        }
    }

    /// The pools that are not sent as in another version, where both have the same; none: they cannot be compared.
    pub(super) fn pools_since(&self, before: &Contents) -> Option<Vec<(Name, Rtype)>> {
        let (up, before_up) = match (&self.sent, &before.sent) {
            (SentPools::Members, SentPools::Members) | (SentPools::Lua, SentPools::Lua) => {
                return Some(Vec::new());
            }
            (SentPools::Up(up), SentPools::Up(before)) => (up, before),
            _ => return None,
        };
        let (pools, were) = (self.zone.pools(), before.zone.pools());
        if pools.len() != were.len() || !pools.iter().zip(were).all(|(one, other)| Arc::ptr_eq(one, other)) {
            return None;
        }
        let changed =
            pools.iter().zip(up.iter().zip(before_up.iter())).filter(|(_, (now, then))| now != then);
        Some(changed.map(|(pool, _)| (pool.owner.clone(), pool.rtype)).collect())
    }

    /// The SOA record; every sound zone has one.
    pub(super) fn soa(&self) -> Option<SentRecord<'_>> {
        let soa = self.zone.node(NodeId::APEX).rrset(Rtype::SOA)?;
        let rdata = Cow::Borrowed(soa.rdatas().next()?);
        Some(SentRecord { owner: self.zone.apex(), rtype: Rtype::SOA, ttl: soa.ttl(), rdata })
    }

    /// The zone that it is sent from.
    pub fn zone(&self) -> &Arc<Zone> {
        &self.zone
    }

    /// The records that are sent of an owner and type.
    pub(super) fn records_of(&self, owner: &Name, rtype: Rtype) -> impl Iterator<Item = SentRecord<'_>> {
        let node = self.zone.find(owner.as_ref()).map(|id| self.zone.node(id));
        Records::of(self, node.into_iter()).filter(move |record| record.rtype == rtype)
    }

    /// Every record but the SOA, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = SentRecord<'_>> + Send {
        let libraries = match self.sent {
            SentPools::Members | SentPools::Up(_) => [].iter(),
            SentPools::Lua => self.zone.lua_libraries().iter(),
        };
        let libraries =
            libraries.map(|library| lua(library.owner.as_ref(), library.ttl, Rtype::LUA, &library.code));
        Records::of(self, self.zone.nodes()).chain(libraries)
    }

    /// Whether an RRset is sent as it stands.
    fn is_plain(&self, node: Node<'_>, rrset: Rrset<'_>) -> bool {
        let rtype = rrset.rtype();
        match &self.sent {
            SentPools::Members | SentPools::Lua => rtype != Rtype::SOA,
            // Of records that are guarded it is the answer of their pool that is sent.
            SentPools::Up(_) => {
                let mut pools = node.pools_of(rtype).filter_map(|id| self.zone.pools().get(id.index()));
                rtype != Rtype::SOA && pools.all(|pool| pool.lua.is_some())
            }
        }
    }

    /// What stands for a pool; nothing for one of records that are sent as they are.
    fn of_pool(&self, id: PoolId) -> Vec<SentRecord<'_>> {
        let Some(pool) = self.zone.pools().get(id.index()) else { return Vec::new() };
        match (&pool.lua, &self.sent) {
            (_, SentPools::Up(up)) => up.get(id.index()).map(|up| answered(pool, up)).unwrap_or_default(),
            (None, _) => Vec::new(),
            (Some(_), SentPools::Members) => members(pool),
            (Some(code), SentPools::Lua) => vec![lua(pool.owner.as_ref(), pool.ttl, pool.rtype, code)],
        }
    }
}

/// The records of nodes, but the SOA and libraries. A loop by hand: adapters that hold each other cost a transfer of a
/// million names as much as all else does.
struct Records<'z, N> {
    contents: &'z Contents,
    /// Those that follow.
    nodes: N,
    node: Option<Node<'z>>,
    owner: NameRef<'z>,
    /// Of that node.
    rrsets: Rrsets<'z>,
    rtype: Rtype,
    ttl: Ttl,
    /// Of that RRset.
    rdatas: Rdatas<'z>,
    /// What stands for the pools of that node.
    pooled: vec::IntoIter<SentRecord<'z>>,
}

impl<'z, N: Iterator<Item = Node<'z>>> Records<'z, N> {
    fn of(contents: &'z Contents, nodes: N) -> Self {
        Self {
            contents,
            nodes,
            node: None,
            owner: NameRef::ROOT,
            rrsets: Rrsets::default(),
            rtype: Rtype::SOA,
            ttl: Ttl::default(),
            rdatas: Rdatas::default(),
            pooled: vec::IntoIter::default(),
        }
    }
}

impl<'z, N: Iterator<Item = Node<'z>>> Iterator for Records<'z, N> {
    type Item = SentRecord<'z>;

    #[inline]
    fn next(&mut self) -> Option<SentRecord<'z>> {
        loop {
            if let Some(rdata) = self.rdatas.next() {
                let (owner, rtype, ttl) = (self.owner, self.rtype, self.ttl);
                return Some(SentRecord { owner, rtype, ttl, rdata: Cow::Borrowed(rdata) });
            }
            if let (Some(node), Some(rrset)) = (self.node, self.rrsets.next()) {
                if self.contents.is_plain(node, rrset) {
                    (self.rtype, self.ttl, self.rdatas) = (rrset.rtype(), rrset.ttl(), rrset.rdatas());
                }
                continue;
            }
            if let Some(record) = self.pooled.next() {
                return Some(record);
            }
            let node = self.nodes.next()?;
            (self.node, self.owner, self.rrsets) = (Some(node), node.name(), node.all_rrsets());
            if node.pools().next().is_some() {
                let of_pool = |id| self.contents.of_pool(id);
                self.pooled = node.pools().flat_map(of_pool).collect::<Vec<_>>().into_iter();
            }
        }
    }
}

/// What a pool answers; of aliases one, since a name has no more (RFC 1034, section 3.6.2).
fn answered<'z>(pool: &'z Pool, up: &'z UpPool) -> Vec<SentRecord<'z>> {
    let most = if pool.rtype == Rtype::CNAME { 1 } else { usize::MAX };
    let record = |rdata: &'z [u8]| {
        let (owner, rtype, ttl) = (pool.owner.as_ref(), pool.rtype, up.ttl);
        SentRecord { owner, rtype, ttl, rdata: Cow::Borrowed(rdata) }
    };
    up.rdatas.iter().take(most).map(|rdata| record(rdata)).collect()
}

/// What stands for a pool where nobody probes.
fn members(pool: &Pool) -> Vec<SentRecord<'_>> {
    let record = |rdata| {
        let (owner, rtype, ttl) = (pool.owner.as_ref(), pool.rtype, pool.ttl);
        SentRecord { owner, rtype, ttl, rdata: Cow::Borrowed(rdata) }
    };
    pool.standing().into_iter().map(record).collect()
}

/// A LUA record: the type that it answers, and its code in strings.
fn lua<'z>(owner: NameRef<'z>, ttl: Ttl, answers: Rtype, code: &str) -> SentRecord<'z> {
    let mut rdata = answers.0.to_be_bytes().to_vec();
    for string in strings(code.as_bytes()) {
        // It is no longer than a string may be.
        rdata.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
        rdata.extend_from_slice(string);
    }
    SentRecord { owner, rtype: Rtype::LUA, ttl, rdata: Cow::Owned(rdata) }
}

/// Code in pieces of a string's length, which end behind a comma or blank where there is one: PowerDNS joins them with
/// nothing between, other tools show them with a blank.
fn strings(mut code: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while code.len() > STRING_BYTES_MAX {
        // It is longer than that.
        let most = code.get(..STRING_BYTES_MAX).unwrap_or_default();
        let at = most.iter().rposition(|byte| matches!(byte, b',' | b' ' | b'\n'));
        let length = at.map_or(STRING_BYTES_MAX, |at| at.saturating_add(1));
        let (piece, rest) = code.split_at_checked(length).unwrap_or((code, &[]));
        pieces.push(piece);
        code = rest;
    }
    pieces.push(code);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_split_behind_a_comma_or_blank_and_nothing_is_lost() {
        let code = format!("ifportup(443, {{{}}})", vec!["'192.0.2.1'"; 60].join(", "));
        let pieces = strings(code.as_bytes());
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() <= STRING_BYTES_MAX));
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b" ")));
        assert_eq!(pieces.concat(), code.as_bytes());
        let whole = vec![b'x'; 600];
        assert_eq!(strings(&whole).iter().map(|piece| piece.len()).collect::<Vec<_>>(), [255, 255, 90]);
        assert_eq!(strings(b""), [b""]);
    }
}
