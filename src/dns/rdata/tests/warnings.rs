//! What is served as the RFCs have it, but likely not meant, or read
//! otherwise by PowerDNS.

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
