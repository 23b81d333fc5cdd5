//! A large zone loads, is answered from at every name, and loses no query while it is reloaded.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edgedns::answer::{Counters, Identity, Publisher, Readers, Snapshot, WorkerContext, respond};
use edgedns::health::Verdict;

use crate::served::{self, CLIENT, Served, query};

/// Names of the zone. Without optimisation a million take too long for a test that runs often; the benchmarks have them.
const NAMES: u32 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

/// Zone text with an A record for each name, in no order that a table could like.
fn text(serial: u32) -> String {
    let mut text = format!("$TTL 60\n@ SOA ns host {serial} 2 3 4 30\n@ NS ns\nns A 192.0.2.53\n");
    for number in 0..NAMES {
        let _ = writeln!(text, "{} A {}", label(number), address(number, serial));
    }
    text
}

/// A label that looks random and is the same in every run.
fn label(number: u32) -> String {
    format!("n{:08x}-{number}", number.wrapping_mul(0x9e37_79b9))
}

/// The address of a name: another one in every version.
fn address(number: u32, serial: u32) -> std::net::Ipv4Addr {
    (0x0a00_0000 + number * 2 + serial % 2).into()
}

fn snapshot(serial: u32) -> Snapshot {
    let mut served = Served::default();
    served.add("example.", &text(serial), |_| Vec::new());
    served.snapshot(Identity::default(), |_| Verdict::Up)
}

#[test]
fn every_name_of_a_large_zone_is_answered_and_no_other() {
    let snapshot = snapshot(1);
    let mut scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
    let mut out = [0; 1232];
    for number in 0..NAMES {
        let label = label(number);
        let query_ = query(&format!("{label}.example."), 1);
        let response = served::ask(&snapshot, &mut scratch, CLIENT, &query_, &mut out).expect("an answer");
        assert!(response.ends_with(&address(number, 1).octets()), "{label}: {response:02x?}");
        assert_eq!(response.len(), query_.len() + 16, "{label}");
        if number % 16 == 0 {
            let query = query(&format!("{label}0.example."), 1);
            let response = served::ask(&snapshot, &mut scratch, CLIENT, &query, &mut out).expect("an answer");
            assert_eq!(response[3] & 0x0f, 3, "{label}0 does not exist");
        }
    }
}

#[test]
fn queries_are_answered_while_a_large_zone_is_reloaded() {
    let mut publisher = Publisher::new(snapshot(1));
    let stop = AtomicBool::new(false);
    let readers = &publisher.readers();
    let answered = std::thread::scope(|scope| {
        let worker = scope.spawn(|| ask_until(&stop, readers));
        for serial in 2..=3 {
            publisher.publish(snapshot(serial));
        }
        stop.store(true, Ordering::Release);
        worker.join().expect("no query is lost")
    });
    assert!(answered > 1000, "only {answered} queries were answered meanwhile");
    assert_eq!(publisher.reclaim(), 0, "the old versions are freed when the worker is gone");
}

/// Asks for one name after the other, as a worker does, and wants each answer whole and not older than the last.
fn ask_until(stop: &AtomicBool, readers: &Readers) -> u32 {
    let mut reader = readers.reader();
    let mut scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
    let mut out = [0; 1232];
    let mut answered = 0;
    let mut flips = 0;
    let mut version = 1;
    loop {
        let last = stop.load(Ordering::Acquire);
        let number = answered % NAMES;
        let query = query(&format!("{}.example.", label(number)), 1);
        let edgedns::answer::Reply::Send { len } =
            respond(reader.current(), &mut scratch, CLIENT, &query, &mut out)
        else {
            panic!("query {answered} is lost")
        };
        let found =
            [0, 1].into_iter().find(|&serial| out[..len].ends_with(&address(number, serial).octets()));
        let found = found.unwrap_or_else(|| panic!("query {answered}: {:02x?}", &out[..len]));
        flips += u32::from(found != version);
        version = found;
        answered += 1;
        if last {
            assert_eq!(flips, 2, "each new version is answered from once it is there");
            return answered;
        }
    }
}
