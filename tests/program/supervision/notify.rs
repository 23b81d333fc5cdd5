//! What the service manager receives, and when.

use super::manager::Manager;
use harness::lab::{GUARDED_ZONE, Lab, QUICK_PROBES};
use harness::master::Master;

#[test]
fn ready_is_told_when_the_first_round_of_probes_has_decided_what_is_answered() {
    let mut lab = Lab::new();
    lab.masters[0].close();
    let mut manager = Manager::new();
    let program = lab.site.spawn_as(|command| manager.expect(command));
    manager.wait_for("READY=1");
    lab.assert_masters(&program, &[1, 2]);
    let (ready, before) = manager.heard().split_last().expect("a message");
    assert_eq!(ready, "READY=1\nSTATUS=1 pool: api 2/3\n");
    assert!(
        !before.is_empty() && before.iter().all(|told| told.starts_with("EXTEND_TIMEOUT_USEC=")),
        "{before:?}"
    );
    program.stop();
}

#[test]
fn ready_is_not_told_before_startup_wait_is_over_when_a_master_hangs() {
    let mut lab = Lab::new();
    lab.masters[0].hang();
    lab.configure("startup-wait = \"500ms\"");
    let mut manager = Manager::new();
    let started = std::time::Instant::now();
    let program = lab.site.spawn_as(|command| manager.expect(command));
    manager.wait_for("READY=1");
    assert!(started.elapsed().as_millis() >= 500, "ready after {:?}", started.elapsed());
    let status = manager.heard().last().expect("a message");
    assert_eq!(status, "READY=1\nSTATUS=the first round of probes is under way; 1 pool: api 2/3\n");
    // Nobody changes anything but the first outcome of the master that hangs.
    assert_eq!(manager.wait_for("STATUS="), "1 pool: api 2/3");
    program.stop();
}

#[test]
fn the_status_follows_the_masters() {
    let mut lab = Lab::new();
    let mut manager = Manager::new();
    let program = lab.site.spawn_as(|command| manager.expect(command));
    assert_eq!(manager.wait_for("STATUS="), "1 pool: api 3/3");
    lab.masters[1].close();
    assert_eq!(manager.wait_for("STATUS="), "1 pool: api 2/3");
    lab.masters.iter_mut().for_each(Master::close);
    while manager.wait_for("STATUS=") != "1 pool: api 0/3 all down" {}
    lab.masters.iter_mut().for_each(Master::open);
    while manager.wait_for("STATUS=") != "1 pool: api 3/3" {}
    program.stop();
}

#[test]
fn a_reload_is_told_from_its_beginning_to_its_end_also_when_it_is_refused() {
    let lab = Lab::new();
    let mut manager = Manager::new();
    let program = lab.site.spawn_as(|command| manager.expect(command));
    manager.wait_for("READY=1");
    let good = format!("{QUICK_PROBES}{GUARDED_ZONE}");
    for (text, status) in [
        (good.as_str(), "1 pool: api 3/3"),
        ("[[zone]]\nname = 7\n", "configuration not reloaded, nothing has changed: "),
        (good.as_str(), "1 pool: api 3/3"),
    ] {
        lab.site.configure(text);
        let (before, told) = (uptime_micros(), manager.count());
        program.reload();
        manager.wait_for("READY=1");
        let messages = manager.heard()[told..].to_vec();
        let (first, last) = (&messages[0], messages.last().expect("a message"));
        let lines: Vec<&str> = first.lines().collect();
        assert_eq!((lines[0], lines[2]), ("RELOADING=1", "STATUS=reloading"), "{messages:?}");
        let begun: u128 =
            lines[1].strip_prefix("MONOTONIC_USEC=").expect("a clock").parse().expect("a number");
        let after = uptime_micros() + HUNDREDTH_MICROS;
        assert!((before..=after).contains(&begun), "{begun} is not between {before} and {after}");
        assert!(last.starts_with(&format!("READY=1\nSTATUS={status}")), "{last:?}");
    }
    program.stop();
}

#[test]
fn the_end_is_told_when_it_begins() {
    let lab = Lab::new();
    let mut manager = Manager::new();
    let program = lab.site.spawn_as(|command| manager.expect(command));
    manager.wait_for("READY=1");
    program.stop();
    manager.wait_for("STOPPING=1");
}

#[test]
fn a_manager_that_is_not_there_stops_nothing() {
    let lab = Lab::new();
    let program = lab.site.spawn_as(|command| _ = command.env("NOTIFY_SOCKET", "/nonexistent/notify"));
    let line = program.wait_for_line("the service manager is not notified");
    assert!(line.text.contains("NOTIFY_SOCKET=/nonexistent/notify"), "{line:?}");
    program.wait_for_line("ready: ");
    program.stop();
}

/// How exact the kernel shows it.
const HUNDREDTH_MICROS: u128 = 10_000;

/// CLOCK_MONOTONIC, on a machine that has not slept: what the kernel shows of it, to the hundredth of a second.
fn uptime_micros() -> u128 {
    let text = std::fs::read_to_string("/proc/uptime").expect("a clock");
    let (seconds, hundredths) = text.split(' ').next().and_then(|up| up.split_once('.')).expect("seconds");
    let number = |text: &str| text.parse::<u128>().expect("a number");
    number(seconds) * 1_000_000 + number(hundredths) * HUNDREDTH_MICROS
}
