//! The connection that is kept, over something that only counts. Its clock is turned by hand.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;
use crate::dns::message::Header;
use crate::dns::{Name, Rtype};
use crate::requestor::encrypted::server::Purpose;
use crate::requestor::query::{Case, Form, Request};
use crate::tls::{Random, Verify};

/// What stands behind an address, so that each test has its own.
#[derive(Default)]
struct Counts {
    opened: AtomicUsize,
    closed: AtomicUsize,
    asked: AtomicUsize,
    /// Told when one is to be opened.
    open: Notify,
}

static COUNTS: Mutex<Vec<(u16, Arc<Counts>)>> = Mutex::new(Vec::new());

/// Opens when told to; a query without RD is answered by silence, one over the third connection and later by its end.
struct Counted(Arc<Counts>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.closed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Carrier for Counted {
    async fn open(server: &EncryptedServer, _: Heard) -> Result<Self, Failure> {
        let counts = counts(server.address.port());
        counts.open.notified().await;
        match counts.opened.fetch_add(1, Ordering::Relaxed) {
            0..9 => Ok(Self(counts)),
            _ => Err(Failure::NoConnection("nobody there".to_owned())),
        }
    }

    async fn ask(&self, query: Query) -> Result<Vec<u8>, Unanswered> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        if Header::read(query.bytes()).unwrap().flags & Header::RD == 0 {
            std::future::pending::<()>().await;
        }
        match self.0.asked.load(Ordering::Relaxed) {
            // As a server that ends its connections after three queries.
            count if count.is_multiple_of(4) => Err(Unanswered::Over(Failure::Closed)),
            _ => Ok(query.bytes().to_vec()),
        }
    }

    fn is_open(&self) -> bool {
        true
    }
}

fn counts(port: u16) -> Arc<Counts> {
    let mut all = lock(&COUNTS);
    if let Some((_, counts)) = all.iter().find(|(known, _)| *known == port) {
        return Arc::clone(counts);
    }
    all.push((port, Arc::default()));
    Arc::clone(&all.last().unwrap().1)
}

fn kept(port: u16) -> (Arc<KeptConnection<Counted>>, Arc<Counts>) {
    let address = ([192, 0, 2, 1], port).into();
    let server =
        EncryptedServer { address, name: None, path: None, verify: Verify::Off, purpose: Purpose::Queries };
    (Arc::new(KeptConnection::new(server)), counts(port))
}

fn query(flags: u16) -> Query {
    let qname: Name = "www.example.".parse().unwrap();
    let request = Request { qname: qname.as_ref(), qtype: Rtype::A, flags, edns_flags: 0 };
    Query::new(&request, Form::Padded, Case::Lower, &Random::new())
}

fn told(counts: &Counts) -> [usize; 3] {
    [&counts.opened, &counts.asked, &counts.closed].map(|count| count.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_when_nobody_has_asked_over_it_for_a_while() {
    let (kept, counts) = kept(1);
    counts.open.notify_one();
    kept.ask(query(Header::RD)).await.unwrap();
    for _ in 0..2 {
        time::sleep(IDLE_MAX - Duration::from_secs(1)).await;
        kept.ask(query(Header::RD)).await.unwrap();
    }
    assert_eq!(told(&counts), [1, 3, 0], "each query prolongs it");
    time::sleep(IDLE_MAX + Duration::from_secs(1)).await;
    assert_eq!(told(&counts), [1, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_query_under_way_keeps_its_connection() {
    let (kept, counts) = kept(2);
    counts.open.notify_one();
    let slow = time::timeout(IDLE_MAX * 3, kept.ask(query(0)));
    assert!(slow.await.is_err());
    assert_eq!(told(&counts), [1, 1, 0]);
    time::sleep(IDLE_MAX * 2).await;
    assert_eq!(told(&counts), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_opened_to_its_end_also_if_the_query_for_it_is_given_up() {
    let (kept, counts) = kept(3);
    let given_up = time::timeout(Duration::from_secs(1), kept.ask(query(Header::RD)));
    assert!(given_up.await.is_err());
    counts.open.notify_one();
    kept.ask(query(Header::RD)).await.unwrap();
    assert_eq!(told(&counts), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_query_is_asked_once_more_over_a_new_connection_and_no_more() {
    let (kept, counts) = kept(4);
    counts.open.notify_one();
    for _ in 0..3 {
        kept.ask(query(Header::RD)).await.unwrap();
    }
    counts.open.notify_one();
    kept.ask(query(Header::RD)).await.unwrap();
    assert_eq!(told(&counts), [2, 5, 1], "the fourth query was asked twice");
    // One that was opened for just this query.
    counts.asked.store(7, Ordering::Relaxed);
    kept.leave_if_silent_since(Instant::now());
    counts.open.notify_one();
    assert!(matches!(kept.ask(query(Header::RD)).await, Err(Failure::Closed)));
    assert_eq!(told(&counts), [3, 8, 3]);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_learn_why_there_is_no_connection_and_the_next_one_tries_again() {
    let (kept, counts) = kept(5);
    counts.opened.store(9, Ordering::Relaxed);
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move { kept.ask(query(Header::RD)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    counts.open.notify_one();
    for one in waiting {
        assert_eq!(one.await.unwrap().unwrap_err().to_string(), "nobody there");
    }
    assert_eq!(told(&counts), [10, 0, 0]);
    counts.opened.store(0, Ordering::Relaxed);
    counts.open.notify_one();
    kept.ask(query(Header::RD)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_too_long_to_open_is_a_failure() {
    let (kept, counts) = kept(6);
    let failure = kept.ask(query(Header::RD)).await.unwrap_err();
    assert_eq!(failure.to_string(), "timed out");
    assert_eq!(told(&counts), [0, 0, 0]);
}
