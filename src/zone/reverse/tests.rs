//! Which names an address gets, and what is told of those that do not agree.

use super::*;
use crate::dns::rdata::{self, Token};
use crate::source::{FileId, Sources, Span};

/// A zone with these records: `owner type data`, owners relative to `apex`.
struct Lab {
    found: Diagnostics,
    builder: Builder,
    file: FileId,
}

impl Lab {
    fn new(apex: &str, text: &str) -> Lab {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        let span = Span::new(file, 0, 0);
        let builder = Builder::new(apex.parse().unwrap(), span);
        let mut lab = Lab { found: Diagnostics::default(), builder, file };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            lab.record(line.trim(), u32::try_from(at).unwrap());
            at += line.len();
        }
        lab
    }

    fn record(&mut self, line: &str, at: u32) {
        let span = Span::new(self.file, at, at + 1);
        let words: Vec<&str> = line.split_whitespace().collect();
        let [owner, rtype, data @ ..] = words.as_slice() else { return };
        let apex = self.builder.apex().to_name();
        let owner = Name::parse(owner.as_bytes(), apex.as_ref()).unwrap();
        let rtype = Rtype::parse(rtype.as_bytes()).unwrap();
        let tokens: Vec<Token<'_>> =
            data.iter().map(|word| Token { text: word.as_bytes(), quoted: false, span }).collect();
        let mut wire = Vec::new();
        rdata::parse(rtype, &tokens, apex.as_ref(), span, &mut wire, &mut self.found).unwrap();
        let ttl = Ttl::from_seconds(60).unwrap();
        self.builder.add(owner.as_ref(), rtype, ttl, &wire, span).unwrap();
    }

    fn finish(self) -> Zone {
        let mut found = self.found;
        let zone = self.builder.finish(&mut found);
        zone.unwrap_or_else(|| panic!("{found:?}"))
    }
}

const SOA: &str = "@ SOA ns host 7 2 3 4 30\n@ NS ns\n";

fn forward(text: &str) -> Arc<Hosts> {
    Hosts::of(&Lab::new("lab.example.", &format!("{SOA}{text}")).finish()).into()
}

/// The PTR records of `2.0.192.in-addr.arpa.` with `file`, made from `hosts`.
fn made(hosts: &Hosts, apex: &str, file: &str) -> Vec<String> {
    let (made, said) = made_and_said(hosts, apex, file);
    assert_eq!(said, [""; 0]);
    made
}

/// The same, and what is told of them.
fn made_and_said(hosts: &Hosts, apex: &str, file: &str) -> (Vec<String>, Vec<String>) {
    let mut lab = Lab::new(apex, file);
    let (span, mut found) = (Span::new(lab.file, 0, 0), Diagnostics::default());
    lab.builder.add_reverse(hosts, span, &mut found);
    let said = found.iter().map(|one| {
        let remarks = one.remarks.iter().map(|remark| remark.text.clone());
        std::iter::once(one.message.clone()).chain(remarks).collect::<Vec<String>>().join("; ")
    });
    let said = said.collect();
    (pointers(&lab.finish()), said)
}

fn pointers(zone: &Zone) -> Vec<String> {
    let records = zone.records().filter(|(_, rtype, ..)| *rtype == Rtype::PTR);
    let shown =
        records.map(|(owner, _, _, rdata)| format!("{owner} {}", NameRef::split_from(rdata).unwrap().0));
    shown.collect()
}

const REVERSE: &str = "2.0.192.in-addr.arpa.";

#[test]
fn hosts_have_their_names_and_wildcards_name_nobody() {
    let hosts = forward(
        "ns A 192.0.2.53\none A 192.0.2.1\n*.apps A 192.0.2.2\none AAAA 2001:db8::1\nfar A 198.51.100.1\n",
    );
    assert_eq!(
        made(&hosts, REVERSE, ""),
        ["1.2.0.192.in-addr.arpa. one.lab.example.", "53.2.0.192.in-addr.arpa. ns.lab.example."]
    );
    let six = made(&hosts, "8.b.d.0.1.0.0.2.ip6.arpa.", "");
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    assert_eq!(six, [format!("{nibbles}.ip6.arpa. one.lab.example.")]);
}

#[test]
fn a_node_that_serves_the_zone_is_named_as_the_node() {
    let hosts = forward("ns A 192.0.2.1\nmaster-0 A 192.0.2.1\nns A 192.0.2.2\n");
    assert_eq!(
        made(&hosts, REVERSE, ""),
        ["1.2.0.192.in-addr.arpa. master-0.lab.example.", "2.2.0.192.in-addr.arpa. ns.lab.example."]
    );
}

#[test]
fn a_node_keeps_its_name_whatever_it_serves() {
    // As `edgedns init` writes it: the masters are the name servers, and etcd has names of its own.
    let cluster = "@ NS master-0\n@ NS master-1\nmaster-0 A 192.0.2.1\nmaster-1 A 192.0.2.2\n";
    let named =
        ["1.2.0.192.in-addr.arpa. master-0.lab.example.", "2.2.0.192.in-addr.arpa. master-1.lab.example."];
    for more in [
        "etcd-0 A 192.0.2.1\netcd-1 A 192.0.2.2\n",
        "api A 192.0.2.1\napi A 192.0.2.2\napi-int A 192.0.2.1\napi-int A 192.0.2.2\n",
        "registry A 192.0.2.1\nntp1 A 192.0.2.2\nNS1 A 192.0.2.1\n",
        "_x._tcp SRV 0 0 1 store\nstore A 192.0.2.1\n@ MX 5 post\npost A 192.0.2.2\n",
        "*.apps A 192.0.2.1\noauth-openshift.apps A 192.0.2.1\n",
        "pool A 192.0.2.1\npool A 192.0.2.2\n",
    ] {
        // Wherever it stands in the file.
        for text in [format!("{cluster}{more}"), format!("{more}{cluster}")] {
            let hosts = Hosts::of(
                &Lab::new("lab.example.", &format!("@ SOA ns.test. h 7 2 3 4 30\n{text}")).finish(),
            );
            assert_eq!(made(&hosts, REVERSE, ""), named, "{text}");
        }
    }
}

#[test]
fn a_name_that_only_serves_is_still_the_name_of_its_address() {
    let hosts = forward(
        "ns A 192.0.2.53\nregistry A 192.0.2.5\netcd-0 A 192.0.2.6\nwide A 192.0.2.7\nwide A 192.0.2.8\n",
    );
    let names: Vec<String> = made(&hosts, REVERSE, "");
    let expected = [
        "5.2.0.192.in-addr.arpa. registry.lab.example.",
        "53.2.0.192.in-addr.arpa. ns.lab.example.",
        "6.2.0.192.in-addr.arpa. etcd-0.lab.example.",
        "7.2.0.192.in-addr.arpa. wide.lab.example.",
        "8.2.0.192.in-addr.arpa. wide.lab.example.",
    ];
    assert_eq!(names, expected);
}

#[test]
fn of_two_names_with_the_same_claim_the_first_is_taken_and_it_is_told_how_to_choose() {
    let hosts =
        forward("ns A 192.0.2.53\none A 192.0.2.5\nother A 192.0.2.5\nb A 192.0.2.6\na A 192.0.2.6\n");
    let (made, said) = made_and_said(&hosts, REVERSE, "");
    assert_eq!(
        made,
        [
            "5.2.0.192.in-addr.arpa. one.lab.example.",
            "53.2.0.192.in-addr.arpa. ns.lab.example.",
            "6.2.0.192.in-addr.arpa. b.lab.example.",
        ]
    );
    assert_eq!(
        said,
        ["192.0.2.5 has the names `one.lab.example.` and `other.lab.example.`: its PTR record leads to \
          `one.lab.example.`; nodes take their host name from it; of names with the same claim the first in the zone \
          file is taken; write the PTR record that is meant into a `file` of this reverse zone: what it says comes \
          first; so it is where 192.0.2.6 has the names `b.lab.example.` and `a.lab.example.`"]
    );
    let file = "5 PTR other.lab.example.\n6 PTR a.lab.example.\n";
    assert_eq!(made_and_said(&hosts, REVERSE, file).1, [""; 0]);
}

#[test]
fn what_the_file_says_comes_first_and_the_serial_follows() {
    let hosts = forward("ns A 192.0.2.53\none A 192.0.2.1\ntwo A 192.0.2.2\nthree A 192.0.2.200\n");
    let file = "@ SOA other host 5 2 3 4 30\n@ NS other.example.\n1 PTR console.example.\n\
        2 CNAME 2.0-127\n128-255 NS ns.elsewhere.test.\n";
    assert_eq!(
        made(&hosts, REVERSE, file),
        [
            "1.2.0.192.in-addr.arpa. console.example.",
            "200.2.0.192.in-addr.arpa. three.lab.example.",
            "53.2.0.192.in-addr.arpa. ns.lab.example."
        ]
    );
    for (own, expected) in [(5, 7), (8, 8), (u32::MAX, 7)] {
        let mut lab = Lab::new(REVERSE, &format!("@ SOA other host {own} 2 3 4 30\n"));
        lab.builder.add_reverse(&hosts, Span::new(lab.file, 0, 0), &mut Diagnostics::default());
        assert_eq!(lab.finish().serial(), expected, "the file says {own}");
    }
}

#[test]
fn what_is_delegated_is_left_to_others() {
    let hosts = forward("ns A 192.0.2.53\none A 192.0.3.1\n");
    let file = "3.0 NS ns.elsewhere.test.\n";
    assert_eq!(made(&hosts, "192.in-addr.arpa.", file), ["53.2.0.192.in-addr.arpa. ns.lab.example."]);
}

/// What is told of a reverse zone with these records.
fn told(hosts: &Arc<Hosts>, reverse: &str, apexes: &[&str]) -> Vec<String> {
    let zone = Lab::new(REVERSE, &format!("{SOA}{reverse}")).finish();
    let apexes: Vec<Name> = apexes.iter().chain(&[REVERSE]).map(|apex| apex.parse().unwrap()).collect();
    let mut known = Addresses::new(Arc::new(apexes.iter().map(Name::as_ref).collect()));
    known.add(Arc::clone(hosts));
    let mut found = Diagnostics::default();
    check_reverse(&zone, &known, &mut found);
    found.iter().map(|one| one.message.clone()).collect()
}

#[test]
fn hosts_without_a_ptr_record_are_told_and_those_that_others_answer_are_not() {
    let hosts = forward("ns A 192.0.2.53\none A 192.0.2.1\nfar A 198.51.100.1\n");
    let missing =
        "`one.lab.example.` has the address 192.0.2.1, for which `2.0.192.in-addr.arpa.` has no PTR record";
    assert_eq!(told(&hosts, "53 PTR ns.lab.example.\n", &[]), [missing]);
    for whole in ["1 CNAME 1.0-127\n", "1 NS ns.test.\n", "* PTR any.test.\n", "1 PTR other.test.\n"] {
        assert_eq!(
            told(&hosts, &format!("53 PTR ns.lab.example.\n{whole}"), &[]),
            Vec::<String>::new(),
            "{whole}"
        );
    }
    assert_eq!(told(&hosts, "53 PTR ns.lab.example.\n", &["1.2.0.192.in-addr.arpa."]), Vec::<String>::new());
}

#[test]
fn ptr_records_that_lead_to_a_name_without_the_address_are_told() {
    let hosts = forward("ns A 192.0.2.53\none A 192.0.2.1\n*.apps A 192.0.2.2\nsub NS ns\n");
    let all = "53 PTR ns.lab.example.\n1 PTR one.lab.example.\n";
    for right in [
        "2 PTR console.apps.lab.example.",
        "3 PTR x.sub.lab.example.",
        "4 PTR elsewhere.test.",
        "x PTR one.lab.example.",
    ] {
        assert_eq!(
            told(&hosts, &format!("{all}{right}\n"), &["lab.example."]),
            Vec::<String>::new(),
            "{right}"
        );
    }
    for wrong in ["one.lab.example.", "none.lab.example.", "console.apps.lab.example."] {
        let expected = format!("the PTR record of 192.0.2.9 leads to `{wrong}`, which has not this address");
        assert_eq!(told(&hosts, &format!("{all}9 PTR {wrong}\n"), &["lab.example."]), [expected]);
    }
}

#[test]
fn a_reverse_zone_holds_the_addresses_that_its_apex_begins() {
    let held = |apex: &str| {
        addresses_below(apex.parse::<Name>().unwrap().as_ref())
            .map(|held| format!("{} {}", held.start(), held.end()))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(held("2.0.192.in-addr.arpa."), some("192.0.2.0 192.0.2.255"));
    assert_eq!(held("In-Addr.ARPA."), some("0.0.0.0 255.255.255.255"));
    assert_eq!(held("1.2.0.192.in-addr.arpa."), some("192.0.2.1 192.0.2.1"));
    assert_eq!(held("8.B.d.0.1.0.0.2.ip6.arpa."), some("2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_eq!(held("ip6.arpa."), some(":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    assert_eq!(held(&format!("{}ip6.arpa.", "1.".repeat(32))).unwrap().split(' ').count(), 2);
    // RFC 2317: whose addresses these are is said by CNAME records elsewhere.
    for none in [
        "0-127.2.0.192.in-addr.arpa.",
        "256.in-addr.arpa.",
        "1.2.3.4.5.in-addr.arpa.",
        "lab.example.",
        "arpa.",
        ".",
    ] {
        assert_eq!(held(none), None, "{none}");
    }
}
