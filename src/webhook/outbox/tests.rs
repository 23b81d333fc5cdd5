//! What becomes of changes whose receiver takes them, refuses them, is away, or hangs.

use std::future::pending;

use tokio::time::Instant;

use super::*;
use crate::tls::Verify;

/// A receiver that answers like this, and knows what it was sent.
#[derive(Clone)]
struct Stub {
    answers: fn(usize) -> Option<Sent>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Answers the letter of each number, from 0, as the function says; where it says nothing, never.
    fn new(answers: fn(usize) -> Option<Sent>) -> Stub {
        Stub { answers, bodies: Arc::default() }
    }

    fn letters(&self) -> Vec<Value> {
        lock(&self.bodies).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    fn outbox(&self, sender: &Arc<Sender>) -> Outbox {
        let settings = WebhookSettings {
            url: Url::read("http://192.0.2.7/hook").unwrap(),
            secret_file: "/nonexistent".into(),
            server_name: None,
            verify: Verify::System,
            certificate: None,
        };
        Outbox::start_with(settings, Arc::clone(sender), self.clone())
    }
}

impl Post for Stub {
    async fn send(&self, body: &str) -> Sent {
        let number = {
            let mut bodies = lock(&self.bodies);
            bodies.push(body.to_owned());
            bodies.len() - 1
        };
        match (self.answers)(number) {
            Some(sent) => sent,
            None => pending().await,
        }
    }
}

fn sender() -> Arc<Sender> {
    Arc::new(Sender::new("master-0".into(), "2026-11-21T02:18:00Z".into()))
}

/// Whoever waits for a moment that no event brings moves the clock.
async fn until(outbox: &Outbox, wanted: impl Fn(&OutboxStatus) -> bool) -> OutboxStatus {
    loop {
        let status = outbox.status();
        if wanted(&status) {
            return status;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_is_tried_thirteen_times_and_given_up_right_after_the_last() {
    let (stub, began) = (Stub::new(|_| Some(Sent::NotNow("away".into()))), Instant::now());
    let outbox = stub.outbox(&sender());
    outbox.put(json!("one"));
    let status = until(&outbox, |status| status.dropped == 1).await;
    assert_eq!((status.failures, status.waiting, stub.letters().len()), (13, 0, 13));
    let between: Duration = pauses().sum();
    assert!(began.elapsed() < between + Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(began.elapsed() >= between, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_refuses_for_good_is_not_tried_again() {
    let stub = Stub::new(|number| Some(if number == 0 { Sent::Never("400".into()) } else { Sent::Taken }));
    let outbox = stub.outbox(&sender());
    outbox.put(json!("one"));
    until(&outbox, |status| status.dropped == 1).await;
    outbox.put(json!("two"));
    let status = until(&outbox, |status| status.told == 1).await;
    assert_eq!((status.failures, status.fault), (1, None));
    let letters = stub.letters();
    assert_eq!((&letters[0]["letter"], &letters[1]["letter"]), (&json!(1), &json!(2)));
    assert_eq!(letters[1]["since"], "2026-11-21T02:18:00Z");
}

#[tokio::test(start_paused = true)]
async fn changes_for_which_there_is_no_room_are_dropped_and_counted() {
    let stub = Stub::new(|_| None);
    let outbox = stub.outbox(&sender());
    for number in 0..WAITING_MAX + 7 {
        outbox.put(json!(number));
    }
    let status = outbox.status();
    assert_eq!((status.dropped, status.waiting), (7, WAITING_MAX));
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_leaves_untold_is_counted() {
    for (answers, tried) in [
        // Tried once more at once, and no more: a stop does not wait for the next turn.
        ((|_| Some(Sent::NotNow("away".into()))) as fn(usize) -> Option<Sent>, 2),
        (|_| None, 1),
    ] {
        let (stub, sender) = (Stub::new(answers), sender());
        let outbox = stub.outbox(&sender);
        for number in 0..3 {
            outbox.put(json!(number));
        }
        until(&outbox, |_| stub.letters().len() == 1).await;
        let began = Instant::now();
        outbox.stop().await;
        assert!(began.elapsed() <= STOP_WAIT + Duration::from_millis(50), "{:?}", began.elapsed());
        assert_eq!((sender.dropped.load(Ordering::Relaxed), stub.letters().len()), (3, tried));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_tells_what_waits_if_somebody_takes_it() {
    let stub = Stub::new(|number| Some(if number == 0 { Sent::NotNow("away".into()) } else { Sent::Taken }));
    let sender = sender();
    let outbox = stub.outbox(&sender);
    for number in 0..250 {
        outbox.put(json!(number));
    }
    until(&outbox, |status| status.failures == 1).await;
    outbox.stop().await;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    assert_eq!((count(&sender.told), count(&sender.dropped)), (250, 0));
}

#[tokio::test(start_paused = true)]
async fn another_receiver_goes_on_with_the_numbers_of_the_one_before() {
    let (stub, sender) = (Stub::new(|_| Some(Sent::Taken)), sender());
    for _ in 0..2 {
        let outbox = stub.outbox(&sender);
        outbox.put(json!("one"));
        outbox.stop().await;
    }
    let outbox = stub.outbox(&sender);
    assert_eq!(outbox.status().told, 2);
    assert_eq!(stub.letters()[1]["letter"], 2);
}
