//! The socket and what is spoken over it, with a stand-in for `daemon`.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::sync::mpsc;

use super::*;
use crate::health::force::Order;

/// Serves at a path until dropped, answering every request in a fixed way; the socket goes with it.
struct Server {
    _socket: ControlSocket,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn start(path: &Path) -> Server {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let socket = runtime.block_on(async {
            let (socket, listener) = ControlSocket::bind(path).unwrap();
            let (sender, requests) = mpsc::channel(REQUESTS_WAITING_MAX);
            tokio::spawn(serve(listener, sender, std::future::pending::<()>()));
            tokio::spawn(answer(requests));
            socket
        });
        Server { _socket: socket, _runtime: runtime }
    }
}

async fn answer(mut requests: mpsc::Receiver<AdminRequest>) {
    while let Some(request) = requests.recv().await {
        match request {
            AdminRequest::Status { reply } => {
                let status = Status { version: "here".to_owned(), ..Status::default() };
                reply.send(Box::new(status)).unwrap();
            }
            AdminRequest::Accept { reply } => drop(reply.send(0)),
            AdminRequest::Reload { reply, .. } => {
                let reloaded = Reloaded {
                    outcome: Completeness::Refused,
                    zones: 1,
                    summary: "nothing has changed".to_owned(),
                    diagnostics: "error: no".to_owned(),
                };
                reply.unwrap().send(reloaded).unwrap();
            }
            AdminRequest::Pulse { reply } => {
                reply.send(vec!["UDP worker 1 makes no progress".to_owned()]).unwrap()
            }
            AdminRequest::Force { order, reply } => {
                let said = format!("{} {} {:?} {:?}", order.pattern, order.order, order.lasts, order.remark);
                reply.send(Ok(Forced { targets: vec![said], not_kept: None })).unwrap();
            }
            AdminRequest::Explain { reply, .. } => drop(reply.send(Box::default())),
            AdminRequest::Trace { reply, .. } => drop(reply.send(None)),
            AdminRequest::Updates { reply, .. } => drop(reply.send(Ok(UpdatesShown::default()))),
            AdminRequest::Stop => return,
        }
    }
}

/// What comes back for these bytes.
fn speak(path: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    // A server that has heard enough may close before all is said.
    let _ = stream.write_all(bytes);
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    String::from_utf8(response).unwrap()
}

fn post(path: &Path, route: &str, body: &str) -> String {
    let length = body.len();
    let head =
        format!("POST {route} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    speak(path, format!("{head}\r\n{body}").as_bytes())
}

#[test]
fn the_client_hears_what_the_daemon_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let client = Client::new(&path);
    assert_eq!(client.status().unwrap().version, "here");
    assert_eq!(client.reload(Shrunk::Wait).unwrap().outcome, Completeness::Refused);
    let order = ForceOrder {
        pattern: "127.0.5.1:*".parse().unwrap(),
        order: Order::Down,
        lasts: Some(std::time::Duration::from_secs(60)),
        remark: Some("über \"quoted\"".parse().unwrap()),
    };
    let forced = client.force(&order).unwrap();
    assert_eq!(forced.targets, [r#"127.0.5.1:* down Some(60s) Some(Remark("über \"quoted\""))"#]);
}

#[test]
fn a_reload_that_is_refused_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let response = post(&path, "/reload", "");
    assert!(response.starts_with("HTTP/1.1 409 "), "{response}");
    assert!(response.contains("\"outcome\":\"refused\""), "{response}");
}

#[test]
fn requests_that_mean_nothing_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    for (body, code, reason) in [
        ("{", "400", "EOF"),
        (r#"{"target":"*","verdict":"down","why":"x"}"#, "400", "unknown field `why`"),
        (r#"{"target":"*","verdict":"off"}"#, "422", "`off` is not up, down, drain or auto"),
        (r#"{"target":"","verdict":"up"}"#, "422", "the target is empty"),
        (r#"{"target":"*","verdict":"up","reason":"a\nb"}"#, "422", "control character"),
    ] {
        let response = post(&path, "/force", body);
        assert!(response.starts_with(&format!("HTTP/1.1 {code} ")), "{body}: {response}");
        assert!(response.contains(reason), "{body}: {response}");
    }
    let get = |route: &str| {
        speak(&path, format!("GET {route} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    };
    assert!(get("/reload").starts_with("HTTP/1.1 405 "));
    assert!(get("/elsewhere").starts_with("HTTP/1.1 404 "));
}

#[test]
fn heads_and_bodies_that_are_too_long_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let long_head = format!("GET /status HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(4 * HEAD_BYTES_MAX));
    assert!(speak(&path, long_head.as_bytes()).starts_with("HTTP/1.1 431 "));
    assert!(post(&path, "/force", &"x".repeat(BODY_BYTES_MAX + 1)).starts_with("HTTP/1.1 413 "));
    assert_eq!(Client::new(&path).status().unwrap().version, "here");
}

#[test]
fn connections_that_ask_nothing_keep_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let idle: Vec<UnixStream> =
        (0..2 * CONNECTIONS_MAX).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // They would be sent away in time; who asks does not wait for that.
    let (asked, client) = (std::time::Instant::now(), Client::new(&path));
    assert_eq!(client.status().unwrap().version, "here");
    assert!(asked.elapsed() < std::time::Duration::from_secs(3), "{:?}", asked.elapsed());
    drop(idle);
}

#[test]
fn a_request_without_a_host_or_with_two_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    for (head, code) in [("", "400"), ("Host: a\r\nHost: a\r\n", "400"), ("Host: a\r\n", "200")] {
        let request = format!("GET /status HTTP/1.1\r\n{head}Connection: close\r\n\r\n");
        let response = speak(&path, request.as_bytes());
        assert_eq!(response.split(' ').nth(1), Some(code), "{head:?}: {response}");
    }
    let old = speak(&path, b"GET /status HTTP/1.0\r\n\r\n");
    assert_eq!(old.split(' ').nth(1), Some("200"), "{old}");
}

#[test]
fn a_body_that_does_not_come_gives_its_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let stalled: Vec<UnixStream> = (0..CONNECTIONS_MAX)
        .map(|_| {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(b"POST /force HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{").unwrap();
            stream
        })
        .collect();
    assert_eq!(Client::new(&path).status().unwrap().version, "here");
    drop(stalled);
}

#[test]
fn the_socket_is_for_its_owner_and_its_group_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let server = Server::start(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    drop(server);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_socket_that_nobody_answers_on_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file behind");
    let (_socket, _listener) = ControlSocket::bind(&path).unwrap();
    assert!(UnixStream::connect(&path).is_ok());
}

#[tokio::test]
async fn a_socket_that_somebody_answers_on_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let (_socket, _listener) = ControlSocket::bind(&path).unwrap();
    assert!(matches!(ControlSocket::bind(&path), Err(SocketError::InUse(_))));
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(ControlSocket::bind(&path), Err(SocketError::NoSocket(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn the_file_of_whoever_took_the_path_over_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let (first, listener) = ControlSocket::bind(&path).unwrap();
    drop(listener);
    let (_second, _listener) = ControlSocket::bind(&path).unwrap();
    drop(first);
    assert!(UnixStream::connect(&path).is_ok());
}

#[test]
fn without_a_server_the_client_says_where_it_looked() {
    let error = Client::new(Path::new("/nonexistent/control.sock")).status().unwrap_err();
    assert!(error.to_string().starts_with("no server answers at /nonexistent/control.sock: "), "{error}");
}

#[test]
fn questions_that_mean_nothing_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    for (route, reason) in [
        ("/explain", "`name` is missing"),
        ("/explain?name=a..b", "`a..b`"),
        ("/trace?type=AA", "`AA` is not a type"),
        ("/trace?client=192.0.2.1%2F24", "192.0.2.1/24"),
    ] {
        let request = format!("GET {route} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let response = speak(&path, request.as_bytes());
        assert!(response.starts_with("HTTP/1.1 400 ") && response.contains(reason), "{route}: {response}");
    }
}

#[test]
fn a_trace_that_is_refused_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let _server = Server::start(&path);
    let order = TraceOrder {
        filter: crate::transport::Filter::default(),
        queries_max: 1,
        lasts: std::time::Duration::from_secs(1),
    };
    let refused = Client::new(&path).trace(&order).unwrap_err();
    assert_eq!(refused.to_string(), "4 traces run already");
}
