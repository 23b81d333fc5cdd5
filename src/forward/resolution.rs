//! What comes of a question: a response, a refusal or a failure of all upstreams.

use super::cache_key::CacheKey;
use super::chain;
use super::routing::Routing;
use crate::requestor::{Meaning, Response};

/// What came of a question.
pub(super) enum Resolution {
    /// A response that is well formed and fits.
    Response(Vec<u8>),
    /// All upstreams have answered that they cannot or will not; the last of these responses.
    Refused(Vec<u8>),
    /// There is no response.
    Failed(NoResponse),
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoResponse {
    /// There is no upstream.
    NoUpstream,
    /// No upstream answers.
    Unreachable,
    /// They answer over UDP, but not over TCP, which this answer takes.
    NoTcp,
    /// The upstreams that would answer send our queries back to us.
    Looping,
}

impl Resolution {
    /// What a message means that is a response to the question.
    pub(super) fn by(routing: &Routing, key: &CacheKey, message: Vec<u8>) -> Self {
        let Some(response) = Response::read(&message) else { return Resolution::Refused(message) };
        let answers = match response.meaning() {
            Meaning::Records | Meaning::Nothing => true,
            // The upstream may only fail to reach our zone, where we look ourselves.
            Meaning::Failure => chain::leads_to_own_zone(routing, key, &response),
        };
        if answers { Resolution::Response(message) } else { Resolution::Refused(message) }
    }
}
