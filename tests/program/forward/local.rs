//! What `local` means while the host's addresses cannot be read.

use harness::namespace;
use harness::program::Site;

/// A host in 192.0.2.0/24. Its server is left without a descriptor to open anything with, and gets them back.
const NODE: &str = r#"
set -u
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 addrgenmode none; ip link set v1 addrgenmode none
ip address add 192.0.2.1/24 dev v0
ip -6 address add 2001:db8:77::1/64 dev v0 nodad
ip -6 address add 2001:db8:99::1/128 dev lo
ip link set v0 up; ip link set v1 up
"$1" --config edgedns.toml 2>log &
server=$!
trap 'kill $server; wait $server' EXIT
line() { for _ in $(seq 400); do grep -q "$1" log && return; sleep 0.05; done; echo "no line with: $1"; exit 1; }
ask() { dig -b 192.0.2.1 @127.0.0.1 -p 5300 +noall +comments +tries=1 +time=5 elsewhere.test A | grep -o 'status: [A-Z]*'; }
line ready
ask
prlimit --pid $server --nofile=3:1024
line 'networks of this host cannot be read'
ask
prlimit --pid $server --nofile=1024:1024
line 'networks of this host can be read again'
ask
echo "complaints: $(grep -c 'networks of this host cannot be read' log)"
ip address add 198.51.100.1/24 dev v0
line '198.51.100.0/24'
dig -b 198.51.100.1 @127.0.0.1 -p 5300 +tries=1 +time=5 +short www.lab.example A
sed -n 's/.*`local` now includes: //p' log | tail -1
"#;

#[test]
fn who_could_ask_can_still_ask_while_networks_cannot_be_read() {
    let site = Site::new();
    site.write(
        "lab.zone",
        "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\nwww 60 A 192.0.2.7\n",
    );
    site.configure_listeners(
        &["127.0.0.1:5300".parse().expect("an address")],
        // No upstream answers: a client that may ask gets SERVFAIL, another one REFUSED.
        "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-query = [\"local\"]\n\n[[forward]]\nzone = \".\"\nupstream = [\"127.0.0.9:5301\"]\ntimeout = \"100ms\"\nattempts = 1\n",
    );
    let Some(node) = namespace::run(&site, NODE) else { return };
    let seen = String::from_utf8_lossy(&node.stdout);
    let log = std::fs::read_to_string(site.folder().join("log")).unwrap_or_default();
    let servfail = "status: SERVFAIL\n";
    let networks = "192.0.2.0/24 198.51.100.0/24 2001:db8:77::/64";
    let wanted = format!("{servfail}{servfail}{servfail}complaints: 1\n192.0.2.7\n{networks}\n");
    assert_eq!(seen, wanted, "{}\n{log}", String::from_utf8_lossy(&node.stderr));
}
