//! Hosts of other zones as members of pools, where zones are read.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::zones::{ReadCause, Serving};

const HEAD: &str = "$TTL 60\n@ SOA ns.test. h.test. 1 3600 600 86400 60\n@ NS ns.test.\n";

/// A folder with a cluster whose `api` has members in `nodes.example`, which is behind it in the config file.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(members: &str, nodes: &str) -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(site.path("state")).unwrap();
        site.configure(members, "file = \"nodes.zone\"");
        site.write("cluster.zone", HEAD);
        site.write("nodes.zone", &format!("{HEAD}{nodes}"));
        site
    }

    fn configure(&self, members: &str, nodes: &str) {
        let config = format!(
            "[admin]\nstate-directory = \"state\"\n[[zone]]\nname = \"cluster.example\"\nfile = \"cluster.zone\"\n\
             [[zone.probe]]\nnames = [\"api\"]\ntcp = 443\nmembers = [{members}]\n\
             [[zone]]\nname = \"nodes.example\"\n{nodes}\n"
        );
        self.write("edgedns.toml", &config);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, served: &[LoadedZone]) -> Vec<LoadedZone> {
        let versions = served.iter().filter_map(|zone| zone.version.clone()).collect();
        let purpose = Purpose::Serve(Serving { versions, cause: ReadCause::Operator, ..Serving::default() });
        LoadResult::new(&self.path("edgedns.toml"), &purpose, |_, _| {}).loaded.unwrap().zones
    }

    /// What `edgedns check` says.
    fn check(&self) -> Vec<String> {
        let read = LoadResult::new(&self.path("edgedns.toml"), &Purpose::Check, |_, _| {});
        read.faults()
            .map(|fault| format!("{} {}", fault.severity.word(), read.sources.sentence(fault)))
            .collect()
    }
}

/// The members of `api`.
fn members(zones: &[LoadedZone]) -> Vec<String> {
    let version = zones[0].version.as_ref().unwrap();
    let members = version.pools.iter().flat_map(|pool| {
        pool.groups.iter().flatten().map(|member| format!("{} {}", pool.show(member), pool.ttl.seconds()))
    });
    members.collect()
}

fn faults(zone: &LoadedZone) -> String {
    zone.faults.iter().map(|fault| format!("{} {}\n", fault.severity.word(), fault.message)).collect()
}

#[test]
fn a_zone_is_read_behind_those_of_its_hosts_and_again_when_one_of_these_has_moved() {
    let site = Site::new(
        "\"m0.nodes.example.\", \"m1.nodes.example.\"",
        "m0 A 192.0.2.1\nm1 30 AAAA 2001:db8::1\nm2 A 192.0.2.9\n",
    );
    assert_eq!(site.check(), [""; 0]);
    let first = site.read(&[]);
    assert_eq!(members(&first), ["192.0.2.1 60", "2001:db8::1 30"]);
    assert!(site.read(&first).iter().all(|zone| zone.is_unchanged));
    // Somebody else's address is nobody's business.
    let text = |m0: &str, m2: &str| format!("{HEAD}m0 A {m0}\nm1 30 AAAA 2001:db8::1\nm2 A {m2}\n");
    site.write("nodes.zone", &text("192.0.2.1", "192.0.2.10"));
    let second = site.read(&first);
    assert_eq!((second[0].is_unchanged, second[1].is_unchanged), (true, false));
    site.write("nodes.zone", &text("192.0.2.2", "192.0.2.10"));
    let third = site.read(&second);
    assert_eq!(members(&third), ["192.0.2.2 60", "2001:db8::1 30"]);
    assert!(
        third[1].version.as_ref().unwrap().contents.is_none(),
        "a zone of hosts is forgotten when it is compiled"
    );
    // A name that was not asked for before has its zone read again.
    site.configure("\"m0.nodes.example.\", \"m2.nodes.example.\"", "file = \"nodes.zone\"");
    assert_eq!(members(&site.read(&third)), ["192.0.2.2 60", "192.0.2.10 60"]);
}

#[test]
fn a_check_tells_of_each_host_that_another_zone_does_not_have() {
    let site = Site::new(
        "\"m0.nodes.example.\", \"m9.nodes.example.\", \"alias.nodes.example.\", \"x.sub.nodes.example.\"",
        "m0 A 192.0.2.1\nalias CNAME m0\nsub NS ns.test.\nx.sub A 192.0.2.4\n",
    );
    let told = site.check();
    for (place, why) in [
        ("9:12", None),
        (
            "9:33",
            Some(
                "`m9.nodes.example.`, a member of `api.cluster.example.`, has no address in the zone `nodes.example.`: there is no such name",
            ),
        ),
        ("9:54", Some("it is an alias there")),
        ("9:78", Some("it lies below a delegation or a DNAME there")),
    ] {
        let told: Vec<&String> =
            told.iter().filter(|told| told.contains(&format!("edgedns.toml:{place}:"))).collect();
        match why {
            None => assert!(told.is_empty(), "{told:?}"),
            Some(why) => assert!(
                told.len() == 1 && told[0].starts_with("error ") && told[0].contains(why),
                "{place} {told:?}"
            ),
        }
    }
    site.write("nodes.zone", "nonsense");
    let told = site.check().join("\n");
    assert!(told.contains("has no address in the zone `nodes.example.`: it is not served just now; mend the zone `nodes.example.` first"), "{told}");
    // What a primary will send is not known here.
    site.configure("\"m0.nodes.example.\"", "primary = [\"192.0.2.53\"]");
    assert_eq!(site.check(), [""; 0]);
}

#[test]
fn a_host_that_is_gone_takes_no_pool_with_it_and_a_new_name_that_is_wrong_is_refused() {
    let both = "\"m0.nodes.example.\", \"m1.nodes.example.\"";
    let site = Site::new(both, "m0 A 192.0.2.1\nm1 A 192.0.2.2\n");
    let first = site.read(&[]);
    // Its zone has lost one: the pool keeps what it knows.
    site.write("nodes.zone", &format!("{HEAD}m0 A 192.0.2.1\n"));
    site.write("cluster.zone", &format!("{HEAD}more A 192.0.2.99\n"));
    let second = site.read(&first);
    assert_eq!(members(&second), ["192.0.2.1 60", "192.0.2.2 60"]);
    assert!(
        faults(&second[0]).starts_with("warning `m1.nodes.example.`, a member of"),
        "{}",
        faults(&second[0])
    );
    // After a restart nobody knows it any more, and the others are served.
    let restarted = site.read(&[]);
    assert_eq!(members(&restarted), ["192.0.2.1 60"]);
    assert!(restarted[0].error.is_none() && faults(&restarted[0]).starts_with("warning "));
    // What an operator writes anew must be there.
    site.configure("\"m0.nodes.example.\", \"m7.nodes.example.\"", "file = \"nodes.zone\"");
    let refused = site.read(&second);
    assert!(refused[0].error.as_ref().unwrap().contains("`m7.nodes.example.`"), "{:?}", refused[0].error);
    assert!(refused[0].brings().is_none());
    // A faulty zone of hosts stays as it was, and so do pools.
    site.configure(both, "file = \"nodes.zone\"");
    site.write("nodes.zone", "nonsense");
    let third = site.read(&second);
    assert!(third[0].is_unchanged && third[1].error.is_some());
}

#[test]
fn a_start_without_the_zone_of_the_hosts_serves_the_others() {
    let site = Site::new("\"m0.nodes.example.\"", "");
    site.configure("\"m0.nodes.example.\"", "primary = [\"192.0.2.53\"]");
    site.write("cluster.zone", &format!("{HEAD}www A 192.0.2.80\napi TXT x\n"));
    let zones = site.read(&[]);
    assert!(zones[0].error.is_none(), "{:?}", zones[0].error);
    assert!(members(&zones).is_empty());
    assert!(faults(&zones[0]).contains("it is not served just now"), "{}", faults(&zones[0]));
    let again = site.read(&zones);
    assert!(Arc::ptr_eq(again[0].version.as_ref().unwrap(), zones[0].version.as_ref().unwrap()));
}

#[test]
fn zones_with_hosts_of_others_are_read_by_several_threads_behind_these() {
    let site = Site::new("\"m0.nodes.example.\"", "m0 A 192.0.2.1\n");
    let zone = |name: &str, host: &str| {
        format!(
            "[[zone]]\nname = \"{name}\"\nfile = \"large.zone\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 443\nmembers = [\"{host}\"]\n"
        )
    };
    // The last one has a host of one that has a host of another one.
    let zones = [("a.test", "m0.nodes.example."), ("b.test", "m0.nodes.example."), ("0.test", "www.a.test.")];
    let more: String = zones.into_iter().map(|(name, host)| zone(name, host)).collect();
    let config = fs::read_to_string(site.path("edgedns.toml")).unwrap();
    site.write("edgedns.toml", &format!("{config}{more}"));
    // Enough for several threads.
    let text: String = (0..20_000).map(|host| format!("h{host} A 192.0.2.9\n")).collect();
    site.write("large.zone", &format!("{HEAD}www A 192.0.2.80\n{text}"));
    let purpose = Purpose::Serve(Serving { cause: ReadCause::Start, ..Serving::default() });
    let read = LoadResult::by(2, &site.path("edgedns.toml"), &purpose, |_, _| {}).loaded.unwrap().zones;
    let named: Vec<String> = read.iter().map(|zone| zone.id.to_string()).collect();
    assert_eq!(named, ["cluster.example.", "nodes.example.", "a.test.", "b.test.", "0.test."]);
    for (place, address) in [(2, "192.0.2.1 60"), (3, "192.0.2.1 60"), (4, "192.0.2.80 60")] {
        assert_eq!(members(&read[place..]), [address], "{place}: {}", faults(&read[place]));
    }
}
