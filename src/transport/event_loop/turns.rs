//! The turns of a loop: who is woken, when, and in which order.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, Event, EventFlags};
use rustix::time::Timespec;

use super::next_look::NextLook;
use super::task::{
    CLOSED, Group, LoopFuture, LoopHandle, NewTask, READABLE, Shared, Task, WAKE_KEY, WRITABLE,
};

/// Sockets that are heard of at a time.
const EVENTS_MAX: usize = 256;

/// Turns of tasks until the loop looks up from them. Those of a flood take some milliseconds each, and a look at the clock as
/// long as reading a few bytes.
const TURNS_PER_LOOK: u32 = 16;

/// A loop, which runs on the thread that has it.
pub(in crate::transport) struct EventLoop {
    shared: Arc<Shared>,
    /// By place.
    places: Vec<Place>,
    /// What was taken from the queue.
    new: Vec<NewTask>,
    woken: Vec<usize>,
    /// Turns that are left until the loop looks up.
    turns: u32,
    next_look: NextLook,
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
            turns: 0,
            next_look: NextLook::default(),
        };
        Ok((this, handle))
    }

    /// Runs until its handle ends it.
    pub(in crate::transport) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS_MAX);
        self.look_up();
        while self.run_queued().is_continue() {
            if let Err(error) = self.wait(&mut events) {
                // It is the loop's own poll, which nobody closes.
                tracing::error!(%error, "cannot wait for TCP connections (epoll_wait); this thread serves none any more");
                break;
            }
            self.look_up();
            self.run_ready(&events);
            self.run_due();
        }
    }

    /// Waits until there is something to do.
    fn wait(&self, events: &mut Vec<Event>) -> rustix::io::Result<()> {
        self.shared.sleeps.store(true, Ordering::SeqCst);
        let wait = if self.shared.look(|queue| queue.is_empty()) {
            self.next_look.sleep(self.shared.passed())
        } else {
            Some(Duration::ZERO)
        };
        // An hour at most.
        let wait = wait.map(|wait| Timespec::try_from(wait).unwrap_or_default());
        events.clear();
        let waited = epoll::wait(&self.shared.epoll, spare_capacity(events), wait.as_ref());
        self.shared.sleeps.store(false, Ordering::SeqCst);
        match waited {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a turn to who is new or was woken, unless the loop is to end.
    fn run_queued(&mut self) -> ControlFlow<()> {
        let (mut new, mut woken) = (std::mem::take(&mut self.new), std::mem::take(&mut self.woken));
        let (all, has_ended) = self.shared.look(|queue| {
            std::mem::swap(&mut queue.new, &mut new);
            std::mem::swap(&mut queue.woken, &mut woken);
            (std::mem::take(&mut queue.all), queue.has_ended)
        });
        if has_ended {
            return ControlFlow::Break(());
        }
        for started in new.drain(..) {
            let place = started.task.place;
            self.take_in(started);
            self.run_one(place);
        }
        for place in woken.drain(..) {
            self.run_one(place);
        }
        let others = if all { self.places.len() } else { 0 };
        for place in 0..others {
            self.run_one(place);
        }
        (self.new, self.woken) = (new, woken);
        ControlFlow::Continue(())
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
    fn run_ready(&mut self, events: &[Event]) {
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
                self.run_one(place);
            }
        }
    }

    /// Gives a turn to those whose moment has come.
    fn run_due(&mut self) {
        if !self.next_look.has_come(self.shared.passed()) {
            return;
        }
        self.next_look = NextLook::default();
        for place in 0..self.places.len() {
            let running = self.places.get(place).and_then(|place| place.running.as_ref());
            let Some(running) = running else { continue };
            let (due, now) = (running.task.due(), self.shared.passed());
            if due <= now {
                // What its client has sent in time comes before the moment, though the loop has not heard of it yet.
                running.task.add_ready(READABLE | WRITABLE);
                self.run_one(place);
            } else {
                self.next_look.include(due, now);
            }
        }
    }

    fn run_one(&mut self, place: usize) {
        match self.turns.checked_sub(1) {
            Some(left) => self.turns = left,
            None => self.look_up(),
        }
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
        } else {
            self.next_look.include(running.task.due(), self.shared.passed());
        }
    }

    /// Looks up from the tasks: at the clock, and at who asks whether the loop goes on.
    fn look_up(&mut self) {
        self.turns = TURNS_PER_LOOK;
        self.shared.look_up();
    }
}

/// However it has ended: what it still runs, and what is queued, is dropped.
impl Drop for EventLoop {
    fn drop(&mut self) {
        // What still runs may wake others, and end places.
        self.places.clear();
        self.new.clear();
        self.shared.clear();
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
