//! Knot DNS and BIND as producers of catalogs (RFC 9432), with TSIG: edgedns serves the zones that they name.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use harness::client::{addresses, ask};
use harness::program::{Program, Site};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};

/// The key of both: 32 bytes in base64.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A member: its zone, the last byte of the address of `www`, and its group.
type Member = (&'static str, u8, &'static str);

/// Writes the config of a producer that names these members, and the zones.
type Configure = fn(&Path, SocketAddr, SocketAddr, u32, &[Member]);

/// A name server of others with the catalog `catalog.example` and the zones that it names. Ended when dropped.
struct Producer {
    child: Child,
    place: SocketAddr,
    notified: SocketAddr,
    folder: TempDir,
    configure: Configure,
    serial: u32,
}

impl Producer {
    fn start(
        program: &str,
        address: Ipv4Addr,
        notified: SocketAddr,
        configure: Configure,
        members: &[Member],
    ) -> Option<Producer> {
        let mut command = tool(program)?;
        let (folder, place) = (tempfile::tempdir().expect("a scratch folder"), free_port(address));
        configure(folder.path(), place, notified, 1, members);
        let at = folder.path();
        match program {
            "knotd" => command.arg("-c").arg(at.join("knot.conf")),
            _ => command.arg("-g").arg("-c").arg(at.join("named.conf")),
        };
        let file = fs::File::create(at.join("log")).expect("a log file");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log file")).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut producer = Producer { child, place, notified, folder, configure, serial: 1 };
        wait_for(program, PATIENCE, || {
            if let Some(status) = producer.child.try_wait().expect("a child") {
                panic!("{program} ended with {status}:\n{}", producer.log());
            }
            let response = ask(place, &format!("{}.", members[0].0), RecordType::SOA)?;
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
        Some(producer)
    }

    /// Has it read a config with these members.
    fn says(&mut self, members: &[Member]) {
        self.serial += 1;
        (self.configure)(self.folder.path(), self.place, self.notified, self.serial, members);
        let sent = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "a signal is sent");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        if sent.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn write_zone(folder: &Path, (zone, last, _): Member) {
    let text = format!(
        "$ORIGIN {zone}.\n@ 60 IN SOA ns.{zone}. h.{zone}. 1 1 1 3600 60\n@ 60 IN NS ns.{zone}.\nns 60 IN A 192.0.2.53\n\
         www 60 IN A 192.0.2.{last}\n"
    );
    fs::write(folder.join(format!("{zone}.zone")), text).expect("a zone file");
}

/// Knot makes the catalog of the zones that its config has.
fn knot(folder: &Path, place: SocketAddr, notified: SocketAddr, _: u32, members: &[Member]) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let mut text = format!(
        "server:\n  rundir: {at}\n  listen: {ip}@{port}\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {at}\n\
         key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {SECRET}\nremote:\n  - id: ours\n    key: transfer\n    \
         address: {}@{}\n    via: {ip}\nacl:\n  - id: all\n    key: transfer\n    action: transfer\nzone:\n  \
         - domain: catalog.example\n    storage: {at}\n    zonefile-sync: -1\n    catalog-role: generate\n    notify: ours\n    acl: all\n",
        notified.ip(),
        notified.port()
    );
    for member in members {
        write_zone(folder, *member);
        let (zone, _, group) = member;
        text.push_str(&format!(
            "  - domain: {zone}\n    storage: {at}\n    file: {zone}.zone\n    zonefile-sync: -1\n    catalog-role: member\n    \
             catalog-zone: catalog.example\n    catalog-group: {group}\n    notify: ours\n    acl: all\n"
        ));
    }
    fs::write(folder.join("knot.conf"), text).expect("a config file");
}

/// BIND serves a catalog that somebody else writes.
fn bind(folder: &Path, place: SocketAddr, notified: SocketAddr, serial: u32, members: &[Member]) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let mut text = format!(
        "key transfer {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\noptions {{ directory \"{at}\"; listen-on port {port} \
         {{ {ip}; }}; listen-on-v6 {{ none; }}; pid-file none; session-keyfile none; recursion no; dnssec-validation no; \
         allow-transfer {{ key transfer; }}; notify explicit; notify-delay 0; also-notify {{ {} port {} key transfer; }}; notify-source {ip}; \
         ixfr-from-differences yes; }};\ncontrols {{ }};\nzone \"catalog.example\" {{ type primary; file \"catalog.zone\"; }};\n",
        notified.ip(),
        notified.port()
    );
    let mut catalog = format!(
        "$ORIGIN catalog.example.\n@ 0 IN SOA invalid. invalid. {serial} 1 1 3600 0\n@ 0 IN NS invalid.\nversion 0 IN TXT \"2\"\n"
    );
    for member in members {
        write_zone(folder, *member);
        let (zone, last, group) = member;
        text.push_str(&format!("zone \"{zone}\" {{ type primary; file \"{zone}.zone\"; }};\n"));
        catalog.push_str(&format!(
            "m{last}.zones 0 IN PTR {zone}.\ngroup.m{last}.zones 0 IN TXT \"{group}\"\n\
             primaries.ext.m{last}.zones 0 IN A 192.0.2.1\n"
        ));
    }
    fs::write(folder.join("fresh"), catalog).expect("a zone file");
    fs::rename(folder.join("fresh"), folder.join("catalog.zone")).expect("a zone file");
    fs::write(folder.join("named.conf"), text).expect("a config file");
}

/// Where `www` of a zone is, or how the question is refused.
fn www(program: &Program, zone: &str) -> Option<String> {
    let response = ask(program.listen(), &format!("www.{zone}."), RecordType::A)?;
    match response.metadata.response_code {
        ResponseCode::NoError => Some(addresses(&response).first()?.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn wait_for_www(program: &Program, producer: &Producer, zone: &str, wanted: &str) {
    let what = format!("{zone} {wanted}\n{}\n{:?}", producer.log(), program.log());
    wait_for(&what, PATIENCE, || (www(program, zone)? == wanted).then_some(()));
}

fn follows(program: &str, address: Ipv4Addr, configure: Configure) {
    let site = Site::new();
    let (a, b): (Member, Member) = (("a.test", 1, "plain"), ("b.test", 2, "plain"));
    let Some(mut producer) = Producer::start(program, address, site.listen(), configure, &[a]) else {
        return;
    };
    let state = site.folder().join("state");
    fs::create_dir(&state).expect("a folder");
    site.configure(&format!(
        "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[probe]\nstartup-wait = \"0s\"\n\
         [[key]]\nname = \"transfer\"\nsecret = \"{SECRET}\"\n\
         [[catalog]]\nname = \"catalog.example\"\nprimary = [\"{} key:transfer\"]\n\
         [[catalog.group]]\nname = \"inside\"\nallow-query = [\"192.0.2.0/24\"]\n",
        state.display(),
        site.folder().join("control.sock").display(),
        producer.place,
    ));
    let ours = site.start();
    wait_for_www(&ours, &producer, "a.test", "192.0.2.1");
    assert_eq!(www(&ours, "b.test").as_deref(), Some("Refused"));
    producer.says(&[a, b]);
    wait_for_www(&ours, &producer, "b.test", "192.0.2.2");
    // Another group has another config.
    producer.says(&[a, ("b.test", 2, "inside")]);
    wait_for_www(&ours, &producer, "b.test", "Refused");
    assert_eq!(site.status()["catalogs"][0]["members"], 2);
    producer.says(&[a, b]);
    wait_for_www(&ours, &producer, "b.test", "192.0.2.2");
    producer.says(&[b]);
    wait_for_www(&ours, &producer, "a.test", "Refused");
    ours.stop();
    let place = producer.place;
    drop(producer);
    let ours = site.start();
    assert_eq!(www(&ours, "b.test").as_deref(), Some("192.0.2.2"), "without {place}, at once");
    assert_eq!(www(&ours, "a.test").as_deref(), Some("Refused"));
}

#[test]
fn zones_that_knot_names_are_served() {
    follows("knotd", loopback(), knot);
}

#[test]
fn zones_that_bind_names_are_served() {
    // BIND listens only where an interface has the address.
    follows("named", Ipv4Addr::LOCALHOST, bind);
}
