//! A zone as it was read just now: what of it can be served, and what is wrong with it.

use std::sync::Arc;
use std::time::Duration;

use crate::answer::Access;
use crate::source::{Diagnostics, TextFile};
use crate::update::Policy;
use crate::zones::file_digests::FileDigests;
use crate::zones::live::Hold;
use crate::zones::settings::ZoneSettings;
use crate::zones::source::ZoneSources;
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// What the version of a zone is to the one that is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It was read from the sources.
    #[default]
    Read,
    /// It has what was copied from a primary, under other settings: it holds for as long as that.
    Remade,
    /// It is the copy of an earlier start, and holds for so long.
    Copied {
        /// None at all: it may not be served before a primary confirms it.
        holds: Duration,
    },
}

/// A zone as it was read just now.
pub struct LoadedZone {
    /// What tells it from the others.
    pub id: ZoneId,
    /// Where its records come from.
    pub sources: ZoneSources,
    /// Whom it answers; none: everybody.
    pub access: Option<Box<Access>>,
    /// What is wrong with it.
    pub faults: Diagnostics,
    /// None when it cannot be served as it stands, and no text of it is kept.
    pub version: Option<Arc<ZoneVersion>>,
    /// Whether that is the version which was served when the reading began, and nothing was read.
    pub is_unchanged: bool,
    /// What that is to the one that is served.
    pub standing: Standing,
    /// Why it cannot be served as it stands, in one sentence.
    pub error: Option<String>,
    /// The same, drawn, with the errors that come next.
    pub drawn: Option<String>,
    /// Why the text that is kept of it is of no use.
    pub last_good_error: Option<String>,
    /// Why it stays as it is for now, though there is nothing wrong with it.
    pub waits: Option<String>,
    /// What was read of it just now and is held back until it is read again.
    pub held: Option<Vec<TextFile>>,
    /// Who may change it while it is served; none: nobody.
    pub update: Option<Arc<Policy>>,
    /// The lock under which the version was made, where it may change while it is served. It is kept until the version
    /// is served.
    pub hold: Option<Hold>,
    /// Files that were not read, as they stand: what happens to them is news.
    pub unread: FileDigests,
}

impl LoadedZone {
    /// Nothing is known of it yet.
    pub(super) fn new(zone: &ZoneSettings, access: Option<Box<Access>>) -> LoadedZone {
        LoadedZone {
            id: zone.id.clone(),
            sources: zone.sources.clone(),
            access,
            faults: Diagnostics::default(),
            version: None,
            is_unchanged: false,
            standing: Standing::Read,
            error: None,
            drawn: None,
            last_good_error: None,
            waits: None,
            held: None,
            update: zone.update.clone(),
            hold: None,
            unread: FileDigests::new(),
        }
    }

    /// The version that it brings, if that is to be served.
    pub fn brings(&self) -> Option<&Arc<ZoneVersion>> {
        self.version.as_ref().filter(|_| !self.is_unchanged && self.waits.is_none())
    }

    /// What it means for what is served. A file is looked at whenever it changes: what it says never expires.
    pub fn into_event(self) -> Event {
        match (self.error, self.version) {
            (Some(sentence), last_good) => {
                Event::Refused { fault: Fault { sentence, drawn: self.drawn }, last_good }
            }
            // What its primaries say is heard elsewhere.
            (None, Some(_)) if self.is_unchanged && self.sources.primaries().is_some() => Event::HeldBack,
            (None, Some(_)) if self.is_unchanged => Event::Unchanged,
            (None, Some(version)) if self.waits.is_none() => match self.standing {
                Standing::Read => Event::Accepted { version, holds: None },
                Standing::Remade => Event::Remade { version },
                Standing::Copied { holds } => Event::Accepted { version, holds: Some(holds) },
            },
            (None, Some(_) | None) => Event::HeldBack,
        }
    }

    /// Whether it is served as its file stands. A zone that is copied from primaries has none.
    pub fn is_whole(&self) -> bool {
        let has_what_is_read = self.version.is_some() || self.sources.primaries().is_some();
        has_what_is_read && self.error.is_none() && self.waits.is_none()
    }
}
