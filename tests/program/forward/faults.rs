//! What clients get while upstreams are wrong, slow, silent or forged.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use harness::forwarding::{Lab, everything};
use harness::stub::{ask, code, extended_error, said};
use harness::upstream::{Act, Asked, Over, Upstream, well};
use harness::{free_port, loopback};

const RIGHT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const FORGED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);

const SERVFAIL: u8 = 2;
const REFUSED: u8 = 5;

#[test]
fn a_dead_first_upstream_is_waited_for_once_and_asked_again_when_it_is_back() {
    let dead = free_port(loopback());
    let silent = Upstream::start_at(dead, |_: &Asked| Act::Silence);
    let second = Upstream::start(well);
    let lab =
        Lab::new(&(everything(&[dead, second.place()]) + "policy = \"in-order\"\ntimeout = \"300ms\"\n"));
    let program = lab.site.start();
    for number in 0..20 {
        assert_eq!(said(&ask(program.listen(), &format!("n{number}.test."))), RIGHT.to_string());
    }
    assert!((0..20).filter(|number| silent.asked(&format!("n{number}.test")) > 0).count() <= 1);
    lab.wait_for_standing(dead, "down");
    program.wait_for_line("is down after");
    let began = Instant::now();
    assert_eq!(said(&ask(program.listen(), "after.test.")), RIGHT.to_string());
    assert!(began.elapsed() < Duration::from_millis(250), "{:?}", began.elapsed());
    assert_eq!(silent.asked("after.test"), 0);
    silent.behave(well);
    lab.wait_for_standing(dead, "up");
    program.wait_for_line("answers again");
    ask(program.listen(), "again.test.");
    assert_eq!([silent.asked("again.test"), second.asked("again.test")], [1, 0]);
    program.stop();
}

#[test]
fn an_upstream_whose_port_is_closed_costs_nothing() {
    let second = Upstream::start(well);
    let closed = free_port(loopback());
    let lab =
        Lab::new(&(everything(&[closed, second.place()]) + "policy = \"in-order\"\ntimeout = \"10s\"\n"));
    let program = lab.site.start();
    let began = Instant::now();
    assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    program.stop();
}

#[test]
fn what_one_upstream_refuses_another_may_answer() {
    for rcode in [SERVFAIL, REFUSED] {
        let first = Upstream::start(move |asked: &Asked| Act::Send(vec![asked.refusal(rcode)]));
        let second = Upstream::start(well);
        let lab = Lab::new(&(everything(&[first.place(), second.place()]) + "policy = \"in-order\"\n"));
        let program = lab.start();
        assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
        assert_eq!(first.asked("www.test"), 1);
        program.stop();
    }
}

#[test]
fn what_all_upstreams_refuse_is_servfail_and_not_asked_again_at_once() {
    let refuse = |asked: &Asked| Act::Send(vec![asked.refusal(SERVFAIL)]);
    let (first, second) = (Upstream::start(refuse), Upstream::start(refuse));
    let lab = Lab::new(&everything(&[first.place(), second.place()]));
    let program = lab.start();
    for _ in 0..5 {
        assert_eq!(code(&ask(program.listen(), "www.test.")), ResponseCode::ServFail);
    }
    assert_eq!([first.asked("www.test"), second.asked("www.test")], [1, 1]);
    program.stop();
}

#[test]
fn a_slow_answer_counts_although_others_were_asked_meanwhile() {
    let slow = Upstream::start(|asked: &Asked| match asked.qname.as_str() {
        "slow.test" => Act::SendAfter(Duration::from_millis(700), vec![asked.address(60, RIGHT)]),
        _ => well(asked),
    });
    let lab = Lab::new(&(everything(&[slow.place()]) + "timeout = \"300ms\"\n"));
    let program = lab.start();
    let began = Instant::now();
    assert_eq!(said(&ask(program.listen(), "slow.test.")), RIGHT.to_string());
    assert!(began.elapsed() >= Duration::from_millis(650), "{:?}", began.elapsed());
    // It was asked for something that takes time; that does not make it dead.
    assert_eq!(said(&ask(program.listen(), "fast.test.")), RIGHT.to_string());
    program.stop();
}

#[test]
fn forged_responses_are_passed_over_until_the_right_one_comes() {
    let forging = |asked: &Asked| {
        let mut other_id = asked.address(300, FORGED);
        other_id[0] ^= 0x55;
        let mut other_name = asked.address(300, FORGED);
        other_name[13] ^= 0x01;
        let mut other_type = asked.address(300, FORGED);
        let type_at = 12 + asked.qname.len() + 2;
        other_type[type_at + 1] = 28;
        let no_response = asked
            .address(300, FORGED)
            .iter()
            .enumerate()
            .map(|(at, byte)| if at == 2 { 1 } else { *byte })
            .collect();
        Act::Send(vec![other_id, other_name, other_type, no_response, vec![0; 5], asked.address(300, RIGHT)])
    };
    let upstream = Upstream::start(forging);
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for _ in 0..2 {
        assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
    }
    assert_eq!(upstream.asked("www.test"), 1);
    let mismatched = lab.forward()["upstreams"][0]["mismatched"].as_u64().expect("a number");
    assert!(mismatched >= 5, "{mismatched}");
    program.stop();
}

/// Letters enough that not all of them happen to be small.
pub(crate) const LETTERS: &str = "a-name-with-so-many-letters-that.not-all-of-them-happen-to-be-small.test";

/// A response in which the name is small.
pub(crate) fn in_small_letters(asked: &Asked, address: Ipv4Addr) -> Vec<u8> {
    let mut response = asked.address(300, address);
    let end = 12 + asked.qname.len() + 2;
    response[12..end].make_ascii_lowercase();
    response
}

#[test]
fn a_response_in_another_case_is_not_believed_before_tcp_has_said_the_same() {
    // A forger who does not know the case cannot answer over TCP.
    let upstream = Upstream::start(|asked: &Asked| match asked.over {
        Over::Udp => Act::Send(vec![in_small_letters(asked, FORGED)]),
        Over::Tcp => well(asked),
    });
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    for number in 0..3 {
        let response = ask(program.listen(), &format!("{LETTERS}{number}."));
        assert_eq!(said(&response), RIGHT.to_string());
        assert_eq!(upstream.asked_over(&format!("{LETTERS}{number}"), Over::Tcp), 1);
    }
    program.stop();
}

#[test]
fn responses_that_cannot_be_read_lead_to_tcp() {
    let garbling = |asked: &Asked| {
        let mut response = asked.address(300, RIGHT);
        if asked.over == Over::Udp {
            response.pop();
        }
        Act::Send(vec![response])
    };
    let upstream = Upstream::start(garbling);
    let lab = Lab::new(&everything(&[upstream.place()]));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "www.test.")), RIGHT.to_string());
    assert_eq!(
        [upstream.asked_over("www.test", Over::Udp), upstream.asked_over("www.test", Over::Tcp)],
        [2, 1]
    );
    program.stop();
}

#[test]
fn private_addresses_of_strangers_are_refused_where_that_is_wanted() {
    let private = |asked: &Asked| {
        let public = asked.qname.starts_with("public");
        let address = if public { RIGHT } else { Ipv4Addr::new(10, 0, 0, 1) };
        Act::Send(vec![asked.address(300, address)])
    };
    let upstream = Upstream::start(private);
    let own = format!("\n[[forward]]\nzone = \"corp.test\"\nupstream = [\"{}\"]\n", upstream.place());
    let lab = Lab::new(&(everything(&[upstream.place()]) + "rebinding-protection = true\n" + &own));
    let program = lab.start();
    let response = ask(program.listen(), "evil.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::Refused, Some(15)));
    assert_eq!(said(&ask(program.listen(), "public.test.")), RIGHT.to_string());
    assert_eq!(said(&ask(program.listen(), "printer.corp.test.")), "10.0.0.1");
    assert_eq!(lab.forward()["rebinding"], 1);
    program.stop();
}

#[test]
fn a_loop_is_noticed_and_told_once() {
    let (one, other) = (free_port(loopback()), Lab::new(&everything(&[free_port(loopback())])));
    other.configure(&everything(&[one]));
    let second = other.site.start();
    let lab = Lab::new("");
    let listen = format!(
        "[server]\nlisten = [\"{one}\"]\nworkers = 1\n\n[[forward]]\n{}",
        everything(&[second.listen()])
    );
    lab.site.write("edgedns.toml", &listen);
    let first = lab.site.start();
    first.wait_for_line("sends our own queries back to us");
    for number in 0..5 {
        let response = ask(one, &format!("n{number}.test."));
        assert_eq!((code(&response), extended_error(&response)), (ResponseCode::ServFail, Some(0)));
    }
    let told = first.log().iter().filter(|line| line.text.contains("sends our own")).count();
    assert_eq!(told, 1);
    // The other one forwards to another server now.
    let well = Upstream::start(well);
    other.configure(&everything(&[well.place()]));
    second.reload_and_wait();
    first.wait_for_line("does not send our queries back any more");
    assert_eq!(said(&ask(one, "after.test.")), RIGHT.to_string());
    first.stop();
    second.stop();
}

#[test]
fn an_upstream_may_take_as_long_as_the_timeout_says() {
    let slow = |asked: &Asked| Act::SendAfter(Duration::from_millis(2500), vec![asked.address(60, RIGHT)]);
    let upstream = Upstream::start(slow);
    let lab = Lab::new(&(everything(&[upstream.place()]) + "timeout = \"8s\"\n"));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "slow.test.")), RIGHT.to_string());
    let forward = lab.forward();
    let one = &forward["upstreams"][0];
    assert_eq!((&one["standing"], &one["failures"]), (&"up".into(), &0.into()), "{one:#}");
    program.stop();
}
