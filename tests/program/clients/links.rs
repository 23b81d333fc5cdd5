//! A link with a small MTU: no response is sent in fragments.

use harness::program::{Site, executable};
use harness::tools::in_own_network;

/// In a network of its own, whose loopback carries 1000 bytes. What dig does by itself when it hears nothing
/// is done here step by step.
const NODE: &str = r#"
set -u
ip link set lo up mtu 1000
"$1" --config edgedns.toml 2>log &
server=$!
trap 'kill $server; wait $server' EXIT
ask() { dig @127.0.0.1 -p 5300 +noall +answer +comments +tries=1 +time=2 "$@"; }
for _ in $(seq 100); do ask small.lab.example A | grep -q 192.0.2.1 && break; sleep 0.05; done
echo "== 1232"; ask +notcp +ignore +bufsize=1232 large.lab.example TXT | grep -c 'TXT\|tc'
echo "== 512"; ask +notcp +ignore +bufsize=512 large.lab.example TXT | grep -o ' tc'
echo "== tcp"; ask +tcp large.lab.example TXT | grep -c 'IN.*TXT'
echo "== small"; ask small.lab.example A | grep -c 192.0.2.1
"#;

#[test]
fn a_response_is_never_sent_in_fragments() {
    let site = Site::new();
    let texts: String =
        (0..5).map(|number| format!("large 60 TXT {}\n", number.to_string().repeat(200))).collect();
    site.write(
        "lab.zone",
        &format!(
            "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\nsmall 60 A 192.0.2.1\n{texts}"
        ),
    );
    site.configure_listeners(
        &["127.0.0.1:5300".parse().expect("an address")],
        "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n",
    );
    let Some(mut node) = in_own_network(&[]) else { return };
    let node = node
        .args(["bash", "-c", NODE, "node"])
        .arg(executable())
        .current_dir(site.folder())
        .output()
        .expect("unshare runs");
    let seen = String::from_utf8_lossy(&node.stdout);
    let log = std::fs::read_to_string(site.folder().join("log")).unwrap_or_default();
    let wanted = "== 1232\n0\n== 512\n tc\n== tcp\n5\n== small\n1\n";
    assert_eq!(seen, wanted, "{}\n{log}", String::from_utf8_lossy(&node.stderr));
}
