//! What is answered while the store is well.

use super::*;

use std::time::{Duration, Instant};

#[test]
fn what_is_put_is_answered_and_what_is_deleted_is_not() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let serial = status(&site)["serial"].as_u64().expect("a serial");
    etcd.put(&key("api"), &host("192.0.2.2"));
    wait_for_address(&program, "api", "192.0.2.2");
    assert_eq!(status(&site)["serial"].as_u64(), Some(serial + 1), "the serial is the revision");
    etcd.put(&key("apps/*"), &host("192.0.2.9"));
    wait_for_address(&program, "console.apps", "192.0.2.9");
    etcd.delete(&key("apps/*"));
    wait_for_code(&program, "console.apps", ResponseCode::NXDomain);
    etcd.put("/skydns/example/lab2/api", &host("192.0.2.77"));
    etcd.put(&key("last"), &host("192.0.2.3"));
    wait_for_address(&program, "last", "192.0.2.3");
    let store = &status(&site)["etcd"];
    assert_eq!((store["keys"].as_u64(), store["feed_connected"].as_bool()), (Some(2), Some(true)), "{store}");
}

#[test]
fn a_bad_value_leaves_what_was_there_and_is_told_with_its_key() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    etcd.put(&key("api"), "{\"host\": 7}");
    etcd.put(&key("other"), &host("192.0.2.2"));
    wait_for_address(&program, "other", "192.0.2.2");
    assert_eq!(address(&program, "api"), "192.0.2.1".parse().ok());
    let told = status(&site)["etcd"]["faults"][0].as_str().expect("a fault").to_owned();
    assert!(told.starts_with("/skydns/example/lab/api: invalid type: "), "{told}");
    program.wait_for_line("/skydns/example/lab/api: invalid type: ");
    etcd.put(&key("api"), &host("192.0.2.3"));
    wait_for_address(&program, "api", "192.0.2.3");
    wait_for_status(&site, "no fault", |zone| zone["etcd"]["faulty"] == 0);
    // Records that may not stand together: the first goes on being answered.
    etcd.put(&key("api/x"), "{\"host\":\"elsewhere.test\",\"targetstrip\":1}");
    wait_for_status(&site, "a fault", |zone| zone["etcd"]["faulty"] == 1);
    assert_eq!(address(&program, "api"), "192.0.2.3".parse().ok());
}

#[test]
fn a_transaction_is_one_version_and_ten_thousand_puts_are_answered_soon() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let before = status(&site)["etcd"]["changes"].as_u64().expect("a count");
    let begin = Instant::now();
    harness::meanwhile(
        || assert_eq!(address(&program, "api"), "192.0.2.1".parse().ok()),
        || {
            etcd.put_many(10_000, |number| {
                let [_, _, high, low] = u32::try_from(number).expect("a small number").to_be_bytes();
                (key(&format!("h{number}")), host(&format!("10.1.{high}.{low}")))
            });
            wait_for_address(&program, "h9999", "10.1.39.15");
        },
    );
    let took = begin.elapsed();
    let changes = status(&site)["etcd"]["changes"].as_u64().expect("a count") - before;
    println!("10,000 puts in 79 transactions: answered {took:?} after the first, {changes} versions");
    assert!(changes <= 79, "{changes}");
    etcd.put(&key("large"), &format!("{{\"text\":\"{}\"}}", "x".repeat(1 << 20)));
    etcd.put(&key("after"), &host("192.0.2.5"));
    wait_for_address(&program, "after", "192.0.2.5");
    assert_eq!(code(&program, "large"), ResponseCode::NXDomain);
}

#[test]
fn lines_of_a_zone_file_are_answered_lua_records_among_them() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    let key = |owner: &str| format!("/edgedns/lab.example/{owner}");
    etcd.put(&key("@"), "60 SOA ns.test. host.test. 1 3600 600 604800 60\n60 NS ns.test.");
    etcd.put(&key("api"), "60 A 192.0.2.1");
    let site = site_of(&etcd, "layout = \"zone\"\n");
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let target = harness::free_port(harness::loopback());
    let listener = std::net::TcpListener::bind(target).expect("a listener");
    let lua = format!("10 LUA A \"ifportup({}, {{'{}', '192.0.2.66'}})\"", target.port(), target.ip());
    etcd.put(&key("guarded"), &lua);
    wait_for_address(&program, "guarded", &target.ip().to_string());
    etcd.put(&key("guarded"), "10 LUA A \"ifportup(\"");
    etcd.put(&key("api"), "60 A 192.0.2.2");
    wait_for_address(&program, "api", "192.0.2.2");
    assert_eq!(address(&program, "guarded"), Some(target.ip()));
    wait_for_status(&site, "a fault", |zone| zone["etcd"]["faulty"] == 1);
    etcd.put(&key("guarded"), "10 A 192.0.2.3");
    wait_for_address(&program, "guarded", "192.0.2.3");
    drop(listener);
}

#[test]
fn a_put_is_answered_within_tens_of_milliseconds() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let mut took: Vec<Duration> = Vec::new();
    for number in 2..12 {
        let wanted = format!("192.0.2.{number}");
        etcd.put(&key("api"), &host(&wanted));
        let begin = Instant::now();
        wait_for_address(&program, "api", &wanted);
        took.push(begin.elapsed());
    }
    took.sort();
    println!("from the end of etcdctl to the answer: {took:?}");
    assert!(took[5] < Duration::from_secs(1), "{took:?}");
}
