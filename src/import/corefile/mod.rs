//! CoreDNS: a Corefile with its zones, hosts, templates and forwarders.
//!
//! Each server block is read by its plugins. A name that `hosts`, `template` or `rewrite` knows is answered from a
//! zone that is made of it; where the block forwards, that is one of its own, so that its neighbours go on to
//! the upstreams.

mod lines;

mod template;

mod reading;

mod names;
mod others;

mod rules;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::address;
use super::draft::{Allow, Allowed, Line as Key, list};
use super::made::MadeZones;
use super::networks::{Block, Clients, List};
use super::report::Fate;
use super::rule::{self, Then};
use super::word::Word;
use super::work::{Unreadable, Work, file_at};
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostic, Severity};
use lines::{Line, ServerBlock};
use reading::Reading;

/// TTL of negative answers of zones that are made here, in seconds.
const TTL: u32 = 300;

/// How a block is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Transport {
    Dns,
    Tls,
    Https,
    Quic,
}

impl Transport {
    const ALL: &[(&str, Transport, u16, &str)] = &[
        ("dns", Transport::Dns, 53, "listen"),
        ("tls", Transport::Tls, 853, "listen-tls"),
        ("https", Transport::Https, 443, "listen-https"),
        ("quic", Transport::Quic, 853, "listen-quic"),
    ];
}

/// What a key of a block says: a zone and where it is asked.
struct Asked {
    zones: Vec<Name>,
    transport: Transport,
    port: u16,
}

/// Reads a Corefile; what it was read from. Each of `whole` is a domain that is answered whole.
pub(super) fn read(work: &mut Work, from: &Path, whole: &[Name]) -> Result<String, Unreadable> {
    let path = file_at(from, &["Corefile"]);
    let blocks = match work.sources.read(&path) {
        Ok(file) => lines::read(&mut work.sources, &mut work.folders, file, &mut work.found),
        Err(error) => {
            work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
            None
        }
    };
    let Some(blocks) = blocks else {
        work.report.add_besides(
            path.display().to_string(),
            Fate::refused("it cannot be understood: nothing is written"),
        );
        return Err(Unreadable);
    };
    let mut made = MadeZones::new(TTL);
    whole.iter().for_each(|apex| made.answer_whole(apex.clone(), "--zone"));
    let mut first: Option<Vec<(Transport, SocketAddr)>> = None;
    let mut asked: Option<Clients> = None;
    for block in &blocks {
        let keys: Vec<Asked> = block.keys.iter().filter_map(|key| read_key(work, key)).collect();
        let listeners = listeners(block, &keys);
        if first.as_ref().is_some_and(|first| *first != listeners) {
            let text = "it is asked at other addresses than the first block, where nobody shall ask for it: import it from a file of \
                        its own, for a server of its own";
            work.report.add(block.span, block.shown(), Fate::refused(text));
            continue;
        }
        first.get_or_insert(listeners);
        work.report.add(block.span, block.shown(), Fate::honoured("its plugins are below"));
        let clients = clients(work, block);
        let zones = keys.into_iter().flat_map(|key| key.zones).collect();
        let mut own = MadeZones::new(TTL);
        std::mem::swap(&mut own, &mut made);
        let root =
            block.lines.iter().find(|line| line.text(0) == "root").map(|line| PathBuf::from(line.text(1)));
        let mut reading = Reading { work, block, zones, made: &mut own, clients, root };
        judge(&mut reading);
        if reading.forwards() {
            asked = Some(asked.map_or_else(|| reading.clients.clone(), |known| known.and(&reading.clients)));
        }
        made = own;
    }
    listen(work, &first.unwrap_or_default(), &blocks);
    allow(work, asked);
    let (all, alone) = made.count();
    if alone > 0 {
        let text = format!(
            "{alone} of {all} zones are of a single name, so that its neighbours still go to [[forward]]; names below it do not \
             exist; --zone DOMAIN puts all names of a domain into one zone"
        );
        work.report.add_besides("names of hosts and templates", Fate::changed(text));
    }
    made.finish(work);
    Ok(path.display().to_string())
}

/// Says what becomes of the plugins of a block: aliases last, as they may lead to any name.
fn judge(reading: &mut Reading<'_>) {
    let served = reading.work.draft.zones.len();
    let block = reading.block;
    let turn = |line: &&Line| match line.text(0) {
        "rewrite" => 2,
        "transfer" => 1,
        _ => 0,
    };
    for now in 0..=2 {
        for line in block.lines.iter().filter(|line| turn(line) == now) {
            if line.text(0) == "acl" {
                continue;
            }
            let fate = match rule::find(rules::RULES, line.text(0)) {
                Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                Some(Then::Read(function) | Then::ReadEach(function)) => function(reading, line),
                None => rule::unknown(rules::RULES, line.text(0), "CoreDNS"),
            };
            reading.work.report.add(line.span, line.shown(), fate);
        }
    }
    let allowed = reading.allowed();
    reading.work.draft.zones.iter_mut().skip(served).for_each(|zone| zone.allow.clone_from(&allowed));
    if reading.made.allow.is_none() {
        reading.made.allow = allowed;
    }
}

/// Reads `dns://example.com:53`, `10.0.0.0/8`, `.`.
fn read_key(work: &mut Work, word: &Word) -> Option<Asked> {
    let (scheme, rest) = word.text.split_once("://").unwrap_or(("dns", &word.text));
    let known = Transport::ALL.iter().find(|(name, ..)| *name == scheme);
    let Some((_, transport, usual, _)) = known else {
        work.found.push(Diagnostic::error(word.span, format!("`{scheme}` is not spoken here")));
        return None;
    };
    let (zone, port) = match rest.rsplit_once(':') {
        Some((zone, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (zone, port.parse().ok()?),
        _ => (rest, *usual),
    };
    let zone = if zone.is_empty() { "." } else { zone };
    let zones = match Block::parse(zone).filter(|_| zone.contains('/')) {
        Some(network) => network.reverse_zones(),
        None => match Name::parse(zone.as_bytes(), NameRef::ROOT) {
            Ok(name) => vec![name],
            Err(error) => {
                work.found.push(Diagnostic::error(word.span, format!("`{zone}`: {error}")));
                return None;
            }
        },
    };
    Some(Asked { zones, transport: *transport, port })
}

/// Where a block is asked, sorted.
fn listeners(block: &ServerBlock, keys: &[Asked]) -> Vec<(Transport, SocketAddr)> {
    let bound: Vec<IpAddr> = block
        .lines
        .iter()
        .filter(|line| line.text(0) == "bind")
        .flat_map(Line::arguments)
        .filter_map(|word| word.text.parse().ok())
        .collect();
    let is_bound = block.lines.iter().any(|line| line.text(0) == "bind");
    let mut all: Vec<(Transport, SocketAddr)> = Vec::new();
    for key in keys {
        let addresses: Vec<SocketAddr> = match bound.as_slice() {
            [] if is_bound => address::on_this_host(key.port).into(),
            [] => address::everywhere(key.port).into(),
            bound => bound.iter().map(|ip| SocketAddr::new(*ip, key.port)).collect(),
        };
        all.extend(addresses.into_iter().map(|address| (key.transport, address)));
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn listen(work: &mut Work, listeners: &[(Transport, SocketAddr)], blocks: &[ServerBlock]) {
    for (_, transport, _, key) in Transport::ALL {
        let of = listeners.iter().filter(|(it, _)| it == transport).map(|(_, address)| *address);
        let addresses: Vec<SocketAddr> = of.collect();
        if *transport == Transport::Dns {
            work.draft.listen = addresses;
        } else if !addresses.is_empty() {
            let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            work.draft.server.push(Key::new(key, list(&texts)));
        }
    }
    work.draft.listen_remark = "the zones of the Corefile".to_owned();
    if work.draft.listen.is_empty() {
        work.draft.listen = address::on_this_host(address::DNS_PORT).into();
        work.draft.listen_remark = "nothing is asked over UDP and TCP".to_owned();
    }
    let tls = blocks.iter().flat_map(|block| &block.lines).find(|line| line.text(0) == "tls");
    if let Some(line) = tls.filter(|line| line.words.len() > 2) {
        work.draft.tls = vec![Key::new("certificate", line.text(1)), Key::new("key", line.text(2))];
    }
    for word in blocks
        .iter()
        .flat_map(|block| &block.lines)
        .filter(|line| line.text(0) == "bind")
        .flat_map(Line::arguments)
    {
        if word.text.parse::<IpAddr>().is_err() {
            let fault = Diagnostic::error(word.span, format!("`{}` is not an address", word.text));
            work.found.push(
                fault.help("the addresses of interfaces are not looked up: write those to [server] listen"),
            );
        }
    }
}

/// The clients that a block answers, by its `acl`s: the first rule that holds a client decides.
fn clients(work: &mut Work, block: &ServerBlock) -> Clients {
    let mut rules = List::default();
    for line in block.lines.iter().filter(|line| line.text(0) == "acl") {
        let mut fate = Fate::honoured("→ [[zone]] allow-query, [[forward]] allow");
        for rule in &line.block {
            let (mut networks, mut types, mut now) = (Vec::new(), Vec::new(), "");
            for word in rule.arguments() {
                match word.text.as_str() {
                    "net" | "type" => now = if word.text == "net" { "net" } else { "type" },
                    text if now == "type" => types.push(text.to_owned()),
                    _ => networks.push(word),
                }
            }
            let mut list = List::default();
            for word in networks {
                match Block::parse(&word.text) {
                    Some(network) => list.admit(&Clients::network(network, word)),
                    None if word.text == "*" => list.admit(&Clients::world_of(word.clone())),
                    None => {
                        let message = format!("`{}` is not a network", word.text);
                        work.found.push(Diagnostic::error(word.span, message));
                        list.admit(&Clients::nobody_but(format!("`{}`", word.text)));
                    }
                }
            }
            let is_all = !rule.arguments().iter().any(|word| word.text == "net");
            let named = if is_all { Clients::everybody() } else { list.finish() };
            let has_types = types.iter().any(|text| text != "*" && text != "ANY");
            match rule.text(0) {
                "allow" if has_types => {
                    fate = Fate::refused(
                        "types decide nothing here: who may ask for some alone is not answered",
                    );
                }
                "allow" => rules.admit(&named),
                "block" | "filter" | "drop" => {
                    rules.exclude(&named, &rule.shown());
                    if has_types {
                        fate = Fate::refused(
                            "types decide nothing here: who may not ask for some is not answered",
                        );
                    } else if rule.text(0) != "block"
                        && fate == Fate::honoured("→ [[zone]] allow-query, [[forward]] allow")
                    {
                        fate = Fate::changed("→ [[zone]] allow-query, [[forward]] allow: they are REFUSED");
                    }
                }
                _ => fate = Fate::refused("allow, block, filter and drop are known"),
            }
        }
        work.report.add(line.span, line.shown(), fate);
    }
    rules.admit(&Clients::everybody());
    rules.finish()
}

/// Writes the clients that may ask for forwarded names.
fn allow(work: &mut Work, asked: Option<Clients>) {
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
    work.draft.allow = if clients.excepts()
        && clients.networks().any(|network| network.length() < WORLD_LENGTH)
    {
        let text = "an open door, closed: everybody but some cannot be said of the networks of this host, so it is this host alone; \
                    write the networks that may ask to [[forward]] allow";
        work.report.add_besides("acl, for names of others", Fate::refused(text));
        Allow::These(Allowed { networks: clients.on_this_host().written(), remark })
    } else {
        Allow::These(Allowed { networks: clients.written(), remark })
    };
}

/// Networks with fewer leading bits are a part of the world, not one of somebody's.
const WORLD_LENGTH: u32 = 8;
