//! Upstreams that are told by a probe whether they are up, whatever else they answer.

use harness::forwarding::{Lab, everything};
use harness::loopback;
use harness::program::said as printed;
use harness::stub::{ask, said};
use harness::upstream::{ADDRESS, Act, Asked, Upstream, well};

const SERVFAIL: u8 = 2;

const PROBE: &str =
    "policy = \"in-order\"\nprobe = { name = \"probe.test\", type = \"A\", interval = \"1s\" }\n";

/// Answers everything, but for the probe.
fn fails_its_probe(asked: &Asked) -> Act {
    match asked.qname.as_str() {
        "probe.test" => Act::Send(vec![asked.refusal(SERVFAIL)]),
        _ => well(asked),
    }
}

#[test]
fn an_upstream_that_answers_and_fails_its_probe_is_asked_only_while_no_other_passes() {
    let (first, second) = (Upstream::start(fails_its_probe), Upstream::start(well));
    let lab = Lab::new(&(everything(&[first.place(), second.place()]) + PROBE));
    let program = lab.site.start();
    lab.wait_for_standing(first.place(), "down");
    program.wait_for_line("is down after 3 failures of its probe: answered SERVFAIL");
    let errors = lab.forward()["upstreams"][0]["last_error"].clone();
    assert_eq!(errors, "its probe: answered SERVFAIL");
    let down = format!("edgedns_forward_upstream_up{{upstream=\"{}\"}} 0\n", first.place());
    assert!(lab.metrics().contains(&down));
    assert_eq!(said(&ask(program.listen(), "www.test.")), ADDRESS.to_string());
    assert_eq!([first.asked("www.test"), second.asked("www.test")], [0, 1]);
    // When none passes, one that answers is better than none.
    second.behave(fails_its_probe);
    lab.wait_for_standing(second.place(), "down");
    assert_eq!(said(&ask(program.listen(), "other.test.")), ADDRESS.to_string());
    assert_eq!(first.asked("other.test"), 1);
    first.behave(well);
    lab.wait_for_standing(first.place(), "up");
    program.wait_for_line("passes its probe again");
    program.stop();
}

#[test]
fn a_probe_that_says_nothing_is_refused_with_the_remedy() {
    let lab = Lab::new(
        &(everything(&[(loopback(), 53).into()]) + "probe = { type = \"AA\", interval = \"1ms\" }\n"),
    );
    let checked = lab.site.check();
    let told = printed(&checked);
    assert!(!checked.status.success());
    for part in ["`[forward.probe]` lacks `name`", "did you mean `A`?", "`interval` is 1"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
