//! `transfer-pools = "up"`: what is sent follows the verdicts, and so does the serial.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use harness::client::ask;
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback, wait_for};

use super::client::{Transfer, axfr_query, ixfr_query, transfer};

/// A server of one pool, and whoever gets its zone.
struct Lab {
    site: Site,
    program: Program,
    hosts: [Ipv4Addr; 2],
    port: u16,
    open: Option<TcpListener>,
    secondary: Ipv4Addr,
    /// Where the secondary is told.
    told: UdpSocket,
}

impl Lab {
    /// The port is open at the first host.
    fn start() -> Lab {
        let (secondary, hosts) = (loopback(), [loopback(), loopback()]);
        let port = free_port(hosts[0]).port();
        let open = TcpListener::bind((hosts[0], port)).expect("a port");
        let told = UdpSocket::bind((secondary, 0)).expect("a port");
        told.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let [one, two] = hosts;
        let site = Site::new();
        let plain: String = (0..20).map(|host| format!("h{host} A 192.0.2.{host}\n")).collect();
        site.write(
            "lab.zone",
            &format!(
                "$TTL 60\n@ SOA ns root 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n{plain}\
                 api LUA A \"ifportup({port}, {{'{one}', '{two}'}})\"\nguarded A {one}\nguarded A {two}\n"
            ),
        );
        site.configure(&format!(
            "[admin]\nsocket = \"control.sock\"\nstate-directory = \".\"\n\n[probe]\ninterval = \"100ms\"\ntimeout = \"100ms\"\n\n\
             [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-transfer = [\"{secondary}\"]\n\
             notify = [\"{}\"]\ntransfer-pools = \"up\"\n\n[[zone.probe]]\nnames = [\"guarded\"]\ntcp = {port}\n",
            told.local_addr().expect("it has an address")
        ));
        let program = site.start();
        Lab { site, program, hosts, port, open: Some(open), secondary, told }
    }

    fn ask(&self, query: &[u8]) -> Transfer {
        transfer(self.secondary, self.program.listen(), query)
    }

    /// The serial that clients are answered.
    fn serial(&self) -> u32 {
        let response = ask(self.program.listen(), "lab.example.", RecordType::SOA).expect("a response");
        assert_eq!(response.metadata.response_code, ResponseCode::NoError);
        match &response.answers[0].data {
            RData::SOA(soa) => soa.serial,
            other => panic!("{other}"),
        }
    }

    /// Waits for a NOTIFY of this serial, and answers those that come.
    fn wait_for_notify(&self, serial: u32) {
        let mut bytes = [0; 512];
        loop {
            let (length, from) = self.told.recv_from(&mut bytes).expect("a NOTIFY");
            let told = u32::from_be_bytes(bytes[length - 20..length - 16].try_into().expect("four bytes"));
            bytes[2] |= 0x80;
            self.told.send_to(&bytes[..length], from).expect("an answer");
            if told == serial {
                return;
            }
        }
    }

    /// Opens the port at the other host, and closes it here.
    fn flip(&mut self, to: usize) {
        self.open = None;
        self.open = Some(TcpListener::bind((self.hosts[to], self.port)).expect("a port"));
        self.program.wait_for_addresses("api.lab.example.", &[self.hosts[to].into()]);
    }
}

fn pools(transfer: &Transfer) -> Vec<String> {
    transfer.others().into_iter().filter(|one| one.starts_with("api") || one.starts_with("guarded")).collect()
}

#[test]
fn what_is_up_is_sent_with_a_serial_of_its_own_and_told() {
    let mut lab = Lab::start();
    let [one, two] = lab.hosts;
    let of = |host: Ipv4Addr| {
        [format!("api.lab.example. 60 IN A {host}"), format!("guarded.lab.example. 60 IN A {host}")]
    };
    // What an earlier process sent with this serial is not known: the first one is a new one.
    let first =
        wait_for("a serial of this process", PATIENCE, || Some(lab.serial()).filter(|serial| *serial > 7));
    lab.wait_for_notify(first);
    let got = lab.ask(&axfr_query("lab.example"));
    assert_eq!((pools(&got), got.serials()), (of(one).to_vec(), vec![first, first]));
    lab.flip(1);
    let second =
        wait_for("the next serial", PATIENCE, || Some(lab.serial()).filter(|serial| *serial > first));
    lab.wait_for_notify(second);
    let got = lab.ask(&ixfr_query("lab.example", first));
    let changed = [of(one), of(two)].concat();
    let mut sorted = changed.clone();
    sorted.sort();
    assert_eq!(
        (got.others(), got.serials()),
        (sorted, vec![second, first, second, second]),
        "what has changed"
    );
    assert_eq!(pools(&lab.ask(&axfr_query("lab.example"))), of(two));
    // What changes soon after a serial was given out waits for a while: a host that flaps is few transfers.
    lab.flip(0);
    lab.flip(1);
    let soon = lab.serial();
    assert!(soon - second <= 1, "two changes, serial {second} to {soon}");
    // After a restart the serial is ahead of all that were sent.
    let last = lab.serial();
    let Lab { site, program, hosts, port, open, secondary, told } = lab;
    program.stop();
    let program = site.start();
    let lab = Lab { site, program, hosts, port, open, secondary, told };
    let next =
        wait_for("a serial of this process", PATIENCE, || Some(lab.serial()).filter(|serial| *serial > last));
    assert!(next > last);
}
