//! What the queries of one connection hold together, at most.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::answer::{MessageKind, Reply, Transport};
use crate::transport::deferred::HandedOver;
use crate::transport::stream::limits::Limits;

const PEER: Peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), transport: Transport::Quic };

/// Answers at once with the longest response, or keeps what it is to answer later.
struct Keeper {
    reply: Reply,
    kept: Arc<Mutex<Vec<HandedOver>>>,
}

impl Responder for Keeper {
    fn begin_batch(&mut self) {}

    fn respond(&mut self, _: Peer, _: &[u8], _: &mut [u8]) -> Reply {
        self.reply
    }

    fn hand_over(&mut self, message: HandedOver) {
        lock(&self.kept).push(message);
    }
}

fn queries(reply: Reply) -> (ConcurrentQueries<Keeper>, Arc<Mutex<Vec<HandedOver>>>) {
    let kept = Arc::<Mutex<Vec<HandedOver>>>::default();
    let responder = Keeper { reply, kept: Arc::clone(&kept) };
    let answering = StreamResponder { responder, response: vec![0; MESSAGE_BYTES_MAX].into() };
    let activity = Activity::new(Limits::default().slot());
    let queries = ConcurrentQueries::new(activity, Arc::new(Mutex::new(answering)), ClientSession::default());
    (queries, kept)
}

/// Whether one more query is answered now.
async fn is_answered(queries: &ConcurrentQueries<Keeper>) -> bool {
    timeout(Duration::ZERO, queries.answer(PEER, &[0; HEADER_BYTES])).await.is_ok()
}

#[tokio::test]
async fn while_32_queries_wait_for_their_responses_the_next_one_is_not_taken() {
    let (queries, kept) = queries(Reply::HandOver(MessageKind::Notify));
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(queries.answer(PEER, &[0; HEADER_BYTES]).await);
    }
    assert!(!is_answered(&queries).await);
    assert_eq!(lock(&kept).len(), 32);
    let one = lock(&kept).remove(0);
    one.answer(&[0; HEADER_BYTES]).unwrap();
    let mut answered = waiting.remove(0);
    assert!(answered.next().await.is_some());
    drop(answered);
    assert!(is_answered(&queries).await);
}

/// This is what bounds all that HTTP and QUIC keep of what they are given: they hold each response itself, not a copy.
#[tokio::test]
async fn while_256_kib_of_responses_are_not_sent_the_next_query_waits() {
    let (queries, _) = queries(Reply::Send { len: MESSAGE_BYTES_MAX });
    let mut held = Vec::new();
    while held.len() < 100 && is_answered(&queries).await {
        let mut responses = queries.answer(PEER, &[0; HEADER_BYTES]).await;
        held.push(responses.next().await.unwrap());
    }
    assert_eq!(held.len(), (256 << 10) / MESSAGE_BYTES_MAX);
    held.pop();
    assert!(is_answered(&queries).await);
}
