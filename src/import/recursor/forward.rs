//! Whom pdns-recursor asks: `forward-zones` and its kin.
//!
//! Responsible for reading them in every form, and for telling what was
//! forwarded to PowerDNS, which is answered here now, from the rest.
//! Not responsible for forwarding.

use std::net::SocketAddr;

use super::super::address;
use super::super::draft::Forward;
use super::super::given::{Given, Value, Word};
use super::super::report::{Fate, Kind};
use super::super::yaml::{self, Node};
use super::super::zone::serve_file;
use super::{Reading, form};
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;

/// The port of DNS over TLS (RFC 7858).
const TLS_PORT: u16 = 853;

/// How the other server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// As a resolver: recursion is desired.
    Recursively,
    /// As one that has the zone.
    Authoritatively,
}

/// A zone and whom to ask for it, as written.
struct Entry {
    zone: Word,
    servers: Vec<Word>,
    asked: Asked,
}

/// `forward-zones`, `forward-zones-recurse`.
pub(super) fn forward_zones(reading: &mut Reading<'_>, given: &Given) -> Fate {
    let asked =
        if given.name == "forward-zones-recurse" { Asked::Recursively } else { Asked::Authoritatively };
    let entries = match &given.value {
        Value::Lines(lines) => {
            let items = lines.iter().flat_map(|line| line.split(&[',']));
            items.filter_map(|item| from_text(reading, &item, asked)).collect()
        }
        Value::Nodes(nodes) => from_nodes(reading, nodes, asked),
    };
    take_all(reading, &entries)
}

/// `forward-zones-file`: `zone=server, server` line by line, `+` in front for a resolver; or YAML.
pub(super) fn forward_zones_file(reading: &mut Reading<'_>, given: &Given) -> Fate {
    if given.is_empty() {
        return Fate::honoured("nothing to do: it is empty");
    }
    let Some(file) = form::named_file(reading.work, &reading.recursor.path, given) else {
        return Fate::refused("it cannot be read: bring it, and import again");
    };
    let bytes = reading.work.sources.bytes(file);
    if form::is_yaml(&bytes) {
        let root = yaml::read(file, &bytes, &mut reading.work.found);
        let entries = from_nodes(reading, root.as_slice(), Asked::Authoritatively);
        return take_all(reading, &entries);
    }
    let mut entries = Vec::new();
    for line in form::lines(file, &bytes) {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let text = text.split_once('#').map_or(text, |(text, _)| text.trim());
        let zone = text.trim_start_matches(['+', '^']);
        let is_recursive =
            text.split('=').next().is_some_and(|head| head.starts_with(['+', '^']) && head.contains('+'));
        let asked = if is_recursive { Asked::Recursively } else { Asked::Authoritatively };
        entries.extend(from_text(reading, &line.part(zone), asked));
    }
    take_all(reading, &entries)
}

/// `auth-zones`: zone files that the recursor answers from itself.
pub(super) fn auth_zones(reading: &mut Reading<'_>, given: &Given) -> Fate {
    let pairs: Vec<(Word, Word)> = match &given.value {
        Value::Lines(lines) => lines
            .iter()
            .flat_map(|line| line.split(&[',']))
            .filter_map(|item| {
                let (zone, file) = item.text.split_once('=')?;
                Some((item.part(zone.trim()), item.part(file.trim())))
            })
            .collect(),
        Value::Nodes(nodes) => nodes
            .iter()
            .flat_map(Node::elements)
            .filter_map(|node| Some((node.get("zone")?.words().pop()?, node.get("file")?.words().pop()?)))
            .collect(),
    };
    let mut refused = Vec::new();
    for (zone, file) in pairs {
        let Some(name) = zone_name(reading, &zone) else { continue };
        if serve_file(reading.work, &name, &zone, &file, None).kind != Kind::Honoured {
            refused.push(zone.text);
        }
    }
    match refused.as_slice() {
        [] => Fate::honoured("→ [[zone]]"),
        refused => Fate::refused(format!("{}: the file cannot be read", refused.join(", "))),
    }
}

fn from_text(reading: &mut Reading<'_>, item: &Word, asked: Asked) -> Option<Entry> {
    let Some((zone, servers)) = item.text.split_once('=') else {
        let fault = Diagnostic::error(item.span, format!("`{}` names no server", item.text));
        reading.work.found.push(fault.help("write zone=address"));
        return None;
    };
    let servers = item.part(servers.trim()).split(&[';', ',', ' ', '\t']);
    Some(Entry { zone: item.part(zone.trim()), servers, asked })
}

fn from_nodes(reading: &mut Reading<'_>, nodes: &[Node], asked: Asked) -> Vec<Entry> {
    let mut entries = Vec::new();
    for node in nodes.iter().flat_map(Node::elements) {
        let zone = node.get("zone").and_then(|zone| zone.words().pop());
        let servers = node.get("forwarders").map(Node::words);
        let (Some(zone), Some(servers)) = (zone, servers) else {
            reading.work.found.push(Diagnostic::error(node.span, "`zone` and `forwarders` are wanted"));
            continue;
        };
        let recurse = node.get("recurse").and_then(|recurse| recurse.words().pop());
        let is_recursive = recurse.is_some_and(|word| word.text == "true");
        entries.push(Entry { zone, servers, asked: if is_recursive { Asked::Recursively } else { asked } });
    }
    entries
}

fn zone_name(reading: &mut Reading<'_>, zone: &Word) -> Option<Name> {
    match Name::parse(zone.text.as_bytes(), NameRef::ROOT) {
        Ok(name) => Some(name),
        Err(error) => {
            reading.work.found.push(Diagnostic::error(zone.span, format!("`{}`: {error}", zone.text)));
            None
        }
    }
}

/// Takes every zone of a setting; what became of them together.
fn take_all(reading: &mut Reading<'_>, entries: &[Entry]) -> Fate {
    let fates: Vec<(String, Fate)> = entries
        .iter()
        .map(|entry| {
            let fate = match zone_name(reading, &entry.zone) {
                Some(name) => take(reading, &name, entry),
                None => Fate::refused("not a name"),
            };
            (entry.zone.text.clone(), fate)
        })
        .collect();
    match fates.as_slice() {
        [] => Fate::honoured("nothing to do: it is empty"),
        [(_, only)] => only.clone(),
        // The gravest stands for all of them, and every zone is named.
        [(_, first), ..] => {
            let kind = fates.iter().map(|(_, fate)| fate.kind).max().unwrap_or(first.kind);
            let texts: Vec<String> =
                fates.iter().map(|(zone, fate)| format!("{zone}: {}", fate.text)).collect();
            Fate { kind, text: texts.join("; ").into() }
        }
    }
}

fn take(reading: &mut Reading<'_>, name: &Name, entry: &Entry) -> Fate {
    let mut servers: Vec<SocketAddr> = Vec::new();
    for word in &entry.servers {
        match address::socket_address(word, address::DNS_PORT) {
            Ok(address) => servers.push(address),
            Err(fault) => reading.work.found.push(fault),
        }
    }
    let is_own = |server: &SocketAddr| reading.own.iter().any(|own| address::reaches(*server, *own));
    let all_own = !servers.is_empty() && servers.iter().all(is_own);
    let has = |test: &dyn Fn(NameRef<'_>) -> bool| {
        reading.work.draft.zones.iter().any(|zone| test(zone.name.as_ref()))
    };
    if has(&|zone| zone == name.as_ref()) {
        return if all_own {
            Fate::honoured("→ [[zone]]: PowerDNS was asked for it; now it is answered here, one hop less")
        } else {
            Fate::changed("the zone file in [[zone]] is answered from; others were asked for it so far")
        };
    }
    if all_own {
        return if has(&|zone| zone.is_below(name.as_ref())) {
            Fate::honoured("→ [[zone]]: the zones below it are answered here")
        } else {
            Fate::changed("PowerDNS was asked, which has no such zone: other names are left to [[forward]]")
        };
    }
    servers.retain(|server| !reading.own.iter().any(|own| address::reaches(*server, *own)));
    forward(reading, name, entry, &servers)
}

/// A zone that others are asked for.
fn forward(reading: &mut Reading<'_>, name: &Name, entry: &Entry, servers: &[SocketAddr]) -> Fate {
    let plain: Vec<String> =
        servers.iter().filter(|server| server.port() != TLS_PORT).map(|it| address::upstream(*it)).collect();
    if plain.len() < servers.len() {
        let fault = Diagnostic::error(entry.zone.span, "a server at port 853 is asked over TLS");
        let help = "write it into [[forward]] upstream with its name: \"tls://192.0.2.1#dns.example.com\"";
        reading.work.found.push(fault.help(help));
    }
    if plain.is_empty() {
        return Fate::refused("nobody is left to ask: write a [[forward]] block with an upstream");
    }
    let place = reading.work.sources.place(entry.zone.span);
    let file = std::path::Path::new(&place.path).file_name().unwrap_or_default().to_string_lossy();
    let remark = format!("{file}:{}", place.line);
    // The last of several counts.
    reading.work.draft.forwards.retain(|forward| forward.zone != *name);
    let upstream = plain.join(", ");
    reading.work.draft.forwards.push(Forward { zone: name.clone(), upstream: plain, remark });
    match entry.asked {
        Asked::Recursively => Fate::honoured(format!("→ [[forward]] upstream {upstream}")),
        Asked::Authoritatively => {
            // Aliases in its answers are followed, as there; referrals are not.
            Fate::changed(format!(
                "→ [[forward]] upstream {upstream}: asked as a resolver is, with RD set; what it delegates to others is \
                 SERVFAIL"
            ))
        }
    }
}
