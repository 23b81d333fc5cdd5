//! `grpc` against servers that serve, do not, and break the rules.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use edgedns::probe::{Grpc, Outcome, Port, Probe, ProbeKind, Prober};
use edgedns::tls::{AlpnProtocol, Handshake, Verify};
use hyper::body::Bytes;
use hyper::{HeaderMap, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::server::{LIMIT, hints, passed};
use super::tls::{Authority, handshake};

/// What a call is answered with.
#[derive(Clone)]
struct Answer {
    http_status: u16,
    /// None: the status is in the head, and nothing comes behind it.
    message: Option<Vec<u8>>,
    /// None: the call ends without one.
    status: Option<&'static str>,
    said: &'static str,
}

fn well() -> Answer {
    Answer { http_status: 200, message: Some(b"\0\0\0\0\x02\x08\x01".to_vec()), status: Some("0"), said: "" }
}

/// A server that knows the service `etcd`, and the server as a whole.
struct Server {
    place: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Changes when all connections are to be closed.
    ends: watch::Sender<bool>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn server(address: &str, tls: Option<TlsAcceptor>, answer: Answer) -> Server {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let place = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let (ends, ended) = watch::channel(false);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (tls, answer, mut ended) = (tls.clone(), answer.clone(), ended.clone());
            ended.mark_unchanged();
            tokio::spawn(async move {
                let serving = async {
                    match tls {
                        None => serve(stream, &answer).await,
                        Some(tls) => serve(tls.accept(stream).await.ok()?, &answer).await,
                    }
                };
                tokio::select! {
                    served = serving => served,
                    _ = ended.changed() => None,
                }
            });
        }
    });
    Server { place, connections, ends, task: task.abort_handle() }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, answer: &Answer) -> Option<()> {
    let mut connection = h2::server::handshake(stream).await.ok()?;
    while let Some(call) = connection.accept().await {
        let (request, mut respond) = call.ok()?;
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        assert_eq!(request.headers()["te"], "trailers");
        let mut body = request.into_body();
        let mut asked = Vec::new();
        // A request that is as short as this comes whole, with the connection at rest meanwhile.
        let reading = async {
            while let Some(Ok(data)) = body.data().await {
                asked.extend_from_slice(&data);
            }
        };
        tokio::select! {
            () = reading => {}
            _ = std::future::poll_fn(|context| connection.poll_closed(context)) => return None,
        }
        let answer = match asked.as_slice() {
            b"\0\0\0\0\0" | b"\0\0\0\0\x06\x0a\x04etcd" => answer.clone(),
            _ => Answer { message: None, status: Some("5"), said: "unknown service", ..answer.clone() },
        };
        let mut status = HeaderMap::new();
        if let Some(code) = answer.status {
            status.insert("grpc-status", code.parse().unwrap());
        }
        if !answer.said.is_empty() {
            status.insert("grpc-message", answer.said.parse().unwrap());
        }
        let mut head = Response::builder().status(answer.http_status).body(()).unwrap();
        head.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        let Some(message) = answer.message else {
            head.headers_mut().extend(status);
            respond.send_response(head, true).ok()?;
            continue;
        };
        let mut sent = respond.send_response(head, false).ok()?;
        sent.send_data(Bytes::from(message), false).ok()?;
        sent.send_trailers(status).ok()?;
    }
    Some(())
}

fn prober_of(server: &Server, service: &str, handshake: Option<Handshake>) -> Prober {
    let port = Port::new(server.place.port()).unwrap();
    let kind = ProbeKind::Grpc(Arc::new(Grpc { port, service: service.into(), handshake }));
    Probe { address: server.place.ip(), source: None, timeout: LIMIT, kind }.prober()
}

/// What one run says of a server that answers so.
async fn said(address: &str, answer: Answer) -> String {
    let server = server(address, None, answer).await;
    prober_of(&server, "", None).run().await.to_string()
}

#[tokio::test]
async fn a_server_and_a_service_that_serve_pass_over_one_connection() {
    let server = server("127.0.4.120", None, well()).await;
    let (mut whole, mut service) = (prober_of(&server, "", None), prober_of(&server, "etcd", None));
    for _ in 0..3 {
        passed(&whole.run().await);
        passed(&service.run().await);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    let unknown = prober_of(&server, "other", None).run().await.to_string();
    assert_eq!(unknown, "gRPC status 5: unknown service");
}

#[tokio::test]
async fn a_connection_that_was_kept_and_ends_is_a_hint() {
    let server = server("127.0.4.121", None, well()).await;
    let mut prober = prober_of(&server, "", None);
    passed(&prober.run().await);
    assert!(!hints(&mut prober).await);
    server.ends.send_replace(true);
    assert!(hints(&mut prober).await);
    passed(&prober.run().await);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn only_serving_is_up() {
    for (status, words) in
        [(0, "UNKNOWN"), (2, "NOT_SERVING"), (3, "SERVICE_UNKNOWN"), (9, "a status of no meaning")]
    {
        let message = Some(vec![0, 0, 0, 0, 2, 8, status]);
        assert_eq!(said("127.0.4.122", Answer { message, ..well() }).await, format!("its health is {words}"));
    }
    // A status that is left out is 0 in proto3.
    assert_eq!(
        said("127.0.4.122", Answer { message: Some(vec![0; 5]), ..well() }).await,
        "its health is UNKNOWN"
    );
}

#[tokio::test]
async fn a_call_that_fails_says_why() {
    let unimplemented = Answer { message: None, status: Some("12"), said: "unknown method", ..well() };
    assert_eq!(said("127.0.4.123", unimplemented).await, "gRPC status 12: unknown method");
    let late = Answer { status: Some("13"), ..well() };
    assert_eq!(said("127.0.4.123", late).await, "gRPC status 13");
    assert_eq!(said("127.0.4.123", Answer { http_status: 404, ..well() }).await, "status 404");
    let unsaid = Answer { status: None, ..well() };
    assert_eq!(said("127.0.4.123", unsaid).await, "broken gRPC: no status behind the response");
    let odd = Answer { message: Some(b"\0\0\0\0\x02\x08".to_vec()), ..well() };
    assert!(said("127.0.4.123", odd).await.starts_with("broken gRPC: "));
    let endless = Answer { message: Some(vec![0; 100_000]), ..well() };
    assert!(said("127.0.4.123", endless).await.starts_with("broken gRPC: "));
}

#[tokio::test]
async fn what_speaks_no_http_2_does_not_pass() {
    let server = super::server::Server::start("127.0.4.124", super::server::ok).await;
    let kind = ProbeKind::Grpc(Arc::new(Grpc { port: server.port(), service: "".into(), handshake: None }));
    let probe = Probe { address: server.place.ip(), source: None, timeout: Duration::from_millis(300), kind };
    let outcome = probe.prober().run().await;
    assert!(matches!(outcome, Outcome::Fail { .. }), "{outcome}");
}

#[tokio::test]
async fn over_tls_the_certificate_must_be_believed() {
    let authority = Authority::new();
    let tls = TlsAcceptor::from(Arc::new(authority.server(&["etcd.lab.example"], &["h2"])));
    let server = server("127.0.4.125", Some(tls), well()).await;
    let shake = |verify: Verify, name| {
        let protocols = vec![AlpnProtocol::new("h2").unwrap()];
        Some(Handshake { protocols, ..handshake(verify, Some(name)) })
    };
    let mut sound = prober_of(&server, "etcd", shake(authority.verify(), "etcd.lab.example"));
    for _ in 0..2 {
        let outcome = sound.run().await;
        let Outcome::Pass { not_after, .. } = outcome else { panic!("{outcome}") };
        assert!(not_after.is_some());
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let other = prober_of(&server, "etcd", shake(authority.verify(), "other.example")).run().await;
    assert_eq!(other.to_string(), "certificate not for `other.example`");
}
