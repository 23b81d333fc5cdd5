//! The rules of RFC 9432, one by one.

use super::*;
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::Builder;
use crate::zonefile;

/// A zone of these records besides SOA and NS.
fn zone(text: &str) -> Zone {
    let text = format!("@ 0 IN SOA invalid. invalid. 7 3600 600 2147483646 0\n@ 0 IN NS invalid.\n{text}");
    let mut sources = Sources::default();
    let file = sources.add("catalog.zone", text.into_bytes());
    let mut found = Diagnostics::default();
    let mut builder = Builder::new("catalog.example.".parse().unwrap(), Span::new(file, 0, 1));
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    builder.finish(&mut found).unwrap()
}

fn read(text: &str) -> Result<Catalog, Broken> {
    Catalog::of(&zone(text))
}

/// Of version 2, with these records besides.
fn catalog(text: &str) -> Result<Catalog, Broken> {
    read(&format!("version 0 IN TXT \"2\"\n{text}"))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn shown(catalog: &Catalog) -> Vec<String> {
    let mut shown: Vec<String> = catalog
        .members()
        .map(|(zone, Member { label, groups, coo })| format!("{zone} {label} {groups:?} {coo:?}"))
        .collect();
    shown.sort();
    shown
}

#[test]
fn members_are_named_by_ptr_records_below_zones() {
    let read = catalog("a1.zones 0 IN PTR example.com.\nb2.zones 0 IN PTR Example.NET.\n").unwrap();
    assert_eq!(shown(&read), ["Example.NET. b2 [] None", "example.com. a1 [] None"]);
    assert_eq!(read.member(&name("EXAMPLE.com.")).unwrap().label.bytes(), b"a1");
    assert!(read.member(&name("example.org.")).is_none());
    assert_eq!((read.len(), read.is_empty()), (2, false));
    assert!(catalog("").unwrap().is_empty());
}

#[test]
fn a_zone_without_exactly_one_version_that_is_2_is_broken() {
    let member = "a.zones 0 IN PTR example.com.\n";
    for (version, why) in [
        ("", Broken::NoVersion),
        ("version 0 IN A 192.0.2.1\n", Broken::NoVersion),
        ("version 0 IN TXT \"2\"\nversion 0 IN TXT \"1\"\n", Broken::SeveralVersions(2)),
        ("version 0 IN TXT \"1\"\n", Broken::OtherVersion("\"1\"".to_owned())),
        ("version 0 IN TXT \"2\" \"\"\n", Broken::OtherVersion("\"2\" \"\"".to_owned())),
        ("version 0 IN TXT \"two\"\n", Broken::OtherVersion("\"two\"".to_owned())),
        ("version.zones 0 IN TXT \"2\"\n", Broken::NoVersion),
    ] {
        assert_eq!(read(&format!("{version}{member}")), Err(why), "{version}");
    }
    assert!(read(&format!("VERSION 0 IN TXT 2\n{member}")).is_ok(), "quotes and case make no difference");
}

#[test]
fn a_member_with_two_ptr_records_breaks_the_catalog() {
    let broken = catalog("a.zones 0 IN PTR example.com.\na.zones 0 IN PTR example.net.\n").unwrap_err();
    assert_eq!(broken, Broken::SeveralZones { node: name("a.zones.catalog.example."), count: 2 });
}

#[test]
fn two_labels_of_one_zone_break_the_catalog_whatever_their_case() {
    let broken = catalog("b.zones 0 IN PTR example.com.\na.zones 0 IN PTR EXAMPLE.com.\n").unwrap_err();
    let Broken::Twice { zone, labels } = &broken else { panic!("{broken}") };
    assert_eq!((zone, labels.each_ref().map(MemberLabel::bytes)), (&name("example.com."), [&b"a"[..], b"b"]));
    assert_eq!(broken.to_string(), "example.com. is named twice, by the labels a and b");
}

#[test]
fn a_label_is_the_same_in_upper_and_lower_case() {
    let upper = catalog("A1.zones 0 IN PTR example.com.\n").unwrap();
    assert_eq!(upper, catalog("a1.ZONES 0 IN PTR example.com.\n").unwrap());
}

#[test]
fn a_group_is_the_whole_rdata_and_there_may_be_several() {
    let read = catalog(
        "a.zones 0 IN PTR example.com.\ngroup.a.zones 0 IN TXT foo\nb.zones 0 IN PTR example.net.\n\
         group.b.zones 0 IN TXT operator-x-foo\ngroup.b.zones 0 IN TXT operator-y bar\n",
    )
    .unwrap();
    let groups = |zone: &str| read.member(&name(zone)).unwrap().groups.clone();
    assert!(groups("example.com.").iter().any(|group| group.is("foo")));
    assert!(!groups("example.com.").iter().any(|group| group.is("Foo") || group.is("fo") || group.is("")));
    let shown: Vec<String> = groups("example.net.").iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["\"operator-y\" \"bar\"", "\"operator-x-foo\""]);
    assert!(
        !groups("example.net.").iter().any(|group| group.is("operator-y")),
        "two strings are another value"
    );
}

#[test]
fn a_member_may_name_one_catalog_that_takes_it_over() {
    let read = catalog("coo.a.zones 0 IN PTR other.example.\na.zones 0 IN PTR example.com.\n").unwrap();
    assert_eq!(read.member(&name("example.com.")).unwrap().coo, Some(name("other.example.")));
    let broken = catalog(
        "a.zones 0 IN PTR example.com.\ncoo.a.zones 0 IN PTR one.example.\ncoo.a.zones 0 IN PTR two.example.\n",
    );
    assert_eq!(broken, Err(Broken::SeveralOwners { node: name("coo.a.zones.catalog.example."), count: 2 }));
}

#[test]
fn what_no_processing_is_specified_for_is_passed_over() {
    let plain = catalog("a.zones 0 IN PTR example.com.\n").unwrap();
    let read = catalog(
        "a.zones 0 IN PTR example.com.\na.zones 0 IN TXT \"more\"\nx.a.zones 0 IN PTR example.net.\n\
         group.a.zones 0 IN PTR example.org.\ncoo.a.zones 0 IN TXT \"no name\"\nserial.a.zones 0 IN TXT \"9\"\n\
         masters.ext 0 IN A 192.0.2.1\ndefault.knot.ext.a.zones 0 IN TXT \"x\"\nb.zones 0 IN TXT \"no PTR\"\n\
         group.c.zones 0 IN TXT \"nobody\"\ncoo.c.zones 0 IN PTR one.\ncoo.c.zones 0 IN PTR two.\n\
         zones 0 IN PTR example.edu.\nwww 0 IN PTR example.edu.\n",
    )
    .unwrap();
    assert_eq!(read, plain);
}
