//! NOTIFY over TLS, between two of ours: who is told, over how many connections, and who is not.

use std::net::SocketAddr;

use harness::program::{Program, Site, said};
use harness::{PATIENCE, free_port, wait_for};

/// The name in the certificate of the secondary.
const NAME: &str = "ns2.lab.example";

const KEY: &str =
    "[[key]]\nname = \"transfer\"\nsecret = \"bm90IGEgc2VjcmV0OiBtYWtlIG9uZSBvZiB5b3VyIG93bg==\"\n";

/// Zones of which a secondary hears by NOTIFY alone, as long as a test runs.
const ZONES: usize = 12;

/// A primary, and a secondary that is told over TLS.
struct Pair {
    primary: Site,
    secondary: Site,
    tls: SocketAddr,
}

impl Pair {
    fn new() -> Pair {
        let (primary, secondary) = (Site::new(), Site::new());
        let made = secondary.run(&["certificate", NAME]);
        assert!(made.status.success(), "{}", said(&made));
        let std::net::IpAddr::V4(address) = secondary.listen().ip() else { panic!("it is of IPv4") };
        let pair = Pair { primary, secondary, tls: free_port(address) };
        pair.write(1);
        let zones: String = (0..ZONES)
            .map(|number| {
                format!(
                    "[[zone]]\nname = \"z{number}.example\"\nprimary = [\"{} key:transfer\"]\n",
                    pair.primary.listen()
                )
            })
            .collect();
        pair.secondary.configure(&format!(
            "listen-tls = [\"{}\"]\n[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\
             [admin]\nsocket = \"control.sock\"\n{KEY}{zones}",
            pair.tls
        ));
        pair
    }

    /// The zones with this serial.
    fn write(&self, serial: u32) {
        for number in 0..ZONES {
            self.primary.write(
                &format!("z{number}.zone"),
                &format!("$TTL 60\n@ SOA ns h {serial} 3600 3600 86400 60\n@ NS ns\nns A 192.0.2.53\n"),
            );
        }
    }

    /// Has the primary tell a secondary that has a certificate for this name.
    fn configure(&self, name: &str) {
        let ca = self.secondary.folder().join("server.crt");
        let zones: String = (0..ZONES)
            .map(|number| {
                format!(
                    "[[zone]]\nname = \"z{number}.example\"\nfile = \"z{number}.zone\"\n\
                     allow-transfer = [\"key:transfer\"]\nnotify = [\"tls://{}#{name} key:transfer\"]\n\
                     ca = \"{}\"\n",
                    self.tls,
                    ca.display()
                )
            })
            .collect();
        self.primary.configure(&format!("[admin]\nsocket = \"control.sock\"\n{KEY}{zones}"));
    }

    /// Waits until the secondary has all zones with this serial.
    fn wait_for_serial(&self, serial: u32) {
        wait_for("all zones", PATIENCE, || {
            let status = self.secondary.status();
            let zones = status["zones"].as_array().expect("zones").clone();
            zones.iter().all(|zone| zone["serial"].as_u64() == Some(serial.into())).then_some(())
        });
    }

    fn transfers(&self) -> serde_json::Value {
        self.primary.status()["transfers"].clone()
    }

    fn reload(&self, program: &Program, serial: u32) {
        self.write(serial);
        program.reload_and_wait();
    }
}

#[test]
fn a_secondary_is_told_over_tls_of_all_its_zones_over_one_connection() {
    let pair = Pair::new();
    pair.configure(NAME);
    let (primary, secondary) = (pair.primary.start(), pair.secondary.start());
    pair.wait_for_serial(1);
    pair.reload(&primary, 2);
    // By themselves they would ask in an hour.
    pair.wait_for_serial(2);
    wait_for("answers", PATIENCE, || {
        let heard = pair.transfers()["notify_messages"]["heard"].as_u64()?;
        (heard >= ZONES as u64).then_some(())
    });
    let handshakes = pair.secondary.status()["tcp"]["handshakes"]["completed"].as_u64();
    assert_eq!(handshakes, Some(1), "{}", pair.secondary.status()["tcp"]);
    primary.stop();
    secondary.stop();
}

#[test]
fn a_server_whose_certificate_is_for_another_name_is_not_told_and_the_log_says_why() {
    let pair = Pair::new();
    pair.configure("ns3.lab.example");
    let (primary, secondary) = (pair.primary.start(), pair.secondary.start());
    pair.wait_for_serial(1);
    pair.reload(&primary, 2);
    let line = primary
        .wait_for_line(&format!("NOTIFY of zone z0.example. to tls://{}#ns3.lab.example failed", pair.tls));
    assert!(line.text.contains("TLS: ") && line.text.contains("ertificate"), "{line:?}");
    wait_for("all fail", PATIENCE, || {
        (pair.transfers()["notify_failing"].as_u64() == Some(ZONES as u64)).then_some(())
    });
    let heard = secondary.log().iter().filter(|line| line.text.contains("to 2")).count();
    assert_eq!((heard, pair.transfers()["notify_messages"]["heard"].as_u64()), (0, Some(0)));
    // It is nothing else that was wrong, and what is mended is told at once.
    pair.configure(NAME);
    primary.reload_and_wait();
    pair.wait_for_serial(2);
    primary.wait_for_line("answers NOTIFY of zone z0.example. again");
    wait_for("none fails", PATIENCE, || {
        (pair.transfers()["notify_failing"].as_u64() == Some(0)).then_some(())
    });
    primary.stop();
    secondary.stop();
}
