//! A host that hears nobody beyond it any more, all at once: it suspects itself.

use std::fs;

use harness::namespace;
use harness::program::Site;
use harness::tools::is_installed;
use harness::zone_keys;

/// A node, and a network beyond it with two hosts, whose link loses its carrier at the other end: then the node has its
/// route as before, and nothing comes back. Clients elsewhere come over a link of their own.
const SPLIT: &str = r#"
set -u
ip link set lo up
unshare --net sleep 120 &
beyond=$!
unshare --net sleep 120 &
clients=$!
trap 'kill $node $hosts $beyond $clients; wait' EXIT
apart() { for _ in $(seq 200); do [ "$(readlink /proc/$1/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.02; done; }
apart $beyond; apart $clients
there() { nsenter --net=/proc/$beyond/ns/net "$@"; }
ip link add w0 type veth peer name w1
ip link set w1 netns $clients
ip address add 10.8.0.1/24 dev w0; ip link set w0 up
nsenter --net=/proc/$clients/ns/net sh -c 'ip address add 10.8.0.2/24 dev w1; ip link set w1 up'
ip link add v0 type veth peer name v1
ip link set v1 netns $beyond
ip address add 10.9.0.1/24 dev v0; ip link set v0 up
there ip link set lo up
there ip address add 10.9.0.2/24 dev v1; there ip address add 10.9.0.3/24 dev v1; there ip link set v1 up
nsenter --net=/proc/$beyond/ns/net "$1" --config beyond.toml 2>beyond.log &
hosts=$!
line() { for _ in $(seq 600); do grep -q "$1" $2 && return; sleep 0.05; done; echo "no line with $1 in $2"; cat $2; exit 1; }
line ready beyond.log
"$1" --config edgedns.toml 2>log &
node=$!
line ready log
ALL
here() { in=; all 127.0.0.1; }
elsewhere() { in="nsenter --net=/proc/$clients/ns/net"; all 10.8.0.1; }
until_is() { for _ in $(seq 1200); do [ "$($1)" = "$2" ] && break; sleep 0.05; done; echo "$3, $1: $($1)"; }
until_is here "10.9.0.1 10.9.0.2 10.9.0.3 " well
echo "well, elsewhere: $(elsewhere)"
there ip link set v1 down
until_is here "10.9.0.1 " cut
echo "cut, elsewhere: $(elsewhere)"
"$1" status --config edgedns.toml --format json >status.json
"$1" explain --config edgedns.toml www.lab.example A --from 192.0.2.7 >explain.txt
there ip link set v1 up
until_is here "10.9.0.1 10.9.0.2 10.9.0.3 " again
line "local trouble ended" log
echo "again, elsewhere: $(elsewhere)"
kill $hosts; wait $hosts
until_is elsewhere "10.9.0.1 " "they have ended"
"#;

/// How a client asks for all addresses.
const ASKED: &str =
    "all() { $in dig +tries=3 +time=3 +short @$1 -p 5300 www.lab.example A | sort | tr '\\n' ' '; }";

/// How one asks that takes only what is signed.
const VALIDATED: &str = r#"all() {
    answer=$($in delv @$1 -p 5300 -a anchors +root=lab.example www.lab.example A 2>&1)
    case "$answer" in *"; fully validated"*) echo "$answer" | awk '$4 == "A" { print $5 }' | sort | tr '\n' ' ' ;; esac
}"#;

#[test]
fn in_a_signed_zone_both_are_answered_so_with_signatures_that_fit() {
    let site = Site::new();
    let key = zone_keys::generate(&site, "lab.example", "keys");
    zone_keys::write_anchors(&site, "lab.example.", &key);
    if !is_installed("delv") {
        return;
    }
    let Some((seen, log)) = split(&site, "[zone.dnssec]\nkeys = \"keys\"\n", VALIDATED) else { return };
    assert_eq!(seen, wanted(), "{log}");
}

/// What clients see of the three hosts.
fn wanted() -> String {
    let three = "10.9.0.1 10.9.0.2 10.9.0.3 ";
    format!(
        "well, here: {three}\nwell, elsewhere: {three}\ncut, here: 10.9.0.1 \ncut, elsewhere: {three}\n\
         again, here: {three}\nagain, elsewhere: {three}\nthey have ended, elsewhere: 10.9.0.1 \n"
    )
}

#[test]
fn who_hears_nobody_any_more_answers_clients_elsewhere_as_before_and_its_own_by_what_it_sees() {
    let site = Site::new();
    let Some((seen, log)) = split(&site, "", ASKED) else { return };
    let text = |file: &str| fs::read_to_string(site.folder().join(file)).unwrap_or_default();
    assert_eq!(seen, wanted(), "{log}");
    assert!(log.contains("this host suspects itself"), "{log}");
    let status: serde_json::Value = serde_json::from_str(&text("status.json")).expect("a status");
    assert_eq!(status["suspects_itself"], true, "{status}");
    let elsewhere = status["targets"].as_array().expect("targets").iter();
    assert_eq!(elsewhere.filter(|target| target["elsewhere"] == "up").count(), 2, "{status}");
    let explained = text("explain.txt");
    assert!(explained.contains("this host suspects itself"), "{explained}");
}

/// What clients see of a zone with `more` lines of config that ask like this, and what is logged.
fn split(site: &Site, more: &str, asked: &str) -> Option<(String, String)> {
    let zone = "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns.test.\n";
    site.write("beyond.zone", zone);
    site.write("lab.zone", &format!("{zone}www 5 A 10.9.0.1\nwww 5 A 10.9.0.2\nwww 5 A 10.9.0.3\n"));
    site.write(
        "beyond.toml",
        "[server]\nlisten = [\"10.9.0.2:53\", \"10.9.0.3:53\"]\nworkers = 1\nwatch = false\n\n\
         [[zone]]\nname = \"beyond.example\"\nfile = \"beyond.zone\"\n",
    );
    site.write(
        "edgedns.toml",
        &format!(
            "[server]\nlisten = [\"127.0.0.1:5300\", \"10.8.0.1:5300\", \"10.9.0.1:53\"]\nworkers = 1\nwatch = false\n\n\
             [admin]\nsocket = \"control.sock\"\n\n\
             [probe]\ninterval = \"6s\"\nretry = \"200ms\"\ntimeout = \"500ms\"\n\n\
             [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{more}\
             [[zone.probe]]\nnames = [\"www\"]\ntcp = 53\n"
        ),
    );
    let node = namespace::run(site, &SPLIT.replace("ALL", asked))?;
    let log = fs::read_to_string(site.folder().join("log")).unwrap_or_default();
    let [seen, faults] = [node.stdout, node.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Some((seen, format!("{faults}\n{log}")))
}
