//! Servers that tell each other what they see, by way of etcd: what each answers to whom while one does not reach a target,
//! stands still, is gone, or hears nothing any more.
//!
//! All are on this host and probe one target, each from an address of its own: the target can be shut to one of them.

mod splits;
mod two_sites;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use harness::client::{ask, sorted_addresses};
use harness::etcd::{Etcd, Security};
use harness::program::{Program, Site};
use harness::{PATIENCE, loopback, wait_for};

/// A target that answers over HTTP, but hangs up on some clients.
struct Gate {
    place: SocketAddr,
    shut_to: Arc<Mutex<BTreeSet<IpAddr>>>,
    stop: Arc<AtomicBool>,
    task: Option<JoinHandle<()>>,
}

impl Gate {
    fn open() -> Gate {
        Gate::open_at(0)
    }

    /// At a port of an address that nobody else has; 0: at any.
    fn open_at(port: u16) -> Gate {
        let listener = TcpListener::bind((loopback(), port)).expect("a loopback address");
        listener.set_nonblocking(true).expect("a listener that can be asked");
        let place = listener.local_addr().expect("a bound socket");
        let (shut_to, stop) = (Arc::<Mutex<BTreeSet<IpAddr>>>::default(), Arc::<AtomicBool>::default());
        let (is_shut, stopping) = (Arc::clone(&shut_to), Arc::clone(&stop));
        let task = std::thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, client)) if !is_shut.lock().expect("a lock").contains(&client.ip()) => {
                        greet(stream);
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Gate { place, shut_to, stop, task: Some(task) }
    }

    fn shut_to(&self, clients: &[Ipv4Addr]) {
        *self.shut_to.lock().expect("a lock") = clients.iter().map(|client| IpAddr::V4(*client)).collect();
    }
}

/// Whoever is gone meanwhile is no matter.
fn greet(mut stream: TcpStream) {
    let _ = stream.set_nonblocking(false);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.take().into_iter().for_each(|task| drop(task.join()));
    }
}

/// How long what one says holds when it is not heard any more.
const LEASE: Duration = Duration::from_secs(8);

/// The rules by which pools heed others: a name for each.
const RULES: [&str; 4] = ["own", "any", "quorum", "all"];

/// What a server answers with the target: to clients on its host, and to those elsewhere by each rule.
type Answers = (bool, [bool; 4]);

const REACHED: Answers = (true, [true; 4]);

/// As one does that goes by itself and does not reach it.
const BY_ITSELF: Answers = (false, [false; 4]);

/// One of the servers.
struct Vantage {
    site: Site,
    source: Ipv4Addr,
    program: Program,
}

/// Three of them, called a, b and c.
struct Lab {
    etcd: Etcd,
    gate: Gate,
    all: Vec<Vantage>,
}

impl Lab {
    /// `more` is for `[vantage]`. None where etcd is not installed.
    fn start(etcd: Option<Etcd>, more: &str) -> Option<Lab> {
        let mut lab = Lab { etcd: etcd?, gate: Gate::open(), all: Vec::new() };
        for name in ["a", "b", "c"] {
            let (site, source) = (Site::new(), loopback());
            lab.configure(&site, name, source, more);
            let program = site.start();
            lab.all.push(Vantage { site, source, program });
        }
        Some(lab)
    }

    fn configure(&self, site: &Site, name: &str, source: Ipv4Addr, more: &str) {
        let endpoints: Vec<String> = self.etcd.endpoints().iter().map(|one| format!("\"{one}\"")).collect();
        let vantage =
            format!("[vantage]\nname = \"{name}\"\nendpoints = [{}]\n{more}\n", endpoints.join(", "));
        self.configure_with(site, source, &vantage);
    }

    fn configure_with(&self, site: &Site, source: Ipv4Addr, vantage: &str) {
        let gate = self.gate.place;
        let mut zone = "$TTL 30\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.test.\n".to_owned();
        let mut guards = String::new();
        for rule in RULES {
            zone += &format!(
                "{rule} LUA A \"ifurlup('http://lab.test:{}/', {{{{'{}'}}}}, {{vantage='{rule}', source='{source}', \
                 interval=1, backupSelector='empty'}})\"\n",
                gate.port(),
                gate.ip(),
            );
            guards += &format!(
                "[[zone.probe]]\nnames = [\"plain-{rule}\"]\nhttp = {{ port = {}, path = \"/\" }}\nsource = \"{source}\"\n\
                 vantage = \"{rule}\"\nall-down = \"none\"\n",
                gate.port()
            );
            zone += &format!("plain-{rule} A {}\n", gate.ip());
        }
        site.write("lab.zone", &zone);
        site.configure(&format!(
            "[admin]\nsocket = \"{}\"\n[probe]\ninterval = \"200ms\"\nretry = \"50ms\"\ntimeout = \"5s\"\n{vantage}\
             [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{guards}",
            site.folder().join("control.sock").display(),
        ));
    }

    fn shut_to(&self, places: &[usize]) {
        let sources: Vec<Ipv4Addr> = places.iter().map(|place| self.all[*place].source).collect();
        self.gate.shut_to(&sources);
    }

    /// Waits until the servers answer so.
    #[track_caller]
    fn wait(&self, what: &str, wanted: [Answers; 3]) {
        for (vantage, wanted) in self.all.iter().zip(wanted) {
            vantage.wait(what, wanted);
        }
    }
}

impl Vantage {
    /// What it answers, as the status tells of pools of the config file.
    fn answers(&self) -> Option<Answers> {
        let status = self.site.status();
        let pools = status["pools"].as_array()?;
        let of = |rule: &str| {
            let owner = format!("plain-{rule}.lab.example.");
            let pool = pools.iter().find(|pool| pool["owner"] == owner.as_str())?;
            let here = !pool["answering"].as_array()?.is_empty();
            let elsewhere = pool.get("elsewhere").and_then(Value::as_array);
            Some((here, elsewhere.map_or(here, |elsewhere| !elsewhere.is_empty())))
        };
        let [own, any, quorum, all] = RULES.map(of);
        let all = [own?, any?, quorum?, all?];
        let here = all[0].0;
        all.iter().all(|(one, _)| *one == here).then_some((here, all.map(|(_, elsewhere)| elsewhere)))
    }

    #[track_caller]
    fn wait(&self, what: &str, wanted: Answers) {
        let mut last = None;
        let is_so = || {
            last = self.answers();
            (last == Some(wanted)).then_some(())
        };
        wait_for(&format!("{what}: {wanted:?}"), PATIENCE, is_so);
    }

    /// What others call the target of a pool.
    fn target_of(&self, owner: &str) -> String {
        let (status, owner) = (self.site.status(), format!("{owner}.lab.example."));
        let pools = status["pools"].as_array().expect("pools");
        let pool = pools.iter().find(|pool| pool["owner"] == owner.as_str()).expect("a pool");
        let targets = status["targets"].as_array().expect("targets");
        let target = targets.iter().find(|target| target["id"] == pool["members"][0]["targets"][0]);
        let name = target.expect("a target")["name"].as_str().expect("a name").to_owned();
        name.replace(&format!(" from {}", self.source), "")
    }

    fn vantage(&self) -> Value {
        self.site.status()["vantage"].clone()
    }

    #[track_caller]
    fn wait_for_vantage(&self, what: &str, is_so: impl Fn(&Value) -> bool) {
        wait_for(what, PATIENCE, || is_so(&self.vantage()).then_some(()));
    }

    fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args([&format!("-{signal}"), &self.program.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// What a client that is not on this host is answered with, and what is said of it.
    fn explained(&self, name: &str) -> (usize, String) {
        let arguments = ["explain", name, "A", "--from", "192.0.2.77"];
        let json = self.site.ask(&[&arguments[..], &["--format", "json"]].concat());
        let json: Value = serde_json::from_slice(&json.stdout).expect("an explanation");
        let text = self.site.ask(&arguments);
        let count = json["answer"]["answer"].as_array().expect("an answer section").len();
        (count, String::from_utf8_lossy(&text.stdout).into_owned())
    }
}

const MEMBERS: &str = "members = [\"a\", \"b\", \"c\"]\nlease = \"8s\"";

#[test]
fn what_one_does_not_reach_is_answered_to_clients_elsewhere_as_the_rule_has_it() {
    let Some(lab) = Lab::start(Etcd::start(1, Security::None), MEMBERS) else { return };
    let unseen = |any, quorum, all| (false, [false, any, quorum, all]);
    lab.wait("all is well", [REACHED; 3]);
    lab.shut_to(&[0]);
    lab.wait("shut to a", [unseen(true, true, true), REACHED, REACHED]);
    // The path of an answer, for both kinds of pools: LUA records, and those of the config file.
    let a = &lab.all[0];
    for (name, count) in [("plain-own", 0), ("plain-quorum", 1), ("own", 0), ("quorum", 1)] {
        let name = format!("{name}.lab.example");
        let (answered, text) = wait_for(&format!("{name} elsewhere"), PATIENCE, || {
            Some(a.explained(&name)).filter(|(n, _)| *n == count)
        });
        let is_told =
            text.contains("is down here, up as seen by b (") && text.contains("it is therefore answered");
        assert_eq!(is_told, answered == 1, "{text}");
        let here = ask(a.site.listen(), &format!("{name}."), RecordType::A).expect("a response");
        assert!(here.answers.is_empty(), "{name} to a client on this host");
    }
    let status = a.site.status();
    let targets = status["targets"].as_array().expect("targets");
    let target = targets.iter().find(|target| {
        target["name"].as_str().is_some_and(|name| name.starts_with(&a.target_of("plain-any")))
    });
    let seen: Vec<(&str, &str)> = target.expect("a target")["seen"]
        .as_array()
        .expect("others")
        .iter()
        .map(|seen| (seen["vantage"].as_str().expect("a name"), seen["verdict"].as_str().expect("a verdict")))
        .collect();
    assert_eq!(seen, [("b", "up"), ("c", "up")]);
    let table = String::from_utf8_lossy(&a.site.ask(&["status"]).stdout).into_owned();
    assert!(table.contains("down (up for b c)") && table.contains("this one, heard"), "{table}");
    a.program.wait_for_line("now all down: no address, elsewhere ");
    lab.shut_to(&[0, 1]);
    lab.wait("shut to a and b", [unseen(true, false, false), unseen(true, false, false), REACHED]);
    lab.shut_to(&[0, 1, 2]);
    lab.wait("shut to all", [BY_ITSELF; 3]);
    lab.shut_to(&[]);
    lab.wait("open again", [REACHED; 3]);
    // The keys of one that ends in good order go at once, those of others stay.
    lab.shut_to(&[0]);
    lab.wait("shut to a again", [unseen(true, true, true), REACHED, REACHED]);
    let Lab { mut all, etcd, gate, .. } = lab;
    all.remove(2).program.stop();
    let keys = etcd.ctl(&["get", "--prefix", "--keys-only", "/edgedns-vantage/"]);
    assert!(keys.contains("/edgedns-vantage/b") && !keys.contains("/edgedns-vantage/c"), "{keys}");
    all[0].wait("c is gone", unseen(true, false, false));
    all.remove(1).program.stop();
    all[0].wait("b is gone, too", BY_ITSELF);
    all[0].wait_for_vantage("one of three is there", |told| told["standing"] == "minority");
    all[0].program.wait_for_line("1 of 3 vantages are there, no more than half");
    drop(gate);
}

#[test]
fn one_that_stands_still_leaves_with_its_lease_and_heeds_nobody_when_it_goes_on() {
    let Some(lab) = Lab::start(Etcd::start(1, Security::None), MEMBERS) else { return };
    lab.wait("all is well", [REACHED; 3]);
    lab.shut_to(&[0, 1]);
    let only_any = (false, [false, true, false, false]);
    lab.wait("shut to a and b", [only_any, only_any, REACHED]);
    // The third sees it up, and would go on saying so.
    lab.all[2].signal("STOP");
    lab.all[0].wait("c stands still", BY_ITSELF);
    lab.all[1].wait("c stands still", BY_ITSELF);
    lab.all[0].wait_for_vantage("two of three are there", |told| told["standing"] == "heard");
    lab.all[2].signal("CONT");
    lab.wait("c goes on", [only_any, only_any, REACHED]);
    // What it knew of the others when it stood still does not count when it goes on.
    lab.all[0].signal("STOP");
    lab.shut_to(&[0, 1, 2]);
    lab.all[1].wait("nobody reaches it", BY_ITSELF);
    lab.all[2].wait("nobody reaches it", BY_ITSELF);
    std::thread::sleep(LEASE + Duration::from_secs(1));
    lab.all[0].signal("CONT");
    lab.all[0].wait("a goes on", BY_ITSELF);
    lab.shut_to(&[]);
    lab.wait("open again", [REACHED; 3]);
}

#[test]
fn who_loses_the_store_goes_by_itself_and_nothing_waits_for_it() {
    let Some(mut lab) = Lab::start(Etcd::start(1, Security::None), MEMBERS) else { return };
    lab.wait("all is well", [REACHED; 3]);
    lab.shut_to(&[0]);
    let seen = (false, [false, true, true, true]);
    lab.wait("shut to a", [seen, REACHED, REACHED]);
    lab.etcd.signal(0, "STOP");
    lab.wait("etcd stands still", [BY_ITSELF, REACHED, REACHED]);
    lab.all[0].program.wait_for_line("no other vantage is heard, this one goes by itself");
    lab.all[0].wait_for_vantage("it is said", |told| {
        told["standing"] == "alone" && told["connected"] == false && told["lost"].as_u64() >= Some(1)
    });
    lab.etcd.signal(0, "CONT");
    lab.wait("etcd goes on", [seen, REACHED, REACHED]);
    lab.etcd.kill(0);
    lab.wait("etcd is gone", [BY_ITSELF, REACHED, REACHED]);
    // A start without the store.
    let Vantage { site, source, program } = lab.all.remove(0);
    program.stop();
    lab.all.insert(0, Vantage { program: site.start(), site, source });
    lab.wait("a has begun anew", [BY_ITSELF, REACHED, REACHED]);
    let listen = lab.all[1].site.listen();
    assert_eq!(
        sorted_addresses(listen, "plain-own.lab.example.", RecordType::A).map(|all| all.len()),
        Some(1)
    );
    lab.etcd.restart(0);
    lab.wait("etcd is back", [seen, REACHED, REACHED]);
}

#[test]
fn keys_that_say_nothing_of_use_are_told_and_take_nothing_away() {
    let Some(lab) = Lab::start(Etcd::start(1, Security::None), "lease = \"8s\"") else { return };
    let a = &lab.all[0];
    lab.shut_to(&[0, 1, 2]);
    lab.wait("shut to all", [BY_ITSELF; 3]);
    let name = a.target_of("plain-any");
    let key = |vantage: &str| format!("/edgedns-vantage/{vantage}/{name}");
    // Without a lease nobody would notice that the writer is gone.
    lab.etcd.put(&key("x"), "up");
    lab.etcd.put_for(600, &key("y"), "maybe");
    lab.etcd.put_for(600, "/edgedns-vantage/no name", "here");
    a.wait_for_vantage("three faults", |told| told["faulty"] == 3);
    let told = a.vantage();
    let text = told["faults"].to_string();
    for words in ["it has no lease", "neither `up` nor `down`", "no name of a vantage", &key("x")] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(a.answers(), Some(BY_ITSELF));
    // One that says up has its word taken; then it says something else.
    lab.etcd.put_for(600, &key("y"), "up");
    a.wait("y sees it", (false, [false, true, false, false]));
    lab.etcd.put_for(600, &key("y"), "up and down");
    a.wait("y makes no sense any more", BY_ITSELF);
    for key in [key("x"), key("y"), "/edgedns-vantage/no name".to_owned()] {
        lab.etcd.delete(&key);
    }
    a.wait_for_vantage("no fault", |told| told["faulty"] == 0);
    // A lease that ends takes its keys along.
    lab.etcd.put_for(8, &key("z"), "up");
    a.wait("z sees it", (false, [false, true, false, false]));
    a.wait("z is gone", BY_ITSELF);
    // Somebody empties the store: everything is there again at once.
    lab.shut_to(&[0]);
    lab.wait("shut to a", [(false, [false, true, true, true]), REACHED, REACHED]);
    lab.etcd.ctl(&["del", "--prefix", "/edgedns-vantage/"]);
    lab.wait("said once more", [(false, [false, true, true, true]), REACHED, REACHED]);
    let keys = lab.etcd.ctl(&["get", "--prefix", "--keys-only", "/edgedns-vantage/"]);
    assert!(
        ["a", "b", "c"].iter().all(|name| keys.contains(&format!("/edgedns-vantage/{name}\n"))),
        "{keys}"
    );
}

#[test]
fn two_servers_with_one_name_are_told() {
    let Some(lab) = Lab::start(Etcd::start(1, Security::None), "lease = \"8s\"") else { return };
    lab.wait("all is well", [REACHED; 3]);
    let (site, source) = (Site::new(), loopback());
    lab.configure(&site, "a", source, "lease = \"8s\"");
    let other = Vantage { program: site.start(), site, source };
    lab.all[0].wait_for_vantage("the name is taken", |told| {
        told["error"].as_str().is_some_and(|why| why.contains("another server says that it is the vantage a"))
    });
    other.wait_for_vantage("the other is heard", |told| told["standing"] == "heard");
    assert_eq!(lab.all[0].answers(), Some(REACHED));
}

#[test]
fn servers_hear_each_other_over_tls_as_users_and_stop_when_the_config_says_so() {
    let Some(etcd) = Etcd::start(3, Security::TlsAndUsers) else { return };
    let more = format!(
        "lease = \"8s\"\nprefix = \"/edgedns/vantages\"\nca = \"{}\"\nuser = \"edgedns\"\npassword-file = \"{}\"",
        etcd.authority().display(),
        etcd.password_file().display()
    );
    let Some(mut lab) = Lab::start(Some(etcd), &more) else { return };
    lab.shut_to(&[0]);
    let seen = (false, [false, true, true, true]);
    lab.wait("shut to a", [seen, REACHED, REACHED]);
    // A member goes, and whoever has asked it asks another one.
    lab.etcd.kill(0);
    for one in &lab.all {
        one.wait_for_vantage("another member", |told| {
            told["connected"] == true && told["others"][1]["name"].is_string()
        });
    }
    lab.wait("a member is gone", [seen, REACHED, REACHED]);
    // Without most members nothing is known for sure.
    lab.etcd.kill(1);
    lab.wait("most members are gone", [BY_ITSELF, REACHED, REACHED]);
    lab.etcd.restart(0);
    lab.wait("most members are back", [seen, REACHED, REACHED]);
    let a = &lab.all[0];
    lab.configure_with(&a.site, a.source, "");
    a.program.reload_and_wait();
    a.wait("the config names no store", BY_ITSELF);
    assert!(a.vantage().is_null());
}
