//! `[[catalog]]` and its groups: what is read, and what an operator is told who writes them wrong.

use super::{Outcome, read};
use crate::config::{Catalog, Config};
use crate::zones::Clients;

const KEY: &str = "[[key]]\nname = \"transfer\"\nsecret = \"c2VjcmV0c2VjcmV0c2VjcmV0\"\n";

/// What came of a catalog with these lines.
fn catalog(lines: &str) -> Outcome {
    read(format!("{KEY}[[catalog]]\nname = \"catalog.example\"\n{lines}\n"))
}

fn one(config: &Config) -> &Catalog {
    assert_eq!(config.catalogs.len(), 1);
    &config.catalogs[0]
}

#[test]
fn members_come_from_the_primaries_of_the_catalog_unless_their_group_says_otherwise() {
    let config = catalog(
        "primary = [\"192.0.2.1 key:transfer\"]\n[[catalog.group]]\nname = \"nodes\"\nprimary = [\"192.0.2.2\"]\n\
         lua = \"accept\"\nallow-query = [\"local\"]\nallow-transfer = [\"192.0.2.53\"]\n[[catalog.group]]\nname = \"plain\"\n",
    )
    .settings();
    let catalog = one(&config);
    assert_eq!(catalog.name.to_string(), "catalog.example.");
    let groups: Vec<(&str, String)> =
        catalog.groups.iter().map(|(name, group)| (name.as_str(), group.sources.to_string())).collect();
    let own = "primary 192.0.2.1:53 key:transfer".to_owned();
    assert_eq!(groups, [("nodes", "primary 192.0.2.2:53".to_owned()), ("plain", own.clone())]);
    assert_eq!(catalog.others.sources.to_string(), own);
    assert_eq!(catalog.groups[0].1.allow_query, Some(vec![Clients::Local]));
    assert!(catalog.groups[0].1.sources.keeps_contents() && catalog.others.allow_query.is_none());
}

#[test]
fn a_catalog_is_a_zone_that_answers_nobody_but_those_who_may_have_it() {
    let allow_query = |lines: &str| {
        let config = catalog(&format!("primary = [\"192.0.2.1\"]\n{lines}")).settings();
        assert_eq!(config.zones.len(), 1);
        let zone = &config.zones[0];
        assert!(zone.sources.keeps_contents() && zone.name == one(&config).name);
        zone.allow_query
            .clone()
            .map(|clients| clients.iter().map(Clients::to_string).collect::<Vec<String>>())
    };
    assert_eq!(allow_query(""), Some(vec![]));
    let transfer = "allow-transfer = [\"192.0.2.53\", \"key:transfer\", \"2001:db8::/32 key:transfer\"]";
    assert_eq!(allow_query(transfer), Some(vec!["192.0.2.53/32".to_owned(), "2001:db8::/32".to_owned()]));
    let both = format!("{transfer}\nallow-query = [\"198.51.100.0/24\"]");
    assert_eq!(allow_query(&both), Some(vec!["198.51.100.0/24".to_owned()]));
}

#[test]
fn a_catalog_may_be_a_file_if_its_groups_say_where_members_are() {
    let config = catalog(
        "file = \"catalog.zone\"\n[[catalog.group]]\nname = \"a\"\nprimary = [\"192.0.2.1\"]\n\
         [[catalog.group]]\nprimary = [\"192.0.2.2\"]\n",
    )
    .settings();
    assert_eq!(one(&config).others.sources.to_string(), "primary 192.0.2.2:53");
    let told = catalog("file = \"catalog.zone\"").sentence();
    assert!(told.contains("nothing says where members of this catalog are copied from"), "{told}");
    let others = "[[catalog.group]]\nprimary = [\"192.0.2.2\"]\n";
    let told =
        catalog(&format!("file = \"catalog.zone\"\n{others}[[catalog.group]]\nname = \"a\"\n")).sentence();
    assert!(told.contains("nothing says where members of this group are copied from"), "{told}");
}

#[test]
fn what_makes_no_catalog_is_told() {
    let told = |lines: &str| catalog(&format!("primary = [\"192.0.2.1\"]\n{lines}")).sentence();
    let group = "[[catalog.group]]\nname = \"a\"\n";
    assert!(told(&format!("{group}{group}")).contains("group `a` is given twice"));
    assert!(told("[[catalog.group]]\n[[catalog.group]]\n").contains("a second block without `name`"));
    assert!(told("[[catalog.group]]\nname = \"\"\n").contains("no group can be called so"));
    assert!(told("[[catalog.group]]\nlua = \"accept\"\n").contains("there is no `primary`"));
    assert!(
        told("[[zone]]\nname = \"Catalog.example\"\nprimary = [\"192.0.2.1\"]").contains("is given twice")
    );
    assert!(told("file = \"catalog.zone\"").contains("either `file` or `primary`"));
    assert!(told("view = \"inside\"").contains("unknown key `view` in `[[catalog]]`"));
    assert!(catalog("").sentence().contains("`[[catalog]]` lacks `file`"));
    let twice =
        read(format!("{KEY}{0}{0}", "[[catalog]]\nname = \"c.example\"\nprimary = [\"192.0.2.1\"]\n"));
    assert!(twice.sentence().contains("zone `c.example.` is given twice"));
}
