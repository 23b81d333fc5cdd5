//! Any bytes as a file of CoreDNS, dnsmasq, HAProxy or gdnsd, or as views of BIND: it is imported or refused, every
//! fault has its place, and what comes of it is not much longer than it.
//!
//! The first byte of the input selects the file that the rest is: one of `FORMS`.

use std::path::Path;

use edgedns::delivery::Existing;
use edgedns::import::{
    Forwarder, Gdnsd, Haproxy, Planned, corefile_in_texts, dnsmasq_in_texts, gdnsd_in_texts,
    haproxy_in_texts, named_in_texts,
};

use super::import_text;

/// Words of all of these files.
pub(crate) const WORDS: &[&[u8]] = &[
    b".:53 {\n",
    b"lab.test 10.0.0.0/9 tls://x.test:853 {\n",
    b"}\n",
    b"(s) {\n",
    b"import s {args[0]}{args.0} x\n",
    b"import other\n",
    b"import *\n",
    b"acl x.test {\nallow type A net 192.0.2.0/24\nblock\n}\n",
    b"view v {\nexpr true\n}\n",
    b"tsig {\nrequire all\n}\n",
    b"hosts {\n192.0.2.1 a.lab.test\nfallthrough\n}\n",
    b"template IN A lab.test {\nmatch .*[.]lab[.]test\nanswer \"{{ .Name }} 60 IN A 192.0.2.1\"\n}\n",
    b"rewrite name suffix .a.test .b.test\n",
    b"forward . 192.0.2.1 tls://192.0.2.2%x {\nexcept c.test\n}\n",
    b"etcd lab.test {\nendpoint http://127.0.0.1:2379\n}\n",
    b"conf-file=other\n",
    b"conf-dir=.\n",
    b"local-service=host\n",
    b"address=/lab.test/a.test/192.0.2.1\n",
    b"server=/lab.test/#\n",
    b"rev-server=10.0.0.0/9,192.0.2.1\n",
    b"cname=a.test,b.test,c.test,9\n",
    b"txt-record=a.test,\"x\\\"",
    b"backend b from d\n",
    b"defaults d\n",
    b"option tcp-check\n",
    b"tcp-check connect port 25 ssl\n",
    b"tcp-check send PING\\r\\n\\x0\n",
    b"tcp-check expect rstring ^\\+PONG\n",
    b"tcp-check expect binary 0\n",
    b"option httpchk GET / HTTP/1.1\\r\\nHost:\\ x\n",
    b"http-check expect rstatus (2..|\\d)\n",
    b"server-template s 1-99999 192.0.2.1:80 check\n",
    b"server a ipv6@[::1]:80 check addr 0.0.0.0 weight 0 backup\n",
    b"bind :1-65535\n",
    b"options => { listen => any }\n",
    b"plugins => { multifo => { m => { service_types => s, up_thresh => 2, a => 192.0.2.1 } } }\n",
    b"service_types => { s => { plugin => tcp_connect, port => 1 } }\n",
    b"$include{\"other\"}\n",
    b"match-clients { !192.0.2.0/25; 192.0.2.0/24; key k; localnets; };",
    b"view \"w\" { match-clients { any; }; zone \"lab.test\" { type master; file \"lab.zone\"; }; };",
    b"4294967296",
];

/// Longest that all files together may be, in bytes: those of the most zones that are made, and far less than what a
/// short input could be made to multiply to.
const WRITTEN_MAX: usize = 4 << 20;

/// How a file is read, each in a node in which nothing else is strange.
const FORMS: [fn(&[u8]) -> Planned; 5] = [
    |text| corefile_in_texts(&forwarder("/node/Corefile"), node("Corefile", text)),
    |text| dnsmasq_in_texts(&forwarder("/node/dnsmasq.conf"), node("dnsmasq.conf", text)),
    |text| {
        let haproxy = Haproxy {
            from: "/node/haproxy.cfg".into(),
            zone: "lab.test".parse().ok(),
            names: vec![("b".to_owned(), vec!["api".to_owned(), "*.apps".to_owned()])],
            hosts: Some("/node/hosts".into()),
            into: "/new".into(),
            existing: Existing::Kept,
        };
        haproxy_in_texts(&haproxy, node("haproxy.cfg", text))
    },
    |text| {
        let gdnsd = Gdnsd { from: "/node/config".into(), into: "/new".into(), existing: Existing::Kept };
        gdnsd_in_texts(&gdnsd, node("config", text))
    },
    |text| {
        let views = [
            b"view \"v\" { ",
            text,
            b" };\nview \"last\" { zone \"lab.test\" { type master; file \"lab.zone\"; }; };",
        ];
        named_in_texts(Path::new("/node/named.conf"), node("named.conf", &views.concat()))
    },
];

fn forwarder(from: &str) -> Forwarder {
    let whole = vec!["whole.test".parse().expect("a name")];
    Forwarder { from: from.into(), whole, into: "/new".into(), existing: Existing::Kept }
}

/// Panics unless the property holds.
pub(crate) fn holds(input: &[u8]) {
    let Some((&form, text)) = input.split_first() else { return };
    let Some(read) = FORMS.get(usize::from(form)) else { return };
    let planned = read(text);
    let written: usize = planned.files.iter().map(|file| file.bytes.len()).sum();
    assert!(written <= WRITTEN_MAX, "{written} bytes are written for {}", input.len());
    import_text::is_taken_over_or_faulty(planned);
}

/// A file of the node, and others that it may name.
fn node(name: &str, text: &[u8]) -> Vec<(String, Vec<u8>)> {
    let others: [(&str, &[u8]); 3] =
        [("other", b"log\n"), ("hosts", b"192.0.2.1 a.test b.test\n"), ("lab.zone", import_text::ZONE)];
    others
        .into_iter()
        .chain([(name, text)])
        .map(|(name, text)| (format!("/node/{name}"), text.to_vec()))
        .collect()
}
