//! Watched files are reloaded without a command, each change once.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use hickory_proto::rr::RecordType;

use harness::client::sorted_addresses;
use harness::http::get;
use harness::program::{Site, executable};
use harness::tools::{not_tried, tool};
use harness::versions::{Versions, serves, zone};
use harness::{PATIENCE, wait_for};

const QNAME: &str = "www.lab.example.";

/// Writes within a storm.
const WRITES: u8 = 100;

/// Reloads that a storm of a second may lead to: one a second at most, one for what the last of them had
/// begun without, and one to spare.
const RELOADS_MAX: u64 = 3;

/// A watched server that serves version 1.
fn lab() -> Versions {
    Versions::watched(&["lab"])
}

/// The server gets another file to serve, and still watches.
fn configure(lab: &Versions, file: &str) {
    lab.site.configure_watched(&lab.tables(&["lab"]).replace("\"lab.zone\"", &format!("\"{file}\"")));
}

fn generation(lab: &Versions) -> u64 {
    lab.status()["generation"].as_u64().expect("a number")
}

#[test]
fn a_changed_zone_file_include_or_config_is_taken_over_by_itself() {
    let lab = lab();
    let program = lab.site.start();
    lab.write("lab", &zone(2));
    serves(&program, "lab", 2);
    let head = zone(3).replace("www A 192.0.2.3\n", "$INCLUDE www.inc\n");
    lab.site.write("www.inc", "www A 192.0.2.3\n");
    lab.write("lab", &head);
    serves(&program, "lab", 3);
    lab.site.write("www.inc", "www A 192.0.2.4\n");
    serves(&program, "lab", 4);
    lab.site.write("other.zone", &zone(5));
    configure(&lab, "other.zone");
    serves(&program, "lab", 5);
    let line = program.wait_for_line("www.inc has changed: reloading");
    assert!(line.text.contains("INFO"), "{line:?}");
    program.stop();
}

#[test]
fn a_storm_of_writes_ends_in_the_last_one_and_in_few_reloads() {
    let lab = lab();
    let program = lab.site.start();
    let (before, begin) = (generation(&lab), std::time::Instant::now());
    for number in 2..=WRITES {
        lab.write("lab", &zone(number));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    serves(&program, "lab", WRITES);
    // A file that is changed now is the next thing that happens: nothing of the storm is left behind.
    lab.write("lab", &zone(WRITES + 1));
    serves(&program, "lab", WRITES + 1);
    let published = generation(&lab) - before;
    // Of a slow machine: as many more as the storm took seconds.
    let log = program.log();
    let reloads = log.iter().filter(|line| line.text.contains("reloaded: ")).count() as u64;
    let storm = begin.elapsed();
    assert!(reloads <= RELOADS_MAX + storm.as_secs(), "{reloads} reloads in {storm:?}");
    assert_eq!(published, reloads, "each reload is one snapshot");
    let www = sorted_addresses(program.listen(), QNAME, RecordType::A).expect("an answer");
    assert_eq!(lab.status()["zones"][0]["serial"], u64::from(WRITES + 1));
    assert_eq!(www.len(), 1);
    program.stop();
}

#[test]
fn a_mounted_folder_that_is_swapped_is_taken_over_whole() {
    let lab = lab();
    let mount = lab.file("mount");
    fs::create_dir(&mount).expect("a scratch folder");
    let version = |number: u8| {
        let data = format!("..{number}");
        fs::create_dir(mount.join(&data)).expect("a scratch folder");
        fs::write(mount.join(&data).join("lab.zone"), zone(number)).expect("a scratch file");
        symlink(&data, mount.join("..data_tmp")).expect("a link");
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).expect("a link");
    };
    version(2);
    symlink("..data/lab.zone", mount.join("lab.zone")).expect("a link");
    configure(&lab, "mount/lab.zone");
    let program = lab.site.start();
    serves(&program, "lab", 2);
    for number in 3..6 {
        version(number);
        fs::remove_dir_all(mount.join(format!("..{}", number - 1))).expect("the old version");
        serves(&program, "lab", number);
    }
    assert!(!program.log().iter().any(|line| line.text.contains("ERROR")), "{:?}", program.log());
    program.stop();
}

#[test]
fn a_config_that_becomes_unreadable_changes_nothing_and_is_visible_everywhere() {
    let lab = lab();
    let program = lab.site.start();
    lab.site.write("edgedns.toml", "[server]\nlisten = [\"127.0.0.1:0\n");
    let not_ready = wait_for("503", PATIENCE, || {
        let response = get(lab.admin, "/readyz");
        (response.code == 503).then_some(response.body)
    });
    assert!(
        not_ready.contains("edgedns.toml:2:") && not_ready.contains("nothing has changed"),
        "{not_ready}"
    );
    assert_eq!(lab.status()["not_ready"][0].as_str(), not_ready.lines().next());
    assert!(get(lab.admin, "/metrics").body.contains("\nedgedns_ready 0\n"));
    let line = program.wait_for_line("nothing has changed");
    assert!(line.text.contains("ERROR"), "{line:?}");
    serves(&program, "lab", 1);
    // A zone that changes meanwhile waits, and is not forgotten.
    let refused = program.log_len();
    lab.write("lab", &zone(2));
    program.wait_for_line_after(refused, "nothing has changed");
    serves(&program, "lab", 1);
    configure(&lab, "lab.zone");
    serves(&program, "lab", 2);
    wait_for("200", PATIENCE, || (get(lab.admin, "/readyz").code == 200).then_some(()));
    let refusals = program.log().iter().filter(|line| line.text.contains("nothing has changed")).count();
    assert_eq!(refusals, 2, "a refusal is told once for each change");
    program.stop();
}

#[test]
fn files_are_watched_while_the_config_says_so() {
    let lab = lab();
    let program = lab.site.start();
    lab.configure(&["lab"]);
    program.wait_for_line("reloaded: ");
    lab.write("lab", &zone(2));
    // Far longer than it takes otherwise; there is no other sign of nothing happening.
    std::thread::sleep(std::time::Duration::from_millis(800));
    serves(&program, "lab", 1);
    lab.configure_watched(&["lab"]);
    program.reload();
    serves(&program, "lab", 2);
    lab.write("lab", &zone(3));
    serves(&program, "lab", 3);
    program.stop();
}

/// A user without an inotify instance, who gets some later.
const NO_INOTIFY: &str = r#"
set -u
echo 0 > /proc/sys/user/max_inotify_instances
"$1" --config edgedns.toml 2>log &
server=$!
trap 'kill $server; wait $server' EXIT
until_it() { for _ in $(seq 400); do "$@" && return; sleep 0.05; done; echo "not within 20 s: $*"; exit 1; }
ready() { grep -q ready log; }
told() { "$1" status --config edgedns.toml | grep -q 'changes of files are not noticed: .*max_user_instances'; }
silent() { ! told "$1"; }
until_it ready
until_it told "$1"
echo 10 > /proc/sys/user/max_inotify_instances
"$1" reload --config edgedns.toml 2>/dev/null; echo "reload: $?"
until_it silent "$1"
grep -c 'file changes are noticed again' log
"#;

#[test]
fn files_that_are_not_watched_are_told_until_they_are() {
    let site = Site::new();
    site.write("lab.zone", "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\n");
    site.configure_watched(
        "[admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n",
    );
    // The limit is one of a user namespace, root's own is everybody's.
    let Some(unshare) = tool("unshare").map(|unshare| unshare.get_program().to_owned()) else { return };
    let space = |script| {
        let mut command = Command::new(&unshare);
        command.args(["--user", "--map-root-user", "bash", "-c", script, "node"]).arg(executable());
        command.current_dir(site.folder()).output()
    };
    let can = space("echo 10 > /proc/sys/user/max_inotify_instances").expect("unshare runs");
    if !can.status.success() {
        not_tried(&format!("no user namespace with limits: {}", String::from_utf8_lossy(&can.stderr).trim()));
        return;
    }
    let node = space(NO_INOTIFY).expect("unshare runs");
    let log = std::fs::read_to_string(site.folder().join("log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&node.stdout);
    assert_eq!(said, "reload: 0\n1\n", "{}\n{log}", String::from_utf8_lossy(&node.stderr));
}

#[test]
fn a_zone_that_came_signed_goes_unsigned_only_when_the_operator_says_so() {
    let site = Site::new();
    let text =
        |serial: u32, more: &str| format!("$TTL 60\n@ SOA ns host {serial} 1 1 1 1\n@ NS ns.test.\n{more}");
    let signature = "@ RRSIG DNSKEY 13 1 60 20300101000000 20200101000000 1 lab. AAAA\n";
    site.write("lab.zone", &text(1, &format!("@ DNSKEY 257 3 13 AAAA\n{signature}")));
    site.configure_watched(
        "[admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"lab\"\nfile = \"lab.zone\"\n",
    );
    let program = site.start();
    let seen = program.log_len();
    site.write("lab.zone", &text(2, ""));
    program.wait_for_line_after(seen, "the zone was signed, and this text is not");
    program.wait_for_line_after(seen, "it stays at serial 1");
    let is_at = |serial: u32| {
        wait_for("a serial", PATIENCE, || (site.status()["zones"][0]["serial"] == serial).then_some(()));
    };
    program.reload();
    is_at(2);
    // Signatures that have lost their keys are a mistake, whoever asks.
    site.write("lab.zone", &text(3, &format!("@ DNSKEY 257 3 13 AAAA\n{signature}")));
    is_at(3);
    site.write("lab.zone", &text(4, signature));
    let reload = site.reload().wait_with_output().expect("it ends");
    assert!(!reload.status.success(), "{reload:?}");
    is_at(3);
}
