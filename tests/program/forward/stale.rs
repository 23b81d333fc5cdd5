//! What clients get while no upstream answers: stale answers (RFC 8767).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, extended_error, said};
use harness::upstream::{Act, Asked, Upstream};
use harness::{PATIENCE, wait_for};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// Every name has an address for a second, but those that begin with `missing`.
fn brief(asked: &Asked) -> Act {
    let response =
        if asked.qname.starts_with("missing") { asked.nothing(3, 1) } else { asked.address(1, ADDRESS) };
    Act::Send(vec![response])
}

#[test]
fn what_is_over_is_served_while_upstreams_are_gone_and_fresh_answers_when_they_are_back() {
    let upstream = Upstream::start(brief);
    let place = upstream.place();
    let lab = Lab::new(&everything(&[place]));
    let program = lab.start();
    ask(program.listen(), "www.test.");
    assert_eq!(code(&ask(program.listen(), "missing.test.")), ResponseCode::NXDomain);
    drop(upstream);
    let stale = |qname: &str| {
        wait_for("an answer that is over", PATIENCE, || {
            Some(ask(program.listen(), qname)).filter(|response| extended_error(response).is_some())
        })
    };
    let response = stale("www.test.");
    assert_eq!((said(&response), extended_error(&response)), (ADDRESS.to_string(), Some(3)));
    assert_eq!(response.answers[0].ttl, 30);
    let response = stale("missing.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::NXDomain, Some(19)));
    lab.wait_for_standing(place, "down");
    let began = Instant::now();
    let unknown = ask(program.listen(), "unknown.test.");
    assert_eq!((code(&unknown), extended_error(&unknown)), (ResponseCode::ServFail, Some(22)));
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    assert!(began.elapsed() < Duration::from_millis(500), "nobody is waited for: {:?}", began.elapsed());
    assert!(lab.forward()["cache"]["stale"].as_u64() >= Some(2));
    let _back = Upstream::start_at(place, |asked: &Asked| {
        Act::Send(vec![asked.address(60, Ipv4Addr::new(198, 51, 100, 8))])
    });
    wait_for("a fresh answer", PATIENCE, || {
        (said(&ask(program.listen(), "www.test.")) == "198.51.100.8").then_some(())
    });
    program.stop();
}

#[test]
fn a_client_is_not_kept_waiting_for_a_slow_upstream_while_there_is_an_older_answer() {
    let upstream = Upstream::start(brief);
    let lab = Lab::new(&(everything(&[upstream.place()]) + "timeout = \"10s\"\nattempts = 1\n"));
    let program = lab.start();
    ask(program.listen(), "www.test.");
    upstream.behave(|asked: &Asked| match asked.qname.as_str() {
        "www.test" => Act::Silence,
        _ => brief(asked),
    });
    let began = Instant::now();
    let response = wait_for("an answer that is over", PATIENCE, || {
        let began = Instant::now();
        let response = ask(program.listen(), "www.test.");
        assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
        extended_error(&response).map(|_| response)
    });
    assert_eq!((said(&response), extended_error(&response)), (ADDRESS.to_string(), Some(3)));
    assert!(began.elapsed() > Duration::from_millis(1500), "{:?}", began.elapsed());
    program.stop();
}

#[test]
fn nothing_that_is_over_is_served_where_that_is_not_wanted() {
    let upstream = Upstream::start(brief);
    let place = upstream.place();
    let lab = Lab::new(&(everything(&[place]) + "\n[cache]\nserve-stale = \"0s\"\n"));
    let program = lab.start();
    ask(program.listen(), "www.test.");
    drop(upstream);
    wait_for("SERVFAIL", PATIENCE, || {
        (code(&ask(program.listen(), "www.test.")) == ResponseCode::ServFail).then_some(())
    });
    program.stop();
}
