//! What rolls of keys are made of: the times that they wait for, what the parent has, and their steps.

use super::algorithm::Algorithm;
use super::public_key::PublicKey;
use super::time::Time;
use super::timing::Timing;

/// A key with its times.
pub type DatedKey = (PublicKey, Timing);

/// Times that steps wait for, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollTimes {
    /// TTL of the DNSKEY records.
    pub dnskey_ttl: u64,
    /// Longest TTL in the zone.
    pub zone_ttl_max: u64,
    /// TTL of the DS records at the parent.
    pub ds_ttl: u64,
    /// Until every server of the zone has what one of them has.
    pub propagation: u64,
}

/// What is known of the DS records at the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Nobody has asked.
    Unknown,
    /// It has records of the keys with these tags.
    Has(Vec<u16>),
}

impl Parent {
    /// Whether it has the DS record of one key, and none of another.
    pub(super) fn has_only(&self, new: u16, old: u16) -> bool {
        match self {
            Parent::Unknown => false,
            Parent::Has(tags) => tags.contains(&new) && !tags.contains(&old),
        }
    }
}

/// A key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// The key that it follows, whose flags it has.
    pub of: PublicKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Its times.
    pub timing: Timing,
}

/// A key that is to get other times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retimed {
    /// Its tag.
    pub tag: u16,
    /// Its times from now on.
    pub timing: Timing,
}

/// What is to be done, or waited for. Keys are named by their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollStep {
    /// Successors are to be made.
    Begin {
        /// Them.
        successors: Vec<Successor>,
        /// Keys that go, where they get other times: where no parent has to be asked, one goes by itself; where one has, it is
        /// told of the successor in its place.
        changed: Vec<Retimed>,
    },
    /// Nothing is to be done before a moment.
    Wait {
        /// The key that comes.
        new: u16,
        /// Until then.
        until: Time,
        /// What happens then.
        then: Waits,
    },
    /// The parent is to be given the DS record of the new key, and those of the old are to be taken away.
    TellParent {
        /// The key that comes.
        new: u16,
        /// The key that goes.
        old: u16,
    },
    /// What is old goes.
    Retire {
        /// The key that the parent had the DS record of, or the only one.
        old: u16,
        /// All that get other times.
        changed: Vec<Retimed>,
    },
    /// All keys are of the algorithm that was asked for, and nothing is under way.
    Nothing(Algorithm),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The new key signs.
    ItSigns,
    /// The new key, whose signatures are there already, comes into the zone.
    ItIsPublished,
    /// The parent is to be told of it.
    ParentIsTold,
    /// The old one leaves the zone; its signatures stay for now.
    OldLeaves,
    /// Nothing of the old one is left, and the roll is over.
    OldIsGone,
}
