//! Reloads: what changes, what does not, and no query is lost.

use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask, sorted_addresses};
use harness::program::Program;
use harness::versions::{Versions, block, zone};
use harness::{PATIENCE, free_port, loopback, meanwhile, wait_for};

const QNAME: &str = "www.lab.example.";

#[test]
fn a_reload_takes_a_changed_zone_over() {
    let lab = lab();
    let program = lab.site.start();
    assert_eq!(address(&program), "192.0.2.1");
    lab.write("lab", &zone(2));
    program.reload_and_wait();
    assert_eq!(address(&program), "192.0.2.2");
    program.stop();
}

#[test]
fn a_zone_that_cannot_be_read_stays_at_its_last_good_version() {
    let lab = lab();
    lab.write("other", &zone(7));
    lab.configure(&["lab", "other"]);
    let program = lab.site.start();
    lab.write("lab", &broken());
    lab.write("other", &zone(8));
    program.reload_and_wait();
    assert_eq!(address(&program), "192.0.2.1");
    // The other zone is not held up by it.
    let other = sorted_addresses(program.listen(), "www.other.example.", RecordType::A).expect("an answer");
    assert_eq!(other[0].to_string(), "192.0.2.8");
    let line = program.wait_for_line("lab.zone:4:");
    assert!(line.text.contains("AA"), "{line:?}");
    program.wait_for_line("stays at serial 1");
    lab.write("lab", &zone(3));
    program.reload_and_wait();
    assert_eq!(address(&program), "192.0.2.3");
    program.stop();
}

#[test]
fn a_zone_that_cannot_be_read_at_start_is_servfail_beside_the_others() {
    let lab = lab();
    lab.write("other", &broken());
    lab.configure(&["lab", "other"]);
    let program = lab.site.start();
    assert_eq!(address(&program), "192.0.2.1");
    let other = ask(program.listen(), "www.other.example.", RecordType::A).expect("an answer");
    assert_eq!(other.metadata.response_code, ResponseCode::ServFail);
    program.stop();
}

#[test]
fn a_config_that_cannot_be_read_changes_nothing() {
    let lab = lab();
    let mut program = lab.site.start();
    let before = program.log_len();
    lab.write("lab", &zone(2));
    lab.site.write("edgedns.toml", "[server]\nlisten = [\"127.0.0.1:0\n");
    program.reload();
    program.wait_for_line_after(before, "nothing has changed");
    program.assert_running();
    assert_eq!(address(&program), "192.0.2.1");
    lab.configure(&["lab"]);
    program.reload_and_wait();
    assert_eq!(address(&program), "192.0.2.2");
    program.stop();
}

#[test]
fn a_reload_adds_and_removes_listeners() {
    let lab = lab();
    let program = lab.site.start();
    let added = free_port(loopback());
    assert!(ask(added, QNAME, RecordType::A).is_none());
    lab.site.configure_listeners(&[lab.site.listen(), added], &lab.tables(&["lab"]));
    program.reload_and_wait();
    for listen in [lab.site.listen(), added] {
        let response = ask(listen, QNAME, RecordType::A).expect("an answer");
        assert_eq!(addresses(&response).len(), 1, "{listen}");
    }
    lab.configure(&["lab"]);
    program.reload_and_wait();
    assert!(ask(added, QNAME, RecordType::A).is_none());
    assert_eq!(address(&program), "192.0.2.1");
    program.stop();
}

#[test]
fn a_listener_that_cannot_be_had_changes_nothing() {
    let lab = lab();
    let program = lab.site.start();
    let taken = std::net::UdpSocket::bind((loopback(), 0)).expect("a socket");
    let before = program.log_len();
    lab.write("lab", &zone(2));
    lab.site.configure_listeners(
        &[lab.site.listen(), taken.local_addr().expect("a bound socket")],
        &lab.tables(&["lab"]),
    );
    program.reload();
    program.wait_for_line_after(before, "nothing has changed");
    assert_eq!(address(&program), "192.0.2.1");
    program.stop();
}

#[test]
fn no_query_is_lost_over_ten_reloads_of_which_five_are_broken() {
    let lab = lab();
    let program = lab.site.start();
    let asked = AtomicUsize::new(0);
    let listen = program.listen();
    // One query after the other: each waits for its answer, so that loopback cannot overflow.
    let again = || {
        let response = ask(listen, QNAME, RecordType::A).expect("a query is lost");
        assert_eq!(addresses(&response).len(), 1, "{response:?}");
        asked.fetch_add(1, Ordering::Relaxed);
    };
    meanwhile(again, || {
        let mut good = 1;
        for round in 0..10 {
            if round % 2 == 0 {
                good += 1;
                lab.write("lab", &zone(good));
            } else {
                lab.write("lab", &broken());
            }
            program.reload_and_wait();
            assert_eq!(address(&program), format!("192.0.2.{good}"));
            let before = asked.load(Ordering::Relaxed);
            wait_for("fifty answers", PATIENCE, || {
                (asked.load(Ordering::Relaxed) >= before + 50).then_some(())
            });
        }
    });
    println!("{} queries over ten reloads, none lost", asked.load(Ordering::Relaxed));
    program.stop();
}

#[test]
fn an_idle_server_lets_go_of_the_zone_it_does_not_serve_any_more() {
    let lab = lab();
    // Some megabytes once it is served: larger than all else that comes and goes.
    let large =
        |number| (0..100_000).fold(zone(number), |zone, host| zone + &format!("h{host} IN A 192.0.2.9\n"));
    lab.write("lab", &large(1));
    // Nothing is kept: no thread reads the text once more.
    lab.site.configure(&block("lab"));
    // As the unit does it: what is freed goes back to the kernel at once.
    let program = lab.site.spawn_as(|command| {
        command.env("MALLOC_MMAP_THRESHOLD_", "131072");
    });
    program.wait_for_line("ready: ");
    let before = resident_kibibytes(&program);
    for number in 2..5 {
        lab.write("lab", &large(number));
        program.reload_and_wait();
    }
    // Not one query is asked; a version of the zone is 6 MiB.
    wait_for("one version in memory", PATIENCE, || {
        (resident_kibibytes(&program) < before + 3 * 1024).then_some(())
    });
    program.stop();
}

#[test]
fn free_memory_is_given_back_after_a_start_and_after_a_large_zone_was_read() {
    let lab = lab();
    lab.site.configure(&block("lab"));
    let program = lab.site.spawn_as(|command| {
        command.env("EDGEDNS_LOG", "debug");
    });
    let given = "free memory was given back to the system";
    program.wait_for_line(given);
    let seen = program.log_len();
    lab.write("lab", &(0..25_000).fold(zone(2), |zone, host| zone + &format!("h{host} IN A 192.0.2.9\n")));
    program.reload_and_wait();
    program.wait_for_line_after(seen, given);
    program.stop();
}

fn resident_kibibytes(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("it runs");
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("proc_pid_status(5)");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn lab() -> Versions {
    Versions::new(&["lab"])
}

/// A zone with a misspelt type in its fourth line.
fn broken() -> String {
    zone(99).replace("www A ", "www AA ")
}

fn address(program: &Program) -> String {
    let found = sorted_addresses(program.listen(), QNAME, RecordType::A).expect("an answer");
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
