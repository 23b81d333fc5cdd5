//! Keys with a lease: what they say is not believed for longer than that was granted for.

use super::*;

fn ttl(program: &Program, name: &str) -> Option<u32> {
    let response = ask(program.listen(), &format!("{name}.lab.example."), RecordType::A)?;
    response.answers.first().map(|record| record.ttl)
}

#[test]
fn a_ttl_is_no_longer_than_what_a_lease_was_granted_for_also_from_the_image() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    let value = |address: &str, ttl: u32| format!("{{\"host\":\"{address}\",\"ttl\":{ttl}}}");
    etcd.put_for(120, &key("leased"), &value("192.0.2.1", 3600));
    etcd.put_for(120, &key("shorter"), &value("192.0.2.2", 20));
    etcd.put(&key("lasting"), &value("192.0.2.3", 3600));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "lasting", "192.0.2.3");
    let ttls = |program: &Program| ["leased", "shorter", "lasting"].map(|name| ttl(program, name));
    assert_eq!(ttls(&program), [Some(120), Some(20), Some(3600)]);
    etcd.put_for(90, &key("lasting"), &value("192.0.2.4", 3600));
    wait_for_address(&program, "lasting", "192.0.2.4");
    assert_eq!(ttl(&program, "lasting"), Some(90));
    program.stop();
    etcd.kill(0);
    let program = site.start();
    assert_eq!(ttls(&program), [Some(120), Some(20), Some(90)], "before anybody was asked");
}

#[test]
fn a_key_goes_with_its_lease() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("lasting"), &host("192.0.2.3"));
    etcd.put_for(2, &key("leased"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "lasting", "192.0.2.3");
    wait_for_code(&program, "leased", ResponseCode::NXDomain);
    assert_eq!(address(&program, "lasting"), "192.0.2.3".parse().ok());
}
