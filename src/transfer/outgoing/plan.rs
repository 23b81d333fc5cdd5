//! Decides how to answer a transfer request: a pure function of zones and request.

use super::contents::Contents;
use super::request::{TransferKind, TransferRequest};
use super::zones::{OutgoingZone, OutgoingZones};
use crate::answer::{Requester, Transport};
use crate::dns::message::Rcode;
use crate::transfer::history::{Condensed, condensed};
use crate::transfer::soa::is_newer;
use crate::zone::Changeset;

/// What is sent.
pub(super) enum Plan<'z> {
    /// No records.
    Refused(TransferRefusal<'z>),
    /// The SOA record alone: the client has the newest version, or must come over TCP.
    OneSoa(&'z OutgoingZone, Contents),
    /// All records.
    Whole(&'z OutgoingZone, Contents),
    /// The changes since the serial of the client.
    Steps(&'z OutgoingZone, Contents, u32, Condensed),
}

/// Why nothing is sent.
pub(super) struct TransferRefusal<'z> {
    pub(super) rcode: Rcode,
    pub(super) why: &'static str,
    /// None: it is no zone of ours.
    pub(super) zone: Option<&'z OutgoingZone>,
}

impl<'z> Plan<'z> {
    /// What is sent to `requester`, who has come over `transport`, on a connection that may have a `bar`.
    pub(super) fn of(
        request: &TransferRequest,
        zones: &'z OutgoingZones,
        requester: &Requester,
        (transport, bar): (Transport, Option<&'static str>),
    ) -> Plan<'z> {
        let Some(zone) = zones.find(&request.zone, requester.address) else {
            return refused(Rcode::REFUSED, "no zone of this name has `allow-transfer`", None);
        };
        if !zone.allows(requester) {
            return refused(
                Rcode::REFUSED,
                "`allow-transfer` of the zone does not hold the client",
                Some(zone),
            );
        }
        if let Some(why) = bar {
            return refused(Rcode::REFUSED, why, Some(zone));
        }
        if request.wanted == TransferKind::Whole && !transport.carries_transfers() {
            return refused(Rcode::FORMERR, "AXFR is for TCP (RFC 5936, section 4.2)", Some(zone));
        }
        let Some(contents) = zone.offered() else {
            return refused(Rcode::SERVFAIL, "no version of the zone is served", Some(zone));
        };
        let TransferKind::Since(serial) = request.wanted else { return Plan::Whole(zone, contents) };
        let current = contents.serial();
        // RFC 1995, section 2: over UDP what does not fit is the SOA alone, which sends the client to TCP.
        if !is_newer(current, serial) || !transport.carries_transfers() {
            return Plan::OneSoa(zone, contents);
        }
        match condensed(&*zone.history, serial, current) {
            // RFC 1995, section 4: the whole zone where that is shorter.
            Some(steps) if count(&steps.changes) < contents.len() => {
                Plan::Steps(zone, contents, serial, steps)
            }
            _ => Plan::Whole(zone, contents),
        }
    }
}

fn refused<'z>(rcode: Rcode, why: &'static str, zone: Option<&'z OutgoingZone>) -> Plan<'z> {
    Plan::Refused(TransferRefusal { rcode, why, zone })
}

fn count(changes: &Changeset) -> usize {
    changes.removed.len().saturating_add(changes.added.len())
}
