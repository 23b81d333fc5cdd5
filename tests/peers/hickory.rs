//! hickory's client before a server of ours over TLS, HTTPS and QUIC; and hickory's server before the clients that ours is
//! tested with: kdig, and edgedns itself, which forwards to it.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::forwarding::Lab;
use harness::hickory::{Client, Server, Transport};
use harness::program::{Program, Site, said};
use harness::stub::{self, code, query};
use harness::tools::tool;
use harness::upstream::zone_of_hosts;
use harness::{free_port, loopback};

/// The name in the certificates.
const NAME: &str = "dns.test";

/// Hosts of the zone, more than hickory's server answers on one connection of QUIC.
const HOSTS: u8 = 250;

/// A server of ours that listens over each transport.
struct Ours {
    site: Site,
    places: [SocketAddr; 3],
    program: Program,
}

impl Ours {
    fn start() -> Self {
        let site = Site::new();
        make_certificate(&site);
        site.write("zone", &zone_of_hosts(usize::from(HOSTS)));
        let places = Transport::ALL.map(|_| free_port(loopback()));
        let listen: String = Transport::ALL
            .iter()
            .zip(&places)
            .map(|(over, place)| format!("listen-{} = [\"{place}\"]\n", over.name()))
            .collect();
        site.configure(&format!(
            "{listen}\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n[admin]\nsocket = \"control.sock\"\n\n\
             [[zone]]\nname = \"elsewhere.test\"\nfile = \"zone\"\n"
        ));
        let program = site.start();
        Self { site, places, program }
    }

    /// Queries that it has had over a transport.
    fn queries_over(&self, over: Transport) -> u64 {
        let status = self.site.status();
        let all = status["transports"].as_array().expect("transports");
        let same = all.iter().find(|one| one["transport"] == over.name()).expect("a transport");
        same["queries"].as_u64().expect("a count")
    }

    fn handshakes(&self) -> u64 {
        self.site.status()["tcp"]["handshakes"]["completed"].as_u64().expect("a count")
    }
}

fn make_certificate(site: &Site) {
    let made = site.run(&["certificate", NAME]);
    assert!(made.status.success(), "{}", said(&made));
}

/// A server of hickory's, with the certificate of a site.
fn hickorys(over: Transport, site: &Site) -> Server {
    let [certificate, key] = ["server.crt", "server.key"].map(|file| site.folder().join(file));
    Server::start(over, &certificate, &key, NAME, "elsewhere.test.", HOSTS)
}

fn name(host: u8) -> String {
    format!("h{host}.elsewhere.test.")
}

#[test]
fn hickorys_client_is_answered_over_one_connection_of_each_transport() {
    let ours = Ours::start();
    let authority = ours.site.folder().join("server.crt");
    let names =
        (0..HOSTS).map(name).chain(["many.elsewhere.test.".to_owned(), "gone.elsewhere.test.".to_owned()]);
    let queries: Vec<_> = names.map(|name| query(&name, RecordType::A)).collect();
    for (over, place) in Transport::ALL.into_iter().zip(ours.places) {
        let before = ours.handshakes();
        let client = Client::connect(over, place, NAME, &authority).expect("a connection");
        let responses = client.ask(&queries);
        for (host, response) in (0..HOSTS).zip(&responses) {
            assert_eq!(stub::said(response), format!("192.0.2.{host}"), "{over:?}");
            assert!(response.metadata.authoritative, "{over:?}");
        }
        let [many, gone] = &responses[usize::from(HOSTS)..] else { panic!("{}", responses.len()) };
        assert_eq!((many.answers.len(), code(gone)), (900, ResponseCode::NXDomain), "{over:?}");
        assert_eq!(ours.queries_over(over), u64::from(HOSTS) + 2, "{over:?}");
        assert_eq!(ours.handshakes() - before, 1, "{over:?}");
    }
    ours.program.stop();
}

#[test]
fn hickorys_client_believes_no_other_name() {
    let ours = Ours::start();
    let authority = ours.site.folder().join("server.crt");
    for (over, place) in Transport::ALL.into_iter().zip(ours.places) {
        assert!(Client::connect(over, place, "other.test", &authority).is_err(), "{over:?}");
    }
    ours.program.stop();
}

/// Over QUIC it ends each connection after 100 queries, with the last answers: these are asked over the next one.
#[test]
fn names_are_forwarded_to_hickorys_server_over_each_transport() {
    for over in Transport::ALL {
        let lab = Lab::new("zone = \"elsewhere.test\"\nupstream = [\"127.0.0.1:1\"]\n");
        make_certificate(&lab.site);
        let server = hickorys(over, &lab.site);
        lab.configure(&format!(
            "zone = \"elsewhere.test\"\nupstream = [\"{}://{}#{NAME}\"]\nca = \"server.crt\"\n",
            over.name(),
            server.place()
        ));
        let program = lab.start();
        for hosts in (0..HOSTS).collect::<Vec<_>>().chunks(50) {
            let sent =
                hosts.iter().map(|host| stub::sent(program.listen(), &query(&name(*host), RecordType::A)));
            for (host, socket) in hosts.iter().zip(&sent.collect::<Vec<_>>()) {
                let response = stub::receive(socket).expect("a response");
                assert_eq!(stub::said(&response), format!("192.0.2.{host}"), "{over:?} {:#}", lab.forward());
            }
        }
        let gone = stub::ask(program.listen(), "gone.elsewhere.test.");
        assert_eq!(code(&gone), ResponseCode::NXDomain, "{over:?}");
        let shown = lab.forward()["upstreams"][0].clone();
        assert_eq!((&shown["standing"], &shown["failures"]), (&"up".into(), &0.into()), "{over:?} {shown}");
        program.stop();
    }
}

#[test]
fn kdig_has_the_same_answers_of_hickorys_server_as_of_ours() {
    let Some(_) = tool("kdig") else { return };
    let ours = Ours::start();
    for (over, place) in Transport::ALL.into_iter().zip(ours.places) {
        let server = hickorys(over, &ours.site);
        let told = |place: SocketAddr| {
            let mut kdig = tool("kdig").expect("it was there");
            let authority = ours.site.folder().join("server.crt");
            kdig.args([&format!("@{}", place.ip()), "-p", &place.port().to_string(), "+time=5", "+norec"]);
            kdig.args([&format!("+tls-ca={}", authority.display()), &format!("+tls-hostname={NAME}")]);
            kdig.arg(format!("+{}", over.name())).args(["+short", "+keepopen"]);
            kdig.args((0..20).map(name)).arg("gone.elsewhere.test.");
            said(&kdig.output().expect("it runs"))
        };
        let wanted = told(place);
        assert_eq!(wanted.matches("192.0.2.").count(), 20, "{over:?}: {wanted}");
        assert_eq!(wanted, told(server.place()), "{over:?}");
    }
    ours.program.stop();
}
