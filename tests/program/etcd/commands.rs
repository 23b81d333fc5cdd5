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

/// What `check --system` says of stores, each with how bad it is.
fn of_stores(site: &Site) -> Vec<(String, String)> {
    let checked = site.run(&["check", "--config", "edgedns.toml", "--system", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("a result");
    let all = told["system"].as_array().expect("findings").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let of_store = all.filter(|finding| finding["subject"] == "store");
    of_store.map(|finding| (text(&finding["severity"]), text(&finding["message"]))).collect()
}

#[test]
fn a_check_of_the_system_says_whether_each_store_lets_this_server_do_what_it_must() {
    let Some(mut etcd) = Etcd::start(1, Security::TlsAndUsers) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let access = format!(
        "ca = \"{}\"\nuser = \"edgedns\"\npassword-file = \"{}\"\n",
        etcd.authority().display(),
        etcd.password_file().display()
    );
    let endpoint = etcd.endpoints()[0].clone();
    // The role of this user has no prefix for vantages.
    let vantage = |prefix: &str| {
        format!("[vantage]\nendpoints = [\"{endpoint}\"]\nname = \"a\"\nprefix = \"{prefix}\"\n{access}")
    };
    let site = Site::new();
    let write = |vantage: &str| {
        site.configure(&format!(
            "{vantage}[[zone]]\nname = \"lab.example\"\n[zone.etcd]\nendpoints = [\"{endpoint}\"]\n{SKYDNS}{access}"
        ));
    };
    write(&vantage("/edgedns/vantage"));
    let found = of_stores(&site);
    let fine = [
        "etcd of [vantage]: 0 keys below /edgedns/vantage/ can be read and written as `edgedns`, revision ",
        "etcd of zone lab.example.: 1 keys below /skydns/example/lab can be read as `edgedns`, revision ",
    ];
    assert_eq!(found.len(), 2, "{found:?}");
    for ((severity, message), wanted) in found.iter().zip(fine) {
        assert!(severity == "fine" && message.starts_with(wanted), "{found:?}");
    }
    assert_eq!(etcd.ctl(&["get", "--prefix", "/edgedns/"]), "", "nothing is written");
    write(&vantage("/elsewhere"));
    let found = of_stores(&site);
    assert!(found[0].0 == "warning" && found[0].1.contains("permission denied"), "{found:?}");
    // What may be read is not written by that.
    etcd.ctl(&["role", "grant-permission", "edgedns", "--prefix=true", "read", "/elsewhere/"]);
    let found = of_stores(&site);
    let wanted = "`/elsewhere/a` may not be written: permission denied";
    assert!(found[0].0 == "warning" && found[0].1.contains(wanted), "{found:?}");
    etcd.kill(0);
    let found = of_stores(&site);
    let [(severity, message)] = &found[..] else { panic!("the same store is asked once: {found:?}") };
    assert!(severity == "warning" && message.contains(&endpoint), "{found:?}");
}
