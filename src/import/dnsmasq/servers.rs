//! Options that say who is asked for names of others.

use std::net::SocketAddr;

use super::super::address::{self, DNS_PORT};
use super::super::draft::{Line, Upstream};
use super::super::networks::Block;
use super::super::report::Fate;
use super::super::word::Word;
use super::reading::{Given, Reading};
use crate::dns::Name;
use crate::source::Diagnostic;

/// Networks whose names `bogus-priv` does not let out (the manual of dnsmasq, `--bogus-priv`; RFC 6303).
const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fd00::/8",
    "fe80::/10",
];

/// Whom a `server` option names.
enum Server {
    /// It is answered here.
    Nobody,
    /// Those of all other names.
    Usual,
    At(SocketAddr),
}

impl Reading<'_> {
    /// A domain in slashes; a leading `*.` or `.` changes nothing. None for other patterns, which are pushed.
    pub(super) fn domain_word(&mut self, word: &Word) -> Option<Name> {
        let text = word.text.strip_prefix("*.").or_else(|| word.text.strip_prefix('.')).unwrap_or(&word.text);
        match text {
            "#" => Some(Name::root()),
            text if text.contains('*') => {
                self.work.found.push(Diagnostic::error(word.span, "a pattern of names"));
                None
            }
            text => self.name(&Word { text: text.to_owned(), span: word.span }),
        }
    }

    /// `ADDRESS#PORT@…`; what is behind `@` says from where it is asked.
    fn server(&mut self, word: &Word) -> Result<Server, Fate> {
        self.place(word).map_err(|fault| {
            self.work.found.push(fault);
            Fate::refused("not the address of a server: write one, and import again")
        })
    }

    fn place(&self, word: &Word) -> Result<Server, Diagnostic> {
        let text = word.text.split('@').next().unwrap_or_default();
        match text {
            "" => return Ok(Server::Nobody),
            "#" => return Ok(Server::Usual),
            _ => {}
        }
        let (address, port) = match text.split_once('#') {
            Some((address, port)) => (word.part(address), address::port(&word.part(port))?),
            None => (word.part(text), DNS_PORT),
        };
        address::socket_address(&address, port).map(Server::At)
    }

    /// Those of all other names.
    fn usual(&self) -> Option<Upstream> {
        let system = (!self.is_given("no-resolv")).then_some(Upstream::System);
        self.upstreams.of(&Name::root()).map(|asked| asked.upstream.clone()).or(system)
    }

    /// Has the servers of `resolv.conf` asked for what no option names, unless some option says otherwise.
    pub(super) fn ask_system(&mut self) {
        let has_root = self.upstreams.of(&Name::root()).is_some();
        if self.is_given("no-resolv") {
            return;
        }
        if has_root {
            let text = "the servers of `server` options are asked, those of resolv.conf are not: write them to [[forward]] \
                        upstream if they are others";
            self.work.report.add_besides("resolv.conf, without `no-resolv`", Fate::changed(text));
        } else {
            self.upstreams.add(Name::root(), Upstream::System, "without no-resolv");
            self.work.report.add_besides(
                "resolv.conf, without `no-resolv`",
                Fate::honoured("→ [[forward]] upstream = \"resolv.conf\""),
            );
        }
    }
}

/// `server=ADDRESS`, `server=/DOMAIN/…/ADDRESS`, and `local`, which is the same.
pub(super) fn server(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let value = option.text();
    let (domains, target) = match value.text.strip_prefix('/') {
        Some(inside) => {
            let mut parts: Vec<Word> = inside.split('/').map(|part| value.part(part)).collect();
            let target = parts.pop().unwrap_or_else(|| value.part(""));
            (parts, target)
        }
        None => (Vec::new(), value.clone()),
    };
    let server = match reading.server(&target) {
        Ok(server) => server,
        Err(fate) => return fate,
    };
    let remark = reading.work.whence(option.span);
    if domains.is_empty() {
        return match server {
            Server::At(address) => {
                reading.upstreams.ask(Name::root(), address::upstream(address), &remark);
                Fate::honoured("→ [[forward]] zone = \".\"")
            }
            Server::Nobody | Server::Usual => Fate::refused("it names no server: mend it, and import again"),
        };
    }
    let mut fates = Vec::new();
    for domain in &domains {
        if domain.text.is_empty() {
            fates.push(Fate::changed("names without a dot are asked like all others"));
            continue;
        }
        let Some(zone) = reading.domain_word(domain) else {
            fates.push(Fate::refused("patterns of names are not known here: write domains"));
            continue;
        };
        fates.push(of_domain(reading, zone, &server, &remark));
    }
    Fate::worst(fates, "it names no domain")
}

/// What becomes of one domain of a `server` option.
fn of_domain(reading: &mut Reading<'_>, zone: Name, server: &Server, remark: &str) -> Fate {
    if matches!(server, Server::Nobody) {
        reading.made.answer_whole(zone, remark);
        return Fate::honoured("→ [[zone]]: names of it that have no record do not exist");
    }
    if let Some(apex) = reading.made.domain_of(zone.as_ref()) {
        return if *apex == zone {
            Fate::changed("the domain is answered whole here, by another option: nobody is asked for it")
        } else {
            Fate::refused(format!(
                "{apex} is answered whole here, so nobody is asked for a domain below it: leave `local` or `address` out"
            ))
        };
    }
    match server {
        Server::At(address) => {
            reading.upstreams.ask(zone, address::upstream(*address), remark);
            Fate::honoured("→ [[forward]]")
        }
        Server::Usual => match reading.usual() {
            Some(upstream) => {
                reading.upstreams.add(zone, upstream, remark);
                Fate::honoured("→ [[forward]] with the servers of all other names")
            }
            None => Fate::refused("there are no servers for all other names: name some"),
        },
        Server::Nobody => Fate::honoured("→ [[zone]]"),
    }
}

/// `rev-server=NETWORK,ADDRESS`.
pub(super) fn rev_server(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let network = fields.first().and_then(|field| Block::parse(&field.text));
    let (Some(network), Some(target)) = (network, fields.get(1)) else {
        return Fate::refused("a network and a server are wanted: mend it, and import again");
    };
    let server = match reading.server(target) {
        Ok(server) => server,
        Err(fate) => return fate,
    };
    let remark = reading.work.whence(option.span);
    let fates = network.reverse_zones().into_iter().map(|zone| of_domain(reading, zone, &server, &remark));
    Fate::worst(fates, "no zone has its names")
}

/// `bogus-priv`: names of private addresses that nobody here has do not exist.
pub(super) fn bogus_priv(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let remark = reading.work.whence(option.span);
    for zone in PRIVATE.iter().filter_map(|text| Block::parse(text)).flat_map(Block::reverse_zones) {
        reading.made.answer_whole(zone, &remark);
    }
    Fate::honoured("→ [[zone]]: the reverse zones of private networks (RFC 6303)")
}

/// `rebind-domain-ok=/DOMAIN/…`.
pub(super) fn rebind_domain_ok(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let value = option.text();
    let domains: Vec<Word> =
        value.text.split('/').filter(|part| !part.is_empty()).map(|part| value.part(part)).collect();
    for domain in &domains {
        match reading.domain_word(domain) {
            Some(zone) => reading.rebinding.push(zone),
            None => return Fate::refused("patterns of names are not known here: write domains"),
        }
    }
    Fate::honoured("→ [[forward]] of its own, without rebinding-protection")
}

/// `listen-address=ADDRESS,…`.
pub(super) fn listen_address(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let mut lost = Vec::new();
    for field in option.fields() {
        if field.text.parse::<std::net::IpAddr>().is_err() {
            let message = format!("`{}` is not an address", field.text);
            reading.work.found.push(Diagnostic::error(field.span, message));
            lost.push(format!("`{}`", field.text));
        }
    }
    match lost.as_slice() {
        [] => Fate::honoured("→ [server] listen"),
        lost => Fate::refused(format!("→ [server] listen without {}: write addresses", lost.join(", "))),
    }
}

/// `interface=NAME,…`.
pub(super) fn interface(_: &mut Reading<'_>, option: &Given) -> Fate {
    let others: Vec<String> =
        option.fields().into_iter().map(|field| field.text).filter(|name| name != "lo").collect();
    match others.as_slice() {
        [] => Fate::honoured("→ [server] listen: loopback"),
        others => Fate::refused(format!(
            "→ [server] listen without the addresses of {}, which are not known here: write them; loopback is listened on",
            others.join(", ")
        )),
    }
}

/// A number of the cache, as a key of `[cache]`.
fn cache(reading: &mut Reading<'_>, option: &Given, key: &'static str, unit: &str) -> Fate {
    let value: Option<u32> = option.text().text.parse().ok();
    let Some(value) = value else { return Fate::dispensable("not a number: the default is left as it is") };
    let value = if unit.is_empty() { toml::Value::from(value) } else { format!("{value}{unit}").into() };
    reading.work.draft.cache.push(Line { key, value, remark: option.name.clone() });
    Fate::honoured(format!("→ [cache] {key}"))
}

pub(super) fn cache_size(reading: &mut Reading<'_>, option: &Given) -> Fate {
    cache(reading, option, "entries", "")
}

pub(super) fn max_ttl(reading: &mut Reading<'_>, option: &Given) -> Fate {
    if reading.work.draft.cache.iter().any(|line| line.key == "ttl-max") {
        return Fate::changed("one limit is kept, of `max-ttl` and `max-cache-ttl`");
    }
    cache(reading, option, "ttl-max", "s")
}

pub(super) fn min_ttl(reading: &mut Reading<'_>, option: &Given) -> Fate {
    cache(reading, option, "ttl-min", "s")
}

pub(super) fn tcp_connections(reading: &mut Reading<'_>, option: &Given) -> Fate {
    match option.text().text.parse::<u32>().ok().filter(|count| *count > 0) {
        Some(count) => {
            let remark = option.name.clone();
            reading.work.draft.server.push(Line { key: "tcp-connections", value: count.into(), remark });
            Fate::honoured("→ [server] tcp-connections")
        }
        None => Fate::dispensable("not a number from 1 on: the default is left as it is"),
    }
}
