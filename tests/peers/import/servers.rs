//! PowerDNS, pdns-recursor, BIND, dnsmasq, HAProxy and gdnsd as processes on loopback, with nothing but a node's own files.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::tools::{is_installed, path_of};
use harness::{PATIENCE, wait_for};

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

/// Where the program is, if it is installed.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    is_installed(program).then(|| path_of(program))?
}

impl Server {
    /// PowerDNS with the `pdns.conf` of a folder.
    pub(crate) fn pdns(program: &Path, folder: &Path) -> Server {
        // The checks that records ask for are quick on loopback; nothing else is different from the node.
        Self::start(program, folder, &["--guardian=no", "--disable-syslog", "--write-pid=no"])
    }

    /// pdns-recursor with the `recursor.conf` of a folder. It asks no server beyond this host: `upstream`
    /// takes the place of the root servers.
    pub(crate) fn recursor(program: &Path, folder: &Path, upstream: SocketAddr) -> Server {
        let hints = folder.join("hints");
        let text = format!(". 3600 IN NS a.root.\na.root. 3600 IN A {}\n", upstream.ip());
        fs::write(&hints, text).expect("a scratch file");
        let hints = format!("--hint-file={}", hints.display());
        Self::start(program, folder, &[&hints, "--threads=1", "--disable-syslog", "--write-pid=no"])
    }

    /// BIND with the `named.conf` of a folder. Its log goes to ours.
    pub(crate) fn named(program: &Path, folder: &Path) -> Server {
        let mut command = Command::new(program);
        command.arg("-g").arg("-c").arg(folder.join("named.conf"));
        Self::spawn(command, program, folder)
    }

    /// dnsmasq with the `dnsmasq.conf` of a folder.
    pub(crate) fn dnsmasq(program: &Path, folder: &Path) -> Server {
        let mut command = Command::new(program);
        let conf = folder.join("dnsmasq.conf");
        // Another user could not read a scratch folder.
        command.args(["--keep-in-foreground", "--pid-file=", "--user=root", "-C"]).arg(conf);
        Self::spawn(command, program, folder)
    }

    /// gdnsd with the `config` of a folder, which names folders to write to.
    pub(crate) fn gdnsd(program: &Path, folder: &Path) -> Server {
        let mut command = Command::new(program);
        command.arg("-c").arg(folder).arg("start");
        Self::spawn(command, program, folder)
    }

    /// HAProxy with the `haproxy.cfg` of a folder.
    pub(crate) fn haproxy(program: &Path, folder: &Path) -> Server {
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
        Self::spawn(command, program, folder)
    }

    fn start(program: &Path, folder: &Path, more: &[&str]) -> Server {
        let mut command = Command::new(program);
        command
            .arg(format!("--config-dir={}", folder.display()))
            .arg(format!("--socket-dir={}", folder.display()))
            // Its own user could not read a scratch folder; and no version is looked up on the internet.
            .args(["--daemon=no", "--setuid=", "--setgid=", "--security-poll-suffix="])
            .args(more);
        Self::spawn(command, program, folder)
    }

    fn spawn(mut command: Command, program: &Path, folder: &Path) -> Server {
        let path = folder.join("log");
        let log = File::create(&path).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Server { child, log: path }
    }

    /// Waits until `condition` holds; the log is shown when it does not, or the server ends.
    pub(crate) fn wait_until(&mut self, what: &str, mut condition: impl FnMut() -> Option<()>) {
        let log = || fs::read_to_string(&self.log).unwrap_or_default();
        wait_for(&format!("{what}\n{}", log()), PATIENCE, || {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the server ended with {status}:\n{}", log());
            }
            condition()
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
