//! `edgedns dnssec leave`: the way of a zone out of DNSSEC.
//!
//! Touches a file beside the keys only, and asks the parent. Which step is due says `dnssec`.

use std::io::{self, Write};

use super::dnssec::{DnssecError, ZoneFolder, now};
use super::dnssec_parent::tags_at_parent;
use super::dnssec_roll::{Roll, RollProgress, say_what_parent_has};
use crate::dnssec::{
    LeaveStep, Leaving, Parent, forget_leaving, plan_leaving, read_folder, read_leaving, write_leaving,
};

/// Does the step of the way out that is due, and says which; one that is not due is not done.
///
/// # Errors
///
/// When what was reached cannot be read or written, the zone has no key, or the parent cannot be asked.
pub fn leave(at: &ZoneFolder, roll: &Roll) -> Result<RollProgress, DnssecError> {
    let (leaving, now) = (read_leaving(&at.folder, at.zone.as_ref())?, now());
    if leaving.is_none() && read_folder(&at.folder, at.zone.as_ref())?.is_empty() {
        return Err(DnssecError::NoKey(at.clone()));
    }
    let parent = match roll.parent.filter(|_| leaving.is_some()) {
        Some(server) => Parent::Has(tags_at_parent(&at.zone, server)?),
        None => Parent::Unknown,
    };
    let step = plan_leaving(leaving, &roll.times, &parent, now);
    let reached = match step {
        LeaveStep::Begin(leaving) | LeaveStep::DsGone(leaving) | LeaveStep::DsIsBack(leaving) => {
            Some(leaving)
        }
        LeaveStep::TellParent | LeaveStep::Wait(_) | LeaveStep::MayEnd => None,
    };
    if let Some(leaving) = reached {
        write_leaving(&at.folder, at.zone.as_ref(), &leaving)?;
    }
    say(at, step, &parent, roll)?;
    Ok(match step {
        LeaveStep::Begin(_) | LeaveStep::DsGone(_) | LeaveStep::MayEnd => RollProgress::Done,
        LeaveStep::TellParent | LeaveStep::DsIsBack(_) | LeaveStep::Wait(_) => RollProgress::Waiting,
    })
}

/// Has a zone stay in DNSSEC, and says so. True where it was on its way out.
///
/// # Errors
///
/// When that cannot be written down.
pub fn stay(at: &ZoneFolder) -> Result<bool, DnssecError> {
    let was_leaving = forget_leaving(&at.folder, at.zone.as_ref())?;
    let mut out = io::stdout().lock();
    let zone = &at.zone;
    if was_leaving {
        writeln!(out, "{zone} stays in DNSSEC: its CDS and CDNSKEY records are those of its keys again")?;
        writeln!(
            out,
            "take its file K*.leaving away on every server, and give the zone above its DS records:"
        )?;
        writeln!(out, "`edgedns dnssec ds {zone}`")?;
    } else {
        writeln!(out, "{zone} was not leaving DNSSEC")?;
    }
    Ok(was_leaving)
}

/// Says what was done, and what comes next.
fn say(at: &ZoneFolder, step: LeaveStep, parent: &Parent, roll: &Roll) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let zone = &at.zone;
    match step {
        LeaveStep::Begin(_) => {
            writeln!(out, "{zone}: CDS and CDNSKEY records ask the zone above to take its DS records away")?;
            writeln!(
                out,
                "put the file K*.leaving on every server of the zone, and keep `[zone.dnssec]` for now"
            )
        }
        LeaveStep::TellParent | LeaveStep::DsIsBack(_) => {
            writeln!(out, "{zone}: the parent is to have no DS record of it; keep `[zone.dnssec]` for now")?;
            drop(out);
            say_what_parent_has(&format!("leave {zone}"), parent, roll)
        }
        LeaveStep::DsGone(Leaving { ends, .. }) => {
            let ends = ends.map_or_else(String::new, |time| time.to_string());
            writeln!(out, "{zone}: the parent has no DS record any more, and caches none after {ends}")?;
            writeln!(out, "keep `[zone.dnssec]` until then")
        }
        LeaveStep::Wait(until) => {
            writeln!(out, "{zone}: caches may have DS records until {until}: keep `[zone.dnssec]` until then")
        }
        LeaveStep::MayEnd => {
            writeln!(out, "{zone}: nobody needs its signatures any more")?;
            writeln!(out, "take `[zone.dnssec]` out of the config file on every server, then its keys away")
        }
    }
}
