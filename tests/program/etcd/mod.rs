//! Zones whose records are keys of etcd: one that is well, gone, cut off, compacted, restored or emptied.

mod answering;
mod commands;
mod guarded;
mod leases;
mod stores;

use std::net::IpAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::etcd::{Etcd, PASSWORD, Security};
use harness::program::{Program, Site};
use harness::{PATIENCE, wait_for};

/// A folder with a state directory, and a zone `lab.example` whose records are keys of this etcd; `rest` is more of
/// `[zone.etcd]`.
fn site_of(etcd: &Etcd, rest: &str) -> Site {
    let site = Site::new();
    configure(&site, etcd, rest);
    site
}

fn configure(site: &Site, etcd: &Etcd, rest: &str) {
    let endpoints: Vec<String> = etcd.endpoints().iter().map(|one| format!("\"{one}\"")).collect();
    let state = site.folder().join("state");
    let _ = std::fs::create_dir(&state);
    site.configure(&format!(
        "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[probe]\nstartup-wait = \"0s\"\n\
         [[zone]]\nname = \"lab.example\"\n[zone.etcd]\nendpoints = [{}]\n{rest}",
        state.display(),
        site.folder().join("control.sock").display(),
        endpoints.join(", ")
    ));
}

/// What `[zone.etcd]` of the layout skydns needs besides.
const SKYDNS: &str = "nameservers = [\"ns.test\"]\n";

/// The key of a name, and the value of an address.
fn key(name: &str) -> String {
    format!("/skydns/example/lab/{name}")
}

fn host(address: &str) -> String {
    format!("{{\"host\":\"{address}\"}}")
}

/// The addresses of a name; none: SERVFAIL, NXDOMAIN, or nothing at all.
fn address(program: &Program, name: &str) -> Option<IpAddr> {
    let response = ask(program.listen(), &format!("{name}.lab.example."), RecordType::A)?;
    if response.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    addresses(&response).first().copied()
}

#[track_caller]
fn wait_for_address(program: &Program, name: &str, wanted: &str) {
    let wanted: IpAddr = wanted.parse().expect("an address");
    wait_for(&format!("{name} {wanted}"), PATIENCE, || {
        (address(program, name) == Some(wanted)).then_some(())
    });
}

fn code(program: &Program, name: &str) -> ResponseCode {
    let response = ask(program.listen(), &format!("{name}.lab.example."), RecordType::A);
    response.expect("a response").metadata.response_code
}

#[track_caller]
fn wait_for_code(program: &Program, name: &str, wanted: ResponseCode) {
    wait_for(&format!("{name} {wanted}"), PATIENCE, || (code(program, name) == wanted).then_some(()));
}

/// What the status says of the zone.
fn status(site: &Site) -> serde_json::Value {
    site.status()["zones"][0].clone()
}

/// Waits until the status says of the store what is wanted.
#[track_caller]
fn wait_for_status(site: &Site, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
    wait_for(what, PATIENCE, || is_so(&status(site)).then_some(()));
}
