//! What `explain` finds: the decision, and a step for every name on the way to an answer.

use crate::dns::{Name, Rtype};

/// What was found on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What was decided of the query.
    pub decided: Decided,
    /// The QNAME, and every name that it leads to.
    pub steps: Vec<ExplainedStep>,
    /// The pools that answer, as places among those of the zone.
    pub pools: Vec<usize>,
}

/// The first thing that is decided of a query of class IN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// No zone of this server holds the name.
    NotOurs,
    /// No version of the zone at this place is for the client.
    Prohibited(usize),
    /// The zone at this place has no version that could be read.
    NoVersion(usize),
    /// A transfer of the zone at this place.
    Transfer(usize),
    /// The zone at this place is answered from.
    Zone(usize),
}

/// One name on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStep {
    /// The name.
    pub name: Name,
    /// What was found for it.
    pub finding: Finding,
}

/// What answers a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The name exists, with records of these types; none: it is an empty non-terminal.
    Exact {
        /// In ascending order.
        types: Vec<Rtype>,
    },
    /// It is synthesised from a wildcard (RFC 4592) with these types.
    Wildcard {
        /// The source of synthesis.
        source: Name,
        /// In ascending order.
        types: Vec<Rtype>,
    },
    /// It lies at or below a zone cut.
    Cut {
        /// The owner of the NS records.
        cut: Name,
    },
    /// It lies below a DNAME (RFC 6672).
    Dname {
        /// The owner of the DNAME record.
        owner: Name,
    },
    /// It does not exist.
    Missing {
        /// The closest encloser.
        encloser: Name,
    },
    /// It lies outside the zone: the client asks again.
    Outside,
    /// The chain leads back to it: each link is answered once.
    Again,
}

impl Decided {
    /// The place of the zone in [`super::ZoneTable::zones`].
    pub fn zone(self) -> Option<usize> {
        match self {
            Decided::NotOurs => None,
            Decided::Prohibited(place)
            | Decided::NoVersion(place)
            | Decided::Transfer(place)
            | Decided::Zone(place) => Some(place),
        }
    }
}
