//! Every table and key of the config file, with what holds when it is left
//! out and one line of help.
//!
//! Responsible for the list: the reader takes no key that is not in it, and
//! documentation is written from it.
//! Not responsible for reading a value.

/// A table of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The file itself, above its first table.
    Root,
    /// `[server]`
    Server,
    /// `[admin]`
    Admin,
    /// `[limit]`
    Limit,
    /// `[probe]`
    Probe,
    /// `[lua]`
    Lua,
    /// `[cache]`
    Cache,
    /// `[[forward]]`
    Forward,
    /// `[[zone]]`
    Zone,
    /// `[[zone.probe]]`
    ZoneProbe,
    /// `[zone.probe.tls]`, which may be written as `tls = { … }`, or `tls = 8443` for a port alone
    Tls,
    /// `[zone.probe.http]`, likewise
    Http,
    /// `[zone.probe.https]`, likewise
    Https,
}

impl Section {
    /// Every table.
    pub const ALL: &[Section] = &[
        Section::Root,
        Section::Server,
        Section::Admin,
        Section::Limit,
        Section::Probe,
        Section::Lua,
        Section::Cache,
        Section::Forward,
        Section::Zone,
        Section::ZoneProbe,
        Section::Tls,
        Section::Http,
        Section::Https,
    ];

    /// As it is written above its keys; empty for the file itself.
    pub fn header(self) -> &'static str {
        match self {
            Section::Root => "",
            Section::Server => "[server]",
            Section::Admin => "[admin]",
            Section::Limit => "[limit]",
            Section::Probe => "[probe]",
            Section::Lua => "[lua]",
            Section::Cache => "[cache]",
            Section::Forward => "[[forward]]",
            Section::Zone => "[[zone]]",
            Section::ZoneProbe => "[[zone.probe]]",
            Section::Tls => "[zone.probe.tls]",
            Section::Http => "[zone.probe.http]",
            Section::Https => "[zone.probe.https]",
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
            | Section::Admin
            | Section::Limit
            | Section::Probe
            | Section::Lua
            | Section::Cache
            | Section::Forward
            | Section::Zone => Some(Section::Root),
            Section::ZoneProbe => Some(Section::Zone),
            Section::Tls | Section::Http | Section::Https => Some(Section::ZoneProbe),
        }
    }

    /// The tables that stand in this one.
    pub fn children(self) -> impl Iterator<Item = Section> {
        Section::ALL.iter().copied().filter(move |section| section.parent() == Some(self))
    }

    /// The keys of this table, without the tables that stand in it.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(move |key| key.section == self)
    }
}

/// What holds when a key is left out. Values are written as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The same as this value.
    Default(&'static str),
    /// The value of the key of the same name in `[probe]`.
    Inherited,
    /// Nothing is set; the help says what that means.
    Unset {
        /// A value one might write.
        example: &'static str,
    },
    /// It cannot be left out.
    Required {
        /// A value one might write.
        example: &'static str,
    },
}

/// A key of the config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The table it stands in.
    pub section: Section,
    /// The key itself.
    pub name: &'static str,
    /// What holds without it.
    pub absent: Absent,
    /// What it says and who needs it, in one line.
    pub help: &'static str,
}

const fn key(section: Section, name: &'static str, absent: Absent, help: &'static str) -> Key {
    Key { section, name, absent, help }
}

/// Every key, table by table.
pub const KEYS: &[Key] = &[
    key(
        Section::Server,
        "listen",
        Absent::Default(r#"["0.0.0.0:53", "[::]:53"]"#),
        "addresses with ports that are served, UDP and TCP; name them where another server has port 53; a link-local one \
         has its interface, as in \"[fe80::1%eth0]:53\"",
    ),
    key(
        Section::Server,
        "workers",
        Absent::Default("0"),
        "UDP threads, 0 for one per core; fewer leave cores to others",
    ),
    key(
        Section::Server,
        "affinity",
        Absent::Default(r#""clients""#),
        "which worker takes a query: `\"clients\"` spreads the clients over all of them; with `\"cores\"` each stays on cores of its own and takes what arrives there, for network cards with at least as many queues as workers",
    ),
    key(
        Section::Server,
        "tcp-connections",
        Absent::Default("1000"),
        "TCP connections open at a time; for one more an idle one of whoever has most is closed, or else itself",
    ),
    key(
        Section::Server,
        "tcp-connections-per-client",
        Absent::Default("100"),
        "TCP connections one client may have open (IPv6: one /64); raise it where many clients share an address",
    ),
    key(
        Section::Server,
        "tcp-idle",
        Absent::Default(r#""10s""#),
        "how long a TCP connection may stay open without a query",
    ),
    key(
        Section::Server,
        "watch",
        Absent::Default("true"),
        "whether this file, the zone files and what they include are watched and reloaded when they change; \
         false where only SIGHUP and `edgedns reload` shall do so",
    ),
    key(
        Section::Server,
        "include-folders",
        Absent::Default("[]"),
        "folders that zones may $INCLUDE files from, besides the folder of the zone's own file and that of this file, \
         with all below them; [\"/\"] for any, where whoever may write a zone may read what the server reads",
    ),
    key(
        Section::Server,
        "nsid",
        Absent::Unset { example: r#""master-1""# },
        "what this node calls itself when asked by NSID or CHAOS id.server; without it nothing is told",
    ),
    key(
        Section::Server,
        "version",
        Absent::Default(r#""edgedns""#),
        "what is answered to CHAOS version.bind; empty: nothing is told",
    ),
    key(
        Section::Server,
        "cookie-secret",
        Absent::Unset { example: r#""000102030405060708090a0b0c0d0e0f""# },
        "32 hexadecimal digits that make DNS cookies, the same for all servers behind one address; \
         without it chance makes one at each start",
    ),
    key(
        Section::Admin,
        "listen",
        Absent::Unset { example: r#""127.0.0.1:9653""# },
        "where whoever can connect sees the page, /status, /metrics, /healthz and /readyz, and changes nothing; \
         without it nowhere",
    ),
    key(
        Section::Admin,
        "names",
        Absent::Unset { example: r#"["master-0.ocp4.example.com"]"# },
        "names by which the page and the others may be asked for, besides their address and localhost; asked by \
         another name they answer 421, so that no page of a stranger reaches them under its own",
    ),
    key(
        Section::Admin,
        "socket",
        Absent::Unset { example: r#""/run/edgedns/control.sock""# },
        "where `edgedns status`, `reload` and `force` reach the server, for whoever may write to it; \
         without it in the folder that systemd has made ($RUNTIME_DIRECTORY), else they cannot",
    ),
    key(
        Section::Admin,
        "state-directory",
        Absent::Unset { example: r#""/var/lib/edgedns""# },
        "folder where forced verdicts and the last good text of each zone outlive a restart; without it the one \
         that systemd has made ($STATE_DIRECTORY), and without that they do not",
    ),
    key(
        Section::Limit,
        "responses-per-second",
        Absent::Default("0"),
        "responses of one kind and name that each worker sends to one network (IPv4 /24, IPv6 /56) over UDP, \
         forwarded ones too, 0 for no limit; set it where strangers can ask, so that forged queries cannot \
         flood others",
    ),
    key(
        Section::Limit,
        "all-per-second",
        Absent::Default("0"),
        "responses of all kinds and names together that each worker sends to one network over UDP, 0 for no \
         limit; against queries for many names at once; at least four times `responses-per-second`",
    ),
    key(
        Section::Limit,
        "slip",
        Absent::Default("2"),
        "one in so many responses over the limit is sent as TC, so that an honest client asks again over TCP; \
         1: all of them, 0: none",
    ),
    key(
        Section::Limit,
        "exempt",
        Absent::Default(r#"["local"]"#),
        "networks that are not limited; local stands for loopback and the networks this host is in",
    ),
    key(
        Section::Probe,
        "interval",
        Absent::Default(r#""1s""#),
        "from one probe of a target to the next, 10ms at least",
    ),
    key(
        Section::Probe,
        "timeout",
        Absent::Default(r#""1s""#),
        "how long one probe may take before it counts as failed",
    ),
    key(
        Section::Probe,
        "retry",
        Absent::Default(r#""200ms""#),
        "from an outcome that contradicts the verdict to the next probe; the interval at most",
    ),
    key(
        Section::Probe,
        "rise",
        Absent::Default("2"),
        "passes in a row until a target that was down is up, 1 to 100",
    ),
    key(
        Section::Probe,
        "fall",
        Absent::Default("2"),
        "failures in a row until a target that was up is down, 1 to 100",
    ),
    key(
        Section::Probe,
        "startup-wait",
        Absent::Default(r#""2s""#),
        "how long a start may wait for the first outcome of every target; 0s: not at all",
    ),
    key(
        Section::Probe,
        "flap-limit",
        Absent::Default("6"),
        "changes of verdict within the flap window after which a target is held down while others pass; \
         0: never",
    ),
    key(
        Section::Probe,
        "flap-window",
        Absent::Default(r#""5m""#),
        "how far back changes count, and how long a target that is held down must be steady",
    ),
    key(
        Section::Probe,
        "probes-at-once",
        Absent::Unset { example: "4096" },
        "probes that run at once, each with a connection; without it half of the files that this process may \
         open, 8192 at most; raise it where probes start late because others hang",
    ),
    key(
        Section::Lua,
        "selector",
        Absent::Default(r#""all""#),
        "for LUA records that name none: all, random, hashed, empty or pickclosest; PowerDNS means random",
    ),
    key(
        Section::Cache,
        "entries",
        Absent::Default("10000"),
        "answers of upstreams that are kept, 0 for none; see edgedns_forward_cache_evicted_total before raising it",
    ),
    key(
        Section::Cache,
        "bytes",
        Absent::Default("16777216"),
        "memory they may take together, 1048576 at least",
    ),
    key(
        Section::Cache,
        "ttl-min",
        Absent::Default(r#""0s""#),
        "TTLs below are raised to this, an hour at most; raise it only where upstreams give out far too short ones",
    ),
    key(
        Section::Cache,
        "ttl-max",
        Absent::Default(r#""24h""#),
        "TTLs above are lowered to this, so that a mistake elsewhere ends some day",
    ),
    key(
        Section::Cache,
        "negative-ttl-max",
        Absent::Default(r#""1h""#),
        "the same for answers that there is nothing, so that a new name is seen in time",
    ),
    key(
        Section::Cache,
        "serve-stale",
        Absent::Default(r#""24h""#),
        "how long an answer whose TTL is over is kept for the case that no upstream answers; 0s: not at all",
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
        "the apex of what is forwarded, \".\" for everything; the longest counts, and zones of this server come first",
    ),
    key(
        Section::Forward,
        "upstream",
        Absent::Required { example: r#"["192.0.2.1", "192.0.2.2:5353", "tls://192.0.2.3#dns.example"]"# },
        "resolvers to ask, over TLS (port 853) with the name in their certificate; or resolv.conf for those of this \
         host, this server itself left out",
    ),
    key(
        Section::Forward,
        "allow",
        Absent::Default(r#"["local"]"#),
        "networks whose clients may ask; local stands for loopback and the networks this host is in; all others are \
         refused",
    ),
    key(
        Section::Forward,
        "policy",
        Absent::Default(r#""fastest""#),
        "who is asked first of those that answer: fastest, or in-order as they are written",
    ),
    key(
        Section::Forward,
        "timeout",
        Absent::Default(r#""1s""#),
        "how long an upstream is waited for before the next one is asked, too",
    ),
    key(
        Section::Forward,
        "attempts",
        Absent::Default("3"),
        "how often upstreams are asked for one query, all together, 1 to 10",
    ),
    key(
        Section::Forward,
        "rebinding-protection",
        Absent::Default("false"),
        "whether answers with private addresses, or others that are not public (RFC 6890), are refused; a zone of \
         your own behind an upstream, which may have such, has a [[forward]] of its own without it",
    ),
    key(
        Section::Forward,
        "ca",
        Absent::Unset { example: r#""ca.pem""# },
        "a file with the authorities that certificates of upstreams must be from; without it those of the system",
    ),
    key(
        Section::Forward,
        "resolv-conf",
        Absent::Default(r#""/etc/resolv.conf""#),
        "the file that is meant by resolv.conf; it is followed when it changes",
    ),
    key(
        Section::Zone,
        "name",
        Absent::Required { example: r#""ocp4.example.com""# },
        "the apex of the zone; the final dot may be left out",
    ),
    key(
        Section::Zone,
        "file",
        Absent::Required { example: r#""zones/ocp4.example.com.zone""# },
        "its zone file; relative to the folder of the config file",
    ),
    key(
        Section::Zone,
        "reverse-of",
        Absent::Unset { example: r#""ocp4.example.com""# },
        "another zone here, whose addresses give this reverse zone (in-addr.arpa, ip6.arpa) its PTR records, and its \
         SOA and NS records to it; `file` may be left out then, else the records in it come first",
    ),
    key(
        Section::Zone,
        "allow-query",
        Absent::Unset { example: r#"["192.0.2.0/24", "local"]"# },
        "networks whose clients are answered from this zone, the others are REFUSED; local stands for loopback and \
         the networks this host is in; without it all are answered",
    ),
    key(
        Section::Zone,
        "when-client-in",
        Absent::Unset { example: r#"["192.0.2.0/24"]"# },
        "networks whose clients see this version of the zone, of several blocks with one name: the first that holds \
         the client's own address counts, and a block without this key, which is the last, is for everybody else",
    ),
    key(
        Section::Zone,
        "view",
        Absent::Unset { example: r#""inside""# },
        "what this version is called in status, metrics and log; without it by the networks of `when-client-in`",
    ),
    key(
        Section::Zone,
        "memory-limit",
        Absent::Unset { example: r#""512MiB""# },
        "memory it may take while it is read, 1MiB at least; a zone that wants more is not loaded, and ends no other; \
         without it 256MiB or, if that is more, 64 times the length of its text",
    ),
    key(
        Section::ZoneProbe,
        "names",
        Absent::Required { example: r#"["api", "*.apps"]"# },
        "owners whose A and AAAA (or SRV) RRsets are guarded: relative to the zone, or with a final dot; @ is the apex",
    ),
    key(
        Section::ZoneProbe,
        "tcp",
        Absent::Unset { example: "6443" },
        "a port that must accept a connection, or a list of ports that all must; target: the port of each SRV record",
    ),
    key(
        Section::ZoneProbe,
        "source",
        Absent::Unset { example: r#""192.0.2.9""# },
        "the address to probe from, for targets of its family; without it the system chooses",
    ),
    key(
        Section::ZoneProbe,
        "all-down",
        Absent::Default(r#""all""#),
        "what is answered when no address passes: all, none (NODATA) or servfail",
    ),
    key(
        Section::ZoneProbe,
        "selector",
        Absent::Default(r#""all""#),
        "which of the addresses that pass are answered: all, random (one), hashed (one, by client) or first",
    ),
    key(
        Section::ZoneProbe,
        "order",
        Absent::Default(r#""rotate""#),
        "in which order: rotate, local-first (this node's own address first while it passes) or fixed",
    ),
    key(
        Section::ZoneProbe,
        "backup",
        Absent::Unset { example: r#"["192.0.2.9"]"# },
        "addresses that are probed too and answered when no other passes; a list of lists: one after the other",
    ),
    key(
        Section::ZoneProbe,
        "weights",
        Absent::Unset { example: r#"{ "192.0.2.1" = 3 }"# },
        "shares of addresses, 1 for the others; one is answered, at random unless the selector is hashed",
    ),
    key(
        Section::ZoneProbe,
        "min-up",
        Absent::Default("1"),
        "how many must pass, as a number or as a share (\"34%\"); with fewer it is as if none did",
    ),
    key(
        Section::ZoneProbe,
        "max-answers",
        Absent::Unset { example: "2" },
        "most addresses in one answer, for clients that choke on many; without it all that pass",
    ),
    key(
        Section::ZoneProbe,
        "ttl-degraded",
        Absent::Unset { example: r#""5s""# },
        "TTL while one of the addresses does not pass, so that clients ask again soon; never above the zone's",
    ),
    key(Section::ZoneProbe, "interval", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "timeout", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "retry", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "rise", Absent::Inherited, "as in [probe], for these owners"),
    key(Section::ZoneProbe, "fall", Absent::Inherited, "as in [probe], for these owners"),
    key(
        Section::Tls,
        "port",
        Absent::Required { example: "8443" },
        "the port; `tls = 8443` says the same as a table with nothing else",
    ),
    key(
        Section::Tls,
        "verify",
        Absent::Default("true"),
        "whether the certificate must be believed, valid and for the right name; false: any will do",
    ),
    key(
        Section::Tls,
        "ca",
        Absent::Unset { example: r#""ca.pem""# },
        "a file with the authorities to believe; without it those of the system",
    ),
    key(
        Section::Tls,
        "server-name",
        Absent::Unset { example: r#""api.ocp4.example.com""# },
        "the name to ask for (SNI), which the certificate must be for; without it the address",
    ),
    key(
        Section::Tls,
        "alpn",
        Absent::Unset { example: r#"["h2"]"# },
        "application protocols, one of which the target must speak; without it none is asked for",
    ),
    key(
        Section::Tls,
        "cert",
        Absent::Unset { example: r#""client.pem""# },
        "a file with the certificate to show when asked for one, with `key`; read again when it changes",
    ),
    key(Section::Tls, "key", Absent::Unset { example: r#""client.key""# }, "the file with the key of `cert`"),
    key(
        Section::Http,
        "port",
        Absent::Required { example: "1936" },
        "the port; `http = 1936` says the same as a table with nothing else",
    ),
    key(Section::Http, "path", Absent::Default(r#""/""#), "what is asked for, with its query"),
    key(Section::Http, "method", Absent::Default(r#""GET""#), "GET or HEAD"),
    key(
        Section::Http,
        "host",
        Absent::Unset { example: r#""console.apps.ocp4.example.com""# },
        "the Host header, where the target serves several; without it the address",
    ),
    key(
        Section::Http,
        "headers",
        Absent::Unset { example: r#"{ X-Probe = "edge" }"# },
        "more headers of the request",
    ),
    key(
        Section::Http,
        "status",
        Absent::Default(r#""200-299""#),
        "the status that passes, a range of them, or a list of both",
    ),
    key(Section::Http, "body", Absent::Unset { example: r#""ok""# }, "a text that must be in the body"),
    key(
        Section::Http,
        "body-limit",
        Absent::Default("65536"),
        "how much of a body is read, in bytes; the text must be in that",
    ),
    key(
        Section::Http,
        "redirects",
        Absent::Default("0"),
        "how many redirects are followed, at most 10: to the same address, port and scheme only",
    ),
    key(
        Section::Https,
        "port",
        Absent::Required { example: "6443" },
        "the port; `https = 6443` says the same as a table with nothing else",
    ),
    key(Section::Https, "path", Absent::Default(r#""/""#), "what is asked for, with its query"),
    key(Section::Https, "method", Absent::Default(r#""GET""#), "GET or HEAD"),
    key(
        Section::Https,
        "host",
        Absent::Unset { example: r#""console.apps.ocp4.example.com""# },
        "the Host header, where the target serves several; without it the address",
    ),
    key(
        Section::Https,
        "headers",
        Absent::Unset { example: r#"{ X-Probe = "edge" }"# },
        "more headers of the request",
    ),
    key(
        Section::Https,
        "status",
        Absent::Default(r#""200-299""#),
        "the status that passes, a range of them, or a list of both",
    ),
    key(Section::Https, "body", Absent::Unset { example: r#""ok""# }, "a text that must be in the body"),
    key(
        Section::Https,
        "body-limit",
        Absent::Default("65536"),
        "how much of a body is read, in bytes; the text must be in that",
    ),
    key(
        Section::Https,
        "redirects",
        Absent::Default("0"),
        "how many redirects are followed, at most 10: to the same address, port and scheme only",
    ),
    key(
        Section::Https,
        "verify",
        Absent::Default("true"),
        "whether the certificate must be believed, valid and for the right name; false: any will do",
    ),
    key(
        Section::Https,
        "ca",
        Absent::Unset { example: r#""ca.pem""# },
        "a file with the authorities to believe; without it those of the system",
    ),
    key(
        Section::Https,
        "server-name",
        Absent::Unset { example: r#""api.ocp4.example.com""# },
        "the name to ask for (SNI), which the certificate must be for; without it `host`, else the address",
    ),
    key(
        Section::Https,
        "alpn",
        Absent::Default(r#"["h2", "http/1.1"]"#),
        "versions of HTTP to agree on, the best first",
    ),
    key(
        Section::Https,
        "cert",
        Absent::Unset { example: r#""client.pem""# },
        "a file with the certificate to show when asked for one, with `key`; read again when it changes",
    ),
    key(
        Section::Https,
        "key",
        Absent::Unset { example: r#""client.key""# },
        "the file with the key of `cert`",
    ),
    key(
        Section::Https,
        "token",
        Absent::Unset { example: r#""token""# },
        "a file with a bearer token to send; read again when it changes",
    ),
];
