//! What a start logs of many zones and many targets.

use harness::lab::QUICK_PROBES;
use harness::loopback;
use harness::program::Site;

/// Zones and targets that a start names one by one.
const NAMED: usize = 20;

const HEAD: &str = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";

#[test]
fn many_zones_are_a_total() {
    let site = Site::new();
    site.write("lab.zone", HEAD);
    let zones: String =
        (0..NAMED + 5).map(|n| format!("[[zone]]\nname = \"z{n}.example\"\nfile = \"lab.zone\"\n")).collect();
    site.configure(&zones);
    let program = site.start();
    let log = program.log();
    let named = log.iter().filter(|line| line.text.contains(" serial 1: 3 records from ")).count();
    assert_eq!(named, NAMED);
    program.wait_for_line("and 5 more zones with 15 records; `edgedns status` names them all");
    program.stop();
}

#[test]
fn many_targets_that_are_down_are_a_total() {
    let site = Site::new();
    // Nobody listens at any of them.
    let hosts: String = (0..2 * NAMED).map(|_| format!("api A {}\n", loopback())).collect();
    site.write("lab.zone", &format!("{HEAD}{hosts}"));
    let probe = "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n";
    site.configure(&format!("{QUICK_PROBES}\n{probe}"));
    let program = site.start();
    program.wait_for_line(
        "40 of 40 targets were down when first probed, 20 of them not named here; `edgedns status` names them all",
    );
    let log = program.log();
    let named = log.iter().filter(|line| line.text.contains(":6443 down")).count();
    assert_eq!(named, NAMED, "{log:#?}");
    program.stop();
}
