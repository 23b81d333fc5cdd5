//! What a pool answers with, for every selector and every state.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::super::client::Client;
use super::*;
use crate::dns::{Name, Rtype, Ttl};
use crate::dnssec::{
    Algorithm, DenialKind, Key, Pair, Period, PoolSigner, SEP, Signing, Time, Timing, ZONE_KEY, ZoneKeys,
};
use crate::health::Verdict;
use crate::probe::{Life, Port, Probe, ProbeKind, Share, Tcp, Weight};
use crate::source::{Sources, Span};
use crate::zone::{
    AllDown, AnswerOrder, Guard, Member, MinUp, Network, Pass, Passes, Pool, Selector, ShareMax, WhileAny,
    WhilePending, name_hash,
};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A pool of these addresses, without guards.
fn pool(addresses: &[&str]) -> Pool {
    let span = Span::new(Sources::default().add("lab.zone", Vec::new()), 0, 0);
    let members = addresses.iter().map(|text| Member::at(address(text))).collect();
    Pool::new("api.lab.example.".parse().unwrap(), Rtype::A, Ttl::from_seconds(60).unwrap(), members, span)
}

/// The same pool with a guard for each member.
fn guarded(addresses: &[&str]) -> Pool {
    let mut pool = pool(addresses);
    for (member, text) in pool.groups[0].iter_mut().zip(addresses) {
        member.guards.push(guard(text));
    }
    pool
}

fn guard(text: &str) -> Guard {
    let kind = ProbeKind::Tcp(Tcp { port: Port::new(6443).unwrap() });
    let second = std::time::Duration::from_secs(1);
    let probe = Probe { address: address(text), source: None, timeout: second, kind };
    let (rise, fall) = (NonZeroU32::MIN, NonZeroU32::MIN);
    Guard { probe, interval: second, retry: second, rise, fall, life: Life::default() }
}

/// A pool whose targets are the places of a board, in order, and the board.
fn bind(pool: Pool, verdicts: &[Verdict]) -> (BoundPool, Board) {
    let board: Board = verdicts.iter().copied().collect();
    let mut ids = board.ids();
    (BoundPool::new(Arc::new(pool), &mut ids), board)
}

fn answer(pool: Pool, verdicts: &[Verdict]) -> PoolAnswer {
    let (bound, board) = bind(pool, verdicts);
    build_answer(&bound, &board, None)
}

/// One answer as a client sees it: TTL and addresses.
fn ask(answer: &PoolAnswer, chance: &mut u64, client: &str, name: &[u8]) -> Option<Vec<(u32, String)>> {
    let mut given = Vec::new();
    let answered =
        answer.chosen(Selection { rng: chance, client: &Client::itself(&address(client)), name }, |record| {
            let octets = <[u8; 4]>::try_from(&record[10..]).unwrap();
            given.push((
                u32::from_be_bytes(record[4..8].try_into().unwrap()),
                IpAddr::from(octets).to_string(),
            ));
        });
    answered.map(|_| given)
}

fn addresses(answer: &PoolAnswer, chance: &mut u64) -> Vec<String> {
    let given = ask(answer, chance, "127.0.0.1", &[]).expect("an answer");
    given.into_iter().map(|(_, address)| address).collect()
}

fn for_client(answer: &PoolAnswer, client: &str) -> String {
    let [(_, address)] = &ask(answer, &mut 7, client, &[]).unwrap()[..] else { panic!("one record") };
    address.clone()
}

const THREE: [&str; 3] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

fn weigh(mut pool: Pool, weights: &[u32]) -> Pool {
    for (member, weight) in pool.groups[0].iter_mut().zip(weights) {
        member.weight = NonZeroU32::new(*weight).unwrap();
    }
    pool
}

#[test]
fn all_are_answered_and_each_is_first_about_equally_often() {
    let answer = answer(pool(&THREE), &[]);
    let (mut chance, mut first) = (7, [0_u32; 3]);
    for _ in 0..3000 {
        let given = addresses(&answer, &mut chance);
        assert_eq!(given.len(), 3);
        first[THREE.iter().position(|one| *one == given[0]).unwrap()] += 1;
    }
    assert!(first.iter().all(|count| (900..1100).contains(count)), "{first:?}");
}

#[test]
fn what_is_ready_is_what_is_answered_record_by_record() {
    for members in [&THREE[..], &THREE[..2], &THREE[..1]] {
        let answer = answer(pool(members), &[]);
        let (mut chance, mut again) = (7, 7);
        for _ in 0..100 {
            let mut given = Vec::new();
            let client = address("127.0.0.1");
            let selection = Selection { rng: &mut again, client: &Client::itself(&client), name: &[] };
            answer.chosen(selection, |record| given.extend([&OWN, record].concat()));
            let ready = answer.ready_rotation(&OWN, &mut chance);
            assert_eq!(ready, Some((&given[..], u16::try_from(members.len()).unwrap())));
        }
        assert_eq!(answer.ready_rotation(&[0xc0, 13], &mut chance), None);
    }
}

#[test]
fn only_all_records_beginning_anywhere_are_ready_at_once() {
    let ready = |pool| answer(pool, &[]).ready_rotation(&OWN, &mut 7).is_some();
    assert!(!ready(pool(&[])));
    assert!(!ready(Pool { selector: Selector::Random, ..pool(&THREE) }));
    assert!(!ready(Pool { order: AnswerOrder::Fixed, ..pool(&THREE) }));
    assert!(!ready(Pool { answers_max: NonZeroU32::new(2), ..pool(&THREE) }));
    assert!(ready(Pool { answers_max: NonZeroU32::new(3), ..pool(&THREE) }));
}

#[test]
fn random_answers_one_each_about_equally_often() {
    let answer = answer(Pool { selector: Selector::Random, ..pool(&THREE) }, &[]);
    let (mut chance, mut counts) = (7, [0_u32; 3]);
    for _ in 0..3000 {
        let given = addresses(&answer, &mut chance);
        assert_eq!(given.len(), 1);
        counts[THREE.iter().position(|one| *one == given[0]).unwrap()] += 1;
    }
    assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
}

#[test]
fn a_sample_has_none_twice_and_every_order_comes_up() {
    let sample = Selector::Sample(NonZeroU32::new(2).unwrap());
    let answer = answer(Pool { selector: sample, ..pool(&THREE) }, &[]);
    let mut seen = std::collections::BTreeMap::new();
    let mut chance = 7;
    for _ in 0..6000 {
        *seen.entry(addresses(&answer, &mut chance)).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
    assert!(seen.iter().all(|(pair, count)| pair[0] != pair[1] && (800..1200).contains(count)), "{seen:?}");
}

#[test]
fn a_sample_larger_than_the_pool_is_all_of_it() {
    let sample = Selector::Sample(NonZeroU32::new(5000).unwrap());
    let many: Vec<String> = (0..1000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = answer(Pool { selector: sample, ..pool(&many) }, &[]);
    let mut given = addresses(&answer, &mut 7);
    assert_ne!(given, many);
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 1000);
}

/// `h mod 3` of the clients' figures, which PowerDNS gave.
#[test]
fn hashed_answers_a_client_what_powerdns_answers_it() {
    let answer = answer(Pool { selector: Selector::Hashed, ..pool(&THREE) }, &[]);
    for (client, hash) in
        [("127.0.0.1", 4_196_678_856_u32), ("127.0.0.2", 287_116_632), ("127.0.0.3", 2_937_953_017)]
    {
        assert_eq!(for_client(&answer, client), THREE[(hash % 3) as usize], "{client}");
    }
}

#[test]
fn weighted_random_answers_by_weight() {
    let pool = weigh(Pool { selector: Selector::WeightedRandom, ..pool(&THREE) }, &[1, 2, 7]);
    let answer = answer(pool, &[]);
    let (mut chance, mut counts) = (7, [0_u32; 3]);
    for _ in 0..10_000 {
        let given = addresses(&answer, &mut chance);
        counts[THREE.iter().position(|one| *one == given[0]).unwrap()] += 1;
    }
    for (count, expected) in counts.iter().zip([1000, 2000, 7000]) {
        assert!(count.abs_diff(expected) < 300, "{counts:?}");
    }
}

#[test]
fn weighted_hashes_go_to_the_first_sum_above_the_number() {
    let pool = weigh(Pool { selector: Selector::WeightedHashed, ..pool(&THREE) }, &[1, 2, 7]);
    let answer_by_client = answer(pool.clone(), &[]);
    for (client, hash) in
        [("127.0.0.1", 4_196_678_856_u32), ("127.0.0.4", 3_848_753_758), ("127.0.0.5", 2_919_307_402)]
    {
        let expected = match hash % 10 {
            0 => THREE[0],
            1 | 2 => THREE[1],
            _ => THREE[2],
        };
        assert_eq!(for_client(&answer_by_client, client), expected, "{client}");
    }
    let by_name = answer(Pool { selector: Selector::NameHashed, ..pool }, &[]);
    assert!(by_name.is_by_name() && !answer_by_client.is_by_name());
    let name: Name = "test.namehashed.example.org".parse().unwrap();
    let hash = name_hash(&name.as_ref().to_lowercase());
    assert_eq!(hash % 10, 4);
    let mut seen = [false; 3];
    for number in 0..50 {
        let name =
            format!("test{number}.namehashed.example.org").parse::<Name>().unwrap().as_ref().to_lowercase();
        let expected = match name_hash(&name) % 10 {
            0 => 0,
            1 | 2 => 1,
            _ => 2,
        };
        seen[expected] = true;
        assert_eq!(
            ask(&by_name, &mut 7, "127.0.0.1", &name).unwrap(),
            [(60, THREE[expected].to_owned())],
            "{number}"
        );
    }
    assert_eq!(
        (seen, ask(&by_name, &mut 7, "127.0.0.1", &name.as_ref().to_lowercase())),
        ([true; 3], Some(vec![(60, THREE[2].to_owned())]))
    );
}

#[test]
fn a_consistent_hash_moves_only_the_clients_of_the_member_that_went() {
    let on_ring = |texts: &[&str]| {
        let mut pool = Pool { selector: Selector::ConsistentHashed, ..pool(texts) };
        for (member, text) in pool.groups[0].iter_mut().zip(texts) {
            member.weight = NonZeroU32::new(50).unwrap();
            *member = member.clone().on_ring(text.as_bytes());
        }
        answer(pool, &[])
    };
    let (three, two) = (on_ring(&THREE), on_ring(&THREE[..2]));
    let mut shares = [0_u32; 3];
    for host in 0..=255_u8 {
        let client = IpAddr::from([198, 51, 100, host]).to_string();
        let before = for_client(&three, &client);
        shares[THREE.iter().position(|one| *one == before).unwrap()] += 1;
        if before != THREE[2] {
            assert_eq!(for_client(&two, &client), before);
        }
    }
    assert!(shares.iter().all(|share| *share > 40), "{shares:?}");
}

#[test]
fn the_ring_is_closed() {
    let ring = [(10, 4), (20, 5)];
    assert_eq!([0, 10, 11, 20, 21, u32::MAX].map(|hash| nearest(&ring, hash)), [4, 4, 5, 5, 4, 4]);
}

/// `h mod 10` of 127.0.0.1 and on is 6, 2, 7, 8, 2 (PowerDNS's hash of 4196678856 and so on).
#[test]
fn what_targets_say_of_their_weight_is_added_up_in_the_order_of_the_list() {
    let given = |targets: &[(Verdict, u32)]| {
        let (bound, _) =
            bind(Pool { selector: Selector::SelfWeighted, ..guarded(&THREE) }, &[Verdict::Up; 3]);
        let weigh = |(verdict, weight): &(Verdict, u32)| (*verdict, Weight::new(*weight).unwrap());
        let answer = build_answer(&bound, &targets.iter().map(weigh).collect(), None);
        [1, 2, 3, 4, 5].map(|host| for_client(&answer, &format!("127.0.0.{host}")))
    };
    let up = Verdict::Up;
    let [one, two, three] = THREE;
    assert_eq!(given(&[(up, 5), (up, 3), (up, 2)]), [two, one, two, three, one]);
    assert_eq!(given(&[(up, 2), (up, 1), (up, 7)]), [three, two, three, three, two]);
    // Of who is down nothing is added: h mod 8 is 0, 0, 1, 6, 2.
    assert_eq!(given(&[(up, 1), (Verdict::Down, 3), (up, 7)]), [one, one, three, three, three]);
    assert_eq!(given(&[(up, 1_000_000), (up, 1), (up, 1)]), [one; 5]);
}

#[test]
fn a_record_with_several_targets_weighs_what_the_least_of_them_says() {
    let mut pool = Pool { selector: Selector::SelfWeighted, ..guarded(&THREE[..2]) };
    pool.groups[0][0].guards.push(guard(THREE[0]));
    let (bound, _) = bind(pool, &[Verdict::Up; 3]);
    let weights = [9, 1, 9].map(|weight| (Verdict::Up, Weight::new(weight).unwrap()));
    let answer = build_answer(&bound, &weights.into_iter().collect(), None);
    assert!(
        matches!(answer.choice, ChoiceAtQuery::Weighted(ChosenBy::Client, ref sums) if **sums == [1, 10])
    );
}

#[test]
fn a_view_answers_the_clients_it_is_for_and_nobody_else() {
    let network = |text| Network::parse(text).unwrap();
    let mut pool = Pool { selector: Selector::Random, ..pool(&THREE) };
    let last = pool.groups[0].split_off(1);
    pool.groups.push(last);
    pool.views = vec![vec![network("127.0.0.0/30"), network("::1")], vec![network("127.0.0.0/8")]];
    let answer = answer(pool, &[]);
    let mut chance = 7;
    for _ in 0..100 {
        let given = |client, chance: &mut u64| ask(&answer, chance, client, &[]);
        assert_eq!(given("127.0.0.3", &mut chance).unwrap()[0].1, THREE[0]);
        assert_eq!(given("::1", &mut chance).unwrap()[0].1, THREE[0]);
        assert!(THREE[1..].contains(&given("127.0.0.4", &mut chance).unwrap()[0].1.as_str()));
        assert_eq!(given("192.0.2.1", &mut chance), None);
    }
}

#[test]
fn all_or_a_sample_give_a_record_once_and_others_weigh_what_is_written_twice() {
    let twice = ["192.0.2.1", "192.0.2.1", "192.0.2.2"];
    assert_eq!(addresses(&answer(pool(&twice), &[]), &mut 7).len(), 2);
    let sample = Selector::Sample(NonZeroU32::new(3).unwrap());
    assert_eq!(addresses(&answer(Pool { selector: sample, ..pool(&twice) }, &[]), &mut 7).len(), 2);
    let random = answer(Pool { selector: Selector::Random, ..pool(&twice) }, &[]);
    let mut chance = 7;
    let first = (0..3000).filter(|_| addresses(&random, &mut chance) == ["192.0.2.1"]).count();
    assert!((1850..2150).contains(&first), "{first}");
}

#[test]
fn the_first_is_the_first_that_is_up() {
    let first = Pool { selector: Selector::First, ..guarded(&THREE) };
    let given = |verdicts: &[Verdict]| addresses(&answer(first.clone(), verdicts), &mut 7);
    assert_eq!(given(&[Verdict::Up; 3]), ["192.0.2.1"]);
    assert_eq!(given(&[Verdict::Down, Verdict::Up, Verdict::Up]), ["192.0.2.2"]);
}

#[test]
fn own_addresses_come_first_while_they_are_up() {
    let mut pool = Pool { order: AnswerOrder::LocalFirst, ..guarded(&THREE) };
    pool.groups[0][1].is_local = true;
    let up = answer(pool.clone(), &[Verdict::Up; 3]);
    let (mut chance, mut second) = (7, std::collections::BTreeSet::new());
    for _ in 0..100 {
        let given = addresses(&up, &mut chance);
        assert_eq!((given.len(), given[0].as_str()), (3, "192.0.2.2"));
        second.insert(given[1].clone());
    }
    assert_eq!(second.len(), 2, "the others rotate");
    let down = answer(pool, &[Verdict::Up, Verdict::Down, Verdict::Up]);
    let mut given = addresses(&down, &mut chance);
    given.sort_unstable();
    assert_eq!(given, ["192.0.2.1", "192.0.2.3"]);
}

#[test]
fn a_fixed_order_is_the_one_that_was_written_and_answers_have_a_limit() {
    let fixed = Pool { order: AnswerOrder::Fixed, answers_max: NonZeroU32::new(2), ..guarded(&THREE) };
    let mut chance = 7;
    for _ in 0..20 {
        assert_eq!(addresses(&answer(fixed.clone(), &[Verdict::Up; 3]), &mut chance), THREE[..2]);
    }
    let rotating = answer(Pool { order: AnswerOrder::Rotate, ..fixed }, &[Verdict::Up; 3]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let given = addresses(&rotating, &mut chance);
        assert_eq!(given.len(), 2);
        seen.extend(given);
    }
    assert_eq!(seen.len(), 3, "each is among the answered sometimes");
}

#[test]
fn below_the_least_number_the_backup_is_answered_and_then_what_all_down_says() {
    let mut pool = guarded(&THREE);
    pool.min_up = MinUp::Percent(NonZeroU32::new(34).unwrap());
    pool.all_down = AllDown::Select(Selector::Empty);
    pool.groups.push(vec![Member { guards: vec![guard("192.0.2.9")], ..Member::at(address("192.0.2.9")) }]);
    let (up, down) = (Verdict::Up, Verdict::Down);
    let given = |verdicts: &[Verdict]| {
        let mut given = addresses(&answer(pool.clone(), verdicts), &mut 7);
        given.sort_unstable();
        given
    };
    assert_eq!(given(&[up, up, down, up]), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(given(&[up, down, down, up]), ["192.0.2.9"]);
    assert!(given(&[up, down, down, down]).is_empty());
    let pending = Verdict::Pending;
    assert_eq!(given(&[up, pending, down, down]), ["192.0.2.1", "192.0.2.2"]);
}

#[test]
fn the_ttl_is_the_lower_one_while_any_member_is_down() {
    let pool = Pool { ttl_degraded: Ttl::from_seconds(5).unwrap(), ..guarded(&THREE) };
    let ttl = |verdicts: &[Verdict]| ask(&answer(pool.clone(), verdicts), &mut 7, "::1", &[]).unwrap()[0].0;
    assert_eq!(ttl(&[Verdict::Up; 3]), 60);
    assert_eq!(ttl(&[Verdict::Up, Verdict::Up, Verdict::Pending]), 60);
    assert_eq!(ttl(&[Verdict::Up, Verdict::Up, Verdict::Down]), 5);
    assert_eq!(ttl(&[Verdict::Down; 3]), 5);
}

#[test]
fn a_member_with_several_addresses_is_up_while_one_of_them_passes_all_its_probes() {
    let (up, down, pending) = (Verdict::Up, Verdict::Down, Verdict::Pending);
    let guards = vec![guard("192.0.2.1"), guard("2001:db8::1"), guard("192.0.2.1")];
    let mut pool = pool(&["192.0.2.1"]);
    pool.groups[0][0].guards = guards;
    for (verdicts, expected) in [
        ([up, up, up], up),
        ([up, down, up], up),
        ([down, up, up], up),
        ([up, down, down], down),
        ([down, pending, up], pending),
        ([pending, down, up], pending),
        ([pending, down, down], down),
    ] {
        let (bound, board) = bind(pool.clone(), &verdicts);
        let (member, targets) = (&bound.pool.groups[0][0], bound.targets.members().next().unwrap());
        assert_eq!(BoundPool::verdict(Pass::All, member, targets, &board), expected, "{verdicts:?}");
    }
}

#[test]
fn a_member_is_up_when_so_many_of_its_probes_pass_as_must() {
    let (up, down, pending) = (Verdict::Up, Verdict::Down, Verdict::Pending);
    let mut pool = pool(&["192.0.2.1"]);
    pool.groups[0][0].guards = vec![guard("192.0.2.1"); 3];
    let count = |count| Pass::Count(NonZeroU32::new(count).unwrap());
    let (any, two, nine) = (count(1), count(2), count(9));
    for (verdicts, expected) in [
        ([up, up, up], [up, up, up, up]),
        ([up, up, down], [down, up, up, down]),
        ([up, down, down], [down, up, down, down]),
        ([down, down, down], [down, down, down, down]),
        ([up, pending, down], [down, up, pending, down]),
        ([pending, pending, down], [down, pending, pending, down]),
        ([up, up, pending], [pending, up, up, pending]),
    ] {
        let (bound, board) = bind(pool.clone(), &verdicts);
        let (member, targets) = (&bound.pool.groups[0][0], bound.targets.members().next().unwrap());
        let given = [Pass::All, any, two, nine].map(|pass| BoundPool::verdict(pass, member, targets, &board));
        assert_eq!(given, expected, "{verdicts:?}");
    }
}

#[test]
fn when_all_are_down_the_pool_says_what_is_answered() {
    let given = |all_down| {
        let pool = Pool { all_down, ..guarded(&THREE) };
        let (bound, board) = bind(pool, &[Verdict::Down; 3]);
        let (state, candidates) = bound.answered(&board);
        assert_eq!(state, PoolState::AllDown);
        (
            candidates.len(),
            ask(&build_answer(&bound, &board, None), &mut 7, "::1", &[]).map(|given| given.len()),
        )
    };
    assert_eq!(given(AllDown::Select(Selector::All)), (3, Some(3)));
    assert_eq!(given(AllDown::Select(Selector::Random)), (3, Some(1)));
    assert_eq!(given(AllDown::Select(Selector::Empty)), (0, Some(0)));
    assert_eq!(given(AllDown::ServFail), (0, None));
}

#[test]
fn while_nothing_is_known_the_pool_says_what_is_answered() {
    let given = |while_pending| {
        let pool = Pool { while_pending, ..guarded(&THREE) };
        let answer = answer(pool, &[Verdict::Pending, Verdict::Down, Verdict::Pending]);
        ask(&answer, &mut 7, "::1", &[]).map(|given| given.len())
    };
    assert_eq!(given(WhilePending::Select), Some(2));
    assert_eq!(given(WhilePending::NoData), Some(0));
    assert_eq!(given(WhilePending::ServFail), None);
}

#[test]
fn the_same_pool_and_board_give_the_same_bytes() {
    let verdicts = [Verdict::Up, Verdict::Down, Verdict::Pending];
    assert_eq!(answer(guarded(&THREE), &verdicts), answer(guarded(&THREE), &verdicts));
}

#[test]
fn a_change_of_one_pool_copies_no_other() {
    let (bound, board) = bind(guarded(&["192.0.2.1", "192.0.2.2"]), &[Verdict::Up, Verdict::Up]);
    let before = Pools::new([&bound, &bound, &bound], &board);
    let down: Board = [Verdict::Down, Verdict::Up].into_iter().collect();
    let after = before.with([(1, &bound)], &down);
    let is_shared: Vec<bool> =
        before.answers.iter().zip(&after.answers).map(|(before, after)| Arc::ptr_eq(before, after)).collect();
    assert_eq!(is_shared, [true, false, true]);
    assert_eq!(after.get(1).unwrap(), &build_answer(&bound, &down, None));
}

/// What signs a zone, with a key that gives the same signatures each time.
fn signer() -> Arc<PoolSigner> {
    let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
    let pair = Pair::new(&public, &secret).unwrap();
    let key = Key::new("lab.example.".parse().unwrap(), public, pair, Timing::ALWAYS);
    let now = Time::parse("20261130095147").unwrap();
    let keys = ZoneKeys::new([key]).unwrap().in_effect(now).unwrap();
    PoolSigner::new(Signing { keys, validity: Period::at(now, 0).validity(), denial: DenialKind::Nsec })
        .into()
}

#[test]
fn what_is_chosen_has_the_signature_of_just_that_set_with_every_selector() {
    let signer = signer();
    let some = NonZeroU32::new(2);
    let pools = [
        Pool { order: AnswerOrder::Fixed, ..pool(&THREE) },
        Pool { answers_max: some, ..pool(&THREE) },
        Pool { answers_max: some, order: AnswerOrder::Fixed, ..pool(&THREE) },
        {
            let mut local = Pool { answers_max: some, order: AnswerOrder::LocalFirst, ..pool(&THREE) };
            local.groups[0][2].is_local = true;
            local
        },
        Pool { views: vec![vec![Network::parse("0.0.0.0/0").unwrap()]], ..pool(&THREE) },
    ];
    let by_selector = Selector::LIST.iter().map(|selector| {
        let selector =
            if matches!(selector, Selector::Sample(_)) { Selector::Sample(some.unwrap()) } else { *selector };
        let mut pool = weigh(Pool { selector, ..pool(&THREE) }, &[1, 2, 3]);
        for (member, text) in pool.groups[0].iter_mut().zip(THREE) {
            *member = member.clone().on_ring(text.as_bytes());
        }
        pool
    });
    let few = Pool { answers_max: some, ..guarded(&THREE) };
    let growing = [few, guarded(&THREE), Pool { selector: Selector::Hashed, ..guarded(&THREE) }];
    let growing = growing.map(|pool| bind_shares(pool, &[30, 100, 60]));
    let cases = pools.into_iter().chain(by_selector).map(|pool| bind(pool, &[])).chain(growing);
    for (bound, board) in cases {
        let answer = build_answer(&bound, &board, Some(&signer));
        let (made, mut chance, mut sets) = (signer.made(), 7, std::collections::HashSet::new());
        for number in 0..200 {
            let client = IpAddr::from([192, 0, 2, number]);
            let mut rdatas: Vec<Vec<u8>> = Vec::new();
            let client = Client::itself(&client);
            let selection = Selection { rng: &mut chance, client: &client, name: &[1, number, 0] };
            let Some(set) = answer.chosen(selection, |record| rdatas.push(record[10..].to_vec())) else {
                continue;
            };
            if rdatas.is_empty() {
                continue;
            }
            sets.insert(rdatas.clone());
            let pool = &bound.pool;
            let wanted = signer
                .sign(pool.owner.as_ref(), Rtype::A, pool.ttl, rdatas.iter().map(Vec::as_slice))
                .unwrap();
            let given: Vec<&[u8]> = answer.signatures(set).map(|record| &record[10..]).collect();
            assert_eq!(given, wanted.iter().map(|rdata| &**rdata).collect::<Vec<_>>(), "{:?}", pool.selector);
        }
        assert_eq!(signer.made(), made, "all sets were signed before: {:?}", bound.pool.selector);
        assert!(sets.len() <= 6, "{:?}: {sets:?}", bound.pool.selector);
    }
}

#[test]
fn a_flip_of_a_hundred_signed_pools_signs_what_is_new_and_a_flip_back_nothing() {
    let signer = signer();
    let of = |selector: Selector, octet: u8| {
        let addresses = [1, 2, 3].map(|host| format!("192.0.{octet}.{host}"));
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        Pool { selector, ..guarded(&addresses) }
    };
    let pools: Vec<Arc<Pool>> = (0..100)
        .map(|octet| of(if octet < 50 { Selector::All } else { Selector::Random }, octet).into())
        .collect();
    let board = |first: Verdict| -> Board {
        (0..300).map(|target| if target % 3 == 0 { first } else { Verdict::Up }).collect()
    };
    let (up, down) = (board(Verdict::Up), board(Verdict::Down));
    let mut ids = up.ids();
    let bound: Vec<BoundPool> = pools.iter().map(|pool| BoundPool::new(Arc::clone(pool), &mut ids)).collect();
    signer.prepare(&pools, std::num::NonZeroUsize::MIN).unwrap();
    assert_eq!(signer.made(), 50 + 50 * 4, "of all members, and where one is answered of each alone as well");
    let first = Pools::signed(&bound, &up, Some(Arc::clone(&signer)));
    assert_eq!(signer.made(), 250, "that was made before");
    let flipped = first.with(bound.iter().enumerate(), &down);
    assert_eq!(signer.made(), 300, "one for each new set, none where one member is answered");
    assert_eq!(first.with(bound.iter().enumerate(), &up), first);
    assert_eq!(first.with(bound.iter().enumerate(), &down), flipped);
    assert_eq!(signer.made(), 300, "nothing to known states");
    assert!(first.is_signed_by(Some(&signer)) && !first.is_signed_by(None));
}

#[test]
fn what_a_pool_may_answer_next_is_signed_before_with_every_selector() {
    let two = NonZeroU32::new(2);
    let pools = [
        guarded(&FOUR),
        Pool { answers_max: two, ..guarded(&FOUR) },
        Pool { selector: Selector::Sample(two.unwrap()), ..guarded(&FOUR) },
        Pool { selector: Selector::Random, ..guarded(&FOUR) },
    ];
    for pool in pools {
        let (signer, selector) = (signer(), pool.selector);
        let (bound, board) = bind(pool, &[Verdict::Up, Verdict::Up, Verdict::Down, Verdict::Up]);
        signer.prepare(std::slice::from_ref(&bound.pool), std::num::NonZeroUsize::MIN).unwrap();
        let pools = Pools::signed([&bound], &board, Some(Arc::clone(&signer)));
        bound.sign_ahead(&board, &signer, || ()).unwrap();
        let made = signer.made();
        for target in board.ids() {
            pools.with([(0, &bound)], &board.with_other_verdict(target));
        }
        assert_eq!(signer.made(), made, "{selector:?}: a flip signs nothing");
        bound.sign_ahead(&board, &signer, || ()).unwrap();
        assert_eq!(signer.made(), made, "{selector:?}: nothing is signed twice");
    }
}

#[test]
fn a_pool_of_very_many_sets_signs_few_of_them_ahead() {
    let addresses: Vec<String> = (0..100).map(|host| format!("192.0.2.{host}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let signer = signer();
    let pool = Pool { answers_max: NonZeroU32::new(2), ..guarded(&addresses) };
    let (bound, board) = bind(pool, &[Verdict::Up; 100]);
    bound.sign_ahead(&board, &signer, || ()).unwrap();
    assert!((1..=128).contains(&signer.made()), "{}", signer.made());
}

#[test]
fn few_targets_of_a_large_pool_are_looked_at_ahead_and_none_where_one_member_is_answered() {
    let addresses: Vec<String> =
        (0..1_000).map(|host| format!("198.18.{}.{}", host / 250, host % 250)).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let looks = |selector: Selector, all_down: Selector| {
        let signer = signer();
        let pool = Pool { selector, all_down: AllDown::Select(all_down), ..guarded(&addresses) };
        let (bound, board) = bind(pool, &[Verdict::Up; 1_000]);
        let pauses = std::cell::Cell::new(0);
        bound.sign_ahead(&board, &signer, || pauses.set(pauses.get() + 1)).unwrap();
        (pauses.get(), signer.made())
    };
    // One is answered; all are while all are down, to which no single change leads.
    assert_eq!(looks(Selector::Random, Selector::All), (128, 0));
    assert_eq!(looks(Selector::Random, Selector::Random), (0, 0));
    // A pause before each target and behind each set.
    assert_eq!(looks(Selector::All, Selector::All), (256, 128));
}

/// A pool whose targets are all up and have these shares, bound to a board.
fn bind_shares(pool: Pool, shares: &[u8]) -> (BoundPool, Board) {
    let up = |share: &u8| (Verdict::Up, Share::percent(*share).unwrap());
    let board: Board = shares.iter().map(up).collect();
    let mut ids = board.ids();
    (BoundPool::new(Arc::new(pool), &mut ids), board)
}

fn with_shares(pool: Pool, shares: &[u8]) -> PoolAnswer {
    let (bound, board) = bind_shares(pool, shares);
    build_answer(&bound, &board, None)
}

/// How many answers statistics are made of.
const ASKED: u32 = 100_000;

/// Who asks, once each.
const CLIENTS: std::ops::Range<u32> = 0x0a00_0000..0x0a01_86a0;

/// In how many of so many answers each address is, asked by as many clients; seeded.
fn counted(answer: &PoolAnswer, among: &[&str]) -> Vec<u32> {
    let mut chance = 7;
    let mut asked = |client: u32| {
        let client = std::net::Ipv4Addr::from(client).to_string();
        ask(answer, &mut chance, &client, &[]).unwrap()
    };
    let given: Vec<String> = CLIENTS.flat_map(&mut asked).map(|(_, address)| address).collect();
    assert!(given.iter().all(|one| among.contains(&one.as_str())));
    let count = |address: &&str| given.iter().filter(|one| one.as_str() == *address).count();
    among.iter().map(|address| u32::try_from(count(address)).unwrap()).collect()
}

/// Each count is as likely as so many in a thousand: within five standard deviations, which one test in a million would
/// leave by chance.
#[track_caller]
fn assert_shares(counts: &[u32], thousandths: &[u32]) {
    for (count, part) in counts.iter().zip(thousandths) {
        let (asked, part) = (f64::from(ASKED), f64::from(*part) / 1000.0);
        let off = (f64::from(*count) - asked * part).abs();
        assert!(off <= 5.0 * (asked * part * (1.0 - part)).sqrt() + 1.0, "{counts:?}, not {thousandths:?}");
    }
}

const FOUR: [&str; 4] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];

#[test]
fn a_member_that_has_come_back_gets_its_growing_share() {
    let of = |selector| with_shares(Pool { selector, ..guarded(&THREE) }, &[20, 100, 100]);
    assert_shares(&counted(&of(Selector::All), &THREE), &[200, 1000, 1000]);
    assert_shares(&counted(&of(Selector::Random), &THREE), &[91, 455, 455]);
    assert_shares(&counted(&of(Selector::Hashed), &THREE), &[91, 455, 455]);
    assert_shares(&counted(&of(Selector::First), &THREE), &[200, 800, 0]);
    let weighed = Pool { selector: Selector::WeightedRandom, ..weigh(guarded(&THREE), &[10, 1, 1]) };
    assert_shares(&counted(&with_shares(weighed, &[20, 100, 100]), &THREE), &[500, 250, 250]);
    // All have come back just now: none is there to take what the others do not get.
    assert_shares(
        &counted(&with_shares(Pool { selector: Selector::Random, ..guarded(&THREE) }, &[10; 3]), &THREE),
        &[333; 3],
    );
    assert!(with_shares(guarded(&THREE), &[10; 3]).ready_rotation(&OWN, &mut 7).is_some());
}

#[test]
fn few_clients_of_hashed_change_while_a_share_grows() {
    let clients: Vec<String> =
        (0..10_000_u32).map(|client| std::net::Ipv4Addr::from(0x0a00_0000 + client).to_string()).collect();
    let given = |share| {
        let answer = with_shares(Pool { selector: Selector::Hashed, ..guarded(&THREE) }, &[100, share, 100]);
        clients.iter().map(|client| for_client(&answer, client)).collect::<Vec<_>>()
    };
    let (before, after) = (given(50), given(60));
    let changed = before.iter().zip(&after).filter(|(one, other)| one != other).count();
    assert!((200..800).contains(&changed), "{changed} of 10000");
}

#[test]
fn a_growing_share_goes_with_few_answers_and_a_fixed_order() {
    let two = NonZeroU32::new(2);
    let of = |pool: Pool| with_shares(pool, &[30, 100, 100, 100]);
    let answer = of(Pool { answers_max: two, ..guarded(&FOUR) });
    let counts = counted(&answer, &FOUR);
    assert_eq!(counts.iter().sum::<u32>(), 2 * ASKED);
    // Half of the windows hold it, and three tenths of those.
    assert_shares(&counts[..1], &[150]);
    let fixed = of(Pool { order: AnswerOrder::Fixed, ..guarded(&FOUR) });
    let (mut chance, mut seen) = (7, std::collections::BTreeSet::new());
    for _ in 0..1000 {
        seen.insert(addresses(&fixed, &mut chance));
    }
    let all: Vec<String> = FOUR.map(str::to_owned).to_vec();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [all.clone(), all[1..].to_vec()]);
}

#[test]
fn a_drained_member_is_answered_where_there_is_no_other_and_is_never_down() {
    let (bound, board) = bind_shares(guarded(&THREE), &[0, 100, 0]);
    let shown = |bound: &BoundPool, board: &Board| {
        bound.answered(board).1.iter().map(|member| bound.pool.show(member)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&bound, &board), ["192.0.2.2"]);
    assert_eq!((bound.state(&board), bound.is_all_up(&board)), (PoolState::Up, true));
    assert_eq!(bound.ttl(&board), bound.pool.ttl);
    let strict = Pool { min_up: MinUp::Count(NonZeroU32::new(3).unwrap()), ..guarded(&THREE) };
    let (strict, board) = bind_shares(strict, &[0, 100, 0]);
    assert_eq!(strict.state(&board), PoolState::Up, "it counts as up");
    let (all, board) = bind_shares(guarded(&THREE), &[0; 3]);
    assert_eq!(shown(&all, &board).len(), 3);
    let mut backed = guarded(&THREE);
    backed.groups.push(guarded(&["192.0.2.9"]).groups.remove(0));
    let (backed, board) = bind_shares(backed, &[0, 0, 0, 100]);
    assert_eq!(shown(&backed, &board), ["192.0.2.9"]);
    let mut written = guarded(&THREE);
    written.groups[0][1].is_drained = true;
    let (written, board) = bind(written, &[Verdict::Up, Verdict::Up, Verdict::Down]);
    assert_eq!(shown(&written, &board), ["192.0.2.1"]);
}

#[test]
fn a_group_is_answered_whole_while_any_of_it_is_up() {
    let mut pool = Pool { while_any: WhileAny::All, ..guarded(&THREE) };
    pool.groups.push(guarded(&["192.0.2.8", "192.0.2.9"]).groups.remove(0));
    let (up, down) = (Verdict::Up, Verdict::Down);
    let given = |verdicts: &[Verdict]| {
        let mut given = addresses(&answer(pool.clone(), verdicts), &mut 7);
        given.sort_unstable();
        given
    };
    assert_eq!(given(&[down, up, down, up, up]), THREE);
    assert_eq!(given(&[down, down, down, down, up]), ["192.0.2.8", "192.0.2.9"]);
}

#[test]
fn none_gets_more_than_its_most_while_others_can_take_the_rest() {
    let most = |percent| ShareMax::percent(percent);
    let heavy = Pool { selector: Selector::WeightedRandom, ..weigh(guarded(&THREE), &[8, 1, 1]) };
    let capped = Pool { share_max: most(40), ..heavy };
    assert_shares(&counted(&with_shares(capped.clone(), &[100; 3]), &THREE), &[400, 300, 300]);
    let first = Pool { selector: Selector::First, share_max: most(60), ..guarded(&THREE) };
    assert_shares(&counted(&with_shares(first, &[100; 3]), &THREE), &[600, 400, 0]);
    // Two of three are down: the backups take what the third may not have.
    let mut backed = Pool { selector: Selector::Random, share_max: most(40), ..guarded(&THREE) };
    backed.groups.push(guarded(&["192.0.2.8", "192.0.2.9"]).groups.remove(0));
    let verdicts = [Verdict::Down, Verdict::Up, Verdict::Down, Verdict::Up, Verdict::Up];
    assert_shares(
        &counted(&answer(backed.clone(), &verdicts), &["192.0.2.2", "192.0.2.8", "192.0.2.9"]),
        &[400, 300, 300],
    );
    assert_eq!(counted(&answer(backed, &[Verdict::Up; 5]), &THREE).iter().sum::<u32>(), ASKED);
    // There is nobody else.
    let alone = [Verdict::Down, Verdict::Down, Verdict::Up];
    assert_eq!(counted(&answer(capped, &alone), &THREE), [0, 0, ASKED]);
}

#[test]
fn a_machine_is_up_when_all_its_addresses_are() {
    let mut pool = pool(&["192.0.2.1"]);
    pool.groups[0][0].guards = vec![guard("192.0.2.1"), guard("2001:db8::1")];
    let verdict = |pool: &Pool| {
        let (bound, board) = bind(pool.clone(), &[Verdict::Up, Verdict::Down]);
        let (member, targets) = (&bound.pool.groups[0][0], bound.targets.members().next().unwrap());
        BoundPool::verdict(Pass::All, member, targets, &board)
    };
    assert_eq!(verdict(&pool), Verdict::Up);
    pool.groups[0][0].passes = Passes::AtAllAddresses;
    assert_eq!(verdict(&pool), Verdict::Down);
}

#[test]
fn the_fastest_are_answered_and_those_that_are_as_fast() {
    let of = |pool: Pool, millis: &[u64]| {
        let board: Board = millis.iter().map(|millis| std::time::Duration::from_millis(*millis)).collect();
        let mut ids = board.ids();
        build_answer(&BoundPool::new(Arc::new(pool), &mut ids), &board, None)
    };
    let fastest = Pool { selector: Selector::Fastest, ..guarded(&THREE) };
    assert_shares(&counted(&of(fastest.clone(), &[40, 10, 12]), &THREE), &[0, 500, 500]);
    assert_shares(&counted(&of(fastest.clone(), &[1, 2, 3]), &THREE), &[333; 3]);
    let capped = Pool { share_max: ShareMax::percent(60), ..fastest.clone() };
    assert_shares(&counted(&of(capped, &[40, 10, 45]), &THREE), &[200, 600, 200]);
    // Nothing is known yet.
    assert_shares(&counted(&with_shares(fastest, &[100; 3]), &THREE), &[333; 3]);
}

#[test]
fn the_least_loaded_get_more_and_one_that_reports_0_nothing() {
    let weights = |weights: [u32; 3]| {
        let board: Board =
            weights.into_iter().map(|weight| (Verdict::Up, Weight::new(weight).unwrap())).collect();
        let mut ids = board.ids();
        let pool = Pool { selector: Selector::LeastLoaded, ..guarded(&THREE) };
        counted(&build_answer(&BoundPool::new(Arc::new(pool), &mut ids), &board, None), &THREE)
    };
    assert_shares(&weights([70, 20, 10]), &[700, 200, 100]);
    assert_shares(&weights([30, 0, 10]), &[750, 0, 250]);
    assert_shares(&weights([0, 0, 0]), &[333; 3]);
}
