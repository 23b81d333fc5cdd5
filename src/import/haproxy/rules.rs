//! The fate of lines that are no servers and no checks, and what a backend inherits.

use super::super::report::Fate;
use super::super::work::Work;
use super::lines::{ConfigLine, Section};

const CONNECTIONS: &str = "it is of connections, which go to the servers directly";
const OWN: &str = "it is of HAProxy itself, which no connection goes through any more";
const REWRITTEN: &str =
    "connections go to the servers directly: nothing in them is changed, added or refused";

/// What changes what is in connections.
const REWRITES: &[&str] = &[
    "acl",
    "compression",
    "cookie",
    "errorfile",
    "errorfiles",
    "errorloc",
    "errorloc302",
    "errorloc303",
    "filter",
    "http-after-response",
    "http-error",
    "http-request",
    "http-response",
    "redirect",
    "stick",
    "stick-table",
    "tcp-request",
    "tcp-response",
];

/// The lines of `defaults` that count for a section: those it names, or the last ones above it.
pub(super) fn inherited<'s>(sections: &'s [Section], section: &Section) -> Vec<&'s ConfigLine> {
    let place = sections.iter().position(|other| std::ptr::eq(other, section)).unwrap_or(sections.len());
    let mut lines: Vec<Vec<&ConfigLine>> = Vec::new();
    let mut from = section.head.behind("from").map(|word| word.text.clone());
    let mut before = place;
    // `defaults` may be made from others above them.
    while before > 0 {
        let above = sections.get(..before).unwrap_or_default();
        let wanted = |other: &&Section| {
            other.kind() == "defaults" && from.as_ref().is_none_or(|name| other.name() == name)
        };
        let Some(found) = above.iter().rfind(wanted) else { break };
        lines.push(found.lines.iter().collect());
        before = sections.iter().position(|other| std::ptr::eq(other, found)).unwrap_or(0);
        match found.head.behind("from") {
            Some(name) => from = Some(name.text.clone()),
            None => break,
        }
    }
    lines.into_iter().rev().flatten().collect()
}

/// Says what becomes of the lines of a section that is no backend.
pub(super) fn report(work: &mut Work, section: &Section) {
    for line in &section.lines {
        let fate = match section.kind() {
            "defaults" => of_defaults(line),
            "frontend" => of_frontend(line),
            "resolvers" => {
                Fate::no_effect("names of servers are not looked up: --hosts FILE has their addresses")
            }
            _ => Fate::no_effect(OWN),
        };
        // Ports are judged with the backends that they lead to.
        if line.text(0) != "bind" {
            work.report.add(line.span, &line.shown, fate);
        }
    }
}

fn of_defaults(line: &ConfigLine) -> Fate {
    match (line.text(0), line.text(1)) {
        ("default-server" | "http-check" | "tcp-check" | "balance", _)
        | ("option", "httpchk" | "tcp-check" | "ssl-hello-chk" | "allbackups")
        | ("timeout", "check") => Fate::honoured("counts for the backends that inherit it"),
        _ => of_backend(line),
    }
}

fn of_frontend(line: &ConfigLine) -> Fate {
    match line.text(0) {
        "default_backend" => Fate::honoured("clients ask for the name of that backend"),
        "use_backend" if line.words.len() == 2 => Fate::honoured("clients ask for the name of that backend"),
        "use_backend" => Fate::refused(
            "what a connection asks for decides nothing here: give that backend a name of its own, which clients ask for",
        ),
        _ => of_backend(line),
    }
}

/// What becomes of a line that is neither a server nor a check.
pub(super) fn of_backend(line: &ConfigLine) -> Fate {
    match (line.text(0), line.text(1)) {
        ("balance", "roundrobin" | "static-rr") => Fate::honoured("addresses take turns"),
        ("balance", "source") => Fate::honoured("→ selector = \"hashed\": a client stays at a server"),
        ("balance", "first") => Fate::honoured("→ selector = \"first\""),
        ("balance", _) => Fate::changed("connections are not counted or looked into: addresses take turns"),
        ("timeout", "check") => Fate::honoured("→ timeout"),
        ("option", "allbackups") => Fate::honoured("→ backup: all of them at once"),
        ("use-server", _) => Fate::refused("what a connection asks for decides nothing here"),
        (first, _) if REWRITES.contains(&first) => Fate::changed(REWRITTEN),
        ("option", "forwardfor") => Fate::changed("servers see the addresses of clients themselves"),
        _ => Fate::no_effect(CONNECTIONS),
    }
}

/// The selector that `balance` means; none: all take turns.
pub(super) fn selector(lines: &[&ConfigLine]) -> Option<&'static str> {
    match lines.iter().rfind(|line| line.text(0) == "balance")?.text(1) {
        "source" => Some("hashed"),
        "first" => Some("first"),
        _ => None,
    }
}
