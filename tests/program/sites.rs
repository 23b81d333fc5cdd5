//! Pools over two sites, each with an edgedns of its own, as docs/many-sites.md shows them: what each answers to whom while
//! a site is down, and while the sites do not reach each other.
//!
//! Each site probes at a port of its own, so that the way of one to the other can be cut alone.

use std::net::IpAddr;
use std::path::Path;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask};
use harness::master::Master;
use harness::program::{Program, Site};
use harness::{PATIENCE, loopback, wait_for};

/// The config of the document that `is_it`, at one of its two sites.
pub(crate) fn documented(is_it: impl Fn(&str) -> bool) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/many-sites.md");
    let page = std::fs::read_to_string(page).expect("the document");
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().expect("an end"));
    let wanted: Vec<&str> = blocks.filter(|block| block.contains("198.51.100.10") && is_it(block)).collect();
    let [block] = wanted[..] else { panic!("{} configs have two sites", wanted.len()) };
    block.to_owned()
}

/// Two sites: a router at each, as each site sees it.
struct Sites {
    /// By who probes, then by whose router it is.
    routers: [[Master; 2]; 2],
    addresses: [IpAddr; 2],
    programs: Vec<Program>,
    _folders: Vec<Site>,
}

/// Ports that the sites probe at.
const PORTS: [u16; 2] = [443, 444];

impl Sites {
    fn start() -> Sites {
        let hosts = [loopback(), loopback()];
        let routers = PORTS.map(|port| hosts.map(|host| Master::open_at(host, port)));
        let (mut programs, mut folders) = (Vec::new(), Vec::new());
        for port in PORTS {
            let site = Site::new();
            let text = documented(|block| !block.contains("[vantage]"))
                .replace("tcp = 443", &format!("tcp = {port}\ninterval = \"100ms\"\nretry = \"20ms\""));
            let text = text
                .replace("192.0.2.10", &hosts[0].to_string())
                .replace("198.51.100.10", &hosts[1].to_string());
            let zone = format!(
                "$TTL 30\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.test.\n\
                 www A {}\nwww A {}\nshop A {}\n",
                hosts[0], hosts[1], hosts[0]
            );
            std::fs::create_dir(site.folder().join("zones")).expect("a folder");
            site.write("zones/plain.zone", &zone);
            site.configure(&text);
            programs.push(site.start());
            folders.push(site);
        }
        Sites { routers, addresses: hosts.map(IpAddr::V4), programs, _folders: folders }
    }

    /// Whose routers a site answers with, of a name with shares: everybody who is seen in many answers.
    fn shares(&self, site: usize) -> Vec<usize> {
        let answers = (0..60).filter_map(|_| self.answer(site, "www"));
        let mut seen: Vec<usize> = answers.flatten().collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    }

    fn answer(&self, site: usize, name: &str) -> Option<Vec<usize>> {
        let response =
            ask(self.programs[site].listen(), &format!("{name}.ocp4.example.com."), RecordType::A)?;
        assert_eq!(response.metadata.response_code, ResponseCode::NoError);
        let place = |address: &IpAddr| self.addresses.iter().position(|own| own == address);
        Some(addresses(&response).iter().map(|address| place(address).expect("a router")).collect())
    }

    /// Waits until both sites answer so: `www` by shares, `shop` with a backup.
    #[track_caller]
    fn wait(&self, what: &str, www: [&[usize]; 2], shop: [&[usize]; 2]) {
        for site in 0..2 {
            wait_for(&format!("{what}: site {site}"), PATIENCE, || {
                let is_so = self.shares(site) == www[site] && self.answer(site, "shop")? == shop[site];
                is_so.then_some(())
            });
        }
    }
}

#[test]
fn two_sites_answer_with_what_each_reaches() {
    let mut sites = Sites::start();
    sites.wait("all is well", [&[0, 1], &[0, 1]], [&[0], &[0]]);
    // The first site is down, for everybody.
    sites.routers.iter_mut().for_each(|seen| seen[0].close());
    sites.wait("the first site is down", [&[1], &[1]], [&[1], &[1]]);
    sites.routers.iter_mut().for_each(|seen| seen[0].open());
    sites.wait("it is back", [&[0, 1], &[0, 1]], [&[0], &[0]]);
    // The sites do not reach each other: each answers with its own.
    sites.routers[0][1].close();
    sites.routers[1][0].close();
    sites.wait("the link is cut", [&[0], &[1]], [&[0], &[1]]);
    // It is cut one way: the second site reaches nobody but itself, the first one both.
    sites.routers[0][1].open();
    sites.wait("the link is cut one way", [&[0, 1], &[1]], [&[0], &[1]]);
    sites.routers[1][0].open();
    sites.wait("it is whole", [&[0, 1], &[0, 1]], [&[0], &[0]]);
    // Nobody is reached: `all-down` says what is answered then.
    sites.routers.iter_mut().flatten().for_each(Master::close);
    for site in 0..2 {
        wait_for("all are answered", PATIENCE, || (sites.shares(site) == [0, 1]).then_some(()));
    }
}
