//! Why a roll has no step.

use std::fmt;

use super::algorithm::Algorithm;

/// Why there is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollError {
    /// No key signs.
    NoKey,
    /// Several keys sign alike, and none of them is younger.
    Unclear,
    /// No key is there that DS records are made of.
    NoEntryPoint,
    /// All keys are being rolled to this algorithm, and not what was asked for.
    OtherRoll(Algorithm),
}

impl fmt::Display for RollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RollError::NoKey => f.write_str("no key of the zone signs now: there is nothing to roll"),
            RollError::Unclear => f.write_str(
                "more than two keys take part: let the ones that are not needed leave the zone first",
            ),
            RollError::NoEntryPoint => f.write_str(
                "no key of the zone has the flag of those that DS records are made of (257): the parent could not follow",
            ),
            RollError::OtherRoll(algorithm) => write!(
                f,
                "all keys are being rolled to {algorithm}: finish that first (`edgedns dnssec roll` without other options)"
            ),
        }
    }
}

impl std::error::Error for RollError {}
