//! gdnsd: its config file, and the zones in the folder beside it. DYNA and DYNC records become addresses that
//! probes guard.

mod vscf;

mod zones;

mod resources;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address;
use super::draft::{Guard, Line, Source, Zone, list};
use super::folders::{file_name, files_in};
use super::report::{Fate, FateKind};
use super::work::{Unreadable, Work, file_at};
use super::zone::serve_file;
use crate::dns::Name;
use crate::source::{Diagnostic, Severity};
use resources::{Resource, Resources};
use vscf::{Entry, Value};
use zones::{Dynamic, Piece, apex_of, pieces};

/// TTL where neither a zone nor an option says one, in seconds (the manual, `zones_default_ttl`).
const DEFAULT_TTL: u32 = 86_400;

/// What is tested, and what of the options is said where.
const NO_EFFECT: &str = "there is nothing to tune by it here";

/// Reads the config file and the zones; what it was read from.
pub(super) fn read(work: &mut Work, from: &Path) -> Result<String, Unreadable> {
    let path = file_at(from, &["config"]);
    let config = match work.sources.read(&path) {
        Ok(file) => vscf::read(&mut work.sources, &mut work.folders, file, &mut work.found),
        // Without one there are its defaults.
        Err(_) if path.parent().is_some_and(|folder| folder.join("zones").is_dir()) => {
            Some(Value::Table(Vec::new()))
        }
        Err(error) => {
            work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
            None
        }
    };
    let Some(config) = config else {
        work.report
            .add_besides(path.display().to_string(), Fate::refused("it cannot be read: nothing is written"));
        return Err(Unreadable);
    };
    let options = config.get("options");
    let ttl = options.and_then(|it| it.get("zones_default_ttl")?.text().parse().ok()).unwrap_or(DEFAULT_TTL);
    judge(work, &config);
    listen(work, options);
    let resources = Resources { plugins: config.get("plugins"), service_types: config.get("service_types") };
    let folder = path.parent().unwrap_or(Path::new("")).join("zones");
    for file in zone_files(work, &folder) {
        zone(work, &file, &resources, ttl);
    }
    Ok(path.display().to_string())
}

/// Says what becomes of each entry of the config.
fn judge(work: &mut Work, config: &Value) {
    for Entry { key, value } in config.entries() {
        match key.text.as_str() {
            "options" => value.entries().iter().for_each(|entry| {
                let fate = option(work, entry);
                report(work, entry, fate);
            }),
            "service_types" => value.entries().iter().for_each(|entry| {
                let fate = match entry.value.get("plugin").map_or("", Value::text) {
                    "tcp_connect" | "http_status" if entry.value.get("ok_thresh").is_some() => Fate::changed(
                        "→ [[zone.probe]]; failures count in a row, so that there is no `ok_thresh`",
                    ),
                    "tcp_connect" | "http_status" => Fate::honoured("→ [[zone.probe]]"),
                    "static" | "null" => Fate::honoured("nothing is tested"),
                    _ => Fate::dispensable(
                        "programs and files are not asked: see the names that it is tested for",
                    ),
                };
                report(work, entry, fate);
            }),
            "plugins" => value.entries().iter().for_each(|entry| {
                let fate = match entry.key.text.as_str() {
                    "multifo" | "simplefo" | "weighted" | "metafo" | "static" | "null" => {
                        Fate::honoured("see the names that are answered by it")
                    }
                    _ => Fate::dispensable("it cannot be had: see the names that are answered by it"),
                };
                report(work, entry, fate);
            }),
            other => {
                let text = format!("`{other}` is not known: options, service_types and plugins are");
                report(work, &Entry { key: key.clone(), value: value.clone() }, Fate::refused(text));
            }
        }
    }
}

fn report(work: &mut Work, entry: &Entry, fate: Fate) {
    work.report.add(entry.key.span, format!("{} => {}", entry.key.text, entry.value.shown()), fate);
}

fn option(work: &mut Work, entry: &Entry) -> Fate {
    let remark = entry.key.text.clone();
    let mut push = |key: &'static str, value: toml::Value| {
        work.draft.server.push(Line { key, value, remark: remark.clone() });
        Fate::honoured(format!("→ [server] {key}"))
    };
    let text = entry.value.text();
    match entry.key.text.as_str() {
        "listen" => match listeners(&entry.value) {
            (_, lost) if lost.is_empty() => Fate::honoured("→ [server] listen"),
            (_, lost) => Fate::refused(format!("→ [server] listen without {}", lost.join(", "))),
        },
        "dns_port" => Fate::honoured("→ [server] listen"),
        "zones_default_ttl" => Fate::honoured("→ $TTL of zones that have none"),
        "nsid_ascii" => push("nsid", text.into()),
        "nsid" => Fate::changed("no NSID is sent: write the name of this node to [server] nsid"),
        "chaos_response" => push("version", text.into()),
        "tcp_timeout" => push("tcp-idle", format!("{text}s").into()),
        "max_ttl" | "min_ttl" | "max_ncache_ttl" => Fate::changed("TTLs are as the zones have them"),
        "edns_client_subnet" => {
            Fate::changed("EDNS Client Subnet is not looked at: it is of the plugin geoip")
        }
        "acme_challenge_ttl" | "acme_challenge_dns_ttl" => {
            Fate::changed("challenges are records that are changed by updates: [[zone.update]]")
        }
        "disable_cookies" if text == "true" => Fate::changed("DNS cookies are answered"),
        "cookie_key_file" => Fate::changed("cookies have a secret of their own: [server] cookie-secret"),
        "zones_strict_data" => Fate::changed("faults of a zone are errors, and odd data warnings"),
        "tcp_control" => Fate::changed("`edgedns` talks to the running server over [admin] socket"),
        "experimental_no_chain" => Fate::changed("aliases in a zone are followed in the answer"),
        _ => Fate::no_effect(NO_EFFECT),
    }
}

/// What `listen` names, without a port where none is said; and what cannot be had of it.
fn listeners(value: &Value) -> (Vec<(std::net::IpAddr, Option<u16>)>, Vec<String>) {
    let mut addresses = Vec::new();
    let mut lost = Vec::new();
    let tables = value.entries().iter().map(|entry| (entry.key.text.clone(), Some(&entry.value)));
    let words = value.words().into_iter().map(|word| (word.text.clone(), None));
    for (text, options) in tables.chain(words) {
        if text == "any" {
            addresses.extend(address::everywhere(address::DNS_PORT).map(|it| (it.ip(), None)));
            continue;
        }
        if options.is_some_and(|options| options.get("tcp_proxy").is_some_and(|on| on.text() == "true")) {
            lost.push(format!("{text}, where the proxy protocol is spoken"));
            continue;
        }
        match (text.parse::<std::net::IpAddr>(), text.parse::<SocketAddr>()) {
            (Ok(ip), _) => addresses.push((ip, None)),
            (_, Ok(socket)) => addresses.push((socket.ip(), Some(socket.port()))),
            _ => lost.push(format!("`{text}`")),
        }
    }
    (addresses, lost)
}

fn listen(work: &mut Work, options: Option<&Value>) {
    let get = |key: &str| options.and_then(|options| options.get(key));
    let port = get("dns_port").and_then(|port| port.text().parse().ok()).unwrap_or(address::DNS_PORT);
    work.draft.listen = match get("listen") {
        None => address::everywhere(port).into(),
        Some(value) => {
            let named = listeners(value).0.into_iter();
            named.map(|(ip, own)| SocketAddr::new(ip, own.unwrap_or(port))).collect()
        }
    };
    work.draft.listen_remark = "listen of gdnsd".to_owned();
    if work.draft.listen.is_empty() {
        work.draft.listen = address::on_this_host(port).into();
        work.draft.listen_remark = "nothing else is left to listen on".to_owned();
    }
}

/// The zone files, sorted.
fn zone_files(work: &mut Work, folder: &Path) -> Vec<PathBuf> {
    match files_in(folder) {
        Ok(files) => files.into_iter().filter(|path| !file_name(path).starts_with('.')).collect(),
        Err(error) => {
            let message = format!("cannot read {}: {error}", folder.display());
            work.found.push(Diagnostic::placeless(Severity::Error, message));
            let text = "copy the folder beside the config file, and import again";
            work.report.add_besides("zones", Fate::refused(text));
            Vec::new()
        }
    }
}

/// Takes one zone.
fn zone(work: &mut Work, path: &Path, resources: &Resources<'_>, ttl: u32) {
    let name = file_name(path);
    let shown = format!("zone {name}");
    let (apex, file) = match (apex_of(&name), work.sources.read(path)) {
        (Some(apex), Ok(file)) => (apex, file),
        (None, _) => {
            work.report.add_besides(shown, Fate::refused("its file is not called like a zone"));
            return;
        }
        (_, Err(error)) => {
            work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
            work.report.add_besides(shown, Fate::refused("it cannot be read"));
            return;
        }
    };
    let bytes = work.sources.bytes(file);
    let begin = crate::source::Span::new(file, 0, 0);
    let word = super::word::Word { text: path.display().to_string(), span: begin };
    let all = pieces(file, &bytes, &apex, ttl);
    let text = String::from_utf8_lossy(&bytes);
    let is_plain = all.iter().all(|piece| matches!(piece, Piece::Text(_)))
        && !text.contains("@Z")
        && !text.contains("@F")
        && text.lines().any(|line| line.to_ascii_uppercase().starts_with("$TTL"));
    if is_plain {
        let fate = serve_file(work, &apex, &word, &word, None);
        work.report.add(begin, shown, fate);
        return;
    }
    let mut written = format!("; Made by `edgedns import` from {name}.\n$TTL {ttl}\n");
    let mut guards: Vec<(Guard, Vec<Name>)> = Vec::new();
    let mut is_whole = true;
    for piece in all {
        match piece {
            Piece::Text(text) => {
                if text.trim_start().to_ascii_uppercase().starts_with("$INCLUDE") {
                    is_whole = false;
                    let fate = Fate::refused(
                        "a file of a zone that is written anew: put its records into the zone file",
                    );
                    work.report.add(begin, format!("{shown}: {}", text.trim()), fate);
                    continue;
                }
                written.push_str(&text);
            }
            Piece::Dynamic(dynamic, usual) => {
                let fate = take(&dynamic, usual, resources, &mut written, &mut guards);
                is_whole &= fate.kind != FateKind::Refused;
                let setting = format!("{} {}", dynamic.owner, dynamic.word.text);
                work.report.add(dynamic.word.span, setting, fate);
            }
        }
    }
    let to = work.copies.make(&format!("{name}.zone"), written);
    let mut zone = Zone::new(apex, Source::File(to.clone()), work.whence(begin));
    for (guard, names) in guards {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let lines = std::iter::once(Line::new("names", list(&names))).chain(guard.lines);
        zone.guards.push(Guard { lines: lines.collect() });
    }
    work.draft.zones.push(zone);
    let text = format!("→ [[zone]], written anew as {to}");
    work.report.add(begin, shown, if is_whole { Fate::honoured(text) } else { Fate::changed(text) });
}

/// Writes the addresses of a record that a plugin answers, and what guards them.
fn take(
    dynamic: &Dynamic,
    usual: u32,
    resources: &Resources<'_>,
    written: &mut String,
    guards: &mut Vec<(Guard, Vec<Name>)>,
) -> Fate {
    let ttl = dynamic.ttl.unwrap_or(usual);
    // It begins at half of what is written (the manual of zone files, "DYNA/DYNC TTLs").
    let least = dynamic.ttl_min.unwrap_or(ttl / 2).clamp(1, ttl.max(1));
    let made = resources.resource(&dynamic.resource).and_then(|it| Ok((resources.guard(&it, least)?, it)));
    let (guard, resource): (Option<Guard>, Resource) = match made {
        Ok(made) => made,
        Err(why) => return Fate::refused(why),
    };
    for member in resource.groups.first().into_iter().flatten() {
        let rtype = if member.address.is_ipv4() { "A" } else { "AAAA" };
        written.push_str(&format!("{} {ttl} IN {rtype} {}\n", dynamic.owner, member.address));
    }
    let Some(guard) = guard else {
        return Fate::honoured("→ its addresses: nothing is tested");
    };
    let same = |known: &Guard| {
        let text =
            |guard: &Guard| guard.lines.iter().map(|line| (line.key, line.value.clone())).collect::<Vec<_>>();
        text(known) == text(&guard)
    };
    match guards.iter_mut().find(|(known, _)| same(known)) {
        Some((_, names)) => names.push(dynamic.owner.clone()),
        None => guards.push((guard, vec![dynamic.owner.clone()])),
    }
    match resource.differing.first() {
        None => Fate::honoured("→ its addresses, with [[zone.probe]]"),
        Some(what) => Fate::changed(format!("→ its addresses, with [[zone.probe]]; {what}")),
    }
}
