//! Settings of `pdns.conf` whose fate depends on their value. The others are in `rules`.

use std::net::{IpAddr, SocketAddr};

use super::super::address::{self, DNS_PORT, on_this_host};
use super::super::draft::{Allowed, Line};
use super::super::listeners::{self, addresses_of, faulty_listener};
use super::super::netmasks;
use super::super::networks::LIST_MAX;
use super::super::report::Fate;
use super::super::server_setting::{ServerSetting, ServerSettings};
use super::reading::{Front, Reading, is_kept};
use crate::source::{Diagnostic, Severity};

/// PowerDNS's UDP payload limit, which is ours, too.
const UDP_PAYLOAD: &str = "1232";

pub(super) fn launch(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let backends = setting.items(&[',', ' ']);
    let mut refused = Vec::new();
    for word in &backends {
        match word.text.as_str() {
            "bind" => {}
            "geoip" => {
                let fault = Diagnostic::warning(word.span, "the backend `geoip` is not taken over");
                reading.work.found.push(fault.help("`pickclosest` chooses at random, as without GeoIP data"));
            }
            other => {
                let message = format!("only zone files are read, not the backend `{other}`");
                let help = "write each zone to a file with `pdnsutil list-zone ZONE`, name the files in a \
                            bind.conf, and import that";
                reading.work.found.push(Diagnostic::error(word.span, message).help(help));
                refused.push(other.to_owned());
            }
        }
    }
    match refused.as_slice() {
        [] => Fate::honoured("zone files are read as they are"),
        refused => Fate::refused(format!("{}: write its zones to files first", refused.join(", "))),
    }
}

pub(super) fn bind_config(reading: &mut Reading<'_>, _: &ServerSetting) -> Fate {
    reading.zones.clone()
}

pub(super) fn bind_dnssec_db(reading: &mut Reading<'_>, _: &ServerSetting) -> Fate {
    reading.signing.clone()
}

pub(super) fn include_dir(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    listeners::include_dir(reading.work, setting, reading.path)
}

pub(super) fn bind_check_interval(_: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    match setting.text().text.as_str() {
        "" | "0" => {
            Fate::changed("changed files are served at once; [server] watch = false: on `edgedns reload`")
        }
        _ => Fate::honoured("→ [server] watch, which is on: changed files are served at once"),
    }
}

pub(super) fn local_address(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if let Some(fate) = faulty_listener(setting) {
        return fate;
    }
    let Front::Recursor(front) = reading.front else { return Fate::honoured("→ [server] listen") };
    if setting.name == "local-port" {
        return Fate::changed("clients ask where pdns-recursor was asked: one server, one hop less");
    }
    let here: Vec<_> = addresses_of(setting, address::DNS_PORT).into_iter().filter_map(Result::ok).collect();
    let is_here = |own: &&SocketAddr| here.iter().any(|it| it.ip() == own.ip());
    let kept = reading.own.iter().filter(is_here).filter(|own| is_kept(**own, front));
    let kept: Vec<String> = kept.map(ToString::to_string).collect();
    match kept.as_slice() {
        [] => Fate::changed("only pdns-recursor asked there: its addresses are listened on, and this is not"),
        kept => Fate::honoured(format!("→ [server] listen: {}, beside the recursor's", kept.join(", "))),
    }
}

pub(super) fn tcp_idle(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    number(reading, setting, |seconds| match seconds {
        0 => Err("0 is not a duration"),
        _ => Ok(line("tcp-idle", format!("{seconds}s"), setting)),
    })
}

pub(super) fn tcp_connections(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    number(reading, setting, |count| match count {
        0 => Err("0 would admit no client"),
        _ => Ok(line("tcp-connections", count, setting)),
    })
}

pub(super) fn tcp_connections_per_client(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.text().text == "0" {
        return Fate::changed(
            "no limit there; here 100 connections of one client, [server] tcp-connections-per-client",
        );
    }
    number(reading, setting, |count| Ok(line("tcp-connections-per-client", count, setting)))
}

/// A whole number that becomes a line of `[server]`.
fn number(
    reading: &mut Reading<'_>,
    setting: &ServerSetting,
    make: impl FnOnce(u32) -> Result<Line, &'static str>,
) -> Fate {
    let word = setting.text();
    let made = match word.text.parse::<u32>() {
        Ok(number) => make(number),
        Err(_) => Err("not a number"),
    };
    match made {
        Ok(made) => {
            let fate = Fate::honoured(format!("→ [server] {}", made.key));
            reading.work.draft.server.push(made);
            fate
        }
        Err(why) => {
            let message = format!("`{}` is not a value of `{}`: {why}", word.text, setting.name);
            reading.work.found.push(Diagnostic::warning(word.span, message));
            Fate::dispensable("no value of it: the default is left as it is")
        }
    }
}

fn line(key: &'static str, value: impl Into<toml::Value>, setting: &ServerSetting) -> Line {
    Line { key, value: value.into(), remark: setting.name.clone() }
}

pub(super) fn udp_truncation_threshold(_: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    match setting.text().text.as_str() {
        UDP_PAYLOAD => Fate::honoured("it is the same here"),
        _ => Fate::changed("a UDP response has at most 1232 bytes, whatever the client says"),
    }
}

pub(super) fn server_id(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let word = setting.text();
    if matches!(word.text.as_str(), "" | "disabled") {
        return Fate::honoured("no NSID is sent without [server] nsid");
    }
    reading.work.draft.server.push(line("nsid", word.text, setting));
    Fate::honoured("→ [server] nsid")
}

pub(super) fn version_string(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let text = match setting.text().text.as_str() {
        "full" | "powerdns" => {
            return Fate::changed("clients get `edgedns`; [server] version sets another text");
        }
        "anonymous" => String::new(),
        other => other.to_owned(),
    };
    reading.work.draft.server.push(line("version", text, setting));
    Fate::honoured("→ [server] version")
}

pub(super) fn cookie_secret(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let text = setting.text().text;
    if text.is_empty() {
        return Fate::honoured("chance makes a secret at each start");
    }
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Fate::dispensable("a secret has 32 hexadecimal digits: make one with `openssl rand -hex 16`");
    }
    reading.work.draft.server.push(line("cookie-secret", text, setting));
    Fate::honoured(
        "→ [server] cookie-secret: the config file is for its owner alone, and says how the service may read it",
    )
}

pub(super) fn enable_lua_records(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.is_on_by_mistake() {
        let word = setting.text();
        let fault = Diagnostic::warning(word.span, format!("`{}` says yes to PowerDNS", word.text));
        reading.work.found.push(fault.help("only `no` and `off` say no"));
    }
    if setting.is_on() {
        return Fate::honoured("LUA records are always read");
    }
    Fate::changed("LUA records are always read; PowerDNS leaves them out, as if the names were not there")
}

pub(super) fn health_checks_interval(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let word = setting.text();
    match word.text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => {
            reading.work.draft.probe.push(line("interval", format!("{seconds}s"), setting));
            Fate::honoured("→ [probe] interval; the default here is 1s")
        }
        _ => {
            let message = format!("`{}` is not a number of seconds", word.text);
            reading.work.found.push(Diagnostic::warning(word.span, message));
            Fate::dispensable("not seconds: the default of [probe] interval, 1s, is left as it is")
        }
    }
}

pub(super) fn disable_axfr(_: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.is_on() {
        Fate::honoured("AXFR is REFUSED")
    } else {
        Fate::honoured("see `allow-axfr-ips`; without it AXFR is REFUSED")
    }
}

pub(super) fn allow_axfr(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    let transfers_are_off = reading.settings.is_on("disable-axfr") == Some(true);
    let mut clients = netmasks::clients_of(setting, &mut Vec::new());
    match clients.world().cloned() {
        Some(word) if !transfers_are_off => {
            let fault = Diagnostic::warning(word.span, "an open door: everybody may transfer the zones");
            let help =
                "nothing to do for edgedns, which refuses AXFR; close it where PowerDNS goes on running";
            reading.work.found.push(fault.help(help));
            Fate::changed("an open door, closed: AXFR is REFUSED to everybody")
        }
        _ if transfers_are_off => Fate::no_effect("`disable-axfr`: AXFR is REFUSED"),
        _ => {
            let networks = clients.written();
            for zone in &mut reading.work.draft.zones {
                let remark = "allow-axfr-ips of pdns.conf".to_owned();
                zone.transfer = Some(Allowed { networks: networks.clone(), remark });
            }
            match clients.lost() {
                [] => Fate::honoured("→ [[zone]] allow-transfer"),
                lost => Fate::changed(format!("→ [[zone]] allow-transfer without {}", lost.join(", "))),
            }
        }
    }
}

/// Why nobody is told of a zone.
pub(super) const TELLS_NOBODY: &str = "PowerDNS tells nobody without `primary`";

/// Whether PowerDNS tells others of its zones.
pub(super) fn tells(settings: &ServerSettings) -> bool {
    ["primary", "master"].iter().any(|name| settings.is_on(name) == Some(true))
}

/// A server by its address and perhaps its port.
pub(super) fn server(text: &str) -> Option<String> {
    let usual = || text.parse::<IpAddr>().map(|ip| SocketAddr::from((ip, DNS_PORT)));
    text.parse::<SocketAddr>().or_else(|_| usual()).ok().map(address::upstream)
}

pub(super) fn also_notify(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.is_empty() {
        return Fate::honoured("nothing to do: nobody is told");
    }
    if !tells(reading.settings) {
        return Fate::no_effect(TELLS_NOBODY);
    }
    let (mut servers, mut lost, mut beyond) = (Vec::new(), Vec::new(), Vec::new());
    for word in setting.items(&[',', ' ', '\t', ';']) {
        match server(&word.text) {
            Some(server) if servers.contains(&server) => {}
            Some(server) if servers.len() >= LIST_MAX => beyond.push(server),
            Some(server) => servers.push(server),
            None => lost.push(format!("`{}`", word.text)),
        }
    }
    for zone in &mut reading.work.draft.zones {
        let remark = "also-notify of pdns.conf".to_owned();
        zone.notify = Some(Allowed { networks: servers.clone(), remark });
    }
    if let Some(first) = beyond.first() {
        let text =
            format!("→ [[zone]] notify without {first} and what follows: a list has {LIST_MAX} at most");
        return Fate::refused(text);
    }
    match lost.as_slice() {
        [] => Fate::honoured("→ [[zone]] notify"),
        lost => {
            Fate::changed(format!("→ [[zone]] notify without {}, which are no addresses", lost.join(", ")))
        }
    }
}

pub(super) fn webserver(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if !setting.is_on() {
        return Fate::honoured("nothing listens without [admin] listen");
    }
    let listen = match webserver_listens(reading) {
        Ok(listen) => listen,
        Err(fate) => return fate,
    };
    let is_closed = is_for_some(reading, listen) && !listen.ip().is_loopback();
    let listen = if is_closed { on_this_host(listen.port())[0] } else { listen };
    reading.work.draft.admin.push(line("listen", listen.to_string(), setting));
    if is_closed {
        return Fate::changed(NO_LIST);
    }
    Fate::honoured(
        "→ [admin] listen: /metrics as there, /status for /jsonstat, read-only and without password",
    )
}

/// What becomes of a web server that not everybody may ask.
const NO_LIST: &str = "→ [admin] listen on loopback: it has neither a list of clients nor a password, so only this host may connect";

/// Where the web server listens; what is wrong with that is pushed.
fn webserver_listens(reading: &mut Reading<'_>) -> Result<SocketAddr, Fate> {
    let get =
        |name: &str| reading.settings.get(name).map(ServerSetting::text).filter(|word| !word.text.is_empty());
    // PowerDNS has 8081 and loopback.
    let port = get("webserver-port").map_or(Ok(8081), |word| address::port(&word));
    let listens = port.and_then(|port| {
        let loopback = SocketAddr::from(([127, 0, 0, 1], port));
        get("webserver-address").map_or(Ok(loopback), |word| address::socket_address(&word, port))
    });
    listens.map_err(|fault| {
        reading.work.found.push(softened(fault));
        Fate::dispensable("no address and port: write them to [admin] listen")
    })
}

/// A fault without which everything is served.
fn softened(fault: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..fault }
}

/// Whether the web server restricts its clients: by address, which is loopback by default, or by password.
fn is_for_some(reading: &Reading<'_>, listen: SocketAddr) -> bool {
    let has_password = reading.settings.get("webserver-password").is_some_and(|setting| !setting.is_empty());
    let allow = reading.settings.get("webserver-allow-from");
    let is_open =
        allow.is_some_and(|setting| netmasks::clients_of(setting, &mut Vec::new()).is_world_of(listen.ip()));
    has_password || !is_open
}

pub(super) fn webserver_address(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if reading.settings.is_on("webserver") != Some(true) {
        return Fate::no_effect("`webserver` is off");
    }
    let listen = match webserver_listens(reading) {
        Ok(listen) => listen,
        Err(fate) => return fate,
    };
    if listen.ip().is_loopback() {
        return Fate::honoured("→ [admin] listen");
    }
    if is_for_some(reading, listen) {
        return Fate::changed(NO_LIST);
    }
    if setting.name == "webserver-address" {
        let fault = Diagnostic::warning(
            setting.text().span,
            "an open door: any client that reaches this address sees the status",
        );
        let help = "[admin] listen on 127.0.0.1, or keep strangers out with a firewall";
        reading.work.found.push(fault.help(help));
    }
    Fate::honoured("→ [admin] listen")
}

pub(super) fn webserver_allow_from(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if reading.settings.is_on("webserver") != Some(true) {
        return Fate::no_effect("`webserver` is off");
    }
    if let Some(word) = netmasks::clients_of(setting, &mut Vec::new()).world() {
        reading
            .work
            .found
            .push(Diagnostic::warning(word.span, "an open door: everybody may ask the web server"));
    }
    Fate::changed(
        "any client that can connect to [admin] listen may read: its address decides, or a firewall",
    )
}

pub(super) fn webserver_password(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    warn_of_secret(reading, setting);
    Fate::changed("[admin] listen has no password: it changes nothing and shows no secret")
}

pub(super) fn api(reading: &mut Reading<'_>, setting: &ServerSetting) -> Fate {
    if setting.name == "api-key" {
        warn_of_secret(reading, setting);
    }
    if setting.name != "api-key" && !setting.is_on() {
        return Fate::honoured("nothing can be changed over HTTP");
    }
    Fate::changed("nothing can be changed over HTTP; `edgedns reload` and `force` use [admin] socket")
}

/// Warns that a file has a secret, without showing it.
fn warn_of_secret(reading: &mut Reading<'_>, setting: &ServerSetting) {
    if setting.is_empty() {
        return;
    }
    let place = reading.work.sources.place(setting.span);
    let message =
        format!("{}:{}: `{}` is a secret that is not needed any more", place.path, place.line, setting.name);
    let fault = Diagnostic::placeless(Severity::Warning, message);
    reading.work.found.push(fault.help("change it where else it is used, and remove the file"));
}
