//! The webhook: a receiver that takes changes, refuses them, is away, or hangs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgedns::crypto::hmac;
use harness::master::Master;
use harness::program::{Program, Site};
use harness::{PATIENCE, free_port, loopback, wait_for};
use serde_json::Value;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What a receiver got: the lines of the head in lower case, and the body.
#[derive(Clone)]
struct Letter {
    head: String,
    body: String,
}

impl Letter {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Every change in it, in words.
    fn changes(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let changes = self.json()["changes"].as_array().expect("a list").clone();
        changes.iter().map(|one| format!("{} {}", text(&one["target"]), text(&one["why"]))).collect()
    }

    fn assert_signed(&self) {
        let tag = self.head.lines().find_map(|line| line.strip_prefix("x-edgedns-signature: sha256="));
        let tag = tag.unwrap_or_else(|| panic!("{}", self.head)).trim();
        let tag: Vec<u8> =
            (0..tag.len() / 2).map(|at| u8::from_str_radix(&tag[2 * at..2 * at + 2], 16).unwrap()).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        hmac::verify(&key, self.body.as_bytes(), &tag).expect("a signature of the body");
    }
}

/// A receiver that answers each request with the next of these statuses, and the last one for ever; 0 is silence.
struct Receiver {
    place: SocketAddr,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Receiver {
    fn start_at(place: SocketAddr, statuses: &'static [u16]) -> Receiver {
        let listener = TcpListener::bind(place).expect("a free port");
        let letters: Arc<Mutex<Vec<Letter>>> = Arc::default();
        let taken = Arc::clone(&letters);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.expect("a connection");
                let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).expect("a head") > 0 {}
                let head = head.to_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).expect("a body");
                let body = String::from_utf8(body).expect("a text");
                taken.lock().unwrap().push(Letter { head, body });
                match statuses.get(number).or(statuses.last()) {
                    Some(0) | None => held.push(stream),
                    Some(status) => {
                        let _ = write!(stream, "HTTP/1.1 {status} A\r\nContent-Length: 4\r\n\r\nsaid");
                    }
                }
            }
        });
        Receiver { place, letters }
    }

    fn start(statuses: &'static [u16]) -> Receiver {
        Self::start_at(free_port(loopback()), statuses)
    }

    fn wait_for(&self, count: usize) -> Vec<Letter> {
        wait_for("letters", PATIENCE, || {
            let letters = self.letters.lock().unwrap();
            (letters.len() >= count).then(|| letters.clone())
        })
    }
}

struct Lab {
    site: Site,
    master: Master,
    program: Program,
}

fn lab(url: &str) -> Lab {
    let master = Master::open_at(loopback(), 6443);
    let site = Site::new();
    let address = master.address();
    site.write(
        "lab.zone",
        &format!("$TTL 10\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\napi A {address}\n"),
    );
    site.write("webhook.secret", &format!("{SECRET}\n"));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[webhook]\nurl = \"{url}\"\nsecret-file = \"webhook.secret\"\n\n\
         [probe]\ninterval = \"50ms\"\nretry = \"20ms\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n"
    ));
    let program = site.start();
    Lab { site, master, program }
}

#[test]
fn each_change_of_verdict_is_told_signed_with_its_reason_and_its_pools() {
    let receiver = Receiver::start(&[204]);
    let mut lab = lab(&format!("http://{}/hooks/edgedns?token=abc", receiver.place));
    let address = lab.master.address();
    lab.master.close();
    let down = receiver.wait_for(1).remove(0);
    down.assert_signed();
    assert!(down.head.starts_with("post /hooks/edgedns?token=abc http/1.1\r\n"), "{}", down.head);
    assert_eq!(down.changes(), [format!("{address}:6443 down after 2 failures: connection refused")]);
    let change = down.json()["changes"][0].clone();
    assert_eq!((change["from"].as_str(), change["to"].as_str()), (Some("up"), Some("down")));
    assert_eq!(change["pools"][0], "api.lab.example. A");
    lab.master.open();
    let up = receiver.wait_for(2).remove(1);
    up.assert_signed();
    assert_eq!(up.changes(), [format!("{address}:6443 up after 2 passes")]);
    wait_for("what was told", PATIENCE, || (lab.site.status()["webhook"]["told"] == 2).then_some(()));
    let status = lab.site.status();
    assert_eq!(status["webhook"]["url"], format!("http://{}/hooks/edgedns?…", receiver.place));
    assert_eq!(status["webhook"]["dropped"], 0);
    lab.program.stop();
}

#[test]
fn a_receiver_that_is_away_or_busy_is_told_later_and_one_that_refuses_is_not_asked_again() {
    let receiver = Receiver::start(&[503, 429, 200, 400, 200]);
    let mut lab = lab(&format!("http://{}/", receiver.place));
    lab.master.close();
    let letters = receiver.wait_for(3);
    assert!(
        letters.iter().all(|letter| letter.body == letters[0].body),
        "the same letter, until it is taken"
    );
    lab.program.wait_for_line("status 503: said; it is tried again");
    lab.program.wait_for_line("takes changes again");
    lab.master.open();
    lab.program.wait_for_line("refuses them: status 400: said");
    lab.master.close();
    let last = receiver.wait_for(5).remove(4);
    assert_ne!(last.json()["letter"], letters[0].json()["letter"]);
    wait_for("the counts", PATIENCE, || {
        let webhook = lab.site.status()["webhook"].clone();
        (webhook["told"] == 2 && webhook["dropped"] == 1 && webhook["failures"] == 3).then_some(())
    });
    lab.program.stop();
}

#[test]
fn a_receiver_that_hangs_or_is_gone_delays_neither_answers_nor_the_end() {
    let gone = free_port(loopback());
    for url in [format!("http://{}/", Receiver::start(&[0]).place), format!("http://{gone}/")] {
        let mut lab = lab(&url);
        let address = lab.master.address();
        for _ in 0..3 {
            lab.master.close();
            lab.program.wait_for_line("down after 2 failures");
            lab.master.open();
            lab.program.wait_for_addresses("api.lab.example.", &[address]);
        }
        let begin = std::time::Instant::now();
        lab.program.stop();
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}

#[test]
fn targets_that_the_log_of_a_start_tells_in_total_are_told_each() {
    let receiver = Receiver::start(&[204]);
    let site = Site::new();
    let addresses: String = (0..25).map(|_| format!("api A {}\n", loopback())).collect();
    site.write("lab.zone", &format!("$TTL 10\n@ SOA ns a 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n{addresses}"));
    site.write("webhook.secret", &format!("{SECRET}\n"));
    site.configure(&format!(
        "[admin]\nsocket = \"control.sock\"\n\n[webhook]\nurl = \"http://{}/hook\"\nsecret-file = \"webhook.secret\"\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n",
        receiver.place
    ));
    let program = site.start();
    program.wait_for_line("25 of 25 targets were down when first probed, 5 of them not named here");
    wait_for("each change", PATIENCE, || {
        let letters = receiver.letters.lock().unwrap().clone();
        (letters.iter().map(|letter| letter.changes().len()).sum::<usize>() == 25).then_some(())
    });
    assert_eq!(site.status()["changes"].as_array().map(Vec::len), Some(25));
    program.stop();
}

#[test]
fn what_a_reload_leaves_untold_is_counted_and_logged_and_letters_go_on_with_their_numbers() {
    let hangs = Receiver::start(&[0]);
    let mut lab = lab(&format!("http://{}/hook", hangs.place));
    lab.master.close();
    let untold = hangs.wait_for(1).remove(0);
    let other = Receiver::start(&[204]);
    let config = std::fs::read_to_string(lab.site.folder().join("edgedns.toml")).expect("the config");
    let config = config.replace(&hangs.place.to_string(), &other.place.to_string());
    lab.site.write("edgedns.toml", &config);
    lab.program.reload_and_wait();
    lab.program.wait_for_line("changes of verdict that it was not told before the end: 1");
    lab.master.open();
    let letter = other.wait_for(1).remove(0).json();
    assert_eq!((&letter["letter"], &letter["since"]), (&Value::from(2), &untold.json()["since"]));
    wait_for("the count", PATIENCE, || {
        let webhook = lab.site.status()["webhook"].clone();
        (webhook["told"] == 1 && webhook["dropped"] == 1 && webhook["waiting"] == 0).then_some(())
    });
    lab.program.stop();
}

#[test]
fn a_secret_that_is_short_and_a_name_are_refused_with_the_remedy() {
    let site = Site::new();
    site.write("webhook.secret", "short\n");
    let said = |url: &str| {
        site.configure(&format!("[webhook]\nurl = \"{url}\"\nsecret-file = \"webhook.secret\"\n"));
        let checked = site.check();
        assert!(!checked.status.success());
        String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned()
    };
    let both = said("https://hooks.example.com/edgedns");
    assert!(both.contains("a secret is 16 bytes at least, as `openssl rand -hex 32` makes it"), "{both}");
    assert!(both.contains("`hooks.example.com` is no address"), "{both}");
    assert!(both.contains("as `server-name`"), "{both}");
    let sentence = said("https://hooks.example.com/services/T0K3N");
    let sentence = sentence.lines().find(|line| line.contains("hooks.example.com`")).unwrap_or_default();
    assert!(sentence.contains("`https://hooks.example.com/…`") && !sentence.contains("T0K3N"), "{sentence}");
}
