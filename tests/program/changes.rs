//! The last changes of verdict: in the status, over a restart, and without a state directory.

use harness::master::Master;
use harness::program::Site;
use harness::{PATIENCE, loopback, wait_for};

fn site(master: &Master, admin: &str) -> Site {
    let site = Site::new();
    let address = master.address();
    site.write(
        "lab.zone",
        &format!("$TTL 10\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\napi A {address}\n"),
    );
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n{admin}\n[probe]\ninterval = \"50ms\"\nretry = \"20ms\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n"
    ));
    site
}

/// Why each change was, the newest first.
fn whys(site: &Site) -> Vec<String> {
    let changes = site.status()["changes"].as_array().expect("a list").clone();
    changes.iter().map(|one| one["why"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn the_last_changes_are_there_with_their_reasons_after_a_restart_as_well() {
    let mut master = Master::open_at(loopback(), 6443);
    let site = site(&master, "state-directory = \"state\"\n");
    std::fs::create_dir(site.folder().join("state")).expect("a folder");
    let program = site.start();
    assert_eq!(whys(&site), [""; 0], "a first pass is no news");
    master.close();
    wait_for("a change", PATIENCE, || (whys(&site).len() == 1).then_some(()));
    master.open();
    wait_for("another", PATIENCE, || (whys(&site).len() == 2).then_some(()));
    let before = site.status()["changes"].clone();
    assert_eq!(whys(&site), ["up after 2 passes", "down after 2 failures: connection refused"]);
    assert_eq!(before[1]["pools"][0], "api.lab.example. A");
    program.stop();
    let program = site.start();
    assert_eq!(site.status()["changes"], before);
    let shown = site.run(&["status", "--socket", "control.sock"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("CHANGE") && shown.contains("down after 2 failures: connection refused"),
        "{shown}"
    );
    site.force(&[&format!("{}:6443", master.address()), "down", "--reason", "a test"]);
    wait_for("a forced verdict", PATIENCE, || whys(&site).first()?.starts_with("forced down").then_some(()));
    program.stop();
}

#[test]
fn without_a_state_directory_they_last_as_long_as_the_server() {
    let mut master = Master::open_at(loopback(), 6443);
    let site = site(&master, "");
    let program = site.start();
    master.close();
    wait_for("a change", PATIENCE, || (whys(&site).len() == 1).then_some(()));
    program.stop();
    let program = site.start();
    // What is down at a start is news: it is the first that is known of it.
    wait_for("a first failure", PATIENCE, || {
        (whys(&site) == ["down after 1 failure: connection refused"]).then_some(())
    });
    program.stop();
}
