//! NSD, Knot DNS, BIND and PowerDNS as primaries: edgedns copies their zone, and follows it as they tell of changes.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use tempfile::TempDir;

use harness::client::{addresses, ask};
use harness::program::{Program, Site, said};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};

/// How a primary sends what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// The difference.
    Changes,
    /// The whole zone again.
    Whole,
}

/// A name server of others with the zone `lab.example`. Ended when dropped.
struct Primary {
    child: Child,
    place: SocketAddr,
    folder: TempDir,
}

/// What is the same in every version, and large enough that a difference is worth sending.
fn zone(serial: u32, last: u8) -> String {
    let hosts: String = (1..=200).map(|host| format!("h{host} 60 IN A 192.0.2.{host}\n")).collect();
    // A refresh of a second finds what a NOTIFY that was lost would have told.
    format!(
        "$ORIGIN lab.example.\n@ 60 IN SOA ns.lab.example. h.lab.example. {serial} 1 1 3600 60\n@ 60 IN NS ns.lab.example.\n\
         ns 60 IN A 192.0.2.53\nwww 60 IN A 192.0.2.{last}\n*.wild 60 IN TXT \"any\" \"thing\"\n\
         sub 60 IN NS ns.sub.lab.example.\nns.sub 60 IN A 192.0.2.54\nodd 60 IN TYPE65280 \\# 3 abcdef\n{hosts}"
    )
}

fn write_zone(folder: &Path, serial: u32, last: u8) {
    let (place, fresh) = (folder.join("lab.zone"), folder.join("fresh"));
    fs::write(&fresh, zone(serial, last)).expect("a zone file");
    fs::rename(fresh, place).expect("a zone file");
}

impl Primary {
    /// Starts one whose files `configure` writes; it gets the folder, the place and where NOTIFY goes.
    fn start(
        program: &str,
        address: Ipv4Addr,
        notified: SocketAddr,
        configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
    ) -> Option<Primary> {
        let mut command = tool(program)?;
        let folder = tempfile::tempdir().expect("a scratch folder");
        let place = free_port(address);
        write_zone(folder.path(), 1, 1);
        configure(folder.path(), place, notified, &mut command);
        let log = folder.path().join("log");
        let file = fs::File::create(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a log file")).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut primary = Primary { child, place, folder };
        wait_for(program, PATIENCE, || {
            if let Some(status) = primary.child.try_wait().expect("a child") {
                panic!("{program} ended with {status}:\n{}", primary.log());
            }
            let response = ask(place, "lab.example.", RecordType::SOA)?;
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
        Some(primary)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Has it read the next version of its file.
    fn change(&self, serial: u32, last: u8) {
        write_zone(self.folder.path(), serial, last);
        let folder = self.folder.path();
        if folder.join("pdns.conf").exists() {
            // It takes no signal for it.
            let config = format!("--config-dir={}", folder.display());
            let mut command = tool("pdns_control").expect("it comes with the server");
            let told = command.arg(config).args(["bind-reload-now", "lab.example"]).output();
            assert!(told.is_ok_and(|told| told.status.success()), "it is told to reload");
            return;
        }
        let sent = Command::new("kill").arg("-HUP").arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "a signal is sent");
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        // SIGTERM, because NSD's first process has to end its others.
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        if sent.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn nsd(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "server:\n  ip-address: {ip}@{port}\n  database: \"\"\n  zonelistfile: \"{at}/list\"\n  xfrdfile: \"{at}/xfrd\"\n  \
         xfrdir: \"{at}\"\n  pidfile: \"{at}/pid\"\n  username: \"\"\n  chroot: \"\"\n  zonesdir: \"{at}\"\n  \
         rrl-ratelimit: 0\n  server-count: 1\nremote-control:\n  control-enable: no\nzone:\n  name: lab.example\n  \
         zonefile: lab.zone\n  provide-xfr: 127.0.0.0/8 NOKEY\n  notify: {}@{} NOKEY\n  outgoing-interface: {ip}\n  \
         store-ixfr: yes\n  create-ixfr: yes\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("nsd.conf"), text).expect("a config file");
    command.arg("-d").arg("-c").arg(folder.join("nsd.conf"));
}

fn knot(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "server:\n  rundir: {at}\n  listen: {ip}@{port}\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: {at}\n\
         remote:\n  - id: ours\n    address: {}@{}\n    via: {ip}\nacl:\n  - id: all\n    address: 127.0.0.0/8\n    \
         action: transfer\nzone:\n  - domain: lab.example\n    storage: {at}\n    file: lab.zone\n    zonefile-sync: -1\n    \
         zonefile-load: difference\n    journal-content: changes\n    notify: ours\n    acl: all\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("knot.conf"), text).expect("a config file");
    command.arg("-c").arg(folder.join("knot.conf"));
}

fn bind(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let text = format!(
        "options {{ directory \"{at}\"; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; pid-file none; \
         session-keyfile none; recursion no; dnssec-validation no; allow-transfer {{ 127.0.0.0/8; }}; notify explicit; \
         also-notify {{ {} port {}; }}; notify-source {ip}; ixfr-from-differences yes; }};\ncontrols {{ }};\n\
         zone \"lab.example\" {{ type primary; file \"lab.zone\"; }};\n",
        notified.ip(),
        notified.port()
    );
    fs::write(folder.join("named.conf"), text).expect("a config file");
    command.arg("-g").arg("-c").arg(folder.join("named.conf"));
}

fn powerdns(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    let (at, ip, port) = (folder.display(), place.ip(), place.port());
    let zone = format!("zone \"lab.example\" {{ type master; file \"{at}/lab.zone\"; }};\n");
    fs::write(folder.join("bind.conf"), zone).expect("a config file");
    let text = format!(
        "launch=bind\nbind-config={at}/bind.conf\nbind-check-interval=1\nlocal-address={ip}\nlocal-port={port}\nprimary=yes\n\
         allow-axfr-ips=127.0.0.0/8\nalso-notify={notified}\nonly-notify=\nquery-local-address={ip}\nenable-lua-records=yes\n\
         xfr-cycle-interval=1\ncache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nsocket-dir={at}\nsecurity-poll-suffix=\ndaemon=no\nguardian=no\nwrite-pid=no\n"
    );
    fs::write(folder.join("pdns.conf"), text).expect("a config file");
    command.arg(format!("--config-dir={at}"));
}

/// The key that Knot DNS and edgedns have: 32 bytes in base64.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn knot_with_a_key(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    knot(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("knot.conf")).expect("a config file");
    let key = format!("key:\n  - id: transfer\n    algorithm: hmac-sha256\n    secret: {SECRET}\n");
    let text = text.replace("    address: 127.0.0.0/8\n", "    address: 127.0.0.0/8\n    key: transfer\n");
    let text =
        text.replace("remote:\n  - id: ours\n", &format!("{key}remote:\n  - id: ours\n    key: transfer\n"));
    fs::write(folder.join("knot.conf"), text).expect("a config file");
}

/// The same, where whoever has another key may change the zone.
fn knot_that_takes_updates(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    knot(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("knot.conf")).expect("a config file");
    let key = format!("key:\n  - id: dyn\n    algorithm: hmac-sha256\n    secret: {SECRET}\n");
    let text = text.replace("remote:\n  - id: ours\n", &format!("{key}remote:\n  - id: ours\n"));
    let text = text.replace("zone:\n", "  - id: change\n    key: dyn\n    action: update\nzone:\n");
    let text = text.replace("    acl: all\n", "    acl: [all, change]\n");
    fs::write(folder.join("knot.conf"), text).expect("a config file");
}

fn bind_that_takes_updates(folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command) {
    bind(folder, place, notified, command);
    let text = fs::read_to_string(folder.join("named.conf")).expect("a config file");
    let key = format!("key \"dyn\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n");
    let text = text.replace("file \"lab.zone\"; };", "file \"lab.zone\"; allow-update { key dyn; }; };");
    fs::write(folder.join("named.conf"), key + &text).expect("a config file");
}

/// What `nsupdate` says of these lines.
fn nsupdate(server: SocketAddr, options: &[&str], lines: &str) -> Option<String> {
    let mut command = tool("nsupdate")?;
    let command = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nsupdate runs");
    let text = format!("server {} {}\nzone lab.example\n{lines}\nsend\nanswer\n", server.ip(), server.port());
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("nsupdate reads");
    Some(said(&child.wait_with_output().expect("nsupdate ends")))
}

fn passes_updates_on(
    program: &str,
    address: Ipv4Addr,
    configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
) {
    let site = Site::new();
    let Some(primary) = Primary::start(program, address, site.listen(), configure) else { return };
    let ours = secondary(&site, primary.place, "[[zone.update]]\nallow = [\"127.0.0.0/8\"]\n");
    wait_for_address(&ours, &primary, 1);
    let key = format!("hmac-sha256:dyn:{SECRET}");
    for (name, over) in [("udp", None), ("tcp", Some("-v"))] {
        let options: Vec<&str> = ["-y", &key].into_iter().chain(over).collect();
        let update = format!("update add {name}.lab.example. 60 A 192.0.2.77");
        let Some(said) = nsupdate(ours.listen(), &options, &update) else { return };
        assert!(
            said.contains("status: NOERROR") && !said.contains("TSIG error"),
            "{said}\n{}",
            primary.log()
        );
        let qname = format!("{name}.lab.example.");
        wait_for("the change, copied from the primary", PATIENCE, || {
            let response = ask(ours.listen(), &qname, RecordType::A)?;
            (addresses(&response).len() == 1).then_some(())
        });
    }
    ours.wait_for_line(&format!("passed on to {}, and made there", primary.place));
    // What the primary refuses is its own word, with its own signature.
    let said = nsupdate(ours.listen(), &[], "update add no.lab.example. 60 A 192.0.2.77").unwrap();
    assert!(said.contains("REFUSED"), "{said}");
    let unknown = format!("hmac-sha256:nobody:{SECRET}");
    let said = nsupdate(ours.listen(), &["-y", &unknown], "update add no.lab.example. 60 A 192.0.2.77");
    assert!(said.as_ref().is_some_and(|said| said.contains("BADKEY")), "{said:?}");
    ours.stop();
}

#[test]
fn updates_of_nsupdate_are_passed_on_to_knot_which_alone_has_the_key() {
    passes_updates_on("knotd", loopback(), knot_that_takes_updates);
}

#[test]
fn updates_of_nsupdate_are_passed_on_to_bind_which_alone_has_the_key() {
    passes_updates_on("named", Ipv4Addr::LOCALHOST, bind_that_takes_updates);
}

/// A secondary of a primary, with what it says in the log.
fn secondary(site: &Site, place: SocketAddr, rest: &str) -> Program {
    site.configure(&format!(
        "[probe]\nstartup-wait = \"0s\"\n[[zone]]\nname = \"lab.example\"\nprimary = [\"{place}\"]\n{rest}"
    ));
    site.start()
}

fn wait_for_address(program: &Program, primary: &Primary, last: u8) {
    let wanted = [format!("192.0.2.{last}").parse::<std::net::IpAddr>().expect("an address")];
    wait_for(&format!("192.0.2.{last} after:\n{}", primary.log()), PATIENCE, || {
        let response = ask(program.listen(), "www.lab.example.", RecordType::A)?;
        let is_there = response.metadata.response_code == ResponseCode::NoError;
        (is_there && addresses(&response) == wanted).then_some(())
    });
}

/// The answers of both, as text, to what is in the zone.
fn same_answers(program: &Program, primary: &Primary) {
    for (qname, qtype) in [
        ("lab.example.", RecordType::SOA),
        ("lab.example.", RecordType::NS),
        ("h77.lab.example.", RecordType::A),
        ("x.wild.lab.example.", RecordType::TXT),
        ("odd.lab.example.", RecordType::Unknown(65280)),
        ("nobody.lab.example.", RecordType::A),
        ("a.sub.lab.example.", RecordType::A),
    ] {
        let told = |place| {
            let response = ask(place, qname, qtype).expect("a response");
            // Servers differ in what they send besides.
            let mut records: Vec<String> = response.answers.iter().map(|record| record.to_string()).collect();
            records.sort();
            (response.metadata.response_code, records)
        };
        assert_eq!(told(program.listen()), told(primary.place), "{qname} {qtype}");
    }
}

fn follows(
    program: &str,
    address: Ipv4Addr,
    sends: Sends,
    configure: impl FnOnce(&Path, SocketAddr, SocketAddr, &mut Command),
) {
    let site = Site::new();
    let Some(primary) = Primary::start(program, address, site.listen(), configure) else { return };
    let ours = secondary(&site, primary.place, "");
    wait_for_address(&ours, &primary, 1);
    same_answers(&ours, &primary);
    primary.change(2, 2);
    wait_for_address(&ours, &primary, 2);
    same_answers(&ours, &primary);
    let changes =
        ours.log().iter().filter(|line| line.text.contains("from serial 1 to 2: changes of")).count();
    assert_eq!(changes, usize::from(sends == Sends::Changes), "{:?}", ours.log());
    ours.stop();
}

#[test]
fn nsd_is_followed() {
    follows("nsd", loopback(), Sends::Changes, nsd);
}

#[test]
fn knot_is_followed() {
    follows("knotd", loopback(), Sends::Changes, knot);
}

#[test]
fn bind_is_followed() {
    // BIND listens only where an interface has the address.
    follows("named", Ipv4Addr::LOCALHOST, Sends::Changes, bind);
}

#[test]
fn powerdns_is_followed() {
    follows("pdns_server", loopback(), Sends::Whole, powerdns);
}

#[test]
fn knot_is_followed_with_a_key_and_refuses_who_has_none() {
    let site = Site::new();
    let Some(primary) = Primary::start("knotd", loopback(), site.listen(), knot_with_a_key) else { return };
    let without = secondary(&site, primary.place, "");
    without.wait_for_line("cannot be copied");
    without.stop();
    for (secret, told) in [("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "BADSIG"), (SECRET, "")] {
        let place = primary.place;
        let key = format!("[[key]]\nname = \"transfer\"\nsecret = \"{secret}\"\n");
        site.configure(&format!(
            "{key}[[zone]]\nname = \"lab.example\"\nprimary = [\"{place} key:transfer\"]\n"
        ));
        let program = site.start();
        if secret == SECRET {
            wait_for_address(&program, &primary, 1);
            primary.change(2, 2);
            wait_for_address(&program, &primary, 2);
        } else {
            program.wait_for_line(told);
        }
        program.stop();
    }
}

#[test]
fn lua_records_of_powerdns_are_read_and_probed_here() {
    let site = Site::new();
    let (up, down) = (loopback(), loopback());
    let target = free_port(up);
    let _listener = std::net::TcpListener::bind(target).expect("a free port");
    let code =
        format!("api 5 IN LUA A \"ifportup({}, {{'{up}', '{down}'}}, {{interval=1}})\"\n", target.port());
    let with_lua = |folder: &Path, place: SocketAddr, notified: SocketAddr, command: &mut Command| {
        let text = zone(1, 1) + &code;
        fs::write(folder.join("lab.zone"), text).expect("a zone file");
        powerdns(folder, place, notified, command);
    };
    let Some(primary) = Primary::start("pdns_server", loopback(), site.listen(), with_lua) else { return };
    let refusing = secondary(&site, primary.place, "");
    refusing.wait_for_line("it sends a LUA record of `api.lab.example.`");
    refusing.stop();
    let accepting = secondary(&site, primary.place, "lua = \"accept\"\n");
    wait_for_address(&accepting, &primary, 1);
    accepting.wait_for_addresses("api.lab.example.", &[up.into()]);
    accepting.stop();
}
