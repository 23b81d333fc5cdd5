//! The fate of each plugin of a server block: those that come with CoreDNS 1.8 to 1.14 are in the list.

use super::super::draft::Line as Key;
use super::super::report::{Fate, FateKind};
use super::super::rule::Rule;
use super::lines::Line;
use super::reading::Reading;
use super::{names, others};

/// A rule that depends on the value.
pub(super) type Function = fn(&mut Reading<'_>, &Line) -> Fate;

type R = Rule<Function>;

const LOG: &str = "the log goes to standard error or the journal; EDGEDNS_LOG sets its level";
const CLOUD: &str = "it asks a service: keep CoreDNS for its zone, and write a [[forward]] to it";

/// What becomes of each plugin.
pub(super) const RULES: &[R] = &[
    // Names.
    R::read(&["hosts"], names::hosts),
    R::read(&["template"], names::template),
    R::read(&["rewrite"], names::rewrite),
    R::read(&["file"], others::file),
    R::read(&["auto"], others::auto),
    R::read(&["secondary"], others::secondary),
    R::read(&["transfer"], others::transfer),
    R::read(&["etcd"], others::etcd),
    R::always(&["root"], FateKind::Honoured, "files are looked for there"),
    R::always(
        &["dnssec", "sign"],
        FateKind::Refused,
        "served unsigned unless you sign them here: `[zone.dnssec]` takes a folder of keys; else take the DS records out of \
         their parents first, or they become bogus",
    ),
    R::always(
        &["kubernetes", "k8s_external", "k8s_gateway", "multicluster", "nomad"],
        FateKind::Refused,
        "names of services are not known here: keep CoreDNS for them, and write a [[forward]] to it",
    ),
    R::always(&["route53", "azure", "clouddns", "grpc"], FateKind::Refused, CLOUD),
    R::always(
        &["geoip", "metadata"],
        FateKind::NoEffect,
        "it tells other plugins of clients: of those, `view` has its block refused",
    ),
    R::always(&["autopath", "dns64", "erratic", "whoami"], FateKind::Refused, "no answers are made up"),
    R::always(&["header"], FateKind::Changed, "flags are as the protocol has them"),
    R::always(&["minimal"], FateKind::Changed, "answers carry what is of use in them"),
    R::always(&["any"], FateKind::Honoured, "ANY gets one RRset (RFC 8482)"),
    R::always(&["loadbalance"], FateKind::Honoured, "records take turns"),
    R::always(&["local"], FateKind::NoEffect, "names of loopback go where all others go"),
    R::always(
        &["chaos"],
        FateKind::Changed,
        "[server] version and nsid say what version.bind and id.server are answered",
    ),
    R::read(&["nsid"], |reading, line| {
        let words: Vec<&str> = line.arguments().iter().map(|word| word.text.as_str()).collect();
        if words.is_empty() {
            return Fate::changed("no NSID is sent: write the name of this node to [server] nsid");
        }
        let remark = "nsid".to_owned();
        reading.work.draft.server.push(Key { key: "nsid", value: words.join(" ").into(), remark });
        Fate::honoured("→ [server] nsid")
    }),
    // Clients.
    R::always(&["bind"], FateKind::Honoured, "→ [server] listen"),
    R::read(&["tls"], |_, line| match line.block.iter().any(|inner| inner.text(0) == "client_auth") {
        true => Fate::changed("→ [tls]; clients are asked for no certificate"),
        false => Fate::honoured("→ [tls]"),
    }),
    // Where a query needs a key or a view, its block is refused.
    R::always(
        &["tsig"],
        FateKind::Refused,
        "write a [[key]], and name it in `allow-transfer`, `notify` or [[zone.update]]",
    ),
    R::always(&["view", "firewall"], FateKind::Refused, "its block is refused"),
    // Others.
    R::read(&["forward", "proxy"], others::forward),
    R::read(&["cache"], others::cache),
    R::always(
        &["loop"],
        FateKind::Honoured,
        "an upstream that sends queries back is found out, and not asked",
    ),
    R::always(&["bufsize"], FateKind::NoEffect, "a UDP response has at most 1232 bytes"),
    R::always(
        &["cancel", "timeouts", "multisocket"],
        FateKind::NoEffect,
        "there is nothing to tune by it here",
    ),
    // How it runs.
    R::always(&["errors", "log", "debug", "trace"], FateKind::NoEffect, LOG),
    R::always(&["dnstap"], FateKind::Changed, "`edgedns trace` shows queries for a while"),
    R::always(&["reload"], FateKind::Honoured, "changed files are served at once: [server] watch"),
    R::always(
        &["health", "ready"],
        FateKind::Changed,
        "/healthz and /readyz of [admin] listen, once that is set",
    ),
    R::read(&["prometheus"], prometheus),
    R::always(&["pprof"], FateKind::NoEffect, "it is of programs in Go"),
    R::always(
        &["startup", "shutdown", "quic", "https", "https3", "grpc_server", "on"],
        FateKind::NoEffect,
        "the service manager decides that",
    ),
];

/// `prometheus [ADDRESS]`.
fn prometheus(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let address = match line.text(1) {
        "" | "localhost:9153" => "127.0.0.1:9153".to_owned(),
        text => text.to_owned(),
    };
    let port = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(9153);
    if reading.work.draft.admin.is_empty() {
        let value = format!("127.0.0.1:{port}").into();
        reading.work.draft.admin.push(Key { key: "listen", value, remark: "prometheus".to_owned() });
    }
    match address.starts_with("127.") || address.starts_with("[::1]") {
        true => Fate::changed("→ [admin] listen: /metrics with names of its own, and the page"),
        false => Fate::changed(
            "→ [admin] listen, on loopback: beyond it the page takes `tls` with `token-file`, or `insecure`",
        ),
    }
}
