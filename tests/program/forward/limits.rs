//! No client and no name can use up what all share.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, query, receive, said, send_tcp, sent};
use harness::upstream::{Act, Asked, Upstream, well};
use harness::{PATIENCE, wait_for};

#[test]
fn a_question_is_asked_once_however_many_ask_it() {
    let upstream = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        "slow.test" => {
            Act::SendAfter(Duration::from_millis(400), vec![asked.address(60, [198, 51, 100, 7].into())])
        }
        _ => well(asked),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let waiting: Vec<_> =
        (0..50).map(|_| sent(program.listen(), &query("slow.test.", RecordType::A))).collect();
    for socket in &waiting {
        assert_eq!(said(&receive(socket).expect("a response")), "198.51.100.7");
    }
    assert_eq!(upstream.asked("slow.test"), 1);
    assert!(lab.forward()["joined"].as_u64() >= Some(40), "{:#}", lab.forward());
    program.stop();
}

#[test]
fn a_client_cannot_have_all_the_questions_there_may_be() {
    let upstream = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        name if name.starts_with("silent") => Act::Silence,
        _ => well(asked),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let waiting: Vec<_> = (0..150)
        .map(|number| sent(program.listen(), &query(&format!("silent{number}.test."), RecordType::A)))
        .collect();
    let refused = lab.wait("queries over the limit", |forward| {
        forward["client_full"].as_u64().filter(|refused| *refused >= 50)
    });
    assert_eq!(refused, 50);
    // Their time comes, and with it room for others.
    for socket in &waiting {
        assert_eq!(code(&receive(socket).expect("a response")), ResponseCode::ServFail);
    }
    let over = |forward: &serde_json::Value| (forward["waiting"] == 0).then_some(());
    lab.wait("nobody who waits", over);
    assert_eq!(said(&ask(program.listen(), "www.test.")), "198.51.100.7");
    program.stop();
}

/// Sends a query this often from one address and port; returns the responses when all that were not held back
/// have come.
fn flood(lab: &Lab, server: SocketAddr, qname: &str, times: u16) -> Vec<Message> {
    let queries = || lab.sample("edgedns_queries_total{transport=\"udp\"}");
    let limited = || lab.sample("edgedns_responses_limited_total{transport=\"udp\"}");
    let before = (queries(), limited());
    let query = query(qname, RecordType::A);
    let socket = sent(server, &query);
    for _ in 1..times {
        socket.send(&query.to_vec().expect("a query")).expect("loopback");
    }
    wait_for("all queries", PATIENCE, || (queries() - before.0 == f64::from(times)).then_some(()));
    let held_back = limited() - before.1;
    let due = (0..times).take_while(|number| f64::from(*number) < f64::from(times) - held_back);
    due.map(|number| receive(&socket).unwrap_or_else(|| panic!("no response after {number}"))).collect()
}

/// A server that forwards everything for this host, with `[limit]`.
fn limited_lab(upstream: &Upstream, limit: &str) -> Lab {
    let everything = everything(&[upstream.place()]);
    Lab::new(&format!("{everything}allow = [\"127.0.0.0/8\"]\n\n[limit]\nexempt = []\n{limit}\n"))
}

#[test]
fn the_rate_limit_holds_for_answers_of_upstreams_that_are_kept_too() {
    let upstream = Upstream::start(well);
    let lab = limited_lab(&upstream, "responses-per-second = 5\nslip = 2");
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "www.test.")), "198.51.100.7");
    lab.wait("an answer that is kept", |forward| (forward["cache"]["entries"] == 1).then_some(()));
    let responses = flood(&lab, program.listen(), "www.test.", 200);
    let cut = responses.iter().filter(|response| response.metadata.truncation).count();
    let whole = responses.len() - cut;
    // A slow machine takes more than a second for them.
    assert!((4..=20).contains(&whole), "{whole} whole, {cut} with TC");
    assert!(cut > 0, "whose address is forged is still heard");
    assert!(responses.iter().all(|response| response.metadata.recursion_available), "{responses:?}");
    assert!(responses.iter().all(|one| one.metadata.truncation == one.answers.is_empty()), "{responses:?}");
    let (whole, cut) = (whole as f64, cut as f64);
    assert_eq!(lab.sample("edgedns_forward_limited_total{limit=\"rate\"}"), 200.0 - whole);
    assert_eq!(lab.sample("edgedns_responses_slipped_total{transport=\"udp\"}"), cut);
    assert_eq!(lab.sample("edgedns_responses_limited_total{transport=\"udp\"}"), 200.0 - whole - cut);
    // Over TCP no address is forged.
    assert_eq!(said(&send_tcp(program.listen(), &[query("www.test.", RecordType::A)])[0]), "198.51.100.7");
    program.stop();
}

#[test]
fn nothing_is_asked_of_an_upstream_for_what_the_rate_limit_holds_back() {
    let upstream = Upstream::start(well);
    let lab = limited_lab(&upstream, "all-per-second = 5\nslip = 0");
    let program = lab.start();
    let names: Vec<String> = (0..100).map(|number| format!("n{number}.test")).collect();
    let socket = sent(program.listen(), &query("n0.test.", RecordType::A));
    for name in names.iter().skip(1) {
        let query = query(&format!("{name}."), RecordType::A).to_vec().expect("a query");
        socket.send(&query).expect("loopback");
    }
    let limited = || lab.sample("edgedns_forward_limited_total{limit=\"rate\"}");
    wait_for("all queries", PATIENCE, || {
        (lab.sample("edgedns_queries_total{transport=\"udp\"}") == 100.0).then_some(())
    });
    let forwarded = lab.sample("edgedns_responses_total{transport=\"udp\",kind=\"forwarded\"}");
    assert!((5.0..=20.0).contains(&forwarded), "{forwarded} forwarded");
    assert_eq!(limited(), 100.0 - forwarded);
    let asked = || names.iter().map(|name| upstream.asked(name)).sum::<usize>();
    wait_for("what is forwarded", PATIENCE, || (asked() as f64 == forwarded).then_some(()));
    program.stop();
}

#[test]
fn an_alias_of_ours_that_is_over_the_limit_is_not_followed_outside() {
    let upstream = Upstream::start(well);
    let lab = limited_lab(&upstream, "responses-per-second = 5\nslip = 1");
    let program = lab.start();
    let responses = flood(&lab, program.listen(), "alias.lab.example.", 100);
    let whole = responses.iter().filter(|response| !response.metadata.truncation).count();
    assert!((5..=20).contains(&whole), "{whole} of 100 are whole");
    assert_eq!(lab.sample("edgedns_forward_limited_total{limit=\"rate\"}"), 100.0 - whole as f64);
    assert!(responses.iter().all(|one| one.metadata.truncation == one.answers.is_empty()), "{responses:?}");
    program.stop();
}
