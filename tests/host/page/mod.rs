//! The status page in a browser, which loads it once and waits: what it shows, and when. How it looks is not
//! tested.

mod browser;

use std::net::Ipv4Addr;

use browser::Browser;
use harness::client::ask;
use harness::lab::{API, Lab, PORT};
use harness::{PATIENCE, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

/// Each tile of a member: address, word, shape and class.
const TILES: &str = "return [...document.querySelectorAll('.member')].map((tile) => \
     [tile.querySelector('.address').textContent, tile.querySelector('.verdict').textContent, \
      tile.querySelector('.verdict use').getAttribute('href'), tile.className])";

/// The serial of the zone, as people write them.
const SERIAL: u32 = 2026112101;

/// Three masters behind one name, and a browser that looks at them.
struct Watched {
    lab: Lab,
    browser: Browser,
}

impl Watched {
    /// None without a browser.
    fn new() -> Option<Watched> {
        let browser = Browser::start()?;
        let lab = Lab::new();
        lab.write_zone(SERIAL);
        Some(Watched { lab, browser })
    }

    /// Loads the page, and leaves a mark in it that a reload would wipe out.
    fn open(&self) {
        self.browser.go(&format!("http://{}/", self.lab.admin));
        self.browser.run("window.mark = 'since the start'");
    }

    fn assert_not_reloaded(&self) {
        assert_eq!(self.browser.run("return window.mark"), "since the start");
    }

    /// Waits until the tiles of the masters have these words, with the shapes and classes that go with them.
    fn wait_for_tiles(&self, words: [&str; 3]) {
        let tile = |(host, word): (&Ipv4Addr, &str)| {
            json!([host.to_string(), word, format!("#shape-{word}"), format!("member {word}")])
        };
        let wanted = Value::from(self.lab.hosts.iter().zip(words).map(tile).collect::<Vec<_>>());
        wait_for(&format!("{words:?}"), PATIENCE, || (self.browser.run(TILES) == wanted).then_some(()));
    }

    /// Waits until the text of what a selector finds holds these words.
    fn wait_for_text(&self, selector: &str, words: &str) {
        let script = format!("return document.querySelector('{selector}').innerText");
        wait_for(&format!("{words:?} in {selector}"), PATIENCE, || {
            self.browser.run(&script).as_str()?.contains(words).then_some(())
        });
    }
}

#[test]
fn a_master_that_goes_is_seen_to_go_and_to_come_back_without_a_reload() {
    let Some(mut watched) = Watched::new() else { return };
    let program = watched.lab.site.start();
    watched.open();
    watched.wait_for_tiles(["up", "up", "up"]);
    let [first, second, third] = watched.lab.hosts.map(|host| host.to_string());
    watched.wait_for_text(".answers", &second);
    watched.wait_for_text("#live", "live");
    watched.lab.masters[1].close();
    watched.wait_for_tiles(["up", "down", "up"]);
    let answering = "return [...document.querySelectorAll('.answers .address')].map((one) => one.innerText)";
    assert_eq!(watched.browser.run(answering), json!([first, third]));
    watched.wait_for_text(".member.down", "connection refused");
    watched.wait_for_text(
        "#changes",
        &format!("{second}:{PORT} down after 1 failure: connection refused, was up"),
    );
    assert_eq!(watched.browser.run("return document.title"), "✕ 1 down – edgedns");
    // The last outcomes: some that passed, and then failures.
    let bars = "return ['pass', 'fail'].map((kind) => document.querySelector(`.member.down .spark .${kind}`).getAttribute('d') !== '')";
    wait_for("the sparkline", PATIENCE, || (watched.browser.run(bars) == json!([true, true])).then_some(()));
    watched.lab.masters[1].open();
    watched.wait_for_tiles(["up", "up", "up"]);
    assert_eq!(watched.browser.run("return document.title"), "edgedns");
    watched.assert_not_reloaded();
    assert_eq!(watched.browser.complaints(), json!([]));
    program.stop();
}

#[test]
fn zones_and_queries_are_shown_and_a_zone_that_cannot_be_read_says_why() {
    let Some(watched) = Watched::new() else { return };
    let program = watched.lab.site.start();
    watched.open();
    watched.wait_for_text("#zones tbody", &SERIAL.to_string());
    watched.wait_for_text("#zones tbody", "served");
    for _ in 0..5 {
        assert!(ask(program.listen(), API, RecordType::A).is_some());
    }
    watched.wait_for_text("#rate-figure", "5 in all");
    watched.lab.site.write("lab.zone", "@ SOA nonsense\n");
    program.reload();
    watched.wait_for_text("#zones tbody", "older version served");
    watched.wait_for_text("#zones .fault", "lab.zone:1:");
    watched.wait_for_text("#trouble", &format!("stays at serial {SERIAL}"));
    watched.wait_for_tiles(["up", "up", "up"]);
    watched.assert_not_reloaded();
    program.stop();
}

#[test]
fn a_server_that_stops_answering_is_said_so_and_its_return_is_seen() {
    let Some(watched) = Watched::new() else { return };
    let program = watched.lab.site.start();
    watched.open();
    watched.wait_for_text("#live", "live");
    assert_eq!(watched.browser.run("return document.getElementById('silence').hidden"), true);
    program.stop();
    watched.wait_for_text("#silence", "The server does not answer.");
    watched.wait_for_text("#live", "no answer");
    let program = watched.lab.site.start();
    watched.wait_for_text("#live", "live");
    assert_eq!(watched.browser.run("return document.getElementById('silence').hidden"), true);
    watched.wait_for_tiles(["up", "up", "up"]);
    watched.assert_not_reloaded();
    program.stop();
}

#[test]
fn the_page_fits_a_telephone() {
    let Some(watched) = Watched::new() else { return };
    let program = watched.lab.site.start();
    watched.browser.narrow(320);
    watched.open();
    watched.wait_for_tiles(["up", "up", "up"]);
    let width = watched.browser.run("return document.documentElement.scrollWidth");
    assert_eq!(width, 320);
    program.stop();
}
