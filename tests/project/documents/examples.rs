//! Examples work: configs are taken, commands are known, files that are run are there.

use std::path::Path;
use std::process::{Command, Output};

use super::ROOT;
use super::markdown::pages;
use super::shell::{lines, run_in, words};

/// A zone without guards, for the configs that guard plain records.
const PLAIN: &str = "\
$TTL 10
@ IN SOA ns1 hostmaster 1 3h 30m 2w 10
@ IN NS ns1
ns1 IN A 192.0.2.13
master-0 IN A 192.0.2.13
master-1 IN A 192.0.2.14
api IN A 192.0.2.13
api IN A 192.0.2.14
api-int IN A 192.0.2.13
*.apps IN A 192.0.2.13
www IN A 192.0.2.10
www IN A 198.51.100.10
shop IN A 192.0.2.10
";

/// The same for blocks of guards that are shown without their zone.
const GUARDED: &str = "\
$TTL 10
@ IN SOA ns1 hostmaster 1 3h 30m 2w 10
@ IN NS ns1
ns1 IN A 192.0.2.53
master-0 IN A 192.0.2.1
master-0 IN AAAA 2001:db8::1
master-1 IN A 192.0.2.2
master-1 IN AAAA 2001:db8::2
api IN A 192.0.2.1
api IN A 192.0.2.2
api IN AAAA 2001:db8::1
api IN AAAA 2001:db8::2
*.apps IN A 192.0.2.10
registry IN A 192.0.2.10
fleet IN A 192.0.2.10
shop IN A 192.0.2.10
shop IN A 192.0.2.11
ldap IN A 192.0.2.10
cdn IN A 192.0.2.10
build IN A 192.0.2.10
store IN A 192.0.2.10
resolver IN A 192.0.2.53
redis IN A 192.0.2.10
files IN A 192.0.2.10
edge IN A 198.51.100.3
www IN A 192.0.2.10
www IN A 198.51.100.10
";

/// The zone that such a block stands below.
const ITS_ZONE: &str = "[[zone]]\nname = \"ocp4.example.com\"\nfile = \"zones/guarded.zone\"\n";

/// Of a service account.
const KUBECONFIG: &str = "\
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: edgedns}}]
clusters: [{name: lab, cluster: {server: 'https://api-int.ocp4.example.com:6443'}}]
users: [{name: edgedns, user: {token: abc}}]
";

fn check(config: &Path) -> Output {
    let edgedns = env!("CARGO_BIN_EXE_edgedns");
    Command::new(edgedns).arg("check").arg("--config").arg(config).output().expect("edgedns runs")
}

/// The certificate that configs name.
fn make_certificate(folder: &Path) {
    std::fs::create_dir(folder.join("tls")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgedns"));
    command.current_dir(folder).args(["certificate", "ns1.lab.example"]);
    let made = command.args(["--certificate", "tls/server.crt", "--key", "tls/server.key"]).output();
    assert!(made.expect("edgedns runs").status.success());
    // One that signs itself is an authority of its own.
    std::fs::copy(folder.join("tls/server.crt"), folder.join("tls/clients-ca.crt")).unwrap();
}

/// The key of the zone of a config, which is signed.
fn make_key(folder: &Path, config: &str) {
    let name =
        config.lines().find_map(|line| line.strip_prefix("name = ")).expect("a zone").trim_matches('"');
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgedns"));
    let made = command.current_dir(folder).args(["dnssec", "generate", name, "--keys", "keys"]).output();
    assert!(made.expect("edgedns runs").status.success());
}

#[test]
fn every_config_that_is_shown_is_taken_without_a_word() {
    let mut shown = 0;
    for page in pages() {
        for block in page.blocks("toml") {
            shown += 1;
            let folder = tempfile::tempdir().unwrap();
            let zones = folder.path().join("zones");
            std::fs::create_dir(&zones).unwrap();
            let example = "ocp4.example.com.zone";
            std::fs::copy(Path::new(ROOT).join("zones").join(example), zones.join(example)).unwrap();
            std::fs::write(zones.join("plain.zone"), PLAIN).unwrap();
            std::fs::write(zones.join("api.zone"), format!("{PLAIN}@ IN A 192.0.2.13\n@ IN A 192.0.2.14\n"))
                .unwrap();
            std::fs::write(zones.join("guarded.zone"), GUARDED).unwrap();
            std::fs::write(zones.join("nodes.example.zone"), PLAIN).unwrap();
            let zone = if block.starts_with("[[zone.probe]]") { ITS_ZONE } else { "" };
            let block = format!("{zone}{block}");
            make_certificate(folder.path());
            if block.contains("[zone.dnssec]") {
                make_key(folder.path(), &block);
            }
            if block.contains("token-file = \"keys/admin-token\"") {
                let keys = folder.path().join("keys");
                std::fs::create_dir_all(&keys).unwrap();
                std::fs::write(keys.join("admin-token"), "token\n").unwrap();
            }
            std::fs::write(folder.path().join("webhook.secret"), "0123456789abcdef\n").unwrap();
            let cluster = folder.path().join("kubernetes");
            std::fs::create_dir(&cluster).unwrap();
            std::fs::write(cluster.join("kubeconfig"), KUBECONFIG).unwrap();
            let config = folder.path().join("edgedns.toml");
            std::fs::write(&config, &block).unwrap();
            let output = check(&config);
            let said = String::from_utf8_lossy(&output.stderr);
            let is_clean = output.status.success() && said.contains("0 errors, 0 warnings");
            assert!(is_clean, "{}:\n{block}\n{said}", page.name());
        }
    }
    assert!(shown >= 8, "{shown} configs");
}

#[test]
fn the_example_to_start_from_is_sound() {
    let output = check(&Path::new(ROOT).join("zones/edgedns.toml"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("0 errors, 0 warnings"), "{said}");
}

/// With `--help` behind it, a command is read up to there: unknown commands, options and values are refused.
#[test]
fn every_command_of_edgedns_that_is_shown_is_one_that_it_knows() {
    let mut faults = Vec::new();
    let mut shown = 0;
    for page in pages() {
        // In the prose `[` and `…` stand for what is left out.
        let named = page.codes().into_iter().filter(|code| !code.contains(['[', '…']));
        for arguments in lines(&page).into_iter().chain(named).flat_map(|line| run_in(&line)) {
            shown += 1;
            let edgedns = env!("CARGO_BIN_EXE_edgedns");
            let output = Command::new(edgedns).args(&arguments).arg("--help").output().expect("edgedns runs");
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                faults.push(format!("{}: edgedns {}\n{said}", page.name(), arguments.join(" ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(shown >= 50, "{shown} commands");
}

#[test]
fn every_program_of_the_project_that_is_shown_is_there() {
    let mut shown = 0;
    for page in pages() {
        for line in lines(&page) {
            let Some(program) = words(&line).into_iter().next() else { continue };
            if ["systemd/", "tests/", "benches/"].iter().any(|folder| program.starts_with(folder)) {
                shown += 1;
                assert!(Path::new(ROOT).join(&program).is_file(), "{}: there is no {program}", page.name());
            }
        }
    }
    assert!(shown >= 5, "{shown} programs");
}
