//! Primaries that lie, break off or send without an end: what is served stays as it is, memory stays what it was, and the log
//! says why once.

use harness::program::Line;
use harness::scripted_primary::{APEX, Query, Record, Step, a, framed, honest, ns, rtype, soa, version};

use super::*;

/// What a hostile primary answers to AXFR and IXFR, and what the log says of it.
struct Lie {
    name: &'static str,
    says: fn(&Query) -> Vec<Step>,
    told: &'static str,
}

fn of(query: &Query, records: &[Record]) -> Vec<Step> {
    vec![Step::Message(query.response(records))]
}

/// A response with something else at a place.
fn with(query: &Query, at: usize, bytes: &[u8]) -> Vec<Step> {
    let mut message = query.response(&version(2, 66));
    message[at..at + bytes.len()].copy_from_slice(bytes);
    vec![Step::Message(message)]
}

/// Messages of a transfer that are no responses, or hold not what they say.
const OF_MESSAGES: &[Lie] = &[
    Lie {
        name: "half a transfer, then the end",
        says: |query| {
            let message = framed(&query.response(&[soa(2), ns(), a("www", 66)]));
            vec![Step::Bytes(message), Step::Bytes(vec![0, 99, 1, 2, 3]), Step::Close]
        },
        told: "connection closed",
    },
    Lie {
        name: "half a message, then the end",
        says: |query| {
            let message = framed(&query.response(&version(2, 66)));
            vec![Step::Bytes(message[..message.len() / 2].to_vec()), Step::Close]
        },
        told: "connection closed",
    },
    Lie {
        name: "all but the last SOA record, then the end",
        says: |query| {
            let message = query.response(&[soa(2), ns(), a("www", 66)]);
            vec![Step::Message(message), Step::Close]
        },
        told: "connection closed",
    },
    Lie {
        name: "a message that is shorter than it says",
        says: |query| {
            let message = query.response(&version(2, 66));
            vec![Step::Message(message[..message.len() - 3].to_vec())]
        },
        told: "malformed",
    },
    Lie { name: "more records than there are", says: |query| with(query, 6, &[0, 9]), told: "malformed" },
    Lie {
        name: "a pointer to itself",
        says: |query| {
            let mut message = query.response(&version(2, 66));
            let last = query.response(&version(2, 66)[3..]).len() - query.response(&[]).len();
            let at = message.len() - last;
            message[at..at + 2].copy_from_slice(&[0xc0, u8::try_from(at).expect("a short message")]);
            vec![Step::Message(message)]
        },
        told: "it sends a message that is",
    },
    Lie { name: "no record", says: |query| of(query, &[]), told: "without a record" },
    Lie { name: "a truncated message", says: |query| with(query, 2, &[0x86]), told: "truncated" },
    Lie {
        name: "another id",
        says: |query| {
            let message = query.response_as(query.id.wrapping_add(1), 0, &version(2, 66));
            vec![Step::Message(message)]
        },
        told: "no response to our query",
    },
    Lie { name: "another question", says: |query| with(query, 13, b"m"), told: "no response to our query" },
    Lie { name: "a query", says: |query| with(query, 2, &[0x04]), told: "no response to our query" },
    Lie {
        name: "REFUSED",
        says: |query| vec![Step::Message(query.response_as(query.id, 5, &[]))],
        told: "does not let us transfer the zone",
    },
];

/// Records that make no zone, or not this one.
const OF_RECORDS: &[Lie] = &[
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
        name: "a record of the zone above",
        says: |query| {
            let mut records = version(2, 66);
            records[2].0 = "example.".to_owned();
            of(query, &records)
        },
        told: "does not lie in the zone",
    },
    Lie {
        name: "another SOA record at the end",
        says: |query| of(query, &[soa(2), ns(), a("www", 66), soa(3)]),
        told: "is not the one at the beginning",
    },
    Lie {
        name: "a SOA record in the middle",
        says: |query| of(query, &[soa(2), ns(), soa(2), a("www", 66), soa(2)]),
        told: "records follow the SOA record",
    },
    Lie {
        name: "a SOA record below the apex",
        says: |query| {
            let mut other = soa(2);
            other.0 = format!("www.{APEX}");
            of(query, &[soa(2), ns(), other, a("www", 66), soa(2)])
        },
        told: "does not lie in the zone",
    },
    Lie {
        name: "no SOA record at the beginning",
        says: |query| of(query, &[ns(), a("www", 66), soa(2)]),
        told: "does not begin with the SOA record",
    },
    Lie {
        name: "an address of three bytes",
        says: |query| {
            let mut records = version(2, 66);
            records[2].3.pop();
            of(query, &records)
        },
        told: "is not that of its type",
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
        name: "an older version than was promised",
        says: |query| of(query, &version(0, 66)),
        told: "serial 0, which is not newer than ours, 1",
    },
    Lie {
        name: "the version that is here under the serial of before",
        says: |query| of(query, &version(1, 66)),
        told: "serial 1, which is not newer than ours, 1",
    },
];

/// Transfers that do not end while the memory of the zone lasts.
const WITHOUT_AN_END: &[Lie] = &[
    Lie {
        name: "records without an end",
        says: |query| {
            let many: Vec<_> = (0..500).map(|number| a(&format!("h{number}"), 1)).collect();
            vec![Step::Message(query.response(&[soa(2), ns()])), Step::Endless(query.response(&many))]
        },
        told: "more than 4 MiB of memory",
    },
    Lie {
        name: "deletions without an end, and then the zone",
        says: |query| match query.qtype {
            rtype::IXFR => {
                let many: Vec<_> = (0..500).map(|number| a(&format!("h{number}"), 1)).collect();
                let flip = [vec![soa(2)], many.clone(), vec![soa(2)], many].concat();
                vec![Step::Message(query.response(&[soa(2), soa(1)])), Step::Endless(query.response(&flip))]
            }
            _ => vec![Step::Message(query.response_as(query.id, 5, &[]))],
        },
        told: "does not let us transfer the zone",
    },
    Lie {
        name: "a million deletions of what is not there",
        says: |query| match query.qtype {
            rtype::IXFR => {
                let first = Step::Message(query.response(&[soa(2), soa(1)]));
                let deletions = (0..700).map(|part| {
                    let many = (0..1_500).map(|host| a(&format!("h{part}-{host}"), 1));
                    Step::Message(query.response(&many.collect::<Vec<_>>()))
                });
                let last = Step::Message(query.response(&[soa(2), a("www", 66), soa(2)]));
                [first].into_iter().chain(deletions).chain([last]).collect()
            }
            _ => vec![Step::Message(query.response_as(query.id, 5, &[]))],
        },
        told: "does not let us transfer the zone",
    },
    Lie {
        name: "one record in each message",
        says: |query| {
            let first = Step::Message(query.response(&[soa(2), ns()]));
            vec![first, Step::Endless(query.response(&[a("www", 66)]))]
        },
        told: "more than 4 MiB of memory",
    },
];

/// The most memory that a process has had so far, in KiB.
fn peak_kib(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Memory that a transfer may take beside that of the zone: messages, connections, threads.
const BESIDE_KIB: u64 = 24 << 10;

/// A line without its time.
fn lie_of(line: &Line) -> &str {
    line.text.split_once("zone ").map_or(&*line.text, |(_, rest)| rest)
}

/// Waits for the line that says why the zone stays as it is. A loaded machine may be slower than a primary is waited for
/// before it is asked for the lie.
fn wait_for_refusal(program: &Program, told: &str) -> Line {
    wait_for(told, Duration::from_secs(90), || {
        program
            .log()
            .into_iter()
            .find(|line| line.text.contains("stays at serial 1") && line.text.contains(told))
    })
}

fn lies_change_nothing(lies: &[Lie]) {
    for lie in lies {
        let primary = ScriptedPrimary::start(honest(version(1, 1)));
        let site = site_of(&[&primary], "memory-limit = \"4MiB\"\n");
        let program = site.start();
        wait_for_address(&program, "192.0.2.1");
        let before = peak_kib(&program);
        let says = lie.says;
        primary.says(move |query| match query.qtype {
            rtype::SOA => honest(version(2, 66))(query),
            _ => says(query),
        });
        let line = wait_for_refusal(&program, lie.told);
        let asked = primary.count(rtype::SOA);
        wait_for("it is asked again", PATIENCE, || (primary.count(rtype::SOA) > asked + 1).then_some(()));
        assert_eq!(address(&program).as_deref(), Some("192.0.2.1"), "{}", lie.name);
        let told = program.log().iter().filter(|other| other.text.ends_with(lie_of(&line))).count();
        assert_eq!(told, 1, "{}", lie.name);
        let grown = peak_kib(&program) - before;
        assert!(grown < (4 << 10) + BESIDE_KIB, "{}: {grown} KiB", lie.name);
        primary.says(honest(version(3, 3)));
        wait_for_address(&program, "192.0.2.3");
        program.stop();
    }
}

#[test]
fn messages_that_lie_leave_what_is_served_alone_and_are_told_of_once() {
    lies_change_nothing(OF_MESSAGES);
}

#[test]
fn records_that_lie_leave_what_is_served_alone_and_are_told_of_once() {
    lies_change_nothing(OF_RECORDS);
}

#[test]
fn a_transfer_without_an_end_takes_no_more_memory_than_its_zone_may() {
    lies_change_nothing(WITHOUT_AN_END);
}

/// A TSIG record for the key `transfer` with a MAC of ones, signed now.
fn with_a_wrong_mac(mut message: Vec<u8>) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_secs();
    let mut rdata = b"\x0bhmac-sha256\0".to_vec();
    rdata.extend(&now.to_be_bytes()[2..]);
    rdata.extend([1, 44, 0, 32]);
    rdata.extend([1; 32]);
    rdata.extend(&message[..2]);
    rdata.extend([0; 4]);
    message[11] = 1;
    message.extend(b"\x08transfer\0\x00\xfa\x00\xff\0\0\0\0");
    message.extend(u16::try_from(rdata.len()).expect("a short record").to_be_bytes());
    message.extend(rdata);
    message
}

#[test]
fn what_is_not_signed_or_signed_with_another_secret_is_not_taken() {
    let primary = ScriptedPrimary::start(honest(version(1, 1)));
    let site = site_of(&[&primary], "");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    let text = std::fs::read_to_string(site.folder().join("edgedns.toml")).expect("a config file");
    let key = "[[key]]\nname = \"transfer\"\nsecret = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";
    let place = primary.place();
    site.write(
        "edgedns.toml",
        &(text.replace(&format!("{place}\""), &format!("{place} key:transfer\"")) + key),
    );
    primary.says(honest(version(2, 66)));
    program.reload_and_wait();
    let unsigned = program.wait_for_line("stays at serial 1");
    assert!(unsigned.text.contains("not signed"), "{unsigned:?}");
    let before = program.log_len();
    primary.says(|query| {
        let steps = honest(version(2, 66))(query).into_iter();
        let signed = steps.map(|step| match step {
            Step::Message(message) => Step::Message(with_a_wrong_mac(message)),
            step => step,
        });
        signed.collect()
    });
    let wrong = program.wait_for_line_after(before, "stays at serial 1");
    assert!(wrong.text.contains("MAC") || wrong.text.contains("ignature"), "{wrong:?}");
    let asked = primary.count(rtype::SOA);
    wait_for("it is asked again", PATIENCE, || (primary.count(rtype::SOA) > asked + 1).then_some(()));
    assert_eq!(address(&program).as_deref(), Some("192.0.2.1"));
    assert_eq!(primary.count(rtype::AXFR), 1, "nobody asks for the zone who does not believe the serial");
}

#[test]
fn a_zone_that_grows_by_small_changes_ends_where_it_may_be_no_larger() {
    let serial = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(1));
    let newest = std::sync::Arc::clone(&serial);
    // Each version has a thousand hosts more: some 400 KiB.
    let primary = ScriptedPrimary::start(move |query| {
        use std::sync::atomic::Ordering;
        let come = |serial: u32| (0..1_000).map(move |host| a(&format!("h{host}-{serial}"), 1));
        match (query.qtype, query.serial) {
            (rtype::SOA, _) => honest(version(newest.load(Ordering::Relaxed), 1))(query),
            (rtype::IXFR, Some(from)) => {
                let to = newest.load(Ordering::Relaxed);
                let mut records = vec![soa(to)];
                for step in from..to {
                    records.extend([soa(step), soa(step + 1)]);
                    records.extend(come(step + 1));
                }
                records.push(soa(to));
                vec![Step::Message(query.response(&records))]
            }
            _ => {
                let to = newest.load(Ordering::Relaxed);
                let first = Step::Message(query.response(&[soa(to), ns(), a("www", 1)]));
                let all = (2..=to).map(|step| Step::Message(query.response(&come(step).collect::<Vec<_>>())));
                [first].into_iter().chain(all).chain([Step::Message(query.response(&[soa(to)]))]).collect()
            }
        }
    });
    let site = site_of(&[&primary], "memory-limit = \"4MiB\"\n");
    let program = site.start();
    wait_for_address(&program, "192.0.2.1");
    let refused = || program.log().into_iter().find(|line| line.text.contains("stays at serial"));
    let line = loop {
        let next = serial.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        assert!(next < 40, "it is never refused");
        let line = wait_for("the next version, or none", PATIENCE, || {
            let is_served = status(&site)["serial"] == next;
            refused().map(Some).or(is_served.then_some(None))
        });
        if let Some(line) = line {
            break line;
        }
    };
    assert!(line.text.contains("more than 4 MiB of memory"), "{line:?}");
    assert!(status(&site)["serial"].as_u64().is_some_and(|serial| serial > 5), "{}", status(&site));
    assert!(primary.count(rtype::AXFR) >= 2, "the whole zone was asked for, which is too large as well");
    assert_eq!(address(&program).as_deref(), Some("192.0.2.1"));
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
