//! What each function and option of PowerDNS means, and how each mistake is told.

use std::net::IpAddr;

use proptest::prelude::*;

use std::num::NonZeroU32;
use std::time::Duration;

use super::reader::CONSTANTS_MAX;
use super::*;
use crate::dns::Name;
use crate::lua::tests::Written;
use crate::probe::{Port, ProbeKind, Tcp};
use crate::source::Look;
use crate::zone::{AllDown, Pool, Selector, WhilePending};

/// Reads the one record of `zone`, which answers `inner`.
pub(super) fn read_as(inner: Rtype, zone: &str, defaults: &LuaDefaults) -> (Option<Meaning>, Written) {
    let owner: Name = "api.lab.example.".parse().unwrap();
    let ttl = Ttl::from_seconds(10).unwrap();
    let mut written = Written::new(zone);
    let Written { code, span, found, .. } = &mut written;
    let (owner, apex) = (owner.as_ref(), NameRef::ROOT);
    let record = super::Written { owner, inner, ttl, code, span: *span, apex };
    let builder = zone::Builder::new(Name::root(), *span);
    let meaning = read(&record, &Library::default(), &builder.lookups(), defaults, found);
    (meaning, written)
}

/// The pool of a record that has no faults.
pub(super) fn pool_of(inner: Rtype, code: &str) -> Pool {
    read_pool(inner, code, &LuaDefaults::default())
}

fn read_pool(inner: Rtype, code: &str, defaults: &LuaDefaults) -> Pool {
    let (meaning, written) = read_as(inner, &format!("@ IN LUA {inner} \"{code}\""), defaults);
    assert_eq!(written.faults(), Vec::<String>::new(), "{code}");
    match meaning {
        Some(Meaning::Pool(pool)) => pool,
        other => panic!("{code}: {other:?}"),
    }
}

fn pool_with(code: &str, defaults: &LuaDefaults) -> Pool {
    read_pool(Rtype::A, code, defaults)
}

fn pool(code: &str) -> Pool {
    pool_with(code, &LuaDefaults::default())
}

/// A pool of one member, with these options.
fn with_options(options: &str) -> Pool {
    pool(&format!("ifportup(6443, {{'192.0.2.1'}}, {{{options}}})"))
}

pub(super) fn faults_as(inner: Rtype, code: &str) -> Vec<String> {
    let (meaning, written) = read_as(inner, &format!("\"{code}\""), &LuaDefaults::default());
    assert_eq!(meaning.is_none(), written.found.errors() > 0, "{code}: {:?}", written.faults());
    written.faults()
}

fn faults(code: &str) -> Vec<String> {
    faults_as(Rtype::A, code)
}

/// The fault of one option, its place counted from the first byte of the option.
fn fault_of_option(option: &str) -> String {
    let before = "ifportup(1, {'192.0.2.1'}, {";
    let faults = faults(&format!("{before}{option}}})"));
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (severity, rest) = faults[0].split_once(" 1:").unwrap();
    let (column, rest) = rest.split_once(' ').unwrap();
    // The opening quote of the chunk comes before the code, and columns count from 1.
    let column = column.parse::<usize>().unwrap() - before.len() - 1;
    format!("{severity} {column} {rest}")
}

fn constants_as(inner: Rtype, code: &str) -> Vec<String> {
    let (meaning, written) = read_as(inner, &format!("\"{code}\""), &LuaDefaults::default());
    assert_eq!(written.faults(), Vec::<String>::new(), "{code}");
    let Some(Meaning::Constants(constants)) = meaning else { panic!("{code}: {meaning:?}") };
    constants.iter().map(|constant| String::from_utf8_lossy(&constant.text).into_owned()).collect()
}

/// Address and port of each member, group by group.
fn targets(pool: &Pool) -> Vec<Vec<(String, u16)>> {
    let target = |member: &crate::zone::Member| {
        let [guard] = member.guards.as_slice() else { panic!("one guard") };
        assert_eq!(guard.probe.address.to_string(), pool.show(member));
        let ProbeKind::Tcp(tcp) = &guard.probe.kind else { panic!("{}", guard.probe) };
        (pool.show(member), tcp.port.get())
    };
    pool.groups.iter().map(|group| group.iter().map(target).collect()).collect()
}

fn at(address: &str, port: u16) -> (String, u16) {
    (address.to_owned(), port)
}

#[test]
fn the_records_of_a_cluster_zone_become_pools() {
    // As they stand in the zones of three masters that PowerDNS serves today.
    let code = "ifportup(6443, {'127.0.1.13', '127.0.1.14', '127.0.1.15'})";
    let pool = pool(code);
    assert_eq!(pool.owner.to_string(), "api.lab.example.");
    assert_eq!((pool.rtype, pool.ttl.seconds()), (Rtype::A, 10));
    assert_eq!(targets(&pool), [[at("127.0.1.13", 6443), at("127.0.1.14", 6443), at("127.0.1.15", 6443)]]);
    assert_eq!(pool.selector, Selector::All);
    assert_eq!(pool.all_down, AllDown::Select(Selector::All));
    assert_eq!(pool.while_pending, WhilePending::Select);
    assert_eq!(pool.lua.as_deref(), Some(code));
    let defaults = LuaDefaults::default();
    let guard = &pool.groups[0][0].guards[0];
    assert_eq!((guard.interval, guard.retry), (defaults.interval, defaults.retry));
    assert_eq!((guard.rise, guard.fall), (defaults.rise, defaults.fall));
    assert_eq!((guard.probe.timeout, guard.probe.source), (defaults.timeout, None));
    assert_eq!(guard.probe.kind, ProbeKind::Tcp(Tcp { port: Port::new(6443).unwrap() }));
}

#[test]
fn the_settings_hold_for_a_record_that_names_nothing() {
    let defaults = LuaDefaults {
        selector: Selector::Random,
        interval: Duration::from_secs(7),
        timeout: Duration::from_secs(3),
        retry: Duration::from_secs(2),
        rise: NonZeroU32::new(4).unwrap(),
        fall: NonZeroU32::new(5).unwrap(),
    };
    let plain = pool_with("ifportup(1, {'192.0.2.1'})", &defaults);
    assert_eq!((plain.selector, plain.all_down), (Selector::Random, AllDown::Select(Selector::Random)));
    let guard = &plain.groups[0][0].guards[0];
    assert_eq!((guard.interval, guard.retry), (defaults.interval, defaults.retry));
    assert_eq!(guard.probe.timeout, defaults.timeout);
    assert_eq!((guard.rise.get(), guard.fall.get()), (4, 5));
    let hasty = pool_with("ifportup(1, {'192.0.2.1'}, {interval=1})", &defaults);
    assert_eq!(hasty.groups[0][0].guards[0].retry, Duration::from_secs(1));
}

#[test]
fn sets_become_groups_in_their_order() {
    let pool = pool("ifportup(443, {{'192.0.2.1', '192.0.2.2'}, {'198.51.100.1'}; {'192.0.2.1'}})");
    assert_eq!(
        targets(&pool),
        [
            vec![at("192.0.2.1", 443), at("192.0.2.2", 443)],
            vec![at("198.51.100.1", 443)],
            vec![at("192.0.2.1", 443)]
        ]
    );
}

#[test]
fn an_address_may_carry_its_own_port() {
    let pool = pool("ifportup(443, {'192.0.2.1:8443', '192.0.2.1', '192.0.2.2'})");
    assert_eq!(targets(&pool), [[at("192.0.2.1", 8443), at("192.0.2.1", 443), at("192.0.2.2", 443)]]);
    let code = "\"ifportup(443, {'[2001:db8::1]:8443', '2001:db8::2', '[2001:db8::3]'})\"";
    let (meaning, written) = read_as(Rtype::AAAA, code, &LuaDefaults::default());
    let Some(Meaning::Pool(pool)) = meaning else { panic!("{:?}", written.faults()) };
    assert_eq!(targets(&pool), [[at("2001:db8::1", 8443), at("2001:db8::2", 443), at("2001:db8::3", 443)]]);
}

#[test]
fn a_port_may_be_written_in_every_way_lua_has() {
    for port in ["8080", "'8080'", "0x1F90", "8080.0", "' 0x1f90 '", "8.08e3", "(8080)"] {
        assert_eq!(targets(&pool(&format!("ifportup({port}, {{'192.0.2.1'}})"))), [[at("192.0.2.1", 8080)]]);
    }
}

#[test]
fn every_word_for_a_selector_has_its_meaning() {
    for (word, selector) in [
        ("all", Selector::All),
        ("random", Selector::Random),
        ("hashed", Selector::Hashed),
        ("empty", Selector::Empty),
    ] {
        let pool = with_options(&format!("selector='{word}'"));
        assert_eq!((pool.selector, pool.all_down), (selector, AllDown::Select(Selector::All)));
        let pool = with_options(&format!("backupSelector='{word}'"));
        assert_eq!((pool.selector, pool.all_down), (Selector::All, AllDown::Select(selector)));
    }
}

#[test]
fn closest_is_random_with_a_warning() {
    let (meaning, written) = read_as(
        Rtype::A,
        "\"ifportup(1, {'192.0.2.1'}, {selector='pickclosest'})\"",
        &LuaDefaults::default(),
    );
    let Some(Meaning::Pool(pool)) = meaning else { panic!("a pool") };
    assert_eq!(pool.selector, Selector::Random);
    assert_eq!(written.faults(), ["warning 1:39 ['pickclosest'] `pickclosest` is read as `random`"]);
    let backup = "\"ifportup(1, {'192.0.2.1'}, {backupSelector='pickclosest'})\"";
    let (meaning, written) = read_as(Rtype::A, backup, &LuaDefaults::default());
    let Some(Meaning::Pool(pool)) = meaning else { panic!("a pool") };
    assert_eq!(pool.all_down, AllDown::Select(Selector::Random));
    assert_eq!(written.faults(), ["warning 1:45 ['pickclosest'] `pickclosest` is read as `random`"]);
}

#[test]
fn times_and_thresholds_of_the_record_hold() {
    let guard = |options| with_options(options).groups[0][0].guards[0].clone();
    assert_eq!(guard("timeout=2").probe.timeout, Duration::from_secs(2));
    assert_eq!(guard("timeout='2'").probe.timeout, Duration::from_secs(2));
    assert_eq!(guard("timeout=0.25").probe.timeout, Duration::from_millis(250));
    assert_eq!(guard("['timeout']=2").probe.timeout, Duration::from_secs(2));
    assert_eq!(guard("interval=30").interval, Duration::from_secs(30));
    assert_eq!(guard("interval='0.5'").interval, Duration::from_millis(500));
    assert_eq!(guard("interval=0.1").retry, Duration::from_millis(100));
    assert_eq!(guard("minimumFailures=3").fall.get(), 3);
    assert_eq!(guard("minimumFailures='3'").fall.get(), 3);
    assert_eq!(guard("source='192.0.2.200'").probe.source, Some(IpAddr::from([192, 0, 2, 200])));
}

#[test]
fn while_nothing_is_known_fail_safes_hold_and_nothing_else() {
    for (options, expected) in [
        ("failOnIncompleteCheck='true'", WhilePending::ServFail),
        ("failOnIncompleteCheck=true", WhilePending::ServFail),
        ("failOnIncompleteCheck='true', backupSelector='empty'", WhilePending::ServFail),
        ("failOnIncompleteCheck='false'", WhilePending::Select),
        ("failOnIncompleteCheck=false", WhilePending::Select),
        ("backupSelector='empty'", WhilePending::NoData),
        ("backupSelector='random'", WhilePending::Select),
    ] {
        assert_eq!(with_options(options).while_pending, expected, "{options}");
    }
}

#[test]
fn names_stand_for_their_values() {
    let code =
        ";PORT=6443;A='192.0.2.1';LIST={A,'192.0.2.2'};T=2;O={timeout=T} return ifportup(PORT, LIST, O)";
    let pool = pool(code);
    assert_eq!(targets(&pool), [[at("192.0.2.1", 6443), at("192.0.2.2", 6443)]]);
    assert_eq!(pool.groups[0][0].guards[0].probe.timeout, Duration::from_secs(2));
    assert_eq!(pool.lua.as_deref(), Some(code));
    assert_eq!(constants_as(Rtype::A, ";X='192.0.2.1';Y=X;return all({Y})"), ["192.0.2.1"]);
    assert_eq!(constants_as(Rtype::A, ";X=all({'192.0.2.1'});return X"), ["192.0.2.1"]);
}

#[test]
fn constants_serve_every_type() {
    assert_eq!(constants_as(Rtype::A, "'192.0.2.1'"), ["192.0.2.1"]);
    assert_eq!(constants_as(Rtype::A, "{'192.0.2.1', '192.0.2.2'}"), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(constants_as(Rtype::A, "all({'192.0.2.1', '192.0.2.2'})"), ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(constants_as(Rtype::CNAME, ";return 'www.example.net'"), ["www.example.net"]);
    assert_eq!(constants_as(Rtype::TXT, "42"), ["42"]);
    assert_eq!(constants_as(Rtype::TXT, "{0x1F90, 1.5, -1, 'x y'}"), ["8080", "1.5", "-1", "x y"]);
}

#[test]
fn a_constant_knows_its_place() {
    let zone = "@ IN LUA A ( \"all({\"\n  \"'192.0.2.1'})\" )";
    let (meaning, written) = read_as(Rtype::A, zone, &LuaDefaults::default());
    let Some(Meaning::Constants(constants)) = meaning else { panic!("constants") };
    assert_eq!(written.sources.place(constants[0].span).to_string(), "lab.zone:2:4");
}

#[test]
fn an_address_that_stands_twice_is_dropped_with_a_warning() {
    let code = "\"ifportup(443, {'192.0.2.1', '192.0.2.2', '192.0.2.1:443'})\"";
    let (meaning, written) = read_as(Rtype::A, code, &LuaDefaults::default());
    let Some(Meaning::Pool(pool)) = meaning else { panic!("a pool") };
    assert_eq!(targets(&pool), [[at("192.0.2.1", 443), at("192.0.2.2", 443)]]);
    assert_eq!(written.faults(), ["warning 1:43 ['192.0.2.1:443'] `192.0.2.1` is in this list twice"]);
}

#[test]
fn an_empty_set_is_left_out_with_a_warning() {
    let (meaning, written) =
        read_as(Rtype::A, "\"ifportup(443, {{}, {'192.0.2.2'}})\"", &LuaDefaults::default());
    let Some(Meaning::Pool(pool)) = meaning else { panic!("a pool") };
    assert_eq!(targets(&pool), [[at("192.0.2.2", 443)]]);
    assert_eq!(written.faults(), ["warning 1:17 [{}] this set is empty, and left out"]);
}

#[test]
fn functions_that_know_clients_by_more_than_their_network_point_to_view() {
    for function in names::BY_CLIENT {
        assert!(names::UNSUPPORTED.contains(function), "{function}");
    }
    let (_, written) = read_as(Rtype::A, "\"country('US')\"", &LuaDefaults::default());
    let sentence = written.sources.sentence(written.found.iter().next().unwrap());
    assert!(sentence.contains("`view` answers by the network that the client is in"), "{sentence}");
}

#[test]
fn every_function_of_powerdns_that_is_missing_is_named() {
    for function in names::UNSUPPORTED {
        let expected = format!("error 1:2 [{function}] `{function}` is not supported");
        let told = faults(&format!("{function}({{'192.0.2.1'}}, bestwho)"));
        assert_eq!(told[0], expected);
        // And what it is given, which is another thing to mend.
        assert!(told.len() == 2 && told[1].ends_with("`bestwho` is not supported"), "{told:?}");
    }
    for variable in names::QUERY_VARIABLES {
        let expected = format!("error 1:2 [{variable}] `{variable}` is not supported");
        assert_eq!(faults_as(Rtype::TXT, variable), [expected]);
    }
}

#[test]
fn a_name_that_stands_for_nothing_is_told_with_what_was_meant() {
    let sentence = |code: &str| {
        let (_, written) = read_as(Rtype::A, &format!("\"{code}\""), &LuaDefaults::default());
        assert_eq!(written.found.errors(), 1, "{code}");
        written.sources.sentence(written.found.iter().next().unwrap())
    };
    assert_eq!(
        sentence("ifportpu(443, {'192.0.2.1'})"),
        "lab.zone:1:2: unknown function `ifportpu`; did you mean `ifportup`?"
    );
    assert_eq!(
        sentence("GeoIPLookup('192.0.2.1', 1)"),
        "lab.zone:1:2: unknown function `GeoIPLookup`; PowerDNS has `geoiplookup`, which is not supported"
    );
    assert_eq!(sentence("frobnicate()"), "lab.zone:1:2: unknown function `frobnicate`");
    assert_eq!(
        sentence(";LIST={'192.0.2.1'} return all(LSIT)"),
        "lab.zone:1:33: unknown name `LSIT`; did you mean `LIST`?"
    );
    assert_eq!(
        sentence("ifportup(1, {'192.0.2.1'}, {selector=all})"),
        "lab.zone:1:39: unknown name `all`; put text in quotes: 'all'"
    );
    assert_eq!(sentence(";A=A return A"), "lab.zone:1:5: unknown name `A`; put text in quotes: 'A'");
    assert_eq!(
        sentence(";A='192.0.2.1' A='192.0.2.2' return A"),
        "lab.zone:1:17: `A` is assigned twice; use another name"
    );
}

#[test]
fn arguments_that_do_not_fit_are_told_at_their_place() {
    let five = "expected a port from 1 to 65535, found";
    for (code, expected) in [
        (
            "ifportup()",
            "error 1:2 [ifportup] `ifportup` wants a port and addresses: ifportup(6443, {'…', '…'})".into(),
        ),
        (
            "ifportup(443)",
            "error 1:2 [ifportup] `ifportup` wants a port and addresses: ifportup(6443, {'…', '…'})".into(),
        ),
        (
            "ifportup(443, {'192.0.2.1'}, {}, 1)",
            "error 1:35 [1] `ifportup` takes three arguments at most: port, addresses, options".into(),
        ),
        ("ifportup(0, {'192.0.2.1'})", format!("error 1:11 [0] {five} 0")),
        ("ifportup(99999, {'192.0.2.1'})", format!("error 1:11 [99999] {five} 99999")),
        ("ifportup(-1, {'192.0.2.1'})", format!("error 1:11 [-1] {five} -1")),
        ("ifportup(1.5, {'192.0.2.1'})", format!("error 1:11 [1.5] {five} 1.5")),
        ("ifportup('http', {'192.0.2.1'})", format!("error 1:11 ['http'] {five} 'http'")),
        ("ifportup({}, {'192.0.2.1'})", format!("error 1:11 [{{}}] {five} a table")),
        ("ifportup(nil, {'192.0.2.1'})", format!("error 1:11 [nil] {five} `nil`")),
        (
            "ifportup(443, '192.0.2.1')",
            "error 1:16 ['192.0.2.1'] expected a list of addresses in braces, found '192.0.2.1'".into(),
        ),
        ("ifportup(443, {})", "error 1:16 [{}] this list is empty: there is nothing to answer".into()),
        (
            "ifportup(443, {'192.0.2.1'}, 'all')",
            "error 1:31 ['all'] expected options in braces: {selector='all'}, found 'all'".into(),
        ),
        (
            "{ifportup(443, {'192.0.2.1'})}",
            "error 1:3 [ifportup(443, {'192.0.2.1'})] `ifportup` cannot be used inside a table or another call"
                .into(),
        ),
        (
            "ifportup(443, all({'192.0.2.1'}))",
            "error 1:16 [all({'192.0.2.1'})] `all` cannot be used inside a table or another call".into(),
        ),
    ] {
        assert_eq!(faults(code), [expected], "{code}");
    }
}

#[test]
fn addresses_that_do_not_fit_are_told_at_their_place() {
    for (code, expected) in [
        ("ifportup(443, {5})", "error 1:17 [5] expected an address in quotes, found 5"),
        ("ifportup(443, {nil})", "error 1:17 [nil] expected an address in quotes, found `nil`"),
        (
            "ifportup(443, {{{'192.0.2.1'}}})",
            "error 1:18 [{'192.0.2.1'}] expected an address in quotes, found a table",
        ),
        (
            "ifportup(443, {'192.0.2.1', {'192.0.2.2'}})",
            "error 1:30 [{'192.0.2.2'}] one list has addresses and sets of addresses",
        ),
        ("ifportup(443, {a='192.0.2.1'})", "error 1:17 [a] a list has no keys: write the value alone"),
        ("ifportup(443, {'192.0.2.999'})", "error 1:17 ['192.0.2.999'] `192.0.2.999` is not an address"),
        ("ifportup(443, {'192.0.2.01'})", "error 1:17 ['192.0.2.01'] `192.0.2.01` is not an address"),
        ("ifportup(443, {'master-0'})", "error 1:17 ['master-0'] `master-0` is not an address"),
        ("ifportup(443, {''})", "error 1:17 [''] `` is not an address"),
        (
            "ifportup(443, {'192.0.2.1:0'})",
            "error 1:17 ['192.0.2.1:0'] expected a port from 1 to 65535 in `192.0.2.1:0`",
        ),
        (
            "ifportup(443, {'192.0.2.1:+80'})",
            "error 1:17 ['192.0.2.1:+80'] expected a port from 1 to 65535 in `192.0.2.1:+80`",
        ),
        (
            "ifportup(443, {'2001:db8::1'})",
            "error 1:17 ['2001:db8::1'] `2001:db8::1` is an IPv6 address in a record of type A",
        ),
        (
            "ifportup(443, {'[192.0.2.1]:80'})",
            "error 1:17 ['[192.0.2.1]:80'] `[192.0.2.1]:80` is not an address",
        ),
        ("ifportup(443, {{}, {}})", "error 1:16 [{{}, {}}] all sets are empty: there is nothing to answer"),
    ] {
        let faults = faults(code);
        assert_eq!(faults.last().map(String::as_str), Some(expected), "{code}");
        assert!(faults.iter().filter(|fault| fault.starts_with("error")).count() == 1, "{faults:?}");
    }
}

#[test]
fn values_that_are_no_constants_are_told_at_their_place() {
    for (code, expected) in [
        ("all()", "error 1:2 [all] `all` takes one list: all({'…', '…'})"),
        ("all({'x'}, 2)", "error 1:13 [2] `all` takes one list: all({'…', '…'})"),
        ("all('x')", "error 1:6 ['x'] expected a list of strings in braces, found 'x'"),
        ("all({})", "error 1:6 [{}] this list is empty: the record would answer nothing"),
        ("{}", "error 1:2 [{}] this list is empty: the record would answer nothing"),
        ("{{'x'}}", "error 1:3 [{'x'}] expected a string, found a table"),
        ("{a='x'}", "error 1:3 [a] a list has no keys: write the value alone"),
        ("nil", "error 1:2 [nil] expected a string, found `nil`"),
        ("true", "error 1:2 [true] expected a string, found `true`"),
        (
            "0.1234567890123456",
            "error 1:2 [0.1234567890123456] versions of PowerDNS print this number differently: put it in quotes",
        ),
    ] {
        assert_eq!(faults(code), [expected], "{code}");
    }
}

#[test]
fn an_address_must_fit_the_type_of_its_record() {
    assert_eq!(
        faults_as(Rtype::AAAA, "ifportup(443, {'192.0.2.1'})"),
        ["error 1:17 ['192.0.2.1'] `192.0.2.1` is an IPv4 address in a record of type AAAA"]
    );
    let told = faults_as(Rtype::TXT, "ifportup(443, {'192.0.2.1'})");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("error 1:2 [ifportup] `ifportup` answers addresses: "), "{told:?}");
}

#[test]
fn options_that_do_not_fit_are_told_at_their_place() {
    for (option, expected) in [
        ("selctor='all'", "error 1 [selctor] unknown option `selctor`"),
        ("['x']='all'", "error 2 ['x'] unknown option `x`"),
        ("[1]='all'", "error 2 [1] expected the name of an option, found 1"),
        ("'all'", "error 1 ['all'] expected an option: `name=value`"),
        ("selector='rnadom'", "error 10 ['rnadom'] unknown selector `rnadom`"),
        ("selector='All'", "error 10 ['All'] unknown selector `All`"),
        ("selector=true", "error 10 [true] expected a selector in quotes, found `true`"),
        ("timeout=0", "error 9 [0] a timeout is longer than 0 seconds"),
        ("timeout='0'", "error 9 ['0'] a timeout is longer than 0 seconds"),
        ("timeout=-1", "error 9 [-1] a timeout is longer than 0 seconds"),
        ("timeout='2s'", "error 9 ['2s'] expected seconds from 0.001 to 86400, found '2s'"),
        ("timeout=1e-9", "error 9 [1e-9] expected seconds from 0.001 to 86400, found 1e-9"),
        ("timeout=1e300", "error 9 [1e300] expected seconds from 0.001 to 86400, found 1e300"),
        ("timeout=true", "error 9 [true] expected seconds from 0.001 to 86400, found `true`"),
        ("interval=0", "error 10 [0] expected seconds from 0.1 to 86400, found 0"),
        ("minimumFailures=0", "error 17 [0] expected a whole number from 1 on, found 0"),
        ("minimumFailures=1.5", "error 17 [1.5] expected a whole number from 1 on, found 1.5"),
        ("failOnIncompleteCheck='yes'", "error 23 ['yes'] expected 'true' or 'false', found 'yes'"),
        ("failOnIncompleteCheck=1", "error 23 [1] expected 'true' or 'false', found 1"),
        ("source='::1'", "error 8 ['::1'] `::1` cannot be a source: the targets are IPv4 addresses"),
        ("source='eth0'", "error 8 ['eth0'] `eth0` is not an IPv4 address"),
        ("timeout=1, timeout=2", "error 12 [timeout] option `timeout` is given twice"),
        (
            "stringmatch='ok'",
            "error 1 [stringmatch] `stringmatch` means nothing to `ifportup`: it belongs to a probe of a URL",
        ),
    ] {
        assert_eq!(fault_of_option(option), expected, "{option}");
    }
}

#[test]
fn a_mistake_is_drawn_with_what_was_meant_and_what_powerdns_does() {
    let drawn = |code: &str| {
        let (_, written) = read_as(
            Rtype::A,
            &format!("@ IN LUA A ( \"ifportup(1, {{'192.0.2.1'}},\"\n  \"{code}\" )"),
            &LuaDefaults::default(),
        );
        written.sources.render(written.found.iter().next().unwrap(), Look::Plain)
    };
    assert_eq!(
        drawn("{selector='rnadom'})"),
        "\
error: unknown selector `rnadom`
 --> lab.zone:2:14
  |
2 |   \"{selector='rnadom'})\" )
  |              ^^^^^^^^
  |
  = help: did you mean `random`?
  = note: PowerDNS takes `random` for a word it does not know"
    );
    assert_eq!(
        drawn("{timeout=0})"),
        "\
error: a timeout is longer than 0 seconds
 --> lab.zone:2:13
  |
2 |   \"{timeout=0})\" )
  |             ^
  |
  = note: PowerDNS does not wait then, and declares every target up"
    );
    assert!(drawn("{intervall=1})").ends_with("= help: did you mean `interval`?"));
}

#[test]
fn all_faults_of_a_record_are_found_in_one_run() {
    let code =
        ";L={'192.0.2.300', 5, 8000+80, 'x'} return ifportup(0, L, {selector='al', timeuot=1, timeout=0})";
    assert_eq!(
        faults(code),
        [
            "error 1:28 [+] arithmetic (`+`) is not supported: LUA records are read, not run",
            "error 1:54 [0] expected a port from 1 to 65535, found 0",
            "error 1:6 ['192.0.2.300'] `192.0.2.300` is not an address",
            "error 1:21 [5] expected an address in quotes, found 5",
            "error 1:33 ['x'] `x` is not an address",
            "error 1:70 ['al'] unknown selector `al`",
            "error 1:76 [timeuot] unknown option `timeuot`",
            "error 1:95 [0] a timeout is longer than 0 seconds",
        ]
    );
}

#[test]
fn a_pool_has_a_limit_however_it_is_written() {
    let list = vec!["'192.0.2.1'"; 200].join(",");
    let told = faults(&format!(";L={{{list}}} return ifportup(443, {{L,L,L,L,L,L}})"));
    assert_eq!(
        told.iter().filter(|fault| fault.contains("more than 1000 addresses in one record")).count(),
        1
    );
    let told = faults(&format!("{{{}}}", vec!["1"; CONSTANTS_MAX + 1].join(",")));
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("more than 4000 values do not fit into an answer"));
}

/// Pieces of records, so that random ones are often nearly right.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("ifportup("),
        Just("ifurlup("),
        Just("ifurlextup("),
        Just("'http://x/'"),
        Just("['192.0.2.1']="),
        Just("stringmatch="),
        Just("headers="),
        Just("all("),
        Just("view("),
        Just("pickrandom("),
        Just("pickwhashed("),
        Just("pickrandomsample("),
        Just("include("),
        Just("{1,"),
        Just("'192.0.2.0/24'"),
        Just("443"),
        Just(","),
        Just("{"),
        Just("}"),
        Just(")"),
        Just("'192.0.2.1'"),
        Just("'[::1]:1'"),
        Just("nil"),
        Just("selector="),
        Just("timeout="),
        Just("'all'"),
        Just(";"),
        Just("X="),
        Just("X"),
        Just(" return "),
        Just("1e30"),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_record_has_a_meaning_or_an_error_and_never_both(code in pieces(), inner in 0u16..40) {
        let (meaning, written) = read_as(Rtype(inner), &format!("@ LUA A \"{code}\""), &LuaDefaults::default());
        prop_assert_eq!(meaning.is_none(), written.found.errors() > 0, "{:?}", written.faults());
        if let Some(Meaning::Pool(pool)) = meaning {
            prop_assert!(!pool.groups.is_empty());
            prop_assert!(pool.groups.iter().all(|group| group.is_empty() == pool.computed.is_some()));
        }
    }
}

#[test]
fn a_script_is_told_all_that_is_not_read_in_it() {
    let told =
        faults(";local a='192.0.2.1' if country('DE') then return resolve(qname) else return f(a) end");
    let messages: Vec<&str> = told.iter().filter_map(|fault| Some(fault.split_once("] ")?.1)).collect();
    assert_eq!(
        messages,
        [
            "`if` statements are not supported: LUA records are read, not run",
            "`country` is not supported",
            "`resolve` is not supported",
            "`qname` is not supported",
        ]
    );
    let told = faults("country(asnum('x'), qname)");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_name_of_one_label_without_its_dot_is_remarked_on() {
    let warned = |inner, code: &str| {
        let (_, written) = read_as(inner, &format!("\"{code}\""), &LuaDefaults::default());
        written.faults().into_iter().filter(|fault| fault.starts_with("warning")).collect::<Vec<_>>()
    };
    assert_eq!(
        warned(Rtype::CNAME, "pickrandom({'b2','b4'})"),
        [
            "warning 1:14 ['b2'] PowerDNS reads `b2` here as absolute, and so do we",
            "warning 1:19 ['b4'] PowerDNS reads `b4` here as absolute, and so do we",
        ]
    );
    assert_eq!(warned(Rtype::MX, "pickrandom({'10 mail'})").len(), 1);
    assert_eq!(warned(Rtype::CNAME, "pickrandom({'b2.', 'b4.example'})"), Vec::<String>::new());
    assert_eq!(warned(Rtype::A, "pickrandom({'192.0.2.1'})"), Vec::<String>::new());
}
