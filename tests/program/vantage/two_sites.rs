//! Two sites that hear each other by way of an etcd at a third place, with the config of docs/many-sites.md: what each answers
//! to clients elsewhere and on its host while a cluster is down, the sites are cut off from each other, and etcd is gone.

use std::fs;
use std::net::Ipv4Addr;

use harness::etcd::{Etcd, Security};
use harness::program::{Program, Site};
use harness::{PATIENCE, loopback, wait_for};

use super::Gate;
use crate::sites::documented;

/// Whose routers are answered: of `www`, and of `shop`.
type Names = [&'static [usize]; 2];

const WELL: Names = [&[0, 1], &[0]];
const OF_FIRST: Names = [&[0], &[0]];
const OF_SECOND: Names = [&[1], &[1]];

/// The sites, each with the address that it probes from; and the routers.
struct TwoSites {
    routers: [Gate; 2],
    sites: Vec<(Site, Ipv4Addr, Program)>,
}

impl TwoSites {
    fn start(etcd: &Etcd) -> TwoSites {
        let first = Gate::open();
        let port = first.place.port();
        let routers = [first, Gate::open_at(port)];
        let addresses = routers.each_ref().map(|router| router.place.ip().to_string());
        let endpoints = etcd.endpoints();
        let config = documented(|block| block.contains("[vantage]"))
            .replace("https://203.0.113.9:2379", &endpoints[0])
            .replace("198.51.100.10", &addresses[1]);
        let zone = format!(
            "$TTL 30\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.test.\nwww A {0}\nwww A {1}\nshop A {0}\n",
            addresses[0], addresses[1]
        );
        let start = |number: usize| {
            let (site, source) = (Site::new(), loopback());
            fs::create_dir(site.folder().join("zones")).expect("a folder");
            site.write("zones/plain.zone", &zone);
            let config = config.replace("name = \"site-1\"", &format!("name = \"site-{number}\"")).replace(
                "tcp = 443",
                &format!("http = {{ port = {port}, path = \"/\" }}\nsource = \"{source}\""),
            );
            site.configure(&format!(
                "[admin]\nsocket = \"{}\"\n[probe]\ninterval = \"200ms\"\nretry = \"50ms\"\n{config}",
                site.folder().join("control.sock").display()
            ));
            let program = site.start();
            (site, source, program)
        };
        TwoSites { routers, sites: (1..=2).map(start).collect() }
    }

    /// Has routers hang up on sites: those on whom the first one does, and the second.
    fn shut_to(&self, sites: [&[usize]; 2]) {
        for (router, sites) in self.routers.iter().zip(sites) {
            let sources: Vec<Ipv4Addr> = sites.iter().map(|site| self.sites[*site].1).collect();
            router.shut_to(&sources);
        }
    }

    /// What a site answers to clients elsewhere, and to those on its host.
    fn answers(&self, site: usize) -> Option<[[Vec<usize>; 2]; 2]> {
        let status = self.sites[site].0.status();
        let pools = status["pools"].as_array()?;
        let of = |label: &str, whom: &str| {
            let owner = format!("{label}.ocp4.example.com.");
            let pool = pools.iter().find(|pool| pool["owner"] == owner.as_str())?;
            let answering = pool.get(whom).unwrap_or(&pool["answering"]).as_array()?;
            let has = |place: &usize| {
                let address = self.routers[*place].place.ip().to_string();
                answering.iter().any(|one| one.as_str() == Some(&address))
            };
            Some((0..2).filter(has).collect())
        };
        Some([
            [of("www", "elsewhere")?, of("shop", "elsewhere")?],
            [of("www", "answering")?, of("shop", "answering")?],
        ])
    }

    /// Waits until the sites answer so: both the same to clients elsewhere, or each otherwise.
    #[track_caller]
    fn wait(&self, what: &str, elsewhere: [Names; 2], here: [Names; 2]) {
        for site in 0..2 {
            let wanted = [elsewhere[site], here[site]].map(|names| names.map(<[usize]>::to_vec));
            let mut last = None;
            wait_for(&format!("{what}, site {}: {wanted:?}", site + 1), PATIENCE, || {
                last = self.answers(site);
                (last.as_ref() == Some(&wanted)).then_some(())
            });
        }
    }
}

#[test]
fn two_sites_answer_with_what_either_reaches_while_they_hear_each_other() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    let two = TwoSites::start(&etcd);
    two.wait("all is well", [WELL; 2], [WELL; 2]);
    two.shut_to([&[0, 1], &[]]);
    two.wait("the first cluster is down", [OF_SECOND; 2], [OF_SECOND; 2]);
    two.shut_to([&[1], &[0]]);
    two.wait("the sites do not reach each other", [WELL; 2], [OF_FIRST, OF_SECOND]);
    etcd.kill(0);
    two.wait("etcd is gone", [OF_FIRST, OF_SECOND], [OF_FIRST, OF_SECOND]);
    etcd.restart(0);
    two.wait("etcd is back", [WELL; 2], [OF_FIRST, OF_SECOND]);
    two.shut_to([&[], &[]]);
    two.wait("the link is whole", [WELL; 2], [WELL; 2]);
}
