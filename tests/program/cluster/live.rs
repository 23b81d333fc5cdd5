//! The live zone of three masters, with the configs of `zones/` that docs/openshift.md shows: each master is a process at an
//! address of its own.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};

use harness::client::ask;
use harness::program::{Program, Site, said};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};

/// Addresses of the masters in the documents, the primary first.
const SHOWN: [&str; 3] = ["192.0.2.13", "192.0.2.14", "192.0.2.15"];

/// Where the zone is, as the configs have it.
const ZONE_FILE: &str = "edgedns/zones/dyn.ocp4.example.com.zone";

/// A name that cert-manager changes.
const CHALLENGE: &str = "_acme-challenge.apps.dyn.ocp4.example.com.";

/// The keys of the configs, and their secrets here.
const KEYS: [(&str, &str); 3] = [
    ("transfer", "dHJhbnNmZXItdHJhbnNmZXItdHJhbnNmZXItdHJhbnM="),
    ("cert-manager", "Y2VydC1tYW5hZ2VyLWNlcnQtbWFuYWdlci1jZXJ0LW0="),
    ("external-dns", "ZXh0ZXJuYWwtZG5zLWV4dGVybmFsLWRucy1leHRlcm4="),
];

/// The masters, the primary first; each has a folder like the root of a node.
struct Cluster {
    sites: [Site; 3],
}

impl Cluster {
    /// Files as the document has them made; nothing runs yet.
    fn new() -> Cluster {
        let cluster = Cluster { sites: [Site::new(), Site::new(), Site::new()] };
        for number in 0..3 {
            cluster.write_node(number);
            cluster.configure(number, 0);
        }
        cluster
    }

    fn listen(&self, number: usize) -> SocketAddr {
        self.sites[number].listen()
    }

    /// What a node has besides its config.
    fn write_node(&self, number: usize) {
        let site = &self.sites[number];
        let masters = (0..3).map(|n| format!("--master=master-{n}={}", self.listen(n).ip()));
        let init =
            ["init", "--cluster=ocp4", "--base-domain=example.com", "--force", "--into=."].map(str::to_owned);
        let arguments: Vec<String> = init.into_iter().chain(masters).collect();
        let made = site.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(made.status.success(), "{}", said(&made));
        for (name, secret) in KEYS {
            site.write(name, secret);
            let only_ours = fs::Permissions::from_mode(0o600);
            fs::set_permissions(site.folder().join(name), only_ours).expect("a mode");
        }
        site.write(ZONE_FILE, &shipped("dyn.ocp4.example.com.zone"));
    }

    /// Writes the config of a node: that of the primary, or of one that copies from it.
    fn configure(&self, number: usize, primary: usize) {
        let config = if number == primary { "live-primary.toml" } else { "live-secondary.toml" };
        self.sites[number].write("edgedns.toml", &self.at_loopback(number, primary, &shipped(config)));
    }

    /// A config with the addresses and folders of this run in place of those of a node. Another primary than the first has
    /// changed places with it.
    fn at_loopback(&self, number: usize, primary: usize, config: &str) -> String {
        let site = &self.sites[number];
        let mut text = config.to_owned();
        let mut masters = [0, 1, 2];
        masters.swap(0, primary);
        let mut replace = |old: &str, new: &str| {
            assert!(text.contains(old), "no {old:?} in\n{text}");
            text = text.replace(old, new);
        };
        let folder = site.folder().display().to_string();
        replace("127.0.0.1:53", &free_port(loopback()).to_string());
        replace("127.0.0.1:9653", &free_port(loopback()).to_string());
        replace("/run/edgedns/", &format!("{folder}/"));
        replace("\"/var/lib/edgedns\"", &format!("{folder:?}"));
        replace("/run/credentials/edgedns.service", &folder);
        for (master, shown) in masters.into_iter().zip(SHOWN) {
            let place = self.listen(master).to_string();
            text = text
                .replace(&format!("{shown}:53"), &place)
                .replace(&format!("\"{shown} "), &format!("\"{place} "));
        }
        text = text.replace("192.0.2.0/24", "127.0.0.0/8");
        assert!(!text.contains("192.0.2."), "{text}");
        // What another master serves is in use here, where a node leaves it alone.
        let (before, after) = text.split_once("listen = [").expect("listeners");
        let (_, after) = after.split_once(']').expect("their end");
        format!("{before}listen = [\"{}\"]{after}", site.listen())
    }

    fn start(&self, number: usize) -> Program {
        self.sites[number].start()
    }
}

fn shipped(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("zones").join(file))
        .expect("a file to start from")
}

/// What `nsupdate` says of an update that a key signs; none: it is not installed.
fn nsupdate(server: SocketAddr, key: &str, line: &str) -> Option<String> {
    let mut command = tool("nsupdate")?;
    let secret = KEYS.iter().find_map(|(name, secret)| (*name == key).then_some(secret)).expect("a key");
    let mut child = command
        .args(["-y", &format!("hmac-sha256:{key}:{secret}"), "-t", "15"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nsupdate runs");
    let text = format!(
        "server {} {}\nzone dyn.ocp4.example.com\nupdate {line}\nsend\nanswer\n",
        server.ip(),
        server.port()
    );
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("nsupdate reads");
    Some(said(&child.wait_with_output().expect("nsupdate ends")))
}

/// The texts of the challenge, sorted; none unless the server is asked and has an answer.
fn challenges(server: SocketAddr) -> Option<Vec<String>> {
    let response = ask(server, CHALLENGE, RecordType::TXT)?;
    if !matches!(response.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return None;
    }
    let text = |data: &RData| match data {
        RData::TXT(txt) => Some(txt.to_string()),
        _ => None,
    };
    let mut texts: Vec<String> = response.answers.iter().filter_map(|record| text(&record.data)).collect();
    texts.sort();
    Some(texts)
}

fn wait_for_challenges(server: SocketAddr, wanted: &[&str]) {
    wait_for(&format!("{server} answers {wanted:?}"), PATIENCE, || {
        challenges(server).is_some_and(|seen| seen == wanted).then_some(())
    });
}

#[test]
fn three_masters_have_what_changes_and_go_on_answering_without_the_primary() {
    let cluster = Cluster::new();
    let [primary, first, second] = [0, 1, 2].map(|number| cluster.start(number));
    let all = [0, 1, 2].map(|number| cluster.listen(number));
    for place in all {
        wait_for_challenges(place, &[]);
    }
    let Some(made) = nsupdate(all[0], "cert-manager", &format!("add {CHALLENGE} 60 TXT one")) else { return };
    assert!(made.contains("status: NOERROR"), "{made}");
    for place in all {
        wait_for_challenges(place, &["one"]);
    }
    let made = nsupdate(all[0], "external-dns", "add shop.dyn.ocp4.example.com. 60 A 192.0.2.80").unwrap();
    assert!(made.contains("status: NOERROR"), "{made}");
    // Any master may be asked.
    let passed_on =
        nsupdate(all[2], "external-dns", "add blog.dyn.ocp4.example.com. 60 A 192.0.2.80").unwrap();
    assert!(passed_on.contains("status: NOERROR"), "{passed_on}");
    for place in all {
        wait_for("the name that came by a copy", PATIENCE, || {
            let found = ask(place, "blog.dyn.ocp4.example.com.", RecordType::A)?;
            (!found.answers.is_empty()).then_some(())
        });
    }
    let refused = nsupdate(all[0], "external-dns", &format!("delete {CHALLENGE} TXT")).unwrap();
    assert!(refused.contains("REFUSED"), "{refused}");

    drop(primary);
    for place in &all[1..] {
        assert_eq!(challenges(*place).as_deref(), Some(&["one".to_owned()][..]));
    }
    for place in &all[..2] {
        let failed = nsupdate(*place, "cert-manager", &format!("add {CHALLENGE} 60 TXT two")).unwrap();
        assert!(!failed.contains("status: NOERROR"), "{failed}");
    }
    // A master that starts meanwhile has its copy.
    second.stop();
    let second = cluster.start(2);
    assert_eq!(challenges(all[2]).as_deref(), Some(&["one".to_owned()][..]));

    let primary = cluster.start(0);
    wait_for_challenges(all[0], &["one"]);
    let made = nsupdate(all[0], "cert-manager", &format!("add {CHALLENGE} 60 TXT two")).unwrap();
    assert!(made.contains("status: NOERROR"), "{made}");
    for place in all {
        wait_for_challenges(place, &["one", "two"]);
    }
    for program in [primary, first, second] {
        program.stop();
    }
}

#[test]
fn a_copy_becomes_the_primary_by_hand_and_the_old_one_comes_back_as_a_copy() {
    let cluster = Cluster::new();
    let all = [0, 1, 2].map(|number| cluster.listen(number));
    let programs = [0, 1, 2].map(|number| cluster.start(number));
    let Some(made) = nsupdate(all[0], "cert-manager", &format!("add {CHALLENGE} 60 TXT one")) else { return };
    assert!(made.contains("status: NOERROR"), "{made}");
    for place in all {
        wait_for_challenges(place, &["one"]);
    }
    // What is served is soon on the disk as well.
    let site = &cluster.sites[1];
    let copy = wait_for("the copy with the challenge", PATIENCE, || {
        let copy = fs::read_to_string(site.folder().join("copies/dyn.ocp4.example.com.zone")).ok();
        copy.filter(|copy| copy.contains("_acme-challenge"))
    });
    drop(programs);
    site.write(ZONE_FILE, &copy);
    for number in 0..3 {
        cluster.configure(number, 1);
    }
    let [new, third] = [1, 2].map(|number| cluster.start(number));
    let made = nsupdate(all[1], "cert-manager", &format!("add {CHALLENGE} 60 TXT two")).unwrap();
    assert!(made.contains("status: NOERROR"), "{made}");
    let old = cluster.start(0);
    for place in all {
        wait_for_challenges(place, &["one", "two"]);
    }
    for program in [new, third, old] {
        program.stop();
    }
}
