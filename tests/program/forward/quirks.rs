//! Upstreams that lack EDNS, TCP or mixed case: what is learned about each, and for how long.

use std::net::{Ipv4Addr, TcpListener};

use hickory_proto::op::ResponseCode;

use super::faults::{LETTERS, in_small_letters};
use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, error_text, extended_error, said};
use harness::upstream::{Act, Asked, Over, Upstream, well};
use harness::{PATIENCE, wait_for};

const RIGHT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

const FORMERR: u8 = 1;
const NOTIMP: u8 = 4;
const REFUSED: u8 = 5;

/// A header alone, as servers send that read no further.
fn bare(asked: &Asked) -> Vec<u8> {
    let mut header = asked.refusal(FORMERR)[..12].to_vec();
    header[5] = 0;
    header
}

fn format_error(asked: &Asked) -> Vec<u8> {
    asked.refusal(FORMERR)
}

fn not_implemented(asked: &Asked) -> Vec<u8> {
    asked.refusal(NOTIMP)
}

type Refusal = fn(&Asked) -> Vec<u8>;

/// Answers queries with EDNS like this, and all others well.
fn without_edns(refusal: Refusal) -> impl Fn(&Asked) -> Act {
    move |asked: &Asked| if asked.has_edns() { Act::Send(vec![refusal(asked)]) } else { well(asked) }
}

/// Waits until the upstream has been asked for the root this often, as every check does.
fn wait_for_looks(upstream: &Upstream, looks: usize) {
    wait_for("a question of its own", PATIENCE, || (upstream.asked("") >= looks).then_some(()));
}

#[test]
fn a_name_that_a_client_chose_does_not_decide_how_an_upstream_is_asked_for_others() {
    // A header alone may come from anywhere: it is no reason to check.
    for (refusal, looks) in [(format_error as Refusal, 1), (not_implemented, 1), (bare, 0)] {
        let upstream = Upstream::start(move |asked: &Asked| match asked.qname.as_str() {
            "odd.test" | "second.test" if asked.has_edns() => Act::Send(vec![refusal(asked)]),
            _ => well(asked),
        });
        let lab = Lab::new(&everything(&[upstream.place()]));
        let program = lab.start();
        let before = upstream.asked("");
        for name in ["odd.test.", "second.test."] {
            assert_eq!(said(&ask(program.listen(), name)), RIGHT.to_string(), "asked again without EDNS");
        }
        assert_eq!(said(&ask(program.listen(), "at-once.test.")), RIGHT.to_string());
        wait_for_looks(&upstream, before + looks);
        assert_eq!(said(&ask(program.listen(), "later.test.")), RIGHT.to_string());
        for name in ["at-once.test", "later.test"] {
            let queries = upstream.queries(name);
            assert!(queries.len() == 1 && queries[0].has_edns(), "{name}");
        }
        lab.wait_for_quirks(&[]);
        program.stop();
    }
}

#[test]
fn an_upstream_that_cannot_read_edns_is_asked_without_until_it_can() {
    for refusal in [format_error as Refusal, not_implemented] {
        let upstream = Upstream::start(without_edns(refusal));
        let lab = Lab::new(&everything(&[upstream.place()]));
        let program = lab.start();
        lab.wait_for_quirks(&["no-edns"]);
        program.wait_for_line("cannot read EDNS");
        let metric = format!("edgedns_forward_upstream_no_edns{{upstream=\"{}\"}} 1", upstream.place());
        assert!(lab.metrics().lines().any(|line| line == metric), "{metric}");
        assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
        assert_eq!(upstream.asked("www.test"), 1, "it is known by now");
        upstream.behave(well);
        program.wait_for_line("is asked with EDNS again");
        lab.wait_for_quirks(&[]);
        assert_eq!(said(&ask(program.listen(), "again.test.")), RIGHT.to_string());
        assert!(upstream.queries("again.test")[0].has_edns());
        program.stop();
    }
}

#[test]
fn a_header_alone_is_asked_again_without_edns_each_time_and_teaches_nothing() {
    let upstream = Upstream::start(without_edns(bare));
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for name in ["one", "two", "three"] {
        assert_eq!(said(&ask(program.listen(), &format!("{name}.test."))), RIGHT.to_string());
        assert_eq!(upstream.asked(&format!("{name}.test")), 2);
    }
    lab.wait_for_quirks(&[]);
    program.stop();
}

#[test]
fn an_upstream_that_loses_the_case_is_asked_in_lower_case_until_it_keeps_it() {
    let upstream = Upstream::start(|asked: &Asked| Act::Send(vec![in_small_letters(asked, RIGHT)]));
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    lab.wait_for_quirks(&["loses-case"]);
    assert_eq!(said(&ask(program.listen(), &format!("{LETTERS}1."))), RIGHT.to_string());
    let queries = upstream.queries(&format!("{LETTERS}1"));
    assert!(queries.len() == 1 && !queries[0].is_mixed());
    upstream.behave(well);
    program.wait_for_line("is asked in mixed case again");
    assert_eq!(said(&ask(program.listen(), &format!("{LETTERS}2."))), RIGHT.to_string());
    assert!(upstream.queries(&format!("{LETTERS}2"))[0].is_mixed());
    program.stop();
}

#[test]
fn one_name_that_comes_back_in_another_case_does_not_decide_for_others() {
    let upstream = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        name if name.starts_with(LETTERS) => Act::Send(vec![in_small_letters(asked, RIGHT)]),
        _ => well(asked),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let before = upstream.asked("");
    assert_eq!(said(&ask(program.listen(), &format!("{LETTERS}."))), RIGHT.to_string());
    wait_for_looks(&upstream, before + 1);
    assert_eq!(said(&ask(program.listen(), &format!("other-{LETTERS}."))), RIGHT.to_string());
    assert!(upstream.queries(&format!("other-{LETTERS}"))[0].is_mixed());
    lab.wait_for_quirks(&[]);
    program.stop();
}

#[test]
fn what_comes_back_in_another_case_is_answered_also_where_there_is_no_tcp() {
    let small = |asked: &Asked| Act::Send(vec![in_small_letters(asked, RIGHT)]);
    // One refuses connections, the other ends them at once.
    let closing = move |asked: &Asked| if asked.over == Over::Tcp { Act::Silence } else { small(asked) };
    for upstream in [Upstream::start_without_tcp(small), Upstream::start(closing)] {
        let lab = Lab::new(&everything(&[upstream.place()]));
        let program = lab.site.start();
        for number in 0..3 {
            assert_eq!(said(&ask(program.listen(), &format!("{LETTERS}{number}."))), RIGHT.to_string());
        }
        lab.wait_for_quirks(&["loses-case"]);
        program.stop();
    }
}

#[test]
fn an_upstream_that_knows_names_in_lower_case_alone_is_asked_so() {
    let exact = |asked: &Asked| {
        if asked.is_mixed() { Act::Send(vec![asked.refusal(REFUSED)]) } else { well(asked) }
    };
    let upstream = Upstream::start(exact);
    let lab = Lab::new(&format!("zone = \"corp.test\"\nupstream = [\"{}\"]\n", upstream.place()));
    let program = lab.start();
    lab.wait_for_quirks(&["loses-case"]);
    for number in 0..3 {
        assert_eq!(said(&ask(program.listen(), &format!("WWW{number}.corp.test."))), RIGHT.to_string());
    }
    program.stop();
}

#[test]
fn an_upstream_that_is_silent_about_names_in_mixed_case_is_asked_again_in_lower_case() {
    let upstream = Upstream::start(|asked: &Asked| if asked.is_mixed() { Act::Silence } else { well(asked) });
    let lab = Lab::new(&(everything(&[upstream.place()]) + "timeout = \"200ms\"\n"));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), &format!("{LETTERS}."))), RIGHT.to_string());
    program.stop();
}

/// `large.test` fits no datagram.
fn large(asked: &Asked) -> Act {
    if asked.qname == "large.test" { Act::Send(vec![asked.truncated()]) } else { well(asked) }
}

#[test]
fn an_upstream_whose_tcp_a_firewall_swallows_is_told_so() {
    let upstream = Upstream::start_without_tcp(large);
    // The system makes connections that nothing accepts.
    let swallowing = TcpListener::bind(upstream.place()).expect("a free port");
    let lab = Lab::new(&(everything(&[upstream.place()]) + "timeout = \"200ms\"\n"));
    let program = lab.start();
    let response = ask(program.listen(), "large.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::ServFail, Some(22)));
    assert_eq!(error_text(&response), "upstreams answer over UDP, but not over TCP, which this answer takes");
    let error = lab.wait("why", |forward| Some(forward["upstreams"][0]["last_error"].as_str()?.to_owned()));
    assert_eq!(error, "answers over UDP, but truncated; over TCP, on the same port: timed out");
    assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
    drop(swallowing);
    program.stop();
}

#[test]
fn an_upstream_whose_answer_takes_tcp_and_has_none_is_told_so() {
    let upstream = Upstream::start_without_tcp(large);
    let lab = Lab::new(&(everything(&[upstream.place()]) + "timeout = \"200ms\"\n"));
    let program = lab.start();
    let response = ask(program.listen(), "large.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::ServFail, Some(22)));
    assert_eq!(error_text(&response), "upstreams answer over UDP, but not over TCP, which this answer takes");
    let error = lab.wait("why", |forward| Some(forward["upstreams"][0]["last_error"].as_str()?.to_owned()));
    assert!(error.starts_with("answers over UDP, but truncated; over TCP, on the same port: "), "{error}");
    assert!(error.contains("refused"), "{error}");
    // The upstream still counts as up.
    assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
    program.stop();
}
