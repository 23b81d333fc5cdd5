//! The config file that an import writes: its keys, their order, and where each came from.

use std::fmt::Write;
use std::net::SocketAddr;

use super::word::plain;
use crate::dns::Name;
use crate::probe::Header;
use crate::tsig::{Algorithm, Secret};

/// A network that no client is in (RFC 1122, 3.2.1.3), for a zone that no client may ask: an empty list would
/// look like a mistake there.
const NO_CLIENT: &str = "0.0.0.0/32";

/// Where remarks at the end of a line begin.
const REMARK_COLUMN: usize = 38;

/// A key with its value and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) key: &'static str,
    pub(super) value: toml::Value,
    pub(super) remark: String,
}

/// A zone that is served.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) source: Source,
    pub(super) remark: String,
    /// The clients that see this version of it; none: all that see no version before it.
    pub(super) seen_by: Option<Allowed>,
    /// What this version is called.
    pub(super) view: Option<String>,
    /// The clients that may ask it; none: all.
    pub(super) allow: Option<Allowed>,
    /// The servers that may have it; none: nobody.
    pub(super) transfer: Option<Allowed>,
    /// The servers that are told of changes.
    pub(super) notify: Option<Allowed>,
    /// Who may change it while it is served.
    pub(super) updates: Vec<Updates>,
    /// What guards its names.
    pub(super) guards: Vec<Guard>,
    /// What it is signed with: the lines of `[zone.dnssec]`; none: it is served as its source has it.
    pub(super) signing: Vec<Line>,
}

impl Zone {
    /// A zone that everybody is answered, and nobody has or changes.
    pub(super) fn new(name: Name, source: Source, remark: String) -> Self {
        Self {
            name,
            source,
            remark,
            seen_by: None,
            view: None,
            allow: None,
            transfer: None,
            notify: None,
            updates: Vec::new(),
            guards: Vec::new(),
            signing: Vec::new(),
        }
    }
}

/// What guards some names of a zone: the lines of a `[[zone.probe]]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    pub(super) lines: Vec<Line>,
}

/// Who may change what of a zone; of a copied one, whose updates are passed on: then there are no names and no types.
#[derive(Clone, Debug)]
pub(super) struct Updates {
    pub(super) allow: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) types: Vec<String>,
    pub(super) remark: String,
}

/// Where a zone comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file, relative to the folder of the config file.
    File(String),
    /// These servers.
    Primaries(Vec<String>),
    /// Keys of etcd: the lines of `[zone.etcd]`.
    Etcd(Vec<Line>),
}

/// A key that messages are signed with.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) secret: String,
    pub(super) remark: String,
}

impl Key {
    /// A key that is whole, or why there is none.
    pub(super) fn new(name: &str, algorithm: &str, secret: &str, remark: &str) -> Result<Key, &'static str> {
        let name = name.trim_end_matches('.');
        if name.is_empty() {
            return Err("it has no name");
        }
        let algorithm = algorithm.trim_end_matches('.').to_ascii_lowercase();
        let known = algorithm.parse::<Algorithm>();
        known.map_err(|_| "its algorithm is not known here: make one with hmac-sha256")?;
        Secret::from_base64(secret.as_bytes()).map_err(|_| "its secret is not base64")?;
        Ok(Key { name: name.to_owned(), algorithm, secret: secret.to_owned(), remark: remark.to_owned() })
    }
}

/// Clients that may do something, and where that was written.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    /// Networks as they are written; an empty list means no client.
    pub(super) networks: Vec<String>,
    pub(super) remark: String,
}

/// Names that are asked elsewhere.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    pub(super) zone: Name,
    pub(super) upstream: Upstream,
    /// What else is said of it.
    pub(super) lines: Vec<Line>,
    pub(super) remark: String,
}

impl Forward {
    /// These servers are asked, and nothing else is said.
    pub(super) fn to(zone: Name, servers: Vec<String>, remark: String) -> Self {
        Self { zone, upstream: Upstream::Listed(servers), lines: Vec::new(), remark }
    }
}

/// Whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// These servers.
    Listed(Vec<String>),
    /// Those that `resolv.conf` of the host names.
    System,
}

/// The clients that may ask for forwarded names.
#[derive(Clone, Debug, Default)]
pub(super) enum Allow {
    /// The key is left out: this host and its networks.
    #[default]
    Default,
    /// These.
    These(Allowed),
    /// The other server let the whole world in, by this setting; the key is left out.
    ClosedWorld(String),
}

/// All that the config file will have.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) listen: Vec<SocketAddr>,
    pub(super) listen_remark: String,
    pub(super) server: Vec<Line>,
    pub(super) admin: Vec<Line>,
    pub(super) limit: Vec<Line>,
    pub(super) probe: Vec<Line>,
    pub(super) cache: Vec<Line>,
    pub(super) tls: Vec<Line>,
    pub(super) keys: Vec<Key>,
    pub(super) zones: Vec<Zone>,
    pub(super) forwards: Vec<Forward>,
    pub(super) allow: Allow,
    /// The other server finds upstreams by itself; here they must be configured.
    pub(super) wants_upstream: Option<&'static str>,
}

impl Line {
    /// A key with nothing to remark.
    pub(super) fn new(key: &'static str, value: impl Into<toml::Value>) -> Self {
        Self { key, value: value.into(), remark: String::new() }
    }
}

impl Draft {
    /// The text of the config file. `origin` says what it was made of.
    pub(super) fn text(&self, origin: &str) -> String {
        let mut text = format!(
            "# Made by `edgedns import` from {}.\n# `edgedns check --config` with this file says what is wrong \
             in it and in the zone files.\n\n",
            plain(origin)
        );
        if self.has_secrets() {
            text.push_str(
                "# It has secrets, so that it is for its owner alone. The service may read it by a group of its own: `chgrp GROUP`, \
                 `chmod 640`,\n# and SupplementaryGroups=GROUP below [Service] (`systemctl edit edgedns.service`).\n\n",
            );
        }
        text.push_str("[server]\n");
        let listen = self.listen.iter().map(|address| toml::Value::String(address.to_string())).collect();
        line(&mut text, "listen", &toml::Value::Array(listen), &self.listen_remark);
        lines(&mut text, &self.server);
        let tables = [
            ("tls", &self.tls),
            ("admin", &self.admin),
            ("limit", &self.limit),
            ("probe", &self.probe),
            ("cache", &self.cache),
        ];
        for (table, list) in tables.into_iter().filter(|(_, list)| !list.is_empty()) {
            _ = writeln!(text, "\n[{table}]");
            lines(&mut text, list);
        }
        if self.admin.is_empty() {
            text.push_str("\n# [admin]\n");
            note(
                &mut text,
                "# socket = \"/run/edgedns/control.sock\"",
                "for `edgedns status`, `reload` and `force`",
            );
        }
        for key in &self.keys {
            text.push_str("\n[[key]]\n");
            line(&mut text, "name", &toml::Value::String(key.name.clone()), &key.remark);
            line(&mut text, "algorithm", &toml::Value::String(key.algorithm.clone()), "");
            line(&mut text, "secret", &toml::Value::String(key.secret.clone()), "");
        }
        self.zones.iter().for_each(|zone| write_zone(&mut text, zone));
        for forward in &self.forwards {
            text.push_str("\n[[forward]]\n");
            line(&mut text, "zone", &name(&forward.zone), &forward.remark);
            let upstream = match &forward.upstream {
                Upstream::Listed(servers) => list(servers),
                Upstream::System => toml::Value::String("resolv.conf".to_owned()),
            };
            line(&mut text, "upstream", &upstream, "");
            lines(&mut text, &forward.lines);
            self.write_allow(&mut text);
        }
        if let Some(who) = self.wants_upstream {
            _ = write!(
                text,
                "\n# {who} asked the root servers itself; edgedns asks a resolver that does. Name it here:\n\
                 # [[forward]]\n# zone = \".\"\n# upstream = [\"192.0.2.53\"]\n"
            );
            let mut allow = String::new();
            self.write_allow(&mut allow);
            allow.lines().for_each(|line| _ = writeln!(text, "# {}", line.trim_start_matches("# ")));
        }
        text
    }

    /// Whether it has what others must not read: keys, the secret of cookies, what a probe shows to prove who asks.
    pub(super) fn has_secrets(&self) -> bool {
        let proves = |line: &Line| {
            let headers = line.value.get("headers").and_then(toml::Value::as_table);
            line.key == "dialogue"
                || headers.is_some_and(|headers| headers.keys().any(|name| Header::proves_client(name)))
        };
        let lines = |zone: &Zone| zone.guards.iter().flat_map(|guard| &guard.lines).any(proves);
        !self.keys.is_empty()
            || self.server.iter().any(|line| line.key == "cookie-secret")
            || self.zones.iter().any(lines)
    }

    fn write_allow(&self, text: &mut String) {
        match &self.allow {
            Allow::Default => {}
            Allow::These(Allowed { networks, remark }) => line(text, "allow", &list(networks), remark),
            Allow::ClosedWorld(setting) => {
                _ = writeln!(
                    text,
                    "# {} let the whole world in; without `allow` it is this host and its",
                    plain(setting)
                );
                text.push_str("# networks. If others shall ask: allow = [\"192.0.2.0/24\"]\n");
            }
        }
    }
}

fn write_zone(text: &mut String, zone: &Zone) {
    text.push_str("\n[[zone]]\n");
    line(text, "name", &name(&zone.name), &zone.remark);
    match &zone.source {
        Source::File(file) => line(text, "file", &toml::Value::String(file.clone()), ""),
        Source::Primaries(primaries) => line(text, "primary", &list(primaries), ""),
        // A table of its own, behind the keys of the zone.
        Source::Etcd(_) => {}
    }
    if let Some(Allowed { networks, remark }) = &zone.seen_by {
        line(text, "when-client-in", &list(&or_nobody(networks)), remark);
    }
    if let Some(view) = &zone.view {
        line(text, "view", &toml::Value::String(view.clone()), "");
    }
    if let Some(allow) = &zone.allow {
        write_allow_query(text, allow);
    }
    for (key, servers) in [("allow-transfer", &zone.transfer), ("notify", &zone.notify)] {
        if let Some(Allowed { networks, remark }) = servers.as_ref().filter(|it| !it.networks.is_empty()) {
            line(text, key, &list(networks), remark);
        }
    }
    if let Source::Etcd(keys) = &zone.source {
        text.push_str("\n[zone.etcd]\n");
        lines(text, keys);
    }
    if !zone.signing.is_empty() {
        text.push_str("\n[zone.dnssec]\n");
        lines(text, &zone.signing);
    }
    for guard in &zone.guards {
        text.push_str("\n[[zone.probe]]\n");
        lines(text, &guard.lines);
    }
    for Updates { allow, names, types, remark } in &zone.updates {
        text.push_str("\n[[zone.update]]\n");
        line(text, "allow", &list(allow), remark);
        for (key, words) in [("names", names), ("types", types)] {
            if !words.is_empty() {
                line(text, key, &list(words), "");
            }
        }
    }
}

fn write_allow_query(text: &mut String, allow: &Allowed) {
    let remark = match allow.networks.as_slice() {
        [] => format!("no client has this address; {}", allow.remark),
        _ => allow.remark.clone(),
    };
    line(text, "allow-query", &list(&or_nobody(&allow.networks)), &remark);
}

/// The networks, or one that no client is in.
fn or_nobody(networks: &[String]) -> Vec<String> {
    if networks.is_empty() { vec![NO_CLIENT.to_owned()] } else { networks.to_vec() }
}

fn lines(text: &mut String, lines: &[Line]) {
    for it in lines {
        line(text, it.key, &it.value, &it.remark);
    }
}

fn line(text: &mut String, key: &str, value: &toml::Value, remark: &str) {
    note(text, &format!("{key} = {}", on_one_line(value)), remark);
}

/// A value as one line has it: a text of several lines with escapes.
fn on_one_line(value: &toml::Value) -> String {
    let written = value.to_string();
    if !written.contains('\n') {
        return written;
    }
    match value {
        toml::Value::Array(items) => {
            format!("[{}]", items.iter().map(on_one_line).collect::<Vec<_>>().join(", "))
        }
        toml::Value::Table(table) => {
            let entry = |(key, value): (&String, &toml::Value)| {
                let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                let key = if !key.is_empty() && key.bytes().all(is_bare) { key.clone() } else { quoted(key) };
                format!("{key} = {}", on_one_line(value))
            };
            format!("{{ {} }}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        toml::Value::String(text) => quoted(text),
        _ => written,
    }
}

/// A text between quotes. What JSON escapes TOML does, and one letter more.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A line with a remark behind it, if there is something to remark.
fn note(text: &mut String, line: &str, remark: &str) {
    if remark.is_empty() {
        _ = writeln!(text, "{line}");
    } else {
        _ = writeln!(text, "{line:<REMARK_COLUMN$} # {}", plain(remark));
    }
}

/// A list of texts as a value.
pub(super) fn list(words: &[String]) -> toml::Value {
    toml::Value::Array(words.iter().cloned().map(toml::Value::String).collect())
}

fn name(name: &Name) -> toml::Value {
    let text = name.to_string();
    let short = text.strip_suffix('.').filter(|short| !short.is_empty());
    toml::Value::String(short.unwrap_or(&text).to_owned())
}
