//! UDP workers: plain threads, each with its own socket per listen address.
//!
//! Receives, calls the responder and sends, in batches, and empties a socket before it is closed. Not
//! responsible for how batches are moved (`mmsg`), or for which sockets a worker serves (`running`).
//!
//! A worker waits in poll(2), also with a single socket: a blocked recvmmsg can be woken only by shutting the
//! socket down, which cannot be undone, so an address could not be added without losing queries of another.
//! The call costs 0.8 µs per batch on a 2-core virtual machine, and the batches of a worker that has much to
//! do are full.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::Socket;
use tokio::sync::oneshot;

use super::affinity::Cores;
use super::deferred::{Deferred, HandedOver};
use super::durations::Durations;
use super::mmsg::{Batch, Waiter};
use super::responder::Responder;
use crate::answer::{Peer, Reply, Transport};

/// Batches answered from a socket that is about to be closed. Enough for a full receive buffer of the size
/// asked for, in the smallest datagrams (each is charged with 768 bytes or more); a flood must not keep it
/// open.
const DRAIN_BATCHES_MAX: usize = 256;

/// Queries received at once from which on the next batch is taken without waiting for it.
const BUSY_BATCH_MIN: usize = 2;

/// Batches taken from one socket before the others, and orders, have their turn: half a millisecond at full
/// load.
const RUN_BATCHES_MAX: usize = 4;

/// Pause after the kernel refused to receive or to wait, for instance for lack of memory, so that a lasting
/// refusal does not take the whole core.
const REFUSED_PAUSE: Duration = Duration::from_millis(10);

/// One batch in this many is timed: two looks at the clock, 50 ns, are nothing among the system calls of 16.
const BATCHES_PER_TIMED: u8 = 16;

/// What went wrong in UDP workers. What they answered is counted by the responder; these are rare, so all
/// workers share them.
#[derive(Debug, Default)]
pub struct UdpCounters {
    /// Datagrams dropped because they are longer than any query.
    pub oversized: AtomicU64,
    /// Responses that the kernel did not take: for lack of room, or longer than the link carries.
    pub unsent: AtomicU64,
    /// Calls to receive or to wait that the kernel refused.
    pub refused: AtomicU64,
    /// From queries being received to their responses being with the kernel, of one batch in 16.
    pub durations: Durations,
}

/// What a worker serves.
pub(super) struct Assignment {
    /// One socket of each listen address that has datagrams.
    pub(super) sockets: Vec<Arc<Socket>>,
    /// The cores that it stays on; none: it stays where it is.
    pub(super) cores: Option<Cores>,
}

/// An assignment on its way to a worker.
struct Order {
    assignment: Assignment,
    /// Dropped when it has been taken up.
    done: oneshot::Sender<()>,
}

/// The owner's end of one worker thread. Dropping it stops the worker.
pub(super) struct WorkerHandle {
    orders: mpsc::Sender<Order>,
    wake: PipeWriter,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

/// The thread's end.
struct Worker<R> {
    sockets: Vec<Arc<Socket>>,
    orders: mpsc::Receiver<Order>,
    wake: PipeReader,
    service: Service<R>,
}

/// What a worker does for any of its sockets.
struct Service<R> {
    responder: R,
    batch: Batch,
    counters: Arc<UdpCounters>,
    receiving: Receiving,
    /// Batches until one is timed.
    untimed: u8,
}

/// Whether the last receive worked; only changes are logged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receiving {
    Working,
    Refused,
}

impl WorkerHandle {
    /// Starts the worker `index`, which serves `sockets` and stays on cores of its own; none: it runs
    /// anywhere.
    ///
    /// # Errors
    /// Those of pipe(2) and of starting a thread.
    pub(super) fn start<R: Responder>(
        index: usize,
        Assignment { sockets, cores }: Assignment,
        responder: R,
        counters: Arc<UdpCounters>,
    ) -> io::Result<Self> {
        let (woken, wake) = io::pipe()?;
        // Waking a worker never waits. The worker's end, which is a file description of its own, blocks.
        rustix::io::ioctl_fionbio(&wake, true)?;
        let (orders, ordered) = mpsc::channel();
        let (running, ended) = oneshot::channel();
        let service =
            Service { responder, batch: Batch::new(), counters, receiving: Receiving::Working, untimed: 0 };
        let worker = Worker { sockets, orders: ordered, wake: woken, service };
        let thread = thread::Builder::new().name(format!("edgedns-udp-{index}")).spawn(move || {
            settle_on(cores.as_ref());
            worker.run();
            drop(running);
        })?;
        Ok(Self { orders, wake, ended, thread })
    }

    /// Gives the worker another assignment. The receiver returned resolves when it has taken it up, and when
    /// the queries at the sockets left out are answered.
    pub(super) fn serve(&mut self, assignment: Assignment) -> oneshot::Receiver<()> {
        let (done, applied) = oneshot::channel();
        // A worker that has ended drops the order and with it `done`; there is nothing to wait for then.
        if self.orders.send(Order { assignment, done }).is_ok() {
            // A pipe that is full wakes it as well: nothing is lost with one byte more.
            let _ = self.wake.write(&[1]);
        }
        applied
    }

    /// Whether the thread has ended, which it does on its own only by a panic.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Lets the worker answer what is queued and end. The receiver returned resolves when the thread has
    /// nothing left to do.
    pub(super) fn stop(self) -> (oneshot::Receiver<()>, JoinHandle<()>) {
        (self.ended, self.thread)
    }
}

impl<R: Responder> Worker<R> {
    fn run(mut self) {
        while !self.sockets.is_empty() {
            self.serve_until_woken();
            self.obey();
        }
    }

    /// HOT: answers batch after batch until there are orders.
    fn serve_until_woken(&mut self) {
        let descriptors = self.sockets.iter().map(|socket| socket.as_fd());
        let mut waiter = Waiter::new(std::iter::once(self.wake.as_fd()).chain(descriptors));
        loop {
            if let Err(error) = waiter.wait() {
                self.service.refused(&error);
                continue;
            }
            let mut ready = waiter.ready();
            if ready.next() != Some(false) {
                return;
            }
            for (socket, ready) in self.sockets.iter().zip(ready) {
                if ready {
                    self.service.serve_run(socket);
                }
            }
        }
    }

    /// Carries out the orders that wait; the loss of the owner means: stop.
    fn obey(&mut self) {
        // The bytes only wake; how many there are says nothing.
        match self.wake.read(&mut [0; 64]) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return self.replace(Vec::new()),
        }
        // There may be a newer snapshot; an idle worker would not look until its next query.
        self.service.responder.begin_batch();
        loop {
            match self.orders.try_recv() {
                Ok(order) => {
                    let Assignment { sockets, cores } = order.assignment;
                    settle_on(cores.as_ref());
                    self.replace(sockets);
                    drop(order.done);
                }
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => return self.replace(Vec::new()),
            }
        }
    }

    /// Serves `sockets` from now on; empties and lets go those that leave.
    fn replace(&mut self, sockets: Vec<Arc<Socket>>) {
        let before = std::mem::replace(&mut self.sockets, sockets);
        for old in before {
            if !self.sockets.iter().any(|kept| Arc::ptr_eq(kept, &old)) {
                self.service.drain(&old);
            }
        }
    }
}

impl<R: Responder> Service<R> {
    /// HOT: batch after batch while several queries come at once; then more have arrived meanwhile, and
    /// waiting first would cost a call in vain.
    fn serve_run(&mut self, socket: &Arc<Socket>) {
        for _ in 0..RUN_BATCHES_MAX {
            if self.serve_batch(socket) < BUSY_BATCH_MIN {
                return;
            }
        }
    }

    /// HOT: one batch from receive to send; returns how many queries came.
    fn serve_batch(&mut self, socket: &Arc<Socket>) -> usize {
        let received = match self.batch.receive(socket.as_fd()) {
            Ok(received) => received,
            Err(error) => {
                self.refused(&error);
                return 0;
            }
        };
        if self.receiving == Receiving::Refused {
            self.recovered();
        }
        if received == 0 {
            return 0;
        }
        let started = self.is_timed().then(Instant::now);
        self.responder.begin_batch();
        let responder = &mut self.responder;
        let passed = self.batch.answer(|arrival, out| {
            let peer = Peer { address: arrival.client, transport: Transport::Udp };
            let reply = responder.respond(peer, arrival.query, out);
            match reply {
                Reply::Send { .. } | Reply::Drop => {}
                Reply::Forward => responder.forward(Deferred::datagram(peer, arrival, socket)),
                Reply::HandOver(kind) => {
                    responder.hand_over(HandedOver::datagram(kind, peer, arrival, socket));
                }
                Reply::ForwardTail { len } => {
                    let partial = out.get(..len).unwrap_or_default();
                    responder.forward(Deferred::datagram(peer, arrival, socket).with_partial(partial));
                }
            }
            reply
        });
        if passed.oversized > 0 {
            self.counters.oversized.fetch_add(passed.oversized, Ordering::Relaxed);
        }
        let unsent = self.batch.send(socket.as_fd());
        if unsent > 0 {
            self.counters.unsent.fetch_add(unsent, Ordering::Relaxed);
        }
        if let Some(started) = started {
            self.counters.durations.note(started.elapsed(), received);
        }
        received
    }

    /// Whether this batch is one of those that are timed; the first one is.
    fn is_timed(&mut self) -> bool {
        let timed = self.untimed == 0;
        self.untimed = if timed { BATCHES_PER_TIMED } else { self.untimed }.saturating_sub(1);
        timed
    }

    /// Answers what is queued at a socket that is about to be closed.
    fn drain(&mut self, socket: &Arc<Socket>) {
        for _ in 0..DRAIN_BATCHES_MAX {
            if self.serve_batch(socket) == 0 {
                return;
            }
        }
    }

    #[cold]
    fn refused(&mut self, error: &io::Error) {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        if self.receiving == Receiving::Working {
            tracing::warn!(%error, "a UDP worker cannot receive, and tries again");
            self.receiving = Receiving::Refused;
        }
        thread::sleep(REFUSED_PAUSE);
    }

    #[cold]
    fn recovered(&mut self) {
        tracing::info!("the UDP worker receives again");
        self.receiving = Receiving::Working;
    }
}

/// Keeps the worker that calls it on these cores. It serves as well elsewhere.
fn settle_on(cores: Option<&Cores>) {
    if let Some(Err(error)) = cores.map(Cores::stay_on) {
        tracing::warn!(%error, "cannot keep a UDP worker on its core (sched_setaffinity); it runs on any");
    }
}
