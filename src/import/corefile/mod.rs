//! CoreDNS: a Corefile with its zones, hosts, templates and forwarders.
//!
//! Each server block is read by its plugins. A name that `hosts`, `template` or `rewrite` knows is answered from a
//! zone that is made of it; where the block forwards, that is one of its own, so that its neighbours go on to
//! the upstreams. A block whose clients are chosen by something else than their addresses is refused, and its zones
//! are answered to nobody: names of it shall not go to the block of a zone above.

mod lines;
mod transport;

mod template;

mod access;
mod reading;

mod names;
mod others;

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::address;
use super::draft::{Line as Key, list};
use super::made::MadeZones;
use super::networks::{Block, Clients};
use super::report::Fate;
use super::rule::{self, Then};
use super::word::Word;
use super::work::{Unreadable, Work, file_at};
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostic, Severity, Span};
use lines::{Line, ServerBlock};
use reading::{AskedOf, Reading};
use transport::Transport;

/// TTL of negative answers of zones that are made here, in seconds.
const TTL: u32 = 300;

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
    let (taken, closed, first) = sorted_out(work, &blocks);
    let mut made = MadeZones::new(TTL);
    let of_all = taken.iter().fold(Clients::everybody(), |all, taken| all.and(&taken.clients));
    made.answer_to(of_all, "acl");
    whole.iter().for_each(|apex| made.answer_whole(apex.clone(), "--zone"));
    made.answer_to(Clients::nobody(), "a block that is refused");
    for (zone, remark) in closed.iter().filter(|(zone, _)| !zone.as_ref().is_root()) {
        made.answer_whole(zone.clone(), remark);
    }
    let mut asked_of = AskedOf(closed.keys().map(|zone| (zone, Vec::new())).collect());
    for Taken { block, zones, .. } in &taken {
        zones.iter().for_each(|zone| asked_of.0.entry(zone).or_default().push(block));
    }
    let mut asked: Option<Clients> = None;
    let mut forwarding = Vec::new();
    for it in &taken {
        made.answer_to(it.clients.clone(), "acl");
        let mut reading = it.reading(work, &asked_of, &mut made);
        judge(&mut reading, &mut forwarding);
        if reading.forwards() {
            asked = Some(asked.map_or_else(|| it.clients.clone(), |known| known.and(&it.clients)));
        }
    }
    let mut whole: BTreeSet<Name> = whole.iter().cloned().collect();
    for it in &taken {
        whole.extend(it.reading(work, &asked_of, &mut made).close_unanswered());
    }
    refuse_hidden(work, &forwarding, &asked_of, (&made, &whole));
    listen(work, &first, &blocks);
    access::set_allow(work, asked);
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

/// A block that is taken over.
struct Taken<'b> {
    block: &'b ServerBlock,
    zones: Vec<Name>,
    clients: Clients,
}

impl Taken<'_> {
    fn reading<'r>(
        &'r self,
        work: &'r mut Work,
        asked_of: &'r AskedOf<'r>,
        made: &'r mut MadeZones,
    ) -> Reading<'r> {
        let root = self.block.lines.iter().find(|line| line.text(0) == "root");
        let root = root.map(|line| PathBuf::from(line.text(1)));
        let (block, zones, clients) = (self.block, self.zones.clone(), &self.clients);
        Reading { work, block, zones, asked_of, made, clients, root }
    }
}

/// A line that forwards, as it may yet be refused.
struct Forwarding {
    span: Span,
    shown: String,
    /// The names that it forwards.
    zones: Vec<Name>,
    fate: Fate,
}

/// Where something is asked, sorted.
type Listeners = Vec<(Transport, SocketAddr)>;

/// The zones that nobody may ask, each with where that is said.
type Closed = BTreeMap<Name, String>;

/// A block with its zones; none once it is refused.
type Left<'b> = Option<(&'b ServerBlock, Vec<Name>)>;

/// The blocks that are taken over; the zones that nobody may ask; and where all of them are asked.
fn sorted_out<'b>(work: &mut Work, blocks: &'b [ServerBlock]) -> (Vec<Taken<'b>>, Closed, Listeners) {
    let mut first: Option<Listeners> = None;
    let mut left: Vec<Left<'_>> = Vec::new();
    let mut closed = Closed::new();
    // Where a block is that demands a certificate of whoever asks a listener of all.
    let mut all_for: Option<String> = None;
    for block in blocks {
        let keys: Vec<Asked> = block.keys.iter().filter_map(|key| read_key(work, key)).collect();
        let listeners = listeners(block, &keys);
        let first = first.get_or_insert_with(|| listeners.clone());
        let transports: Vec<Transport> = first.iter().map(|(transport, _)| *transport).collect();
        let zones: Vec<Name> = keys.into_iter().flat_map(|key| key.zones).collect();
        let restrictions = access::restrictions(block, &transports);
        let common: Listeners = listeners.iter().filter(|it| first.contains(it)).copied().collect();
        let is_demanded = |it: &access::Restriction<'_>| {
            it.is_of_listener() && common.iter().any(|(transport, _)| *transport != Transport::Dns)
        };
        if let Some(demanding) = restrictions.iter().find(|it| is_demanded(it)) {
            all_for = Some(work.whence(demanding.line.span));
        }
        if *first != listeners {
            let text = "it is asked at other addresses than the first block, where nobody shall ask for it: import it from a file of \
                        its own, for a server of its own";
            work.report.add(block.span, block.shown(), Fate::refused(text));
            if !common.is_empty() {
                // There it is asked for them, and no block of a zone above is.
                let whence = work.whence(block.span);
                closed.extend(zones.into_iter().map(|zone| (zone, whence.clone())));
            }
        } else if restrictions.is_empty() {
            left.push(Some((block, zones)));
        } else {
            let whence = refuse(work, block, &restrictions);
            closed.extend(zones.into_iter().map(|zone| (zone, whence.clone())));
        }
    }
    spread(work, &mut left, &mut closed, all_for);
    let mut taken = Vec::new();
    for (block, zones) in left.into_iter().flatten() {
        work.report.add(block.span, block.shown(), Fate::honoured("its plugins are below"));
        let clients = access::clients(work, block, &zones);
        taken.push(Taken { block, zones, clients });
    }
    (taken, closed, first.unwrap_or_default())
}

/// Says that a block is refused for these lines of it; where the first of them is.
fn refuse(work: &mut Work, block: &ServerBlock, restrictions: &[access::Restriction<'_>]) -> String {
    for access::Restriction { line, remedy } in restrictions {
        let text = format!("{remedy}; until then nobody is answered what its block has");
        work.report.add(line.span, line.shown(), Fate::refused(text));
    }
    let lines: Vec<String> = restrictions
        .iter()
        .map(|it| format!("`{}` at {}", it.line.text(0), work.whence(it.line.span)))
        .collect();
    let shuts = if lines.len() == 1 { "shuts" } else { "shut" };
    let text = format!("{} {shuts} clients out of it: nobody is answered its zones", lines.join(", "));
    work.report.add(block.span, block.shown(), Fate::refused(text));
    work.whence(restrictions.first().map_or(block.span, |it| it.line.span))
}

/// Refuses blocks of zones that are closed, and closes the other zones of those: whoever is in no view of a zone is
/// answered by the next block of that zone, and the other way round. With `all_for` a block demands certificates of
/// everybody, and all are refused.
fn spread(work: &mut Work, left: &mut [Left<'_>], closed: &mut Closed, all_for: Option<String>) {
    let mut places: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for (place, (_, zones)) in left.iter().flatten().enumerate() {
        zones.iter().for_each(|zone| places.entry(zone.clone()).or_default().push(place));
    }
    let text = |whence: &str| {
        format!("its zone is also in the block at {whence}, which is refused: nobody is answered either")
    };
    let mut waiting: Vec<(Name, String)> =
        closed.iter().map(|(zone, whence)| (zone.clone(), text(whence))).collect();
    if let Some(whence) = all_for {
        let text = format!("{whence} demands a certificate of whoever asks its listener: nobody is answered");
        waiting.extend(places.keys().map(|zone| (zone.clone(), text.clone())));
    }
    while let Some((zone, why)) = waiting.pop() {
        for place in places.remove(&zone).unwrap_or_default() {
            let Some((block, zones)) = left.get_mut(place).and_then(Option::take) else { continue };
            work.report.add(block.span, block.shown(), Fate::refused(why.clone()));
            let whence = work.whence(block.span);
            closed.extend(zones.iter().map(|zone| (zone.clone(), whence.clone())));
            waiting.extend(zones.into_iter().map(|zone| (zone, text(&whence))));
        }
    }
}

/// Says what becomes of the plugins of a block: aliases last, as they may lead to any name.
fn judge(reading: &mut Reading<'_>, forwarding: &mut Vec<Forwarding>) {
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
            let forwarded = reading.work.draft.forwards.len();
            let fate = match rule::find(rules::RULES, line.text(0)) {
                Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                Some(Then::Read(function) | Then::ReadEach(function)) => function(reading, line),
                None => rule::unknown(rules::RULES, line.text(0), "CoreDNS"),
            };
            let zones: Vec<Name> =
                reading.work.draft.forwards.iter().skip(forwarded).map(|it| it.zone.clone()).collect();
            if zones.is_empty() {
                reading.work.report.add(line.span, line.shown(), fate);
            } else {
                forwarding.push(Forwarding { span: line.span, shown: line.shown(), zones, fate });
            }
        }
    }
    if reading.work.draft.zones.len() > served {
        let allowed = access::allowed(reading.work, block, reading.clients);
        reading.work.draft.zones.iter_mut().skip(served).for_each(|zone| zone.allow.clone_from(&allowed));
    }
}

/// Says what becomes of lines that forward. Zones come before [[forward]] here: names below a zone of another block are not
/// forwarded. In one block that is so with CoreDNS as well, but for zones that are answered `whole` by this import alone.
fn refuse_hidden(
    work: &mut Work,
    forwarding: &[Forwarding],
    asked_of: &AskedOf<'_>,
    (made, whole): (&MadeZones, &BTreeSet<Name>),
) {
    let served: BTreeSet<Name> = work.draft.zones.iter().map(|zone| zone.name.clone()).collect();
    let hiding = |forwarded: &Name| {
        let upward = std::iter::successors(Some(forwarded.as_ref()), |name| name.parent());
        let of_file = upward.map(NameRef::to_name).find(|name| served.contains(name));
        let zone = of_file.into_iter().chain(made.zone_of(forwarded.as_ref()));
        let zone = zone.max_by_key(|zone| zone.as_ref().label_count())?;
        let blocks = |name| asked_of.blocks(name).iter().map(|block| std::ptr::from_ref(*block));
        let is_wanted = !whole.contains(&zone) && blocks(&zone).eq(blocks(forwarded));
        (zone != *forwarded && !is_wanted).then_some(zone)
    };
    let mut hidden: BTreeSet<&Name> = BTreeSet::new();
    for Forwarding { span, shown, zones, fate } in forwarding {
        let here: Vec<(&Name, Name)> = zones.iter().filter_map(|it| Some((it, hiding(it)?))).collect();
        hidden.extend(here.iter().map(|(forwarded, _)| *forwarded));
        let fate = match here.as_slice() {
            [] => fate.clone(),
            [(forwarded, zone), others @ ..] => {
                let more = match others.len() {
                    0 => String::new(),
                    _ => format!(
                        "; nor {}",
                        others.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
                    ),
                };
                Fate::refused(format!(
                    "{forwarded} is not forwarded: the zone {zone} above it is served here, and zones come before [[forward]]; \
                     have {zone} forwarded as well, and import again{more}"
                ))
            }
        };
        work.report.add(*span, shown.clone(), fate);
    }
    work.draft.forwards.retain(|known| !hidden.contains(&known.zone));
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
        Some((zone, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let port = address::port(&word.part(port)).map_err(|fault| work.found.push(fault)).ok()?;
            (zone, port)
        }
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
fn listeners(block: &ServerBlock, keys: &[Asked]) -> Listeners {
    let bound: Vec<IpAddr> = block
        .lines
        .iter()
        .filter(|line| line.text(0) == "bind")
        .flat_map(Line::arguments)
        .filter_map(|word| word.text.parse().ok())
        .collect();
    let is_bound = block.lines.iter().any(|line| line.text(0) == "bind");
    let mut all = Listeners::new();
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
