//! The certificate: swapped under load, refused, missing at a start.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use harness::wait_for;

use super::*;

/// Makes another pair in the files that the config names.
fn renew(site: &Site) {
    let made = site.run(&["certificate", NAME, "--certificate", "new.crt", "--key", "new.key"]);
    assert!(made.status.success());
    for (new, old) in [("new.crt", "server.crt"), ("new.key", "server.key")] {
        fs::rename(site.folder().join(new), site.folder().join(old)).expect("a scratch file");
    }
}

/// Some clients keep their connection, others make one for each query.
#[test]
fn a_certificate_that_is_swapped_under_load_loses_no_query() {
    let encrypted = Encrypted::new("", "");
    let program = encrypted.start();
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for place in 0..4 {
            let (encrypted, over, answered) = (&encrypted, &over, &answered);
            scope.spawn(move || {
                let mut client = encrypted.connect();
                while !over.load(Ordering::Relaxed) {
                    if place % 2 == 0 {
                        client = encrypted.connect();
                    }
                    ask(&mut client, &query(7, &[]));
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut before = Vec::new();
        for _ in 0..3 {
            let mut client = encrypted.connect();
            ask(&mut client, &query(1, &[]));
            assert_ne!(shown(&client), before);
            before = shown(&client);
            renew(&encrypted.site);
            wait_for("another certificate", PATIENCE, || {
                let mut client = encrypted.connect();
                ask(&mut client, &query(1, &[]));
                (shown(&client) != before).then_some(())
            });
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(answered.load(Ordering::Relaxed) > 20, "{answered:?}");
    program.stop();
}

#[test]
fn a_key_of_another_certificate_leaves_the_old_one_and_is_told_everywhere() {
    let encrypted = Encrypted::new("", "");
    let (site, program) = (&encrypted.site, encrypted.start());
    let mut client = encrypted.connect();
    ask(&mut client, &query(1, &[]));
    let before = shown(&client);
    let key = fs::read_to_string(site.folder().join("server.key")).expect("a key");
    assert!(site.run(&["certificate", NAME, "--certificate", "o.crt", "--key", "o.key"]).status.success());
    fs::rename(site.folder().join("o.key"), site.folder().join("server.key")).expect("a scratch file");
    let line = program.wait_for_line("does not belong to the certificate");
    assert!(line.text.contains("server.key") && line.text.contains("still served"), "{line:?}");
    let mut client = encrypted.connect();
    ask(&mut client, &query(2, &[]));
    assert_eq!(shown(&client), before);
    let certificate = site.status()["certificate"].clone();
    assert!(certificate["error"].as_str().is_some_and(|why| why.contains("server.key")), "{certificate}");
    assert_eq!((certificate["served"].as_bool(), certificate["days_left"].as_i64()), (Some(true), Some(364)));
    let reloaded = site.ask(&["reload"]);
    assert!(!reloaded.status.success());
    let reloaded = harness::program::said(&reloaded);
    assert!(reloaded.contains("does not belong") && reloaded.contains("still served"), "{reloaded}");
    let told = harness::program::said(&site.ask(&["status"]));
    assert!(told.contains("server.key: the key does not belong to the certificate"), "{told}");
    let checked = site.check();
    assert!(!checked.status.success());
    let checked = harness::program::said(&checked);
    assert!(checked.contains("does not belong to the certificate"), "{checked}");
    site.write("server.key", &key);
    program.wait_for_line("is served, valid until");
    wait_for("no error any more", PATIENCE, || site.status()["certificate"]["error"].is_null().then_some(()));
    assert!(site.ask(&["reload"]).status.success());
    program.stop();
}

#[test]
fn a_start_without_a_certificate_serves_everything_else_and_takes_it_when_it_comes() {
    let encrypted = Encrypted::new("", "");
    for file in ["server.crt", "server.key"] {
        fs::rename(encrypted.site.folder().join(file), encrypted.site.folder().join(format!("later.{file}")))
            .expect("a scratch file");
    }
    let program = encrypted.start();
    program.wait_for_line("encrypted transports refuse every client");
    let mut plain = TcpStream::connect(program.listen()).expect("a listener");
    ask(&mut plain, &query(1, &[]));
    let mut refused = encrypted.connect();
    assert!(refused.write_all(b"\0\x0c").and_then(|()| refused.read(&mut [0; 1])).is_err());
    let not_ready = encrypted.site.status()["not_ready"].to_string();
    assert!(
        not_ready.contains("no certificate is served") && not_ready.contains("server.crt"),
        "{not_ready}"
    );
    for file in ["server.key", "server.crt"] {
        fs::rename(encrypted.site.folder().join(format!("later.{file}")), encrypted.site.folder().join(file))
            .expect("a scratch file");
    }
    program.wait_for_line("is served, valid until");
    ask(&mut encrypted.connect(), &query(2, &[]));
    program.stop();
}

#[test]
fn a_reload_takes_listeners_and_certificates_from_other_files() {
    let encrypted = Encrypted::new("", "");
    let (site, program) = (&encrypted.site, encrypted.start());
    let mut client = encrypted.connect();
    ask(&mut client, &query(1, &[]));
    let before = shown(&client);
    assert!(site.run(&["certificate", NAME, "--certificate", "b.crt", "--key", "b.key"]).status.success());
    let config = fs::read_to_string(site.folder().join("edgedns.toml")).expect("a config file");
    let other = free_port(loopback());
    let place = encrypted.tls.to_string();
    let config = config
        .replace("server.crt", "b.crt")
        .replace("server.key", "b.key")
        .replace(&place, &other.to_string());
    site.write("edgedns.toml", &config);
    program.reload_and_wait();
    wait_for("the other certificate", PATIENCE, || {
        let mut client = secured(TcpStream::connect(other).ok()?);
        ask(&mut client, &query(1, &[]));
        (shown(&client) != before).then_some(())
    });
    wait_for("the end of the listener", PATIENCE, || TcpStream::connect(encrypted.tls).err());
    program.stop();
}
