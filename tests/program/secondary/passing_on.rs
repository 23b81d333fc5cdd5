//! Updates of a zone that is copied: passed on to its primary, another edgedns, if the block allows the client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::http::{get, sample};
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback, wait_for};

const ZONE: &str =
    "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 1 1 86400 60\n@ NS ns\nns A 127.0.0.1\n";

const KEY: &str = "[[key]]\nname = \"dyn\"\nsecret = \"bm90IGEgc2VjcmV0OiBtYWtlIG9uZSBvZiB5b3VyIG93bg==\"\n";

/// A primary whose zone this host may change and copy, which tells `secondary` of it.
fn primary(secondary: SocketAddr) -> (Site, Program) {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(&format!(
        "[admin]\nstate-directory = \".\"\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         allow-transfer = [\"127.0.0.0/8\"]\nnotify = [\"{secondary}\"]\n\
         [[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"A\"]\n"
    ));
    let program = site.start();
    (site, program)
}

/// A secondary with this block.
fn secondary(site: &Site, admin: SocketAddr, primaries: &[SocketAddr], block: &str) -> Program {
    let list: Vec<String> = primaries.iter().map(|place| format!("\"{place}\"")).collect();
    site.configure(&format!(
        "{KEY}[admin]\nlisten = \"{admin}\"\n[[zone]]\nname = \"lab.example\"\nprimary = [{}]\n{block}",
        list.join(", ")
    ));
    site.start()
}

const ALL: &str = "[[zone.update]]\nallow = [\"127.0.0.0/8\"]\n";

/// An UPDATE that adds a record: owner and last byte of its address.
fn message(id: u16, owner: &str, last: u8) -> Vec<u8> {
    let mut bytes = [id, 5 << 11, 1, 0, 1, 0].map(u16::to_be_bytes).concat();
    bytes.extend(b"\x03lab\x07example\0\0\x06\0\x01");
    bytes.push(u8::try_from(owner.len()).unwrap());
    bytes.extend(owner.as_bytes());
    bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
    bytes
}

/// The response over TCP.
fn exchange(server: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], message].concat()).expect("it is taken");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a response");
    let mut response = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut response).expect("a whole response");
    response
}

fn rcode(response: &[u8]) -> u8 {
    response[3] & 0x0f
}

fn address(program: &Program, owner: &str) -> Vec<String> {
    let response = ask(program.listen(), &format!("{owner}.lab.example."), RecordType::A);
    let there = response.filter(|response| response.metadata.response_code == ResponseCode::NoError);
    there.iter().flat_map(addresses).map(|address| address.to_string()).collect()
}

fn wait_for_address(program: &Program, owner: &str, wanted: &str) {
    wait_for(wanted, PATIENCE, || (address(program, owner) == [wanted]).then_some(()));
}

#[test]
fn an_update_is_made_at_the_primary_and_copied_and_answered_under_its_id() {
    let (site, admin) = (Site::new(), free_port(loopback()));
    let (_folder, upstream) = primary(site.listen());
    let program = secondary(&site, admin, &[upstream.listen()], ALL);
    wait_for_address(&program, "ns", "127.0.0.1");
    let response = exchange(program.listen(), &message(0x7a01, "a", 1));
    assert_eq!((&response[..2], rcode(&response)), (&[0x7a, 0x01][..], 0));
    assert_eq!(address(&upstream, "a"), ["192.0.2.1"], "it is made when it is answered");
    wait_for_address(&program, "a", "192.0.2.1");
    let passed_on = "edgedns_updates_total{result=\"passed-on\"}";
    assert_eq!(sample(admin, passed_on), 1.0);
    // What the primary refuses is refused.
    let mut refused = message(1, "b", 1);
    let at = refused.len() - 13;
    refused[at] = 16;
    assert_eq!(rcode(&exchange(program.listen(), &refused)), 1, "TXT data that is none: FORMERR");
    assert_eq!(sample(admin, passed_on), 2.0);
    let metrics = get(admin, "/metrics").body;
    assert!(!metrics.contains("edgedns_zone_journal_ok{"), "there is no journal here");
    program.stop();
    upstream.stop();
}

#[test]
fn nothing_is_passed_on_for_whom_no_block_names() {
    let (site, admin) = (Site::new(), free_port(loopback()));
    let (_folder, upstream) = primary(site.listen());
    let program = secondary(&site, admin, &[upstream.listen()], "");
    wait_for_address(&program, "ns", "127.0.0.1");
    assert_eq!(rcode(&exchange(program.listen(), &message(1, "a", 1))), 4, "NOTIMP: no zone takes any");
    program.stop();
    for block in ["[\"192.0.2.0/24\"]", "[\"key:dyn\"]", "[\"127.0.0.0/8 key:dyn\"]"] {
        let block = format!("[[zone.update]]\nallow = {block}\n");
        let program = secondary(&site, admin, &[upstream.listen()], &block);
        wait_for_address(&program, "ns", "127.0.0.1");
        assert_eq!(rcode(&exchange(program.listen(), &message(1, "a", 1))), 5, "{block}");
        program.stop();
    }
    assert!(address(&upstream, "a").is_empty());
    upstream.stop();
}

#[test]
fn the_next_primary_is_asked_where_one_does_not_answer_and_servfail_is_said_where_none_does() {
    let (site, admin) = (Site::new(), free_port(loopback()));
    let (_folder, upstream) = primary(site.listen());
    // One that refuses connections, and one that takes them and is silent.
    let gone = free_port(loopback());
    let silent = TcpListener::bind((loopback(), 0)).expect("a port");
    let silent_at = silent.local_addr().expect("a place");
    let program = secondary(&site, admin, &[gone, silent_at, upstream.listen()], ALL);
    wait_for_address(&program, "ns", "127.0.0.1");
    let response = exchange(program.listen(), &message(2, "a", 1));
    assert_eq!(rcode(&response), 0);
    assert_eq!(address(&upstream, "a"), ["192.0.2.1"]);
    upstream.stop();
    let begun = Instant::now();
    assert_eq!(rcode(&exchange(program.listen(), &message(3, "b", 1))), 2, "SERVFAIL");
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    program.wait_for_line("no primary answers: ");
    assert_eq!(sample(admin, "edgedns_updates_total{result=\"no-primary\"}"), 1.0);
    program.stop();
}

#[test]
fn servers_that_copy_a_zone_from_each_other_do_not_send_an_update_round_and_round() {
    let (site, other_site) = (Site::new(), Site::new());
    let admins = [free_port(loopback()), free_port(loopback())];
    let program = secondary(&site, admins[0], &[other_site.listen()], ALL);
    let other = secondary(&other_site, admins[1], &[site.listen()], ALL);
    let begun = Instant::now();
    assert_eq!(rcode(&exchange(program.listen(), &message(4, "a", 1))), 2, "SERVFAIL");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let results = ["passed-on", "no-primary", "busy"];
    let counted = |admin| {
        let count = |result| sample(admin, &format!("edgedns_updates_total{{result=\"{result}\"}}"));
        results.into_iter().map(count).sum::<f64>()
    };
    assert!(counted(admins[0]) + counted(admins[1]) <= 3.0, "it went there and back once");
    other.stop();
    program.stop();
}
