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
