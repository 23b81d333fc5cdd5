//! The way of a zone out of DNSSEC (RFC 8078, section 4): which step is due.
//!
//! CDS and CDNSKEY records ask the parent to take its DS records away. The zone stays signed until no cache can have one:
//! whoever had would take it for forged. What has been reached stands in a file beside the keys; it is pure but for that.
//!
//! ```text
//!  begin ─▶ CDS 0 0 0 00 in the zone ─▶ the parent has no DS ─ TTL of DS ─▶ signing may end
//!                                           ▲                    │ it has one again
//!                                           └────────────────────┘
//! ```

use super::key_text::{KeyFault, line};
use super::roll_step::{Parent, RollTimes};
use super::time::Time;

/// The line of the file that says since when the zone asks the parent; it is what BIND calls that of a key.
const SINCE: &str = "SyncPublish";

/// The line that says from when on no cache has a DS record.
const ENDS: &str = "DSRemoved";

/// A zone that leaves DNSSEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Since when it asks the parent to take its DS records away.
    pub since: Time,
    /// When no cache has a DS record any more; none: the parent still has some, as far as is known.
    pub ends: Option<Time>,
}

/// What is to be done, or waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveStep {
    /// The parent is to be asked from now on.
    Begin(Leaving),
    /// The parent is to take its DS records away.
    TellParent,
    /// It has: what is reached is to be written down.
    DsGone(Leaving),
    /// It has DS records again, and what was reached is lost.
    DsIsBack(Leaving),
    /// Nothing is to be done before a moment.
    Wait(Time),
    /// Nobody needs signatures any more.
    MayEnd,
}

/// The step that is due.
pub fn plan_leaving(leaving: Option<Leaving>, times: &RollTimes, parent: &Parent, now: Time) -> LeaveStep {
    let Some(leaving) = leaving else { return LeaveStep::Begin(Leaving { since: now, ends: None }) };
    let has_none = match parent {
        Parent::Unknown => None,
        Parent::Has(tags) => Some(tags.is_empty()),
    };
    match (leaving.ends, has_none) {
        (None, Some(true)) => {
            let ends = Some(now.after(times.ds_ttl).after(times.propagation));
            LeaveStep::DsGone(Leaving { ends, ..leaving })
        }
        (None, Some(false) | None) => LeaveStep::TellParent,
        (Some(_), Some(false)) => LeaveStep::DsIsBack(Leaving { ends: None, ..leaving }),
        (Some(ends), Some(true) | None) if ends > now => LeaveStep::Wait(ends),
        (Some(_), Some(true) | None) => LeaveStep::MayEnd,
    }
}

impl Leaving {
    /// Reads the text of its file.
    pub(super) fn read(text: &str) -> Result<Leaving, KeyFault> {
        let time = |word: &'static str| {
            let value = line(text, word).map(|value| Time::parse(value).ok_or(KeyFault::BadLine(word)));
            value.transpose()
        };
        Ok(Leaving { since: time(SINCE)?.ok_or(KeyFault::Lacks(SINCE))?, ends: time(ENDS)? })
    }

    /// The text of its file.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "; The zone leaves DNSSEC: its CDS and CDNSKEY records ask for no DS record (RFC 8078, section 4).\n{SINCE}: {}\n",
            self.since.digits()
        );
        if let Some(ends) = self.ends {
            text += &format!("{ENDS}: {}\n", ends.digits());
        }
        text
    }
}
