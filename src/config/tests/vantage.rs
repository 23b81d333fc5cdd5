//! `[vantage]`, and the pools that heed others: what is read, and what an operator is told who writes it wrong.

use std::time::Duration;

use super::{Outcome, ZONE, read};
use crate::probe::Vantage;

const LEAST: &str = "[vantage]\nendpoints = [\"https://192.0.2.9\"]\n";

fn with(lines: &str) -> Outcome {
    read(format!("{ZONE}\n{LEAST}{lines}\n"))
}

#[test]
fn servers_that_hear_each_other_are_read_with_their_defaults_and_all_they_may_say() {
    let vantage = with("").settings().vantage.unwrap();
    assert_eq!((vantage.prefix.as_str(), vantage.lease), ("/edgedns-vantage", Duration::from_secs(10)));
    assert!(vantage.name.is_none() && vantage.members.is_empty());
    let text = "name = \"a\"\nmembers = [\"b\", \"a\"]\nlease = \"30s\"\nprefix = \"/v\"";
    let vantage = with(text).settings().vantage.unwrap();
    assert_eq!(
        (vantage.name.as_deref(), vantage.members.len(), vantage.prefix.as_str()),
        (Some("a"), 2, "/v")
    );
    let pool = read(format!("{LEAST}{ZONE}\nvantage = \"quorum\"\n")).settings();
    assert_eq!(pool.zones[0].guards[0].choice.vantage, Vantage::Quorum);
}

#[test]
fn what_makes_no_sense_of_them_is_told_with_the_remedy() {
    let told = |lines: &str| with(lines).sentence();
    assert!(told("name = \"a/b\"").contains("no name of a vantage"));
    assert!(told("name = \"a\"\nmembers = [\"b\"]").contains("this server, `a`, is not among them"));
    assert!(told("members = [\"b\", \"b\"]").contains("named already"));
    assert!(told("lease = \"2500ms\"").contains("a lease is whole seconds"));
    assert!(told("prefix = \"v\"").contains("begins with a slash"));
    assert!(told("user = \"a\"").contains("no effect without `password-file`"));
    assert!(read(format!("{ZONE}\nvantage = \"some\"\n")).sentence().contains("vantage"));
    let unheard = read(format!("{ZONE}\nvantage = \"any\"\n"));
    assert!(unheard.sentence().contains("no other server is heard"));
    assert!(unheard.config.is_some(), "it is a warning");
}
