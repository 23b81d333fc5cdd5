//! What functions for URLs take, what is asked at their targets, and what they refuse.

use std::net::IpAddr;
use std::time::Duration;

use super::super::tests::{faults_as, pool_of, read_as};
use super::*;
use crate::dns::Rtype;
use crate::probe::{
    BODY_LIMIT_BYTES, BODY_LIMIT_BYTES_MAX, Header, Http, Https, Method, ProbeKind, REDIRECTS_MAX, Tells,
};
use crate::source::Look;
use crate::tls::Verify;
use crate::zone::{AllDown, Guard, Member, Pool, Selector, WhilePending};
use crate::zonefile::lua_record::LuaDefaults;

fn pool(code: &str) -> Pool {
    pool_of(Rtype::A, code)
}

fn faults(code: &str) -> Vec<String> {
    faults_as(Rtype::A, code)
}

/// Each member and what is tested there, group by group.
fn probes(pool: &Pool) -> Vec<Vec<String>> {
    pool.groups
        .iter()
        .map(|group| group.iter().map(|member| member.guards[0].probe.to_string()).collect())
        .collect()
}

fn guard(pool: &Pool) -> &Guard {
    let [guard] = pool.groups[0][0].guards.as_slice() else { panic!("one guard") };
    guard
}

fn https(pool: &Pool) -> &Https {
    let ProbeKind::Https(https) = &guard(pool).probe.kind else { panic!("{}", guard(pool).probe) };
    https
}

/// What is asked with these options.
fn asked_with(options: &str) -> Http {
    let pool = pool(&format!("ifurlup('http://lab.example/', {{'192.0.2.1'}}, {{{options}}})"));
    let ProbeKind::Http(http) = &guard(&pool).probe.kind else { panic!("{}", guard(&pool).probe) };
    Http::clone(http)
}

/// The fault of code, its place counted from the first byte of `part`.
fn fault_in(code: &str, part: &str) -> String {
    let faults = faults(code);
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (severity, rest) = faults[0].split_once(" 1:").unwrap();
    let (column, rest) = rest.split_once(' ').unwrap();
    // The opening quote of the chunk comes before the code, and columns count from 1.
    let column = column.parse::<usize>().unwrap() - code.find(part).unwrap() - 2;
    format!("{severity} {column} {rest}")
}

#[test]
fn a_url_says_what_is_asked_and_the_addresses_where() {
    let pool = pool("ifurlup('https://api.lab.example:6443/readyz?verbose', {'192.0.2.1', '192.0.2.2'})");
    assert_eq!(
        probes(&pool),
        [[
            "https://192.0.2.1:6443/readyz?verbose as api.lab.example:6443",
            "https://192.0.2.2:6443/readyz?verbose as api.lab.example:6443"
        ]]
    );
    let Https { http, handshake, token } = https(&pool);
    assert_eq!((http.method, &http.headers, &http.body, token), (Method::Get, &Vec::new(), &None, &None));
    assert_eq!(handshake.server_name.as_ref().unwrap().to_string(), "api.lab.example");
    assert_eq!(handshake.verify, Verify::Off);
    let protocols: Vec<&str> = handshake.protocols.iter().map(|one| one.name()).collect();
    assert_eq!(protocols, ["h2", "http/1.1"]);
}

#[test]
fn the_parts_of_a_url_that_are_left_out_have_their_usual_values() {
    for (url, probe) in [
        ("http://lab.example", "http://192.0.2.1:80/ as lab.example"),
        ("https://lab.example/", "https://192.0.2.1:443/ as lab.example"),
        ("http://lab.example?a=b", "http://192.0.2.1:80/?a=b as lab.example"),
        ("http://lab.example:443", "http://192.0.2.1:443/ as lab.example:443"),
        ("https://lab.example:443", "https://192.0.2.1:443/ as lab.example"),
        ("HTTPS://Lab.Example/A", "https://192.0.2.1:443/A as Lab.Example"),
        ("http://192.0.2.80:8080/x", "http://192.0.2.1:8080/x as 192.0.2.80:8080"),
        ("http://[2001:db8::1]/x", "http://192.0.2.1:80/x as [2001:db8::1]"),
        ("https://[2001:db8::1]:6443/a:b@c", "https://192.0.2.1:6443/a:b@c as [2001:db8::1]:6443"),
        ("http://my_host/a%20b", "http://192.0.2.1:80/a%20b as my_host"),
    ] {
        assert_eq!(probes(&pool(&format!("ifurlup('{url}', {{'192.0.2.1'}})"))), [[probe]], "{url}");
    }
    let literal = pool("ifurlup('https://[2001:db8::1]:6443', {'192.0.2.1'})");
    assert_eq!(https(&literal).handshake.server_name.as_ref().unwrap().to_string(), "2001:db8::1");
}

#[test]
fn without_options_only_200_passes_after_redirects() {
    let http = asked_with("");
    let passed: Vec<u16> = (0..=999).filter(|&status| http.statuses.have(status)).collect();
    assert_eq!((passed, http.redirects), (vec![200], REDIRECTS_MAX));
    assert_eq!(http.body_limit_bytes, BODY_LIMIT_BYTES);
}

#[test]
fn every_option_of_the_request_has_its_meaning() {
    let header = |name, value| Header::new(name, value).unwrap();
    assert_eq!(asked_with("useragent='edge'").headers, [header("user-agent", "edge")]);
    assert_eq!(asked_with("stringmatch='ok'").body.as_deref(), Some("ok"));
    assert_eq!(asked_with("stringmatch=42").body.as_deref(), Some("42"));
    assert_eq!(asked_with("stringmatch='ok'").body_limit_bytes, BODY_LIMIT_BYTES_MAX);
    for code in ["httpcode=404", "httpcode='404'"] {
        let http = asked_with(code);
        assert!(http.statuses.have(404) && !http.statuses.have(200), "{code}");
    }
    assert_eq!(asked_with("byteslimit=100").body_limit_bytes, 100);
    assert_eq!(asked_with("byteslimit='100', stringmatch='ok'").body_limit_bytes, 100);
    assert_eq!(asked_with("byteslimit=0").body_limit_bytes, BODY_LIMIT_BYTES);
    assert_eq!(
        asked_with("headers={X_Probe='edge', ['X-Number']=5}").headers,
        [header("x-probe", "edge"), header("x-number", "5")]
    );
    let host = asked_with("headers={Host='other.example'}").host.unwrap();
    assert_eq!(host.as_str(), "other.example");
    // The last one of a name is sent.
    let agents = asked_with("headers={User_Agent='mine'}, useragent='edge'").headers;
    assert_eq!(agents, [header("user-agent", "edge"), header("user-agent", "mine")]);
}

#[test]
fn every_option_that_ports_have_too_has_the_same_meaning() {
    let with = |options: &str| {
        pool(&format!("ifurlup('https://lab.example/', {{{{'192.0.2.1'}}, {{'192.0.2.2'}}}}, {{{options}}})"))
    };
    assert_eq!(with("").groups.len(), 2);
    assert_eq!(with("selector='hashed'").selector, Selector::Hashed);
    assert_eq!(with("backupSelector='empty'").all_down, AllDown::Select(Selector::Empty));
    assert_eq!(with("failOnIncompleteCheck='true'").while_pending, WhilePending::ServFail);
    assert_eq!(guard(&with("timeout=0.5")).probe.timeout, Duration::from_millis(500));
    assert_eq!(guard(&with("interval=30")).interval, Duration::from_secs(30));
    assert_eq!(guard(&with("minimumFailures=3")).fall.get(), 3);
    let source = guard(&with("source='192.0.2.200'")).probe.source;
    assert_eq!(source, Some(IpAddr::from([192, 0, 2, 200])));
}

#[test]
fn records_that_differ_in_how_they_choose_share_their_probes() {
    let with = |options: &str| {
        let code = format!("ifurlup('https://lab.example/', {{'192.0.2.1'}}, {{{options}}})");
        guard(&pool(&code)).clone()
    };
    assert_eq!(with("selector='all'"), with("selector='random'"));
    assert_ne!(with(""), with("httpcode=404"));
}

/// A pool of two whose weights are told, with these options.
fn weighed_with(options: &str) -> Pool {
    pool(&format!("pickselfweighted('http://lab.example/w', {{'192.0.2.1', '192.0.2.2'}}{options})"))
}

#[test]
fn a_function_whose_targets_weigh_themselves_asks_them_for_it_and_answers_one() {
    let weighed = weighed_with("");
    assert_eq!(
        probes(&weighed),
        [["http://192.0.2.1:80/w as lab.example", "http://192.0.2.2:80/w as lab.example"]]
    );
    assert_eq!(weighed.selector, Selector::SelfWeighted);
    assert_eq!(weighed.all_down, AllDown::Select(Selector::Random));
    assert_eq!(weighed.while_pending, WhilePending::Select);
    let ProbeKind::Http(http) = &guard(&weighed).probe.kind else { panic!("{}", guard(&weighed).probe) };
    assert!(http.tells == Tells::Weight && asked_with("").tells == Tells::Nothing);
    let strict = weighed_with(", {byteslimit=3, httpcode=203, stringmatch='ok'}");
    let ProbeKind::Http(limited) = &guard(&strict).probe.kind else { panic!("{}", guard(&strict).probe) };
    assert!(limited.tells == Tells::Weight && limited.body_limit_bytes == 3 && limited.statuses.have(203));
    let secure = pool("pickselfweighted('https://lab.example/w', {'192.0.2.1'})");
    assert!(https(&secure).http.tells == Tells::Weight);
}

#[test]
fn every_option_of_a_pool_that_weighs_itself_has_its_meaning() {
    assert_eq!(weighed_with(", {backupSelector='all'}").all_down, AllDown::Select(Selector::All));
    assert_eq!(weighed_with(", {backupSelector='empty'}").while_pending, WhilePending::NoData);
    assert_eq!(weighed_with(", {failOnIncompleteCheck='true'}").while_pending, WhilePending::ServFail);
    assert_eq!(guard(&weighed_with(", {interval=30}")).interval, Duration::from_secs(30));
    assert_eq!(guard(&weighed_with(", {minimumFailures=3}")).fall.get(), 3);
    assert_eq!(guard(&weighed_with(", {timeout=4}")).probe.timeout, Duration::from_secs(4));
    let source = guard(&weighed_with(", {source='192.0.2.200'}")).probe.source;
    assert_eq!(source, Some(IpAddr::from([192, 0, 2, 200])));
    let code = "\"pickselfweighted('http://x', {'192.0.2.1'}, {selector='all'})\"";
    let (meaning, written) = read_as(Rtype::A, code, &LuaDefaults::default());
    assert!(matches!(meaning, Some(Meaning::Pool(pool)) if pool.selector == Selector::SelfWeighted));
    assert_eq!(written.faults(), ["warning 1:47 [selector] this means nothing: weights choose"]);
}

/// What is answered, and what is tested for it, group by group.
fn answered(pool: &Pool) -> Vec<Vec<String>> {
    let member = |member: &Member| {
        let probe = &member.guards[0].probe;
        match &member.tested {
            None => format!("{} by {probe}", pool.show(member)),
            Some(tested) => {
                format!("{} by {} at {}", pool.show(member), probe.kind.entry().name, tested.name)
            }
        }
    };
    pool.groups.iter().map(|group| group.iter().map(member).collect()).collect()
}

#[test]
fn sets_with_urls_of_their_own_become_groups_sorted_by_address_as_text() {
    let pool = pool(
        "ifurlextup({{['192.0.2.9']='http://198.51.100.7', ['192.0.2.10']='https://b.example/x'}, \
         {['192.0.2.9']='http://[2001:db8::7]:81'}}, {stringmatch='ok', selector='hashed'})",
    );
    assert_eq!(
        answered(&pool),
        [
            vec!["192.0.2.10 by https at b.example.", "192.0.2.9 by http://198.51.100.7:80/ as 198.51.100.7"],
            vec!["192.0.2.9 by http://[2001:db8::7]:81/ as [2001:db8::7]:81"]
        ]
    );
    assert_eq!(pool.selector, Selector::Hashed);
    assert_eq!(https(&pool).http.body.as_deref(), Some("ok"));
}

#[test]
fn a_source_is_used_for_urls_of_its_family_only() {
    let pool = pool(
        "ifurlextup({{['192.0.2.9']='http://198.51.100.7', ['192.0.2.10']='http://[2001:db8::7]'}}, \
         {source='192.0.2.200'})",
    );
    let sources: Vec<Option<IpAddr>> =
        pool.groups[0].iter().map(|member| member.guards[0].probe.source).collect();
    assert_eq!(sources, [None, Some(IpAddr::from([192, 0, 2, 200]))]);
}

#[test]
fn names_stand_for_urls_and_addresses_too() {
    let pool =
        pool(";U='http://192.0.2.7' A='192.0.2.1' O={stringmatch='ok'} return ifurlextup({{[A]=U}}, O)");
    assert_eq!(answered(&pool), [["192.0.2.1 by http://192.0.2.7:80/ as 192.0.2.7"]]);
}

#[test]
fn ipv6_targets_are_asked_too() {
    let pool = pool_of(Rtype::AAAA, "ifurlup('http://lab.example/', {'2001:db8::1'})");
    assert_eq!(probes(&pool), [["http://[2001:db8::1]:80/ as lab.example"]]);
}

#[test]
fn what_is_wrong_in_a_url_is_told_at_its_place() {
    let form = "expected a port from 1 to 65535, found";
    for (url, expected) in [
        ("", "error 0 [''] `` is not a URL".into()),
        ("lab.example", "error 1 [lab.example] `lab.example` is not a URL".into()),
        ("ftp://lab.example", "error 1 [ftp] expected `http` or `https`, found `ftp`".into()),
        ("://lab.example", "error 0 ['://lab.example'] expected `http` or `https`, found ``".into()),
        ("http://", "error 0 ['http://'] this URL names no host".into()),
        ("http:///x", "error 0 ['http:///x'] this URL names no host".into()),
        ("http://:80/x", "error 8 [:80] this URL names no host".into()),
        ("http://a b/x", "error 8 [a b] `a b` is neither a host name nor an address".into()),
        ("http://*.x/", "error 8 [*.x] `*.x` is neither a host name nor an address".into()),
        ("http://a..b:80/", "error 8 [a..b] `a..b` is neither a host name nor an address".into()),
        ("http://me:pw@x/", "error 8 [me:pw@] a user in a URL is not supported".into()),
        ("http://x:0/", format!("error 10 [0] {form} `0`")),
        ("http://x:65536/", format!("error 10 [65536] {form} `65536`")),
        ("http://x:+80/", format!("error 10 [+80] {form} `+80`")),
        ("http://x:/", format!("error 9 [:] {form} ``")),
        ("http://[::1/", "error 8 [[::1] `[::1` is not an IPv6 address in brackets".into()),
        ("http://[x]/", "error 8 [[x]] `[x]` is not an IPv6 address in brackets".into()),
        ("http://[::1]80/", format!("error 13 [80] {form} `80`")),
        ("http://::1/", "error 8 [::1] an IPv6 address in a URL is written in brackets".into()),
        ("http://x/a b", "error 11 [ ] ` ` cannot be part of a URL".into()),
        ("http://x/a#b", "error 11 [#b] what is behind `#` is never sent".into()),
    ] {
        let code = format!("ifurlup('{url}', {{'192.0.2.1'}})");
        assert_eq!(fault_in(&code, "'"), expected, "{url}");
        let code = format!("ifurlextup({{{{['192.0.2.1']='{url}'}}}})");
        assert_eq!(fault_in(&code, &format!("'{url}'}}")), expected, "{url}");
    }
}

#[test]
fn a_url_that_is_written_with_escapes_is_told_as_a_whole() {
    let code = r"ifurlup('http://x/\065 b', {'192.0.2.1'})";
    assert_eq!(fault_in(code, "'"), r"error 0 ['http://x/\065 b'] ` ` cannot be part of a URL");
    let code = "ifurlup([[http://x/ b]], {'192.0.2.1'})";
    assert_eq!(fault_in(code, "[["), "error 0 [[[http://x/ b]]] ` ` cannot be part of a URL");
}

#[test]
fn arguments_that_do_not_fit_are_told_at_their_place() {
    let no_url = "`ifurlup` wants a URL and addresses: ifurlup('https://…', {'…', '…'})";
    let no_sets = "`ifurlextup` wants sets of addresses with their URLs: \
                   ifurlextup({{['192.0.2.1']='https://…'}})";
    for (code, expected) in [
        ("ifurlup()", format!("error 1:2 [ifurlup] {no_url}")),
        ("ifurlup('http://x')", format!("error 1:2 [ifurlup] {no_url}")),
        (
            "ifurlup('http://x', {'192.0.2.1'}, {}, 1)",
            "error 1:41 [1] `ifurlup` takes three arguments at most: URL, addresses, options".into(),
        ),
        ("ifurlup(443, {'192.0.2.1'})", "error 1:10 [443] expected a URL in quotes, found 443".into()),
        ("ifurlup('http://x', {})", "error 1:22 [{}] this list is empty: there is nothing to answer".into()),
        (
            "ifurlup('http://x', {'192.0.2.1:80'})",
            "warning 1:23 ['192.0.2.1:80'] this port is not used: the URL decides".into(),
        ),
        (
            "ifurlup('http://x', {'192.0.2.1', '192.0.2.1'})",
            "warning 1:36 ['192.0.2.1'] `192.0.2.1` is in this list twice".into(),
        ),
        ("ifurlextup()", format!("error 1:2 [ifurlextup] {no_sets}")),
        (
            "ifurlextup({{['192.0.2.1']='http://x'}}, {}, 1)",
            "error 1:47 [1] `ifurlextup` takes two arguments at most: sets, options".into(),
        ),
        ("ifurlextup('http://x')", "error 1:13 ['http://x'] expected a list of sets in braces, found 'http://x'".into()),
        ("ifurlextup({})", "error 1:13 [{}] this list is empty: there is nothing to answer".into()),
        (
            "ifurlextup({['192.0.2.1']='http://x'})",
            "error 1:15 ['192.0.2.1'] expected a set of addresses, found an address".into(),
        ),
        (
            "ifurlextup({'192.0.2.1'})",
            "error 1:14 ['192.0.2.1'] expected a set of addresses with their URLs in braces, found '192.0.2.1'".into(),
        ),
        (
            "ifurlextup({{'192.0.2.1'}})",
            "error 1:15 ['192.0.2.1'] expected an address with its URL: ['192.0.2.1']='https://…', found '192.0.2.1'".into(),
        ),
        ("ifurlextup({{['x']='http://x'}})", "error 1:16 ['x'] `x` is not an address".into()),
        (
            "ifurlextup({{['::1']='http://x'}})",
            "error 1:16 ['::1'] `::1` is an IPv6 address in a record of type A".into(),
        ),
        (
            "ifurlextup({{['192.0.2.1']='http://x', ['192.0.2.1']='http://y'}})",
            "error 1:42 ['192.0.2.1'] `192.0.2.1` is in this set twice".into(),
        ),
    ] {
        assert_eq!(faults(code), [expected], "{code}");
    }
    let told = faults_as(Rtype::TXT, "ifurlextup({{['192.0.2.1']='http://x'}})");
    assert_eq!(told, ["error 1:2 [ifurlextup] `ifurlextup` answers addresses: type TXT cannot hold them"]);
    let list = vec!["['192.0.2.1']='http://x'"; MEMBERS_MAX + 1].join(",");
    let told = faults(&format!("ifurlextup({{{{{list}}}}})"));
    assert!(told.len() == 1 && told[0].ends_with("more than 1000 addresses in one record"));
}

#[test]
fn arguments_of_a_pool_that_weighs_itself_are_told_at_their_place() {
    let no_weights =
        "`pickselfweighted` wants a URL and addresses: pickselfweighted('https://…', {'…', '…'})";
    for (code, expected) in [
        ("pickselfweighted('http://x')", format!("error 1:2 [pickselfweighted] {no_weights}")),
        (
            "pickselfweighted('http://x', {'192.0.2.1'}, {}, 1)",
            "error 1:50 [1] `pickselfweighted` takes three arguments at most: URL, addresses, options".into(),
        ),
        (
            "pickselfweighted('http://x', {{'192.0.2.1'}})",
            "error 1:32 [{'192.0.2.1'}] this function has no sets of addresses".into(),
        ),
        (
            "pickselfweighted('http://x', {})",
            "error 1:31 [{}] this list is empty: there is nothing to answer".into(),
        ),
        (
            "pickselfweighted('http://x', {'192.0.2.1:80'})",
            "warning 1:32 ['192.0.2.1:80'] this port is not used: the URL decides".into(),
        ),
    ] {
        assert_eq!(faults(code), [expected], "{code}");
    }
}

#[test]
fn options_that_do_not_fit_are_told_at_their_place() {
    let longer = "longer than what is read of a body, which is 1 bytes";
    for (option, expected) in [
        ("useragent='a\\nb'", "error 10 ['a\\nb'] this cannot be the value of `User-Agent`".into()),
        ("useragent={}", "error 10 [{}] expected a string, found a table".into()),
        ("stringmatch=''", "error 12 [''] every body holds an empty text".into()),
        ("stringmatch=true", "error 12 [true] expected a string, found `true`".into()),
        ("stringmatch='\\255'", "error 12 ['\\255'] this is not UTF-8".into()),
        ("stringmatch='ok', byteslimit=1", format!("error 12 ['ok'] {longer}")),
        ("httpcode=99", "error 9 [99] expected a status from 200 to 599, found 99".into()),
        ("httpcode='2xx'", "error 9 ['2xx'] expected a status from 200 to 599, found '2xx'".into()),
        ("byteslimit=-1", "error 11 [-1] expected a whole number of bytes, found -1".into()),
        ("byteslimit=2000000", "warning 11 [2000000] at most 1048576 bytes of a body are read".into()),
        ("headers='a'", "error 8 ['a'] expected headers in braces: {X_Probe='edge'}, found 'a'".into()),
        ("headers={'a'}", "error 9 ['a'] expected a header: `name=value`, found 'a'".into()),
        ("headers={['a b']='c'}", "error 10 ['a b'] `a b` is not the name of a header".into()),
        ("headers={[1]='c'}", "error 10 [1] expected the name of a header, found 1".into()),
        ("headers={a='b\\0'}", "error 11 ['b\\0'] this cannot be the value of `a`".into()),
        ("headers={a={}}", "error 11 [{}] expected a string, found a table".into()),
        ("headers={A_b='1', ['a-B']='2'}", "error 19 ['a-B'] header `a-b` is given twice".into()),
        (
            "headers={Connection='close'}",
            "error 9 [Connection] `connection` belongs to the connection, which is made here".into(),
        ),
        (
            "headers={Host='a b'}",
            "error 14 ['a b'] a host is a name or an address, perhaps with a port".into(),
        ),
        ("timeout=0", "error 8 [0] a timeout is longer than 0 seconds".into()),
        // PowerDNS has no such option either, and says nothing.
        ("httpmethod='HEAD'", "error 0 [httpmethod] unknown option `httpmethod`".into()),
        ("stringmach='ok'", "error 0 [stringmach] unknown option `stringmach`".into()),
    ] {
        let code = format!("ifurlup('http://x', {{'192.0.2.1'}}, {{{option}}})");
        assert_eq!(fault_in(&code, option), expected, "{option}");
    }
}

#[test]
fn a_mistake_in_a_url_is_drawn_under_the_part_that_is_wrong() {
    let drawn = |code: &str| {
        let (_, written) = read_as(Rtype::A, &format!("@ IN LUA A \"{code}\""), &LuaDefaults::default());
        written.sources.render(written.found.iter().next().unwrap(), Look::Plain)
    };
    assert_eq!(
        drawn("ifurlup('https://lab.example/a b', {'192.0.2.1'})"),
        "\
error: ` ` cannot be part of a URL
 --> lab.zone:1:43
  |
1 | @ IN LUA A \"ifurlup('https://lab.example/a b', {'192.0.2.1'})\"
  |                                           ^
  |
  = help: write it as `%20`"
    );
    let zero = drawn("ifurlup('http://x', {'192.0.2.1'}, {timeout=0})");
    assert!(zero.ends_with("= note: PowerDNS waits without end then"), "{zero}");
    let misspelt = drawn("ifurlup('http://x', {'192.0.2.1'}, {usragent='x'})");
    assert!(misspelt.ends_with("= help: did you mean `useragent`?"), "{misspelt}");
}
