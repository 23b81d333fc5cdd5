//! How a pool chooses, in words.
//!
//! Responsible for one sentence per pool, as it stands now. Not responsible for choosing: that is `answer`.

use std::net::IpAddr;

use crate::answer::{BoundPool, Standing};
use crate::health::Board;
use crate::zone::{AllDown, MinUp, Order, Pool, Selector, WhilePending};

/// How a pool's answer to `client` is chosen now.
pub(super) fn choice(bound: &BoundPool, board: &Board, client: IpAddr) -> String {
    let pool = &bound.pool;
    let (standing, members) = bound.candidates(board);
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
    match standing {
        Standing::Up => {
            let first = members.first();
            let holds = |group: &Vec<_>| group.iter().any(|member| Some(member) == first.copied());
            let group = pool.groups.iter().position(holds).unwrap_or(0);
            format!("{}{}", selected(pool.selector, pool, client), group_told(pool, group))
        }
        Standing::Pending => match pool.while_pending {
            WhilePending::ServFail => "nothing is known of any member yet: SERVFAIL until then".to_owned(),
            WhilePending::NoData => "nothing is known of any member yet: no record until then".to_owned(),
            WhilePending::Select => {
                format!(
                    "nothing is known of any member yet, and all are taken as up: {}",
                    selected(pool.selector, pool, client)
                )
            }
        },
        Standing::AllDown => {
            let why = too_few(pool);
            match pool.all_down {
                AllDown::ServFail => format!("{why}: SERVFAIL"),
                AllDown::Select(Selector::Empty) => format!("{why}: no record"),
                AllDown::Select(selector) => {
                    format!("{why}, and all are taken as if they were: {}", selected(selector, pool, client))
                }
            }
        }
    }
}

/// Which group is answered from, where there are several.
fn group_told(pool: &Pool, group: usize) -> String {
    match (pool.groups.len(), group) {
        (0 | 1, _) => String::new(),
        (of, 0) => format!("; from the first of {of} groups"),
        (of, group) => format!("; from group {} of {of}, because those before it have too few up", group + 1),
    }
}

fn too_few(pool: &Pool) -> String {
    let of = pool.groups.first().map_or(0, Vec::len);
    match (pool.min_up, pool.min_up.of(of)) {
        (MinUp::Count(_) | MinUp::Percent(_), 1) => "no member is up".to_owned(),
        (MinUp::Count(_) | MinUp::Percent(_), least) => format!("fewer than {least} members are up"),
    }
}

fn selected(selector: Selector, pool: &Pool, client: IpAddr) -> String {
    match selector {
        Selector::All => {
            let order = match pool.order {
                Order::Rotate => "beginning anywhere",
                Order::Fixed => "in the order they were written",
                Order::LocalFirst => "this node's own first, the others beginning anywhere",
            };
            let most = pool.answers_max.map(|most| format!(", at most {most} of them")).unwrap_or_default();
            format!("all that are up, {order}{most}")
        }
        Selector::Random => "one that is up, at random for each query".to_owned(),
        Selector::Sample(sample) => format!("{sample} that are up, at random for each query"),
        Selector::Hashed => format!("one that is up, by the client's address: always this one for {client}"),
        Selector::WeightedRandom => "one that is up, at random by weight".to_owned(),
        Selector::WeightedHashed => {
            format!("one that is up, by weight and the client's address: always this one for {client}")
        }
        Selector::SelfWeighted => {
            format!(
                "one that is up, by the weight it tells and the client's address: always this one for {client}"
            )
        }
        Selector::NameHashed => "one that is up, by weight and the name asked".to_owned(),
        Selector::ConsistentHashed => {
            format!("one that is up, by the client's address on a ring: always this one for {client}")
        }
        Selector::First => "the first that is up".to_owned(),
        Selector::Empty => "none of them: no record".to_owned(),
    }
}

#[cfg(test)]
mod tests;
