//! Aliases of upstreams that lead to names of our own zones, or of other upstreams.

use std::net::Ipv4Addr;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use harness::forwarding::{Lab, ZONE, everything};
use harness::program::Program;
use harness::stub::{ask, code, error_text, query, said, send, send_tcp};
use harness::upstream::{Act, Asked, Upstream, well, wire};

/// What the public says of a name of ours.
const PUBLIC: [u8; 4] = [203, 0, 113, 66];

const A: u16 = 1;
const CNAME: u16 = 5;
const DNAME: u16 = 39;

/// The servers of `corp.test`, who do not know any other name.
fn corp(asked: &Asked) -> Act {
    let name = asked.qname.as_str();
    let response = match name {
        "alone.corp.test" => asked.alias(0, "www.lab.example"),
        "blind.corp.test" => asked.alias(3, "www.lab.example"),
        "failing.corp.test" => asked.alias(2, "www.lab.example"),
        "split.corp.test" => asked
            .records(0, &[(name, CNAME, wire("WWW.lab.example")), ("www.lab.example", A, PUBLIC.to_vec())]),
        "middle.corp.test" => asked.records(
            0,
            &[
                ("www.lab.example", CNAME, wire("public.test")),
                ("public.test", A, PUBLIC.to_vec()),
                (name, CNAME, wire("www.lab.example")),
            ],
        ),
        "closed.corp.test" => asked.alias(3, "www.closed.example"),
        "missing.corp.test" => asked.alias(0, "nowhere.lab.example"),
        "within.corp.test" => asked.alias(0, "host.corp.test"),
        "gone.corp.test" => asked.alias(3, "nobody.corp.test"),
        "other.corp.test" => asked.alias(3, "www.elsewhere.test"),
        "known.corp.test" => asked.records(
            0,
            &[(name, CNAME, wire("www.elsewhere.test")), ("www.elsewhere.test", A, PUBLIC.to_vec())],
        ),
        "turn.corp.test" => asked.alias(0, "back.lab.example"),
        "www.tree.corp.test" => asked.records(
            0,
            &[("tree.corp.test", DNAME, wire("lab.example")), (name, CNAME, wire("www.lab.example"))],
        ),
        "www.bare.corp.test" => asked.records(0, &[("bare.corp.test", DNAME, wire("lab.example"))]),
        "below.corp.test" => asked.referral("corp.test", "ns.corp.test"),
        "empty.corp.test" => return Act::Send(vec![asked.nothing(0, 60)]),
        _ => return well(asked),
    };
    Act::Send(vec![response])
}

struct Chains {
    lab: Lab,
    program: Program,
    corp: Upstream,
    elsewhere: Upstream,
}

impl Chains {
    fn start() -> Self {
        let (corp, elsewhere) = (Upstream::start(corp), Upstream::start(well));
        let lab = Lab::new(&config(&corp, &elsewhere, ""));
        lab.site.write("lab.zone", &zone("192.0.2.1"));
        let program = lab.start();
        Self { lab, program, corp, elsewhere }
    }

    #[track_caller]
    fn ask(&self, qname: &str) -> Message {
        ask(self.program.listen(), qname)
    }
}

/// `rest`: more lines for all names but those of corp.test.
fn config(corp: &Upstream, elsewhere: &Upstream, rest: &str) -> String {
    let own = format!("zone = \"corp.test\"\nupstream = [\"{}\"]\n", corp.place());
    format!("{own}\n[[forward]]\n{}{rest}", everything(&[elsewhere.place()]))
}

fn zone(address: &str) -> String {
    ZONE.replace("www IN A 192.0.2.1", &format!("www IN A {address}"))
        + "back IN CNAME turn.corp.test.\ninner IN CNAME alone.corp.test.\n"
}

fn owners(response: &Message) -> Vec<String> {
    response.answers.iter().map(|record| format!("{} {}", record.name, record.record_type())).collect()
}

#[test]
fn an_alias_of_an_upstream_into_our_zone_is_answered_by_our_zone_whatever_the_upstream_says() {
    let chains = Chains::start();
    for name in ["alone", "blind", "failing", "split", "middle"] {
        for qname in [format!("{name}.corp.test."), format!("{name}.CORP.test.")] {
            let response = chains.ask(&qname);
            assert_eq!(said(&response), "192.0.2.1", "{qname} {response:?}");
            assert_eq!(owners(&response), [format!("{qname} CNAME"), "www.lab.example. A".to_owned()]);
            assert!(response.metadata.recursion_available && !response.metadata.authoritative);
            assert!(response.edns.is_some());
        }
        assert_eq!(chains.corp.asked(&format!("{name}.corp.test")), 1, "the upstream's part is kept");
    }
    let missing = chains.ask("missing.corp.test.");
    assert_eq!((code(&missing), missing.authorities.len()), (ResponseCode::NXDomain, 1));
    let tcp = send_tcp(chains.program.listen(), &[query("alone.corp.test.", RecordType::A)]);
    assert_eq!(said(&tcp[0]), "192.0.2.1");
    let none =
        send(chains.program.listen(), &query("alone.corp.test.", RecordType::AAAA)).expect("a response");
    assert_eq!((code(&none), none.authorities.len()), (ResponseCode::NoError, 1));
    let alone =
        send(chains.program.listen(), &query("alone.corp.test.", RecordType::CNAME)).expect("a response");
    assert_eq!(owners(&alone), ["alone.corp.test. CNAME"]);
    chains.program.stop();
}

#[test]
fn what_our_zone_says_behind_an_alias_of_an_upstream_is_never_kept() {
    let chains = Chains::start();
    assert_eq!(said(&chains.ask("alone.corp.test.")), "192.0.2.1");
    chains.lab.site.write("lab.zone", &zone("192.0.2.77"));
    chains.program.reload_and_wait();
    assert_eq!(said(&chains.ask("alone.corp.test.")), "192.0.2.77");
    assert_eq!(chains.corp.asked("alone.corp.test"), 1);
    chains.program.stop();
}

#[test]
fn an_alias_that_an_upstream_does_not_follow_is_followed_by_us() {
    let chains = Chains::start();
    let address = Ipv4Addr::new(198, 51, 100, 7).to_string();
    for _ in 0..2 {
        let within = chains.ask("within.corp.test.");
        assert_eq!((said(&within), owners(&within).len()), (address.clone(), 2));
        assert_eq!(said(&chains.ask("other.corp.test.")), address);
    }
    assert_eq!([chains.corp.asked("within.corp.test"), chains.corp.asked("host.corp.test")], [1, 1]);
    assert_eq!(
        [chains.corp.asked("www.elsewhere.test"), chains.elsewhere.asked("www.elsewhere.test")],
        [0, 1]
    );
    // What an upstream says itself is taken from it.
    assert_eq!(said(&chains.ask("known.corp.test.")), Ipv4Addr::from(PUBLIC).to_string());
    let gone = chains.ask("gone.corp.test.");
    assert_eq!(
        (code(&gone), owners(&gone)),
        (ResponseCode::NXDomain, vec!["gone.corp.test. CNAME".to_owned()])
    );
    assert_eq!(chains.corp.asked("nobody.corp.test"), 0);
    chains.program.stop();
}

#[test]
fn an_alias_into_a_zone_that_this_client_may_not_ask_ends_there() {
    let chains = Chains::start();
    chains.lab.configure(&config(&chains.corp, &chains.elsewhere, "allow = [\"192.0.2.0/24\"]\n"));
    chains.program.reload_and_wait();
    let response = chains.ask("other.corp.test.");
    assert_eq!(
        (code(&response), owners(&response)),
        (ResponseCode::NoError, vec!["other.corp.test. CNAME".to_owned()])
    );
    assert!(response.edns.is_some());
    assert_eq!(chains.elsewhere.asked("www.elsewhere.test"), 0);
    chains.program.stop();
}

#[test]
fn an_alias_into_a_zone_of_ours_that_is_closed_to_this_client_ends_there() {
    let chains = Chains::start();
    let closed =
        "\n[[zone]]\nname = \"closed.example\"\nfile = \"lab.zone\"\nallow-query = [\"192.0.2.0/24\"]\n";
    chains.lab.configure(&(config(&chains.corp, &chains.elsewhere, "") + closed));
    chains.program.reload_and_wait();
    let response = chains.ask("closed.corp.test.");
    assert_eq!(
        (code(&response), owners(&response)),
        (ResponseCode::NoError, vec!["closed.corp.test. CNAME".to_owned()])
    );
    assert_eq!(chains.elsewhere.asked("www.closed.example"), 0);
    chains.program.stop();
}

#[test]
fn a_dname_of_an_upstream_leads_into_our_zone_with_its_cname_or_without() {
    let chains = Chains::start();
    for (qname, dname) in
        [("www.tree.corp.test.", "tree.corp.test."), ("www.bare.corp.test.", "bare.corp.test.")]
    {
        for _ in 0..2 {
            let response = chains.ask(qname);
            assert_eq!(said(&response), "192.0.2.1");
            let chain = [format!("{dname} DNAME"), format!("{qname} CNAME"), "www.lab.example. A".to_owned()];
            assert_eq!(owners(&response), chain);
        }
    }
    chains.program.stop();
}

#[test]
fn an_alias_of_ours_leads_through_an_upstream_back_to_us() {
    let chains = Chains::start();
    for _ in 0..2 {
        let response = chains.ask("inner.lab.example.");
        assert_eq!(said(&response), "192.0.2.1");
        assert_eq!(
            owners(&response),
            ["inner.lab.example. CNAME", "alone.corp.test. CNAME", "www.lab.example. A"]
        );
        assert!(response.metadata.authoritative, "the first part is ours");
    }
    chains.program.stop();
}

#[test]
fn a_loop_of_aliases_between_an_upstream_and_us_ends_where_it_closes() {
    let chains = Chains::start();
    let response = chains.ask("turn.corp.test.");
    assert_eq!(
        (code(&response), owners(&response)),
        (
            ResponseCode::NoError,
            vec!["turn.corp.test. CNAME".to_owned(), "back.lab.example. CNAME".to_owned()]
        )
    );
    assert_eq!(chains.corp.asked("turn.corp.test"), 1);
    chains.program.stop();
}

#[test]
fn a_zone_that_becomes_ours_is_asked_at_once_behind_aliases_that_are_kept() {
    let chains = Chains::start();
    let public = Ipv4Addr::from(PUBLIC).to_string();
    assert_eq!(said(&chains.ask("known.corp.test.")), public);
    let own = "[[zone]]\nname = \"elsewhere.test\"\nfile = \"lab.zone\"\n";
    chains.lab.configure(&(config(&chains.corp, &chains.elsewhere, "\n") + own));
    chains.program.reload_and_wait();
    assert_eq!(said(&chains.ask("known.corp.test.")), "192.0.2.1");
    chains.program.stop();
}

#[test]
fn an_upstream_that_sends_us_elsewhere_is_told_to_be_no_recursive_one() {
    let chains = Chains::start();
    let response = chains.ask("below.corp.test.");
    assert_eq!(code(&response), ResponseCode::ServFail);
    assert_eq!(error_text(&response), "the upstream does not recurse");
    let last = chains.lab.wait("why", |forward| {
        forward["upstreams"].as_array()?.iter().find_map(|one| Some(one["last_error"].as_str()?.to_owned()))
    });
    assert!(last.contains("it does not recurse"), "{last}");
    chains.program.stop();
}
