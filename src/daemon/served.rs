//! What is served: the zones of the last reading, the last good version of
//! those that could not be read, and their pools bound to targets.
//!
//! Responsible for turning that into snapshots, and for which part of one has changed since the last: a change of one
//! zone costs that zone. Not responsible for reading, probing or publishing.

mod followers;

mod binding;

mod by_clock;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tracing::warn;

use self::by_clock::ByClock;
use self::followers::{Followers, PoolPlace};
use crate::answer::{
    Access, BoundPool, ForwardTable, HostAddresses, Identity, MessageKinds, PoolState, Pools, Prefix,
    RateLimit, Snapshot, ZoneEntry, ZoneTable,
};
use crate::dns::{Name, Rtype};
use crate::dnssec::PoolSigner;
use crate::health::{Board, TargetId};
use crate::update::Policy;
use crate::zones::{Event, MemberOf, Store, StoredZone, ZoneId, ZoneSources, ZoneVersion};

pub(crate) use binding::{BoundPools, LoadedZones, bind, targets_of};

/// All zones with their pools bound to targets.
#[derive(Default)]
pub(crate) struct Served {
    store: Store,
    /// The pools of each zone, in the order of the zones.
    pools: Vec<BoundPools>,
    followers: Followers,
    changes: Changes,
    clock: ByClock,
    identity: Arc<Identity>,
    host: Arc<HostAddresses>,
    subnet_from: Option<Arc<[Prefix]>>,
    limit: Option<Arc<RateLimit>>,
    forward: Option<Arc<ForwardTable>>,
    handed_over: MessageKinds,
    /// Pools of signed zones that are new in the newest snapshot or signed by other keys, or have targets with another verdict.
    signed_anew: Vec<SignedPools>,
    /// Records of versions that have come and were made as a whole.
    records_made: usize,
}

/// Pools of a signed zone.
pub(crate) struct SignedPools {
    /// The zone.
    pub(crate) zone: ZoneId,
    /// Those of the whole zone.
    pub(crate) pools: BoundPools,
    /// The places of those that are meant.
    pub(crate) places: Vec<usize>,
    /// What signs them.
    pub(crate) signer: Arc<PoolSigner>,
}

/// A pool, and what the version of its zone is called where there are others.
pub(crate) type PoolInView<'s> = (Option<&'s str>, &'s BoundPool);

/// What has changed since the last snapshot, besides verdicts.
enum Changes {
    /// Zones that catalogs name have come and gone, in this order; then, the zones at these places.
    Zones(Vec<Move>, BTreeMap<usize, Changed>),
    /// Which zones there are, or whom they answer; and, beside that, the zones at these places.
    Table(BTreeMap<usize, Changed>),
}

/// A zone that comes or goes while the others stay.
enum Move {
    /// It comes behind the others.
    Push(Name, Option<Box<Access>>),
    /// That at a place goes, and the last one comes there.
    SwapRemove(usize),
    /// That at a place answers other clients.
    Access(usize, Option<Box<Access>>),
}

/// What has changed of a zone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// Its records, or when it expires; its pools are those of before.
    Records,
    /// Its pools, too.
    Pools,
}

impl Default for Changes {
    fn default() -> Self {
        Changes::Zones(Vec::new(), BTreeMap::new())
    }
}

impl Changes {
    fn note(&mut self, place: usize, changed: Changed) {
        let known = self.zones_mut().entry(place).or_insert(changed);
        if changed == Changed::Pools {
            *known = changed;
        }
    }

    fn zones_mut(&mut self) -> &mut BTreeMap<usize, Changed> {
        match self {
            Changes::Zones(_, zones) | Changes::Table(zones) => zones,
        }
    }

    /// Which zones there are has changed, or whom they answer. Each has the place that `moved` gives for that of before; none:
    /// it is gone.
    fn note_table(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        let zones = std::mem::take(self.zones_mut());
        let zones = zones.into_iter().filter_map(|(place, changed)| Some((moved(place)?, changed)));
        *self = Changes::Table(zones.collect());
    }

    fn note_move(&mut self, one: Move) {
        let Changes::Zones(moves, _) = self else { return };
        moves.push(one);
    }

    /// The zone at a place goes, and the last one comes there.
    fn note_removal(&mut self, place: usize, last: usize) {
        self.note_move(Move::SwapRemove(place));
        let zones = self.zones_mut();
        zones.remove(&place);
        if let Some(changed) = zones.remove(&last).filter(|_| place != last) {
            zones.insert(place, changed);
        }
    }
}

impl Served {
    /// What the first reading gave.
    pub(crate) fn first(loaded: LoadedZones, identity: Identity) -> Served {
        let mut served = Served::default();
        // Nothing was served before, so that there is nothing to let go of.
        drop(served.take_over(loaded, identity, Instant::now()));
        served.records_made = 0;
        served
    }

    /// Serves what a reading gave that ended `now`. Zones that could not be read keep the version that there is of
    /// them, and so do those that have not changed since the reading began. Returns the targets to let go of.
    pub(crate) fn take_over(
        &mut self,
        loaded: LoadedZones,
        identity: Identity,
        now: Instant,
    ) -> Vec<TargetId> {
        self.identity = Arc::new(identity);
        let LoadedZones { zones, mut bound, .. } = loaded;
        let before = self.store.take_over(zones, now);
        let mut pools = std::mem::take(&mut self.pools);
        let stays = before.zones().len() == self.store.zones().len()
            && before.zones().iter().zip(self.store.zones()).all(|(one, other)| one.is_as_visible(other));
        let mut changed = Vec::new();
        for (place, zone) in self.store.zones().iter().enumerate() {
            let old = before.place(&zone.id);
            let old_version = old.and_then(|old| before.zone(old)?.version());
            let is_same = old_version.map(Arc::as_ptr) == zone.version().map(Arc::as_ptr);
            let pools = if is_same {
                old.and_then(|old| pools.get_mut(old)).map(std::mem::take)
            } else {
                changed.push(place);
                // A version that is neither the old one nor none is the one that the reading brings.
                zone.version().and_then(|_| bound.remove(&place))
            };
            self.pools.push(pools.unwrap_or_default());
        }
        if !stays {
            let store = &self.store;
            self.changes.note_table(|old| store.place(&before.zone(old)?.id));
        }
        changed.into_iter().for_each(|place| {
            self.note_made(place);
            self.changes.note(place, Changed::Pools);
        });
        self.followers = Followers::of(self.pools.iter().map(|pools| &**pools));
        let let_go = pools.iter().chain(bound.values());
        let_go.flat_map(|pools| targets_of(pools)).collect()
    }

    /// Has the zone at a place go on after an event. `bound` are the pools of the version that it brings; none: they are
    /// those that the zone has. Returns the targets to let go of.
    pub(crate) fn apply(
        &mut self,
        place: usize,
        event: Event,
        bound: Option<BoundPools>,
        now: Instant,
    ) -> Vec<TargetId> {
        let before = self.version(place).map(Arc::as_ptr);
        let held_until = self.expires(place);
        self.store.apply(place, event, now);
        if self.expires(place) != held_until {
            self.changes.note(place, Changed::Records);
        }
        if self.version(place).map(Arc::as_ptr) == before {
            // What was bound for it is not used.
            return bound.iter().flat_map(|pools| targets_of(pools)).collect();
        }
        self.note_made(place);
        self.changes.note(place, Changed::Records);
        if self.version(place).is_none() {
            // It has expired just now: nobody needs to know of its targets.
            self.tell_expired(place);
            let mut let_go = self.replace_pools(place, BoundPools::default());
            let_go.extend(bound.iter().flat_map(|pools| targets_of(pools)));
            return let_go;
        }
        match bound {
            Some(bound) => self.replace_pools(place, bound),
            None => Vec::new(),
        }
    }

    /// Lets time pass: zones whose sources were silent for too long are served no more. Returns the targets to let
    /// go of; none: no zone has expired.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Vec<TargetId>> {
        let expired = self.store.expire(now);
        expired.iter().for_each(|place| self.tell_expired(*place));
        if expired.is_empty() {
            return None;
        }
        Some(expired.into_iter().flat_map(|place| self.replace_pools(place, BoundPools::default())).collect())
    }

    /// Takes note of what the system clock says `now`. If it has been set since, what workers know by it of the zones
    /// that expire is to be published anew.
    pub(crate) fn follow_clock(&mut self, now: Instant, wall: SystemTime) {
        if self.clock.follow(now, wall) {
            self.store.expiring().for_each(|place| self.changes.note(place, Changed::Records));
        }
    }

    /// When the zone at a place expires unless it is confirmed; none: it needs nobody for that.
    fn expires(&self, place: usize) -> Option<Instant> {
        self.store.zone(place)?.state.next_due()
    }

    /// Logs that a zone has expired: whichever comes first finds it out, an event of its source or time.
    fn tell_expired(&self, place: usize) {
        if let Some(id) = self.store.zone(place).map(|zone| &zone.id) {
            warn!(zone = %id.name, "zone {id} has expired: it answers SERVFAIL until its source confirms it");
        }
    }

    fn replace_pools(&mut self, place: usize, bound: BoundPools) -> Vec<TargetId> {
        self.changes.note(place, Changed::Pools);
        let Some(pools) = self.pools.get_mut(place) else { return targets_of(&bound).collect() };
        let before = std::mem::replace(pools, bound);
        self.followers.replace(place, &before, pools);
        targets_of(&before).collect()
    }

    /// Serves a zone that a catalog names, whose name is that of no other. Nothing is served of it yet.
    pub(crate) fn push(&mut self, zone: StoredZone) {
        self.changes.note_move(Move::Push(zone.id.name.clone(), zone.access.clone()));
        self.changes.note(self.pools.len(), Changed::Pools);
        self.store.push(zone);
        self.pools.push(BoundPools::default());
    }

    /// Serves the zone at a place no more, which a catalog has named. Costs the same however many zones there are.
    /// Returns the targets to let go of.
    pub(crate) fn remove(&mut self, place: usize) -> Vec<TargetId> {
        let let_go = self.replace_pools(place, BoundPools::default());
        let Some(last) = self.pools.len().checked_sub(1).filter(|last| place <= *last) else { return let_go };
        if let Some(moved) = self.pools.get(last).filter(|_| place != last) {
            self.followers.replace(last, moved, &[]);
            self.followers.replace(place, &[], moved);
        }
        self.pools.swap_remove(place);
        self.store.swap_remove(place);
        self.changes.note_removal(place, last);
        let_go
    }

    /// Serves nothing of the zone at a place for now. Returns the targets to let go of.
    pub(crate) fn reset(&mut self, place: usize) -> Vec<TargetId> {
        self.store.reset(place);
        self.replace_pools(place, BoundPools::default())
    }

    /// Has the zone at a place be served as a catalog says now; what is served of it stays.
    pub(crate) fn set_member(
        &mut self,
        place: usize,
        sources: ZoneSources,
        access: Option<Box<Access>>,
        update: Option<Arc<Policy>>,
        member: Option<Arc<MemberOf>>,
    ) {
        if self.store.set_member(place, sources, access.clone(), update, member) {
            self.changes.note_move(Move::Access(place, access));
        }
    }

    /// Believes these resolvers, and no others, for whom they ask from now on.
    pub(crate) fn set_subnet_from(&mut self, resolvers: &[Prefix]) {
        self.subnet_from = (!resolvers.is_empty()).then(|| resolvers.into());
    }

    /// Limits responses from now on, or no more.
    pub(crate) fn set_limit(&mut self, limit: Option<RateLimit>) {
        self.limit = limit.map(Arc::new);
    }

    /// Has clients at these addresses be those of this host from now on. Whether they are others than before.
    pub(crate) fn set_host(&mut self, host: HostAddresses) -> bool {
        let is_other = *self.host != host;
        if is_other {
            self.host = Arc::new(host);
        }
        is_other
    }

    /// Forwards these names from now on, or none.
    pub(crate) fn set_forward(&mut self, forward: Option<ForwardTable>) {
        self.forward = forward.map(Arc::new);
    }

    /// Hands these messages over from now on, and no others.
    pub(crate) fn set_handed_over(&mut self, kinds: MessageKinds) {
        self.handed_over = kinds;
    }

    /// Has these zones answer these clients.
    pub(crate) fn set_access(&mut self, access: &HashMap<ZoneId, Option<Box<Access>>>) {
        if !access.is_empty() {
            self.store.set_access(access);
            self.changes.note_table(Some);
        }
    }

    /// The snapshot for a board, made from nothing. A pure function.
    pub(crate) fn snapshot(&self, board: &Board) -> Snapshot {
        self.snapshot_of(Arc::new(self.table(board)))
    }

    fn table(&self, board: &Board) -> ZoneTable {
        let entry = |(zone, pools): (&StoredZone, &BoundPools)| ZoneEntry {
            apex: zone.id.name.clone(),
            compiled: zone.version().map(|version| Arc::clone(&version.compiled)),
            pools: Arc::new(Pools::signed(pools.iter(), board, signer(zone.version()))),
            access: zone.access.clone(),
            expires: zone.state.next_due().and_then(|at| self.clock.expiry(at)),
        };
        let entries = self.store.zones().iter().zip(&self.pools).map(entry);
        ZoneTable::new(entries.collect())
    }

    /// The same, made from the last snapshot, which was one of `before`: the zones and pools that have changed since are
    /// made anew, and those whose targets have other verdicts. All others are shared, so that one flip among thousands
    /// of pools, or one zone among thousands, costs one.
    pub(crate) fn follow(&mut self, last: &Snapshot, before: &Board, board: &Board) -> Snapshot {
        let flipped: BTreeSet<PoolPlace> =
            board.changes_since(before).flat_map(|target| self.followers.places_of(target)).collect();
        let (moves, zones) = match std::mem::take(&mut self.changes) {
            Changes::Table(zones) => {
                for (zone, flipped) in by_zone(flipped, &zones) {
                    self.note_signed(zone, (!zones.contains_key(&zone)).then_some(&flipped[..]));
                }
                return self.snapshot_of(Arc::new(self.table(board).sharing(&last.zones)));
            }
            Changes::Zones(moves, zones) => (moves, zones),
        };
        if moves.is_empty() && zones.is_empty() && flipped.is_empty() {
            return self.snapshot_of(Arc::clone(&last.zones));
        }
        let mut table = ZoneTable::clone(&last.zones);
        moves.into_iter().for_each(|one| one.make(&mut table));
        for (zone, flipped) in by_zone(flipped, &zones) {
            let signer = signer(self.version(zone));
            let is_whole = match (zones.get(&zone), table.zone(zone)) {
                (Some(Changed::Pools), _) => true,
                // It is signed with other keys, or for another period.
                (Some(Changed::Records), Some(entry)) => !entry.pools.is_signed_by(signer.as_ref()),
                (Some(Changed::Records) | None, _) => false,
            };
            self.note_signed(zone, (!is_whole).then_some(&flipped[..]));
            let (Some(bound), Some(entry)) = (self.pools.get(zone), table.zone(zone)) else { continue };
            let pools = match is_whole {
                true => Arc::new(Pools::signed(bound.iter(), board, signer)),
                false if flipped.is_empty() => Arc::clone(&entry.pools),
                false => {
                    let flipped = flipped.into_iter().filter_map(|place| Some((place, bound.get(place)?)));
                    Arc::new(entry.pools.with(flipped, board))
                }
            };
            let compiled = self.version(zone).map(|version| Arc::clone(&version.compiled));
            let expires = self.expires(zone).and_then(|at| self.clock.expiry(at));
            table.replace(zone, compiled, pools, expires);
        }
        self.snapshot_of(Arc::new(table))
    }

    /// Notes that what one more change leads the pools at these places to is not signed yet; none: all pools of the zone.
    fn note_signed(&mut self, zone: usize, places: Option<&[usize]>) {
        let (Some(signer), Some(pools)) = (signer(self.version(zone)), self.pools.get(zone)) else { return };
        let Some(id) = self.store.zone(zone).map(|zone| zone.id.clone()) else { return };
        let places = places.map_or_else(|| (0..pools.len()).collect(), <[usize]>::to_vec);
        if !places.is_empty() {
            self.signed_anew.push(SignedPools { zone: id, pools: Arc::clone(pools), places, signer });
        }
    }

    /// The pools of signed zones that have come, that other keys sign or that have flipped since this was asked last.
    pub(crate) fn take_signed_anew(&mut self) -> Vec<SignedPools> {
        std::mem::take(&mut self.signed_anew)
    }

    /// Whether the next snapshot has other zones than the last, whatever the verdicts are.
    pub(crate) fn has_changed(&self) -> bool {
        match &self.changes {
            Changes::Zones(moves, zones) => !moves.is_empty() || !zones.is_empty(),
            Changes::Table(_) => true,
        }
    }

    /// The zones that have changed since the last snapshot, with their places; none: any may have, or there are others.
    pub(crate) fn changed_zones(&self) -> Option<impl Iterator<Item = (usize, &StoredZone)>> {
        match &self.changes {
            Changes::Zones(moves, _) if !moves.is_empty() => None,
            Changes::Zones(_, zones) => {
                Some(zones.keys().filter_map(|place| Some((*place, self.store.zone(*place)?))))
            }
            Changes::Table(_) => None,
        }
    }

    /// Counts the records of the version at a place, which has just come, if it was made as a whole.
    fn note_made(&mut self, place: usize) {
        let made = self.version(place).filter(|version| version.is_put_together());
        let records = made.map_or(0, |version| version.records);
        self.records_made = self.records_made.saturating_add(records);
    }

    /// How many records versions have that were made as a whole and have come since the start, or since this was asked last.
    pub(crate) fn take_records_made(&mut self) -> usize {
        std::mem::take(&mut self.records_made)
    }

    fn snapshot_of(&self, zones: Arc<ZoneTable>) -> Snapshot {
        Snapshot {
            identity: Arc::clone(&self.identity),
            host: Arc::clone(&self.host),
            zones,
            subnet_from: self.subnet_from.clone(),
            limit: self.limit.clone(),
            forward: self.forward.clone(),
            handed_over: self.handed_over,
        }
    }

    /// The place of a zone.
    pub(crate) fn place(&self, id: &ZoneId) -> Option<usize> {
        self.store.place(id)
    }

    /// What is served of the zone at a place; none: SERVFAIL.
    pub(crate) fn version(&self, place: usize) -> Option<&Arc<ZoneVersion>> {
        self.store.zone(place)?.version()
    }

    /// What is served of a zone, if there is one; none: SERVFAIL.
    pub(crate) fn version_of(&self, id: &ZoneId) -> Option<&Arc<ZoneVersion>> {
        self.version(self.place(id)?)
    }

    /// The pools that a target matters to, each with its zone and its place among the pools of that.
    pub(crate) fn pool_places(&self, target: TargetId) -> impl Iterator<Item = (&ZoneId, usize, &BoundPool)> {
        self.followers.places_of(target).filter_map(|PoolPlace { zone, pool }| {
            Some((&self.store.zone(zone)?.id, pool, self.pools.get(zone)?.get(pool)?))
        })
    }

    /// The pools of the zone at this place, in the order of the zone.
    pub(crate) fn pools_of_zone(&self, zone: usize) -> &[BoundPool] {
        self.pools.get(zone).map(|pools| &**pools).unwrap_or_default()
    }

    /// Whether any zone has pools.
    pub(crate) fn has_pools(&self) -> bool {
        self.pools.iter().any(|pools| !pools.is_empty())
    }

    /// All pools, each with what the version of its zone is called where there are others.
    pub(crate) fn pools_with_views(&self) -> impl Iterator<Item = PoolInView<'_>> {
        let zones = self.store.zones().iter().zip(&self.pools);
        zones.flat_map(|(zone, pools)| pools.iter().map(|pool| (zone.id.view.as_deref(), pool)))
    }

    /// The worst pools, `most` of them at most: first those with all members down, then those with one that is not up,
    /// then others; and how many there are besides. One look at each pool, for there may be very many.
    pub(crate) fn worst_pools(&self, board: &Board, most: usize) -> (Vec<PoolInView<'_>>, usize) {
        let mut by_rank: [Vec<PoolInView<'_>>; 3] = Default::default();
        let mut count = 0;
        for (view, pool) in self.pools_with_views() {
            let [down, partly, up] = &mut by_rank;
            let rank = match pool.is_all_up(board) {
                true => up,
                false if pool.state(board) == PoolState::AllDown => down,
                false => partly,
            };
            if rank.len() < most {
                rank.push((view, pool));
            }
            count += 1;
        }
        let worst: Vec<PoolInView<'_>> = by_rank.into_iter().flatten().take(most).collect();
        let others = count - worst.len();
        (worst, others)
    }

    /// The zones, each with what follows from what its sources say.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The zones, and what is served of each.
    pub(crate) fn zones(&self) -> &[StoredZone] {
        self.store.zones()
    }

    /// What is served of each zone, for a reading that is to read only what has changed.
    pub(crate) fn versions(&self) -> Vec<Arc<ZoneVersion>> {
        self.store.versions()
    }

    /// The pools that a target matters to.
    pub(crate) fn pools_of(&self, target: TargetId) -> impl Iterator<Item = &BoundPool> {
        let places = self.followers.places_of(target);
        places.filter_map(|place| self.pools.get(place.zone)?.get(place.pool))
    }

    /// How many pools there are, and how many of them have no member up.
    pub(crate) fn pool_counts(&self, board: &Board) -> (usize, usize) {
        let pools = self.pools.iter().flat_map(|pools| pools.iter());
        let down = pools.clone().filter(|pool| pool.state(board) == PoolState::AllDown);
        (pools.count(), down.count())
    }
}

impl Move {
    fn make(self, table: &mut ZoneTable) {
        match self {
            Move::Push(apex, access) => {
                table.push(ZoneEntry { apex, compiled: None, pools: Arc::default(), access, expires: None });
            }
            Move::SwapRemove(place) => table.swap_remove(place),
            Move::Access(place, access) => table.set_access(place, access),
        }
    }
}

/// The zones that have changed, and those with pools that have flipped, with the places of these pools.
fn by_zone(flipped: BTreeSet<PoolPlace>, changed: &BTreeMap<usize, Changed>) -> BTreeMap<usize, Vec<usize>> {
    let mut by_zone: BTreeMap<usize, Vec<usize>> = changed.keys().map(|zone| (*zone, Vec::new())).collect();
    for PoolPlace { zone, pool } in flipped {
        by_zone.entry(zone).or_default().push(pool);
    }
    by_zone
}

/// What signs the answers of the pools of a version.
fn signer(version: Option<&Arc<ZoneVersion>>) -> Option<Arc<PoolSigner>> {
    version?.pool_signer().cloned()
}

/// What a pool answers now, in words: `api.lab.example. now 192.0.2.1 192.0.2.3`, and to clients elsewhere where that is
/// something else.
pub(crate) fn sentence(pool: &BoundPool, board: &Board) -> String {
    let owner = &pool.pool.owner;
    let kind = if pool.pool.rtype == Rtype::A { String::new() } else { format!(" {}", pool.pool.rtype) };
    let here = answers(pool, board);
    match pool.elsewhere(board) {
        Some(elsewhere) => format!("{owner}{kind} now {here}, elsewhere {}", answers(pool, &elsewhere)),
        None => format!("{owner}{kind} now {here}"),
    }
}

fn answers(pool: &BoundPool, board: &Board) -> String {
    let (state, members) = pool.answered(board);
    let down = if state == PoolState::AllDown { "all down: " } else { "" };
    if members.is_empty() {
        return format!("{down}no address");
    }
    let shown: Vec<String> = members.iter().map(|member| pool.pool.show(member)).collect();
    let between = if pool.pool.rtype == Rtype::SRV { ", " } else { " " };
    format!("{down}{}", shown.join(between))
}

#[cfg(test)]
mod tests;
