//! What a zone may ask for as sources, whatever their kinds.

use super::{Outcome, read};
use crate::zones::source::{Changing, InATable, ZoneFile};

/// What came of a zone with these lines.
fn zone(lines: &str) -> Outcome {
    read(format!("[[zone]]\nname = \"lab.example\"\n{lines}\n"))
}

#[test]
fn a_source_may_have_a_table_of_its_own() {
    let config = zone("[zone.in-a-table]\nprefix = \"/lab\"").settings();
    assert_eq!(config.zones[0].sources.find::<InATable>().unwrap().prefix, "/lab");
    assert!(config.zones[0].sources.find::<ZoneFile>().is_none());
    let inline = zone("in-a-table = { prefix = \"/lab\" }").settings();
    assert_eq!(inline.zones[0].sources, config.zones[0].sources);
}

#[test]
fn faults_in_the_table_of_a_source_are_told_as_in_any_table() {
    let sentence = |lines: &str| zone(lines).sentence();
    assert_eq!(
        sentence("[zone.in-a-table]"),
        "edgedns.toml:3:1: `[zone.in-a-table]` lacks `prefix`; `prefix` is what its records are below"
    );
    assert!(
        sentence("[zone.in-a-table]\nprefix = \"/\"\nprefx = 1")
            .contains("unknown key `prefx` in `[zone.in-a-table]`")
    );
    assert!(sentence("[[zone.in-a-table]]\nprefix = \"/\"").contains("write single brackets"));
    assert!(sentence("in-a-table = 1").contains("`in-a-table` is a table"));
}

#[test]
fn sources_that_give_a_whole_zone_stand_alone() {
    let told = |lines: &str| zone(lines).sentences();
    let table = "[zone.in-a-table]\nprefix = \"/lab\"";
    let both = "edgedns.toml:4:1: a zone has either `file` or `in-a-table`";
    assert_eq!(told(&format!("file = \"lab.zone\"\n{table}")), [both]);
    let two = told(&format!("primary = [\"192.0.2.1\"]\n{table}"));
    assert_eq!(two, ["edgedns.toml:4:1: a zone has either `primary` or `in-a-table`"], "once for the two");
    let three = told(&format!("file = \"lab.zone\"\nprimary = [\"192.0.2.1\"]\n{table}"));
    assert_eq!(three.len(), 3, "{three:?}");
}

#[test]
fn only_what_takes_updates_is_updated() {
    const BLOCK: &str = "[[zone.update]]\nallow = [\"192.0.2.1\"]\nnames = [\"**\"]\ntypes = [\"TXT\"]";
    let sentence = |lines: &str| zone(&format!("{lines}\n{BLOCK}")).sentence();
    assert!(
        sentence("[zone.in-a-table]\nprefix = \"/\"").contains("takes no updates; change it where it is")
    );
    let copied = zone(&format!("primary = [\"192.0.2.1\"]\n{BLOCK}")).sentences();
    assert_eq!(copied.len(), 2, "{copied:?}");
    assert!(copied[0].contains("`names` has no place in a zone that is copied"), "{copied:?}");
    assert!(copied[1].contains("`types` has no place in a zone that is copied"), "{copied:?}");
    let config = zone(&format!("file = \"lab.zone\"\n{BLOCK}")).settings();
    assert_eq!(config.zones[0].sources.find(), Some(&Changing::Updates));
}
