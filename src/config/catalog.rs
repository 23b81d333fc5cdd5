//! `[[catalog]]` and `[[catalog.group]]`: zones that say which other zones are served (RFC 9432), and how those are.
//!
//! A catalog is a zone besides: that is among the zones of the config file. Not responsible for what a catalog says.

use std::path::Path;
use std::sync::Arc;

use super::keys::Section;
use super::table::Table;
use super::zone::{MEMORY_LIMITS, Zone, clients, read_name};
use super::zone_credentials;
use super::zone_source;
use super::zone_transfer::ZoneTransfer;
use super::zone_update;
use crate::dns::Name;
use crate::layout::PoolReader;
use crate::setting::{TsigKey, Value};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::tls::Credentials;
use crate::update::Grant;
use crate::zone::MemoryLimit;
use crate::zones::Clients;
use crate::zones::source::{Source, SourceContext, SourceTiming, ZoneSources};

/// Longest name of a group, in bytes: it is one string of a TXT record.
const GROUP_BYTES_MAX: usize = 255;

/// A zone that says which other zones are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalog {
    /// Its name, which is that of one of the zones.
    pub name: Name,
    /// The named groups, in the order of the file.
    pub groups: Vec<(String, CatalogGroup)>,
    /// How members of no such group are served.
    pub others: CatalogGroup,
}

/// How members of a catalog are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogGroup {
    /// Where that is said.
    pub span: Span,
    /// Where their records come from.
    pub sources: ZoneSources,
    /// `allow-query`: who is answered; none: all.
    pub allow_query: Option<Vec<Clients>>,
    /// Which servers get them, and what of them.
    pub transfer: ZoneTransfer,
    /// `memory-limit`: how much memory each may take.
    pub memory_limit: MemoryLimit,
    /// `[[catalog.group.update]]`: whose updates of them are passed on.
    pub updates: Vec<Grant>,
}

/// What has to be known of the rest of the file.
#[derive(Clone, Copy)]
pub(super) struct CatalogContext<'c> {
    pub(super) folder: &'c Path,
    pub(super) listen: &'c [std::net::SocketAddr],
    pub(super) keys: &'c [TsigKey],
}

impl<'c> CatalogContext<'c> {
    /// What the sources of a zone of this name may need to know.
    fn of(self, name: Option<(&'c Name, Span)>, credentials: Option<&'c Credentials>) -> SourceContext<'c> {
        // A catalog and its members are copied or read, and never keys of a store.
        static NO_POOLS: PoolReader = PoolReader::none();
        let CatalogContext { folder, listen, keys } = self;
        SourceContext { name, folder, keys, credentials, listen, pools: &NO_POOLS }
    }
}

/// Reads every `[[catalog]]`, and adds the zones that they are to those of `[[zone]]`.
pub(super) fn read_all(
    root: &Table<'_>,
    context: CatalogContext<'_>,
    zones: &mut Vec<Zone>,
    found: &mut Diagnostics,
) -> Vec<Catalog> {
    let mut catalogs = Vec::new();
    for table in root.tables(Section::Catalog, found) {
        let Some((zone, catalog)) = read(&table, context, zones, found) else { continue };
        zones.push(zone);
        catalogs.push(catalog);
    }
    catalogs
}

fn read(
    table: &Table<'_>,
    context: CatalogContext<'_>,
    zones: &[Zone],
    found: &mut Diagnostics,
) -> Option<(Zone, Catalog)> {
    let CatalogContext { keys, folder, .. } = context;
    let named = read_name(table, found);
    let name = named.as_ref().map(|(name, span)| (name, *span));
    if let Some((name, span)) = name
        && let Some(first) = zones.iter().find(|zone| zone.name == *name)
    {
        let fault = Diagnostic::error(span, format!("zone `{name}` is given twice"));
        found.push(fault.and_at(first.name_span, "first given here"));
    }
    // Of its members, too: a file holds any number of authorities.
    let credentials = zone_credentials::read(table, folder, found);
    let asked = zone_source::read_all(table, &context.of(name, credentials.as_ref()), found);
    let asked: Vec<Arc<dyn Source>> = asked.into_iter().filter_map(|one| one.source).collect();
    // Of two that do not go together, which is told, the one that says more.
    let source = asked.iter().find(|source| copies(source)).or(asked.first()).cloned();
    let transfer = ZoneTransfer::read(table, keys, credentials.as_ref(), found);
    let allow_query = table.get("allow-query").map(|value| clients(value, found));
    // Whoever may have all of it may ask, as secondaries do before they transfer.
    let allow_query = allow_query.unwrap_or_else(|| {
        let prefixes = transfer.allow.iter().filter_map(|allowed| allowed.prefix);
        Some(prefixes.map(Clients::Prefix).collect())
    });
    let memory_limit = memory_limit(table, found);
    let (groups, others) = read_groups(table, source.as_ref(), (context, credentials.as_ref()), found);
    let (name, name_span) = named?;
    let mut sources = ZoneSources::default();
    sources.add(source?);
    // They say what its members are.
    sources.keep_contents();
    let catalog = Catalog { name: name.clone(), groups, others };
    let zone = Zone {
        name,
        name_span,
        sources,
        view: None,
        when_client_in: None,
        allow_query,
        transfer,
        memory_limit,
        updates: Vec::new(),
        dnssec: None,
        guards: Vec::new(),
    };
    Some((zone, catalog))
}

fn memory_limit(table: &Table<'_>, found: &mut Diagnostics) -> MemoryLimit {
    let bytes = table.read("memory-limit", found, |value| value.memory(&MEMORY_LIMITS));
    bytes.map_or(MemoryLimit::ByText, MemoryLimit::Bytes)
}

/// The groups of a catalog that comes from `source`, and how members of none of them are served.
fn read_groups(
    catalog: &Table<'_>,
    source: Option<&Arc<dyn Source>>,
    context: (CatalogContext<'_>, Option<&Credentials>),
    found: &mut Diagnostics,
) -> (Vec<(String, CatalogGroup)>, CatalogGroup) {
    let mut groups: Vec<(String, CatalogGroup)> = Vec::new();
    let mut others: Option<CatalogGroup> = None;
    let tables = catalog.tables(Section::CatalogGroup, found);
    for table in &tables {
        let group = read_group(table, source, context, found);
        let name = table.get("name").map(|value| (value, table.read("name", found, group_name)));
        let (place, first) = match &name {
            None => (table.span(), others.as_ref()),
            Some((value, name)) => {
                let same = |known: &&(String, CatalogGroup)| Some(&known.0) == name.as_ref();
                (value.span(), groups.iter().find(same).map(|(_, group)| group))
            }
        };
        if let Some(first) = first {
            let message = match name.and_then(|(_, name)| name) {
                None => "a second block without `name`".to_owned(),
                Some(name) => format!("group `{name}` is given twice"),
            };
            found.push(Diagnostic::error(place, message).and_at(first.span, "first given here"));
            continue;
        }
        match name {
            None => others = Some(group),
            Some((_, Some(name))) => groups.push((name, group)),
            // What is wrong with it has been told.
            Some((_, None)) => {}
        }
    }
    if others.is_none() && source.is_some_and(|source| !copies(source)) {
        let message = "nothing says where members of this catalog are copied from";
        let help = "the catalog is a file here: add a `[[catalog.group]]` with `primary`, and without `name`";
        found.push(Diagnostic::error(catalog.span(), message).help(help));
    }
    let others = others.unwrap_or_else(|| CatalogGroup {
        span: catalog.span(),
        sources: inherited(source),
        allow_query: None,
        transfer: ZoneTransfer::default(),
        memory_limit: MemoryLimit::ByText,
        updates: Vec::new(),
    });
    (groups, others)
}

fn read_group(
    table: &Table<'_>,
    source: Option<&Arc<dyn Source>>,
    context: (CatalogContext<'_>, Option<&Credentials>),
    found: &mut Diagnostics,
) -> CatalogGroup {
    let (context, credentials) = context;
    let CatalogContext { keys, .. } = context;
    let transfer = ZoneTransfer::read(table, keys, credentials, found);
    found.extend(transfer.no_verdicts(table));
    let allow_query = table.get("allow-query").and_then(|value| clients(value, found));
    let memory_limit = memory_limit(table, found);
    let updates = zone_update::read_all_passed_on(table, Section::CatalogGroupUpdate, keys, found);
    let mut sources = if table.get("primary").is_some() {
        let asked = zone_source::read_all(table, &context.of(None, credentials), found);
        let mut sources = ZoneSources::default();
        asked.into_iter().filter_map(|one| one.source).for_each(|source| sources.add(source));
        sources
    } else {
        if source.is_some_and(|source| !copies(source)) {
            let fault =
                Diagnostic::error(table.span(), "nothing says where members of this group are copied from");
            found.push(fault.help("the catalog is a file here: add `primary`"));
        }
        if let Some(lua) = table.get("lua") {
            found.push(lua.fault("`lua` says what a primary may send, and there is no `primary`"));
        }
        inherited(source)
    };
    if transfer.needs_contents() {
        sources.keep_contents();
    }
    CatalogGroup { span: table.span(), sources, allow_query, transfer, memory_limit, updates }
}

/// Whether members can be copied from where their catalog comes from.
fn copies(source: &Arc<dyn Source>) -> bool {
    source.timing() == SourceTiming::WhileServing
}

/// Where members come from if nothing else is said.
fn inherited(source: Option<&Arc<dyn Source>>) -> ZoneSources {
    let mut sources = ZoneSources::default();
    source.filter(|source| copies(source)).into_iter().for_each(|source| sources.add(Arc::clone(source)));
    sources
}

fn group_name(value: Value<'_>) -> Result<String, Diagnostic> {
    let text = value.text()?;
    if text.is_empty() || text.len() > GROUP_BYTES_MAX {
        let help = format!("it is one string of a TXT record: 1 to {GROUP_BYTES_MAX} bytes");
        return Err(value.fault("no group can be called so").help(help));
    }
    Ok(text.to_owned())
}
