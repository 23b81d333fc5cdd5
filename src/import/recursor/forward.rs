//! The servers pdns-recursor asks: `forward-zones` and its kin, in every form.
//!
//! What was forwarded to PowerDNS is answered here now, and is kept apart from the rest.

use std::net::SocketAddr;

use super::super::address;
use super::super::draft::Forward;
use super::super::report::{Fate, FateKind};
use super::super::server_setting::{ServerSetting, Value};
use super::super::word::Word;
use super::super::yaml::{self, Node};
use super::super::zone::serve_file;
use super::lists;
use super::reading::Reading;
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

/// An entry, or how it is written where it cannot be read.
type Read = Result<Entry, String>;

/// `forward-zones`, `forward-zones-recurse`.
pub(super) fn forward_zones(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let asked =
        if setting.name == "forward-zones-recurse" { Asked::Recursively } else { Asked::Authoritatively };
    let entries: Vec<Read> = match &setting.value {
        Value::Lines(lines) => {
            let items = lines.iter().flat_map(|line| line.split(&[',']));
            items.map(|item| from_text(reading, &item, asked)).collect()
        }
        Value::Nodes(nodes) => from_nodes(reading, nodes, asked),
    };
    take_all(reading, &entries)
}

/// `forward-zones-file`: `zone=server, server` line by line, `+` in front for a resolver; or YAML.
pub(super) fn forward_zones_file(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.is_empty() {
        return Fate::honoured("nothing to do: it is empty");
    }
    let Some(file) = lists::named_file(reading.work, &reading.recursor.path, setting) else {
        return Fate::refused("it cannot be read: copy it, and import again");
    };
    let bytes = reading.work.sources.bytes(file);
    if lists::is_yaml(&bytes) {
        let errors = reading.work.found.errors();
        let root = yaml::read(file, &bytes, &mut reading.work.found);
        if reading.work.found.errors() > errors {
            return Fate::refused("it cannot be understood: mend it, and import again");
        }
        let entries = from_nodes(reading, root.as_slice(), Asked::Authoritatively);
        return take_all(reading, &entries);
    }
    let mut entries = Vec::new();
    for line in lists::lines(file, &bytes) {
        let text = line.text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let text = text.split_once('#').map_or(text, |(text, _)| text.trim());
        let zone = text.trim_start_matches(['+', '^']);
        let is_recursive =
            text.split('=').next().is_some_and(|head| head.starts_with(['+', '^']) && head.contains('+'));
        let asked = if is_recursive { Asked::Recursively } else { Asked::Authoritatively };
        entries.push(from_text(reading, &line.part(zone), asked));
    }
    take_all(reading, &entries)
}

/// `auth-zones`: zone files that the recursor answers from itself.
pub(super) fn auth_zones(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let mut refused = Vec::new();
    let mut count = 0;
    for pair in zone_files(setting) {
        count += 1;
        let (zone, file) = match pair {
            Ok(pair) => pair,
            Err(word) => {
                let fault = Diagnostic::error(word.span, "this names no zone with its file");
                reading.work.found.push(fault.help("write zone=file, or `zone` and `file` in YAML"));
                refused.push("an entry without a zone and a file".to_owned());
                continue;
            }
        };
        match zone_name(reading, &zone) {
            Some(name) if serve_file(reading.work, &name, &zone, &file, None).kind != FateKind::Refused => {}
            Some(_) => refused.push(format!("{}, whose file cannot be read whole", zone.text)),
            None => refused.push(format!("`{}`, which is not a name", zone.text)),
        }
    }
    match refused.as_slice() {
        [] if count == 0 => Fate::honoured("nothing to do: it is empty"),
        [] => Fate::honoured("→ [[zone]]"),
        refused => {
            Fate::refused(format!("→ [[zone]] without {}: mend it, and import again", refused.join(", ")))
        }
    }
}

/// The zones of `auth-zones` and their files; where one of both is missing, the place.
fn zone_files(setting: &ServerSetting) -> Vec<Result<(Word, Word), Word>> {
    let from_text = |item: Word| match item.text.split_once('=') {
        Some((zone, file)) => Ok((item.part(zone.trim()), item.part(file.trim()))),
        None => Err(item),
    };
    let from_node = |node: &Node| {
        let get = |key: &str| node.get(key)?.words().pop();
        get("zone").zip(get("file")).ok_or_else(|| Word { text: String::new(), span: node.span })
    };
    match &setting.value {
        Value::Lines(lines) => lines.iter().flat_map(|line| line.split(&[','])).map(from_text).collect(),
        Value::Nodes(nodes) => {
            let filled = nodes.iter().filter(|node| !node.is_empty());
            filled.flat_map(Node::elements).map(from_node).collect()
        }
    }
}

fn from_text(reading: &mut Reading<'_>, item: &Word, asked: Asked) -> Read {
    let Some((zone, servers)) = item.text.split_once('=') else {
        let fault = Diagnostic::error(item.span, format!("`{}` names no server", item.text));
        reading.work.found.push(fault.help("write zone=address"));
        return Err(item.text.clone());
    };
    let servers = item.part(servers.trim()).split(&[';', ',', ' ', '\t']);
    Ok(Entry { zone: item.part(zone.trim()), servers, asked })
}

fn from_nodes(reading: &mut Reading<'_>, nodes: &[Node], asked: Asked) -> Vec<Read> {
    let mut entries = Vec::new();
    for node in nodes.iter().filter(|node| !node.is_empty()).flat_map(Node::elements) {
        let zone = node.get("zone").and_then(|zone| zone.words().pop());
        let servers = node.get("forwarders").map(Node::words);
        let (Some(zone), Some(servers)) = (zone, servers) else {
            reading.work.found.push(Diagnostic::error(node.span, "`zone` and `forwarders` are wanted"));
            let shown = node.words().pop().map_or_else(|| "an entry".to_owned(), |word| word.text);
            entries.push(Err(shown));
            continue;
        };
        let recurse = node.get("recurse").and_then(|recurse| recurse.words().pop());
        let is_recursive = recurse.is_some_and(|word| word.text == "true");
        entries.push(Ok(Entry {
            zone,
            servers,
            asked: if is_recursive { Asked::Recursively } else { asked },
        }));
    }
    entries
}

fn zone_name(reading: &mut Reading<'_>, word: &Word) -> Option<Name> {
    match Name::parse(word.text.as_bytes(), NameRef::ROOT) {
        Ok(name) => Some(name),
        Err(error) => {
            reading.work.found.push(Diagnostic::error(word.span, format!("`{}`: {error}", word.text)));
            None
        }
    }
}

fn take_all(reading: &mut Reading<'_>, entries: &[Read]) -> Fate {
    let fates: Vec<(String, Fate)> = entries
        .iter()
        .map(|entry| match entry {
            Ok(entry) => {
                let fate = match zone_name(reading, &entry.zone) {
                    Some(name) => take(reading, &name, entry),
                    None => Fate::refused("not a name"),
                };
                (entry.zone.text.clone(), fate)
            }
            Err(shown) => (shown.clone(), Fate::refused("left out, as it names no zone with its servers")),
        })
        .collect();
    match fates.as_slice() {
        [] => Fate::honoured("nothing to do: it is empty"),
        [(_, only)] => only.clone(),
        // The worst of them counts for all, and every zone is named.
        [(_, first), ..] => {
            let kind = fates.iter().map(|(_, fate)| fate.kind).max().unwrap_or(first.kind);
            let texts: Vec<String> =
                fates.iter().map(|(zone, fate)| format!("{zone}: {}", fate.text)).collect();
            Fate::new(kind, texts.join("; "))
        }
    }
}

fn take(reading: &mut Reading<'_>, name: &Name, entry: &Entry) -> Fate {
    let mut servers: Vec<SocketAddr> = Vec::new();
    let mut lost = Vec::new();
    for word in &entry.servers {
        match address::socket_address(word, address::DNS_PORT) {
            Ok(address) => servers.push(address),
            Err(fault) => {
                reading.work.found.push(fault);
                lost.push(format!("`{}`", word.text));
            }
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
        } else if reading.work.missing.contains(name) {
            Fate::refused("PowerDNS was asked, whose zone is not taken over: see bind-config")
        } else {
            Fate::changed("PowerDNS was asked, which has no such zone: other names are left to [[forward]]")
        };
    }
    servers.retain(|server| !reading.own.iter().any(|own| address::reaches(*server, *own)));
    forward(reading, name, entry, (&servers, lost))
}

/// A zone that others are asked for; of the servers that are written, some cannot be asked.
fn forward(
    reading: &mut Reading<'_>,
    name: &Name,
    entry: &Entry,
    (servers, mut lost): (&[SocketAddr], Vec<String>),
) -> Fate {
    let (tls, plain): (Vec<SocketAddr>, Vec<SocketAddr>) =
        servers.iter().partition(|server| server.port() == TLS_PORT);
    if !tls.is_empty() {
        let fault = Diagnostic::error(entry.zone.span, "a server at port 853 is asked over TLS");
        let help = "write it into [[forward]] upstream with its name: \"tls://192.0.2.1#dns.example.com\"";
        reading.work.found.push(fault.help(help));
        lost.extend(tls.iter().map(|server| format!("`{server}`")));
    }
    if plain.is_empty() {
        return Fate::refused("no upstream is left: write a [[forward]] block with one");
    }
    let remark = reading.work.whence(entry.zone.span);
    // The last of several counts.
    reading.work.draft.forwards.retain(|forward| forward.zone != *name);
    let plain: Vec<String> = plain.into_iter().map(address::upstream).collect();
    let text = format!("→ [[forward]] upstream {}", plain.join(", "));
    reading.work.draft.forwards.push(Forward::to(name.clone(), plain, remark));
    match (lost.as_slice(), entry.asked) {
        ([], Asked::Recursively) => Fate::honoured(text),
        // Aliases in its answers are followed, as there; referrals are not.
        ([], Asked::Authoritatively) => Fate::changed(format!(
            "{text}: asked as a resolver is, with RD set; what it delegates to others is SERVFAIL"
        )),
        (lost, _) => Fate::refused(format!("{text}, without {}", lost.join(", "))),
    }
}
