//! Whose hosts may be members of pools.

use super::{Outcome, read};
use crate::zones::source::Changing;

/// What came of pools with these members in the zone `lab.example`, beside `nodes.example` and `sub.lab.example`.
fn members(members: &str) -> Outcome {
    read(format!(
        "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 443\nmembers = [{members}]\n\
         [[zone]]\nname = \"nodes.example\"\nfile = \"nodes.zone\"\n[[zone]]\nname = \"sub.lab.example\"\nfile = \"sub.zone\"\n"
    ))
}

#[test]
fn a_host_belongs_to_the_nearest_zone_above_it() {
    let config = members("\"m0\", \"m1.nodes.example.\", \"m2.sub\"").settings();
    let hosts = &config.zones[0].guards[0].hosts;
    let shown: Vec<String> = hosts
        .iter()
        .map(|host| format!("{} {:?}", host.name, host.zone.as_ref().map(ToString::to_string)))
        .collect();
    assert_eq!(
        shown,
        [
            "m0.lab.example. None",
            "m1.nodes.example. Some(\"nodes.example.\")",
            "m2.sub.lab.example. Some(\"sub.lab.example.\")",
        ]
    );
    assert!(config.zones[0].sources.has(&Changing::Hosts) && config.zones[0].has_hosts_elsewhere());
    assert!(!config.zones[1].sources.propose_changes(), "a zone of hosts is what it was");
    let own = members("\"m0\"").settings();
    assert!(!own.zones[0].sources.has(&Changing::Hosts));
}

#[test]
fn a_host_of_no_zone_here_is_a_fault_and_a_missing_final_dot_is_told() {
    assert_eq!(
        members("\"m0.node.example.\"").sentence(),
        "edgedns.toml:7:12: no `[[zone]]` has the host `m0.node.example.`; is a host of `nodes.example.` meant?"
    );
    assert!(
        members("\"m0.elsewhere.test.\"").sentence().contains("of this zone, or of another one in this file")
    );
    assert_eq!(
        members("\"m0.nodes.example\"").sentence(),
        "edgedns.toml:7:12: read as `m0.nodes.example.lab.example.`: it has no final dot; if `m0.nodes.example.` of the zone \
         `nodes.example.` is meant, write \"m0.nodes.example.\""
    );
    assert!(members("\"m0.lab.example\"").sentence().contains("read as `m0.lab.example.lab.example.`"));
}

#[test]
fn zones_that_have_hosts_of_each_other_are_refused() {
    let zone = |name: &str, host: &str| {
        format!(
            "[[zone]]\nname = \"{name}\"\nfile = \"{name}.zone\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 443\n\
             members = [\"m.{host}.\"]\n"
        )
    };
    let round = ["a.test", "b.test", "c.test"].into_iter().zip(["b.test", "c.test", "a.test"]);
    let told = read(round.map(|(name, host)| zone(name, host)).collect::<String>()).sentence();
    assert!(
        told.contains("7:12: `a.test.` has members of `b.test.`, which has members of `a.test.`"),
        "{told}"
    );
    // A zone with members of one of them is not to blame.
    let of_round = ["a.test", "y.test", "z.test"].into_iter().zip(["y.test", "z.test", "y.test"]);
    let told = read(of_round.map(|(name, host)| zone(name, host)).collect::<String>()).sentence();
    assert!(told.contains("`y.test.` has members of `z.test.`, which has members of `y.test.`"), "{told}");
    let line = ["a.test", "b.test", "c.test"].into_iter().zip(["b.test", "c.test", "d.test"]);
    let last = "[[zone]]\nname = \"d.test\"\nfile = \"d.zone\"\n";
    read(line.map(|(name, host)| zone(name, host)).collect::<String>() + last).settings();
}

#[test]
fn a_zone_whose_serials_are_those_of_another_has_no_hosts_elsewhere() {
    let text = "[[zone]]\nname = \"nodes.example\"\nfile = \"n.zone\"\n[[zone]]\nname = \"2.0.192.in-addr.arpa\"\n\
                reverse-of = \"nodes.example\"\n[[zone.probe]]\nnames = [\"@\"]\ntcp = 443\nmembers = [\"m.nodes.example.\"]\n";
    assert!(read(text).sentence().contains("10:12: hosts of other zones give a zone serials of its own"));
}
