//! Options of `named.conf` whose fate depends on their value. The others are in `rules`.

use std::net::SocketAddr;

use super::super::address::{self, everywhere};
use super::super::draft::Line;
use super::super::networks::Block;
use super::super::report::Fate;
use super::super::statement::Statement;
use super::super::word::Word;
use super::reading::{Reading, Servers};
use crate::dns::Name;
use crate::source::Diagnostic;

/// The place of a family in lists of both.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Reading<'_> {
    /// The port of listeners that name none.
    pub(super) fn port(&self) -> u16 {
        let word = self.get("port").and_then(|option| option.word(1));
        word.and_then(|word| address::port(word).ok()).unwrap_or(address::DNS_PORT)
    }

    /// The servers of `forwarders { 192.0.2.1 port 5300; }`.
    pub(super) fn servers(&mut self, list: &Statement) -> Servers {
        let mut servers = Servers::default();
        let usual = self.port_of(list).unwrap_or(Ok(address::DNS_PORT));
        for server in list.block() {
            let Some(word) = server.word(0) else { continue };
            let read = if server.words().any(|word| word.text == "tls") {
                let help =
                    "write it into [[forward]] upstream with its name: \"tls://192.0.2.1#dns.example.com\"";
                Err(Diagnostic::error(word.span, "a server that is asked over TLS").help(help))
            } else {
                let port = self.port_of(server).unwrap_or_else(|| usual.clone());
                port.and_then(|port| address::socket_address(word, port))
            };
            match read {
                _ if server.keyword() == "include" => servers.lost.extend(self.missing_server(server)),
                Ok(address) => servers.upstream.push(address::upstream(address)),
                Err(fault) => {
                    self.work.found.push(fault);
                    servers.lost.push(format!("`{}`", server.shown()));
                }
            }
        }
        servers
    }

    /// What is lost by an `include` among servers: what it names follows it, if it could be read.
    fn missing_server(&self, include: &Statement) -> Option<String> {
        self.parsed
            .missing(include)
            .map(|_| format!("what is in {}", include.word(1).map_or("it", |word| &word.text)))
    }

    /// The port that follows `port`.
    pub(super) fn port_of(&self, statement: &Statement) -> Option<Result<u16, Diagnostic>> {
        let words: Vec<_> = statement.words().collect();
        let place = words.iter().position(|word| word.text == "port")?;
        words.get(place + 1).map(|word| address::port(word))
    }

    fn listen(&mut self, option: &Statement, family: Family) -> Fate {
        let place = match family {
            Family::V4 => 0,
            Family::V6 => 1,
        };
        // Whatever becomes of it: the family is not listened on everywhere then.
        self.listen[place].get_or_insert_default();
        let port = match self.port_of(option) {
            Some(Ok(port)) => port,
            Some(Err(fault)) => {
                self.work.found.push(fault);
                return Fate::refused("not a port: write its addresses and port to [server] listen");
            }
            None => self.port(),
        };
        let is_other = |word: &Word| matches!(word.text.as_str(), "tls" | "http" | "proxy");
        if option.words().any(is_other) {
            return Fate::refused("only UDP and TCP are served: let clients ask those");
        }
        let everywhere = everywhere(port)[place];
        let clients = self.clients(option);
        let mut lost = clients.lost().to_vec();
        let mut addresses: Vec<SocketAddr> = Vec::new();
        match (clients.is_world_of(everywhere.ip()), clients.excepts()) {
            (true, false) => addresses.push(everywhere),
            (_, true) if !clients.is_nobody() => {
                lost.push("what is left of a list with exceptions".to_owned())
            }
            (_, _) => {
                // A network means the addresses of the host in it, which are not known here.
                let networks = clients.networks().filter(|it| it.address().is_none());
                lost.extend(networks.map(|network| network.to_string()));
                let all = clients.networks().filter_map(Block::address);
                let of_family = all.filter(|ip| ip.is_ipv4() == everywhere.is_ipv4());
                addresses.extend(of_family.map(|ip| SocketAddr::new(ip, port)));
            }
        }
        self.listen[place].get_or_insert_default().extend(addresses);
        match lost.as_slice() {
            [] => Fate::honoured("→ [server] listen"),
            lost => Fate::refused(format!("→ [server] listen without {}: write addresses", lost.join(", "))),
        }
    }
}

pub(super) fn listen_on(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    reading.listen(option, Family::V4)
}

pub(super) fn listen_on_v6(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    reading.listen(option, Family::V6)
}

pub(super) fn port(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    match option.word(1).map(address::port) {
        Some(Ok(_)) => Fate::honoured("→ [server] listen"),
        Some(Err(fault)) => {
            reading.work.found.push(fault);
            Fate::refused("not a port: port 53 is listened on")
        }
        None => Fate::refused("it has no value: port 53 is listened on"),
    }
}

pub(super) fn forwarders(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if option.block().is_empty() {
        return Fate::honoured("nothing to do: it is empty");
    }
    if !reading.recurses() {
        return Fate::no_effect("`recursion no`: nothing is forwarded");
    }
    let servers = reading.servers(option);
    reading.forward(Name::root(), servers, option)
}

pub(super) fn forward(_: &mut Reading<'_>, option: &Statement) -> Fate {
    match option.word(1).map(|word| word.text.as_str()) {
        Some("only") => Fate::honoured("only the upstreams are asked"),
        _ => Fate::changed("only the upstreams are asked: when they fail, only stale answers are left"),
    }
}

pub(super) fn recursion(_: &mut Reading<'_>, option: &Statement) -> Fate {
    if Reading::is_off(option) {
        return Fate::honoured("names outside our zones are REFUSED without [[forward]]");
    }
    Fate::changed(
        "names outside our zones are asked of the upstreams of [[forward]], not of the root servers",
    )
}

pub(super) fn version(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    text(reading, option, "version")
}

pub(super) fn server_id(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if option.word(1).is_some_and(|word| word.text == "hostname") {
        return Fate::changed("no NSID is sent: write the name of this node to [server] nsid");
    }
    text(reading, option, "nsid")
}

/// A text about this server that clients get; `none`: they get none.
fn text(reading: &mut Reading<'_>, option: &Statement, key: &'static str) -> Fate {
    let word = option.word(1).map_or("", |word| word.text.as_str());
    let shown = if word == "none" { "" } else { word };
    push(reading, key, shown, option);
    Fate::honoured(format!("→ [server] {key}"))
}

fn push(reading: &mut Reading<'_>, key: &'static str, value: impl Into<toml::Value>, option: &Statement) {
    reading.work.draft.server.push(Line { key, value: value.into(), remark: option.keyword() });
}

pub(super) fn cookie_secret(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let text = option.word(1).map_or("", |word| word.text.as_str());
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Fate::dispensable("a secret has 32 hexadecimal digits: make one with `openssl rand -hex 16`");
    }
    if reading.work.draft.server.iter().any(|line| line.key == "cookie-secret") {
        return Fate::changed("one secret is kept: cookies made with another are renewed");
    }
    push(reading, "cookie-secret", text, option);
    Fate::honoured(
        "→ [server] cookie-secret: the config file is for its owner alone, and says how the service may read it",
    )
}

pub(super) fn tcp_clients(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    match number(option).filter(|count| *count > 0) {
        Some(count) => {
            push(reading, "tcp-connections", count, option);
            Fate::honoured("→ [server] tcp-connections")
        }
        None => Fate::dispensable("not a number from 1 on: the default is left as it is"),
    }
}

pub(super) fn tcp_idle(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    // BIND counts tenths of a second.
    match number(option).filter(|tenths| *tenths > 0) {
        Some(tenths) => {
            push(reading, "tcp-idle", format!("{}ms", tenths * 100), option);
            Fate::honoured("→ [server] tcp-idle")
        }
        None => Fate::dispensable("not a number from 1 on: the default is left as it is"),
    }
}

fn number(statement: &Statement) -> Option<u32> {
    // No BIND takes more, and the product with a unit stays small.
    statement.word(1)?.text.parse().ok().filter(|number| *number <= 1 << 20)
}

pub(super) fn rate_limit(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let mut differing = Vec::new();
    for inner in option.block() {
        let line = |key, value| Line { key, value, remark: format!("rate-limit {}", inner.keyword()) };
        match (inner.keyword().as_str(), number(inner)) {
            ("responses-per-second", Some(count)) => {
                reading.work.draft.limit.push(line("responses-per-second", count.into()));
            }
            ("all-per-second", Some(count)) => {
                reading.work.draft.limit.push(line("all-per-second", count.into()));
            }
            ("slip", Some(slip)) => reading.work.draft.limit.push(line("slip", slip.into())),
            ("exempt-clients", _) => {
                let mut clients = reading.clients_without_faults(inner);
                if clients.world().is_none() {
                    let networks = clients.written().into_iter().map(toml::Value::String).collect();
                    reading.work.draft.limit.push(line("exempt", toml::Value::Array(networks)));
                }
            }
            (other, _) => differing.push(other.to_owned()),
        }
    }
    match differing.as_slice() {
        [] => Fate::changed("→ [limit]: counted by each worker, without a window"),
        other => Fate::changed(format!("→ [limit]; without counterpart: {}", other.join(", "))),
    }
}

pub(super) fn statistics(reading: &mut Reading<'_>, statement: &Statement) -> Fate {
    let inet = statement.block().iter().find(|inner| inner.keyword() == "inet");
    let Some(inet) = inet else { return Fate::no_effect("it opens nothing") };
    let words: Vec<_> = inet.words().collect();
    let port = words.iter().position(|word| word.text == "port").and_then(|place| words.get(place + 1));
    let port = port.and_then(|word| address::port(word).ok()).unwrap_or(80);
    let address = words.first().and_then(|word| match word.text.as_str() {
        "*" => Some(everywhere(port)[0]),
        _ => address::socket_address(word, port).ok(),
    });
    let Some(address) = address else {
        return Fate::dispensable("no address: write one with its port to [admin] listen");
    };
    let is_for_some = inet.list().is_some() && !reading.clients_without_faults(inet).is_everybody();
    let is_closed = is_for_some && !address.ip().is_loopback();
    let address = if is_closed { address::on_this_host(address.port())[0] } else { address };
    let remark = "statistics-channels".to_owned();
    let line = Line { key: "listen", value: address.to_string().into(), remark };
    if reading.work.draft.admin.is_empty() {
        reading.work.draft.admin.push(line);
    }
    Fate::changed(if is_closed {
        "→ [admin] listen: any client that can connect may read, so it is on loopback, and its list of clients is not needed"
    } else {
        "→ [admin] listen: /status and /metrics, read-only; any client that can connect may read"
    })
}
