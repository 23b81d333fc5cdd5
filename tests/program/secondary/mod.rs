//! Zones that are copied from a primary: a good one, one that is gone, and one that lies.

mod copies;
mod hostile;
mod notify;
mod passing_on;

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::program::{Program, Site};
use harness::scripted_primary::ScriptedPrimary;
use harness::{PATIENCE, free_port, loopback, wait_for};

/// The name whose address tells which version is served.
const QNAME: &str = "www.lab.example.";

/// A folder with a state directory, and a zone that is copied from some primaries.
fn site_of(primaries: &[&ScriptedPrimary], rest: &str) -> Site {
    let site = Site::new();
    configure(&site, primaries, rest);
    site
}

fn configure(site: &Site, primaries: &[&ScriptedPrimary], rest: &str) {
    let list: Vec<String> = primaries.iter().map(|primary| format!("\"{}\"", primary.place())).collect();
    let state = site.folder().join("state");
    let _ = std::fs::create_dir(&state);
    site.configure(&format!(
        "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[probe]\nstartup-wait = \"0s\"\n\
         [[zone]]\nname = \"lab.example\"\nprimary = [{}]\n{rest}",
        state.display(),
        site.folder().join("control.sock").display(),
        list.join(", ")
    ));
}

/// Where `www` is; none: SERVFAIL, or nothing at all.
fn address(program: &Program) -> Option<String> {
    let response = ask(program.listen(), QNAME, RecordType::A)?;
    if response.metadata.response_code != ResponseCode::NoError {
        return None;
    }
    addresses(&response).first().map(ToString::to_string)
}

fn wait_for_address(program: &Program, wanted: &str) {
    wait_for(wanted, PATIENCE, || (address(program).as_deref() == Some(wanted)).then_some(()));
}

fn response_code(program: &Program) -> ResponseCode {
    ask(program.listen(), QNAME, RecordType::A).expect("a response").metadata.response_code
}

/// What the status says of the zone.
fn status(site: &Site) -> serde_json::Value {
    site.status()["zones"][0].clone()
}
