//! Neighbours that have only link-local addresses: listening there, and forwarding there.

use std::fs;

use harness::namespace;
use harness::program::Site;

/// A node and the router it is connected to by `v0`; each serves a zone of its own at its link-local address.
/// The router has announced itself as name server, and the node has written that into its resolv.conf (RFC
/// 8106).
const LINK: &str = r#"
set -u
ip link set lo up
unshare --net sleep 120 &
router=$!
trap 'kill $node $other $router; wait' EXIT
for _ in $(seq 200); do [ "$(readlink /proc/$router/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.02; done
there() { nsenter --net=/proc/$router/ns/net "$@"; }
ip link add v0 type veth peer name v1
ip link set v1 netns $router
ip -6 address add fe80::1/64 dev v0 nodad; ip link set v0 up
there ip link set lo up
there ip -6 address add fe80::2/64 dev v1 nodad; there ip link set v1 up
nsenter --net=/proc/$router/ns/net "$1" --config router.toml 2>router.log &
other=$!
line() { for _ in $(seq 400); do grep -q "$1" $2 && return; sleep 0.05; done; echo "no line with $1 in $2"; cat $2; exit 1; }
line ready router.log
"$1" check --config edgedns.toml 2>check.log; echo "check: $?"
"$1" --config edgedns.toml 2>log &
node=$!
line ready log
echo "udp: $(there dig +tries=2 +time=3 +short @fe80::1%v1 -p 5300 www.lab.example A)"
echo "tcp: $(there dig +tries=2 +time=3 +short +tcp @fe80::1%v1 -p 5300 www.lab.example A)"
echo "loopback: $(dig +tries=2 +time=3 +short @127.0.0.1 -p 5300 www.lab.example A)"
echo "forwarded: $(dig +tries=2 +time=3 +short @127.0.0.1 -p 5300 www.elsewhere.test A)"
"#;

fn zone(address: &str) -> String {
    format!("@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\nwww 60 A {address}\n")
}

#[test]
fn a_link_local_address_is_served_and_asked_through_its_interface() {
    let site = Site::new();
    site.write("lab.zone", &zone("192.0.2.1"));
    site.write("elsewhere.zone", &zone("192.0.2.2"));
    site.write("resolv.conf", "nameserver fe80::2%v0\nnameserver dns.example\n");
    site.write(
        "edgedns.toml",
        "[server]\nlisten = [\"127.0.0.1:5300\", \"[fe80::1%v0]:5300\", \"[fe80::1%gone]:5300\"]\nworkers = 1\n\
         watch = false\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[forward]]\nzone = \".\"\nupstream = \"resolv.conf\"\nresolv-conf = \"resolv.conf\"\n",
    );
    site.write(
        "router.toml",
        "[server]\nlisten = [\"[fe80::2%v1]:53\"]\nworkers = 1\nwatch = false\n\n\
         [[zone]]\nname = \"elsewhere.test\"\nfile = \"elsewhere.zone\"\n",
    );
    let Some(link) = namespace::run(&site, LINK) else { return };
    let text = |file: &str| fs::read_to_string(site.folder().join(file)).unwrap_or_default();
    let seen = String::from_utf8_lossy(&link.stdout);
    let (log, checked) = (text("log"), text("check.log"));
    let wanted = "check: 0\nudp: 192.0.2.1\ntcp: 192.0.2.1\nloopback: 192.0.2.1\nforwarded: 192.0.2.2\n";
    assert_eq!(seen, wanted, "{}\n{checked}\n{log}", String::from_utf8_lossy(&link.stderr));
    // Both report what is left out, and nothing else.
    for words in ["this host has no interface `gone` now", "`dns.example` is not an address"] {
        assert!(log.contains(words) && checked.contains(words), "{words}:\n{checked}\n{log}");
    }
    assert!(checked.contains("ok: 0 errors, 2 warnings"), "{checked}");
}
