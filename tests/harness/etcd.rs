//! etcd as Debian has it: one member or several, in plain text or with TLS and users.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::tools::{path_of, tool};
use crate::{PATIENCE, free_port, loopback, wait_for};

/// The password of root, and of whoever else there is.
pub const PASSWORD: &str = "correct horse";

/// An etcd, which ends with this.
pub struct Etcd {
    folder: TempDir,
    members: Vec<Member>,
    security: Security,
    /// Options that each member is started with besides.
    more: Vec<String>,
}

/// How an etcd is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// By TLS and passwords: of `root`, and of `edgedns`, who may read what begins with `/skydns/` or `/edgedns/`.
    TlsAndUsers,
}

struct Member {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    process: Option<Child>,
}

impl Etcd {
    /// Starts one; none where etcd is not installed.
    pub fn start(members: usize, security: Security) -> Option<Etcd> {
        Self::start_with(members, security, &[])
    }

    /// Starts one with more options.
    pub fn start_with(members: usize, security: Security, more: &[&str]) -> Option<Etcd> {
        tool("etcd")?;
        tool("etcdctl")?;
        let member = |number| {
            let address = loopback();
            let (client, peer) = (free_port(address), free_port(address));
            Member { name: format!("m{number}"), client, peer, process: None }
        };
        let folder = tempfile::tempdir().expect("a folder");
        let more = more.iter().map(|option| (*option).to_owned()).collect();
        let mut etcd = Etcd { folder, members: (0..members).map(member).collect(), security, more };
        etcd.make_certificates();
        (0..members).for_each(|place| etcd.launch(place));
        etcd.wait_until_well();
        if security == Security::TlsAndUsers {
            etcd.make_users();
        }
        Some(etcd)
    }

    /// Where members listen, as `endpoints` wants it.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| self.url(member.client)).collect()
    }

    /// The addresses of members.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.client).collect()
    }

    /// The certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A file with the password.
    pub fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// A folder that ends with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a key a value.
    pub fn put(&self, key: &str, value: &str) {
        let file = self.folder.path().join("value");
        fs::write(&file, value).expect("a file");
        let mut command = self.ctl_command(&self.endpoints().join(","));
        // A command line has no room for a large one.
        let output = command.args(["put", "--", key]).stdin(fs::File::open(&file).expect("a file")).output();
        let output = output.expect("etcdctl runs");
        assert!(output.status.success(), "etcdctl put {key}: {output:?}");
    }

    /// Gives a key a value for so many seconds.
    pub fn put_for(&self, seconds: u32, key: &str, value: &str) {
        let granted = self.ctl(&["lease", "grant", &seconds.to_string()]);
        let lease = granted.split_whitespace().nth(1).expect("the number of a lease").to_owned();
        self.ctl(&["put", &format!("--lease={lease}"), "--", key, value]);
    }

    /// Takes a key away.
    pub fn delete(&self, key: &str) {
        self.ctl(&["del", "--", key]);
    }

    /// Runs `etcdctl` with all members; what it says.
    #[track_caller]
    pub fn ctl(&self, arguments: &[&str]) -> String {
        self.ctl_of(&self.endpoints().join(","), arguments)
    }

    /// Runs `etcdctl` with one member.
    #[track_caller]
    pub fn ctl_member(&self, place: usize, arguments: &[&str]) -> String {
        self.ctl_of(&self.url(self.members[place].client), arguments)
    }

    #[track_caller]
    fn ctl_of(&self, endpoints: &str, arguments: &[&str]) -> String {
        let output = self.ctl_command(endpoints).args(arguments).output().expect("etcdctl runs");
        assert!(output.status.success(), "etcdctl {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn ctl_command(&self, endpoints: &str) -> Command {
        let mut command = Command::new(path_of("etcdctl").expect("it is installed"));
        command.env("ETCDCTL_API", "3").args(["--endpoints", endpoints]);
        if self.security == Security::TlsAndUsers {
            command.arg("--cacert").arg(self.authority());
            if self.folder.path().join("users").exists() {
                command.args(["--user", &format!("root:{PASSWORD}")]);
            }
        }
        command
    }

    /// Puts many keys in as few requests as there may be; `of` gives the key and value of a number.
    pub fn put_many(&self, count: usize, of: impl Fn(usize) -> (String, String)) {
        // The most operations that a transaction may have.
        for begin in (0..count).step_by(128) {
            let mut text = "\n".to_owned();
            for number in begin..count.min(begin + 128) {
                let (key, value) = of(number);
                text.push_str(&format!("put {key} {value:?}\n"));
            }
            text.push_str("\n\n");
            let file = self.folder.path().join("transaction");
            fs::write(&file, text).expect("a file");
            let input = fs::File::open(&file).expect("a file");
            let mut command = self.ctl_command(&self.endpoints().join(","));
            let output = command.arg("txn").stdin(input).output().expect("etcdctl runs");
            assert!(output.status.success(), "{output:?}");
        }
    }

    /// The place of the leader.
    pub fn leader(&self) -> usize {
        wait_for("a leader", PATIENCE, || {
            (0..self.members.len()).find(|place| {
                let member = &self.members[*place];
                let mut command = self.ctl_command(&self.url(member.client));
                command.args(["--command-timeout=1s", "endpoint", "status"]);
                let output = command.output().expect("etcdctl runs");
                // Version, size, whether it leads: the fifth word between commas in 3.4.
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.split(", ").nth(4) == Some("true")
            })
        })
    }

    /// Ends a member at once.
    pub fn kill(&mut self, place: usize) {
        if let Some(mut process) = self.members[place].process.take() {
            process.kill().expect("it runs");
            process.wait().expect("it has ended");
        }
    }

    /// Starts a member again, as it was started.
    pub fn restart(&mut self, place: usize) {
        self.launch(place);
    }

    /// Sends a signal to a member: `STOP`, `CONT`.
    pub fn signal(&self, place: usize, signal: &str) {
        let process = self.members[place].process.as_ref().expect("it runs");
        let sent = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Writes all keys into a file.
    pub fn save(&self, file: &Path) {
        self.ctl_member(0, &["snapshot", "save", file.to_str().expect("a path")]);
    }

    /// Ends the only member, and starts it again with what was saved.
    pub fn restore(&mut self, file: &Path) {
        self.kill(0);
        let data = self.data(0);
        fs::remove_dir_all(&data).expect("its data");
        let member = &self.members[0];
        let peer = format!("http://{}", member.peer);
        let mut command = Command::new(path_of("etcdctl").expect("it is installed"));
        command.env("ETCDCTL_API", "3").args(["snapshot", "restore"]).arg(file);
        command.args(["--name", &member.name, "--initial-cluster", &format!("{}={peer}", member.name)]);
        command.args(["--initial-advertise-peer-urls", &peer, "--data-dir"]).arg(&data);
        let output = command.output().expect("etcdctl runs");
        assert!(output.status.success(), "{output:?}");
        self.restart(0);
        self.wait_until_well();
    }

    /// Waits until all members that run answer.
    pub fn wait_until_well(&self) {
        for member in self.members.iter().filter(|member| member.process.is_some()) {
            wait_for("etcd is well", PATIENCE, || {
                let mut command = self.ctl_command(&self.url(member.client));
                command.args(["--command-timeout=1s", "endpoint", "health"]);
                command.output().expect("etcdctl runs").status.success().then_some(())
            });
        }
    }

    fn url(&self, address: SocketAddr) -> String {
        match self.security {
            Security::None => format!("http://{address}"),
            Security::TlsAndUsers => format!("https://{address}"),
        }
    }

    fn data(&self, place: usize) -> PathBuf {
        self.folder.path().join(&self.members[place].name)
    }

    fn launch(&mut self, place: usize) {
        let all: Vec<String> =
            self.members.iter().map(|member| format!("{}=http://{}", member.name, member.peer)).collect();
        let member = &self.members[place];
        let (client, peer) = (self.url(member.client), format!("http://{}", member.peer));
        let log = fs::File::options().append(true).create(true).open(self.folder.path().join("log"));
        let mut command = Command::new(path_of("etcd").expect("it is installed"));
        command.args(["--name", &member.name, "--data-dir"]).arg(self.data(place));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args([
            "--initial-cluster",
            &all.join(","),
            "--heartbeat-interval=50",
            "--election-timeout=500",
        ]);
        if self.security == Security::TlsAndUsers {
            let path = |file: &str| self.folder.path().join(file);
            command.arg("--cert-file").arg(path("server.pem")).arg("--key-file").arg(path("server.key"));
        }
        command
            .args(&self.more)
            .env("ETCD_UNSUPPORTED_ARCH", "arm64")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let process = command.stderr(log.expect("a log")).spawn().expect("etcd starts");
        self.members[place].process = Some(process);
    }

    fn make_certificates(&self) {
        fs::write(self.password_file(), format!("{PASSWORD}\n")).expect("a file");
        if self.security == Security::None {
            return;
        }
        let write = |file: &str, text: String| {
            fs::write(self.folder.path().join(file), text).expect("a file");
        };
        let key = || rcgen::KeyPair::generate().expect("a key");
        let (authority_key, server_key) = (key(), key());
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "lab authority");
        write("ca.pem", authority.self_signed(&authority_key).expect("a certificate").pem());
        let mut names: Vec<String> =
            self.members.iter().map(|member| member.client.ip().to_string()).collect();
        names.push("etcd.lab.example".to_owned());
        let server = rcgen::CertificateParams::new(names).expect("names");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        write("server.pem", server.signed_by(&server_key, &issuer).expect("a certificate").pem());
        write("server.key", server_key.serialize_pem());
    }

    fn make_users(&self) {
        for user in ["root", "edgedns"] {
            self.ctl(&["user", "add", &format!("{user}:{PASSWORD}")]);
            self.ctl(&["role", "add", user]);
            self.ctl(&["user", "grant-role", user, user]);
        }
        for prefix in ["/skydns/", "/edgedns/"] {
            self.ctl(&["role", "grant-permission", "edgedns", "--prefix=true", "readwrite", prefix]);
        }
        self.ctl(&["auth", "enable"]);
        fs::write(self.folder.path().join("users"), "").expect("a file");
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|place| self.kill(place));
    }
}
