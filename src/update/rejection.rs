//! Why an update is rejected.

use std::fmt;

use crate::dns::edns::extended_error;
use crate::dns::message::Rcode;
use crate::dns::{Name, Rtype};
use crate::pattern::LINE_BYTES_MAX;

/// Why an update is not made. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What is wrong.
    pub reason: Reason,
    /// The name it is about; the zone's where it is about the message.
    pub owner: Option<Name>,
    /// The type it is about.
    pub rtype: Option<Rtype>,
}

/// What is wrong with an update.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The message, or a record of it, is not what RFC 2136 says (section 2).
    Malformed(&'static str),
    /// The zone is none of ours, or of another class (section 3.1.2).
    NotOurs,
    /// A name does not lie in the zone (sections 3.2 and 3.4.1).
    OutOfZone,
    /// A prerequisite: the name is to be in use, and is not (section 2.4.4).
    NameNotInUse,
    /// A prerequisite: the name is not to be in use, and is (section 2.4.5).
    NameInUse,
    /// A prerequisite: the RRset is to exist, or to be the same, and is not (sections 2.4.1 and 2.4.2).
    NoSuchRrset,
    /// A prerequisite: the RRset is not to exist, and does (section 2.4.3).
    RrsetExists,
    /// No rule lets this client update the zone at all.
    NobodyAllowed,
    /// No rule lets this client update this name and type.
    NotAllowed,
    /// Nobody updates this type, whatever the rules say.
    NeverUpdated(&'static str),
    /// A pool answers this type there, or a name that would be hidden.
    HeldByPool,
    /// The zone comes signed, and nobody here could sign what is changed.
    ComesSigned,
    /// The zone would be one that cannot be served.
    Unsound(String),
    /// There would be more records by updates than there may be.
    TooMany,
    /// It cannot be made durable, or cannot be made now; in words for the log.
    Failed(String),
    /// Too many updates wait.
    Busy,
    /// The zone is copied, and none of its primaries answers; in words for the log.
    NoPrimary(String),
}

impl Rejection {
    /// For a reason that concerns a record.
    pub fn at(reason: Reason, owner: &Name, rtype: Rtype) -> Rejection {
        Rejection { reason, owner: Some(owner.clone()), rtype: Some(rtype) }
    }

    /// The response code (RFC 2136, section 2.2).
    pub fn rcode(&self) -> Rcode {
        self.reason.rcode()
    }
}

impl From<Reason> for Rejection {
    fn from(reason: Reason) -> Rejection {
        Rejection { reason, owner: None, rtype: None }
    }
}

impl Reason {
    /// The response code (RFC 2136, section 2.2).
    pub fn rcode(&self) -> Rcode {
        match self {
            Reason::Malformed(_) => Rcode::FORMERR,
            Reason::NotOurs => Rcode::NOTAUTH,
            Reason::OutOfZone => Rcode::NOTZONE,
            Reason::NameNotInUse => Rcode::NXDOMAIN,
            Reason::NameInUse => Rcode::YXDOMAIN,
            Reason::NoSuchRrset => Rcode::NXRRSET,
            Reason::RrsetExists => Rcode::YXRRSET,
            Reason::NobodyAllowed
            | Reason::NotAllowed
            | Reason::NeverUpdated(_)
            | Reason::HeldByPool
            | Reason::ComesSigned
            | Reason::Unsound(_)
            | Reason::TooMany => Rcode::REFUSED,
            Reason::Failed(_) | Reason::Busy | Reason::NoPrimary(_) => Rcode::SERVFAIL,
        }
    }

    /// The extended error (RFC 8914) for a client, with its text; none: the RCODE says it all.
    pub fn extended_error(&self) -> Option<(u16, &str)> {
        match self {
            Reason::NobodyAllowed => Some((extended_error::PROHIBITED, "")),
            Reason::NotAllowed => Some((extended_error::PROHIBITED, "no rule allows this name and type")),
            Reason::NeverUpdated(what) => Some((extended_error::PROHIBITED, what)),
            Reason::HeldByPool => {
                Some((extended_error::PROHIBITED, "a pool answers this type, or a name below"))
            }
            Reason::ComesSigned => Some((extended_error::PROHIBITED, "the zone comes signed")),
            Reason::Unsound(why) => Some((extended_error::OTHER, line(why))),
            Reason::TooMany => Some((extended_error::OTHER, "too many records by updates")),
            Reason::Failed(_) => Some((extended_error::OTHER, "the update cannot be stored")),
            Reason::Busy => Some((extended_error::OTHER, "too many updates wait")),
            Reason::NoPrimary(_) => Some((extended_error::OTHER, "no primary of the zone answers")),
            Reason::Malformed(what) => Some((extended_error::OTHER, what)),
            Reason::NotOurs
            | Reason::OutOfZone
            | Reason::NameNotInUse
            | Reason::NameInUse
            | Reason::NoSuchRrset
            | Reason::RrsetExists => None,
        }
    }

    /// A word for metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Malformed(_) => "malformed",
            Reason::NotOurs => "not-ours",
            Reason::OutOfZone => "out-of-zone",
            Reason::NameNotInUse | Reason::NameInUse | Reason::NoSuchRrset | Reason::RrsetExists => {
                "prerequisite"
            }
            Reason::NobodyAllowed => "client",
            Reason::NotAllowed => "name-or-type",
            Reason::NeverUpdated(_) => "never-updated",
            Reason::HeldByPool => "pool",
            Reason::ComesSigned => "signed",
            Reason::Unsound(_) => "unsound",
            Reason::TooMany => "too-many",
            Reason::Failed(_) => "failed",
            Reason::Busy => "busy",
            Reason::NoPrimary(_) => "no-primary",
        }
    }

    /// Every word of [`Reason::word`].
    pub const WORDS: [&str; 14] = [
        "malformed",
        "not-ours",
        "out-of-zone",
        "prerequisite",
        "client",
        "name-or-type",
        "never-updated",
        "pool",
        "signed",
        "unsound",
        "too-many",
        "failed",
        "busy",
        "no-primary",
    ];
}

/// As much of a text as fits an extended error.
fn line(text: &str) -> &str {
    // A boundary of the text is a place where it can be cut.
    text.get(..text.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or_default()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Malformed(what) => write!(f, "malformed: {what}"),
            Reason::NotOurs => f.write_str("not a zone that is updated here"),
            Reason::OutOfZone => f.write_str("the name does not lie in the zone"),
            Reason::NameNotInUse => f.write_str("prerequisite: the name is not in use"),
            Reason::NameInUse => f.write_str("prerequisite: the name is in use"),
            Reason::NoSuchRrset => f.write_str("prerequisite: the RRset does not exist, or is another one"),
            Reason::RrsetExists => f.write_str("prerequisite: the RRset exists"),
            Reason::NobodyAllowed => f.write_str("no [[zone.update]] of the zone allows this client"),
            Reason::NotAllowed => f.write_str("no [[zone.update]] allows this client this name and type"),
            Reason::NeverUpdated(what) => f.write_str(what),
            Reason::HeldByPool => f.write_str(
                "a pool answers this type there, or a name below, and only the zone file changes that",
            ),
            Reason::ComesSigned => f.write_str(
                "the zone comes signed: whoever signs it changes it, for its signatures cover no update",
            ),
            Reason::Unsound(why) => f.write_str(why),
            Reason::TooMany => f.write_str("the zone would hold too many records by updates"),
            Reason::Failed(why) => f.write_str(why),
            Reason::Busy => f.write_str("too many updates wait"),
            Reason::NoPrimary(why) => write!(f, "no primary answers: {why}"),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.owner, self.rtype) {
            (Some(owner), Some(rtype)) => write!(f, "{owner} {rtype}: {}", self.reason),
            (Some(owner), None) => write!(f, "{owner}: {}", self.reason),
            (None, _) => self.reason.fmt(f),
        }
    }
}
