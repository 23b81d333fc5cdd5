//! Views, and reverse zones made from other zones, as an operator sets them up and reloads them.

use harness::program::{Program, Site};
use harness::tools::{is_installed, tool};
use harness::{PATIENCE, wait_for};

const ZONES: &str = r#"
[admin]
socket = "control.sock"

[[zone]]
name = "lab.example"
file = "inside.zone"
view = "inside"
when-client-in = ["127.0.2.0/24"]

[[zone]]
name = "lab.example"
file = "outside.zone"
allow-query = ["127.0.1.0/24", "127.0.2.0/24"]

[[zone]]
name = "0.127.in-addr.arpa"
reverse-of = "lab.example"
"#;

fn zone(serial: u32, www: &str) -> String {
    format!("$TTL 60\n@ SOA ns host {serial} 2 3 4 30\n@ NS ns\nns A 127.0.9.53\nwww A {www}\n")
}

/// What a client at `address` gets: the answer's data, else the response code and the extended error.
fn asked(program: &Program, address: &str, question: &[&str]) -> String {
    let [server, port] = [program.listen().ip().to_string(), program.listen().port().to_string()];
    let mut dig = tool("dig").expect("the program was there");
    dig.args(["-b", address, &format!("@{server}"), "-p", &port, "+tries=1", "+time=5", "+noauthority"]);
    let output = dig.args(question).output().expect("dig runs");
    let text = String::from_utf8(output.stdout).expect("dig writes text");
    let answer = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
    let data = answer.map(|line| line.split_whitespace().skip(4).collect::<Vec<&str>>().join(" "));
    let data: Vec<String> = data.collect();
    let rcode = text.split("status: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("silence");
    let prohibited = if text.contains("EDE: 18") { " (Prohibited)" } else { "" };
    match data.as_slice() {
        [] => format!("{rcode}{prohibited}"),
        data => data.join(" "),
    }
}

/// None without dig, which asks from any address.
fn start() -> Option<(Site, Program)> {
    is_installed("dig").then_some(())?;
    let site = Site::new();
    site.write("inside.zone", &zone(1, "127.0.0.1"));
    site.write("outside.zone", &zone(2, "127.0.0.2"));
    site.configure(ZONES);
    let program = site.start();
    Some((site, program))
}

#[test]
fn each_client_gets_its_version_of_a_zone_and_a_reload_changes_only_that_one() {
    let Some((site, program)) = start() else { return };
    let www = ["www.lab.example", "A"];
    for transport in ["+notcp", "+tcp"] {
        let www = |client| asked(&program, client, &[transport, "www.lab.example", "A"]);
        assert_eq!(www("127.0.2.1"), "127.0.0.1");
        assert_eq!(www("127.0.1.1"), "127.0.0.2");
        assert_eq!(www("127.0.3.1"), "REFUSED (Prohibited)");
    }
    site.write("inside.zone", &zone(3, "127.0.0.3"));
    // The other version stays at its last good text.
    site.write("outside.zone", "@ IN AA 1\n");
    let before = program.log_len();
    program.reload();
    let line = program.wait_for_line_after(before, "is not loaded");
    assert!(line.text.contains("stays at serial 2"), "{}", line.text);
    assert_eq!(asked(&program, "127.0.2.1", &www), "127.0.0.3");
    assert_eq!(asked(&program, "127.0.1.1", &www), "127.0.0.2");
    let status = site.run(&["status", "--socket", "control.sock"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(
        status.contains("lab.example. (view inside)") && status.contains("the addresses of lab.example."),
        "{status}"
    );
    let explained = |client: &str| {
        let output =
            site.run(&["explain", "www.lab.example", "A", "--from", client, "--socket", "control.sock"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(
        explained("127.0.2.1").contains("lab.example. (view inside), serial 3"),
        "{}",
        explained("127.0.2.1")
    );
    assert!(
        explained("127.0.3.1").contains("`allow-query` of the zone does not hold 127.0.3.1"),
        "{}",
        explained("127.0.3.1")
    );
    program.stop();
}

#[test]
fn ptr_records_follow_the_addresses_of_the_zone_they_are_made_from() {
    let Some((site, program)) = start() else { return };
    let pointer = |address: &str| asked(&program, "127.0.3.1", &["-x", address]);
    // Of several versions of a zone that for everybody else gives the names.
    assert_eq!(pointer("127.0.0.2"), "www.lab.example.");
    assert_eq!(pointer("127.0.9.53"), "ns.lab.example.");
    assert_eq!(pointer("127.0.0.1"), "NXDOMAIN");
    assert_eq!(asked(&program, "127.0.3.1", &["0.127.in-addr.arpa", "NS"]), "ns.lab.example.");
    site.write("outside.zone", &zone(5, "127.0.0.7"));
    program.reload();
    wait_for("the new name", PATIENCE, || Some(()).filter(|()| pointer("127.0.0.7") == "www.lab.example."));
    assert_eq!(pointer("127.0.0.2"), "NXDOMAIN");
    let soa = asked(&program, "127.0.3.1", &["0.127.in-addr.arpa", "SOA"]);
    assert_eq!(soa, "ns.lab.example. host.lab.example. 5 2 3 4 30");
    program.stop();
}

#[test]
fn check_tells_hosts_without_ptr_records_and_dumps_each_version() {
    let site = Site::new();
    site.write("inside.zone", &zone(1, "127.0.0.1"));
    site.write("outside.zone", &zone(2, "127.0.0.2"));
    site.write("reverse.zone", "$TTL 60\n@ SOA ns host 1 2 3 4 30\n@ NS ns.lab.example.\n1.0 PTR www.lab.example.\n53.9 PTR gone.lab.example.\n");
    site.configure(&ZONES.replace("reverse-of = \"lab.example\"", "file = \"reverse.zone\""));
    let output = site.check();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(
            "`www.lab.example.` has the address 127.0.0.2, for which `0.127.in-addr.arpa.` has no PTR"
        ),
        "{said}"
    );
    assert!(said.contains("the PTR record of 127.0.9.53 leads to `gone.lab.example.`"), "{said}");
    assert!(said.contains("0 errors, 2 warnings"), "{said}");
    site.configure(ZONES);
    let config = site.folder().join("edgedns.toml");
    let config = config.to_str().expect("a plain path");
    let dump = |zone| {
        let output = site.run(&["check", "--config", config, "--dump", zone]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let both = dump("lab.example");
    assert!(
        both.contains("; view inside") && both.contains("127.0.0.1") && both.contains("127.0.0.2"),
        "{both}"
    );
    assert!(dump("0.127.in-addr.arpa").contains("2.0.0.127.in-addr.arpa."), "{}", dump("0.127.in-addr.arpa"));
}
