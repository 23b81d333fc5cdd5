//! The servers of others: started in a folder of their own, told of changes, and ended.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use harness::client::ask;
use harness::tools::tool;
use harness::{PATIENCE, free_port, wait_for};

/// A name server of others with the zone `lab.example`. Ended when dropped.
pub(super) struct Primary {
    child: Child,
    pub(super) place: SocketAddr,
    pub(super) folder: TempDir,
}

/// What is the same in every version, and large enough that a difference is worth sending.
pub(super) fn zone(serial: u32, last: u8) -> String {
    let hosts: String = (1..=200).map(|host| format!("h{host} 60 IN A 192.0.2.{host}\n")).collect();
    // A refresh of a second finds what a NOTIFY that was lost would have told.
    format!(
        "$ORIGIN lab.example.\n@ 60 IN SOA ns.lab.example. h.lab.example. {serial} 1 1 3600 60\n@ 60 IN NS ns.lab.example.\n\
         ns 60 IN A 192.0.2.53\nwww 60 IN A 192.0.2.{last}\n*.wild 60 IN TXT \"any\" \"thing\"\n\
         sub 60 IN NS ns.sub.lab.example.\nns.sub 60 IN A 192.0.2.54\nodd 60 IN TYPE65280 \\# 3 abcdef\n{hosts}"
    )
}

/// The same, of which nobody asks by itself in the time of a test: only a NOTIFY has a secondary look.
pub(super) fn patient_zone(serial: u32, last: u8) -> String {
    zone(serial, last).replace(&format!("{serial} 1 1 3600 60"), &format!("{serial} 3600 600 86400 60"))
}

/// Writes the zone file at once.
pub(super) fn write_zone(folder: &Path, text: &str) {
    let (place, fresh) = (folder.join("lab.zone"), folder.join("fresh"));
    fs::write(&fresh, text).expect("a zone file");
    fs::rename(fresh, place).expect("a zone file");
}

impl Primary {
    /// Starts one whose files `configure` writes; it gets the folder, the place and where NOTIFY goes.
    pub(super) fn start(
        program: &str,
        address: Ipv4Addr,
        notified: SocketAddr,
        configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
    ) -> Option<Primary> {
        let mut command = tool(program)?;
        let folder = tempfile::tempdir().expect("a scratch folder");
        let place = free_port(address);
        write_zone(folder.path(), &zone(1, 1));
        configure(folder.path(), place, notified, &mut command);
        let log = folder.path().join("log");
        let file = fs::File::create(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log file")).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut primary = Primary { child, place, folder };
        wait_for(program, PATIENCE, || {
            if let Some(status) = primary.child.try_wait().expect("a child") {
                panic!("{program} ended with {status}:\n{}", primary.log());
            }
            let response = ask(place, "lab.example.", RecordType::SOA)?;
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
        Some(primary)
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Has it read the next version of its file.
    pub(super) fn change(&self, serial: u32, last: u8) {
        self.change_to(&zone(serial, last));
    }

    /// Has it read this text.
    pub(super) fn change_to(&self, text: &str) {
        write_zone(self.folder.path(), text);
        let folder = self.folder.path();
        if folder.join("pdns.conf").exists() {
            // It takes no signal for it.
            let config = format!("--config-dir={}", folder.display());
            let mut command = tool("pdns_control").expect("it comes with the server");
            let told = command.arg(config).args(["bind-reload-now", "lab.example"]).output();
            assert!(told.is_ok_and(|told| told.status.success()), "it is told to reload");
            return;
        }
        let sent = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "a signal is sent");
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        // SIGTERM, because NSD's first process has to end its others.
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        if sent.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

pub(super) fn nsd(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "server:\n  ip-address: {ip}@{port}\n  database: \"\"\n  zonelistfile: \"{at}/list\"\n  xfrdfile: \"{at}/xfrd\"\n  \
         xfrdir: \"{at}\"\n  pidfile: \"{at}/pid\"\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{at}\"\n  \
         rrl-ratelimit: 0\n  server-count: 1\nremote-control:\n  control-enable: no\nzone:\n  name: lab.example\n  \
         zonefile: lab.zone\n  provide-xfr: 127.0.0.0/8 NOKEY\n  notify: {}@{} NOKEY\n  outgoing-interface: {ip}\n  \
         store-ixfr: yes\n  create-ixfr: yes\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("nsd.conf"), text).expect("a config file");
    command.arg("-d").arg("-c").arg(folder.join("nsd.conf"));
}

pub(super) fn knot(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "server:\n  rundir: {at}\n  listen: {ip}@{port}\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {at}\n\
         remote:\n  - id: ours\n    address: {}@{}\n    via: {ip}\nacl:\n  - id: all\n    address: 127.0.0.0/8\n    \
         action: transfer\nzone:\n  - domain: lab.example\n    storage: {at}\n    file: lab.zone\n    zonefile-sync: -1\n    \
         zonefile-load: difference\n    journal-content: changes\n    notify: ours\n    acl: all\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("knot.conf"), text).expect("a config file");
    command.arg("-c").arg(folder.join("knot.conf"));
}

pub(super) fn bind(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "options {{ directory \"{at}\"; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; pid-file none; \
         session-keyfile none; recursion no; dnssec-validation no; allow-transfer {{ 127.0.0.0/8; }}; notify explicit; \
         also-notify {{ {} port {}; }}; notify-source {ip}; ixfr-from-differences yes; }};\ncontrols {{ }};\n\
         zone \"lab.example\" {{ type primary; file \"lab.zone\"; }};\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("named.conf"), text).expect("a config file");
    command.arg("-g").arg("-c").arg(folder.join("named.conf"));
}

pub(super) fn powerdns(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let zone = format!("zone \"lab.example\" {{ type master; file \"{at}/lab.zone\"; }};\n");
    fs::write(folder.join("bind.conf"), zone).expect("a config file");
    let text = format!(
        "launch=bind\nbind-config={at}/bind.conf\nbind-check-interval=1\nlocal-address={ip}\nlocal-port={port}\nprimary=yes\n\
         allow-axfr-ips=127.0.0.0/8\nalso-notify={notified}\nonly-notify=\nquery-local-address={ip}\nenable-lua-records=yes\n\
         xfr-cycle-interval=1\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsocket-dir={at}\nsecurity-poll-suffix=\ndaemon=no\nguardian=no\nwrite-pid=no\n"
    );
    fs::write(folder.join("pdns.conf"), text).expect("a config file");
    command.arg(format!("--config-dir={at}"));
}

/// The key that they and edgedns have: 32 bytes in base64.
pub(super) const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub(super) fn knot_with_a_key(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    knot(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("knot.conf")).expect("a config file");
    let key = format!("key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {SECRET}\n");
    let text = text.replace("    address: 127.0.0.0/8\n", "    address: 127.0.0.0/8\n    key: transfer\n");
    let text =
        text.replace("remote:\n  - id: ours\n", &format!("{key}remote:\n  - id: ours\n    key: transfer\n"));
    fs::write(folder.join("knot.conf"), text).expect("a config file");
}

pub(super) fn nsd_with_a_key(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    nsd(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("nsd.conf")).expect("a config file");
    let key = format!("key:\n  name: transfer\n  algorithm: hmac-sha256\n  secret: \"{SECRET}\"\n");
    fs::write(folder.join("nsd.conf"), key + &text.replace("NOKEY", "transfer")).expect("a config file");
}

pub(super) fn bind_with_a_key(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    bind(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("named.conf")).expect("a config file");
    let key = format!("key \"transfer\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n");
    let port = format!(" port {};", notified.port());
    let text = text.replace("allow-transfer { 127.0.0.0/8; }", "allow-transfer { key transfer; }");
    let text = text.replace(&port, &format!(" port {} key transfer;", notified.port()));
    fs::write(folder.join("named.conf"), key + &text).expect("a config file");
}

/// Its keys, and who may transfer with them, are in a database beside the files.
pub(super) fn powerdns_with_a_key(
    folder: &Path,
    place: SocketAddr,
    notified: SocketAddr,
    command: &mut Command,
) {
    powerdns(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("pdns.conf")).expect("a config file");
    let text = text.replace("allow-axfr-ips=127.0.0.0/8", "allow-axfr-ips=");
    let database = folder.join("keys");
    fs::write(folder.join("pdns.conf"), format!("{text}bind-dnssec-db={}\n", database.display()))
        .expect("a config file");
    let database = database.display().to_string();
    for words in [
        &["create-bind-db", &database][..],
        &["import-tsig-key", "transfer", "hmac-sha256", SECRET],
        &["activate-tsig-key", "lab.example", "transfer", "primary"],
    ] {
        let mut pdnsutil = tool("pdnsutil").expect("it comes with the server");
        let told = pdnsutil.arg(format!("--config-dir={}", folder.display())).args(words).output();
        let told = told.expect("it runs");
        assert!(told.status.success(), "{words:?}: {told:?}");
    }
}
