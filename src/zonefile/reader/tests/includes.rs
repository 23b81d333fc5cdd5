//! `$INCLUDE`: which file, how deep, and what it leaves behind.

use super::*;

/// What reading a folder of files gave, the first being the zone's own.
struct Included {
    outcome: Outcome,
    /// What was found, in sentences, without the folder's name.
    said: Vec<String>,
    drawn: String,
}

fn read_with(files: &[(&str, &str)], include_folder: Option<&str>) -> Included {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut sources = Sources::default();
    let file = sources.read(&folder.path().join(files[0].0)).unwrap();
    let include_folder = include_folder.map(|name| folder.path().join(name));
    let outcome = read_file(sources, file, &Settings { include_folder, ..Settings::default() });
    let prefix = format!("{}/", folder.path().display());
    let said = outcome.said().iter().map(|line| line.replace(&prefix, "")).collect();
    let drawn = outcome.drawn().replace(&prefix, "");
    Included { outcome, said, drawn }
}

fn read_all(files: &[(&str, &str)]) -> Included {
    read_with(files, None)
}

#[test]
fn an_included_file_is_read_where_it_is_included() {
    let Included { outcome, said, .. } = read_all(&[
        ("main.zone", "$TTL 5\na A 192.0.2.1\n$include \"sub/hosts\" ; x\nd A 192.0.2.4\n"),
        ("sub/hosts", "b A 192.0.2.2\n$INCLUDE more"),
        ("sub/more", "c A 192.0.2.3"),
    ]);
    assert_eq!(said, Vec::<String>::new());
    let owners = ["a", "b", "c", "d"].iter().zip(1..);
    let expected: Vec<String> =
        owners.map(|(owner, host)| format!("{owner}.example.org. 5 A 192.0.2.{host}")).collect();
    assert_eq!(outcome.records, expected);
}

#[test]
fn a_fault_in_an_included_file_has_its_own_place() {
    let included = read_all(&[("main.zone", "$INCLUDE hosts\nb A 192.0.2.2\n"), ("hosts", "\na A x\n")]);
    assert!(included.said[0].starts_with("error hosts:2:5: `x` is not an IPv4 address"));
    assert_eq!(included.outcome.records, ["b.example.org. 3600 A 192.0.2.2"]);
}

#[test]
fn a_file_that_is_not_beside_is_looked_for_in_the_folder_of_the_settings() {
    let files = [("zones/main.zone", "$INCLUDE hosts\n"), ("base/hosts", "a A 192.0.2.1")];
    let there = read_with(&files, Some("base"));
    assert_eq!(there.outcome.records.len(), 1);
    assert_eq!(there.said, ["note zones/main.zone:1:10: `base/hosts` is read; there is no `zones/hosts`"]);
    let nowhere = read_with(&files[..1], Some("base"));
    assert_eq!(nowhere.outcome.found.errors(), 1);
    assert!(nowhere.said[0].contains("cannot read zones/hosts"), "{:?}", nowhere.said);
    assert!(nowhere.said[0].contains("cannot read base/hosts"), "{:?}", nowhere.said);
}

#[test]
fn a_folder_or_a_missing_file_is_a_fault_of_the_include() {
    let included = read_all(&[("main.zone", "$INCLUDE none\n$INCLUDE .\na A 192.0.2.1")]);
    assert_eq!(included.outcome.records.len(), 1);
    let said = included.said;
    assert!(said[0].starts_with("error main.zone:1:10: cannot read none: "), "{said:?}");
    assert!(said[1].starts_with("error main.zone:2:10: "), "{said:?}");
    assert!(said[1].ends_with("is not a regular file"), "{said:?}");
}

#[test]
fn a_cycle_is_drawn_from_its_beginning() {
    let included = read_all(&[
        ("main.zone", "a A 192.0.2.1\n$INCLUDE one\n"),
        ("one", "$INCLUDE two\n"),
        ("two", "b A 192.0.2.2\n$INCLUDE one\n"),
    ]);
    assert_eq!(included.outcome.records.len(), 2);
    assert_eq!(
        included.drawn,
        "\
error: `one` includes itself
 --> two:2:10
  |
2 | $INCLUDE one
  |          ^^^ and back to its beginning
  |
 ::: one:1:10
  |
1 | $INCLUDE two
  |          --- from here"
    );
}

#[test]
fn a_file_that_includes_itself_is_a_cycle_too() {
    let included = read_all(&[("main.zone", "$INCLUDE main.zone\n")]);
    assert_eq!(included.said, ["error main.zone:1:10: `main.zone` includes itself"]);
}

#[test]
fn the_same_file_may_be_included_twice() {
    let included = read_all(&[
        ("main.zone", "$ORIGIN a.example.org.\n$INCLUDE h\n$ORIGIN b.example.org.\n$INCLUDE h\n"),
        ("h", "www A 192.0.2.1"),
    ]);
    assert_eq!(included.said, Vec::<String>::new());
    assert_eq!(
        included.outcome.records,
        ["www.a.example.org. 3600 A 192.0.2.1", "www.b.example.org. 3600 A 192.0.2.1"]
    );
}

#[test]
fn nesting_has_a_limit() {
    let names: Vec<String> = (0..=22).map(|at| format!("f{at}")).collect();
    let texts: Vec<String> = (0..=22).map(|at| format!("$INCLUDE f{}\n", at + 1)).collect();
    let files: Vec<(&str, &str)> =
        names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(read_all(&files).said, ["error f20:1:10: files include each other more than 20 deep"]);
}

#[test]
fn an_origin_set_inside_ends_with_the_file_and_who_depends_on_it_is_told() {
    let included = read_all(&[
        ("main.zone", "a A 192.0.2.1\n$INCLUDE h\nc A 192.0.2.3\nd A 192.0.2.3\n"),
        ("h", "$TTL 9\n$ORIGIN sub.example.org.\nb A 192.0.2.2\n"),
    ]);
    assert_eq!(included.outcome.records[1], "b.sub.example.org. 9 A 192.0.2.2");
    assert_eq!(included.outcome.records[2], "c.example.org. 9 A 192.0.2.3");
    assert_eq!(
        included.said,
        [
            "warning main.zone:2:1: behind this line the origin is `example.org.` again; RFC 1035, section 5.1; PowerDNS \
          stays at `sub.example.org.`; write an absolute `$ORIGIN` behind the `$INCLUDE`, or absolute names"
        ]
    );
}

#[test]
fn records_that_are_the_same_at_either_origin_leave_no_doubt() {
    let inner = ("h", "$ORIGIN sub.example.org.\nb A 192.0.2.2\n");
    let main = "$INCLUDE h\nc.example.org. A 192.0.2.3\n  TXT \"c\"\nd.example.org. MX 5 c.example.org.\n";
    assert_eq!(read_all(&[("main.zone", main), inner]).said, Vec::<String>::new());
    // A name in the data is one, too.
    let main = format!("{main}e.example.org. MX 5 c\n");
    let included = read_all(&[("main.zone", main.as_str()), inner]);
    assert_eq!(included.outcome.records[4], "e.example.org. 3600 MX 5 c.example.org.");
    assert_eq!(included.said.len(), 1);
    // Neither is a file that sets back what it has set.
    let back = ("h", "$ORIGIN sub.example.org.\nb A 192.0.2.2\n$ORIGIN example.org.\n");
    assert_eq!(read_all(&[("main.zone", "$INCLUDE h\nc A 192.0.2.3\n"), back]).said, Vec::<String>::new());
}

#[test]
fn an_origin_ends_with_each_of_the_files_that_include_each_other() {
    let included = read_all(&[
        ("main.zone", "$INCLUDE one\nc A 192.0.2.3\n"),
        ("one", "$ORIGIN one.example.org.\n$INCLUDE two\nb A 192.0.2.2\n"),
        ("two", "$ORIGIN two.example.org.\na A 192.0.2.1\n"),
    ]);
    let owners: Vec<&str> =
        included.outcome.records.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(owners, ["a.two.example.org.", "b.one.example.org.", "c.example.org."]);
    assert_eq!(included.said.len(), 2, "{:?}", included.said);
}

#[test]
fn an_origin_set_at_once_behind_an_include_leaves_no_doubt() {
    let included = read_all(&[
        ("main.zone", "$INCLUDE h\n$ORIGIN example.org.\nc A 192.0.2.3\n"),
        ("h", "$ORIGIN sub.example.org.\nb A 192.0.2.2\n"),
    ]);
    assert_eq!(included.said, Vec::<String>::new());
    assert_eq!(included.outcome.records[1], "c.example.org. 3600 A 192.0.2.3");
}

#[test]
fn with_an_origin_the_file_is_read_under_it_and_nothing_stays() {
    let included = read_all(&[
        ("main.zone", "a A 192.0.2.1\n$INCLUDE h sub\nc A 192.0.2.3\n"),
        ("h", "b A 192.0.2.2\n$ORIGIN other.example.org.\n"),
    ]);
    assert_eq!(included.outcome.records[1], "b.sub.example.org. 3600 A 192.0.2.2");
    assert_eq!(included.outcome.records[2], "c.example.org. 3600 A 192.0.2.3");
    assert_eq!(
        included.said,
        [
            "warning main.zone:2:12: the file is read under the origin `sub.example.org.`; PowerDNS ignores \
             this word and stays at `example.org.`; begin the included file with an `$ORIGIN` line, and \
             leave this word out",
            "warning main.zone:2:1: behind this line the origin is `example.org.` again; RFC 1035, \
             section 5.1; PowerDNS stays at `other.example.org.`; write an absolute `$ORIGIN` behind the `$INCLUDE`, \
             or absolute names",
        ]
    );
}

#[test]
fn a_record_without_owner_behind_an_include_is_told_whose_it_is() {
    let files = [("main.zone", "a A 192.0.2.1\n$INCLUDE h\n  A 192.0.2.3\n"), ("h", "b A 192.0.2.2\n")];
    let included = read_all(&files);
    assert_eq!(included.outcome.records[2], "b.example.org. 3600 A 192.0.2.3");
    assert_eq!(
        included.said,
        ["warning main.zone:3:3: this record belongs to `b.example.org.`; BIND takes `a.example.org.`, as \
          before the `$INCLUDE`; begin the line with the owner that is meant"]
    );
    let with_origin = read_all(&[("main.zone", "a A 192.0.2.1\n$INCLUDE h @\n  A 192.0.2.3\n"), files[1]]);
    assert_eq!(with_origin.outcome.records[2], "a.example.org. 3600 A 192.0.2.3");
    assert_eq!(with_origin.outcome.found.warnings(), 1);
}

#[test]
fn a_zone_includes_from_its_folder_and_from_those_it_is_allowed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, text) in [
        ("zones/lab.zone", ""),
        ("zones/beside.inc", "beside A 192.0.2.1"),
        ("zones/sub/below.inc", "below A 192.0.2.2"),
        ("elsewhere/other.inc", "other A 192.0.2.3"),
        ("secret", "root:x:0"),
        ("real/lab.zone", "$INCLUDE near.inc\n"),
        ("real/near.inc", "near A 192.0.2.4"),
    ] {
        std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        std::fs::write(path(name), text).unwrap();
    }
    std::os::unix::fs::symlink("../secret", path("zones/link.inc")).unwrap();
    std::os::unix::fs::symlink("../../real/lab.zone", path("zones/sub/linked.zone")).unwrap();
    let read = |zone: &str, text: Option<&str>, from: &[&str]| {
        if let Some(text) = text {
            std::fs::write(path(zone), text).unwrap();
        }
        let mut sources = Sources::default();
        let file = sources.read(&path(zone)).unwrap();
        let include_from = Some(from.iter().map(|name| path(name)).collect());
        read_file(sources, file, &Settings { include_from, ..Settings::default() })
    };
    let zone = "zones/lab.zone";
    for (text, from) in [
        ("$INCLUDE beside.inc\n$INCLUDE sub/below.inc\n$INCLUDE sub/../beside.inc\n", &[][..]),
        ("$INCLUDE ../elsewhere/other.inc\n", &["elsewhere"]),
        ("$INCLUDE ../elsewhere/other.inc\n", &["nonexistent", "."]),
    ] {
        let outcome = read(zone, Some(text), from);
        assert_eq!(outcome.said(), Vec::<String>::new(), "{text}");
    }
    let absolute = format!("$INCLUDE {}\n", path("secret").display());
    for text in [
        "$INCLUDE ../secret\n",
        "$INCLUDE link.inc\n",
        absolute.as_str(),
        "$INCLUDE ../elsewhere/other.inc\n",
    ] {
        let said = read(zone, Some(text), &["real"]).said();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("`include-folders`") && !said[0].contains("root:x"), "{said:?}");
    }
    // A zone that is a link brings those with it that lie beside what it leads to.
    assert_eq!(read("zones/sub/linked.zone", None, &[]).said().len(), 1);
    std::os::unix::fs::symlink("../../real/near.inc", path("zones/sub/near.inc")).unwrap();
    assert_eq!(read("zones/sub/linked.zone", None, &[]).said(), Vec::<String>::new());
}
