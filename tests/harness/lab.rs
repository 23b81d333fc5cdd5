//! The cluster that most tests serve: three masters behind one name, probed quickly.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hickory_proto::rr::RecordType;

use crate::client::sorted_addresses;
use crate::http::sample;
use crate::master::Master;
use crate::program::{Program, Site};
use crate::{free_port, loopback};

/// The masters' port.
pub const PORT: u16 = 6443;

/// The name they are behind.
pub const API: &str = "api.lab.example.";

/// The table of probes, to which lines may be added: one outcome is a verdict, and the next follows soon.
pub const QUICK_PROBES: &str = r#"
[probe]
interval = "100ms"
timeout = "3s"
retry = "20ms"
rise = 1
fall = 1
"#;

/// The zone, and its name that is guarded.
pub const GUARDED_ZONE: &str = r#"
[[zone]]
name = "lab.example"
file = "lab.zone"

[[zone.probe]]
names = ["api"]
tcp = 6443
"#;

/// Three masters behind one name, and a place for the admin listener.
pub struct Lab {
    /// The folder of its files.
    pub site: Site,
    /// The masters' addresses.
    pub hosts: [Ipv4Addr; 3],
    /// The masters, in the same order.
    pub masters: [Master; 3],
    /// Where the admin listener is told to listen.
    pub admin: SocketAddr,
}

impl Lab {
    /// All masters are there; nothing runs yet. The control socket is `control.sock` in the site's folder, where
    /// the server keeps its state, too.
    pub fn new() -> Lab {
        let hosts = [loopback(), loopback(), loopback()];
        let masters = hosts.map(|host| Master::open_at(host, PORT));
        let lab = Lab { site: Site::new(), hosts, masters, admin: free_port(loopback()) };
        lab.write_zone(1);
        lab.configure("");
        lab
    }

    /// Writes the config file with these lines more in `[probe]`, or tables behind it.
    pub fn configure(&self, probe: &str) {
        let usual = "socket = \"control.sock\"\nstate-directory = \".\"";
        self.configure_admin(&format!("{usual}\nlisten = \"{}\"", self.admin), probe);
    }

    /// Likewise, with this and nothing else in `[admin]`.
    pub fn configure_admin(&self, admin: &str, probe: &str) {
        self.site.configure(&format!("[admin]\n{admin}\n{QUICK_PROBES}{probe}\n{GUARDED_ZONE}"));
    }

    /// Starts the server, and waits until its admin listener is there, too.
    pub fn start(&self) -> Program {
        let program = self.site.start();
        program.wait_for_line(&format!("admin page, status and metrics on http://{}/", self.admin));
        program
    }

    /// Has the server reload, and waits until that is over, whatever came of it.
    pub fn reload(&self) {
        let _ = self.site.run(&["reload", "--socket", "control.sock"]);
    }

    /// The value of one sample of the metrics.
    pub fn sample(&self, series: &str) -> f64 {
        sample(self.admin, series)
    }

    /// Writes the zone with this serial.
    pub fn write_zone(&self, serial: u32) {
        let addresses: String = self.hosts.iter().map(|host| format!("api A {host}\n")).collect();
        let soa = format!("@ SOA ns.lab.example. root.lab.example. {serial} 3600 600 86400 60");
        self.site.write("lab.zone", &format!("$TTL 60\n{soa}\n@ NS ns\nns A 127.0.0.1\n{addresses}"));
    }

    /// What a master is called as a target.
    pub fn name(&self, master: usize) -> String {
        format!("{}:{PORT}", self.hosts[master])
    }

    /// Waits until these masters are answered and no other.
    pub fn wait_for_masters(&self, program: &Program, masters: &[usize]) {
        program.wait_for_addresses(API, &self.addresses(masters));
    }

    /// These masters are answered now, at the first question.
    pub fn assert_masters(&self, program: &Program, masters: &[usize]) {
        let answered = sorted_addresses(program.listen(), API, RecordType::A);
        assert_eq!(answered, Some(self.addresses(masters)));
    }

    /// Their addresses.
    pub fn addresses(&self, masters: &[usize]) -> Vec<IpAddr> {
        masters.iter().map(|&master| IpAddr::V4(self.hosts[master])).collect()
    }
}
