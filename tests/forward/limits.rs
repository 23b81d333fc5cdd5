//! That nobody can have all of it.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::client::{ask, code, query, receive, said, sent};
use crate::lab::{Lab, everything};
use crate::upstream::{Act, Asked, Upstream};
use crate::usual::well;

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
