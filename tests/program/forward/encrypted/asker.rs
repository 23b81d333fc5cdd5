//! A client that asks one name after the other without a pause, so that a connection to an upstream is never silent; and
//! tests for which it must not be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use harness::stub::{query, said, send};
use harness::upstream::ADDRESS;

/// Longest time without an answer for which nobody can call the connection silent: less than the `timeout` of 500 ms of
/// these tests.
const GAP_MAX: Duration = Duration::from_millis(400);

/// Most tries to get by without a gap, on a machine that is busy with other things.
const ROUNDS_MAX: usize = 10;

/// The client.
pub(super) struct Asker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Answered>,
}

/// What it got.
#[derive(Debug)]
pub(super) struct Answered {
    /// How many answers.
    count: usize,
    /// The longest time from a query to the answer of the one after it: in each span of this length something has come.
    gap: Duration,
    /// Answers that were not the one address there is.
    wrong: Vec<String>,
}

impl Asker {
    /// Returns when it has its first answer.
    pub(super) fn start(server: SocketAddr) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let (begun, first) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut answered = Answered { count: 0, gap: Duration::ZERO, wrong: Vec::new() };
            let mut before = None;
            while !stopped.load(Ordering::Relaxed) || answered.count < 2 {
                let sent = Instant::now();
                let qname = format!("n{}.test.", answered.count);
                let response = send(server, &query(&qname, RecordType::A));
                let said = response.map_or_else(|| "nothing".to_owned(), |response| said(&response));
                answered.gap = answered.gap.max(before.unwrap_or(sent).elapsed());
                before = Some(sent);
                answered.count += 1;
                if said != ADDRESS.to_string() {
                    answered.wrong.push(said);
                }
                // Only the first one is waited for.
                let _ = begun.send(());
            }
            answered
        });
        first.recv().expect("an answer");
        Self { stop, thread }
    }

    /// What it got to the end.
    pub(super) fn stop(self) -> Answered {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("answers")
    }
}

impl Answered {
    /// Judges, if something has come all the time; what it got otherwise.
    pub(super) fn without_a_gap(&self, judge: impl FnOnce()) -> Option<Duration> {
        if self.gap > GAP_MAX {
            return Some(self.gap);
        }
        assert!(self.wrong.is_empty(), "{self:?}");
        judge();
        None
    }
}

/// Runs a test until there is no gap in what its client gets; the test returns the one there was.
pub(super) fn without_a_gap(test: impl Fn() -> Option<Duration>) {
    let gaps: Vec<Duration> = std::iter::repeat_with(test).take(ROUNDS_MAX).map_while(|gap| gap).collect();
    assert!(
        gaps.len() < ROUNDS_MAX,
        "this machine is too busy to try it: in no round was there an answer every {GAP_MAX:?}: {gaps:?}"
    );
}
