//! A secondary's times, with a clock that is turned by hand.

use super::*;

const SOA: Soa = Soa { serial: 7, refresh: 3600, retry: 600, expire: 86_400 };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A zone of two primaries that has been transferred from the second of them.
fn held(now: Instant) -> Refresh {
    let mut refresh = Refresh::new(2, None, now);
    refresh.transferred(1, SOA, None, now, 0);
    refresh
}

#[test]
fn a_zone_that_is_not_here_is_asked_for_at_once_and_then_ever_more_seldom() {
    let start = Instant::now();
    let mut refresh = Refresh::new(1, None, start);
    assert_eq!(refresh.due(), start);
    let waits: Vec<u64> = (0..12)
        .map(|_| {
            refresh.failed(start, 0);
            (refresh.due() - start).as_secs()
        })
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    (0..100).for_each(|_| refresh.failed(start, 0));
    assert_eq!(refresh.due() - start, seconds(300));
    refresh.transferred(0, SOA, None, start, 0);
    assert_eq!(refresh.due() - start, seconds(3600));
}

#[test]
fn a_version_holds_until_it_is_not_confirmed_in_time() {
    let start = Instant::now();
    let mut refresh = held(start);
    assert_eq!(refresh.holds(start), Some(seconds(86_400)));
    let later = start + seconds(3600);
    refresh.failed(later, 0);
    assert_eq!((refresh.due() - later, refresh.holds(later)), (seconds(600), Some(seconds(82_800))));
    refresh.confirmed(0, None, later, 0);
    assert_eq!((refresh.due() - later, refresh.holds(later)), (seconds(3600), Some(seconds(86_400))));
    assert_eq!(refresh.holds(later + seconds(90_000)), Some(Duration::ZERO));
}

#[test]
fn a_primary_that_is_a_secondary_itself_says_how_long_its_version_holds() {
    let start = Instant::now();
    let mut refresh = held(start);
    refresh.transferred(0, SOA, Some(1000), start, 0);
    assert_eq!(refresh.holds(start), Some(seconds(1000)));
    // It may have been confirmed there meanwhile, and never shortens what is left.
    refresh.confirmed(0, Some(500), start, 0);
    assert_eq!(refresh.holds(start), Some(seconds(1000)));
    refresh.confirmed(0, Some(2000), start, 0);
    assert_eq!(refresh.holds(start), Some(seconds(2000)));
    refresh.confirmed(0, Some(u32::MAX), start, 0);
    assert_eq!(refresh.holds(start), Some(seconds(86_400)), "never longer than the SOA record says");
}

#[test]
fn intervals_have_a_floor_a_ceiling_and_jitter() {
    let start = Instant::now();
    let mut refresh = Refresh::new(1, None, start);
    let mut waits = |soa: Soa, chance| {
        refresh.transferred(0, soa, None, start, chance);
        refresh.due() - start
    };
    let none = Soa { serial: 1, refresh: 0, retry: 0, expire: 0 };
    assert_eq!(waits(none, 0), seconds(1));
    let most = Soa { refresh: u32::MAX, retry: u32::MAX, expire: u32::MAX, ..none };
    assert_eq!(waits(most, 0), seconds(86_400));
    let all: Vec<Duration> = (0..2000).map(|chance| waits(SOA, chance)).collect();
    assert!(all.iter().all(|wait| (seconds(3240)..=seconds(3600)).contains(wait)));
    assert!(all.iter().min() < Some(&seconds(3242)) && all.iter().max() == Some(&seconds(3600)));
    assert_eq!(expiry(&none), seconds(2), "there is time to ask twice");
    assert_eq!(expiry(&SOA), seconds(86_400));
}

#[test]
fn a_notify_of_what_is_not_here_has_the_one_that_sent_it_asked_first_and_at_once() {
    let start = Instant::now();
    let mut refresh = held(start);
    assert!(!refresh.notified(Some(0), Told::Serial(7), start), "that is here");
    assert!(!refresh.notified(Some(0), Told::Serial(6), start), "that is older");
    let later = start + seconds(10);
    assert!(refresh.notified(Some(0), Told::Serial(8), later));
    assert_eq!((refresh.due(), refresh.order().collect::<Vec<_>>()), (later, vec![0, 1]));
    let mut refresh = held(start);
    assert!(refresh.notified(None, Told::Anything, start), "one without a SOA record may tell of anything");
    assert_eq!(refresh.due(), start + NOTIFIED_WAIT, "they were asked just now");
    assert_eq!(refresh.order().collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn what_a_notify_has_told_of_and_no_primary_has_is_asked_for_again_soon_and_only_once() {
    let start = Instant::now();
    let mut refresh = held(start);
    assert!(refresh.notified(Some(1), Told::Serial(9), start));
    refresh.confirmed(1, None, start, 0);
    assert_eq!(refresh.due() - start, NOT_THERE_WAIT);
    refresh.confirmed(1, None, start, 0);
    assert_eq!(refresh.due() - start, seconds(3600));
}

#[test]
fn the_primary_that_answered_last_is_asked_first_and_one_that_did_not_is_not() {
    let start = Instant::now();
    let mut refresh = Refresh::new(3, None, start);
    let order = |refresh: &Refresh| refresh.order().collect::<Vec<_>>();
    assert_eq!(order(&refresh), [0, 1, 2]);
    refresh.transferred(2, SOA, None, start, 0);
    assert_eq!(order(&refresh), [2, 0, 1]);
    refresh.failed(start, 0);
    assert_eq!(order(&refresh), [0, 1, 2]);
}

#[test]
fn a_serial_is_the_same_newer_or_older_on_a_circle() {
    let now = Instant::now();
    let refresh = held(now);
    let standings =
        [7, 8, 6, 7 + (1 << 31), 7 + (1 << 31) - 1].map(|serial| refresh.compare_serial(serial, now));
    assert_eq!(
        standings,
        [
            SerialComparison::Same,
            SerialComparison::Newer,
            SerialComparison::Older,
            SerialComparison::Older,
            SerialComparison::Newer
        ]
    );
    assert_eq!(Refresh::new(1, None, now).compare_serial(0, now), SerialComparison::Newer);
}

#[test]
fn a_notify_of_what_is_here_leads_to_a_question_while_nobody_confirms_that() {
    let start = Instant::now();
    let mut refresh = held(start);
    refresh.failed(start, 0);
    assert_eq!(refresh.due() - start, seconds(600));
    let later = start + seconds(10);
    assert!(refresh.notified(Some(0), Told::Serial(7), later));
    assert_eq!((refresh.due(), refresh.order().collect::<Vec<_>>()), (later, vec![0, 1]));
    refresh.confirmed(0, None, later, 0);
    assert!(!refresh.notified(Some(0), Told::Serial(7), later + seconds(1)));
    let expired = later + seconds(86_400);
    assert!(refresh.notified(Some(0), Told::Serial(7), expired), "nobody has confirmed it since");
}

#[test]
fn what_has_expired_gives_way_to_any_serial_and_is_confirmed_by_its_own() {
    let start = Instant::now();
    let refresh = held(start);
    let just_before = start + seconds(86_400) - Duration::from_millis(1);
    assert_eq!(refresh.compare_serial(6, just_before), SerialComparison::Older);
    assert_eq!(refresh.newer_than(just_before), Some(7));
    let expired = start + seconds(86_400);
    assert_eq!(refresh.compare_serial(6, expired), SerialComparison::Newer);
    assert_eq!(refresh.compare_serial(7, expired), SerialComparison::Same);
    assert_eq!(refresh.newer_than(expired), None);
}

#[test]
fn what_was_told_before_is_not_forgotten_for_what_is_told_later_or_for_a_primary_that_does_not_answer() {
    let start = Instant::now();
    let mut refresh = held(start);
    assert!(refresh.notified(Some(1), Told::Serial(9), start));
    assert!(refresh.notified(Some(0), Told::Serial(8), start));
    refresh.transferred(0, Soa { serial: 8, ..SOA }, None, start, 0);
    assert_eq!(refresh.due() - start, NOT_THERE_WAIT, "9 is still to come");
    assert!(refresh.notified(Some(1), Told::Serial(9), start));
    refresh.failed(start, 0);
    assert_eq!(refresh.due() - start, NOT_THERE_WAIT, "it may answer in a moment");
    refresh.failed(start, 0);
    assert_eq!(refresh.due() - start, seconds(600));
}

#[test]
fn a_primary_that_sends_less_than_it_has_promised_is_asked_again_soon() {
    let start = Instant::now();
    let mut refresh = held(start);
    refresh.promised(9);
    refresh.transferred(1, Soa { serial: 8, ..SOA }, None, start, 0);
    assert_eq!(refresh.due() - start, NOT_THERE_WAIT);
}
