//! The state machine of one zone: what is served of it.
//!
//! ```text
//!            refused, with a last good text
//!   empty ────────────────────────────────▶ last good
//!     │                                         │
//!     │ accepted                                │ accepted
//!     ▼              refused                    ▼
//!   current ─────────────────────▶ stale ─ accepted ─▶ current
//!     │                              │
//!     │ not confirmed in time        │ not confirmed in time
//!     └────────────▶ expired ◀───────┘     expired ─ accepted ─▶ current
//! ```
//!
//! Empty and expired zones answer SERVFAIL. A version that is held back changes nothing. The time is passed
//! in.
//!
//! A version is *checked* when [`super::Proposal::accept`] returns it, and that of an update is *journaled*
//! before [`Event::Accepted`]. Neither is a state here: until a version is accepted, the one before it is
//! served, and a version that fails on the way is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::signing::DnssecSettings;
use super::version::ZoneVersion;

/// What is served of a zone.
#[derive(Clone)]
pub enum ZoneState {
    /// Nothing: the zone never had a good version.
    Empty {
        /// Why not; none: nothing has been tried yet.
        fault: Option<Fault>,
    },
    /// The newest version.
    Current {
        /// That version.
        version: Arc<ZoneVersion>,
        /// When it expires unless it is confirmed; none: never.
        expires: Option<Instant>,
    },
    /// The last good version, because a newer one was refused.
    Stale {
        /// The version that is still served.
        version: Arc<ZoneVersion>,
        /// Why the newer one was refused.
        fault: Fault,
        /// When it expires unless a version is accepted; none: never.
        expires: Option<Instant>,
    },
    /// The last good text, stored before the last start.
    LastGood {
        /// The version made from it.
        version: Arc<ZoneVersion>,
        /// Why the sources of the zone gave no version.
        fault: Fault,
    },
    /// Nothing any more: no source has confirmed the version in time.
    Expired {
        /// Why the last proposal was refused; none: it was not.
        fault: Option<Fault>,
    },
}

/// What happens to a zone.
pub enum Event {
    /// A version is accepted, or the one that is served is confirmed.
    Accepted {
        /// That version.
        version: Arc<ZoneVersion>,
        /// How long it is valid unless it is confirmed again; none: for ever.
        holds: Option<Duration>,
    },
    /// A proposal is refused, or a source gives none.
    Refused {
        /// Why.
        fault: Fault,
        /// The version made from the last good text, if nothing else is served.
        last_good: Option<Arc<ZoneVersion>>,
    },
    /// A version was made of the one that is served, of which its sources say what they said.
    Changed {
        /// That version.
        version: Arc<ZoneVersion>,
    },
    /// The sources were read, and what a version was made from is what it was; that may be the one that is
    /// served, or an older one to which changes have been made since.
    Unchanged,
    /// The copy of an earlier start was read.
    Copied {
        /// What is in it.
        version: Arc<ZoneVersion>,
        /// How long it is valid still.
        holds: Duration,
    },
    /// What was served when a reading began was made anew, under other settings. It holds for as long as before.
    Remade {
        /// What it was made from.
        from: Arc<ZoneVersion>,
        /// What was made.
        version: Arc<ZoneVersion>,
    },
    /// A version waits until it is proposed once more.
    HeldBack,
}

/// Why the newest version of a zone is not served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// In one sentence.
    pub sentence: String,
    /// The first errors, drawn as in a terminal.
    pub drawn: Option<String>,
    /// The keys that cannot be used to sign it: when they can, its sources are to be read again. None: it is not for them.
    pub keys: Option<DnssecSettings>,
}

impl Fault {
    /// One that has no place in a text.
    pub fn of(sentence: impl Into<String>) -> Fault {
        Fault { sentence: sentence.into(), ..Fault::default() }
    }
}

impl Default for ZoneState {
    fn default() -> Self {
        ZoneState::Empty { fault: None }
    }
}

impl ZoneState {
    /// The state after an event.
    #[must_use]
    pub fn after(self, event: Event, now: Instant) -> ZoneState {
        match (self.at(now), event) {
            (_, Event::Accepted { version, holds }) => {
                // A time beyond the range of the clock means never.
                let expires = holds.and_then(|holds| now.checked_add(holds));
                // It may have expired while its targets were probed.
                ZoneState::Current { version, expires }.at(now)
            }
            (ZoneState::Empty { .. }, Event::Copied { version, holds }) => {
                ZoneState::Current { version, expires: now.checked_add(holds) }.at(now)
            }
            // What a primary has said since, or did not say in time, is newer than a file.
            (state, Event::Copied { .. }) => state,
            (state, Event::Remade { from, version }) if state.is_of(&from) => state.with_version(version),
            // A newer one has come meanwhile, or it may not be served any more.
            (state, Event::Remade { .. }) => state,
            (ZoneState::Stale { version, expires, fault: _ }, Event::Unchanged) => {
                ZoneState::Current { version, expires }
            }
            (state, Event::Changed { version }) => state.with_version(version),
            (state, Event::Unchanged | Event::HeldBack) => state,
            (ZoneState::Empty { .. }, Event::Refused { fault, last_good: None }) => {
                ZoneState::Empty { fault: Some(fault) }
            }
            (ZoneState::Empty { .. }, Event::Refused { fault, last_good: Some(version) }) => {
                ZoneState::LastGood { version, fault }
            }
            (
                ZoneState::Current { version, expires } | ZoneState::Stale { version, expires, fault: _ },
                Event::Refused { fault, last_good: _ },
            ) => ZoneState::Stale { version, fault, expires },
            (ZoneState::LastGood { version, fault: _ }, Event::Refused { fault, last_good }) => {
                ZoneState::LastGood { version: last_good.unwrap_or(version), fault }
            }
            // It must not be served again until its source confirms it.
            (ZoneState::Expired { .. }, Event::Refused { fault, last_good: _ }) => {
                ZoneState::Expired { fault: Some(fault) }
            }
        }
    }

    /// Whether this version is served.
    fn is_of(&self, version: &Arc<ZoneVersion>) -> bool {
        self.version().is_some_and(|served| Arc::ptr_eq(served, version))
    }

    /// The same with another version in place of the one that is served: what its sources said holds for that
    /// as well.
    fn with_version(self, version: Arc<ZoneVersion>) -> ZoneState {
        match self {
            ZoneState::Current { version: _, expires } => ZoneState::Current { version, expires },
            ZoneState::Stale { version: _, fault, expires } => ZoneState::Stale { version, fault, expires },
            ZoneState::LastGood { version: _, fault } => ZoneState::LastGood { version, fault },
            state @ (ZoneState::Empty { .. } | ZoneState::Expired { .. }) => state,
        }
    }

    /// The state at `now` if nothing has happened since.
    #[must_use]
    pub fn at(self, now: Instant) -> ZoneState {
        if self.next_due().is_none_or(|due| now < due) {
            return self;
        }
        let fault = match self {
            ZoneState::Stale { fault, .. } | ZoneState::LastGood { fault, .. } => Some(fault),
            ZoneState::Empty { fault } | ZoneState::Expired { fault } => fault,
            ZoneState::Current { .. } => None,
        };
        ZoneState::Expired { fault }
    }

    /// When the state changes without an event.
    pub fn next_due(&self) -> Option<Instant> {
        match self {
            ZoneState::Current { expires, .. } | ZoneState::Stale { expires, .. } => *expires,
            ZoneState::Empty { .. } | ZoneState::LastGood { .. } | ZoneState::Expired { .. } => None,
        }
    }

    /// The version that is served; none: SERVFAIL.
    pub fn version(&self) -> Option<&Arc<ZoneVersion>> {
        match self {
            ZoneState::Current { version, .. }
            | ZoneState::Stale { version, .. }
            | ZoneState::LastGood { version, .. } => Some(version),
            ZoneState::Empty { .. } | ZoneState::Expired { .. } => None,
        }
    }

    /// Why the newest version is not served.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            ZoneState::Empty { fault } | ZoneState::Expired { fault } => fault.as_ref(),
            ZoneState::Stale { fault, .. } | ZoneState::LastGood { fault, .. } => Some(fault),
            ZoneState::Current { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
