//! The TOML config file, as settings that cannot be wrong.
//!
//! Has every key: its place, meaning, limits and default. Reports all faults of a file in one run, each at
//! its place. Not responsible for zone files (only for their paths) or for what a room does with its
//! settings.
//!
//! ```text
//! text ─ syntax ▶ tree ─ table ▶ keys that are known ─ value ▶ typed ─ server, admin, … ▶ Config
//! ```

mod syntax;
mod keys;
mod concealed;
mod table;
mod damping;
mod referenced;
mod pool_settings;
mod probe;
mod probe_kind;
mod kubernetes;
mod life;
mod zone_probe;
mod pool_text;
mod limit;
mod tsig_key;
mod allowed;
mod zone_update;
mod zone_dnssec;
mod zone_credentials;
mod zone_transfer;
mod cache;
mod socket_address;
mod host_path;
mod zone_source;
mod zone;
mod host_zones;
mod catalog;
mod vantage;
mod webhook;
mod forward;
mod server;
mod tls;
mod log;
mod lua;
mod admin;

use std::path::{Path, PathBuf};

use crate::forward::CacheSettings;
use crate::source::{Diagnostic, Diagnostics, FileId, Severity, Sources};
use crate::tls::PairFiles;
use crate::webhook::WebhookSettings;

pub use crate::setting::{Absent, DURATION_MAX, Holds, TsigKey, read_duration};
pub use admin::{Admin, Encryption, SOCKET_PATH_BYTES_MAX};
pub use catalog::{Catalog, CatalogGroup};
pub use concealed::closing;
pub use damping::{FLAP_LIMIT_MAX, FLAP_WINDOW_MIN};
pub use forward::Forward;
pub use keys::{ConfigKey, KEYS, Section};
pub use kubernetes::Kubernetes;
pub use limit::{EXEMPT_MAX, Limit, RESPONSES_PER_SECOND_MAX, SLIP_MAX};
pub use log::QueryLog;
pub use lua::Lua;
pub use probe::{INTERVAL_MIN, PROBES_AT_ONCE_MAX, Probe, THRESHOLD_MAX};
pub use referenced::{Referenced, Secrecy, referenced, secrets};
pub use server::{CONNECTIONS_MAX, CookieSecret, IDENTITY_BYTES_MAX, ReloadOn, Server, WORKERS_MAX};
pub use vantage::Vantage;
pub use zone::Zone;
pub use zone_probe::{MemberHost, ProbeSpec, ZoneProbe};
pub use zone_transfer::{NotifiedServer, ZoneTransfer};

use catalog::CatalogContext;
use table::Table;

/// All that the config file says, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// `[server]`: what is listened on, and how much of it.
    pub server: Server,
    /// `[tls]`: the files of the certificate that encrypted transports show; none: they do not serve.
    pub tls: Option<PairFiles>,
    /// `[tls] client-ca`: the authorities of whose certificates clients of DNS are asked for; none: for nothing.
    pub client_ca: Option<PathBuf>,
    /// `[admin]`: where an operator reaches the running server.
    pub admin: Admin,
    /// `[limit]`: how many responses a network gets over UDP.
    pub limit: Limit,
    /// `[probe]`: times and thresholds of every probe that has none of its own.
    pub probe: Probe,
    /// `[lua]`: how LUA records are read.
    pub lua: Lua,
    /// `[[key]]`: what messages are signed with, in the order of the file.
    pub keys: Vec<TsigKey>,
    /// `[kubernetes]`: the cluster that says who belongs to pools; none: none does.
    pub kubernetes: Option<Kubernetes>,
    /// `[vantage]`: how servers tell each other what they see; none: this one goes by itself.
    pub vantage: Option<Vantage>,
    /// `[log]`: where queries are logged; none: nowhere.
    pub query_log: Option<QueryLog>,
    /// `[webhook]`: who is told of changes of verdict; none: nobody is.
    pub webhook: Option<WebhookSettings>,
    /// `[cache]`: how long answers of upstreams are kept.
    pub cache: CacheSettings,
    /// `[[forward]]`: what is asked of upstreams, in the order of the file.
    pub forwards: Vec<Forward>,
    /// `[[zone]]`: the zones, in the order of the file; behind them those that catalogs are.
    pub zones: Vec<Zone>,
    /// `[[catalog]]`: zones that name others to be served, in the order of the file.
    pub catalogs: Vec<Catalog>,
}

/// Reads a config file. Every fault is pushed to `found`, sorted by place.
///
/// A fault of syntax hides what it may have garbled and is told alone; unknown keys, keys given twice, wrong
/// types and bad values of the whole file are told together. None if one of them is an error.
pub fn read(sources: &mut Sources, path: &Path, found: &mut Diagnostics) -> Option<Config> {
    match sources.read(path) {
        Ok(file) => read_file(sources, file, path, found),
        Err(error) => {
            found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
            None
        }
    }
}

/// As [`read`], from a text that `sources` holds already; `path` is where it is said to lie, which names in
/// it are relative to.
pub fn read_file(
    sources: &mut Sources,
    file: FileId,
    path: &Path,
    found: &mut Diagnostics,
) -> Option<Config> {
    let mut ours = Diagnostics::default();
    let bytes = sources.bytes(file);
    let secrets = concealed::secrets(&bytes);
    sources.conceal(file, &secrets);
    let text = syntax::text(file, &bytes, &mut ours);
    let tree = text.and_then(|text| syntax::parse(file, text, &secrets, &mut ours));
    let config = tree.map(|tree| read_tree(&Table::root(file, &tree, &mut ours), path, &mut ours));
    ours.sort();
    let sound = ours.errors() == 0;
    found.append(ours);
    config.filter(|_| sound)
}

fn read_tree(root: &Table<'_>, path: &Path, found: &mut Diagnostics) -> Config {
    let folder = path.parent().unwrap_or(Path::new(""));
    let server = root.table(Section::Server, found);
    if let (Some(table), false) = (&server, root.has(Section::Tls)) {
        tls::report_absence(table, found);
    }
    let server = server.map(|table| Server::read(&table, folder, found));
    let dns = server.as_ref().map_or_else(|| Server::default().addresses(), Server::addresses);
    let tls_table = root.table(Section::Tls, found);
    let client_ca = tls_table.as_ref().and_then(|table| tls::read_client_ca(table, folder, found));
    let tls = tls_table.and_then(|table| tls::read(&table, folder, found));
    let admin_table = root.table(Section::Admin, found);
    if let (Some(table), false) = (&admin_table, root.has(Section::Tls)) {
        tls::report_admin_without(table, found);
    }
    let over_tcp = server.as_ref().map_or_else(|| Server::default().over_tcp(), Server::over_tcp);
    let admin = admin_table.map(|table| Admin::read(&table, folder, &over_tcp, found));
    let limit = root.table(Section::Limit, found).map(|table| Limit::read(&table, found));
    let probe = root.table(Section::Probe, found).map(|table| Probe::read(&table, found));
    let lua = root.table(Section::Lua, found).map(|table| Lua::read(&table, found));
    let probe = probe.unwrap_or_default();
    let keys = tsig_key::read_all(root, folder, found);
    let cluster = root.table(Section::Kubernetes, found);
    let kubernetes = cluster.as_ref().and_then(|table| Kubernetes::read(table, folder, found));
    // What is faulty is told there, and not that it is missing.
    let ttl = match (&cluster, &kubernetes) {
        (None, _) => None,
        (Some(_), kubernetes) => Some(kubernetes.as_ref().map(|known| known.ttl).unwrap_or_default()),
    };
    let mut zones = zone::read_all(root, folder, (&dns, ttl), &probe, &keys, found);
    host_zones::find(&mut zones, found);
    let is_asked = found.errors() > 0 || zones.iter().any(Zone::has_cluster_members);
    if let (Some(kubernetes), false) = (&kubernetes, is_asked) {
        let message = "no `[[zone.probe]]` has `members`: the cluster is not asked";
        found.push(Diagnostic::warning(kubernetes.span, message));
    }
    let context = CatalogContext { folder, listen: &dns, keys: &keys };
    let catalogs = catalog::read_all(root, context, &mut zones, found);
    let vantage = read_vantage(root, folder, &zones, found);
    let query_log = root.table(Section::Log, found).and_then(|table| log::read(&table, folder, found));
    let webhook = root.table(Section::Webhook, found).and_then(|table| webhook::read(&table, folder, found));
    let cache = root.table(Section::Cache, found).map(|table| cache::read(&table, found));
    let listen = server.as_ref().map_or_else(Vec::new, Server::addresses);
    let forwards = forward::read_all(root, folder, &listen, found);
    if ![Section::Zone, Section::Catalog, Section::Forward].into_iter().any(|section| root.has(section)) {
        let message = format!("{} has no `[[zone]]`: every query is refused", path.display());
        found.push(Diagnostic::placeless(Severity::Warning, message));
    }
    let server = server.unwrap_or_default();
    tls::report_unasked(client_ca.as_deref(), &server, (&zones, &catalogs), found);
    Config {
        server,
        tls,
        client_ca,
        admin: admin.unwrap_or_default(),
        limit: limit.unwrap_or_default(),
        probe,
        lua: lua.unwrap_or_default(),
        kubernetes,
        vantage,
        query_log,
        webhook,
        keys,
        cache: cache.unwrap_or_default(),
        forwards,
        zones,
        catalogs,
    }
}

/// How servers tell each other what they see; pools that ask for it in vain are warned of.
fn read_vantage(root: &Table<'_>, folder: &Path, zones: &[Zone], found: &mut Diagnostics) -> Option<Vantage> {
    let Some(table) = root.table(Section::Vantage, found) else {
        vantage::warn_of_nobody_to_hear(zones, found);
        return None;
    };
    Vantage::read(&table, folder, found)
}

#[cfg(test)]
mod tests;
