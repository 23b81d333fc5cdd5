//! Plain RRsets that the configuration guards.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::probe::{Port, ProbeKind, Tcp};

impl Lab {
    /// A probe of a port.
    pub(super) fn template(&self, port: u16) -> GuardTemplate {
        GuardTemplate::each_second(Test::Same(ProbeKind::Tcp(Tcp { port: Port::new(port).unwrap() })))
    }

    /// Guards an owner, as a `[[zone.probe]]` of the configuration does.
    pub(super) fn guard(mut self, owner: &str, port: u16, all_down: AllDown) -> Self {
        // `"api"` in the second line of the configuration.
        let span = Span { start: 26, end: 31, ..self.named };
        let template = self.template(port);
        self.builder.guard(Guarding {
            owner: name(owner.as_bytes()),
            origin: span.into(),
            hosts: Vec::new(),
            guards: vec![template],
            choice: PoolSettings { all_down, ..PoolSettings::default() },
            records: Expected::Now,
        });
        self
    }
}

pub(super) const ALL: AllDown = AllDown::Select(Selector::All);

/// The members of a zone's pools: owner, type, address, probes.
fn members(zone: &Zone) -> Vec<String> {
    let member = |pool: &Pool, member: &Member| {
        let probes: Vec<String> = member.guards.iter().map(|guard| guard.probe.to_string()).collect();
        format!("{} {} {}: {}", pool.owner, pool.rtype, pool.show(member), probes.join(" "))
    };
    zone.pools().iter().flat_map(|pool| pool.groups.iter().flatten().map(|one| member(pool, one))).collect()
}

#[test]
fn both_address_rrsets_of_an_owner_become_pools() {
    let text = sound!("api 10 A 192.0.2.1" "api 10 A 192.0.2.2" "api 20 AAAA 2001:db8::1" "api 60 TXT x");
    let (zone, said) = Lab::new(text).guard("api", 6443, ALL).finish();
    assert_eq!(said, [""; 0]);
    let zone = zone.unwrap();
    assert_eq!(
        members(&zone),
        [
            "api.example. A 192.0.2.1: 192.0.2.1:6443",
            "api.example. A 192.0.2.2: 192.0.2.2:6443",
            "api.example. AAAA 2001:db8::1: [2001:db8::1]:6443",
        ]
    );
    assert_eq!(zone.pools().iter().map(|pool| pool.ttl.seconds()).collect::<Vec<_>>(), [10, 20]);
    let node = zone.node(zone.find(name(b"api").as_ref()).unwrap());
    assert_eq!(node.rrsets().map(Rrset::rtype).collect::<Vec<_>>(), [Rtype::TXT]);
    assert_eq!(node.types().collect::<Vec<_>>(), [Rtype::A, Rtype::TXT, Rtype::AAAA]);
    // The zone file stays what it is.
    assert_eq!((zone.record_count(), zone.records().count()), (7, 7));
}

#[test]
fn each_pool_is_found_from_its_node() {
    let text = sound!("c 10 A 192.0.2.3" "a 10 A 192.0.2.1" "b 10 A 192.0.2.2" "lua 60 TXT x");
    let lab = Lab::new(text).lua("lua", "lua");
    let (zone, said) = lab.guard("b", 1, ALL).guard("c", 1, ALL).guard("a", 1, ALL).finish();
    assert_eq!(said, [""; 0]);
    let zone = zone.unwrap();
    for owner in ["a", "b", "c", "lua"] {
        let node = zone.node(zone.find(name(owner.as_bytes()).as_ref()).unwrap());
        let owners: Vec<_> = node.pools().map(|id| &zone.pools()[id.index()].owner).collect();
        assert_eq!(owners, [&name(owner.as_bytes())]);
        assert_eq!(node.pools_of(Rtype::AAAA).count(), 0);
    }
}

#[test]
fn probes_of_an_address_that_no_host_has_are_warned_of_once() {
    for (text, address, why) in [
        (sound!("api 10 A 0.0.0.0"), "0.0.0.0", "it means any address"),
        (sound!("api 10 A 192.0.2.1" "api 10 A 224.0.0.1"), "224.0.0.1", "it is a multicast group"),
        (sound!("api 10 A 255.255.255.255"), "255.255.255.255", "it is the broadcast address"),
        (sound!("api 10 AAAA ff02::1"), "ff02::1", "it is a multicast group"),
    ] {
        let (zone, said) = Lab::new(text).guard("api", 6443, ALL).guard("api", 22623, ALL).finish();
        assert!(zone.is_some());
        let warning =
            format!("{address}, which is probed for `api.example.`, is not the address of a host: {why}");
        assert!(
            matches!(&said[..], [one] if one.starts_with("warning ") && one.contains(&warning)),
            "{said:?}"
        );
    }
    // What is only answered is somebody else's affair.
    assert_eq!(Lab::new(sound!("any 10 A 0.0.0.0")).said(), [""; 0]);
}

#[test]
fn api_servers_that_clients_leave_late_are_warned_of() {
    // A probe each second takes a second at most: 28 seconds are left for resolvers.
    assert_eq!(Lab::new(sound!("api 28 A 192.0.2.1")).guard("api", 6443, ALL).finish().1, [""; 0]);
    let text = sound!("api 29 A 192.0.2.1" "api 29 AAAA 2001:db8::1" "routes 180 A 192.0.2.1");
    let lab = Lab::new(text).guard("api", 6443, ALL).guard("api", 22623, ALL).guard("routes", 443, ALL);
    assert_eq!(
        lab.finish().1,
        [
            "warning lab.zone:4:1: `api.example.` leads to an API server up to 31s after it has failed; its probes say so \
          within 2s, and resolvers keep answers for 29s; OpenShift wants an API server whose /readyz fails out of a load \
          balancer within 30 s; give it a TTL of at most 28 s"
        ]
    );
}

#[test]
fn guards_of_one_owner_add_up() {
    let lab = Lab::new(sound!("api 10 A 192.0.2.1")).guard("api", 6443, ALL).guard("api", 22623, ALL);
    let (zone, said) = lab.finish();
    assert_eq!(said, [""; 0]);
    assert_eq!(members(&zone.unwrap()), ["api.example. A 192.0.2.1: 192.0.2.1:6443 192.0.2.1:22623"]);
}

#[test]
fn guards_of_one_owner_make_the_same_choices() {
    let lab = Lab::new(sound!("api 10 A 192.0.2.1")).guard("api", 1, ALL).guard("api", 2, AllDown::ServFail);
    let (zone, said) = lab.finish();
    assert!(zone.is_none());
    assert_eq!(
        said,
        [
            "error edgedns.toml:2:10: `api.example.` is guarded twice, with different choices; give both the same \
          `all-down`, `selector` and so on, or put all probes in one [[zone.probe]]"
        ]
    );
}

#[test]
fn a_name_that_does_not_exist_cannot_be_guarded() {
    let drawn = Lab::new(sound!()).guard("api", 1, ALL).drawn();
    let expected = "\
error: `api.example.` does not exist in the zone file
 --> edgedns.toml:2:10
  |
2 | names = [\"api\"]
  |          ^^^^^ nothing to guard
  |
  = help: names are relative to the zone; `@` is the zone itself, `*.apps` a wildcard as it is written";
    assert_eq!(drawn, expected);
}

#[test]
fn only_addresses_can_be_guarded() {
    let said = Lab::new(sound!("api 60 TXT x")).guard("api", 1, ALL).said();
    assert_eq!(said, ["error edgedns.toml:2:10: `api.example.` has no A or AAAA record to guard"]);
    let drawn = Lab::new(sound!("api 60 CNAME ns")).guard("api", 1, ALL).drawn();
    assert!(drawn.contains("has no A or AAAA record to guard"), "{drawn}");
    assert!(drawn.contains("--- it is a CNAME: guard the name it leads to"), "{drawn}");
    // An empty non-terminal exists, too.
    let said = Lab::new(sound!("x.api 60 A 192.0.2.1")).guard("api", 1, ALL).said();
    assert_eq!(said, ["error edgedns.toml:2:10: `api.example.` has no A or AAAA record to guard"]);
}

#[test]
fn a_lua_record_brings_its_own_probes() {
    let said = Lab::new(sound!("api 60 TXT x")).lua("api", "api").guard("api", 1, ALL).said();
    assert_eq!(
        said,
        ["error edgedns.toml:2:10: `api.example.` is a LUA record: it brings its own probes; \
          write plain records in the zone file, or leave the name out here"]
    );
}

#[test]
fn a_wildcard_is_guarded_by_its_own_name() {
    let (zone, said) = Lab::new(sound!("*.apps 10 A 192.0.2.1")).guard("*.apps", 443, ALL).finish();
    assert_eq!(said, [""; 0]);
    let zone = zone.unwrap();
    assert_eq!(
        zone.pools()[0].groups[0],
        [Member { guards: zone.pools()[0].groups[0][0].guards.clone(), ..Member::new([192, 0, 2, 1]) }]
    );
    assert_eq!(zone.pools()[0].owner, name(b"*.apps"));
}

#[test]
fn a_link_local_target_is_warned_of() {
    let text = sound!("api 10 AAAA 2001:db8::1" "api 10 AAAA fe80::1" "plain 10 AAAA fe80::2");
    let (zone, said) = Lab::new(text).guard("api", 6443, ALL).finish();
    assert!(zone.is_some());
    let [one] = &said[..] else { panic!("{said:?}") };
    assert!(one.contains("`fe80::1` of `api.example.` cannot be probed: it is link-local"), "{one}");
}

#[test]
fn names_beside_a_guarded_wildcard_with_its_addresses_are_told_of() {
    let text = sound!(
        "*.apps 10 A 192.0.2.1" "*.apps 10 A 192.0.2.2" "*.apps 10 AAAA 2001:db8::1" "oauth.apps 10 A 192.0.2.2"
        "oauth.apps 10 A 192.0.2.1" "oauth.apps 10 AAAA 2001:db8::1" "a.console.apps 10 A 192.0.2.1"
        "a.console.apps 10 A 192.0.2.2" "pinned.apps 10 A 192.0.2.1" "other.apps 10 A 192.0.2.1"
        "other.apps 10 A 192.0.2.3" "www 10 A 192.0.2.1" "www 10 A 192.0.2.2"
    );
    assert_eq!(
        Lab::new(text).guard("*.apps", 443, ALL).said(),
        [
            "warning edgedns.toml:2:10: `*.apps.example.` is guarded, and names beside it with the same addresses not; \
             what is written out is not made by the wildcard (RFC 4592, section 2.2.1): it is answered whatever is up; \
             add \"oauth.apps\", \"a.console.apps\" to `names`, or remove their records"
        ]
    );
    let all = Lab::new(text).guard("*.apps", 443, ALL).guard("oauth.apps", 443, ALL).guard(
        "a.console.apps",
        443,
        ALL,
    );
    assert_eq!(all.said(), [""; 0]);
    assert_eq!(Lab::new(text).said(), [""; 0]);
    // A single node: its only address is all of them.
    let single = sound!("*.apps 10 A 192.0.2.1" "oauth.apps 10 A 192.0.2.1");
    assert_eq!(Lab::new(single).guard("*.apps", 443, ALL).said().len(), 1);
}

#[test]
fn a_probe_of_a_target_goes_to_all_its_addresses_whatever_was_guarded_first() {
    let text = sound!("_x._tcp 10 SRV 0 0 1 a" "a 10 A 192.0.2.1" "a 10 A 192.0.2.2");
    let target = |lab: Lab| {
        let span = lab.named;
        let mut lab = lab;
        lab.builder.guard(Guarding {
            owner: name(b"_x._tcp"),
            origin: span.into(),
            hosts: Vec::new(),
            guards: vec![GuardTemplate::each_second(Test::TargetPort)],
            choice: PoolSettings::default(),
            records: Expected::Now,
        });
        lab
    };
    for lab in [target(Lab::new(text)).guard("a", 2, ALL), target(Lab::new(text).guard("a", 2, ALL))] {
        let members = members(&lab.finish().0.unwrap());
        assert!(members.iter().any(|one| one.ends_with(": 192.0.2.1:1 192.0.2.2:1")), "{members:?}");
    }
}

impl Lab {
    /// Guards an owner, with this choice besides.
    fn choose(mut self, owner: &str, choice: PoolSettings) -> Self {
        let mut guarding = Guarding {
            owner: name(owner.as_bytes()),
            origin: self.named.into(),
            hosts: Vec::new(),
            guards: Vec::new(),
            choice,
            records: Expected::Now,
        };
        guarding.guards.push(self.template(443));
        self.builder.guard(guarding);
        self
    }
}

#[test]
fn the_addresses_of_a_machine_are_guarded_together() {
    let text = sound!(
        "api 10 A 192.0.2.1" "api 10 A 192.0.2.2" "api 10 AAAA 2001:db8::1" "api 10 AAAA 2001:db8::2"
    );
    let by_place = PoolSettings { machines: Machines::ByPlace, ..PoolSettings::default() };
    let (zone, said) = Lab::new(text).choose("api", by_place.clone()).finish();
    assert_eq!(said, [""; 0]);
    let zone = zone.unwrap();
    let both = ["192.0.2.1:443 [2001:db8::1]:443", "192.0.2.2:443 [2001:db8::2]:443"];
    assert_eq!(
        members(&zone),
        [
            format!("api.example. A 192.0.2.1: {}", both[0]),
            format!("api.example. A 192.0.2.2: {}", both[1]),
            format!("api.example. AAAA 2001:db8::1: {}", both[0]),
            format!("api.example. AAAA 2001:db8::2: {}", both[1]),
        ]
    );
    let passes =
        zone.pools().iter().flat_map(|pool| pool.groups.iter().flatten()).map(|member| member.passes);
    assert!(passes.into_iter().all(|passes| passes == Passes::AtAllAddresses));

    let crossed = vec![vec!["192.0.2.1".parse().unwrap(), "2001:db8::2".parse().unwrap()]];
    let listed = PoolSettings { machines: Machines::Listed(crossed), ..PoolSettings::default() };
    let zone = Lab::new(text).choose("api", listed).finish().0.unwrap();
    assert_eq!(
        members(&zone),
        [
            "api.example. A 192.0.2.1: 192.0.2.1:443 [2001:db8::2]:443",
            "api.example. A 192.0.2.2: 192.0.2.2:443",
            "api.example. AAAA 2001:db8::1: [2001:db8::1]:443",
            "api.example. AAAA 2001:db8::2: 192.0.2.1:443 [2001:db8::2]:443",
        ]
    );

    let uneven = sound!("api 10 A 192.0.2.1" "api 10 A 192.0.2.2" "api 10 AAAA 2001:db8::1");
    let said = Lab::new(uneven).choose("api", by_place.clone()).said().join("\n");
    assert!(
        said.contains("has 2 A and 1 AAAA members: which of them are one machine's is not known"),
        "{said}"
    );
    let said = Lab::new(sound!("api 10 A 192.0.2.1")).choose("api", by_place).said().join("\n");
    assert!(said.starts_with("warning ") && said.contains("`machine` means nothing"), "{said}");
}

#[test]
fn hosts_are_members_by_their_names_and_machines_with_all_their_addresses() {
    let text = sound!(
        "m0 10 A 192.0.2.1" "m0 10 AAAA 2001:db8::1" "m1 20 A 192.0.2.2" "m2 10 A 192.0.2.3" "api 10 A 192.0.2.3"
        "alias 10 CNAME m0"
    );
    let hosts = |names: &[&str], lab: &Lab| -> Vec<HostName> {
        names
            .iter()
            .map(|one| HostName { name: name(one.as_bytes()), origin: lab.named.into(), elsewhere: None })
            .collect()
    };
    let guarded = |names: &[&str], choice: PoolSettings| {
        let mut lab = Lab::new(text);
        let hosts = hosts(names, &lab);
        let template = lab.template(443);
        lab.builder.guard(Guarding {
            owner: name(b"api"),
            origin: lab.named.into(),
            hosts,
            guards: vec![template],
            choice,
            records: Expected::Now,
        });
        lab
    };
    let by_place = PoolSettings { machines: Machines::ByPlace, ..PoolSettings::default() };
    let (zone, said) = guarded(&["m0", "m1"], by_place).finish();
    assert_eq!(said, [""; 0]);
    assert_eq!(
        members(&zone.unwrap()),
        [
            "api.example. A 192.0.2.3: 192.0.2.3:443",
            "api.example. A 192.0.2.1: 192.0.2.1:443 [2001:db8::1]:443",
            "api.example. A 192.0.2.2: 192.0.2.2:443",
            "api.example. AAAA 2001:db8::1: 192.0.2.1:443 [2001:db8::1]:443",
        ]
    );
    for (names, fault) in [
        (["m0", "m9"], "`m9.example.`, a member of `api.example.`, has no address"),
        (["m0", "alias"], "`alias.example.`, a member of `api.example.`, has no address"),
        (["m0", "api"], "`api.example.`, a member of `api.example.`, has members by name itself"),
    ] {
        let said = guarded(&names, PoolSettings::default()).said().join("\n");
        assert!(said.contains(fault), "{said}");
    }
}

#[test]
fn members_by_name_cost_what_they_are_in_a_large_zone() {
    let mut lab = Lab::new(sound!());
    let ttl = Ttl::from_seconds(60).unwrap();
    let owner = |label: String| name(label.as_bytes());
    for number in 0..20_000_u16 {
        let [high, low] = number.to_be_bytes();
        let added = lab.builder.add(
            owner(format!("h{number}")).as_ref(),
            Rtype::A,
            ttl,
            &[10, 0, high, low],
            lab.named,
        );
        added.unwrap();
    }
    for number in 0..1_000_u16 {
        let hosts = [0, 1, 2].map(|more| owner(format!("h{}", number * 3 + more)));
        lab.builder.guard(Guarding {
            owner: owner(format!("pool{number}")),
            origin: lab.named.into(),
            hosts: hosts.map(|name| HostName { name, origin: lab.named.into(), elsewhere: None }).to_vec(),
            guards: vec![lab.template(443)],
            choice: PoolSettings::default(),
            records: Expected::Now,
        });
    }
    let begun = std::time::Instant::now();
    let zone = lab.finish().0.unwrap();
    assert_eq!((zone.pools().len(), members(&zone).len()), (1_000, 3_000));
    // Were all records looked at for each member, it would be a hundred million of them.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_machine_of_more_addresses_than_are_probed_for_one_answer_is_refused() {
    let records: Vec<String> = (0..65).map(|last| format!("api 10 A 192.0.2.{last}")).collect();
    let addresses: Vec<IpAddr> = (0..65).map(|last| IpAddr::from([192, 0, 2, last])).collect();
    let said = |count: usize| {
        let machines = Machines::Listed(vec![addresses[..count].to_vec()]);
        let choice = PoolSettings { machines, ..PoolSettings::default() };
        let text = format!("{}{}\n", sound!(), records.join("\n"));
        Lab::new(text.leak()).choose("api", choice).said().join("\n")
    };
    assert_eq!(said(64), "");
    let fault = "the machine of 192.0.2.0, of `api.example.`, has more than 64 addresses";
    assert!(said(65).contains(fault), "{}", said(65));
}

#[test]
fn an_address_is_answered_while_another_one_passes() {
    let probed_at = vec![("198.51.100.3".parse().unwrap(), "192.0.2.13".parse().unwrap())];
    let choice = PoolSettings { probed_at, ..PoolSettings::default() };
    let zone =
        Lab::new(sound!("api 10 A 198.51.100.3" "api 10 A 192.0.2.2")).choose("api", choice.clone()).finish();
    assert_eq!(
        members(&zone.0.unwrap()),
        ["api.example. A 198.51.100.3: 192.0.2.13:443", "api.example. A 192.0.2.2: 192.0.2.2:443"]
    );
    let said = Lab::new(sound!("api 10 A 192.0.2.2")).choose("api", choice).said().join("\n");
    assert!(said.contains("has no address 198.51.100.3: where it is probed means nothing"), "{said}");
}
