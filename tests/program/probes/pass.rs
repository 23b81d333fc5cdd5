//! Several probes of one address, of which not all must pass.

use harness::loopback;
use harness::master::Master;
use harness::program::Site;
use serde_json::Value;

/// A pool of one master whose ports are `open` and `closed`, answered as `pass` says.
fn site(master: &Master, open: u16, closed: u16, pass: &str) -> Site {
    let site = Site::new();
    let address = master.address();
    site.write(
        "lab.zone",
        &format!("$TTL 10\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\napi A {address}\n"),
    );
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[probe]\ninterval = \"50ms\"\nretry = \"20ms\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = [{open}, {closed}]\n{pass}\nall-down = \"none\"\n"
    ));
    site
}

#[test]
fn an_address_is_answered_while_so_many_of_its_ports_pass_and_each_shows_its_own_verdict() {
    let mut api = Master::open_at(loopback(), 6443);
    let address = api.address();
    for (pass, is_answered) in [("", false), ("pass = \"any\"", true), ("pass = 2", false)] {
        let site = site(&api, 6443, 22623, pass);
        let program = site.start();
        let answered: &[_] = if is_answered { &[address] } else { &[] };
        program.wait_for_addresses("api.lab.example.", answered);
        let targets = || site.status()["targets"].as_array().expect("a list").clone();
        let verdict = |target: &Value| {
            (target["name"].as_str().map(str::to_owned), target["verdict"].as_str().map(str::to_owned))
        };
        let mut seen: Vec<_> = targets().iter().map(verdict).collect();
        seen.sort();
        let of = |port: u16, verdict: &str| (Some(format!("{address}:{port}")), Some(verdict.to_owned()));
        assert_eq!(seen, [of(22623, "down"), of(6443, "up")]);
        let member = site.status()["pools"][0]["members"][0]["verdict"].clone();
        assert_eq!(member, if is_answered { "up" } else { "down" });
        if is_answered {
            let said = site.run(&["explain", "api.lab.example", "--socket", "control.sock"]);
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.contains("an address is up while one of its probes passes"), "{said}");
            api.close();
            program.wait_for_addresses("api.lab.example.", &[]);
            api.open();
            program.wait_for_addresses("api.lab.example.", &[address]);
        }
        program.stop();
    }
}

#[test]
fn more_than_there_are_probes_is_warned_of() {
    let api = Master::open_at(loopback(), 6443);
    let site = site(&api, 6443, 22623, "pass = 3");
    let checked = site.check();
    let said = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
    assert!(said.contains("`pass` is 3, and an address of `api.lab.example.` has 2 probes"), "{said}");
}
