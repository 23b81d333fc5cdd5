//! Zones that clients change: whoever is behind gets what has changed.

use harness::program::Site;
use harness::{PATIENCE, loopback, wait_for};

use super::client::{add_address, axfr_query, ixfr_query, transfer};

const ZONE: &str = "$TTL 60\n@ SOA ns.lab.example. root.lab.example. 7 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n\
    api LUA A \"ifportup(1, {'192.0.2.1', '192.0.2.2'})\"\nold A 192.0.2.200\n";

#[test]
fn what_has_changed_is_sent_after_updates_an_edit_and_a_restart() {
    let secondary = loopback();
    let site = Site::new();
    // Longer than what changes: else the whole zone is sent.
    let hosts: String = (0..50).map(|host| format!("h{host} A 192.0.2.{host}\n")).collect();
    site.write("lab.zone", &format!("{ZONE}{hosts}"));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\nstate-directory = \".\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
         allow-transfer = [\"{secondary}\"]\n\n[[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"A\"]\n"
    ));
    let mut program = site.start();
    let listen = program.listen();
    for (number, owner) in [(1, "a"), (2, "b"), (3, "c")] {
        assert_eq!(add_address(listen, "lab.example", owner, [192, 0, 2, number]), 0);
        // The response to an update says that it is there: no waiting.
        let got = transfer(secondary, listen, &ixfr_query("lab.example", 6 + u32::from(number)));
        let serial = 7 + u32::from(number);
        assert_eq!(got.serials(), [serial, serial - 1, serial, serial], "{got:?}");
        assert_eq!(got.others(), [format!("{owner}.lab.example. 60 IN A 192.0.2.{number}")]);
    }
    // An operator edits the file: one more step.
    site.write("lab.zone", &format!("{}{hosts}", ZONE.replace("192.0.2.200", "192.0.2.201")));
    program.reload_and_wait();
    let all = [
        "a.lab.example. 60 IN A 192.0.2.1",
        "b.lab.example. 60 IN A 192.0.2.2",
        "c.lab.example. 60 IN A 192.0.2.3",
        "old.lab.example. 60 IN A 192.0.2.200",
        "old.lab.example. 60 IN A 192.0.2.201",
    ];
    for restarted in ["before", "after"] {
        let got = wait_for("what has changed in all", PATIENCE, || {
            let got = transfer(secondary, program.listen(), &ixfr_query("lab.example", 7));
            (got.serials().len() == 4).then_some(got)
        });
        assert_eq!(
            (got.serials(), got.others()),
            (vec![11, 7, 11, 11], all.map(str::to_owned).into()),
            "{restarted}"
        );
        let got = transfer(secondary, program.listen(), &ixfr_query("lab.example", 9));
        assert_eq!((got.serials(), got.others().len()), (vec![11, 9, 11, 11], 3), "{restarted}");
        if restarted == "before" {
            program.stop();
            program = site.start();
        }
    }
    // And goes on from there.
    assert_eq!(add_address(program.listen(), "lab.example", "d", [192, 0, 2, 4]), 0);
    let got = transfer(secondary, program.listen(), &ixfr_query("lab.example", 7));
    assert_eq!((got.serials(), got.others().len()), (vec![12, 7, 12, 12], 6));
    // A serial that nobody has seen.
    let got = transfer(secondary, program.listen(), &ixfr_query("lab.example", 3));
    assert_eq!(got.serials(), [12, 12], "the whole zone");
    assert_eq!(
        got.others().len(),
        transfer(secondary, program.listen(), &axfr_query("lab.example")).others().len()
    );
    program.stop();
}
