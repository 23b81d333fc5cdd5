//! `edgedns dnssec roll`: another key in the place of one, or others in the place of all.
//!
//! Touches key files only, and asks the parent. Which step is due says `dnssec`.

use std::io::{self, Write};
use std::net::SocketAddr;

use super::dnssec::{DnssecError, KeyRole, ZoneFolder, make, now, print_ds};
use super::dnssec_parent::tags_at_parent;
use crate::dnssec::{
    Algorithm, Event, KeyFile, Parent, Retimed, RollStep, RollTimes, Rolled, Successor, Timing, Waits, plan,
    read_folder, read_leaving, write_timing,
};

/// What is rolled.
#[derive(Clone, Copy, Debug)]
pub enum RolledKeys {
    /// The key of this role.
    Role(KeyRole),
    /// All keys, to this algorithm.
    ToAlgorithm(Algorithm),
}

/// What a roll, or the way out of DNSSEC, depends on.
#[derive(Clone, Debug)]
pub struct Roll {
    /// What caches and servers may take.
    pub times: RollTimes,
    /// Who is asked for the DS records; none: nobody.
    pub parent: Option<SocketAddr>,
}

/// What is left of a roll after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollProgress {
    /// A step was done.
    Done,
    /// Nothing is due yet, or somebody else is.
    Waiting,
}

/// Does the step of a roll that is due, and says which; one that is not due is not done.
///
/// # Errors
///
/// When keys cannot be read or written, or the parent cannot be asked.
pub fn roll(at: &ZoneFolder, keys: RolledKeys, roll: &Roll) -> Result<RollProgress, DnssecError> {
    if read_leaving(&at.folder, at.zone.as_ref())?.is_some() {
        return Err(DnssecError::Leaves(at.zone.clone()));
    }
    let rolled = match keys {
        RolledKeys::Role(role) => Rolled::Key(role.flags()),
        RolledKeys::ToAlgorithm(algorithm) => Rolled::Algorithm(algorithm),
    };
    let (files, now) = (read_folder(&at.folder, at.zone.as_ref())?, now());
    let keys: Vec<_> =
        files.iter().map(|file| (file.key.public().clone(), file.key.timing().clone())).collect();
    let step_with =
        |parent: &Parent| plan(&keys, rolled, &roll.times, parent, now).map_err(DnssecError::Roll);
    let mut parent = Parent::Unknown;
    let mut step = step_with(&parent)?;
    if let (RollStep::TellParent { .. }, Some(server)) = (&step, roll.parent) {
        parent = Parent::Has(tags_at_parent(&at.zone, server)?);
        step = step_with(&parent)?;
    }
    let progress = carry_out(at, &files, &step)?;
    say(at, &step, &parent, roll)?;
    Ok(progress)
}

fn carry_out(at: &ZoneFolder, files: &[KeyFile], step: &RollStep) -> Result<RollProgress, DnssecError> {
    let (successors, changed) = match step {
        RollStep::Wait { .. } | RollStep::TellParent { .. } => return Ok(RollProgress::Waiting),
        RollStep::Begin { successors, changed } => (&successors[..], changed),
        RollStep::Retire { old: _, changed } => (&[][..], changed),
        RollStep::Nothing(_) => return Ok(RollProgress::Done),
    };
    for successor in successors {
        make(at, successor.algorithm, successor.of.flags(), &successor.timing)?;
    }
    for Retimed { tag, timing } in changed {
        if let Some(file) = files.iter().find(|file| file.key.public().tag() == *tag) {
            write_timing(file, timing)?;
        }
    }
    Ok(RollProgress::Done)
}

/// Says what was done, and what comes next.
fn say(at: &ZoneFolder, step: &RollStep, parent: &Parent, roll: &Roll) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let zone = &at.zone;
    match step {
        RollStep::Begin { successors, changed } => {
            for Successor { of, algorithm, timing } in successors {
                let (old, signs) = (of.tag(), when(timing, Event::Activate));
                let published = when(timing, Event::Publish);
                write!(out, "{zone}: a key is made that follows {old}; it signs from {signs} on")?;
                if *algorithm == of.algorithm() {
                    writeln!(out)?;
                } else {
                    writeln!(out, " with {algorithm}, and is in the zone from {published} on")?;
                }
            }
            let tags: Vec<String> = changed.iter().map(|one| one.tag.to_string()).collect();
            let with = if tags.is_empty() {
                String::new()
            } else {
                format!(", with the changed ones of {}", tags.join(" and "))
            };
            // Signatures that come first must be everywhere before the longest TTL begins to run.
            let is_of_same = successors.iter().all(|one| one.algorithm == one.of.algorithm());
            let by = if is_of_same { "before that" } else { "at once" };
            writeln!(out, "put its files on every server of the zone{with}, {by}")
        }
        RollStep::Nothing(algorithm) => {
            writeln!(
                out,
                "{zone}: its keys are of {algorithm}, and nothing is left of others: the roll is over"
            )
        }
        RollStep::Wait { new, until, then } => {
            let then = match then {
                Waits::ItSigns => "it signs",
                Waits::ItIsPublished => "it comes into the zone, where its signatures are already",
                Waits::ParentIsTold => "the parent may be told of it",
                Waits::OldLeaves => "the key before it leaves the zone; its signatures stay for now",
                Waits::OldIsGone => "the key before it has left the zone, and the roll is over",
            };
            writeln!(out, "{zone}: key {new} waits until {until}: then {then}")
        }
        RollStep::TellParent { new, old } => {
            writeln!(out, "{zone}: the parent is to have the DS record of key {new}, and none of {old}:")?;
            drop(out);
            print_ds(at).map_err(io::Error::other)?;
            say_what_parent_has(&format!("roll {zone}"), parent, roll)
        }
        RollStep::Retire { old, changed } => {
            let of_old = changed.iter().find(|one| one.tag == *old);
            let gone = of_old.map_or_else(String::new, |one| when(&one.timing, Event::Delete));
            let others = if changed.len() > 1 { ", and the one beside it" } else { "" };
            writeln!(
                out,
                "{zone}: key {old} leaves the zone at {gone}{others}; put the changed files on every server"
            )
        }
    }
}

/// Says what the parent has of a zone, or which command looks.
pub(super) fn say_what_parent_has(command: &str, parent: &Parent, roll: &Roll) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match (parent, roll.parent) {
        (Parent::Has(tags), Some(server)) => {
            let tags: Vec<String> = tags.iter().map(u16::to_string).collect();
            let has = if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
            writeln!(out, "{server} has those of: {has}")
        }
        (Parent::Has(_) | Parent::Unknown, _) => {
            writeln!(out, "when that is so: `edgedns dnssec {command} --parent ADDRESS` looks and goes on")
        }
    }
}

/// A time of a key, for people.
fn when(timing: &Timing, event: Event) -> String {
    timing.get(event).map_or_else(String::new, |time| time.to_string())
}
