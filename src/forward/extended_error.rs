//! The extended errors that responses of forwarding have (RFC 8914).

use crate::dns::edns::extended_error as codes;

/// An extended error (RFC 8914) with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExtendedError {
    pub(super) code: u16,
    pub(super) text: &'static str,
}

impl ExtendedError {
    /// That of an upstream.
    pub(super) fn of(code: u16) -> Self {
        Self { code, text: "" }
    }

    pub(super) const STALE: Self = Self { code: codes::STALE_ANSWER, text: "" };
    pub(super) const STALE_NXDOMAIN: Self = Self { code: codes::STALE_NXDOMAIN_ANSWER, text: "" };
    pub(super) const LOOP: Self = Self { code: codes::OTHER, text: "forwarding loop" };
    pub(super) const BUSY: Self = Self { code: codes::OTHER, text: "too many queries wait" };
    pub(super) const BLOCKED: Self =
        Self { code: codes::BLOCKED, text: "a private address for a public name" };
    pub(super) const NO_UPSTREAM: Self =
        Self { code: codes::NO_REACHABLE_AUTHORITY, text: "no upstream is known" };
    pub(super) const REFERRAL: Self = Self { code: codes::OTHER, text: "the upstream does not recurse" };
    pub(super) const NO_TCP: Self = Self {
        code: codes::NO_REACHABLE_AUTHORITY,
        text: "upstreams answer over UDP, but not over TCP, which this answer takes",
    };
    pub(super) const UNREACHABLE: Self =
        Self { code: codes::NO_REACHABLE_AUTHORITY, text: "no upstream answers" };
}
