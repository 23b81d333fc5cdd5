//! Unbound as a validating resolver before one of our servers, which answers for some zones. Killed when dropped.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::{Name, RecordType};
use tempfile::TempDir;

use crate::tools::tool;
use crate::{PATIENCE, free_port, loopback, wait_for};

/// All networks but 127.0.0.0/8: no query leaves this machine.
const ELSEWHERE: [&str; 9] = [
    "0.0.0.0/2",
    "64.0.0.0/3",
    "96.0.0.0/4",
    "112.0.0.0/5",
    "120.0.0.0/6",
    "124.0.0.0/7",
    "126.0.0.0/8",
    "128.0.0.0/1",
    "::/0",
];

/// A validating resolver that asks a server of ours about its zones, and nobody about others.
pub struct Unbound {
    child: Child,
    place: SocketAddr,
    folder: TempDir,
}

impl Unbound {
    /// Starts it before a server with these zones and the data of their DNSKEY records, `257 3 13 …`; `more` are lines of the
    /// section `server`. None where it is not installed.
    pub fn start(server: SocketAddr, zones: &[(&str, &str)], more: &str) -> Option<Unbound> {
        Unbound::start_as(server, zones, more, |_| {})
    }

    /// The same by a command that `prepare` has changed.
    pub fn start_as(
        server: SocketAddr,
        zones: &[(&str, &str)],
        more: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Option<Unbound> {
        let mut own = format!(
            "  val-log-level: 2\n  module-config: \"validator iterator\"\n  local-zone: \"test.\" transparent\n{more}"
        );
        for (apex, key) in zones {
            _ = writeln!(own, "  trust-anchor: \"{apex} DNSKEY {key}\"");
        }
        let mut sections = String::new();
        for (apex, _) in zones {
            let (ip, port) = (server.ip(), server.port());
            _ = writeln!(sections, "stub-zone:\n  name: {apex}\n  stub-addr: {ip}@{port}");
        }
        // Whatever is not ours goes nowhere.
        sections += "forward-zone:\n  name: \".\"\n  forward-addr: 127.0.0.1@9\n";
        let unbound = Unbound::spawn(&own, &sections, prepare)?;
        let (apex, _) = zones.first().expect("a zone");
        wait_for("unbound", PATIENCE, || {
            unbound.ask(apex, RecordType::SOA).filter(|answer| answer.metadata.authentic_data)
        });
        Some(unbound)
    }

    /// Starts it before a server of this name, which it asks for everything over TLS and verifies by the authorities of a
    /// file. None where it is not installed.
    pub fn start_over_tls(server: SocketAddr, name: &str, authorities: &Path) -> Option<Unbound> {
        let own = format!(
            "  verbosity: 2\n  module-config: \"iterator\"\n  tls-cert-bundle: \"{}\"\n",
            authorities.display()
        );
        let (ip, port) = (server.ip(), server.port());
        let sections = format!(
            "forward-zone:\n  name: \".\"\n  forward-tls-upstream: yes\n  forward-addr: {ip}@{port}#{name}\n"
        );
        let unbound = Unbound::spawn(&own, &sections, |_| {})?;
        // A name that it answers itself.
        wait_for("unbound", PATIENCE, || unbound.ask("localhost.", RecordType::A));
        Some(unbound)
    }

    /// Starts it with these lines of the section `server` and these sections behind it.
    fn spawn(own: &str, sections: &str, prepare: impl FnOnce(&mut Command)) -> Option<Unbound> {
        let mut command = tool("unbound")?;
        let folder = tempfile::tempdir().expect("a scratch folder");
        let place = free_port(loopback());
        let (at, ip, port) = (folder.path().display(), place.ip(), place.port());
        let mut text = format!(
            "server:\n  interface: {ip}\n  port: {port}\n  directory: \"{at}\"\n  chroot: \"\"\n  username: \"\"\n  \
             pidfile: \"\"\n  use-syslog: no\n  logfile: \"{at}/log\"\n  do-not-query-localhost: no\n  num-threads: 1\n  \
             access-control: 127.0.0.0/8 allow\n{own}"
        );
        for elsewhere in ELSEWHERE {
            _ = writeln!(text, "  do-not-query-address: {elsewhere}");
        }
        text += sections;
        fs::write(folder.path().join("unbound.conf"), text).expect("a config file");
        command.arg("-d").arg("-c").arg(folder.path().join("unbound.conf"));
        prepare(&mut command);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("unbound starts");
        Some(Unbound { child, place, folder })
    }

    /// Its answer over UDP to a question with the DO bit; none where none comes.
    pub fn ask(&self, qname: &str, qtype: RecordType) -> Option<Message> {
        let mut message = Message::query();
        message.add_query(Query::query(Name::from_ascii(qname).expect("a name"), qtype));
        message.metadata.recursion_desired = true;
        let mut edns = Edns::new();
        edns.set_max_payload(4096);
        edns.set_dnssec_ok(true);
        message.edns = Some(edns);
        let socket = UdpSocket::bind((self.place.ip(), 0)).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        socket.connect(self.place).expect("a loopback address");
        socket.send(&message.to_vec().expect("a query that can be written")).ok()?;
        let mut buffer = [0; 65_535];
        let length = socket.recv(&mut buffer).ok()?;
        Some(Message::from_vec(&buffer[..length]).expect("a response that decodes"))
    }

    /// Where it answers.
    pub fn place(&self) -> SocketAddr {
        self.place
    }

    /// Its folder, which goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it wrote to its log: why an answer is bogus, for one.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
