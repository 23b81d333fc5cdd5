//! Any bytes as a file of PowerDNS, its recursor or BIND, or as a resolv.conf: it is imported or refused, and
//! every fault has its place.
//!
//! The first byte of the input selects the file that the rest is: one of `FORMS`, or a resolv.conf. Whether
//! the result can be served is not tested: `check` finds that.

use std::path::Path;

use edgedns::config;
use edgedns::forward::upstreams_in;
use edgedns::import::{Planned, named_in_texts, pdns_in_texts};
use edgedns::source::{Diagnostics, Sources};

use super::zone_text;

/// Words of all of these files.
pub(crate) const WORDS: &[&[u8]] = &[
    b"launch=bind\n",
    b"local-address=0.0.0.0, [::]:5300\n",
    b"bind-config=other\n",
    b"include-dir=.\n",
    b"allow-axfr-ips+=192.0.2.0/24\n",
    b"forward-zones=lab.test=192.0.2.1:5300;192.0.2.2, .=192.0.2.3\n",
    b"forward-zones-recurse=",
    b"auth-zones=lab.test=lab.zone\n",
    b"options { ",
    b"zone \"lab.test\" { type master; file \"lab.zone\"; };",
    b"type forward; forwarders { 192.0.2.1 port 54; };",
    b"view \"x\" { ",
    b"acl a { a; !b; 192.0.2.0/24; };",
    b"include \"other\";",
    b"listen-on port 53 { any; };",
    b"directory \"/var/named\";",
    b"};",
    b"/*",
    b"*/",
    b"//",
    b"#",
    b"\"",
    b"incoming:\n  listen: ['0.0.0.0:53']\n",
    b"recursor:\n  forward_zones:\n  - zone: lab.test\n    forwarders: [192.0.2.1]\n",
    b"- ",
    b"&a [*a]",
    b"!!str ",
    b"nameserver 192.0.2.1\n",
    b"nameserver fe80::1%2\n",
    b"4294967296",
];

/// A zone that may be named.
pub(super) const ZONE: &[u8] = b"@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\napi 60 LUA A \"ifportup(1, {'192.0.2.1'})\"\n";

/// A `pdns.conf` whose zones are in another file.
const PDNS: &[u8] = b"launch=bind\nbind-config=other\nlocal-port=5300\nenable-lua-records=yes\n";

/// How a file is read, each in a node in which nothing else is strange.
const FORMS: [fn(&[u8]) -> Planned; 5] = [
    |text| pdns_in_texts(Path::new("/node/pdns.conf"), None, texts("pdns.conf", text)),
    |text| {
        let texts = [texts("other", text), texts("pdns.conf", PDNS)].concat();
        pdns_in_texts(Path::new("/node/pdns.conf"), None, texts)
    },
    |text| named_in_texts(Path::new("/node/named.conf"), texts("named.conf", text)),
    |text| with_recursor("recursor.conf", text),
    |text| with_recursor("recursor.yml", text),
];

/// Panics unless the property holds.
pub(crate) fn holds(input: &[u8]) {
    let Some((&form, text)) = input.split_first() else { return };
    match FORMS.get(usize::from(form)) {
        Some(read) => is_taken_over_or_faulty(read(text)),
        None => names_upstreams(text),
    }
}

/// A resolv.conf has no faults: what cannot be used is left out.
fn names_upstreams(text: &[u8]) {
    let upstreams = upstreams_in(text);
    for (place, upstream) in upstreams.iter().enumerate() {
        assert!(upstream.address.port() != 0, "{upstream} can be asked");
        assert!(!upstreams[..place].contains(upstream), "{upstream} is named once");
    }
}

/// Fails unless a plan has a config file that is one, or a fault, and each fault has its place.
pub(super) fn is_taken_over_or_faulty(planned: Planned) {
    let Planned { imported, files } = planned;
    for place in imported.found.iter().filter_map(|one| one.span()) {
        let length = imported.sources.bytes(place.file).len();
        let lies = place.start <= place.end && place.end as usize <= length;
        assert!(lies, "{place:?} lies in {length} bytes: {:?}", imported.found);
    }
    zone_text::draw(&imported.sources, &imported.found);
    imported.write_report(&mut Vec::new()).expect("a buffer takes everything");
    let Some(config) = files.last() else {
        assert!(imported.found.errors() > 0, "what is not taken over has a fault");
        return;
    };
    assert_eq!(config.path, Path::new("edgedns.toml"));
    for file in &files {
        let inside = file.path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        assert!(inside, "{} lies where it is to be written", file.path.display());
    }
    is_toml(&config.bytes);
}

/// Fails unless words of the other server stay words in our config file. What they mean may be wrong.
fn is_toml(text: &[u8]) {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let file = sources.add("edgedns.toml", text.to_vec());
    config::read_file(&mut sources, file, Path::new("/node/edgedns.toml"), &mut found);
    zone_text::draw(&sources, &found);
    let unknown = found.iter().map(|one| sources.sentence(one)).find(|fault| fault.contains("unknown key"));
    assert_eq!(unknown, None, "in\n{}", String::from_utf8_lossy(text));
}

fn with_recursor(name: &str, text: &[u8]) -> Planned {
    let zones = texts("other", b"zone \"lab.test\" { type master; file \"lab.zone\"; };");
    let texts = [zones, texts("pdns.conf", PDNS), texts(name, text)].concat();
    pdns_in_texts(Path::new("/node/pdns.conf"), Some(&Path::new("/node").join(name)), texts)
}

/// A file of the node, and the zone.
fn texts(name: &str, text: &[u8]) -> Vec<(String, Vec<u8>)> {
    [(name, text), ("lab.zone", ZONE)].map(|(name, text)| (format!("/node/{name}"), text.to_vec())).into()
}
