//! BIND: `named.conf` with primary zones.
//!
//! Responsible for the order of reading, and for its views and zones.
//! Not responsible for options or lists of clients: those are `options`,
//! `rules` and `clients`.

mod clients;
mod options;
mod rules;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address;
use super::draft::{Allow, Forward};
use super::report::{Fate, Kind};
use super::rule::{self, Then};
use super::statement::{self, Statement};
use super::zone::{apex, given_again, serve};
use super::{Unreadable, Work, file_at};
use crate::dns::Name;
use crate::source::{Diagnostic, Severity};

/// What the rules of `named.conf` work on.
struct Reading<'r> {
    work: &'r mut Work,
    /// `acl` statements by name.
    acls: BTreeMap<String, &'r [Statement]>,
    options: Vec<&'r Statement>,
    directory: Option<PathBuf>,
    /// What `listen-on` and `listen-on-v6` said; none where they were not given.
    listen: [Option<Vec<SocketAddr>>; 2],
}

/// Reads `named.conf`; what it was read from.
pub(super) fn read(work: &mut Work, from: &Path) -> Result<String, Unreadable> {
    let path = file_at(from, &["named.conf"]);
    let file = work.sources.read(&path).map_err(|error| {
        work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
        Unreadable
    })?;
    let statements = statement::read(&mut work.sources, file, &work.folders, &mut work.found);
    if work.found.errors() > 0 {
        return Err(Unreadable);
    }
    let acls = statements.iter().filter(|statement| statement.keyword() == "acl");
    let options = statements.iter().filter(|statement| statement.keyword() == "options");
    let mut reading = Reading {
        acls: acls.filter_map(|acl| Some((acl.word(1)?.text.clone(), acl.block()))).collect(),
        options: options.flat_map(Statement::block).collect(),
        directory: statement::directory(&statements),
        listen: [None, None],
        work,
    };
    for option in reading.options.clone() {
        let fate = reading.option(option);
        reading.work.report.tell(option.span, option.shown(), fate);
    }
    reading.statements(&statements);
    reading.tell_of_defaults();
    reading.finish();
    Ok(path.display().to_string())
}

impl<'r> Reading<'r> {
    /// An option by its name.
    fn get(&self, keyword: &str) -> Option<&'r Statement> {
        self.options.iter().rev().find(|option| option.keyword() == keyword).copied()
    }

    /// Whether an option says no.
    fn is_off(option: &Statement) -> bool {
        let word = option.word(1).map(|word| word.text.to_ascii_lowercase());
        matches!(word.as_deref(), Some("no" | "false" | "0" | "none"))
    }

    fn option(&mut self, option: &'r Statement) -> Fate {
        let keyword = option.keyword();
        match rule::find(rules::OPTIONS, &keyword) {
            Some(Then::Always(kind, text)) => rule::plain(kind, text),
            Some(Then::UnlessOff(..)) if Self::is_off(option) => rule::off(),
            Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
            Some(Then::Read(function)) => function(self, option),
            None => rule::unknown(rules::OPTIONS, &keyword, "BIND"),
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        let views = statements.iter().filter(|statement| statement.keyword() == "view").count();
        for (place, statement) in statements.iter().enumerate() {
            let later = &statements[place + 1..];
            let fate = match statement.keyword().as_str() {
                "options" => continue,
                "zone" => {
                    self.zone(statement, later);
                    continue;
                }
                "view" if views == 1 => {
                    self.view(statement);
                    Fate::changed("the only view: its zones are served to everybody")
                }
                "view" => {
                    let fault = Diagnostic::error(statement.span, "views are not taken over");
                    let help = "write each view's zones into a file of their own, import it into a folder of its own, and \
                                give each [[zone]] its clients with `when-client-in`";
                    self.work.found.push(fault.help(help));
                    Fate::refused("zones of several views: import each view from a file of its own")
                }
                keyword => match rule::find(rules::STATEMENTS, keyword) {
                    Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                    Some(Then::Read(function)) => function(self, statement),
                    None => rule::unknown(rules::STATEMENTS, keyword, "BIND"),
                },
            };
            self.work.report.tell(statement.span, statement.shown(), fate);
        }
    }

    /// The zones and options of a view.
    fn view(&mut self, view: &Statement) {
        let inside = view.block();
        for (place, inner) in inside.iter().enumerate() {
            if inner.keyword() == "zone" {
                self.zone(inner, &inside[place + 1..]);
            } else {
                let fate = Fate::refused("options of a view are not taken over: write them into `options`");
                self.work.report.tell(inner.span, format!("view: {}", inner.shown()), fate);
            }
        }
    }

    fn zone(&mut self, statement: &Statement, later: &[Statement]) {
        let shown = format!("zone {}", statement.word(1).map_or("", |word| &word.text));
        let Some((name, word)) = apex(self.work, statement) else {
            self.work.report.tell(statement.span, shown, Fate::refused("give it a name"));
            return;
        };
        if let Some(again) = given_again(&name, later) {
            let fault = Diagnostic::warning(word.span, format!("zone `{name}` is given twice"));
            self.work.found.push(fault.and_at(again, "this is taken over; BIND refuses to start"));
            self.work.report.tell(statement.span, shown, Fate::no_effect("it is given again below"));
            return;
        }
        let inside = statement.block();
        let get = |keyword: &str| inside.iter().find(|inner| inner.keyword() == keyword);
        let kind = get("type").and_then(|inner| inner.word(1)).map(|word| word.text.to_ascii_lowercase());
        let is_raw = |format: &&Statement| format.word(1).is_some_and(|word| word.text != "text");
        let raw = get("masterfile-format").or_else(|| self.get("masterfile-format")).filter(is_raw);
        let fate = match kind.as_deref() {
            Some("master" | "primary") if raw.is_some() => Fate::refused(
                "its file is not text: write one with `named-compilezone -f raw -F text`, and import again",
            ),
            Some("master" | "primary") => {
                let directory = self.directory.clone();
                serve(self.work, &name, word, get("file"), directory.as_deref())
            }
            Some("forward") => self.forward_zone(&name, get("forwarders"), statement),
            Some("hint" | "redirect") => Fate::no_effect("the root servers are not asked"),
            Some("slave" | "secondary" | "mirror") => Fate::refused(
                "there are no transfers: have its primary's file copied here, and make it a primary",
            ),
            Some("stub" | "static-stub") => Fate::refused(
                "write a [[forward]] block with its servers as upstream, if they answer resolvers",
            ),
            Some(other) => Fate::refused(format!("zones of type `{other}` are not known")),
            None => Fate::refused("it has no type: write `type primary;`"),
        };
        let is_primary = matches!(kind.as_deref(), Some("master" | "primary"));
        let is_served = is_primary && fate.kind == Kind::Honoured;
        self.work.report.tell(statement.span, &shown, fate);
        for inner in inside.iter().filter(|inner| !matches!(inner.keyword().as_str(), "type" | "file")) {
            let fate = self.zone_option(inner, is_served.then_some(&name));
            self.work.report.tell(inner.span, format!("{shown}: {}", inner.shown()), fate);
        }
    }

    /// What becomes of an option of a zone that is served.
    fn zone_option(&mut self, inner: &Statement, served: Option<&Name>) -> Fate {
        if served.is_none() {
            return Fate::no_effect("see its zone");
        }
        let keyword = inner.keyword();
        let rule = rule::find(rules::ZONE_OPTIONS, &keyword).or_else(|| rule::find(rules::OPTIONS, &keyword));
        match rule {
            Some(Then::Always(kind, text)) => rule::plain(kind, text),
            Some(Then::UnlessOff(..)) if Self::is_off(inner) => rule::off(),
            Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
            Some(Then::Read(function)) => function(self, inner),
            None => rule::unknown(rules::ZONE_OPTIONS, &keyword, "BIND"),
        }
    }

    fn forward_zone(&mut self, name: &Name, servers: Option<&Statement>, zone: &Statement) -> Fate {
        if !self.recurses() {
            return Fate::no_effect("`recursion no`: nothing is forwarded");
        }
        let Some(servers) = servers.filter(|servers| !servers.block().is_empty()) else {
            return Fate::refused(
                "it has no forwarders: below this name BIND asks the root servers, which we do not",
            );
        };
        let upstream = self.servers(servers);
        self.forward(name.clone(), upstream, zone)
    }

    /// Writes a `[[forward]]` block.
    fn forward(&mut self, zone: Name, upstream: Vec<String>, statement: &Statement) -> Fate {
        if upstream.is_empty() {
            return Fate::refused("nobody is left to ask: write a [[forward]] block with an upstream");
        }
        let place = self.work.sources.place(statement.span);
        let file = Path::new(&place.path).file_name().unwrap_or_default().to_string_lossy();
        let remark = format!("{file}:{}", place.line);
        let fate = Fate::honoured(format!("→ [[forward]] upstream {}", upstream.join(", ")));
        self.work.draft.forwards.push(Forward { zone, upstream, remark });
        fate
    }

    /// What holds although no line says so.
    fn tell_of_defaults(&mut self) {
        if self.get("allow-transfer").is_none() && !self.work.draft.zones.is_empty() {
            let text = "an open door, closed: everybody may transfer zones from BIND before 9.20; AXFR is REFUSED here";
            self.work.report.tell_besides("without `allow-transfer`", Fate::changed(text));
        }
        let has_root = self.work.draft.forwards.iter().any(|forward| forward.zone.as_ref().is_root());
        if self.recurses() && !has_root {
            let text =
                "the root servers are not asked: name a resolver as upstream of [[forward]] zone = \".\"";
            // Said in so many words, somebody relies on it; it is on by default, too.
            let fate = if self.get("recursion").is_some() || self.get("allow-recursion").is_some() {
                Fate::refused(text)
            } else {
                Fate::changed(text)
            };
            self.work.report.tell_besides("recursion", fate);
            self.work.draft.wants_upstream = Some("BIND");
        }
    }

    /// Whether it answers for others than its own zones.
    fn recurses(&self) -> bool {
        !self.get("recursion").is_some_and(Self::is_off)
    }

    /// Puts together what was said in several options.
    fn finish(&mut self) {
        let [v4, v6] = std::mem::take(&mut self.listen);
        let port = self.port();
        let [any_v4, any_v6] = address::everywhere(port);
        let listen = v4.unwrap_or_else(|| vec![any_v4]).into_iter().chain(v6.unwrap_or_else(|| vec![any_v6]));
        self.work.draft.listen = listen.collect();
        self.work.draft.listen_remark = "listen-on and listen-on-v6 of named.conf".to_owned();
        if matches!(self.work.draft.allow, Allow::Default) && !self.work.draft.forwards.is_empty() {
            let text = "this host and its networks may ask, as with BIND";
            self.work.report.tell_besides("[[forward]] without `allow`", Fate::honoured(text));
        }
    }
}
