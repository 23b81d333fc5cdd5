//! The fate of each option of dnsmasq: every option that dnsmasq 2.90 knows is in the list.

use super::super::report::{Fate, FateKind};
use super::super::rule::Rule;
use super::reading::{Given, LocalService, Reading};
use super::{records, servers};

/// A rule that depends on the value.
pub(super) type Function = fn(&mut Reading<'_>, &Given) -> Fate;

type R = Rule<Function>;

const LEASES: &str = "it is of leases: leave dnsmasq running for those, with `port=0`";
const SERVICE: &str = "the service manager decides that";
const LOG: &str = "the log goes to standard error or the journal; EDGEDNS_LOG sets its level";
const OUTGOING: &str = "how upstreams are asked has keys of its own";
const VALIDATION: &str = "answers of others are not validated here: leave that to the upstream";
const EDNS: &str = "nothing is added to what upstreams are asked";
const FILTER: &str = "answers of upstreams are passed on as they are: leave that to the upstream";
const SETS: &str = "addresses are not handed to the firewall: keep dnsmasq for those domains";
const INTERFACES: &str = "the addresses of interfaces are not looked up: write a record";
const EXPORT: &str = "write a [[zone]] with the records that others shall see";

/// What becomes of each option.
pub(super) const RULES: &[R] = &[
    // Files.
    R::read(&["conf-file", "servers-file"], file),
    R::always(&["conf-dir"], FateKind::Honoured, "its files are read, too"),
    R::always(
        &["conf-script"],
        FateKind::Refused,
        "no program is run: write what it prints into a file, and import that with `conf-file`",
    ),
    // Names and their records.
    R::read(&["local", "server"], servers::server),
    R::read(&["address"], records::address),
    R::read(&["host-record"], records::host_record),
    R::read(&["cname"], records::cname),
    R::read(&["txt-record"], records::txt_record),
    R::read(&["srv-host"], records::srv_host),
    R::read(&["mx-host"], records::mx_host),
    R::read(&["ptr-record"], records::ptr_record),
    R::read(&["caa-record"], records::caa_record),
    R::read(&["naptr-record"], records::naptr_record),
    R::read(&["dns-rr"], records::dns_rr),
    R::read(&["addn-hosts", "hostsdir"], records::more_hosts),
    R::always(&["no-hosts"], FateKind::Honoured, "/etc/hosts is not read"),
    R::always(&["expand-hosts"], FateKind::Honoured, "names without a dot are answered with `domain`, too"),
    R::read(&["domain"], |_, option| match option.fields().len() {
        1 => Fate::honoured("what `expand-hosts` adds; the domains of leases are of no use here"),
        _ => {
            Fate::refused("domains of networks are of leases: leave dnsmasq running for those, with `port=0`")
        }
    }),
    R::always(&["mx-target"], FateKind::Honoured, "the target of `mx-host` that names none"),
    R::always(
        &["localmx", "selfmx"],
        FateKind::Refused,
        "MX records are not made for every name: write `mx-host` for those that need one",
    ),
    R::always(&["interface-name", "dynamic-host"], FateKind::Refused, INTERFACES),
    R::always(
        &["synth-domain"],
        FateKind::Refused,
        "names are not made from addresses: write $GENERATE into a zone file",
    ),
    R::always(&["local-ttl"], FateKind::Honoured, "→ $TTL of the zones that are made"),
    R::always(
        &["auth-server", "auth-zone", "auth-soa", "auth-sec-servers", "auth-peer", "auth-ttl"],
        FateKind::Refused,
        EXPORT,
    ),
    R::always(
        &["localise-queries"],
        FateKind::Changed,
        "all addresses of a name are answered, whatever network a client is in",
    ),
    R::always(&["no-round-robin"], FateKind::Changed, "records stay in the order of the zone"),
    R::always(&["no-ident"], FateKind::NoEffect, "of dnsmasq's CHAOS names only version.bind is answered"),
    // Clients, and where they ask.
    R::read(&["listen-address"], servers::listen_address),
    R::read(&["interface"], servers::interface),
    R::always(
        &["except-interface"],
        FateKind::Refused,
        "the addresses of interfaces are not looked up: write those to listen on to [server] listen",
    ),
    R::always(&["port"], FateKind::Honoured, "→ [server] listen"),
    R::always(
        &["bind-interfaces", "bind-dynamic"],
        FateKind::NoEffect,
        "each address is bound by itself, and listened on when it comes later",
    ),
    R::read(&["local-service"], |reading, option| {
        match LocalService::REPLACED_BY.iter().find(|name| reading.is_given(name)) {
            Some(other) => Fate::no_effect(format!("`{other}` takes its place, as in dnsmasq")),
            None => match option.text().text.as_str() {
                "" | "net" => {
                    Fate::honoured("→ [[zone]] allow-query; [[forward]] without `allow`, which is the same")
                }
                "host" => {
                    Fate::honoured("→ [server] listen, [[zone]] allow-query, [[forward]] allow: loopback")
                }
                _ => Fate::refused("`net` and `host` are known: taken as `net`"),
            },
        }
    }),
    R::read(&["max-tcp-connections"], servers::tcp_connections),
    // Who is asked for others.
    R::read(&["rev-server"], servers::rev_server),
    R::always(&["no-resolv"], FateKind::Honoured, "resolv.conf is not read"),
    R::always(&["resolv-file"], FateKind::Honoured, "→ [[forward]] resolv-conf"),
    R::always(&["no-poll"], FateKind::Changed, "resolv.conf is read again when it changes"),
    R::always(&["strict-order"], FateKind::Honoured, "→ [[forward]] policy = \"in-order\""),
    R::always(
        &["all-servers"],
        FateKind::Changed,
        "the fastest upstream is asked first, and the next one when it is late",
    ),
    R::read(&["bogus-priv"], servers::bogus_priv),
    R::always(
        &["domain-needed", "filterwin2k"],
        FateKind::Changed,
        "names without a dot, and those that only Windows asks for, are asked like all others",
    ),
    R::always(&["stop-dns-rebind"], FateKind::Honoured, "→ [[forward]] rebinding-protection"),
    R::read(&["rebind-domain-ok"], servers::rebind_domain_ok),
    R::always(
        &["rebind-localhost-ok"],
        FateKind::Changed,
        "loopback is refused like other addresses that are not public",
    ),
    R::always(
        &["bogus-nxdomain", "ignore-address", "alias", "filter-A", "filter-AAAA", "filter-rr"],
        FateKind::Refused,
        FILTER,
    ),
    R::always(
        &["dns-loop-detect"],
        FateKind::Honoured,
        "an upstream that sends queries back is found out, and not asked",
    ),
    R::always(
        &[
            "query-port",
            "port-limit",
            "min-port",
            "max-port",
            "edns-packet-max",
            "dns-forward-max",
            "fast-dns-retry",
            "conntrack",
        ],
        FateKind::NoEffect,
        OUTGOING,
    ),
    R::always(
        &["add-mac", "add-subnet", "add-cpe-id", "umbrella", "strip-mac", "strip-subnet"],
        FateKind::Changed,
        EDNS,
    ),
    R::always(&["ipset", "nftset"], FateKind::Refused, SETS),
    R::always(
        &["connmark-allowlist-enable", "connmark-allowlist"],
        FateKind::Refused,
        "marks of connections are not looked at: write networks to [[forward]] allow",
    ),
    R::always(
        &[
            "dnssec",
            "dnssec-check-unsigned",
            "proxy-dnssec",
            "dnssec-debug",
            "dnssec-no-timecheck",
            "dnssec-timestamp",
            "dnssec-limits",
            "trust-anchor",
        ],
        FateKind::Changed,
        VALIDATION,
    ),
    // The cache.
    R::read(&["cache-size"], servers::cache_size),
    R::read(&["max-ttl", "max-cache-ttl"], servers::max_ttl),
    R::read(&["min-cache-ttl"], servers::min_ttl),
    R::always(&["neg-ttl"], FateKind::Changed, "a negative answer without SOA is not cached"),
    R::always(&["no-negcache"], FateKind::Changed, "negative answers are cached for as long as they say"),
    R::always(
        &["use-stale-cache"],
        FateKind::Honoured,
        "[cache] serve-stale is on: when no upstream answers, the last answer is given",
    ),
    R::always(&["clear-on-reload", "cache-rr"], FateKind::NoEffect, "answers of every type are cached"),
    // How it runs.
    R::always(
        &["user", "group", "pid-file", "no-daemon", "keep-in-foreground", "enable-dbus", "enable-ubus"],
        FateKind::NoEffect,
        SERVICE,
    ),
    R::always(
        &[
            "log-queries",
            "log-facility",
            "log-async",
            "log-debug",
            "log-dhcp",
            "quiet-dhcp",
            "quiet-dhcp6",
            "quiet-ra",
            "quiet-tftp",
            "dumpfile",
            "dumpmask",
        ],
        FateKind::NoEffect,
        LOG,
    ),
    R::always(&["test", "version", "help"], FateKind::NoEffect, "it is of the command line"),
    // Leases.
    R::always(
        &["dhcp-range"],
        FateKind::Refused,
        "no leases are given, and their names are not answered: leave dnsmasq running with `port=0`, and write the names \
         that must be answered into a zone",
    ),
    R::always(
        &[
            "dhcp-alternate-port",
            "dhcp-authoritative",
            "dhcp-boot",
            "dhcp-broadcast",
            "dhcp-circuitid",
            "dhcp-client-update",
            "dhcp-duid",
            "dhcp-fqdn",
            "dhcp-generate-names",
            "dhcp-host",
            "dhcp-hostsdir",
            "dhcp-hostsfile",
            "dhcp-ignore",
            "dhcp-ignore-clid",
            "dhcp-ignore-names",
            "dhcp-lease-max",
            "dhcp-leasefile",
            "dhcp-luascript",
            "dhcp-mac",
            "dhcp-match",
            "dhcp-name-match",
            "dhcp-no-override",
            "dhcp-option",
            "dhcp-option-force",
            "dhcp-optsdir",
            "dhcp-optsfile",
            "dhcp-proxy",
            "dhcp-pxe-vendor",
            "dhcp-rapid-commit",
            "dhcp-relay",
            "dhcp-remoteid",
            "dhcp-reply-delay",
            "dhcp-script",
            "dhcp-scriptuser",
            "dhcp-sequential-ip",
            "dhcp-subscrid",
            "dhcp-ttl",
            "dhcp-userclass",
            "dhcp-vendorclass",
            "bootp-dynamic",
            "bridge-interface",
            "enable-ra",
            "enable-tftp",
            "leasefile-ro",
            "no-dhcp-interface",
            "no-dhcpv4-interface",
            "no-dhcpv6-interface",
            "no-ping",
            "pxe-prompt",
            "pxe-service",
            "ra-param",
            "read-ethers",
            "script-arp",
            "script-on-renewal",
            "shared-network",
            "tag-if",
            "tftp-lowercase",
            "tftp-max",
            "tftp-mtu",
            "tftp-no-blocksize",
            "tftp-no-fail",
            "tftp-port-range",
            "tftp-root",
            "tftp-secure",
            "tftp-single-port",
            "tftp-unique-root",
        ],
        FateKind::NoEffect,
        LEASES,
    ),
];

/// A file whose options follow: the reader pushed why it could not be read.
fn file(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let word = option.text();
    let by = reading.work.sources.path(word.span.file).to_owned();
    let mut unheard = crate::source::Diagnostics::default();
    match reading.work.folders.find(&word, None, by.as_ref(), &mut unheard).is_file() {
        true => Fate::honoured("its options are read, too"),
        false => Fate::refused("it cannot be read: copy it beside the file that names it, and import again"),
    }
}
