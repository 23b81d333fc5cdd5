//! HTTP/2 written by hand, so that a target can announce the end of a connection and keep it open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use edgedns::probe::{Probe, Prober};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::https::{https, lax};
use super::server::{LIMIT, hints, passed};
use super::tls::Authority;

/// What a target is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Serve,
    /// Announces its end, and keeps the connection open.
    GoAway,
    /// Refuses the next stream.
    ResetStream,
}

struct Target {
    probe: Probe,
    orders: watch::Sender<Behaviour>,
    connections: watch::Receiver<usize>,
    listener: AbortHandle,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn target(address: &str) -> Target {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let place = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(Authority::new().server(&["lab.example"], &["h2"])));
    let (orders, behaviour) = watch::channel(Behaviour::Serve);
    let (count, connections) = watch::channel(0);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.send_modify(|count| *count += 1);
            let (acceptor, behaviour) = (acceptor.clone(), behaviour.clone());
            tokio::spawn(async move { serve(acceptor.accept(stream).await.ok()?, behaviour).await });
        }
    });
    let probe = Probe { address: place.ip(), source: None, timeout: LIMIT, kind: https(place, lax()) };
    Target { probe, orders, connections, listener: task.abort_handle() }
}

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    mut behaviour: watch::Receiver<Behaviour>,
) -> Option<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.ok()?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
    let mut head = [0; 9];
    loop {
        tokio::select! {
            read = stream.read_exact(&mut head) => { read.ok()?; }
            changed = behaviour.changed() => {
                changed.ok()?;
                if *behaviour.borrow() == Behaviour::GoAway {
                    // The last stream is 1; no error.
                    let announced = [1_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
                    stream.write_all(&frame(GOAWAY, 0, 0, &announced)).await.ok()?;
                    stream.flush().await.ok()?;
                }
                continue;
            }
        }
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let reply = match (head[3], *behaviour.borrow()) {
            (SETTINGS, _) if head[4] == 0 => frame(SETTINGS, 1, 0, &[]),
            (HEADERS, Behaviour::ResetStream) => frame(RST_STREAM, 0, id, &2_u32.to_be_bytes()),
            // 0x88 is `:status 200` (RFC 7541, appendix A); the flags end headers and stream.
            (HEADERS, _) => frame(HEADERS, 0x5, id, &[0x88]),
            _ => continue,
        };
        stream.write_all(&reply).await.ok()?;
        stream.flush().await.ok()?;
    }
}

async fn run(prober: &mut Prober) -> String {
    prober.run().await.to_string()
}

#[tokio::test]
async fn one_connection_serves_every_run() {
    let target = target("127.0.4.60").await;
    let mut prober = target.probe.prober();
    for _ in 0..4 {
        passed(&prober.run().await);
    }
    assert_eq!(*target.connections.borrow(), 1);
}

#[tokio::test]
async fn an_end_that_is_announced_is_a_hint_when_it_is_and_not_when_it_comes() {
    let target = target("127.0.4.61").await;
    let mut prober = target.probe.prober();
    passed(&prober.run().await);
    assert!(timeout(Duration::from_millis(20), prober.hint()).await.is_err());
    let announced = Instant::now();
    target.orders.send(Behaviour::GoAway).unwrap();
    timeout(LIMIT, prober.hint()).await.unwrap();
    assert!(announced.elapsed() < Duration::from_millis(100), "{:?}", announced.elapsed());
    assert!(!hints(&mut prober).await);
    passed(&prober.run().await);
    assert_eq!(*target.connections.borrow(), 2);
}

#[tokio::test]
async fn a_stream_that_is_reset_fails_after_a_fresh_connection_says_the_same() {
    let target = target("127.0.4.62").await;
    let mut prober = target.probe.prober();
    passed(&prober.run().await);
    target.orders.send(Behaviour::ResetStream).unwrap();
    let said = run(&mut prober).await;
    assert!(said.starts_with("broken HTTP: "), "{said}");
    assert_eq!(*target.connections.borrow(), 2);
}
