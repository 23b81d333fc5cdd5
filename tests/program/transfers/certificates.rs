//! Zones for servers that are known by their certificates: who gets one, and who does not, with the reason in the log.

use std::io::{self, Cursor, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::runtime::Builder;
use tokio::time::timeout;

use harness::crypto::provider;
use harness::program::{Program, Site, said};
use harness::{PATIENCE, free_port, loopback, wait_for};

use super::client::{axfr_query, connect, try_transfer_over};

/// The name in the certificate of the primary.
const PRIMARY: &str = "ns1.lab.example";

/// The name for which a certificate opens the door.
const SECONDARY: &str = "ns2.lab.example";

/// Signs certificates of clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
struct Shown {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(Vec::new()).expect("an authority");
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = wanted.self_signed(&key).expect("an authority").pem();
        Authority { issuer: Issuer::new(wanted, key), pem }
    }

    /// A certificate for this name, until the end of this year.
    fn sign(&self, name: &str, last_year: i32) -> Shown {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::new(vec![name.to_owned()]).expect("a certificate");
        wanted.not_before = date_time_ymd(2000, 1, 1);
        wanted.not_after = date_time_ymd(last_year, 12, 31);
        let certificate = wanted.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Shown { certificate, key: key.serialize_pem() }
    }

    fn good(&self) -> Shown {
        self.sign(SECONDARY, 2100)
    }
}

/// A primary that asks clients for certificates of this authority.
struct Primary {
    site: Site,
    program: Program,
    tls: SocketAddr,
    quic: SocketAddr,
}

/// What a stream of QUIC has brought, of which all has been sent.
struct Received(Cursor<Vec<u8>>);

impl Read for Received {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space)
    }
}

impl Write for Received {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn zone(serial: u32) -> String {
    format!("$TTL 60\n@ SOA ns host {serial} 3600 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n")
}

impl Primary {
    fn start(authority: &Authority, rest: &str) -> Primary {
        let (site, tls, quic) = (Site::new(), free_port(loopback()), free_port(loopback()));
        let made = site.run(&["certificate", PRIMARY]);
        assert!(made.status.success(), "{}", said(&made));
        site.write("clients.crt", &authority.pem);
        site.write("lab.zone", &zone(1));
        site.configure(&format!(
            "listen-tls = [\"{tls}\"]\nlisten-quic = [\"{quic}\"]\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\nclient-ca = \"clients.crt\"\n\
             [admin]\nsocket = \"control.sock\"\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
             allow-transfer = [\"127.0.0.0/8 tls:{SECONDARY}\"]\n{rest}"
        ));
        let program = site.start();
        Primary { site, program, tls, quic }
    }

    /// What a client that shows this begins a handshake with.
    fn config(&self, shown: Option<&Shown>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let pem = std::fs::read(self.site.folder().join("server.crt")).expect("a certificate");
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("an authority");
        let builder = builder.with_root_certificates(trusted);
        match shown {
            None => builder.with_no_client_auth(),
            Some(Shown { certificate, key }) => {
                let chain =
                    vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(chain, key).expect("a pair")
            }
        }
    }

    /// A connection over TLS of a client that shows this.
    fn connect(&self, from: Ipv4Addr, shown: Option<&Shown>) -> StreamOwned<ClientConnection, TcpStream> {
        let config = self.config(shown);
        let name = ServerName::try_from(PRIMARY).expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        StreamOwned::new(session, connect(from, self.tls).expect("a connection"))
    }

    /// What comes back over QUIC of what such a client asks, on one connection, each on a stream of its own.
    fn ask_over_quic(&self, from: Ipv4Addr, shown: Option<&Shown>, queries: &[&[u8]]) -> Vec<Received> {
        let mut tls = self.config(shown);
        tls.alpn_protocols = vec![b"doq".to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("a cipher")));
        let all = async {
            let endpoint = Endpoint::client((from, 0).into()).expect("an endpoint");
            let connection = endpoint.connect_with(config, self.quic, PRIMARY).expect("a connection");
            let connection = connection.await.expect("a handshake");
            let mut received = Vec::new();
            for query in queries {
                let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
                let length = u16::try_from(query.len()).expect("a short query").to_be_bytes();
                send.write_all(&[&length[..], query].concat()).await.expect("a query");
                send.finish().expect("the end of a stream");
                received.push(Received(Cursor::new(receive.read_to_end(1 << 20).await.expect("responses"))));
            }
            received
        };
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { timeout(PATIENCE, all).await.expect("responses in time") })
    }

    /// What becomes of a question for the zone.
    fn asked(&self, from: Ipv4Addr, shown: Option<&Shown>) -> ResponseCode {
        transfer_over(&mut self.connect(from, shown))
    }
}

fn transfer_over(stream: &mut (impl Read + Write)) -> ResponseCode {
    let got = try_transfer_over(stream, &axfr_query("lab.example")).expect("an answer");
    assert_eq!(got.records.len(), if got.rcode == ResponseCode::NoError { 4 } else { 0 }, "{got:?}");
    got.rcode
}

#[test]
fn who_has_a_certificate_for_the_name_gets_the_zone_and_the_log_says_what_others_lack() {
    let authority = Authority::new();
    let primary = Primary::start(&authority, "");
    let good = authority.good();
    let from = loopback();
    assert_eq!(primary.asked(from, Some(&good)), ResponseCode::NoError);
    primary.program.wait_for_line(&format!("zone lab.example. sent to {from} with a certificate"));
    let certificates = [
        (None, "it has shown no certificate, which must be for ns2.lab.example"),
        (Some(authority.sign("ns3.lab.example", 2100)), "its certificate is not for ns2.lab.example"),
        (
            Some(authority.sign(SECONDARY, 2020)),
            "its certificate is not trusted: invalid peer certificate: certificate expired",
        ),
        (Some(Authority::new().good()), "its certificate is not trusted: invalid peer certificate"),
    ];
    for (shown, why) in certificates {
        let from = loopback();
        assert_eq!(primary.asked(from, shown.as_ref()), ResponseCode::Refused, "{why}");
        let line = primary.program.wait_for_line(&format!("transfer of zone lab.example. to {from} "));
        assert!(line.text.contains(why), "{line:?}");
        // Whoever it is, a query is answered.
        let mut stream = primary.connect(from, shown.as_ref());
        let query = [
            &[0, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
            &super::client::wire("ns.lab.example"),
            &[0, 1, 0, 1],
        ]
        .concat();
        let got = try_transfer_over(&mut stream, &query).expect("an answer");
        assert_eq!((got.rcode, got.records.len()), (ResponseCode::NoError, 1));
    }
    // Over TCP nobody shows anything.
    let from = loopback();
    let mut plain = connect(from, primary.program.listen()).expect("a connection");
    assert_eq!(transfer_over(&mut plain), ResponseCode::Refused);
    primary.program.wait_for_line(&format!("to {from} refused with REFUSED"));
    primary.program.stop();
}

#[test]
fn over_quic_a_certificate_opens_the_same_door_and_whoever_shows_none_gets_answers_alone() {
    let authority = Authority::new();
    let primary = Primary::start(&authority, "");
    // The id is 0 (RFC 9250, section 4.2.1).
    let mut axfr = axfr_query("lab.example");
    axfr[..2].fill(0);
    let address =
        [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &super::client::wire("ns.lab.example"), &[0, 1, 0, 1]];
    let address = address.concat();
    let shown = [
        (Some(authority.good()), ResponseCode::NoError, "zone lab.example. sent to {} with a certificate"),
        (None, ResponseCode::Refused, "it has shown no certificate, which must be for ns2.lab.example"),
        (
            Some(authority.sign("ns3.lab.example", 2100)),
            ResponseCode::Refused,
            "its certificate is not for ns2.lab.example",
        ),
        (
            Some(authority.sign(SECONDARY, 2020)),
            ResponseCode::Refused,
            "its certificate is not trusted: invalid peer certificate: certificate expired",
        ),
        (
            Some(Authority::new().good()),
            ResponseCode::Refused,
            "its certificate is not trusted: invalid peer certificate",
        ),
    ];
    for (shown, rcode, told) in shown {
        let from = loopback();
        let mut received = primary.ask_over_quic(from, shown.as_ref(), &[&axfr, &address]);
        assert_eq!(transfer_over(&mut received[0]), rcode, "{told}");
        let got = try_transfer_over(&mut received[1], &address).expect("an answer");
        assert_eq!((got.rcode, got.records.len()), (ResponseCode::NoError, 1), "{told}");
        if rcode == ResponseCode::NoError {
            primary.program.wait_for_line(&told.replace("{}", &from.to_string()));
        } else {
            let line = primary.program.wait_for_line(&format!("transfer of zone lab.example. to {from} "));
            assert!(line.text.contains(told), "{line:?}");
        }
    }
    primary.program.stop();
}

#[test]
fn authorities_that_are_replaced_count_for_connections_that_are_open() {
    let (before, after) = (Authority::new(), Authority::new());
    let primary = Primary::start(&before, "");
    let mut kept = primary.connect(loopback(), Some(&before.good()));
    assert_eq!(transfer_over(&mut kept), ResponseCode::NoError);
    primary.site.write("clients.crt", &after.pem);
    let fresh = after.good();
    wait_for("the new authority", PATIENCE, || {
        (primary.asked(loopback(), Some(&fresh)) == ResponseCode::NoError).then_some(())
    });
    assert_eq!(transfer_over(&mut primary.connect(loopback(), Some(&before.good()))), ResponseCode::Refused);
    // What cannot be used lets nobody in, and is told.
    primary.site.write("clients.crt", "nothing");
    primary.program.wait_for_line(
        "clients.crt: no certificate in PEM is in it; who is allowed something as `tls:NAME` is refused",
    );
    assert_eq!(primary.asked(loopback(), Some(&fresh)), ResponseCode::Refused);
    primary.program.stop();
}

#[test]
fn a_secondary_shows_its_certificate_and_hears_of_changes_by_that_of_its_primary() {
    let authority = Authority::new();
    let (secondary, tls) = (Site::new(), free_port(loopback()));
    let made = secondary.run(&["certificate", SECONDARY]);
    assert!(made.status.success(), "{}", said(&made));
    let at = secondary.folder().display();
    let told = format!(
        "notify = [\"tls://{tls}#{SECONDARY}\"]\nca = \"{at}/server.crt\"\nclient-cert = \"server.crt\"\nclient-key = \"server.key\"\n"
    );
    let primary = Primary::start(&authority, &told);
    let Shown { certificate, key } = authority.good();
    secondary.write("client.crt", &certificate);
    secondary.write("client.key", &key);
    let configure = |shown: &str| {
        let at = primary.site.folder().display();
        secondary.configure(&format!(
            "listen-tls = [\"{tls}\"]\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\nclient-ca = \"{at}/server.crt\"\n\
             [admin]\nsocket = \"control.sock\"\n[[zone]]\nname = \"lab.example\"\n\
             primary = [\"tls://{}#{PRIMARY}\"]\nca = \"{at}/server.crt\"\n{shown}",
            primary.tls
        ));
    };
    configure("");
    let program = secondary.start();
    program.wait_for_line("it answers REFUSED: it does not let us transfer the zone");
    program.stop();
    configure("client-cert = \"client.crt\"\nclient-key = \"client.key\"\n");
    let program = secondary.start();
    let wait_for_serial = |serial: u64| {
        wait_for("the zone", PATIENCE, || {
            (secondary.status()["zones"][0]["serial"].as_u64() == Some(serial)).then_some(())
        });
    };
    wait_for_serial(1);
    primary.site.write("lab.zone", &zone(2));
    primary.program.reload_and_wait();
    wait_for_serial(2);
    program.stop();
    primary.program.stop();
}

#[test]
fn explain_says_for_which_certificate_a_zone_is_sent() {
    let primary = Primary::start(&Authority::new(), "");
    let explain = |more: &[&str]| {
        let words =
            [&["explain", "lab.example", "AXFR", "--from", "127.0.0.1", "--socket", "control.sock"], more];
        said(&primary.site.run(&words.concat()))
    };
    let with = explain(&["--certificate", SECONDARY]);
    assert!(
        with.contains(&format!(
            "`127.0.0.0/8 tls:{SECONDARY}` of `allow-transfer` holds 127.0.0.1 with a certificate for"
        )),
        "{with}"
    );
    let without = explain(&[]);
    assert!(without.contains("it has shown no certificate, which must be for ns2.lab.example"), "{without}");
    let checked = primary.site.check();
    assert!(checked.status.success(), "{}", said(&checked));
    primary.program.stop();
}

/// Whether `check` says that something is wrong with the file of authorities.
#[test]
fn check_tells_of_authorities_that_cannot_be_used() {
    let primary = Primary::start(&Authority::new(), "");
    std::fs::remove_file(Path::new(primary.site.folder()).join("clients.crt")).expect("a file");
    let checked = primary.site.check();
    let told = said(&checked);
    assert!(
        !checked.status.success() && told.contains("clients.crt") && told.contains("`tls:NAME`"),
        "{told}"
    );
    primary.program.stop();
}
