//! `http` against targets that behave and misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use edgedns::probe::{
    Header, Host, Http, Method, Outcome, Path, Probe, ProbeKind, Prober, Statuses, Tells, Weight,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::server::{End, LIMIT, Reply, Server, hints, ok, passed, response};

const SHORT: Duration = Duration::from_millis(150);

fn get(server: &Server) -> Http {
    Http::get(server.port(), Path::new("/healthz/ready").unwrap())
}

fn probe(server: &Server, http: Http) -> Probe {
    let kind = ProbeKind::Http(Arc::new(http));
    Probe { address: server.place.ip(), source: None, timeout: LIMIT, kind }
}

fn prober(server: &Server, http: Http) -> Prober {
    probe(server, http).prober()
}

/// What one run says, in words.
async fn said(server: &Server, http: Http) -> String {
    prober(server, http).run().await.to_string()
}

/// What a run says that is given only a short time.
async fn said_soon(server: &Server, http: Http) -> String {
    Probe { timeout: SHORT, ..probe(server, http) }.prober().run().await.to_string()
}

#[tokio::test]
async fn a_request_is_plain_and_says_who_asks() {
    let server = Server::start("127.0.4.1", ok).await;
    passed(&prober(&server, get(&server)).run().await);
    let request = server.requests().remove(0).to_lowercase();
    assert!(request.starts_with("get /healthz/ready http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nhost: {}\r\n", server.place)), "{request}");
    assert!(request.contains("\r\nuser-agent: edgedns/"), "{request}");
}

#[tokio::test]
async fn an_ipv6_target_is_asked_by_its_bracketed_address() {
    let server = Server::start("::1", ok).await;
    passed(&prober(&server, get(&server)).run().await);
    let host = format!("host: [::1]:{}\r\n", server.place.port());
    assert!(server.requests()[0].to_lowercase().contains(&host), "{:?}", server.requests());
}

#[tokio::test]
async fn host_and_headers_are_sent_as_written() {
    let server = Server::start("127.0.4.2", ok).await;
    let headers = vec![Header::new("X-Probe", "edge").unwrap(), Header::new("User-Agent", "mine").unwrap()];
    let host = Host::new("console.lab.example");
    passed(&prober(&server, Http { host, headers, ..get(&server) }).run().await);
    let request = server.requests().remove(0).to_lowercase();
    assert!(request.contains("\r\nhost: console.lab.example\r\n"), "{request}");
    assert!(request.contains("\r\nx-probe: edge\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: mine\r\n") && !request.contains("edgedns"), "{request}");
}

#[tokio::test]
async fn only_the_wanted_statuses_pass() {
    let server = Server::start("127.0.4.3", |request| {
        let status = request.split(['/', ' ']).nth(2).unwrap_or_default();
        Reply::Whole(response(&format!("{status} Whatever"), "ok"))
    })
    .await;
    let at = |status: &str| Http { path: Path::new(&format!("/{status}")).unwrap(), ..get(&server) };
    passed(&prober(&server, at("200")).run().await);
    passed(&prober(&server, at("299")).run().await);
    for status in ["302", "404", "500", "503"] {
        assert_eq!(said(&server, at(status)).await, format!("status {status}"));
    }
    let statuses = Statuses::parse("401").unwrap().and(Statuses::parse("500-503").unwrap());
    passed(&prober(&server, Http { statuses: statuses.clone(), ..at("401") }).run().await);
    passed(&prober(&server, Http { statuses: statuses.clone(), ..at("502") }).run().await);
    assert_eq!(said(&server, Http { statuses, ..at("200") }).await, "status 200");
}

#[tokio::test]
async fn head_is_answered_without_a_body_and_keeps_its_connection() {
    let head = |_: &str| Reply::Whole("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n".to_owned());
    let server = Server::start("127.0.4.4", head).await;
    let mut prober = prober(&server, Http { method: Method::Head, ..get(&server) });
    passed(&prober.run().await);
    passed(&prober.run().await);
    assert!(server.requests()[1].starts_with("HEAD /healthz/ready"));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn the_wanted_text_must_be_in_what_is_read_of_the_body() {
    let body = |_: &str| Reply::Whole(response("200 OK", "all checks passed: ok"));
    let server = Server::start("127.0.4.5", body).await;
    let wants =
        |text: &str, body_limit_bytes| Http { body: Some(text.into()), body_limit_bytes, ..get(&server) };
    passed(&prober(&server, wants("ok", 21)).run().await);
    assert_eq!(said(&server, wants("OK", 21)).await, "body without `OK`");
    assert_eq!(said(&server, wants("ok", 20)).await, "body without `ok`");
    passed(&prober(&server, wants("all", 3)).run().await);
}

#[tokio::test]
async fn the_body_tells_the_weight_of_its_target_where_that_is_asked_for() {
    let server = Server::start("127.0.4.35", |_| Reply::Whole(response("200 OK", " 42 requests\n"))).await;
    let weight = async |tells, body_limit_bytes| {
        let http = Http { tells, body_limit_bytes, ..get(&server) };
        let outcome = prober(&server, http).run().await;
        let Outcome::Pass { weight, .. } = outcome else { panic!("{outcome}") };
        weight.map(Weight::get)
    };
    assert_eq!(weight(Tells::Weight, 100).await, Some(42));
    assert_eq!(weight(Tells::WeightOrZero, 2).await, Some(4), "what is behind the limit is not read");
    assert_eq!(weight(Tells::Nothing, 100).await, None);
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_limit_and_judged() {
    let endless = |_: &str| Reply::Endless("HTTP/1.1 200 OK\r\n\r\nok".to_owned());
    let server = Server::start("127.0.4.6", endless).await;
    let mut good = prober(&server, Http { body: Some("ok".into()), ..get(&server) });
    passed(&good.run().await);
    assert!(!hints(&mut good).await, "a connection with a rest is not kept");
    assert_eq!(said(&server, Http { body: Some("up".into()), ..get(&server) }).await, "body without `up`");
}

#[tokio::test]
async fn a_slow_body_is_too_late() {
    let slow = |_: &str| Reply::Stuck("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".to_owned());
    let server = Server::start("127.0.4.7", slow).await;
    assert_eq!(said_soon(&server, get(&server)).await, "timed out after 150 ms waiting for the response");
}

#[tokio::test]
async fn a_status_that_fails_is_told_without_waiting_for_the_body() {
    let slow = |_: &str| Reply::Stuck("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nok".to_owned());
    let server = Server::start("127.0.4.8", slow).await;
    assert_eq!(said(&server, get(&server)).await, "status 503");
}

#[tokio::test]
async fn a_response_that_breaks_off_fails() {
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".to_owned();
    let (whole, broken) = (part.clone(), part);
    let server = Server::start("127.0.4.9", move |_| Reply::Broken(whole.clone())).await;
    assert_eq!(said(&server, get(&server)).await, "connection reset");
    let server = Server::start("127.0.4.9", move |_| Reply::Last(broken.clone())).await;
    assert_eq!(said(&server, get(&server)).await, "connection closed waiting for the response");
    let server = Server::start("127.0.4.9", |_| Reply::Last(String::new())).await;
    assert_eq!(said(&server, get(&server)).await, "connection closed waiting for the response");
}

#[tokio::test]
async fn a_target_that_says_nothing_is_too_late() {
    let server = Server::start("127.0.4.10", |_| Reply::Stuck(String::new())).await;
    assert_eq!(said_soon(&server, get(&server)).await, "timed out after 150 ms waiting for the response");
}

#[tokio::test]
async fn a_target_that_does_not_accept_is_too_late_already_connecting() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.4.11:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let place = listener.local_addr().unwrap();
    let _held = TcpStream::connect(place).await.unwrap();
    let http = Http::get(edgedns::probe::Port::new(place.port()).unwrap(), Path::root());
    let kind = ProbeKind::Http(Arc::new(http));
    let outcome = Probe { address: place.ip(), source: None, timeout: SHORT, kind }.prober().run().await;
    assert_eq!(outcome.to_string(), "timed out after 150 ms connecting");
}

#[tokio::test]
async fn what_is_not_http_fails() {
    let server =
        Server::start("127.0.4.12", |_| Reply::Whole("220 mail.lab.example ESMTP\r\n\r\n".into())).await;
    let said = said(&server, get(&server)).await;
    assert!(said.starts_with("broken HTTP: "), "{said}");
}

#[tokio::test]
async fn a_port_that_is_closed_is_refused() {
    let server = Server::start("127.0.4.13", ok).await;
    let probe = probe(&server, get(&server));
    server.stop_listening();
    timeout(LIMIT, async { while TcpStream::connect(server.place).await.is_ok() {} }).await.unwrap();
    assert_eq!(probe.prober().run().await.to_string(), "connection refused");
}

#[tokio::test]
async fn the_source_address_is_the_one_asked_for() {
    let server = Server::start("127.0.4.14", ok).await;
    let source = "127.0.4.200".parse().unwrap();
    let probe = Probe { source: Some(source), ..probe(&server, get(&server)) };
    passed(&probe.prober().run().await);
    assert_eq!(server.seen.lock().unwrap().clients[0].ip(), source);
}

#[tokio::test]
async fn one_connection_serves_every_run() {
    let server = Server::start("127.0.4.15", ok).await;
    let mut prober = prober(&server, get(&server));
    for _ in 0..5 {
        passed(&prober.run().await);
        assert!(timeout(Duration::from_millis(5), prober.hint()).await.is_err());
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 5));
}

#[tokio::test]
async fn a_target_that_keeps_no_connection_gets_a_new_one_each_time_and_that_is_no_hint() {
    for reply in [
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let server = Server::start("127.0.4.16", move |_| Reply::Last(reply.to_owned())).await;
        let mut prober = prober(&server, get(&server));
        passed(&prober.run().await);
        assert!(!hints(&mut prober).await, "{reply:?}");
        passed(&prober.run().await);
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn a_kept_connection_that_ends_is_a_hint_within_milliseconds() {
    for end in [End::Close, End::Reset] {
        let server = Server::start("127.0.4.17", ok).await;
        let mut prober = prober(&server, get(&server));
        passed(&prober.run().await);
        assert!(timeout(Duration::from_millis(20), prober.hint()).await.is_err(), "nothing has happened yet");
        let ended = Instant::now();
        server.end(end);
        timeout(LIMIT, prober.hint()).await.unwrap();
        assert!(ended.elapsed() < Duration::from_millis(100), "{end:?} after {:?}", ended.elapsed());
        // Once: the connection is gone.
        assert!(!hints(&mut prober).await);
        passed(&prober.run().await);
        assert_eq!(server.connections(), 2);
    }
}

#[tokio::test]
async fn a_connection_is_not_kept_for_ever() {
    let server = Server::start("127.0.4.21", ok).await;
    let mut prober = prober(&server, get(&server));
    passed(&prober.run().await);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(29)).await;
    tokio::time::resume();
    passed(&prober.run().await);
    assert_eq!(server.connections(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    passed(&prober.run().await);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_run_that_was_too_late_is_followed_by_a_fresh_connection() {
    let asked = AtomicUsize::new(0);
    let second_hangs = move |_: &str| match asked.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::Stuck(String::new()),
        _ => Reply::Whole(response("200 OK", "ok")),
    };
    let server = Server::start("127.0.4.22", second_hangs).await;
    let mut prober = Probe { timeout: SHORT, ..probe(&server, get(&server)) }.prober();
    passed(&prober.run().await);
    let late = prober.run().await.to_string();
    assert_eq!(late, "timed out after 150 ms waiting for the response");
    passed(&prober.run().await);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_that_has_ended_unnoticed_is_no_failure_of_the_target() {
    for end in [End::Close, End::Reset] {
        let server = Server::start("127.0.4.18", ok).await;
        let mut prober = prober(&server, get(&server));
        passed(&prober.run().await);
        server.end(end);
        server.ended().await;
        passed(&prober.run().await);
        assert_eq!(server.connections(), 2, "{end:?}");
    }
}

#[tokio::test]
async fn a_failure_is_followed_by_a_fresh_connection() {
    let asked = AtomicUsize::new(0);
    let second_fails = move |_: &str| match asked.fetch_add(1, Ordering::Relaxed) {
        1 => Reply::Whole(response("503 No", "no")),
        _ => Reply::Whole(response("200 OK", "ok")),
    };
    let server = Server::start("127.0.4.19", second_fails).await;
    let mut prober = prober(&server, get(&server));
    passed(&prober.run().await);
    assert_eq!(prober.run().await.to_string(), "status 503");
    passed(&prober.run().await);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_redirect_is_a_status_unless_it_is_to_be_followed() {
    let play = |request: &str| match request.split(' ').nth(1) {
        Some("/a") => Reply::Whole(response("302 Found\r\nLocation: /b", "")),
        Some("/b") => Reply::Whole(response("301 Moved\r\nLocation: c", "")),
        Some("/c") => Reply::Whole(response("200 OK", "ok")),
        Some("/out") => Reply::Whole(response("302 Found\r\nLocation: http://192.0.2.1/", "")),
        _ => Reply::Whole(response("302 Found", "")),
    };
    let server = Server::start("127.0.4.20", play).await;
    let at = |path: &str, redirects| Http { path: Path::new(path).unwrap(), redirects, ..get(&server) };
    assert_eq!(said(&server, at("/a", 0)).await, "status 302");
    assert_eq!(said(&server, at("/a", 1)).await, "more than 1 redirect");
    let before = server.connections();
    passed(&prober(&server, at("/a", 2)).run().await);
    assert_eq!(server.connections() - before, 1, "all over one connection");
    assert_eq!(said(&server, at("/out", 2)).await, "redirected elsewhere: `http://192.0.2.1/`");
    assert_eq!(said(&server, at("/nowhere", 2)).await, "status 302");
}
