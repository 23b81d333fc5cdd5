//! Reverse zones that are made from other zones, and compared with them.
//!
//! Responsible for which zone's addresses go into which reverse zone.
//! Not responsible for the records: those are `zone`'s.

use std::collections::HashSet;

use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Hosts, is_reverse};
use crate::zones::settings::ZoneSettings;
use crate::zones::version::Version;

/// What another zone gives a reverse zone.
#[derive(Clone, Copy)]
pub(super) struct Given<'h> {
    pub(super) hosts: &'h Hosts,
    /// Where the operator wants it so.
    pub(super) span: Span,
}

/// What a zone is given. None when it cannot be had, which `found` says; most
/// zones want nothing.
pub(super) fn given<'v>(
    zone: &ZoneSettings,
    forward: Option<&'v Version>,
    found: &mut Diagnostics,
) -> Option<Option<Given<'v>>> {
    let Some(reverse_of) = &zone.reverse_of else { return Some(None) };
    let hosts = forward.and_then(|forward| forward.hosts.as_deref());
    if hosts.is_none() {
        let message = format!("the zone `{}` cannot be read", reverse_of.zone);
        found.push(Diagnostic::error(reverse_of.span, message).label("the PTR records come from there"));
    }
    hosts.map(|hosts| Some(Given { hosts, span: reverse_of.span }))
}

/// Who is loaded behind whom: reverse zones say something of the addresses of the others, and those that are made
/// need them.
pub(super) fn turn(zone: &ZoneSettings) -> Turn {
    match (&zone.reverse_of, is_reverse(zone.id.name.as_ref())) {
        (Some(_), _) => Turn::Made,
        (None, true) => Turn::Reverse,
        (None, false) => Turn::Forward,
    }
}

/// What a zone is to the others, in the order in which they are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    Forward,
    Reverse,
    /// From another zone.
    Made,
}

/// Which zones want to know the addresses of others.
pub(super) struct Wanting<'c> {
    /// Those that zones are made from.
    pub(super) origins: HashSet<&'c Name>,
    /// Whether there is a reverse zone, which can be compared with the others.
    pub(super) reverse: bool,
}

impl<'c> Wanting<'c> {
    pub(super) fn of(zones: &'c [ZoneSettings]) -> Self {
        let made = zones.iter().filter_map(|zone| zone.reverse_of.as_ref());
        Wanting {
            origins: made.map(|reverse_of| &reverse_of.zone).collect(),
            reverse: zones.iter().any(|zone| is_reverse(zone.id.name.as_ref())),
        }
    }
}
