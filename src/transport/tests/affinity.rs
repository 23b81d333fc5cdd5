//! Queries go to the worker on the core where they arrive.

use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::*;

/// The cores that this process may use.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect()
}

/// The numbers of the workers that answer clients of 20 ports who all ask on `core`.
fn who_answers(to: SocketAddr, core: usize) -> Vec<u8> {
    let asking = move || {
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only).unwrap();
        let ask = |_| {
            let client = udp_client("127.0.3.99", to);
            client.send(&query(1, b"who")).unwrap();
            receive(&client)[12]
        };
        (0..20).map(ask).collect()
    };
    // On a thread of its own, which takes the core with it when it ends.
    thread::spawn(asking).join().unwrap()
}

/// The cores that the workers of this process may run on, by number, as the kernel reports them; workers of
/// other tests in between differ only by their core.
fn kept_on(core: usize, index: usize) -> bool {
    std::fs::read_dir("/proc/self/task").unwrap().flatten().any(|task| {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let only = format!("Cpus_allowed_list:\t{core}\n");
        read("comm").trim_end() == format!("edgedns-udp-{index}") && read("status").contains(&only)
    })
}

fn steered(workers: usize) -> Server {
    let settings = Settings { workers, affinity: Affinity::Cores, ..Settings::default() };
    Server::with(&["127.0.3.1", "::1"], &settings)
}

#[test]
fn a_worker_takes_what_arrives_on_its_core_and_stays_there() {
    let cores = cores();
    let server = steered(cores.len());
    for (index, &core) in cores.iter().enumerate() {
        let worker = u8::try_from(index).unwrap();
        // On the loopback a query arrives where it is sent.
        assert_eq!(who_answers(server.at("127.0.3.1"), core), vec![worker; 20], "core {core}");
        if cores.len() > 1 {
            assert!(kept_on(core, index), "worker {index} is not kept on core {core}");
        }
    }
    assert_answers(server.at("::1"));
}

#[test]
fn the_cores_are_shared_out_anew_when_the_workers_or_the_affinity_change() {
    let cores = cores();
    let last = cores.len() - 1;
    let mut server = steered(1);
    server.change(&["127.0.3.1", "::1"], cores.len()).unwrap();
    let worker = u8::try_from(last).unwrap();
    assert_eq!(who_answers(server.at("127.0.3.1"), cores[last]), vec![worker; 20]);

    server.settings.affinity = Affinity::Clients;
    server.change(&["127.0.3.1", "::1"], cores.len()).unwrap();
    if cores.len() > 1 {
        // Spread over all by their ports; that twenty fall to one has a chance of one in half a million.
        let answered = who_answers(server.at("127.0.3.1"), cores[0]);
        assert!(answered.iter().any(|&worker| worker != answered[0]), "{answered:?}");
    }

    server.settings.affinity = Affinity::Cores;
    server.change(&["127.0.3.1"], cores.len()).unwrap();
    server.change(&["127.0.3.1"], 1).unwrap();
    assert_eq!(who_answers(server.at("127.0.3.1"), cores[last]), vec![0; 20]);

    // The filter of a group is removed also while it has a single socket.
    server.settings.affinity = Affinity::Clients;
    server.change(&["127.0.3.1"], 1).unwrap();
    server.change(&["127.0.3.1"], 4).unwrap();
    let answered = who_answers(server.at("127.0.3.1"), cores[0]);
    assert!(answered.iter().any(|&worker| worker != answered[0]), "{answered:?}");
}

#[test]
fn more_workers_than_cores_all_serve_their_connections() {
    let server = steered(cores().len() + 2);
    for _ in 0..20 {
        assert_answers(server.at("127.0.3.1"));
        assert_answers(server.at("::1"));
    }
}
