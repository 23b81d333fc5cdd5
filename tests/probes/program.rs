//! The program with `https` probes in its config file: from the keys to the answers.

use std::net::SocketAddr;

use crate::harness::program::Site;
use crate::server::{End, Reply, Server, ok, response};
use crate::tls::Authority;

const ZONE: &str = "\
$ORIGIN lab.example.
$TTL 10
@ SOA ns hostmaster 1 3600 600 86400 10
@ NS ns
ns A 127.0.4.90
api A 127.0.4.91
api A 127.0.4.92
";

fn config(port: u16) -> String {
    format!(
        "[probe]\ninterval = \"1h\"\nretry = \"20ms\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = {port}\nhttps = {{ port = {port}, path = \"/readyz\", \
         host = \"api.lab.example\", ca = \"ca.pem\", body = \"ok\" }}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_or_is_not_ready_is_not_answered() {
    let authority = Authority::new();
    let tls = || authority.server(&["api.lab.example"], &["http/1.1"]);
    let first = Server::start_tls("127.0.4.91", tls(), ok).await;
    let place = SocketAddr::new("127.0.4.92".parse().unwrap(), first.place.port());
    let second = Server::start_tls_at(place, tls(), ok).await;
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.write("ca.pem", &authority.pem());
    site.configure(&config(first.place.port()));
    let checked = site.check();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let (both, one) = ([first.place.ip(), second.place.ip()], [first.place.ip()]);
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &both);
        second.stop_listening();
        second.end(End::Reset);
        // Hours before the next turn.
        program.wait_for_addresses("api.lab.example.", &one);
        program.wait_for_line("down after 2 failures: connection refused");
        program.stop();
    });
    drop(second);
    let shutting_down = |_: &str| Reply::Whole(response("503 Service Unavailable", "shutdown"));
    let _second = Server::start_tls_at(place, tls(), shutting_down).await;
    tokio::task::block_in_place(|| {
        let program = site.start();
        program.wait_for_addresses("api.lab.example.", &one);
        program.wait_for_line("down after 1 failure: status 503");
        program.stop();
    });
}
