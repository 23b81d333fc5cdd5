//! Reading at once gives what reading one after the other gives.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::*;
use crate::source::Look;
use crate::zones::{READERS_MAX, Serving, ZoneVersion, readers_max};

/// Names of a zone: three of them are worth a second thread.
const NAMES: u32 = 5_000;

/// Zones of all kinds, each with what it shall not lose: large ones, one that includes, one that is broken in
/// two places, one whose file is missing, reverse ones read and made, and one with a warning.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        let head = "$TTL 60\n@ SOA ns.a.example. h.a.example. 7 3600 600 86400 60\n@ NS ns.a.example.\n";
        let names = (0..NAMES).fold(head.to_owned(), |mut text, number| {
            let _ = writeln!(text, "h{number} A 192.0.2.{}", number % 250);
            text
        });
        site.write(
            "a.zone",
            &format!("{names}ns A 192.0.2.53\nlua LUA A \"ifportup(443, {{'192.0.2.7'}})\"\n"),
        );
        site.write("b.zone", &format!("{names}$INCLUDE more.inc\n"));
        site.write("more.inc", "more A 192.0.2.9\nmore A 192.0.2.9\n");
        site.write("c.zone", &format!("{names}bad AA 1\n$INCLUDE none.inc\n"));
        site.write("r.zone", &format!("{head}1 PTR h1.a.example.\n"));
        let made = "reverse-of = \"a.example\"";
        let zones = [
            ("2.0.192.in-addr.arpa", made),
            ("a.example", "file = \"a.zone\""),
            ("c.example", "file = \"c.zone\""),
            ("missing.example", "file = \"missing.zone\""),
            ("1.0.192.in-addr.arpa", "file = \"r.zone\""),
            ("b.example", "file = \"b.zone\""),
        ];
        let zones = zones.map(|(name, source)| format!("[[zone]]\nname = \"{name}\"\n{source}\n"));
        site.write("edgedns.toml", &zones.join("\n"));
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, readers: usize) -> LoadResult {
        self.read_again(readers, Vec::new())
    }

    fn read_again(&self, readers: usize, served: Vec<Arc<ZoneVersion>>) -> LoadResult {
        LoadResult::by(readers, &self.path("edgedns.toml"), &serve(served), |_, _| {})
    }
}

fn serve(versions: Vec<Arc<ZoneVersion>>) -> Purpose {
    Purpose::Serve(Serving { versions, ..Serving::default() })
}

/// What is served of a reading.
fn versions(reading: LoadResult) -> Vec<Arc<ZoneVersion>> {
    let zones = reading.loaded.unwrap().zones.into_iter();
    zones.filter_map(|zone| zone.version).collect()
}

/// Everything that is said of a reading, drawn, and what is served of it.
fn told(reading: &LoadResult) -> Vec<String> {
    let faults = reading.faults().map(|fault| reading.sources.render(fault, Look::Plain));
    let zones = reading.loaded.iter().flat_map(|loaded| &loaded.zones).map(|zone| {
        let version = zone.version.as_ref();
        let made = version.map(|version| (version.serial, version.records, &version.inputs.texts));
        format!("{} {made:?} {:?} {:?}", zone.id, zone.error, zone.drawn)
    });
    let stands = reading.digests().into_iter().map(|stand| format!("{stand:?}"));
    faults.chain(zones).chain(stands).collect()
}

#[test]
fn zones_that_are_read_at_once_are_told_of_and_served_as_if_read_one_after_the_other() {
    let site = Site::new();
    let one = site.read(1);
    let zones = &one.loaded.as_ref().unwrap().zones;
    let served: Vec<bool> = zones.iter().map(|zone| zone.version.is_some()).collect();
    assert_eq!(served, [true, true, false, false, true, true]);
    let expected = told(&one);
    assert!(
        expected.iter().any(|said| said.contains("c.zone:5004:") && said.contains("`AA`")),
        "{expected:?}"
    );
    assert!(expected.iter().any(|said| said.contains("more.inc:2:1")), "{expected:?}");
    for _ in 0..8 {
        let four = site.read(4);
        assert_eq!(told(&four), expected);
        let others = &four.loaded.as_ref().unwrap().zones;
        for (zone, other) in zones.iter().zip(others) {
            let (compiled, same) = (&zone.version, &other.version);
            let is_same =
                compiled.as_ref().map(|one| &*one.compiled) == same.as_ref().map(|one| &*one.compiled);
            assert!(is_same, "{}: the compiled zone is another one", zone.id);
        }
    }
}

#[test]
fn a_zone_that_has_not_changed_keeps_its_book_when_others_are_read_at_once() {
    let site = Site::new();
    let before = versions(site.read(4));
    let more = format!("{}more A 192.0.2.99\n", fs::read_to_string(site.path("a.zone")).unwrap());
    site.write("a.zone", &more);
    let after = versions(site.read_again(4, before.clone()));
    let same = before.iter().zip(&after).map(|(version, now)| {
        assert_eq!(version.id, now.id);
        Arc::ptr_eq(&version.compiled, &now.compiled)
    });
    // The first zone is made from the second, which has changed.
    assert_eq!(same.collect::<Vec<bool>>(), [false, false, true, true]);
}

#[test]
fn a_check_takes_one_zone_after_the_other_and_a_reload_leaves_cores_to_those_who_answer() {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let start = serve(Vec::new());
    assert_eq!(readers_max(&Purpose::Check), 1);
    assert_eq!(readers_max(&start), cores.min(READERS_MAX));
    let site = Site::new();
    let reload = serve(versions(site.read(1)));
    assert_eq!(readers_max(&reload), (cores / 2).clamp(1, READERS_MAX));
}
