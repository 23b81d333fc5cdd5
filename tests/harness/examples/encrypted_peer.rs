//! What `benches/encrypted` measures edgedns beside and no distribution has as a program: hickory's server, which is a library, and
//! the library that makes our handshakes, with nothing behind them.
//!
//! ```text
//! encrypted_peer rustls CERTIFICATE KEY TLS
//! encrypted_peer hickory CERTIFICATE KEY TLS HTTPS QUIC PLAIN NAME APEX ZONE
//! ```
//!
//! TLS, HTTPS, QUIC and PLAIN are addresses with ports. Of the file ZONE it takes the lines `OWNER IN A ADDRESS` and `OWNER IN SRV
//! PRIORITY WEIGHT PORT TARGET`, with names below APEX. Runs until it is killed, and panics at what it is not told.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::hickory::{Certified, Server, Transport};
use hickory_proto::rr::rdata::{A, SRV};
use hickory_proto::rr::{Name, RData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a client may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(10);

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["rustls", certificate, key, tls] => {
            shake_hands(Path::new(certificate), Path::new(key), place(tls));
        }
        ["hickory", certificate, key, tls, https, quic, plain, name, apex, zone] => {
            let encrypted = [(Transport::Tls, tls), (Transport::Https, https), (Transport::Quic, quic)];
            let encrypted = encrypted.map(|(over, text)| (over, place(text)));
            let (certificate, key) = (Path::new(certificate), Path::new(key));
            let certified = Certified { certificate, key, name };
            let zone = fs::read_to_string(zone).expect("a zone");
            let records = zone.lines().filter_map(|line| record(line, apex));
            Server::serve(place(plain), &encrypted, &certified, apex, records);
        }
        _ => panic!("what the head of this file says, not {words:?}"),
    }
}

fn place(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}

/// The record of a line, if it is of a type that is measured.
fn record(line: &str, apex: &str) -> Option<(String, RData)> {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |text: &str| text.parse::<u16>().expect("a number");
    let (owner, data) = match words[..] {
        [owner, "IN", "A", address] => (owner, RData::A(A(address.parse().expect("an address")))),
        [owner, "IN", "SRV", priority, weight, port, target] => {
            let apex = Name::from_ascii(apex).expect("a name");
            let target =
                Name::from_ascii(target).and_then(|target| target.append_domain(&apex)).expect("a name");
            (owner, RData::SRV(SRV::new(number(priority), number(weight), number(port), target)))
        }
        _ => return None,
    };
    Some((owner.to_owned(), data))
}

/// Finishes the handshake of one client after the other, and waits until it goes.
fn shake_hands(certificate: &Path, key: &Path, place: SocketAddr) {
    let chain = CertificateDer::pem_file_iter(certificate).expect("a certificate");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let mut config = ServerConfig::builder_with_provider(harness::crypto::provider())
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    config.alpn_protocols = vec![b"dot".to_vec()];
    let config = Arc::new(config);
    for stream in TcpListener::bind(place).expect("a free port").incoming() {
        // Whoever has gone already costs no handshake.
        let _ = stream.and_then(|stream| finish(stream, &config));
    }
}

fn finish(stream: TcpStream, config: &Arc<ServerConfig>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    let session = ServerConnection::new(Arc::clone(config)).expect("a session");
    let mut stream = StreamOwned::new(session, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    stream.flush()?;
    while stream.read(&mut [0; 512])? > 0 {}
    Ok(())
}
