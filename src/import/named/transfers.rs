//! `allow-transfer`, `also-notify`, `primaries` and `key`: they become keys of `[[zone]]`, and `[[key]]`.
//!
//! Whom a list means is decided by `clients`; which key a list or a server names, and whether it can be had here, by this.

use std::net::IpAddr;

use super::super::address;
use super::super::draft::{Allowed, Key};
use super::super::report::Fate;
use super::super::statement::Statement;
use super::reading::Reading;
use crate::source::Diagnostic;

/// Lists of servers that name each other.
const DEPTH_MAX: usize = 16;

/// Servers, and those of a list that are not among them.
#[derive(Debug, Default)]
pub(super) struct RemoteServers {
    pub(super) servers: Vec<String>,
    pub(super) lost: Vec<String>,
}

impl<'r> Reading<'r> {
    /// The servers that get a zone with these statements; none: nobody.
    pub(super) fn allow_transfer(&mut self, zone: &[Statement]) -> Option<Allowed> {
        if self.closes_zone(zone).is_some() {
            return None;
        }
        let own = zone.iter().rfind(|inner| inner.keyword() == "allow-transfer");
        let list = own.or_else(|| self.get("allow-transfer"))?;
        let (networks, _) = self.transferred(list);
        let remark =
            if own.is_some() { "allow-transfer of the zone" } else { "allow-transfer of named.conf" };
        Some(Allowed { networks, remark: remark.to_owned() })
    }

    /// The servers that are told of a zone with these statements; none: nobody.
    pub(super) fn also_notify(&mut self, zone: &[Statement]) -> Option<Allowed> {
        let given = |keyword: &str| {
            let own = zone.iter().rfind(|inner| inner.keyword() == keyword);
            own.or_else(|| self.get(keyword))
        };
        if given("notify").is_some_and(Self::is_off) {
            return None;
        }
        let list = given("also-notify")?;
        let RemoteServers { servers, .. } = self.remote_servers(list);
        Some(Allowed { networks: servers, remark: "also-notify".to_owned() })
    }

    /// The entries of `allow-transfer` that a list comes to, and what of it is not among them.
    pub(super) fn transferred(&mut self, list: &Statement) -> (Vec<String>, Vec<String>) {
        let clients = self.clients_without_faults(list);
        let excepts = clients.excepts();
        let mut clients = self.admitted(&clients);
        if clients.world().is_some() {
            return (Vec::new(), Vec::new());
        }
        let mut entries = Vec::new();
        let mut lost = Vec::new();
        for word in clients.written() {
            // `local` is whatever networks the host is in: those are not servers that somebody has named.
            if word.starts_with(|first: char| first.is_ascii_hexdigit() || first == ':') {
                entries.push(word);
            } else {
                lost.push("networks of this host".to_owned());
            }
        }
        lost.extend(clients.lost().iter().filter(|lost| !lost.starts_with(KEY_LOST)).cloned());
        for element in list.block().iter().filter(|element| element.keyword() == "key") {
            let shown = element.shown();
            let is_open = !excepts && self.is_open_to_all();
            match element.word(1).filter(|_| is_open).and_then(|word| self.key_named(&word.text)) {
                Some(name) => entries.push(format!("key:{name}")),
                None => lost.push(format!("those with the {shown}")),
            }
        }
        let named = clients.lost().iter().filter(|lost| lost.starts_with(KEY_LOST)).count();
        let own = list.block().iter().filter(|element| element.keyword() == "key").count();
        if named > own {
            lost.push("those with a key that an `acl` names".to_owned());
        }
        (entries, lost)
    }

    /// Whether no list keeps clients out of everything, whatever key they have.
    pub(super) fn is_open_to_all(&self) -> bool {
        self.get("blackhole").is_none() && self.get("match-clients").is_none()
    }

    /// The servers of a list such as `{ 192.0.2.1 port 53 key transfer; others; }`.
    pub(super) fn remote_servers(&mut self, list: &Statement) -> RemoteServers {
        let mut found = RemoteServers::default();
        self.collect_servers(list, 0, &mut found);
        found
    }

    fn collect_servers(&mut self, list: &Statement, depth: usize, found: &mut RemoteServers) {
        let usual = self.port_of(list);
        for server in list.block() {
            let Some(word) = server.word(0) else { continue };
            let lost = |found: &mut RemoteServers| found.lost.push(format!("`{}`", server.shown()));
            if word.text.parse::<IpAddr>().is_err() {
                // It names a list.
                match self
                    .server_list(&word.text)
                    .filter(|_| depth < DEPTH_MAX && server.words().next().is_none())
                {
                    Some(inner) => self.collect_servers(inner, depth + 1, found),
                    None => lost(found),
                }
                continue;
            }
            let words: Vec<&str> = server.words().map(|word| word.text.as_str()).collect();
            let after = |keyword: &str| {
                let place = words.iter().position(|word| *word == keyword)?;
                words.get(place + 1).copied()
            };
            let port = self.port_of(server).or_else(|| usual.clone()).unwrap_or(Ok(address::DNS_PORT));
            let read = port.and_then(|port| address::socket_address(word, port));
            let key = after("key").map(|name| self.key_named(name));
            match (read, key) {
                (Ok(place), None) if after("tls").is_none() => found.servers.push(address::upstream(place)),
                (Ok(place), Some(Some(key))) if after("tls").is_none() => {
                    found.servers.push(format!("{} key:{key}", address::upstream(place)));
                }
                _ => lost(found),
            }
        }
    }

    /// The `primaries` or the like with this name.
    fn server_list(&self, name: &str) -> Option<&'r Statement> {
        let lists = ["masters", "primaries", "remote-servers"];
        let is_it = |statement: &&Statement| {
            lists.contains(&statement.keyword().as_str())
                && statement.word(1).is_some_and(|word| word.text.eq_ignore_ascii_case(name))
        };
        self.parsed.statements.iter().find(is_it)
    }

    /// Has a key in the config file, if it can be had here; its name there.
    pub(super) fn key_named(&mut self, name: &str) -> Option<String> {
        let statement = self.key_statement(name)?;
        let key = readable_key(statement).ok()?;
        if !self.work.draft.keys.iter().any(|known| known.name.eq_ignore_ascii_case(&key.name)) {
            let remark = self.work.whence(statement.span);
            self.work.draft.keys.push(Key { remark, ..key.clone() });
        }
        Some(key.name)
    }

    fn key_statement(&self, name: &str) -> Option<&'r Statement> {
        let same = |word: &str| word.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'));
        let is_it = |statement: &&Statement| {
            statement.keyword() == "key" && statement.word(1).is_some_and(|word| same(&word.text))
        };
        let inside = self.view.unwrap_or_default().iter();
        inside.chain(&self.parsed.statements).find(is_it)
    }
}

/// How `clients` says that the holders of a key are lost.
const KEY_LOST: &str = "those with the key";

/// A key that is whole, or why there is none.
fn readable_key(statement: &Statement) -> Result<Key, &'static str> {
    let get = |keyword: &str| {
        let inner = statement.block().iter().find(|inner| inner.keyword() == keyword)?;
        inner.word(1).map(|word| word.text.clone())
    };
    let name = statement.word(1).map(|word| word.text.clone()).unwrap_or_default();
    let secret = get("secret").ok_or("it has no secret")?;
    Key::new(&name, &get("algorithm").unwrap_or_default(), &secret, "")
}

pub(super) fn key(_: &mut Reading<'_>, statement: &Statement) -> Fate {
    match readable_key(statement) {
        Ok(_) => Fate::honoured(
            "→ [[key]] where a list or a server names it: the config file is for its owner alone, and says how the service may read it",
        ),
        Err(why) => Fate::dispensable(why),
    }
}

pub(super) fn servers(_: &mut Reading<'_>, _: &Statement) -> Fate {
    Fate::honoured("its servers are written where a zone names it")
}

pub(super) fn allow_transfer(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let clients = reading.clients_without_faults(option);
    if let Some(word) = clients.world() {
        let fault = Diagnostic::warning(word.span, "an open door: everybody may transfer the zones");
        let help = "nothing to do for edgedns, which refuses AXFR; close it where BIND goes on running";
        reading.work.found.push(fault.help(help));
        return Fate::changed("an open door, closed: AXFR is REFUSED to everybody");
    }
    let (entries, lost) = reading.transferred(option);
    fate("allow-transfer", &entries, &lost, "AXFR is REFUSED")
}

pub(super) fn also_notify(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let RemoteServers { servers, lost } = reading.remote_servers(option);
    fate("notify", &servers, &lost, "nothing to do: nobody is told")
}

pub(super) fn notify(_: &mut Reading<'_>, option: &Statement) -> Fate {
    match option.word(1).map(|word| word.text.to_ascii_lowercase()).as_deref() {
        Some("no" | "false" | "0") => Fate::honoured("nobody is told"),
        Some("explicit") => Fate::honoured("those of `also-notify` are told"),
        _ => Fate::changed(
            "names are not looked up: servers that only NS records name are told when their addresses are in `notify` of \
             [[zone]]",
        ),
    }
}

pub(super) fn primaries(_: &mut Reading<'_>, _: &Statement) -> Fate {
    Fate::no_effect("see its zone")
}

fn fate(key: &str, entries: &[String], lost: &[String], none: &'static str) -> Fate {
    match (entries, lost) {
        ([], []) => Fate::honoured(none),
        (_, []) => Fate::honoured(format!("→ [[zone]] {key}")),
        (_, lost) => Fate::changed(format!("→ [[zone]] {key} without {}: write them there", lost.join(", "))),
    }
}
