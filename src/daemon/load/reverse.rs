//! Reverse zones that are made from other zones, and compared with them.
//!
//! Responsible for which zone's addresses go into which reverse zone.
//! Not responsible for the records: those are `zone`'s.

use std::collections::HashSet;
use std::sync::Arc;

use super::others::Others;
use super::{Basis, Purpose, Version, ZoneReader};
use crate::config::{self, Config};
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Addresses, Hosts, Zone, is_reverse};

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
    zone: &config::Zone,
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
pub(super) fn turn(zone: &config::Zone) -> Turn {
    match (&zone.reverse_of, is_reverse(zone.name.as_ref())) {
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
    origins: HashSet<&'c Name>,
    /// Whether there is a reverse zone, which can be compared with the others.
    reverse: bool,
}

impl<'c> Wanting<'c> {
    pub(super) fn of(config: &'c Config) -> Self {
        let made = config.zones.iter().filter_map(|zone| zone.reverse_of.as_ref());
        Wanting {
            origins: made.map(|reverse_of| &reverse_of.zone).collect(),
            reverse: config.zones.iter().any(|zone| is_reverse(zone.name.as_ref())),
        }
    }
}

impl ZoneReader<'_> {
    /// The version of the zone that a reverse zone is made from. Of several
    /// the one of its own view, else the one for everybody else, else the first.
    pub(super) fn forward<'l>(&'l self, zone: &config::Zone, loaded: &'l Others) -> Option<&'l Version> {
        let name = &zone.reverse_of.as_ref()?.zone;
        let named = loaded.named(name);
        let own = named.clone().find(|forward| forward.id.view == zone.view);
        let forward = own.or_else(|| {
            named.clone().find(|forward| forward.access.as_ref().is_none_or(|one| one.is_for_everybody()))
        });
        let forward = forward.or_else(|| named.clone().next())?;
        forward
            .version
            .as_ref()
            .or_else(|| self.before(&forward.id))
            .filter(|version| version.hosts.is_some())
    }

    /// Whether some other zone wants to know the addresses of this one.
    pub(super) fn wants_hosts(&self, name: &Name) -> bool {
        match self.purpose {
            Purpose::Check => self.wanting.reverse,
            Purpose::Serve(_) => self.wanting.origins.contains(name),
        }
    }

    /// Where a check gathers what zones say of addresses; none: no zone is compared with them.
    pub(super) fn compared(&self) -> Option<Addresses> {
        let is_compared = matches!(self.purpose, Purpose::Check) && self.wanting.reverse;
        is_compared.then(|| Addresses::new(Arc::clone(&self.apexes)))
    }

    /// The version that a zone is. None when it cannot be compiled; `found` says why, at the place where the config
    /// file `names` it: the text of the zone may have been let go.
    pub(super) fn version(
        &self,
        zone: &Zone,
        basis: Basis,
        names: Span,
        found: &mut Diagnostics,
    ) -> Option<Version> {
        let hosts = self.wants_hosts(&zone.apex().to_name()).then(|| Hosts::of(zone).into());
        let compiled = Version::of(zone, basis);
        let version =
            compiled.map_err(|error| found.push(Diagnostic::error(names, error.to_string()))).ok()?;
        Some(Version { hosts, ..version })
    }
}
