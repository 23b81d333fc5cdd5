//! Aliases in our own zones that lead to forwarded names.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, query, said, send, send_tcp};
use harness::upstream::{Act, Asked, Upstream, well};

/// Names that begin with `missing` do not exist, `refused` ones are refused; all others have an address.
fn upstream() -> Upstream {
    Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        "missing.test" => Act::Send(vec![asked.nothing(3, 30)]),
        "refused.test" => Act::Send(vec![asked.refusal(5)]),
        _ => well(asked),
    })
}

fn owners(response: &hickory_proto::op::Message) -> Vec<String> {
    response.answers.iter().map(|record| format!("{} {}", record.name, record.record_type())).collect()
}

#[test]
fn a_client_gets_the_whole_chain_also_the_part_that_is_not_ours() {
    let upstream = upstream();
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for qname in ["alias.lab.example.", "ALIAS.lab.example."] {
        let response = ask(program.listen(), qname);
        assert_eq!(said(&response), "198.51.100.7");
        assert_eq!(owners(&response), [&format!("{qname} CNAME"), "www.elsewhere.test. A"]);
        assert!(response.metadata.authoritative && response.metadata.recursion_available);
        assert!(response.edns.is_some());
    }
    let deep = ask(program.listen(), "x.sub.lab.example.");
    let chain = ["x.sub.lab.example. CNAME", "alias.lab.example. CNAME", "www.elsewhere.test. A"];
    assert_eq!(owners(&deep), chain);
    let tcp = send_tcp(program.listen(), &[query("alias.lab.example.", RecordType::A)]);
    assert_eq!(said(&tcp[0]), "198.51.100.7");
    assert_eq!(upstream.asked("www.elsewhere.test"), 1, "the other part is kept");
    program.stop();
}

#[test]
fn an_alias_to_a_name_that_does_not_exist_is_nxdomain_with_the_soa_of_the_other_zone() {
    let upstream = upstream();
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let response = ask(program.listen(), "lost.lab.example.");
    assert_eq!((code(&response), response.authorities.len()), (ResponseCode::NXDomain, 1));
    assert_eq!(owners(&response), ["lost.lab.example. CNAME"]);
    program.stop();
}

#[test]
fn an_alias_whose_target_cannot_be_found_out_is_servfail() {
    let upstream = upstream();
    let lab = Lab::new(&everything(&[upstream.place()]));
    lab.site.write("lab.zone", &harness::forwarding::ZONE.replace("missing.test.", "refused.test."));
    let program = lab.start();
    assert_eq!(code(&ask(program.listen(), "lost.lab.example.")), ResponseCode::ServFail);
    program.stop();
}

#[test]
fn who_asks_for_the_alias_itself_or_not_for_more_gets_our_part_alone() {
    let upstream = upstream();
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    let alone = ["alias.lab.example. CNAME"];
    let cname = send(program.listen(), &query("alias.lab.example.", RecordType::CNAME)).expect("a response");
    assert_eq!(owners(&cname), alone);
    let mut plain = query("alias.lab.example.", RecordType::A);
    plain.metadata.recursion_desired = false;
    assert_eq!(owners(&send(program.listen(), &plain).expect("a response")), alone);
    lab.configure(&(everything(&[upstream.place()]) + "allow = [\"192.0.2.0/24\"]\n"));
    program.reload_and_wait();
    let stranger = ask(program.listen(), "alias.lab.example.");
    assert_eq!(
        (code(&stranger), owners(&stranger)),
        (ResponseCode::NoError, alone.map(str::to_owned).to_vec())
    );
    assert_eq!(upstream.asked("www.elsewhere.test"), 0);
    program.stop();
}
