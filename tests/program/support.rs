//! `edgedns support`: what is in the archive, and that no secret is, wherever it stood.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use edgedns::config::{ConfigKey, Holds, KEYS, Section};
use flate2::read::GzDecoder;
use harness::lab::Lab;
use harness::program::{Site, executable, said};

/// Where a secret would be: nothing else has this word.
const MARK: &str = "SECRETsecret";

/// One in hexadecimal digits.
const MARK_IN_HEX: &str = "5ec2e75ec2e7";

/// The texts of an archive by their paths below its folder.
fn texts(archive: &[u8]) -> BTreeMap<String, String> {
    let mut tar = tar::Archive::new(GzDecoder::new(archive));
    let entries = tar.entries().expect("a tar").map(|entry| {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        let (folder, below) = path.split_once('/').expect("a folder");
        assert!(folder.starts_with("edgedns-support-"), "{folder}");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        (below.to_owned(), text)
    });
    entries.collect()
}

/// A folder that goes before all others where programs are looked for, with a journal in it.
fn journal(site: &Site, script: &str) -> String {
    let folder = site.folder().join("bin");
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    let program = folder.join("journalctl");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a scratch file");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("a scratch file");
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

/// The archive that is made in the site, with this journal.
fn archive(site: &Site, script: &str) -> BTreeMap<String, String> {
    let path = journal(site, script);
    let arguments = ["support", "--config", "edgedns.toml", "--output", "-"];
    let output = site.run_as(&arguments, |command| {
        command.env("PATH", path);
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    texts(&output.stdout)
}

#[test]
fn an_archive_tells_what_is_served_and_why_and_what_is_not_there() {
    let mut lab = Lab::new();
    lab.masters[1].close();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 2]);
    let texts = archive(&lab.site, "echo \"edgedns: said $*\"");
    let folder = lab.site.folder().display().to_string();
    let read_me = &texts["README.txt"];
    for path in texts.keys().filter(|path| *path != "README.txt") {
        assert!(read_me.contains(path), "{path} is not told of in {read_me}");
    }
    assert!(texts[&format!("files{folder}/edgedns.toml")].contains("names = [\"api\"]"));
    assert!(texts[&format!("files{folder}/lab.zone")].contains("SOA ns.lab.example."));
    assert!(texts["status.txt"].contains("api.lab.example. A: 2 of 3 up"), "{}", texts["status.txt"]);
    let status: serde_json::Value = serde_json::from_str(&texts["status.json"]).expect("JSON");
    assert_eq!(status["pools"][0]["owner"], "api.lab.example.");
    assert!(texts["metrics.txt"].contains("\nedgedns_"));
    let explained = &texts["explain.txt"];
    assert!(explained.starts_with("== api.lab.example. A\n") && explained.contains("refused"), "{explained}");
    assert!(texts["check.txt"].contains("zone lab.example.: serial 1"), "{}", texts["check.txt"]);
    assert!(texts["journal.txt"].contains("--unit edgedns.service"), "{}", texts["journal.txt"]);
    assert!(texts["version.txt"].contains(env!("CARGO_PKG_VERSION")));
    assert!(texts.contains_key("host/resolv.conf.txt") && texts.contains_key("state-directory.txt"));
    program.stop();
    let without = archive(&lab.site, "exit 1");
    let read_me = &without["README.txt"];
    assert!(!without.contains_key("status.txt") && !without.contains_key("journal.txt"));
    for part in ["status, metrics and explanations: ", "journal.txt: journalctl ended with exit status: 1"] {
        assert!(read_me.contains(part), "{part} is not in {read_me}");
    }
}

/// A table with a key in it, below the tables it stands in.
fn written(key: &ConfigKey, value: &str) -> String {
    let path = key.section.header().trim_matches(['[', ']']);
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    let headers = ends.map(|end| {
        let above = &path[..end];
        let found =
            Section::all().map(Section::header).find(|header| header.trim_matches(['[', ']']) == above);
        format!("{}\n", found.expect("a table"))
    });
    format!("{}{} = \"{value}\"\n", headers.collect::<String>(), key.name)
}

#[test]
fn no_key_that_carries_a_secret_gets_it_into_an_archive() {
    let secret = KEYS.iter().filter(|key| matches!(key.holds, Holds::Secret | Holds::SecretFile));
    let mut tried = 0;
    for key in secret {
        let site = Site::new();
        let mark = format!("{MARK}{tried}0123456789");
        let is_file = key.holds == Holds::SecretFile;
        site.write("secret", &format!("first line\n{mark}\n"));
        let value = if is_file { "secret" } else { &mark };
        let table = written(key, value);
        // As it is, in a text that is no TOML any more, and in a comment beside it.
        let texts = [
            table.clone(),
            format!("{table}\nbroken = = {{\n"),
            format!("# {}\n{table}", table.replace('\n', " ")),
        ];
        for text in texts.iter().take(if is_file { 1 } else { 3 }) {
            site.write("edgedns.toml", text);
            let all = archive(&site, &format!("echo the log says {mark}"));
            for (path, told) in &all {
                assert!(!told.contains(MARK), "{} {}: in {path}:\n{told}", key.section.header(), key.name);
            }
            let config = format!("files{}/edgedns.toml", site.folder().display());
            assert!(all[&config].contains(key.name), "{}", all[&config]);
            assert!(all["journal.txt"].contains("the log says (left out)"), "{}", all["journal.txt"]);
        }
        tried += 1;
    }
    assert!(tried >= 10, "{tried} keys carry secrets");
}

#[test]
fn what_a_dialogue_sends_stays_here_and_names_no_target() {
    let site = Site::new();
    site.write("lab.zone", "$TTL 60\n@ SOA ns h 1 3h 30m 2w 10\n@ NS ns\nns A 127.0.0.1\n");
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"ns\"]\n\
         dialogue = {{ port = 1, steps = [{{ send = \"AUTH \\\"{MARK}\\r\\n\" }}, {{ begins = \"+OK\" }}, \
         {{ \"s\\u0065nd\" = {{ hex = \"{MARK_IN_HEX}\" }} }}] }}\n"
    ));
    let program = site.start();
    program.wait_for_line("dialogue://127.0.0.1:1/+OK down");
    let texts = archive(&site, "exit 1");
    for (path, text) in &texts {
        assert!(!text.contains(MARK) && !text.contains(MARK_IN_HEX), "in {path}:\n{text}");
    }
    assert!(texts["status.txt"].contains("dialogue://127.0.0.1:1/+OK"), "{}", texts["status.txt"]);
    let config = &texts[&format!("files{}/edgedns.toml", site.folder().display())];
    assert!(config.contains("{ send = \"(left out)\" }, { begins = \"+OK\" }"), "{config}");
    assert!(program.log().iter().all(|line| !line.text.contains(MARK)));
    program.stop();
}

#[test]
fn what_headers_of_probes_prove_stays_here_and_other_headers_do_not() {
    let site = Site::new();
    site.write("lab.zone", "$TTL 60\n@ SOA ns h 1 3h 30m 2w 10\n@ NS ns\nns A 127.0.0.1\n");
    site.configure(&format!(
        "# It was {MARK}.\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n[[zone.probe]]\nnames = [\"ns\"]\n\
         http = {{ port = 1, headers = {{ X-Api-Key = \"{MARK}\", Cookie = \"sid={MARK}\", X-Probe = \"edgedns\" }} }}\n"
    ));
    let texts = archive(&site, "exit 1");
    for (path, text) in &texts {
        assert!(!text.contains(MARK), "in {path}:\n{text}");
    }
    let config = &texts[&format!("files{}/edgedns.toml", site.folder().display())];
    assert!(
        config.contains("{ X-Api-Key = \"(left out)\", Cookie = \"(left out)\", X-Probe = \"edgedns\" }"),
        "{config}"
    );
}

#[test]
fn passwords_in_urls_and_private_keys_stay_here_whatever_file_they_are_in() {
    let site = Site::new();
    site.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n[[zone.probe]]\nnames = [\"ns\"]\ntls = { port = 1, ca = \"both.pem\" }\n");
    site.write(
        "lab.zone",
        &format!(
            "$TTL 60\n@ SOA ns h 1 3h 30m 2w 10\n@ NS ns\nns A 127.0.0.1\n\
             web LUA A \"ifurlup('https://me:{MARK}@h.example/?token={MARK}', {{'127.0.0.1'}})\"\n"
        ),
    );
    site.write(
        "both.pem",
        &format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----\n"),
    );
    let texts = archive(&site, &format!("echo GET https://x:{MARK}@192.0.2.1/"));
    for (path, text) in &texts {
        assert!(!text.contains(MARK), "in {path}:\n{text}");
    }
    let folder = site.folder().display();
    assert!(texts[&format!("files{folder}/both.pem")].contains("BEGIN CERTIFICATE-----\nAAAA\n"));
    assert!(texts[&format!("files{folder}/lab.zone")].contains("https://(left out)@h.example/"));
}

#[test]
fn the_path_of_a_webhook_and_what_headers_prove_stay_here() {
    let site = Site::new();
    site.write("secret", "0123456789abcdef0123456789abcdef\n");
    site.configure(&format!(
        "[webhook]\nurl = \"http://127.0.0.1:9/hooks/{MARK}?n=1\"\nsecret-file = \"secret\"\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n"
    ));
    site.write(
        "lab.zone",
        &format!(
            "; Authorization: Basic {MARK}\n$TTL 60\n@ SOA ns h 1 3h 30m 2w 10\n@ NS ns\nns A 127.0.0.1\n"
        ),
    );
    let log = format!("echo POST /hooks/{MARK}; echo POST /hooks/{MARK}?n=1; echo Bearer {MARK}0123456789");
    let texts = archive(&site, &log);
    for (path, text) in &texts {
        assert!(!text.contains(MARK), "in {path}:\n{text}");
    }
    let config = &texts[&format!("files{}/edgedns.toml", site.folder().display())];
    assert!(config.contains("url = \"(left out)\"\n"), "{config}");
}

#[test]
fn an_archive_is_its_owners_alone_and_replaces_nothing() {
    let site = Site::new();
    site.configure("");
    let path = journal(&site, "true");
    let make = |arguments: &[&str]| {
        let all = [&["support", "--config", "edgedns.toml"], arguments].concat();
        site.run_as(&all, |command| {
            command.env("PATH", &path);
        })
    };
    let output = make(&[]);
    assert!(output.status.success(), "{}", said(&output));
    let name = String::from_utf8(output.stdout).expect("a name");
    let file = site.folder().join(name.trim_end());
    assert_eq!(file.metadata().expect("the archive").permissions().mode() & 0o777, 0o600);
    assert!(texts(&std::fs::read(&file).expect("the archive")).contains_key("README.txt"));
    site.write("there", "already");
    let output = make(&["--output", "there"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(std::fs::read_to_string(site.folder().join("there")).expect("the file"), "already");
}

/// What stands in for `oc`: it runs on a node what it is told to, and one node is gone.
const OC: &str = r#"#!/bin/sh
case "$*" in
"get nodes"*) echo node/master-0; echo node/master-1 ;;
*master-1*) echo "error: node master-1 is gone" >&2; exit 1 ;;
*"edgedns support"*) cd "$SITE" && exec "$EDGEDNS" support --config edgedns.toml --output - ;;
*) exit 1 ;;
esac
"#;

#[test]
fn must_gather_has_an_archive_of_each_node_and_names_those_that_have_none() {
    let site = Site::new();
    site.configure("");
    let path = journal(&site, "true");
    let oc = site.folder().join("bin/oc");
    std::fs::write(&oc, OC).expect("a scratch file");
    std::fs::set_permissions(&oc, PermissionsExt::from_mode(0o755)).expect("a scratch file");
    let into = site.folder().join("gathered");
    let gather = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/gather");
    let output = Command::new(gather)
        .arg(&into)
        .env("PATH", path)
        .env("SITE", site.folder())
        .env("EDGEDNS", executable())
        .output()
        .expect("bash");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("master-1: nothing was gathered"), "{}", said(&output));
    let file = into.join("master-0.tar.gz");
    assert_eq!(file.metadata().expect("the archive").permissions().mode() & 0o777, 0o600);
    let archive = std::fs::read(file).expect("the archive of a node");
    assert!(texts(&archive).contains_key("check.txt"));
    assert!(!into.join("master-1.tar.gz").exists());
    assert!(std::fs::read_to_string(into.join("master-1.log")).expect("why").contains("is gone"));
}
