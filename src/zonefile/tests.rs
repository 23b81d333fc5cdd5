//! From text to a zone and back.

use super::*;
use crate::dns::Name;
use crate::zone::{Builder, Zone};

fn read_as(apex: &str, text: &str) -> (Option<Zone>, Vec<String>) {
    let mut sources = Sources::default();
    let named = sources.add("edgedns.toml", apex.as_bytes().to_vec());
    let file = sources.add("lab.zone", text.as_bytes().to_vec());
    let apex: Name = apex.parse().unwrap();
    let mut builder = Builder::new(apex, Span::new(named, 0, 1));
    let mut found = Diagnostics::default();
    read(&mut sources, file, &mut builder, &Settings::default(), &mut found);
    let zone = builder.finish(&mut found);
    let said = found.iter().map(|one| format!("{} {}", one.severity.word(), sources.sentence(one))).collect();
    (zone, said)
}

fn canonical(apex: &str, text: &str) -> String {
    let (zone, said) = read_as(apex, text);
    let mut out = String::new();
    write(&zone.unwrap_or_else(|| panic!("{said:?}")), &mut out);
    out
}

#[test]
fn a_zone_is_written_in_canonical_order_and_read_back() {
    let text = "$TTL 60\n@ SOA ns host 1 2h 3 4 5\n NS ns\nns A 192.0.2.53\n\
                *.apps 5 LUA A \"ifportup(443, {'192.0.2.1'})\"\napi LUA A \"ifportup(6443, {'192.0.2.1'})\"\n\
                api TXT \"x\"\n";
    let written = canonical("example.org", text);
    assert_eq!(
        written,
        "example.org. 60 IN SOA ns.example.org. host.example.org. 1 7200 3 4 5\n\
         example.org. 60 IN NS ns.example.org.\n\
         api.example.org. 60 IN LUA A \"ifportup(6443, {'192.0.2.1'})\"\n\
         api.example.org. 60 IN TXT \"x\"\n\
         *.apps.example.org. 5 IN LUA A \"ifportup(443, {'192.0.2.1'})\"\n\
         ns.example.org. 60 IN A 192.0.2.53\n"
    );
    assert_eq!(canonical("example.org", &written), written);
}

#[test]
fn records_that_choose_and_code_that_they_include_are_written_as_they_were() {
    let text = "$TTL 60\n@ SOA ns host 1 2 3 4 5\n NS ns.example.net.\n\
                b LUA A \";include('config') return pickrandom(L)\"\nconfig 5 LUA LUA \"L={'192.0.2.1'}\"\n\
                c LUA CNAME \"pickwhashed({{1, 'a.example.net'}, {2, 'b.example.net'}})\"\n";
    let written = canonical("example.org", text);
    for line in [
        "b.example.org. 60 IN LUA A \";include('config') return pickrandom(L)\"\n",
        "config.example.org. 5 IN LUA LUA \"L={'192.0.2.1'}\"\n",
        "c.example.org. 60 IN LUA CNAME \"pickwhashed({{1, 'a.example.net'}, {2, 'b.example.net'}})\"\n",
    ] {
        assert!(written.contains(line), "{line}{written}");
    }
    assert_eq!(canonical("example.org", &written), written);
}

#[test]
fn constants_of_lua_records_become_plain_records() {
    let text = "@ 60 SOA ns host 1 2 3 4 5\n NS ns.example.net.\na LUA A \"{'192.0.2.1', '192.0.2.2'}\"\n\
                t LUA TXT \"'two words; one'\"\nc LUA CNAME \"'www.example.net'\"\n\
                m LUA MX \"'10 mail.example.net'\"\n";
    let written = canonical("example.org", text);
    for line in [
        "a.example.org. 60 IN A 192.0.2.1\na.example.org. 60 IN A 192.0.2.2\n",
        "t.example.org. 60 IN TXT \"two words; one\"\n",
        "c.example.org. 60 IN CNAME www.example.net.\n",
        "m.example.org. 60 IN MX 10 mail.example.net.\n",
    ] {
        assert!(written.contains(line), "{line}{written}");
    }
}

#[test]
fn a_constant_that_is_no_data_is_a_fault_at_its_place_in_the_code() {
    let (_, said) =
        read_as("example.org", "@ SOA ns host 1 2 3 4 5\n NS ns.example.net.\na LUA A \"'192.0.2.999'\"\n");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("error lab.zone:3:10: `192.0.2.999` is not an IPv4 address"), "{said:?}");
    let (_, said) =
        read_as("example.org", "@ SOA ns host 1 2 3 4 5\n NS ns.example.net.\na LUA MX \"'10 (m'\"\n");
    assert!(said[0].starts_with("error lab.zone:3:11: `10 (m` is not the data of a record"), "{said:?}");
}

#[test]
fn zones_of_the_field_are_read_whole() {
    let zones = [
        ("acm-demo-hub.redhat.ren", include_str!("testdata/three-nodes.zone"), 4),
        ("acm-demo-hub.redhat.ren", include_str!("testdata/single-node.zone"), 0),
        ("ocp4.redhat.ren", include_str!("testdata/with-recursor.zone"), 6),
    ];
    for (apex, text, pools) in zones {
        let (zone, said) = read_as(apex, text);
        let zone = zone.unwrap_or_else(|| panic!("{said:?}"));
        assert_eq!(zone.pools().len(), pools);
        assert!(said.iter().all(|line| !line.starts_with("error")), "{said:?}");
        let mut written = String::new();
        write(&zone, &mut written);
        assert_eq!(canonical(apex, &written), written);
    }
}

#[test]
fn a_record_out_of_the_zone_is_a_fault_at_its_owner() {
    let (_, said) = read_as(
        "example.org",
        "@ SOA ns host 1 2 3 4 5\n NS ns.example.net.\nwww.example.net. A 192.0.2.1\n",
    );
    assert!(
        said[0].starts_with("error lab.zone:3:1: `www.example.net.` does not lie in the zone"),
        "{said:?}"
    );
}

/// What reading a zone says that may take a MiB.
fn read_in_a_mebibyte(text: &str, included: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("more.inc"), included).unwrap();
    std::fs::write(folder.path().join("lab.zone"), text).unwrap();
    let mut sources = Sources::default();
    let file = sources.read(&folder.path().join("lab.zone")).unwrap();
    let mut builder = Builder::new("example.org".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    let memory_limit = crate::zone::MemoryLimit::Bytes(1 << 20);
    read(&mut sources, file, &mut builder, &Settings { memory_limit, ..Settings::default() }, &mut found);
    assert!(builder.finish(&mut found).is_none() || found.errors() == 0);
    let prefix = format!("{}/", folder.path().display());
    found.iter().map(|one| sources.sentence(one).replace(&prefix, "")).collect()
}

const SOA: &str = "$TTL 60\n@ SOA ns host 1 2h 3 4 5\n NS ns\nns A 192.0.2.53\n";

#[test]
fn a_zone_that_takes_too_much_memory_ends_at_the_line_that_takes_it() {
    let deep = "a.".repeat(100);
    let long = format!("$GENERATE 0-65535 t$ TXT \"{}\"\n", "x".repeat(250));
    let cases = [
        // Many names, few names of many labels, long data, one file again and again, code.
        ("$GENERATE 0-65535 h$ A 192.0.2.1\n".to_owned(), "", "lab.zone:5:"),
        (format!("$GENERATE 0-65535 {deep}$ A 192.0.2.1\n"), "", "lab.zone:5:"),
        (long, "", "lab.zone:5:"),
        ("$INCLUDE more.inc\n".repeat(20), "$GENERATE 0-1000 @ TXT \"$\"\n", "more.inc:1:"),
        ("$GENERATE 0-65535 l$ LUA A \"ifportup(1, {'192.0.2.1'})\"\n".to_owned(), "", "lab.zone:5:"),
    ];
    for (text, included, place) in cases {
        let said = read_in_a_mebibyte(&format!("{SOA}{text}www A 192.0.2.1\n"), included);
        let over: Vec<&String> =
            said.iter().filter(|one| one.contains("more than 1 MiB of memory")).collect();
        assert_eq!(over.len(), 1, "{said:?}");
        assert!(over[0].starts_with(place) && over[0].contains("`memory-limit`"), "{over:?}");
    }
    assert_eq!(
        read_in_a_mebibyte(&format!("{SOA}$GENERATE 0-1000 h$ A 192.0.2.1\n"), ""),
        Vec::<String>::new()
    );
}

#[test]
fn a_longer_text_may_take_more_memory_and_a_file_that_is_included_again_is_no_longer_text() {
    let mut builder =
        Builder::new("example.org".parse().unwrap(), Span::new(Sources::default().add("x", vec![]), 0, 0));
    builder.set_memory_limit(Some(crate::zone::MemoryLimit::ByText));
    let span = Span::new(Sources::default().add("x", vec![]), 0, 0);
    // A quarter of a GiB whatever the text, and 64 bytes for each byte of it.
    builder.allow_text(1 << 20);
    let quarter = (1 << 28) / 32 - 100;
    builder.count_code(quarter, span).unwrap();
    assert!(builder.count_code(100, span).is_err());
    builder.allow_text(4 << 20);
    builder.count_code(0, span).unwrap();
    assert!(builder.count_code(quarter, span).is_err());
}
