//! Keys whose secrets are in files of their own (`secret-file`).

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::SystemTime;

use edgedns::tsig::{Algorithm, ClientExchange, Key, Secret, Time, TsigError, Unverified};
use hickory_proto::rr::RecordType;

use harness::PATIENCE;
use harness::client::sorted_addresses;
use harness::program::{Program, Site};

const ZONE: &str =
    "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";
const SECRET: &str = "mDd4nWx7FOfPpQpDUTFHcEeo6/Y1ebMoCNUqzgdNFLo=";

/// `lab.example. SOA`, as a question.
const QUESTION: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03lab\x07example\0\0\x06\0\x01";

/// What comes of a question that is signed with the key.
fn ask_signed(program: &Program) -> Result<(), Unverified> {
    let secret = Secret::from_base64(SECRET.as_bytes()).expect("a secret");
    let key = Arc::new(Key::new("transfer".parse().expect("a name"), Algorithm::DEFAULT, &secret));
    let mut query = QUESTION.to_vec();
    let now = Time::of(SystemTime::now());
    let mut exchange = ClientExchange::sign_request(key, &mut query, now).expect("room for a signature");
    let socket = UdpSocket::bind((program.listen().ip(), 0)).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.send_to(&query, program.listen()).expect("it is sent");
    let mut response = vec![0; 4096];
    let bytes = socket.recv(&mut response).expect("a response");
    response.truncate(bytes);
    exchange.verify(&mut response, now)
}

#[test]
fn a_key_whose_file_cannot_be_read_is_answered_badkey_until_a_reload_and_zones_are_served() {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(
        "[[key]]\nname = \"transfer\"\nsecret-file = \"transfer.secret\"\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-transfer = [\"key:transfer\"]\n",
    );
    let program = site.start();
    let line = program.wait_for_line("transfer.secret");
    assert!(line.text.contains("WARN"), "{line:?}");
    let addresses = sorted_addresses(program.listen(), "ns.lab.example.", RecordType::A);
    assert_eq!(addresses, Some(vec!["127.0.0.1".parse().expect("an address")]));
    assert_eq!(ask_signed(&program), Err(Unverified::Refused(TsigError::BADKEY)));

    site.write("transfer.secret", SECRET);
    let only_ours = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(site.folder().join("transfer.secret"), only_ours).expect("a mode");
    program.reload_and_wait();
    assert_eq!(ask_signed(&program), Ok(()));
    program.stop();
}
