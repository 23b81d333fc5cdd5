//! What an operator sees of a fault.

use super::*;

fn lab() -> (Sources, FileId) {
    let mut sources = Sources::default();
    let file = sources.add("lab.zone", b"@ IN SOA ns h 1 2 3 4 5\r\nwww IN AA 192.0.2.1\n".to_vec());
    (sources, file)
}

#[test]
fn a_fault_is_drawn_with_place_line_and_caret() {
    let (sources, file) = lab();
    let fault = Diagnostic::error(Span::new(file, 32, 34), "unknown record type `AA`")
        .label("not a type")
        .help("did you mean `A`?");
    let expected = "\
error: unknown record type `AA`
 --> lab.zone:2:8
  |
2 | www IN AA 192.0.2.1
  |        ^^ not a type
  |
  = help: did you mean `A`?";
    assert_eq!(sources.render(&fault, Look::Plain), expected);
}

#[test]
fn a_fault_in_a_log_is_one_line() {
    let (sources, file) = lab();
    let fault =
        Diagnostic::error(Span::new(file, 32, 34), "unknown record type `AA`").help("did you mean `A`?");
    assert_eq!(sources.sentence(&fault), "lab.zone:2:8: unknown record type `AA`; did you mean `A`?");
}

fn transfer() -> Origin {
    let (zone, primary) = ("lab.example.".to_owned(), "192.0.2.1".to_owned());
    Origin::Transfer(Transfer { zone, primary, serial: 7 }.into())
}

#[test]
fn a_fault_in_what_is_no_text_is_drawn_with_its_origin_in_words() {
    let (sources, _) = lab();
    let (zone, client) = ("lab.example.".to_owned(), Some([192, 0, 2, 5].into()));
    let update = Origin::Update(Update { zone, client, key: Some("cert-manager".to_owned()) }.into());
    let fault = Diagnostic::error(transfer(), "`www` has a CNAME record and others")
        .label("A record")
        .and_at(update, "CNAME record")
        .remark("RFC 1034, section 3.6.2");
    let expected = "\
error: `www` has a CNAME record and others
--> records of lab.example. from 192.0.2.1, serial 7
 = note: A record
 = note: CNAME record: update of lab.example. from 192.0.2.5 with key cert-manager
 = note: RFC 1034, section 3.6.2";
    assert_eq!(sources.render(&fault, Look::Plain), expected);
    assert_eq!(
        sources.sentence(&fault),
        "records of lab.example. from 192.0.2.1, serial 7: `www` has a CNAME record and others; RFC 1034, section 3.6.2"
    );
}

#[test]
fn a_fault_is_drawn_in_its_text_and_named_in_words_where_it_has_none() {
    let (sources, file) = lab();
    let line = Origin::Line(FileLine { path: "edgedns.toml".into(), line: 3 });
    let in_text = Diagnostic::warning(Span::new(file, 25, 28), "m").and_at(line.clone(), "guarded here");
    let expected = "\
warning: m
 --> lab.zone:2:1
  |
2 | www IN AA 192.0.2.1
  | ^^^
  |
  = note: guarded here: edgedns.toml:3";
    assert_eq!(sources.render(&in_text, Look::Plain), expected);
    let in_none = Diagnostic::warning(line, "m").and_at(Span::new(file, 25, 28), "the records");
    let expected = "\
warning: m
 --> edgedns.toml:3
  |
 ::: lab.zone:2:1
  |
2 | www IN AA 192.0.2.1
  | --- the records";
    assert_eq!(sources.render(&in_none, Look::Plain), expected);
}

#[test]
fn bytes_that_are_not_utf8_keep_the_caret_in_place() {
    let mut sources = Sources::default();
    let file = sources.add("l1.zone", b"a TXT \"\xe9\xe9\" bad\n".to_vec());
    let drawn = sources.render(&Diagnostic::error(Span::new(file, 11, 14), "x"), Look::Plain);
    assert!(drawn.contains("l1.zone:1:12"), "{drawn}");
    assert!(drawn.contains("^^^"), "{drawn}");
}

#[test]
fn a_second_place_keeps_its_caret_behind_bytes_that_are_not_utf8() {
    let mut sources = Sources::default();
    let file = sources.add("l1.zone", b"a TXT \"\xe9\xe9\" bad \xe9\n".to_vec());
    let fault = Diagnostic::error(Span::new(file, 11, 14), "m").and_at(Span::new(file, 15, 16), "second");
    let drawn = sources.render(&fault, Look::Plain);
    assert!(drawn.contains("1 | a TXT \"\u{fffd}\u{fffd}\" bad \u{fffd}\n"), "{drawn}");
    assert!(drawn.contains("  |            ^^^ - second"), "{drawn}");
}

#[test]
fn two_places_in_a_line_that_is_cut_keep_their_carets() {
    let mut sources = Sources::default();
    let text = format!("{} one two {}", "x".repeat(1000), "y".repeat(1000));
    let file = sources.add("long.zone", text.into_bytes());
    let fault = Diagnostic::error(Span::new(file, 1001, 1004), "m")
        .and_at(Span::new(file, 1005, 1008), "second")
        .and_at(Span::new(file, 1900, 1910), "beyond");
    let drawn = sources.render(&fault, Look::Plain);
    let lines: Vec<&str> = drawn.lines().collect();
    let line = lines.iter().position(|line| line.contains(" one two ")).expect("the line");
    let at = lines[line].find("one").unwrap();
    assert_eq!(lines[line + 1][at..].split(' ').take(2).collect::<Vec<_>>(), ["^^^", "---"], "{drawn}");
}

#[test]
fn two_places_in_one_line_share_it() {
    let (sources, file) = lab();
    let fault = Diagnostic::error(Span::new(file, 32, 34), "m").and_at(Span::new(file, 25, 28), "this owner");
    let drawn = sources.render(&fault, Look::Plain);
    assert_eq!(drawn.matches("www IN AA").count(), 1, "{drawn}");
}

#[test]
fn places_in_two_lines_are_one_drawing_that_names_the_fault() {
    let (sources, file) = lab();
    let fault =
        Diagnostic::error(Span::new(file, 32, 34), "m").label("here").and_at(Span::new(file, 0, 1), "first");
    let expected = "\
error: m
 --> lab.zone:2:8
  |
1 | @ IN SOA ns h 1 2 3 4 5
  | - first
2 | www IN AA 192.0.2.1
  |        ^^ here";
    assert_eq!(sources.render(&fault, Look::Plain), expected);
}

#[test]
fn errors_are_counted_beyond_the_limit_and_push_warnings_out() {
    let (_, file) = lab();
    let mut found = Diagnostics::default();
    for _ in 0..DIAGNOSTICS_MAX {
        found.push(Diagnostic::warning(Span::new(file, 0, 1), "w"));
    }
    found.push(Diagnostic::error(Span::new(file, 0, 1), "e"));
    assert_eq!((found.errors(), found.warnings()), (1, DIAGNOSTICS_MAX));
    assert!(found.iter().any(|one| one.severity == Severity::Error));
    assert_eq!(found.iter().count(), DIAGNOSTICS_MAX);
}

#[test]
fn the_nearest_word_is_suggested_and_a_far_one_is_not() {
    assert_eq!(nearest("intervall", ["interval", "timeout"]), Some("interval"));
    assert_eq!(nearest("ifportpu", ["ifportup", "ifurlup"]), Some("ifportup"));
    assert_eq!(nearest("zzz", ["interval", "timeout"]), None);
}

#[test]
fn branches_read_beside_each_other_and_every_span_holds_where_they_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, two, missing) =
        (write("one", "first\n"), write("two", "second\n"), folder.path().join("three"));
    let (mut sources, config) = lab();
    let (mut left, mut right) = (sources.branch(), sources.branch());
    let two_read = right.read(&two).unwrap();
    assert!(right.read(&missing).is_err());
    let one_read = left.read(&one).unwrap();
    assert_ne!(one_read, two_read);
    assert_eq!(left.slice(Span::new(config, 0, 4)), b"@ IN", "a branch knows what was there before");
    sources.join(left);
    sources.join(right);
    let words = [one_read, two_read].map(|file| sources.slice(Span::new(file, 0, 5)).to_owned());
    assert_eq!(words, [b"first", b"secon"]);
    assert_eq!(sources.unread().collect::<Vec<_>>(), [missing.as_path()]);
    assert_eq!(sources.first(), Some(config));
}

#[test]
fn of_a_text_that_is_let_go_the_file_stays_known_and_the_texts_before_it_stay_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one");
    std::fs::write(&path, "first\n").unwrap();
    let (mut sources, config) = lab();
    let first = sources.next();
    let file = sources.read(&path).unwrap();
    let held = sources.bytes(file);
    sources.let_go(first);
    assert_eq!((held.len(), std::sync::Arc::strong_count(&held)), (6, 1));
    assert!(!sources.bytes(config).is_empty());
    assert!(sources.files_from(first).next().unwrap().is_unchanged());
}

#[test]
fn a_file_that_is_far_too_long_is_refused_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse");
    // Some file systems have no holes, and would be full of zeros.
    let Ok(()) = std::fs::File::create(&path).and_then(|file| file.set_len(20 << 30)) else { return };
    let begin = std::time::Instant::now();
    let mut sources = Sources::default();
    assert!(matches!(sources.read(&path), Err(Error::TooLong { .. })));
    assert_eq!(Digest::of_file(&path).unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
    // Nor is one read to its end that has another length than it had.
    let short = TextFile { path: path.clone(), bytes: 7, digest: Digest::of(b"1234567") };
    std::fs::File::create(&path).unwrap().set_len(3 << 30).unwrap();
    assert!(!short.is_unchanged());
    assert!(begin.elapsed() < std::time::Duration::from_secs(3), "it was read");
}
