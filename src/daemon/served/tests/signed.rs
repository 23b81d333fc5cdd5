//! Which pools of signed zones are noted, so that what one more change leads them to is signed ahead.

use super::*;
use crate::dnssec::{Algorithm, Pair, SEP, Timing, ZONE_KEY, write_key};

const PLAIN: &str = "[[zone]]\nname = \"plain.example\"\nfile = \"plain\"\n";
const SIGNED: &str = "[[zone]]\nname = \"signed.example\"\nfile = \"zone\"\n[[zone.probe]]\nnames = [\"api\", \"apps\"]\n\
    tcp = 6443\n[zone.dnssec]\nkeys = \"keys\"\n";
/// 192.0.2.2 for `api`, 192.0.2.2 and .3 for `apps`.
const POOLS: &str = "api A 192.0.2.2\napps A 192.0.2.2\napps A 192.0.2.3\n";

fn config(zones: &[&str]) -> String {
    format!("[server]\nlisten = [\"127.0.0.1:5300\"]\n{}", zones.concat())
}

/// A site with a plain zone and behind it one that is signed here.
fn site() -> Site {
    let site = Site::empty(&config(&[PLAIN, SIGNED]));
    site.write("zone", &format!("{}{POOLS}", relative(1).replace("api A 192.0.2.2\n", "")));
    site.write("plain", &relative(1));
    let keys = site.path("keys");
    std::fs::create_dir(&keys).unwrap();
    let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
    write_key(&keys, &"signed.example.".parse().unwrap(), public, &secret, &Timing::ALWAYS).unwrap();
    site.read()
}

/// The zones with noted pools, and the places of these.
fn noted(site: &mut Site) -> Vec<(String, Vec<usize>)> {
    let noted = site.served.take_signed_anew();
    noted.into_iter().map(|one| (one.zone.to_string(), one.places)).collect()
}

#[test]
fn pools_that_stay_as_they_were_are_not_signed_ahead_anew() {
    let mut site = site();
    let up: Board = [Verdict::Up; 2].into_iter().collect();
    let one_down: Board = [Verdict::Up, Verdict::Down].into_iter().collect();
    let all = vec![("signed.example.".to_owned(), vec![0, 1])];
    let mut last = site.served.follow(&Snapshot::default(), &up, &up);
    assert_eq!(noted(&mut site), all);

    // A reload that changes nothing, and one after which the zone stands at another place.
    let mut site = site.read();
    last = site.served.follow(&last, &up, &up);
    assert_eq!(noted(&mut site), []);
    site.write("config", &config(&[SIGNED]));
    let mut site = site.read();
    last = site.served.follow(&last, &up, &up);
    assert_eq!(noted(&mut site), []);

    // The same with a flip.
    site.write("config", &config(&[PLAIN, SIGNED]));
    let mut site = site.read();
    last = site.served.follow(&last, &up, &one_down);
    assert_eq!(noted(&mut site), [("signed.example.".to_owned(), vec![1])]);

    // The version changes beside its pools, which others do not sign.
    let place = site.served.place(&"signed.example.".parse::<Name>().unwrap().into()).unwrap();
    let version = Arc::clone(site.served.version(place).unwrap());
    let event = Event::Accepted { version, holds: Some(Duration::from_secs(600)) };
    let let_go = site.served.apply(place, event, None, Instant::now());
    site.targets.release(let_go);
    assert!(site.served.has_changed());
    last = site.served.follow(&last, &one_down, &one_down);
    assert_eq!(noted(&mut site), []);

    // A change of the zone that a reload without the zone before it overtakes.
    site.write("zone", &format!("{}{POOLS}", relative(2).replace("api A 192.0.2.2\n", "")));
    let site = site.read();
    site.write("config", &config(&[SIGNED]));
    let mut site = site.read();
    site.served.follow(&last, &one_down, &one_down);
    assert_eq!(noted(&mut site), all);
}
