//! Which pools can be signed, and which are better written otherwise.
//!
//! What a pool may answer is signed set by set: so it must be one set of records that is chosen from, and the sets must be few.

use std::num::NonZeroU32;

use crate::dns::Ttl;
use crate::source::{Diagnostic, Diagnostics};
use crate::zone::{AllDown, Answers, Node, NodeId, NodeKind, Pool, Selector, Zone};

/// Most sets that a pool may answer of which each is signed when one of its members comes or goes: 100 take 2 ms.
const SETS_MAX: usize = 100;

/// A validating resolver may keep longer than that that there is no such record: then it is told.
const EMPTY_TTL_MAX: u32 = 60;

/// The same of a pool whose members come back step by step: each step answers sets of its own.
const GROWING_SETS_MAX: usize = SETS_MAX / 10;

/// Tells what is wrong with the pools of a zone that is to be signed, and what may not be meant so.
pub fn check_pools(zone: &Zone, found: &mut Diagnostics) {
    check_pools_of(zone, zone.node_ids(), found);
}

/// The same of the pools of some nodes.
pub fn check_pools_of(zone: &Zone, nodes: impl IntoIterator<Item = NodeId>, found: &mut Diagnostics) {
    if zone.pools().is_empty() {
        return;
    }
    let negative = zone.negative_ttl();
    for node in nodes.into_iter().map(|id| zone.node(id)).filter(|node| node.exists() && is_signed(*node)) {
        let pools: Vec<&Pool> =
            node.pools().filter_map(|id| zone.pools().get(id.index())).map(|pool| &**pool).collect();
        for pool in &pools {
            found.extend(computed(pool));
            found.extend(not_alone(node, pool, &pools));
            found.extend(too_many_sets(pool));
            found.extend(long_empty(pool, negative));
        }
    }
}

/// Whether the pools of a node are signed: not those of a delegation, nor of what is hidden below one.
pub(super) fn is_signed(node: Node<'_>) -> bool {
    match node.kind() {
        NodeKind::Plain | NodeKind::Dname => true,
        NodeKind::ZoneCut | NodeKind::Occluded | NodeKind::Hashed => false,
    }
}

/// One signature covers all records of a type: what is put together from several choices has one for each combination.
fn not_alone(node: Node<'_>, pool: &Pool, pools: &[&Pool]) -> Option<Diagnostic> {
    let (rtype, owner) = (pool.rtype, &pool.owner);
    let others = pools.iter().filter(|other| other.rtype == rtype && !std::ptr::eq(**other, pool));
    let plain = node.rrsets().find(|rrset| rrset.rtype() == rtype);
    let other =
        others.map(|other| other.origin.clone()).next().or_else(|| plain.map(|rrset| rrset.origin()))?;
    let message = format!("`{owner}` has more {rtype} records than one pool, and the zone is signed");
    Some(
        Diagnostic::error(&pool.origin, message)
            .and_at(other, "and these")
            .remark("each signature covers all records of a type that are answered together")
            .help("write all members in one LUA record, or leave out `[zone.dnssec]`"),
    )
}

/// What is made from the name that is asked has a record for each name, and nobody signs for a query.
fn computed(pool: &Pool) -> Option<Diagnostic> {
    pool.computed.as_ref()?;
    let message = format!("`{}` is made from the name that is asked, and the zone is signed", pool.owner);
    Some(
        Diagnostic::error(&pool.origin, message)
            .label("there is a record for each name, and signatures are made before there is a query")
            .help("write the names that there are with `$GENERATE`, or leave out `[zone.dnssec]`"),
    )
}

/// Selectors that answer some of many answer one set or another.
fn too_many_sets(pool: &Pool) -> Option<Diagnostic> {
    let largest = pool.groups.iter().map(Vec::len).max().unwrap_or(0);
    let answered = |selector: Selector| match selector {
        Selector::Sample(count) => count.get(),
        Selector::All => pool.answers_max.map_or(u32::MAX, NonZeroU32::get),
        _ => u32::MAX,
    };
    let of_some = |selector: &Selector| (answered(*selector) as usize) < largest;
    let selector = selectors(pool).find(of_some)?;
    let most_members = if pool.has_growing_shares() { GROWING_SETS_MAX } else { SETS_MAX };
    if largest <= most_members {
        return None;
    }
    let (owner, name, most) = (&pool.owner, selector.entry().name, answered(selector));
    let message = format!(
        "`{owner}`: the selector `{name}` answers {most} of {largest} members, and the zone is signed"
    );
    Some(
        Diagnostic::error(&pool.origin, message)
            .label(format!("at most {most_members} members{}", if most_members < SETS_MAX { " with `slow-start`" } else { "" }))
            .remark("each set that may be answered has a signature, and all of them are others when a member comes or goes")
            .help("use a selector that answers one member or all of them, or fewer members"),
    )
}

/// A pool that answers nothing says for how long; a resolver that validates knows then that there is no such record.
fn long_empty(pool: &Pool, negative: Ttl) -> Option<Diagnostic> {
    let ttl = negative.min(pool.ttl);
    if !pool.may_be_empty() || ttl.seconds() <= EMPTY_TTL_MAX {
        return None;
    }
    let (owner, rtype) = (&pool.owner, pool.rtype);
    let message =
        format!("`{owner}` may answer no {rtype} record, and resolvers keep that for {ttl} seconds");
    Some(
        Diagnostic::warning(&pool.origin, message)
            .label("for so long after its members are up again")
            .help("lower its TTL, or have it answer all members when none is up"),
    )
}

/// Whether there are times when a pool answers one member alone, and whether there are some when it answers several.
pub(super) fn answers_one_and_several(pool: &Pool) -> (bool, bool) {
    let has_one = selectors(pool).any(|selector| selector.entry().answers == Answers::One);
    (!pool.views.is_empty() || has_one, may_answer_several(pool))
}

/// Whether there are times when a pool answers several members at once.
pub fn may_answer_several(pool: &Pool) -> bool {
    selectors(pool).any(|selector| selector.entry().answers == Answers::Several)
}

/// That of a pool, and that of when all are down.
fn selectors(pool: &Pool) -> impl Iterator<Item = Selector> {
    let resort = match pool.all_down {
        AllDown::Select(selector) => Some(selector),
        AllDown::ServFail => None,
    };
    std::iter::once(pool.selector).chain(resort)
}
