//! BIND: `named.conf` with primary zones, views included.

mod reading;

mod clients;

mod options;

mod access;

mod transfers;

mod updates;

mod rules;

mod views;

use std::collections::BTreeMap;
use std::path::Path;

use super::address;
use super::draft::Forward;
use super::report::Fate;
use super::rule::{self, Then};
use super::statement::{self, Missing, Statement};
use super::word::Word;
use super::work::{Unreadable, Work, file_at};
use super::zone::{apex, copy_from, given_again, serve};
use crate::dns::Name;
use crate::source::{Diagnostic, Severity, Span};
use reading::{Forwards, OpenZone, Reading, Servers, ZoneContents};
use transfers::RemoteServers;

/// Reads `named.conf`; what it was read from.
pub(super) fn read(work: &mut Work, from: &Path) -> Result<String, Unreadable> {
    let path = file_at(from, &["named.conf"]);
    let file = work.sources.read(&path).map_err(|error| {
        work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
        let fate = Fate::refused("it cannot be read: nothing is written");
        work.report.add_besides(path.display().to_string(), fate);
        Unreadable
    })?;
    let parsed = statement::read(&mut work.sources, file, &mut work.folders, &mut work.found);
    if parsed.faults > 0 {
        // A missing word may have been the end of a list of clients that may ask.
        let text = "it cannot be understood, so it is unknown who may ask: nothing is written";
        work.report.add(Span::new(file, 0, 0), "named.conf", Fate::refused(text));
        return Err(Unreadable);
    }
    let statements = &parsed.statements;
    let named =
        |keyword: &'static str| statements.iter().filter(move |statement| statement.keyword() == keyword);
    let mut acls = BTreeMap::new();
    for acl in named("acl") {
        if let Some(name) = acl.word(1) {
            // Of two the first counts.
            acls.entry(name.text.to_ascii_lowercase()).or_insert(acl.block());
        }
    }
    let global: Vec<&Statement> = named("options").flat_map(Statement::block).collect();
    let views: Vec<&Statement> = named("view").collect();
    // Of several views, the one whose clients have names of others asked is read with the options of the server.
    let main = views.iter().find(|view| views::recurses(&global, view)).or(views.first());
    let view = main.map(|view| view.block());
    let mut reading = Reading {
        acls,
        options: views::options(&global, view),
        view,
        before: (views.len() > 1).then(Vec::new),
        forwards: Forwards::Here,
        directory: statement::directory(statements),
        listen: [None, None],
        parsed: &parsed,
        work,
        zone: None,
    };
    reading.judge_listeners();
    reading.set_before(&views);
    reading.judge_options();
    reading.statements(statements);
    if views.len() > 1 {
        reading.several(&global, &views);
    }
    reading.finish();
    reading.report_defaults();
    Ok(path.display().to_string())
}

impl<'r> Reading<'r> {
    /// An option by its name.
    fn get(&self, keyword: &str) -> Option<&'r Statement> {
        self.options.iter().rev().find(|option| option.keyword() == keyword).copied()
    }

    /// Whether an option is no, or an empty list.
    fn is_off(option: &Statement) -> bool {
        let is_none = |inner: &Statement| inner.parts.len() == 1 && inner.keyword() == "none";
        let word = option.word(1).map(|word| word.text.to_ascii_lowercase());
        match (word.as_deref(), option.list()) {
            (Some("no" | "false" | "0" | "none"), None) => true,
            (None, Some(list)) => list.iter().all(is_none),
            (_, _) => false,
        }
    }

    /// Says what becomes of the options that say where it listens: first, as lists of clients may mean the
    /// addresses of this host.
    fn judge_listeners(&mut self) {
        let is_listener = |option: &&'r Statement| option.keyword().starts_with("listen-on");
        let listeners: Vec<&'r Statement> = self.options.iter().copied().filter(is_listener).collect();
        self.judge(&listeners);
    }

    /// Says what becomes of every other option.
    fn judge_options(&mut self) {
        let is_listener = |option: &&'r Statement| option.keyword().starts_with("listen-on");
        let others: Vec<&'r Statement> = self.options.iter().copied().filter(|it| !is_listener(it)).collect();
        self.judge(&others);
    }

    /// Says what becomes of some options.
    fn judge(&mut self, options: &[&'r Statement]) {
        for option in options.iter().copied() {
            let fate = match self.get(&option.keyword()) {
                Some(counts)
                    if option.keyword() != "include"
                        && self.is_of_view(counts)
                        && !self.is_of_view(option) =>
                {
                    Fate::no_effect("the view says otherwise, which counts")
                }
                _ => self.option(option),
            };
            self.work.report.add(option.span, option.shown(), fate);
        }
    }

    fn is_of_view(&self, option: &Statement) -> bool {
        self.view.unwrap_or_default().iter().any(|inner| std::ptr::eq(inner, option))
    }

    /// The fate of an `include`: its statements follow it, if it could be read.
    fn include(&self, include: &Statement) -> Fate {
        match self.parsed.missing(include) {
            None => Fate::honoured("its statements are read, too"),
            Some(Missing::Stock(what)) => Fate::no_effect(format!("not copied; it has {what}")),
            Some(Missing::Unknown) => Fate::refused(
                "it cannot be read: copy it beside named.conf, and import again; what it may restrict is closed until then",
            ),
        }
    }

    fn option(&mut self, option: &'r Statement) -> Fate {
        let keyword = option.keyword();
        if keyword == "include" {
            return self.include(option);
        }
        if self.forwards == Forwards::Elsewhere
            && views::OF_OTHERS.contains(&keyword.as_str())
            && self.recurses()
        {
            return Fate::refused(views::ELSEWHERE);
        }
        match rule::find(rules::OPTIONS, &keyword) {
            Some(Then::Always(kind, text)) => rule::plain(kind, text),
            Some(Then::UnlessOff(..)) if Self::is_off(option) => rule::off(),
            Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
            Some(Then::Read(function) | Then::ReadEach(function)) => function(self, option),
            None => rule::unknown(rules::OPTIONS, &keyword, "BIND"),
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        let views = statements.iter().filter(|statement| statement.keyword() == "view").count();
        for (place, statement) in statements.iter().enumerate() {
            let later = &statements[place + 1..];
            let fate = match statement.keyword().as_str() {
                "options" => continue,
                "include" => self.include(statement),
                "zone" => {
                    self.zone(statement, later);
                    continue;
                }
                "view" if views == 1 => {
                    let inside = statement.block();
                    for (place, inner) in inside.iter().enumerate().filter(|(_, it)| it.keyword() == "zone") {
                        self.zone(inner, &inside[place + 1..]);
                    }
                    Fate::honoured("the only view: its zones and options are those of the server")
                }
                // They are read one after the other.
                "view" => continue,
                keyword => match rule::find(rules::STATEMENTS, keyword) {
                    Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                    Some(Then::Read(function) | Then::ReadEach(function)) => function(self, statement),
                    None => rule::unknown(rules::STATEMENTS, keyword, "BIND"),
                },
            };
            self.work.report.add(statement.span, statement.shown(), fate);
        }
    }

    fn zone(&mut self, statement: &Statement, later: &[Statement]) {
        let shown = format!("zone {}", statement.word(1).map_or("", |word| &word.text));
        let Some((name, word)) = apex(self.work, statement) else {
            self.work.report.add(statement.span, shown, Fate::refused("give it a name"));
            return;
        };
        if let Some(again) = given_again(&name, later) {
            let fault = Diagnostic::warning(word.span, format!("zone `{name}` is given twice"));
            self.work.found.push(fault.and_at(again, "this is taken over; BIND refuses to start"));
            self.work.report.add(statement.span, shown, Fate::no_effect("it is given again below"));
            return;
        }
        let inside = statement.block();
        let get = |keyword: &str| inside.iter().find(|inner| inner.keyword() == keyword);
        let kind = get("type").and_then(|inner| inner.word(1)).map(|word| word.text.to_ascii_lowercase());
        let is_raw = |format: &&Statement| format.word(1).is_some_and(|word| word.text != "text");
        let raw = get("masterfile-format").or_else(|| self.get("masterfile-format")).filter(is_raw);
        let served = self.work.draft.zones.len();
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
            Some("slave" | "secondary") => {
                self.secondary(&name, word, get("primaries").or_else(|| get("masters")))
            }
            Some("mirror") => Fate::refused(
                "it is validated where it is copied, which edgedns does not: write a [[zone]] that names its servers in \
                 `primary` if you want it without",
            ),
            Some("stub" | "static-stub") => Fate::refused(
                "write a [[forward]] block with its servers as upstream, if they answer resolvers",
            ),
            Some(other) => Fate::refused(format!("zones of type `{other}` are not known")),
            None => Fate::refused("it has no type: write `type primary;`"),
        };
        // Whatever the fate of its file: a client that may not ask is kept out.
        let is_served = self.work.draft.zones.len() > served;
        self.work.report.add(statement.span, &shown, fate);
        if is_served {
            let contents = match kind.as_deref() {
                Some("slave" | "secondary") => ZoneContents::Copied,
                _ => ZoneContents::File,
            };
            let open = OpenZone { name: name.clone(), shown: shown.clone(), contents };
            let updates = self.updates(&open, inside);
            self.zone = Some(open);
            let allow = self.allow_query(inside);
            let (transfer, notify) = (self.allow_transfer(inside), self.also_notify(inside));
            if let Some(zone) = self.work.draft.zones.last_mut() {
                (zone.allow, zone.transfer, zone.notify) = (allow, transfer, notify);
                zone.updates = updates;
            }
        }
        for inner in inside.iter().filter(|inner| !matches!(inner.keyword().as_str(), "type" | "file")) {
            let fate = self.zone_option(inner, is_served.then_some(&name));
            self.work.report.add(inner.span, format!("{shown}: {}", inner.shown()), fate);
        }
        self.zone = None;
    }

    /// What becomes of an option of a zone that is served.
    fn zone_option(&mut self, inner: &Statement, served: Option<&Name>) -> Fate {
        if served.is_none() {
            return Fate::no_effect("see its zone");
        }
        let keyword = inner.keyword();
        if keyword == "include" {
            return self.include(inner);
        }
        let rule = rule::find(rules::ZONE_OPTIONS, &keyword).or_else(|| rule::find(rules::OPTIONS, &keyword));
        match rule {
            Some(Then::Always(kind, text)) => rule::plain(kind, text),
            Some(Then::UnlessOff(..)) if Self::is_off(inner) => rule::off(),
            Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
            Some(Then::Read(function) | Then::ReadEach(function)) => function(self, inner),
            None => rule::unknown(rules::ZONE_OPTIONS, &keyword, "BIND"),
        }
    }

    fn secondary(&mut self, name: &Name, word: &Word, primaries: Option<&Statement>) -> Fate {
        let RemoteServers { servers, lost } =
            primaries.map(|list| self.remote_servers(list)).unwrap_or_default();
        match lost.as_slice() {
            _ if servers.is_empty() => Fate::refused(
                "none of its primaries is an address with a key that can be had here: write a [[zone]] that names its \
                 servers in `primary`",
            ),
            [] => copy_from(self.work, name, word, servers),
            lost => {
                let Fate { text, .. } = copy_from(self.work, name, word, servers);
                Fate::changed(format!("{text}, without {}", lost.join(", ")))
            }
        }
    }

    fn forward_zone(&mut self, name: &Name, servers: Option<&Statement>, zone: &Statement) -> Fate {
        if !self.recurses() {
            return Fate::no_effect("`recursion no`: nothing is forwarded");
        }
        if self.forwards == Forwards::Elsewhere {
            return Fate::refused(views::ELSEWHERE);
        }
        let Some(servers) = servers.filter(|servers| !servers.block().is_empty()) else {
            return Fate::refused(
                "it has no forwarders: below this name BIND asks the root servers, which we do not",
            );
        };
        let servers = self.servers(servers);
        self.forward(name.clone(), servers, zone)
    }

    /// Writes a `[[forward]]` block.
    fn forward(&mut self, zone: Name, servers: Servers, statement: &Statement) -> Fate {
        let Servers { upstream, lost } = servers;
        if upstream.is_empty() {
            return Fate::refused("no upstream is left: write a [[forward]] block with one");
        }
        let remark = self.work.whence(statement.span);
        let text = format!("→ [[forward]] upstream {}", upstream.join(", "));
        self.work.draft.forwards.push(Forward::to(zone, upstream, remark));
        match lost.as_slice() {
            [] => Fate::honoured(text),
            lost => Fate::refused(format!("{text}, without {}", lost.join(", "))),
        }
    }

    /// Reports what holds by default, without a line in the file.
    fn report_defaults(&mut self) {
        if self.get("allow-transfer").is_none() && !self.work.draft.zones.is_empty() {
            let text = "an open door, closed: everybody may transfer zones from BIND before 9.20; AXFR is REFUSED here";
            self.work.report.add_besides("without `allow-transfer`", Fate::changed(text));
        }
        let has_root = self.work.draft.forwards.iter().any(|forward| forward.zone.as_ref().is_root());
        if self.recurses() && !has_root {
            let text =
                "the root servers are not asked: name a resolver as upstream of [[forward]] zone = \".\"";
            // An explicit setting is relied on; it is on by default, too.
            let fate = if self.get("recursion").is_some() || self.get("allow-recursion").is_some() {
                Fate::refused(text)
            } else {
                Fate::changed(text)
            };
            self.work.report.add_besides("recursion", fate);
            self.work.draft.wants_upstream = Some("BIND");
        }
    }

    /// Whether it answers for others than its own zones.
    fn recurses(&self) -> bool {
        !self.get("recursion").is_some_and(Self::is_off)
    }

    /// Puts together what was said in several options.
    fn finish(&mut self) {
        let [v4, v6] = self.listen.clone();
        let port = self.port();
        let [any_v4, any_v6] = address::everywhere(port);
        let listen = v4.unwrap_or_else(|| vec![any_v4]).into_iter().chain(v6.unwrap_or_else(|| vec![any_v6]));
        self.work.draft.listen = listen.collect();
        self.work.draft.listen_remark = "listen-on and listen-on-v6 of named.conf".to_owned();
        if self.work.draft.listen.is_empty() {
            self.work.draft.listen = address::on_this_host(port).into();
            self.work.draft.listen_remark = "nothing else is left to listen on".to_owned();
        }
        self.set_allow();
    }
}
