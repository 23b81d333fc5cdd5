//! Catalogs that are zone files: which zones they would have served, as far as files say.

use serde::Serialize;

use crate::config::{self, Config};
use crate::daemon::LoadResult;
use crate::source::{Diagnostic, Diagnostics};
use crate::transfer::catalog::{Catalog, Member};
use crate::zone::Zone;
use crate::zones::{Clash, LoadedZone};

/// Members that are told of one by one; the rest is counted.
const NAMED_MAX: usize = 16;

/// What a catalog names.
#[derive(Serialize)]
pub(super) struct CatalogResult {
    name: String,
    /// Zones that would be served.
    members: usize,
    /// How many of them each group has, in the order of the config file.
    groups: Vec<GroupResult>,
}

#[derive(Serialize)]
struct GroupResult {
    name: String,
    members: usize,
}

/// Looks at each catalog that is a file, and adds what is wrong with it to what is wrong with the config.
pub(super) fn look(reading: &mut LoadResult) -> Vec<CatalogResult> {
    let Some(loaded) = &reading.loaded else { return Vec::new() };
    let mut found = Diagnostics::default();
    let results = loaded.config.catalogs.iter().filter_map(|catalog| {
        let zone = loaded.zones.iter().find(|zone| zone.id.name == catalog.name)?;
        let contents = zone.version.as_ref()?.contents.as_deref()?;
        one(catalog, &loaded.config, zone, contents, &mut found)
    });
    let results = results.collect();
    reading.config_faults.append(found);
    results
}

fn one(
    settings: &config::Catalog,
    config: &Config,
    zone: &LoadedZone,
    contents: &Zone,
    found: &mut Diagnostics,
) -> Option<CatalogResult> {
    let named = config.zones.iter().find(|one| one.name == settings.name)?;
    let catalog = match Catalog::of(contents) {
        Ok(catalog) => catalog,
        Err(broken) => {
            let fault = Diagnostic::error(named.name_span, format!("this catalog is broken: {broken}"));
            found.push(
                fault.remark(format!("it changes nothing; {} is served, and its members stay", zone.id)),
            );
            return None;
        }
    };
    let is_configured = |name| config.zones.iter().any(|zone| zone.name == name);
    let (clashes, members): (Vec<_>, Vec<_>) =
        catalog.members().partition(|(name, _)| is_configured((*name).clone()));
    let mut clashes: Vec<String> = clashes.into_iter().map(|(name, _)| name.to_string()).collect();
    clashes.sort();
    for clash in clashes.iter().take(NAMED_MAX) {
        let message = format!("`{clash}` is no member of this catalog: {}", Clash::Configured);
        found.push(Diagnostic::warning(named.name_span, message));
    }
    if clashes.len() > NAMED_MAX {
        let more = clashes.len() - NAMED_MAX;
        found.push(Diagnostic::warning(
            named.name_span,
            format!("and {more} more are none, for the same reason"),
        ));
    }
    let mut counts = vec![0; settings.groups.len()];
    for (_, member) in &members {
        if let Some(place) = settings.groups.iter().position(|(name, _)| has_group(member, name)) {
            counts[place] += 1;
        }
    }
    let groups = settings.groups.iter().zip(counts);
    let groups = groups.map(|((name, _), members)| GroupResult { name: name.clone(), members });
    Some(CatalogResult { name: settings.name.to_string(), members: members.len(), groups: groups.collect() })
}

fn has_group(member: &Member, name: &str) -> bool {
    member.groups.iter().any(|group| group.is(name))
}

impl CatalogResult {
    /// In a line: `catalog catalog.example.: 3 members, 2 in group "nodes"`
    pub(super) fn line(&self) -> String {
        let members =
            if self.members == 1 { "1 member".to_owned() } else { format!("{} members", self.members) };
        let groups: String = self
            .groups
            .iter()
            .map(|group| format!(", {} in group \"{}\"", group.members, group.name))
            .collect();
        format!("catalog {}: {members}{groups}", self.name)
    }
}
