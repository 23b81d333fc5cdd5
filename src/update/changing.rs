//! The update section (RFC 2136, section 3.4): prescan, then the changes.

use super::message::NONE;
use super::policy::is_never_updated;
use super::rejection::{Reason, Rejection};
use super::working::Working;
use crate::dns::message::class;
use crate::dns::response::Record;
use crate::dns::{Name, Rtype, Ttl, rdata};

/// Well-known services: of one address and protocol there is one (RFC 1035, section 3.4.2).
const WKS: Rtype = Rtype(11);

/// Address and protocol of a WKS record, in bytes.
const WKS_KEY_BYTES: usize = 5;

/// Looks the whole section through (section 3.4.1.3).
pub(super) fn prescan(updates: &[Record], zone: &Working<'_>) -> Result<(), Rejection> {
    for record in updates {
        let Record { owner, rtype, class, ttl, rdata } = record;
        let fail = |reason| Err(Rejection::at(reason, owner, *rtype));
        if !owner.as_ref().is_at_or_below(zone.zone.apex()) {
            return fail(Reason::OutOfZone);
        }
        let fault = match *class {
            class::IN if rtype.is_meta() => Some("a type of questions cannot be added"),
            class::ANY if *ttl != 0 || !rdata.is_empty() => Some("what deletes an RRset has a TTL or data"),
            class::ANY if rtype.is_meta() && *rtype != Rtype::ANY => {
                Some("a type of questions cannot be deleted")
            }
            NONE if *ttl != 0 => Some("what deletes a record has a TTL"),
            NONE if rtype.is_meta() => Some("a type of questions cannot be deleted"),
            class::IN | NONE if rdata.is_empty() && !rdata::is_sound(*rtype, rdata) => {
                Some("a record without its data")
            }
            class::IN | class::ANY | NONE => None,
            _ => Some("the class of an update is neither ANY nor NONE nor the zone's"),
        };
        if let Some(fault) = fault {
            return fail(Reason::Malformed(fault));
        }
    }
    Ok(())
}

/// Does one record of the section (section 3.4.2.7). `may` says whether an owner and type may be changed; it is asked
/// before something is, and not where the RFC has a record ignored.
pub(super) fn make(
    record: &Record,
    zone: &mut Working<'_>,
    may: &impl Fn(&Working<'_>, &Name, Rtype) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    match record.class {
        class::IN => add(record, zone, may),
        class::ANY if record.rtype == Rtype::ANY => delete_name(&record.owner, zone, may),
        class::ANY => delete_rrset(&record.owner, record.rtype, zone, may),
        // The prescan leaves only NONE.
        _ => delete_record(record, zone, may),
    }
}

fn add(
    record: &Record,
    zone: &mut Working<'_>,
    may: &impl Fn(&Working<'_>, &Name, Rtype) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let Record { owner, rtype, rdata, .. } = record;
    let (owner, rtype) = (owner, *rtype);
    may(zone, owner, rtype)?;
    if let Some(never) = never_added(zone, owner, rtype) {
        return Err(Rejection::at(Reason::NeverUpdated(never), owner, rtype));
    }
    // Section 3.4.2.2: an alias stays alone, whichever of both was there before.
    let types = zone.types(owner);
    let is_beside_alias = types.contains(&Rtype::CNAME) && rtype != Rtype::CNAME;
    let is_alias_beside = rtype == Rtype::CNAME && types.iter().any(|other| *other != Rtype::CNAME);
    if is_beside_alias || is_alias_beside {
        return Ok(());
    }
    // RFC 2181, section 8: a TTL with the highest bit set is 0.
    let ttl = Ttl::from_seconds(record.ttl).unwrap_or_default();
    let set = zone.set_mut(owner, rtype);
    match rtype {
        // RFC 6672, section 5.2, says of DNAME what RFC 2136 says of CNAME.
        Rtype::CNAME | Rtype::DNAME => {
            set.retain(|other| rdata::caseless(rtype, other) == rdata::caseless(rtype, rdata))
        }
        WKS => set.retain(|other| other.get(..WKS_KEY_BYTES) != rdata.get(..WKS_KEY_BYTES)),
        _ => {}
    }
    // RFC 2181, section 5.2: one TTL for all of them, and the newest is meant.
    set.ttl = ttl;
    set.add(rtype, rdata);
    Ok(())
}

fn never_added(zone: &Working<'_>, owner: &Name, rtype: Rtype) -> Option<&'static str> {
    let at_apex = owner.as_ref() == zone.zone.apex();
    match rtype {
        Rtype::SOA => Some("the SOA record comes from the operator, its serial from the server"),
        Rtype::NS if at_apex => Some("the name servers of the zone come from its operator"),
        _ => is_never_updated(rtype),
    }
}

/// All RRsets of a name; at the apex, SOA and NS stay. Where there are none, some rule must be about the name, or a
/// stranger to it would be told that there is nothing.
fn delete_name(
    owner: &Name,
    zone: &mut Working<'_>,
    may: &impl Fn(&Working<'_>, &Name, Rtype) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let mut types = zone.types(owner);
    if owner.as_ref() == zone.zone.apex() {
        // Keys are the operator's, as the other two are.
        let of_operator = [Rtype::SOA, Rtype::NS, Rtype::DNSKEY, Rtype::CDS, Rtype::CDNSKEY];
        types.retain(|rtype| !of_operator.contains(rtype));
    }
    if types.is_empty() {
        return may(zone, owner, Rtype::ANY);
    }
    types.into_iter().try_for_each(|rtype| delete_rrset(owner, rtype, zone, may))
}

fn delete_rrset(
    owner: &Name,
    rtype: Rtype,
    zone: &mut Working<'_>,
    may: &impl Fn(&Working<'_>, &Name, Rtype) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    may(zone, owner, rtype)?;
    if owner.as_ref() == zone.zone.apex() && matches!(rtype, Rtype::SOA | Rtype::NS) {
        return Ok(());
    }
    if let (Some(never), true) = (is_never_updated(rtype), zone.types(owner).contains(&rtype)) {
        return Err(Rejection::at(Reason::NeverUpdated(never), owner, rtype));
    }
    if zone.types(owner).contains(&rtype) {
        zone.set_mut(owner, rtype).clear();
    }
    Ok(())
}

fn delete_record(
    record: &Record,
    zone: &mut Working<'_>,
    may: &impl Fn(&Working<'_>, &Name, Rtype) -> Result<(), Rejection>,
) -> Result<(), Rejection> {
    let Record { owner, rtype, rdata, .. } = record;
    let (owner, rtype) = (owner, *rtype);
    may(zone, owner, rtype)?;
    let is_there = zone.set(owner, rtype).holds(rtype, rdata);
    if rtype == Rtype::SOA || !is_there {
        return Ok(());
    }
    if rtype == Rtype::NS && owner.as_ref() == zone.zone.apex() {
        // Section 3.4.2.4: the last one stays, and nothing is said of it.
        if zone.set(owner, rtype).len() == 1 {
            return Ok(());
        }
        let never = "the name servers of the zone come from its operator";
        return Err(Rejection::at(Reason::NeverUpdated(never), owner, rtype));
    }
    if let Some(never) = is_never_updated(rtype) {
        return Err(Rejection::at(Reason::NeverUpdated(never), owner, rtype));
    }
    zone.set_mut(owner, rtype).remove(rtype, rdata);
    Ok(())
}
