//! What is forwarded, as it is read from the file.

use std::path::Path;
use std::time::Duration;

use super::super::Config;
use super::{ZONE, read};
use crate::forward::{Policy, Prefetch, Rebinding, Upstreams};
use crate::zones::Clients;

const WHOLE: &str = "\
[[forward]]
zone = \".\"
upstream = [\"192.0.2.1\", \"192.0.2.2:5353\", \"2001:db8::1\", \"[2001:db8::1]:5353\", \"tls://192.0.2.3#dns.example\", \"tls://[::1]:8853\", \"https://192.0.2.4#dns.example\", \"https://[2001:db8::4]:8443/q/1\", \"quic://192.0.2.5#dns.example\"]
allow = [\"local\", \"192.0.2.0/24\"]
policy = \"in-order\"
timeout = \"500ms\"
attempts = 5
rebinding-protection = true
[[forward]]
zone = \"corp.example\"
upstream = \"resolv.conf\"
resolv-conf = \"run/resolv.conf\"
[cache]
entries = 500
bytes = 2000000
ttl-min = \"10s\"
ttl-max = \"1h\"
negative-ttl-max = \"1m\"
serve-stale = \"0s\"
prefetch = false
";

fn forward(lines: &str) -> String {
    format!("{ZONE}[[forward]]\n{lines}")
}

#[test]
fn every_key_is_read() {
    let Config { forwards, cache, .. } = read(format!("{ZONE}{WHOLE}")).settings();
    let [everything, corp] = &forwards[..] else { panic!("{forwards:?}") };
    let Upstreams::Listed(upstreams) = &everything.zone.upstreams else { panic!("{forwards:?}") };
    assert_eq!(
        upstreams.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "192.0.2.1:53",
            "192.0.2.2:5353",
            "[2001:db8::1]:53",
            "[2001:db8::1]:5353",
            "tls://192.0.2.3:853#dns.example",
            "tls://[::1]:8853",
            "https://192.0.2.4:443/dns-query#dns.example",
            "https://[2001:db8::4]:8443/q/1",
            "quic://192.0.2.5:853#dns.example",
        ]
    );
    assert_eq!(everything.allow, [Clients::Local, Clients::Prefix("192.0.2.0/24".parse().unwrap())]);
    assert_eq!((everything.zone.policy, everything.zone.attempts), (Policy::InOrder, 5));
    assert_eq!(everything.zone.ask_next_after, Duration::from_millis(500));
    assert_eq!(everything.zone.rebinding, Rebinding::Refused);
    assert_eq!(corp.zone.upstreams, Upstreams::System(Path::new("/etc/run/resolv.conf").into()));
    assert_eq!((corp.zone.policy, corp.zone.rebinding), (Policy::Fastest, Rebinding::Allowed));
    assert_eq!(corp.allow, [Clients::Local]);
    assert_eq!((cache.entries, cache.bytes, cache.prefetch), (500, 2_000_000, Prefetch::Off));
    assert_eq!(
        [cache.ttl_min, cache.ttl_max, cache.negative_ttl_max, cache.serve_stale],
        [10, 3600, 60, 0].map(Duration::from_secs)
    );
}

#[test]
fn a_server_that_only_forwards_needs_no_zone() {
    let config = read("[[forward]]\nzone = \".\"\nupstream = [\"192.0.2.1\"]\n").settings();
    assert_eq!((config.zones.len(), config.forwards.len()), (0, 1));
}

#[test]
fn what_is_no_upstream_is_told_with_what_is_one() {
    for (upstream, fault) in [
        ("[\"dns.example\"]", "`dns.example` is not the address of an upstream"),
        ("[\"192.0.2.1:0\"]", "`192.0.2.1:0` is not the address of an upstream"),
        ("[\"0.0.0.0\"]", "0.0.0.0 is not the address of a host: it means any address"),
        ("[\"224.0.0.1:5353\"]", "224.0.0.1 is not the address of a host: it is a multicast group"),
        (
            "[\"tls://[ff02::1]#dns.example\"]",
            "ff02::1 is not the address of a host: it is a multicast group",
        ),
        (
            "[\"255.255.255.255\"]",
            "255.255.255.255 is not the address of a host: it is the broadcast address",
        ),
        ("[\"tls://192.0.2.1#a b\"]", "`a b` is not a name that a certificate can have"),
        ("[\"https://dns.example/dns-query\"]", "is not the address of an upstream"),
        ("[\"http://192.0.2.1\"]", "is not the address of an upstream"),
        (
            "[\"https://192.0.2.1/dns-query{?dns}\"]",
            "`/dns-query{?dns}` is not a path at which queries are taken",
        ),
        ("[\"https://192.0.2.1/a b\"]", "`/a b` is not a path at which queries are taken"),
        ("[\"quic://192.0.2.1/dns-query\"]", "there are no paths over QUIC"),
        ("[\"quic://192.0.2.1:53#dns.example\"]", "nobody serves QUIC at port 53"),
        ("[\"192.0.2.1\", \"192.0.2.1:53\"]", "`192.0.2.1:53` is asked already"),
        ("[\"https://192.0.2.1\", \"https://192.0.2.1:443/dns-query\"]", "is asked already"),
        ("[]", "`upstream` has 1 to 16 items, not 0"),
        ("\"192.0.2.1\"", "`192.0.2.1` is not a list of upstreams"),
    ] {
        let sentence = read(forward(&format!("zone = \".\"\nupstream = {upstream}\n"))).sentence();
        assert!(sentence.contains(fault), "{sentence}");
    }
}

#[test]
fn this_server_and_the_whole_world_are_pointed_out() {
    let own = format!(
        "[server]\nlisten = [\"127.0.0.1:5300\"]\n{}",
        forward("zone = \".\"\nupstream = [\"127.0.0.1:5300\"]\n")
    );
    assert!(read(own).sentence().contains("`127.0.0.1:5300` is this server itself"));
    let open = read(forward("zone = \".\"\nupstream = [\"192.0.2.1\"]\nallow = [\"0.0.0.0/0\"]\n"));
    assert!(open.sentence().contains("the whole world may ask"));
    assert_eq!(open.found.errors(), 0);
}

#[test]
fn a_zone_is_forwarded_once() {
    let block = "zone = \"corp.example\"\nupstream = [\"192.0.2.1\"]\n";
    let sentence = read(forward(&format!("{block}[[forward]]\n{block}"))).sentence();
    assert!(sentence.contains("`corp.example.` is forwarded already"), "{sentence}");
}

#[test]
fn bounds_that_contradict_each_other_are_a_fault() {
    let sentence = read(format!("{ZONE}[cache]\nttl-min = \"1m\"\nttl-max = \"10s\"\n")).sentence();
    assert!(sentence.contains("`ttl-min` is longer than `ttl-max`"), "{sentence}");
    let sentence = read(format!("{ZONE}[cache]\nentries = 10\n")).sentence();
    assert!(sentence.contains("`entries` is 0 (none) or 64 to 1000000"), "{sentence}");
}
