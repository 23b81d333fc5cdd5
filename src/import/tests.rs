//! What holds for any bytes: readers end without a panic, and what they find can be drawn.

use proptest::prelude::*;

use super::folders::Folders;
use super::report::{Fate, Report};
use super::server_setting::ServerSettings;
use super::work::Work;
use super::{keyed, statement, yaml};
use crate::source::{Diagnostics, Look, Sources};

/// Pieces that mean something in one of the forms, and some that mean nothing.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"zone",
        b"\"",
        b"{",
        b"}",
        b";",
        b"/*",
        b"*/",
        b"//",
        b"#",
        b"\\",
        b"\n",
        b" ",
        b"=",
        b"+=",
        b"include-dir",
        b"include \"x\";",
        b":",
        b"- ",
        b"[",
        b"]",
        b",",
        b"'",
        b"&a",
        b"*a",
        b"!t",
        b"? ",
        b"|",
        b"\xff",
        "é".as_bytes(),
        b"options",
        b"directory",
        b"\t",
        b"\r\n",
        b"---",
        b"%",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

#[test]
fn words_of_another_server_reach_a_terminal_as_text_and_end() {
    let mut report = Report::default();
    report.add_besides("a\u{1b}[2Jb", Fate::refused(format!("c\u{1b}[2Jd\n{}", "e".repeat(10_000))));
    let mut written = Vec::new();
    report.write(&Sources::default(), &mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    assert!(!written.contains('\u{1b}') && written.contains("c\u{fffd}[2Jd e"), "{written}");
    assert!(written.len() < 5_000, "{}", written.len());
}

/// Reads with one of the readers, and draws what it found.
fn drawn(bytes: &[u8], read: impl FnOnce(&mut Sources, crate::source::FileId, &mut Diagnostics)) {
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let file = sources.add("text", bytes.to_vec());
    read(&mut sources, file, &mut found);
    for fault in &found {
        assert!(!sources.render(fault, Look::Plain).is_empty());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in text()) {
        drawn(&bytes, |sources, file, found| {
            let (mut settings, mut report) = (ServerSettings::default(), Report::default());
            keyed::read(sources, file, &mut settings, &mut report, found);
            for setting in settings.iter() {
                setting.items(&[',', ' ']);
            }
            report.write(sources, &mut Vec::new()).expect("a buffer takes everything");
        });
        drawn(&bytes, |sources, file, found| {
            let mut folders = Folders::new("/nowhere".as_ref());
            for statement in statement::read(sources, file, &mut folders, found).statements {
                statement.shown();
            }
        });
        drawn(&bytes, |_, file, found| _ = yaml::read(file, &bytes, found));
    }
}

#[test]
fn what_is_missing_at_the_end_of_a_file_is_shown_within_it() {
    for text in ["zone x", "zone \"x", "options { directory \"x"] {
        let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
        let file = sources.add("text", text.as_bytes().to_vec());
        statement::read(&mut sources, file, &mut Folders::new("/nowhere".as_ref()), &mut found);
        let places: Vec<_> = found.iter().filter_map(crate::source::Diagnostic::span).collect();
        assert!(
            !places.is_empty() && places.iter().all(|place| place.end as usize <= text.len()),
            "{text:?}"
        );
    }
}

/// The text at the place of every item.
fn items(text: &str) -> Vec<(String, String)> {
    let mut sources = Sources::default();
    let file = sources.add("text", text.as_bytes().to_vec());
    let (mut settings, mut report, mut found) =
        (ServerSettings::default(), Report::default(), Diagnostics::default());
    keyed::read(&sources, file, &mut settings, &mut report, &mut found);
    let words = settings.iter().flat_map(|setting| setting.items(&[',', ' '])).collect::<Vec<_>>();
    let at = |span| String::from_utf8_lossy(sources.slice(span)).into_owned();
    words.into_iter().map(|word| (at(word.span), word.text)).collect()
}

#[test]
fn items_of_a_list_know_their_own_place() {
    for text in ["a=one, two\n", "# x\n  a = one  two # three\n", "é=1\na=one,two"] {
        let items = items(text);
        assert!(items.len() >= 2 && items.iter().all(|(there, said)| there == said), "{text:?}: {items:?}");
    }
}

#[test]
fn nodes_of_yaml_know_their_place_behind_letters_of_several_bytes() {
    let text = "# größe\nincoming:\n  listen: ['ä', 192.0.2.1]\n".as_bytes();
    let mut sources = Sources::default();
    let file = sources.add("text", text.to_vec());
    let root = yaml::read(file, text, &mut Diagnostics::default()).expect("YAML");
    let listen = root.get("incoming").and_then(|incoming| incoming.get("listen")).expect("two words");
    let places: Vec<&[u8]> = listen.words().iter().map(|word| sources.slice(word.span)).collect();
    assert_eq!(places, ["'ä'".as_bytes(), b"192.0.2.1"]);
}

/// Pieces of the files of servers without zones of their own.
fn text_of_others() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"server=/a.test/192.0.2.1#53\n",
        b"address=/#/192.0.2.1\n",
        b"address=/a.test/\n",
        b"host-record=a.b.test,192.0.2.1,2001:db8::1,30\n",
        b"cname=*.x.test,a.b.test\n",
        b"txt-record=x,\"",
        b"bogus-priv\n",
        b"rev-server=10.0.0.0/9,",
        b"local=//\n",
        b".:53 {\n",
        b"10.0.0.0/7 x.test {\n",
        b"hosts {\n192.0.2.1 a.test\n}\n",
        b"template IN A x.test {\nmatch .*x\nanswer \"{{ .Name }} IN A 192.0.2.1\"\n}\n",
        b"forward . /etc/resolv.conf {\n",
        b"(a) {\n",
        b"import a\n",
        b"acl {\nblock type A net 192.0.2.0/24\n}\n",
        b"}\n",
        b"options => { listen => [ 127.0.0.1, ",
        b"plugins = { multifo = { a = { up_thresh = ",
        b"$include{f}",
        b"\"\\",
        b"]",
        b"defaults x from y\n",
        b"backend a from x\n",
        b"option httpchk GET /\xff HTTP/1.1\\r\\nHost:\\ x\n",
        b"server a 192.0.2.1:80 check inter 0 weight 256 backup\n",
        b"server b [::1]:65536 check port\n",
        b"bind *:1-9,:80 ssl\n",
        b"'",
        b"#",
        b",",
        b" ",
        b"\n",
        b"\\",
        "é".as_bytes(),
        b"\xff",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

/// Imports a node that has these bytes as its only file.
fn import_alone(
    bytes: &[u8],
    read: impl FnOnce(&mut Work, &std::path::Path) -> Result<String, super::work::Unreadable>,
) {
    let path = std::path::Path::new("/nowhere/f");
    let mut work = Work::new(path);
    work.sources = work.sources.closed_over([("/nowhere/f".to_owned(), bytes.to_vec())]);
    let read = read(&mut work, path);
    let planned = work.finish(read);
    planned.imported.write_report(&mut Vec::new()).expect("a buffer takes everything");
    planned.imported.write_faults(Look::Plain, &mut Vec::new()).expect("a buffer takes everything");
    if let Some(config) = planned.files.last() {
        let text = String::from_utf8_lossy(&config.bytes);
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_of_servers_without_zones_are_imported_or_refused(bytes in text_of_others()) {
        import_alone(&bytes, |work, path| super::dnsmasq::read(work, path, &[]));
        import_alone(&bytes, |work, path| super::corefile::read(work, path, &[]));
        import_alone(&bytes, super::gdnsd::read);
        import_alone(&bytes, |work, path| {
            let zone = "lab.test".parse().ok();
            super::haproxy::read(work, path, &super::haproxy::Given { zone, ..Default::default() })
        });
    }
}

#[test]
fn a_fault_that_is_an_error_for_one_purpose_stays_one() {
    let mut work = Work::new(std::path::Path::new("/"));
    let file = work.sources.add("text", b"x".to_vec());
    let span = crate::source::Span::new(file, 0, 1);
    work.found.push(crate::source::Diagnostic::warning(span, "not a network"));
    work.found.push(crate::source::Diagnostic::error(span, "not a network"));
    work.found.push(crate::source::Diagnostic::error(span, "not a network"));
    let planned = work.finish(Ok("x".to_owned()));
    assert_eq!((planned.imported.found.errors(), planned.imported.found.warnings()), (1, 1));
}
