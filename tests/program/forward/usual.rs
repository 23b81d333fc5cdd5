//! What clients get while the upstreams are well.

use std::net::Ipv4Addr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, extended_error, query, said, send, send_tcp};
use harness::upstream::{ADDRESS, Act, Asked, Over, Upstream, well};

#[test]
fn a_name_that_is_not_ours_is_answered_by_the_upstream_and_then_from_the_cache() {
    let upstream = Upstream::start(well);
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for _ in 0..3 {
        let response = ask(program.listen(), "wWw.elsewhere.test.");
        assert_eq!(said(&response), ADDRESS.to_string());
        assert!(response.metadata.recursion_available && !response.metadata.authoritative);
        assert_eq!(response.queries[0].name().to_string(), "wWw.elsewhere.test.");
    }
    assert_eq!(upstream.asked("www.elsewhere.test"), 1);
    let own = ask(program.listen(), "www.lab.example.");
    assert_eq!(said(&own), "192.0.2.1");
    assert!(own.metadata.authoritative && !own.metadata.recursion_available);
    assert_eq!(upstream.asked("www.lab.example"), 0);
    let forward = lab.forward();
    assert_eq!(
        (&forward["cache"]["hits"], &forward["cache"]["misses"]),
        (&2.into(), &1.into()),
        "{forward:#}"
    );
    let metrics = lab.metrics();
    for line in [
        "edgedns_forward_queries_total{cache=\"hit\"} 2".to_owned(),
        "edgedns_forward_cache_entries 1".to_owned(),
        format!("edgedns_forward_upstream_up{{upstream=\"{}\"}} 1", upstream.place()),
        "edgedns_responses_total{transport=\"udp\",kind=\"forwarded\"} 3".to_owned(),
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} is not in\n{metrics}");
    }
    program.stop();
}

#[test]
fn queries_over_one_connection_are_answered_as_their_answers_come() {
    let upstream = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        "slow.test" => {
            Act::SendAfter(std::time::Duration::from_millis(300), vec![asked.address(60, ADDRESS)])
        }
        _ => well(asked),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let names = ["slow.test.", "fast.test.", "www.lab.example."];
    let queries = names.map(|qname| query(qname, RecordType::A));
    let responses = send_tcp(program.listen(), &queries);
    let order: Vec<String> = responses.iter().map(|one| one.queries[0].name().to_string()).collect();
    assert_eq!(order, ["www.lab.example.", "fast.test.", "slow.test."]);
    // More than a connection may wait for at a time.
    let many: Vec<_> = (0..200).map(|name| query(&format!("n{name}.test."), RecordType::A)).collect();
    let responses = send_tcp(program.listen(), &many);
    assert!(responses.iter().all(|response| said(response) == ADDRESS.to_string()));
    program.stop();
}

#[test]
fn who_does_not_wish_recursion_is_refused() {
    let upstream = Upstream::start(well);
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    let mut query = query("www.test.", RecordType::A);
    query.metadata.recursion_desired = false;
    let response = send(program.listen(), &query).expect("a response");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::Refused, Some(20)));
    program.stop();
}

#[test]
fn clients_outside_allow_are_refused_and_told_why() {
    let upstream = Upstream::start(well);
    let allow = |networks: &str| everything(&[upstream.place()]) + &format!("allow = [{networks}]\n");
    let lab = Lab::new(&allow("\"192.0.2.0/24\""));
    let program = lab.start();
    let response = ask(program.listen(), "www.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::Refused, Some(18)));
    assert_eq!(said(&ask(program.listen(), "www.lab.example.")), "192.0.2.1", "our own zones are for all");
    lab.configure(&allow("\"192.0.2.0/24\", \"127.0.0.1\""));
    program.reload_and_wait();
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    assert_eq!(upstream.asked("www.test"), 1);
    program.stop();
}

#[test]
fn the_longest_zone_counts_and_what_is_below_none_is_refused() {
    let (short, long) = (Upstream::start(well), Upstream::start(well));
    let block = |zone: &str, upstream: &Upstream| {
        format!("zone = \"{zone}\"\nupstream = [\"{}\"]\n", upstream.place())
    };
    let lab = Lab::new(&format!("{}\n[[forward]]\n{}", block("test", &short), block("lab.test", &long)));
    let program = lab.start();
    for qname in ["a.lab.test.", "b.test.", "x.lab.test.", "xlab.test."] {
        assert_eq!(said(&ask(program.listen(), qname)), ADDRESS.to_string(), "{qname}");
    }
    assert_eq!([short.asked("b.test"), short.asked("xlab.test"), short.asked("a.lab.test")], [1, 1, 0]);
    assert_eq!([long.asked("a.lab.test"), long.asked("x.lab.test")], [1, 1]);
    let response = ask(program.listen(), "www.example.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::Refused, Some(20)));
    program.stop();
}

#[test]
fn what_fits_no_datagram_is_asked_again_over_tcp() {
    let many: Vec<Ipv4Addr> = (0..100).map(|host| Ipv4Addr::new(198, 51, 100, host)).collect();
    let upstream = Upstream::start(move |asked: &Asked| match asked.over {
        Over::Udp => Act::Send(vec![asked.truncated()]),
        Over::Tcp => Act::Send(vec![asked.addresses(300, &many)]),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let udp = ask(program.listen(), "large.test.");
    assert!(udp.metadata.truncation && udp.answers.is_empty(), "{udp:?}");
    let tcp = send_tcp(program.listen(), &[query("large.test.", RecordType::A)]);
    assert_eq!((tcp[0].metadata.truncation, tcp[0].answers.len()), (false, 100));
    assert_eq!(upstream.asked_over("large.test", Over::Tcp), 1);
    program.stop();
}

#[test]
fn that_there_is_nothing_is_kept_too() {
    let upstream = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        "missing.test" => Act::Send(vec![asked.nothing(3, 30)]),
        _ => Act::Send(vec![asked.nothing(0, 30)]),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for _ in 0..3 {
        assert_eq!(code(&ask(program.listen(), "missing.test.")), ResponseCode::NXDomain);
        let empty = ask(program.listen(), "empty.test.");
        assert_eq!(
            (code(&empty), empty.answers.len(), empty.authorities.len()),
            (ResponseCode::NoError, 0, 1)
        );
    }
    assert_eq!([upstream.asked("missing.test"), upstream.asked("empty.test")], [1, 1]);
    program.stop();
}

#[test]
fn a_reload_keeps_the_answers() {
    let (before, after) = (Upstream::start(well), Upstream::start(well));
    let lab = Lab::new(&everything(&[before.place()]));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    lab.configure(&everything(&[after.place()]));
    program.reload_and_wait();
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    assert_eq!(said(&ask(program.listen(), "other.test.")), ADDRESS.to_string());
    assert_eq!([before.asked("www.test"), before.asked("other.test")], [1, 0]);
    assert_eq!([after.asked("www.test"), after.asked("other.test")], [0, 1]);
    program.stop();
}

#[test]
fn a_name_in_use_is_asked_again_before_its_time_is_over() {
    let upstream = Upstream::start(|asked: &Asked| Act::Send(vec![asked.address(2, ADDRESS)]));
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    lab.wait("a name asked for ahead", |forward| {
        assert_eq!(said(&ask(program.listen(), "used.test.")), ADDRESS.to_string());
        (forward["prefetches"] != 0).then_some(())
    });
    program.stop();
}
