//! Prerequisites (RFC 2136, section 3.2).

use std::collections::{BTreeMap, BTreeSet};

use super::message::NONE;
use super::rejection::{Reason, Rejection};
use super::working::Working;
use crate::dns::message::class;
use crate::dns::response::Record;
use crate::dns::{Name, Rtype, rdata};

/// Whether all of them hold, in the order of section 3.2.5: those of a value are compared at the end.
pub(super) fn check(prerequisites: &[Record], zone: &Working<'_>) -> Result<(), Rejection> {
    let mut wanted: BTreeMap<(&Name, Rtype), BTreeSet<Box<[u8]>>> = BTreeMap::new();
    for record in prerequisites {
        let Record { owner, rtype, class, ttl, rdata } = record;
        let fail = |reason| Err(Rejection::at(reason, owner, *rtype));
        if *ttl != 0 {
            return fail(Reason::Malformed("the TTL of a prerequisite is not 0"));
        }
        if !owner.as_ref().is_at_or_below(zone.zone.apex()) {
            return fail(Reason::OutOfZone);
        }
        match *class {
            class::ANY | NONE if !rdata.is_empty() => {
                return fail(Reason::Malformed("a prerequisite of class ANY or NONE has data"));
            }
            class::ANY if *rtype == Rtype::ANY => {
                if zone.types(owner).is_empty() {
                    return fail(Reason::NameNotInUse);
                }
            }
            class::ANY => {
                if !zone.types(owner).contains(rtype) {
                    return fail(Reason::NoSuchRrset);
                }
            }
            NONE if *rtype == Rtype::ANY => {
                if !zone.types(owner).is_empty() {
                    return fail(Reason::NameInUse);
                }
            }
            NONE => {
                if zone.types(owner).contains(rtype) {
                    return fail(Reason::RrsetExists);
                }
            }
            class::IN if rdata.is_empty() && !rdata::is_sound(*rtype, rdata) => {
                return fail(Reason::Malformed("a prerequisite about data has none"));
            }
            class::IN => {
                let key = rdata::caseless(*rtype, rdata).into_owned().into_boxed_slice();
                wanted.entry((owner, *rtype)).or_default().insert(key);
            }
            _ => {
                return fail(Reason::Malformed(
                    "the class of a prerequisite is neither ANY nor NONE nor the zone's",
                ));
            }
        }
    }
    let other = wanted.iter().find(|((owner, rtype), keys)| !zone.set(owner, *rtype).are(keys));
    match other {
        None => Ok(()),
        Some(((owner, rtype), _)) => Err(Rejection::at(Reason::NoSuchRrset, owner, *rtype)),
    }
}
