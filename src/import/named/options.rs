//! Options of `named.conf` whose fate depends on their value.
//!
//! Responsible for reading a value and for the key it becomes.
//! Not responsible for options that always have the same fate: those are `rules`.

use std::net::SocketAddr;

use super::super::address::{self, Clients, everywhere};
use super::super::draft::{Allow, Line};
use super::super::report::Fate;
use super::super::statement::Statement;
use super::Reading;
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
    pub(super) fn servers(&mut self, list: &Statement) -> Vec<String> {
        let port_of = |statement: &Statement| {
            let words: Vec<_> = statement.words().collect();
            let place = words.iter().position(|word| word.text == "port")?;
            words.get(place + 1).and_then(|word| address::port(word).ok())
        };
        let usual = port_of(list).unwrap_or(address::DNS_PORT);
        let mut servers = Vec::new();
        for server in list.block() {
            let Some(word) = server.word(0) else { continue };
            if server.words().any(|word| word.text == "tls") {
                let fault = Diagnostic::error(word.span, "a server that is asked over TLS");
                let help =
                    "write it into [[forward]] upstream with its name: \"tls://192.0.2.1#dns.example.com\"";
                self.work.found.push(fault.help(help));
                continue;
            }
            match address::socket_address(word, port_of(server).unwrap_or(usual)) {
                Ok(address) => servers.push(address::upstream(address)),
                Err(fault) => self.work.found.push(fault),
            }
        }
        servers
    }

    fn listen(&mut self, option: &Statement, family: Family) -> Fate {
        let words: Vec<_> = option.words().collect();
        let named = words.iter().position(|word| word.text == "port").and_then(|place| words.get(place + 1));
        let port = match named.map(|word| address::port(word)) {
            Some(Ok(port)) => port,
            Some(Err(fault)) => {
                self.work.found.push(fault);
                return Fate::refused("write its addresses and port to [server] listen");
            }
            None => self.port(),
        };
        if words.iter().any(|word| matches!(word.text.as_str(), "tls" | "http" | "proxy")) {
            return Fate::refused("only UDP and TCP are served: let clients ask those");
        }
        let place = match family {
            Family::V4 => 0,
            Family::V6 => 1,
        };
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for element in option.block() {
            let Some(word) = element.word(0) else { continue };
            match word.text.as_str() {
                "none" => {}
                "any" => addresses.push(everywhere(port)[place]),
                _ => match address::socket_address(word, port) {
                    Ok(address) => addresses.push(address),
                    Err(fault) => {
                        self.work
                            .found
                            .push(fault.help("a listener is an address: networks and names are none"));
                    }
                },
            }
        }
        self.listen[place].get_or_insert_default().extend(addresses);
        Fate::honoured("→ [server] listen")
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
            Fate::refused("port 53 is listened on")
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
    let upstream = reading.servers(option);
    reading.forward(Name::root(), upstream, option)
}

pub(super) fn forward(_: &mut Reading<'_>, option: &Statement) -> Fate {
    match option.word(1).map(|word| word.text.as_str()) {
        Some("only") => Fate::honoured("nobody is asked but the upstreams"),
        _ => Fate::changed(
            "nobody is asked but the upstreams: when they are gone, stale answers are all there is",
        ),
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

pub(super) fn allow_recursion(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if !reading.recurses() {
        return Fate::no_effect("`recursion no`: nothing is forwarded");
    }
    // The first of these that is given counts, as in BIND.
    let names = ["allow-recursion", "allow-query-cache", "allow-query"];
    let counts = names.iter().find(|name| reading.get(name).is_some());
    if counts.is_some_and(|counts| *counts != option.keyword()) {
        return Fate::no_effect("another list counts for names of others: see `allow-recursion`");
    }
    match reading.clients(option) {
        Clients::World(word) => {
            reading.work.draft.allow = Allow::ClosedWorld(format!("{} of named.conf", option.keyword()));
            let fault = Diagnostic::warning(word.span, "an open door: this lets the whole world in")
                .remark("a resolver that answers everybody is used to flood others")
                .help("not taken over: without [[forward]] allow it is this host and its networks");
            reading.work.found.push(fault);
            Fate::changed("an open door, closed: this host and its networks, without [[forward]] allow")
        }
        Clients::Networks(networks) if networks.is_empty() => {
            reading.work.draft.allow = Allow::Nobody;
            Fate::honoured("nobody may ask for names of others: there is no [[forward]]")
        }
        Clients::Networks(networks) => {
            let remark = format!("{} of named.conf", option.keyword());
            reading.work.draft.allow = Allow::Networks(networks, remark);
            Fate::honoured("→ [[forward]] allow")
        }
    }
}

pub(super) fn allow_query(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if reading.recurses() {
        // It says who may ask for names of others, too, where no other list does.
        allow_recursion(reading, option);
    }
    zone_allow_query(reading, option)
}

pub(super) fn zone_allow_query(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    match reading.clients(option) {
        Clients::World(_) => Fate::honoured("names of our zones are answered to everybody"),
        Clients::Networks(_) => {
            Fate::changed("names of our zones are answered to everybody: write [[zone]] allow-query")
        }
    }
}

pub(super) fn allow_transfer(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    match reading.clients(option) {
        Clients::World(word) => {
            let fault = Diagnostic::warning(word.span, "an open door: everybody may transfer the zones");
            let help = "nothing to do for edgedns, which refuses AXFR; close it where BIND goes on running";
            reading.work.found.push(fault.help(help));
            Fate::changed("an open door, closed: AXFR is REFUSED to everybody")
        }
        Clients::Networks(networks) if networks.is_empty() => Fate::honoured("AXFR is REFUSED"),
        Clients::Networks(_) => Fate::changed("AXFR is REFUSED: a secondary gets no more versions"),
    }
}

pub(super) fn version(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    text(reading, option, "version")
}

pub(super) fn server_id(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    if option.word(1).is_some_and(|word| word.text == "hostname") {
        return Fate::changed("nothing is told: write the name of this node to [server] nsid");
    }
    text(reading, option, "nsid")
}

/// What is told of this server; `none` tells nothing.
fn text(reading: &mut Reading<'_>, option: &Statement, key: &'static str) -> Fate {
    let word = option.word(1).map_or("", |word| word.text.as_str());
    let said = if word == "none" { "" } else { word };
    push(reading, key, said, option);
    Fate::honoured(format!("→ [server] {key}"))
}

fn push(reading: &mut Reading<'_>, key: &'static str, value: impl Into<toml::Value>, option: &Statement) {
    reading.work.draft.server.push(Line { key, value: value.into(), remark: option.keyword() });
}

pub(super) fn cookie_secret(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    let text = option.word(1).map_or("", |word| word.text.as_str());
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Fate::refused("a secret has 32 hexadecimal digits: make one with `openssl rand -hex 16`");
    }
    if reading.work.draft.server.iter().any(|line| line.key == "cookie-secret") {
        return Fate::changed("one secret is kept: cookies made with another are renewed");
    }
    push(reading, "cookie-secret", text, option);
    Fate::honoured("→ [server] cookie-secret: let nobody else read the config file")
}

pub(super) fn tcp_clients(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    match number(option).filter(|count| *count > 0) {
        Some(count) => {
            push(reading, "tcp-connections", count, option);
            Fate::honoured("→ [server] tcp-connections")
        }
        None => Fate::refused("not a number from 1 on: the default is left as it is"),
    }
}

pub(super) fn tcp_idle(reading: &mut Reading<'_>, option: &Statement) -> Fate {
    // BIND counts tenths of a second.
    match number(option).filter(|tenths| *tenths > 0) {
        Some(tenths) => {
            push(reading, "tcp-idle", format!("{}ms", tenths * 100), option);
            Fate::honoured("→ [server] tcp-idle")
        }
        None => Fate::refused("not a number from 1 on: the default is left as it is"),
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
                if let Clients::Networks(networks) = reading.clients(inner) {
                    let networks = networks.into_iter().map(toml::Value::String).collect();
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
    let Some(address) = address else { return Fate::refused("write its address and port to [admin] listen") };
    let remark = "statistics-channels".to_owned();
    let line = Line { key: "listen", value: address.to_string().into(), remark };
    if reading.work.draft.admin.is_empty() {
        reading.work.draft.admin.push(line);
    }
    Fate::changed("→ [admin] listen: /status and /metrics, read-only; whoever can connect may read")
}
