//! `[[zone]]`: which zones are served, from which sources, and to whom.
//!
//! Reads names and clients, and several blocks of one name.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::keys::Section;
use super::limit::{EXEMPT_MAX, one_exempt};
use super::pool_text::PoolText;
use super::probe::Probe;
use super::table::Table;
use super::zone_probe::ZoneProbe;
use super::zone_source::{self, AskedSource};
use super::zone_transfer::ZoneTransfer;
use super::{zone_credentials, zone_dnssec, zone_update};
use crate::dns::{Name, NameRef, Ttl};
use crate::layout::PoolReader;
use crate::setting::{TsigKey, Value, keep};
use crate::source::{Diagnostic, Diagnostics, Span, nearest};
use crate::update::Grant;
use crate::zone::MemoryLimit;
use crate::zones::source::{
    Changing, ClusterMembers, Source, SourceContext, SourceTiming, TakesUpdates, ZoneSources,
};
use crate::zones::{Clients, DnssecSettings};

/// Longest name of a view, in bytes: it is part of metrics and of file names.
const VIEW_BYTES_MAX: usize = 63;

/// Reverse zones whose origin is missing that are told of: each is compared with all names for the one that was meant.
const NO_ORIGIN_MAX: usize = 100;

/// What `memory-limit` may be, in bytes: a zone that takes more than the most holds more data than 32 bits can tell.
pub(super) const MEMORY_LIMITS: RangeInclusive<u64> = 1 << 20..=64 << 30;

/// A zone to serve, or one of several versions of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Its apex; no two zones of one view have the same.
    pub name: Name,
    /// Where it is named.
    pub name_span: Span,
    /// Where its records come from, in the order in which they make the zone.
    pub sources: ZoneSources,
    /// What this version is called where there are others: what `view` says, else the networks of
    /// `when-client-in`.
    pub view: Option<String>,
    /// `when-client-in`: who sees this version; none: all who see none before it.
    pub when_client_in: Option<Vec<Clients>>,
    /// `allow-query`: who of them is answered; none: all.
    pub allow_query: Option<Vec<Clients>>,
    /// Which servers get it, and what of it.
    pub transfer: ZoneTransfer,
    /// `memory-limit`: how much memory it may take while it is read.
    pub memory_limit: MemoryLimit,
    /// `[[zone.update]]`: who may change it while it is served; where it is copied, whose updates are passed on.
    pub updates: Vec<Grant>,
    /// `[zone.dnssec]`: how it is signed; none: as its sources have it.
    pub dnssec: Option<DnssecSettings>,
    /// `[[zone.probe]]`: what guards plain RRsets, in the order of the file. Probes of blocks that name the
    /// same owner must all pass.
    pub guards: Vec<ZoneProbe>,
}

/// A block that has been read, faulty or not, so that the second run brings no surprise.
struct ZoneBlock {
    name: Name,
    name_span: Span,
    view: Option<String>,
    for_everybody: bool,
    reverse: bool,
}

/// The blocks that have been read, found by name.
#[derive(Default)]
struct Blocks {
    list: Vec<ZoneBlock>,
    places: HashMap<Name, Vec<usize>>,
}

impl Blocks {
    fn push(&mut self, block: ZoneBlock) {
        self.places.entry(block.name.clone()).or_default().push(self.list.len());
        self.list.push(block);
    }

    /// Those of a name, in their order.
    fn named(&self, name: &Name) -> impl Iterator<Item = &ZoneBlock> + Clone {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.list.get(*place))
    }
}

/// Reads every `[[zone]]`. None of the addresses of `listen` can be a primary; with `cluster_ttl` are answered addresses that a
/// cluster says, if one is asked.
pub(super) fn read_all(
    root: &Table<'_>,
    folder: &Path,
    (listen, cluster_ttl): (&[SocketAddr], Option<Ttl>),
    defaults: &Probe,
    keys: &[TsigKey],
    found: &mut Diagnostics,
) -> Vec<Zone> {
    let mut earlier = Blocks::default();
    let mut zones = Vec::new();
    let mut origins = Vec::new();
    let pools = PoolReader::new(PoolText { times: *defaults });
    for table in root.tables(Section::Zone, found) {
        let name = read_name(&table, found);
        let when_client_in = table.get("when-client-in").map(|value| clients(value, found));
        let allow_query = table.get("allow-query").map(|value| clients(value, found));
        let view = table.read("view", found, view);
        let view =
            view.or_else(|| when_client_in.as_ref().and_then(|clients| Some(shown(clients.as_ref()?))));
        let credentials = zone_credentials::read_of_zone(&table, folder, found);
        let transfer = ZoneTransfer::read(&table, keys, credentials.as_ref(), found);
        let memory_limit = table.read("memory-limit", found, |value| value.memory(&MEMORY_LIMITS));
        let memory_limit = memory_limit.map_or(MemoryLimit::ByText, MemoryLimit::Bytes);
        let named = name.as_ref().map(|(name, span)| (name, *span));
        let credentials = credentials.as_ref();
        let context = SourceContext { name: named, folder, keys, credentials, listen, pools: &pools };
        let asked = zone_source::read_all(&table, &context, found);
        let origin = asked.iter().find_map(|one| Some((one.source.as_ref()?.made_from()?.clone(), one.span)));
        if let Some((name, name_span)) = name.clone() {
            let (for_everybody, reverse) = (when_client_in.is_none(), origin.is_some());
            let block = ZoneBlock { name, name_span, view: view.clone(), for_everybody, reverse };
            found.extend(clash(&block, &earlier));
            earlier.push(block);
        }
        let apex = name.as_ref().map(|(apex, _)| apex.as_ref());
        let blocks = table.tables(Section::ZoneProbe, found);
        let guards: Vec<ZoneProbe> =
            blocks.iter().filter_map(|block| ZoneProbe::read(block, apex, defaults, folder, found)).collect();
        let by_cluster = cluster_members(&guards, &asked, cluster_ttl, found);
        let updates = read_updates(&table, &asked, keys, found);
        let has_own_serials = zone_source::updates_of(&asked) == TakesUpdates::Yes;
        if !has_own_serials {
            found.extend(transfer.no_verdicts(&table));
        }
        let changed_here = has_own_serials && !updates.is_empty();
        let follows = has_own_serials && transfer.follows_verdicts();
        let dnssec = zone_dnssec::read(&table, folder, found);
        if table.has(Section::ZoneDnssec) {
            found.extend(transfer.not_signed(&table));
        }
        if table.has(Section::ZoneDnssec) {
            zone_source::refuse_signing(&asked, found);
        }
        let asked = asked.into_iter().map(|one| one.source);
        let beside = changing([changed_here, follows, dnssec.is_some()]);
        let beside = beside.chain(by_cluster.map(|source| Some(Arc::new(source) as Arc<dyn Source>)));
        let sources: Option<Vec<_>> = asked.chain(beside).collect();
        if let (Some((name, name_span)), Some(sources)) = (name, sources) {
            origins.extend(origin);
            let (when_client_in, allow_query) = (when_client_in.flatten(), allow_query.flatten());
            zones.push(Zone {
                name,
                name_span,
                sources: all_sources(sources, &transfer),
                view,
                when_client_in,
                allow_query,
                transfer,
                memory_limit,
                updates,
                dnssec,
                guards,
            });
        }
    }
    let faults = origins.iter().filter_map(|(origin, span)| no_origin(origin, *span, &earlier));
    found.extend(faults.take(NO_ORIGIN_MAX));
    zones
}

/// What clients may change of a zone with these sources.
fn read_updates(
    table: &Table<'_>,
    asked: &[AskedSource],
    keys: &[TsigKey],
    found: &mut Diagnostics,
) -> Vec<Grant> {
    let updates = match zone_source::updates_of(asked) {
        TakesUpdates::PassedOn => zone_update::read_all_passed_on(table, Section::ZoneUpdate, keys, found),
        TakesUpdates::Yes | TakesUpdates::No { .. } => zone_update::read_all(table, keys, found),
    };
    if !updates.is_empty() {
        zone_source::refuse_updates(asked, found);
    }
    updates
}

impl Zone {
    /// Whether a cluster says who belongs to pools of it.
    pub(super) fn has_cluster_members(&self) -> bool {
        self.sources.find::<ClusterMembers>().is_some()
    }
}

/// Whether `members`, which stand at a place, are refused: records that come while the zone is served are somebody else's to
/// say.
fn refuse_elsewhere(members: Span, asked: &[AskedSource], found: &mut Diagnostics) -> bool {
    let comes_later = |one: &&AskedSource| {
        one.source.as_ref().is_some_and(|source| source.timing() == SourceTiming::WhileServing)
    };
    let Some(other) = asked.iter().find(comes_later) else { return false };
    let fault = Diagnostic::error(members, "`members` are added to what a zone file says");
    found.push(fault.and_at(other.span, "the records of this zone come from elsewhere"));
    true
}

/// The source that `members` of a cluster make; none where there are none. Members by name need none: their hosts are there.
fn cluster_members(
    guards: &[ZoneProbe],
    asked: &[AskedSource],
    ttl: Option<Ttl>,
    found: &mut Diagnostics,
) -> Option<ClusterMembers> {
    let of = |block: &ZoneProbe| {
        let (selector, span) = block.members.clone()?;
        Some(
            block
                .names
                .iter()
                .map(move |(owner, _)| (owner.clone(), selector.clone(), span))
                .collect::<Vec<_>>(),
        )
    };
    if let Some(host) = guards.iter().flat_map(|block| &block.hosts).next() {
        refuse_elsewhere(host.span, asked, found);
    }
    let wanted: Vec<_> = guards.iter().filter_map(of).flatten().collect();
    let (_, _, span) = wanted.first()?;
    let Some(ttl) = ttl else {
        let fault = Diagnostic::error(*span, "no `[kubernetes]` says which cluster has them");
        found.push(fault.help("write [kubernetes] with kubeconfig = \"kubernetes/kubeconfig\""));
        return None;
    };
    if refuse_elsewhere(*span, asked, found) {
        return None;
    }
    Some(ClusterMembers { wanted, ttl })
}

/// The sources that a zone has whose clients change it, whose serial follows verdicts, and that is signed here.
fn changing(wanted: [bool; 3]) -> impl Iterator<Item = Option<Arc<dyn Source>>> {
    let kinds = [Changing::Updates, Changing::Verdicts, Changing::Signatures];
    let wanted = kinds.into_iter().zip(wanted).filter(|(_, is_wanted)| *is_wanted);
    wanted.map(|(kind, _)| Some(Arc::new(kind) as Arc<dyn Source>))
}

/// The sources of a zone, as its other keys want them.
fn all_sources(read: Vec<Arc<dyn Source>>, transfer: &ZoneTransfer) -> ZoneSources {
    let mut sources = ZoneSources::default();
    read.into_iter().for_each(|source| sources.add(source));
    if transfer.needs_contents() {
        sources.keep_contents();
    }
    sources
}

pub(super) fn read_name(table: &Table<'_>, found: &mut Diagnostics) -> Option<(Name, Span)> {
    let value = table.need("name", found)?;
    if value.text() == Ok("@") {
        found.push(value.fault("`@` names no zone here").help("the root zone is \".\""));
        return None;
    }
    Some((keep(value.name(NameRef::ROOT), found)?, value.span()))
}

/// Why a block cannot stand behind the others of its name.
fn clash(block: &ZoneBlock, earlier: &Blocks) -> Option<Diagnostic> {
    let name = &block.name;
    let mut same = earlier.named(name);
    let fault = |message: String| Diagnostic::error(block.name_span, message);
    if let Some(first) = same.clone().find(|known| known.for_everybody) {
        let fault = fault(format!("zone `{name}` is given twice"));
        return Some(if block.for_everybody {
            fault.and_at(first.name_span, "first given here")
        } else {
            fault
                .and_at(first.name_span, "this one is for everybody, and chosen first")
                .help("put the block without `when-client-in` last: it is for everybody else")
        });
    }
    let first = same.find(|known| known.view == block.view)?;
    let view = block.view.as_deref().unwrap_or_default();
    Some(
        fault(format!("zone `{name}` has two views called `{view}`"))
            .and_at(first.name_span, "first given here"),
    )
}

/// Why a reverse zone cannot be made from the zone it names.
fn no_origin(zone: &Name, span: Span, blocks: &Blocks) -> Option<Diagnostic> {
    let mut named = blocks.named(zone).peekable();
    if named.peek().is_none() {
        let forward = blocks.list.iter().filter(|block| !block.reverse);
        let names: Vec<String> = forward.map(|block| block.name.to_string()).collect();
        let fault = Diagnostic::error(span, format!("no `[[zone]]` has the name `{zone}`"));
        return Some(match nearest(&zone.to_string(), names.iter().map(String::as_str)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault.help("its addresses give the PTR records, so it must be served here"),
        });
    }
    let reverse = named.find(|block| block.reverse)?;
    Some(
        Diagnostic::error(span, format!("`{zone}` is made from another zone itself"))
            .and_at(reverse.name_span, "given here"),
    )
}

/// Clients by their networks; at least one.
pub(super) fn clients(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Clients>> {
    let items = keep(value.items(), found)?;
    if items.is_empty() {
        let help = "name networks, or leave the key out for everybody";
        found.push(value.fault("an empty list allows no client").help(help));
        return None;
    }
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} networks")).help("name larger networks"));
        return None;
    }
    Some(items.into_iter().filter_map(|item| keep(one_exempt(item), found)).collect())
}

/// What a view is called.
fn view(value: Value<'_>) -> Result<String, Diagnostic> {
    let text = value.text()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > VIEW_BYTES_MAX || !text.bytes().all(is_plain) {
        let help = format!("it is one word of letters, digits, `-`, `_` and `.`, {VIEW_BYTES_MAX} at most");
        return Err(value.fault(format!("a view cannot be called `{text}`")).help(help));
    }
    Ok(text.to_owned())
}

/// A view by its clients.
fn shown(clients: &[Clients]) -> String {
    clients.iter().map(Clients::to_string).collect::<Vec<String>>().join(" ")
}
