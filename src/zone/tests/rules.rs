//! Records that may not, or should not, stand together.

use super::*;

#[test]
fn one_rrset_has_one_ttl_and_the_lowest_is_served() {
    let (zone, said) = Lab::new(sound!("a 60 A 192.0.2.1" "a 30 A 192.0.2.2" "a 90 A 192.0.2.3")).finish();
    assert_eq!(
        said,
        [
            "warning lab.zone:5:1: the TTLs of one RRset differ: 30 and 60; RFC 2181, section 5.2, wants one TTL; \
          30, the lowest, is served"
        ]
    );
    let zone = zone.unwrap();
    let node = zone.node(zone.find(name(b"a").as_ref()).unwrap());
    assert_eq!(node.rrset(Rtype::A).unwrap().ttl().seconds(), 30);
}

#[test]
fn names_that_differ_in_case_are_one_node_wherever_they_stand() {
    let (zone, _) = Lab::new(sound!(
        "a.Sub 60 A 192.0.2.1" "b.sUB 60 A 192.0.2.2" "A.sub 60 A 192.0.2.3" "c.sub 60 A 192.0.2.4"
    ))
    .finish();
    let zone = zone.unwrap();
    let below = zone.node_ids().map(|id| zone.node(id).name().to_name().to_string().to_ascii_lowercase());
    let below: Vec<String> = below.filter(|name| name.contains("sub")).collect();
    assert_eq!(below.len(), 4, "{below:?}");
    let node = zone.node(zone.find(name(b"a.sub").as_ref()).unwrap());
    assert_eq!(node.rrset(Rtype::A).unwrap().rdatas().len(), 2);
}

#[test]
fn a_record_that_comes_twice_is_answered_once() {
    let (zone, said) = Lab::new(sound!("a 60 A 192.0.2.1" "A 60 A 192.0.2.1")).finish();
    assert_eq!(
        said,
        ["warning lab.zone:5:1: this is the same record again; it is answered once; remove this line"]
    );
    let zone = zone.unwrap();
    let node = zone.node(zone.find(name(b"a").as_ref()).unwrap());
    assert_eq!(node.rrset(Rtype::A).unwrap().rdatas().len(), 1);
}

#[test]
fn a_zone_without_a_soa_cannot_be_served() {
    let (zone, said) = Lab::new("@ 60 NS ns\nns 60 A 192.0.2.1\n").finish();
    assert!(zone.is_none());
    assert_eq!(
        said,
        ["error edgedns.toml:1:8: the zone `example.` has no SOA record at its apex; \
          begin the file with `@ IN SOA ns1 hostmaster 1 3h 30m 2w 10m`"]
    );
}

#[test]
fn a_zone_has_one_soa() {
    let (zone, said) = Lab::new(sound!("@ 60 SOA ns host 2 2 3 4 30")).finish();
    assert!(zone.is_none());
    assert_eq!(said, ["error lab.zone:1:1: more than one SOA record"]);
}

#[test]
fn a_soa_stands_at_the_apex_only() {
    let (zone, said) = Lab::new(sound!("sub 60 SOA ns host 2 2 3 4 30")).finish();
    assert!(zone.is_none());
    let fault = "error lab.zone:4:1: this SOA record is not at the apex, `example.`, but at `sub.example.`; the owner \
                 of a zone's SOA record is the zone itself, `@`";
    assert_eq!(said, [fault]);
}

#[test]
fn a_zone_whose_only_soa_stands_elsewhere_is_told_where() {
    let (_, said) = Lab::new("other 60 SOA ns host 2 2 3 4 30\n").finish();
    assert_eq!(
        said,
        [
            "error lab.zone:1:1: this SOA record is not at the apex, `example.`, but at `other.example.`; the owner of a \
          zone's SOA record is the zone itself, `@`"
        ]
    );
    let (_, said) = Lab::new("Example 60 SOA ns host 2 2 3 4 30\n").finish();
    assert_eq!(
        said,
        [
            "error lab.zone:1:1: this SOA record is not at the apex, `example.`, but at `Example.example.`; did you mean \
          `example.`, with a dot at its end, or `@`?"
        ]
    );
}

#[test]
fn a_zone_without_name_servers_is_served_with_a_warning() {
    let (zone, said) = Lab::new("@ 60 SOA ns host 1 2 3 4 30\n").finish();
    assert!(zone.is_some());
    assert_eq!(
        said,
        [
            "warning lab.zone:1:1: the zone `example.` has no NS record at its apex; add `@ IN NS` with the name of \
          this server; resolvers that follow a delegation need it"
        ]
    );
}

#[test]
fn an_rrset_must_fit_a_message() {
    let fill = |records: u8| {
        let mut lab = Lab::new(sound!());
        let span = lab.place("ns");
        for number in 0..records {
            let mut data = vec![0; 1000];
            data[0] = number;
            lab.builder.add(name(b"a").as_ref(), Rtype(65_280), Ttl::default(), &data, span).unwrap();
        }
        lab.said()
    };
    assert_eq!(fill(64), [""; 0]);
    assert_eq!(fill(65), ["error lab.zone:1:10: this RRset takes 65780 bytes and does not fit a message"]);
}

#[test]
fn a_zone_that_outgrows_its_places_is_refused_at_the_record_that_does_not_fit() {
    let fill = |place_max: u32, owner: &[u8], rdata: &[u8]| {
        let mut lab = Lab::new(sound!());
        lab.builder.place_max = place_max;
        let span = lab.place("ns");
        let added = lab.builder.add(name(owner).as_ref(), Rtype(65_280), Ttl::default(), rdata, span);
        lab.found.extend(added.err());
        lab.said()
    };
    let too_much = |what: &str| {
        [format!(
            "error lab.zone:1:10: the zone `example.` holds more than {what}; \
             split it: delegate a part of it to a zone of its own"
        )]
    };
    // Three records of 62 bytes of data at two names of 9 and 12 bytes.
    assert_eq!(fill(1000, b"a", &[0; 4]), [""; 0]);
    assert_eq!(fill(10, b"a", &[0; 4]), too_much("4 GiB of names"));
    assert_eq!(fill(1, b"a", &[0; 4]), too_much("4294967295 names"));
    assert_eq!(fill(20, b"ns", &[0; 4]), too_much("4 GiB of record data"));
    assert_eq!(fill(2, b"ns", &[]), too_much("4294967295 records"));
}

#[test]
fn a_cname_stands_alone_and_both_places_are_drawn() {
    let lab = || Lab::new(sound!("www 60 TXT x" "www 60 CNAME ns"));
    assert_eq!(
        lab().said(),
        ["error lab.zone:4:1: `www.example.` has a CNAME record and others; \
          RFC 1034, section 3.6.2: a name that is an alias has no other data"]
    );
    let drawn = lab().drawn();
    assert!(drawn.contains("4 | www 60 TXT x\n  | ^^^ TXT record\n"), "{drawn}");
    assert!(drawn.contains("5 | www 60 CNAME ns\n  | --- CNAME record\n"), "{drawn}");
}

#[test]
fn a_zone_cut_is_no_alias() {
    let (zone, said) = Lab::new(sound!("cut 60 NS ns" "cut 60 CNAME ns")).finish();
    assert!(zone.is_none());
    assert!(
        said.iter()
            .any(|one| one.contains("error lab.zone:4:1: `cut.example.` has a CNAME record and others")),
        "{said:?}"
    );
}

#[test]
fn a_cname_stands_not_beside_a_lua_record_either() {
    let (zone, said) = Lab::new(sound!("www 60 CNAME ns" "api 60 TXT x")).lua("www", "api").finish();
    assert!(zone.is_none());
    assert_eq!(
        said,
        ["error lab.zone:5:1: `www.example.` has a CNAME record and others; \
          RFC 1034, section 3.6.2: a name that is an alias has no other data"]
    );
}

#[test]
fn a_name_is_an_alias_of_one_other() {
    let (zone, said) = Lab::new(sound!("www 60 CNAME ns" "www 60 CNAME @")).finish();
    assert!(zone.is_none());
    assert_eq!(said, ["error lab.zone:4:1: `www.example.` has more than one CNAME record"]);
    let said = Lab::new(sound!("d 60 DNAME a" "d 60 DNAME b")).said();
    assert_eq!(said, ["error lab.zone:4:1: `d.example.` has more than one DNAME record"]);
}

#[test]
fn a_wildcard_with_ns_or_dname_is_served_with_a_warning() {
    let (zone, said) = Lab::new(sound!("*.a 60 NS ns" "*.b 60 DNAME c")).finish();
    assert!(zone.is_some());
    assert_eq!(
        said,
        [
            "warning lab.zone:4:1: a wildcard with NS records: resolvers differ in what they make of it; \
             RFC 4592, section 4.2",
            "warning lab.zone:5:1: a wildcard with DNAME records: resolvers differ in what they make of it; \
             RFC 4592, section 4.4",
        ]
    );
}

#[test]
fn what_stands_at_a_zone_cut_is_hidden() {
    let lab = || Lab::new(sound!("cut 60 NS ns" "cut 60 TXT x"));
    assert_eq!(
        lab().said(),
        ["warning lab.zone:5:1: this TXT record is not answered: `cut.example.` is delegated"]
    );
    let drawn = lab().drawn();
    assert!(drawn.contains("5 | cut 60 TXT x\n  | ^^^"), "{drawn}");
    assert!(drawn.contains("4 | cut 60 NS ns\n  | --- the zone cut\n"), "{drawn}");
    let said = Lab::new(sound!("cut 60 NS ns" "api 60 TXT x")).lua("cut", "api").said();
    assert_eq!(said, ["warning lab.zone:5:1: this A record is not answered: `cut.example.` is delegated"]);
    // DS belongs there, and so does the glue of a name server that has the child's own name.
    let own = sound!("cut 60 NS cut" "cut 60 A 192.0.2.1" "cut 60 DS 1 8 1 000102030405060708090a0b0c0d0e0f10111213");
    assert_eq!(Lab::new(own).said(), [""; 0]);
}

#[test]
fn a_name_server_inside_the_child_needs_glue() {
    let said = Lab::new(sound!("cut 60 NS ns.cut" "cut 60 NS ns")).said();
    assert_eq!(
        said,
        ["warning lab.zone:4:1: no glue for `ns.cut.example.`, a name server of `cut.example.`; \
          add `ns.cut.example. IN A …` to this zone"]
    );
}

#[test]
fn what_lies_below_a_zone_cut_is_occluded_unless_it_is_glue() {
    let text = sound!("cut 60 NS ns.cut" "ns.cut 60 A 192.0.2.1" "ns.cut 60 TXT x" "www.cut 60 A 192.0.2.1");
    assert_eq!(
        Lab::new(text).said(),
        [
            "warning lab.zone:6:1: this TXT record is occluded: `cut.example.` is delegated",
            "warning lab.zone:7:1: this A record is occluded: `cut.example.` is delegated",
        ]
    );
    let said = Lab::new(sound!("cut 60 NS ns" "api 60 TXT x")).lua("x.cut", "api").said();
    assert_eq!(said, ["warning lab.zone:5:1: this A record is occluded: `cut.example.` is delegated"]);
}

#[test]
fn nothing_lies_below_a_dname() {
    let lab = || Lab::new(sound!("d 60 DNAME elsewhere.test." "www.d 60 A 192.0.2.1"));
    assert_eq!(
        lab().said(),
        [
            "error lab.zone:5:1: this A record lies below `d.example.`, which is redirected by a DNAME; RFC 6672, \
          section 2.4: there is nothing below it; what is asked there is looked for at its target; remove one of \
          both: the record would never be answered"
        ]
    );
    let drawn = lab().drawn();
    assert!(drawn.contains("5 | www.d 60 A 192.0.2.1\n  | ^^^^^"), "{drawn}");
    assert!(drawn.contains("4 | d 60 DNAME elsewhere.test.\n  | - the DNAME record\n"), "{drawn}");
    let (zone, _) = Lab::new(sound!("d 60 DNAME elsewhere.test." "api 60 TXT x")).lua("x.d", "api").finish();
    assert!(zone.is_none(), "a LUA record is a record");
    // Where all of it is delegated, nothing of it is answered here.
    let (zone, _) = Lab::new(sound!("c 60 NS ns" "d.c 60 DNAME ns" "www.d.c 60 A 192.0.2.1")).finish();
    assert!(zone.is_some());
}

#[test]
fn records_that_differ_in_the_case_of_a_name_are_one() {
    let (zone, said) = Lab::new(sound!(
        "www 60 CNAME ns" "www 60 CNAME NS" "d 60 DNAME x.test." "d 60 DNAME X.test." "@ 60 SOA NS Host 1 2 3 4 30"
        "m 60 MX 5 ns" "m 60 MX 5 nS" "m 60 MX 6 nS"
    ))
    .finish();
    let repeated = |line: u32| {
        format!(
            "warning lab.zone:{line}:1: this is the same record again; it is answered once; remove this \
             line; names that differ in case only are the same (RFC 4343)"
        )
    };
    let mut expected = [8, 5, 7, 10].map(repeated);
    let mut said = said;
    expected.sort();
    said.sort();
    assert_eq!(said, expected);
    let zone = zone.unwrap();
    let count = |owner: &str, rtype| {
        let node = zone.node(zone.find(name(owner.as_bytes()).as_ref()).unwrap());
        node.rrset(rtype).unwrap().rdatas().len()
    };
    assert_eq!([count("www", Rtype::CNAME), count("d", Rtype::DNAME), count("m", Rtype::MX)], [1, 1, 2]);
    // Text is not a name.
    assert_eq!(Lab::new(sound!("t 60 TXT a" "t 60 TXT A")).said(), [""; 0]);
}

#[test]
fn a_lua_record_is_glue_like_a_plain_one() {
    let said = Lab::new(sound!("cut 60 NS ns.cut" "api 60 TXT x")).lua("ns.cut", "api").said();
    assert_eq!(said, [""; 0]);
    // A name server that has the child's own name.
    let said = Lab::new(sound!("cut 60 NS cut" "api 60 TXT x")).lua("cut", "api").said();
    assert_eq!(said, [""; 0]);
    let said = Lab::new(sound!("cut 60 NS ns.cut" "ns.cut 60 A 192.0.2.1" "api 60 TXT x"))
        .lua("www.cut", "api")
        .said();
    assert_eq!(said, ["warning lab.zone:6:1: this A record is occluded: `cut.example.` is delegated"]);
}

#[test]
fn plain_records_and_lua_records_of_one_rrset_have_one_ttl() {
    let mut lab = Lab::new(sound!("b 12 A 192.0.2.9" "x 34 TXT y" "z 20 TXT y"));
    for (owner, word, ttl) in [("b", "x 34", 34), ("c", "x 34", 34), ("c", "z 20", 20)] {
        let pool = pool(owner, lab.place(word));
        let ttl = Ttl::from_seconds(ttl).unwrap();
        lab.builder.add_pool(Pool { ttl, ttl_degraded: ttl, ..pool }).unwrap();
    }
    let (zone, said) = lab.finish();
    let told = |line: u32, low: u32, other: u32| {
        format!(
            "warning lab.zone:{line}:1: the TTLs of one RRset differ: {low} and {other}; RFC 2181, section 5.2, wants \
             one TTL; {low}, the lowest, is served"
        )
    };
    assert_eq!(said, [told(5, 12, 34), told(6, 20, 34)]);
    let zone = zone.unwrap();
    let ttls: Vec<[u32; 2]> =
        zone.pools().iter().map(|pool| [pool.ttl.seconds(), pool.ttl_degraded.seconds()]).collect();
    assert_eq!(ttls, [[12, 12], [20, 20], [20, 20]]);
    let node = zone.node(zone.find(name(b"b").as_ref()).unwrap());
    assert_eq!(node.rrset(Rtype::A).unwrap().ttl().seconds(), 12);
    let same = Lab::new(sound!("b 0 A 192.0.2.9" "x 34 TXT y")).lua("b", "x 34").said();
    assert_eq!(same, [""; 0]);
}

#[test]
fn targets_must_be_names_with_addresses() {
    let text = sound!(
        "a 60 MX 5 none" "b 60 SRV 0 0 1 alias" "c 60 MX 5 text" "cut 60 NS missing"
        "alias 60 CNAME ns" "text 60 TXT x"
    );
    assert_eq!(
        Lab::new(text).said(),
        [
            "warning lab.zone:4:1: this MX record points to `none.example.`, which does not exist",
            "warning lab.zone:5:1: this SRV record points to `alias.example.`, which is a CNAME; \
             name the target of the alias: SRV wants a name with addresses",
            "warning lab.zone:6:1: this MX record points to `text.example.`, which has no address",
            "warning lab.zone:7:1: this NS record points to `missing.example.`, which does not exist",
        ]
    );
}

#[test]
fn targets_that_are_none_of_ours_are_fine() {
    let text = sound!(
        "a 60 MX 0 ." "b 60 SRV 0 0 0 ." "c 60 MX 5 mail.elsewhere.test." "d 60 MX 5 x.w" "*.w 60 A 192.0.2.1"
        "e 60 MX 5 x.cut" "cut 60 NS ns"
    );
    assert_eq!(Lab::new(text).said(), [""; 0]);
    // A pool has addresses, too.
    assert_eq!(Lab::new(sound!("a 60 MX 5 api" "api 60 TXT x")).lua("api", "api 60").said(), [""; 0]);
}

/// What makes a zone one that comes signed.
macro_rules! signed {
    ($($line:literal)*) => {
        sound!(
            "@ 60 DNSKEY 257 3 13 AQID"
            "@ 60 RRSIG DNSKEY 13 1 60 20301231000000 20200101000000 7 example. AAAA"
            $($line)*
        )
    };
}

#[test]
fn signatures_of_one_owner_have_the_ttls_of_what_they_cover() {
    let text = signed!(
        "a 60 A 192.0.2.1"
        "a 60 RRSIG A 13 2 60 20301231000000 20200101000000 7 example. AAAA"
        "a 30 NSEC example. A RRSIG NSEC"
        "a 30 RRSIG NSEC 13 2 30 20301231000000 20200101000000 7 example. AAAB"
        "a 60 RRSIG A 13 2 60 20301231000000 20200101000000 8 example. AAAC"
    );
    let (zone, said) = Lab::new(text).finish();
    assert_eq!(said, Vec::<String>::new());
    let zone = zone.unwrap();
    assert!(zone.is_signed());
    let node = zone.node(zone.find(name(b"a").as_ref()).unwrap());
    let of = |rtype| {
        let signatures = node.signatures(rtype).unwrap();
        (signatures.ttl().seconds(), signatures.rdatas().len(), signatures.covered())
    };
    assert_eq!(of(Rtype::A), (60, 2, Some(Rtype::A)));
    assert_eq!(of(Rtype::NSEC), (30, 1, Some(Rtype::NSEC)));
    let sent: Vec<(Rtype, u32)> = zone
        .records()
        .filter(|(owner, ..)| *owner == node.name())
        .map(|(_, rtype, ttl, _)| (rtype, ttl.seconds()))
        .collect();
    let signature = Rtype::RRSIG;
    assert_eq!(sent, [(Rtype::A, 60), (signature, 60), (signature, 60), (signature, 30), (Rtype::NSEC, 30)]);
}

#[test]
fn signatures_without_the_keys_of_the_zone_are_left_out_with_the_names_that_only_they_have() {
    let text = sound!(
        "@ 60 RRSIG SOA 13 1 60 20301231000000 20200101000000 7 example. AAAA"
        "a 60 A 192.0.2.1"
        "2t7b4g4vsa5smi47k61mv5bv1a22bojr 30 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"
    );
    let (zone, said) = Lab::new(text).finish();
    assert_eq!(
        said,
        [
            "warning lab.zone:4:1: this zone holds signatures without its keys: it is served unsigned; records of type \
          RRSIG, NSEC, NSEC3 and NSEC3PARAM left out: 2; sign it with its DNSKEY records at the apex; or remove the DS \
          records of this zone at its parent, for validators will refuse it"
        ]
    );
    let zone = zone.unwrap();
    assert!(!zone.is_signed());
    assert_eq!(zone.node_ids().count(), 3);
    assert!(zone.records().all(|(_, rtype, ..)| rtype != Rtype::RRSIG && rtype != Rtype::NSEC3));
}

#[test]
fn a_hash_is_no_name_and_an_alias_may_be_signed() {
    let text = signed!(
        "2t7b4g4vsa5smi47k61mv5bv1a22bojr 30 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"
        "a 60 CNAME b.test."
        "a 60 RRSIG CNAME 13 2 60 20301231000000 20200101000000 7 example. AAAA"
        "a 60 NSEC example. CNAME RRSIG NSEC"
    );
    let (zone, said) = Lab::new(text).finish();
    assert_eq!(said, Vec::<String>::new());
    let zone = zone.unwrap();
    let hash = name(b"2t7b4g4vsa5smi47k61mv5bv1a22bojr");
    assert_eq!(zone.node(zone.find(hash.as_ref()).unwrap()).kind(), NodeKind::Hashed);
    assert!(zone.find_served(hash.as_ref()).is_none());
}

#[test]
fn a_zone_that_comes_signed_has_no_pools() {
    let (zone, said) = Lab::new(signed!("a 60 A 192.0.2.1")).lua("b.example.", "a 60").finish();
    assert!(zone.is_none());
    assert_eq!(
        said,
        [
            "error lab.zone:6:1: `b.example.` follows probes, and the zone comes signed; its signatures cover the records \
          that are in it, not those that are up at a time; take the signatures out of the zone, or the pool: a zone of \
          its own may hold it"
        ]
    );
}

#[test]
fn names_are_not_hashed_again_and_again_to_be_denied() {
    let said = |iterations: &str| {
        let text = signed!("@ 60 NSEC3PARAM 1 0 TIMES -").replace("TIMES", iterations);
        Lab::new(Box::leak(text.into_boxed_str())).finish()
    };
    assert_eq!(said("0").1, [""; 0]);
    let (zone, told) = said("1");
    assert!(zone.is_some());
    assert_eq!(
        told,
        [
            "warning lab.zone:6:1: names are hashed 1 times more to be denied; RFC 9276, section 3.1: that hides nothing, \
          and costs each server and resolver work; sign the zone with no iterations and no salt, as RFC 9276 advises"
        ]
    );
    let (zone, told) = said("150");
    assert!(zone.is_some());
    assert_eq!(
        told,
        [
            "warning lab.zone:6:1: names are hashed 150 times more to be denied; RFC 9276, section 3.2: resolvers take such \
          a zone for one that is not signed; sign the zone with no iterations and no salt, as RFC 9276 advises"
        ]
    );
    assert!(said("151").0.is_none());
}
