//! A finished probe has closed every connection it opened, whatever the target did.
//!
//! Targets see the connections of probes that failed, timed out or were cancelled; the process is measured
//! after thousands of time-outs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgedns::probe::{Outcome, Probe, ProbeKind};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::hostile::{Certificates, Hostile, Over, Target, all, open_connections};
use super::server::LIMIT;
use harness::program::{Program, Site};
use harness::wait_for;

/// Targets that are met at once: few enough for handshakes to be over long before a probe is.
const MEETINGS_AT_ONCE: usize = 16;

/// How long a probe is borne: long enough for a handshake on any machine.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Waits until the target sees no connection of ours.
async fn assert_closed(target: &Target, kind: &ProbeKind, after: &str) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        let open = open_connections(target.place);
        if open == 0 {
            return Ok(());
        }
        if begin.elapsed() > LIMIT / 4 {
            return Err(format!("{} by `{}`: {open} open {after}", target.name, kind.entry().name));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs every probe that can meet this target, to its end and not to its end.
async fn meet(hostile: Hostile, address: IpAddr, certificates: &Certificates) -> Result<(), String> {
    let over = hostile.over;
    let probes = |target: &Target| hostile.probes(target.place);
    let target = hostile.clone().start(address, certificates).await;
    for kind in probes(&target) {
        let may_pass = match kind {
            ProbeKind::Tcp(_) => true,
            ProbeKind::Tls(_) => matches!(over, Over::Https | Over::Http2),
            ProbeKind::Http(_)
            | ProbeKind::Https(_)
            | ProbeKind::Grpc(_)
            | ProbeKind::Dns(_)
            | ProbeKind::Dialogue(_)
            | ProbeKind::File(_) => false,
        };
        let probe = Probe { address, source: None, timeout: TIMEOUT, kind: kind.clone() };
        let mut prober = probe.prober();
        for _ in 0..2 {
            let outcome = prober.run().await;
            let is_right = may_pass || matches!(outcome, Outcome::Fail { .. });
            assert!(is_right, "{} by {probe}: {outcome}", target.name);
        }
        assert_closed(&target, &kind, "after two runs, and the prober is there still").await?;
        // As when its target is not watched any more.
        for part in 1..=3 {
            let _ = tokio::time::timeout(TIMEOUT / 4 * part, prober.run()).await;
        }
        drop(prober);
        assert_closed(&target, &kind, "after runs that were given up").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_sees_no_connection_of_a_probe_that_is_over_whatever_it_did() {
    let certificates: &Certificates = Box::leak(Box::new(Certificates::new()));
    let turns = Arc::new(Semaphore::new(MEETINGS_AT_ONCE));
    let mut meetings = JoinSet::new();
    for hostile in all() {
        let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
        meetings.spawn(async move {
            let _turn = turn;
            meet(hostile, "127.0.4.100".parse().unwrap(), certificates).await
        });
    }
    let left: Vec<String> = meetings.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(left.is_empty(), "\n{}", left.join("\n"));
}

/// So many time-outs are waited for.
const TIMEOUTS: u64 = 10_000;

/// So many of them after a handshake, over HTTP/2: there is most to close then.
const TIMEOUTS_OVER_HTTP_2: u64 = 500;

/// After this many, everything that is made once exists, and buffers have their size.
const TIMEOUTS_TO_WARM_UP: u64 = 2_000;

/// This many of each hostile target, so that many probes time out at once; but a handshake costs a
/// millisecond of a machine that tests are built for, and probes must get beyond it.
fn copies(over: Over) -> u8 {
    match over {
        Over::Nothing | Over::Http | Over::Handshake => 8,
        Over::Https | Over::Http2 => 1,
    }
}

/// What the process may have grown meanwhile, in kB. What a connection takes is 33 kB: 1 % of what would leak.
const GROWTH_MAX_KB: u64 = 8_000;

const HEAD: &str = "\
[admin]
socket = \"control.sock\"

[probe]
interval = \"300ms\"
retry = \"300ms\"
timeout = \"300ms\"
startup-wait = \"0s\"

[[zone]]
name = \"lab.example\"
file = \"lab.zone\"
";

const ZONE: &str = "\
$ORIGIN lab.example.
$TTL 10
@ SOA ns hostmaster 1 3600 600 86400 10
@ NS ns
ns A 127.0.4.101
";

/// The files of a site that probes these targets as they deserve.
fn write_site(site: &Site, targets: &[(Hostile, Target)]) {
    let (mut config, mut zone) = (HEAD.to_owned(), ZONE.to_owned());
    for (number, (hostile, target)) in targets.iter().enumerate() {
        let port = target.place.port();
        writeln!(zone, "t{number} A {}", target.place.ip()).unwrap();
        write!(config, "\n[[zone.probe]]\nnames = [\"t{number}\"]\n").unwrap();
        let keys = format!("port = {port}, path = \"/\", body = \"well\", redirects = 5");
        match hostile.over {
            Over::Nothing | Over::Http => writeln!(config, "http = {{ {keys} }}").unwrap(),
            Over::Handshake | Over::Https | Over::Http2 => {
                writeln!(config, "https = {{ {keys}, verify = false }}").unwrap();
            }
        }
    }
    site.write("lab.zone", &zone);
    site.configure(&config);
}

/// Time-outs so far: all, and those over HTTP/2.
fn timeouts(site: &Site, targets: &[(Hostile, Target)]) -> (u64, u64) {
    let said = site.run(&["status", "--socket", "control.sock", "--format", "json"]);
    let status: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let over_http_2: Vec<String> = targets
        .iter()
        .filter(|(hostile, _)| hostile.over == Over::Http2)
        .map(|(_, target)| format!("https://{}/", target.place))
        .collect();
    let (mut all, mut over) = (0, 0);
    for target in status["targets"].as_array().expect("a list") {
        let timeouts = target["failures"]["timeout"].as_u64().unwrap_or(0);
        all += timeouts;
        if over_http_2.iter().any(|name| target["name"] == name.as_str()) {
            over += timeouts;
        }
    }
    (all, over)
}

fn descriptors(program: &Program) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", program.pid())).expect("a process").count()
}

fn resident_kb(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("a process");
    let fields: BTreeMap<&str, &str> = status.lines().filter_map(|line| line.split_once(':')).collect();
    let resident = fields["VmRSS"].trim().strip_suffix(" kB").expect("kB");
    resident.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_timeouts_leave_neither_descriptors_nor_memory() {
    let certificates = Certificates::new();
    let mut targets = Vec::new();
    for hostile in all() {
        for last in 0..copies(hostile.over) {
            let address = IpAddr::from([127, 0, 4, 101 + last]);
            targets.push((hostile.clone(), hostile.clone().start(address, &certificates).await));
        }
    }
    let site = Site::new();
    tokio::task::block_in_place(|| {
        write_site(&site, &[]);
        let program = site.start();
        let reload = || {
            let so_far = program.log_len();
            program.reload();
            program.wait_for_line_after(so_far, "reloaded: 1 zones");
        };
        let idle = descriptors(&program);
        write_site(&site, &targets);
        reload();
        let reach = |wanted: (u64, u64)| {
            wait_for(&format!("{wanted:?} time-outs"), 6 * LIMIT, || {
                // A status of that many targets is work for the server that is measured.
                std::thread::sleep(Duration::from_millis(200));
                let (all, over_http_2) = timeouts(&site, &targets);
                (all >= wanted.0 && over_http_2 >= wanted.1).then_some(())
            });
        };
        reach((TIMEOUTS_TO_WARM_UP, 0));
        let before_kb = resident_kb(&program);
        reach((TIMEOUTS_TO_WARM_UP + TIMEOUTS, TIMEOUTS_OVER_HTTP_2));
        let growth_kb = resident_kb(&program).saturating_sub(before_kb);
        assert!(growth_kb <= GROWTH_MAX_KB, "{growth_kb} kB more than {before_kb} kB");
        write_site(&site, &[]);
        reload();
        wait_for(&format!("{idle} descriptors, as before the first probe"), LIMIT, || {
            // One more may be that of the last status request.
            (descriptors(&program) <= idle + 1).then_some(())
        });
        program.stop();
    });
}
