//! The names that were looked up for an answer.
//!
//! Each of them is in what was found: the target of an alias, a name that a DNAME made, the target of a record whose
//! addresses go along.

use super::super::links::{LinkKey, LookedUp, link_keys};
use super::sections::{Records, Sections, takes_addresses};
use crate::dns::{Rtype, rdata};
use crate::zone::{Rrset, Zone};

/// What an answer was made from, its own owner aside.
pub(super) fn looked_up(zone: &Zone, sections: &Sections<'_>, keys: &mut Vec<LinkKey>) {
    for entry in sections.answer.iter().chain(&sections.authority) {
        match &entry.records {
            Records::Rrset(rrset) => targets(zone, *rrset, keys),
            Records::Cname(_, target) => link_keys(zone, target.as_ref(), LookedUp::Followed, keys),
            Records::Pool(_) => {}
        }
    }
}

fn targets(zone: &Zone, rrset: Rrset<'_>, keys: &mut Vec<LinkKey>) {
    let rtype = rrset.rtype();
    let how = match rtype {
        Rtype::CNAME => LookedUp::Followed,
        _ if takes_addresses(rtype) => LookedUp::Addresses,
        _ => return,
    };
    for target in rrset.rdatas().filter_map(|bytes| rdata::names(rtype, bytes).next()) {
        link_keys(zone, target.name, how, keys);
    }
}
