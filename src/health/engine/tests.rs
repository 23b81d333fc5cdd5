//! The engine with a clock turned by hand and targets that are played, so that each test takes no
//! time and finds the same times on any machine.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::*;
use crate::health::Verdict;
use crate::probe::{Kind, Port, Probe, Reason, Tcp, Trouble};

const MS: Duration = Duration::from_millis(1);

/// How a target behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    Accept,
    Refuse,
    Hang,
    Lack,
}

/// Targets, told apart by their port; those without a play accept.
#[derive(Clone, Default)]
struct Stage(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    plays: BTreeMap<u16, Play>,
    /// When each probe started.
    starts: BTreeMap<u16, Vec<Instant>>,
    running: usize,
    running_most: usize,
}

impl Stage {
    fn play(&self, port: u16, play: Play) {
        self.0.lock().unwrap().plays.insert(port, play);
    }

    fn starts(&self, port: u16) -> Vec<Instant> {
        self.0.lock().unwrap().starts.get(&port).cloned().unwrap_or_default()
    }

    async fn run(self, probe: Probe) -> Outcome {
        let Kind::Tcp(Tcp { port }) = probe.kind;
        let play = {
            let mut played = self.0.lock().unwrap();
            played.starts.entry(port.get()).or_default().push(now());
            played.running += 1;
            played.running_most = played.running_most.max(played.running);
            played.plays.get(&port.get()).copied().unwrap_or(Play::Accept)
        };
        sleep(if play == Play::Hang { probe.timeout } else { MS }).await;
        self.0.lock().unwrap().running -= 1;
        match play {
            Play::Accept => Outcome::Pass { latency: MS },
            Play::Refuse => Outcome::Fail { reason: Reason::Refused },
            Play::Hang => Outcome::Fail { reason: Reason::TimedOut { after: probe.timeout } },
            Play::Lack => Outcome::Local { trouble: Trouble::OutOfFiles },
        }
    }

    fn engine(&self, probes_at_once_max: usize) -> (Engine, mpsc::Receiver<Transition>) {
        let stage = self.clone();
        let run: RunProbe = Box::new(move |target| Box::pin(stage.clone().run(target.probe.clone())));
        Engine::start_with(Handle::current(), Settings { probes_at_once_max }, run)
    }
}

/// Every second, retry after 200 ms, timeout 1 s, two passes up, three failures down.
fn target(port: u16) -> Target {
    Target {
        probe: Probe {
            address: "127.0.2.61".parse().unwrap(),
            source: None,
            timeout: 1000 * MS,
            kind: Kind::Tcp(Tcp { port: Port::new(port).unwrap() }),
        },
        interval: 1000 * MS,
        retry: 200 * MS,
        rise: NonZeroU32::new(2).unwrap(),
        fall: NonZeroU32::new(3).unwrap(),
    }
}

fn targets(ports: impl IntoIterator<Item = u16>) -> Vec<Target> {
    ports.into_iter().map(target).collect()
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
    assert_eq!((down.from, down.to, down.outcomes), (Verdict::Up, Verdict::Down, 3));
    assert_eq!(down.reason, Some(Reason::Refused));
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
    assert_eq!(down.to_string(), "127.0.2.61:1 down after 3 failures: timed out after 1 s");
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
    assert_eq!((up.to, up.outcomes, up.reason), (Verdict::Up, 2, None));
    assert_eq!(stage.starts(1).len() - before, 2);
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Up);
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
    assert_eq!(stage.0.lock().unwrap().running_most, 50);
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
async fn a_new_set_stops_what_it_does_not_name_and_leaves_the_rest_alone() {
    let stage = Stage::default();
    let (mut engine, _transitions) = stage.engine(8);
    let before = engine.watch(&targets([1, 2]));
    engine.first_round().await;
    sleep(500 * MS).await;
    let after = engine.watch(&targets([2, 3]));
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
    engine.watch(&targets([1]));
    sleep(100 * MS).await;
    engine.watch(&targets([2]));
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
    engine.watch(&targets([1]));
    let round = engine.first_round();
    assert!(timeout(900 * MS, engine.first_round()).await.is_err());
    engine.watch(&targets([1, 2]));
    let started = now();
    round.await;
    assert!((99 * MS..=105 * MS).contains(&(now() - started)));
    // Whoever waits for a target that is dropped waits no longer.
    let round = engine.first_round();
    engine.watch(&[]);
    timeout(MS, round).await.unwrap();
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
