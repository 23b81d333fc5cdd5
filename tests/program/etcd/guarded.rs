//! Names that a key guards (`#pool`).

use super::*;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

const ZONE: &str = "layout = \"zone\"\n";

fn line(owner: &str) -> String {
    format!("/edgedns/lab.example/{owner}")
}

/// An etcd with a zone in lines of zone text, and a port that accepts connections at the first of two addresses.
fn store() -> Option<(Etcd, TcpListener, [IpAddr; 2])> {
    let etcd = Etcd::start(1, Security::None)?;
    etcd.put(&line("@"), "60 SOA ns.test. host.test. 1 3600 600 604800 60\n60 NS ns.test.");
    let listener = TcpListener::bind(harness::free_port(harness::loopback())).expect("a listener");
    let up = listener.local_addr().expect("an address").ip();
    // Nobody listens at this one: it is of another net than those that tests take.
    let down = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 254));
    assert_ne!(up, down);
    etcd.put(&line("app"), &format!("60 A {up}\n60 A {down}"));
    Some((etcd, listener, [up, down]))
}

fn pool(listener: &TcpListener) -> String {
    let SocketAddr::V4(address) = listener.local_addr().expect("an address") else { panic!("IPv4") };
    format!("{{\n \"tcp\": {}, \"interval\": \"100ms\", \"order\": \"fixed\"\n}}", address.port())
}

fn all(program: &Program, name: &str) -> Vec<IpAddr> {
    let response = ask(program.listen(), &format!("{name}.lab.example."), RecordType::A);
    let Some(response) = response else { return Vec::new() };
    if response.metadata.response_code != ResponseCode::NoError {
        return Vec::new();
    }
    let mut all = addresses(&response);
    all.sort();
    all
}

#[track_caller]
fn wait_for_all(program: &Program, name: &str, wanted: &[IpAddr]) {
    wait_for(&format!("{name} {wanted:?}"), PATIENCE, || (all(program, name) == wanted).then_some(()));
}

#[test]
fn a_name_that_a_key_guards_answers_what_passes_also_after_a_reload_and_without_the_store() {
    let Some((mut etcd, listener, [up, down])) = store() else { return };
    let site = site_of(&etcd, ZONE);
    let program = site.start();
    wait_for_all(&program, "app", &[up, down]);
    etcd.put(&line("app#pool"), &pool(&listener));
    wait_for_all(&program, "app", &[up]);
    etcd.put(&line("other"), "60 A 192.0.2.7");
    wait_for_address(&program, "other", "192.0.2.7");
    assert_eq!(all(&program, "app"), [up], "after another change");
    program.reload_and_wait();
    assert_eq!(all(&program, "app"), [up], "after a reload");
    // A bad value leaves what was said before.
    etcd.put(&line("app#pool"), "{\"tcp\": 70000}");
    wait_for_status(&site, "a fault", |zone| zone["etcd"]["faulty"] == 1);
    let fault = status(&site)["etcd"]["faults"][0].as_str().expect("a fault").to_owned();
    assert_eq!(fault, "/edgedns/lab.example/app#pool: line 1 column 9: `tcp` is a port, 1 to 65535");
    assert_eq!(all(&program, "app"), [up]);
    program.stop();
    etcd.kill(0);
    let program = site.start();
    wait_for_all(&program, "app", &[up]);
    etcd.restart(0);
    etcd.wait_until_well();
    etcd.delete(&line("app#pool"));
    wait_for_all(&program, "app", &[up, down]);
}

#[test]
fn a_guard_of_nothing_is_told_and_keeps_no_name() {
    let Some((etcd, listener, [up, down])) = store() else { return };
    etcd.put(&line("app#pool"), &pool(&listener));
    let site = site_of(&etcd, ZONE);
    let program = site.start();
    wait_for_all(&program, "app", &[up]);
    etcd.delete(&line("app"));
    wait_for_code(&program, "app", ResponseCode::NXDomain);
    wait_for_status(&site, "a fault", |zone| {
        zone["etcd"]["faults"][0]
            .as_str()
            .is_some_and(|fault| fault.ends_with("has no A or AAAA record to guard"))
    });
    etcd.put(&line("app"), &format!("60 A {up}\n60 A {down}"));
    wait_for_all(&program, "app", &[up]);
    wait_for_status(&site, "no fault", |zone| zone["etcd"]["faulty"] == 0);
}

#[test]
fn a_pool_that_would_not_be_served_is_not_put() {
    let Some((etcd, listener, _)) = store() else { return };
    let site = site_of(&etcd, ZONE);
    let put =
        |value: &str| site.run(&["put", "--config", "edgedns.toml", "app.lab.example", "--pool", value]);
    let refused = harness::program::said(&put("{\"tcp\": 443, \"intervall\": \"1s\"}"));
    assert!(refused.contains("app#pool: line 1 column 14: unknown key `intervall`"), "{refused}");
    let done = put(&pool(&listener));
    assert!(done.status.success(), "{}", harness::program::said(&done));
    let exported = site.run(&["export", "--config", "edgedns.toml", "lab.example"]);
    assert!(harness::program::said(&exported).contains("/edgedns/lab.example/app#pool is no zone text"));
    let skydns = site_of(&etcd, SKYDNS);
    let refused =
        skydns.run(&["put", "--config", "edgedns.toml", "app.lab.example", "--pool", "{\"tcp\": 1}"]);
    assert!(harness::program::said(&refused).contains("the layout `skydns` has no keys for pools"));
}
