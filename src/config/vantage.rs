//! `[vantage]`: by way of which store servers tell each other what they see.
//!
//! Not responsible for whose word counts where: that is `vantage` of a pool (`pool_settings`), or for carrying any (`etcd`).

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::table::Table;
use super::zone::Zone;
use crate::etcd::access_keys::{self, MEMBERS};
use crate::etcd::{Access, is_vantage_name};
use crate::probe;
use crate::setting::{Value, keep};
use crate::source::{Diagnostic, Diagnostics};

/// What `lease` may be: etcd knows whole seconds, and grants none that is shorter than an election.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(600);

/// How long a word holds when its server is not heard any more.
const LEASE: Duration = Duration::from_secs(10);

/// What keys begin with.
const PREFIX: &str = "/edgedns-vantage";

/// Most members that are named.
const MEMBERS_MAX: usize = 64;

/// `[vantage]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// How the store is reached, and who asks.
    pub access: Access,
    /// What keys begin with.
    pub prefix: String,
    /// What this server is called; none: as its host.
    pub name: Option<String>,
    /// All that count; empty: whoever is there.
    pub members: BTreeSet<String>,
    /// How long a word holds when its server is not heard any more.
    pub lease: Duration,
}

impl Vantage {
    /// Reads `[vantage]`; none where it is of no use.
    pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Self> {
        let endpoints = table.need("endpoints", found).and_then(|value| MEMBERS.read(value, found));
        let name = table.read("name", found, name);
        let members = table.get("members").map(|value| members(value, found)).unwrap_or_default();
        let lease = table.read("lease", found, |value| {
            let lease = value.duration(&LEASES)?;
            let is_whole = lease.subsec_nanos() == 0;
            if is_whole { Ok(lease) } else { Err(value.fault("a lease is whole seconds")) }
        });
        let prefix = table.read("prefix", found, access_keys::prefix);
        let access = access_keys::read(table, folder, endpoints.unwrap_or_default(), found).ok()?;
        if let (Some(name), Some(value)) = (&name, table.get("members"))
            && !members.is_empty()
            && !members.contains(name)
        {
            found.push(value.fault(format!("this server, `{name}`, is not among them")).help("name it, too"));
        }
        Some(Vantage {
            access,
            prefix: prefix.unwrap_or_else(|| PREFIX.to_owned()),
            name,
            members,
            lease: lease.unwrap_or(LEASE),
        })
    }
}

/// Pools that ask for the probes of others, whom nobody hears.
pub(super) fn warn_of_nobody_to_hear(zones: &[Zone], found: &mut Diagnostics) {
    for guard in zones.iter().flat_map(|zone| &zone.guards) {
        if guard.choice.vantage != probe::Vantage::Own {
            let message =
                "`vantage` has no effect: there is no `[vantage]`, so that no other server is heard";
            let help = "name the etcd that carries verdicts in `[vantage]`";
            found.push(Diagnostic::warning(guard.span, message).help(help));
        }
    }
}

fn name(value: Value<'_>) -> Result<String, Diagnostic> {
    let text = value.text()?;
    if is_vantage_name(text) {
        Ok(text.to_owned())
    } else {
        Err(value
            .fault(format!("`{text}` is no name of a vantage: up to 63 letters, digits, `-`, `.` and `_`")))
    }
}

fn members(value: Value<'_>, found: &mut Diagnostics) -> BTreeSet<String> {
    let items = keep(value.items(), found).unwrap_or_default();
    if items.len() > MEMBERS_MAX {
        found.push(value.fault(format!("`members` has {MEMBERS_MAX} items at most, not {}", items.len())));
        return BTreeSet::new();
    }
    let mut members = BTreeSet::new();
    for item in items {
        let Some(member) = keep(name(item), found) else { continue };
        if members.contains(&member) {
            found.push(item.fault(format!("`{member}` is named already")));
        }
        members.insert(member);
    }
    members
}
