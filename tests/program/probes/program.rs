//! `http` and `https` probes from the config file and from LUA records to the answers of the running program.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::Value;

use super::server::{End, Reply, Server, ok, response};
use super::tls::Authority;
use harness::program::Site;

const ZONE: &str = "\
$ORIGIN lab.example.
$TTL 10
@ SOA ns hostmaster 1 3600 600 86400 10
@ NS ns
ns A 127.0.4.90
api A 127.0.4.91
api A 127.0.4.92
";

const ADMIN: &str = "[admin]\nsocket = \"control.sock\"\n\n";

/// What the status says of each target.
fn targets(site: &Site) -> Vec<Value> {
    let said = site.run(&["status", "--socket", "control.sock", "--format", "json"]);
    let mut status: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    serde_json::from_value(status["targets"].take()).expect("a list")
}

fn config(port: u16) -> String {
    format!(
        "{ADMIN}[probe]\ninterval = \"1h\"\nretry = \"20ms\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = {port}\nhttps = {{ port = {port}, path = \"/readyz\", \
         host = \"api.lab.example\", ca = \"ca.pem\", body = \"ok\" }}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_or_is_not_ready_is_not_answered() {
    let authority = Authority::new();
    let tls = || authority.server(&["api.lab.example"], &["http/1.1"]);
    let first = Server::start_tls("127.0.4.91", tls(), ok).await;
    let place = SocketAddr::new("127.0.4.92".parse().unwrap(), first.place.port());
    let second = Server::start_tls_at(place, tls(), ok).await;
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.write("ca.pem", &authority.pem());
    site.configure(&config(first.place.port()));
    let checked = site.check();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let (both, one) = ([first.place.ip(), second.place.ip()], [first.place.ip()]);
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &both);
        let targets = targets(&site);
        let https: Vec<&Value> = targets.iter().filter(|target| target["probe"] == "https").collect();
        assert_eq!((targets.len(), https.len()), (4, 2));
        for target in https {
            let end = target["certificate_not_after"].as_str().expect("a moment");
            assert!(end > "2026" && end.ends_with('Z'), "{target}");
            let latencies = target["latencies"].as_array().expect("a list").iter();
            assert_eq!(latencies.filter_map(Value::as_u64).sum::<u64>(), target["outcomes"]["passed"]);
        }
        second.stop_listening();
        second.end(End::Reset);
        // Hours before the next run.
        program.wait_for_addresses("api.lab.example.", &one);
        program.wait_for_line("down after 2 failures: connection refused");
        program.stop();
    });
    drop(second);
    let shutting_down = |_: &str| Reply::Whole(response("503 Service Unavailable", "shutdown"));
    let _second = Server::start_tls_at(place, tls(), shutting_down).await;
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &one);
        program.wait_for_line("down after 1 failure: status 503");
        let failures: Vec<Value> =
            targets(&site).into_iter().map(|target| target["failures"].clone()).collect();
        assert!(failures.iter().any(|one| one["status"].as_u64() > Some(0)), "{failures:?}");
        program.stop();
    });
}

/// 200 while `ready`, then 503.
fn while_ready(ready: &Arc<AtomicBool>) -> impl Fn(&str) -> Reply + Send + Sync + use<> {
    let ready = Arc::clone(ready);
    move |_: &str| match ready.load(Ordering::SeqCst) {
        true => Reply::Whole(response("200 OK", "ok")),
        false => Reply::Whole(response("503 Service Unavailable", "shutdown")),
    }
}

/// `up` stands for two masters; `ext` answers addresses where nobody is, by the URLs of one master and of
/// another as its backup.
fn lua_records(port: u16, secure: u16) -> String {
    format!(
        "\
up LUA A ( \"ifurlup('http://api.lab.example:{port}/readyz?verbose', {{'127.0.4.93', '127.0.4.94'}}, \"
  \"{{stringmatch='ok', headers={{X_Probe='edge'}}, useragent='mine', interval=0.1}})\" )
secure A 127.0.4.95
ext LUA A ( \"ifurlextup({{{{['192.0.2.95']='https://secure.lab.example:{secure}/'}}, \"
  \"{{['192.0.2.94']='http://127.0.4.94:{port}/'}}}}, {{interval=0.1}})\" )
"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lua_record_answers_the_masters_whose_url_is_up() {
    let (first_ready, second_ready) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let first = Server::start("127.0.4.93", while_ready(&first_ready)).await;
    let place = SocketAddr::new("127.0.4.94".parse().unwrap(), first.place.port());
    let second = Server::start_at(place, while_ready(&second_ready)).await;
    // Its certificate is from an unknown authority, and for another name.
    let config = Authority::new().server(&["other.example"], &["http/1.1"]);
    let secure = Server::start_tls("127.0.4.95", config, while_ready(&first_ready)).await;
    let site = Site::new();
    site.write("lab.zone", &format!("{ZONE}{}", lua_records(place.port(), secure.place.port())));
    site.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n");
    let (one, other) = (first.place.ip(), second.place.ip());
    let [by_secure, by_second] = [95, 94].map(|last| IpAddr::from([192, 0, 2, last]));
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("up.lab.example.", &[one, other]);
        program.wait_for_addresses("ext.lab.example.", &[by_secure]);
        second_ready.store(false, Ordering::SeqCst);
        program.wait_for_addresses("up.lab.example.", &[one]);
        program.wait_for_line("down after 2 failures: status 503");
        second_ready.store(true, Ordering::SeqCst);
        program.wait_for_addresses("up.lab.example.", &[one, other]);
        first_ready.store(false, Ordering::SeqCst);
        program.wait_for_addresses("ext.lab.example.", &[by_second]);
        program.stop();
    });
    let request = first.requests().remove(0).to_lowercase();
    assert!(request.starts_with("get /readyz?verbose http/1.1\r\n"), "{request}");
    let host = format!("\r\nhost: api.lab.example:{}\r\n", place.port());
    for line in [host.as_str(), "\r\nx-probe: edge\r\n", "\r\nuser-agent: mine\r\n"] {
        assert!(request.contains(line), "{request}");
    }
    assert_eq!(secure.names(1).await[0].as_deref(), Some("secure.lab.example"));
}

/// Says `weight` of itself.
fn weighing(weight: &Arc<AtomicU32>) -> impl Fn(&str) -> Reply + Send + Sync + use<> {
    let weight = Arc::clone(weight);
    move |_: &str| Reply::Whole(response("200 OK", &weight.load(Ordering::SeqCst).to_string()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_where_the_targets_say_that_there_is_room() {
    let weights = [1, 999_999].map(|weight| Arc::new(AtomicU32::new(weight)));
    let first = Server::start("127.0.4.96", weighing(&weights[0])).await;
    let place = SocketAddr::new("127.0.4.97".parse().unwrap(), first.place.port());
    let second = Server::start_at(place, weighing(&weights[1])).await;
    let site = Site::new();
    let record = format!(
        "told LUA A \"pickselfweighted('http://lab.example:{}/', {{'127.0.4.96', '127.0.4.97'}}, {{interval=0.1}})\"\n",
        place.port()
    );
    site.write("lab.zone", &format!("{ZONE}{record}"));
    site.configure(&format!("{ADMIN}[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n"));
    tokio::task::block_in_place(|| {
        let program = site.start();
        // 127.0.0.1 hashes to 678,856 of a million, in PowerDNS as here.
        program.wait_for_addresses("told.lab.example.", &[second.place.ip()]);
        weights[0].store(999_999, Ordering::SeqCst);
        weights[1].store(1, Ordering::SeqCst);
        program.wait_for_addresses("told.lab.example.", &[first.place.ip()]);
        let told: Vec<u64> = targets(&site).iter().filter_map(|target| target["weight"].as_u64()).collect();
        assert_eq!(told, [999_999, 1]);
        program.stop();
    });
}
