//! The result of reading one zone: a version to serve, or the reason why there is none.

use std::sync::Arc;
use std::time::Duration;

use crate::answer::Access;
use crate::source::{Diagnostics, TextFile};
use crate::update::Policy;
use crate::zones::file_digests::FileDigests;
use crate::zones::live::Hold;
use crate::zones::member_of::MemberOf;
use crate::zones::settings::ZoneSettings;
use crate::zones::signing::DnssecSettings;
use crate::zones::source::ZoneSources;
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// What the version of a zone is to the one that is served.
#[derive(Clone, Default)]
pub enum LoadedAs {
    /// It was read from the sources.
    #[default]
    Read,
    /// It has what was copied from a primary, under other settings: it holds for as long as that.
    Remade {
        /// The version that has what was copied.
        from: Arc<ZoneVersion>,
    },
    /// It is the copy of an earlier start, and holds for so long.
    Copied {
        /// None at all: it may not be served before a primary confirms it.
        holds: Duration,
    },
}

/// The result of reading one zone.
pub struct LoadedZone {
    /// Its name and view.
    pub id: ZoneId,
    /// Where its records come from.
    pub sources: ZoneSources,
    /// The clients that may ask; none: all.
    pub access: Option<Box<Access>>,
    /// All errors and warnings.
    pub faults: Diagnostics,
    /// The version to serve: from its sources, or, if `error` is set, from its last good text. None if there
    /// is neither.
    pub version: Option<Arc<ZoneVersion>>,
    /// Whether that is the version which was served when the reading began, and nothing was read.
    pub is_unchanged: bool,
    /// What that is to the one that is served.
    pub loaded_as: LoadedAs,
    /// Why its sources give no version, in one sentence.
    pub error: Option<String>,
    /// The first errors, drawn as in a terminal.
    pub drawn: Option<String>,
    /// The keys that are why, if they are.
    pub keys: Option<DnssecSettings>,
    /// Why its last good text cannot be used.
    pub last_good_error: Option<String>,
    /// Why the served version stays for now although the zone has no error.
    pub waits: Option<String>,
    /// The files of a version that is held back until a second reading finds the same.
    pub held: Option<Vec<TextFile>>,
    /// Who may change it while it is served; none: nobody.
    pub update: Option<Arc<Policy>>,
    /// The lock under which the version was made, where it may change while it is served. It is kept until
    /// the version is served.
    pub hold: Option<Hold>,
    /// The catalog that names it; none: the config file does.
    pub member: Option<Arc<MemberOf>>,
    /// Files that were skipped, with the digest of what is in them: if that changes, the zone is read again.
    pub unread: FileDigests,
}

impl LoadedZone {
    /// The result before anything is read.
    pub(super) fn new(zone: &ZoneSettings, access: Option<Box<Access>>) -> LoadedZone {
        LoadedZone {
            id: zone.id.clone(),
            sources: zone.sources.clone(),
            access,
            faults: Diagnostics::default(),
            version: None,
            is_unchanged: false,
            loaded_as: LoadedAs::Read,
            error: None,
            drawn: None,
            keys: None,
            last_good_error: None,
            waits: None,
            held: None,
            update: zone.update.clone(),
            hold: None,
            member: zone.member.clone(),
            unread: FileDigests::new(),
        }
    }

    /// The version that it brings, if that is to be served.
    pub fn brings(&self) -> Option<&Arc<ZoneVersion>> {
        self.version.as_ref().filter(|_| !self.is_unchanged && self.waits.is_none())
    }

    /// The event for the state machine of the zone. What was read from a file never expires: the file is read
    /// again when it changes.
    pub fn into_event(self) -> Event {
        match (self.error, self.version) {
            (Some(sentence), last_good) => {
                Event::Refused { fault: Fault { sentence, drawn: self.drawn, keys: self.keys }, last_good }
            }
            // What its primaries say is heard elsewhere.
            (None, Some(_)) if self.is_unchanged && self.sources.arrive_while_serving() => Event::HeldBack,
            (None, Some(_)) if self.is_unchanged => Event::Unchanged,
            (None, Some(version)) if self.waits.is_none() => match self.loaded_as {
                LoadedAs::Read => Event::Accepted { version, holds: None },
                LoadedAs::Remade { from } => Event::Remade { from, version },
                LoadedAs::Copied { holds } => Event::Copied { version, holds },
            },
            (None, Some(_) | None) => Event::HeldBack,
        }
    }

    /// Whether its file, as it is now, is served. A zone that is copied from primaries has no file.
    pub fn is_whole(&self) -> bool {
        let has_what_is_read = self.version.is_some() || self.sources.arrive_while_serving();
        has_what_is_read && self.error.is_none() && self.waits.is_none()
    }
}
