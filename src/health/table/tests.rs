//! The table: places, what an equal question inherits, and what is told.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::probe::{Life, Phase, Port, Reason, Tcp, Vantage};

fn target(port: u16) -> Target {
    Target {
        probe: Probe {
            address: "127.0.2.60".parse().unwrap(),
            source: None,
            timeout: Duration::from_secs(1),
            kind: ProbeKind::Tcp(Tcp { port: Port::new(port).unwrap() }),
        },
        interval: Duration::from_secs(1),
        retry: Duration::from_millis(200),
        rise: NonZeroU32::MIN,
        fall: NonZeroU32::MIN,
        life: Life::default(),
    }
}

fn table() -> Table {
    Table::new(Damping { limit: 0, ..Damping::default() })
}

fn watch(table: &mut Table, ports: &[u16]) -> Taken {
    let targets: Vec<Target> = ports.iter().map(|&port| target(port)).collect();
    table.watch(&targets, Instant::now())
}

/// Lets go of these; those that nobody wants any more.
fn release(table: &mut Table, ids: &[TargetId]) -> Vec<TargetId> {
    table.release(ids.iter().copied(), Instant::now())
}

/// Lets so much time pass that every place has rested.
fn rest(table: &mut Table) {
    let now = Instant::now();
    table.tend(now + REST, now + REST);
}

fn pass(table: &mut Table, of: &Watched) -> Option<Effect> {
    let pass = Outcome::Pass { latency: Duration::from_millis(3), not_after: None, weight: None };
    table.record(of, &pass, Instant::now())
}

fn weigh(table: &mut Table, of: &Watched, weight: u32) {
    let weight = Weight::new(weight);
    let pass = Outcome::Pass { latency: Duration::from_millis(3), not_after: None, weight };
    table.record(of, &pass, Instant::now());
}

fn fail(table: &mut Table, of: &Watched) -> Option<Effect> {
    table.record(of, &Outcome::Fail { reason: Reason::Refused }, Instant::now())
}

fn places(ids: &[TargetId]) -> Vec<usize> {
    ids.iter().map(|id| id.index()).collect()
}

#[test]
fn equal_targets_share_a_place() {
    let replaced = watch(&mut table(), &[1, 2, 1]);
    assert_eq!(places(&replaced.ids), [0, 1, 0]);
    assert_eq!(replaced.started.len(), 2);
}

#[test]
fn a_target_that_stays_keeps_place_verdict_and_history() {
    let mut table = table();
    let first = watch(&mut table, &[1, 2]);
    pass(&mut table, &first.started[1]);
    let second = watch(&mut table, &[3, 2]);
    assert_eq!(second.ids[1], first.ids[1]);
    assert_eq!(release(&mut table, &first.ids), [first.ids[0]]);
    assert_eq!(table.board().verdict(second.ids[1]), Verdict::Up);
    assert_eq!(table.report(Instant::now())[0].history.tally.passed, 1);
    assert!(pass(&mut table, &first.started[1]).is_some());
}

#[test]
fn a_target_is_watched_until_everybody_has_let_go_of_it() {
    let mut table = table();
    let first = watch(&mut table, &[1, 1]);
    let second = watch(&mut table, &[1]);
    assert!(second.started.is_empty());
    assert!(release(&mut table, &first.ids).is_empty());
    assert_eq!(table.report(Instant::now()).len(), 1);
    assert_eq!(release(&mut table, &second.ids), second.ids);
    assert!(table.report(Instant::now()).is_empty());
    assert!(release(&mut table, &second.ids).is_empty(), "what is gone cannot go again");
}

#[test]
fn the_place_of_a_dropped_target_rests_with_its_verdict_for_a_while() {
    let mut table = table();
    let first = watch(&mut table, &[1]);
    pass(&mut table, &first.started[0]);
    release(&mut table, &first.ids);
    let second = watch(&mut table, &[2]);
    assert_eq!(places(&second.ids), [1]);
    assert_eq!(table.board().verdict(first.ids[0]), Verdict::Up);
    rest(&mut table);
    let third = watch(&mut table, &[2, 3]);
    assert_eq!(places(&third.ids), [1, 0]);
    assert_eq!(table.board().verdict(third.ids[1]), Verdict::Pending);
}

#[test]
fn a_late_outcome_of_a_dropped_target_reaches_nobody() {
    let mut table = table();
    let first = watch(&mut table, &[1]);
    release(&mut table, &first.ids);
    assert_eq!(pass(&mut table, &first.started[0]), None);
    rest(&mut table);
    let third = watch(&mut table, &[2]);
    assert_eq!(third.ids, first.ids, "the place is another target's now");
    assert_eq!(pass(&mut table, &first.started[0]), None);
    assert_eq!(table.board().verdict(third.ids[0]), Verdict::Pending);
}

#[test]
fn a_target_that_only_changes_its_times_keeps_its_verdict() {
    let mut table = table();
    let first = watch(&mut table, &[1]);
    pass(&mut table, &first.started[0]);
    let mut slower = target(1);
    slower.interval *= 2;
    slower.probe.timeout *= 2;
    let second = table.watch(&[slower], Instant::now());
    release(&mut table, &first.ids);
    assert_eq!(table.board().verdict(second.ids[0]), Verdict::Up);
    assert_eq!(table.oldest_unprobed(), second.started[0].number);
}

#[test]
fn a_target_that_comes_back_later_is_pending() {
    let mut table = table();
    let first = watch(&mut table, &[1]);
    pass(&mut table, &first.started[0]);
    release(&mut table, &first.ids);
    let third = watch(&mut table, &[1]);
    assert_eq!(table.board().verdict(third.ids[0]), Verdict::Pending);
}

#[test]
fn transitions_are_told_in_the_order_in_which_they_happened() {
    let mut table = table();
    let started = watch(&mut table, &[1, 2, 3]).started;
    for place in [2, 0, 1] {
        fail(&mut table, &started[place]);
    }
    let told: Vec<TargetId> =
        std::iter::from_fn(|| table.take_unsent()).map(|transition| transition.target).collect();
    assert_eq!(places(&told), [2, 0, 1]);
}

#[test]
fn of_the_unsent_transitions_of_one_target_the_last_is_told_in_the_turn_of_the_first() {
    let mut table = table();
    let started = watch(&mut table, &[1, 2]).started;
    pass(&mut table, &started[0]);
    pass(&mut table, &started[1]);
    for _ in 0..1_000 {
        fail(&mut table, &started[0]);
        pass(&mut table, &started[0]);
    }
    fail(&mut table, &started[0]);
    let told = table.take_unsent().unwrap();
    assert_eq!((told.target, told.to), (started[0].id, Verdict::Down));
    assert_eq!(told.observed().unwrap().reason, Some(Reason::Refused));
    assert_eq!(table.take_unsent().unwrap().target, started[1].id);
    assert_eq!(table.take_unsent(), None);
    assert_eq!(table.report(Instant::now())[0].history.transitions, 2_002);
}

#[test]
fn a_verdict_that_came_back_is_told_to_a_listener_that_may_have_read_the_board_between() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    pass(&mut table, &started[0]);
    assert!(table.take_unsent().is_some());
    fail(&mut table, &started[0]);
    let read_between = table.board();
    pass(&mut table, &started[0]);
    assert_ne!(read_between, table.board());
    assert_eq!(table.take_unsent().unwrap().to, Verdict::Up);
}

#[test]
fn another_weight_is_told_once_and_is_no_change_of_verdict() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    weigh(&mut table, &started[0], 5);
    let up = table.take_unsent().unwrap();
    assert!(
        matches!(up.cause, TransitionCause::Outcomes(_)),
        "the first weight comes with the verdict: {up}"
    );
    weigh(&mut table, &started[0], 5);
    assert_eq!(table.take_unsent(), None, "the same weight is no news");
    let before = table.board();
    weigh(&mut table, &started[0], 7);
    let told = table.take_unsent().unwrap();
    let weight = Weight::new(7).unwrap();
    assert_eq!(
        (told.from, told.to, told.cause),
        (Verdict::Up, Verdict::Up, TransitionCause::Weighed(weight))
    );
    assert_eq!(table.board().changes_since(&before).collect::<Vec<_>>(), [started[0].id]);
    assert_eq!(table.board().weight(started[0].id), weight);
    let history = table.report(Instant::now()).remove(0).history;
    assert_eq!((history.transitions, history.weight), (1, Some(weight)));
}

#[test]
fn another_weight_pushes_no_unsent_verdict_aside() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    weigh(&mut table, &started[0], 5);
    weigh(&mut table, &started[0], 7);
    assert!(table.take_unsent().unwrap().observed().is_some());
    assert_eq!(table.take_unsent(), None);
    assert_eq!(table.board().weight(started[0].id).get(), 7);
}

#[test]
fn a_weight_is_kept_while_its_target_fails_and_when_only_its_times_change() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    weigh(&mut table, &started[0], 5);
    fail(&mut table, &started[0]);
    assert_eq!(table.board().weight(started[0].id).get(), 5);
    let mut slower = target(1);
    slower.interval *= 2;
    let second = table.watch(&[slower], Instant::now());
    release(&mut table, &[started[0].id]);
    assert_eq!(table.board().weight(second.ids[0]).get(), 5);
}

#[test]
fn nothing_is_told_about_a_target_that_was_dropped() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    pass(&mut table, &started[0]);
    release(&mut table, &[started[0].id]);
    assert_eq!(table.take_unsent(), None);
}

#[test]
fn a_report_says_how_the_target_fares() {
    let mut table = table();
    let started = watch(&mut table, &[1]).started;
    pass(&mut table, &started[0]);
    fail(&mut table, &started[0]);
    fail(&mut table, &started[0]);
    let Report { verdict, history, .. } = table.report(Instant::now()).remove(0);
    assert_eq!(verdict, Verdict::Down);
    assert_eq!((history.failures_in_row, history.transitions), (2, 2));
    assert_eq!(history.latency, Some(Duration::from_millis(3)));
    assert_eq!(history.last_outcome, Some(Outcome::Fail { reason: Reason::Refused }));
    assert_eq!(history.last_outcome, history.last_error);
    let later = history.last_probe.unwrap() + Duration::from_secs(5);
    assert_eq!(history.last_probe_age(later), Duration::from_secs(5));
}

#[test]
fn while_this_host_suspects_itself_clients_elsewhere_get_what_was_believed_before() {
    let mut table = table();
    let targets = [1_u8, 2, 3].map(|host| {
        let Target { probe, .. } = target(6443);
        Target { probe: Probe { address: [192, 0, 2, host].into(), ..probe }, ..target(6443) }
    });
    let taken = table.watch(&targets, Instant::now());
    let all = &taken.started;
    let reason = Reason::TimedOut { after: Duration::from_secs(1), phase: Phase::Connect };
    let silence = Outcome::Fail { reason };
    let begin = Instant::now();
    // The third is down, and known to be.
    for of in &all[..2] {
        pass(&mut table, of);
    }
    fail(&mut table, &all[2]);
    fail(&mut table, &all[2]);
    let silent = |table: &mut Table, host: usize, millis: u64| {
        table.record(&all[host], &silence, begin + Duration::from_millis(millis));
    };
    let verdicts = |table: &Table| {
        let (here, elsewhere) = (table.board(), table.board().elsewhere(Vantage::Own));
        taken.ids.iter().map(|id| (here.verdict(*id), elsewhere.verdict(*id))).collect::<Vec<_>>()
    };
    let (up, down) = (Verdict::Up, Verdict::Down);
    silent(&mut table, 0, 1000);
    assert!(table.local_trouble().is_none());
    assert_eq!(verdicts(&table), [(down, down), (up, up), (down, down)], "the second is heard");
    silent(&mut table, 1, 1500);
    assert_eq!(table.local_trouble().unwrap().scope, Scope::Beyond);
    assert_eq!(verdicts(&table), [(down, up), (down, up), (down, down)]);
    silent(&mut table, 2, 1600);
    silent(&mut table, 0, 2000);
    assert_eq!(verdicts(&table), [(down, up), (down, up), (down, down)], "as long as nobody is heard");
    fail(&mut table, &all[2]);
    assert!(table.local_trouble().is_none(), "the third refuses: there is a way");
    assert_eq!(verdicts(&table), [(down, up), (down, up), (down, down)], "until each is probed");
    silent(&mut table, 0, 3000);
    pass(&mut table, &all[1]);
    assert_eq!(verdicts(&table), [(down, down), (up, up), (down, down)]);
}

/// A table that hears others.
fn hearing_table() -> Table {
    let mut table = table();
    let settings = VantageSettings {
        name: "a".to_owned(),
        members: Default::default(),
        patience: Duration::from_secs(10),
    };
    table.follow_vantages(Some(settings), Instant::now());
    table.hear([Word::Anew, Word::Confirmed], Instant::now());
    table
}

fn tell(table: &mut Table, vantage: &str, target: &str, verdict: Verdict) {
    let word = Word::Sees { vantage: vantage.into(), target: target.into(), verdict };
    table.hear([word], Instant::now());
}

/// What a target is here, and elsewhere by each rule.
fn everywhere(table: &Table, id: TargetId) -> [Verdict; 5] {
    let board = table.board();
    let elsewhere = |rule| board.elsewhere(rule).verdict(id);
    let [own, any, quorum, all] = [Vantage::Own, Vantage::Any, Vantage::Quorum, Vantage::All].map(elsewhere);
    [board.verdict(id), own, any, quorum, all]
}

#[test]
fn others_keep_up_for_clients_elsewhere_what_is_down_here_and_take_nothing() {
    let (up, down) = (Verdict::Up, Verdict::Down);
    let mut table = hearing_table();
    let started = watch(&mut table, &[1]).started;
    let (id, name) = (started[0].id, "127.0.2.60:1");
    tell(&mut table, "b", name, down);
    tell(&mut table, "c", name, down);
    assert_eq!(everywhere(&table, id), [Verdict::Pending; 5]);
    pass(&mut table, &started[0]);
    assert_eq!(everywhere(&table, id), [up; 5], "what is up here is up");
    tell(&mut table, "b", name, up);
    fail(&mut table, &started[0]);
    assert_eq!(everywhere(&table, id), [down, down, up, down, down]);
    while table.take_unsent().is_some() {}
    tell(&mut table, "c", name, up);
    assert_eq!(everywhere(&table, id), [down, down, up, up, up]);
    let told = table.take_unsent().unwrap();
    assert_eq!(told.to_string(), "127.0.2.60:1 down here, up for others");
    let before = table.board();
    table.hear([Word::Lost { why: "cut".to_owned() }], Instant::now());
    assert_eq!(everywhere(&table, id), [down; 5]);
    assert_eq!(table.board().changes_since(&before).count(), 1);
    let report = table.report(Instant::now()).remove(0);
    assert!(report.sightings.is_empty(), "what is not confirmed is not shown");
}

#[test]
fn the_operator_and_damping_are_heeded_before_others() {
    let mut table = hearing_table();
    let started = watch(&mut table, &[1]).started;
    tell(&mut table, "b", "127.0.2.60:1", Verdict::Up);
    fail(&mut table, &started[0]);
    assert_eq!(everywhere(&table, started[0].id)[2], Verdict::Up);
    let mut rules = Rules::default();
    let (pattern, since) = ("*".parse().unwrap(), std::time::SystemTime::UNIX_EPOCH);
    let order = crate::health::force::Order::Down;
    rules.add(crate::health::force::Rule { pattern, order, since, term: None, remark: None }).unwrap();
    table.force(&rules, Instant::now());
    assert_eq!(everywhere(&table, started[0].id), [Verdict::Down; 5]);
    table.force(&Rules::default(), Instant::now());
    assert_eq!(everywhere(&table, started[0].id)[2], Verdict::Up);
}

#[test]
fn a_new_target_is_what_others_have_said_of_it_before() {
    let mut table = hearing_table();
    tell(&mut table, "b", "127.0.2.60:1", Verdict::Up);
    let first = watch(&mut table, &[1]).started;
    fail(&mut table, &first[0]);
    assert_eq!(everywhere(&table, first[0].id)[2], Verdict::Up);
    release(&mut table, &[first[0].id]);
    assert!(table.sights().verdicts.is_empty());
    rest(&mut table);
    let again = watch(&mut table, &[1]).started;
    fail(&mut table, &again[0]);
    tell(&mut table, "b", "127.0.2.60:1", Verdict::Down);
    assert_eq!(everywhere(&table, again[0].id), [Verdict::Down; 5]);
}

#[test]
fn what_is_told_to_others_is_what_probes_say_and_nothing_that_comes_of_others() {
    let mut table = hearing_table();
    let started = watch(&mut table, &[1, 2, 3]).started;
    pass(&mut table, &started[0]);
    fail(&mut table, &started[1]);
    tell(&mut table, "b", "127.0.2.60:2", Verdict::Up);
    tell(&mut table, "c", "127.0.2.60:3", Verdict::Up);
    let mut sights = table.sights();
    sights.verdicts.sort_by(|one, other| one.0.cmp(&other.0));
    let wanted = [("127.0.2.60:1".into(), Verdict::Up), ("127.0.2.60:2".into(), Verdict::Down)];
    assert_eq!(sights, Sights { suspects_itself: false, verdicts: wanted.to_vec() });
    // Two that ask the same with other times are one to the others, and the worse of the two counts.
    let mut slower = target(1);
    slower.interval *= 2;
    let second = table.watch(&[slower], Instant::now());
    fail(&mut table, &second.started[0]);
    let of_first = |table: &Table| {
        table
            .sights()
            .verdicts
            .into_iter()
            .find(|(name, _)| &**name == "127.0.2.60:1")
            .map(|(_, verdict)| verdict)
    };
    assert_eq!(of_first(&table), Some(Verdict::Down));
    release(&mut table, &second.ids);
    assert_eq!(of_first(&table), Some(Verdict::Up));
}

proptest::proptest! {
    /// Two hosts that see the same, of which one hears others: their own clients get the same, whatever these say.
    #[test]
    fn whatever_others_say_clients_on_this_host_get_what_it_sees(
        steps in proptest::collection::vec((0_u8..8, 0_usize..2, 0_u8..3), 0..60),
    ) {
        let (mut alone, mut hearing) = (table(), hearing_table());
        let of_alone = watch(&mut alone, &[1, 2]).started;
        let of_hearing = watch(&mut hearing, &[1, 2]).started;
        for (kind, place, number) in steps {
            let name = ["127.0.2.60:1", "127.0.2.60:2"][place];
            let vantage = ["b", "c", "d"][usize::from(number)];
            match kind {
                0 | 1 => {
                    pass(&mut alone, &of_alone[place]);
                    pass(&mut hearing, &of_hearing[place]);
                }
                2 | 3 => {
                    fail(&mut alone, &of_alone[place]);
                    fail(&mut hearing, &of_hearing[place]);
                }
                4 => tell(&mut hearing, vantage, name, Verdict::Up),
                5 => tell(&mut hearing, vantage, name, Verdict::Down),
                6 => hearing.hear([Word::Gone { vantage: vantage.into() }], Instant::now()),
                _ => hearing.hear([Word::Lost { why: "cut".to_owned() }, Word::Anew, Word::Confirmed], Instant::now()),
            }
            for (one, other) in of_alone.iter().zip(&of_hearing) {
                let here = alone.board().verdict(one.id);
                proptest::prop_assert_eq!(here, hearing.board().verdict(other.id));
                proptest::prop_assert_eq!(alone.board().unheld().verdict(one.id), hearing.board().unheld().verdict(other.id));
                // Nobody elsewhere loses anything either.
                for rule in [Vantage::Any, Vantage::Quorum, Vantage::All] {
                    let elsewhere = hearing.board().elsewhere(rule).verdict(other.id);
                    proptest::prop_assert!(elsewhere == here || (here, elsewhere) == (Verdict::Down, Verdict::Up));
                }
                let sights = |table: &Table| {
                    let mut verdicts = table.sights().verdicts;
                    verdicts.sort_by(|one, other| one.0.cmp(&other.0));
                    verdicts
                };
                proptest::prop_assert_eq!(sights(&alone), sights(&hearing));
            }
        }
    }
}

const PASS: Outcome = Outcome::Pass { latency: Duration::ZERO, not_after: None, weight: None };
const FAIL: Outcome = Outcome::Fail { reason: Reason::Refused };

#[test]
fn a_target_that_is_up_again_comes_to_its_whole_share_step_by_step() {
    let mut table = table();
    let now = Instant::now();
    let life = Life { slow_start: Duration::from_secs(60), ..Life::default() };
    let taken = table.watch(&[Target { life, ..target(1) }], now);
    let [watched] = &taken.started[..] else { panic!("one") };
    let at = |seconds| now + Duration::from_secs(seconds);
    let share = |table: &Table| table.board().share(watched.id).get();
    table.record(watched, &PASS, now);
    assert_eq!(share(&table), 100, "its first verdict is no return");
    table.record(watched, &FAIL, at(1));
    table.record(watched, &PASS, at(2));
    let mut published = vec![share(&table)];
    while table.take_unsent().is_some() {}
    for second in 3..=70 {
        table.record(watched, &PASS, at(second));
        table.tend(at(second), now);
        if table.take_unsent().is_some() {
            published.push(share(&table));
        }
    }
    assert_eq!(published, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    table.record(watched, &FAIL, at(71));
    assert_eq!(share(&table), 100, "what is down has no share to grow");
}

#[test]
fn a_drained_target_keeps_its_verdict_and_has_no_share() {
    let mut table = table();
    let now = Instant::now();
    let taken = table.watch(&[target(1)], now);
    table.record(&taken.started[0], &PASS, now);
    let mut rules = Rules::default();
    let order = crate::health::force::Order::Drain;
    let pattern = "*".parse().unwrap();
    let since = std::time::SystemTime::UNIX_EPOCH;
    rules.add(crate::health::force::Rule { pattern, order, since, term: None, remark: None }).unwrap();
    table.force(&rules, now);
    let id = taken.ids[0];
    assert_eq!((table.board().verdict(id), table.board().share(id)), (Verdict::Up, Share::NONE));
    table.force(&Rules::default(), now);
    assert_eq!(table.board().share(id), Share::WHOLE);
}
