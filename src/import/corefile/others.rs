//! Plugins that have zones from elsewhere, or ask others: `file`, `auto`, `secondary`, `transfer`, `etcd`, `forward`,
//! `cache`.

use std::net::SocketAddr;

use super::super::address::{self, DNS_PORT};
use super::super::draft::{Allowed, Forward, Line as Key, Source, Upstream, Zone, list};
use super::super::folders::file_name;
use super::super::report::{Fate, FateKind};
use super::super::word::Word;
use super::super::zone::{copy_from, serve_file};
use super::lines::Line;
use super::names::ELSEWHERE;
use super::reading::{Named, Reading};
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;

/// Where CoreDNS keeps names where no path is said.
const ETCD: &str = "http://127.0.0.1:2379";

/// How long CoreDNS keeps an answer where nothing is said.
const CACHE_TTL: &str = "3600";

/// `file DBFILE [ZONES…]`.
pub(super) fn file(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let Some((file, zones)) = line.arguments().split_first() else {
        return Fate::refused("it names no file");
    };
    let Named { asked, above } = reading.named(zones);
    let root = reading.root.clone();
    let mut fates: Vec<Fate> = above.iter().map(of_above).collect();
    for zone in asked {
        fates.push(serve_file(reading.work, &zone, file, file, root.as_deref()));
    }
    let mut fate = Fate::worst(fates, "it has no zone that its block is asked for");
    if fate.kind == FateKind::Honoured && line.block.iter().any(|inner| inner.text(0) == "fallthrough") {
        fate = Fate::changed(format!(
            "{}; names that it has not do not exist, and go to nobody else",
            fate.text
        ));
    }
    fate
}

/// What becomes of a zone of which a block is asked for a part alone.
fn of_above(zone: &Name) -> Fate {
    Fate::refused(format!(
        "its block is asked for a part of {zone} alone: write a zone of that part, with records of its own at its apex, or give \
         {zone} to the block"
    ))
}

/// `auto [ZONES…] { directory DIR [PATTERN ORIGIN] }`.
pub(super) fn auto(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let Some(folder) = line.block.iter().find(|inner| inner.text(0) == "directory") else {
        return Fate::refused("it names no folder");
    };
    if folder.words.len() > 2 {
        return Fate::refused("patterns of files are not known here: write a [[zone]] for each of them");
    }
    let Some(word) = folder.words.get(1) else { return Fate::refused("it names no folder") };
    let by = reading.work.sources.path(word.span.file).to_owned();
    let root = reading.root.clone();
    let path = reading.work.folders.find(word, root.as_deref(), by.as_ref(), &mut reading.work.found);
    let Some(files) = reading.work.folders.files_of(&path, word, &mut reading.work.found) else {
        return Fate::refused("its folder cannot be read: copy it, and import again");
    };
    let zones = reading.zones_or_own(line.arguments());
    let mut fates = Vec::new();
    for path in files {
        let name = file_name(&path);
        let Some(zone) = name.strip_prefix("db.") else { continue };
        let Ok(zone) = Name::parse(zone.as_bytes(), NameRef::ROOT) else { continue };
        let is_in = |one: &Name| zone.as_ref().is_at_or_below(one.as_ref());
        if !zones.iter().any(is_in) || !reading.is_asked(&zone) {
            continue;
        }
        let file = Word { text: path.display().to_string(), span: word.span };
        fates.push(serve_file(reading.work, &zone, word, &file, None));
    }
    match Fate::worst(fates, "there is no file `db.ZONE` in its folder") {
        fate if fate.kind == FateKind::Refused => fate,
        _ => Fate::changed("→ [[zone]]: the files that are there now; later ones are not seen"),
    }
}

/// The addresses of servers, and what is none.
fn servers(words: &[Word]) -> (Vec<String>, Vec<String>) {
    let mut servers = (Vec::new(), Vec::new());
    for word in words {
        match address::socket_address(word, DNS_PORT) {
            Ok(address) => servers.0.push(address::upstream(address)),
            Err(_) => servers.1.push(format!("`{}`", word.text)),
        }
    }
    servers
}

/// `secondary [ZONES…] { transfer from ADDRESS… }`.
pub(super) fn secondary(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let Named { asked: zones, above } = reading.named(line.arguments());
    if let Some(zone) = above.first() {
        return of_above(zone);
    }
    if zones.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    let from = line.block.iter().filter(|inner| inner.text(0) == "transfer" && inner.text(1) == "from");
    let words: Vec<Word> = from.flat_map(|inner| inner.words.iter().skip(2).cloned()).collect();
    let (primaries, lost) = servers(&words);
    if primaries.is_empty() {
        return Fate::refused("it names no primary by its address");
    }
    let span = line.span;
    for zone in &zones {
        let word = Word { text: zone.to_string(), span };
        copy_from(reading.work, zone, &word, primaries.clone());
    }
    match lost.as_slice() {
        [] => Fate::honoured(format!("→ [[zone]], primary {}", primaries.join(", "))),
        lost => Fate::changed(format!(
            "→ [[zone]], primary {}, without {}",
            primaries.join(", "),
            lost.join(", ")
        )),
    }
}

/// `transfer [ZONES…] { to ADDRESS… }`, or the same inside of another plugin.
pub(super) fn transfer(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let zones = reading.zones_or_own(line.arguments());
    if zones.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    let to = line.block.iter().filter(|inner| inner.text(0) == "to");
    let words: Vec<Word> = to.flat_map(|inner| inner.arguments().to_vec()).collect();
    let (named, open): (Vec<Word>, Vec<Word>) = words.into_iter().partition(|word| word.text != "*");
    let (all, mut lost) = servers(&named);
    let addresses: Vec<String> = all
        .iter()
        .filter_map(|text| text.parse::<SocketAddr>().map(|it| it.ip()).or_else(|_| text.parse()).ok())
        // Whom an `acl` shuts out has no transfer there, either.
        .filter(|ip| {
            let is_answered = reading.clients.is_everybody() || reading.clients.holds(*ip);
            lost.extend((!is_answered).then(|| format!("{ip}, which `acl` shuts out")));
            is_answered
        })
        .map(|ip| ip.to_string())
        .collect();
    for zone in reading.work.draft.zones.iter_mut().filter(|zone| zones.contains(&zone.name)) {
        let remark = || "transfer".to_owned();
        zone.transfer = Some(Allowed { networks: addresses.clone(), remark: remark() });
        zone.notify = Some(Allowed { networks: all.clone(), remark: remark() });
    }
    match (open.is_empty(), lost.as_slice()) {
        (false, _) => Fate::changed(
            "an open door, closed: write the servers that shall have the zone to `allow-transfer`",
        ),
        (true, []) => Fate::honoured("→ [[zone]] allow-transfer, notify"),
        (true, lost) => {
            Fate::refused(format!("→ [[zone]] allow-transfer, notify without {}", lost.join(", ")))
        }
    }
}

/// `etcd [ZONES…] { path PATH; endpoint URL…; credentials USER PASSWORD; tls CERT KEY CA; fallthrough }`.
pub(super) fn etcd(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let zones = reading.zones_or_own(line.arguments());
    if zones.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    let of = |word: &'static str| line.block.iter().filter(move |inner| inner.text(0) == word);
    let here = |word: &Word| {
        // The one name that every host knows.
        Word { text: word.text.replace("://localhost:", "://127.0.0.1:"), span: word.span }
    };
    let words: Vec<Word> = of("endpoint").flat_map(Line::arguments).map(here).collect();
    let usual = [Word { text: ETCD.to_owned(), span: line.span }];
    let words: &[Word] = if words.is_empty() { &usual } else { &words };
    let (endpoints, lost): (Vec<&Word>, Vec<&Word>) = words.iter().partition(|word| is_endpoint(&word.text));
    if endpoints.is_empty() {
        return Fate::refused("none of its endpoints is an address: names are not looked up at a start");
    }
    let mut keys = vec![Key::new(
        "endpoints",
        list(&endpoints.iter().map(|word| word.text.clone()).collect::<Vec<String>>()),
    )];
    if let Some(path) = of("path").next() {
        let text = path.text(1);
        keys.push(Key::new(
            "prefix",
            if text.starts_with('/') { text.to_owned() } else { format!("/{text}") },
        ));
    }
    // CoreDNS has no NS records of it: nobody delegates to such a zone.
    keys.push(Key::new("nameservers", list(&["localhost".to_owned()])));
    keys.push(Key::new("subtree", true));
    if let Some(tls) = of("tls").next() {
        let names: &[&'static str] = match tls.arguments().len() {
            1 => &["ca"],
            2 => &["cert", "key"],
            _ => &["cert", "key", "ca"],
        };
        keys.extend(names.iter().zip(tls.arguments()).map(|(key, word)| Key::new(key, word.text.clone())));
    }
    let remark = reading.work.whence(line.span);
    for zone in zones.iter().filter(|zone| !zone.as_ref().is_root()) {
        reading.work.draft.zones.push(Zone::new(zone.clone(), Source::Etcd(keys.clone()), remark.clone()));
    }
    if zones.iter().any(|zone| zone.as_ref().is_root()) {
        return Fate::refused(
            "it has all names: write the domains whose names are in etcd behind `etcd`, and import again",
        );
    }
    let secrets = of("credentials").next().is_some();
    match (lost.as_slice(), secrets) {
        ([], false) => {
            Fate::changed("→ [zone.etcd]; names that are not in etcd do not exist, and go to nobody else")
        }
        (_, true) => {
            Fate::refused("→ [zone.etcd], without its credentials: write `user` and `password-file`")
        }
        (lost, false) => {
            let lost: Vec<&str> = lost.iter().map(|word| word.text.as_str()).collect();
            Fate::changed(format!("→ [zone.etcd], without {}, which are no addresses", lost.join(", ")))
        }
    }
}

/// Whether an endpoint is one by address.
fn is_endpoint(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
    host.trim_end_matches('/').parse::<SocketAddr>().is_ok()
}

/// `forward FROM TO… { except NAME…; tls …; tls_servername NAME; policy WORD; … }`.
pub(super) fn forward(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let Some((from, to)) = line.arguments().split_first() else {
        return Fate::refused("it names no servers");
    };
    let Some(from) = reading.name(from) else {
        return Fate::refused("not a name: mend it, and import again");
    };
    let (mut lines, mut notes) = forward_keys(line);
    let (upstream, lost) = upstreams(reading, line, to);
    if let (Upstream::System, [file]) = (&upstream, to)
        && file.text != "/etc/resolv.conf"
    {
        lines.push(Key::new("resolv-conf", file.text.clone()));
    }
    if upstream == Upstream::Listed(Vec::new()) {
        return Fate::refused("no upstream is left: write a [[forward]] block with one");
    }
    let remark = reading.work.whence(line.span);
    for word in line.block.iter().filter(|inner| inner.text(0) == "except").flat_map(Line::arguments) {
        // What another block has it has in any case.
        if let Some(name) = reading.name(word).filter(|name| reading.is_asked(name)) {
            reading.made.answer_whole(name, &remark);
            notes.push("names below `except` that have no record here do not exist");
        }
    }
    let mut is_of_block = false;
    for zone in reading.zones.clone() {
        let is_below = |one: &Name, other: &Name| one.as_ref().is_at_or_below(other.as_ref());
        let zone = match (is_below(&from, &zone), is_below(&zone, &from)) {
            (true, _) => from.clone(),
            (false, true) => zone,
            (false, false) => continue,
        };
        if !reading.is_asked(&zone) {
            continue;
        }
        is_of_block = true;
        if reading.work.draft.forwards.iter().any(|known| known.zone == zone) {
            notes.push("of two for the same names the first counts");
            continue;
        }
        let (upstream, lines, remark) = (upstream.clone(), lines.clone(), remark.clone());
        reading.work.draft.forwards.push(Forward { zone, upstream, lines, remark });
    }
    if !is_of_block {
        return Fate::no_effect(ELSEWHERE);
    }
    let next = line.block.iter().any(|inner| inner.text(0) == "next");
    match (lost.as_slice(), notes.first()) {
        _ if next => {
            Fate::refused("→ [[forward]], without `next`: of two for the same names the first is asked")
        }
        ([], None) => Fate::honoured("→ [[forward]]"),
        ([], Some(note)) => Fate::changed(format!("→ [[forward]]; {note}")),
        (lost, _) => Fate::refused(format!("→ [[forward]] without {}", lost.join(", "))),
    }
}

/// The keys of a block that say how its upstreams are asked, and what is different.
fn forward_keys(line: &Line) -> (Vec<Key>, Vec<&'static str>) {
    const UNSEEN: &str = "upstreams are not shown a certificate";
    let inside = |word: &str| line.block.iter().find(|inner| inner.text(0) == word);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    match inside("policy").map(|inner| inner.text(1)) {
        Some("sequential") => lines.push(Key::new("policy", "in-order")),
        Some(_) => notes.push("the fastest upstream is asked first"),
        None => {}
    }
    match inside("tls").map(Line::arguments) {
        Some([ca]) => lines.push(Key::new("ca", ca.text.clone())),
        Some([_, _, ca]) => {
            lines.push(Key::new("ca", ca.text.clone()));
            notes.push(UNSEEN);
        }
        Some([_, _]) => notes.push(UNSEEN),
        Some(_) | None => {}
    }
    (lines, notes)
}

/// The servers of `forward`, and those of them that cannot be asked.
fn upstreams(reading: &mut Reading<'_>, line: &Line, to: &[Word]) -> (Upstream, Vec<String>) {
    if matches!(to, [file] if file.text.starts_with('/')) {
        return (Upstream::System, Vec::new());
    }
    let name = line.block.iter().find(|inner| inner.text(0) == "tls_servername");
    let name = name.map(|inner| inner.text(1));
    let (mut servers, mut lost) = (Vec::new(), Vec::new());
    for word in to {
        match upstream(word, name) {
            Ok(server) => servers.push(server),
            Err(fault) => {
                reading.work.found.push(fault);
                lost.push(format!("`{}`", word.text));
            }
        }
    }
    (Upstream::Listed(servers), lost)
}

/// `192.0.2.1`, `dns://192.0.2.1:5353`, `tls://192.0.2.1`.
fn upstream(word: &Word, name: Option<&str>) -> Result<String, Diagnostic> {
    let text = word.text.as_str();
    let (is_tls, rest) = match text.split_once("://") {
        Some(("dns", rest)) => (false, rest),
        Some(("tls", rest)) => (true, rest),
        Some((other, _)) => {
            let fault = Diagnostic::error(word.span, format!("a server that is asked over `{other}`"));
            return Err(
                fault.help("write it into [[forward]] upstream, as \"https://192.0.2.1#dns.example.com\"")
            );
        }
        None => (false, text),
    };
    let (rest, own) = rest.split_once('%').map_or((rest, None), |(rest, own)| (rest, Some(own)));
    let port = if is_tls { 853 } else { DNS_PORT };
    let address = address::socket_address(&word.part(rest), port)?;
    if !is_tls {
        return Ok(address::upstream(address));
    }
    let place = if address.port() == 853 && address.is_ipv4() {
        address.ip().to_string()
    } else {
        address.to_string()
    };
    Ok(match own.or(name) {
        Some(name) => format!("tls://{place}#{name}"),
        None => format!("tls://{place}"),
    })
}

/// `cache [TTL] [ZONES…] { success CAPACITY [TTL [MIN]]; denial …; prefetch …; serve_stale [TIME]; … }`.
pub(super) fn cache(reading: &mut Reading<'_>, line: &Line) -> Fate {
    if !reading.work.draft.cache.is_empty() {
        return Fate::changed("one cache is for all names: the first counts");
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let own = Some(line.text(1)).filter(|text| is_number(text)).unwrap_or(CACHE_TTL);
    let mut most = own.to_owned();
    let mut differing = line.words.len() > 1 + usize::from(is_number(line.text(1)));
    let mut lines = Vec::new();
    for inner in &line.block {
        match inner.text(0) {
            "success" => {
                lines.extend(inner.text(1).parse::<i64>().ok().map(|count| Key::new("entries", count)));
                if is_number(inner.text(2)) {
                    inner.text(2).clone_into(&mut most);
                }
                if is_number(inner.text(3)) {
                    lines.push(Key::new("ttl-min", format!("{}s", inner.text(3))));
                }
            }
            "denial" if is_number(inner.text(2)) => {
                lines.push(Key::new("negative-ttl-max", format!("{}s", inner.text(2))));
            }
            "prefetch" => {}
            "serve_stale" if inner.words.len() > 1 => lines.push(Key::new("serve-stale", inner.text(1))),
            "serve_stale" | "denial" => {}
            _ => differing = true,
        }
    }
    lines.push(Key::new("ttl-max", format!("{most}s")));
    let remark = |line: Key| Key { remark: "cache".to_owned(), ..line };
    reading.work.draft.cache = lines.into_iter().map(remark).collect();
    match differing {
        false => Fate::honoured("→ [cache]"),
        true => Fate::changed("→ [cache]: one for all names, with keys of its own"),
    }
}
