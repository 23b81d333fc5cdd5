//! Whose the hosts are that pools have as members by name: of the zone of the pool, or of another one that is served here.
//!
//! Not responsible for whether they have addresses: `zones` looks them up.

use std::collections::{BTreeMap, BTreeSet};

use super::zone::Zone;
use super::zone_probe::MemberHost;
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Span, nearest};
use crate::zone::Apexes;
use crate::zones::source::Changing;

/// Finds the zone of each host of these zones. A zone with hosts of others changes while it is served, as they do.
pub(super) fn find(zones: &mut [Zone], found: &mut Diagnostics) {
    if zones.iter().all(|zone| zone.guards.iter().all(|block| block.hosts.is_empty())) {
        return;
    }
    let names: Vec<Name> = zones.iter().map(|zone| zone.name.clone()).collect();
    // A zone with a fault may be the one.
    let are_all_known = found.errors() == 0;
    let apexes: Apexes = names.iter().map(Name::as_ref).collect();
    for zone in zones.iter_mut() {
        let own = zone.name.clone();
        for host in zone.guards.iter_mut().flat_map(|block| &mut block.hosts) {
            match apexes.nearest(host.name.as_ref()) {
                Some(apex) if apex == own.as_ref() => found.extend(unlike_complete(host, &own, &apexes)),
                Some(apex) => host.zone = Some(apex.to_name()),
                None if are_all_known => found.push(of_nobody(host, &names)),
                None => {}
            }
        }
        let Some(span) = hosts_elsewhere(zone).next().map(|(host, _)| host.span) else { continue };
        zone.sources.push(Changing::Hosts);
        if zone.sources.made_from().is_some() {
            let fault = Diagnostic::error(span, "hosts of other zones give a zone serials of its own");
            found.push(
                fault.help("a zone with `reverse-of` has those of another one: put the pool elsewhere"),
            );
        }
    }
    found.extend(going_round(zones));
}

impl Zone {
    /// Whether some of its pools have hosts of other zones as members.
    pub fn has_hosts_elsewhere(&self) -> bool {
        hosts_elsewhere(self).next().is_some()
    }
}

/// The hosts of other zones, with the apexes of these.
fn hosts_elsewhere(zone: &Zone) -> impl Iterator<Item = (&MemberHost, &Name)> {
    let hosts = zone.guards.iter().flat_map(|block| &block.hosts);
    hosts.filter_map(|host| Some((host, host.zone.as_ref()?)))
}

/// A name without a final dot that another zone has if it has one.
fn unlike_complete(host: &MemberHost, own: &Name, apexes: &Apexes) -> Option<Diagnostic> {
    let MemberHost { name, complete, span, .. } = host;
    let meant = apexes.nearest(complete.as_ref()).filter(|apex| complete != name && !apex.is_root())?;
    let message = format!("read as `{name}`: it has no final dot");
    let whose = if meant == own.as_ref() { String::new() } else { format!(" of the zone `{meant}`") };
    let help = format!("if `{complete}`{whose} is meant, write \"{complete}\"");
    Some(Diagnostic::warning(*span, message).help(help))
}

fn of_nobody(host: &MemberHost, names: &[Name]) -> Diagnostic {
    let fault = Diagnostic::error(host.span, format!("no `[[zone]]` has the host `{}`", host.name));
    let names: Vec<String> = names.iter().map(Name::to_string).collect();
    let above = std::iter::successors(host.name.as_ref().parent(), |name| name.parent());
    let near = above
        .filter(|name| !name.is_root())
        .find_map(|name| nearest(&name.to_string(), names.iter().map(String::as_str)).map(str::to_owned));
    match near {
        Some(near) => fault.help(format!("is a host of `{near}` meant?")),
        None => fault.help(
            "members are hosts of this zone, or of another one in this file; list addresses in its zone file",
        ),
    }
}

/// Zones that have hosts of each other: each would wait for the other at a start.
fn going_round(zones: &[Zone]) -> Option<Diagnostic> {
    let mut of: BTreeMap<&Name, BTreeMap<&Name, Span>> = BTreeMap::new();
    for zone in zones {
        let others = of.entry(&zone.name).or_default();
        hosts_elsewhere(zone).for_each(|(host, apex)| _ = others.entry(apex).or_insert(host.span));
    }
    // What has hosts of nobody else that is left is taken away, until nothing is.
    loop {
        let done: BTreeSet<&Name> =
            of.iter().filter(|(_, of)| of.is_empty()).map(|(name, _)| *name).collect();
        if done.is_empty() {
            break;
        }
        of.retain(|name, _| !done.contains(name));
        of.values_mut().for_each(|others| others.retain(|name, _| !done.contains(name)));
    }
    // Each that is left has hosts of another one that is left. So a way along them, as long as there are zones, ends in a
    // round, wherever it began.
    let next = |name: &Name| of.get(name)?.first_key_value().map(|(other, span)| (*other, *span));
    let mut name = *of.first_key_value()?.0;
    for _ in 0..of.len() {
        (name, _) = next(name)?;
    }
    let (other, span) = next(name)?;
    let message =
        format!("`{name}` has members of `{other}`, which has members of `{name}`, or of a zone that does");
    let help = "let one of them have hosts of the other, or put the hosts of both into a zone of their own";
    Some(Diagnostic::error(span, message).help(help))
}
