//! Primaries that lie, break off or send without an end: what is served stays as it is, and the log says why once.

use harness::scripted_primary::{Query, Step, a, framed, honest, ns, rtype, soa, version};

use super::*;

/// What a hostile primary answers to AXFR and IXFR, and what the log says of it.
struct Lie {
    name: &'static str,
    says: fn(&Query) -> Vec<Step>,
    told: &'static str,
}

fn of(query: &Query, records: &[harness::scripted_primary::Record]) -> Vec<Step> {
    vec![Step::Message(query.response(records))]
}

const LIES: &[Lie] = &[
    Lie {
        name: "a record of another zone",
        says: |query| {
            let mut records = version(2, 66);
            records[2].0 = "www.other.example.".to_owned();
            of(query, &records)
        },
        told: "does not lie in the zone",
    },
    Lie {
        name: "half a transfer, then the end",
        says: |query| {
            let message = framed(&query.response(&[soa(2), ns(), a("www", 66)]));
            vec![Step::Bytes(message), Step::Bytes(vec![0, 99, 1, 2, 3]), Step::Close]
        },
        told: "connection closed",
    },
    Lie {
        name: "another id",
        says: |query| {
            let message = query.response_as(query.id.wrapping_add(1), 0, &version(2, 66));
            vec![Step::Message(message)]
        },
        told: "no response to our query",
    },
    Lie {
        name: "another SOA record at the end",
        says: |query| of(query, &[soa(2), ns(), a("www", 66), soa(3)]),
        told: "is not the one at the beginning",
    },
    Lie {
        name: "a CNAME beside other data",
        says: |query| {
            let mut alias = ns();
            (alias.0, alias.1) = ("www.lab.example.".to_owned(), rtype::CNAME);
            of(query, &[soa(2), ns(), a("www", 66), alias, soa(2)])
        },
        told: "CNAME",
    },
    Lie {
        name: "a LUA record",
        says: |query| {
            let mut records = version(2, 66);
            records[2].1 = rtype::LUA;
            records[2].3 = b"\x00\x01\x1cifportup(443, {'192.0.2.1'})".to_vec();
            of(query, &records)
        },
        told: "`lua = \"accept\"`",
    },
    Lie {
        name: "REFUSED",
        says: |query| vec![Step::Message(query.response_as(query.id, 5, &[]))],
        told: "does not let us transfer the zone",
    },
    Lie {
        name: "records without an end",
        says: |query| {
            let many: Vec<_> = (0..500).map(|number| a(&format!("h{number}"), 1)).collect();
            vec![Step::Message(query.response(&[soa(2), ns()])), Step::Endless(query.response(&many))]
        },
        told: "more than 4 MiB of memory",
    },
];

#[test]
fn lies_leave_what_is_served_alone_and_are_told_of_once() {
    for lie in LIES {
        let primary = ScriptedPrimary::start(honest(version(1, 1)));
        let site = site_of(&[&primary], "memory-limit = \"4MiB\"\n");
        let program = site.start();
        wait_for_address(&program, "192.0.2.1");
        let says = lie.says;
        primary.says(move |query| match query.qtype {
            rtype::SOA if lie.told == "older than ours" => honest(version(0, 66))(query),
            rtype::SOA => honest(version(2, 66))(query),
            _ => says(query),
        });
        let line = program.wait_for_line("stays at serial 1");
        assert!(line.text.contains(lie.told), "{}: {line:?}", lie.name);
        let asked = primary.count(rtype::SOA);
        wait_for("it is asked again", PATIENCE, || (primary.count(rtype::SOA) > asked + 1).then_some(()));
        assert_eq!(address(&program).as_deref(), Some("192.0.2.1"), "{}", lie.name);
        let told = program.log().iter().filter(|line| line.text.contains("stays at serial 1")).count();
        assert_eq!(told, 1, "{}", lie.name);
        primary.says(honest(version(3, 3)));
        wait_for_address(&program, "192.0.2.3");
        program.stop();
    }
}

#[test]
fn changes_that_do_not_fit_are_replaced_by_the_whole_zone() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    primary.says(|query| match query.qtype {
        // It removes what is not there.
        rtype::IXFR => of(query, &[soa(2), soa(1), a("nobody", 1), soa(2), a("www", 66), soa(2)]),
        _ => honest(version(2, 2))(query),
    });
    wait_for_address(&program, "192.0.2.2");
    assert_eq!((primary.count(rtype::AXFR), primary.count(rtype::IXFR)), (2, 1));
}
