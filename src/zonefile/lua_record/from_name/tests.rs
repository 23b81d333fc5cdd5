//! What the functions that read the name take, and what they refuse.

use super::super::{Library, LuaDefaults, Written, read};
use super::*;
use crate::dns::Ttl;
use crate::lua::tests::Written as WrittenCode;
use crate::source::Look;
use crate::zone::Builder;

fn read_at(owner: &str, inner: Rtype, code: &str) -> (Option<Meaning>, Vec<String>) {
    let owner: Name = owner.parse().unwrap();
    let mut written = WrittenCode::new(&format!("\"{code}\""));
    let WrittenCode { code, span, found, .. } = &mut written;
    let ttl = Ttl::from_seconds(10).unwrap();
    let record = Written { owner: owner.as_ref(), inner, ttl, code, span: *span, apex: NameRef::ROOT };
    let builder = Builder::new(Name::root(), *span);
    let meaning = read(&record, &Library::default(), &builder.lookups(), &LuaDefaults::default(), found);
    let drawn = written.found.iter().map(|fault| written.sources.render(fault, Look::Plain));
    (meaning, drawn.collect())
}

fn computed(inner: Rtype, code: &str) -> Computed {
    let (meaning, faults) = read_at("*.static.example", inner, code);
    assert_eq!(faults, Vec::<String>::new(), "{code}");
    match meaning {
        Some(Meaning::Pool(pool)) => Computed::clone(&pool.computed.expect("made from the name")),
        other => panic!("{code}: {other:?}"),
    }
}

#[track_caller]
fn refused(owner: &str, inner: Rtype, code: &str, told: &[&str]) {
    let (meaning, faults) = read_at(owner, inner, code);
    assert!(meaning.is_none(), "{code}: {meaning:?}");
    for one in told {
        assert!(faults.iter().any(|fault| fault.contains(one)), "{code}: {one} is not in {faults:?}");
    }
}

#[test]
fn the_address_is_in_the_labels_before_the_name_of_the_wildcard() {
    let Computed::Address(made) = computed(Rtype::A, "createForward()") else { panic!() };
    assert_eq!(
        (made.base.to_string(), made.family, made.filter),
        ("static.example.".into(), AddressFamily::Ipv4, None)
    );
    let Computed::Address(made) =
        computed(Rtype::AAAA, "filterForward(createForward6(), newNMG{'2001:db8::/32'})")
    else {
        panic!()
    };
    let filter = made.filter.unwrap();
    let answered = |text: &str| filter.answer(text.parse().unwrap()).unwrap().to_string();
    assert_eq!([answered("2001:db8::1"), answered("2001:db9::1")], ["2001:db8::1", "::"]);
}

#[test]
fn a_fallback_is_an_address_of_the_records_type_or_nothing() {
    let answer = |fallback: &str, address: [u8; 4]| {
        let code = format!(
            "filterForward(createForward(), newNMG({{'192.0.2.0/24', '!192.0.2.9', '192.0.2.8/29'}}), {fallback})"
        );
        match computed(Rtype::A, &code) {
            Computed::Address(ComputedAddress { filter: Some(filter), .. }) => filter.answer(address.into()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer("'198.51.100.1'", [192, 0, 3, 1]), Some(IpAddr::from([198, 51, 100, 1])));
    assert_eq!(answer("''", [192, 0, 3, 1]), None);
    // The longest prefix decides.
    assert_eq!(answer("''", [192, 0, 2, 9]), None);
    assert_eq!(answer("''", [192, 0, 2, 10]), Some(IpAddr::from([192, 0, 2, 10])));
    let told = ["`::1` is not an IPv4 address, which type A holds"];
    refused("*.x", Rtype::A, "filterForward(createForward(), newNMG{'192.0.2.0/24'}, '::1')", &told);
}

#[test]
fn exceptions_are_found_by_their_addresses_however_they_are_written() {
    let code =
        "createReverse6('%33%.example', {['2001:db8:0::2']='two.example', ['2001:db8::1']='one.example.'})";
    let Computed::Host(made) = computed(Rtype::PTR, code) else { panic!() };
    let exceptions: Vec<String> =
        made.exceptions.iter().map(|(address, host)| format!("{address} {host}")).collect();
    assert_eq!(exceptions, ["2001:db8::1 one.example.", "2001:db8::2 two.example."]);
}

#[test]
fn what_powerdns_answers_with_nonsense_is_refused_with_what_to_write() {
    let cases: [(&str, Rtype, &str, &[&str]); 17] = [
        (
            "host.x",
            Rtype::A,
            "createForward()",
            &["`host.x.` is none", "PowerDNS answers 0.0.0.0 here", "`*.static`"],
        ),
        ("*.x", Rtype::AAAA, "createForward()", &["type AAAA cannot hold them", "`createForward6()`"]),
        ("*.x", Rtype::A, "createForward('x')", &["takes no arguments"]),
        ("*.x", Rtype::A, "filterForward(createForward())", &["takes an address and networks"]),
        ("*.x", Rtype::A, "filterForward(createForward(), {'192.0.2.0/24'})", &["write `newNMG` before it"]),
        (
            "*.x",
            Rtype::A,
            "filterForward(createForward(), newNMG{})",
            &["expected 1 to 1000 networks, found 0"],
        ),
        (
            "*.x",
            Rtype::A,
            "filterForward(createForward(), newNMG{'192.0.2.0/33'})",
            &["`192.0.2.0/33` is not a network"],
        ),
        (
            "*.x",
            Rtype::A,
            "filterForward(createForward6(), newNMG{'::/0'})",
            &["answers IPv6 addresses: type A cannot hold"],
        ),
        ("*.x", Rtype::A, "newNMG{'192.0.2.0/24'}", &["a value for `filterForward`"]),
        ("*.x", Rtype::A, "all({createForward()})", &["cannot be used inside a table or another call"]),
        (
            "*.x",
            Rtype::A,
            "createReverse('%5%.x')",
            &["answers names of hosts: type A is not for them", "`LUA PTR`"],
        ),
        ("*.x", Rtype::PTR, "createReverse('%7%.x')", &["a value of the address is `%1%` to `%6%`"]),
        (
            "*.x",
            Rtype::PTR,
            "createReverse('%5.x')",
            &["a value of the address is `%1%` to `%6%`", "'%5%.static.example.com'"],
        ),
        ("*.x", Rtype::PTR, "createReverse('a b.x')", &["a host name has no ` `"]),
        ("*.x", Rtype::PTR, "createReverse('%1%..x')", &["a label of this name is empty"]),
        ("*.x", Rtype::PTR, "createReverse6('%33%%33%.x')", &["longer than 63 characters"]),
        ("*.x", Rtype::PTR, "createReverse('%5%.x', {['::1']='a.x'})", &["`::1` is not an IPv4 address"]),
    ];
    for (owner, inner, code, told) in cases {
        refused(owner, inner, code, told);
    }
    let twice = "createReverse('%5%.x', {['192.0.2.1']='a.x', ['192.0.2.1']='b.x'})";
    refused("*.x", Rtype::PTR, twice, &["`192.0.2.1` is given twice"]);
    let long = format!(
        "createReverse('%5%.{}.x')",
        ["a".repeat(60), "b".repeat(60), "c".repeat(60), "d".repeat(60)].join(".")
    );
    refused("*.x", Rtype::PTR, &long, &["longer than 255 bytes"]);
}
