//! The engine against real sockets: what the played targets of the other tests cannot show.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::health::Verdict;
use crate::probe::{Life, Phase, Port, Probe, ProbeKind, Reason, Tcp, Trouble};

const MS: Duration = Duration::from_millis(1);

/// Long enough for any machine; nothing waits for it when all is well.
const LIMIT: Duration = Duration::from_secs(20);

fn target(to: SocketAddr) -> Target {
    let kind = ProbeKind::Tcp(Tcp { port: Port::new(to.port()).unwrap() });
    let threshold = NonZeroU32::new(2).unwrap();
    Target {
        probe: Probe { address: to.ip(), source: None, timeout: LIMIT, kind },
        interval: 40 * MS,
        retry: 20 * MS,
        rise: threshold,
        fall: threshold,
        life: Life::default(),
    }
}

/// A listener that accepts and forgets; counts what it accepted.
async fn listen(address: &str) -> (SocketAddr, Arc<Mutex<Vec<SocketAddr>>>, Running) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address.parse().unwrap()).unwrap();
    let listener = socket.listen(1024).unwrap();
    let to = listener.local_addr().unwrap();
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let clients = Arc::clone(&accepted);
    let task = tokio::spawn(async move {
        while let Ok((_, client)) = listener.accept().await {
            clients.lock().unwrap().push(client);
        }
    });
    (to, accepted, task.into())
}

async fn next(transitions: &mut mpsc::Receiver<Transition>) -> Transition {
    timeout(LIMIT, transitions.recv()).await.unwrap().unwrap()
}

fn engine() -> (Engine, mpsc::Receiver<Transition>) {
    Engine::start(Handle::current(), Settings::default())
}

#[tokio::test]
async fn a_target_goes_down_with_its_listener_and_comes_back_with_it() {
    let (to, _, listener) = listen("127.0.2.70:0").await;
    let (mut engine, mut transitions) = engine();
    let ids = engine.watch(&[target(to)]);
    assert_eq!(next(&mut transitions).await.to_string(), format!("{to} up after 1 pass"));
    drop(listener);
    let down = next(&mut transitions).await;
    assert_eq!(down.to_string(), format!("{to} down after 2 failures: connection refused"));
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Down);
    let (_, _, _listener) = listen(&to.to_string()).await;
    assert_eq!(next(&mut transitions).await.to_string(), format!("{to} up after 2 passes"));
}

#[tokio::test]
async fn a_listener_that_stops_accepting_goes_down_by_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.2.71:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let to = listener.local_addr().unwrap();
    let mut target = target(to);
    target.probe.timeout = 200 * MS;
    let (mut engine, mut transitions) = engine();
    // The probe is the one connection that the backlog holds; nobody accepts the next.
    engine.watch(&[target]);
    assert_eq!(next(&mut transitions).await.to, Verdict::Up);
    let down = next(&mut transitions).await;
    let reason = Reason::TimedOut { after: 200 * MS, phase: Phase::Connect };
    assert_eq!(down.observed().unwrap().reason, Some(reason));
    // It is up again when it accepts again.
    let listener = Running::from(tokio::spawn(async move { while listener.accept().await.is_ok() {} }));
    assert_eq!(next(&mut transitions).await.to, Verdict::Up);
    drop(listener);
}

#[tokio::test]
async fn a_dropped_target_is_connected_to_no_more_and_the_one_that_stays_keeps_its_verdict() {
    let (first, first_accepted, _first) = listen("127.0.2.72:0").await;
    let (second, second_accepted, _second) = listen("127.0.2.73:0").await;
    let (mut engine, mut transitions) = engine();
    let before = engine.watch(&[target(first), target(second)]);
    timeout(LIMIT, engine.first_round()).await.unwrap();
    next(&mut transitions).await;
    next(&mut transitions).await;
    let after = engine.watch(&[target(second)]);
    engine.release(before.clone());
    assert_eq!(after, before[1..]);
    assert_eq!(engine.board().verdict(after[0]), Verdict::Up);
    // A marker behind whatever was under way: the listener accepts in order.
    let marker = TcpStream::connect(first).await.unwrap();
    let marked = marker.local_addr().unwrap();
    let seen = second_accepted.lock().unwrap().len() + 5;
    timeout(LIMIT, async {
        while second_accepted.lock().unwrap().len() < seen {
            tokio::time::sleep(5 * MS).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(first_accepted.lock().unwrap().last(), Some(&marked));
    assert!(transitions.try_recv().is_err());
}

#[tokio::test]
async fn a_source_that_is_not_ours_leaves_the_target_pending() {
    let source = "203.0.113.1".parse().unwrap();
    let (to, accepted, _listener) = listen("127.0.2.74:0").await;
    let mut target = target(to);
    target.probe.source = Some(source);
    let (mut engine, _transitions) = engine();
    let ids = engine.watch(&[target]);
    timeout(LIMIT, engine.first_round()).await.unwrap();
    assert_eq!(engine.board().verdict(ids[0]), Verdict::Pending);
    let trouble = Outcome::Local { trouble: Trouble::NoSuchSource { source } };
    assert_eq!(engine.report()[0].history.last_outcome, Some(trouble));
    assert!(accepted.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_targets_get_their_verdicts() {
    let (to, _, _listener) = listen("127.0.2.75:0").await;
    // One address, a thousand targets: their intervals tell them apart.
    let targets: Vec<Target> = (0..1000)
        .map(|place| Target { interval: 1000 * MS + place * Duration::from_micros(1), ..target(to) })
        .collect();
    let (mut engine, mut transitions) = engine();
    let ids = engine.watch(&targets);
    timeout(LIMIT, engine.first_round()).await.unwrap();
    for _ in 0..1000 {
        assert_eq!(next(&mut transitions).await.to, Verdict::Up);
    }
    let board = engine.board();
    assert!(ids.iter().all(|&id| board.verdict(id) == Verdict::Up));
}
