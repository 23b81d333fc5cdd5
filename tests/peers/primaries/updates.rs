//! Updates of clients, which are passed on to the primary of the zone: it alone has the key.

use harness::tools;

use super::*;

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
    tools::nsupdate(server, "lab.example", options, lines)
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
            (response.metadata.response_code == ResponseCode::NoError).then_some(())
        });
    }
    ours.wait_for_line(&format!("passed on to {}, and made there", primary.place));
    // What the primary refuses is its own word, with its own signature.
    let said = nsupdate(ours.listen(), &[], "update add no.lab.example. 60 A 192.0.2.77").unwrap();
    // To Knot DNS, who has no key is not authorized.
    assert!(said.contains("REFUSED") || said.contains("NOTAUTH"), "{said}");
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
