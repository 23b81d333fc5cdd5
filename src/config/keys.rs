//! Every table and key of the config file, with its default and one line of help.
//!
//! The reader takes no key that is not in this list, and docs/configuration.md is written from it. Not
//! responsible for reading a value.

use std::sync::LazyLock;

use crate::etcd::access_keys;
use crate::probe::{self, DnsQuestion, KindEntry, KindForm};
use crate::setting::{Absent, Holds, KeyEntry};
use crate::transport::Protocols;
use crate::zones::source::{self, SourceForm, SourceKind};

/// A table of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The file itself, above its first table.
    Root,
    /// `[server]`
    Server,
    /// `[tls]`
    Tls,
    /// `[admin]`
    Admin,
    /// `[limit]`
    Limit,
    /// `[probe]`
    Probe,
    /// `[lua]`
    Lua,
    /// `[kubernetes]`
    Kubernetes,
    /// `[vantage]`
    Vantage,
    /// `[webhook]`
    Webhook,
    /// `[log]`
    Log,
    /// `[[key]]`
    Key,
    /// `[cache]`
    Cache,
    /// `[[forward]]`
    Forward,
    /// `[forward.probe]`
    ForwardProbe,
    /// `[[zone]]`
    Zone,
    /// `[[zone.update]]`
    ZoneUpdate,
    /// `[zone.dnssec]`
    ZoneDnssec,
    /// `[[zone.probe]]`
    ZoneProbe,
    /// The table of a source of zones, by its header: `[zone.NAME]`.
    Source(&'static str),
    /// `[[catalog]]`
    Catalog,
    /// `[[catalog.group]]`
    CatalogGroup,
    /// `[[catalog.group.update]]`
    CatalogGroupUpdate,
    /// `[zone.probe.KIND]` of a kind of probe, which may be written as `KIND = { … }`, or `KIND = 8443` for a
    /// port alone.
    Kind(&'static str),
}

impl Section {
    /// Every table.
    pub fn all() -> impl Iterator<Item = Section> {
        let sources = source::KINDS.iter().filter_map(|kind| match kind.form {
            SourceForm::Keys(_) => None,
            SourceForm::Table { header, .. } => Some(Section::Source(header)),
        });
        let kinds = probe::KINDS.iter().filter_map(|kind| match kind.entry.form {
            KindForm::Ports(_) => None,
            KindForm::Table { .. } => Some(Section::Kind(kind.entry.name)),
        });
        OWN_SECTIONS.iter().copied().chain(sources).chain(kinds)
    }

    /// As it is written above its keys; empty for the file itself.
    pub fn header(self) -> &'static str {
        match self {
            Section::Root => "",
            Section::Server => "[server]",
            Section::Tls => "[tls]",
            Section::Admin => "[admin]",
            Section::Limit => "[limit]",
            Section::Probe => "[probe]",
            Section::Lua => "[lua]",
            Section::Kubernetes => "[kubernetes]",
            Section::Vantage => "[vantage]",
            Section::Webhook => "[webhook]",
            Section::Log => "[log]",
            Section::Key => "[[key]]",
            Section::Cache => "[cache]",
            Section::Forward => "[[forward]]",
            Section::ForwardProbe => "[forward.probe]",
            Section::Zone => "[[zone]]",
            Section::ZoneUpdate => "[[zone.update]]",
            Section::ZoneDnssec => "[zone.dnssec]",
            Section::ZoneProbe => "[[zone.probe]]",
            Section::Source(header) => header,
            Section::Catalog => "[[catalog]]",
            Section::CatalogGroup => "[[catalog.group]]",
            Section::CatalogGroupUpdate => "[[catalog.group.update]]",
            Section::Kind(name) => kind_header(name),
        }
    }

    /// The last word of its header: its key in the table it stands in.
    pub fn name(self) -> &'static str {
        let path = self.header().trim_matches(['[', ']']);
        path.rsplit_once('.').map_or(path, |(_, name)| name)
    }

    /// The table it stands in; none for the file itself.
    pub fn parent(self) -> Option<Section> {
        match self {
            Section::Root => None,
            Section::Server
            | Section::Tls
            | Section::Admin
            | Section::Limit
            | Section::Probe
            | Section::Lua
            | Section::Kubernetes
            | Section::Vantage
            | Section::Webhook
            | Section::Log
            | Section::Key
            | Section::Cache
            | Section::Forward
            | Section::Zone
            | Section::Catalog => Some(Section::Root),
            Section::ZoneUpdate | Section::ZoneDnssec | Section::ZoneProbe | Section::Source(_) => {
                Some(Section::Zone)
            }
            Section::ForwardProbe => Some(Section::Forward),
            Section::CatalogGroup => Some(Section::Catalog),
            Section::CatalogGroupUpdate => Some(Section::CatalogGroup),
            Section::Kind(_) => Some(Section::ZoneProbe),
        }
    }

    /// The tables that stand in this one.
    pub fn children(self) -> impl Iterator<Item = Section> {
        Section::all().filter(move |section| section.parent() == Some(self))
    }

    /// The keys of this table, without the tables that stand in it.
    pub fn keys(self) -> impl Iterator<Item = &'static ConfigKey> {
        KEYS.iter().filter(move |key| key.section == self)
    }
}

/// The tables that no source of zones and no kind of probe has.
const OWN_SECTIONS: &[Section] = &[
    Section::Root,
    Section::Server,
    Section::Tls,
    Section::Admin,
    Section::Limit,
    Section::Probe,
    Section::Lua,
    Section::Kubernetes,
    Section::Vantage,
    Section::Webhook,
    Section::Log,
    Section::Key,
    Section::Cache,
    Section::Forward,
    Section::ForwardProbe,
    Section::Zone,
    Section::ZoneUpdate,
    Section::ZoneDnssec,
    Section::ZoneProbe,
    Section::Catalog,
    Section::CatalogGroup,
    Section::CatalogGroupUpdate,
];

/// The header of the table of a kind of probe.
fn kind_header(name: &str) -> &'static str {
    static HEADERS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
        let header = |name: &'static str| (name, format!("[zone.probe.{name}]"));
        probe::KINDS.iter().map(|kind| header(kind.entry.name)).collect()
    });
    HEADERS.iter().find(|(known, _)| *known == name).map_or("", |(_, header)| header)
}

/// A key of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigKey {
    /// The table it stands in.
    pub section: Section,
    /// The key itself.
    pub name: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// What it says and who needs it, in one line.
    pub help: &'static str,
    /// What its value holds.
    pub holds: Holds,
}

impl ConfigKey {
    /// The same, whatever table it stands in.
    pub fn entry(&self) -> KeyEntry {
        let ConfigKey { name, absent, help, holds, .. } = *self;
        KeyEntry { name, absent, help, holds }
    }
}

/// Every key, table by table.
pub static KEYS: LazyLock<Vec<ConfigKey>> = LazyLock::new(|| {
    let own = |section: Section| OWN.iter().copied().filter(move |key| key.section == section);
    let of_kinds = |section: Section| probe::KINDS.iter().flat_map(move |kind| keys_of(kind.entry, section));
    let of_protocols = |section: Section| {
        let protocols = Protocols::ALL.iter().filter(move |_| section == Section::Server);
        protocols.map(move |protocols| of_entry(section, &protocols.entry().key))
    };
    let of_sources =
        |section: Section| source::KINDS.iter().flat_map(move |kind| keys_of_source(kind, section));
    let first = |section: Section| FIRST.iter().copied().filter(move |key| key.section == section);
    let of_question = |section: Section| {
        let keys = DnsQuestion::KEYS.iter().filter(move |_| section == Section::ForwardProbe);
        keys.map(move |entry| of_entry(section, entry))
    };
    let declared = |section| of_protocols(section).chain(of_sources(section)).chain(of_question(section));
    let of_store = |section: Section| {
        let keys = access_keys::ALL.iter().filter(move |_| section == Section::Vantage);
        keys.map(move |entry| of_entry(section, entry))
    };
    let own = |section| own(section).chain(of_store(section));
    let all = |section| first(section).chain(declared(section)).chain(own(section)).chain(of_kinds(section));
    Section::all().flat_map(all).collect()
});

fn of_entry(section: Section, entry: &KeyEntry) -> ConfigKey {
    let KeyEntry { name, absent, help, holds } = *entry;
    ConfigKey { section, name, absent, help, holds }
}

/// The keys of a kind of probe that stand in `section`.
fn keys_of(kind: KindEntry, section: Section) -> Vec<ConfigKey> {
    let (at, lists): (Section, Vec<&[KeyEntry]>) = match &kind.form {
        KindForm::Ports(key) => (Section::ZoneProbe, vec![std::slice::from_ref(*key)]),
        KindForm::Table { keys, .. } => (Section::Kind(kind.name), keys.to_vec()),
    };
    if at != section {
        return Vec::new();
    }
    lists.into_iter().flatten().map(|entry| of_entry(section, entry)).collect()
}

/// The keys of a kind of source that stand in `section`.
fn keys_of_source(kind: &SourceKind, section: Section) -> Vec<ConfigKey> {
    let (at, keys) = match kind.form {
        SourceForm::Keys(keys) => (Section::Zone, keys),
        SourceForm::Table { header, keys } => (Section::Source(header), keys),
    };
    let keys = keys.iter().filter(|_| at == section);
    keys.map(|entry| of_entry(section, entry)).collect()
}

const fn key(section: Section, name: &'static str, absent: Absent, help: &'static str) -> ConfigKey {
    ConfigKey { section, name, absent, help, holds: Holds::Setting }
}

const fn holding(key: ConfigKey, holds: Holds) -> ConfigKey {
    ConfigKey { holds, ..key }
}

/// Keys that stand before those that other rooms declare.
const FIRST: &[ConfigKey] = &[key(
    Section::Zone,
    "name",
    Absent::Required { example: r#""ocp4.example.com""# },
    "apex of the zone; the final dot may be left out",
)];

/// The other keys of tables that `config` reads, without those that protocols, sources of zones and kinds of probe
/// declare.
const OWN: &[ConfigKey] = &[
    key(
        Section::Server,
        "workers",
        Absent::Default("0"),
        "UDP threads, 0 for one per core; fewer leave cores to other programs",
    ),
    key(
        Section::Server,
        "affinity",
        Absent::Default(r#""clients""#),
        "which worker takes a query: `\"clients\"` spreads clients over all workers; with `\"cores\"` each \
         worker stays on its own cores and takes what arrives there, for network cards with at least as many \
         queues as workers",
    ),
    key(
        Section::Server,
        "tcp-connections",
        Absent::Default("1000"),
        "TCP connections open at a time; when all are taken, an idle connection of the client with the most \
         makes room, or the new one is closed",
    ),
    key(
        Section::Server,
        "tcp-connections-per-client",
        Absent::Default("100"),
        "TCP connections per client (IPv6: per /64); raise it if many clients share an address",
    ),
    key(
        Section::Server,
        "tcp-idle",
        Absent::Default(r#""10s""#),
        "how long a TCP connection may stay open without a query",
    ),
    key(
        Section::Server,
        "transfers",
        Absent::Default("32"),
        "transfers of zones to other servers at once; further ones are told SERVFAIL and come again",
    ),
    key(Section::Server, "transfers-per-client", Absent::Default("8"), "the same per client (IPv6: per /64)"),
    key(
        Section::Server,
        "watch",
        Absent::Default("true"),
        "whether this file, the zone files and the files they include are watched and reloaded when they \
         change; false leaves that to SIGHUP and `edgedns reload`",
    ),
    key(
        Section::Server,
        "include-folders",
        Absent::Default("[]"),
        "folders, with everything below them, that zones may $INCLUDE files from, besides the folders of the \
         zone file and of this file; [\"/\"] allows any, and lets every user who can write a zone read what \
         the server can read",
    ),
    key(
        Section::Server,
        "client-subnet-from",
        Absent::Default("[]"),
        "resolvers that are believed for whom they ask (EDNS client subnet, RFC 7871), by their networks: `view`, \
         `when-client-in` and selectors that hash go by the network that such a resolver names; `allow-query` and limits never do",
    ),
    key(
        Section::Server,
        "nsid",
        Absent::Unset { example: r#""master-1""# },
        "name of this node in answers to NSID and CHAOS id.server; without it they are not answered",
    ),
    key(
        Section::Server,
        "version",
        Absent::Default(r#""edgedns""#),
        "answer to CHAOS version.bind; empty: none",
    ),
    holding(
        key(
            Section::Server,
            "cookie-secret",
            Absent::Unset { example: r#""000102030405060708090a0b0c0d0e0f""# },
            "32 hexadecimal digits, the secret of DNS cookies; the same on all servers behind one address; \
         without it a random one is made at each start",
        ),
        Holds::Secret,
    ),
    holding(
        key(
            Section::Tls,
            "certificate",
            Absent::Required { example: r#""tls/server.crt""# },
            "file with the certificate in PEM that encrypted transports show, and behind it those that lead to its \
             authority; followed when it changes; `edgedns certificate` makes one for a start",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Tls,
            "key",
            Absent::Required { example: r#""tls/server.key""# },
            "file with its key in PEM, followed likewise; while the two do not belong together, or have expired, what \
             was good before is shown",
        ),
        Holds::SecretFile,
    ),
    holding(
        key(
            Section::Tls,
            "client-ca",
            Absent::Unset { example: r#""tls/clients-ca.crt""# },
            "file with the authorities of whose certificates clients over TLS and QUIC are asked for, as `tls:NAME` in \
             `allow-transfer` wants them; any other client is answered as without; read again when it changes",
        ),
        Holds::File,
    ),
    key(
        Section::Admin,
        "listen",
        Absent::Unset { example: r#""127.0.0.1:9653""# },
        "address of the page, /status, /metrics, /healthz and /readyz: read-only, for everybody who can \
         connect; without it there is none",
    ),
    key(
        Section::Admin,
        "names",
        Absent::Unset { example: r#"["master-0.ocp4.example.com"]"# },
        "names in the Host header that the listener accepts besides its address and localhost; others get \
         421, so that a foreign web page cannot reach it under a name of its own",
    ),
    key(
        Section::Admin,
        "tls",
        Absent::Default("false"),
        "whether the listener speaks HTTPS, with the certificate of `[tls]`",
    ),
    holding(
        key(
            Section::Admin,
            "token-file",
            Absent::Unset { example: r#""keys/admin-token""# },
            "file with a token that every request must show, as bearer token or as the password of any user; read \
             again when it changes",
        ),
        Holds::SecretFile,
    ),
    holding(
        key(
            Section::Admin,
            "client-ca",
            Absent::Unset { example: r#""tls/clients-ca.pem""# },
            "file with the authorities of which every client must have a certificate, with `tls = true`; read again \
             when it changes",
        ),
        Holds::File,
    ),
    key(
        Section::Admin,
        "insecure",
        Absent::Default("false"),
        "whether it may listen beyond loopback though nobody is asked who they are or others could listen in; \
         otherwise that takes `tls` with `token-file` or `client-ca`",
    ),
    key(
        Section::Admin,
        "socket",
        Absent::Unset { example: r#""/run/edgedns/control.sock""# },
        "control socket for `edgedns status`, `explain`, `trace`, `reload`, `force` and `updates`, for \
         everybody who may write to it; without it one in the folder that systemd made \
         ($RUNTIME_DIRECTORY), otherwise none",
    ),
    key(
        Section::Admin,
        "state-directory",
        Absent::Unset { example: r#""/var/lib/edgedns""# },
        "folder in which forced verdicts, the last good text of each zone, signatures, copies of zones with `primary` and \
         journals of updates outlive a restart; without it the one that systemd made ($STATE_DIRECTORY), \
         otherwise none, and updates are answered SERVFAIL; it is made if the folder above it is there",
    ),
    key(
        Section::Limit,
        "responses-per-second",
        Absent::Default("0"),
        "responses of one kind and name that each worker sends to one network (IPv4 /24, IPv6 /56) over UDP, \
         forwarded names included; 0: no limit; set it if strangers can ask, so that forged queries cannot \
         flood others",
    ),
    key(
        Section::Limit,
        "all-per-second",
        Absent::Default("0"),
        "responses of all kinds and names that each worker sends to one network over UDP, against queries \
         for many names; 0: no limit; at least four times `responses-per-second`",
    ),
    key(
        Section::Limit,
        "slip",
        Absent::Default("2"),
        "every n-th response over the limit is sent as TC, so that an honest client retries over TCP; 1: all \
         of them, 0: none",
    ),
    key(
        Section::Limit,
        "exempt",
        Absent::Default(r#"["local"]"#),
        "networks that are not limited; local is loopback and the networks of this host",
    ),
    key(
        Section::Probe,
        "interval",
        Absent::Default(r#""1s""#),
        "time between two probes of a target, at least 10ms",
    ),
    key(
        Section::Probe,
        "timeout",
        Absent::Default(r#""1s""#),
        "time limit of one probe; after it the probe has failed",
    ),
    key(
        Section::Probe,
        "retry",
        Absent::Default(r#""200ms""#),
        "time to the next probe after an outcome that contradicts the verdict; at most the interval",
    ),
    key(Section::Probe, "rise", Absent::Default("2"), "passes in a row until a target is up, 1 to 100"),
    key(Section::Probe, "fall", Absent::Default("2"), "failures in a row until a target is down, 1 to 100"),
    key(
        Section::Probe,
        "startup-wait",
        Absent::Default(r#""2s""#),
        "longest wait at start for the first outcome of every target; 0s: none",
    ),
    key(
        Section::Probe,
        "flap-limit",
        Absent::Default("6"),
        "changes of verdict within the flap window after which a target is held down while other members \
         pass; 0: never",
    ),
    key(
        Section::Probe,
        "flap-window",
        Absent::Default(r#""5m""#),
        "how far back changes count, and how long a held target must be steady",
    ),
    key(
        Section::Probe,
        "probes-at-once",
        Absent::Unset { example: "4096" },
        "probes that run at the same time, each with a connection; without it half of the files this process \
         may open, at most 8192; raise it if probes start late because others hang",
    ),
    key(
        Section::Lua,
        "selector",
        Absent::Default(r#""all""#),
        "selector of LUA records that name none: all, random, hashed, empty or pickclosest; PowerDNS uses \
         random",
    ),
    holding(
        key(
            Section::Kubernetes,
            "kubeconfig",
            Absent::Required { example: r#""kubernetes/kubeconfig""# },
            "file with the kubeconfig of a service account that may list and watch nodes (and pods, where those are \
             members): its token or client certificate, and its authority",
        ),
        Holds::SecretFile,
    ),
    key(
        Section::Kubernetes,
        "endpoints",
        Absent::Unset { example: r#"["https://192.0.2.13:6443", "https://192.0.2.14:6443"]"# },
        "API servers by address (names are not looked up at a start), with the name of their certificates from the \
         kubeconfig; without it its server; masters that are members are asked as well",
    ),
    key(
        Section::Kubernetes,
        "forget",
        Absent::Default(r#""10m""#),
        "how long a member stays that the cluster has no more: a machine that is replaced is gone for minutes",
    ),
    key(
        Section::Kubernetes,
        "ttl",
        Absent::Default(r#""10s""#),
        "TTL of names that have no addresses in the zone file",
    ),
    key(
        Section::Vantage,
        "endpoints",
        Absent::Required { example: r#"["https://192.0.2.9:2379", "https://192.0.2.10:2379"]"# },
        "members of an etcd, by address, by way of which servers tell each other what they see: see `vantage` of \
         [[zone.probe]]; http:// is plain text, which anybody on the way reads and changes",
    ),
    key(
        Section::Vantage,
        "name",
        Absent::Unset { example: r#""master-0""# },
        "what this server is called among the others, as no other is: letters, digits, - . and _; without it the name of \
         the host",
    ),
    key(
        Section::Vantage,
        "members",
        Absent::Unset { example: r#"["master-0", "master-1", "master-2"]"# },
        "all servers that count, this one among them: no other is heard, `quorum` and `all` are of these, and while half \
         of them or fewer are there each goes by itself; without it whoever is there counts",
    ),
    key(
        Section::Vantage,
        "lease",
        Absent::Default(r#""10s""#),
        "how long what a server has said holds when it is not heard any more; a store that has gone is noticed within \
         half of that",
    ),
    key(
        Section::Vantage,
        "prefix",
        Absent::Default(r#""/edgedns-vantage""#),
        "what the keys of all vantages begin with; the same on all servers",
    ),
    key(
        Section::Key,
        "name",
        Absent::Required { example: r#""transfer""# },
        "what both ends call it; TSIG (RFC 8945) signs messages with a secret that both know",
    ),
    key(
        Section::Key,
        "algorithm",
        Absent::Default(r#""hmac-sha256""#),
        "the same at both ends: hmac-sha256, hmac-sha384, hmac-sha512, or hmac-sha1 for old peers; \
         hmac-sha256-128 and the like for signatures cut to so many bits",
    ),
    holding(
        key(
            Section::Key,
            "secret-file",
            Absent::Unset { example: r#""keys/transfer""# },
            "file with the secret in base64, which only its owner may read (mode 0600); read again at a reload, \
             and when it changes; while it cannot be used, neither can the key",
        ),
        Holds::SecretFile,
    ),
    holding(
        key(
            Section::Key,
            "secret",
            Absent::Unset { example: r#""mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=""# },
            "the secret itself, in place of `secret-file`, for a config file that only its owner may read",
        ),
        Holds::Secret,
    ),
    holding(
        key(
            Section::Log,
            "queries",
            Absent::Unset { example: r#""/run/edgedns/queries.sock""# },
            "Unix socket at which somebody reads queries with what they were answered; nobody waits for \
             whoever reads, and what is not read in time is counted; without it queries are not logged",
        ),
        Holds::HostFile,
    ),
    key(
        Section::Log,
        "format",
        Absent::Default(r#""json""#),
        "how they are written: json, one object in a line, or dnstap, in Frame Streams",
    ),
    key(Section::Log, "sample", Absent::Default("1"), "of how many queries one is logged"),
    holding(
        key(
            Section::Webhook,
            "url",
            Absent::Required { example: r#""https://192.0.2.7:8443/hooks/edgedns""# },
            "where each change of verdict is told, as JSON by POST; its host is an address; http:// is plain text, which anybody on \
             the way reads",
        ),
        Holds::Secret,
    ),
    holding(
        key(
            Section::Webhook,
            "secret-file",
            Absent::Required { example: r#""webhook.secret""# },
            "file with the secret that the body is signed with (HMAC-SHA256, in X-Edgedns-Signature); read for each request",
        ),
        Holds::SecretFile,
    ),
    holding(
        key(
            Section::Webhook,
            "ca",
            Absent::Unset { example: r#""ca.pem""# },
            "file with the authorities to trust; without it those of the system",
        ),
        Holds::File,
    ),
    key(
        Section::Webhook,
        "server-name",
        Absent::Unset { example: r#""hooks.example.com""# },
        "name that the certificate must be for, and that the request is for; without it the address",
    ),
    holding(
        key(
            Section::Webhook,
            "cert",
            Absent::Unset { example: r#""client.pem""# },
            "file with the client certificate, with `key`",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Webhook,
            "key",
            Absent::Unset { example: r#""client.key""# },
            "file with the key of `cert`",
        ),
        Holds::SecretFile,
    ),
    key(
        Section::Cache,
        "entries",
        Absent::Default("10000"),
        "answers of upstreams to keep, 0 for none; see edgedns_forward_cache_evicted_total before you raise \
         it",
    ),
    key(Section::Cache, "bytes", Absent::Default("16777216"), "memory for them, at least 1048576"),
    key(
        Section::Cache,
        "ttl-min",
        Absent::Default(r#""0s""#),
        "lower TTLs are raised to this, at most an hour; raise it only if upstreams hand out far too short \
         ones",
    ),
    key(
        Section::Cache,
        "ttl-max",
        Absent::Default(r#""24h""#),
        "higher TTLs are lowered to this, so that a mistake elsewhere ends some day",
    ),
    key(
        Section::Cache,
        "negative-ttl-max",
        Absent::Default(r#""1h""#),
        "the same for negative answers, so that a new name appears in time",
    ),
    key(
        Section::Cache,
        "serve-stale",
        Absent::Default(r#""24h""#),
        "how long an expired answer is kept for the case that no upstream answers (RFC 8767); 0s: not at all",
    ),
    key(
        Section::Cache,
        "prefetch",
        Absent::Default("true"),
        "whether a name in use is asked for again in the last tenth of its TTL",
    ),
    key(
        Section::Forward,
        "zone",
        Absent::Required { example: r#"".""# },
        "apex of what is forwarded, \".\" for everything; the longest match counts, and zones of this server \
         come first",
    ),
    key(
        Section::Forward,
        "upstream",
        Absent::Required {
            example: r#"["192.0.2.1", "192.0.2.2:5353", "tls://192.0.2.3#dns.example", "https://192.0.2.4/dns-query#dns.example"]"#,
        },
        "resolvers to ask; `tls://` and `quic://` (port 853) or `https://` (port 443) before the address say how, `#` behind \
         it the name in their certificate; or resolv.conf for those of this host, without this server itself",
    ),
    key(
        Section::Forward,
        "allow",
        Absent::Default(r#"["local"]"#),
        "networks whose clients may ask, others are refused; local is loopback and the networks of \
         this host",
    ),
    key(
        Section::Forward,
        "policy",
        Absent::Default(r#""fastest""#),
        "which working upstream is asked first: fastest, or in-order as written",
    ),
    key(
        Section::Forward,
        "timeout",
        Absent::Default(r#""1s""#),
        "how long to wait for an upstream before the next one is asked as well",
    ),
    key(
        Section::Forward,
        "attempts",
        Absent::Default("3"),
        "questions to all upstreams together for one query, 1 to 10",
    ),
    key(
        Section::Forward,
        "rebinding-protection",
        Absent::Default("false"),
        "whether to refuse answers with private or other addresses that are not public (RFC 6890); a zone of \
         your own behind an upstream, which may have such addresses, needs a [[forward]] of its own without \
         it",
    ),
    holding(
        key(
            Section::Forward,
            "ca",
            Absent::Unset { example: r#""ca.pem""# },
            "file with the authorities that sign certificates of upstreams; without it those of the system",
        ),
        Holds::File,
    ),
    key(
        Section::Forward,
        "resolv-conf",
        Absent::Default(r#""/etc/resolv.conf""#),
        "the file that `resolv.conf` in `upstream` means; read again when it changes",
    ),
    key(
        Section::ForwardProbe,
        "interval",
        Absent::Default(r#""5s""#),
        "from one question to the next; after a failure a second, until three have failed",
    ),
    key(
        Section::Zone,
        "allow-query",
        Absent::Unset { example: r#"["192.0.2.0/24", "local"]"# },
        "networks whose clients are answered from this zone, others are REFUSED; local is loopback \
         and the networks of this host; without it all clients are answered",
    ),
    key(
        Section::Zone,
        "allow-transfer",
        Absent::Unset { example: r#"["192.0.2.53", "2001:db8::/32"]"# },
        "servers that get the whole zone (AXFR) or what has changed (IXFR), over TCP; an entry is a network, \
         the name of a [[key]] as \"key:NAME\", the name in the certificate of a client over TLS as \"tls:NAME\" (see \
         `client-ca` in [tls]), or several of these in one text; without it nobody does; a zone with it keeps its records in memory",
    ),
    key(
        Section::Zone,
        "notify",
        Absent::Unset {
            example: r#"["192.0.2.53", "192.0.2.54:5353 key:transfer", "tls://192.0.2.55#ns3.example"]"#,
        },
        "servers that are told at once when the serial changes (NOTIFY): \"ADDRESS\" or \"ADDRESS:PORT\", or over TLS \
         (port 853) with the name in their certificate; with \" key:NAME\" behind it to sign the message; five tries; \
         only a server in allow-transfer gets the zone",
    ),
    holding(
        key(
            Section::Zone,
            "ca",
            Absent::Unset { example: r#""ca.pem""# },
            "file with the authorities that sign certificates of servers in `primary` and `notify` over TLS; without it \
             those of the system",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Zone,
            "client-cert",
            Absent::Unset { example: r#""client.pem""# },
            "file with the certificate that these servers are shown if they ask for one, with `client-key`; read again \
             for each connection",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Zone,
            "client-key",
            Absent::Unset { example: r#""client.key""# },
            "file with the key of `client-cert`",
        ),
        Holds::SecretFile,
    ),
    key(
        Section::Zone,
        "transfer-pools",
        Absent::Default(r#""members""#),
        "what is sent of pools: members (all addresses of the first group of a LUA record as plain records, whatever their \
         state), up (what is answered now, with a serial of its own for each change; needs a state directory) or lua (the \
         LUA record itself, for PowerDNS and edgedns, which probe themselves)",
    ),
    key(
        Section::Zone,
        "when-client-in",
        Absent::Unset { example: r#"["192.0.2.0/24"]"# },
        "networks whose clients see this version of the zone; of several blocks with one name the first that \
         holds the client's address counts, and a block without this key, which comes last, is for all other \
         clients",
    ),
    key(
        Section::Zone,
        "view",
        Absent::Unset { example: r#""inside""# },
        "name of this version in status, metrics and log; without it the networks of `when-client-in`",
    ),
    key(
        Section::Zone,
        "memory-limit",
        Absent::Unset { example: r#""512MiB""# },
        "memory it may take while it is read, at least 1MiB; a zone that needs more is not loaded and harms \
         no other; without it 256MiB or, if that is more, 64 times the length of its text; with `primary` 1GiB",
    ),
    key(
        Section::ZoneUpdate,
        "allow",
        Absent::Required { example: r#"["192.0.2.10"]"# },
        "who may change records by updates (RFC 2136): \"192.0.2.0/24\", \"key:NAME\" of a [[key]], or both in one \
         entry; nobody may without such a block; of a zone with `primary`, whose updates are passed on to that one",
    ),
    key(
        Section::ZoneUpdate,
        "names",
        Absent::Required { example: r#"["_acme-challenge.**"]"# },
        "owners relative to the zone: ** stands for any number of labels, * for any text in a label, @ for the apex; left \
         out with `primary`",
    ),
    key(
        Section::ZoneUpdate,
        "types",
        Absent::Required { example: r#"["TXT"]"# },
        "record types, ANY for all but NS and DNAME, which are to be named; never SOA, NS at the apex, LUA, types of \
         DNSSEC, a type that a pool answers there, or NS and DNAME at a pool or above one; left out with `primary`",
    ),
    key(
        Section::ZoneDnssec,
        "keys",
        Absent::Required { example: r#""keys/dnssec""# },
        "folder of the keys that the zone is signed with (DNSSEC), which `edgedns dnssec` makes and rolls: K*.key and \
         K*.private as BIND has them, the latter for their owner only (mode 0600); read again each minute; without this \
         table the zone is served as its source has it",
    ),
    key(
        Section::ZoneDnssec,
        "denial",
        Absent::Default(r#""nsec""#),
        "how it is proven that a name or a type does not exist: nsec (RFC 4034), a chain of all names, which whoever asks can \
         list; nsec3 (RFC 5155), one of their hashes, with no salt and hashed once (RFC 9276); nsec3-opt-out, the same \
         without delegations that have no DS records, for zones with very many of them",
    ),
    key(
        Section::ZoneProbe,
        "names",
        Absent::Required { example: r#"["api", "*.apps"]"# },
        "owners whose A and AAAA (or SRV) RRsets are guarded: relative to the zone, or with a final dot; @ is the apex",
    ),
    key(
        Section::ZoneProbe,
        "members",
        Absent::Unset { example: r#"{ nodes = "node-role.kubernetes.io/master" }"# },
        "whose addresses the names have besides those in the zone file: hosts of this zone, or with a final dot of another \
         `[[zone]]`, [\"master-0\", \"master-1.nodes.example.\"], or nodes of a cluster with these labels, or the nodes that run these pods, { pods = \"NAMESPACE/LABELS\" }; what a \
         cluster says needs [kubernetes] and a state directory",
    ),
    key(
        Section::ZoneProbe,
        "source",
        Absent::Unset { example: r#""192.0.2.9""# },
        "address to probe from, for targets of its family; without it the system chooses",
    ),
    key(
        Section::ZoneProbe,
        "all-down",
        Absent::Default(r#""all""#),
        "answer when no address passes: all, none (NODATA) or servfail",
    ),
    key(
        Section::ZoneProbe,
        "vantage",
        Absent::Default(r#""own""#),
        "whose probes count for clients that are not on this host: own, or also those of other servers, by [vantage]: an \
         address that is down here is answered to them while others see it up: any (one does), quorum (more than half of \
         all do) or all (of the others)",
    ),
    key(
        Section::ZoneProbe,
        "selector",
        Absent::Default(r#""all""#),
        "which passing addresses are answered: all, random (one), hashed (one, by client), first, fastest (one of those whose \
         probes are as fast as the fastest one's) or least-loaded (one, by the weight that the page of an http or https probe \
         begins with)",
    ),
    key(
        Section::ZoneProbe,
        "order",
        Absent::Default(r#""rotate""#),
        "their order: rotate, local-first (this node's own address first while it passes) or fixed",
    ),
    key(
        Section::ZoneProbe,
        "backup",
        Absent::Unset { example: r#"["192.0.2.9"]"# },
        "addresses that are probed as well and answered when no other passes; a list of lists is tried in \
         order",
    ),
    key(
        Section::ZoneProbe,
        "weights",
        Absent::Unset { example: r#"{ "192.0.2.1" = 3 }"# },
        "shares of addresses, 1 for the others; one is answered, at random unless the selector is hashed; 0 drains one: no \
         new answers while there are others, and yet it is not down",
    ),
    key(
        Section::ZoneProbe,
        "probe-at",
        Absent::Unset { example: r#"{ "198.51.100.3" = "192.0.2.13" }"# },
        "where addresses are probed that are answered and not probed themselves, as behind a router that translates them",
    ),
    key(
        Section::ZoneProbe,
        "max-share",
        Absent::Unset { example: r#""50%""# },
        "most of the answers that one address gets where one is answered; what is left goes to the others, then to those of \
         `backup`, and only where nobody is left above it",
    ),
    key(
        Section::ZoneProbe,
        "while-any",
        Absent::Default(r#""passing""#),
        "what is answered of the addresses, or of a group of `backup`, while enough of them pass: those that are passing, or \
         all of them",
    ),
    key(
        Section::ZoneProbe,
        "machine",
        Absent::Default("false"),
        "whether the n-th A and the n-th AAAA record are of one machine, which leaves with both while one of them does not \
         pass; or the addresses of each machine, [[\"192.0.2.1\", \"2001:db8::1\"]]",
    ),
    key(
        Section::ZoneProbe,
        "slow-start",
        Absent::Default(r#""0s""#),
        "within which time an address that was down gets its whole share again, in ten steps",
    ),
    key(
        Section::ZoneProbe,
        "startup",
        Absent::Default(r#""0s""#),
        "how long failures of an address that has never passed say nothing: it is pending, answered only where none passes",
    ),
    key(
        Section::ZoneProbe,
        "down-interval",
        Absent::Unset { example: r#""5s""# },
        "from one probe to the next while an address is down; without it `interval`",
    ),
    key(
        Section::ZoneProbe,
        "pass",
        Absent::Default(r#""all""#),
        "how many of the probes of an address must pass for it to be up: all, any, or a number",
    ),
    key(
        Section::ZoneProbe,
        "min-up",
        Absent::Default("1"),
        "how many must pass, as a number or as a share (\"34%\"); with fewer the pool counts as down",
    ),
    key(
        Section::ZoneProbe,
        "max-answers",
        Absent::Unset { example: "2" },
        "most addresses in one answer, for clients that cannot take many; without it all that pass",
    ),
    key(
        Section::ZoneProbe,
        "ttl-degraded",
        Absent::Unset { example: r#""5s""# },
        "TTL while an address does not pass, so that clients ask again soon; never above the TTL of the zone",
    ),
    key(Section::ZoneProbe, "interval", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "timeout", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "retry", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "rise", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "fall", Absent::Inherited, "as in [probe], for these owners"),
    key(
        Section::Catalog,
        "name",
        Absent::Required { example: r#""catalog.example.com""# },
        "apex of a catalog zone (RFC 9432): the zones that it names are served here, copied from primaries",
    ),
    key(
        Section::Catalog,
        "primary",
        Absent::Unset { example: r#"["192.0.2.1 key:transfer"]"# },
        "servers that the catalog is copied from, as in [[zone]]; its members come from them, too, unless a \
         [[catalog.group]] names others",
    ),
    key(
        Section::Catalog,
        "file",
        Absent::Unset { example: r#""zones/catalog.example.com.zone""# },
        "its zone file, in place of `primary`; then each [[catalog.group]] names the primaries of its members",
    ),
    key(
        Section::Catalog,
        "allow-query",
        Absent::Unset { example: r#"["192.0.2.53"]"# },
        "networks whose clients are answered from the catalog itself; without it those that `allow-transfer` names, \
         since a catalog says which zones there are",
    ),
    key(Section::Catalog, "allow-transfer", Absent::Unset { example: r#"["192.0.2.53"]"# }, "as in [[zone]]"),
    key(Section::Catalog, "notify", Absent::Unset { example: r#"["192.0.2.53"]"# }, "as in [[zone]]"),
    holding(
        key(
            Section::Catalog,
            "ca",
            Absent::Unset { example: r#""ca.pem""# },
            "file with authorities, as in [[zone]], for the servers of each [[catalog.group]], too",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Catalog,
            "client-cert",
            Absent::Unset { example: r#""client.pem""# },
            "file with the certificate to show, as in [[zone]], to the servers of each [[catalog.group]], too",
        ),
        Holds::File,
    ),
    holding(
        key(
            Section::Catalog,
            "client-key",
            Absent::Unset { example: r#""client.key""# },
            "file with the key of `client-cert`",
        ),
        Holds::SecretFile,
    ),
    key(Section::Catalog, "memory-limit", Absent::Unset { example: r#""64MiB""# }, "as in [[zone]]"),
    key(
        Section::CatalogGroup,
        "name",
        Absent::Unset { example: r#""nodes""# },
        "members with this `group` property are served as this block says; of several groups of a member the first \
         block here counts; without it the block is for members of no other",
    ),
    key(
        Section::CatalogGroup,
        "primary",
        Absent::Unset { example: r#"["192.0.2.2 key:transfer"]"# },
        "servers that these members are copied from, as in [[zone]]; without it those of the catalog",
    ),
    key(Section::CatalogGroup, "lua", Absent::Default(r#""refuse""#), "as in [[zone]]"),
    key(Section::CatalogGroup, "allow-query", Absent::Unset { example: r#"["local"]"# }, "as in [[zone]]"),
    key(
        Section::CatalogGroup,
        "allow-transfer",
        Absent::Unset { example: r#"["192.0.2.53"]"# },
        "as in [[zone]]",
    ),
    key(Section::CatalogGroup, "transfer-pools", Absent::Default(r#""members""#), "as in [[zone]]"),
    key(Section::CatalogGroup, "notify", Absent::Unset { example: r#"["192.0.2.53"]"# }, "as in [[zone]]"),
    key(
        Section::CatalogGroup,
        "memory-limit",
        Absent::Unset { example: r#""64MiB""# },
        "as in [[zone]], for each",
    ),
    key(
        Section::CatalogGroupUpdate,
        "allow",
        Absent::Required { example: r#"["192.0.2.10"]"# },
        "whose updates of these members are passed on to their primaries, as in [[zone.update]] of a zone with `primary`",
    ),
];
