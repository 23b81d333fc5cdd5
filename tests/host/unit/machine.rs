//! A machine made of namespaces, whose process 1 is systemd, with edgedns and a stand-in for kubelet.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use harness::program::executable;
use harness::tools::not_tried;
use harness::{PATIENCE, wait_for};

/// What of systemd's own a machine needs.
const UNITS: &[&str] = &[
    "basic.target",
    "local-fs.target",
    "network-online.target",
    "network-pre.target",
    "nss-lookup.target",
    "paths.target",
    "shutdown.target",
    "slices.target",
    "sockets.target",
    "sysinit.target",
    "systemd-journald.service",
    "systemd-journald.socket",
    "timers.target",
    "umount.target",
];

/// Everything is started that a node would start.
const TARGET: &str = "[Unit]\nRequires=basic.target\nWants=edgedns.service kubelet.service master.socket\n";

/// What everything else waits for.
const KUBELET: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

/// A master that accepts.
const MASTER_SOCKET: &str = "[Unit]\nBefore=edgedns.service\n[Socket]\nListenStream=127.0.0.1:6443\n";
const MASTER: &str = "[Service]\nExecStart=/bin/sleep infinity\n";

pub(crate) const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:53"]

[probe]
interval = "100ms"
rise = 1
fall = 1

[[zone]]
name = "lab.example"
file = "edgedns/lab.zone"

[[zone.probe]]
names = ["api"]
tcp = 6443
order = "local-first"
"#;

/// A machine before it is switched on.
pub(crate) struct Plan {
    folder: TempDir,
}

/// A machine that runs; switched off when dropped.
pub(crate) struct Machine {
    boot: Child,
    process: String,
    _plan: Plan,
}

impl Plan {
    pub(crate) fn new() -> Plan {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for place in ["units/sockets.target.wants", "units/sysinit.target.wants", "etc/edgedns", "usr/bin"] {
            fs::create_dir_all(folder.path().join(place)).expect("a scratch folder");
        }
        let plan = Plan { folder };
        plan.write("units/test.target", TARGET);
        plan.write("units/kubelet.service", KUBELET);
        plan.write("units/master.socket", MASTER_SOCKET);
        plan.write("units/master.service", MASTER);
        plan.write("units/edgedns.service", &super::unit());
        plan.write("etc/edgedns.toml", CONFIG);
        plan.write("etc/edgedns/lab.zone", &zone(1));
        let at = |place: &str| plan.folder.path().join(place);
        fs::copy(executable(), at("usr/bin/edgedns")).expect("a copy of the program");
        for wanted in
            ["sockets.target.wants/systemd-journald.socket", "sysinit.target.wants/systemd-journald.service"]
        {
            let (_, unit) = wanted.split_once('/').expect("a folder");
            symlink(format!("../{unit}"), at("units").join(wanted)).expect("a link");
        }
        plan
    }

    /// Writes a file of the machine.
    pub(crate) fn write(&self, place: &str, text: &str) {
        let file = self.folder.path().join(place);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a scratch folder");
        fs::write(file, text).expect("a scratch file");
    }

    /// Writes a file of the machine, which may be run.
    pub(crate) fn write_program(&self, place: &str, bytes: &[u8]) {
        let file = self.folder.path().join(place);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a scratch folder");
        fs::write(&file, bytes).expect("a scratch file");
        fs::set_permissions(file, PermissionsExt::from_mode(0o755)).expect("a scratch file");
    }

    /// Makes a link of the machine.
    pub(crate) fn link(&self, place: &str, to: &str) {
        let link = self.folder.path().join(place);
        fs::create_dir_all(link.parent().expect("a folder")).expect("a scratch folder");
        symlink(to, link).expect("a link");
    }

    /// Leaves a file of the machine out.
    pub(crate) fn remove(&self, place: &str) {
        fs::remove_file(self.folder.path().join(place)).expect("a file of the machine");
    }

    /// Switches it on and waits until everything has been started. None where that cannot be done.
    pub(crate) fn boot(self) -> Option<Machine> {
        for unit in UNITS {
            let own = Path::new("/lib/systemd/system").join(unit);
            if fs::copy(own, self.folder.path().join("units").join(unit)).is_err() {
                not_tried("no machine is booted: systemd is not installed");
                return None;
            }
        }
        let mut boot = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/unit/boot"))
            .arg(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut process = String::new();
        let mut said = BufReader::new(boot.stdout.take().expect("a pipe"));
        said.read_line(&mut process).expect("a process id");
        let process = process.trim().to_owned();
        if process.is_empty() {
            not_tried(&format!("no machine is booted: {}", boot.wait().expect("a child")));
            return None;
        }
        let machine = Machine { boot, process, _plan: self };
        wait_for("the end of the start", PATIENCE, || {
            let output = machine.run("systemctl is-active test.target");
            (said_by(&output).trim() == "active").then_some(())
        });
        Some(machine)
    }
}

impl Machine {
    /// Runs a command line on it.
    pub(crate) fn run(&self, line: &str) -> Output {
        let namespaces =
            ["--target", &self.process, "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup"];
        let mut command = Command::new("nsenter");
        command.args(namespaces).args(["bash", "-c", line]).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().expect("nsenter runs")
    }

    /// Runs a command line that must succeed, and returns what it says.
    pub(crate) fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}\n{}", self.log());
        said_by(&output).trim().to_owned()
    }

    /// A property of a unit.
    pub(crate) fn show(&self, unit: &str, property: &str) -> String {
        self.done(&format!("systemctl show {unit} --value --property {property}"))
    }

    /// Waits until a property of edgedns.service is `wanted`.
    pub(crate) fn wait_for(&self, property: &str, wanted: &str) {
        let begin = Instant::now();
        loop {
            let now = self.show("edgedns.service", property);
            if now == wanted {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{property} is {now:?}, not {wanted:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The addresses that it answers for `api`, in their order.
    pub(crate) fn answer(&self) -> String {
        self.done("dig +short +tries=1 +time=2 @127.0.0.1 api.lab.example A").replace('\n', " ")
    }

    /// What all units have logged.
    pub(crate) fn log(&self) -> String {
        said_by(&self.run("journalctl --no-pager --output short-precise"))
    }

    /// Writes the zone.
    pub(crate) fn write_zone(&self, text: &str) {
        self.done(&format!("cat >/etc/edgedns/lab.zone <<'END'\n{text}\nEND"));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Its standard input ends, and with that the machine.
        drop(self.boot.stdin.take());
        let _ = self.boot.wait();
    }
}

pub(crate) fn said_by(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Two masters, one of which is there; its address is the machine's own.
pub(crate) fn zone(serial: u32) -> String {
    let soa = format!("@ SOA ns root {serial} 3600 600 86400 60");
    format!("$TTL 60\n{soa}\n@ NS ns\nns A 127.0.0.1\napi 10 A 127.0.1.2\napi 10 A 127.0.0.1\n")
}
