//! The running program and whoever supervises it: what a service manager is told and passes, and what the log is.
//!
//! Responsible for sd_notify(3), sd_listen_fds(3) and the formats of the log, with the test in the manager's place.
//! Not responsible for systemd itself: `unit` has it read the unit, and boot with it where it can.

#[path = "../harness/mod.rs"]
mod harness;

mod log;
mod manager;
mod notify;
mod passed;
mod watchdog;

use std::net::Ipv4Addr;

use harness::loopback;
use harness::master::Master;
use harness::program::Site;

const PORT: u16 = 6443;
const API: &str = "api.lab.example.";

/// Quick probes of three masters behind one name.
struct Lab {
    site: Site,
    hosts: [Ipv4Addr; 3],
    masters: [Master; 3],
}

impl Lab {
    fn new() -> Lab {
        let hosts = [loopback(), loopback(), loopback()];
        let lab = Lab { site: Site::new(), hosts, masters: hosts.map(|host| Master::open_at(host, PORT)) };
        let addresses: String = lab.hosts.iter().map(|host| format!("api A {host}\n")).collect();
        let soa = "@ SOA ns.lab.example. root.lab.example. 1 3600 600 86400 60";
        lab.site.write("lab.zone", &format!("$TTL 60\n{soa}\n@ NS ns\nns A 127.0.0.1\n{addresses}"));
        lab.site.configure(CONFIG);
        lab
    }
}

const CONFIG: &str = r#"
[probe]
interval = "100ms"
timeout = "2s"
retry = "20ms"
rise = 1
fall = 1

[[zone]]
name = "lab.example"
file = "lab.zone"

[[zone.probe]]
names = ["api"]
tcp = 6443
"#;
