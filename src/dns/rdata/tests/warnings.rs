//! What is served as the RFCs have it, but likely not meant, or read otherwise by PowerDNS.

use super::*;

fn warnings(mnemonic: &str, text: &str) -> Vec<String> {
    let line = Line::new(text);
    let mut found = Diagnostics::default();
    line.read(rtype(mnemonic), &mut found).unwrap();
    assert_eq!(found.errors(), 0);
    found.iter().map(|warning| warning.message.clone()).collect()
}

#[test]
fn a_compound_timer_names_the_figure_that_powerdns_reads() {
    assert_eq!(
        warnings("SOA", "a. b. 1 1h30m 1h 90 2d12h"),
        ["PowerDNS reads `1h30m` as 60 seconds", "PowerDNS reads `2d12h` as 7200 seconds",]
    );
}

#[test]
fn a_relative_name_is_completed_and_powerdns_is_named_where_it_does_not() {
    for (mnemonic, text) in
        [("HTTPS", "1 www"), ("NAPTR", "1 1 s x \"\" www"), ("KX", "1 www"), ("SVCB", "1 @")]
    {
        assert_eq!(warnings(mnemonic, text).len(), 1, "{mnemonic}");
    }
    assert_eq!(warnings("HTTPS", "1 www"), ["PowerDNS reads `www` here as absolute"]);
    assert_eq!(written(Rtype::HTTPS, &wire("HTTPS", "1 www")), "1 www.example.org.");
    for (mnemonic, text) in [("MX", "1 www"), ("SRV", "1 1 1 www"), ("HTTPS", "1 www.a."), ("SVCB", "1 .")] {
        assert_eq!(warnings(mnemonic, text), <[String; 0]>::default(), "{mnemonic}");
    }
}

#[test]
fn a_forgotten_final_dot_is_pointed_out() {
    assert_eq!(
        warnings("NS", "ns1.Example.org"),
        ["`ns1.Example.org` is read as `ns1.Example.org.example.org.`"]
    );
    assert_eq!(warnings("NS", "example.org"), ["`example.org` is read as `example.org.example.org.`"]);
    assert_eq!(warnings("NS", "ns1.anexample.org"), <[String; 0]>::default());
    assert_eq!(warnings("NS", "ns1.example.org."), <[String; 0]>::default());
}

#[test]
fn an_address_in_place_of_a_host_is_pointed_out() {
    assert_eq!(warnings("MX", "10 192.0.2.1"), ["`192.0.2.1` is read as a relative name"]);
    assert_eq!(warnings("PTR", "1.2.0.192"), ["`1.2.0.192` is read as a relative name"]);
    assert_eq!(warnings("PTR", "host4"), <[String; 0]>::default());
}

#[test]
fn text_without_quotes_loses_its_blanks_and_is_pointed_out() {
    assert_eq!(warnings("TXT", "v=spf1 mx -all"), ["these are 3 strings; readers join them without blanks"]);
    assert_eq!(warnings("TXT", "\"v=spf1 \" \"-all\""), <[String; 0]>::default());
    assert_eq!(warnings("TXT", "v=spf1"), <[String; 0]>::default());
}

#[test]
fn parameters_in_alias_mode_are_pointed_out() {
    assert_eq!(warnings("HTTPS", "0 a. alpn=h2"), ["parameters in AliasMode: clients ignore them"]);
}

#[test]
fn what_bind_nsd_and_knot_serve_though_clients_pass_over_it_is_pointed_out() {
    assert_eq!(warnings("TLSA", "3 1 1 aa"), ["data of 1 bytes; one of kind 1 has 32"]);
    assert_eq!(warnings("TLSA", "3 1 0 aa"), <[String; 0]>::default());
    assert_eq!(warnings("URI", "1 1 \"\""), ["empty target"]);
}

#[test]
fn a_mailbox_with_an_at_sign_is_pointed_out() {
    let said = ["the `@` in this mailbox is read as a letter like others"];
    for (mnemonic, text) in [
        ("SOA", "ns. root@example.com. 1 2 3 4 5"),
        ("SOA", r"ns. root\@example.com. 1 2 3 4 5"),
        ("RP", "root@example.com. ."),
        ("MINFO", "root@example.com. ."),
    ] {
        assert_eq!(warnings(mnemonic, text), said, "{mnemonic} {text}");
    }
    for (mnemonic, text) in [("SOA", "ns. @ 1 2 3 4 5"), ("SOA", r"ns. a\.b.c. 1 2 3 4 5"), ("CNAME", "a@b.")]
    {
        assert_eq!(warnings(mnemonic, text), <[String; 0]>::default(), "{mnemonic} {text}");
    }
    let line = Line::new("ns. first.last@example.com. 1 2 3 4 5");
    let mut found = Diagnostics::default();
    line.read(Rtype::SOA, &mut found).unwrap();
    let help: Vec<&str> =
        found.iter().flat_map(|one| &one.remarks).map(|remark| remark.text.as_str()).collect();
    assert_eq!(help, [r"a mailbox is written with a dot in its place: `first\.last.example.com.`"]);
}

#[test]
fn typographic_quotes_round_a_text_are_pointed_out() {
    let said = "these typographic quotes are a part of the text";
    assert_eq!(warnings("TXT", "“v=spf1”"), [said]);
    assert_eq!(warnings("TXT", "“v=spf1 -all”").last().map(String::as_str), Some(said));
    assert_eq!(warnings("TXT", "\"“v=spf1”\""), [said]);
    assert_eq!(warnings("SPF", "„v=spf1“"), [said]);
    assert_eq!(warnings("TXT", "\"he said “no”\""), <[String; 0]>::default());
    assert_eq!(warnings("TXT", "\"grün\""), <[String; 0]>::default());
}
