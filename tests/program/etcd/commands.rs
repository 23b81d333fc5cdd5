//! `edgedns put`, `edgedns export` and `edgedns check --from-etcd`.

use super::*;

use harness::program::said;

#[test]
fn what_would_not_be_served_is_not_put_and_a_zone_is_exported_as_zone_text() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    let site = site_of(&etcd, "layout = \"zone\"\n");
    let put = |name: &str, value: &str| site.run(&["put", "--config", "edgedns.toml", name, value]);
    let soa = put("lab.example", "60 SOA ns.test. host.test. 1 3600 600 604800 60\n60 NS ns.test.");
    assert!(soa.status.success(), "{}", said(&soa));
    assert!(said(&soa).contains("/edgedns/lab.example/@: written, revision 2"), "{}", said(&soa));
    let refused = put("api.lab.example", "60 A 192.0.2.300");
    assert!(!refused.status.success() && said(&refused).contains("/edgedns/lab.example/api: line 1: "));
    let elsewhere = put("api.other.example", "60 A 192.0.2.1");
    assert!(said(&elsewhere).contains("no zone with [zone.etcd] has the name"), "{}", said(&elsewhere));
    assert!(put("api.lab.example", "60 A 192.0.2.1").status.success());
    assert!(put("old.lab.example", "60 A 192.0.2.2").status.success());
    let deleted = site.run(&["put", "--config", "edgedns.toml", "old.lab.example", "--delete"]);
    assert!(deleted.status.success(), "{}", said(&deleted));
    let exported = site.run(&["export", "--config", "edgedns.toml", "lab.example"]);
    let text = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert!(exported.status.success() && text.contains("192.0.2.1") && !text.contains("192.0.2.2"), "{text}");
    // It is a zone file: another server of ours serves it.
    let plain = Site::new();
    plain.write("lab.zone", &text);
    plain.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n");
    assert!(plain.check().status.success(), "{}", said(&plain.check()));
    let program = plain.start();
    assert_eq!(address(&program, "api"), "192.0.2.1".parse().ok());
}

#[test]
fn a_check_reads_keys_only_if_asked_to_and_tells_each_bad_one() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    etcd.put(&key("bad"), "nonsense");
    let site = site_of(&etcd, SKYDNS);
    let plain = site.check();
    assert!(plain.status.success(), "{}", said(&plain));
    let full = site.run(&["check", "--config", "edgedns.toml", "--from-etcd"]);
    assert!(!full.status.success(), "{}", said(&full));
    assert!(said(&full).contains("error: /skydns/example/lab/bad: expected "), "{}", said(&full));
    assert!(said(&full).contains("zone lab.example.: serial 3, 3 records"), "{}", said(&full));
    etcd.delete(&key("bad"));
    let full = site.run(&["check", "--config", "edgedns.toml", "--from-etcd"]);
    assert!(full.status.success(), "{}", said(&full));
}
