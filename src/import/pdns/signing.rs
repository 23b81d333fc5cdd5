//! What PowerDNS' BIND backend keeps beside the zone files, in `bind-dnssec-db`, given to the zones: keys that they are signed
//! with, what is said of single ones (metadata), and keys of TSIG.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::super::draft::{Allowed, Key, Line, Source, Zone};
use super::super::netmasks;
use super::super::networks::LIST_MAX;
use super::super::report::Fate;
use super::super::rule;
use super::super::server_setting::ServerSettings;
use super::super::sqlite::Fault;
use super::super::word::Word;
use super::super::work::Work;
use super::stored::{Metadatum, Stored, StoredKey};
use super::values;
use crate::delivery::{File, Readers};
use crate::dns::Name;
use crate::dnssec::{Event, KeyFault, Time, Timing, key_texts, read_foreign};
use crate::source::Diagnostic;

/// The folder of keys, seen from the config file.
const FOLDER: &str = "edgedns/dnssec";

/// What becomes of a database that cannot be read.
const UNREAD: &str = "its keys are not read, and zones are served unsigned unless you sign them here: install sqlite3 (in \
                      RPMs: sqlite) and import again, or `pdnsutil list-keys` names the keys, `export-zone-key` prints them for \
                      `edgedns dnssec import`, and `[zone.dnssec]` signs; else take DS records out of their parents first, or \
                      they become bogus";

/// Who gets a zone where nobody does.
const NO_TRANSFER: &str = "`disable-axfr`: AXFR is REFUSED";

/// What an update says of a zone.
const NO_UPDATE: &str = "not carried over: write who may update in [[zone.update]]";

/// Reads the database that `pdns.conf` names; what became of it. `path` is where `pdns.conf` is.
pub(super) fn read(work: &mut Work, settings: &ServerSettings, path: &Path) -> (Fate, Option<Stored>) {
    let Some(setting) = settings.get("bind-dnssec-db").filter(|setting| !setting.is_empty()) else {
        return (rule::off(), None);
    };
    let word = setting.text();
    let file = work.folders.find(&word, None, path, &mut work.found);
    if !work.sources.reads_files() {
        return (Fate::refused(UNREAD), None);
    }
    match Stored::of(&file, setting.span) {
        Ok(stored) if stored.keys.is_empty() && stored.metadata.is_empty() => {
            (Fate::honoured("nothing to do: it has neither keys nor metadata of zones"), None)
        }
        Ok(stored) => (Fate::honoured("its keys and its metadata are below"), Some(stored)),
        Err(fault) => {
            let help = match &fault {
                Fault::NoProgram => {
                    "install the package sqlite3 (of RPMs: sqlite), and import again".to_owned()
                }
                Fault::Unsettled => "import while PowerDNS does not write it".to_owned(),
                Fault::System(_) | Fault::Refused(_) => work.folders.advice(&word.text),
            };
            let message = format!("{} is not read: {fault}", file.display());
            work.found.push(Diagnostic::error(word.span, message).help(help));
            (Fate::refused(UNREAD), None)
        }
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
        let mut reading =
            ZoneReading { work, settings, stored, zone: &mut zone, keys: &keys, metadata: &metadata };
        if !keys.is_empty() {
            let fate = reading.sign();
            reading.work.report.add(stored.span, format!("keys of {name}"), fate);
        }
        for datum in &metadata {
            let fate = reading.fate(datum);
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
}

impl ZoneReading<'_> {
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
        if self.keys.iter().all(|key| !key.is_active) {
            return Fate::no_effect("none of them is active: it is served unsigned, as by PowerDNS");
        }
        let (mut files, mut left_out, mut count) = (Vec::new(), Vec::new(), 0_usize);
        for key in self.keys.iter().filter(|key| key.is_active || key.is_published) {
            let texts = match self.texts(key) {
                Ok(texts) => texts,
                Err(fault) if key.is_active => {
                    return Fate::refused(format!(
                        "{fault}: it is served unsigned; roll it to 13 with PowerDNS and import again, or take its DS records \
                         out of its parent first, or it becomes bogus"
                    ));
                }
                Err(fault) => {
                    left_out.push(fault);
                    continue;
                }
            };
            count += 1;
            files.push((format!("{}.private", texts.stem), texts.secret, Readers::Owner));
            files.push((format!("{}.key", texts.stem), texts.public, Readers::Usual));
        }
        let file = |(name, text, readers): (String, String, Readers)| File {
            path: Path::new(FOLDER).join(name),
            bytes: text.into_bytes().into(),
            readers,
        };
        self.work.keys.extend(files.into_iter().map(file));
        let remark = "bind-dnssec-db".to_owned();
        self.zone.signing = vec![Line { key: "keys", value: FOLDER.into(), remark }];
        if let Some(words) = self.get("NSEC3PARAM") {
            let flags = words.split_ascii_whitespace().nth(1).and_then(|flags| flags.parse::<u8>().ok());
            let is_opt_out = flags.is_some_and(|flags| flags & 1 == 1);
            let denial = if is_opt_out { "nsec3-opt-out" } else { "nsec3" };
            self.zone.signing.push(Line::new("denial", denial));
        }
        let text = format!(
            "→ [zone.dnssec], {count} in {FOLDER}: K*.private are for their owner alone, so give them to the user of the service"
        );
        match left_out.first() {
            None => Fate::honoured(text),
            Some(fault) => Fate::changed(format!("{text}; without one that does not sign: {fault}")),
        }
    }

    /// The files of a key.
    fn texts(&self, key: &StoredKey) -> Result<crate::dnssec::KeyTexts, KeyFault> {
        let read = read_foreign(&key.zone, &key.secret, None, key.flags)?;
        if !read.public.signs_zones() {
            return Err(KeyFault::BadRecord);
        }
        let ever = Time::from_seconds(0);
        let is_told = key.is_active && read.public.is_sep() && self.publishes();
        let timing = match (key.is_active, key.is_published) {
            (true, true) if !is_told => Timing::ALWAYS,
            (true, true) => Timing::ALWAYS.as_dated().with(Event::SyncPublish, ever),
            (true, false) => Timing::default().with(Event::Activate, ever),
            (false, _) => Timing::default().with(Event::Publish, ever),
        };
        Ok(key_texts(&key.zone, &read.public, &read.secret, &timing))
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
            "PUBLISH-CDS" | "PUBLISH-CDNSKEY" if content.starts_with('0') => {
                Fate::refused("the zone is on its way out of DNSSEC: `edgedns dnssec leave` goes it")
            }
            "PUBLISH-CDS" | "PUBLISH-CDNSKEY" => Fate::honoured("→ CDS and CDNSKEY records, with SHA-256"),
            "SOA-EDIT" => Fate::changed("the serial goes up by one whenever the zone is signed anew"),
            "ALLOW-AXFR-FROM" => self.allow_transfer(content),
            "TSIG-ALLOW-AXFR" => self.allow_transfer_with(content),
            "AXFR-MASTER-TSIG" => self.ask_with(content),
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
            Ok(()) => {
                Fate::honoured("→ [[zone]] allow-transfer, [[key]]: keep the config file from other users")
            }
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

    /// `AXFR-MASTER-TSIG`: the primaries are asked with the key, or not at all.
    fn ask_with(&mut self, key: &str) -> Fate {
        if !matches!(self.zone.source, Source::Primaries(_)) {
            return Fate::no_effect("it has no primaries");
        }
        let key = self.key(key);
        let Source::Primaries(servers) = &mut self.zone.source else {
            return Fate::no_effect("it has no primaries");
        };
        match key {
            Ok(key) => {
                servers.iter_mut().for_each(|server| server.push_str(&format!(" key:{key}")));
                Fate::honoured("→ [[zone]] primary, [[key]]: keep the config file from other users")
            }
            Err(why) => {
                servers.clear();
                self.work.missing.push(self.zone.name.clone());
                Fate::refused(format!(
                    "{why}, and without it its primaries are not asked: the zone is not served"
                ))
            }
        }
    }

    /// Has a key of TSIG in the config file; its name there.
    fn key(&mut self, name: &str) -> Result<String, &'static str> {
        let same = |other: &str| other.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
        let mut found = self.stored.tsig.iter().filter(|key| same(&key.name));
        let key = match (found.next(), found.next()) {
            (Some(key), None) => Key::new(&key.name, &key.algorithm, &key.secret, "bind-dnssec-db")?,
            (Some(_), Some(_)) => return Err("it has two secrets"),
            (None, _) => return Err("it is not in the database"),
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
        if !list.contains(&server) {
            list.push(server);
        }
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
