//! What dnsmasq answers from its own records is answered from the zones that are made of them.

use hickory_proto::rr::RecordType;

use super::access::imported;
use super::answers::{answer, ask};
use super::servers::{Server, installed};
use harness::node::Node;
use harness::{free_port, loopback};

/// Types of which dnsmasq has records here, and one of which it has none.
const TYPES: &[RecordType] = &[
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::TXT,
    RecordType::SRV,
    RecordType::MX,
    RecordType::PTR,
    RecordType::CAA,
    RecordType::NAPTR,
    RecordType::HINFO,
];

/// Records of every kind, domains within domains, and names beside them.
const CONF: &str = "\
no-resolv
bind-interfaces
local-ttl=30
local=/corp.test/
local=/2.0.192.in-addr.arpa/
domain=corp.test
expand-hosts
addn-hosts=hosts
conf-dir=more,*.conf
address=/apps.test/192.0.2.10
address=/apps.test/192.0.2.11
address=/apps.test/2001:db8::11
address=/dead.test/one.dead.test/
address=/null.test/#
address=/deep.apps.test/192.0.2.12
host-record=a.b.apps.test,192.0.2.20
host-record=api.corp.test,api-int.corp.test,192.0.2.13,2001:db8::13,60
host-record=api.corp.test,192.0.2.14,60
host-record=solo.other.test,192.0.2.14   # twice
cname=www.corp.test,web.corp.test,api.corp.test
cname=far.corp.test,api-int.corp.test,45
txt-record=t.corp.test,\"hello, # world\",two
txt-record=t.other.test
srv-host=_x._tcp.other.test,solo.other.test,443,1,2
srv-host=_y._tcp.corp.test
srv-host=_z._tcp,api.corp.test,6443
mx-host=corp.test,mail.corp.test,5
ptr-record=9.2.0.192.in-addr.arpa,nine.test
caa-record=other.test,0,issue,ca.test
naptr-record=n.other.test,10,20,s,SIP,,_x._tcp.other.test
bogus-priv
";

const HOSTS: &str = "192.0.2.30 host host-alias\n192.0.2.31 long.corp.test short # both\n2001:db8::30 host\n10.1.2.3 inside.lab.test\n";

/// Names that are asked of both, in all types.
const NAMES: &[&str] = &[
    "apps.test.",
    "console.apps.test.",
    "x.y.apps.test.",
    "b.apps.test.",
    "a.b.apps.test.",
    "z.a.b.apps.test.",
    "deep.apps.test.",
    "x.deep.apps.test.",
    "dead.test.",
    "x.dead.test.",
    "one.dead.test.",
    "null.test.",
    "x.null.test.",
    "corp.test.",
    "api.corp.test.",
    "API-INT.corp.test.",
    "x.api.corp.test.",
    "nothing.corp.test.",
    "www.corp.test.",
    "web.corp.test.",
    "far.corp.test.",
    "t.corp.test.",
    "_y._tcp.corp.test.",
    "_tcp.corp.test.",
    "_z._tcp.corp.test.",
    "_z._tcp.",
    "more.corp.test.",
    "solo.other.test.",
    "t.other.test.",
    "_x._tcp.other.test.",
    "other.test.",
    "n.other.test.",
    "host.",
    "host.corp.test.",
    "host-alias.",
    "host-alias.corp.test.",
    "short.",
    "short.corp.test.",
    "long.corp.test.",
    "inside.lab.test.",
    "9.2.0.192.in-addr.arpa.",
    "13.2.0.192.in-addr.arpa.",
    "14.2.0.192.in-addr.arpa.",
    "20.2.0.192.in-addr.arpa.",
    "30.2.0.192.in-addr.arpa.",
    "31.2.0.192.in-addr.arpa.",
    "99.2.0.192.in-addr.arpa.",
    "3.2.1.10.in-addr.arpa.",
    "4.2.1.10.in-addr.arpa.",
    "1.0.16.172.in-addr.arpa.",
    "1.0.168.192.in-addr.arpa.",
    "www.elsewhere.test.",
];

#[test]
fn what_dnsmasq_answers_itself_is_answered_from_the_zones() {
    let Some(dnsmasq) = installed("dnsmasq") else { return };
    let node = Node::new(&[
        ("etc/more/a.conf", "host-record=more.corp.test,192.0.2.40\n"),
        ("etc/more/a.conf.bak", "host-record=not.corp.test,192.0.2.41\n"),
        ("etc/hosts", HOSTS),
    ]);
    let listen = free_port(loopback());
    // dnsmasq takes paths from where it runs; this is none of what is compared.
    let folder = node.path("etc").display().to_string();
    let conf =
        CONF.replace("=hosts", &format!("={folder}/hosts")).replace("=more", &format!("={folder}/more"));
    let more = format!("no-hosts\nlisten-address={}\nport={}\n", listen.ip(), listen.port());
    node.write("etc/dnsmasq.conf", &format!("{conf}{more}"));
    let mut theirs = Server::dnsmasq(&dnsmasq, &node.path("etc"));
    theirs.wait_until("dnsmasq answers", || ask(listen, "api.corp.test.", RecordType::A).map(|_| ()));
    let result = node.import_with("dnsmasq", "etc/dnsmasq.conf", &[]);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    let (site, program) = imported(&result, &node.path("new"));
    let (mut differing, mut answered) = (Vec::new(), 0);
    for name in NAMES {
        for qtype in TYPES {
            let (theirs, ours) = (answer(listen, name, *qtype), answer(site.listen(), name, *qtype));
            // It would ask its servers, and has none; here the name is a zone, or there is none, either.
            let is_asked_elsewhere = theirs.code == "Query Refused";
            answered += usize::from(!theirs.records.is_empty());
            // A name with records of other types, or below which there are some, exists (RFC 8020).
            let is_denied = theirs.code == "Non-Existent Domain" && ours.code == "No Error";
            let nothing = ours.records.is_empty();
            let same = theirs.code == ours.code && theirs.records == ours.records;
            if !(same || ((is_asked_elsewhere || is_denied) && nothing)) {
                differing.push(format!("{name} {qtype}\n  theirs {theirs:?}\n  ours   {ours:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}\n{}\n{}", differing.len(), differing.join("\n"), result.config);
    assert!(answered > 50, "only {answered} answers have records");
    program.stop();
}
