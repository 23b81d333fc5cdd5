//! Encrypted transports, and the certificate that they show.

mod admin;
mod certificate;
mod dot;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use harness::crypto::provider;
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback};
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, DigitallySignedStruct, SignatureScheme, StreamOwned,
};

/// What clients know the server by.
pub(crate) const NAME: &str = "ns.lab.example";

pub(crate) type Client = StreamOwned<ClientConnection, TcpStream>;

/// A site with a zone and a certificate, which listens over TLS, too.
pub(crate) struct Encrypted {
    pub(crate) site: Site,
    pub(crate) tls: SocketAddr,
}

impl Encrypted {
    /// What is to be in `[server]`, and behind all tables.
    pub(crate) fn new(server: &str, rest: &str) -> Encrypted {
        let site = Site::new();
        let tls = free_port(loopback());
        let made = site.run(&["certificate", NAME]);
        assert!(made.status.success(), "{}", harness::program::said(&made));
        site.write(
            "lab.zone",
            "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n",
        );
        site.configure(&format!(
            "listen-tls = [\"{tls}\"]\n{server}\n\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n\
             [admin]\nsocket = \"control.sock\"\n\n\
             [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{rest}"
        ));
        Encrypted { site, tls }
    }

    pub(crate) fn start(&self) -> Program {
        self.site.start()
    }

    fn connect(&self) -> Client {
        secured(TcpStream::connect(self.tls).expect("a listener"))
    }
}

/// A client that takes any certificate.
fn secured(stream: TcpStream) -> Client {
    let mut config = any_certificate().with_no_client_auth();
    config.alpn_protocols = vec![b"dot".to_vec()];
    session(stream, config)
}

pub(crate) fn any_certificate() -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate))
}

pub(crate) fn session(stream: TcpStream, config: ClientConfig) -> Client {
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
    let name = ServerName::try_from(NAME).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    StreamOwned::new(session, stream)
}

/// Asks for the address of the name server; `options` are those of the OPT record.
pub(crate) fn query(id: u16, options: &[u8]) -> Vec<u8> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend_from_slice(
        b"\0\0\0\x01\0\0\0\0\0\x01\x02ns\x03lab\x07example\0\0\x01\0\x01\0\0\x29\x04\xd0\0\0\0\0",
    );
    query.extend_from_slice(&u16::try_from(options.len()).expect("short options").to_be_bytes());
    query.extend_from_slice(options);
    query
}

/// Asks, and has the answer, which must be one.
#[track_caller]
pub(crate) fn ask(client: &mut (impl Read + Write), query: &[u8]) -> Vec<u8> {
    let length = u16::try_from(query.len()).expect("a short query").to_be_bytes();
    client.write_all(&[&length, query].concat()).expect("a connection");
    client.flush().expect("a connection");
    let mut length = [0; 2];
    client.read_exact(&mut length).expect("an answer");
    let mut response = vec![0; u16::from_be_bytes(length).into()];
    client.read_exact(&mut response).expect("an answer");
    assert_eq!((&response[..2], response[3] & 15, response[7]), (&query[..2], 0, 1), "{response:?}");
    response
}

/// The certificate that a client is shown.
fn shown(client: &Client) -> Vec<u8> {
    client.conn.peer_certificates().expect("a certificate")[0].to_vec()
}

#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
