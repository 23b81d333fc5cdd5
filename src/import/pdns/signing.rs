//! What PowerDNS' BIND backend keeps beside the zone files, in `bind-dnssec-db`, given to the zones: keys that they are signed
//! with, what is said of single ones (metadata), and keys of TSIG.
//!
//! A zone that is copied with a key of TSIG is never copied without it: where that key is not known, the zone is not served.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::super::draft::{Allowed, Key, Line, Source, Zone};
use super::super::netmasks;
use super::super::networks::LIST_MAX;
use super::super::report::Fate;
use super::super::rule;
use super::super::server_setting::ServerSettings;
use super::super::word::Word;
use super::super::work::Work;
use super::keys::{DatabaseKeys, FOLDER};
use super::stored::{Metadatum, Stored, StoredKey, TsigKey};
use super::values;
use crate::dns::Name;
use crate::source::{Diagnostic, Severity, Span};

/// What becomes of a database that cannot be read.
const UNREAD: &str = "its keys are not read, zones that are copied are not served, and others are served unsigned unless you sign \
                      them here: install sqlite3 (in RPMs: sqlite) and import again, or `pdnsutil list-keys` names the keys, `export-zone-key` prints them for \
                      `edgedns dnssec import`, and `[zone.dnssec]` signs; else take DS records out of their parents first, or \
                      they become bogus";

/// Who gets a zone where nobody does.
const NO_TRANSFER: &str = "`disable-axfr`: AXFR is REFUSED";

/// What becomes of all else that is said of a zone whose primaries are not asked.
const NOT_SERVED: &str = "its primaries are not asked, as their key is not known: the zone is not served";

/// What an update says of a zone.
const NO_UPDATE: &str = "not carried over: write who may update in [[zone.update]]";

/// What was learnt of the database.
pub(super) enum Database {
    /// It says nothing of any zone.
    Silent,
    /// It cannot be read; where it is named.
    Unread(Span),
    Read(Stored),
}

/// Reads the database that `pdns.conf` names; what became of it. `path` is where `pdns.conf` is.
pub(super) fn read(work: &mut Work, settings: &ServerSettings, path: &Path) -> (Fate, Database) {
    let Some(setting) = settings.get("bind-dnssec-db").filter(|setting| !setting.is_empty()) else {
        return (rule::off(), Database::Silent);
    };
    let word = setting.text();
    let file = work.folders.find(&word, None, path, &mut work.found);
    let unread = || (Fate::refused(UNREAD), Database::Unread(setting.span));
    if !work.sources.reads_files() {
        return unread();
    }
    let (read, left) = Stored::of(&file, setting.span);
    if let Some(folder) = left {
        let message = format!("the private copy of {} is still in {}", file.display(), folder.display());
        let fault = Diagnostic::placeless(Severity::Warning, message);
        work.found.push(fault.help("it has secrets, and could not be removed: remove that folder"));
    }
    match read {
        Ok(stored) if stored.keys.is_empty() && stored.metadata.is_empty() => {
            (Fate::honoured("nothing to do: it has neither keys nor metadata of zones"), Database::Silent)
        }
        Ok(stored) => (Fate::honoured("its keys and its metadata are below"), Database::Read(stored)),
        Err(fault) => {
            let message = format!("{} is not read: {fault}", file.display());
            let help = fault.remedy().map_or_else(|| work.folders.advice(&word.text), str::to_owned);
            work.found.push(Diagnostic::error(word.span, message).help(help));
            unread()
        }
    }
}

/// Takes out the zones that are copied: any of them may have primaries that must not be asked without a key, which the
/// database at `span` has.
pub(super) fn close_copied(work: &mut Work, span: Span) {
    let zones = std::mem::take(&mut work.draft.zones);
    let (copied, others): (Vec<Zone>, Vec<Zone>) =
        zones.into_iter().partition(|zone| matches!(zone.source, Source::Primaries(_)));
    work.draft.zones = others;
    for zone in copied {
        let fate = Fate::refused(
            "its primaries may want a key of that database, and are not asked without it: the zone is not served; have the database \
             read, and import again",
        );
        work.report.add(span, format!("primaries of {}", zone.name), fate);
        work.missing.push(zone.name);
    }
}

/// Gives the zones of the draft what the database says of them.
pub(super) fn apply(work: &mut Work, settings: &ServerSettings, stored: &Stored) {
    let mut zones: BTreeMap<&Name, (Vec<&StoredKey>, Vec<&Metadatum>)> = BTreeMap::new();
    stored.keys.iter().for_each(|key| zones.entry(&key.zone).or_default().0.push(key));
    stored.metadata.iter().for_each(|it| zones.entry(&it.zone).or_default().1.push(it));
    let places: HashMap<Name, usize> =
        work.draft.zones.iter().enumerate().map(|(place, zone)| (zone.name.clone(), place)).collect();
    for (name, (keys, metadata)) in zones {
        let Some(place) = places.get(name).copied() else {
            let fate = Fate::no_effect("no zone of this name is served");
            work.report.add(stored.span, format!("keys and metadata of {name}"), fate);
            continue;
        };
        // Taken out meanwhile, so that keys and files can be added.
        let mut zone = std::mem::replace(
            &mut work.draft.zones[place],
            Zone::new(name.clone(), Source::Primaries(Vec::new()), String::new()),
        );
        // As the configuration writes it.
        let name = zone.name.clone();
        let mut reading = ZoneReading {
            work,
            settings,
            stored,
            zone: &mut zone,
            keys: &keys,
            metadata: &metadata,
            tells_parent: false,
            networks: None,
        };
        // First of all: a zone that is not served has neither keys nor clients.
        let asked = reading.ask();
        let is_served = !matches!(&reading.zone.source, Source::Primaries(servers) if servers.is_empty());
        if !keys.is_empty() {
            let fate = if is_served { reading.sign() } else { Fate::no_effect(NOT_SERVED) };
            reading.work.report.add(stored.span, format!("keys of {name}"), fate);
        }
        for datum in &metadata {
            let fate = match &asked {
                Some((by, fate)) if std::ptr::eq(*by, *datum) => fate.clone(),
                Some(_) | None if !is_served => Fate::no_effect(NOT_SERVED),
                Some(_) | None => reading.fate(datum),
            };
            let shown = format!("{name} {} {}", datum.kind, datum.content);
            reading.work.report.add(stored.span, shown, fate);
        }
        work.draft.zones[place] = zone;
    }
    // A zone whose primaries must not be asked without their key.
    work.draft.zones.retain(|zone| !matches!(&zone.source, Source::Primaries(servers) if servers.is_empty()));
}

/// A zone, and what is said of it.
struct ZoneReading<'r> {
    work: &'r mut Work,
    settings: &'r ServerSettings,
    stored: &'r Stored,
    zone: &'r mut Zone,
    keys: &'r [&'r StoredKey],
    metadata: &'r [&'r Metadatum],
    /// Whether CDS and CDNSKEY records tell the zone above of a key.
    tells_parent: bool,
    /// What became of the lines of `ALLOW-AXFR-FROM`, which are one list.
    networks: Option<Fate>,
}

impl<'r> ZoneReading<'r> {
    fn get(&self, kind: &str) -> Option<&str> {
        self.metadata.iter().find(|it| it.kind == kind).map(|it| it.content.trim())
    }

    fn is_presigned(&self) -> bool {
        self.get("PRESIGNED") == Some("1")
    }

    /// Signs the zone with its keys: with all that sign there, or not at all.
    fn sign(&mut self) -> Fate {
        if self.is_presigned() {
            return Fate::no_effect("PRESIGNED: the signatures of its source are served");
        }
        let name = self.zone.name.clone();
        let keys = DatabaseKeys { zone: &name, keys: self.keys, tells_parent: self.publishes() };
        if !keys.sign() {
            return Fate::no_effect("none of them is active: it is served unsigned, as by PowerDNS");
        }
        let made = match keys.files() {
            Ok(made) => made,
            Err(why) => return Fate::refused(why),
        };
        self.tells_parent = made.is_told;
        self.work.keys.extend(made.files);
        let remark = "bind-dnssec-db".to_owned();
        self.zone.signing = vec![Line { key: "keys", value: FOLDER.into(), remark }];
        if let Some(words) = self.get("NSEC3PARAM") {
            let flags = words.split_ascii_whitespace().nth(1).and_then(|flags| flags.parse::<u8>().ok());
            let is_opt_out = flags.is_some_and(|flags| flags & 1 == 1);
            let denial = if is_opt_out { "nsec3-opt-out" } else { "nsec3" };
            self.zone.signing.push(Line::new("denial", denial));
        }
        let text = format!(
            "→ [zone.dnssec], {} in {FOLDER}: K*.private are for their owner alone, so give them to the user of the service",
            made.count
        );
        match made.left_out.first() {
            None => Fate::honoured(text),
            Some(fault) => Fate::changed(format!("{text}; without one that does not sign: {fault}")),
        }
    }

    /// Whether the zone above is told of the keys.
    fn publishes(&self) -> bool {
        ["PUBLISH-CDS", "PUBLISH-CDNSKEY"]
            .iter()
            .any(|kind| self.get(kind).is_some_and(|it| !it.starts_with('0')))
    }

    /// What becomes of a piece of metadata.
    fn fate(&mut self, datum: &Metadatum) -> Fate {
        const UNSIGNED: &str = "the zone is not signed here";
        let is_signed = !self.zone.signing.is_empty();
        let content = datum.content.trim();
        match datum.kind.as_str() {
            "PRESIGNED" if content == "1" => Fate::honoured("the signatures of its source are served"),
            "PRESIGNED" => Fate::honoured("nothing to do: it is off"),
            "NSEC3PARAM" | "NSEC3NARROW" | "PUBLISH-CDS" | "PUBLISH-CDNSKEY" | "SOA-EDIT" if !is_signed => {
                Fate::no_effect(UNSIGNED)
            }
            "NSEC3PARAM" => nsec3_fate(content),
            "NSEC3NARROW" if content != "1" => Fate::honoured("nothing to do: it is off"),
            "NSEC3NARROW" => {
                Fate::changed("a denial shows hashes of names that are there, and not of their neighbours")
            }
            "PUBLISH-CDS" | "PUBLISH-CDNSKEY" if content.starts_with('0') => Fate::refused(
                "the zone was leaving DNSSEC, and is signed here without CDS records: `edgedns dnssec leave` takes it out",
            ),
            "PUBLISH-CDS" | "PUBLISH-CDNSKEY" if !self.tells_parent => Fate::no_effect(
                "no key that signs is one that DS records are made of (SEP): PowerDNS has no such records, either",
            ),
            "PUBLISH-CDNSKEY" => Fate::honoured("→ CDS and CDNSKEY records"),
            "PUBLISH-CDS" if content == "2" => Fate::honoured("→ CDS and CDNSKEY records"),
            "PUBLISH-CDS" => Fate::changed("→ CDS and CDNSKEY records: of digests SHA-256 (2) alone"),
            "SOA-EDIT" => Fate::changed("the serial goes up by one whenever the zone is signed anew"),
            "ALLOW-AXFR-FROM" => self.allow_transfer(content),
            "TSIG-ALLOW-AXFR" => self.allow_transfer_with(content),
            "AXFR-MASTER-TSIG" => Fate::no_effect("PowerDNS takes the first of them alone"),
            "ALSO-NOTIFY" => self.notify(content),
            "ENABLE-LUA-RECORDS" => Fate::honoured("LUA records are always read"),
            "LUA-AXFR-SCRIPT" => Fate::refused("no Lua is run: a zone is served as its primary has it"),
            "ALLOW-DNSUPDATE-FROM"
            | "TSIG-ALLOW-DNSUPDATE"
            | "FORWARD-DNSUPDATE"
            | "GSS-ALLOW-AXFR-PRINCIPAL"
            | "GSS-ACCEPTOR-PRINCIPAL" => Fate::changed(NO_UPDATE),
            "SOA-EDIT-API" | "SOA-EDIT-DNSUPDATE" | "API-RECTIFY" | "NOTIFY-DNSUPDATE" | "SLAVE-RENOTIFY"
            | "IXFR" | "AXFR-SOURCE" => Fate::no_effect("nothing here depends on it"),
            kind if kind.starts_with("X-") => Fate::no_effect("PowerDNS does nothing with it, either"),
            _ => Fate::changed("not known here, and not carried over"),
        }
    }

    fn transfers_are_off(&self) -> bool {
        self.settings.is_on("disable-axfr") == Some(true)
    }

    /// `ALLOW-AXFR-FROM`: the networks of all its lines are one list.
    fn allow_transfer(&mut self, content: &str) -> Fate {
        if self.transfers_are_off() {
            return Fate::no_effect(NO_TRANSFER);
        }
        if content.eq_ignore_ascii_case("AUTO-NS") {
            return Fate::changed(
                "names are not looked up: write the addresses of its servers to `allow-transfer`",
            );
        }
        if let Some(known) = &self.networks {
            return known.clone();
        }
        let fate = self.allow_networks();
        self.networks = Some(fate.clone());
        fate
    }

    fn allow_networks(&mut self) -> Fate {
        let span = self.stored.span;
        let lines = self.metadata.iter().filter(|it| it.kind == "ALLOW-AXFR-FROM");
        let words: Vec<Word> = lines
            .map(|it| Word { text: it.content.trim().to_owned(), span })
            .filter(|word| !word.text.eq_ignore_ascii_case("AUTO-NS"))
            .collect();
        let mut clients = netmasks::clients(&words, &mut Vec::new());
        if clients.world().is_some() {
            return Fate::changed("an open door, closed: AXFR is REFUSED to everybody");
        }
        let networks = clients.written();
        let lost = clients.lost().to_vec();
        match networks.into_iter().map(|entry| self.add_transfer(entry)).find(Result::is_err) {
            Some(Err(fate)) => fate,
            _ if lost.is_empty() => Fate::honoured("→ [[zone]] allow-transfer"),
            _ => Fate::changed(format!("→ [[zone]] allow-transfer without {}", lost.join(", "))),
        }
    }

    /// `TSIG-ALLOW-AXFR`: whoever has the key gets the zone.
    fn allow_transfer_with(&mut self, key: &str) -> Fate {
        if self.transfers_are_off() {
            return Fate::no_effect(NO_TRANSFER);
        }
        let name = match self.key(key) {
            Ok(name) => name,
            Err(why) => return Fate::refused(format!("the key {key} is not taken over: {why}")),
        };
        match self.add_transfer(format!("key:{name}")) {
            Ok(()) => Fate::honoured(
                "→ [[zone]] allow-transfer, [[key]]: the config file is for its owner alone, and says how the service may read it",
            ),
            Err(fate) => fate,
        }
    }

    fn add_transfer(&mut self, entry: String) -> Result<(), Fate> {
        let empty = || Allowed { networks: Vec::new(), remark: "bind-dnssec-db".to_owned() };
        let list = &mut self.zone.transfer.get_or_insert_with(empty).networks;
        if list.contains(&entry) {
            return Ok(());
        }
        if list.len() >= LIST_MAX {
            return Err(Fate::refused(format!(
                "→ [[zone]] allow-transfer without {entry}: a list has {LIST_MAX} at most"
            )));
        }
        list.push(entry);
        Ok(())
    }

    /// `AXFR-MASTER-TSIG`: the primaries are asked with the first key that is named, or not at all.
    fn ask(&mut self) -> Option<(&'r Metadatum, Fate)> {
        let datum = self.metadata.iter().copied().find(|it| it.kind == "AXFR-MASTER-TSIG")?;
        if !matches!(self.zone.source, Source::Primaries(_)) {
            return Some((datum, Fate::no_effect("it has no primaries")));
        }
        let key = self.key(datum.content.trim());
        let Source::Primaries(servers) = &mut self.zone.source else { return None };
        let fate = match key {
            Ok(key) => {
                servers.iter_mut().for_each(|server| server.push_str(&format!(" key:{key}")));
                Fate::honoured(
                    "→ [[zone]] primary, [[key]]: the config file is for its owner alone, and says how the service may read it",
                )
            }
            Err(why) => {
                servers.clear();
                self.work.missing.push(self.zone.name.clone());
                Fate::refused(format!(
                    "{why}, and without it its primaries are not asked: the zone is not served"
                ))
            }
        };
        Some((datum, fate))
    }

    /// Has a key of TSIG in the config file; its name there.
    fn key(&mut self, name: &str) -> Result<String, &'static str> {
        let key = match self.stored.tsig(name) {
            [TsigKey { name, algorithm, secret }] => Key::new(name, algorithm, secret, "bind-dnssec-db")?,
            [] => return Err("it is not in the database"),
            [..] => return Err("it has two secrets"),
        };
        if !self.work.draft.keys.iter().any(|known| known.name.eq_ignore_ascii_case(&key.name)) {
            self.work.draft.keys.push(key.clone());
        }
        Ok(key.name)
    }

    fn notify(&mut self, content: &str) -> Fate {
        if !values::tells(self.settings) {
            return Fate::no_effect(values::TELLS_NOBODY);
        }
        let Some(server) = values::server(content) else {
            return Fate::changed("names are not looked up: write its address to `notify` of [[zone]]");
        };
        let empty = || Allowed { networks: Vec::new(), remark: "bind-dnssec-db".to_owned() };
        let list = &mut self.zone.notify.get_or_insert_with(empty).networks;
        if list.contains(&server) {
            return Fate::honoured("→ [[zone]] notify");
        }
        if list.len() >= LIST_MAX {
            return Fate::refused(format!(
                "→ [[zone]] notify without {server}: a list has {LIST_MAX} at most"
            ));
        }
        list.push(server);
        Fate::honoured("→ [[zone]] notify")
    }
}

fn nsec3_fate(content: &str) -> Fate {
    let words: Vec<&str> = content.split_ascii_whitespace().collect();
    match words.as_slice() {
        ["1", _, "0", "-"] => Fate::honoured("→ [zone.dnssec] denial"),
        _ => Fate::changed("→ [zone.dnssec] denial: names are hashed once, without a salt (RFC 9276)"),
    }
}
