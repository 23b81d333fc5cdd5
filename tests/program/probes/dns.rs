//! `dns` against name servers that answer in every way, and against edgedns itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use edgedns::dns::message::Rcode;
use edgedns::dns::{Name, NameRef, Rtype};
use edgedns::probe::{Answered, Dns, DnsQuestion, Outcome, Port, Probe, ProbeKind};
use harness::program::Site;
use harness::upstream::{Act, Asked, Over, Upstream, well};

use super::server::{LIMIT, passed};

fn test_of(place: SocketAddr, passes: &[Answered]) -> Dns {
    let name = Name::parse(b"lab.example", NameRef::ROOT).unwrap();
    let question = DnsQuestion { name, rtype: Rtype::A, passes: passes.to_vec() };
    Dns { port: Port::new(place.port()).unwrap(), question, is_authoritative: false }
}

async fn run(place: SocketAddr, test: Dns) -> Outcome {
    let kind = ProbeKind::Dns(Arc::new(test));
    Probe { address: place.ip(), source: None, timeout: LIMIT, kind }.prober().run().await
}

/// What a probe for an address says of a server that answers so.
async fn said(behaviour: impl Fn(&Asked) -> Act + Send + 'static) -> String {
    let server = Upstream::start(behaviour);
    run(server.place(), test_of(server.place(), &[Answered::Records])).await.to_string()
}

#[tokio::test]
async fn an_answer_with_records_passes_and_others_do_not_unless_they_are_wanted() {
    let server = Upstream::start(well);
    let place = server.place();
    passed(&run(place, test_of(place, &[Answered::Records])).await);
    let asked = server.queries("lab.example").remove(0);
    assert!(!asked.has_edns(), "servers of any age are to understand it");
    for (rcode, words) in [(2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (11, "RCODE11")] {
        server.behave(move |asked| Act::Send(vec![asked.refusal(rcode)]));
        let outcome = run(place, test_of(place, &[Answered::Records])).await;
        assert_eq!(outcome.to_string(), format!("answered {words}"));
        let wanted = Answered::Code(Rcode(u16::from(rcode)));
        passed(&run(place, test_of(place, &[Answered::Records, wanted])).await);
    }
    server.behave(|asked| Act::Send(vec![asked.nothing(0, 60)]));
    assert_eq!(run(place, test_of(place, &[Answered::Records])).await.to_string(), "answered NODATA");
    passed(&run(place, test_of(place, &[Answered::NoData])).await);
    server.behave(|asked| Act::Send(vec![asked.referral("example", "ns.example")]));
    let outcome = run(place, test_of(place, &[Answered::Records, Answered::NoData])).await;
    assert_eq!(outcome.to_string(), "answered with a referral");
}

#[tokio::test]
async fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let over_tcp = |asked: &Asked| match asked.over {
        Over::Udp => Act::Send(vec![asked.truncated()]),
        Over::Tcp => well(asked),
    };
    let server = Upstream::start(over_tcp);
    passed(&run(server.place(), test_of(server.place(), &[Answered::Records])).await);
    assert_eq!([Over::Udp, Over::Tcp].map(|over| server.asked_over("lab.example", over)), [1, 1]);
    assert_eq!(said(|asked| Act::Send(vec![asked.truncated()])).await, "broken DNS: truncated over TCP");
    let server = Upstream::start_without_tcp(|asked| Act::Send(vec![asked.truncated()]));
    let outcome = run(server.place(), test_of(server.place(), &[Answered::Records])).await;
    assert_eq!(outcome.to_string(), "connection refused");
}

#[tokio::test]
async fn forged_datagrams_are_passed_over_and_a_flood_of_them_fails() {
    let forged = |asked: &Asked| {
        let mut message = asked.refusal(3);
        message[0] ^= 1;
        message
    };
    let outcome = said(move |asked| {
        let mut sent = vec![forged(asked); 20];
        sent.push(asked.address(60, [192, 0, 2, 1].into()));
        Act::Send(sent)
    });
    assert!(outcome.await.starts_with("passed in "));
    let flood = said(move |asked| Act::Send(vec![forged(asked); 100])).await;
    assert!(flood.contains("no response to the query"), "{flood}");
}

#[tokio::test]
async fn nobody_and_silence_are_told_apart() {
    let gone = Upstream::start(well);
    let place = gone.place();
    drop(gone);
    assert_eq!(run(place, test_of(place, &[Answered::Records])).await.to_string(), "connection refused");
    let silent = Upstream::start(|_| Act::Silence);
    let kind = ProbeKind::Dns(Arc::new(test_of(silent.place(), &[Answered::Records])));
    let timeout = Duration::from_millis(150);
    let probe = Probe { address: silent.place().ip(), source: None, timeout, kind };
    assert_eq!(probe.prober().run().await.to_string(), "timed out after 150 ms waiting for the response");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authority_can_be_demanded() {
    let recursor = Upstream::start(well);
    let place = recursor.place();
    let demands = Dns { is_authoritative: true, ..test_of(place, &[Answered::Records]) };
    assert_eq!(run(place, demands).await.to_string(), "answered NOERROR without authority");
    let site = Site::new();
    site.write(
        "lab.zone",
        "$ORIGIN lab.example.\n$TTL 60\n@ SOA ns a 1 2 3 4 5\n@ NS ns\n@ A 192.0.2.1\nns A 192.0.2.1\n",
    );
    site.configure("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n");
    let program = tokio::task::block_in_place(|| site.start());
    let place = program.listen();
    let demands = Dns { is_authoritative: true, ..test_of(place, &[Answered::Records]) };
    passed(&run(place, demands).await);
    let other = Name::parse(b"other.example", NameRef::ROOT).unwrap();
    let mut elsewhere = test_of(place, &[Answered::Records]);
    elsewhere.question.name = other;
    assert_eq!(run(place, elsewhere).await.to_string(), "answered REFUSED");
    tokio::task::block_in_place(|| program.stop());
}
