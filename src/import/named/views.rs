//! Several views: each zone of each is a `[[zone]]` with the clients that see it.
//!
//! In BIND the first view that holds a client is all that the client sees. Here the first `[[zone]]` of a name
//! that holds it answers, so that clients of a view in front are taken out of a zone which that view has not.

use std::collections::BTreeSet;

use super::super::draft::Allowed;
use super::super::networks::{Clients, List};
use super::super::report::Fate;
use super::super::statement::Statement;
use super::reading::{Before, Forwards, Reading};
use crate::dns::Name;

/// Options about names of others.
pub(super) const OF_OTHERS: &[&str] =
    &["allow-query-cache", "allow-recursion", "forward", "forwarders", "recursion"];

/// What becomes of them in a further view.
pub(super) const ELSEWHERE: &str = "names of others are asked for the clients of one view, and another has them: let these \
                                    clients ask a server of their own, or write them to [[forward]] allow";

/// The options that count for a view, those of the server in front.
pub(super) fn options<'s>(global: &[&'s Statement], view: Option<&'s [Statement]>) -> Vec<&'s Statement> {
    let own = view.unwrap_or_default().iter().filter(|statement| statement.keyword() != "zone");
    global.iter().copied().chain(own).collect()
}

/// Whether names of others are asked for the clients of a view.
pub(super) fn recurses(global: &[&Statement], view: &Statement) -> bool {
    let all = options(global, Some(view.block()));
    !all.iter().rfind(|option| option.keyword() == "recursion").is_some_and(|option| Reading::is_off(option))
}

fn name_of(view: &Statement) -> String {
    view.word(1).map_or_else(String::new, |word| word.text.clone())
}

impl<'r> Reading<'r> {
    /// The clients of a view, whoever is in front of it.
    fn matched(&mut self, view: &'r Statement) -> Clients {
        let list = view.block().iter().rfind(|option| option.keyword() == "match-clients");
        match list {
            Some(list) => self.clients(list),
            None => Clients::everybody(),
        }
    }

    /// Notes the views in front of the one that is read; what zones they have is not known yet.
    pub(super) fn set_before(&mut self, views: &[&'r Statement]) {
        if self.before.is_none() {
            return;
        }
        let mut before = Vec::new();
        for view in views {
            if self.view.is_some_and(|read| std::ptr::eq(read, view.block())) {
                break;
            }
            before.push(Before { clients: self.matched(view), zones: BTreeSet::new() });
        }
        self.before = Some(before);
    }

    /// Takes the zones of all views over.
    pub(super) fn several(&mut self, global: &[&'r Statement], views: &[&'r Statement]) {
        let (main, main_before) = (self.view, self.before.clone());
        let mut before: Vec<Before> = Vec::new();
        for view in views {
            let inside = view.block();
            let is_main = main.is_some_and(|main| std::ptr::eq(main, inside));
            self.view = Some(inside);
            self.options = options(global, Some(inside));
            self.before = Some(before.clone());
            self.forwards = if is_main { Forwards::Here } else { Forwards::Elsewhere };
            if !is_main {
                let own = options(&[], Some(inside));
                self.judge(&own);
            }
            let clients = self.matched(view);
            let fate = if before.iter().any(|before| before.clients.is_everybody()) {
                Fate::no_effect("a view in front of it holds everybody: no client sees it")
            } else {
                let zones = self.zones_of(view, &clients);
                before.push(Before { clients, zones });
                match self.recurses() && !is_main {
                    true => Fate::changed(format!("its zones are those with this `view`; {ELSEWHERE}")),
                    false => Fate::honoured("→ [[zone]] view, when-client-in"),
                }
            };
            self.work.report.add(view.span, view.shown(), fate);
        }
        self.view = main;
        self.options = options(global, main);
        self.before = main_before;
        self.forwards = Forwards::Here;
    }

    /// Takes the zones of one view over, and says who sees them. The names of those which all clients of the view
    /// see: whoever is lost of the others shall not see what a view behind it has.
    fn zones_of(&mut self, view: &'r Statement, clients: &Clients) -> BTreeSet<Name> {
        let first = self.work.draft.zones.len();
        let inside = view.block();
        for (place, inner) in inside.iter().enumerate().filter(|(_, it)| it.keyword() == "zone") {
            self.zone(inner, inside.get(place + 1..).unwrap_or_default());
        }
        let before = self.before.clone().unwrap_or_default();
        let remark = format!("match-clients of view {}", name_of(view));
        let mut lost: Vec<String> = Vec::new();
        let mut names = BTreeSet::new();
        for zone in self.work.draft.zones.iter_mut().skip(first) {
            let mut list = List::default();
            for before in &before {
                // Where the other view has the zone as well, its clients see that. Of those that are not known
                // for certain nobody sees this, either.
                if !before.zones.contains(&zone.name) || !before.clients.lost().is_empty() {
                    list.exclude(&before.clients, "a view in front of it");
                }
            }
            list.admit(clients);
            let mut seen = list.finish();
            if !seen.is_everybody() {
                zone.seen_by = Some(Allowed { networks: seen.written(), remark: remark.clone() });
            }
            if seen.lost().is_empty() {
                names.insert(zone.name.clone());
            }
            lost.extend(seen.lost().iter().filter(|it| !clients.lost().contains(it)).cloned());
            zone.view = Some(name_of(view));
        }
        lost.sort_unstable();
        lost.dedup();
        if !lost.is_empty() {
            let text = format!("→ when-client-in without {}: they see none of these zones", lost.join(", "));
            self.work.report.add(view.span, format!("{}: match-clients", view.shown()), Fate::refused(text));
        }
        names
    }
}
