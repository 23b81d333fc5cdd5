//! Another server of ours as the upstream, over each encrypted transport.

use harness::program::Site;

use super::*;

/// Hosts of its zone.
const HOSTS: usize = 200;

/// A server that has a zone, and is asked over one transport.
struct Upstream {
    site: Site,
    place: SocketAddr,
}

impl Upstream {
    fn new(scheme: &str) -> Self {
        let (site, place) = (Site::new(), free_port(loopback()));
        let made = site.run(&["certificate", "dns.test"]);
        assert!(made.status.success(), "{}", harness::program::said(&made));
        site.write("zone", &zone_of_hosts(HOSTS));
        site.configure(&format!(
            "listen-{scheme} = [\"{place}\"]\n\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n\
             [admin]\nsocket = \"control.sock\"\n\n[[zone]]\nname = \"elsewhere.test\"\nfile = \"zone\"\n"
        ));
        Self { site, place }
    }

    /// Queries that it has had over this transport, and handshakes.
    fn counts(&self, transport: &str) -> (u64, u64) {
        let status = self.site.status();
        let all = status["transports"].as_array().expect("transports");
        let queries = &all.iter().find(|one| one["transport"] == transport).expect("a transport")["queries"];
        let handshakes = &status["tcp"]["handshakes"]["completed"];
        (queries.as_u64().expect("a count"), handshakes.as_u64().expect("a count"))
    }
}

fn is_asked_over(scheme: &str) {
    let upstream = Upstream::new(scheme);
    let server = upstream.site.start();
    let lab = Lab::new(&format!(
        "zone = \"elsewhere.test\"\nupstream = [\"{scheme}://{}#dns.test\"]\nca = \"ca.pem\"\n",
        upstream.place
    ));
    let certificate = std::fs::read_to_string(upstream.site.folder().join("server.crt"));
    lab.site.write("ca.pem", &certificate.expect("a certificate"));
    let program = lab.start();
    // Few enough at a time for one client.
    for hosts in (0..HOSTS).collect::<Vec<_>>().chunks(80) {
        let name = |host: &usize| format!("h{host}.elsewhere.test.");
        let sent: Vec<_> =
            hosts.iter().map(|host| sent(program.listen(), &query(&name(host), RecordType::A))).collect();
        for (host, socket) in hosts.iter().zip(&sent) {
            assert_eq!(said(&receive(socket).expect("a response")), format!("192.0.2.{}", host % 250));
        }
    }
    let many = harness::stub::send_tcp(program.listen(), &[query("many.elsewhere.test.", RecordType::A)]);
    assert_eq!(many[0].answers.len(), 900);
    let (queries, handshakes) = upstream.counts(scheme);
    assert!(queries >= 201 && handshakes == 1, "{queries} queries, {handshakes} handshakes");
    // Its connection ends with it, and the next server is asked over a new one.
    server.stop();
    let server = upstream.site.start();
    let missing = ask(program.listen(), "missing.elsewhere.test.");
    assert_eq!(code(&missing), ResponseCode::NXDomain, "{}", last_error(&lab));
    let shown = lab.forward()["upstreams"][0].clone();
    assert_eq!((&shown["standing"], &shown["failures"]), (&"up".into(), &0.into()), "{shown}");
    assert!(shown["address"].as_str().is_some_and(|address| address.starts_with(scheme)), "{shown}");
    server.stop();
    program.stop();
}

#[test]
fn an_upstream_of_ours_is_asked_over_tls() {
    is_asked_over("tls");
}

#[test]
fn an_upstream_of_ours_is_asked_over_https() {
    is_asked_over("https");
}

#[test]
fn an_upstream_of_ours_is_asked_over_quic() {
    is_asked_over("quic");
}
