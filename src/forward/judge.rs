//! What is answered, and kept, of what came of a question.
//!
//! Responsible for what an upstream's failure means to a client, and for
//! refusing what must not get through.
//! Not responsible for whether a message is a response to our query (`query`).

use std::time::Duration;

use super::asked::Wanted;
use super::chain;
use super::counters::ClerkCounters;
use super::plan::Plan;
use super::rebinding;
use super::resolve::{Resolved, Why};
use super::settings::Rebinding;
use super::stored::{ExtendedError, Stored};
use crate::dns::message::Rcode;
use crate::requestor::Response;

/// How long it is remembered that upstreams said SERVFAIL. Long enough for
/// what asks in a loop (RFC 9520, section 3.2), short enough for people.
const REFUSED_LIFETIME: Duration = Duration::from_secs(5);

/// The same, where nothing came from them at all.
const FAILED_LIFETIME: Duration = Duration::from_secs(1);

/// What is answered, and kept.
pub(super) fn judge(plan: &Plan, wanted: &Wanted, resolved: &Resolved, counters: &ClerkCounters) -> Stored {
    match resolved {
        Resolved::Response(message) => received(plan, wanted, message, counters),
        Resolved::Refused(message) => {
            // What an upstream refuses it refuses us, not the client.
            let why = Response::read(message).and_then(|response| match response.extended_error {
                None if response.is_referral() => Some(ExtendedError::REFERRAL),
                code => code.map(ExtendedError::of),
            });
            Stored::error(Rcode::SERVFAIL, why, REFUSED_LIFETIME)
        }
        Resolved::Failed(why) => {
            let extended_error = match why {
                Why::NoUpstream => ExtendedError::NO_UPSTREAM,
                Why::Unreachable => ExtendedError::UNREACHABLE,
                Why::NoTcp => ExtendedError::NO_TCP,
                Why::Looping => ExtendedError::LOOP,
            };
            Stored::error(Rcode::SERVFAIL, Some(extended_error), FAILED_LIFETIME)
        }
    }
}

fn received(plan: &Plan, wanted: &Wanted, message: &[u8], counters: &ClerkCounters) -> Stored {
    let Some(response) = Response::read(message) else {
        return unreadable();
    };
    if let Some(departure) = chain::departure(plan, wanted, &response) {
        // What stands behind is not looked at: somebody else is asked for it.
        let begun = Response::read(&departure.message);
        return begun.map_or_else(unreadable, |begun| Stored::of(&begun, &plan.cache).leading_on());
    }
    let guarded =
        plan.zone_of(wanted.qname()).is_some_and(|zone| zone.settings.rebinding == Rebinding::Refused);
    if guarded && let Some(address) = rebinding::private_address(plan, &response) {
        counters.rebinding.add();
        tracing::debug!("{} {}: {address} is private: refused", wanted.qname(), wanted.qtype());
        return Stored::error(Rcode::REFUSED, Some(ExtendedError::BLOCKED), REFUSED_LIFETIME);
    }
    Stored::of(&response, &plan.cache)
}

fn unreadable() -> Stored {
    Stored::error(Rcode::SERVFAIL, Some(ExtendedError::UNREACHABLE), Duration::ZERO)
}
