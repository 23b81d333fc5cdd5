//! What each function that chooses takes, and what it refuses.

use super::super::read_library;
use super::super::tests::{faults_as, pool_of, read_as};
use super::*;
use crate::dns::Name;
use crate::zone::Selector;
use crate::zonefile::lua_record::LuaDefaults;

/// Selector, then each member with its weight.
fn read(inner: Rtype, code: &str) -> (Selector, Vec<String>) {
    let pool = pool_of(inner, code);
    assert_eq!(pool.groups.len(), 1);
    let member = |member: &Member| match member.weight.get() {
        1 => pool.show(member),
        weight => format!("{weight} x {}", pool.show(member)),
    };
    (pool.selector, pool.groups[0].iter().map(member).collect())
}

fn selector(code: &str) -> Selector {
    read(Rtype::A, code).0
}

#[test]
fn each_function_has_its_selector() {
    let list = "{'192.0.2.1', '192.0.2.2'}";
    let weighted = "{{1, '192.0.2.1'}, {2, '192.0.2.2'}}";
    assert_eq!(selector(&format!("pickrandom({list})")), Selector::Random);
    assert_eq!(selector(&format!("pickhashed({list})")), Selector::Hashed);
    let two = NonZeroU32::new(2).unwrap();
    assert_eq!(selector(&format!("pickrandomsample(2, {list})")), Selector::Sample(two));
    assert_eq!(selector(&format!("pickrandomsample('2', {list})")), Selector::Sample(two));
    assert_eq!(selector(&format!("pickwrandom({weighted})")), Selector::WeightedRandom);
    assert_eq!(selector(&format!("pickwhashed({weighted})")), Selector::WeightedHashed);
    assert_eq!(selector(&format!("picknamehashed({weighted})")), Selector::NameHashed);
    assert_eq!(selector(&format!("pickchashed({weighted})")), Selector::ConsistentHashed);
    assert_eq!(selector("pickrandom{'192.0.2.1'}"), Selector::Random);
    assert_eq!(selector(&format!(";L={list} return pickhashed(L)")), Selector::Hashed);
}

#[test]
fn plain_values_keep_their_order_and_weighted_ones_take_that_of_powerdns() {
    let code = "pickhashed({'192.0.2.2', '192.0.2.1', '192.0.2.2'})";
    assert_eq!(read(Rtype::A, code).1, ["192.0.2.2", "192.0.2.1", "192.0.2.2"]);
    let code = "pickwhashed({{1, '192.0.2.1'}, {'2', '192.0.2.2'}, {3.0, '192.0.2.3'}})";
    assert_eq!(read(Rtype::A, code).1, ["3 x 192.0.2.3", "2 x 192.0.2.2", "192.0.2.1"]);
}

/// Orders of `std::unordered_map` of libstdc++ with keys from 1 on.
#[test]
fn weighted_values_are_walked_through_as_a_hash_table_of_libstdcxx() {
    let order = |count| powerdns_order(count).map(|place| place + 1).collect::<Vec<_>>();
    assert!(order(0).is_empty());
    assert_eq!(order(3), [3, 2, 1]);
    assert_eq!(order(13), (1..=13).rev().collect::<Vec<_>>());
    assert_eq!(order(15), [vec![15, 14], (1..=13).collect()].concat());
    assert_eq!(order(30), [vec![30], (1..=13).rev().collect(), (14..=29).collect()].concat());
    let mut all = order(1000);
    all.sort_unstable();
    assert_eq!(all, (1..=1000).collect::<Vec<_>>());
}

#[test]
fn values_are_data_of_the_type_that_is_answered() {
    assert_eq!(read(Rtype::TXT, "pickrandom({'one two', 5})").1, ["\"one two\"", "\"5\""]);
    assert_eq!(read(Rtype::MX, "pickrandom({'10 mail.example.net'})").1, ["10 mail.example.net."]);
    assert_eq!(read(Rtype::CNAME, "pickrandom({'www.example.net'})").1, ["www.example.net."]);
    assert_eq!(read(Rtype::CNAME, "pickrandomsample(1, {'a.net', 'b.net'})").1, ["a.net.", "b.net."]);
}

#[test]
fn only_a_consistent_hash_puts_its_values_on_a_ring() {
    let ring = |function: &str| {
        let pool = pool_of(Rtype::A, &format!("{function}({{{{3, '192.0.2.1'}}, {{5, '192.0.2.2'}}}})"));
        pool.groups[0].iter().map(|member| member.ring.len()).collect::<Vec<_>>()
    };
    assert_eq!(ring("pickwhashed"), [0, 0]);
    assert_eq!(ring("pickchashed"), [5, 3]);
}

#[test]
fn a_view_has_a_group_for_each_rule() {
    let code = "view({ {{'192.0.2.0/24', '2001:db8::/32'}, {'192.0.2.1'}}, {{'0.0.0.0/0'}, {'192.0.2.2', '192.0.2.3'}} })";
    let pool = pool_of(Rtype::A, code);
    let shown: Vec<Vec<String>> =
        pool.groups.iter().map(|group| group.iter().map(|member| pool.show(member)).collect()).collect();
    assert_eq!(shown, [vec!["192.0.2.1"], vec!["192.0.2.2", "192.0.2.3"]]);
    let networks: Vec<Vec<String>> =
        pool.views.iter().map(|view| view.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(networks, [vec!["192.0.2.0/24", "2001:db8::/32"], vec!["0.0.0.0/0"]]);
}

#[test]
fn what_is_odd_is_read_with_a_warning() {
    for (code, expected, selector) in [
        (
            "pickclosest({'192.0.2.1'})",
            "warning 1:2 [pickclosest] `pickclosest` is read as `pickrandom`",
            Selector::Random,
        ),
        (
            "pickrandomsample(0, {'192.0.2.1'})",
            "warning 1:19 [0] a sample of 0 answers nothing (NODATA)",
            Selector::Empty,
        ),
    ] {
        let (meaning, written) = read_as(Rtype::A, &format!("\"{code}\""), &LuaDefaults::default());
        let Some(Meaning::Pool(pool)) = meaning else { panic!("{code}: {meaning:?}") };
        assert_eq!(pool.selector, selector);
        assert_eq!(written.faults(), [expected]);
    }
}

#[test]
fn arguments_that_do_not_fit_are_told_at_their_place() {
    let weight = "expected a weight, a whole number from 1 on, found";
    for (code, expected) in [
        ("pickrandom()", "error 1:2 [pickrandom] `pickrandom` takes one list: {'…', '…'}".to_owned()),
        (
            "pickrandom('192.0.2.1')",
            "error 1:13 ['192.0.2.1'] expected a list of strings in braces, found '192.0.2.1'".to_owned(),
        ),
        (
            "pickrandom('192.0.2.1', '192.0.2.2')",
            "error 1:26 ['192.0.2.2'] `pickrandom` takes one list: {'…', '…'}".to_owned(),
        ),
        ("pickrandom({})", "error 1:13 [{}] this list is empty: there is nothing to choose from".to_owned()),
        ("pickhashed({{}})", "error 1:14 [{}] expected a string, found a table".to_owned()),
        ("pickhashed({a='x'})", "error 1:14 [a] a list has no keys: write the value alone".to_owned()),
        (
            "pickrandomsample({'192.0.2.1'})",
            "error 1:2 [pickrandomsample] `pickrandomsample` takes a number and a list: 2, {'…', '…'}".to_owned(),
        ),
        (
            "pickrandomsample(-1, {'192.0.2.1'})",
            "error 1:19 [-1] expected a whole number from 0 on, found -1".to_owned(),
        ),
        ("pickwrandom({'192.0.2.1'})", "error 1:15 ['192.0.2.1'] expected a weight and a value: {2, '…'}, found '192.0.2.1'".to_owned()),
        ("pickwhashed({{1}})", "error 1:15 [{1}] expected a weight and a value: {2, '…'}".to_owned()),
        ("pickwhashed({{0, '192.0.2.1'}})", format!("error 1:16 [0] {weight} 0")),
        ("picknamehashed({{1.5, '192.0.2.1'}})", format!("error 1:19 [1.5] {weight} 1.5")),
        ("pickchashed({{'x', '192.0.2.1'}})", format!("error 1:16 ['x'] {weight} 'x'")),
        (
            "pickchashed({{65536, '192.0.2.1'}, {1, '192.0.2.2'}})",
            "error 1:14 [{{65536, '192.0.2.1'}, {1, '192.0.2.2'}}] these weights add up to 65537: at most 65536"
                .to_owned(),
        ),
        (
            "pickwrandom({{2147483647, '192.0.2.1'}, {1, '192.0.2.2'}})",
            "error 1:14 [{{2147483647, '192.0.2.1'}, {1, '192.0.2.2'}}] these weights add up to 2147483648: at most 2147483647"
                .to_owned(),
        ),
        ("view({})", "error 1:7 [{}] this list is empty: there is nothing to choose from".to_owned()),
        (
            "view({{{'192.0.2.0/24'}}})",
            "error 1:8 [{{'192.0.2.0/24'}}] a rule has two parts: {{'192.0.2.0/24'}, {'…'}}".to_owned(),
        ),
        (
            "view({{'192.0.2.0/24', {'192.0.2.1'}}})",
            "error 1:9 ['192.0.2.0/24'] expected a list of networks in braces, found '192.0.2.0/24'".to_owned(),
        ),
        (
            "view({{{'192.0.2.0/33'}, {'192.0.2.1'}}})",
            "error 1:10 ['192.0.2.0/33'] `192.0.2.0/33` is not a network".to_owned(),
        ),
        (
            "view({{{'192.0.2.0/24'}, {}}})",
            "error 1:27 [{}] this list is empty: there is nothing to choose from".to_owned(),
        ),
        (
            "{pickrandom({'192.0.2.1'})}",
            "error 1:3 [pickrandom({'192.0.2.1'})] `pickrandom` cannot be used inside a table or another call".to_owned(),
        ),
    ] {
        assert_eq!(faults_as(Rtype::A, code), [expected], "{code}");
    }
}

#[test]
fn values_that_are_no_data_of_the_type_are_told_each_at_its_place() {
    let told = faults_as(Rtype::A, "pickwrandom({{0, '192.0.2.1'}, {1, '192.0.2.2'}, {1, 'x'}, {2, '::1'}})");
    let places: Vec<&str> = told.iter().map(|fault| fault.split(']').next().unwrap()).collect();
    assert_eq!(places, ["error 1:16 [0", "error 1:55 ['x'", "error 1:65 ['::1'"], "{told:?}");
}

#[test]
fn types_that_shape_the_zone_are_not_chosen() {
    for (inner, value) in [
        (Rtype::NS, "ns."),
        (Rtype::DNAME, "a.net"),
        (Rtype::SOA, "a. b. 1 2 3 4 5"),
        (Rtype::DS, "1 8 250 00"),
    ] {
        let told = faults_as(inner, &format!("pickrandom({{'{value}'}})"));
        assert_eq!(told, [format!("error 1:2 [pickrandom] `pickrandom` cannot answer type {inner}")]);
    }
    let told = faults_as(Rtype::CNAME, "pickrandomsample(2, {'a.net', 'b.net'})");
    assert_eq!(told, ["error 1:19 [2] a name is an alias of one other name: this answers several"]);
}

/// The faults of a record that includes another, whose code is `library`.
fn including(code: &str, library: &str) -> Vec<String> {
    let mut books = super::super::Library::default();
    let mut other = crate::lua::tests::Written::new(&format!("config LUA LUA \"{library}\""));
    read_library(
        "config.lab.example.".parse().unwrap(),
        &other.code,
        other.span,
        &mut books,
        &mut other.found,
    );
    let (owner, apex): (Name, Name) = ("api.lab.example.".parse().unwrap(), "lab.example.".parse().unwrap());
    let mut written = crate::lua::tests::Written::new(&format!("\"{code}\""));
    let record = super::super::Written {
        owner: owner.as_ref(),
        inner: Rtype::A,
        ttl: crate::dns::Ttl::from_seconds(10).unwrap(),
        code: &written.code,
        span: written.span,
        apex: apex.as_ref(),
    };
    let defaults = LuaDefaults::default();
    let builder = crate::zone::Builder::new(apex.clone(), written.span);
    let meaning = super::super::read(&record, &books, &builder.lookups(), &defaults, &mut written.found);
    let faults = [other.faults(), written.faults()].concat();
    assert_eq!(meaning.is_some(), !faults.iter().any(|fault| fault.starts_with("error")), "{faults:?}");
    faults
}

#[test]
fn what_cannot_be_included_is_told_at_its_place() {
    assert_eq!(including(";include('config') return A", "A='192.0.2.1'"), Vec::<String>::new());
    assert_eq!(including(";include('config.lab.example.') return A", "A='192.0.2.1'"), Vec::<String>::new());
    for (code, library, expected) in [
        (
            ";include('confg') return '192.0.2.1'",
            "A='192.0.2.1'",
            "error 1:11 ['confg'] `confg.lab.example.` has no LUA record of type LUA",
        ),
        (
            ";include(5) return '192.0.2.1'",
            "A='192.0.2.1'",
            "error 1:3 [include] `include` takes the name of a LUA record of type LUA, in quotes",
        ),
        (
            "include('config')",
            "A='192.0.2.1'",
            "error 1:2 [include] `include` gives no value: write it alone, before `return`",
        ),
        (
            ";A='192.0.2.2' include('config') return A",
            "A='192.0.2.1'",
            "error 1:17 [A] `A` is assigned twice",
        ),
        (";include('config') return B", "A='192.0.2.1'", "error 1:28 [B] unknown name `B`"),
        (
            ";include('config') return A",
            "include('other') A='192.0.2.1'",
            "error 1:17 [include] code that is included cannot include more",
        ),
        (
            ";include('config') return A",
            "print('x') A='192.0.2.1'",
            "error 1:17 [print] calling `print` as a statement is not supported: LUA records are read, not run",
        ),
        (
            ";include('config') return A",
            "return '192.0.2.1'",
            "error 1:17 [return] expected `NAME=value`, found `return`",
        ),
        (
            ";include('config') return A",
            "A='192.0.2.1' if x then",
            "error 1:31 [if] `if` statements are not supported: LUA records are read, not run",
        ),
        (
            ";include('config') return A",
            ";A='192.0.2.1'",
            "warning 1:17 [;] PowerDNS reads this as a syntax error",
        ),
    ] {
        let told = including(code, library);
        // A name that is assigned twice is shown where the second one stands: in the other record.
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        if expected.ends_with("assigned twice") {
            assert!(told[0].ends_with("`A` is assigned twice"), "{told:?}");
        } else {
            assert_eq!(told, [expected], "{code} {library}");
        }
    }
}
