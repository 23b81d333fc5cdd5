//! What is looked up, and what is not.

use crate::source::{Diagnostics, Look, Sources};
use crate::zone::{Builder, Zone};
use crate::zonefile::{Settings, read};

fn zone(lines: &str) -> (Option<Zone>, String) {
    let mut sources = Sources::default();
    let text = format!("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.53\n{lines}");
    let file = sources.add("lab.zone", text.into_bytes());
    let mut found = Diagnostics::default();
    let mut builder = Builder::new("lab.example".parse().unwrap(), crate::source::Span::new(file, 0, 0));
    read(&mut sources, file, &mut builder, &Settings::default(), &mut found);
    let zone = builder.finish(&mut found);
    (zone, sources.render_all(found.iter(), Look::Plain))
}

/// The members of the one pool of a zone.
fn members(lines: &str) -> Vec<String> {
    let (zone, told) = zone(lines);
    let zone = zone.unwrap_or_else(|| panic!("{told}"));
    let pool = &zone.pools()[0];
    pool.groups.iter().flatten().map(|member| pool.show(member)).collect()
}

#[test]
fn the_records_of_another_name_are_a_list_wherever_they_stand_in_the_file() {
    let hosts = "hosts A 192.0.2.1\nhosts A 192.0.2.2\nhosts AAAA 2001:db8::1\n";
    for code in [
        "pickrandom(dblookup('hosts.lab.example', pdns.A))",
        "ifportup(443, dblookup('HOSTS.lab.example.', pdns.A))",
        ";local members = dblookup('hosts.lab.example', 1) return ifportup(443, members)",
    ] {
        assert_eq!(members(&format!("api LUA A \"{code}\"\n{hosts}")), ["192.0.2.1", "192.0.2.2"], "{code}");
    }
    let six = "api LUA AAAA \"pickhashed(dblookup('hosts.lab.example', pdns.AAAA))\"\n";
    assert_eq!(members(&format!("{hosts}{six}")), ["2001:db8::1"]);
}

#[test]
fn alone_it_is_as_many_plain_records() {
    let (zone, told) = zone(
        "api LUA A \"dblookup('ns.lab.example', pdns.A)\"\nmx LUA MX \"all(dblookup('m.lab.example', pdns.MX))\"\nm MX 5 ns\n",
    );
    let zone = zone.unwrap_or_else(|| panic!("{told}"));
    let find = |name: &str| zone.node(zone.find(name.parse::<crate::dns::Name>().unwrap().as_ref()).unwrap());
    let set = |name: &str, rtype| {
        find(name).rrset(rtype).map(|set| set.rdatas().map(<[u8]>::to_vec).collect::<Vec<_>>())
    };
    assert_eq!(set("api.lab.example", crate::dns::Rtype::A), Some(vec![vec![192, 0, 2, 53]]));
    assert_eq!(set("mx.lab.example", crate::dns::Rtype::MX), set("m.lab.example", crate::dns::Rtype::MX));
}

#[test]
fn what_cannot_be_looked_up_is_refused_with_its_place() {
    for (code, told) in [
        (
            "dblookup('gone.lab.example', pdns.A)",
            "`gone.lab.example.` has no A record of its own in this zone",
        ),
        ("dblookup('other.lab.example', pdns.A)", "`other.lab.example.` has no A record of its own"),
        ("dblookup('www.example.net', pdns.A)", "`www.example.net.` does not lie in the zone `lab.example.`"),
        ("dblookup('ns.lab.example', pdns.TXT)", "expected a type, such as `pdns.A`"),
        ("dblookup('ns.lab.example', 'A')", "expected a type, such as `pdns.A`"),
        ("dblookup('ns.lab.example')", "`dblookup` takes a name and a type"),
        ("dblookup('a..b', pdns.A)", "`a..b` is not a name"),
        ("pickrandom({'192.0.2.1', pdns.A})", "unknown name `pdns.A`"),
    ] {
        let (zone, drawn) = zone(&format!("other LUA A \"'192.0.2.9'\"\napi LUA A \"{code}\"\n"));
        assert!(zone.is_none() && drawn.contains(told) && drawn.contains("lab.zone:6:"), "{code}: {drawn}");
    }
}
