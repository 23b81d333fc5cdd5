//! Queries of a scenario, as bytes.
//!
//! ```text
//! --- ask QNAME QTYPE [words]      tcp rd ad cd do nsid edns[=SIZE] version=N cookie=WHICH option=CODE
//!                                  class=CLASS from=ADDRESS times=N subnet=PREFIX
//! --- send 'www'07 …               hexadecimal; 'text' stands for its length and its bytes
//! ```
//!
//! `cookie` is one of `client`, `ours`, `late` (ours, too old), `forged`, or a number of bytes.

use std::net::IpAddr;

use edgedns::answer::{CookieSecret, Peer, Prefix, Transport};
use edgedns::dns::Rtype;
use edgedns::dns::client_subnet::{CLIENT_SUBNET_BYTES_MAX, ClientSubnet};
use edgedns::dns::edns::option;
use edgedns::dns::message::class;

use super::scenario::{Step, Verb};
use crate::served::{CLIENT, name};

/// The time of every scenario, in seconds since 1970.
pub(crate) const NOW: u32 = 1_800_000_000;

/// The secret of a server with `cookies`.
pub(crate) const SECRET: CookieSecret = CookieSecret::new(*b"sixteen bytes ok");

/// A client's cookie.
pub(crate) const CLIENT_COOKIE: [u8; 8] = *b"cccccccc";

/// Who asks.
pub(crate) fn peer(step: &Step) -> Peer {
    let address: IpAddr = step.value("from").map_or(CLIENT.address, |text| text.parse().expect("an address"));
    let transport = if step.has("tcp") { Transport::Tcp } else { Transport::Udp };
    Peer { address, transport }
}

/// For whom it asks, if it says so.
pub(crate) fn subnet(step: &Step) -> Option<Prefix> {
    step.value("subnet").map(|text| text.parse().expect("a prefix"))
}

/// The bytes of a query.
pub(crate) fn bytes(step: &Step) -> Vec<u8> {
    if step.verb == Verb::Send {
        return raw(&step.words.join(" "));
    }
    let [qname, qtype, ..] = &step.words[..] else { panic!("`ask` wants a name and a type") };
    let qtype = Rtype::parse(qtype.as_bytes()).unwrap_or_else(|| panic!("{qtype:?} is no type"));
    let qclass = match step.value("class") {
        None => class::IN,
        Some("CH") => class::CH,
        Some("ANY") => class::ANY,
        Some(number) => number.parse().expect("a class"),
    };
    let edns = edns(step);
    let flags = [("rd", 0x0100_u16), ("ad", 0x0020), ("cd", 0x0010)];
    let flags = flags.iter().filter(|(word, _)| step.has(word)).map(|(_, bit)| bit).sum();
    let header = [0x1234, flags, 1, 0, 0, u16::from(edns.is_some())];
    let mut query: Vec<u8> = header.iter().flat_map(|field: &u16| field.to_be_bytes()).collect();
    query.extend_from_slice(name(qname).as_ref().wire());
    query.extend_from_slice(&qtype.0.to_be_bytes());
    query.extend_from_slice(&qclass.to_be_bytes());
    query.extend_from_slice(&edns.unwrap_or_default());
    query
}

/// The OPT record, if one of its words is there.
fn edns(step: &Step) -> Option<Vec<u8>> {
    let wanted = ["edns", "do", "nsid"].iter().any(|word| step.has(word));
    let valued =
        ["edns", "version", "cookie", "option", "subnet"].iter().any(|key| step.value(key).is_some());
    if !(wanted || valued) {
        return None;
    }
    let size: u16 = step.value("edns").map_or(1232, |text| text.parse().expect("a size"));
    let version: u8 = step.value("version").map_or(0, |text| text.parse().expect("a version"));
    let dnssec_ok = if step.has("do") { 0x80 } else { 0 };
    let mut options = Vec::new();
    if step.has("nsid") {
        put_option(&mut options, option::NSID, &[]);
    }
    if let Some(which) = step.value("cookie") {
        put_option(&mut options, option::COOKIE, &cookie(which, peer(step).address));
    }
    if let Some(prefix) = subnet(step) {
        let mut value = [0; CLIENT_SUBNET_BYTES_MAX];
        let length = ClientSubnet::write(prefix.address(), prefix.length(), &mut value);
        put_option(&mut options, option::CLIENT_SUBNET, &value[..length]);
    }
    if let Some(code) = step.value("option") {
        put_option(&mut options, code.parse().expect("a code"), b"whatever");
    }
    let mut opt = vec![0, 0, 41];
    opt.extend_from_slice(&size.to_be_bytes());
    opt.extend_from_slice(&[0, version, dnssec_ok, 0]);
    opt.extend_from_slice(&u16::try_from(options.len()).expect("few options").to_be_bytes());
    opt.extend_from_slice(&options);
    Some(opt)
}

fn put_option(options: &mut Vec<u8>, code: u16, value: &[u8]) {
    options.extend_from_slice(&code.to_be_bytes());
    options.extend_from_slice(&u16::try_from(value.len()).expect("a short value").to_be_bytes());
    options.extend_from_slice(value);
}

fn cookie(which: &str, from: IpAddr) -> Vec<u8> {
    match which {
        "client" => CLIENT_COOKIE.to_vec(),
        "ours" => SECRET.cookie(CLIENT_COOKIE, NOW - 60, from).to_vec(),
        "late" => SECRET.cookie(CLIENT_COOKIE, NOW - 3601, from).to_vec(),
        "forged" => CookieSecret::new([7; 16]).cookie(CLIENT_COOKIE, NOW, from).to_vec(),
        bytes => vec![b'c'; bytes.parse().expect("a number of bytes")],
    }
}

/// Bytes from hexadecimal digits and labels in quotes.
fn raw(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, piece) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            bytes.push(u8::try_from(piece.len()).expect("a label"));
            bytes.extend_from_slice(piece.as_bytes());
        } else {
            let digits: Vec<u8> = piece
                .chars()
                .filter(|character| !character.is_whitespace())
                .map(|digit| {
                    u8::try_from(digit.to_digit(16).expect("a hexadecimal digit")).expect("below 16")
                })
                .collect();
            assert!(digits.len().is_multiple_of(2), "half a byte in {piece:?}");
            bytes.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]));
        }
    }
    bytes
}
