//! Answers follow the masters: those that accept connections are answered.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask, ask_tcp, sorted_addresses};
use harness::master::Master;
use harness::program::{Program, Site};
use harness::tools::tool;
use harness::{PATIENCE, loopback, wait_for};

/// What the API of every master listens at in the zone file.
const API_PORT: u16 = 6443;

/// In place of 443, which needs a privilege to bind.
const APPS_PORT: u16 = 10_443;

/// The times of [`PROBE`].
const INTERVAL: Duration = Duration::from_millis(300);
const RETRY: Duration = Duration::from_millis(100);
const FALL: u32 = 2;

const PROBE: &str =
    "[probe]\ninterval = \"300ms\"\ntimeout = \"200ms\"\nretry = \"100ms\"\nrise = 2\nfall = 2\n";

/// On a busy machine a process may wait this long for its turn.
const MACHINE_SLACK: Duration = Duration::from_secs(1);

const API: &str = "api.acm-demo-hub.redhat.ren.";

/// Three masters under addresses of their own, and the zone that names them.
pub(crate) struct Cluster {
    pub(crate) site: Site,
    pub(crate) masters: [Master; 3],
    pub(crate) apps: [Master; 3],
}

impl Cluster {
    /// All masters are up.
    pub(crate) fn new() -> Self {
        let site = Site::new();
        let hosts = [loopback(), loopback(), loopback()];
        let mut zone = include_str!("../../data/three-node/etc/pdns/inside-out.xyz").to_owned();
        // Tests run beside each other, so that each has masters of its own.
        for (written, host) in ["127.0.1.13", "127.0.1.14", "127.0.1.15"].iter().zip(hosts) {
            zone = zone.replace(&format!("'{written}'"), &format!("'{host}'"));
        }
        zone = zone.replace("ifportup(443,", &format!("ifportup({APPS_PORT},"));
        site.write("inside-out.xyz", &zone);
        site.configure(&Self::config());
        Self {
            site,
            masters: hosts.map(|host| Master::open_at(host, API_PORT)),
            apps: hosts.map(|host| Master::open_at(host, APPS_PORT)),
        }
    }

    /// The config file without `[server]`.
    pub(crate) fn config() -> String {
        format!("{PROBE}\n[[zone]]\nname = \"acm-demo-hub.redhat.ren\"\nfile = \"inside-out.xyz\"\n")
    }

    /// The addresses of these masters, sorted.
    fn of(&self, which: &[usize]) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = which.iter().map(|&which| self.masters[which].address()).collect();
        addresses.sort();
        addresses
    }

    fn api(&self, which: usize) -> String {
        format!("{}:{API_PORT}", self.masters[which].address())
    }
}

#[test]
fn all_three_masters_are_answered_while_all_are_up() {
    let cluster = Cluster::new();
    let program = cluster.site.start();
    for qname in [
        API,
        "API-int.acm-demo-hub.redhat.ren.",
        "acm-demo-hub.redhat.ren.",
        "a.b.apps.acm-demo-hub.redhat.ren.",
    ] {
        let udp = sorted_addresses(program.listen(), qname, RecordType::A);
        assert_eq!(udp.expect("an answer"), cluster.of(&[0, 1, 2]), "{qname}");
        let tcp = ask_tcp(program.listen(), qname, RecordType::A).expect("an answer over TCP");
        assert_eq!(addresses(&tcp).len(), 3, "{qname}");
    }
    program.stop();
}

#[test]
fn a_closed_master_leaves_the_answer_and_an_opened_one_comes_back() {
    let mut cluster = Cluster::new();
    let program = cluster.site.start();
    program.wait_for_addresses(API, &cluster.of(&[0, 1, 2]));
    cluster.masters[1].close();
    program.wait_for_addresses(API, &cluster.of(&[0, 2]));
    cluster.masters[0].close();
    program.wait_for_addresses(API, &cluster.of(&[2]));
    // The port of the routers is another target of the same masters.
    cluster.apps[0].close();
    program.wait_for_addresses("console.apps.acm-demo-hub.redhat.ren.", &cluster.of(&[1, 2]));
    cluster.apps[0].open();
    program.wait_for_addresses("console.apps.acm-demo-hub.redhat.ren.", &cluster.of(&[0, 1, 2]));
    cluster.masters[2].close();
    program.wait_for_line(&format!("{} down", cluster.api(2)));
    program.wait_for_addresses(API, &cluster.of(&[0, 1, 2]));
    cluster.masters[0].open();
    program.wait_for_addresses(API, &cluster.of(&[0]));
    cluster.masters[1].open();
    cluster.masters[2].open();
    program.wait_for_addresses(API, &cluster.of(&[0, 1, 2]));
    program.stop();
}

#[test]
fn the_log_tells_every_change_of_a_verdict_in_order() {
    let mut cluster = Cluster::new();
    let program = cluster.site.start();
    let begin = program.log_len();
    for which in [2, 0] {
        cluster.masters[which].close();
        program.wait_for_line_after(begin, &format!("{} down", cluster.api(which)));
    }
    cluster.masters[2].open();
    program.wait_for_line_after(begin, &format!("{} up", cluster.api(2)));
    let log = program.log();
    let changes = log.iter().skip(begin).filter(|line| line.text.contains(&format!(":{API_PORT} ")));
    let wanted =
        [(2, "down"), (0, "down"), (2, "up")].map(|(which, to)| format!("{} {to}", cluster.api(which)));
    let changes: Vec<&str> = changes.map(|line| line.text.as_str()).collect();
    assert_eq!(changes.len(), wanted.len(), "{changes:#?}");
    for (line, wanted) in changes.iter().zip(&wanted) {
        assert!(line.contains(wanted), "{line:?} does not tell {wanted:?}");
    }
    program.stop();
}

#[test]
fn a_closed_master_leaves_the_answer_in_time() {
    let mut cluster = Cluster::new();
    let program = cluster.site.start();
    program.wait_for_addresses(API, &cluster.of(&[0, 1, 2]));
    let closed = Instant::now();
    cluster.masters[1].close();
    program.wait_for_addresses(API, &cluster.of(&[0, 2]));
    let took = closed.elapsed();
    let limit = INTERVAL + RETRY * (FALL - 1) + Duration::from_millis(100);
    assert!(took < limit + MACHINE_SLACK, "{took:?} instead of {limit:?}");
    println!("a closed master left the answer after {took:?}; the limit is {limit:?}");
    program.stop();
}

#[test]
fn a_master_that_hangs_goes_down_by_its_timeout() {
    let mut cluster = Cluster::new();
    let program = cluster.site.start();
    program.wait_for_addresses(API, &cluster.of(&[0, 1, 2]));
    cluster.masters[0].hang();
    let line = program.wait_for_line(&format!("{} down", cluster.api(0)));
    assert!(line.text.contains("timed out"), "{line:?}");
    program.wait_for_addresses(API, &cluster.of(&[1, 2]));
    program.stop();
}

#[test]
fn a_master_that_was_down_at_start_is_not_answered_once() {
    let mut cluster = Cluster::new();
    cluster.masters[1].close();
    let program = cluster.site.start();
    let first = sorted_addresses(program.listen(), API, RecordType::A);
    assert_eq!(first.expect("an answer"), cluster.of(&[0, 2]));
    program.stop();
}

#[test]
fn a_target_of_several_names_is_probed_once_per_interval() {
    let cluster = Cluster::new();
    let program = cluster.site.start();
    let begin = Instant::now();
    let before = cluster.masters[0].accepted();
    wait_for("ten probes", PATIENCE, || (cluster.masters[0].accepted() >= before + 10).then_some(()));
    // Three names are guarded by this port. Were each to probe it, ten probes would take a third of the time.
    assert!(begin.elapsed() > INTERVAL * 10 / 2, "ten probes within {:?}", begin.elapsed());
    program.stop();
}

#[test]
fn dig_gets_the_masters_that_are_up() {
    let mut cluster = Cluster::new();
    cluster.masters[2].close();
    let program = cluster.site.start();
    let Some(short) = dig(&program, &["+short", API]) else { return };
    let mut seen: Vec<IpAddr> = short.lines().map(|line| line.parse().expect("an address")).collect();
    seen.sort();
    assert_eq!(seen, cluster.of(&[0, 1]));
    let full = dig(&program, &["+tcp", "AAAA", API]).expect("dig is installed");
    assert!(full.contains("status: NOERROR"), "{full}");
    assert!(full.contains("flags: qr aa"), "{full}");
    assert!(!full.contains("WARNING: Message parser reports malformed"), "{full}");
    program.stop();
}

#[test]
fn a_stop_ends_with_status_0_while_a_client_keeps_a_connection() {
    let cluster = Cluster::new();
    let program = cluster.site.start();
    let idle = std::net::TcpStream::connect(program.listen()).expect("a connection");
    assert!(ask(program.listen(), API, RecordType::A).is_some());
    program.stop();
    drop(idle);
}

/// None where dig is not installed.
fn dig(program: &Program, arguments: &[&str]) -> Option<String> {
    let listen = program.listen();
    let output = tool("dig")?
        .arg(format!("@{}", listen.ip()))
        .args(["-p", &listen.port().to_string(), "+norecurse", "+tries=1"])
        .args(arguments)
        .output()
        .expect("dig runs");
    Some(String::from_utf8(output.stdout).expect("dig writes text"))
}
