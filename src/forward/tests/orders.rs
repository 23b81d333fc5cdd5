//! Which upstream is asked first, and which never.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::super::routing::{Candidates, Routing};
use super::super::settings::{ForwardZone, OwnAddresses, Policy, Settings, Upstreams};
use super::super::upstream::{Purpose, Upstream};
use super::super::upstream_health::UpstreamHealth;
use crate::dns::Name;
use crate::requestor::{Failure, Protocol, Remote, TcpReason};

fn zone(apex: &str, policy: Policy, upstreams: &[&str]) -> ForwardZone {
    let address = |text: &&str| Remote { address: text.parse().unwrap(), protocol: Protocol::Udp };
    let listed = Upstreams::Listed(upstreams.iter().map(address).collect());
    ForwardZone { policy, ..ForwardZone::new(apex.parse().unwrap(), listed) }
}

fn routing(zones: Vec<ForwardZone>, before: Option<&Routing>) -> Routing {
    Routing::new(Settings { zones, ..Settings::default() }, before)
}

fn order(routing: &Routing) -> String {
    match routing.zones[0].candidates() {
        Candidates::Ask(upstreams) => {
            upstreams.iter().map(|one| one.remote().to_string()).collect::<Vec<_>>().join(" ")
        }
        Candidates::NoUpstream => "nobody".to_owned(),
        Candidates::AllDown => "all down".to_owned(),
        Candidates::Looping => "looping".to_owned(),
    }
}

fn fail(upstream: &Upstream, times: usize, purpose: Purpose) {
    (0..times).for_each(|_| upstream.failed(&Failure::TimedOut, purpose));
}

#[test]
fn the_longest_zone_that_holds_a_name_counts() {
    let zones = [".", "lab.example", "example"].map(|apex| zone(apex, Policy::InOrder, &["192.0.2.1:53"]));
    let routing = routing(zones.to_vec(), None);
    let apex = |qname: &str| {
        let qname: Name = qname.parse().unwrap();
        routing.zone_of(qname.as_ref()).unwrap().settings.apex.to_string()
    };
    assert_eq!(apex("api.lab.example."), "lab.example.");
    assert_eq!(apex("LAB.example."), "lab.example.");
    assert_eq!(apex("xlab.example."), "example.");
    assert_eq!(apex("test."), ".");
}

#[test]
fn one_that_fails_is_asked_last_and_one_that_is_down_is_not() {
    let routing = routing(vec![zone(".", Policy::InOrder, &["192.0.2.1:53", "192.0.2.2:53"])], None);
    let first = Arc::clone(&routing.upstreams()[0]);
    assert_eq!(order(&routing), "192.0.2.1:53 192.0.2.2:53");
    fail(&first, 100, Purpose::Query);
    assert_eq!(
        first.health(),
        UpstreamHealth::Suspect,
        "names of silent servers do not bring an upstream down"
    );
    assert_eq!(order(&routing), "192.0.2.2:53 192.0.2.1:53");
    fail(&first, 1, Purpose::Check);
    assert_eq!(order(&routing), "192.0.2.2:53");
    fail(&routing.upstreams()[1], 3, Purpose::Check);
    assert_eq!(order(&routing), "all down");
    first.answered(Duration::from_millis(1));
    assert_eq!(order(&routing), "192.0.2.1:53");
    first.loops();
    assert_eq!(order(&routing), "looping");
    first.loops_no_more();
    assert_eq!(order(&routing), "192.0.2.1:53");
}

#[test]
fn trouble_of_this_host_is_not_the_upstreams() {
    let routing = routing(vec![zone(".", Policy::InOrder, &["192.0.2.1:53"])], None);
    let upstream = &routing.upstreams()[0];
    let out_of_sockets = Failure::System(std::io::Error::from_raw_os_error(libc::EMFILE));
    upstream.failed(&out_of_sockets, Purpose::Check);
    assert_eq!(upstream.health(), UpstreamHealth::Up);
}

#[test]
fn an_upstream_that_answers_over_udp_alone_is_not_down() {
    let routing = routing(vec![zone(".", Policy::InOrder, &["192.0.2.1:53", "192.0.2.2:53"])], None);
    let upstream = &routing.upstreams()[0];
    let failure = Failure::NoTcp { reason: TcpReason::Truncated, why: Box::new(Failure::TimedOut) };
    (0..10).for_each(|_| upstream.failed(&failure, Purpose::Check));
    assert_eq!(
        (upstream.health(), order(&routing)),
        (UpstreamHealth::Suspect, "192.0.2.2:53 192.0.2.1:53".to_owned())
    );
}

#[test]
fn the_fastest_is_asked_first_and_the_others_are_tried_again_some_day() {
    let routing = routing(vec![zone(".", Policy::Fastest, &["192.0.2.1:53", "192.0.2.2:53"])], None);
    let [slow, fast] = [0, 1].map(|place| Arc::clone(&routing.upstreams()[place]));
    slow.answered(Duration::from_millis(20));
    assert_eq!(order(&routing), "192.0.2.2:53 192.0.2.1:53", "one that was never asked is tried");
    fast.answered(Duration::from_millis(10));
    assert_eq!(order(&routing), "192.0.2.2:53 192.0.2.1:53");
    let turns = (0..1000).position(|_| order(&routing).starts_with("192.0.2.1"));
    assert!(turns.is_some_and(|turns| (10..100).contains(&turns)), "{turns:?}");
}

#[test]
fn a_reload_keeps_what_is_believed_of_upstreams_that_stay() {
    let first = routing(vec![zone(".", Policy::InOrder, &["192.0.2.1:53", "192.0.2.2:53"])], None);
    fail(&first.upstreams()[0], 3, Purpose::Check);
    let second =
        routing(vec![zone("example", Policy::InOrder, &["192.0.2.3:53", "192.0.2.1:53"])], Some(&first));
    assert_eq!(order(&second), "192.0.2.3:53");
    assert!(Arc::ptr_eq(&second.upstreams()[1], &first.upstreams()[0]));
}

#[test]
fn this_server_is_never_its_own_upstream() {
    let own = |listen: &[&str]| OwnAddresses {
        listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
        addresses: || Arc::new([IpAddr::from([192, 0, 2, 9])]),
    };
    let holds = |listen: &[&str], place: &str| own(listen).include(place.parse::<SocketAddr>().unwrap());
    assert!(holds(&["0.0.0.0:53"], "192.0.2.9:53") && holds(&["0.0.0.0:53"], "127.0.0.53:53"));
    assert!(!holds(&["0.0.0.0:53"], "192.0.2.8:53") && !holds(&["0.0.0.0:53"], "192.0.2.9:5353"));
    assert!(!holds(&["[::]:53"], "192.0.2.9:53") && holds(&["[::]:53"], "[::1]:53"));
    assert!(holds(&["192.0.2.9:53"], "192.0.2.9:53") && !holds(&["192.0.2.9:53"], "127.0.0.1:53"));
    let zones = vec![zone(".", Policy::InOrder, &["192.0.2.9:53", "192.0.2.1:53"])];
    let routing = Routing::new(Settings { zones, own: own(&["0.0.0.0:53"]), ..Settings::default() }, None);
    assert_eq!(order(&routing), "192.0.2.1:53");
}
