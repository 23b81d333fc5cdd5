//! What is said of servers that lack one thing each.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::*;
use crate::dns::response::Record;

/// A server that knows these records, by owner and type, and denies what is below its zones.
#[derive(Clone, Default)]
struct Server {
    records: BTreeMap<(String, Rtype), Vec<Record>>,
    answers: BTreeMap<(String, Rtype), Told>,
}

impl Server {
    /// A cluster of two masters that lacks nothing.
    fn sound() -> Server {
        let mut server = Server::default();
        for (master, address) in [("master-0", "192.0.2.13"), ("master-1", "192.0.2.14")] {
            for name in ["api", "api-int", "*.apps", master] {
                server.address(&format!("{name}.ocp4.example.com"), address);
            }
            let reverse = reverse_name(address.parse().unwrap()).unwrap().to_string();
            server.name(&reverse, Rtype::PTR, &format!("{master}.ocp4.example.com"));
        }
        server
    }

    fn address(&mut self, owner: &str, address: &str) {
        let (rtype, rdata) = match address.parse::<IpAddr>().unwrap() {
            IpAddr::V4(address) => (Rtype::A, address.octets().to_vec()),
            IpAddr::V6(address) => (Rtype::AAAA, address.octets().to_vec()),
        };
        self.add(owner, rtype, rdata);
    }

    fn name(&mut self, owner: &str, rtype: Rtype, target: &str) {
        let target: Name = target.parse().unwrap();
        let before: &[u8] = if rtype == Rtype::SRV { &[0; 6] } else { &[] };
        self.add(owner, rtype, [before, target.as_ref().wire()].concat());
    }

    fn add(&mut self, owner: &str, rtype: Rtype, rdata: Vec<u8>) {
        let owner: Name = owner.parse().unwrap();
        let record = Record { owner: owner.clone(), rtype, class: 1, ttl: 10, rdata };
        self.records.entry((owner.to_string(), rtype)).or_default().push(record);
    }

    fn remove(&mut self, owner: &str) {
        let owner = owner.parse::<Name>().unwrap().to_string();
        self.records.retain(|(name, _), _| *name != owner);
    }

    /// Whether a name has records, or has one below it that has.
    fn exists(&self, name: &str) -> bool {
        self.records.keys().any(|(owner, _)| owner == name || owner.ends_with(&format!(".{name}")))
    }
}

impl Lookup for Server {
    fn look_up(&mut self, name: &Name, rtype: Rtype) -> Told {
        let name = name.to_string();
        if let Some(told) = self.answers.get(&(name.clone(), rtype)) {
            return told.clone();
        }
        let above = name.split_once('.').map(|(_, above)| above.to_owned()).unwrap_or_default();
        let owner = if self.exists(&name) { name } else { format!("*.{above}") };
        match self.records.get(&(owner.clone(), rtype)) {
            Some(records) => Told::Records(records.clone()),
            None if self.exists(&owner) => Told::NoData,
            None => Told::NxDomain,
        }
    }
}

static NODES: LazyLock<[Node; 2]> =
    LazyLock::new(|| ["master-0=192.0.2.13", "master-1=192.0.2.14"].map(|text| text.parse().unwrap()));

/// What is wrong, as `subject: message`.
fn troubles<'n>(server: &Server, change: impl FnOnce(&mut Needs<'n>)) -> Vec<String> {
    let mut needs: Needs<'n> = Needs {
        domain: "ocp4.example.com".to_owned(),
        nodes: &*NODES,
        bootstrap: None,
        hosts: &[],
        searched: &[],
    };
    change(&mut needs);
    let found = judge(&needs, &mut server.clone());
    let wrong = found.iter().filter(|finding| finding.grade != Grade::Fine);
    for finding in wrong.clone() {
        assert!(!finding.help.is_empty(), "nothing to do: {finding:?}");
    }
    wrong
        .map(|finding| format!("{} {}: {}", finding.grade.word(), finding.subject, finding.message))
        .collect()
}

/// The one thing that is wrong.
fn trouble(server: &Server) -> String {
    let mut all = troubles(server, |_| {});
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn a_sound_cluster_lacks_nothing() {
    assert_eq!(troubles(&Server::sound(), |_| {}), [""; 0]);
    assert_eq!(troubles(&Server::sound(), |needs| needs.nodes = &[]), [""; 0]);
}

#[test]
fn each_name_that_is_missing_is_told_of() {
    for (name, told) in [
        (
            "api-int.ocp4.example.com",
            "error api-int: `api-int.ocp4.example.com` has no address: there is no such name (NXDOMAIN)",
        ),
        (
            "*.apps.ocp4.example.com",
            "error apps: `*.apps.ocp4.example.com` has no address: there is no such name (NXDOMAIN)",
        ),
        ("14.2.0.192.in-addr.arpa", "error nodes: 192.0.2.14 has no name: there is no such name (NXDOMAIN)"),
    ] {
        let mut server = Server::sound();
        server.remove(name);
        assert_eq!(trouble(&server), told);
    }
    let mut server = Server::sound();
    server.remove("master-1.ocp4.example.com");
    let all = troubles(&server, |_| {});
    assert_eq!(
        all,
        [
            "error nodes: `master-1.ocp4.example.com` does not have 192.0.2.14",
            "error nodes: 192.0.2.14 is called `master-1.ocp4.example.com`, which leads elsewhere"
        ]
    );
}

#[test]
fn routes_without_a_wildcard_are_not_enough() {
    let mut server = Server::sound();
    server.remove("*.apps.ocp4.example.com");
    for route in ROUTES {
        server.address(&format!("{route}.ocp4.example.com"), "192.0.2.13");
    }
    assert!(
        trouble(&server).contains("1 of 5 names below `*.apps.ocp4.example.com`"),
        "{}",
        trouble(&server)
    );
}

#[test]
fn a_type_that_is_denied_with_the_name_is_told_of() {
    let mut server = Server::sound();
    server.answers.insert(("api.ocp4.example.com.".to_owned(), Rtype::AAAA), Told::NxDomain);
    assert!(
        trouble(&server).starts_with("error api: `api.ocp4.example.com` has addresses, but of AAAA"),
        "{}",
        trouble(&server)
    );
}

#[test]
fn a_name_of_an_address_is_the_nodes_own() {
    let reverse = "13.2.0.192.in-addr.arpa";
    let renamed = |name: &str| {
        let mut server = Server::sound();
        server.remove(reverse);
        server.name(reverse, Rtype::PTR, name);
        trouble(&server)
    };
    assert_eq!(
        renamed("other.example.com"),
        "error nodes: 192.0.2.13 is called `other.example.com`, not `master-0.ocp4.example.com`"
    );
    let mut server = Server::sound();
    server.name(reverse, Rtype::PTR, "api.ocp4.example.com");
    assert!(trouble(&server).starts_with("warning nodes: 192.0.2.13 has 2 names"));
    server.remove(reverse);
    server.name(reverse, Rtype::PTR, "api.ocp4.example.com");
    let nameless = ["192.0.2.13".parse::<Node>().unwrap()];
    let all = troubles(&server, |needs| needs.nodes = &nameless);
    assert_eq!(all, ["error nodes: 192.0.2.13 is called api.ocp4.example.com, which is a service"]);
}

#[test]
fn who_installs_is_an_api_server_meanwhile() {
    let bootstrap: Node = "bootstrap=192.0.2.12".parse().unwrap();
    let mut server = Server::sound();
    server.address("bootstrap.ocp4.example.com", "192.0.2.12");
    server.name("12.2.0.192.in-addr.arpa", Rtype::PTR, "bootstrap.ocp4.example.com");
    let all = troubles(&server, |needs| needs.bootstrap = Some(&bootstrap));
    assert!(all.len() == 1 && all[0].contains("does not have 192.0.2.12, which serves it"), "{all:?}");
    server.address("api.ocp4.example.com", "192.0.2.12");
    assert_eq!(troubles(&server, |needs| needs.bootstrap = Some(&bootstrap)), [""; 0]);
}

#[test]
fn services_of_etcd_lead_somewhere_where_they_are_there() {
    let mut server = Server::sound();
    server.name("_etcd-server-ssl._tcp.ocp4.example.com", Rtype::SRV, "etcd-0.ocp4.example.com");
    assert!(trouble(&server).contains("leads to etcd-0.ocp4.example.com., which has no address"));
    server.address("etcd-0.ocp4.example.com", "192.0.2.13");
    assert_eq!(troubles(&server, |_| {}), [""; 0]);
}

#[test]
fn wildcards_that_swallow_names_are_told_of() {
    let mut server = Server::sound();
    server.address("*.ocp4.example.com", "192.0.2.99");
    assert_eq!(
        trouble(&server),
        "error wildcards: every name in `ocp4.example.com` is answered, with 192.0.2.99"
    );
    let mut server = Server::sound();
    server.address("*.example.com", "192.0.2.99");
    assert_eq!(
        trouble(&server),
        "warning wildcards: every name in `example.com` is answered, with 192.0.2.99"
    );
    let mut server = Server::sound();
    server.address("api.ocp4.example.com.lab.example", "192.0.2.99");
    let searched = ["lab.example".parse::<Name>().unwrap()];
    let all = troubles(&server, |needs| needs.searched = &searched);
    assert!(
        all.len() == 1 && all[0].starts_with("error search: this host searches `lab.example.`"),
        "{all:?}"
    );
}

#[test]
fn a_hosts_file_that_shadows_names_is_told_of() {
    let entry = |line, address: &str, name: &str| HostsEntry {
        line,
        address: address.parse().unwrap(),
        names: vec![name.to_owned()],
    };
    let hosts = [
        entry(3, "192.0.2.13", "api.ocp4.example.com"),
        entry(4, "192.0.2.99", "oauth-openshift.apps.ocp4.example.com"),
        entry(5, "192.0.2.99", "elsewhere.example.com"),
    ];
    let all = troubles(&Server::sound(), |needs| needs.hosts = &hosts);
    assert_eq!(
        all,
        [
            "warning hosts: line 3 of /etc/hosts has `api.ocp4.example.com` at 192.0.2.13: one of those that DNS says, and stays when that changes",
            "error hosts: line 4 of /etc/hosts has `oauth-openshift.apps.ocp4.example.com` at 192.0.2.99: not what DNS says"
        ]
    );
}

#[test]
fn addresses_that_follow_probes_are_not_kept_for_long() {
    let mut server = Server::sound();
    for records in server.records.values_mut() {
        records.iter_mut().for_each(|record| record.ttl = 3600);
    }
    assert_eq!(
        trouble(&server),
        "warning api: `api.ocp4.example.com` may be kept for 3600 s, and has several addresses"
    );
}
