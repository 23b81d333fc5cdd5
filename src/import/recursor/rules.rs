//! The fate of each setting of pdns-recursor, by the names of the old form: every name that pdns-recursor 4.1
//! to 5.5 knows is in the list.

use super::super::listeners::{faulty_listener, include_dir};
use super::super::report::{Fate, FateKind};
use super::super::rule::Rule;
use super::super::server_setting::ServerSetting;
use super::forward;
use super::reading::Reading;

/// A rule that depends on the value.
pub(super) type Function = fn(&mut Reading<'_>, &ServerSetting) -> Fate;

type R = Rule<Function>;

const CACHE: &str = "the cache of forwarded answers has keys of its own";
const VALIDATION: &str = "answers are not validated here: leave that to the upstream";
const RECURSION: &str =
    "it is of asking the root servers and those below; only the upstreams of [[forward]] are asked";
const ECS: &str = "EDNS Client Subnet is not sent";
const LOG: &str = "the log goes to standard error or the journal; EDGEDNS_LOG sets its level";
const FIGURES: &str = "figures are fetched, not sent: [admin] listen, /metrics";
const SERVICE: &str = "the service manager decides that";
const THREADS: &str = "one UDP thread per core answers; fewer with [server] workers";
const OUTGOING: &str = "how upstreams are asked has keys of its own";
const TRANSFER: &str = "nothing is transferred or notified of";

/// What becomes of each setting.
pub(super) const RULES: &[R] = &[
    // Upstreams.
    R::read_each(&["forward-zones", "forward-zones-recurse"], forward::forward_zones),
    R::read(&["forward-zones-file"], forward::forward_zones_file),
    R::read_each(&["auth-zones"], forward::auth_zones),
    R::unless_off(
        &["forwarding-catalog-zones"],
        FateKind::Refused,
        "catalogs are not read: write a [[forward]] block for each zone",
    ),
    R::always(&["dont-query"], FateKind::NoEffect, "only the upstreams are asked: those of [[forward]]"),
    R::always(&["hint-file"], FateKind::NoEffect, "the root servers are not asked"),
    // Clients, and where they ask.
    R::read_each(&["allow-from", "allow-from-file"], |reading, setting| reading.report_clients(setting)),
    R::unless_off(&["allow-no-rd"], FateKind::Changed, "queries without RD get names of our zones only"),
    R::read_each(&["local-address", "local-port"], |_, setting| {
        faulty_listener(setting).unwrap_or_else(|| Fate::honoured("→ [server] listen"))
    }),
    R::always(
        &["non-local-bind"],
        FateKind::NoEffect,
        "edgedns listens on addresses that this host does not have yet",
    ),
    R::unless_off(
        &["proxy-protocol-from", "proxymappings"],
        FateKind::Refused,
        "the proxy protocol is not understood: let clients ask directly",
    ),
    R::always(&["proxy-protocol-exceptions", "proxy-protocol-maximum-size"], FateKind::NoEffect, "as above"),
    R::always(
        &["max-tcp-clients", "max-tcp-per-client", "client-tcp-timeout"],
        FateKind::NoEffect,
        "[server] tcp-connections, tcp-connections-per-client and tcp-idle have defaults of their own",
    ),
    R::always(
        &["max-tcp-queries-per-connection", "max-concurrent-requests-per-tcp-connection", "tcp-fast-open"],
        FateKind::NoEffect,
        "a connection stays as long as it is used",
    ),
    R::always(
        &["any-to-tcp"],
        FateKind::NoEffect,
        "ANY gets one RRset (RFC 8482), which fits into a datagram",
    ),
    R::always(&["udp-truncation-threshold"], FateKind::NoEffect, "a UDP response has at most 1232 bytes"),
    R::always(
        &["allow-notify-for", "allow-notify-for-file", "allow-notify-from", "allow-notify-from-file"],
        FateKind::NoEffect,
        TRANSFER,
    ),
    // What is answered.
    R::unless_off(
        &["export-etc-hosts"],
        FateKind::Refused,
        "/etc/hosts is not answered from: write its names into a zone file",
    ),
    R::always(
        &["etc-hosts-file", "export-etc-hosts-search-suffix"],
        FateKind::NoEffect,
        "/etc/hosts is not read",
    ),
    R::always(
        &["serve-rfc1918", "serve-rfc6303"],
        FateKind::Changed,
        "reverse names of private addresses go to the upstream like all others",
    ),
    R::unless_off(
        &["dns64-prefix"],
        FateKind::Refused,
        "no AAAA records are made up: let the upstream do that",
    ),
    R::unless_off(
        &["rpzs", "lua-config-file", "lua-dns-script", "lua-global-include-dir", "lua-start-stop-script"],
        FateKind::Refused,
        "no Lua is run and no policy is applied: look what it does, and leave that to the upstream",
    ),
    R::always(&["lua-maintenance-interval"], FateKind::NoEffect, "no Lua is run"),
    R::unless_off(
        &["sortlists", "allowed-additional-qtypes"],
        FateKind::Changed,
        "responses come as the upstream gives them",
    ),
    R::always(&["no-shuffle"], FateKind::NoEffect, "responses come as the upstream gives them"),
    R::always(&["server-id"], FateKind::NoEffect, "`server-id` of pdns.conf counts: [server] nsid"),
    R::always(
        &["version-string"],
        FateKind::NoEffect,
        "`version-string` of pdns.conf counts: [server] version",
    ),
    R::always(
        &["extended-resolution-errors"],
        FateKind::Honoured,
        "refusals and stale answers say why (RFC 8914)",
    ),
    R::always(&["use-incoming-edns-subnet"], FateKind::NoEffect, ECS),
    R::always(
        &["edns-padding-from", "edns-padding-mode", "edns-padding-tag", "gettag-needs-edns-options"],
        FateKind::NoEffect,
        "nothing is padded",
    ),
    // Validation.
    R::read(&["dnssec"], |_, setting| match setting.text().text.as_str() {
        "off" | "process-no-validate" => Fate::honoured("answers are not validated here, either"),
        _ => Fate::changed(VALIDATION),
    }),
    R::always(
        &[
            "aggressive-nsec-cache-size",
            "aggressive-cache-min-nsec3-hit-ratio",
            "aggressive-cache-max-nsec3-hash-cost",
            "dnssec-disabled-algorithms",
            "dnssec-log-bogus",
            "nsec3-max-iterations",
            "max-rrsigs-per-record",
            "max-nsec3s-per-record",
            "max-signature-validations-per-query",
            "max-nsec3-hash-computations-per-query",
            "max-ds-per-zone",
            "max-dnskeys",
            "signature-inception-skew",
            "x-dnssec-names",
            "trustanchors",
            "negative-trustanchors",
            "nta-extended-error",
            "trustanchorfile",
            "trustanchorfile-interval",
            "allow-trust-anchor-query",
        ],
        FateKind::NoEffect,
        VALIDATION,
    ),
    // Recursion, which edgedns does not do.
    R::always(
        &[
            "max-chain-length",
            "max-cnames-followed",
            "max-recursion-depth",
            "max-total-msec",
            "nothing-below-nxdomain",
            "public-suffix-list-file",
            "qname-minimization",
            "qname-max-minimize-count",
            "qname-minimize-one-label",
            "root-nx-trust",
            "save-parent-ns-set",
            "dot-to-auth-names",
            "max-busy-dot-probes",
            "max-qperq",
            "max-bytesperq",
            "max-ns-address-qperq",
            "max-ns-per-resolve",
            "non-resolving-ns-max-fails",
            "non-resolving-ns-throttle-time",
            "max-generate-steps",
            "max-include-depth",
            "spoof-nearmiss-max",
        ],
        FateKind::NoEffect,
        RECURSION,
    ),
    R::always(
        &[
            "out-any-to-tcp",
            "dont-throttle-names",
            "dont-throttle-netmasks",
            "dot-to-port-853",
            "edns-outgoing-bufsize",
            "edns-padding-out",
            "edns-subnet-harden",
            "lowercase-outgoing",
            "network-timeout",
            "server-down-max-fails",
            "server-down-throttle-time",
            "bypass-server-throttling-probability",
            "single-socket",
            "tcp-fast-open-connect",
            "tcp-out-max-idle-ms",
            "tcp-out-max-idle-per-auth",
            "tcp-out-max-queries",
            "tcp-out-max-idle-per-thread",
            "udp-source-port-min",
            "udp-source-port-max",
            "udp-source-port-avoid",
            "outgoing-cookies",
            "outgoing-cookies-unsupported",
            "system-resolver-ttl",
            "system-resolver-interval",
            "system-resolver-self-resolve-check",
        ],
        FateKind::NoEffect,
        OUTGOING,
    ),
    R::unless_off(
        &["tls-configurations"],
        FateKind::Changed,
        "write upstreams over TLS as \"tls://192.0.2.1#dns.example.com\"",
    ),
    R::read(&["query-local-address"], |_, setting| {
        let is_any = |text: &str| matches!(text, "0.0.0.0" | "::");
        match setting.items(&[',', ' ']).iter().all(|word| is_any(&word.text)) {
            true => Fate::honoured("the system chooses the address to ask from"),
            false => Fate::changed("the system chooses the address to ask from: a route can say otherwise"),
        }
    }),
    R::always(
        &[
            "ecs-add-for",
            "ecs-ipv4-bits",
            "ecs-ipv4-cache-bits",
            "ecs-ipv6-bits",
            "ecs-ipv6-cache-bits",
            "ecs-ipv4-never-cache",
            "ecs-ipv6-never-cache",
            "ecs-minimum-ttl-override",
            "ecs-cache-limit-ttl",
            "ecs-scope-zero-address",
            "edns-subnet-allow-list",
            "edns-subnet-whitelist",
        ],
        FateKind::NoEffect,
        ECS,
    ),
    // The cache.
    R::always(
        &[
            "disable-packetcache",
            "max-packetcache-entries",
            "max-packetcache-entry-size",
            "packetcache-ttl",
            "packetcache-negative-ttl",
            "packetcache-servfail-ttl",
            "packetcache-shards",
            "max-cache-bogus-ttl",
            "max-cache-entries",
            "max-cache-ttl",
            "max-recordcache-entry-size",
            "limit-qtype-any",
            "max-rrset-size",
            "max-negative-ttl",
            "record-cache-locked-ttl-perc",
            "record-cache-shards",
            "refresh-on-ttl-perc",
            "serve-stale-extensions",
            "minimum-ttl-override",
            "soa-minimum-ttl",
            "recordcache-zonetocaches",
            "recordcache-keepwarm",
        ],
        FateKind::NoEffect,
        CACHE,
    ),
    // The operator's side.
    R::unless_off(
        &["webserver"],
        FateKind::Changed,
        "[admin] listen shows the whole server; where pdns.conf has a webserver, that is taken over",
    ),
    R::always(
        &[
            "webserver-address",
            "webserver-allow-from",
            "webserver-hash-plaintext-credentials",
            "webserver-loglevel",
            "webserver-password",
            "webserver-port",
            "webserver-max-request-size",
            "webservice-listen",
            "webservice-cross-origin-request-header",
            "api-config-dir",
            "api-key",
        ],
        FateKind::NoEffect,
        "nothing can be changed over HTTP; see [admin]",
    ),
    R::always(
        &["carbon-interval", "carbon-namespace", "carbon-ourname", "carbon-instance"],
        FateKind::NoEffect,
        FIGURES,
    ),
    R::unless_off(&["carbon-server", "snmp-agent"], FateKind::Changed, FIGURES),
    R::always(&["snmp-daemon-socket", "snmp-master-socket"], FateKind::NoEffect, FIGURES),
    R::always(
        &[
            "latency-statistic-size",
            "statistics-interval",
            "stats-api-blacklist",
            "stats-api-disabled-list",
            "stats-carbon-blacklist",
            "stats-carbon-disabled-list",
            "stats-rec-control-blacklist",
            "stats-rec-control-disabled-list",
            "stats-ringbuffer-entries",
            "stats-snmp-blacklist",
            "stats-snmp-disabled-list",
        ],
        FateKind::NoEffect,
        FIGURES,
    ),
    R::always(
        &[
            "disable-syslog",
            "log-timestamp",
            "loglevel",
            "log-common-errors",
            "log-rpz-changes",
            "logging-facility",
            "protobuf-use-kernel-timestamp",
            "quiet",
            "structured-logging",
            "structured-logging-backend",
            "trace",
            "event-trace-enabled",
        ],
        FateKind::NoEffect,
        LOG,
    ),
    R::unless_off(
        &[
            "logging-protobuf-servers",
            "logging-outgoing-protobuf-servers",
            "logging-protobuf-mask-v4",
            "logging-protobuf-mask-v6",
            "logging-dnstap-framestream-servers",
            "logging-dnstap-nod-framestream-servers",
            "logging-opentelemetry-trace-conditions",
        ],
        FateKind::Changed,
        "queries are not reported to others",
    ),
    R::unless_off(
        &["new-domain-tracking", "unique-response-tracking"],
        FateKind::Changed,
        "names that are new are not watched for",
    ),
    R::always(
        &[
            "new-domain-log",
            "new-domain-lookup",
            "new-domain-db-size",
            "new-domain-db-snapshot-interval",
            "new-domain-history-dir",
            "new-domain-ignore-list",
            "new-domain-ignore-list-file",
            "new-domain-pb-tag",
            "new-domain-whitelist",
            "unique-response-log",
            "unique-response-db-size",
            "unique-response-history-dir",
            "unique-response-ignore-list",
            "unique-response-ignore-list-file",
            "unique-response-pb-tag",
        ],
        FateKind::NoEffect,
        "names that are new are not watched for",
    ),
    R::read(&["include-dir"], |reading, setting| include_dir(reading.work, setting, &reading.recursor.path)),
    R::always(&["ignore-unknown-settings"], FateKind::NoEffect, "this report lists every setting"),
    R::always(
        &["config-dir", "config-name", "enable-old-settings"],
        FateKind::NoEffect,
        "this file was named with --recursor",
    ),
    R::always(
        &[
            "chroot",
            "daemon",
            "setgid",
            "setuid",
            "socket-dir",
            "socket-group",
            "socket-mode",
            "socket-owner",
            "write-pid",
        ],
        FateKind::NoEffect,
        SERVICE,
    ),
    R::always(
        &[
            "cpu-map",
            "distribution-load-factor",
            "distribution-pipe-buffer-size",
            "distributor-threads",
            "max-mthreads",
            "max-udp-queries-per-round",
            "pdns-distributes-queries",
            "processes",
            "reuseport",
            "stack-cache-size",
            "stack-size",
            "taskthreads",
            "tcp-threads",
            "threads",
        ],
        FateKind::NoEffect,
        THREADS,
    ),
    R::always(
        &["devonly-regression-test-mode", "entropy-source", "rng", "security-poll-suffix"],
        FateKind::NoEffect,
        "nothing here needs it",
    ),
];
