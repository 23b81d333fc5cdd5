//! The engine with connections that are kept between probes.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgedns::health::{self, Engine, Target, Verdict};
use edgedns::probe::{Http, Life, Path, Probe, ProbeKind};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::https::{https, lax};
use super::server::{End, LIMIT, Reply, Server, ok, response};
use super::tls::Authority;

/// Probed once an hour: what happens sooner is due to a hint.
fn hourly(server: &Server, kind: ProbeKind) -> Target {
    Target {
        probe: Probe { address: server.place.ip(), source: None, timeout: LIMIT, kind },
        interval: Duration::from_secs(3600),
        retry: Duration::from_millis(20),
        rise: NonZeroU32::new(2).unwrap(),
        fall: NonZeroU32::new(2).unwrap(),
        life: Life::default(),
    }
}

#[tokio::test]
async fn a_target_that_dies_is_down_within_milliseconds_however_long_the_interval() {
    let config = Authority::new().server(&["lab.example"], &["http/1.1"]);
    let server = Server::start_tls("127.0.4.70", config, ok).await;
    let (mut engine, mut transitions) = Engine::start(Handle::current(), health::Settings::default());
    engine.watch(&[hourly(&server, https(server.place, lax()))]);
    assert_eq!(timeout(LIMIT, transitions.recv()).await.unwrap().unwrap().to, Verdict::Up);
    let died = Instant::now();
    server.stop_listening();
    server.end(End::Reset);
    let down = timeout(LIMIT, transitions.recv()).await.unwrap().unwrap();
    assert!(down.to_string().ends_with("down after 2 failures: connection refused"), "{down}");
    // Two probes that are refused, 20 ms apart.
    assert!(died.elapsed() < Duration::from_millis(500), "{:?}", died.elapsed());
}

#[tokio::test]
async fn a_target_that_closes_what_it_promised_to_keep_is_probed_once_for_each_retry() {
    let closes = |_: &str| Reply::Last(response("200 OK", "ok"));
    let server = Server::start("127.0.4.71", closes).await;
    let kind = ProbeKind::Http(Arc::new(Http::get(server.port(), Path::root())));
    let retry = Duration::from_millis(100);
    let (mut engine, _transitions) = Engine::start(Handle::current(), health::Settings::default());
    let begin = Instant::now();
    engine.watch(&[Target { retry, ..hourly(&server, kind) }]);
    timeout(LIMIT, engine.first_round()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    let most = 2 + begin.elapsed().as_millis() / retry.as_millis();
    let asked = server.requests().len() as u128;
    assert!(asked <= most, "asked {asked} times in {:?}", begin.elapsed());
}
