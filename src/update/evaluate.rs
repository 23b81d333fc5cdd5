//! Evaluates an update in the order of RFC 2136, section 3.

use super::changing::{make, prescan};
use super::message::UpdateMessage;
use super::policy::Policy;
use super::prerequisites;
use super::rejection::{Reason, Rejection};
use super::working::Working;
use crate::answer::Requester;
use crate::dns::{Name, Rtype};
use crate::zone::{Changeset, Guarding, Test, Zone};

/// What an update comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluated {
    /// All of it is so already: NOERROR, and the serial stays (section 3.6).
    NothingToDo,
    /// These changes, the SOA record with the next serial first.
    Changes(Changeset),
}

/// Evaluates an update to a zone. A type of an owner that a pool answers, or that `guards` would make a pool, is not
/// changed.
///
/// # Errors
///
/// Why nothing of it is made. Whoever may change nothing in the zone is told nothing of it either: the rules are asked
/// for the requester before prerequisites are looked at (section 3.3 leaves the order open).
pub fn evaluate(
    message: &UpdateMessage,
    zone: &Zone,
    guards: &[Guarding],
    policy: &Policy,
    requester: &Requester,
) -> Result<Evaluated, Rejection> {
    if !message.is_for(&zone.apex().to_name()) {
        return Err(Reason::NotOurs.into());
    }
    if !policy.knows(requester) {
        return Err(Reason::NobodyAllowed.into());
    }
    let mut working = Working::new(zone);
    prerequisites::check(&message.prerequisites, &working)?;
    prescan(&message.updates, &working)?;
    let may = |working: &Working<'_>, owner: &Name, rtype: Rtype| {
        let fail = |reason| Err(Rejection::at(reason, owner, rtype));
        if !policy.permits(requester, zone.apex(), owner.as_ref(), rtype) {
            return fail(Reason::NotAllowed);
        }
        let is_held = working.is_pool(owner, rtype)
            || is_guarded(guards, owner, rtype)
            || hides_names(working, owner, rtype) && is_above_pool(zone, guards, owner);
        if is_held { fail(Reason::HeldByPool) } else { Ok(()) }
    };
    for record in &message.updates {
        make(record, &mut working, &may)?;
    }
    Ok(working.into_changes_with_serial().map_or(Evaluated::NothingToDo, Evaluated::Changes))
}

/// Whether records of this type at a name have what lies below it, or beside them, answered elsewhere.
fn hides_names(working: &Working<'_>, owner: &Name, rtype: Rtype) -> bool {
    rtype == Rtype::DNAME || rtype == Rtype::NS && owner.as_ref() != working.zone.apex()
}

/// Whether a pool is at this name or below it, or would be by the config file.
fn is_above_pool(zone: &Zone, guards: &[Guarding], owner: &Name) -> bool {
    let is_below = |name: &Name| name.as_ref().is_at_or_below(owner.as_ref());
    zone.pools().iter().any(|pool| is_below(&pool.owner))
        || guards.iter().any(|guarding| is_below(&guarding.owner))
}

/// Whether plain records of this owner and type are a pool, by the config file.
fn is_guarded(guards: &[Guarding], owner: &Name, rtype: Rtype) -> bool {
    let tests = |test: &Test| match test {
        Test::Same(_) => matches!(rtype, Rtype::A | Rtype::AAAA),
        Test::TargetPort => rtype == Rtype::SRV,
    };
    let mut guards = guards.iter().filter(|guarding| guarding.owner == *owner);
    guards.any(|guarding| guarding.guards.iter().any(|guard| tests(&guard.test)))
}
