//! Who is answered by a server block: `acl`, and what shuts clients out in a way that cannot be had here.
//!
//! CoreDNS answers a name by the block whose zone is the longest that holds it, and there the first rule of an
//! `acl` that a query fits decides. Who fits none is answered. Here a list of clients counts for a whole zone and
//! for all types, so that a rule of less than that takes clients out and lets nobody in.

use super::super::draft::{Allow, Allowed};
use super::super::networks::{Block, Clients, List};
use super::super::open_door;
use super::super::report::Fate;
use super::super::word::Word;
use super::super::work::Work;
use super::lines::{Line, ServerBlock};
use super::transport::Transport;
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;

/// Networks with fewer leading bits are a part of the world, not one of somebody's.
const WORLD_LENGTH: u32 = 8;

/// What becomes of an `acl` that is carried over.
const CARRIED: &str = "→ [[zone]] allow-query, [[forward]] allow";

/// A line that shuts clients out, and what to do about it.
pub(super) struct Restriction<'b> {
    pub(super) line: &'b Line,
    pub(super) remedy: &'static str,
}

impl Restriction<'_> {
    /// Whether a certificate is demanded. A listener has the settings of one of its blocks, and demands it whatever the
    /// name is.
    pub(super) fn is_of_listener(&self) -> bool {
        self.line.text(0) == "tls"
    }
}

/// All that shuts clients out of a block by something else than their addresses.
pub(super) fn restrictions<'b>(block: &'b ServerBlock, transports: &[Transport]) -> Vec<Restriction<'b>> {
    let is_encrypted = transports.iter().any(|transport| *transport != Transport::Dns);
    let restriction = |line: &'b Line| {
        let remedy = match line.text(0) {
            "view" => "write `when-client-in` of [[zone]] for the clients of its `expr`",
            // A plugin of others that is asked for much the same.
            "firewall" => "write `allow-query` of [[zone]] for those whom it lets in",
            "tsig" if requires_key(line) => {
                "queries with a key are told apart by `allow-transfer` and [[zone.update]] alone: write who may ask to \
                 `allow-query` of [[zone]]"
            }
            "tls" if is_encrypted && requires_certificate(line) => {
                "clients are asked for no certificate: write who may ask to `allow-query` of [[zone]]"
            }
            _ => return None,
        };
        Some(Restriction { line, remedy })
    };
    block.lines.iter().filter_map(restriction).collect()
}

/// `require TYPE…`: without it, and with `none`, no query needs a key.
fn requires_key(tsig: &Line) -> bool {
    let required = tsig.block.iter().filter(|inner| inner.text(0) == "require");
    required.into_iter().any(|inner| inner.text(1) != "none")
}

/// `client_auth KIND`: those that do not turn away whoever shows none.
fn requires_certificate(tls: &Line) -> bool {
    let kinds = tls.block.iter().filter(|inner| inner.text(0) == "client_auth");
    kinds.into_iter().any(|inner| !matches!(inner.text(1), "nocert" | "request" | "verify_if_given"))
}

/// The clients that a block answers, by its `acl`s; each is reported.
pub(super) fn clients(work: &mut Work, block: &ServerBlock, zones: &[Name]) -> Clients {
    let mut rules = List::default();
    for line in block.lines.iter().filter(|line| line.text(0) == "acl") {
        let covers_all = covers(line, zones);
        let mut fate = Fate::honoured(CARRIED);
        let mut worsen = |other: Fate| {
            if other.kind > fate.kind {
                fate = other;
            }
        };
        if !covers_all {
            worsen(Fate::refused(
                "it is not of all names of the block: who may not ask for some of them is answered none; give its zones a block \
                 of their own, and import again",
            ));
        }
        for rule in &line.block {
            let AclRule { named, has_types, is_understood } = read_rule(work, rule);
            if !is_understood {
                worsen(Fate::refused(
                    "a rule in it cannot be read, as drawn below: who may be meant is not answered",
                ));
            }
            match rule.text(0).to_ascii_lowercase().as_str() {
                "allow" if has_types => worsen(Fate::refused(
                    "types decide nothing here: who may ask for some alone is not answered",
                )),
                "allow" if covers_all => rules.admit(&named),
                "allow" => {}
                action @ ("block" | "filter" | "drop") => {
                    rules.exclude(&named, &rule.shown());
                    if has_types {
                        worsen(Fate::refused(
                            "types decide nothing here: who may not ask for some is not answered",
                        ));
                    } else if action != "block" {
                        worsen(Fate::changed(format!("{CARRIED}: they are REFUSED")));
                    }
                }
                _ => {
                    rules.exclude(&Clients::everybody(), &rule.shown());
                    worsen(Fate::refused(
                        "allow, block, filter and drop are known: until it is mended nobody is answered",
                    ));
                }
            }
        }
        work.report.add(line.span, line.shown(), fate);
    }
    rules.admit(&Clients::everybody());
    rules.finish()
}

/// Whether an `acl` is of all names of its block: `acl [ZONES…]`, without any it is.
fn covers(acl: &Line, zones: &[Name]) -> bool {
    let named = |text: &str| match Block::parse(text).filter(|_| text.contains('/')) {
        Some(network) => network.reverse_zones(),
        None => Name::parse(text.as_bytes(), NameRef::ROOT).into_iter().collect(),
    };
    let named: Vec<Name> = acl.arguments().iter().flat_map(|word| named(&word.text)).collect();
    let is_in = |zone: &Name| named.iter().any(|it| zone.as_ref().is_at_or_below(it.as_ref()));
    acl.arguments().is_empty() || zones.iter().all(is_in)
}

/// What a rule fits.
struct AclRule {
    named: Clients,
    /// Whether it fits queries for some types alone.
    has_types: bool,
    /// Whether each of its words is.
    is_understood: bool,
}

/// `ACTION [type TYPE…] [net NETWORK…]`. CoreDNS does not start with anything else: then it is not known which clients are
/// meant.
fn read_rule(work: &mut Work, rule: &Line) -> AclRule {
    let mut types: Option<Vec<&str>> = None;
    let mut networks: Option<List> = None;
    let mut unknown = Vec::new();
    let mut section = "";
    for (place, word) in rule.arguments().iter().enumerate() {
        let is_section = |word: &Word| matches!(word.text.to_ascii_lowercase().as_str(), "net" | "type");
        let admitted = match (word.text.to_ascii_lowercase().as_str(), section) {
            (begin @ ("net" | "type"), _) => {
                section = if begin == "net" { "net" } else { "type" };
                if rule.arguments().get(place + 1).is_none_or(is_section) {
                    unknown.push((word, format!("nothing stands behind `{}`", word.text)));
                }
                continue;
            }
            (_, "type") => {
                types.get_or_insert_default().push(word.text.as_str());
                continue;
            }
            (_, "net") => match Block::parse(&word.text) {
                Some(network) => Clients::network(network, word),
                None if word.text == "*" => Clients::world_of(word.clone()),
                None => {
                    unknown.push((word, format!("`{}` is not a network", word.text)));
                    continue;
                }
            },
            _ => {
                let message = format!("`{}` stands where `net` or `type` does", word.text);
                unknown.push((word, message));
                continue;
            }
        };
        networks.get_or_insert_default().admit(&admitted);
    }
    let is_understood = unknown.is_empty();
    for (word, message) in unknown {
        work.found.push(Diagnostic::error(word.span, message));
        networks.get_or_insert_default().admit(&Clients::nobody_but(format!("`{}`", word.text)));
    }
    AclRule {
        named: networks.map_or_else(Clients::everybody, List::finish),
        has_types: types.is_some_and(|types| !types.contains(&"*")),
        is_understood,
    }
}

/// The clients that may ask the zones of a block; none: all. What is lost on the way is said.
pub(super) fn allowed(work: &mut Work, block: &ServerBlock, clients: &Clients) -> Option<Allowed> {
    if clients.is_everybody() {
        return None;
    }
    let mut clients = clients.clone();
    let networks = clients.written();
    say_lost(work, block, &clients, "→ [[zone]] allow-query");
    Some(Allowed { networks, remark: "acl".to_owned() })
}

fn say_lost(work: &mut Work, block: &ServerBlock, clients: &Clients, what: &str) {
    if !clients.lost().is_empty() {
        let fate = Fate::refused(format!("{what} without {}", clients.lost().join(", ")));
        work.report.add(block.span, format!("acl of {}", block.shown()), fate);
    }
}

/// Writes the clients that may ask for forwarded names.
pub(super) fn set_allow(work: &mut Work, asked: Option<Clients>) {
    let Some(mut clients) = asked else { return };
    let remark = "acl".to_owned();
    if clients.is_everybody() {
        work.draft.allow = Allow::ClosedWorld("CoreDNS".to_owned());
        let text = "an open door, closed: CoreDNS answers whoever reaches it; names of others are answered to this host and its \
                    networks, without [[forward]] allow";
        work.report.add_besides("without `acl`", Fate::changed(text));
        return;
    }
    // What is left of everybody is the world still: then it is said by whom it shall be, and until then by this host.
    if clients.excepts() && clients.networks().any(|network| network.length() < WORLD_LENGTH) {
        let fate = Fate::refused(open_door::CLOSED_BUT_SOME);
        work.report.add_besides("acl, for names of others", fate);
        clients = clients.on_this_host();
    }
    let networks = clients.written();
    if !clients.lost().is_empty() {
        let text = format!("→ [[forward]] allow without {}", clients.lost().join(", "));
        work.report.add_besides("acl, for names of others", Fate::refused(text));
    }
    work.draft.allow = Allow::These(Allowed { networks, remark });
}
