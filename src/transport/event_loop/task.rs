//! Tasks of a loop, as its sockets, its clocks and other threads see them.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, epoll, eventfd};
use tokio::sync::oneshot;

use crate::sync::lock;

/// What a loop runs.
pub(super) type LoopFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The key that the alarm is registered with; no task has it.
pub(super) const WAKE_KEY: u64 = u64::MAX;

/// No moment.
pub(super) const NEVER: u64 = u64::MAX;

/// Reads and writes of one task before others have a turn.
const STEPS_PER_TURN_MAX: u32 = 128;

/// Something may be there to be read.
pub(super) const READABLE: u8 = 1;

/// There may be room to write.
pub(super) const WRITABLE: u8 = 2;

/// The client has ended its side, or the connection has failed. The loop hears of that once, so every read and write is tried
/// from then on.
pub(super) const CLOSED: u8 = 4;

/// A loop, as others see it. When it has ended, what it is given is dropped.
#[derive(Clone)]
pub(in crate::transport) struct LoopHandle(pub(super) Arc<Shared>);

/// What a loop shares with its tasks, and with who wakes them.
pub(super) struct Shared {
    pub(super) epoll: OwnedFd,
    /// Wakes the loop from other threads.
    alarm: OwnedFd,
    queue: Mutex<Queue>,
    /// Whether the loop waits, or is about to, so that only the alarm wakes it.
    pub(super) sleeps: AtomicBool,
    /// What its moments are counted from.
    since: Instant,
    /// When the loop last looked at the clock, in milliseconds since then.
    now: AtomicU64,
    /// Whether somebody asks for its pulse.
    is_asked: AtomicBool,
}

/// What the loop has to look at.
#[derive(Default)]
pub(super) struct Queue {
    /// Tasks that are new.
    pub(super) new: Vec<NewTask>,
    /// Places of tasks that were woken.
    pub(super) woken: Vec<usize>,
    /// Places that are free.
    free: Vec<Arc<Task>>,
    /// Places that there are.
    places: usize,
    /// Whether every task is to have a turn.
    pub(super) all: bool,
    /// Who asks whether the loop goes on, each until its sender is dropped.
    pulses: Vec<oneshot::Sender<()>>,
    /// Whether the loop is to end.
    pub(super) has_ended: bool,
}

/// A task that does not run yet.
pub(super) struct NewTask {
    pub(super) task: Arc<Task>,
    pub(super) group: Arc<Group>,
    pub(super) future: LoopFuture,
}

/// Tasks that end together: those of one listener.
#[derive(Default)]
pub(super) struct Group {
    /// How many there are.
    pub(super) count: AtomicUsize,
    /// Woken when the last of them ends.
    pub(super) last: Mutex<Option<Waker>>,
    /// Whether they are to end where they are.
    pub(super) is_aborted: AtomicBool,
}

/// The place of a task in its loop. The next one has it when it has ended, so that what is late wakes that one in vain.
pub(super) struct Task {
    pub(super) place: usize,
    pub(super) shared: Arc<Shared>,
    is_woken: AtomicBool,
    /// What may be done with its socket.
    ready: AtomicU8,
    /// Reads and writes that are left in this turn.
    steps: AtomicU32,
    /// When it is to have a turn, in milliseconds as the loop counts them.
    due: AtomicU64,
}

impl LoopHandle {
    /// Of a loop that is still to run.
    ///
    /// # Errors
    /// Those of epoll_create1(2) and eventfd(2).
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let alarm = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // With EPOLLET each write is an event of its own: nobody needs to reset the alarm.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &alarm, epoll::EventData::new_u64(WAKE_KEY), flags)?;
        Ok(Self(Arc::new(Shared {
            epoll,
            alarm,
            queue: Mutex::default(),
            sleeps: AtomicBool::new(false),
            since: Instant::now(),
            now: AtomicU64::new(0),
            is_asked: AtomicBool::new(false),
        })))
    }

    /// Lets the loop end, without waiting for it.
    pub(in crate::transport) fn end(&self) {
        self.0.change(|queue| queue.has_ended = true);
    }

    /// Asks whether the loop goes on, idle or not: resolves when it has looked up from its tasks. None: it has ended.
    pub(in crate::transport) fn pulse(&self) -> Option<oneshot::Receiver<()>> {
        let (asking, answered) = oneshot::channel();
        let mut asking = Some(asking);
        self.0.change(|queue| {
            queue.pulses.extend(asking.take_if(|_| !queue.has_ended));
            self.0.is_asked.store(true, Ordering::Relaxed);
        });
        asking.is_none().then_some(answered)
    }
}

impl Shared {
    /// Changes what the loop has to look at, and wakes it.
    pub(super) fn change(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut lock(&self.queue));
        // The loop sets `sleeps` before its last look into the queue: whoever changes the queue after that look finds it set.
        if self.sleeps.load(Ordering::SeqCst) && self.sleeps.swap(false, Ordering::SeqCst) {
            // It fails only where it is set already.
            let _ = rustix::io::write(&self.alarm, &1_u64.to_ne_bytes());
        }
    }

    /// Looks into the queue.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Queue) -> T) -> T {
        look(&mut lock(&self.queue))
    }

    /// A place for a new task.
    pub(super) fn place(self: &Arc<Self>) -> Arc<Task> {
        let mut queue = lock(&self.queue);
        let task = queue.free.pop().unwrap_or_else(|| {
            let place = queue.places;
            // Each is in memory.
            queue.places = place.saturating_add(1);
            Arc::new(Task {
                place,
                shared: Arc::clone(self),
                is_woken: AtomicBool::new(false),
                ready: AtomicU8::new(0),
                steps: AtomicU32::new(0),
                due: AtomicU64::new(NEVER),
            })
        });
        drop(queue);
        task.ready.store(READABLE | WRITABLE, Ordering::Relaxed);
        task
    }

    /// Takes the place of a task back that has ended.
    pub(super) fn give_back(&self, task: Arc<Task>) {
        lock(&self.queue).free.push(task);
    }

    /// Drops what is queued, when the loop has ended: places have the loop, and the loop has places.
    pub(super) fn clear(&self) {
        let ended = Queue { has_ended: true, ..Queue::default() };
        drop(self.look(|queue| std::mem::replace(queue, ended)));
    }

    /// Looks at the clock, and tells those who ask that the loop goes on.
    pub(super) fn look_up(&self) {
        self.now.store(self.count(Instant::now()), Ordering::Relaxed);
        // Whoever asks leaves its sender first. One that comes in between is found now or the next time.
        if self.is_asked.load(Ordering::Relaxed) && self.is_asked.swap(false, Ordering::AcqRel) {
            drop(self.look(|queue| std::mem::take(&mut queue.pulses)));
        }
    }

    /// When the loop last looked at the clock, in milliseconds as it counts them.
    pub(super) fn passed(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// The same as a moment.
    pub(super) fn now(&self) -> Instant {
        self.since.checked_add(Duration::from_millis(self.passed())).unwrap_or(self.since)
    }

    /// Milliseconds until `at`, as the loop counts them: half a billion years fit.
    fn count(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.since).as_millis()).unwrap_or(NEVER)
    }
}

impl Queue {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.woken.is_empty() && self.pulses.is_empty() && !self.all && !self.has_ended
    }
}

impl Task {
    /// What its sockets are registered with.
    pub(super) fn key(&self) -> u64 {
        // A usize has at most 64 bits.
        u64::try_from(self.place).unwrap_or(WAKE_KEY)
    }

    /// Begins a turn of it.
    pub(super) fn begin_turn(&self) {
        // Before it looks at anything: what comes later wakes it once more.
        self.is_woken.swap(false, Ordering::AcqRel);
        self.due.store(NEVER, Ordering::Relaxed);
        self.steps.store(STEPS_PER_TURN_MAX, Ordering::Relaxed);
    }

    /// Whether it may go on reading and writing; if not, it has another turn.
    pub(super) fn step(&self, waker: &Waker) -> bool {
        let left = self.steps.load(Ordering::Relaxed);
        match left.checked_sub(1) {
            Some(left) => self.steps.store(left, Ordering::Relaxed),
            None => waker.wake_by_ref(),
        }
        left > 0
    }

    /// What may be done with its socket, more than before.
    pub(super) fn add_ready(&self, what: u8) {
        self.ready.store(self.ready.load(Ordering::Relaxed) | what, Ordering::Relaxed);
    }

    /// There is nothing to read, or no room to write, until there is more.
    pub(super) fn remove_ready(&self, what: u8) {
        self.ready.store(self.ready.load(Ordering::Relaxed) & !what, Ordering::Relaxed);
    }

    /// Whether it is worth trying.
    pub(super) fn is_ready(&self, what: u8) -> bool {
        self.ready.load(Ordering::Relaxed) & (what | CLOSED) != 0
    }

    /// Has it have a turn at `at`, or when it was to have one sooner.
    pub(super) fn set_due(&self, at: Instant) {
        let at = self.shared.count(at).saturating_add(1);
        self.due.store(self.due.load(Ordering::Relaxed).min(at), Ordering::Relaxed);
    }

    /// When that is, in milliseconds as the loop counts them; [`NEVER`]: it waits for no moment.
    pub(super) fn due(&self) -> u64 {
        self.due.load(Ordering::Relaxed)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            self.shared.change(|queue| queue.woken.push(self.place));
        }
    }
}

impl Group {
    /// Has them end where they are.
    pub(super) fn abort(&self, shared: &Shared) {
        self.is_aborted.store(true, Ordering::Relaxed);
        shared.change(|queue| queue.all = true);
    }

    /// One of them has ended.
    pub(super) fn end_one(&self) {
        if self.count.fetch_sub(1, Ordering::Relaxed) == 1
            && let Some(last) = &*lock(&self.last)
        {
            last.wake_by_ref();
        }
    }
}
