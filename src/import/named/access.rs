//! `allow-query`, `allow-recursion` and their kin: they become lists of `[[zone]]` and `[[forward]]`.
//!
//! Decides which list counts where, and closes what cannot be decided. `clients` decides what a list means.

use std::net::SocketAddr;

use super::super::address;
use super::super::draft::{Allow, Allowed};
use super::super::networks::{Clients, List};
use super::super::open_door;
use super::super::report::{Fate, FateKind};
use super::super::rule;
use super::super::statement::Statement;
use super::reading::Reading;

/// Lists of the clients that may ask for forwarded names: the first that is given counts (BIND's manual,
/// "allow-recursion").
const RECURSION: [&str; 3] = ["allow-recursion", "allow-query-cache", "allow-query"];

/// Lists of the clients that get answers from the cache, likewise. Without them there is no recursion,
/// either.
const CACHE: [&str; 3] = ["allow-query-cache", "allow-recursion", "allow-query"];

/// Options that depend on the address at which a query arrives.
const ON_FOR_ZONES: [&str; 2] = ["allow-query-on", "match-destinations"];
const ON_FOR_OTHERS: [&str; 3] = ["allow-recursion-on", "allow-query-cache-on", "match-destinations"];

impl<'r> Reading<'r> {
    /// The clients that may ask a zone with these statements; none: all.
    pub(super) fn allow_query(&mut self, zone: &[Statement]) -> Option<Allowed> {
        let own = zone.iter().rfind(|inner| inner.keyword() == "allow-query");
        let closed = self.closes_zone(zone);
        let mut clients = match closed {
            Some(why) => Clients::nobody_but(why),
            None => self.answered(own),
        };
        if clients.is_everybody() {
            return None;
        }
        let remark = match (own, closed) {
            (_, Some(why)) => why,
            (Some(_), None) => "allow-query of the zone",
            (None, None) => "allow-query of named.conf",
        };
        Some(Allowed { networks: clients.written(), remark: remark.to_owned() })
    }

    /// The clients that may ask a zone with this list, or with none of its own.
    fn answered(&mut self, own: Option<&Statement>) -> Clients {
        let clients = match own.or_else(|| self.get("allow-query")) {
            Some(list) => self.clients(list),
            None => Clients::everybody(),
        };
        self.admitted(&clients)
    }

    /// Of these clients, those whom the server hears at all.
    pub(super) fn admitted(&mut self, clients: &Clients) -> Clients {
        let mut clients = clients.clone();
        // Of several views each zone says who sees it.
        if let Some(list) = self.get("match-clients").filter(|_| self.before.is_none()) {
            clients = clients.and(&self.clients(list));
        }
        if let Some(list) = self.get("blackhole") {
            let mut left = List::default();
            left.exclude(&self.clients(list), "blackhole");
            left.admit(&clients);
            clients = left.finish();
        }
        clients
    }

    /// Why no client may ask a zone with these statements.
    pub(super) fn closes_zone(&mut self, zone: &[Statement]) -> Option<&'static str> {
        if self.parsed.lacks_some_of(zone) {
            return Some("a missing file may say which clients are answered");
        }
        let own = zone.iter().rfind(|inner| inner.keyword() == "allow-query-on");
        if own.is_some_and(|own| !self.is_listened_within(own)) {
            return Some("allow-query-on");
        }
        self.closes(&ON_FOR_ZONES[usize::from(own.is_some())..])
    }

    /// Why no client is answered, by options that depend on where a query arrives, or are not known.
    fn closes(&mut self, options: &[&'static str]) -> Option<&'static str> {
        if self.lacks_options() {
            return Some("a missing file may say which clients are answered");
        }
        if self.get("match-recursive-only").is_some_and(|option| !Self::is_off(option)) {
            return Some("match-recursive-only");
        }
        let given = options.iter().filter_map(|name| Some((*name, self.get(name)?)));
        let given: Vec<(&'static str, &'r Statement)> = given.collect();
        given.into_iter().find(|(_, list)| !self.is_listened_within(list)).map(|(name, _)| name)
    }

    /// Whether some options of the server may be in a file that could not be read. BIND takes but one
    /// `options`: where that was read, only what it includes itself can be missing.
    fn lacks_options(&self) -> bool {
        let statements = &self.parsed.statements;
        let mut options = statements.iter().filter(|statement| statement.keyword() == "options").peekable();
        let lacks = |inside: &[Statement]| self.parsed.lacks_some_of(inside);
        let has_none = options.peek().is_none();
        lacks(self.view.unwrap_or_default())
            || options.any(|options| lacks(options.block()))
            || (has_none && lacks(statements))
    }

    /// Whether everything that is listened on is in this list, so that all queries arrive there.
    fn is_listened_within(&mut self, list: &Statement) -> bool {
        let clients = self.clients(list);
        let any = address::everywhere(address::DNS_PORT).map(|address| vec![address]);
        let listen: Vec<SocketAddr> = self
            .listen
            .iter()
            .zip(&any)
            .flat_map(|(given, any)| given.as_ref().unwrap_or(any))
            .copied()
            .collect();
        clients.is_everybody() || listen.iter().all(|it| !it.ip().is_unspecified() && clients.holds(it.ip()))
    }

    /// The clients that may ask for forwarded names.
    fn recursing(&mut self) -> Clients {
        if let Some(why) = self.closes(&ON_FOR_OTHERS) {
            return Clients::nobody_but(why);
        }
        let first = |names: [&str; 3]| names.into_iter().find_map(|name| self.get(name));
        let clients = match (first(RECURSION), first(CACHE)) {
            (Some(recursion), Some(cache)) if std::ptr::eq(recursion, cache) => self.clients(recursion),
            (Some(recursion), Some(cache)) => {
                let asking = self.clients(recursion);
                asking.and(&self.clients(cache))
            }
            (_, _) => Clients::local(),
        };
        let clients = self.admitted(&clients);
        self.of_view(&clients)
    }

    /// Of these clients those of the view that is read, if it is one of several.
    fn of_view(&mut self, clients: &Clients) -> Clients {
        let Some(before) = self.before.clone() else { return clients.clone() };
        let own = match self.get("match-clients") {
            Some(list) => self.clients(list),
            None => Clients::everybody(),
        };
        let mut list = List::default();
        before.iter().for_each(|before| list.exclude(&before.clients, "a view in front of it"));
        list.admit(&clients.and(&own));
        list.finish()
    }

    /// Writes the clients that may ask for forwarded names.
    pub(super) fn set_allow(&mut self) {
        if !self.recurses() {
            return;
        }
        let given = RECURSION.into_iter().find(|name| self.get(name).is_some());
        let remark = format!("{} of named.conf", given.unwrap_or("the usual list"));
        let mut clients = self.recursing();
        self.work.draft.allow = match (clients.world().is_some(), clients.excepts()) {
            (true, false) => Allow::ClosedWorld(remark),
            (true, true) => Allow::These(Allowed { networks: clients.on_this_host().written(), remark }),
            (false, false) if given.is_none() && clients.lost().is_empty() => Allow::Default,
            (false, _) => Allow::These(Allowed { networks: clients.written(), remark }),
        };
        if matches!(self.work.draft.allow, Allow::Default) && !self.work.draft.forwards.is_empty() {
            let text = "this host and its networks may ask, as with BIND";
            self.work.report.add_besides("[[forward]] without `allow`", Fate::honoured(text));
        }
        if given.is_none() && !clients.lost().is_empty() && !self.work.draft.forwards.is_empty() {
            let fate = without("→ [[forward]] allow", clients.lost());
            self.work.report.add_besides("recursion for this host and its networks", fate);
        }
    }

    /// The fate of the lists of clients that may ask for forwarded names.
    fn recursion_fate(&mut self) -> Fate {
        let mut clients = self.recursing();
        if let Some(word) = clients.world() {
            self.work.found.push(open_door::fault(word));
            return if clients.excepts() {
                Fate::refused(open_door::CLOSED_BUT_SOME)
            } else {
                Fate::changed("an open door, closed: this host and its networks, without [[forward]] allow")
            };
        }
        clients.written();
        match clients.lost() {
            [] if clients.is_nobody() => {
                Fate::honoured("no client may ask for forwarded names: [[forward]] allow is empty")
            }
            [] if self.has_two_lists() => Fate::changed(
                "→ [[forward]] allow: those in both lists; no client is answered from the cache alone",
            ),
            [] => Fate::honoured("→ [[forward]] allow"),
            lost => without("→ [[forward]] allow", lost),
        }
    }

    /// Whether recursion and the cache have lists of their own.
    fn has_two_lists(&self) -> bool {
        self.get("allow-recursion").is_some() && self.get("allow-query-cache").is_some()
    }

    /// The fate of a list of clients that may ask zones.
    fn zone_fate(&mut self, list: &Statement) -> Fate {
        let mut clients = self.answered(Some(list));
        if clients.is_everybody() {
            return Fate::honoured("names of our zones are answered to everybody");
        }
        clients.written();
        match clients.lost() {
            [] if clients.is_nobody() => Fate::honoured("→ [[zone]] allow-query: no client is answered"),
            [] => Fate::honoured("→ [[zone]] allow-query"),
            lost => without("→ [[zone]] allow-query", lost),
        }
    }
}

/// A list that became a key, but for some who are refused now.
fn without(key: &str, lost: &[String]) -> Fate {
    Fate::refused(format!(
        "{key} without {}: they are REFUSED; write the networks that may ask",
        lost.join(", ")
    ))
}

pub(super) fn allow_recursion(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if !reading.recurses() {
        return Fate::no_effect("`recursion no`: nothing is forwarded");
    }
    let counts = |names: [&'static str; 3]| names.into_iter().find(|name| reading.get(name).is_some());
    match [counts(RECURSION), counts(CACHE)].contains(&Some(option.keyword().as_str())) {
        true => reading.recursion_fate(),
        false => Fate::no_effect("another list counts for names of others: see `allow-recursion`"),
    }
}

pub(super) fn allow_query(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let zones = reading.zone_fate(option);
    let is_for_others =
        !["allow-recursion", "allow-query-cache"].iter().any(|name| reading.get(name).is_some());
    if !reading.recurses() || !is_for_others {
        return zones;
    }
    // It decides who may ask for forwarded names, too, as no other list does.
    let others = reading.recursion_fate();
    let kind = zones.kind.max(others.kind);
    match (zones.kind, others.kind) {
        (FateKind::Honoured, FateKind::Honoured) => {
            Fate::honoured(format!("{}; {}", zones.text, others.text))
        }
        _ => Fate::new(kind, format!("{}; {}", zones.text, others.text)),
    }
}

pub(super) fn zone_allow_query(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    reading.zone_fate(option)
}

pub(super) fn blackhole(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if Reading::is_off(option) {
        return rule::off();
    }
    let mut lost = reading.answered(None).lost().to_vec();
    if reading.recurses() {
        lost.extend(reading.recursing().lost().iter().cloned());
    }
    lost.sort_unstable();
    lost.dedup();
    match lost.as_slice() {
        [] => Fate::changed(
            "taken out of [[zone]] allow-query and [[forward]] allow: they are REFUSED, and not left without an answer",
        ),
        lost => without("→ taken out of [[zone]] allow-query and [[forward]] allow", lost),
    }
}

pub(super) fn match_clients(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let mut clients = reading.clients(option);
    let several = reading.before.is_some();
    if clients.is_everybody() {
        return Fate::honoured(match several {
            true => "all who are in no view in front of it see its zones",
            false => "everybody sees the zones of the only view",
        });
    }
    clients.written();
    match clients.lost() {
        [] if several => Fate::honoured("→ [[zone]] when-client-in"),
        lost if several => without("→ [[zone]] when-client-in", lost),
        [] => Fate::honoured("→ [[zone]] allow-query and [[forward]] allow: the view is the only one"),
        lost => without("→ [[zone]] allow-query and [[forward]] allow", lost),
    }
}

/// A list of addresses at which queries may arrive.
pub(super) fn on_address(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if reading.is_listened_within(option) {
        return Fate::honoured("all that is listened on is in it");
    }
    Fate::refused(
        "at which address a query arrives is not looked at: nobody is answered what it restricts; write [[zone]] \
         allow-query or [[forward]] allow",
    )
}

pub(super) fn match_recursive_only(_: &mut Reading<'_>, option: &Statement) -> Fate {
    if Reading::is_off(option) {
        return rule::off();
    }
    Fate::refused(
        "the RD bit of a query cannot decide here: no client is answered; write [[zone]] allow-query",
    )
}
