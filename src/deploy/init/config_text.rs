//! The text of the first config file, with a reason for each key.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::named_cluster::{NamedCluster, ZONES};

const DNS_PORT: u16 = 53;

const TABLES: &str = r#"
[admin]
listen = "127.0.0.1:9653"              # the page, /metrics, /status, /healthz, /readyz; read-only
socket = "/run/edgedns/control.sock"   # edgedns status, reload and force
state-directory = "/var/lib/edgedns"   # forced verdicts outlive a restart

[probe]                                # the defaults, to be found when they are looked for
interval = "1s"                        # from one probe of a target to the next
timeout = "1s"                         # how long one probe may take
retry = "200ms"                        # to the next probe after one that contradicts the verdict
rise = 2                               # passes in a row until a target that was down is up
fall = 2                               # failures in a row until a target that was up is down
"#;

const API_PROBE: &str = r#"
[[zone.probe]]                         # the API server says itself whether it works: /readyz fails up to
names = ["api", "api-int"]             # 70 s before its port closes
https = { port = 6443, path = "/readyz", verify = false }
order = "local-first"                  # a node asks its own API server first, while that passes
all-down = "all"                       # rather a name that does not work yet than none

[[zone.probe]]                         # the router's port, and what it says of itself (it needs the host network,
names = ["*.apps"]                     # as on every cluster without a load balancer)
tcp = 443
http = { port = 1936, path = "/healthz/ready" }

[[zone.probe]]                         # the port that each SRV record names
names = ["_etcd-server-ssl._tcp"]
tcp = "target"
"#;

impl NamedCluster {
    /// The config file; `reverse` are the reverse zones.
    pub(super) fn config_text<'z>(&self, reverse: impl Iterator<Item = &'z String>) -> String {
        let domain = &self.domain;
        let mut text = format!("# edgedns: the names of {domain}. The same file does for every master.\n\n");
        self.write_listen(&mut text);
        text.push_str(TABLES);
        zone(&mut text, domain);
        text.push_str(API_PROBE);
        for name in reverse {
            zone(&mut text, name);
        }
        text
    }

    /// Loopback and every node that serves: it serves those of the addresses that are its own.
    fn write_listen(&self, text: &mut String) {
        let mut families = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        if self.server_addresses().any(|address| address.is_ipv6()) {
            families.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
        }
        let servers = self.server_addresses().filter(|address| !families.contains(address));
        text.push_str(
            "[server]                               # of these addresses each node serves its own;\n",
        );
        text.push_str("listen = [                             # none is in the way of another server's\n");
        for address in families.iter().copied().chain(servers) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    \"{}\",", SocketAddr::new(address, DNS_PORT));
        }
        text.push_str("]\n");
    }
}

fn zone(text: &mut String, name: &str) {
    let _ = write!(text, "\n[[zone]]\nname = \"{name}\"\nfile = \"{ZONES}/{name}.zone\"\n");
}
