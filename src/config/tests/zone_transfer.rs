//! `allow-transfer`, `notify`, `transfer-pools` and `memory-limit` of zones that go from server to server.

use super::{Outcome, read};
use crate::config::EXEMPT_MAX;
use crate::tls::{Credentials, Verify};
use crate::transfer::outgoing::TransferPools;
use crate::zone::MemoryLimit;
use crate::zones::source::Primaries;

const KEY: &str = "[[key]]\nname = \"transfer\"\nsecret = \"c2VjcmV0c2VjcmV0c2VjcmV0\"\n";

/// What came of a zone with these lines.
fn zone(lines: &str) -> Outcome {
    read(format!("{KEY}[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{lines}\n"))
}

/// The only fault of one line.
#[track_caller]
fn sentence(line: &str) -> String {
    let sentence = zone(line).sentence();
    assert!(sentence.starts_with("edgedns.toml:7:"), "{sentence}");
    sentence
}

#[test]
fn servers_get_a_zone_by_network_by_key_or_by_both() {
    let config = zone("allow-transfer = [\"192.0.2.0/24\", \"key:transfer\", \"2001:db8::1 key:Transfer\"]")
        .settings();
    let allow = &config.zones[0].transfer.allow;
    let given: Vec<_> = allow.iter().map(|one| (one.prefix.is_some(), one.key.is_some())).collect();
    assert_eq!(given, [(true, false), (false, true), (true, true)]);
    assert!(config.zones[0].transfer.needs_contents());
    let nobody = zone("allow-transfer = []").settings();
    assert!(!nobody.zones[0].transfer.needs_contents());
}

#[test]
fn what_names_no_server_for_transfers_is_told_with_the_remedy() {
    let entry = |entry: &str| sentence(&format!("allow-transfer = [\"{entry}\"]"));
    assert!(
        sentence("allow-transfer = \"192.0.2.1\"")
            .ends_with("takes a list, not a text; write `[\"192.0.2.1\"]`")
    );
    assert!(entry("192.0.2.0/33").contains("`192.0.2.0/33` is no network"));
    assert!(entry("ns1.example").ends_with("write \"192.0.2.0/24\", \"key:NAME\" or \"tls:NAME\""));
    assert!(entry("key:trnsfer").ends_with("no `[[key]]` has the name `trnsfer`; did you mean `transfer`?"));
    assert!(entry("192.0.2.1 192.0.2.2").contains("one certificate at most; write two entries"));
    assert!(entry("tls:-").contains("`-` is not a name that a certificate can have"));
    assert!(entry("tls:a.example tls:b.example").contains("one certificate at most"));
    assert!(entry(" ").contains("an empty entry; write \"0.0.0.0/0\""));
    let many = vec!["\"192.0.2.1\""; EXEMPT_MAX + 1].join(", ");
    assert!(
        sentence(&format!("allow-transfer = [{many}]")).contains(&format!("more than {EXEMPT_MAX} entries"))
    );
}

/// Who gets a zone by a certificate, with the rest of the file.
fn with_certificate(rest: &str) -> Outcome {
    read(format!(
        "[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nallow-transfer = [\"192.0.2.0/24 tls:NS2.example.\"]\n{rest}"
    ))
}

#[test]
fn a_certificate_that_no_client_is_asked_for_is_a_warning() {
    let pair = "[tls]\ncertificate = \"a.crt\"\nkey = \"a.key\"\n";
    let asked = format!("{pair}client-ca = \"clients.pem\"\n[server]\nlisten-tls = [\"192.0.2.9:853\"]\n");
    let config = with_certificate(&asked).settings();
    let entry = &config.zones[0].transfer.allow[0];
    assert_eq!(entry.to_string(), "192.0.2.0/24 tls:NS2.example");
    assert!(config.client_ca.as_ref().is_some_and(|path| path.ends_with("clients.pem")));
    let nobody = with_certificate("").sentence();
    assert!(nobody.contains("`192.0.2.0/24 tls:NS2.example` holds nobody"), "{nobody}");
    assert!(
        nobody.ends_with("write `client-ca` in `[tls]`: the authorities of clients' certificates"),
        "{nobody}"
    );
    let unheard = with_certificate(&format!("{pair}client-ca = \"clients.pem\"\n")).sentence();
    assert!(unheard.ends_with("write `listen-tls` in `[server]`"), "{unheard}");
}

#[test]
fn servers_that_are_notified_have_an_address_and_perhaps_a_port_and_a_key() {
    let list = "[\"192.0.2.53\", \"192.0.2.54:5353 key:transfer\", \"key:transfer [2001:db8::53]:54\", \
                \"tls://192.0.2.55#ns3.example key:transfer\", \"tls://192.0.2.56:8853\"]";
    let config = zone(&format!("notify = {list}")).settings();
    let notify = &config.zones[0].transfer.notify;
    let given: Vec<_> = notify.iter().map(|one| (one.remote.to_string(), one.key.is_some())).collect();
    let wanted = [
        ("192.0.2.53:53", false),
        ("192.0.2.54:5353", true),
        ("[2001:db8::53]:54", true),
        ("tls://192.0.2.55:853#ns3.example", true),
        ("tls://192.0.2.56:8853", false),
    ];
    assert_eq!(given, wanted.map(|(place, has_key)| (place.to_owned(), has_key)));
}

#[test]
fn what_cannot_be_notified_is_told_with_the_remedy() {
    let entry = |entry: &str| sentence(&format!("notify = [\"{entry}\"]"));
    assert!(sentence("notify = \"192.0.2.53\"").contains("takes a list"));
    assert!(
        entry("ns1.example")
            .starts_with("edgedns.toml:7:11: `ns1.example` is not an address; write \"192.0.2.53\"")
    );
    assert!(entry("key:transfer").contains("an entry without an address"));
    assert!(entry("192.0.2.53 key:other").contains("no `[[key]]` has the name `other`"));
    assert!(entry("192.0.2.53 192.0.2.54").contains("one address and one key at most; write two entries"));
    assert!(entry("tls://192.0.2.53#-").contains("`-` is not a name that a certificate can have"));
    assert!(entry("quic://192.0.2.53#ns1.example").contains("nobody is told of zones over QUIC"));
    assert!(entry("192.0.2.53:0").contains("port 0 cannot be told anything"));
    let twice = sentence("notify = [\"192.0.2.53:853\", \"tls://192.0.2.53#ns1.example\"]");
    assert!(twice.contains("192.0.2.53:853 is named twice"), "{twice}");
    for nobody in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
        assert!(entry(nobody).contains(&format!("{nobody} is not the address of a host")), "{nobody}");
    }
    let many: Vec<String> = (1..=65).map(|host| format!("\"192.0.2.{host}\"")).collect();
    assert!(sentence(&format!("notify = [{}]", many.join(", "))).contains("more than 64 servers"));
}

/// The files of a pair, and what is to be read with them.
fn with_pair(test: impl FnOnce([String; 2])) {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["ns1.example".to_owned()]).unwrap();
    let [cert_file, key_file] = ["one.crt", "one.key"].map(|name| folder.path().join(name));
    std::fs::write(&cert_file, certificate.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    test([cert_file, key_file].map(|file| file.display().to_string()));
}

#[test]
fn servers_over_tls_are_known_by_authorities_and_shown_a_certificate() {
    let told = "notify = [\"tls://192.0.2.53#ns1.example\"]\n";
    assert_eq!(zone(told).settings().zones[0].transfer.credentials, Credentials::default());
    with_pair(|[cert, key]| {
        let lines = format!("{told}ca = \"{cert}\"\nclient-cert = \"{cert}\"\nclient-key = \"{key}\"");
        let credentials = zone(&lines).settings().zones[0].transfer.credentials.clone();
        assert!(credentials.client.is_some() && matches!(credentials.verify, Verify::File(_)));
        let other = zone(&format!("{told}client-cert = \"{cert}\"\nclient-key = \"{cert}\"")).sentence();
        assert!(other.contains("no private key in PEM is in it"), "{other}");
        let alone = zone(&format!("{told}client-cert = \"{cert}\"")).sentence();
        assert!(alone.contains("`client-cert` has no effect without `client-key`"), "{alone}");
        let nobody = zone(&format!("ca = \"{cert}\"")).sentence();
        assert!(nobody.contains("`ca` is for servers over TLS, and there is no `primary`"), "{nobody}");
        let nobody = zone("client-key = \"one.key\"").sentence();
        assert!(nobody.contains("`client-key` is for servers over TLS"), "{nobody}");
    });
}

#[test]
fn the_servers_of_all_groups_of_a_catalog_are_known_by_what_it_says() {
    with_pair(|[cert, _]| {
        let lines = format!(
            "[[catalog]]\nname = \"catalog.example\"\nprimary = [\"tls://192.0.2.1#ns1.example\"]\nca = \"{cert}\"\n\
             [[catalog.group]]\nname = \"nodes\"\nprimary = [\"tls://192.0.2.2#ns2.example\"]\n\
             notify = [\"tls://192.0.2.3#ns3.example\"]\n"
        );
        let config = read(lines).settings();
        let group = &config.catalogs[0].groups[0].1;
        let primaries = group.sources.find::<Primaries>().unwrap();
        let own = &config.zones[0].transfer.credentials;
        assert!(matches!(own.verify, Verify::File(_)));
        assert_eq!((&primaries.credentials, &group.transfer.credentials), (own, own));
    });
}

#[test]
fn pools_are_sent_as_members_as_what_is_up_or_as_lua_records() {
    let pools = |lines: &str| zone(lines).settings().zones[0].transfer.pools;
    assert_eq!(pools(""), TransferPools::Members);
    assert_eq!(pools("transfer-pools = \"members\""), TransferPools::Members);
    assert_eq!(pools("transfer-pools = \"up\""), TransferPools::Up);
    assert_eq!(pools("transfer-pools = \"lua\""), TransferPools::Lua);
    let fault = sentence("transfer-pools = \"both\"");
    assert!(fault.ends_with("`transfer-pools` cannot be `both`; it is `members`, `up` or `lua`"), "{fault}");
    assert!(sentence("transfer-pools = \"member\"").ends_with("did you mean `members`?"));
}

#[test]
fn a_zone_that_is_copied_has_its_own_limit_of_memory_or_the_usual_one() {
    let copied = |lines: &str| {
        read(format!(
            "{KEY}[[zone]]\nname = \"lab.example\"\nprimary = [\"192.0.2.1 key:transfer\"]\n{lines}\n"
        ))
    };
    assert_eq!(copied("").settings().zones[0].memory_limit, MemoryLimit::ByText);
    let limited = copied("memory-limit = \"2GiB\"").settings();
    assert_eq!(limited.zones[0].memory_limit, MemoryLimit::Bytes(2 << 30));
    let fault = copied("memory-limit = \"1KiB\"").sentence();
    assert!(fault.starts_with("edgedns.toml:7:16: `memory-limit` is 1MiB to 65536MiB"), "{fault}");
    let fault = copied("lua = \"perhaps\"").sentence();
    assert!(fault.ends_with("`lua` cannot be `perhaps`; it is `refuse` or `accept`"), "{fault}");
}
