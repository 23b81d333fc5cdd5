//! The engine with a clock turned by hand and targets that are played, so that each test takes no
//! time and finds the same times on any machine.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::*;
use crate::health::force::{Order, Rule};
use crate::health::{Observed, Scope, TransitionCause, Verdict};
use crate::probe::{Life, Phase, Port, Probe, ProbeKind, Reason, Tcp, Trouble, Weight};

const MS: Duration = Duration::from_millis(1);

/// Little, so that a test needs few changes.
const DAMPING: Damping = Damping { limit: 4, window: Duration::from_secs(60) };

/// How a target behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    Accept,
    /// Accepts, and says this of its weight.
    Weigh(u32),
    Refuse,
    Hang,
    Lack,
    /// The network is gone.
    Cut,
    /// The probe itself hangs, whatever its timeout: what must never happen.
    Stick,
}

/// Targets, told apart by their port; those without a play accept.
#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    plays: BTreeMap<u16, Play>,
    /// When each probe started.
    starts: BTreeMap<u16, Vec<Instant>>,
    /// Rung to hint at something.
    bells: BTreeMap<u16, Arc<Notify>>,
    running: usize,
    running_most: usize,
}

impl Stage {
    fn play(&self, port: u16, play: Play) {
        self.0.lock().unwrap().plays.insert(port, play);
    }

    fn bell(&self, port: u16) -> Arc<Notify> {
        Arc::clone(self.0.lock().unwrap().bells.entry(port).or_default())
    }

    fn starts(&self, port: u16) -> Vec<Instant> {
        self.0.lock().unwrap().starts.get(&port).cloned().unwrap_or_default()
    }

    async fn run(self, probe: Probe) -> Outcome {
        let port = port(&probe);
        let play = {
            let mut played = self.0.lock().unwrap();
            played.starts.entry(port.get()).or_default().push(now());
            played.running += 1;
            played.running_most = played.running_most.max(played.running);
            played.plays.get(&port.get()).copied().unwrap_or(Play::Accept)
        };
        let took = match play {
            Play::Hang => probe.timeout,
            Play::Stick => 60_000 * MS,
            Play::Accept | Play::Weigh(_) | Play::Refuse | Play::Lack | Play::Cut => MS,
        };
        sleep(took).await;
        self.0.lock().unwrap().running -= 1;
        match play {
            Play::Accept | Play::Stick => Outcome::Pass { latency: MS, not_after: None, weight: None },
            Play::Weigh(weight) => {
                Outcome::Pass { latency: MS, not_after: None, weight: Weight::new(weight) }
            }
            Play::Cut => Outcome::Fail { reason: Reason::NetworkUnreachable },
            Play::Refuse => Outcome::Fail { reason: Reason::Refused },
            Play::Hang => {
                Outcome::Fail { reason: Reason::TimedOut { after: probe.timeout, phase: Phase::Connect } }
            }
            Play::Lack => Outcome::Local { trouble: Trouble::OutOfFiles },
        }
    }

    fn engine(&self, probes_at_once_max: usize) -> (Engine, mpsc::Receiver<Transition>) {
        let stage = self.clone();
        let runners: MakeRunner =
            Box::new(move |target| Box::new(Player { stage: stage.clone(), probe: target.probe.clone() }));
        Engine::start_with(Handle::current(), Settings { probes_at_once_max, damping: DAMPING }, runners)
    }
}

/// Plays one target. It hints, after each run, when its hints are rung.
struct Player {
    stage: Stage,
    probe: Probe,
}

impl Runner for Player {
    fn run(&mut self) -> Boxed<'_, Outcome> {
        Box::pin(self.stage.clone().run(self.probe.clone()))
    }

    fn hint(&mut self) -> Boxed<'_, ()> {
        let bell = self.stage.bell(port(&self.probe).get());
        Box::pin(async move { bell.notified().await })
    }
}

fn port(probe: &Probe) -> Port {
    let ProbeKind::Tcp(Tcp { port }) = probe.kind else { panic!("only tcp is played: {probe}") };
    port
}

/// Every second, retry after 200 ms, timeout 1 s, two passes up, three failures down.
fn target(port: u16) -> Target {
    Target {
        probe: Probe {
            address: "127.0.2.61".parse().unwrap(),
            source: None,
            timeout: 1000 * MS,
            kind: ProbeKind::Tcp(Tcp { port: Port::new(port).unwrap() }),
        },
        interval: 1000 * MS,
        retry: 200 * MS,
        rise: NonZeroU32::new(2).unwrap(),
        fall: NonZeroU32::new(3).unwrap(),
        life: Life::default(),
    }
}

fn targets(ports: impl IntoIterator<Item = u16>) -> Vec<Target> {
    ports.into_iter().map(target).collect()
}

/// Watches these in place of those.
fn exchange(engine: &mut Engine, before: Vec<TargetId>, targets: &[Target]) -> Vec<TargetId> {
    let ids = engine.watch(targets);
    engine.release(before);
    ids
}

/// Lets every task that can go on do so: the clock moves only when none can.
async fn settle() {
    sleep(2 * MS).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_from_the_first_failure_to_down_is_retry_times_fall_less_one() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    engine.watch(&targets([1]));
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Up);
    sleep(2500 * MS).await;
    stage.play(1, Play::Refuse);
    let before = stage.starts(1).len();
    let down = transitions.recv().await.unwrap();
    assert_eq!((down.from, down.to), (Verdict::Up, Verdict::Down));
    let observed = down.observed().unwrap();
    assert_eq!((observed.outcomes, &observed.reason), (3, &Some(Reason::Refused)));
    let took = down.at - stage.starts(1)[before];
    assert!((380 * MS..=425 * MS).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_goes_down_by_timeout() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    stage.play(1, Play::Hang);
    let down = transitions.recv().await.unwrap();
    assert_eq!(down.to_string(), "127.0.2.61:1 down after 3 failures: timed out after 1 s connecting");
}

#[tokio::test(start_paused = true)]
async fn a_target_comes_back_only_after_rise_passes() {
    let stage = Stage::default();
    stage.play(1, Play::Refuse);
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1]));
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Down);
    stage.play(1, Play::Accept);
    let before = stage.starts(1).len();
    let up = transitions.recv().await.unwrap();
    assert_eq!(up.observed(), Some(&Observed { verdict: Verdict::Up, outcomes: 2, reason: None }));
    assert_eq!(stage.starts(1).len() - before, 2);
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_is_probed_at_its_own_interval_and_never_silent_for_that() {
    let stage = Stage::default();
    stage.play(1, Play::Refuse);
    let (mut engine, mut transitions) = stage.engine(8);
    let life = Life { interval_down: Some(10_000 * MS), ..Life::default() };
    engine.watch(&[Target { life, ..target(1) }]);
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Down);
    sleep(100_500 * MS).await;
    let probed = stage.starts(1).len();
    assert!((10..=12).contains(&probed), "{probed} probes in 100 s");
    assert!(transitions.try_recv().is_err(), "nobody takes its prober for stuck");
    stage.play(1, Play::Accept);
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Up);
    let before = stage.starts(1).len();
    sleep(10_500 * MS).await;
    let probed = stage.starts(1).len() - before;
    assert!((9..=12).contains(&probed), "{probed} probes in 10 s");
}

#[tokio::test(start_paused = true)]
async fn the_share_of_a_target_that_is_back_grows_by_itself() {
    let stage = Stage::default();
    stage.play(1, Play::Refuse);
    let (mut engine, mut transitions) = stage.engine(8);
    let life = Life { slow_start: 20_000 * MS, ..Life::default() };
    let ids = engine.watch(&[Target { life, ..target(1) }]);
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Down);
    stage.play(1, Play::Accept);
    assert_eq!(transitions.recv().await.unwrap().to, Verdict::Up);
    assert_eq!(engine.board().share(ids[0]).get(), 10);
    let mut told = Vec::new();
    while engine.board().share(ids[0]).get() < 100 {
        let grown = transitions.recv().await.unwrap();
        assert_eq!((grown.from, grown.to), (Verdict::Up, Verdict::Up));
        told.push(engine.board().share(ids[0]).get());
    }
    assert_eq!(told, [20, 30, 40, 50, 60, 70, 80, 90, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_does_not_slow_the_others() {
    let stage = Stage::default();
    stage.play(1, Play::Hang);
    let mut patient = target(1);
    patient.probe.timeout = 60_000 * MS;
    let (mut engine, _transitions) = stage.engine(8);
    engine.watch(&[patient, target(2)]);
    sleep(20_500 * MS).await;
    assert_eq!(stage.starts(1).len(), 1);
    assert!((20..=22).contains(&stage.starts(2).len()), "{}", stage.starts(2).len());
}

#[tokio::test(start_paused = true)]
async fn weights_that_change_all_the_time_are_told_once_a_second() {
    let stage = Stage::default();
    (1..=3).for_each(|port| stage.play(port, Play::Weigh(1)));
    let (mut engine, mut transitions) = stage.engine(8);
    let restless: Vec<Target> =
        targets(1..=3).into_iter().map(|target| Target { interval: 50 * MS, ..target }).collect();
    let ids = engine.watch(&restless);
    for _ in 0..3 {
        assert!(transitions.recv().await.unwrap().observed().is_some());
    }
    let (begin, mut told) = (now(), Vec::new());
    for weight in 2.. {
        if now() - begin > 10_000 * MS {
            break;
        }
        (1..=3).for_each(|port| stage.play(port, Play::Weigh(weight)));
        sleep(40 * MS).await;
        told.extend(std::iter::from_fn(|| transitions.try_recv().ok()));
    }
    assert!(told.iter().all(|one| matches!(one.cause, TransitionCause::Weighed(_))), "{told:?}");
    assert!((27..=33).contains(&told.len()), "{} for three targets in ten seconds", told.len());
    assert!(engine.board().weight(ids[0]).get() > 200);
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_followed_by_a_probe_at_once_and_the_time_to_down_begins_with_it() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    sleep(300 * MS).await;
    stage.play(1, Play::Refuse);
    let hinted = now();
    stage.bell(1).notify_one();
    let down = transitions.recv().await.unwrap();
    assert!(stage.starts(1)[1] - hinted <= 2 * MS);
    assert!((380 * MS..=425 * MS).contains(&(down.at - hinted)));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hints_all_the_time_is_probed_once_for_each_retry() {
    let stage = Stage::default();
    let (mut engine, _transitions) = stage.engine(8);
    engine.watch(&targets([1]));
    let begin = now();
    while now() - begin < 10_000 * MS {
        stage.bell(1).notify_one();
        sleep(MS).await;
    }
    let probed = stage.starts(1).len();
    assert!((49..=52).contains(&probed), "{probed} in ten seconds, retry after 200 ms");
}

#[tokio::test(start_paused = true)]
async fn local_trouble_leaves_the_verdict_and_is_reported() {
    let stage = Stage::default();
    stage.play(1, Play::Lack);
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1]));
    engine.first_round().await;
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Pending);
    sleep(3500 * MS).await;
    let history = engine.report().remove(0).history;
    assert!(history.tally.local >= 3 && history.tally.failed == 0);
    assert_eq!(history.last_error, Some(Outcome::Local { trouble: Trouble::OutOfFiles }));
    assert!(transitions.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_targets_all_get_outcomes_and_never_more_than_the_limit_at_once() {
    let stage = Stage::default();
    let (mut engine, _transitions) = stage.engine(50);
    let ids = engine.watch(&targets(1..=1000));
    engine.first_round().await;
    let board = engine.board();
    assert!(ids.iter().all(|&id| board.verdict(id) == Verdict::Up));
    sleep(5000 * MS).await;
    // Of those that have not been heard yet, whom a few turns are not for.
    assert_eq!(stage.0.lock().unwrap().running_most, 43);
}

/// The healthy ones among those that hang: the first and the last, and some between.
const HEALTHY: u16 = 40;

/// Far more than [`PROBES_AT_ONCE_MAX`] probes that take a second each, every second.
const HANGING: u16 = 4_500;

/// Targets of which these hang.
fn rack(stage: &Stage) -> Vec<Target> {
    let all = HEALTHY + HANGING;
    let is_healthy = |port: &u16| port.is_multiple_of(all / HEALTHY) && port / (all / HEALTHY) < HEALTHY;
    let (healthy, hanging): (Vec<u16>, Vec<u16>) = (0..all).partition(is_healthy);
    assert_eq!(healthy.len(), usize::from(HEALTHY));
    hanging.iter().for_each(|port| stage.play(10_000 + port, Play::Hang));
    (0..all).map(|port| target(10_000 + port)).collect()
}

/// The places of those that do not hang.
fn healthy(stage: &Stage, targets: &[Target]) -> Vec<usize> {
    let played = stage.0.lock().unwrap();
    let plays = |port: u16| played.plays.get(&port) == Some(&Play::Hang);
    (0..targets.len()).filter(|place| !plays(port(&targets[*place].probe).get())).collect()
}

/// The longest time between two starts of a target's probes, of those after `from`.
fn longest_gap(stage: &Stage, of: &Target, from: Instant) -> Duration {
    let starts: Vec<Instant> =
        stage.starts(port(&of.probe).get()).into_iter().filter(|at| *at >= from).collect();
    assert!(starts.len() > 5, "{} probes", starts.len());
    starts.windows(2).map(|two| two[1] - two[0]).max().unwrap()
}

/// Takes whatever is told for so long, and wants no target to be pending.
async fn no_target_becomes_pending(transitions: &mut mpsc::Receiver<Transition>, lasts: Duration) {
    let end = now() + lasts;
    while let Ok(Some(told)) = timeout(end - now(), transitions.recv()).await {
        assert_ne!(told.to, Verdict::Pending, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn thousands_that_hang_leave_the_healthy_ones_up_and_probed_on_time() {
    let stage = Stage::default();
    let targets = rack(&stage);
    let healthy = healthy(&stage, &targets);
    let (mut engine, mut transitions) = stage.engine(PROBES_AT_ONCE_MAX);
    let ids = engine.watch(&targets);
    // Nobody knows yet who hangs: ten rounds and a bit of 448 turns, of a second each.
    no_target_becomes_pending(&mut transitions, 13_000 * MS).await;
    let begin = now();
    let board = engine.board();
    for (place, id) in ids.iter().enumerate() {
        let wanted = if healthy.contains(&place) { Verdict::Up } else { Verdict::Down };
        assert_eq!(board.verdict(*id), wanted, "{}", targets[place].probe);
    }
    no_target_becomes_pending(&mut transitions, 120_000 * MS).await;
    for place in healthy {
        let gap = longest_gap(&stage, &targets[place], begin);
        assert!(gap <= 1060 * MS, "{} after {gap:?}", targets[place].probe);
        assert_eq!(engine.board().verdict(ids[place]), Verdict::Up);
    }
    // Whoever hangs has its turns, too: 384 of 4,500 in each second.
    let hanging = stage.starts(10_001);
    assert!(hanging.len() > 8, "{} probes of one that hangs", hanging.len());
}

#[tokio::test(start_paused = true)]
async fn thousands_that_a_reload_brings_and_that_hang_do_not_delay_those_that_answer() {
    let stage = Stage::default();
    let targets = rack(&stage);
    let healthy: Vec<Target> =
        healthy(&stage, &targets).into_iter().map(|place| targets[place].clone()).collect();
    let (mut engine, mut transitions) = stage.engine(PROBES_AT_ONCE_MAX);
    engine.watch(&healthy);
    engine.first_round().await;
    let begin = now();
    engine.watch(&targets);
    no_target_becomes_pending(&mut transitions, 30_000 * MS).await;
    for target in &healthy {
        let gap = longest_gap(&stage, target, begin);
        assert!(gap <= 1060 * MS, "{} after {gap:?}", target.probe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rack_that_begins_to_hang_makes_no_healthy_target_pending() {
    let stage = Stage::default();
    let targets = rack(&stage);
    let healthy = healthy(&stage, &targets);
    let hanging: Vec<u16> = stage.0.lock().unwrap().plays.keys().copied().collect();
    hanging.iter().for_each(|port| stage.play(*port, Play::Accept));
    let (mut engine, mut transitions) = stage.engine(PROBES_AT_ONCE_MAX);
    let ids = engine.watch(&targets);
    engine.first_round().await;
    no_target_becomes_pending(&mut transitions, 5_000 * MS).await;
    hanging.iter().for_each(|port| stage.play(*port, Play::Hang));
    // All of them answered last time: only when each has hung once do they wait for the others.
    no_target_becomes_pending(&mut transitions, 12_000 * MS).await;
    let begin = now();
    no_target_becomes_pending(&mut transitions, 60_000 * MS).await;
    let board = engine.board();
    for (place, id) in ids.iter().enumerate() {
        let wanted = if healthy.contains(&place) { Verdict::Up } else { Verdict::Down };
        assert_eq!(board.verdict(*id), wanted, "{}", targets[place].probe);
    }
    for place in healthy {
        let gap = longest_gap(&stage, &targets[place], begin);
        assert!(gap <= 1060 * MS, "{} after {gap:?}", targets[place].probe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_waits_for_its_turn_is_not_silent_and_one_whose_probe_is_stuck_is() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(1);
    let ids = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    stage.play(1, Play::Stick);
    let silent = loop {
        let told = transitions.recv().await.unwrap();
        if told.to == Verdict::Pending {
            break told;
        }
    };
    assert_eq!(silent.target, ids[0]);
    // It has the only turn for a minute.
    no_target_becomes_pending(&mut transitions, 50_000 * MS).await;
    assert_eq!(engine.board().verdict(ids[1]), Verdict::Up);
}

#[tokio::test(start_paused = true)]
async fn other_settings_hold_for_the_next_probes() {
    let stage = Stage::default();
    (1..=40).for_each(|port| stage.play(port, Play::Hang));
    let (mut engine, _transitions) = stage.engine(1);
    engine.watch(&targets(1..=40));
    sleep(1_500 * MS).await;
    assert_eq!(stage.0.lock().unwrap().running_most, 1);
    engine.change(Settings { probes_at_once_max: 80, damping: DAMPING });
    // Who waits already keeps the turns of before.
    sleep(60_000 * MS).await;
    assert!(stage.0.lock().unwrap().running_most >= 35, "{}", stage.0.lock().unwrap().running_most);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_waits_for_its_turn_is_late_and_no_failure() {
    let stage = Stage::default();
    stage.play(1, Play::Hang);
    let (mut engine, _transitions) = stage.engine(1);
    let ids = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    assert_eq!(engine.board().verdict(ids[1]), Verdict::Up);
    assert_eq!(stage.starts(2)[0] - stage.starts(1)[0], 1000 * MS);
    // Neither starves the other.
    sleep(20_000 * MS).await;
    assert!(stage.starts(1).len() >= 9 && stage.starts(2).len() >= 9);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_let_go_stops_and_one_that_is_watched_still_is_left_alone() {
    let stage = Stage::default();
    let (mut engine, _transitions) = stage.engine(8);
    let before = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    sleep(500 * MS).await;
    let after = exchange(&mut engine, before.clone(), &targets([2, 3]));
    assert_eq!(before[1], after[0]);
    assert_eq!(engine.board().verdict(after[0]), Verdict::Up);
    let stopped = stage.starts(1);
    settle().await;
    assert_eq!(stage.starts(3).len(), 1, "a new target is probed at once");
    assert_eq!(stage.starts(2).len(), 1, "one that stays keeps its time");
    sleep(10_000 * MS).await;
    assert_eq!(stage.starts(1), stopped);
    assert!(stage.starts(2).len() >= 10);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_runs_is_cut_off_when_its_target_is_dropped() {
    let stage = Stage::default();
    stage.play(1, Play::Hang);
    let (mut engine, _transitions) = stage.engine(1);
    let before = engine.watch(&targets([1]));
    sleep(100 * MS).await;
    exchange(&mut engine, before, &targets([2]));
    settle().await;
    assert_eq!(stage.starts(2).len(), 1, "its turn is free again");
}

#[tokio::test(start_paused = true)]
async fn the_first_round_waits_for_what_is_watched_now_and_for_nothing_else() {
    let stage = Stage::default();
    stage.play(1, Play::Hang);
    stage.play(2, Play::Hang);
    let (mut engine, _transitions) = stage.engine(8);
    engine.first_round().await;
    let first = engine.watch(&targets([1]));
    let round = engine.first_round();
    assert!(timeout(900 * MS, engine.first_round()).await.is_err());
    let second = engine.watch(&targets([1, 2]));
    let started = now();
    round.await;
    assert!((99 * MS..=105 * MS).contains(&(now() - started)));
    // Whoever waits for a target that is dropped waits no longer.
    let round = engine.first_round();
    engine.release([first, second].concat());
    timeout(MS, round).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_some_targets_waits_for_their_first_outcomes_alone() {
    let stage = Stage::default();
    stage.play(1, Play::Hang);
    stage.play(2, Play::Hang);
    let (mut engine, _transitions) = stage.engine(8);
    let slow = engine.watch(&targets([1]));
    let unprobed = engine.unprobed(&slow);
    assert_eq!(unprobed.timeout(), Some(1000 * MS));
    let quick = engine.watch(&targets([3]));
    timeout(10 * MS, engine.unprobed(&quick).probed()).await.unwrap();
    assert_eq!(engine.unprobed(&quick).timeout(), None);
    let started = now();
    unprobed.probed().await;
    assert!((985 * MS..=1005 * MS).contains(&(now() - started)), "{:?}", now() - started);
    let dropped = engine.watch(&targets([2]));
    let unprobed = engine.unprobed(&dropped);
    engine.release(dropped);
    timeout(MS, unprobed.probed()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_board_has_the_verdict_before_the_transition_is_told() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    engine.watch(&targets(1..=200));
    for _ in 0..200 {
        let told = transitions.recv().await.unwrap();
        assert_eq!((told.from, told.to), (Verdict::Pending, Verdict::Up));
        assert_eq!(engine.board().verdict(told.target), Verdict::Up);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_sleeps_misses_no_change_and_holds_up_no_probe() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(512);
    let count = 2 * u16::try_from(TRANSITIONS_WAITING_MAX).unwrap();
    let ids = engine.watch(&targets(1..=count));
    engine.first_round().await;
    (1..=count).for_each(|port| stage.play(port, Play::Refuse));
    sleep(10_000 * MS).await;
    let board = engine.board();
    assert!(ids.iter().all(|&id| board.verdict(id) == Verdict::Down));
    let mut told = BTreeMap::new();
    while let Ok(transition) = timeout(MS, transitions.recv()).await {
        let transition = transition.unwrap();
        told.insert(transition.target, transition.to);
    }
    assert!(ids.iter().all(|id| told.get(id) == Some(&Verdict::Down)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_probed_after_the_engine_is_dropped() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    let probed = stage.starts(1);
    drop(engine);
    sleep(5000 * MS).await;
    assert_eq!(stage.starts(1), probed);
    assert!(transitions.recv().await.is_none());
}

async fn down_and_up(stage: &Stage, transitions: &mut mpsc::Receiver<Transition>) -> [Transition; 2] {
    let mut told = Vec::new();
    for play in [Play::Refuse, Play::Accept] {
        stage.play(1, play);
        told.push(transitions.recv().await.unwrap());
    }
    told.try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_target_that_flaps_is_held_down_until_it_is_steady() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    down_and_up(&stage, &mut transitions).await;
    down_and_up(&stage, &mut transitions).await;
    let [held, up] = down_and_up(&stage, &mut transitions).await;
    assert_eq!(held.to_string(), "127.0.2.61:1 held down: 5 changes within 1m, until it is steady for 1m");
    assert_eq!((up.from, up.to), (Verdict::Down, Verdict::Down));
    let board = engine.board();
    assert_eq!((board.verdict(ids[0]), board.unheld().verdict(ids[0])), (Verdict::Down, Verdict::Up));
    let report = engine.report().remove(0);
    assert!(report.held && (report.verdict, report.believed) == (Verdict::Up, Verdict::Down));
    let steady = transitions.recv().await.unwrap();
    assert_eq!(steady.to_string(), "127.0.2.61:1 up, no longer held down: steady for 1m");
    assert!((60_000 * MS..61_100 * MS).contains(&(steady.at - up.at)), "{:?}", steady.at - up.at);
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
}

#[tokio::test(start_paused = true)]
async fn a_target_whose_prober_is_stuck_is_pending_until_outcomes_come_again() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    let (first, _) = (transitions.recv().await.unwrap(), transitions.recv().await.unwrap());
    stage.play(1, Play::Stick);
    let silent = transitions.recv().await.unwrap();
    assert_eq!((silent.from, silent.to), (Verdict::Up, Verdict::Pending));
    // Three times interval and timeout, one second, and up to one more until somebody looks.
    assert!((7_000 * MS..8_100 * MS).contains(&(silent.at - first.at)), "{:?}", silent.at - first.at);
    assert_eq!(engine.board().verdict(ids[1]), Verdict::Up, "the other one is probed");
    let heard = transitions.recv().await.unwrap();
    assert!(heard.to_string().starts_with("127.0.2.61:1 up after 1 pass, the first outcome"), "{heard}");
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_does_not_take_its_probers_for_stuck() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    sleep(5_000 * MS).await;
    // The clock goes on, and nobody has run meanwhile.
    tokio::time::advance(3_600_000 * MS).await;
    for _ in 0..10 {
        assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
        sleep(500 * MS).await;
    }
    assert!(transitions.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_gone_takes_no_target_down() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1, 2, 3]));
    let mut trouble = engine.local_trouble();
    for _ in 0..3 {
        transitions.recv().await.unwrap();
    }
    (1..=3).for_each(|port| stage.play(port, Play::Cut));
    trouble.changed().await.unwrap();
    let told = trouble.borrow_and_update().clone().unwrap().to_string();
    assert!(
        told.starts_with("no target can be probed, all verdicts stay as they are (127.0.2.61:"),
        "{told}"
    );
    assert!(told.ends_with(": network unreachable)"), "{told}");
    sleep(60_000 * MS).await;
    assert!(!trouble.has_changed().unwrap(), "it is told once");
    let board = engine.board();
    assert!(ids.iter().all(|&id| board.verdict(id) == Verdict::Up));
    // The network comes back, and one target does not.
    stage.play(1, Play::Accept);
    stage.play(2, Play::Accept);
    trouble.changed().await.unwrap();
    assert_eq!(*trouble.borrow_and_update(), None);
    let down = transitions.recv().await.unwrap();
    assert_eq!((down.target, down.to), (ids[2], Verdict::Down));
    assert_eq!(down.observed().unwrap().reason, Some(Reason::NetworkUnreachable));
}

#[tokio::test(start_paused = true)]
async fn one_target_without_a_route_goes_down_while_others_answer() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1, 2, 3]));
    for _ in 0..3 {
        transitions.recv().await.unwrap();
    }
    stage.play(1, Play::Cut);
    let before = now();
    let down = transitions.recv().await.unwrap();
    assert_eq!((down.target, down.to), (ids[0], Verdict::Down));
    assert!(down.at - before < 3_000 * MS, "{:?}", down.at - before);
    assert_eq!(*engine.local_trouble().borrow(), None);
}

#[tokio::test(start_paused = true)]
async fn local_trouble_of_one_target_is_told_once_and_so_is_its_end() {
    let stage = Stage::default();
    stage.play(1, Play::Lack);
    let (mut engine, _transitions) = stage.engine(8);
    let mut trouble = engine.local_trouble();
    engine.watch(&targets([1, 2]));
    trouble.changed().await.unwrap();
    let told = trouble.borrow_and_update().clone().unwrap();
    assert_eq!(told.scope, Scope::Some);
    sleep(10_000 * MS).await;
    assert!(!trouble.has_changed().unwrap());
    stage.play(1, Play::Accept);
    trouble.changed().await.unwrap();
    assert_eq!(*trouble.borrow(), None);
}

fn rules(pattern: &str, order: Order) -> Rules {
    let mut rules = Rules::default();
    let (since, pattern) = (std::time::SystemTime::UNIX_EPOCH, pattern.parse().unwrap());
    rules.add(Rule { pattern, order, since, term: None, remark: None }).unwrap();
    rules
}

#[tokio::test(start_paused = true)]
async fn a_forced_verdict_stands_on_the_board_at_once_and_for_new_targets_too() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    engine.force(&rules("*:1", Order::Down));
    let board = engine.board();
    assert_eq!((board.verdict(ids[0]), board.verdict(ids[1])), (Verdict::Down, Verdict::Up));
    let forced = loop {
        let told = transitions.recv().await.unwrap();
        if told.observed().is_none() {
            break told;
        }
    };
    assert_eq!(forced.to_string(), "127.0.2.61:1 forced down by operator");
    let ids = exchange(&mut engine, ids, &targets([2]));
    let ids = exchange(&mut engine, ids, &targets([1, 2]));
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Down, "taken up again, it is forced still");
    engine.force(&Rules::default());
    assert!(engine.report().iter().all(|report| report.forced.is_none()));
}

#[tokio::test(start_paused = true)]
async fn outcomes_go_on_below_a_forced_verdict_and_hold_when_it_ends() {
    let stage = Stage::default();
    let (mut engine, mut transitions) = stage.engine(8);
    let ids = engine.watch(&targets([1]));
    transitions.recv().await.unwrap();
    engine.force(&rules("*", Order::Up));
    transitions.recv().await.unwrap();
    stage.play(1, Play::Refuse);
    let told = transitions.recv().await.unwrap();
    assert_eq!(told.to_string(), "127.0.2.61:1 down after 3 failures: connection refused; it stays up");
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
    engine.force(&Rules::default());
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Down);
    assert_eq!(transitions.recv().await.unwrap().to_string(), "127.0.2.61:1 down, no longer forced");
}
