//! Telling one server that a zone has changed (RFC 1996): when, how often, and when to give up. Time is passed in.
//!
//! ```text
//!   idle ── a new serial ──▶ due ── sent ──▶ asked ── answered ──▶ idle
//!                             ▲                │ no answer
//!                             └── later, 5 times ──▶ given up, until the next serial
//! ```
//!
//! One NOTIFY is under way at a time. Of the serials that come meanwhile only the newest is sent.

use std::time::{Duration, Instant};

/// Tries per serial and server.
pub(super) const TRIES_MAX: u32 = 5;

/// Wait for the first answer; each retry waits twice as long (RFC 1996, section 3.6, leaves it to us).
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(3);

/// The NOTIFY of one zone to one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Notification {
    /// The newest serial.
    newest: Option<u32>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    /// To be sent then, after so many tries.
    Due(Instant, u32),
    /// Sent for the n-th time, with this serial.
    Asked(u32, u32),
}

/// The result of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotifyOutcome {
    /// It has answered.
    Heard,
    /// It has not, or it refused; with the reason.
    Failed(String),
}

/// One try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotifyTry {
    /// The serial to tell.
    pub(super) serial: u32,
    /// How long to wait for the answer.
    pub(super) wait: Duration,
}

impl Notification {
    /// The zone has this serial from now on.
    pub(super) fn changed(&mut self, serial: u32, now: Instant) {
        if self.newest == Some(serial) {
            return;
        }
        self.newest = Some(serial);
        if !matches!(self.state, State::Asked(..)) {
            self.state = State::Due(now, 0);
        }
    }

    /// When it is to be sent.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Due(at, _) => Some(at),
            State::Idle | State::Asked(..) => None,
        }
    }

    /// Begins a try that is due.
    pub(super) fn begin(&mut self, now: Instant) -> Option<NotifyTry> {
        let State::Due(at, tries) = self.state else { return None };
        let serial = self.newest.filter(|_| at <= now)?;
        self.state = State::Asked(tries.saturating_add(1), serial);
        Some(NotifyTry { serial, wait: wait(tries) })
    }

    /// The try that was begun has ended.
    pub(super) fn ended(&mut self, outcome: &NotifyOutcome, now: Instant) {
        let State::Asked(tries, serial) = self.state else { return };
        let is_newest = self.newest == Some(serial);
        self.state = match outcome {
            NotifyOutcome::Heard if is_newest => State::Idle,
            // A newer serial is sent at once, and gets all its tries.
            NotifyOutcome::Heard => State::Due(now, 0),
            NotifyOutcome::Failed(_) if !is_newest => State::Due(now, 0),
            NotifyOutcome::Failed(_) if tries >= TRIES_MAX => State::Idle,
            // One that refuses at once is not asked again at once.
            NotifyOutcome::Failed(_) => {
                now.checked_add(FIRST_WAIT).map_or(State::Idle, |at| State::Due(at, tries))
            }
        };
    }

    /// Whether there is nothing to send.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }
}

/// How long to wait for the answer to the next try.
fn wait(tries: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> NotifyOutcome {
        NotifyOutcome::Failed("silence".to_owned())
    }

    #[test]
    fn a_serial_is_told_once_to_who_answers() {
        let (mut told, now) = (Notification::default(), Instant::now());
        told.changed(7, now);
        assert_eq!(told.begin(now), Some(NotifyTry { serial: 7, wait: FIRST_WAIT }));
        assert_eq!((told.begin(now), told.due()), (None, None), "one at a time");
        told.ended(&NotifyOutcome::Heard, now);
        assert!(told.is_idle());
        told.changed(7, now);
        assert!(told.is_idle(), "it knows");
    }

    #[test]
    fn who_is_silent_is_told_five_times_and_longer_waited_for_each_time() {
        let (mut told, mut now) = (Notification::default(), Instant::now());
        told.changed(7, now);
        let mut waits = Vec::new();
        while let Some(due) = told.due() {
            now = now.max(due);
            let begun = told.begin(now).unwrap();
            now += begun.wait;
            waits.push(begun.wait.as_secs());
            told.ended(&failed(), now);
        }
        assert_eq!(waits, [3, 6, 12, 24, 48]);
        told.changed(8, now);
        assert_eq!(
            told.begin(now).unwrap(),
            NotifyTry { serial: 8, wait: FIRST_WAIT },
            "a new serial begins anew"
        );
    }

    #[test]
    fn serials_that_come_meanwhile_are_told_as_one() {
        let (mut told, now) = (Notification::default(), Instant::now());
        (1..=3).for_each(|serial| told.changed(serial, now));
        assert_eq!(told.begin(now).unwrap().serial, 3);
        (4..=9).for_each(|serial| told.changed(serial, now));
        assert_eq!(told.due(), None);
        told.ended(&NotifyOutcome::Heard, now);
        assert_eq!(told.begin(now).unwrap().serial, 9);
        told.ended(&NotifyOutcome::Heard, now);
        assert!(told.is_idle());
    }
}
