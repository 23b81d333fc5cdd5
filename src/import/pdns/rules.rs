//! The fate of each setting of `pdns.conf`: every name that PowerDNS 4.1 to 5.1 knows is in the list.
//!
//! A rule that depends on a value is a function of `values`.

use super::super::report::{Fate, FateKind};
use super::super::rule::Rule;
use super::super::server_setting::ServerSetting;
use super::reading::Reading;
use super::values;

/// A rule that depends on the value.
pub(super) type Function = fn(&mut Reading<'_>, &ServerSetting) -> Fate;

type R = Rule<Function>;

const CACHE: &str = "there is no cache to tune: answers are ready before they are asked for";
const THREADS: &str = "one UDP thread per core answers; fewer with [server] workers";
const LOG: &str = "the log goes to standard error or the journal; EDGEDNS_LOG sets its level";
const NOTIFY: &str = "nothing is to be said of it: `primary`, `allow-transfer` and `notify` of [[zone]] have their servers and keys";
const TRANSFER: &str = "not carried over: write `primary` or `allow-transfer` in [[zone]]";
const SIGNING: &str = "nothing here depends on it: [zone.dnssec] says how a zone is signed, and `edgedns dnssec` makes its keys";
const UPDATE: &str = "not carried over: write who may update in [[zone.update]]";
const SCRIPT: &str = "no Lua is run: LUA records are read, scripts are not";
const SERVICE: &str = "the service manager decides that";
const FILES: &str = "the zone file is served as it is";

/// What becomes of each setting.
pub(super) const RULES: &[R] = &[
    // Which files are read.
    R::read_each(&["launch"], values::launch),
    R::read(&["bind-config"], values::bind_config),
    R::read(&["bind-check-interval"], values::bind_check_interval),
    R::read(&["include-dir"], values::include_dir),
    R::unless_off(
        &["bind-ignore-broken-records"],
        FateKind::Changed,
        "a zone with a record outside it is not served before that is mended",
    ),
    R::read(&["bind-dnssec-db"], values::bind_dnssec_db),
    R::unless_off(
        &["bind-hybrid"],
        FateKind::Refused,
        "keys that another backend keeps are not read: `pdnsutil list-keys` names them, `export-zone-key` prints them for `edgedns \
         dnssec import`, and `[zone.dnssec]` signs; else take DS records out of their parents first, or they become bogus",
    ),
    R::always(
        &["bind-dnssec-db-journal-mode"],
        FateKind::NoEffect,
        "the database is read once, by this import",
    ),
    R::unless_off(
        &[
            "bind-autoprimaries",
            "bind-autoprimary-config",
            "bind-autoprimary-destdir",
            "bind-supermasters",
            "bind-supermaster-config",
            "bind-supermaster-destdir",
        ],
        FateKind::Changed,
        TRANSFER,
    ),
    R::always(
        &["ignore-unknown-settings"],
        FateKind::Honoured,
        "what it names is listed below, and not carried over",
    ),
    R::always(
        &["config-dir", "config-name", "no-config"],
        FateKind::NoEffect,
        "this file was named with --from",
    ),
    // Where it listens, and how much of it.
    R::read_each(&["local-address"], values::local_address),
    R::read(&["local-port"], values::local_address),
    R::unless_off(
        &["local-ipv6"],
        FateKind::Refused,
        "write its addresses into local-address, and import again",
    ),
    R::always(
        &["local-address-nonexist-fail", "local-ipv6-nonexist-fail", "non-local-bind"],
        FateKind::NoEffect,
        "edgedns listens on addresses that this host does not have yet",
    ),
    R::read(&["tcp-idle-timeout"], values::tcp_idle),
    R::read(&["max-tcp-connections"], values::tcp_connections),
    R::read(&["max-tcp-connections-per-client"], values::tcp_connections_per_client),
    R::unless_off(
        &["max-tcp-transactions-per-conn", "max-tcp-connection-duration"],
        FateKind::Changed,
        "a connection stays as long as it is used; [server] tcp-idle ends it",
    ),
    R::unless_off(&["disable-tcp"], FateKind::Changed, "TCP is always served (RFC 7766)"),
    R::read(&["udp-truncation-threshold"], values::udp_truncation_threshold),
    R::unless_off(
        &["proxy-protocol-from"],
        FateKind::Refused,
        "the proxy protocol is not understood: let clients ask directly",
    ),
    R::always(&["proxy-protocol-maximum-size"], FateKind::NoEffect, "the proxy protocol is not understood"),
    R::always(
        &["reuseport", "receiver-threads", "distributor-threads", "retrieval-threads", "signing-threads"],
        FateKind::NoEffect,
        THREADS,
    ),
    R::always(
        &["max-queue-length", "overload-queue-length", "queue-limit", "tcp-fast-open"],
        FateKind::NoEffect,
        "nothing is queued",
    ),
    // What it says of itself.
    R::read(&["server-id"], values::server_id),
    R::read(&["version-string"], values::version_string),
    R::read(&["edns-cookie-secret"], values::cookie_secret),
    R::unless_off(
        &["edns-subnet-processing"],
        FateKind::Changed,
        "nobody is believed for whom it asks: name your resolvers in [server] client-subnet-from",
    ),
    // LUA records.
    R::read(&["enable-lua-records"], values::enable_lua_records),
    R::read(&["lua-health-checks-interval"], values::health_checks_interval),
    R::always(
        &["lua-health-checks-expire-delay"],
        FateKind::NoEffect,
        "a target is probed from load on, for as long as a record names it",
    ),
    R::unless_off(
        &["lua-records-insert-whitespace"],
        FateKind::Changed,
        "pieces of code are joined with nothing between them, as in PowerDNS 5",
    ),
    R::always(
        &[
            "lua-records-exec-limit",
            "lua-consistent-hashes-cleanup-interval",
            "lua-consistent-hashes-expire-delay",
        ],
        FateKind::NoEffect,
        "nothing is run at a query",
    ),
    R::unless_off(&["lua-prequery-script", "lua-global-include-dir"], FateKind::Refused, SCRIPT),
    R::unless_off(&["lua-axfr-script", "outgoing-axfr-expand-alias"], FateKind::Changed, TRANSFER),
    R::unless_off(&["enable-lua-record-updates", "lua-dnsupdate-policy-script"], FateKind::Changed, UPDATE),
    // What is answered.
    R::always(
        &["any-to-tcp"],
        FateKind::NoEffect,
        "ANY gets one RRset (RFC 8482), which fits into a datagram",
    ),
    R::unless_off(
        &["no-shuffle"],
        FateKind::Changed,
        "pools are rotated; `order = \"fixed\"` of [[zone.probe]] keeps it",
    ),
    R::unless_off(
        &["expand-alias"],
        FateKind::Refused,
        "ALIAS records are not expanded: write the addresses",
    ),
    R::always(&["resolver"], FateKind::NoEffect, "ALIAS records are not expanded"),
    R::always(&["dname-processing"], FateKind::NoEffect, "DNAME is always followed"),
    R::always(&["resolve-across-zones"], FateKind::NoEffect, "a chain ends at the zone: resolvers ask again"),
    R::unless_off(
        &["views"],
        FateKind::Refused,
        "views are not taken over: give each version of a zone a [[zone]] with `when-client-in`",
    ),
    R::always(
        &[
            "naptr-additional-processing",
            "do-ipv6-additional-processing",
            "out-of-zone-additional-processing",
            "svc-autohints",
            "8bit-dns",
            "upgrade-unknown-types",
            "workaround-11804",
            "max-ent-entries",
        ],
        FateKind::NoEffect,
        FILES,
    ),
    R::always(
        &["default-ttl", "soa-minimum-ttl", "soa-refresh-default", "soa-retry-default", "soa-expire-default"],
        FateKind::NoEffect,
        "the BIND backend ignores it, too: the zone file is served as it is",
    ),
    R::always(
        &["default-soa-content", "default-soa-name", "default-soa-mail"],
        FateKind::NoEffect,
        "the BIND backend ignores it, too: a zone file has a SOA record",
    ),
    R::always(
        &["max-include-depth", "max-generate-steps"],
        FateKind::NoEffect,
        "20 files deep and 65536 records of one $GENERATE are read",
    ),
    // Caches.
    R::always(
        &[
            "cache-ttl",
            "query-cache-ttl",
            "negquery-cache-ttl",
            "recursive-cache-ttl",
            "zone-cache-refresh-interval",
            "zone-metadata-cache-ttl",
            "domain-metadata-cache-ttl",
            "dnssec-key-cache-ttl",
            "max-cache-entries",
            "max-packet-cache-entries",
            "max-signature-cache-entries",
            "consistent-backends",
        ],
        FateKind::NoEffect,
        CACHE,
    ),
    // Transfers, notifications, updates.
    R::read(&["disable-axfr"], values::disable_axfr),
    R::read(&["allow-axfr-ips"], values::allow_axfr),
    R::read(&["also-notify"], values::also_notify),
    R::unless_off(
        &[
            "primary",
            "master",
            "secondary",
            "slave",
            "autosecondary",
            "superslave",
            "allow-unsigned-notify",
            "allow-unsigned-supermaster",
            "allow-unsigned-autoprimary",
            "forward-notify",
            "secondary-do-renotify",
            "slave-renotify",
            "secondary-check-signature-freshness",
            "send-signed-notify",
            "trusted-notification-proxy",
        ],
        FateKind::Changed,
        NOTIFY,
    ),
    R::always(
        &[
            "only-notify",
            "allow-notify-from",
            "prevent-self-notification",
            "delay-notifications",
            "xfr-cycle-interval",
            "slave-cycle-interval",
            "xfr-max-received-mbytes",
            "axfr-fetch-timeout",
            "axfr-lower-serial",
            "disable-axfr-rectify",
        ],
        FateKind::NoEffect,
        TRANSFER,
    ),
    R::unless_off(&["dnsupdate", "enable-gss-tsig"], FateKind::Changed, UPDATE),
    R::always(
        &["allow-dnsupdate-from", "forward-dnsupdate", "dnsupdate-require-tsig"],
        FateKind::NoEffect,
        UPDATE,
    ),
    R::always(
        &[
            "default-ksk-algorithm",
            "default-ksk-algorithms",
            "default-ksk-size",
            "default-zsk-algorithm",
            "default-zsk-algorithms",
            "default-zsk-size",
            "default-publish-cdnskey",
            "default-publish-cds",
            "default-soa-edit",
            "default-soa-edit-signed",
            "default-soa-edit-api",
            "default-api-rectify",
            "default-catalog-zone",
            "member-catalog-group",
            "direct-dnskey",
            "direct-dnskey-signature",
            "soa-edit-spread",
            "rrsig-expiry-extend",
            "max-nsec3-iterations",
        ],
        FateKind::NoEffect,
        SIGNING,
    ),
    R::unless_off(
        &["recursor"],
        FateKind::Refused,
        "write a [[forward]] block with zone = \".\" and this address as upstream",
    ),
    R::always(
        &["allow-recursion", "dnsproxy-udp-port-range"],
        FateKind::NoEffect,
        "PowerDNS does not recurse since 4.1",
    ),
    // The operator's side.
    R::read(&["webserver"], values::webserver),
    R::read(&["webserver-address", "webserver-port"], values::webserver_address),
    R::read(&["webserver-allow-from"], values::webserver_allow_from),
    R::read(&["webserver-password"], values::webserver_password),
    R::always(
        &[
            "webserver-hash-plaintext-credentials",
            "webserver-loglevel",
            "webserver-max-bodysize",
            "webserver-connection-timeout",
            "webserver-cross-origin-request-header",
            "webserver-max-concurrent-connections",
            "webserver-print-arguments",
        ],
        FateKind::NoEffect,
        "the admin listener has limits of its own",
    ),
    R::read(&["api", "api-key", "api-readonly"], values::api),
    R::always(
        &["carbon-instance", "carbon-interval", "carbon-namespace", "carbon-ourname", "protobuf-servers"],
        FateKind::NoEffect,
        "figures are fetched, not sent: [admin] listen, /metrics",
    ),
    R::unless_off(
        &["carbon-server"],
        FateKind::Changed,
        "figures are fetched, not sent: [admin] listen, /metrics",
    ),
    R::always(
        &[
            "loglevel",
            "loglevel-show",
            "log-dns-queries",
            "log-dns-details",
            "log-timestamp",
            "logging-structured",
            "disable-syslog",
            "logging-facility",
            "query-logging",
        ],
        FateKind::NoEffect,
        LOG,
    ),
    R::always(
        &["setuid", "setgid", "daemon", "guardian", "chroot", "write-pid", "socket-dir", "control-console"],
        FateKind::NoEffect,
        SERVICE,
    ),
    R::unless_off(
        &["tcp-control-address", "tcp-control-secret"],
        FateKind::Changed,
        "`edgedns` talks to the running server over [admin] socket",
    ),
    R::always(&["tcp-control-port", "tcp-control-range"], FateKind::NoEffect, "there is no control port"),
    R::always(
        &[
            "load-modules",
            "module-dir",
            "security-poll-suffix",
            "traceback-handler",
            "rng",
            "entropy-source",
            "query-local-address",
            "query-local-address6",
        ],
        FateKind::NoEffect,
        "nothing here needs it",
    ),
];

/// Beginnings of names that belong to other backends.
const BACKENDS: &[&str] = &[
    "geoip-",
    "gmysql-",
    "godbc-",
    "gpgsql-",
    "gsqlite3-",
    "ldap-",
    "lmdb-",
    "lua2-",
    "pipe-",
    "remote-",
    "tinydns-",
];

/// The fate of a setting of another backend; none for a name that belongs to none.
pub(super) fn foreign(name: &str) -> Option<Fate> {
    let known = BACKENDS.iter().find(|backend| name.starts_with(**backend));
    known.map(|backend| {
        let backend = backend.trim_end_matches('-');
        Fate::dispensable(format!("of the backend {backend}: only zone files are read; see `launch`"))
    })
}
