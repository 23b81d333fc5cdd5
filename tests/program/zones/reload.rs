//! Reloads: what changes, what does not, and that nobody notices.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask, sorted_addresses};
use harness::program::{Program, Site};
use harness::{free_port, loopback};

const CONFIG: &str = "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n";

const QNAME: &str = "www.lab.example.";

#[test]
fn a_reload_takes_a_changed_zone_over() {
    let site = lab();
    let program = site.start();
    assert_eq!(address(&program), "192.0.2.1");
    site.write("lab.zone", &zone(2));
    reload(&program);
    assert_eq!(address(&program), "192.0.2.2");
    program.stop();
}

#[test]
fn a_zone_that_cannot_be_read_stays_at_its_last_good_version() {
    let site = lab();
    site.write("other.zone", &zone(7));
    site.configure(&format!("{CONFIG}\n[[zone]]\nname = \"other.example\"\nfile = \"other.zone\"\n"));
    let program = site.start();
    site.write("lab.zone", &broken());
    site.write("other.zone", &zone(8));
    reload(&program);
    assert_eq!(address(&program), "192.0.2.1");
    // The other zone is not held up by it.
    let other = sorted_addresses(program.listen(), "www.other.example.", RecordType::A).expect("an answer");
    assert_eq!(other[0].to_string(), "192.0.2.8");
    let line = program.wait_for_line("lab.zone:4:");
    assert!(line.text.contains("AA"), "{line:?}");
    program.wait_for_line("stays at serial 1");
    site.write("lab.zone", &zone(3));
    reload(&program);
    assert_eq!(address(&program), "192.0.2.3");
    program.stop();
}

#[test]
fn a_zone_that_cannot_be_read_at_start_is_servfail_beside_the_others() {
    let site = lab();
    site.write("other.zone", &broken());
    site.configure(&format!("{CONFIG}\n[[zone]]\nname = \"other.example\"\nfile = \"other.zone\"\n"));
    let program = site.start();
    assert_eq!(address(&program), "192.0.2.1");
    let other = ask(program.listen(), "www.other.example.", RecordType::A).expect("an answer");
    assert_eq!(other.metadata.response_code, ResponseCode::ServFail);
    program.stop();
}

#[test]
fn a_config_that_cannot_be_read_changes_nothing() {
    let site = lab();
    let mut program = site.start();
    let before = program.log_len();
    site.write("lab.zone", &zone(2));
    site.write("edgedns.toml", "[server]\nlisten = [\"127.0.0.1:0\n");
    program.reload();
    program.wait_for_line_after(before, "nothing has changed");
    program.assert_running();
    assert_eq!(address(&program), "192.0.2.1");
    site.configure(CONFIG);
    reload(&program);
    assert_eq!(address(&program), "192.0.2.2");
    program.stop();
}

#[test]
fn a_reload_adds_and_removes_listeners() {
    let site = lab();
    let program = site.start();
    let added = free_port(loopback());
    assert!(ask(added, QNAME, RecordType::A).is_none());
    site.configure_listeners(&[site.listen(), added], CONFIG);
    reload(&program);
    for listen in [site.listen(), added] {
        let response = ask(listen, QNAME, RecordType::A).expect("an answer");
        assert_eq!(addresses(&response).len(), 1, "{listen}");
    }
    site.configure(CONFIG);
    reload(&program);
    assert!(ask(added, QNAME, RecordType::A).is_none());
    assert_eq!(address(&program), "192.0.2.1");
    program.stop();
}

#[test]
fn a_listener_that_cannot_be_had_changes_nothing() {
    let site = lab();
    let program = site.start();
    let taken = std::net::UdpSocket::bind((loopback(), 0)).expect("a socket");
    let before = program.log_len();
    site.write("lab.zone", &zone(2));
    site.configure_listeners(&[site.listen(), taken.local_addr().expect("a bound socket")], CONFIG);
    program.reload();
    program.wait_for_line_after(before, "nothing has changed");
    assert_eq!(address(&program), "192.0.2.1");
    program.stop();
}

#[test]
fn no_query_is_lost_over_ten_reloads_of_which_five_are_broken() {
    let site = lab();
    let program = site.start();
    let (asked, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let listen = program.listen();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // One query after the other: each waits for its answer, so that loopback cannot overflow.
            while !done.load(Ordering::Relaxed) {
                let response = ask(listen, QNAME, RecordType::A).expect("a query is lost");
                assert_eq!(addresses(&response).len(), 1, "{response:?}");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        });
        let stop = StopOnDrop(&done);
        let mut good = 1;
        for round in 0..10 {
            if round % 2 == 0 {
                good += 1;
                site.write("lab.zone", &zone(good));
            } else {
                site.write("lab.zone", &broken());
            }
            reload(&program);
            assert_eq!(address(&program), format!("192.0.2.{good}"));
            let before = asked.load(Ordering::Relaxed);
            harness::wait_for("fifty answers", Duration::from_secs(20), || {
                (asked.load(Ordering::Relaxed) >= before + 50).then_some(())
            });
        }
        drop(stop);
    });
    println!("{} queries over ten reloads, none lost", asked.load(Ordering::Relaxed));
    program.stop();
}

#[test]
fn an_idle_server_lets_go_of_the_zone_it_does_not_serve_any_more() {
    let site = lab();
    // Some megabytes once it is served, hence larger than all else that comes and goes.
    let large =
        |number| (0..100_000).fold(zone(number), |zone, host| zone + &format!("h{host} IN A 192.0.2.9\n"));
    site.write("lab.zone", &large(1));
    // As the unit does it: what is freed goes back to the kernel at once.
    let program = site.spawn_as(|command| {
        command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    });
    program.wait_for_line("ready");
    let before = resident_kibibytes(&program);
    for number in 2..5 {
        site.write("lab.zone", &large(number));
        reload(&program);
    }
    // Not one query is asked; a version of the zone is 6 MiB.
    harness::wait_for("one version in memory", Duration::from_secs(20), || {
        (resident_kibibytes(&program) < before + 3 * 1024).then_some(())
    });
    program.stop();
}

fn resident_kibibytes(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("it runs");
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("proc_pid_status(5)");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Ends the load when a test fails too: a scope waits for its threads.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn lab() -> Site {
    let site = Site::new();
    site.write("lab.zone", &zone(1));
    site.configure(CONFIG);
    site
}

/// Version `number` of the zone, which says so in its serial and in its address.
fn zone(number: u8) -> String {
    format!(
        "$TTL 60\n@ IN SOA ns host {number} 3600 600 86400 60\n@ IN NS ns\nwww IN A 192.0.2.{number}\nns IN A 192.0.2.53\n"
    )
}

/// A zone with a misspelt type in its fourth line.
fn broken() -> String {
    zone(99).replace("www IN A ", "www IN AA ")
}

fn reload(program: &Program) {
    let before = program.log_len();
    program.reload();
    program.wait_for_line_after(before, "reloaded");
}

fn address(program: &Program) -> String {
    let found = sorted_addresses(program.listen(), QNAME, RecordType::A).expect("an answer");
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
