//! The zones of PowerDNS's BIND backend: which zones `bind.conf` serves from which files.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::super::address::{DNS_PORT, upstream};
use super::super::report::{Fate, FateKind};
use super::super::server_setting::ServerSettings;
use super::super::statement::{self, Missing, Parsed, Statement};
use super::super::work::Work;
use super::super::zone::{apex, copy_from, given_again, serve};
use crate::source::{Diagnostic, Severity};

/// Reads the file that `bind-config` names; what became of it. `path` is where `pdns.conf` is.
pub(super) fn read(work: &mut Work, settings: &ServerSettings, path: &Path) -> Fate {
    let Some(setting) = settings.get("bind-config").filter(|setting| !setting.is_empty()) else {
        let message = format!("{} has no `bind-config`: there are no zones to import", path.display());
        work.found.push(Diagnostic::placeless(Severity::Error, message));
        let fate = Fate::refused("there are no zones to import: name a bind.conf, and import again");
        if settings.get("bind-config").is_none() {
            work.report.add_besides("bind-config", fate.clone());
        }
        return fate;
    };
    let word = setting.text();
    let bind_conf = work.folders.find(&word, None, path, &mut work.found);
    let file = match work.sources.read(&bind_conf) {
        Ok(file) => file,
        Err(error) => {
            let fault = Diagnostic::error(word.span, error.to_string());
            let is_quoted = word.text.starts_with(['"', '\'']);
            let quotes = "PowerDNS takes quotes as a part of the path: write it without them".to_owned();
            work.found.push(fault.help(if is_quoted { quotes } else { work.folders.advice(&word.text) }));
            return Fate::refused("it cannot be read, so no zone is imported: copy it, and import again");
        }
    };
    let parsed = statement::read(&mut work.sources, file, &mut work.folders, &mut work.found);
    let statements = &parsed.statements;
    let directory = statement::directory(statements);
    for (place, statement) in statements.iter().enumerate() {
        match statement.keyword().as_str() {
            "zone" => zone(work, &parsed, statement, (&statements[place + 1..], directory.as_deref())),
            "options" => options(work, &parsed, statement),
            "include" => work.report.add(statement.span, statement.shown(), included(&parsed, statement)),
            _ => work.report.add(
                statement.span,
                statement.shown(),
                Fate::no_effect("the BIND backend reads only zones and their folder, too"),
            ),
        }
    }
    if parsed.faults > 0 {
        return Fate::refused(
            "it has faults, as drawn below: zones behind one may be missing; mend it, and import again",
        );
    }
    if statements.iter().any(|statement| statement.keyword() == "zone") {
        Fate::honoured("→ [[zone]], one for each of its zones")
    } else {
        Fate::honoured("nothing to do: it has no zones")
    }
}

fn included(parsed: &Parsed, include: &Statement) -> Fate {
    match parsed.missing(include) {
        None => Fate::honoured("its statements are read, too"),
        Some(Missing::Stock(what)) => Fate::no_effect(format!("not copied; it has {what}")),
        Some(Missing::Unknown) => {
            Fate::refused("it cannot be read: copy it beside the file that names it, and import again")
        }
    }
}

fn options(work: &mut Work, parsed: &Parsed, options: &Statement) {
    for option in options.block() {
        let fate = match option.keyword().as_str() {
            "directory" => Fate::honoured("zone files are looked for there"),
            "include" => included(parsed, option),
            _ => Fate::no_effect("the BIND backend ignores it, too"),
        };
        work.report.add(option.span, option.shown(), fate);
    }
}

/// Imports one zone, unless one of the `later` statements is of the same.
fn zone(
    work: &mut Work,
    parsed: &Parsed,
    statement: &Statement,
    (later, directory): (&[Statement], Option<&Path>),
) {
    let inside = statement.block();
    let get = |keyword: &str| inside.iter().find(|inner| inner.keyword() == keyword);
    let shown = format!("zone {}", statement.word(1).map_or("", |word| &word.text));
    let Some((name, word)) = apex(work, statement) else {
        work.report.add(statement.span, shown, Fate::refused("give it a name"));
        return;
    };
    if let Some(again) = given_again(&name, later) {
        let fault = Diagnostic::warning(word.span, format!("zone `{name}` is given twice"));
        work.found.push(fault.and_at(again, "this counts, as in PowerDNS"));
        work.report.add(statement.span, shown, Fate::no_effect("it is given again below, which counts"));
        return;
    }
    for inner in inside {
        let fate = match inner.keyword().as_str() {
            "type" | "file" => continue,
            "include" => included(parsed, inner),
            "masters" | "primaries" => Fate::no_effect("see its zone"),
            "also-notify" => Fate::changed("not carried over: write the servers in `notify` of [[zone]]"),
            _ => Fate::no_effect("the BIND backend ignores it, too"),
        };
        work.report.add(inner.span, format!("{shown}: {}", inner.shown()), fate);
    }
    let kind = get("type").and_then(|inner| inner.word(1));
    let fate = match kind.map(|word| word.text.to_ascii_lowercase()).as_deref() {
        None | Some("master" | "primary" | "native") => serve(work, &name, word, get("file"), directory),
        Some("slave" | "secondary") => match primaries(get("masters").or_else(|| get("primaries"))) {
            Ok(servers) => copy_from(work, &name, word, servers),
            Err(lost) => Fate::refused(format!(
                "{lost}: write a [[zone]] that names its servers in `primary`, if you want them"
            )),
        },
        Some("hint") => Fate::no_effect("the root servers are not asked"),
        Some(other) => Fate::refused(format!("PowerDNS does not serve zones of type `{other}`, either")),
    };
    if fate.kind == FateKind::Refused {
        work.missing.push(name);
    }
    work.report.add(statement.span, shown, fate);
}

/// The servers that a zone is copied from; or what is wrong with them.
fn primaries(list: Option<&Statement>) -> Result<Vec<String>, String> {
    let mut servers = Vec::new();
    let words: Vec<&str> =
        list.into_iter().flat_map(Statement::words).map(|word| word.text.as_str()).collect();
    let port = words.iter().position(|word| *word == "port").and_then(|at| words.get(at + 1));
    let usual =
        port.map_or(Ok(DNS_PORT), |port| port.parse()).map_err(|_| "its port is no number".to_owned())?;
    for server in list.map(Statement::block).unwrap_or_default() {
        // Behind an address nothing is known here.
        let place = server.word(0).filter(|_| server.words().next().is_none()).map(|word| word.text.as_str());
        let with_usual = |place: &str| place.parse::<IpAddr>().map(|ip| SocketAddr::from((ip, usual)));
        let read = place.and_then(|place| place.parse().or_else(|_| with_usual(place)).ok());
        let place: SocketAddr =
            read.ok_or_else(|| format!("`{}` is no address of a primary", server.shown()))?;
        servers.push(upstream(place));
    }
    if servers.is_empty() { Err("it names no primary".to_owned()) } else { Ok(servers) }
}
