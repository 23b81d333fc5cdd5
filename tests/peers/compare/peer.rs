//! PowerDNS, Knot DNS and BIND as servers to compare with: their configuration, start and end.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use harness::client::ask;
use harness::tools::{is_installed, tool};
use harness::{PATIENCE, free_port, loopback, wait_for};

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    PowerDns,
    Knot,
    Bind,
}

/// The program in front of PowerDNS.
pub(crate) const RESOLVER: &str = "pdns_recursor";

/// A server of the zone `x.example`. Killed when dropped.
pub(crate) struct Peer {
    child: Child,
    pub(crate) place: SocketAddr,
    _folder: TempDir,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Kind::PowerDns => "pdns_server",
            Kind::Knot => "knotd",
            Kind::Bind => "named",
        }
    }

    /// Whether the program is there to be run.
    pub(crate) fn is_installed(self) -> bool {
        is_installed(self.program())
    }

    /// Starts it with this text of the zone, and waits until it answers.
    pub(crate) fn serve(self, zone: &str) -> Peer {
        let folder = tempfile::tempdir().expect("a scratch folder");
        // BIND listens only where an interface has the address.
        let address = if self == Kind::Bind { Ipv4Addr::LOCALHOST } else { loopback() };
        let place = free_port(address);
        let (ip, port, at) = (place.ip(), place.port(), folder.path().display());
        let write =
            |file: &str, text: &str| fs::write(folder.path().join(file), text).expect("a scratch file");
        write("x.example.zone", zone);
        let mut command = tool(self.program()).expect("the program was there");
        match self {
            Kind::PowerDns => {
                write(
                    "bind.conf",
                    &format!("zone \"x.example\" {{ type native; file \"{at}/x.example.zone\"; }};\n"),
                );
                write(
                    "pdns.conf",
                    // Without the suffix it would ask the world whether it is safe.
                    &format!(
                        "launch=bind\nbind-config={at}/bind.conf\nlocal-address={ip}\nlocal-port={port}\n\
                         enable-lua-records=yes\nsocket-dir={at}\nsecurity-poll-suffix=\ndaemon=no\nguardian=no\n\
                         write-pid=no\n"
                    ),
                );
                command.arg(format!("--config-dir={at}"));
            }
            Kind::Knot => {
                write(
                    "knot.conf",
                    &format!(
                        "server:\n  rundir: {at}\n  listen: {ip}@{port}\nlog:\n  - target: stderr\n    any: warning\n\
                         database:\n  storage: {at}\nzone:\n  - domain: x.example\n    storage: {at}\n    \
                         file: x.example.zone\n    zonefile-sync: -1\n    zonefile-load: whole\n    \
                         journal-content: none\n"
                    ),
                );
                command.arg("-c").arg(folder.path().join("knot.conf"));
            }
            Kind::Bind => {
                write(
                    "named.conf",
                    &format!(
                        "options {{ directory \"{at}\"; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; \
                         pid-file none; session-keyfile none; recursion no; notify no; minimal-responses no; \
                         dnssec-validation no; }};\ncontrols {{ }};\n\
                         zone \"x.example\" {{ type primary; file \"x.example.zone\"; }};\n"
                    ),
                );
                command.arg("-g").arg("-c").arg(folder.path().join("named.conf"));
            }
        }
        Peer::start(command, folder, place)
    }
}

impl Peer {
    /// A resolver in front of this server: pdns-recursor, with no way to anybody else.
    pub(crate) fn behind_a_resolver(&self) -> Peer {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let place = free_port(loopback());
        let (ip, port, at, behind) = (place.ip(), place.port(), folder.path().display(), self.place);
        let text = format!(
            "local-address={ip}\nlocal-port={port}\nsocket-dir={at}\nforward-zones=x.example={behind}, .={behind}\n\
             dont-query=\nhint-file=no\nquery-local-address=127.0.0.1\nsecurity-poll-suffix=\ndaemon=no\n\
             write-pid=no\nthreads=1\ndnssec=off\nallow-from=127.0.0.0/8\n"
        );
        fs::write(folder.path().join("recursor.conf"), text).expect("a scratch file");
        let mut command = tool(RESOLVER).expect("the program was there");
        command.arg(format!("--config-dir={at}"));
        Peer::start(command, folder, place)
    }

    /// Starts a server, and waits until it answers.
    fn start(mut command: Command, folder: TempDir, place: SocketAddr) -> Peer {
        let log = folder.path().join("log");
        let file = fs::File::create(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log file")).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut peer = Peer { child, place, _folder: folder };
        wait_for(&format!("{command:?} serves"), PATIENCE, || {
            if let Some(status) = peer.child.try_wait().expect("a child") {
                panic!("{command:?} ended with {status}:\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            let response = ask(place, "x.example.", RecordType::SOA)?;
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
        peer
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It holds nothing that an orderly end would save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
