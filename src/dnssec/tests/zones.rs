//! What is signed and what is not, and what is signed again.

use std::collections::{BTreeSet, HashMap};

use super::nsec3_hash::hash_once;
use super::*;
use crate::dns::Rtype;

fn added(text: &str) -> Vec<String> {
    lines(&signed(&zone(text), &signing([ed25519([7; 32], ZONE_KEY | SEP)]), &mut Shelf::default()))
}

fn of<'l>(lines: &'l [String], head: &str) -> Vec<&'l str> {
    lines.iter().map(String::as_str).filter(|line| line.starts_with(head)).collect()
}

#[test]
fn the_chain_has_every_owner_but_empty_non_terminals_glue_and_what_is_below_a_cut() {
    let lines = added(ZONE);
    let nsec: Vec<&String> =
        lines.iter().filter(|line| line.contains(" NSEC ") && !line.contains("RRSIG NSEC 15")).collect();
    let mut next = "example.org.".to_owned();
    for line in &nsec {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], next, "{line}");
        assert_eq!(words[1], "300", "the TTL of negative answers: {line}");
        next = words[3].to_owned();
    }
    assert_eq!(next, "example.org.");
    let has = |owner: &str| nsec.iter().any(|line| line.starts_with(&format!("{owner} ")));
    assert!(has("*.apps.example.org.") && has("secure.example.org.") && has("insecure.example.org."));
    for none in ["apps", "terminal", "empty.non.terminal", "ns.secure", "ns.insecure", "below.it.insecure"] {
        assert!(!has(&format!("{none}.example.org.")), "{none}");
    }
    let bitmap = |owner: &str| {
        let line = of(&lines, &format!("{owner} 300 NSEC ")).concat();
        line.split(' ').skip(4).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(bitmap("example.org."), "NS SOA MX RRSIG NSEC DNSKEY CAA");
    assert_eq!(bitmap("secure.example.org."), "NS DS RRSIG NSEC");
    assert_eq!(bitmap("insecure.example.org."), "NS RRSIG NSEC");
    assert_eq!(bitmap("type65280.example.org."), "RRSIG NSEC TYPE65280");
}

#[test]
fn delegations_and_glue_are_not_signed_but_ds_is() {
    let lines = added(ZONE);
    assert_eq!(of(&lines, "secure.example.org. 60 RRSIG DS ").len(), 1);
    assert!(of(&lines, "secure.example.org. 60 RRSIG NS ").is_empty());
    assert!(lines.iter().all(|line| !line.starts_with("ns.secure") && !line.contains("below.it")));
}

#[test]
fn a_signature_of_a_wildcard_does_not_count_its_star() {
    let lines = added(ZONE);
    let wildcard = of(&lines, "*.apps.example.org. 60 RRSIG A ");
    assert!(wildcard[0].starts_with("*.apps.example.org. 60 RRSIG A 15 3 60 "), "{wildcard:?}");
}

#[test]
fn signatures_have_the_ttl_of_what_they_cover_and_name_the_zone_in_lower_case() {
    let lines = added(&ZONE.replace("example.org", "EXAMPLE.org"));
    let www = of(&lines, "www.EXAMPLE.org. 60 RRSIG A 15 3 60 20261217000000 20261125230000 ");
    assert_eq!(www.len(), 1, "{lines:#?}");
    assert!(www[0].contains(" example.org. "), "{www:?}");
}

#[test]
fn what_was_signed_in_this_period_is_not_signed_again() {
    let (first, keys) = (zone(ZONE), [made(Algorithm::EcdsaP256Sha256, ZONE_KEY | SEP, Timing::ALWAYS)]);
    let (signing, mut shelf) = (signing(keys), Shelf::default());
    let before = signed(&first, &signing, &mut shelf);
    let made = shelf.made();
    assert_eq!(made, before.iter().filter(|record| record.rtype == Rtype::RRSIG).count() as u64);
    assert_eq!(lines(&signed(&first, &signing, &mut shelf)), lines(&before), "ECDSA would make others");
    assert_eq!(shelf.made(), made);
    let changed = zone(&ZONE.replace("www 60 A 192.0.2.1\n", "www 60 A 192.0.2.4\n"));
    signed(&changed, &signing, &mut shelf);
    assert_eq!(shelf.made(), made + 1);
    let more = zone(&ZONE.replace("Mail 60", "more 60 TXT \"x\"\nMail 60"));
    signed(&more, &signing, &mut shelf);
    assert_eq!(shelf.made(), made + 1 + 1 + 3, "www as it was; the TXT, its NSEC, and the NSEC before it");
    let next = Signing { validity: Period::at(now().after(PERIOD), 0).validity(), ..signing };
    signed(&first, &next, &mut shelf);
    assert_eq!(shelf.made(), 2 * made + 5);
    assert_eq!(shelf.len() as u64, made, "what was of the period before is forgotten");
}

#[test]
fn a_pair_of_keys_shares_the_work_and_a_key_alone_does_all_of_it() {
    let pair = [ed25519([1; 32], ZONE_KEY | SEP), ed25519([2; 32], ZONE_KEY)];
    let [ksk, zsk] = [0, 1].map(|at: usize| pair[at].public().tag().to_string());
    let lines = lines(&signed(&zone(ZONE), &signing(pair), &mut Shelf::default()));
    for line in lines.iter().filter(|line| line.contains(" RRSIG ") && !line.contains(" NSEC ")) {
        let (tag, other) = if line.contains(" RRSIG DNSKEY ") { (&ksk, &zsk) } else { (&zsk, &ksk) };
        assert!(
            line.contains(&format!(" {tag} example.org. ")) && !line.contains(&format!(" {other} ")),
            "{line}"
        );
    }
    assert_eq!(of(&lines, "example.org. 3600 DNSKEY ").len(), 2);
}

#[test]
fn the_parent_is_told_of_keys_whose_time_has_come() {
    let at = now().before(1);
    let always = Timing::default().with(Event::Publish, at).with(Event::Activate, at);
    let known = made(Algorithm::Ed25519, ZONE_KEY | SEP, always.clone().with(Event::SyncPublish, at));
    let tag = known.public().tag().to_string();
    let later = made(Algorithm::Ed25519, ZONE_KEY | SEP, always.with(Event::SyncPublish, now().after(1)));
    let lines = lines(&signed(&zone(ZONE), &signing([known, later]), &mut Shelf::default()));
    let cds = of(&lines, "example.org. 3600 CDS ");
    assert!(cds.len() == 1 && cds[0].starts_with(&format!("example.org. 3600 CDS {tag} 15 2 ")), "{cds:?}");
    assert_eq!(of(&lines, "example.org. 3600 CDNSKEY ").len(), 1);
    assert_eq!(of(&lines, "example.org. 3600 RRSIG CDS ").len(), 2);
}

#[test]
fn a_zone_that_leaves_tells_its_parent_of_no_key_and_stays_signed() {
    let at = now().before(1);
    let always = Timing::default().with(Event::Publish, at).with(Event::Activate, at);
    let known = || made(Algorithm::Ed25519, ZONE_KEY | SEP, always.clone().with(Event::SyncPublish, at));
    let leaving = |since| {
        let keys = ZoneKeys::new([known()]).unwrap().leaving(Some(Leaving { since, ends: None }));
        let keys = keys.in_effect(now()).unwrap();
        let validity = Period::at(now(), 0).validity();
        let signing = Signing { keys, validity, denial: DenialKind::Nsec };
        lines(&signed(&zone(ZONE), &signing, &mut Shelf::default()))
    };
    let told = leaving(now());
    assert_eq!(of(&told, "example.org. 3600 CDS "), ["example.org. 3600 CDS 0 0 0 00"]);
    assert_eq!(of(&told, "example.org. 3600 CDNSKEY "), ["example.org. 3600 CDNSKEY 0 3 0 AA=="]);
    for rtype in ["CDS", "CDNSKEY", "DNSKEY", "SOA"] {
        assert_eq!(of(&told, &format!("example.org. 3600 RRSIG {rtype} ")).len(), 1, "{rtype}");
    }
    let later = leaving(now().after(1));
    assert!(!of(&later, "example.org. 3600 CDS ").iter().any(|line| line.contains("CDS 0 0 0")), "{later:?}");
}

#[test]
fn keys_of_other_providers_stay_and_are_signed_with_ours() {
    let theirs = made(Algorithm::Ed25519, ZONE_KEY, Timing::ALWAYS);
    let mut rdata = String::new();
    rdata::write(Rtype::DNSKEY, theirs.public().rdata(), &mut rdata);
    let lines = added(&format!("{ZONE}@ 3600 DNSKEY {rdata}\n"));
    assert_eq!(of(&lines, "example.org. 3600 DNSKEY ").len(), 1, "the other one is there");
    assert_eq!(of(&lines, "example.org. 3600 RRSIG DNSKEY ").len(), 1);
}

#[test]
fn a_pool_is_signed_as_the_records_that_stand_for_it_and_denies_no_type_that_it_has() {
    let pooled = format!("{ZONE}api 60 LUA A \"ifportup(443, {{'192.0.2.1', '192.0.2.2', '192.0.2.1'}})\"\n");
    let plain = format!("{ZONE}api 60 A 192.0.2.1\napi 60 A 192.0.2.2\n");
    assert_eq!(added(&pooled), added(&plain));
}

#[test]
fn keys_that_would_make_the_zone_bogus_are_refused() {
    let unusable = |keys: Vec<Key>| ZoneKeys::new(keys).and_then(|keys| keys.in_effect(now())).err();
    let twice = vec![ed25519([1; 32], ZONE_KEY | SEP), ed25519([1; 32], ZONE_KEY | SEP)];
    let tag = twice[0].public().tag();
    assert_eq!(unusable(twice), Some(KeysUnusable::SameTag(tag)));
    assert_eq!(unusable(Vec::new()), Some(KeysUnusable::NoneActive));
    let published = Timing::default().with(Event::Publish, now());
    let silent = made(Algorithm::EcdsaP256Sha256, ZONE_KEY | SEP, published);
    let both = vec![ed25519([1; 32], ZONE_KEY | SEP), silent];
    let algorithm = Algorithm::EcdsaP256Sha256;
    assert_eq!(unusable(both), Some(KeysUnusable::AlgorithmWithoutSignatures(algorithm)));
    let active = Timing::default().with(Event::Activate, now());
    let absent = made(Algorithm::EcdsaP256Sha256, ZONE_KEY | SEP, active);
    assert_eq!(unusable(vec![absent]), Some(KeysUnusable::NoneActive), "what signs is not in the zone");
}

#[test]
fn signatures_of_a_key_that_is_not_in_the_zone_stand_beside_no_key_of_its_algorithm() {
    let active = Timing::default().with(Event::Activate, now());
    let tags = |algorithm| {
        let absent = made(algorithm, ZONE_KEY | SEP, active.clone());
        let own = absent.public().tag();
        let keys =
            ZoneKeys::new([ed25519([1; 32], ZONE_KEY | SEP), absent]).unwrap().in_effect(now()).unwrap();
        (keys.published.len(), keys.of_zone.iter().filter(|key| key.public().tag() == own).count())
    };
    assert_eq!(tags(Algorithm::EcdsaP256Sha256), (1, 1), "before an algorithm roll names its keys");
    assert_eq!(tags(Algorithm::Ed25519), (1, 0));
}

#[test]
fn a_zone_with_name_servers_at_a_wildcard_is_refused_by_its_name() {
    let zone = zone("@ 60 SOA ns h 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.1\n*.sub 60 NS ns.test.\n");
    let signing = signing([ed25519([7; 32], ZONE_KEY | SEP)]);
    let made = sign(&zone, &signing, &mut Shelf::default(), NonZeroUsize::MIN);
    assert_eq!(made.unwrap_err(), SignError::WildcardCut("*.sub.example.org.".parse().unwrap()));
}

/// What is told of the pools of a zone with these lines, which is to be signed.
fn told_of_pools(lines: &str) -> Vec<String> {
    let (zone, sources) = read(
        "example.org.",
        "example.org.zone",
        &format!("@ 300 SOA ns h 1 2 3 4 300\n@ 300 NS ns\n{lines}"),
    );
    let mut found = Diagnostics::default();
    check_pools(&zone, &mut found);
    let told = found.iter().map(|one| sources.render(one, crate::source::Look::Plain));
    told.filter_map(|drawn| drawn.lines().next().map(str::to_owned)).collect()
}

#[test]
fn pools_that_cannot_be_signed_are_refused_with_their_lines_and_risky_ones_are_told_of() {
    let up = "ifportup(443, {'192.0.2.1', '192.0.2.2'}";
    for sound in [
        format!("api 60 LUA A \"{up})\"\napi 60 LUA AAAA \"ifportup(443, {{'2001:db8::1'}})\"\n"),
        format!("api 60 LUA A \"{up}, {{backupSelector='empty'}})\"\n"),
        format!("sub 60 NS ns.sub\nns.sub 60 A 192.0.2.9\nns.sub 60 LUA A \"{up})\"\n"),
    ] {
        assert_eq!(told_of_pools(&sound), Vec::<String>::new(), "{sound}");
    }
    let twice = told_of_pools(&format!("api 60 LUA A \"{up})\"\napi 60 A 192.0.2.3\n"));
    assert!(
        twice.len() == 1 && twice[0].contains("`api.example.org.` has more A records than one pool"),
        "{twice:?}"
    );
    for made in ["*.static 60 LUA A \"createForward()\"\n", "*.r 60 LUA PTR \"createReverse('%5%.x')\"\n"] {
        let told = told_of_pools(made);
        assert!(
            told.len() == 1
                && told[0].contains("is made from the name that is asked, and the zone is signed"),
            "{told:?}"
        );
    }
    let many: Vec<String> = (0..101).map(|host| format!("'192.0.2.{host}'")).collect();
    let many = told_of_pools(&format!("api 60 LUA A \"pickrandomsample(3, {{{}}})\"\n", many.join(", ")));
    assert!(
        many.len() == 1 && many[0].contains("the selector `sample` answers 3 of 101 members"),
        "{many:?}"
    );
    let long = told_of_pools(&format!("api 300 LUA A \"{up}, {{backupSelector='empty'}})\"\n"));
    assert!(
        long.len() == 1 && long[0].starts_with("warning") && long[0].contains("may answer no A record"),
        "{long:?}"
    );
}

/// `name flags types` of the NSEC3 records of lines: each is of one of these names, and leads to another one.
fn denied_by_hash(lines: &[String], names: &[&str]) -> BTreeSet<String> {
    let hashes: HashMap<String, &str> = names
        .iter()
        .map(|name| {
            let whole: Name = format!("{name}.example.org.").trim_start_matches('.').parse().unwrap();
            (String::from_utf8(label_of(hash_once(&whole.as_ref().to_lowercase()))).unwrap(), *name)
        })
        .collect();
    let own =
        |hash: &str| *hashes.get(&hash.to_lowercase()).unwrap_or_else(|| panic!("{hash} in {lines:#?}"));
    let is_of_chain = |line: &&String| line.contains(" NSEC3 ") && !line.contains(" RRSIG NSEC3 ");
    let (mut told, mut led_to) = (BTreeSet::new(), BTreeSet::new());
    for line in lines.iter().filter(is_of_chain) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[1], "300", "the TTL of negative answers: {line}");
        assert_eq!(
            [words[3], words[5], words[6]],
            ["1", "0", "-"],
            "SHA-1, once, no salt (RFC 9276): {line}"
        );
        assert!(led_to.insert(own(words[7])), "{line}");
        told.insert(format!("{} {} {}", own(&words[0][..32]), words[4], words[8..].join(" ")));
    }
    assert_eq!(led_to.len(), told.len(), "each is led to from one other");
    told
}

#[test]
fn nsec3_has_every_name_that_is_served_and_opt_out_no_delegation_without_ds() {
    let names = [
        "",
        "ns1",
        "mail",
        "www",
        "apps",
        "*.apps",
        "deep.empty.non.terminal",
        "empty.non.terminal",
        "non.terminal",
        "terminal",
        "alias",
        "redirected",
        "_sip._tcp",
        "_tcp",
        "svc",
        "naptr",
        "odd\\000\\.label",
        "*.odd\\000\\.label",
        "\\001",
        "secure",
        "insecure",
        "type65280",
    ];
    let key = || signing([ed25519([7; 32], ZONE_KEY | SEP)]);
    let of = |denial| lines(&signed(&zone(ZONE), &Signing { denial, ..key() }, &mut Shelf::default()));
    let (all, opted_out) = (of(DenialKind::Nsec3), of(DenialKind::Nsec3OptOut));
    let denied = denied_by_hash(&all, &names);
    assert_eq!(denied.len(), names.len(), "{denied:#?}");
    for line in [
        " 0 NS SOA MX RRSIG DNSKEY NSEC3PARAM CAA",
        "secure 0 NS DS RRSIG",
        "insecure 0 NS",
        "terminal 0 ",
        "*.apps 0 A TXT RRSIG",
        "alias 0 CNAME RRSIG",
        "type65280 0 RRSIG TYPE65280",
    ] {
        assert!(denied.contains(line), "{line}: {denied:#?}");
    }
    let less = denied_by_hash(&opted_out, &names);
    let wanted: BTreeSet<String> = denied
        .iter()
        .filter(|line| !line.starts_with("insecure "))
        .map(|line| line.replacen(" 0 ", " 1 ", 1))
        .collect();
    assert_eq!(less, wanted);
    for lines in [&all, &opted_out] {
        let of_apex = |head: &str| lines.iter().filter(|line| line.starts_with(head)).count();
        assert_eq!(of_apex("example.org. 0 NSEC3PARAM 1 0 0 -"), 1);
        assert_eq!(of_apex("example.org. 0 RRSIG NSEC3PARAM "), 1);
        assert!(lines.iter().all(|line| !line.contains(" NSEC ")));
    }
}

#[test]
fn an_apex_that_leaves_no_room_for_hashes_is_refused() {
    let label = "a".repeat(62);
    let apex = format!("{label}.{label}.{label}.{}.", "b".repeat(40));
    let (zone, _) = read(&apex, "zone", "@ 60 SOA ns h 1 2 3 4 30\n@ 60 NS ns.test.\n");
    let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
    let pair = Pair::new(&public, &secret).unwrap();
    let key = Key::new(apex.parse().unwrap(), public, pair, Timing::ALWAYS);
    let signing = Signing { denial: DenialKind::Nsec3, ..signing([key]) };
    let made = sign(&zone, &signing, &mut Shelf::default(), NonZeroUsize::MIN);
    assert_eq!(made.unwrap_err(), SignError::NoRoomForHashes);
}
