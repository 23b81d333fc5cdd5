//! Which clients are limited, and when, with a time that the tests set.

use super::*;

const SECOND: u64 = 1_000_000_000;
/// Some time in 2027.
const NOW: u64 = 1_800_000_000 * SECOND;

const CLIENT: &str = "192.0.2.1";

fn limit(responses_per_second: u32, slip: u32) -> RateLimit {
    RateLimit::new(NonZeroU32::new(responses_per_second).unwrap(), slip, Vec::new())
}

fn name(text: &str) -> RrlSource {
    RrlSource::Name(NameHash::of(text.parse::<crate::dns::Name>().unwrap().as_ref()))
}

fn below(text: &str) -> RrlSource {
    RrlSource::WildcardBelow(NameHash::of(text.parse::<crate::dns::Name>().unwrap().as_ref()))
}

/// A worker's buckets, with a limit of ten in a second.
struct Worker {
    buckets: RrlTable,
    limit: RateLimit,
}

impl Worker {
    fn new() -> Self {
        Self { buckets: RrlTable::new(7), limit: limit(10, 0) }
    }

    /// How many of a thousand responses at once are sent.
    fn sent(&mut self, client: &str, count: Count, source: RrlSource, now: u64) -> usize {
        let response = LimitedResponse { client: client.parse().unwrap(), count, source };
        let mut one = |_: &u32| self.buckets.action(&self.limit, response, now, 0) == RrlAction::Pass;
        (0..1000).filter(|number| one(number)).count()
    }
}

#[test]
fn a_network_gets_the_responses_of_a_second_at_once_and_then_as_they_come() {
    let mut worker = Worker::new();
    let mut sent = |at| worker.sent(CLIENT, Count::Answered, name("api.example."), at);
    assert_eq!(sent(NOW), 10);
    assert_eq!(sent(NOW + SECOND / 10 - 1), 0);
    assert_eq!(sent(NOW + SECOND / 10), 1);
    assert_eq!(sent(NOW + SECOND / 2), 4);
    assert_eq!(sent(NOW + 100 * SECOND), 10);
}

#[test]
fn what_is_held_back_does_not_count() {
    let mut worker = Worker::new();
    for tick in 0..100 {
        let sent = worker.sent(CLIENT, Count::Answered, name("api.example."), NOW + tick * SECOND / 10);
        assert_eq!(sent, if tick == 0 { 10 } else { 1 }, "tick {tick}");
    }
}

#[test]
fn neighbours_share_a_bucket_and_strangers_do_not() {
    let shares = |other: &str, one: &str| {
        let mut worker = Worker::new();
        worker.sent(one, Count::Answered, name("api.example."), NOW);
        worker.sent(other, Count::Answered, name("api.example."), NOW) == 0
    };
    assert!(shares("192.0.2.1", "192.0.2.254"));
    assert!(!shares("192.0.2.1", "192.0.3.1"));
    assert!(shares("2001:db8::1", "2001:db8:0:ff:ffff::"));
    assert!(!shares("2001:db8::1", "2001:db8:0:100::1"));
    assert!(!shares("::c0:0:1", "192.0.0.1"));
}

#[test]
fn each_kind_of_response_and_each_name_it_is_made_from_has_its_own_bucket() {
    let kinds = [
        (Count::Answered, name("api.example.")),
        (Count::Answered, name("www.example.")),
        (Count::Answered, name("apps.example.")),
        (Count::Answered, below("apps.example.")),
        (Count::NoData, name("api.example.")),
        (Count::NoData, below("apps.example.")),
        (Count::NxDomain, name("example.")),
        (Count::NxDomain, name("example.net.")),
        (Count::Referral, name("sub.example.")),
        (Count::Refused, name(".")),
    ];
    let mut worker = Worker::new();
    for (count, source) in kinds {
        assert_eq!(worker.sent(CLIENT, count, source, NOW), 10, "{count:?} {source:?}");
        assert_eq!(worker.sent(CLIENT, count, source, NOW), 0, "{count:?} {source:?}");
    }
}

#[test]
fn errors_share_a_bucket_whatever_was_asked() {
    let mut worker = Worker::new();
    worker.sent(CLIENT, Count::Refused, name("a.test."), NOW);
    for count in [Count::FormErr, Count::ServFail, Count::NotImp, Count::OtherRcode] {
        assert_eq!(worker.sent(CLIENT, count, name("b.test."), NOW), 0, "{count:?}");
    }
}

#[test]
fn one_in_so_many_slips_of_those_held_back() {
    let mut slipped = [0; 4];
    for slip in 0..4_u32 {
        let limit = limit(1, slip);
        let mut buckets = RrlTable::new(7);
        let (client, source) = (CLIENT.parse().unwrap(), name("."));
        let response = LimitedResponse { client, count: Count::Answered, source };
        assert_eq!(buckets.action(&limit, response, NOW, 0), RrlAction::Pass);
        let actions = (0..600).map(|entropy| buckets.action(&limit, response, NOW, entropy));
        slipped[slip as usize] = actions.filter(|action| *action == RrlAction::Slip).count();
    }
    assert_eq!(slipped, [0, 600, 300, 200]);
}

#[test]
fn a_clock_that_is_set_back_limits_nobody_for_longer_than_a_second() {
    let mut worker = Worker::new();
    let (count, source) = (Count::Answered, name("api.example."));
    assert_eq!(worker.sent(CLIENT, count, source, NOW + 3600 * SECOND), 10);
    assert_eq!(worker.sent(CLIENT, count, source, NOW), 10);
    assert_eq!(worker.sent(CLIENT, count, source, NOW), 0);
    assert_eq!(worker.sent(CLIENT, count, source, NOW + SECOND), 10);
}

#[test]
fn a_flood_from_everywhere_does_not_make_one_forget_who_is_over_the_limit() {
    let mut worker = Worker::new();
    let (count, source) = (Count::Answered, name("api.example."));
    worker.sent(CLIENT, count, source, NOW);
    for network in 0..1_000_000_u32 {
        let client = IpAddr::from((0x0a00_0000 | network << 8).to_be_bytes());
        let forged = LimitedResponse { client, count, source };
        let _ = worker.buckets.action(&worker.limit, forged, NOW, 0);
    }
    assert_eq!(worker.sent(CLIENT, count, source, NOW), 0);
}

#[test]
fn a_table_without_room_lets_strangers_pass() {
    let mut worker = Worker::new();
    let passed = (0..200_000_u32).filter(|network| {
        let client = IpAddr::from((network << 8).to_be_bytes());
        let response = LimitedResponse { client, count: Count::Answered, source: name("api.example.") };
        worker.buckets.action(&worker.limit, response, NOW, 0) == RrlAction::Pass
    });
    assert_eq!(passed.count(), 200_000);
}

#[test]
fn the_highest_rate_is_no_limit_and_the_lowest_is_one() {
    let mut worker = Worker { limit: limit(u32::MAX, 0), ..Worker::new() };
    assert_eq!(worker.sent(CLIENT, Count::Answered, name("."), NOW), 1000);
    worker.limit = limit(1, 0);
    assert_eq!(worker.sent(CLIENT, Count::NoData, name("."), NOW), 1);
}

/// How many of a thousand responses at once are sent, each for a name of its own.
fn sent_of_many_names(limit: &RateLimit, client: &str, now: u64) -> usize {
    let mut buckets = RrlTable::new(7);
    let client: IpAddr = client.parse().unwrap();
    let names = (0..1000).map(|number| name(&format!("n{number}.example.")));
    let responses = names.map(|source| LimitedResponse { client, count: Count::Answered, source });
    responses.filter(|response| buckets.action(limit, *response, now, 0) == RrlAction::Pass).count()
}

#[test]
fn a_network_gets_no_more_than_all_of_a_second_by_asking_for_many_names() {
    let all = NonZeroU32::new(40).unwrap();
    assert_eq!(sent_of_many_names(&limit(10, 0), CLIENT, NOW), 1000);
    assert_eq!(sent_of_many_names(&limit(10, 0).with_all(all), CLIENT, NOW), 40);
    assert_eq!(sent_of_many_names(&RateLimit::for_all(all, 0, Vec::new()), CLIENT, NOW), 40);
    assert_eq!(sent_of_many_names(&limit(10, 0).with_all(all), "2001:db8::1", NOW), 40);
}

#[test]
fn what_its_own_limit_holds_back_takes_nothing_from_the_rest_of_the_network() {
    let mut worker = Worker { limit: limit(10, 0).with_all(NonZeroU32::new(15).unwrap()), ..Worker::new() };
    assert_eq!(worker.sent(CLIENT, Count::Answered, name("api.example."), NOW), 10);
    assert_eq!(worker.sent(CLIENT, Count::Answered, name("www.example."), NOW), 5);
    assert_eq!(worker.sent("192.0.2.9", Count::Refused, RrlSource::Name(NameHash::ROOT), NOW), 0);
    assert_eq!(worker.sent("192.0.3.1", Count::Answered, name("www.example."), NOW), 10);
}

#[test]
fn what_is_forwarded_is_limited_by_the_name_asked() {
    let mut worker = Worker::new();
    assert_eq!(worker.sent(CLIENT, Count::Forwarded, name("www.test."), NOW), 10);
    assert_eq!(worker.sent(CLIENT, Count::Forwarded, name("mail.test."), NOW), 10);
    assert_eq!(worker.sent(CLIENT, Count::Answered, name("www.test."), NOW), 10);
}
