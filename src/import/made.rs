//! Zones that are put together of single records, for servers that answer names without having a zone.
//!
//! Where a domain is answered whole, it is a zone. Any other name is a zone of its own, so that its neighbours
//! still go to whom they went before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::net::IpAddr;

use super::draft::{Allowed, Guard, Line, Source, Zone, list};
use super::networks::Clients;
use super::report::Fate;
use super::work::Work;
use crate::dns::{Name, NameRef};

/// Most zones that are made. Each is a file: more of them are lists of blocked names, which a resolver is for.
const ZONES_MAX: usize = 1000;

/// Longest chain of aliases that is followed to an address.
const ALIASES_MAX: usize = 10;

/// Records, and the domains that are answered whole.
#[derive(Clone, Debug, Default)]
pub(super) struct MadeZones {
    /// TTL of records that say none, and of negative answers, in seconds.
    pub(super) ttl: u32,
    /// Sets of clients, each with where it was said. The last one counts for what is added.
    clients: Vec<(Clients, String)>,
    /// The names that were added for each of them, by its place.
    added_for: BTreeSet<(Name, usize)>,
    domains: BTreeMap<Name, Domain>,
    /// In the order in which they were given.
    records: Vec<MadeRecord>,
    /// The places of the records of each owner.
    by_owner: HashMap<Name, Vec<usize>>,
    /// The names that have a zone of their own.
    alone: BTreeSet<Name>,
    /// Names for which there is no room.
    left_out: BTreeSet<Name>,
    /// With the names that each guards.
    guards: Vec<(Vec<Name>, Guard)>,
}

/// A domain that is answered whole.
#[derive(Clone, Debug, Default)]
struct Domain {
    /// Where it was said, for a remark.
    remark: String,
    /// What each of its names has, besides its own.
    everywhere: Vec<Data>,
}

/// A record without its owner, as zone text has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Data {
    /// In seconds; none: that of the zone.
    pub(super) ttl: Option<u32>,
    pub(super) rtype: String,
    pub(super) rdata: String,
}

/// A record.
#[derive(Clone, Debug)]
struct MadeRecord {
    owner: Name,
    data: Data,
    /// Where it was said, for a remark.
    remark: String,
}

/// What becomes of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alias {
    /// A CNAME record.
    Kept,
    /// A zone of its own cannot have a CNAME at its apex: it has the addresses that the alias leads to.
    Addresses,
    /// A zone of its own, and no address that the alias leads to is known.
    Lost,
}

impl Data {
    /// A record of a type.
    pub(super) fn new(rtype: impl Into<String>, rdata: impl Into<String>) -> Self {
        Self { ttl: None, rtype: rtype.into(), rdata: rdata.into() }
    }

    /// An A or AAAA record.
    pub(super) fn address(address: IpAddr) -> Self {
        let rtype = if address.is_ipv4() { "A" } else { "AAAA" };
        Self::new(rtype, address.to_string())
    }

    /// The same with this TTL, if there is one.
    pub(super) fn with_ttl(self, ttl: Option<u32>) -> Self {
        Self { ttl, ..self }
    }
}

impl MadeZones {
    /// With this TTL for records that say none.
    pub(super) fn new(ttl: u32) -> Self {
        Self { ttl, ..Self::default() }
    }

    /// Answers what is added from now on to these clients alone, as a setting says. A zone that is made of what
    /// was added for several sets of clients is for those who are in all of them.
    pub(super) fn answer_to(&mut self, clients: Clients, remark: &str) {
        self.clients.push((clients, remark.to_owned()));
    }

    /// Notes for whom a name is added.
    fn note_clients(&mut self, name: &Name) {
        if let Some(place) = self.clients.len().checked_sub(1) {
            self.added_for.insert((name.clone(), place));
        }
    }

    /// Answers a domain whole: names of it that have no record do not exist.
    pub(super) fn answer_whole(&mut self, apex: Name, remark: &str) {
        if !self.has_room(&apex) {
            return;
        }
        self.note_clients(&apex);
        let domain = self.domains.entry(apex).or_default();
        if domain.remark.is_empty() {
            remark.clone_into(&mut domain.remark);
        }
    }

    /// Gives each name of a domain this record, but those that have records of the type themselves.
    pub(super) fn add_everywhere(&mut self, apex: &Name, data: Data, remark: &str) {
        self.answer_whole(apex.clone(), remark);
        if let Some(domain) = self.domains.get_mut(apex)
            && !domain.everywhere.contains(&data)
        {
            domain.everywhere.push(data);
        }
    }

    /// Gives a name a record, unless it has that already.
    pub(super) fn add(&mut self, owner: Name, data: Data, remark: &str) {
        let apex = self.apex_of(&owner);
        let is_same = |known: &Data| known.rtype == data.rtype && known.rdata == data.rdata;
        if !self.has_room(&apex) {
            return;
        }
        self.note_clients(&owner);
        if self.of(&owner).any(is_same) {
            return;
        }
        if !self.domains.contains_key(&apex) {
            self.alone.insert(apex);
        }
        self.by_owner.entry(owner.clone()).or_default().push(self.records.len());
        self.records.push(MadeRecord { owner, data, remark: remark.to_owned() });
    }

    /// Whether a zone is there, or one more may be made.
    fn has_room(&mut self, apex: &Name) -> bool {
        let is_there = self.domains.contains_key(apex) || self.alone.contains(apex);
        let has_room = is_there || self.domains.len() + self.alone.len() < ZONES_MAX;
        if !has_room {
            self.left_out.insert(apex.clone());
        }
        has_room
    }

    /// The records of a name.
    fn of(&self, owner: &Name) -> impl Iterator<Item = &Data> {
        let places = self.by_owner.get(owner).into_iter().flatten();
        places.filter_map(|place| self.records.get(*place)).map(|record| &record.data)
    }

    /// Guards names: all of them have the same addresses.
    pub(super) fn guard(&mut self, owners: Vec<Name>, guard: Guard) {
        self.guards.push((owners, guard));
    }

    /// The apex of the zone that a name is in.
    fn apex_of(&self, owner: &Name) -> Name {
        let alone = || match owner.as_ref().parent().filter(|_| owner.as_ref().is_wildcard()) {
            // A wildcard is no apex.
            Some(parent) => parent.to_name(),
            None => owner.clone(),
        };
        self.domain_of(owner.as_ref()).cloned().unwrap_or_else(alone)
    }

    /// Whether a name has a record of one of these types.
    pub(super) fn has(&self, owner: &Name, rtypes: &[&str]) -> bool {
        self.of(owner).any(|data| rtypes.contains(&data.rtype.as_str()))
    }

    /// Whether it is answered whole, or lies in a domain that is.
    pub(super) fn domain_of(&self, name: NameRef<'_>) -> Option<&Name> {
        let upward = std::iter::successors(Some(name), |name| name.parent());
        upward.map(NameRef::to_name).find_map(|name| self.domains.get_key_value(&name)).map(|(apex, _)| apex)
    }

    /// The apex of the zone that answers a name, if one does.
    pub(super) fn zone_of(&self, name: NameRef<'_>) -> Option<Name> {
        let is_zone = |name: &Name| self.domains.contains_key(name) || self.alone.contains(name);
        let upward = std::iter::successors(Some(name), |name| name.parent());
        upward.map(NameRef::to_name).find(is_zone)
    }

    /// The names at this one or below it that have a zone of their own.
    pub(super) fn alone_below<'m>(&'m self, name: &'m Name) -> impl Iterator<Item = &'m Name> {
        self.alone.iter().filter(|alone| alone.as_ref().is_at_or_below(name.as_ref()))
    }

    /// Adds an alias. `target` need not be in any zone here.
    pub(super) fn add_alias(&mut self, owner: Name, ttl: Option<u32>, target: &Name, remark: &str) -> Alias {
        if self.apex_of(&owner) != owner {
            self.add(owner, Data::new("CNAME", target.to_string()).with_ttl(ttl), remark);
            return Alias::Kept;
        }
        let addresses = self.addresses(target);
        if addresses.is_empty() {
            return Alias::Lost;
        }
        for data in addresses {
            self.add(owner.clone(), data, remark);
        }
        Alias::Addresses
    }

    /// The addresses that a name leads to.
    fn addresses(&self, name: &Name) -> Vec<Data> {
        let mut name = name.clone();
        for _ in 0..ALIASES_MAX {
            let alias = self.of(&name).find(|data| data.rtype == "CNAME").cloned();
            if let Some(alias) = alias {
                let Ok(next) = Name::parse(alias.rdata.as_bytes(), NameRef::ROOT) else { break };
                name = next;
                continue;
            }
            let is_address = |data: &&Data| matches!(data.rtype.as_str(), "A" | "AAAA");
            let own: Vec<Data> = self.of(&name).filter(is_address).cloned().collect();
            return match self.domain_of(name.as_ref()) {
                Some(apex) if own.is_empty() => {
                    self.everywhere(apex).into_iter().filter(|data| is_address(&data)).collect()
                }
                Some(_) | None => own,
            };
        }
        Vec::new()
    }

    /// What each name of a domain has: a domain within another has of that what it does not say itself.
    fn everywhere(&self, apex: &Name) -> Vec<Data> {
        let mut all = self.domains.get(apex).map(|domain| domain.everywhere.clone()).unwrap_or_default();
        let parent = apex.as_ref().parent().filter(|_| !all.is_empty());
        if let Some(outer) = parent.and_then(|parent| self.domain_of(parent)) {
            let own: BTreeSet<String> = all.iter().map(|data| data.rtype.clone()).collect();
            all.extend(self.everywhere(outer).into_iter().filter(|data| !own.contains(&data.rtype)));
        }
        all
    }

    /// How many zones there are, and how many of them are of one name.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.domains.len() + self.alone.len(), self.alone.len())
    }

    /// Writes all zones.
    pub(super) fn finish(self, work: &mut Work) {
        if !self.left_out.is_empty() {
            let text = format!(
                "{} names are left out: leave lists of blocked names to the upstream, or put names of one domain into one zone \
                 with --zone",
                self.left_out.len()
            );
            work.report.add_besides(format!("names beyond {ZONES_MAX} zones"), Fate::refused(text));
        }
        let mut zones: BTreeMap<Name, (Domain, Vec<MadeRecord>)> =
            self.domains.iter().map(|(apex, domain)| (apex.clone(), (domain.clone(), Vec::new()))).collect();
        for record in self.records.clone() {
            let apex = self.apex_of(&record.owner);
            let (domain, records) = zones.entry(apex).or_default();
            if domain.remark.is_empty() {
                domain.remark.clone_from(&record.remark);
            }
            records.push(record);
        }
        let mut allowed = self.allowed(work);
        for (apex, (domain, mut records)) in zones {
            records.extend(spread(&apex, &self.everywhere(&apex), &domain.remark, &records));
            // Domains without names have one file.
            let name = if records.is_empty() { "empty.zone".to_owned() } else { file_name(&apex) };
            let file = work.copies.make(&name, self.text(&apex, &records));
            let mut zone = Zone::new(apex, Source::File(file), domain.remark);
            zone.guards = self.guards_in(&zone.name);
            zone.allow = allowed.remove(&zone.name);
            work.draft.zones.push(zone);
        }
    }

    /// The clients that may ask each zone; none: all.
    fn allowed(&self, work: &mut Work) -> BTreeMap<Name, Allowed> {
        let mut places: BTreeMap<Name, BTreeSet<usize>> = BTreeMap::new();
        for (name, place) in &self.added_for {
            places.entry(self.apex_of(name)).or_default().insert(*place);
        }
        // Most zones are for the same sets.
        let mut known: BTreeMap<BTreeSet<usize>, Option<Allowed>> = BTreeMap::new();
        let mut lost: BTreeSet<String> = BTreeSet::new();
        let mut all = BTreeMap::new();
        for (apex, places) in places {
            let allowed = known.entry(places.clone()).or_insert_with(|| {
                let sets = places.iter().filter_map(|place| self.clients.get(*place));
                let (mut clients, mut remarks) = (Clients::everybody(), Vec::new());
                for (set, remark) in sets.filter(|(set, _)| !set.is_everybody()) {
                    clients = clients.and(set);
                    if !remarks.contains(&remark.as_str()) {
                        remarks.push(remark.as_str());
                    }
                }
                let is_everybody = clients.is_everybody();
                let networks = clients.written();
                lost.extend(clients.lost().iter().cloned());
                (!is_everybody).then(|| Allowed { networks, remark: remarks.join(", ") })
            });
            all.extend(allowed.clone().map(|allowed| (apex, allowed)));
        }
        if !lost.is_empty() {
            let lost = lost.into_iter().collect::<Vec<_>>().join(", ");
            let fate = Fate::refused(format!("→ [[zone]] allow-query without {lost}"));
            work.report.add_besides("who may ask zones that are made", fate);
        }
        all
    }

    /// The guards of names in a zone, each with those names.
    fn guards_in(&self, apex: &Name) -> Vec<Guard> {
        let here = |(owners, guard): &(Vec<Name>, Guard)| {
            let owners = owners.iter().filter(|owner| self.apex_of(owner) == *apex);
            let names: Vec<String> = owners.map(|owner| relative(owner, apex)).collect();
            let lines = std::iter::once(Line::new("names", list(&names))).chain(guard.lines.iter().cloned());
            (!names.is_empty()).then(|| Guard { lines: lines.collect() })
        };
        self.guards.iter().filter_map(here).collect()
    }

    /// A zone as text. Nobody delegates to it, so that its name server is never looked for.
    fn text(&self, apex: &Name, records: &[MadeRecord]) -> String {
        let ttl = self.ttl;
        let mut text = format!(
            "; Made by `edgedns import`: edgedns.toml says where it comes from.\n$TTL {ttl}\n\
             @ IN SOA localhost. nobody.invalid. (\n    1   ; serial\n    1h  ; refresh\n    20m ; retry\n    \
             2w  ; expire\n    {ttl} ; negative answers\n)\n@ IN NS localhost.\n"
        );
        let mut records: Vec<&MadeRecord> = records.iter().collect();
        records.sort_by(|a, b| a.owner.cmp(&b.owner));
        for MadeRecord { owner, data: Data { ttl, rtype, rdata }, .. } in records {
            let owner = relative(owner, apex);
            let ttl = ttl.map(|ttl| format!("{ttl} ")).unwrap_or_default();
            _ = writeln!(text, "{owner} {ttl}IN {rtype} {rdata}");
        }
        text
    }
}

/// What the names of a domain have besides their own records. A wildcard does not reach below a name that
/// exists (RFC 4592, section 2.2.1), so each of those has one of its own.
fn spread(apex: &Name, everywhere: &[Data], remark: &str, records: &[MadeRecord]) -> Vec<MadeRecord> {
    if everywhere.is_empty() {
        return Vec::new();
    }
    let mut names = BTreeSet::from([apex.clone()]);
    for record in records {
        let mut next = Some(record.owner.as_ref());
        while let Some(name) = next.filter(|name| name.is_below(apex.as_ref())) {
            if !name.is_wildcard() {
                names.insert(name.to_name());
            }
            next = name.parent();
        }
    }
    let mut own: HashMap<&Name, Vec<&str>> = HashMap::new();
    for record in records {
        own.entry(&record.owner).or_default().push(&record.data.rtype);
    }
    let mut more = Vec::new();
    for name in names {
        let wildcard = Name::parse(b"*", name.as_ref()).ok();
        for owner in [Some(name), wildcard].into_iter().flatten() {
            let own = own.get(&owner).map(Vec::as_slice).unwrap_or_default();
            let is_free = |data: &&Data| !own.iter().any(|it| *it == data.rtype || *it == "CNAME");
            let record = |data: &Data| MadeRecord {
                owner: owner.clone(),
                data: data.clone(),
                remark: remark.to_owned(),
            };
            more.extend(everywhere.iter().filter(is_free).map(record));
        }
    }
    more
}

/// A name as it stands in the text of a zone.
fn relative(owner: &Name, apex: &Name) -> String {
    if owner == apex {
        return "@".to_owned();
    }
    let (whole, end) = (owner.to_string(), apex.to_string());
    let head =
        owner.as_ref().is_below(apex.as_ref()).then(|| whole.len().checked_sub(end.len() + 1)).flatten();
    match head.filter(|_| !apex.as_ref().is_root()).and_then(|len| whole.get(..len)) {
        Some(head) => head.to_owned(),
        None => whole,
    }
}

/// What the file of a zone is called.
fn file_name(apex: &Name) -> String {
    let text = apex.to_string();
    let plain = |it: char| if it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.') { it } else { '_' };
    match text.strip_suffix('.') {
        Some("") | None => "root.zone".to_owned(),
        Some(name) => format!("{}.zone", name.chars().map(plain).collect::<String>()),
    }
}
