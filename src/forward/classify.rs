//! Classifies what came of a question: what is answered, and cached.
//!
//! Decides what an upstream's failure means to a client, and refuses private addresses of public names.
//! Whether a message is a response to our query is decided by `requestor`.

use std::time::Duration;

use super::cache_key::CacheKey;
use super::chain;
use super::counters::DispatcherCounters;
use super::extended_error::ExtendedError;
use super::rebinding;
use super::resolution::{NoResponse, Resolution};
use super::routing::Routing;
use super::settings::Rebinding;
use super::stored::Stored;
use crate::dns::message::Rcode;
use crate::requestor::Response;

/// How long a SERVFAIL of upstreams is cached. Long enough for clients that ask in a loop (RFC 9520, section
/// 3.2), short enough for people.
const REFUSED_LIFETIME: Duration = Duration::from_secs(5);

/// The same, where no upstream answered.
const FAILED_LIFETIME: Duration = Duration::from_secs(1);

/// What is answered, and cached.
pub(super) fn classify(
    routing: &Routing,
    key: &CacheKey,
    resolution: &Resolution,
    counters: &DispatcherCounters,
) -> Stored {
    match resolution {
        Resolution::Response(message) => received(routing, key, message, counters),
        Resolution::Refused(message) => {
            // An upstream that refuses refuses us, not the client.
            let why = Response::read(message).and_then(|response| match response.extended_error {
                None if response.is_referral() => Some(ExtendedError::REFERRAL),
                code => code.map(ExtendedError::of),
            });
            Stored::error(Rcode::SERVFAIL, why, REFUSED_LIFETIME)
        }
        Resolution::Failed(why) => {
            let extended_error = match why {
                NoResponse::NoUpstream => ExtendedError::NO_UPSTREAM,
                NoResponse::Unreachable => ExtendedError::UNREACHABLE,
                NoResponse::NoTcp => ExtendedError::NO_TCP,
                NoResponse::Looping => ExtendedError::LOOP,
            };
            Stored::error(Rcode::SERVFAIL, Some(extended_error), FAILED_LIFETIME)
        }
    }
}

fn received(routing: &Routing, key: &CacheKey, message: &[u8], counters: &DispatcherCounters) -> Stored {
    let Some(response) = Response::read(message) else {
        return unreadable();
    };
    if let Some(chain) = chain::continued(routing, key, &response) {
        // Others are asked for what its last alias leads to.
        let partial = Response::read(&chain.message);
        return partial.map_or_else(unreadable, |partial| Stored::of(&partial, &routing.cache).at_alias());
    }
    let guarded =
        routing.zone_of(key.qname()).is_some_and(|zone| zone.settings.rebinding == Rebinding::Refused);
    if guarded && let Some(address) = rebinding::private_address(routing, &response) {
        counters.rebinding.add();
        tracing::debug!("{} {}: {address} is private: refused", key.qname(), key.qtype());
        return Stored::error(Rcode::REFUSED, Some(ExtendedError::BLOCKED), REFUSED_LIFETIME);
    }
    Stored::of(&response, &routing.cache)
}

fn unreadable() -> Stored {
    Stored::error(Rcode::SERVFAIL, Some(ExtendedError::UNREACHABLE), Duration::ZERO)
}
