//! Three servers on three hosts, in network namespaces of their own, each with a member of etcd beside it: what each answers
//! to clients elsewhere and on its host while hosts are cut off from each other, a path is cut one way, one stands still, or
//! suspects itself.
//!
//! docs/many-sites.md has these tables.

use std::fs;

use harness::namespace;
use harness::program::Site;
use harness::tools::{path_of, tool};

/// Two networks, one of the hosts and the addresses that are probed (10.9.0.x), one of clients (10.8.0.x), which stays whole.
const HOSTS: &str = r#"
set -u
etcd=$2
pids=""
trap 'kill -CONT $pids; kill $pids; wait' EXIT
ip link set lo up
ip link add hosts type bridge; ip link set hosts up
ip link add clients type bridge; ip link set clients up; ip address add 10.8.0.254/24 dev clients
space() { # NAME NUMBER: a namespace with a port on the bridge of hosts, called port-NAME
  unshare --net sleep 600 & eval "pid_$1=$!"; pids="$pids $!"
  for _ in $(seq 200); do [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.02; done
  ip link add port-$1 type veth peer name eth0 netns $!
  ip link set port-$1 master hosts; ip link set port-$1 up
  in_ $1 ip link set lo up; in_ $1 ip address add 10.9.0.$2/24 dev eth0; in_ $1 ip link set eth0 up
}
at() { local pid="pid_$1"; echo nsenter --net=/proc/${!pid}/ns/net; }
in_() { local space=$1; shift; $(at $space) "$@"; }
line() { for _ in $(seq 1200); do grep -q "$1" $2 && return; sleep 0.05; done; echo "no line with $1 in $2"; cat $2; exit 1; }
space t 99
for number in 100 101 102; do in_ t ip address add 10.9.0.$number/24 dev eth0; done
program=$1
$(at t) "$program" --config t.toml 2>t.log & pids="$pids $!"
line ready t.log
number=0
for name in a b c; do
  number=$((number + 1))
  space $name $number
  pid="pid_$name"
  ip link add client-$name type veth peer name eth1 netns ${!pid}
  ip link set client-$name master clients; ip link set client-$name up
  in_ $name ip address add 10.8.0.$number/24 dev eth1; in_ $name ip link set eth1 up
  url=http://10.9.0.$number
  $(at $name) env ETCD_UNSUPPORTED_ARCH=arm64 $etcd --name $name --data-dir data-$name --listen-client-urls $url:2379 --advertise-client-urls $url:2379 \
    --listen-peer-urls $url:2380 --initial-advertise-peer-urls $url:2380 --heartbeat-interval=50 --election-timeout=500 \
    --initial-cluster a=http://10.9.0.1:2380,b=http://10.9.0.2:2380,c=http://10.9.0.3:2380 >/dev/null 2>etcd-$name.log & pids="$pids $!"
  $(at $name) "$program" --config $name.toml 2>$name.log & eval "server_$name=$!"; pids="$pids $!"
done
for name in a b c; do line ready $name.log; done
standing() { in_ $1 "$program" status --config $1.toml --format json | grep -o '"standing": *"\(heard\|alone\|minority\)"' | grep -o '[a-z]*"$' | tr -d '"'; }
until_standing() { for _ in $(seq 300); do now=$(standing $1); [ "$now" = "$2" ] && break; sleep 0.1; done; echo "$1 $now"; }
"#;

/// One address that is probed.
const SPLITS: &str = r#"
one() { case "$(eval "$1 dig +tries=1 +time=1 +short @$2 -p 5300 www.lab.example A")" in 10.9.0.100) echo -n 1;; "") echo -n 0;; *) echo -n x;; esac; }
all() {
  for number in 1 2 3; do one "" 10.8.0.$number; done; echo -n " "
  for name in a b c; do one "in_ $name" 127.0.0.1; done; echo -n " "
  number=0; for name in a b c; do number=$((number + 1)); one "in_ $name" 10.8.0.$number; done
}
until_all() { for _ in $(seq 600); do now=$(all); [ "$now" = "$2" ] && break; sleep 0.1; done; echo "$1: $now"; }
# from WHERE: what a answers to a client at 10.8.0.11
from() { one "$1" "10.8.0.1 -b 10.8.0.11"; }
until_from() { for _ in $(seq 300); do now=$(from "$2"); [ "$now" = "$3" ] && break; sleep 0.1; done; echo "$1: $now"; }
well() { until_all "$1" "111 111 111"; for name in a b c; do until_standing $name heard; done; }
well "all is well"
in_ a ip route add unreachable 10.9.0.100
until_all "a does not reach it" "111 011 011"
ip address add 10.8.0.11/24 dev clients
until_from "a client elsewhere" "" 1
ip address del 10.8.0.11/24 dev clients; in_ a ip address add 10.8.0.11/24 dev eth1
until_from "a has its address" "in_ a" 0
in_ a ip address del 10.8.0.11/24 dev eth1; ip address add 10.8.0.11/24 dev clients
until_from "it is elsewhere again" "" 1
in_ b ip route add unreachable 10.9.0.100
until_all "only c reaches it" "001 001 001"
in_ b ip route del unreachable 10.9.0.100
until_all "b reaches it again" "111 011 011"
kill -STOP $server_b
until_all "b stands still" "0x1 0x1 0x1"
kill -CONT $server_b
until_all "b goes on" "111 011 011"
for name in a b c; do bridge link set dev port-$name isolated on; done
until_all "1, 1 and 1" "011 011 011"
for name in a b c; do until_standing $name alone; done
for name in a b c; do bridge link set dev port-$name isolated off; done
until_all "together again" "111 011 011"
in_ a ip route del unreachable 10.9.0.100
well "a reaches it again"
in_ t ip route add unreachable 10.9.0.1
until_all "what it sends back to a is lost" "111 011 011"
in_ t ip route del unreachable 10.9.0.1
well "the path is whole"
ip link set port-a down
until_all "1 and 2" "011 011 011"
until_standing a alone
until_standing b heard
ip link set port-a up
well "whole again"
"#;

/// What is to be seen: by whom it is answered to clients elsewhere (a, b, c), to those on its host at a loopback address, and
/// to those that ask another address of its host.
const WANTED: &str = "\
all is well: 111 111 111\na heard\nb heard\nc heard
a does not reach it: 111 011 011
a client elsewhere: 1
a has its address: 0
it is elsewhere again: 1
only c reaches it: 001 001 001
b reaches it again: 111 011 011
b stands still: 0x1 0x1 0x1
b goes on: 111 011 011
1, 1 and 1: 011 011 011\na alone\nb alone\nc alone
together again: 111 011 011
a reaches it again: 111 111 111\na heard\nb heard\nc heard
what it sends back to a is lost: 111 011 011
the path is whole: 111 111 111\na heard\nb heard\nc heard
1 and 2: 011 011 011\na alone\nb heard
whole again: 111 111 111\na heard\nb heard\nc heard
";

#[test]
fn servers_that_are_cut_off_from_each_other_answer_as_the_document_says() {
    let www = ("www", "A 10.9.0.100", "quorum");
    let Some((seen, told)) = run(&[www], SPLITS) else { return };
    assert_eq!(seen, WANTED, "{told}");
    assert!(told.contains("no other vantage is heard, this one goes by itself"), "{told}");
}

/// Three addresses that are probed: `www`, `far` and `third`, and `own-www` and `own-far` by what each server sees itself.
const SUSPICIONS: &str = r#"
NAMES="www far third own-www own-far"
one() { [ -n "$(eval "$1 dig +tries=1 +time=1 +short @$2 -p 5300 $3.lab.example A")" ] && echo -n 1 || echo -n 0; }
all() {
  for name in $NAMES; do one "" 10.8.0.1 $name; done; echo -n " "
  for name in $NAMES; do one "in_ a" 127.0.0.1 $name; done; echo -n " "
  for name in $NAMES; do one "" 10.8.0.2 $name; done
}
until_all() { for _ in $(seq 600); do now=$(all); [ "$now" = "$2" ] && break; sleep 0.1; done; echo "$1: $now"; }
suspects() { in_ a "$program" status --config a.toml --format json | grep -q '"suspects_itself": *true' && echo yes || echo no; }
until_suspects() { for _ in $(seq 300); do now=$(suspects); [ "$now" = "$1" ] && break; sleep 0.1; done; echo "suspects itself: $now"; }
until_all "all is well" "11111 11111 11111"
for name in a b c; do until_standing $name heard; done
until_suspects no
in_ a ip route add unreachable 10.9.0.101
until_all "a does not reach far" "11110 10110 11111"
until_suspects no
sleep 2 # as long as a silence takes to be noticed: who is silent from before is down
in_ t ip route add unreachable 10.9.0.1
until_suspects yes
until_all "a hears nobody" "11110 00000 11111"
in_ t ip address del 10.9.0.102/24 dev eth0
until_all "third dies" "11110 00000 11011"
ip link set port-a down
until_standing a alone
until_all "a hears no other server either" "10110 00000 11011"
ip link set port-a up
until_standing a heard
until_all "a hears the others again" "11110 00000 11011"
until_suspects yes
in_ t ip route del unreachable 10.9.0.1
until_suspects no
until_all "a hears www again" "11010 10010 11011"
in_ a ip route del unreachable 10.9.0.101
in_ t ip address add 10.9.0.102/24 dev eth0
until_all "all is well again" "11111 11111 11111"
"#;

/// What is to be seen of these names: by a to clients elsewhere and on its host, and by b.
const SUSPICIONS_WANTED: &str = "\
all is well: 11111 11111 11111\na heard\nb heard\nc heard\nsuspects itself: no
a does not reach far: 11110 10110 11111\nsuspects itself: no
suspects itself: yes\na hears nobody: 11110 00000 11111
third dies: 11110 00000 11011
a alone\na hears no other server either: 10110 00000 11011
a heard\na hears the others again: 11110 00000 11011\nsuspects itself: yes
suspects itself: no\na hears www again: 11010 10010 11011
all is well again: 11111 11111 11111
";

#[test]
fn a_server_that_suspects_itself_goes_by_what_it_believed_and_by_what_others_see() {
    let names = [
        ("www", "A 10.9.0.100", "quorum"),
        ("far", "A 10.9.0.101", "quorum"),
        ("third", "A 10.9.0.102", "quorum"),
        ("own-www", "A 10.9.0.100", "own"),
        ("own-far", "A 10.9.0.101", "own"),
    ];
    let Some((seen, told)) = run(&names, SUSPICIONS) else { return };
    assert_eq!(seen, SUSPICIONS_WANTED, "{told}");
}

/// Runs the steps with servers that guard these names: label, record and whose probes count. What they print, and what is
/// logged; none where such hosts cannot be had.
fn run(names: &[(&str, &str, &str)], steps: &str) -> Option<(String, String)> {
    let needed = ["etcd", "bridge", "dig"];
    if needed.iter().any(|program| tool(program).is_none()) {
        return None;
    }
    let site = Site::new();
    let zone = "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns.test.\n";
    site.write("t.zone", zone);
    site.write(
        "t.toml",
        "[server]\nlisten = [\"10.9.0.100:443\", \"10.9.0.101:443\", \"10.9.0.102:443\"]\nworkers = 1\nwatch = false\n\n\
         [[zone]]\nname = \"t.example\"\nfile = \"t.zone\"\n",
    );
    let (mut records, mut probes) = (String::new(), String::new());
    for (label, record, rule) in names {
        records += &format!("{label} 1 {record}\n");
        probes += &format!(
            "[[zone.probe]]\nnames = [\"{label}\"]\ntcp = 443\nall-down = \"none\"\nvantage = \"{rule}\"\n"
        );
    }
    for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
        // Its own address proves that it has a network: one that is beyond a way that is closed is down, then.
        site.write(&format!("{name}.zone"), &format!("{zone}{records}self 5 A 10.9.0.{number}\n"));
        site.write(
            &format!("{name}.toml"),
            &format!(
                "[server]\nlisten = [\"127.0.0.1:5300\", \"10.8.0.{number}:5300\", \"10.9.0.{number}:443\"]\n\
                 workers = 1\nwatch = false\n\n[admin]\nsocket = \"{name}.sock\"\n\n\
                 [probe]\ninterval = \"300ms\"\nretry = \"100ms\"\ntimeout = \"1s\"\n\n\
                 [vantage]\nname = \"{name}\"\nmembers = [\"a\", \"b\", \"c\"]\nlease = \"6s\"\n\
                 endpoints = [\"http://10.9.0.1\", \"http://10.9.0.2\", \"http://10.9.0.3\"]\n\n\
                 [[zone]]\nname = \"lab.example\"\nfile = \"{name}.zone\"\n{probes}\
                 [[zone.probe]]\nnames = [\"self\"]\ntcp = 443\n"
            ),
        );
    }
    let etcd = path_of("etcd").expect("it is installed");
    let script = format!("{HOSTS}{steps}").replace("etcd=$2", &format!("etcd={}", etcd.display()));
    let node = namespace::run(&site, &script)?;
    let text = |file: &str| fs::read_to_string(site.folder().join(file)).unwrap_or_default();
    let logs = ["a.log", "b.log", "c.log"].map(text).join("\n");
    let seen = String::from_utf8_lossy(&node.stdout).into_owned();
    Some((seen, format!("{}\n{logs}", String::from_utf8_lossy(&node.stderr))))
}
