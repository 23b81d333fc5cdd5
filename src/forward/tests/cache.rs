//! What the cache gives out when.

use std::time::Duration;

use super::super::cache::{Asker, Cache, CacheTime, Look};
use super::super::settings::{CacheSettings, Prefetch};
use super::super::stored::{Age, Stored};
use crate::dns::message::Rcode;
use crate::requestor::Response;
use crate::requestor::tests::messages::{record, response};

const KEY: &[u8] = b"\x03www\x07example\0\0\x01\0";

fn stored(ttl: u32) -> Stored {
    let message = response(0, [&[record(1, ttl, &[0; 4])], &[], &[]]);
    Stored::of(&Response::read(&message).unwrap(), &CacheSettings::default())
}

fn cache(entries: usize, bytes: usize) -> Cache {
    Cache::new(&CacheSettings { entries, bytes, ..CacheSettings::default() })
}

fn at(seconds: u64) -> CacheTime {
    CacheTime::at(Duration::from_secs(seconds))
}

fn look(cache: &Cache, seconds: u64) -> Look<Age> {
    cache.look(KEY, at(seconds), Prefetch::On, |_, age| age)
}

#[test]
fn an_answer_holds_for_its_ttl_and_ages_meanwhile() {
    let cache = cache(1000, 1 << 20);
    assert_eq!(look(&cache, 0), Look::Missing);
    cache.keep(KEY, stored(100), at(0), Asker::Client);
    assert_eq!(look(&cache, 40), Look::Fresh(Age::Seconds(40)));
    assert_eq!(look(&cache, 100), Look::Missing);
}

#[test]
fn a_name_in_use_is_asked_again_once_in_the_last_tenth() {
    let cache = cache(1000, 1 << 20);
    cache.keep(KEY, stored(100), at(0), Asker::Client);
    assert_eq!(look(&cache, 89), Look::Fresh(Age::Seconds(89)));
    assert_eq!(look(&cache, 91), Look::Due(Age::Seconds(91)));
    assert_eq!(look(&cache, 92), Look::Fresh(Age::Seconds(92)), "it is being asked for already");
    cache.end_refresh(KEY);
    assert_eq!(look(&cache, 93), Look::Due(Age::Seconds(93)), "that came to nothing");
    cache.keep(KEY, stored(100), at(94), Asker::Prefetch);
    assert_eq!(look(&cache, 190), Look::Fresh(Age::Seconds(96)), "nobody else has asked since");
    assert_eq!(look(&cache, 191), Look::Due(Age::Seconds(97)));
}

#[test]
fn what_is_over_is_given_out_at_once_only_after_upstreams_have_failed() {
    let cache = cache(1000, 1 << 20);
    let day = Duration::from_secs(86_400);
    cache.keep(KEY, stored(100), at(0), Asker::Client);
    assert!(cache.has_stale(KEY, at(200), day));
    assert_eq!(look(&cache, 200), Look::Missing);
    assert_eq!(cache.serve_stale(KEY, at(200), day, |_, age| age), Some(Age::Stale));
    assert_eq!(look(&cache, 204), Look::Stale(Age::Stale));
    assert_eq!(look(&cache, 205), Look::Missing, "time to ask again");
    assert_eq!(cache.serve_stale(KEY, at(100 + 86_400), day, |_, age| age), None, "too old");
    assert_eq!(cache.serve_stale(KEY, at(101), Duration::ZERO, |_, age| age), None, "not wanted");
}

#[test]
fn an_error_is_never_given_out_when_its_time_is_over() {
    let cache = cache(1000, 1 << 20);
    let error = Stored::error(Rcode::SERVFAIL, None, Duration::from_secs(5));
    cache.keep(KEY, error, at(0), Asker::Client);
    assert_eq!(look(&cache, 1), Look::Fresh(Age::Seconds(1)));
    assert!(!cache.has_stale(KEY, at(6), Duration::from_secs(3600)));
}

#[test]
fn what_does_not_hold_takes_the_place_of_what_did() {
    let cache = cache(1000, 1 << 20);
    cache.keep(KEY, stored(100), at(0), Asker::Client);
    cache.keep(KEY, stored(0), at(10), Asker::Client);
    assert_eq!(look(&cache, 11), Look::Missing);
    assert_eq!(cache.totals().0, 0);
}

/// As many strange names as you like.
fn flood(cache: &Cache, names: u32) {
    for name in 0..names {
        cache.keep(&name.to_be_bytes(), stored(100), at(0), Asker::Client);
    }
}

#[test]
fn neither_entries_nor_bytes_go_past_their_limits() {
    let by_entries = cache(1000, 1 << 24);
    flood(&by_entries, 10_000);
    let (entries, _, evicted) = by_entries.totals();
    assert!((900..=1000).contains(&entries), "{entries}");
    assert_eq!(entries as u64 + evicted, 10_000);

    let by_bytes = cache(1_000_000, 1 << 20);
    flood(&by_bytes, 20_000);
    let (entries, bytes, _) = by_bytes.totals();
    assert!(bytes <= 1 << 20 && bytes > 900_000 && entries > 1000, "{entries} entries in {bytes} bytes");

    by_entries.apply(&CacheSettings { entries: 160, ..CacheSettings::default() });
    assert!(by_entries.totals().0 <= 160);
    by_entries.apply(&CacheSettings { entries: 0, ..CacheSettings::default() });
    assert_eq!((by_entries.totals().0, by_entries.totals().1), (0, 0), "every byte is given back");
    flood(&by_entries, 100);
    assert_eq!(by_entries.totals().0, 0);
}

#[test]
fn names_in_use_outlive_a_flood_of_strangers() {
    let cache = cache(1600, 1 << 24);
    let used: Vec<[u8; 6]> =
        (0..200_u32).map(|name| [&b"u!"[..], &name.to_be_bytes()].concat().try_into().unwrap()).collect();
    for name in &used {
        cache.keep(name, stored(1000), at(0), Asker::Client);
    }
    for round in 0..20 {
        for name in &used {
            cache.look(name, at(1), Prefetch::Off, |_, age| age);
        }
        for name in 0..500_u32 {
            cache.keep(&(name + round * 500).to_be_bytes(), stored(100), at(0), Asker::Client);
        }
    }
    let left =
        used.iter().filter(|name| cache.look(*name, at(1), Prefetch::Off, |_, age| age) != Look::Missing);
    assert_eq!(left.count(), 200);
}
