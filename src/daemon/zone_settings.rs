//! What the config file says of zones, as the settings of the room `zones`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folders;
use crate::config::{self, CatalogGroup, Config, ZoneProbe};
use crate::update::Policy;
use crate::zonefile;
use crate::zones::{self, CatalogSettings, ClusterSettings, MemberSettings, ZoneId, ZoneSettings};

/// The settings of all zones of the config file at `path`.
pub(super) fn zone_settings(config: &Config, path: &Path) -> zones::Settings {
    zones::Settings {
        config: path.to_owned(),
        zones: config.zones.iter().map(one_zone).collect(),
        text: zonefile::Settings {
            lua: lua_defaults(config),
            include_from: Some(include_from(config, path)),
            ..zonefile::Settings::default()
        },
        state_directory: folders::state_directory(config),
        catalogs: config.catalogs.iter().map(catalog).collect(),
        cluster: config.kubernetes.as_ref().map(|cluster| {
            Arc::new(ClusterSettings { access: cluster.access.clone(), forget: cluster.forget })
        }),
    }
}

/// The zone, or the version of it, that a `[[zone]]` block is about.
pub(super) fn zone_id(zone: &config::Zone) -> ZoneId {
    ZoneId { name: zone.name.clone(), view: zone.view.clone() }
}

fn one_zone(zone: &config::Zone) -> ZoneSettings {
    ZoneSettings {
        id: zone_id(zone),
        name_span: zone.name_span,
        sources: zone.sources.clone(),
        when_client_in: zone.when_client_in.clone(),
        allow_query: zone.allow_query.clone(),
        memory_limit: zone.memory_limit,
        guards: zone.guards.iter().flat_map(ZoneProbe::guardings).collect(),
        // A zone whose serial follows the verdicts, its signatures, or hosts elsewhere, has a writer, too, though no client may
        // change it.
        update: (!zone.updates.is_empty()
            || zone.transfer.follows_verdicts()
            || zone.dnssec.is_some()
            || zone.has_hosts_elsewhere())
        .then(|| Arc::new(Policy { grants: zone.updates.clone() })),
        dnssec: zone.dnssec.clone(),
        member: None,
    }
}

fn catalog(catalog: &config::Catalog) -> CatalogSettings {
    let group = |(name, group): &(String, CatalogGroup)| (name.clone(), members(group));
    CatalogSettings {
        name: catalog.name.clone(),
        groups: catalog.groups.iter().map(group).collect(),
        others: members(&catalog.others),
    }
}

fn members(group: &CatalogGroup) -> MemberSettings {
    MemberSettings {
        span: group.span,
        sources: group.sources.clone(),
        allow_query: group.allow_query.clone(),
        memory_limit: group.memory_limit,
        update: (!group.updates.is_empty()).then(|| Arc::new(Policy { grants: group.updates.clone() })),
    }
}

/// The folders that zones may include files from, besides their own.
fn include_from(config: &Config, path: &Path) -> Vec<PathBuf> {
    let own = path.parent().unwrap_or(Path::new("")).to_owned();
    std::iter::once(own).chain(config.server.include_folders.iter().cloned()).collect()
}

fn lua_defaults(config: &Config) -> zonefile::lua_record::LuaDefaults {
    zonefile::lua_record::LuaDefaults {
        selector: config.lua.selector,
        interval: config.probe.interval,
        timeout: config.probe.timeout,
        retry: config.probe.retry,
        rise: config.probe.rise,
        fall: config.probe.fall,
    }
}
