//! `edgedns init` writes a config that `check` accepts without a warning. The records in it are tested in
//! `deploy::init`.

use std::fs;
use std::path::Path;
use std::process::Output;

use harness::program::said;

fn init(into: &Path, more: &[&str]) -> Output {
    let mut command = harness::program::command();
    command
        .args(["init", "--cluster", "ocp4", "--base-domain", "example.com", "--into"])
        .arg(into)
        .args(more);
    command.output().expect("edgedns runs")
}

#[test]
fn every_kind_of_cluster_gets_files_without_a_warning() {
    let kinds: [&[&str]; 9] = [
        &["--master", "192.0.2.13"],
        &["--master", "192.0.2.13", "--master", "192.0.2.14", "--master", "192.0.2.15"],
        &["--master", "2001:db8::13", "--master", "2001:db8::14", "--master", "2001:db8:1::15"],
        &["--master", "a=192.0.2.13,2001:db8::13", "--master", "b=198.51.100.1", "--worker", "192.0.2.20"],
        &["--master", "192.0.2.13", "--bootstrap", "192.0.2.12", "--ingress", "192.0.2.99"],
        &["--master", "192.0.2.13", "--master", "192.0.2.14", "--arbiter", "192.0.2.15"],
        &["--master", "192.0.2.13", "--master", "192.0.2.14"],
        &[
            "--master",
            "192.0.2.13,2001:db8::13",
            "--master",
            "192.0.2.14,2001:db8::14",
            "--master",
            "192.0.2.15,2001:db8::15",
            "--master",
            "192.0.2.16,2001:db8::16",
            "--master",
            "192.0.2.17,2001:db8::17",
        ],
        &[
            "--master",
            "192.0.2.13",
            "--master",
            "192.0.2.14",
            "--master",
            "192.0.2.15",
            "--worker",
            "192.0.2.20",
            "--worker",
            "192.0.2.21",
            "--ingress",
            "192.0.2.20",
            "--ingress",
            "192.0.2.21",
        ],
    ];
    for kind in kinds {
        let folder = tempfile::tempdir().unwrap();
        let output = init(folder.path(), kind);
        let said = said(&output);
        assert!(output.status.success() && said.contains("ok: 0 errors, 0 warnings"), "{kind:?}\n{said}");
    }
}

#[test]
fn files_that_are_there_stay_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("edgedns.toml");
    fs::write(&config, "mine").unwrap();
    let output = init(folder.path(), &["--master", "192.0.2.13"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("is there already") && told.contains("--force"), "{told}");
    assert_eq!(fs::read_to_string(&config).unwrap(), "mine");
    assert!(!folder.path().join("edgedns").exists(), "a part was written");
    let output = init(folder.path(), &["--master", "192.0.2.13", "--force"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(fs::read_to_string(&config).unwrap().contains("[[zone.probe]]"));
}

#[test]
fn a_wrong_address_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let output = init(folder.path(), &["--master", "192.0.2.300"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("`192.0.2.300` is not an address"), "{}", said(&output));
}

#[test]
fn the_reverse_zones_it_writes_come_out_the_same_when_they_are_made() {
    let kinds: [&[&str]; 3] = [
        &["--master", "192.0.2.13", "--master", "192.0.2.14", "--master", "192.0.2.15"],
        &["--master", "192.0.2.13"],
        &[
            "--master",
            "a=192.0.2.13",
            "--worker",
            "192.0.2.20",
            "--bootstrap",
            "192.0.2.12",
            "--ingress",
            "192.0.2.99",
        ],
    ];
    for kind in kinds {
        let folder = tempfile::tempdir().unwrap();
        assert!(init(folder.path(), kind).status.success());
        let config = folder.path().join("edgedns.toml");
        let dump = || {
            let mut command = harness::program::command();
            let output = command
                .args(["check", "--dump", "2.0.192.in-addr.arpa", "--config"])
                .arg(&config)
                .output()
                .unwrap();
            let text = String::from_utf8(output.stdout.clone()).unwrap();
            let pointers = text.lines().filter_map(|line| {
                let mut words = line.split_whitespace();
                let (owner, target) = (words.next()?, words.next_back()?);
                line.contains(" PTR ").then(|| format!("{owner} {target}"))
            });
            (pointers.collect::<Vec<String>>(), said(&output))
        };
        let (written, _) = dump();
        let text = fs::read_to_string(&config).unwrap();
        let file = text.lines().find(|line| line.starts_with("file") && line.contains("in-addr")).unwrap();
        fs::write(&config, text.replace(file, "reverse-of = \"ocp4.example.com\"")).unwrap();
        let (mut made, told) = dump();
        // The addresses of the routers belong to no node.
        made.retain(|line| !line.starts_with("99."));
        assert!(!written.is_empty(), "{told}");
        assert_eq!(made, written, "{told}");
        assert!(told.contains("ok: 0 errors, 0 warnings"), "{told}");
    }
}

#[test]
fn the_nodes_of_a_cluster_that_runs_are_those_that_oc_prints() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = folder.path().join("nodes.json");
    let node = |name: &str, role: &str, address: &str| {
        format!(
            r#"{{"kind":"Node","metadata":{{"name":"{name}","labels":{{"node-role.kubernetes.io/{role}":""}}}},
                "status":{{"addresses":[{{"type":"InternalIP","address":"{address}"}}]}}}}"#
        )
    };
    let all = [
        node("m0", "control-plane", "192.0.2.13"),
        node("m1", "control-plane", "192.0.2.14"),
        node("a0", "arbiter", "192.0.2.15"),
        node("w0.ocp4.example.com", "worker", "192.0.2.20"),
    ];
    fs::write(&nodes, format!(r#"{{"kind":"List","items":[{}]}}"#, all.join(","))).unwrap();
    let mut command = harness::program::command();
    command.args(["init", "--cluster", "ocp4", "--base-domain", "example.com", "--from-cluster", "--into"]);
    command.arg(folder.path()).stdin(fs::File::open(&nodes).unwrap());
    let output = command.output().expect("edgedns runs");
    assert!(output.status.success(), "{}", said(&output));
    let zone = fs::read_to_string(folder.path().join("edgedns/zones/ocp4.example.com.zone")).unwrap();
    for line in ["m0", "w0", "a0", "192.0.2.13", "192.0.2.20"] {
        assert!(zone.contains(line), "{zone}");
    }
    // The third etcd is at the arbiter, and no name of the API.
    let owners: Vec<&str> = zone.lines().filter(|line| line.ends_with(" 192.0.2.15")).collect();
    let owners: Vec<&str> = owners.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(owners, ["a0", "etcd-2"], "{zone}");
    fs::write(&nodes, "NAME STATUS").unwrap();
    let mut command = harness::program::command();
    command.args(["init", "--cluster", "ocp4", "--base-domain", "example.com", "--from-cluster"]);
    let output = command.stdin(fs::File::open(&nodes).unwrap()).output().expect("edgedns runs");
    assert!(!output.status.success() && said(&output).contains("oc get nodes -o json"), "{}", said(&output));
}

#[test]
fn a_master_more_is_a_diff_that_makes_what_init_makes_with_it() {
    let Some(mut patch) = harness::tools::tool("patch") else { return };
    let masters = ["192.0.2.13", "192.0.2.14", "192.0.2.15", "192.0.2.16"];
    let made = |count: usize| {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<&str> = masters[..count].iter().flat_map(|master| ["--master", master]).collect();
        assert!(init(folder.path(), &arguments).status.success());
        folder
    };
    let (site, wanted) = (made(3), made(4));
    let dump = |folder: &Path, zone: &str| {
        let mut command = harness::program::command();
        command.args(["check", "--dump", zone, "--config"]).arg(folder.join("edgedns.toml"));
        let output = command.output().unwrap();
        assert!(said(&output).contains("ok: 0 errors, 0 warnings"), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        // The serial is raised.
        let mut lines: Vec<String> =
            text.lines().filter(|line| !line.contains(" SOA ")).map(str::to_owned).collect();
        lines.sort_unstable();
        (text, lines)
    };
    let before = fs::read_to_string(site.path().join("edgedns.toml")).unwrap();
    let shown = init(site.path(), &["--add-master", masters[3]]);
    assert!(shown.status.success(), "{}", said(&shown));
    assert_eq!(fs::read_to_string(site.path().join("edgedns.toml")).unwrap(), before, "nothing is written");
    let diff = site.path().join("add.diff");
    fs::write(&diff, &shown.stdout).unwrap();
    let applied = patch.arg("-d").arg(site.path()).args(["-p1", "-i"]).arg(&diff).output().unwrap();
    let told = said(&applied);
    let is_exact = applied.status.success() && !told.contains("fuzz") && !told.contains("offset");
    assert!(is_exact, "{told}\n{}", String::from_utf8_lossy(&shown.stdout));
    for zone in ["ocp4.example.com", "2.0.192.in-addr.arpa"] {
        let (text, records) = dump(site.path(), zone);
        assert_eq!(records, dump(wanted.path(), zone).1);
        assert!(text.contains(" 2 10800 ") || text.contains(" 2 3h "), "the serial: {text}");
    }
    let config = |folder: &Path| fs::read_to_string(folder.join("edgedns.toml")).unwrap();
    assert_eq!(config(site.path()), config(wanted.path()));
    let again = init(site.path(), &["--add-master", masters[3]]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("192.0.2.16 is in the zone already"), "{}", said(&again));
}
