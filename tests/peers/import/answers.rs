//! After an import the same names resolve: PowerDNS and pdns-recursor answer from a node's files, edgedns
//! from what it imported.
//!
//! Every name of the node's zones is compared, names below wildcards, and names that do not exist: rcode,
//! records and TTLs. Forwarded names are not.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData, RecordType};

use super::servers::{Server, installed};
use harness::master::Master;
use harness::node::Node;
use harness::program::{Program, Site};
use harness::stub::{plain_query, send};
use harness::{free_port, loopback, loopback_network};

/// Types that are asked for every name. The zones have A, NS, SOA and LUA records.
const TYPES: [RecordType; 6] =
    [RecordType::A, RecordType::AAAA, RecordType::NS, RecordType::SOA, RecordType::TXT, RecordType::MX];

/// Ports that the seeds' LUA records probe.
const PROBED: [u16; 4] = [443, 5443, 6443, 8443];

/// The masters of the seeds, by the last number of their addresses.
const MASTERS: [u8; 3] = [13, 14, 15];

/// A node whose files name addresses that no other test uses.
struct ImportedNode {
    files: Node,
    /// The first three numbers of every address in the zones.
    prefix: [u8; 3],
    pdns: SocketAddr,
    zones: &'static [(&'static str, &'static str)],
}

/// One answer, in an order that does not depend on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: String,
    /// Owner, type, TTL and data of the answer section.
    pub(crate) records: BTreeSet<(String, String, u32, String)>,
    /// The same of the SOA record in the authority section.
    negative: Option<(String, u32)>,
}

impl ImportedNode {
    /// A seed: its mistakes mended, its addresses replaced.
    fn new(seed: &str, zones: &'static [(&'static str, &'static str)]) -> ImportedNode {
        let node = Node::seed(seed);
        let prefix = loopback_network();
        let pdns = free_port(loopback());
        node.replace_everywhere("IN    A    LUA    A", "IN    LUA    A");
        node.replace_everywhere("127.0.1.", &format!("{}.{}.{}.", prefix[0], prefix[1], prefix[2]));
        let conf = "etc/pdns/pdns.conf";
        let text = node.read(conf);
        let keep = |line: &&str| !line.starts_with("local-");
        let rest: Vec<&str> = text.lines().filter(keep).collect();
        let rest = rest.join("\n");
        // Checks once a second, so that the comparison begins soon.
        let own = format!("local-address={pdns}\nlua-health-checks-interval=1\n");
        node.write(conf, &format!("{rest}\n{own}"));
        // PowerDNS follows paths from the root: those of a copy have to be those of the copy.
        node.replace_everywhere("/etc/pdns/", &format!("{}/", node.path("etc/pdns").display()));
        ImportedNode { files: node, prefix, pdns, zones }
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, last)
    }

    /// Every master's ports, closed.
    fn masters(&self) -> Vec<Master> {
        let places = MASTERS.into_iter().flat_map(|last| PROBED.map(|port| (last, port)));
        places.map(|(last, port)| Master::closed_at(self.address(last), port)).collect()
    }

    /// edgedns with what was imported, on an address of its own, its forwards left out.
    fn imported(&self) -> (Site, Program) {
        let site = Site::new();
        let result = self.files.import_pdns(site.folder(), &[]);
        let own_zones = result.config.split("\n[[forward]]").next().unwrap_or_default();
        let is_listen = |line: &&str| !line.starts_with("listen = ");
        let rest: Vec<&str> = own_zones.lines().filter(is_listen).collect();
        let listen = format!("[server]\nlisten = [\"{}\"]", site.listen());
        assert!(own_zones.contains("[[zone]]"), "{}\n{}", result.report, result.faults);
        site.write("edgedns.toml", &rest.join("\n").replace("[server]", &listen));
        let program = site.start();
        (site, program)
    }

    /// Every name of the zones; below each wildcard one, and one that does not exist.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (apex, file) in self.zones {
            let text = self.files.read(&format!("etc/pdns/{file}"));
            let owners = text.lines().filter(|line| !line.starts_with([' ', '\t', ';', '$', '@']));
            for owner in owners.filter_map(|line| line.split_whitespace().next()) {
                names.push(format!("{owner}.{apex}.").replace('*', "console"));
                names.push(format!("{owner}.{apex}.").replace('*', "a.b"));
            }
            names.extend(
                ["", "nothing.", "nothing.helper.", "apps.", "*.apps."].map(|host| format!("{host}{apex}.")),
            );
        }
        names.sort();
        names.dedup();
        names
    }

    /// Names with LUA records, of which PowerDNS has to hear first before it probes.
    fn pool_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (apex, file) in self.zones {
            let text = self.files.read(&format!("etc/pdns/{file}"));
            let lines = text.lines().filter(|line| !line.starts_with(';') && line.contains("LUA"));
            for owner in lines.filter_map(|line| line.split_whitespace().next()) {
                let owner = owner.replace('*', "console");
                names.push(if owner == "@" { format!("{apex}.") } else { format!("{owner}.{apex}.") });
            }
        }
        names
    }
}

/// How often one of three addresses must come in a row: by chance it happens once in three thousand million
/// times.
pub(crate) const IN_A_ROW: u32 = 20;

pub(crate) fn ask(server: SocketAddr, qname: &str, qtype: RecordType) -> Option<Message> {
    send(server, &plain_query(qname, qtype))
}

pub(crate) fn answer(server: SocketAddr, qname: &str, qtype: RecordType) -> Answer {
    let response =
        ask(server, qname, qtype).unwrap_or_else(|| panic!("{server} is silent about {qname} {qtype}"));
    let lower = |name: &Name| name.to_ascii().to_lowercase();
    let record = |record: &hickory_proto::rr::Record| {
        (
            lower(&record.name),
            record.record_type().to_string(),
            record.ttl,
            record.data.to_string().to_lowercase(),
        )
    };
    let soa = response.authorities.iter().find(|record| record.record_type() == RecordType::SOA);
    Answer {
        code: response.metadata.response_code.to_string(),
        records: response.answers.iter().map(record).collect(),
        negative: soa.map(|soa| (lower(&soa.name), soa.ttl)),
    }
}

pub(crate) fn addresses(server: SocketAddr, qname: &str) -> Option<Vec<IpAddr>> {
    let response = ask(server, qname, RecordType::A)?;
    let address = |record: &hickory_proto::rr::Record| match record.data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        _ => None,
    };
    Some(response.answers.iter().filter_map(address).collect())
}

/// Opens the ports of one master.
fn open_only(masters: &mut [Master], up: Ipv4Addr) {
    for master in masters {
        if master.address() == IpAddr::V4(up) { master.open() } else { master.close() }
    }
}

/// Waits until a server answers every pool with this address alone. PowerDNS answers any address before it
/// has probed, so it has to say so [`IN_A_ROW`] times.
fn wait_for_pools(server: &mut Server, node: &ImportedNode, asked: SocketAddr, up: Ipv4Addr) {
    for name in node.pool_names() {
        server.wait_until(&format!("{name} has {up}"), || {
            (0..IN_A_ROW).all(|_| addresses(asked, &name) == Some(vec![IpAddr::V4(up)])).then_some(())
        });
    }
}

/// Compares every name and type. The TTLs of a cache may have been counted down by a second.
fn compare(node: &ImportedNode, theirs: SocketAddr, ours: SocketAddr, cached_seconds_max: u32) {
    let mut differing = Vec::new();
    let mut compared = 0;
    for name in node.names() {
        for qtype in TYPES {
            let theirs = answer(theirs, &name, qtype);
            let mut ours = answer(ours, &name, qtype);
            ours.level_with(&theirs, cached_seconds_max);
            compared += 1;
            if theirs != ours {
                differing.push(format!("{name} {qtype}\n  theirs {theirs:?}\n  ours   {ours:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "{} of {compared} differ\n{}", differing.len(), differing.join("\n"));
    println!("{compared} answers are the same");
}

impl Answer {
    /// Takes over TTLs that are lower by no more than so many seconds.
    fn level_with(&mut self, theirs: &Answer, seconds_max: u32) {
        let lower = |own: u32, other: u32| (other <= own && own - other <= seconds_max).then_some(other);
        self.records = std::mem::take(&mut self.records)
            .into_iter()
            .map(|(owner, rtype, ttl, data)| {
                let same = theirs.records.iter().find(|it| it.0 == owner && it.1 == rtype && it.3 == data);
                let ttl = same.and_then(|it| lower(ttl, it.2)).unwrap_or(ttl);
                (owner, rtype, ttl, data)
            })
            .collect();
        if let (Some((_, own)), Some((_, other))) = (&mut self.negative, &theirs.negative) {
            *own = lower(*own, *other).unwrap_or(*own);
        }
    }
}

/// One master is up, so that choosing is no matter of chance: every answer must be the same.
fn same_as_powerdns(seed: &str, zones: &'static [(&'static str, &'static str)]) {
    let Some(pdns) = installed("pdns_server") else { return };
    let node = ImportedNode::new(seed, zones);
    let mut masters = node.masters();
    open_only(&mut masters, node.address(14));
    let mut theirs = Server::pdns(&pdns, &node.files.path("etc/pdns"));
    theirs.wait_until("PowerDNS answers", || ask(node.pdns, zones[0].0, RecordType::SOA).map(|_| ()));
    wait_for_pools(&mut theirs, &node, node.pdns, node.address(14));
    let (site, program) = node.imported();
    compare(&node, node.pdns, site.listen(), 0);
    all_up(&node, &mut theirs, &program, &mut masters);
    program.stop();
}

/// All are up: we answer all of them, PowerDNS one, with the same TTL. That is a documented difference.
fn all_up(node: &ImportedNode, theirs: &mut Server, ours: &Program, masters: &mut [Master]) {
    masters.iter_mut().for_each(Master::open);
    let all: Vec<IpAddr> = MASTERS.iter().map(|last| IpAddr::V4(node.address(*last))).collect();
    for name in node.pool_names() {
        ours.wait_for_addresses(&name, &all);
        let mut seen = BTreeSet::new();
        theirs.wait_until(&format!("PowerDNS names every master for {name}"), || {
            let answer = answer(node.pdns, &name, RecordType::A);
            let own = self::answer(ours.listen(), &name, RecordType::A);
            assert!(answer.records.is_subset(&own.records), "{name}: {answer:?} {own:?}");
            seen.extend(answer.records);
            (seen == own.records).then_some(())
        });
    }
}

#[test]
fn three_masters_are_answered_as_powerdns_answers_them() {
    same_as_powerdns(
        "three-node",
        &[("acm-demo-hub.redhat.ren", "inside-out.xyz"), ("infra.redhat.ren", "infra.xyz")],
    );
}

#[test]
fn one_master_is_answered_as_powerdns_answers_it() {
    same_as_powerdns(
        "single-node",
        &[("acm-demo-hub.redhat.ren", "inside-out.xyz"), ("infra.redhat.ren", "infra.xyz")],
    );
}

#[test]
fn a_zone_behind_a_recursor_is_answered_as_both_together_answer_it() {
    let (Some(pdns), Some(recursor)) = (installed("pdns_server"), installed("pdns_recursor")) else { return };
    let node = ImportedNode::new("with-recursor", &[("ocp4.redhat.ren", "inside-out.xyz")]);
    let front = free_port(loopback());
    let conf = "etc/pdns-recursor/recursor.conf";
    node.files.replace(conf, "local-address=0.0.0.0 ::", &format!("local-address={front}"));
    node.files.replace(conf, "127.0.0.1:5301", &node.pdns.to_string());
    let mut masters = node.masters();
    open_only(&mut masters, node.address(14));
    let mut authority = Server::pdns(&pdns, &node.files.path("etc/pdns"));
    authority
        .wait_until("PowerDNS answers", || ask(node.pdns, "ocp4.redhat.ren.", RecordType::SOA).map(|_| ()));
    wait_for_pools(&mut authority, &node, node.pdns, node.address(14));
    let folder: PathBuf = node.files.path("etc/pdns-recursor");
    let nobody = SocketAddr::from((node.address(53), 53));
    let mut theirs = Server::recursor(&recursor, &folder, nobody);
    theirs.wait_until("pdns-recursor answers", || {
        ask(front, "helper.ocp4.redhat.ren.", RecordType::A).filter(|it| !it.answers.is_empty()).map(|_| ())
    });
    let (site, program) = node.imported();
    compare(&node, front, site.listen(), CACHED_SECONDS_MAX);
    program.stop();
}

/// How long an answer may have been in the recursor's cache when it is compared: as long as the comparison lasts.
const CACHED_SECONDS_MAX: u32 = 60;
