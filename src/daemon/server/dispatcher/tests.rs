//! Messages that come through a socket, and treatments that take their time.

use std::net::UdpSocket;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::answer::{Peer, Reply};
use crate::tls::ServerTls;
use crate::transport::{self, EncryptedRuntime, Inherited, Listeners, Responder, Settings};

const LIMIT: Duration = Duration::from_secs(20);

/// Hands every message over.
struct HandOver(Arc<Dispatcher>);

impl Responder for HandOver {
    fn begin_batch(&mut self) {}

    fn respond(&mut self, _: Peer, _: &[u8], _: &mut [u8]) -> Reply {
        Reply::HandOver(MessageKind::Notify)
    }

    fn hand_over(&mut self, message: HandedOver) {
        self.0.take(message);
    }
}

/// Never ends, and counts what it has begun.
struct Endless(Arc<AtomicUsize>);

impl Treatment for Endless {
    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let _message = message;
            std::future::pending::<()>().await;
        })
    }
}

/// A NOTIFY.
fn message(id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    [&[high, low, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x04test\x00\x00\x06\x00\x01"].concat()
}

#[test]
fn what_there_is_no_room_for_is_answered_and_counted_and_all_before_it_is_treated() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let begun = Arc::<AtomicUsize>::default();
    let mut treatments = Treatments::default();
    treatments.add(MessageKind::Notify, Endless(Arc::clone(&begun)));
    let dispatcher = Arc::new(Dispatcher::new(runtime.handle().clone(), treatments, &[]));
    let settings = |port| Settings {
        listen: vec![std::net::SocketAddr::from(([127, 0, 5, 53], port)).into()],
        workers: 1,
        ..Settings::default()
    };
    let port = harness::claimed_port(|port| Listeners::bind(&settings(port), Inherited::none()).is_ok());
    let listeners = Listeners::bind(&settings(port), Inherited::none()).unwrap();
    let taker = Arc::clone(&dispatcher);
    let running = transport::start(
        listeners,
        move |_| HandOver(Arc::clone(&taker)),
        ServerTls::new(),
        EncryptedRuntime::default(),
    )
    .unwrap();
    let client = UdpSocket::bind("127.0.5.54:0").unwrap();
    client.connect(("127.0.5.53", port)).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    let mut sent = 0;
    while sent < TREATED_MAX {
        for _ in 0..64 {
            client.send(&message(7)).unwrap();
        }
        sent += 64;
        let start = Instant::now();
        while begun.load(Ordering::Relaxed) < sent {
            assert!(start.elapsed() < LIMIT, "{} of {sent} were begun", begun.load(Ordering::Relaxed));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert_eq!(dispatcher.turned_away(), 0);
    client.send(&message(8)).unwrap();
    let mut response = [0; 512];
    let length = client.recv(&mut response).unwrap();
    let mut expected = message(8);
    (expected[2], expected[3]) = (0xa0, 2);
    assert_eq!(response[..length], expected, "SERVFAIL");
    assert_eq!(dispatcher.turned_away(), 1);
    runtime.block_on(running.stop());
}

#[test]
fn what_is_turned_away_is_told_once_a_minute() {
    let (away, start) = (TurnedAway::default(), Instant::now());
    assert_eq!(away.news(1, start), Some(1));
    assert_eq!((away.news(2, start), away.news(700, start + TOLD_INTERVAL / 2)), (None, None));
    assert_eq!(away.news(1000, start + TOLD_INTERVAL), Some(999));
}
