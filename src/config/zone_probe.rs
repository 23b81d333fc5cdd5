//! `[[zone.probe]]`: which plain RRsets are guarded, and by what.
//!
//! Not responsible for the kinds of probe (`probe_kind`), for how an answer is chosen (`pool_settings`), for
//! whether the owners exist, or for joining blocks with the same owner: `zone` does that.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::keys::Section;
use super::kubernetes;
use super::life;
use super::pool_settings;
use super::probe::Probe;
use super::probe_kind;
use super::table::Table;
use crate::dns::{Name, NameRef};
use crate::kubernetes::Selector;
use crate::probe::{Life, ProbeKind};
use crate::setting::Value;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Elsewhere, Expected, Follows, GuardTemplate, Guarding, HostName, PoolSettings, Test};

/// A block of owners whose RRsets are guarded by the same probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneProbe {
    /// The owners, all in the zone, none twice, and where each is named; never empty.
    pub names: Vec<(Name, Span)>,
    /// What must pass, all of it, for an address to be answered; never empty without `target` where no fault
    /// was found.
    pub probes: Vec<ProbeSpec>,
    /// Times of the probe of each SRV record's own port at its target.
    pub target: Option<Probe>,
    /// The address to probe from, for targets of its family.
    pub source: Option<IpAddr>,
    /// How its targets begin, return, and are asked while they are down.
    pub life: Life,
    /// How an answer is chosen.
    pub choice: PoolSettings,
    /// Hosts whose addresses the owners have besides their own.
    pub hosts: Vec<MemberHost>,
    /// Whose addresses a cluster adds to those that the owners have, and where that is said.
    pub members: Option<(Selector, Span)>,
    /// The header of the block.
    pub span: Span,
}

/// A host whose addresses are members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberHost {
    /// Its name.
    pub name: Name,
    /// The same if it had been written with a final dot.
    pub(super) complete: Name,
    /// Where it is named.
    pub span: Span,
    /// The zone that it is a host of; none: the one that its pool is in.
    pub zone: Option<Name>,
}

/// A probe to run at every address of the guarded RRsets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSpec {
    /// What must pass.
    pub kind: ProbeKind,
    /// Where it is written: its port, or its table.
    pub span: Span,
    /// The address to probe from, for targets of its family.
    pub source: Option<IpAddr>,
    /// From one probe to the next.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// From an outcome that contradicts the verdict to the next probe.
    pub retry: Duration,
    /// Passes in a row until a target that was down is up.
    pub rise: NonZeroU32,
    /// Failures in a row until a target that was up is down.
    pub fall: NonZeroU32,
}

impl ZoneProbe {
    /// Reads a block of the zone `apex`; none when that has no sound name.
    pub(super) fn read(
        table: &Table<'_>,
        apex: Option<NameRef<'_>>,
        defaults: &Probe,
        folder: &Path,
        found: &mut Diagnostics,
    ) -> Option<Self> {
        let names = table.need("names", found).and_then(|value| read_names(value, apex, found));
        let nameless = Self::nameless(table, defaults, folder, found);
        let hosts = table.get("members").filter(|value| value.items().is_ok());
        let hosts = hosts.map(|value| read_hosts(value, apex, found)).unwrap_or_default();
        Some(Self { names: names?, hosts, ..nameless })
    }

    /// Reads all of a block but its names.
    pub(super) fn nameless(
        table: &Table<'_>,
        defaults: &Probe,
        folder: &Path,
        found: &mut Diagnostics,
    ) -> Self {
        let times = defaults.overridden(table, found);
        let target = table.get("tcp").filter(|value| value.text() == Ok(TARGET)).map(|_| times);
        let choice = pool_settings::read(table, found);
        let life = life::read(table, choice.selector, found);
        let source = table.read("source", found, source);
        let kinds = match target {
            Some(_) => {
                refuse_addresses(table, found);
                Vec::new()
            }
            None => probe_kind::read_all(table, folder, found),
        };
        let kinds = match choice.selector.entry().follows {
            Follows::Weight => telling_weight(kinds, table, found),
            Follows::Verdict | Follows::Latency => kinds,
        };
        let probes = kinds.into_iter().map(|(kind, span)| ProbeSpec {
            kind,
            span,
            source,
            interval: times.interval,
            timeout: times.timeout,
            retry: times.retry,
            rise: times.rise,
            fall: times.fall,
        });
        let probes = probes.collect();
        let written = table.get("members");
        let of_cluster = written.filter(|value| value.items().is_err());
        let read = |value: Value<'_>| Some((keep(kubernetes::members(value), found)?, value.span()));
        let members = of_cluster.and_then(read);
        if let (Some(span), Some(_)) = (written.map(Value::span), target) {
            let message = "`members` are addresses, and `tcp = \"target\"` guards SRV records";
            found.push(Diagnostic::error(span, message).help("put it into a block for A and AAAA RRsets"));
        }
        Self {
            names: Vec::new(),
            hosts: Vec::new(),
            probes,
            target,
            source,
            life,
            choice,
            members,
            span: table.span(),
        }
    }

    /// What it says about each of its owners.
    pub fn guardings(&self) -> impl Iterator<Item = Guarding> {
        let guards = self.templates();
        self.names.iter().map(move |(owner, span)| Guarding {
            owner: owner.clone(),
            origin: (*span).into(),
            hosts: self
                .hosts
                .iter()
                .map(|host| HostName {
                    name: host.name.clone(),
                    origin: host.span.into(),
                    elsewhere: host.zone.clone().map(|zone| Elsewhere { zone, addresses: Arc::default() }),
                })
                .collect(),
            guards: guards.clone(),
            choice: self.choice.clone(),
            records: if self.members.is_some() { Expected::Later } else { Expected::Now },
        })
    }

    /// What must pass at each address.
    pub(super) fn templates(&self) -> Vec<GuardTemplate> {
        let same = |probe: &ProbeSpec| GuardTemplate {
            test: Test::Same(probe.kind.clone()),
            source: probe.source,
            timeout: probe.timeout,
            interval: probe.interval,
            retry: probe.retry,
            rise: probe.rise,
            fall: probe.fall,
            life: self.life,
        };
        let target = |times: &Probe| {
            let Probe { interval, timeout, retry, rise, fall, .. } = *times;
            GuardTemplate {
                test: Test::TargetPort,
                source: self.source,
                timeout,
                interval,
                retry,
                rise,
                fall,
                life: self.life,
            }
        };
        self.probes.iter().map(same).chain(self.target.as_ref().map(target)).collect()
    }
}

/// The address to probe from. RFC 4007, section 6: a link-local one reaches nothing beyond its link, and the
/// addresses of a zone do not say on which link they are.
fn source(value: Value<'_>) -> Result<IpAddr, Diagnostic> {
    let text = value.text().unwrap_or_default();
    let address = match text.split_once('%').and_then(|(address, _)| address.parse().ok()) {
        Some(address) => address,
        None => value.address()?,
    };
    match address {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Err(value
            .fault(format!("`{text}` is link-local: no address in a zone can be probed from it"))
            .help("name an address of this host that reaches the targets, or leave `source` out")),
        // An interface stands behind a link-local address only.
        IpAddr::V4(_) | IpAddr::V6(_) if text.contains('%') => value.address(),
        IpAddr::V4(_) | IpAddr::V6(_) => Ok(address),
    }
}

/// The same probes; those over HTTP read the weight that a member tells.
fn telling_weight(
    kinds: Vec<(ProbeKind, Span)>,
    table: &Table<'_>,
    found: &mut Diagnostics,
) -> Vec<(ProbeKind, Span)> {
    let telling = |kind: &ProbeKind| kind.clone().telling_weight();
    if kinds.iter().all(|(kind, _)| telling(kind).is_none())
        && let Some(selector) = table.get("selector")
    {
        let fault = selector.fault("no probe of this block hears a weight");
        found.push(fault.help("add an `http` or `https` probe of a page that begins with one: \"70\""));
    }
    kinds.into_iter().map(|(kind, span)| (telling(&kind).unwrap_or(kind), span)).collect()
}

/// The word for the port that an SRV record names.
const TARGET: &str = "target";

/// What speaks of addresses, where SRV records have names.
fn refuse_addresses(table: &Table<'_>, found: &mut Diagnostics) {
    let tables = Section::ZoneProbe.children().map(Section::name);
    for key in ["backup", "weights", "machine", "probe-at"].into_iter().chain(tables) {
        if let Some(value) = table.get(key) {
            let message = format!("`{key}` is about addresses, and `tcp = \"target\"` guards SRV records");
            found.push(value.fault(message).help("put it into a block for A and AAAA RRsets"));
        }
    }
}

fn read_names(
    value: Value<'_>,
    apex: Option<NameRef<'_>>,
    found: &mut Diagnostics,
) -> Option<Vec<(Name, Span)>> {
    let items = keep(value.items(), found)?;
    if items.is_empty() {
        found.push(value.fault("`names` guards nothing").help("name the owners, as in [\"@\", \"api\"]"));
    }
    let mut names: Vec<(Name, Span)> = Vec::with_capacity(items.len());
    let mut first_of: HashMap<Name, Span> = HashMap::with_capacity(items.len());
    for item in items {
        let Some(name) = keep(read_owner(item, apex, found), found) else { continue };
        match first_of.entry(name.clone()) {
            Entry::Occupied(first) => found.push(
                Diagnostic::warning(item.span(), format!("`{name}` is named twice in this block"))
                    .and_at(*first.get(), "first named here"),
            ),
            Entry::Vacant(new) => {
                new.insert(item.span());
                names.push((name, item.span()));
            }
        }
    }
    Some(names)
}

/// Hosts whose addresses are members. Whose they are is found when all zones are known.
fn read_hosts(value: Value<'_>, apex: Option<NameRef<'_>>, found: &mut Diagnostics) -> Vec<MemberHost> {
    let items = keep(value.items(), found).unwrap_or_default();
    if items.is_empty() {
        let fault = value.fault("`members` names nobody");
        found.push(fault.help("name hosts of the zone, as in [\"master-0\", \"master-1\"], or leave it out"));
    }
    let mut hosts: Vec<MemberHost> = Vec::with_capacity(items.len());
    for item in items {
        let Some(name) = keep(item.name(apex.unwrap_or(NameRef::ROOT)), found) else { continue };
        let Some(complete) = keep(item.name(NameRef::ROOT), found) else { continue };
        if hosts.iter().any(|known| known.name == name) {
            found.push(item.fault(format!("`{name}` is a member twice")));
        } else {
            hosts.push(MemberHost { name, complete, span: item.span(), zone: None });
        }
    }
    hosts
}

/// An owner in the zone. In a zone without a sound name only its syntax is looked at.
fn read_owner(
    value: Value<'_>,
    apex: Option<NameRef<'_>>,
    found: &mut Diagnostics,
) -> Result<Name, Diagnostic> {
    let Some(apex) = apex else { return value.name(NameRef::ROOT) };
    let owner = value.name(apex)?;
    if !owner.as_ref().is_at_or_below(apex) {
        return Err(value
            .fault(format!("`{owner}` lies outside of the zone `{apex}`"))
            .help("a name without a final dot is relative to the zone"));
    }
    let complete = value.name(NameRef::ROOT)?;
    if complete != owner && !apex.is_root() && complete.as_ref().is_at_or_below(apex) {
        found.push(
            Diagnostic::warning(value.span(), format!("read as `{owner}`: it has no final dot"))
                .help(format!("if `{complete}` is meant, write \"{complete}\"")),
        );
    }
    Ok(owner)
}
