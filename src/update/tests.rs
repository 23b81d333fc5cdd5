//! What RFC 2136, section 3, says, from its text; and what comes when bytes are hostile.

use proptest::prelude::*;

use super::*;
use crate::answer::{Allowed, Prefix, Requester};
use crate::dns::message::{Header, Rcode};
use crate::dns::message_writer::{RecordHead, owned};
use crate::dns::{Name, Rtype};
use crate::pattern::LabelsPattern;
use crate::source::{Diagnostics, Sources, Span};
use crate::tls::ClientProof;
use crate::zone::{Builder, Changeset, Guarding, Zone};
use crate::zonefile;

const ANY: u16 = 255;
const NONE: u16 = 254;
const IN: u16 = 1;

const ZONE: &str = r#"
$TTL 60
@ SOA ns host 7 2 3 4 30
@ NS ns
@ NS ns.other.test.
@ MX 5 mail
ns A 192.0.2.53
www A 192.0.2.1
www A 192.0.2.2
text.deep TXT "one"
alias CNAME www
d DNAME www
one NS ns
pool LUA A "ifportup(1, {'192.0.2.1', '192.0.2.2'})"
pool TXT "beside"
"#;

fn zone(text: &str) -> Zone {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.as_bytes().to_vec());
    let mut builder = Builder::new(name("example."), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    builder.finish(&mut found).unwrap_or_else(|| panic!("{:?}", found.iter().collect::<Vec<_>>()))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A record of a message: owner, class, type, TTL, RDATA.
type Line<'l> = (&'l str, u16, Rtype, u32, &'l [u8]);

/// An UPDATE for a zone with this zone section.
fn message_for(zone: (&str, Rtype, u16), prerequisites: &[Line<'_>], updates: &[Line<'_>]) -> Vec<u8> {
    use crate::dns::message::Section;
    owned(65_535, 0x1234, 5 << 11, |message| {
        message.question(name(zone.0).as_ref(), zone.1, zone.2);
        for (section, lines) in [(Section::Answer, prerequisites), (Section::Authority, updates)] {
            for (owner, class, rtype, ttl, rdata) in lines {
                let head = RecordHead { rtype: *rtype, class: *class, ttl: *ttl };
                message.record(section, name(owner).as_ref().wire(), &head, &[rdata]);
            }
        }
    })
}

fn message(prerequisites: &[Line<'_>], updates: &[Line<'_>]) -> Vec<u8> {
    message_for(("EXAMPLE.", Rtype::SOA, IN), prerequisites, updates)
}

fn policy(names: &[&str], types: TypeGrant) -> Policy {
    let prefix: Prefix = "192.0.2.0/24".parse().unwrap();
    let names = names.iter().map(|text| text.parse::<LabelsPattern>().unwrap()).collect();
    Policy {
        grants: vec![Grant {
            allow: vec![Allowed { prefix: Some(prefix), ..Allowed::default() }],
            names,
            types,
        }],
    }
}

/// Everything that may be allowed.
fn everything() -> Policy {
    let mut all = policy(&["**"], TypeGrant::Any);
    all.grants.extend(policy(&["**"], TypeGrant::Listed(vec![Rtype::NS, Rtype::DNAME])).grants);
    all
}

fn requester() -> Requester {
    Requester { address: "192.0.2.9".parse().unwrap(), key: None, proof: ClientProof::Nothing }
}

fn ask(zone: &Zone, policy: &Policy, message: &[u8]) -> Result<Option<Changeset>, Rejection> {
    let message = UpdateMessage::read(message).map_err(Rejection::from)?;
    evaluate(&message, zone, &[], policy, &requester()).map(|evaluated| match evaluated {
        Evaluated::NothingToDo => None,
        Evaluated::Changes(changes) => Some(changes),
    })
}

/// The RCODE for prerequisites alone.
fn rcode(prerequisites: &[Line<'_>]) -> Rcode {
    let all = policy(&["**"], TypeGrant::Any);
    ask(&zone(ZONE), &all, &message(prerequisites, &[]))
        .map_or_else(|error| error.rcode(), |_| Rcode::NOERROR)
}

/// What comes of updates where everything is allowed: each record that goes or comes, but the SOA; or the RCODE.
fn made(updates: &[Line<'_>]) -> Result<Vec<String>, Rcode> {
    told(ask(&zone(ZONE), &everything(), &message(&[], updates)))
}

fn told(changes: Result<Option<Changeset>, Rejection>) -> Result<Vec<String>, Rcode> {
    let changes = changes.map_err(|error| error.rcode())?.unwrap_or_default();
    let lines = |sign: &'static str, records: Vec<crate::zone::Record>| {
        let others = records.into_iter().filter(|record| record.rtype != Rtype::SOA);
        others.map(move |record| {
            let mut rdata = String::new();
            crate::dns::rdata::write(record.rtype, &record.rdata, &mut rdata);
            format!("{sign}{} {} {} {rdata}", record.owner, record.ttl.seconds(), record.rtype)
        })
    };
    Ok(lines("-", changes.removed).chain(lines("+", changes.added)).collect())
}

const ONE: &[u8] = &[192, 0, 2, 1];
const TWO: &[u8] = &[192, 0, 2, 2];
const THREE: &[u8] = &[192, 0, 2, 3];

#[test]
fn the_zone_section_has_one_record_of_type_soa_and_names_the_zone() {
    let all = policy(&["**"], TypeGrant::Any);
    let rcode_of =
        |bytes: &[u8]| ask(&zone(ZONE), &all, bytes).map_or_else(|error| error.rcode(), |_| Rcode::NOERROR);
    assert_eq!(rcode_of(&message(&[], &[])), Rcode::NOERROR);
    assert_eq!(rcode_of(&message_for(("example.", Rtype::A, IN), &[], &[])), Rcode::FORMERR);
    assert_eq!(rcode_of(&message_for(("example.", Rtype::SOA, 3), &[], &[])), Rcode::NOTAUTH);
    for other in ["test.", "www.example.", "."] {
        assert_eq!(rcode_of(&message_for((other, Rtype::SOA, IN), &[], &[])), Rcode::NOTAUTH, "{other}");
    }
    let mut none = message(&[], &[]);
    none[5] = 0;
    assert_eq!(rcode_of(&none), Rcode::FORMERR);
    none[5] = 2;
    assert_eq!(rcode_of(&none), Rcode::FORMERR);
}

#[test]
fn prerequisites_of_names_and_rrsets_give_the_rcodes_of_section_3_2() {
    for (prerequisite, wanted) in [
        // 2.4.4 and 2.4.5: name in use, or not. An empty non-terminal is not.
        (("www.example.", ANY, Rtype::ANY, 0, &[][..]), Rcode::NOERROR),
        (("WWW.example.", NONE, Rtype::ANY, 0, &[]), Rcode::YXDOMAIN),
        (("deep.example.", ANY, Rtype::ANY, 0, &[]), Rcode::NXDOMAIN),
        (("deep.example.", NONE, Rtype::ANY, 0, &[]), Rcode::NOERROR),
        (("none.example.", ANY, Rtype::ANY, 0, &[]), Rcode::NXDOMAIN),
        // 2.4.1 and 2.4.3: RRset exists, or not. One that a pool answers does.
        (("www.example.", ANY, Rtype::A, 0, &[]), Rcode::NOERROR),
        (("www.example.", ANY, Rtype::AAAA, 0, &[]), Rcode::NXRRSET),
        (("www.example.", NONE, Rtype::A, 0, &[]), Rcode::YXRRSET),
        (("www.example.", NONE, Rtype::AAAA, 0, &[]), Rcode::NOERROR),
        (("pool.example.", ANY, Rtype::A, 0, &[]), Rcode::NOERROR),
        (("pool.example.", NONE, Rtype::A, 0, &[]), Rcode::YXRRSET),
        // Form: TTL, data, class, and the zone.
        (("www.example.", ANY, Rtype::ANY, 1, &[]), Rcode::FORMERR),
        (("www.example.", ANY, Rtype::A, 0, ONE), Rcode::FORMERR),
        (("www.example.", NONE, Rtype::A, 0, ONE), Rcode::FORMERR),
        (("www.example.", 3, Rtype::A, 0, ONE), Rcode::FORMERR),
        (("www.example.", IN, Rtype::A, 0, &[]), Rcode::FORMERR),
        (("www.test.", ANY, Rtype::A, 0, &[]), Rcode::NOTZONE),
    ] {
        assert_eq!(rcode(&[prerequisite]), wanted, "{prerequisite:?}");
    }
}

#[test]
fn an_rrset_that_is_to_be_the_same_has_all_records_and_no_others() {
    let www = |rdata: &'static [u8]| ("www.example.", IN, Rtype::A, 0, rdata);
    assert_eq!(rcode(&[www(TWO), www(ONE)]), Rcode::NOERROR);
    assert_eq!(rcode(&[www(ONE)]), Rcode::NXRRSET);
    assert_eq!(rcode(&[www(ONE), www(TWO), www(THREE)]), Rcode::NXRRSET);
    assert_eq!(rcode(&[("none.example.", IN, Rtype::A, 0, ONE)]), Rcode::NXRRSET);
    // Names in data are the same in another case.
    assert_eq!(rcode(&[("alias.example.", IN, Rtype::CNAME, 0, b"\x03WWW\x07example\0")]), Rcode::NOERROR);
    // What comes first in the message does not come first (section 3.2.5).
    assert_eq!(rcode(&[www(ONE), ("none.example.", ANY, Rtype::ANY, 0, &[])]), Rcode::NXDOMAIN);
}

#[test]
fn the_update_section_is_looked_through_before_anything_is_done() {
    let good = ("new.example.", IN, Rtype::A, 60, ONE);
    for (update, wanted) in [
        (("new.test.", IN, Rtype::A, 60, ONE), Rcode::NOTZONE),
        (("new.example.", IN, Rtype::ANY, 60, &[][..]), Rcode::FORMERR),
        (("new.example.", IN, Rtype::AXFR, 60, &[]), Rcode::FORMERR),
        (("new.example.", IN, Rtype::A, 60, &[]), Rcode::FORMERR),
        (("new.example.", IN, Rtype::A, 60, &[1, 2, 3]), Rcode::FORMERR),
        (("new.example.", ANY, Rtype::A, 1, &[]), Rcode::FORMERR),
        (("new.example.", ANY, Rtype::A, 0, ONE), Rcode::FORMERR),
        (("new.example.", ANY, Rtype(253), 0, &[]), Rcode::FORMERR),
        (("new.example.", NONE, Rtype::A, 1, ONE), Rcode::FORMERR),
        (("new.example.", NONE, Rtype::ANY, 0, &[]), Rcode::FORMERR),
        (("new.example.", 3, Rtype::A, 0, ONE), Rcode::FORMERR),
        (("new.example.", IN, Rtype::OPT, 0, &[]), Rcode::FORMERR),
    ] {
        assert_eq!(made(&[good, update]), Err(wanted), "{update:?}");
    }
}

#[test]
fn records_are_added_once_and_take_the_ttl_of_the_newest() {
    assert_eq!(made(&[("www.example.", IN, Rtype::A, 60, ONE)]), Ok(vec![]), "it is there already");
    assert_eq!(
        made(&[("www.example.", IN, Rtype::A, 60, THREE)]),
        Ok(vec!["+www.example. 60 A 192.0.2.3".into()])
    );
    let other_ttl = made(&[("www.example.", IN, Rtype::A, 5, THREE)]).unwrap();
    assert_eq!(
        other_ttl,
        [
            "-www.example. 60 A 192.0.2.1",
            "-www.example. 60 A 192.0.2.2",
            "+www.example. 5 A 192.0.2.1",
            "+www.example. 5 A 192.0.2.2",
            "+www.example. 5 A 192.0.2.3"
        ]
    );
    // RFC 2181, section 8.
    assert_eq!(
        made(&[("new.example.", IN, Rtype::A, 0x8000_0000, ONE)]),
        Ok(vec!["+new.example. 0 A 192.0.2.1".into()])
    );
}

#[test]
fn an_alias_stays_alone_whichever_was_there_before() {
    let target = b"\x01x\x04test\0";
    assert_eq!(made(&[("www.example.", IN, Rtype::CNAME, 60, target)]), Ok(vec![]));
    assert_eq!(made(&[("pool.example.", IN, Rtype::CNAME, 60, target)]), Ok(vec![]));
    assert_eq!(made(&[("alias.example.", IN, Rtype::A, 60, ONE)]), Ok(vec![]));
    assert_eq!(
        made(&[("alias.example.", IN, Rtype::CNAME, 60, target)]),
        Ok(vec!["-alias.example. 60 CNAME www.example.".into(), "+alias.example. 60 CNAME x.test.".into()])
    );
    // RFC 6672, section 5.2: likewise.
    assert_eq!(made(&[("alias.example.", IN, Rtype::DNAME, 60, target)]), Ok(vec![]));
    assert_eq!(made(&[("d.example.", IN, Rtype::CNAME, 60, target)]), Ok(vec![]));
    assert_eq!(
        made(&[("d.example.", IN, Rtype::DNAME, 60, target)]),
        Ok(vec!["-d.example. 60 DNAME www.example.".into(), "+d.example. 60 DNAME x.test.".into()])
    );
    // What was there a record ago is there no more.
    assert_eq!(
        made(&[("alias.example.", ANY, Rtype::ANY, 0, &[]), ("alias.example.", IN, Rtype::A, 60, ONE)]),
        Ok(vec!["-alias.example. 60 CNAME www.example.".into(), "+alias.example. 60 A 192.0.2.1".into()])
    );
}

#[test]
fn of_well_known_services_there_is_one_for_an_address_and_protocol() {
    let wks = |map: &'static [u8]| ("w.example.", IN, Rtype(11), 60, map);
    let (first, second, udp) =
        (&[192, 0, 2, 1, 6, 1][..], &[192, 0, 2, 1, 6, 3][..], &[192, 0, 2, 1, 17, 1][..]);
    assert_eq!(made(&[wks(first), wks(second)]).unwrap().len(), 1);
    assert_eq!(made(&[wks(first), wks(udp)]).unwrap().len(), 2);
}

#[test]
fn rrsets_names_and_records_are_deleted_and_the_soa_and_last_ns_are_not() {
    let gone = |updates: &[Line<'_>]| made(updates).unwrap().len();
    assert_eq!(gone(&[("www.example.", ANY, Rtype::A, 0, &[])]), 2);
    assert_eq!(gone(&[("www.example.", ANY, Rtype::AAAA, 0, &[])]), 0);
    assert_eq!(gone(&[("www.example.", ANY, Rtype::ANY, 0, &[])]), 2);
    assert_eq!(gone(&[("none.example.", ANY, Rtype::ANY, 0, &[])]), 0);
    assert_eq!(gone(&[("www.example.", NONE, Rtype::A, 0, ONE)]), 1);
    assert_eq!(gone(&[("www.example.", NONE, Rtype::A, 0, THREE)]), 0);
    assert_eq!(gone(&[("alias.example.", NONE, Rtype::CNAME, 0, b"\x03WWW\x07example\0")]), 1);
    // At the apex, SOA and NS stay, and nothing is said of it (sections 3.4.2.3 and 3.4.2.4).
    assert_eq!(gone(&[("example.", ANY, Rtype::ANY, 0, &[])]), 1, "the MX record");
    assert_eq!(gone(&[("example.", ANY, Rtype::NS, 0, &[])]), 0);
    assert_eq!(gone(&[("example.", ANY, Rtype::SOA, 0, &[])]), 0);
    let soa = [b"\x02ns\x07example\0\x04host\x07example\0".as_slice(), &[0; 20]].concat();
    assert_eq!(gone(&[("example.", NONE, Rtype::SOA, 0, &soa)]), 0);
    // Elsewhere NS is a type like any other.
    assert_eq!(gone(&[("one.example.", NONE, Rtype::NS, 0, b"\x02ns\x07example\0")]), 1);
    assert_eq!(gone(&[("one.example.", ANY, Rtype::NS, 0, &[])]), 1);
    let single = zone("$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns.test.");
    let last = message(&[], &[("example.", NONE, Rtype::NS, 0, b"\x02ns\x04test\0")]);
    assert_eq!(told(ask(&single, &policy(&["@"], TypeGrant::Any), &last)), Ok(vec![]));
}

#[test]
fn some_types_are_never_updated_whatever_is_allowed() {
    let soa = [b"\0\0".as_slice(), &[0xff; 20]].concat();
    for update in [
        ("example.", IN, Rtype::SOA, 60, &soa[..]),
        ("www.example.", IN, Rtype::SOA, 60, &soa[..]),
        ("example.", IN, Rtype::NS, 60, b"\x01x\x04test\0"),
        ("example.", NONE, Rtype::NS, 0, b"\x02ns\x07example\0"),
        ("example.", IN, Rtype::DNSKEY, 60, &[1, 1, 3, 13, 1]),
        ("example.", IN, Rtype(59), 60, &[0, 0, 0, 0, 0]),
        ("pool.example.", IN, Rtype::A, 60, ONE),
        ("pool.example.", ANY, Rtype::A, 0, &[]),
        ("pool.example.", ANY, Rtype::ANY, 0, &[]),
        ("new.example.", IN, Rtype::LUA, 60, b"\0\x01\x01x"),
    ] {
        assert_eq!(made(&[update]), Err(Rcode::REFUSED), "{update:?}");
    }
    assert_eq!(made(&[("pool.example.", ANY, Rtype::TXT, 0, &[])]).unwrap().len(), 1);
}

#[test]
fn nothing_is_allowed_but_what_a_rule_says() {
    let zone = zone(ZONE);
    let acme = policy(&["_acme-challenge.**"], TypeGrant::Listed(vec![Rtype::TXT]));
    let refused = |policy: &Policy, update| {
        ask(&zone, policy, &message(&[], &[update])).err().map(|error| error.reason)
    };
    let text = &b"\x01x"[..];
    assert_eq!(refused(&acme, ("_acme-challenge.example.", IN, Rtype::TXT, 60, text)), None);
    assert_eq!(refused(&acme, ("_ACME-challenge.apps.example.", IN, Rtype::TXT, 60, text)), None);
    let not_allowed = Some(Reason::NotAllowed);
    assert_eq!(refused(&acme, ("_acme-challenge.example.", IN, Rtype::A, 60, ONE)), not_allowed);
    assert_eq!(refused(&acme, ("www.example.", IN, Rtype::TXT, 60, text)), not_allowed);
    // What deletes nothing is not allowed either: it would tell that there is nothing.
    assert_eq!(refused(&acme, ("none.example.", ANY, Rtype::TXT, 0, &[])), not_allowed);
    assert_eq!(refused(&acme, ("example.", ANY, Rtype::SOA, 0, &[])), not_allowed);
    let nobody = Some(Reason::NobodyAllowed);
    assert_eq!(refused(&Policy::default(), ("www.example.", IN, Rtype::TXT, 60, text)), nobody);
    let mut keyed = acme.clone();
    keyed.grants[0].allow[0].key = Some("transfer.".parse().unwrap());
    assert_eq!(refused(&keyed, ("_acme-challenge.example.", IN, Rtype::TXT, 60, text)), nobody);
    // Prerequisites tell a stranger nothing.
    let asked = message(&[("www.example.", ANY, Rtype::ANY, 0, &[])], &[]);
    assert_eq!(ask(&zone, &Policy::default(), &asked).err().map(|error| error.reason), nobody);
    // All of a name means each of its types.
    let deletes = ("www.example.", ANY, Rtype::ANY, 0, &[][..]);
    let texts = policy(&["**"], TypeGrant::Listed(vec![Rtype::TXT]));
    assert_eq!(refused(&texts, deletes), not_allowed);
}

#[test]
fn all_types_are_not_those_that_hand_names_on_unless_they_are_named() {
    let zone = zone(ZONE);
    let refused = |policy: &Policy, update| {
        ask(&zone, policy, &message(&[], &[update])).err().map(|error| error.reason)
    };
    let any = policy(&["**"], TypeGrant::Any);
    let target = &b"\x01x\x04test\0"[..];
    for update in [
        ("new.example.", IN, Rtype::NS, 60, target),
        ("new.example.", IN, Rtype::DNAME, 60, target),
        ("one.example.", ANY, Rtype::NS, 0, &[]),
        ("one.example.", ANY, Rtype::ANY, 0, &[]),
        ("d.example.", NONE, Rtype::DNAME, 0, b"\x03www\x07example\0"),
    ] {
        assert_eq!(refused(&any, update), Some(Reason::NotAllowed), "{update:?}");
        assert_eq!(refused(&everything(), update), None, "{update:?}");
    }
    assert_eq!(refused(&any, ("new.example.", IN, Rtype::MX, 60, b"\0\x05\x01x\x04test\0")), None);
    assert_eq!(refused(&any, ("example.", ANY, Rtype::NS, 0, &[])), None, "RFC 2136 has it ignored");
}

#[test]
fn a_pool_is_not_hidden_by_what_stands_at_its_name_or_above() {
    let zone =
        zone("$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns.test.\nb.a LUA A \"ifportup(1, {'192.0.2.1'})\"\n");
    let guarding = Guarding {
        owner: name("d.c.example."),
        origin: Span::new(Sources::default().add("edgedns.toml", b"x".to_vec()), 0, 0).into(),
        hosts: Vec::new(),
        guards: Vec::new(),
        choice: crate::zone::PoolSettings::default(),
        records: crate::zone::Expected::Now,
    };
    let asked = |owner: &str, rtype| {
        let update = message(&[], &[(owner, IN, rtype, 60, b"\x01x\x04test\0")]);
        let read = UpdateMessage::read(&update).unwrap();
        let evaluated = evaluate(&read, &zone, std::slice::from_ref(&guarding), &everything(), &requester());
        evaluated.err().map(|error| error.reason)
    };
    for rtype in [Rtype::NS, Rtype::DNAME] {
        for owner in ["b.a.example.", "a.example.", "d.c.example.", "c.example."] {
            assert_eq!(asked(owner, rtype), Some(Reason::HeldByPool), "{owner} {rtype}");
        }
        for owner in ["x.b.a.example.", "x.a.example.", "other.example."] {
            assert_eq!(asked(owner, rtype), None, "{owner} {rtype}");
        }
    }
    assert_eq!(asked("example.", Rtype::DNAME), Some(Reason::HeldByPool));
    assert_eq!(asked("a.example.", Rtype::CNAME), None, "that hides nothing below it");
}

#[test]
fn a_name_that_is_not_there_is_deleted_by_whom_a_rule_lets_change_some_type_of_it() {
    let acme = policy(&["_acme-challenge.**"], TypeGrant::Listed(vec![Rtype::TXT]));
    let asked = |owner| told(ask(&zone(ZONE), &acme, &message(&[], &[(owner, ANY, Rtype::ANY, 0, &[])])));
    assert_eq!(asked("_acme-challenge.none.example."), Ok(vec![]));
    assert_eq!(asked("none.example."), Err(Rcode::REFUSED));
}

#[test]
fn the_serial_is_the_next_one_where_something_changes_and_stays_where_nothing_does() {
    let all = policy(&["**"], TypeGrant::Any);
    let add = message(&[], &[("new.example.", IN, Rtype::A, 60, ONE)]);
    for (serial, next) in [(7_u32, 8_u32), (u32::MAX, 1), (0, 1), (0x7fff_ffff, 0x8000_0000)] {
        let zone = zone(&ZONE.replace("host 7 ", &format!("host {serial} ")));
        let changes = ask(&zone, &all, &add).unwrap().unwrap();
        let [removed, added] = [&changes.removed[0], &changes.added[0]];
        assert_eq!([removed.rtype, added.rtype], [Rtype::SOA; 2]);
        let number = |rdata: &[u8]| u32::from_be_bytes(rdata[rdata.len() - 20..][..4].try_into().unwrap());
        assert_eq!((number(&removed.rdata), number(&added.rdata)), (serial, next));
        assert_eq!(removed.ttl, added.ttl);
    }
    let nothing = message(&[], &[("www.example.", IN, Rtype::A, 60, ONE)]);
    assert_eq!(ask(&zone(ZONE), &all, &nothing), Ok(None));
    let back = [("n.example.", IN, Rtype::A, 60, ONE), ("n.example.", NONE, Rtype::A, 0, ONE)];
    assert_eq!(ask(&zone(ZONE), &all, &message(&[], &back)), Ok(None));
}

#[test]
fn a_response_has_the_id_the_opcode_the_zone_and_an_opt_record_where_the_request_has_one() {
    let request = message(&[], &[]);
    let response = respond(&request, Some(&Reason::NotAllowed.into())).unwrap();
    let header = Header::read(&response).unwrap();
    assert_eq!((header.id, header.flags), (0x1234, 0xa800 | 5));
    assert_eq!(header.counts, [1, 0, 0, 0]);
    let mut with_opt = request.clone();
    with_opt[11] = 1;
    with_opt.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    let response = respond(&with_opt, Some(&Reason::NotAllowed.into())).unwrap();
    assert_eq!(Header::read(&response).unwrap().counts, [1, 0, 0, 1]);
    assert!(response.windows(7).any(|window| window == b"no rule"), "the extended error says why");
    let longest = Reason::Unsound("ä".repeat(4000)).into();
    assert!(respond(&with_opt, Some(&longest)).unwrap().len() <= RESPONSE_BYTES_MAX);
    assert_eq!(respond(&request[..11], None), None);
    assert!(respond(&request[..12], None).is_some());
}

fn lines() -> impl Strategy<Value = Vec<(u8, u16, u16, u32, Vec<u8>)>> {
    let classes = prop_oneof![Just(IN), Just(ANY), Just(NONE), any::<u16>()];
    let types =
        prop_oneof![Just(1_u16), Just(2), Just(5), Just(6), Just(16), Just(39), Just(255), any::<u16>()];
    let rdata = prop_oneof![
        Just(Vec::new()),
        Just(ONE.to_vec()),
        Just(b"\x01x\x07example\0".to_vec()),
        Just(b"\x01t".to_vec()),
        prop::collection::vec(any::<u8>(), 0..30)
    ];
    prop::collection::vec(
        (0..8_u8, classes, types, prop_oneof![Just(0_u32), Just(60), any::<u32>()], rdata),
        0..6,
    )
}

const OWNERS: [&str; 8] = [
    "example.",
    "www.example.",
    "alias.example.",
    "pool.example.",
    "new.example.",
    "*.example.",
    "x.one.example.",
    "a.d.example.",
];

fn bytes_of(
    prerequisites: &[(u8, u16, u16, u32, Vec<u8>)],
    updates: &[(u8, u16, u16, u32, Vec<u8>)],
) -> Vec<u8> {
    fn line((owner, class, rtype, ttl, rdata): &(u8, u16, u16, u32, Vec<u8>)) -> Line<'_> {
        (OWNERS[usize::from(*owner)], *class, Rtype(*rtype), *ttl, rdata)
    }
    let lines = |lines: &[(u8, u16, u16, u32, Vec<u8>)]| lines.to_vec();
    let (prerequisites, updates) = (lines(prerequisites), lines(updates));
    let prerequisites: Vec<Line<'_>> = prerequisites.iter().map(line).collect();
    let updates: Vec<Line<'_>> = updates.iter().map(line).collect();
    message(&prerequisites, &updates)
}

proptest! {
    /// Whatever is changed fits the zone that it was made for, with the next serial, and leaves SOA and NS at the apex.
    #[test]
    fn what_comes_of_an_update_fits_the_zone(updates in lines()) {
        let zone = zone(ZONE);
        let all = policy(&["**"], TypeGrant::Any);
        if let Ok(Some(changes)) = ask(&zone, &all, &bytes_of(&[], &updates)) {
            let mut found = Diagnostics::default();
            let span = Span::new(Sources::default().add("x", Vec::new()), 0, 0);
            let builder = changes.apply(&zone, &[], span, &mut found).unwrap();
            if let Some(after) = builder.finish(&mut found) {
                prop_assert_eq!(after.serial(), 8);
                let apex = after.node(crate::zone::NodeId::APEX);
                prop_assert!(apex.rrset(Rtype::SOA).is_some() && apex.rrset(Rtype::NS).is_some());
                // The same once more changes nothing, or the same again back: it never fails.
                prop_assert!(ask(&after, &all, &bytes_of(&[], &updates)).is_ok());
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        prerequisites in lines(),
        updates in lines(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = bytes_of(&prerequisites, &updates);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let all = policy(&["**"], TypeGrant::Any);
        let zone = zone(ZONE);
        let _ = ask(&zone, &all, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = (ask(&zone, &all, &bytes), respond(&bytes, None), zone_of(&bytes));
    }
}
