//! The zones of PowerDNS's BIND backend.
//!
//! Responsible for `bind.conf`: which zones are served from which files.
//! Not responsible for its grammar, or for what is in a zone file.

use std::path::Path;

use super::super::given::Settings;
use super::super::report::Fate;
use super::super::statement::{self, Statement};
use super::super::zone::{apex, given_again, serve};
use super::super::{Unreadable, Work};
use crate::source::{Diagnostic, Severity};

/// Reads the file that `bind-config` names. `path` is where `pdns.conf` is.
pub(super) fn read(work: &mut Work, settings: &Settings, path: &Path) -> Result<(), Unreadable> {
    let Some(given) = settings.get("bind-config").filter(|given| !given.is_empty()) else {
        let message = format!("{} has no `bind-config`: there are no zones to import", path.display());
        work.found.push(Diagnostic::placeless(Severity::Error, message));
        return Err(Unreadable);
    };
    let word = given.text();
    let errors = work.found.errors();
    let bind_conf = work.folders.find(&word.text, None, path);
    let file = work.sources.read(&bind_conf).map_err(|error| {
        work.found.push(Diagnostic::error(word.span, error.to_string()));
        Unreadable
    })?;
    let statements = statement::read(&mut work.sources, file, &work.folders, &mut work.found);
    if work.found.errors() > errors {
        return Err(Unreadable);
    }
    let directory = statement::directory(&statements);
    for (place, statement) in statements.iter().enumerate() {
        match statement.keyword().as_str() {
            "zone" => zone(work, statement, &statements[place + 1..], directory.as_deref()),
            "options" => options(work, statement),
            "include" => work.report.tell(statement.span, statement.shown(), included()),
            _ => work.report.tell(
                statement.span,
                statement.shown(),
                Fate::no_effect("the BIND backend reads only zones and their folder, too"),
            ),
        }
    }
    Ok(())
}

fn included() -> Fate {
    Fate::honoured("its statements are read, too")
}

fn options(work: &mut Work, options: &Statement) {
    for option in options.block() {
        let fate = match option.keyword().as_str() {
            "directory" => Fate::honoured("zone files are looked for there"),
            "include" => included(),
            _ => Fate::no_effect("the BIND backend ignores it, too"),
        };
        work.report.tell(option.span, option.shown(), fate);
    }
}

/// Imports one zone, unless one of the `later` statements is of the same.
fn zone(work: &mut Work, statement: &Statement, later: &[Statement], directory: Option<&Path>) {
    let inside = statement.block();
    let get = |keyword: &str| inside.iter().find(|inner| inner.keyword() == keyword);
    let shown = format!("zone {}", statement.word(1).map_or("", |word| &word.text));
    let Some((name, word)) = apex(work, statement) else {
        work.report.tell(statement.span, shown, Fate::refused("give it a name"));
        return;
    };
    if let Some(again) = given_again(&name, later) {
        let fault = Diagnostic::warning(word.span, format!("zone `{name}` is given twice"));
        work.found.push(fault.and_at(again, "this counts, as in PowerDNS"));
        work.report.tell(statement.span, shown, Fate::no_effect("it is given again below, which counts"));
        return;
    }
    for inner in inside {
        let fate = match inner.keyword().as_str() {
            "type" | "file" => continue,
            "include" => included(),
            _ => {
                Fate::no_effect("the BIND backend ignores it, or it is of transfers, which there are none of")
            }
        };
        work.report.tell(inner.span, format!("{shown}: {}", inner.shown()), fate);
    }
    let kind = get("type").and_then(|inner| inner.word(1));
    let fate = match kind.map(|word| word.text.to_ascii_lowercase()).as_deref() {
        None | Some("master" | "primary" | "native") => serve(work, &name, word, get("file"), directory),
        Some("slave" | "secondary") => Fate::refused(
            "there are no transfers: have its primary's file copied here, and make it a primary in bind.conf",
        ),
        Some("hint") => Fate::no_effect("the root servers are not asked"),
        Some(other) => Fate::refused(format!("PowerDNS does not serve zones of type `{other}`, either")),
    };
    work.report.tell(statement.span, shown, fate);
}
