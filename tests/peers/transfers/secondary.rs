//! Servers of others as secondaries of `example.net`.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::tools::tool;
use harness::{loopback, wait_for};

/// How long a secondary may take: some ask only some seconds after a start.
const LIMIT: Duration = Duration::from_secs(60);

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nsd,
    Knot,
    Bind,
    PowerDns,
}

/// A running secondary. Killed when dropped.
pub(crate) struct Secondary {
    child: Child,
    place: SocketAddr,
    folder: tempfile::TempDir,
}

impl Kind {
    fn command(self) -> Option<Command> {
        tool(match self {
            Kind::Nsd => "nsd",
            Kind::Knot => "knotd",
            Kind::Bind => "named",
            Kind::PowerDns => "pdns_server",
        })
    }

    /// Where it can listen: BIND does only at addresses of interfaces, which of loopback is one.
    pub(crate) fn address(self) -> Ipv4Addr {
        if self == Kind::Bind { Ipv4Addr::LOCALHOST } else { loopback() }
    }

    /// Whether the program is there to be run.
    pub(crate) fn is_installed(self) -> bool {
        self.command().is_some()
    }
}

impl Secondary {
    /// Starts one at `place`, from whose address it asks `primary`.
    pub(crate) fn start(
        kind: Kind,
        place: SocketAddr,
        primary: SocketAddr,
        secret: Option<&str>,
    ) -> Secondary {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path();
        let mut command = kind.command().expect("the program was there");
        let config = match kind {
            Kind::Nsd => nsd(path, place, primary, secret),
            Kind::Knot => knot(path, place, primary, secret),
            Kind::Bind => bind(path, place, primary, secret),
            Kind::PowerDns => pdns(path, place, primary, secret),
        };
        let file = path.join(if kind == Kind::PowerDns { "pdns.conf" } else { "config" });
        fs::write(&file, config).expect("a config file");
        if let (Kind::PowerDns, Some(secret)) = (kind, secret) {
            give_key(path, secret);
        }
        match kind {
            Kind::Nsd => command.arg("-d").arg("-c").arg(file),
            Kind::Knot => command.arg("-c").arg(file),
            Kind::Bind => command.arg("-g").arg("-c").arg(file),
            Kind::PowerDns => command
                .arg(format!("--config-dir={}", path.display()))
                .arg(format!("--socket-dir={}", path.display()))
                .args(["--daemon=no", "--setuid=", "--setgid=", "--security-poll-suffix="]),
        };
        let log = File::create(path.join("log")).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        Secondary { child, place, folder }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it serves this version.
    pub(crate) fn wait_for_serial(&self, serial: u32) {
        let begun = std::time::Instant::now();
        wait_for("a serial", LIMIT * 2, || {
            let told = ask(self.place, "example.net", "SOA").unwrap_or_default();
            let found = told.split_whitespace().nth(2) == Some(&serial.to_string());
            assert!(found || begun.elapsed() < LIMIT, "serial {serial} does not come:\n{}", self.log());
            found.then_some(())
        });
    }

    /// The addresses of a host.
    pub(crate) fn addresses(&self, host: &str) -> String {
        self.dig(&format!("{host}.example.net"), "A")
    }

    /// Waits until these are the addresses of a host, and no others.
    pub(crate) fn wait_for_addresses(&self, host: &str, wanted: &[Ipv4Addr]) {
        let begun = std::time::Instant::now();
        let length: usize = wanted.iter().map(|one| one.to_string().len()).sum();
        wait_for("addresses", LIMIT * 2, || {
            let found = self.addresses(host);
            let is_so = found.len() == length && wanted.iter().all(|one| found.contains(&one.to_string()));
            assert!(is_so || begun.elapsed() < LIMIT, "{host} is {found}, not {wanted:?}:\n{}", self.log());
            is_so.then_some(())
        });
    }

    /// The text of a name.
    pub(crate) fn text(&self, host: &str) -> String {
        self.dig(&format!("{host}.example.net"), "TXT")
    }

    /// The data of the records of a name. One that is busy is asked again.
    pub(crate) fn dig(&self, name: &str, rtype: &str) -> String {
        dig(self.place, name, rtype)
    }
}

impl Drop for Secondary {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nsd(path: &Path, place: SocketAddr, primary: SocketAddr, secret: Option<&str>) -> String {
    let path = path.display();
    let key = secret
        .map(|secret| format!("key:\n  name: transfer\n  algorithm: hmac-sha256\n  secret: \"{secret}\"\n"));
    let word = if secret.is_some() { "transfer" } else { "NOKEY" };
    format!(
        "server:\n  ip-address: {place_ip}@{place_port}\n  username: \"\"\n  zonesdir: \"{path}\"\n  database: \"\"\n  \
         pidfile: \"{path}/pid\"\n  xfrdfile: \"{path}/xfrd\"\n  xfrdir: \"{path}\"\n  zonelistfile: \"{path}/list\"\n  \
         server-count: 1\nremote-control:\n  control-enable: no\n{key}zone:\n  name: example.net\n  \
         request-xfr: {ip}@{port} {word}\n  allow-notify: 0.0.0.0/0 {word}\n  outgoing-interface: {place_ip}\n",
        place_ip = place.ip(),
        place_port = place.port(),
        key = key.unwrap_or_default(),
        ip = primary.ip(),
        port = primary.port(),
    )
}

fn knot(path: &Path, place: SocketAddr, primary: SocketAddr, secret: Option<&str>) -> String {
    let path = path.display();
    let (key, word) = match secret {
        Some(secret) => (
            format!("key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {secret}\n"),
            "    key: transfer\n",
        ),
        None => (String::new(), ""),
    };
    format!(
        "server:\n  rundir: {path}\n  listen: {}@{}\nlog:\n  - target: stderr\n    any: info\n{key}\
         database:\n  storage: {path}\nremote:\n  - id: primary\n    address: {}@{}\n    via: {}\n{word}\
         acl:\n  - id: notify\n    action: notify\n    address: 127.0.0.0/8\n{word}zone:\n  - domain: example.net\n    \
         storage: {path}\n    master: primary\n    acl: notify\n",
        place.ip(),
        place.port(),
        primary.ip(),
        primary.port(),
        place.ip(),
    )
}

fn bind(path: &Path, place: SocketAddr, primary: SocketAddr, secret: Option<&str>) -> String {
    let path = path.display();
    let key =
        secret.map(|secret| format!("key \"transfer\" {{ algorithm hmac-sha256; secret \"{secret}\"; }};\n"));
    let word = if secret.is_some() { " key \"transfer\"" } else { "" };
    format!(
        "{key}options {{ directory \"{path}\"; pid-file \"{path}/pid\"; session-keyfile \"{path}/session\"; \
         listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; recursion no; allow-query {{ any; }}; \
         allow-notify {{ any; }}; transfer-source {ip}; managed-keys-directory \"{path}\"; notify no; \
         dnssec-validation no; }};\ncontrols {{ }};\nzone \"example.net\" {{ type secondary; file \"{path}/zone\"; \
         primaries {{ {primary_ip} port {primary_port}{word}; }}; min-refresh-time 1; }};\n",
        key = key.unwrap_or_default(),
        ip = place.ip(),
        port = place.port(),
        primary_ip = primary.ip(),
        primary_port = primary.port(),
    )
}

/// Has PowerDNS sign what it asks of the primary. Its keys, and for what they are, stand in a database beside the files.
fn give_key(path: &Path, secret: &str) {
    let database = path.join("keys").display().to_string();
    for words in [
        &["create-bind-db", &database][..],
        &["import-tsig-key", "transfer", "hmac-sha256", secret],
        &["activate-tsig-key", "example.net", "transfer", "secondary"],
    ] {
        let mut pdnsutil = tool("pdnsutil").expect("it comes with the server");
        let told = pdnsutil.arg(format!("--config-dir={}", path.display())).args(words).output();
        let told = told.expect("it runs");
        assert!(told.status.success(), "{words:?}: {told:?}");
    }
}

fn pdns(path: &Path, place: SocketAddr, primary: SocketAddr, secret: Option<&str>) -> String {
    let folder = path.display();
    let keys = secret.map(|_| format!("bind-dnssec-db={folder}/keys\n")).unwrap_or_default();
    fs::write(
        path.join("named.conf"),
        format!(
            "options {{ directory \"{folder}\"; }};\nzone \"example.net\" {{ type slave; file \"{folder}/zone\"; \
             masters {{ {}:{}; }}; }};\n",
            primary.ip(),
            primary.port()
        ),
    )
    .expect("a config file");
    format!(
        "launch=bind\nbind-config={folder}/named.conf\nlocal-address={}\nlocal-port={}\nsecondary=yes\n\
         query-local-address={}\nxfr-cycle-interval=1\nallow-notify-from=127.0.0.0/8\ncache-ttl=0\n\
         enable-lua-records=yes\nlua-health-checks-interval=1\n\
         query-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\n{keys}",
        place.ip(),
        place.port(),
        place.ip(),
    )
}

/// What the server at `place` answers, as `dig +short` prints it, on one line and in the same order each time.
pub(crate) fn dig(place: SocketAddr, name: &str, rtype: &str) -> String {
    wait_for(&format!("{name} {rtype} of {place}"), LIMIT, || ask(place, name, rtype))
}

/// The same; none: it does not answer, or not yet.
fn ask(place: SocketAddr, name: &str, rtype: &str) -> Option<String> {
    let output = tool("dig")
        .expect("it was there")
        .args([&format!("@{}", place.ip()), "-p", &place.port().to_string()])
        .args(["+short", "+time=1", "+tries=1", name, rtype])
        .output()
        .expect("dig runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<&str> = told.lines().filter(|line| !line.starts_with(';')).collect();
    lines.sort_unstable();
    output.status.success().then(|| lines.concat())
}
