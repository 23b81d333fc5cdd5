//! The turns of a loop: who is woken, when, and in which order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventFlags};
use rustix::time::Timespec;

use super::task::{
    CLOSED, Group, LoopFuture, LoopHandle, NewTask, READABLE, Shared, Task, WAKE_KEY, WRITABLE,
};

/// Sockets that are heard of at a time.
const EVENTS_MAX: usize = 256;

/// How long after its moment a task has its turn, at most: limits of connections are seconds.
const LATE_MAX: Duration = Duration::from_millis(100);

/// A loop, which runs on the thread that has it.
pub(in crate::transport) struct EventLoop {
    shared: Arc<Shared>,
    /// By place.
    places: Vec<Place>,
    /// What was taken from the queue.
    new: Vec<NewTask>,
    woken: Vec<usize>,
    /// When moments are looked at next; none: no task waits for one.
    look_at: Option<Instant>,
}

/// The place of a task.
#[derive(Default)]
struct Place {
    waker: Option<Waker>,
    running: Option<Running>,
}

struct Running {
    task: Arc<Task>,
    group: Arc<Group>,
    future: LoopFuture,
}

/// Whether a loop goes on.
#[derive(PartialEq, Eq)]
enum Queued {
    /// There was something to do.
    Done,
    Nothing,
    End,
}

impl EventLoop {
    /// One that does not run yet.
    ///
    /// # Errors
    /// When the system has no more files.
    pub(in crate::transport) fn new() -> io::Result<(Self, LoopHandle)> {
        let handle = LoopHandle::new()?;
        let this = Self {
            shared: Arc::clone(&handle.0),
            places: Vec::new(),
            new: Vec::new(),
            woken: Vec::new(),
            look_at: None,
        };
        Ok((this, handle))
    }

    /// Runs until its handle ends it, and drops what it still runs.
    pub(in crate::transport) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        let mut now = self.shared.begin_turn();
        loop {
            if self.run_queued(now) == Queued::End {
                break;
            }
            if let Err(error) = self.wait(&mut events, now) {
                // It is the loop's own poll, which nobody closes.
                tracing::error!(%error, "cannot wait for connections (epoll_wait)");
                break;
            }
            now = self.shared.begin_turn();
            self.run_told(&events, now);
            self.run_due(now);
        }
        // What still runs may wake others, and end places.
        self.places.clear();
        self.new.clear();
        self.shared.clear();
    }

    /// Waits until there is something to do.
    fn wait(&self, events: &mut Vec<Event>, now: Instant) -> rustix::io::Result<()> {
        self.shared.sleeps.store(true, Ordering::SeqCst);
        let wait = if self.shared.look(|queue| queue.is_empty()) {
            self.look_at.map(|at| at.saturating_duration_since(now))
        } else {
            Some(Duration::ZERO)
        };
        // A tenth of a second fits.
        let wait = wait.map(|wait| Timespec::try_from(wait).unwrap_or_default());
        events.clear();
        let waited = epoll::wait(&self.shared.epoll, spare_capacity(events), wait.as_ref());
        self.shared.sleeps.store(false, Ordering::SeqCst);
        match waited {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a turn to who is new or was woken.
    fn run_queued(&mut self, now: Instant) -> Queued {
        let (mut new, mut woken) = (std::mem::take(&mut self.new), std::mem::take(&mut self.woken));
        let (all, has_ended) = self.shared.look(|queue| {
            std::mem::swap(&mut queue.new, &mut new);
            std::mem::swap(&mut queue.woken, &mut woken);
            (std::mem::take(&mut queue.all), queue.has_ended)
        });
        let queued = if has_ended {
            Queued::End
        } else if new.is_empty() && woken.is_empty() && !all {
            Queued::Nothing
        } else {
            Queued::Done
        };
        if queued != Queued::End {
            for started in new.drain(..) {
                let place = started.task.place;
                self.take_in(started);
                self.run_one(place, now);
            }
            for place in woken.drain(..) {
                self.run_one(place, now);
            }
            let others = if all { self.places.len() } else { 0 };
            for place in 0..others {
                self.run_one(place, now);
            }
        }
        (self.new, self.woken) = (new, woken);
        queued
    }

    fn take_in(&mut self, started: NewTask) {
        let NewTask { task, group, future } = started;
        if self.places.len() <= task.place {
            // One more than was ever needed.
            self.places.resize_with(task.place.saturating_add(1), Place::default);
        }
        if let Some(place) = self.places.get_mut(task.place) {
            place.waker.get_or_insert_with(|| Waker::from(Arc::clone(&task)));
            place.running = Some(Running { task, group, future });
        }
    }

    /// Gives a turn to those whose sockets have something for them.
    fn run_told(&mut self, events: &[Event], now: Instant) {
        for event in events {
            let (key, flags) = (event.data.u64(), event.flags);
            if key == WAKE_KEY {
                continue;
            }
            // It was made from one.
            let Ok(place) = usize::try_from(key) else { continue };
            let running = self.places.get(place).and_then(|place| place.running.as_ref());
            if let Some(running) = running {
                running.task.add_ready(ready(flags));
                self.run_one(place, now);
            }
        }
    }

    /// Gives a turn to those whose moment has come.
    fn run_due(&mut self, now: Instant) {
        if self.look_at.is_none_or(|at| now < at) {
            return;
        }
        self.look_at = None;
        for place in 0..self.places.len() {
            let running = self.places.get(place).and_then(|place| place.running.as_ref());
            let Some(running) = running else { continue };
            if running.task.is_due() {
                self.run_one(place, now);
            } else if running.task.waits() {
                self.look_later(now);
            }
        }
    }

    /// Moments are looked at soon, and for all tasks at a time.
    fn look_later(&mut self, now: Instant) {
        self.look_at.get_or_insert_with(|| now.checked_add(LATE_MAX).unwrap_or(now));
    }

    fn run_one(&mut self, place: usize, now: Instant) {
        let Some(Place { waker: Some(waker), running: slot }) = self.places.get_mut(place) else { return };
        let Some(running) = slot else { return };
        running.task.begin_turn();
        let is_aborted = running.group.is_aborted.load(Ordering::Relaxed);
        if is_aborted || running.future.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
            if let Some(Running { task, group, future }) = slot.take() {
                drop(future);
                group.end_one();
                self.shared.give_back(task);
            }
        } else if running.task.waits() {
            self.look_later(now);
        }
    }
}

/// What a socket is ready for.
fn ready(flags: EventFlags) -> u8 {
    let mut ready = 0;
    if flags.contains(EventFlags::IN) {
        ready |= READABLE;
    }
    if flags.contains(EventFlags::OUT) {
        ready |= WRITABLE;
    }
    if flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
        ready |= READABLE | CLOSED;
    }
    ready
}
