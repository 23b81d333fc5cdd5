//! The status page in a browser, which loads it once and waits: what it shows, and when. How it looks is not
//! tested.

mod browser;

use std::net::{Ipv4Addr, SocketAddr};

use browser::Browser;
use harness::client::ask;
use harness::master::Master;
use harness::program::Site;
use harness::{PATIENCE, free_port, loopback, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};

const PORT: u16 = 6443;
const API: &str = "api.lab.example.";

/// Each tile of a member: address, word, shape and class.
const TILES: &str = "return [...document.querySelectorAll('.member')].map((tile) => \
     [tile.querySelector('.address').textContent, tile.querySelector('.verdict').textContent, \
      tile.querySelector('.verdict use').getAttribute('href'), tile.className])";

/// Three masters behind one name, and a browser that looks at them.
struct Lab {
    site: Site,
    hosts: [Ipv4Addr; 3],
    masters: [Master; 3],
    admin: SocketAddr,
    browser: Browser,
}

impl Lab {
    /// None where there is no browser.
    fn new() -> Option<Lab> {
        let browser = Browser::start()?;
        let hosts = [loopback(), loopback(), loopback()];
        let masters = hosts.map(|host| Master::open_at(host, PORT));
        let lab = Lab { site: Site::new(), hosts, masters, admin: free_port(loopback()), browser };
        let addresses: String = hosts.iter().map(|host| format!("api A {host}\n")).collect();
        let soa = "@ SOA ns.lab.example. root.lab.example. 2026112101 3600 600 86400 60";
        lab.site.write("lab.zone", &format!("$TTL 60\n{soa}\n@ NS ns\nns A 127.0.0.1\n{addresses}"));
        lab.site.configure(&format!(
            "[admin]\nlisten = \"{}\"\n\n[probe]\ninterval = \"100ms\"\nretry = \"20ms\"\nrise = 1\nfall = 1\n\
             \n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
             \n[[zone.probe]]\nnames = [\"api\"]\ntcp = {PORT}\n",
            lab.admin
        ));
        Some(lab)
    }

    /// Loads the page, and leaves a mark in it that a reload would wipe out.
    fn open(&self) {
        self.browser.go(&format!("http://{}/", self.admin));
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
        let wanted = Value::from(self.hosts.iter().zip(words).map(tile).collect::<Vec<_>>());
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
    let Some(mut lab) = Lab::new() else { return };
    let program = lab.site.start();
    lab.open();
    lab.wait_for_tiles(["up", "up", "up"]);
    let [first, second, third] = lab.hosts.map(|host| host.to_string());
    lab.wait_for_text(".answers", &second);
    lab.wait_for_text("#live", "live");
    lab.masters[1].close();
    lab.wait_for_tiles(["up", "down", "up"]);
    let answering = "return [...document.querySelectorAll('.answers .address')].map((one) => one.innerText)";
    assert_eq!(lab.browser.run(answering), json!([first, third]));
    lab.wait_for_text(".member.down", "connection refused");
    lab.wait_for_text("#changes", &format!("{second}:{PORT} down, was up: connection refused"));
    assert_eq!(lab.browser.run("return document.title"), "✕ 1 down – edgedns");
    // The last outcomes: some that passed, and then failures.
    let bars = "return ['pass', 'fail'].map((kind) => document.querySelector(`.member.down .spark .${kind}`).getAttribute('d') !== '')";
    wait_for("the sparkline", PATIENCE, || (lab.browser.run(bars) == json!([true, true])).then_some(()));
    lab.masters[1].open();
    lab.wait_for_tiles(["up", "up", "up"]);
    assert_eq!(lab.browser.run("return document.title"), "edgedns");
    lab.assert_not_reloaded();
    assert_eq!(lab.browser.complaints(), json!([]));
    program.stop();
}

#[test]
fn zones_and_queries_are_shown_and_a_zone_that_cannot_be_read_says_why() {
    let Some(lab) = Lab::new() else { return };
    let program = lab.site.start();
    lab.open();
    lab.wait_for_text("#zones tbody", "2026112101");
    lab.wait_for_text("#zones tbody", "served");
    for _ in 0..5 {
        assert!(ask(program.listen(), API, RecordType::A).is_some());
    }
    lab.wait_for_text("#rate-figure", "5 in all");
    lab.site.write("lab.zone", "@ SOA nonsense\n");
    program.reload();
    lab.wait_for_text("#zones tbody", "older version served");
    lab.wait_for_text("#zones .fault", "lab.zone:1:");
    lab.wait_for_text("#trouble", "stays at serial 2026112101");
    lab.wait_for_tiles(["up", "up", "up"]);
    lab.assert_not_reloaded();
    program.stop();
}

#[test]
fn a_server_that_stops_answering_is_said_so_and_its_return_is_seen() {
    let Some(lab) = Lab::new() else { return };
    let program = lab.site.start();
    lab.open();
    lab.wait_for_text("#live", "live");
    assert_eq!(lab.browser.run("return document.getElementById('silence').hidden"), true);
    program.stop();
    lab.wait_for_text("#silence", "The server does not answer.");
    lab.wait_for_text("#live", "no answer");
    let program = lab.site.start();
    lab.wait_for_text("#live", "live");
    assert_eq!(lab.browser.run("return document.getElementById('silence').hidden"), true);
    lab.wait_for_tiles(["up", "up", "up"]);
    lab.assert_not_reloaded();
    program.stop();
}

#[test]
fn the_page_fits_a_telephone() {
    let Some(lab) = Lab::new() else { return };
    let program = lab.site.start();
    lab.browser.narrow(320);
    lab.open();
    lab.wait_for_tiles(["up", "up", "up"]);
    let width = lab.browser.run("return document.documentElement.scrollWidth");
    assert_eq!(width, 320);
    program.stop();
}
