//! What a faulty file tells, and that it tells all of it.

use super::{ZONE, read};

/// The fault of one line in `[server]`.
#[track_caller]
fn server(line: &str) -> String {
    read(format!("[server]\n{line}\n{ZONE}")).sentence()
}

/// The fault of one line in `[probe]`.
#[track_caller]
fn probe(line: &str) -> String {
    read(format!("[probe]\n{line}\n{ZONE}")).sentence()
}

/// The fault of one more line in `[[zone.probe]]`.
#[track_caller]
fn zone_probe(line: &str) -> String {
    read(format!("{ZONE}{line}\n")).sentence()
}

#[test]
fn all_faults_of_a_file_are_told_in_one_run_from_top_to_bottom() {
    let outcome = read(
        r#"listen = ["127.0.0.1:53"]
[server]
workers = -1
listen = ["127.0.0.1", "127.0.0.1:53", "127.0.0.1:53"]
workers = 2
nsid = edge
[probe]
intervall = "1s"
timeout = "0s"
rise = 0
[logging]
level = "info"
[[zone]]
name = "lab.example"
[[zone.probe]]
names = ["api", "www.example.org."]
tcp = [6443, 70000]
all-down = "nothing"
[[zone]]
name = "LAB.example."
file = "b.zone"
"#,
    );
    assert_eq!(
        outcome.sentences(),
        [
            "edgedns.toml:1:1: unknown key `listen` outside of any table; `listen` belongs in `[server]` or `[admin]`",
            "edgedns.toml:3:11: `workers` is 0 (one per core) to 1024",
            "edgedns.toml:4:11: `127.0.0.1` has no port; write \"127.0.0.1:53\"",
            "edgedns.toml:4:40: `127.0.0.1:53` is listened on already",
            "edgedns.toml:5:1: `workers` is given twice",
            "edgedns.toml:6:8: `edge` lacks its quotes; write `\"edge\"`",
            "edgedns.toml:8:1: unknown key `intervall` in `[probe]`; did you mean `interval`?",
            "edgedns.toml:9:11: `timeout` is 1ms to 24h",
            "edgedns.toml:10:8: `rise` is 1 to 100",
            "edgedns.toml:11:2: unknown table `logging`; the tables are `[server]`, `[tls]`, `[admin]`, `[limit]`, `[probe]`, `[lua]`, `[kubernetes]`, `[vantage]`, `[webhook]`, `[log]`, `[[key]]`, `[cache]`, `[[forward]]`, `[[zone]]` and `[[catalog]]`",
            "edgedns.toml:13:1: `[[zone]]` lacks `file`; `file` is its zone file; relative to the folder of the config file; none with `primary`, and not needed with `reverse-of`",
            "edgedns.toml:16:17: `www.example.org.` lies outside of the zone `lab.example.`; a name without a final dot is relative to the zone",
            "edgedns.toml:17:14: `tcp` is a port, 1 to 65535",
            "edgedns.toml:18:12: `all-down` cannot be `nothing`; it is `all`, `none` or `servfail`",
            "edgedns.toml:20:8: zone `LAB.example.` is given twice",
        ]
    );
    assert_eq!(outcome.config, None);
}

#[test]
fn a_garbled_file_is_told_once_and_not_echoed() {
    let sentence =
        read("[server]\nlisten = [\"127.0.0.1:53\"\nworkers = 1\n[probe]\nrise = \"x\"\n").sentence();
    assert!(sentence.starts_with("edgedns.toml:3:1: missing comma"), "{sentence}");
}

#[test]
fn bytes_that_are_not_utf8_are_told_at_their_place() {
    let sentence = read(b"[server]\nnsid = \"caf\xe9\"\n").sentence();
    assert!(sentence.starts_with("edgedns.toml:2:12: not UTF-8"), "{sentence}");
}

#[test]
fn warnings_alone_do_not_stop_a_start() {
    let outcome = read(format!("[lua]\nselector = \"pickclosest\"\n{ZONE}"));
    assert!(outcome.sentence().contains("`pickclosest` is read as `random`"));
    assert!(outcome.config.is_some());
}

#[test]
fn a_key_of_another_table_is_sent_there() {
    assert!(
        server("interval = \"1s\"")
            .ends_with("`interval` belongs in `[probe]`, `[forward.probe]` or `[[zone.probe]]`")
    );
    assert!(zone_probe("startup-wait = \"1s\"").ends_with("`startup-wait` belongs in `[probe]`"));
}

#[test]
fn an_unknown_key_that_is_near_to_none_is_answered_with_all() {
    let sentence = read(format!("[lua]\nxyzzy = 1\n{ZONE}")).sentence();
    assert_eq!(sentence, "edgedns.toml:2:1: unknown key `xyzzy` in `[lua]`; `[lua]` knows `selector`");
    assert!(probe("startup_wait = \"1s\"").ends_with("did you mean `startup-wait`?"));
}

#[test]
fn addresses_that_cannot_be_listened_on_are_refused_with_the_remedy() {
    let listen = |address: &str| server(&format!("listen = [\"{address}\"]"));
    assert!(listen("::1").ends_with("`::1` has no port; write \"[::1]:53\""));
    assert!(listen("[::1]").ends_with("`[::1]` has no port; write \"[::1]:53\""));
    assert!(listen("127.0.0.1:0").ends_with("port 0 cannot be asked; write \"127.0.0.1:53\""));
    assert!(listen("127.0.0.1:65536").ends_with("`65536` is not a port: 1 to 65535; write \"127.0.0.1:53\""));
    assert!(listen(":5353").ends_with("for all addresses write \"0.0.0.0:5353\" and \"[::]:5353\""));
    assert!(listen("localhost:53").ends_with("names are not looked up"));
    assert!(listen("[::ffff:127.0.0.1]:53").ends_with("write \"127.0.0.1:53\""));
    assert!(server("listen = []").contains("no address to listen on"));
    assert!(server("listen = \"127.0.0.1:53\"").ends_with("write `[\"127.0.0.1:53\"]`"));
}

#[test]
fn what_is_told_to_clients_is_short_and_plain() {
    assert!(server(&format!("nsid = \"{}\"", "x".repeat(129))).ends_with("longer than 128 bytes"));
    assert!(server("version = \"a\\nb\"").contains("control character"));
}

#[test]
fn a_cookie_secret_is_32_hexadecimal_digits() {
    for secret in ["", "0123", &"g".repeat(32), &format!("+{}", "0".repeat(31)), &"0".repeat(33)] {
        assert!(server(&format!("cookie-secret = \"{secret}\"")).contains("is 32 hexadecimal digits"));
    }
}

#[test]
fn times_and_thresholds_have_limits() {
    assert!(probe("interval = \"9ms\"").ends_with("`interval` is 10ms to 24h"));
    assert!(probe("interval = \"25h\"").contains("longer than 24h"));
    assert!(probe("timeout = \"5\"").ends_with("`5` has no unit; write \"5s\""));
    assert!(probe("timeout = 1.5").contains("takes a duration, as in \"5s\", not a fraction"));
    assert!(probe("retry = \"2s\"").ends_with("`retry` is longer than the interval, which is 1s"));
    assert!(probe("fall = 101").ends_with("`fall` is 1 to 100"));
    assert!(probe("rise = 99999999999999999999").ends_with("`rise` is 1 to 100"));
    assert!(server("tcp-connections = 0").contains("`tcp-connections` is 1 to "));
}

#[test]
fn resolvers_that_are_believed_are_named_by_their_networks() {
    let server = |line: &str| read(format!("[server]\n{line}\n{ZONE}")).sentence();
    assert!(server("client-subnet-from = [\"local\"]").contains("name the resolvers that are believed"));
    assert!(server("client-subnet-from = [\"192.0.2.1/24\"]").ends_with("write \"192.0.2.0/24\""));
    assert!(
        server(&format!("client-subnet-from = [{}]", "\"::1\",".repeat(65)))
            .contains("more than 64 prefixes")
    );
}

#[test]
fn networks_that_cannot_be_exempt_are_refused_with_the_remedy() {
    let limit = |line: &str| read(format!("[limit]\n{line}\n{ZONE}")).sentence();
    assert!(limit("exempt = [\"lokal\"]").contains("`lokal` is not a network; write it as \"192.0.2.0/24\""));
    assert!(limit("exempt = [\"192.0.2.0/33\"]").contains("has no length of 0 to 32 bits"));
    assert!(limit("exempt = [\"192.0.2.1/24\"]").ends_with("write \"192.0.2.0/24\""));
    assert!(limit("exempt = \"local\"").ends_with("write `[\"local\"]`"));
    assert!(limit(&format!("exempt = [{}]", "\"::1\",".repeat(65))).contains("more than 64 prefixes"));
    assert!(limit("responses-per-second = 1000001").ends_with("is 0 (no limit) to 1000000"));
    assert!(limit("all-per-second = 1000001").ends_with("is 0 (no limit) to 1000000"));
    assert!(
        limit("responses-per-second = 10\nall-per-second = 9")
            .contains("`all-per-second` is 9, below `responses-per-second`, which is 10")
    );
    assert!(limit("slip = 11").ends_with("`slip` is 0 (never) to 10"));
}

#[test]
fn texts_that_are_no_zone_name_are_refused() {
    let named = |name: &str| read(ZONE.replace("\"lab.example\"", &format!("'{name}'"))).sentence();
    assert!(named("").contains("`` is not a domain name: empty name"));
    assert!(named("lab..example").contains("a dot too many"));
    assert!(named("@").ends_with("the root zone is \".\""));
    assert!(named("lab example").ends_with("write `\\032` in single quotes"));
    assert!(named("bücher.example").ends_with("write the A-label, which begins with `xn--`"));
}

#[test]
fn an_owner_that_repeats_the_zone_without_final_dot_is_warned_of() {
    let outcome = read(ZONE.replace("\"api\"", "\"api.lab.example\""));
    let sentence = outcome.sentence();
    assert!(sentence.contains("read as `api.lab.example.lab.example.`"), "{sentence}");
    assert!(outcome.config.is_some());
}

#[test]
fn an_owner_or_port_named_twice_in_a_block_is_warned_of_and_kept_once() {
    let outcome =
        read(ZONE.replace("[\"api\"]", "[\"api\", \"API.lab.example.\"]").replace("6443", "[1, 1]"));
    assert_eq!((outcome.found.errors(), outcome.found.warnings()), (0, 2));
    let guard = &outcome.config.unwrap().zones[0].guards[0];
    assert_eq!((guard.names.len(), guard.probes.len()), (1, 1));
}

#[test]
fn a_block_that_guards_or_probes_nothing_is_refused() {
    assert!(read(ZONE.replace("[\"api\"]", "[]")).sentence().contains("`names` guards nothing"));
    assert!(read(ZONE.replace("6443", "[]")).sentence().contains("`tcp` probes nothing"));
    let sentence = read(ZONE.replace("tcp = 6443\n", "")).sentence();
    assert!(sentence.starts_with("edgedns.toml:4:1: `[[zone.probe]]` probes nothing; say what must pass"));
    assert!(read(ZONE.replace("6443", "0")).sentence().ends_with("`tcp` is a port, 1 to 65535"));
    assert!(read(ZONE.replace("6443", "\"6443\"")).sentence().ends_with("write `6443`"));
}

#[test]
fn faults_in_the_block_of_a_nameless_zone_are_told_too() {
    let text = ZONE.replace("name = \"lab.example\"\n", "").replace("6443", "0");
    assert_eq!(read(text).found.errors(), 2);
}

#[test]
fn words_are_suggested() {
    assert!(zone_probe("selector = \"randon\"").ends_with("did you mean `random`?"));
    assert!(
        zone_probe("selector = \"empty\"")
            .ends_with("it is `all`, `random`, `hashed`, `first`, `fastest` or `least-loaded`")
    );
    assert!(zone_probe("all-down = \"ServFail\"").ends_with("did you mean `servfail`?"));
}

#[test]
fn wrong_brackets_are_told_with_the_right_ones() {
    assert!(read(ZONE.replace("[[zone]]", "[zone]")).sentence().ends_with("write `[[zone]]`"));
    assert!(
        read(ZONE.replace("[[zone.probe]]", "[zone.probe]")).sentence().ends_with("write `[[zone.probe]]`")
    );
    assert!(read(format!("[[server]]\n{ZONE}")).sentence().ends_with("write `[server]`"));
    assert!(
        read(format!("server = 1\n{ZONE}")).sentence().ends_with("`server` is a table; write `[server]`")
    );
    assert!(read("zone = [1]\n").sentence().ends_with("`zone` is a table; write `[[zone]]`"));
    let early = read("[[zone.probe]]\nnames = [\"api\"]\ntcp = 1\n").sentence();
    assert!(early.starts_with("edgedns.toml:1:3: there is no `[[zone]]` above this"), "{early}");
}

#[test]
fn tables_given_twice_show_both_places() {
    let outcome = read(format!("[probe]\nrise = 1\n[lua]\n [probe] # again\nfall = 1\n{ZONE}"));
    assert_eq!(outcome.sentence(), "edgedns.toml:4:3: `probe` is given twice");
    let labels = &outcome.found.iter().next().unwrap().labels;
    assert_eq!(outcome.sources.place(labels[1].origin.span().unwrap()).line, 1);
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_panics_and_is_either_read_or_refused(text in "[\\[\\]a-z=\"'{}., \n0-9\\\\é-]{0,80}") {
            let outcome = read(text);
            prop_assert_eq!(outcome.config.is_none(), outcome.found.errors() > 0);
        }

        #[test]
        fn with_one_byte_changed_is_either_read_or_refused(at in 0..ZONE.len(), byte in any::<u8>()) {
            let mut text = ZONE.as_bytes().to_vec();
            text[at] = byte;
            let outcome = read(text);
            prop_assert_eq!(outcome.config.is_none(), outcome.found.errors() > 0);
        }
    }
}

#[test]
fn what_chooses_an_answer_is_refused_where_it_makes_no_sense() {
    for (line, end) in [
        ("order = \"local\"", "`order` cannot be `local`; it is `rotate`, `local-first` or `fixed`"),
        ("backup = \"192.0.2.9\"", "`backup` takes a list, not a text; write `[\"192.0.2.9\"]`"),
        (
            "backup = [\"192.0.2.900\"]",
            "`192.0.2.900` is not an address; write it as \"192.0.2.1\" or \"2001:db8::1\"",
        ),
        ("backup = []", "a backup without addresses; name them, or leave `backup` out"),
        (
            "backup = [\"192.0.2.9\", [\"192.0.2.8\"]]",
            "one list has addresses and groups of addresses; write either [\"…\", \"…\"] or [[\"…\"], [\"…\"]]",
        ),
        ("weights = { api = 3 }", "`api` is not an address; weigh addresses, as in { \"192.0.2.1\" = 3 }"),
        ("weights = { \"192.0.2.1\" = -1 }", "`weights` is a weight, 0 to 1000000, for each address"),
        ("weights = { \"::1\" = 1, \"0:0::1\" = 1 }", "::1 is weighed twice"),
        (
            "selector = \"all\"\nweights = { \"192.0.2.1\" = 3 }",
            "`weights` are for choosing one address; make the selector `random` or `hashed`",
        ),
        ("min-up = 0", "`min-up` is 1 or more, or a share from \"1%\" to \"100%\""),
        ("min-up = \"101%\"", "`min-up` is 1 or more, or a share from \"1%\" to \"100%\""),
        (
            "selector = \"least-loaded\"",
            "no probe of this block hears a weight; add an `http` or `https` probe of a page that begins with one: \"70\"",
        ),
        (
            "selector = \"first\"\nmax-share = \"0%\"",
            "`max-share` is a share of the answers from \"1%\" to \"100%\"",
        ),
        ("max-share = \"50%\"", "this means nothing: the selector answers all addresses"),
        ("while-any = \"some\"", "`while-any` cannot be `some`; it is `passing` or `all`"),
        (
            "machine = [[\"192.0.2.1\", \"::1\"], [\"192.0.2.1\", \"::2\"]]",
            "192.0.2.1 is an address of one machine, once",
        ),
        ("slow-start = \"60\"", "`60` has no unit; write \"60s\""),
        (
            "members = []",
            "`members` names nobody; name hosts of the zone, as in [\"master-0\", \"master-1\"], or leave it out",
        ),
        ("members = [\"a\", \"a\"]", "`a.lab.example.` is a member twice"),
        (
            "probe-at = { api = \"192.0.2.1\" }",
            "`api` is not an address; write { \"ADDRESS THAT IS ANSWERED\" = \"ADDRESS THAT IS PROBED\" }",
        ),
        ("max-answers = 0", "`max-answers` is 1 or more"),
        ("ttl-degraded = \"500ms\"", "a TTL is whole seconds; write it as in \"5s\""),
        (
            "selector = \"random\"\nmax-answers = 2",
            "this means nothing: the selector answers one address only",
        ),
        (
            "selector = \"hashed\"\norder = \"fixed\"",
            "this means nothing: the selector answers one address only",
        ),
    ] {
        let sentence = zone_probe(line);
        assert!(sentence.ends_with(end), "{line}: {sentence}");
    }
    let target = read(ZONE.replace("6443", "\"target\"\nbackup = [\"192.0.2.9\"]")).sentence();
    assert!(
        target.contains("`backup` is about addresses, and `tcp = \"target\"` guards SRV records"),
        "{target}"
    );
}

/// The fault of another block of `lab.example`, behind those of `ZONE` and `before`.
#[track_caller]
fn second_block(before: &str, rest: &str) -> String {
    read(format!("{ZONE}[[zone]]\nname = \"lab.example\"\nfile = \"b.zone\"\n{rest}\n").replacen(
        "tcp =",
        &format!("{before}tcp ="),
        1,
    ))
    .sentence()
}

#[test]
fn a_version_of_a_zone_that_nobody_would_see_is_refused() {
    assert!(second_block("", "").contains("zone `lab.example.` is given twice"));
    let last = second_block("", "when-client-in = [\"192.0.2.0/24\"]");
    assert!(last.contains("is given twice; put the block without `when-client-in` last"), "{last}");
    let inside = "file = \"a.zone\"\nwhen-client-in = [\"::1\"]\nview = \"inside\"";
    let twice =
        read(format!("[[zone]]\nname = \"a\"\n{inside}\n[[zone]]\nname = \"a\"\n{inside}\n")).sentence();
    assert!(twice.contains("zone `a.` has two views called `inside`"), "{twice}");
}

#[test]
fn clients_of_a_zone_are_networks_and_not_none() {
    let zone = |line: &str| read(format!("[[zone]]\nname = \"a\"\nfile = \"a\"\n{line}\n")).sentence();
    assert!(
        zone("allow-query = []")
            .ends_with("an empty list allows no client; name networks, or leave the key out for everybody")
    );
    assert!(zone("allow-query = [\"any\"]").contains("`any` is not a network"));
    assert!(zone("when-client-in = [\"192.0.2.1/24\"]").contains("has bits behind its length"));
    assert!(zone("view = \"a b\"").contains("a view cannot be called `a b`"));
}

#[test]
fn a_reverse_zone_lies_in_arpa_and_is_made_from_a_zone_that_is_served() {
    let reverse = |name: &str, of: &str| {
        read(format!("{ZONE}[[zone]]\nname = \"{name}\"\nreverse-of = \"{of}\"\n")).sentence()
    };
    assert!(reverse("example.org", "lab.example").contains("`example.org.` holds no addresses"));
    let near = reverse("2.0.192.in-addr.arpa", "lab.exampel");
    assert!(
        near.ends_with("no `[[zone]]` has the name `lab.exampel.`; did you mean `lab.example.`?"),
        "{near}"
    );
    let own = reverse("2.0.192.in-addr.arpa", "2.0.192.in-addr.arpa");
    assert!(own.contains("`2.0.192.in-addr.arpa.` is made from another zone itself"), "{own}");
}

#[test]
fn an_admin_listener_that_others_can_reach_needs_who_they_are_or_the_operators_word() {
    let listen = |place: &str| read(format!("{ZONE}\n[admin]\nlisten = \"{place}\"\n"));
    for place in ["0.0.0.0:9653", "192.0.2.1:9653", "[::]:9653"] {
        let sentence = listen(place).sentence();
        assert!(
            sentence.contains(&format!("any client that can connect to {place} would see all zones")),
            "{sentence}"
        );
        let config = listen(place).config.expect("it is a warning: DNS is served anyway");
        assert_eq!(config.admin.listen, None);
        let with = |keys: &str| {
            let tls = "[tls]\ncertificate = \"a.crt\"\nkey = \"a.key\"\n";
            read(format!("{ZONE}\n{tls}[admin]\nlisten = \"{place}\"\n{keys}\n"))
        };
        for open in ["insecure = true", "tls = true\ntoken-file = \"t\"", "tls = true\nclient-ca = \"ca\""] {
            assert_eq!(with(open).settings().admin.listen, place.parse().ok(), "{open}");
        }
        for closed in ["tls = true", "token-file = \"t\""] {
            assert!(with(closed).sentence().contains("not listened on"), "{closed}");
        }
    }
    for place in ["127.0.0.1:9653", "[::1]:9653"] {
        assert_eq!(listen(place).sentences(), Vec::<String>::new());
    }
}

#[test]
fn a_link_local_address_needs_its_interface_and_others_have_none() {
    for place in ["[fe80::1]:53", "[fe80::1]"] {
        let sentence = server(&format!("listen = [\"127.0.0.1:53\", \"{place}\"]"));
        assert!(
            sentence.contains("means nothing without its interface") || sentence.contains("has no port"),
            "{sentence}"
        );
    }
    assert!(server("listen = [\"[2001:db8::1%lo]:53\"]").contains("is not link-local"));
    assert!(server("listen = [\"fe80::1%lo\"]").contains("has no port; write \"[fe80::1%lo]:53\""));
    let upstream = |place: &str| {
        read(format!("{ZONE}\n[[forward]]\nzone = \".\"\nupstream = [\"192.0.2.1\", \"{place}\"]\n"))
            .sentence()
    };
    assert!(upstream("fe80::1").contains("means nothing without its interface"));
    assert!(upstream("tls://[fe80::1]:853#dns.example").contains("means nothing without its interface"));
    assert!(upstream("fe80::1%nonesuch").contains("this host has no interface `nonesuch` now"));
    assert!(read(format!("{ZONE}source = \"192.0.2.1%lo\"\n")).sentence().contains("192.0.2.1%lo"));
    for source in ["fe80::1", "fe80::1%lo"] {
        let sentence = read(format!("{ZONE}source = \"{source}\"\n")).sentence();
        assert!(sentence.contains("is link-local: no address in a zone can be probed from it"), "{sentence}");
    }
}

#[test]
fn an_interface_that_is_not_there_leaves_the_other_addresses() {
    let outcome = read(format!("[server]\nlisten = [\"127.0.0.1:53\", \"[fe80::1%nonesuch]:53\"]\n{ZONE}"));
    assert!(
        outcome.sentence().contains("this host has no interface `nonesuch` now: this address is left out")
    );
    let config = outcome.config.expect("a warning");
    assert_eq!(config.server.addresses(), [std::net::SocketAddr::from(([127, 0, 0, 1], 53))]);
    let none = read(format!("[server]\nlisten = [\"[fe80::1%nonesuch]:53\"]\n{ZONE}"));
    assert!(
        none.config.is_none() && none.sentences().concat().contains("no address to listen on exists now")
    );
}

#[test]
fn an_address_that_cannot_be_listened_at_is_refused() {
    for place in ["[ff05::1]:53", "224.0.0.1:53"] {
        assert!(server(&format!("listen = [\"{place}\"]")).contains("is a multicast address"), "{place}");
    }
    let admin = |dns: &str, admin: &str| {
        read(format!("[server]\nlisten = [\"{dns}\"]\n[admin]\nlisten = \"{admin}\"\n{ZONE}"))
    };
    for (dns, place) in [("127.0.0.1:53", "127.0.0.1:53"), ("0.0.0.0:53", "127.0.0.1:53")] {
        let sentence = admin(dns, place).sentence();
        assert!(sentence.contains(&format!("DNS is served at {dns}, over TCP as well")), "{sentence}");
    }
    assert_eq!(admin("127.0.0.2:53", "127.0.0.1:53").sentences(), Vec::<String>::new());
}

#[test]
fn an_amount_of_memory_has_a_unit_and_a_folder_a_name() {
    let zone = |line: &str| {
        let text = ZONE.replace("file = \"lab.zone\"", &format!("file = \"lab.zone\"\n{line}"));
        read(text).sentence()
    };
    for (line, said) in [
        ("memory-limit = \"lots\"", "`lots` is not an amount of memory"),
        ("memory-limit = \"256MB\"", "`256MB` is not an amount of memory"),
        ("memory-limit = 268435456", "`memory-limit` takes an amount, as in \"256MiB\", not a whole number"),
        ("memory-limit = \"512KiB\"", "`memory-limit` is 1MiB to 65536MiB"),
        ("memory-limit = \"65GiB\"", "`memory-limit` is 1MiB to 65536MiB"),
    ] {
        assert!(zone(line).contains(said), "{line}: {}", zone(line));
    }
    assert!(server("include-folders = \"/srv\"").contains("`include-folders` takes a list"));
    assert!(server("include-folders = [\"\"]").contains("an empty path names no folder"));
    let many = vec!["\"/srv\""; 17].join(", ");
    assert!(server(&format!("include-folders = [{many}]")).contains("more than 16 folders"));
}

/// The fault of a `[[zone.update]]` with these lines.
#[track_caller]
fn zone_update(lines: &str) -> String {
    read(format!("{ZONE}[[zone.update]]\n{lines}\n")).sentence()
}

#[test]
fn what_updates_may_do_is_said_in_full_or_the_fault_says_what_is_missing() {
    let with = |allow: &str, names: &str, types: &str| {
        zone_update(&format!("allow = [{allow}]\nnames = [{names}]\ntypes = [{types}]"))
    };
    let fault = |text: String, words: &str| assert!(text.contains(words), "{words}: {text}");
    fault(with("", "\"**\"", "\"TXT\""), "an empty list: nobody may update anything by this block");
    fault(with("\"192.0.2.1/24\"", "\"**\"", "\"TXT\""), "`192.0.2.1/24` is no network");
    fault(with("\"key:dyn\"", "\"**\"", "\"TXT\""), "no `[[key]]` has the name `dyn`");
    fault(with("\"192.0.2.1 192.0.2.2\"", "\"**\"", "\"TXT\""), "one certificate at most");
    fault(with("\" \"", "\"**\"", "\"TXT\""), "an empty entry");
    fault(with("\"192.0.2.1\"", "\"a..b\"", "\"TXT\""), "`a..b` is no pattern of names: a dot too many");
    fault(with("\"192.0.2.1\"", "\"a.example.\"", "\"TXT\""), "relative to the zone");
    fault(with("\"192.0.2.1\"", "\"**\"", "\"AXFR\""), "`AXFR` is no record type");
    fault(with("\"192.0.2.1\"", "\"**\"", "\"SOA\""), "SOA records are never updated");
    fault(with("\"192.0.2.1\"", "\"**\"", "\"DNSKEY\""), "DNSKEY records are never updated");
}

#[test]
fn a_zone_is_signed_with_keys_of_a_folder_unless_it_is_made_from_another_one() {
    let signed = |lines: &str| read(format!("{ZONE}[zone.dnssec]\n{lines}\n"));
    let config = signed("keys = \"keys\"").config.unwrap();
    assert!(config.zones[0].dnssec.as_ref().is_some_and(|dnssec| dnssec.keys.ends_with("keys")));
    assert!(config.zones[0].sources.propose_changes(), "what is signed changes by itself");
    assert!(signed("").sentence().contains("`[zone.dnssec]` lacks `keys`"), "{}", signed("").sentence());
    let denial = signed("keys = \"keys\"\ndenial = \"nsec5\"").sentence();
    assert!(denial.contains("`nsec5` is no way of denial"), "{denial}");
    let up = format!("{ZONE}[zone.dnssec]\nkeys = \"keys\"\n")
        .replace("file =", "transfer-pools = \"up\"\nfile =");
    let up = read(up).sentence();
    assert!(up.contains("of its pools nothing but their members is signed for transfers"), "{up}");
    let copied =
        "[[zone]]\nname = \"lab.example\"\nprimary = [\"192.0.2.1\"]\n[zone.dnssec]\nkeys = \"keys\"\n";
    assert!(read(copied).config.unwrap().zones[0].dnssec.is_some(), "a copy is signed as well");
    let reverse = "[[zone]]\nname = \"2.0.192.in-addr.arpa\"\nreverse-of = \"lab.example\"\n[zone.dnssec]\nkeys = \"keys\"\n";
    let reverse = read(format!("{ZONE}{reverse}")).sentence();
    assert!(reverse.contains("a zone with `reverse-of` is not signed here"), "{reverse}");
}

#[test]
fn a_server_to_notify_has_one_address_of_a_host_and_is_named_once() {
    let notify = |entries: &str| read(ZONE.replace("file =", &format!("notify = [{entries}]\nfile =")));
    for (entries, said) in [
        ("\"192.0.2.53\", \"192.0.2.53:53\"", "192.0.2.53:53 is named twice"),
        ("\"192.0.2.53\", \"192.0.2.54\", \"192.0.2.53\"", "192.0.2.53:53 is named twice"),
        ("\"ns.example\"", "`ns.example` is not an address"),
        ("\"192.0.2.53:0\"", "port 0 cannot be told anything"),
        ("\"224.0.0.1\"", "224.0.0.1 is not the address of a host: it is a multicast group"),
        ("\"255.255.255.255\"", "it is the broadcast address"),
        ("\"::\"", ":: is not the address of a host: it means any address"),
        ("\"fe80::53\"", "`fe80::53` is link-local, and means nothing without its interface"),
    ] {
        let sentence = notify(entries).sentence();
        assert!(sentence.contains(said), "{entries}: {sentence}");
    }
    let entries = "\"192.0.2.53\", \"192.0.2.53:5353\", \"2001:db8::53\", \"[fe80::53%lo]:5353\"";
    assert_eq!(notify(entries).sentences(), Vec::<String>::new());
}

#[test]
fn what_is_encrypted_needs_a_certificate_and_a_socket_of_its_own() {
    let sentence = server("listen-tls = [\"127.0.0.1:853\"]");
    assert!(
        sentence.contains("there is no certificate to serve this with: `[tls]` is missing"),
        "{sentence}"
    );
    let sentence = read(format!("{ZONE}\n[admin]\nlisten = \"127.0.0.1:9653\"\ntls = true\n")).sentence();
    assert!(sentence.contains("there is no certificate for this"), "{sentence}");
    let pair = "[tls]\ncertificate = \"a.crt\"\nkey = \"a.key\"\n";
    let listeners = "[server]\nlisten = [\"127.0.0.1:53\"]\nlisten-tls = [\"127.0.0.1:53\"]\n";
    let sentence = read(format!("{listeners}{pair}{ZONE}")).sentence();
    assert!(sentence.contains("`127.0.0.1:53` serves UDP and TCP already"), "{sentence}");
    let all = "[server]\nlisten = [\"127.0.0.1:53\"]\nlisten-tls = [\"127.0.0.1:853\"]\nlisten-quic = [\"127.0.0.1:853\"]\n";
    assert_eq!(
        read(format!("{all}{pair}{ZONE}")).sentences(),
        Vec::<String>::new(),
        "one is TCP, the other UDP"
    );
    let sentence = read(format!("{all}listen-https = [\"127.0.0.1:853\"]\n{pair}{ZONE}")).sentence();
    assert!(sentence.contains("`127.0.0.1:853` serves TLS already"), "{sentence}");
    let listeners = "[server]\nlisten = [\"127.0.0.1:5353\"]\nlisten-quic = [\"127.0.0.1:5353\"]\n";
    let sentence = read(format!("{listeners}{pair}{ZONE}")).sentence();
    assert!(sentence.contains("`127.0.0.1:5353` serves UDP and TCP already"), "{sentence}");
    let sentence = read(format!("[server]\nlisten-quic = [\"127.0.0.2:53\"]\n{pair}{ZONE}")).sentence();
    assert!(sentence.contains("QUIC is never at port 53"), "{sentence}");
    // A socket of QUIC is alone at its port; listeners of TCP are not.
    for (plain, quic) in [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")] {
        let listeners = format!("[server]\nlisten = [\"{plain}:5353\"]\nlisten-quic = [\"{quic}:5353\"]\n");
        let sentence = read(format!("{listeners}{pair}{ZONE}")).sentence();
        assert!(sentence.contains(&format!("`{plain}:5353` serves UDP and TCP already")), "{sentence}");
        let listeners = format!("[server]\nlisten = [\"{plain}:5353\"]\nlisten-tls = [\"{quic}:5353\"]\n");
        assert_eq!(read(format!("{listeners}{pair}{ZONE}")).sentences(), Vec::<String>::new());
    }
    let both = "[server]\nlisten-quic = [\"0.0.0.0:853\", \"127.0.0.1:853\"]\n";
    let sentence = read(format!("{both}{pair}{ZONE}")).sentence();
    assert!(sentence.contains("`0.0.0.0:853` is listened on already"), "{sentence}");
    // The admin listener has a socket of TCP.
    let beside = "[server]\nlisten-quic = [\"127.0.0.1:9653\"]\n[admin]\nlisten = \"127.0.0.1:9653\"\n";
    assert_eq!(read(format!("{beside}{pair}{ZONE}")).sentences(), Vec::<String>::new());
    let half = read(format!("[tls]\ncertificate = \"a.crt\"\n{ZONE}")).sentence();
    assert!(half.contains("`key`"), "{half}");
}
