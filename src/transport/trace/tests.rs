//! What a trace wants, sees and costs.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::answer::Transport;

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), transport: Transport::Udp };

fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn query(qname: &str, qtype: Rtype) -> Vec<u8> {
    let name: Name = qname.parse().unwrap();
    let header: &[u8] = &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    [header, name.as_ref().wire(), &qtype.0.to_be_bytes(), &[0, 1]].concat()
}

fn received(trace: &mut Trace) -> usize {
    std::iter::from_fn(|| trace.try_next()).count()
}

#[test]
fn a_filter_wants_what_all_of_it_fits() {
    let below = Names::Below("apps.example".parse().unwrap());
    let like = |text: &str| Names::Like(text.parse().unwrap());
    for (filter, wanted) in [
        (Filter::default(), true),
        (Filter { names: Some(below.clone()), ..Filter::default() }, true),
        (Filter { names: Some(Names::Below("api.example".parse().unwrap())), ..Filter::default() }, false),
        (Filter { names: Some(like("*.APPS.*")), ..Filter::default() }, true),
        (Filter { names: Some(like("api*")), ..Filter::default() }, false),
        (Filter { clients: Some("192.0.2.0/24".parse().unwrap()), ..Filter::default() }, true),
        (Filter { clients: Some("192.0.2.8".parse().unwrap()), ..Filter::default() }, false),
        (Filter { qtype: Some(Rtype::A), ..Filter::default() }, true),
        (Filter { qtype: Some(Rtype::AAAA), names: Some(below), ..Filter::default() }, false),
    ] {
        assert_eq!(filter.wants(PEER, &query("X.Apps.example", Rtype::A)), wanted, "{filter:?}");
    }
    assert!(Filter::default().wants(PEER, b"nonsense"));
    assert!(!Filter { qtype: Some(Rtype::A), ..Filter::default() }.wants(PEER, b"nonsense"));
}

#[test]
fn a_name_means_all_below_it_and_an_asterisk_any_text() {
    let read = |text: &str| text.parse::<Names>().map(|names| names.to_string());
    assert_eq!(read("apps.example"), Ok("apps.example.".to_owned()));
    assert_eq!(read("*.apps.example"), Ok("*.apps.example.".to_owned()));
    assert_eq!(read("api*"), Ok("api*".to_owned()));
    assert!(read("a..b").is_err());
}

#[test]
fn a_tap_shows_nothing_before_a_trace_begins_and_after_it_ends() {
    let taps = Taps::default();
    let mut tap = taps.tap();
    tap.look();
    assert!(!tap.is_open());
    let mut trace = taps.open(Filter::default(), later()).unwrap();
    assert!(!tap.is_open(), "a batch that has begun goes on as it was");
    tap.look();
    assert!(tap.is_open());
    tap.show(PEER, &query("www.example", Rtype::A), None);
    assert_eq!(received(&mut trace), 1);
    drop(trace);
    tap.look();
    assert!(!tap.is_open());
}

#[test]
fn what_nobody_takes_in_time_is_left_out_and_counted() {
    let taps = Taps::default();
    let mut trace = taps.open(Filter::default(), later()).unwrap();
    let mut tap = taps.tap();
    for _ in 0..WAITING_MAX + 7 {
        tap.show(PEER, &query("www.example", Rtype::A), None);
    }
    assert_eq!((received(&mut trace), trace.left_out()), (WAITING_MAX, 7));
}

#[test]
fn a_trace_ends_with_its_time_whoever_holds_it() {
    let taps = Taps::default();
    let now = Instant::now();
    let (one, other) = (now + Duration::from_secs(1), now + Duration::from_secs(2));
    let _held = [one, other].map(|until| taps.open(Filter::default(), until).unwrap());
    let mut tap = taps.tap();
    taps.expire(one);
    assert_eq!(taps.open_count(), 1);
    taps.expire(other);
    tap.look();
    assert!(!tap.is_open());
}

#[test]
fn there_are_only_so_many_traces() {
    let taps = Taps::default();
    let mut traces: Vec<Trace> =
        (0..TRACES_MAX).map(|_| taps.open(Filter::default(), later()).unwrap()).collect();
    assert!(taps.open(Filter::default(), later()).is_none());
    traces.pop();
    assert_eq!(taps.open_count(), TRACES_MAX - 1);
    assert!(taps.open(Filter::default(), later()).is_some());
}

#[test]
fn a_log_that_begins_ends_the_one_before_it_and_no_query_is_seen_by_both() {
    let taps = Taps::default();
    let mut tap = taps.tap();
    let asked = query("x.example", Rtype::A);
    let mut show = |count: usize| {
        tap.look();
        (0..count).for_each(|_| tap.show(PEER, &asked, None));
    };
    let mut trace = taps.open(Filter::default(), later()).unwrap();
    let mut before = taps.log(NonZeroU32::MIN);
    show(3);
    let mut after = taps.log(NonZeroU32::MIN);
    show(4);
    assert_eq!((received(&mut before), received(&mut after)), (3, 4));
    // What the first one leaves behind does not end the second.
    drop(before);
    show(1);
    assert_eq!((received(&mut after), received(&mut trace)), (1, 8));
}

#[test]
fn of_so_many_queries_the_log_gets_one_and_it_lasts() {
    let taps = Taps::default();
    let mut log = taps.log(NonZeroU32::new(3).unwrap());
    let mut tap = taps.tap();
    for _ in 0..7 {
        tap.show(PEER, &query("www.example", Rtype::A), None);
    }
    assert_eq!(received(&mut log), 3);
    let mut other = taps.open(Filter::default(), later()).unwrap();
    tap.look();
    for _ in 0..2 {
        tap.show(PEER, &query("www.example", Rtype::A), None);
    }
    assert_eq!((received(&mut log), received(&mut other)), (0, 2), "another trace does not begin it anew");
    drop(other);
    taps.expire(later());
    tap.look();
    assert!(tap.is_open());
    assert_eq!(taps.open_count(), 0, "it takes no trace's place");
    drop(log);
    tap.look();
    assert!(!tap.is_open());
}

#[test]
fn a_sample_is_that_of_all_queries_however_few_each_worker_gets() {
    let taps = Taps::default();
    let mut log = taps.log(NonZeroU32::new(100).unwrap());
    for _ in 0..1000 {
        let mut tap = taps.tap();
        tap.show(PEER, &query("www.example", Rtype::A), None);
        tap.show(PEER, &query("www.example", Rtype::A), None);
    }
    let taken = received(&mut log);
    assert!((15..=25).contains(&taken), "{taken} of 2000");
}

#[test]
fn long_messages_that_wait_are_bounded_by_their_bytes() {
    let taps = Taps::default();
    let mut log = taps.log(NonZeroU32::MIN);
    let mut tap = taps.tap();
    let long = vec![0; 60_000];
    for _ in 0..LOG_WAITING_MAX {
        tap.show(PEER, &long, Some(&long));
    }
    let fit = WAITING_BYTES_MAX / (2 * long.len());
    assert_eq!(log.losses().count(), (LOG_WAITING_MAX - fit) as u64);
    assert_eq!(received(&mut log), fit);
    tap.show(PEER, &long, Some(&long));
    assert_eq!(received(&mut log), 1, "what was read makes room");
}
