//! gdnsd's config and zones.

use harness::node::{Imported, Node};

fn import(config: &str, zone: &str) -> Imported {
    let node = Node::new(&[("etc/config", config), ("etc/zones/lab.test", zone)]);
    node.import_with("gdnsd", "etc", &[])
}

const HEAD: &str = "$TTL 300\n@ SOA ns h 1 2h 30m 2w 10\n@ NS ns\nns A 192.0.2.1\n";

#[test]
fn resources_become_pools_with_their_probes() {
    let result = import(
        "service_types => {\n\
           web => { plugin => http_status, port => 8080, url_path => /up, vhost => www.test, ok_codes => [ 200, 301 ], ok_thresh => 3 }\n\
           tcp => { plugin => tcp_connect port => 443 interval => 4 }\n\
         }\n\
         plugins => {\n\
           multifo => { service_types => [ tcp, web ], up_thresh => 0.34\n\
             two => { addrs_v4 => [ 192.0.2.13, 192.0.2.14 ], addrs_v6 => { x => 2001:db8::13 } } }\n\
           weighted => { heavy => { service_types => tcp, a => [ 192.0.2.13, 3 ], b => [ 192.0.2.14, 1 ] } }\n\
           simplefo => { one => { service_types => tcp, primary => 192.0.2.13, secondary => 192.0.2.14 } }\n\
           metafo => { resources => { m => { service_types => tcp, datacenters => [ a, b ], dcmap => { a => 192.0.2.13, b => %simplefo!one } } } }\n\
         }\n",
        &format!(
            "{HEAD}two 600/20 DYNA multifo!two\nalso 600/20 DYNC multifo!two\nheavy DYNA weighted!heavy\none DYNA simplefo!one\nm DYNA metafo!m\n"
        ),
    );
    result.assert_lines(&[
        "names = [\"two.lab.test.\", \"also.lab.test.\"]",
        "tcp = 443",
        "http = { host = \"www.test\", path = \"/up\", port = 8080, status = [200, 301] }",
        "min-up = \"34%\"",
        "ttl-degraded = \"20s\"",
        "weights = { \"192.0.2.13\" = 3, \"192.0.2.14\" = 1 }",
        "min-up = \"50%\"",
        "backup = [[\"192.0.2.14\"]]",
        "interval = \"4s\"",
        "timeout = \"2s\"",
        "rise = 20",
        "fall = 10",
    ]);
    result.assert_fate("two.lab.test. DYNA multifo!two", "honoured", "[[zone.probe]]");
    result.assert_fate("heavy.lab.test. DYNA weighted!heavy", "changed", "not of weights");
    result.assert_fate("web => { … }", "changed", "no `ok_thresh`");
    // Its datacenters are in a row: the second is one of two.
    result.assert_fate("m.lab.test. DYNA metafo!m", "refused", "in different ways");
    assert_eq!(result.status, Some(1));
}

#[test]
fn what_cannot_be_had_is_refused_at_its_record() {
    let result = import(
        "options => { listen => { 127.0.0.1 => {}, 127.0.0.2:5353 => { tcp_proxy => true } }, nsid_ascii => here, lock_mem => true }\n\
         service_types => { ext => { plugin => extmon, cmd => /x } }\n\
         plugins => { geoip => { resources => { g => {} } }, multifo => { e => { service_types => ext, a => 192.0.2.1 }, \
         u => { service_types => unknown, a => 192.0.2.1 } }, weighted => { c => { a => [ x.test., 1 ] } } }\n",
        &format!(
            "{HEAD}g DYNA geoip!g\ne DYNA multifo!e\nu DYNA multifo!u\nc DYNC weighted!c\nn DYNA multifo!none\n   TXT \"stays with n\"\n"
        ),
    );
    result.assert_fate("g.lab.test. DYNA geoip!g", "refused", "when-client-in");
    result.assert_fate("e.lab.test. DYNA multifo!e", "refused", "extmon");
    result.assert_fate("u.lab.test. DYNA multifo!u", "refused", "`unknown` cannot be had");
    result.assert_fate("c.lab.test. DYNC weighted!c", "refused", "LUA CNAME");
    result.assert_fate("n.lab.test. DYNA multifo!none", "refused", "no resource");
    result.assert_fate("listen => { … }", "refused", "proxy protocol");
    result.assert_fate("lock_mem => true", "no effect here", "nothing to tune");
    result.assert_lines(&["listen = [\"127.0.0.1:53\"]", "nsid = \"here\""]);
}

#[test]
fn a_zone_without_pools_is_copied_and_one_without_a_ttl_gets_gdnsds() {
    let node = Node::new(&[
        ("etc/config", "options => { zones_default_ttl => 600 }\n"),
        ("etc/zones/plain.test", HEAD),
        ("etc/zones/bare.test", &HEAD.replace("$TTL 300\n", "")),
    ]);
    let result = node.import_with("gdnsd", "etc", &[]);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    assert_eq!(node.read("new/edgedns/zones/plain.test"), HEAD);
    assert!(node.read("new/edgedns/zones/bare.test.zone").contains("$TTL 600\n"), "{}", result.config);
}

#[test]
fn mistakes_in_the_config_are_drawn_and_nothing_is_written() {
    for (config, wanted) in [
        ("options => { listen => 127.0.0.1\n", "`}` is missing"),
        ("options { }\n", "`=>` is missing behind `options`"),
        ("a => [ b, c\n", "never closed"),
        ("$include{none}\n", "none"),
    ] {
        let result = import(config, HEAD);
        assert_eq!((result.status, result.config.as_str()), (Some(1), ""), "{config}{}", result.faults);
        result.assert_faults(&[wanted]);
    }
}
