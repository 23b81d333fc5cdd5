//! How a pool chooses, in words.
//!
//! Gives one sentence per pool, for its state now. Not responsible for choosing: that is `answer`.

use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::answer::{BoundPool, PoolState};
use crate::health::Board;
use crate::probe::Share;
use crate::zone::{AllDown, MinUp, Pass, Passes, Pool, Selector, WhileAny, WhilePending};

/// How a pool's answer to `client` is chosen now.
pub(super) fn choice(bound: &BoundPool, board: &Board, client: IpAddr) -> String {
    let pool = &bound.pool;
    if let Some(computed) = &pool.computed {
        return computed.explain();
    }
    let explained = |selector: Selector| selector.explain(&pool.arrangement(), client);
    if !pool.views.is_empty() {
        let place = pool.views.iter().position(|view| view.iter().any(|network| network.holds(client)));
        return match place {
            Some(place) => {
                format!(
                    "by the client's network: one at random of view {} of {}",
                    place + 1,
                    pool.views.len()
                )
            }
            None => format!("by the client's network: no view holds {client}, so SERVFAIL"),
        };
    }
    match bound.state(board) {
        PoolState::Up => {
            let group = group_told(pool, bound.group_answered(board));
            let shares = shares_told(bound, board);
            let (chosen, arranged, passes) = (explained(pool.selector), arranged(pool), passes_told(pool));
            format!("{chosen}{group}{arranged}{passes}{shares}")
        }
        PoolState::Pending => match pool.while_pending {
            WhilePending::ServFail => "nothing is known of any member yet: SERVFAIL until then".to_owned(),
            WhilePending::NoData => "nothing is known of any member yet: no record until then".to_owned(),
            WhilePending::Select => {
                format!(
                    "nothing is known of any member yet, and all are taken as up: {}",
                    explained(pool.selector)
                )
            }
        },
        PoolState::AllDown => {
            let why = too_few(pool);
            match pool.all_down {
                AllDown::ServFail => format!("{why}: SERVFAIL"),
                AllDown::Select(Selector::Empty) => format!("{why}: no record"),
                AllDown::Select(selector) => {
                    format!("{why}, and all are taken as if they were: {}", explained(selector))
                }
            }
        }
    }
}

/// What else the pool says of who is answered.
fn arranged(pool: &Pool) -> String {
    let mut said = String::new();
    if pool.while_any == WhileAny::All {
        said += "; all of a group while any of it is up";
    }
    if let Some(most) = pool.share_max {
        said += &format!("; none gets more than {} % while others can take the rest", most.get());
    }
    if pool.groups.iter().flatten().any(|member| member.passes == Passes::AtAllAddresses) {
        said += "; an address is down with the others of its machine";
    }
    said
}

/// Members that do not get their whole share, though they are not down.
fn shares_told(bound: &BoundPool, board: &Board) -> String {
    let members = bound.pool.groups.iter().flatten().zip(bound.targets.members());
    let told = members.filter_map(|(member, targets)| {
        let share = BoundPool::share(member, targets, board);
        let shown = bound.pool.show(member);
        match share {
            Share::WHOLE => None,
            Share::NONE => Some(format!("; {shown} is drained")),
            _ => Some(format!("; {shown} has come back and gets {} % of its share", share.get())),
        }
    });
    told.collect()
}

/// Which group is answered from, where there are several.
fn group_told(pool: &Pool, group: usize) -> String {
    match (pool.groups.len(), group) {
        (0 | 1, _) => String::new(),
        (of, 0) => format!("; from the first of {of} groups"),
        (of, group) => format!("; from group {} of {of}, because those before it have too few up", group + 1),
    }
}

/// How many probes of an address are enough, where not all must pass.
fn passes_told(pool: &Pool) -> String {
    match pool.pass {
        Pass::All => String::new(),
        Pass::Count(NonZeroU32::MIN) => "; an address is up while one of its probes passes".to_owned(),
        Pass::Count(count) => format!("; an address is up while {count} of its probes pass"),
    }
}

fn too_few(pool: &Pool) -> String {
    let of = pool.groups.first().map_or(0, Vec::len);
    match (pool.min_up, pool.min_up.of(of)) {
        (MinUp::Count(_) | MinUp::Percent(_), 1) => "no member is up".to_owned(),
        (MinUp::Count(_) | MinUp::Percent(_), least) => format!("fewer than {least} members are up"),
    }
}

#[cfg(test)]
mod tests;
