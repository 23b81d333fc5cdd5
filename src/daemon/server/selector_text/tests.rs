//! Each way to choose, in words.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::*;
use crate::dns::{Rtype, Ttl};
use crate::health::Verdict;
use crate::probe::{Life, Port, Probe, ProbeKind, Tcp};
use crate::source::{Sources, Span};
use crate::zone::{AnswerOrder, Guard, Member, Network};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 77));

/// A member with one target.
fn member(last: u8) -> Member {
    let address = IpAddr::from([127, 0, 0, last]);
    let second = std::time::Duration::from_secs(1);
    let kind = ProbeKind::Tcp(Tcp { port: Port::new(6443).unwrap() });
    let probe = Probe { address, source: None, timeout: second, kind };
    let (rise, fall) = (NonZeroU32::MIN, NonZeroU32::MIN);
    let guards = vec![Guard { probe, interval: second, retry: second, rise, fall, life: Life::default() }];
    Member { guards, ..Member::at(address) }
}

/// What is said of a pool of two members and a backup with these verdicts.
fn said(verdicts: [Verdict; 3], change: impl FnOnce(&mut Pool)) -> String {
    let file = Sources::default().add("zone", Vec::new());
    let owner = "api.example".parse().unwrap();
    let members = vec![member(1), member(2)];
    let mut pool = Pool::new(owner, Rtype::A, Ttl::default(), members, Span::new(file, 0, 0));
    pool.groups.push(vec![member(3)]);
    change(&mut pool);
    let board: Board = verdicts.into_iter().collect();
    let mut ids = board.ids();
    choice(&BoundPool::new(Arc::new(pool), &mut ids), &board, CLIENT)
}

const UP: [Verdict; 3] = [Verdict::Up; 3];
const DOWN: [Verdict; 3] = [Verdict::Down; 3];
const PENDING: [Verdict; 3] = [Verdict::Pending; 3];
const BACKUP: [Verdict; 3] = [Verdict::Down, Verdict::Down, Verdict::Up];

#[test]
fn a_pool_says_how_it_chooses() {
    let two = NonZeroU32::new(2).unwrap();
    for (text, wanted) in [
        (said(UP, |_| {}), "all that are up, beginning anywhere; from the first of 2 groups"),
        (said(UP, |pool| pool.answers_max = Some(two)), "beginning anywhere, at most 2 of them; "),
        (said(UP, |pool| pool.order = AnswerOrder::Fixed), "all that are up, in the order they were written"),
        (said(UP, |pool| pool.order = AnswerOrder::LocalFirst), "this node's own first"),
        (said(UP, |pool| pool.selector = Selector::Random), "at random for each query"),
        (said(UP, |pool| pool.selector = Selector::Hashed), "always this one for 192.0.2.77"),
        (said(BACKUP, |_| {}), "from group 2 of 2, because those before it have too few up"),
    ] {
        assert!(text.contains(wanted), "{text}: {wanted}");
    }
}

#[test]
fn a_pool_without_members_that_are_up_says_what_it_does_instead() {
    let two = NonZeroU32::new(2).unwrap();
    for (text, wanted) in [
        (
            said(DOWN, |_| {}),
            "no member is up, and all are taken as if they were: all that are up, beginning anywhere",
        ),
        (said(DOWN, |pool| pool.all_down = AllDown::ServFail), "no member is up: SERVFAIL"),
        (said(DOWN, |pool| pool.all_down = AllDown::Select(Selector::Empty)), "no member is up: no record"),
        (
            said(DOWN, |pool| pool.min_up = MinUp::Count(two)),
            "fewer than 2 members are up, and all are taken",
        ),
        (said(PENDING, |_| {}), "nothing is known of any member yet, and all are taken as up: all"),
        (said(PENDING, |pool| pool.while_pending = WhilePending::ServFail), "SERVFAIL until then"),
        (said(PENDING, |pool| pool.while_pending = WhilePending::NoData), "no record until then"),
    ] {
        assert!(text.contains(wanted), "{text}: {wanted}");
    }
}

#[test]
fn views_choose_by_the_clients_network() {
    let views = |network: &str| vec![vec![Network::parse(network).unwrap()], Vec::new()];
    let text = said(UP, |pool| pool.views = views("192.0.2.0/24"));
    assert_eq!(text, "by the client's network: one at random of view 1 of 2");
    let text = said(UP, |pool| pool.views = views("198.51.100.0/24"));
    assert_eq!(text, "by the client's network: no view holds 192.0.2.77, so SERVFAIL");
}
