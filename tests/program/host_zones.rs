//! Pools whose members are hosts of another zone: they follow it, whatever changes it, and outlive what becomes of it.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{ask, sorted_addresses};
use harness::lab::{API, PORT, QUICK_PROBES};
use harness::master::Master;
use harness::program::{Program, Site, said};
use harness::scripted_primary::{ScriptedPrimary, Step, honest, version};
use harness::tools::{nsupdate, tool};
use harness::zone_keys::{generate, write_anchors};
use harness::{PATIENCE, loopback, wait_for};

const HEAD: &str = "$TTL 60\n@ SOA ns.test. root.test. 1 3600 600 86400 60\n@ NS ns.test.\n";

/// A site whose `api.lab.example` has two masters of `nodes.example`, which clients may change, with these lines more for the zone
/// of the pool.
fn site(hosts: &[Ipv4Addr; 2], more: &str) -> Site {
    let site = Site::new();
    std::fs::create_dir(site.folder().join("state")).expect("a folder");
    site.write("lab.zone", &format!("{HEAD}www A 192.0.2.80\n"));
    write_hosts(&site, hosts);
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n{QUICK_PROBES}\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{more}\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = {PORT}\n\
         members = [\"master-0.nodes.example.\", \"master-1.nodes.example.\"]\nmachine = true\n\n\
         [[zone]]\nname = \"nodes.example\"\nfile = \"nodes.zone\"\n\
         [[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"A\", \"TXT\"]\n"
    ));
    site
}

fn write_hosts(site: &Site, hosts: &[Ipv4Addr; 2]) {
    site.write("nodes.zone", &format!("{HEAD}master-0 A {}\nmaster-1 A {}\n", hosts[0], hosts[1]));
}

fn sorted<const N: usize>(hosts: [Ipv4Addr; N]) -> [IpAddr; N] {
    let mut hosts = hosts.map(IpAddr::V4);
    hosts.sort_unstable();
    hosts
}

/// The serial of the zone of the pool.
fn serial(site: &Site) -> u64 {
    site.status()["zones"][0]["serial"].as_u64().expect("a serial")
}

/// What the status says of hosts of other zones without addresses.
fn unknown(site: &Site) -> String {
    site.status()["zones"][0]["hosts_unknown"].to_string()
}

/// Has `nsupdate` change the zone of the hosts; none: it is not installed.
fn update(program: &Program, lines: &str) -> Option<()> {
    let said = nsupdate(program.listen(), "nodes.example", &[], lines)?;
    assert!(said.contains("status: NOERROR"), "{said}");
    Some(())
}

#[test]
fn a_pool_follows_updates_of_the_zone_that_its_hosts_are_in() {
    let hosts = [loopback(), loopback(), loopback()];
    let _masters = hosts.map(|host| Master::open_at(host, PORT));
    let site = site(&[hosts[0], hosts[1]], "");
    assert!(site.check().status.success(), "{}", said(&site.check()));
    let mut program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    let first = serial(&site);
    let owner = "master-1.nodes.example.";
    let moved = format!("update delete {owner} A\nupdate add {owner} 7 A {}", hosts[2]);
    if update(&program, &moved).is_none() {
        return;
    }
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[2]]));
    assert_eq!(serial(&site), first + 1);
    let told = said(&site.ask(&["explain", API, "A"]));
    assert!(told.contains(owner), "{told}");
    // What no pool has as a member is nothing to it.
    update(
        &program,
        "update add other.nodes.example. 60 A 192.0.2.99\nupdate add master-0.nodes.example. 60 TXT x",
    );
    update(&program, &format!("update delete {owner} A"));
    program.wait_for_line(&format!(
        "`{owner}`, a member of `{API}`, has no address in the zone `nodes.example.`"
    ));
    assert_eq!(serial(&site), first + 1);
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[2]]));
    let lost = "has no address in the zone `nodes.example.`: there is no such name; the pool keeps the addresses \
                that it had";
    assert!(unknown(&site).contains(lost), "{}", unknown(&site));
    let told = said(&site.ask(&["status"]));
    assert!(told.contains(&format!("zone lab.example.: `{owner}`, a member of `{API}`, {lost}")), "{told}");
    // A reload tells of it no more, and knows it when it comes back.
    program.reload_and_wait();
    assert!(unknown(&site).contains(lost), "{}", unknown(&site));
    update(&program, &format!("update add {owner} 60 A {}", hosts[1]));
    program.wait_for_line(&format!("`{owner}` has addresses now"));
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    assert_eq!(serial(&site), first + 2);
    // A process that is killed does not go back; and contents that have changed meanwhile have another serial.
    program.kill();
    let mut program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    let again = serial(&site);
    assert_eq!(again, first + 2, "nothing has moved");
    program.kill();
    // The journal of their zone holds what clients have made of the second one.
    write_hosts(&site, &[hosts[2], hosts[1]]);
    let mut program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[1], hosts[2]]));
    let moved = serial(&site);
    assert_eq!(moved, again + 1);
    // Back to what it was when the zone of the pool was read for the first time: that is a change, too.
    program.kill();
    write_hosts(&site, &[hosts[0], hosts[1]]);
    let program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    assert_eq!(serial(&site), moved + 1);
    program.stop();
}

#[test]
fn a_pool_follows_the_file_that_its_hosts_are_in_and_outlives_a_broken_one() {
    let hosts = [loopback(), loopback(), loopback()];
    let _masters = hosts.map(|host| Master::open_at(host, PORT));
    let site = site(&[hosts[0], hosts[1]], "");
    let program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    let first = serial(&site);
    write_hosts(&site, &[hosts[0], hosts[2]]);
    program.reload_and_wait();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[2]]));
    assert_eq!(serial(&site), first + 1, "other servers hear of it");
    site.write("nodes.zone", "nonsense");
    program.reload_and_wait();
    site.write("lab.zone", &format!("{HEAD}www A 192.0.2.81\n"));
    program.reload_and_wait();
    program.wait_for_addresses("www.lab.example.", &["192.0.2.81".parse().expect("an address")]);
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[2]]));
    let told = said(&site.check());
    assert!(told.contains("mend the zone `nodes.example.` first"), "{told}");
    program.stop();
}

#[test]
fn a_pool_comes_when_the_zone_of_its_hosts_is_copied_for_the_first_time() {
    let primary = ScriptedPrimary::start(|_| vec![Step::Silence]);
    let site = Site::new();
    std::fs::create_dir(site.folder().join("state")).expect("a folder");
    site.write("pools.zone", &format!("{HEAD}www A 192.0.2.80\n"));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\nstate-directory = \"state\"\n{QUICK_PROBES}startup-wait = \"0s\"\n\
         [[zone]]\nname = \"pools.example\"\nfile = \"pools.zone\"\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = {PORT}\n\
         members = [\"www.lab.example.\", \"nobody.lab.example.\"]\n\
         [[zone]]\nname = \"lab.example\"\nprimary = [\"{}\"]\n",
        primary.place()
    ));
    assert!(site.check().status.success(), "{}", said(&site.check()));
    let program = site.start();
    program.wait_for_line(
        "`www.lab.example.`, a member of `api.pools.example.`, has no address in the zone `lab.example.`",
    );
    let pool = "api.pools.example.";
    let code = || ask(program.listen(), pool, RecordType::A).expect("a response").metadata.response_code;
    assert_eq!(code(), ResponseCode::NXDomain);
    assert!(sorted_addresses(program.listen(), "www.pools.example.", RecordType::A).is_some());
    primary.says(honest(version(1, 7)));
    wait_for("the pool", PATIENCE, || (code() == ResponseCode::NoError).then_some(()));
    program.wait_for_addresses(pool, &["192.0.2.7".parse().expect("an address")]);
    // Nobody could know before that it has no such host.
    program.wait_for_line(
        "`nobody.lab.example.`, a member of `api.pools.example.`, has no address in the zone `lab.example.`: there is no such \
         name; the pool is answered without it until it has one",
    );
    assert!(unknown(&site).contains("there is no such name"), "{}", unknown(&site));
    primary.says(honest(version(2, 8)));
    program.wait_for_addresses(pool, &["192.0.2.8".parse().expect("an address")]);
    assert!(said(&site.ask(&["status"])).contains("192.0.2.8"), "it is guarded");
    program.stop();
}

#[test]
fn a_signed_pool_follows_hosts_of_another_zone_and_is_valid() {
    let hosts = [loopback(), loopback(), loopback()];
    let _masters = hosts.map(|host| Master::open_at(host, PORT));
    let site = site(&[hosts[0], hosts[1]], "[zone.dnssec]\nkeys = \"keys\"");
    let key = generate(&site, "lab.example", "keys");
    write_anchors(&site, "lab.example", &key);
    let program = site.start();
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[1]]));
    let owner = "master-1.nodes.example.";
    let moved = format!("update delete {owner} A\nupdate add {owner} 60 A {}", hosts[2]);
    if update(&program, &moved).is_none() {
        return;
    }
    program.wait_for_addresses(API, &sorted([hosts[0], hosts[2]]));
    let Some(mut delv) = tool("delv") else { return };
    let at = format!("@{}", program.listen().ip());
    let port = program.listen().port().to_string();
    delv.current_dir(site.folder()).args([&at, "-p", &port, "-a", "anchors", "+root=lab.example", API, "A"]);
    let told = said(&delv.output().expect("delv runs"));
    assert!(told.contains("fully validated") && told.contains(&hosts[2].to_string()), "{told}");
    program.stop();
}
