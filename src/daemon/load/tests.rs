//! What is read again, what is not, and what is taken when nothing can be read.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::dns::name::steps;
use crate::source::{Digest, TextFile};
use crate::zones::{Good, LastGoodKeeper, Marks, ReadCause, Serving, Stamp, ZoneVersion};

/// A folder with a config file and two zones, of which one includes a file.
struct Site {
    folder: TempDir,
}

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:5300\"]\n\n[admin]\nstate-directory = \"state\"\n\n\
    [[zone]]\nname = \"one.example\"\nfile = \"one.zone\"\n\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n\n\
    [[zone]]\nname = \"two.example\"\nfile = \"two.zone\"\n";

fn zone(serial: u32) -> String {
    format!("$TTL 60\n@ SOA ns h {serial} 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\napi A 192.0.2.1\n")
}

/// A zone with what is hard to write: a LUA record, an include, escapes.
fn rich(serial: u32) -> String {
    format!(
        "{}$INCLUDE more.inc\n\\000\\.x TXT \"a\\\"b\" \\255 ; a remark\nlua IN LUA A \"ifportup(443, {{'192.0.2.7', \
         '192.0.2.8'}})\"\n",
        zone(serial)
    )
}

fn serve(versions: Vec<Arc<ZoneVersion>>) -> Purpose {
    Purpose::Serve(Serving { versions, ..Serving::default() })
}

impl Site {
    fn new() -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        site.write("edgedns.toml", CONFIG);
        site.write("one.zone", &zone(1));
        site.write("two.zone", &rich(1));
        site.write("more.inc", "more A 192.0.2.9\n");
        fs::create_dir(site.path("state")).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as if that had been a minute ago.
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        let file = fs::File::options().write(true).open(self.path(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(60)).unwrap();
    }

    fn read(&self, served: &[LoadedZone]) -> Vec<LoadedZone> {
        let served = served.iter().filter_map(|zone| zone.version.clone());
        let purpose = serve(served.collect());
        LoadResult::new(&self.path("edgedns.toml"), &purpose, |_, _| {}).loaded.unwrap().zones
    }

    /// Which of the zones are still what they were, in memory.
    fn same(&self, before: &[LoadedZone]) -> Vec<bool> {
        let after = self.read(before);
        let same = before.iter().zip(&after).map(|(before, after)| {
            let (before, after) = (before.version.as_ref().unwrap(), after.version.as_ref().unwrap());
            let compiled = Arc::ptr_eq(&before.compiled, &after.compiled);
            let pools = before.pools.iter().zip(&*after.pools).all(|(one, other)| Arc::ptr_eq(one, other));
            assert!(before.pools.is_empty() || compiled == pools);
            compiled
        });
        same.collect()
    }

    async fn keep(&self, zones: &[LoadedZone]) {
        let keeper = LastGoodKeeper::start();
        let good = zones.iter().filter_map(|zone| {
            let version = zone.version.as_ref()?;
            let inputs = Arc::clone(&version.inputs);
            Some(Good { zone: zone.id.clone(), serial: version.serial, loaded_at: version.loaded_at, inputs })
        });
        keeper.keep(Some(&self.path("state")), good.collect());
        keeper.stop().await;
    }
}

#[test]
fn a_zone_that_has_not_changed_keeps_its_book_its_pools_and_its_memory() {
    let site = Site::new();
    let before = site.read(&[]);
    assert!(before.iter().all(|zone| zone.is_whole() && !zone.version.as_ref().unwrap().pools.is_empty()));
    assert_eq!(site.same(&before), [true, true]);
    site.write("one.zone", &zone(2));
    assert_eq!(site.same(&before), [false, true]);
    // Written anew with the same text is no change.
    site.write("one.zone", &zone(1));
    assert_eq!(site.same(&before), [true, true]);
}

#[test]
fn a_zone_is_read_again_for_a_changed_include_guard_or_setting_and_not_for_a_moved_line() {
    let site = Site::new();
    let before = site.read(&[]);
    site.write("more.inc", "more A 192.0.2.10\n");
    assert_eq!(site.same(&before), [true, false]);
    site.write("more.inc", "more A 192.0.2.9\n");
    site.write("edgedns.toml", &format!("# moved\n\n{CONFIG}"));
    assert_eq!(site.same(&before), [true, true]);
    site.write("edgedns.toml", &CONFIG.replace("6443", "443"));
    assert_eq!(site.same(&before), [false, true]);
    site.write("edgedns.toml", &format!("{CONFIG}\n[lua]\nselector = \"random\"\n"));
    assert_eq!(site.same(&before), [false, false]);
}

#[test]
fn a_reading_knows_how_every_file_stood_read_or_not() {
    let site = Site::new();
    let before = site.read(&[]);
    fs::remove_file(site.path("one.zone")).unwrap();
    let served = before.iter().filter_map(|zone| zone.version.clone()).collect();
    let reading = LoadResult::new(&site.path("edgedns.toml"), &serve(served), |_, _| {});
    let digest = |name: &str| (site.path(name), Digest::of_file(&site.path(name)).ok());
    let expected: FileDigests = ["edgedns.toml", "more.inc", "one.zone", "two.zone"].map(digest).into();
    assert_eq!(reading.digests(), expected);
    assert_eq!(expected[&site.path("one.zone")], None);
}

#[tokio::test]
async fn a_broken_zone_is_taken_from_its_kept_text_and_is_the_same_zone() {
    let site = Site::new();
    let before = site.read(&[]);
    site.keep(&before).await;
    site.write("two.zone", "@ IN AA 1\n");
    // The kept text is whole in itself.
    fs::remove_file(site.path("more.inc")).unwrap();
    let after = site.read(&[]);
    let (was, is) = (before[1].version.as_ref().unwrap(), after[1].version.as_ref().unwrap());
    assert!(after[1].error.as_ref().unwrap().contains("two.zone:1:"), "{:?}", after[1].error);
    assert!(!after[1].is_whole());
    let seconds = |moment: std::time::SystemTime| {
        moment.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs()
    };
    assert_eq!(is.last_good_since().map(seconds), Some(seconds(was.loaded_at)));
    assert!(is.compiled == was.compiled, "the compiled zone is another one");
    assert_eq!((is.serial, is.records), (was.serial, was.records));
    // Pools, too, apart from where they stand in their text.
    let told = |version: &ZoneVersion| -> Vec<String> {
        version
            .pools
            .iter()
            .map(|pool| format!("{:?} {:?} {:?}", pool.owner, pool.lua, pool.groups))
            .collect()
    };
    assert_eq!(told(is), told(was));
    assert!(after[0].is_whole() && after[0].version.as_ref().unwrap().last_good_since().is_none());
    // Once its file can be read, it is read.
    site.write("more.inc", "");
    site.write("two.zone", &rich(2));
    let fixed = site.read(&after);
    assert!(fixed[1].is_whole() && fixed[1].version.as_ref().unwrap().serial == 2);
}

#[tokio::test]
async fn a_version_that_is_served_stands_before_a_kept_one_and_check_asks_for_neither() {
    let site = Site::new();
    let before = site.read(&[]);
    site.keep(&before).await;
    site.write("one.zone", "");
    let after = site.read(&before);
    assert!(after[0].version.is_none(), "what is served stays served");
    let checked = LoadResult::new(&site.path("edgedns.toml"), &Purpose::Check, |_, _| {}).loaded.unwrap();
    assert!(checked.zones[0].version.is_none() && checked.zones[0].last_good_error.is_none());
}

#[tokio::test]
async fn a_kept_text_that_is_not_whole_is_told_and_not_served() {
    let site = Site::new();
    site.keep(&site.read(&[])).await;
    site.write("one.zone", "");
    let kept = site.path("state/last-good/one.example.zone");
    let whole = fs::read(&kept).unwrap();
    assert!(site.read(&[])[0].version.is_some());
    fs::write(&kept, &whole[..whole.len() - 1]).unwrap();
    let zones = site.read(&[]);
    assert!(zones[0].version.is_none());
    assert!(zones[0].last_good_error.as_ref().unwrap().contains("length"), "{:?}", zones[0].last_good_error);
}

#[test]
fn a_reverse_zone_is_made_anew_when_the_zone_it_is_made_from_changes_and_only_then() {
    let site = Site::new();
    let reverse = "\n[[zone]]\nname = \"2.0.192.in-addr.arpa\"\nreverse-of = \"one.example\"\n";
    // That the addresses of a zone are wanted is a reason to read it again.
    let without = site.read(&[]);
    site.write("edgedns.toml", &format!("{CONFIG}{reverse}"));
    assert_eq!(site.same(&without), [false, true]);
    let before = site.read(&without);
    let records =
        |zones: &[LoadedZone]| zones[2].version.as_ref().map(|version| (version.serial, version.records));
    // SOA, NS, and PTR of ns; api is guarded, but the only name of its address.
    assert_eq!(records(&before), Some((1, 4)));
    assert_eq!(site.same(&before), [true, true, true]);
    site.write("two.zone", &rich(2));
    assert_eq!(site.same(&before), [true, false, true]);
    site.write("one.zone", &format!("{}more A 192.0.2.77\n", zone(2)));
    assert_eq!(site.same(&before), [false, false, false]);
    let after = site.read(&before);
    assert_eq!(records(&after), Some((2, 5)));
    // It stays as it is while its origin cannot be read, and there is nothing wrong with it.
    site.write("one.zone", "@ AA 1\n");
    let broken = site.read(&after);
    assert!(broken[0].version.is_none() && broken[2].is_whole());
    // Where nothing of that zone is served, there is nothing to make it from.
    let nothing = site.read(&[]);
    assert!(
        nothing[2].version.is_none()
            && nothing[2].error.as_ref().unwrap().contains("`one.example.` cannot be read")
    );
}

#[tokio::test]
async fn versions_of_one_name_are_read_and_kept_apart() {
    let site = Site::new();
    let view = |file: &str, clients: &str| {
        format!("[[zone]]\nname = \"both.example\"\nfile = \"{file}\"\n{clients}\n")
    };
    let config = "[admin]\nstate-directory = \"state\"\n".to_owned()
        + &view("one.zone", "when-client-in = [\"192.0.2.0/24\"]")
        + &view("two.zone", "");
    site.write("edgedns.toml", &config);
    let before = site.read(&[]);
    assert!(before[0].access.is_some() && before[1].access.is_none());
    assert_eq!(before[0].id.to_string(), "both.example. (view 192.0.2.0/24)");
    site.write("one.zone", &zone(9));
    assert_eq!(site.same(&before), [false, true]);
    site.keep(&site.read(&before)).await;
    for file in ["one.zone", "two.zone"] {
        site.write(file, "");
    }
    let kept = site.read(&[]);
    let serials: Vec<_> = kept.iter().map(|zone| zone.version.as_ref().unwrap().serial).collect();
    assert_eq!(serials, [9, 1]);
}

/// `count` zones, a reverse zone for each, of which every other one is made, and a block that guards as many
/// names.
fn crowd(count: usize) -> Site {
    let site = Site::new();
    let mut config = "[server]\nlisten = [\"127.0.0.1:5300\"]\n".to_owned();
    let names: Vec<String> = (0..count).map(|number| format!("\"n{number}\"")).collect();
    let owners: Vec<String> = (0..count).map(|number| format!("n{number} A 198.51.100.1\n")).collect();
    site.write("guarded.zone", &(zone(1) + &owners.concat()));
    config += "[[zone]]\nname = \"guarded.example\"\nfile = \"guarded.zone\"\n[[zone.probe]]\ntcp = 1\n";
    config += &format!("names = [{}]\n", names.join(", "));
    for number in 0..count {
        let address = format!("10.{}.{}.1", number / 256, number % 256);
        site.write(&format!("{number}.zone"), &zone(1).replace("192.0.2.1", &address));
        let reverse = format!("{}.{}.10.in-addr.arpa", number % 256, number / 256);
        site.write(&format!("{number}.reverse"), "@ 60 SOA ns.test. h.test. 1 2 3 4 5\n@ 60 NS ns.test.\n");
        config += &format!("[[zone]]\nname = \"{number}.example\"\nfile = \"{number}.zone\"\n");
        config += &match number % 2 {
            0 => format!("[[zone]]\nname = \"{reverse}\"\nfile = \"{number}.reverse\"\n"),
            _ => format!("[[zone]]\nname = \"{reverse}\"\nreverse-of = \"{number}.example\"\n"),
        };
    }
    site.write("edgedns.toml", &config);
    site
}

#[test]
fn what_a_zone_costs_to_read_does_not_grow_with_the_number_of_zones() {
    let steps = |count: usize| {
        let site = crowd(count);
        let mut warnings = 0;
        let check = steps::of(|| {
            let reading = LoadResult::new(&site.path("edgedns.toml"), &Purpose::Check, |_, _| {});
            warnings = reading.faults().count();
        });
        // Each reverse zone with a file lacks the PTR record of the one host in its network.
        assert_eq!(warnings, count / 2, "of {count} zones");
        let mut zones = Vec::new();
        let start = steps::of(|| zones = site.read(&[]));
        let reload = steps::of(|| zones = site.read(&zones));
        assert!(zones.iter().all(LoadedZone::is_whole));
        [check, start, reload]
    };
    let (few, many) = (steps(20), steps(160));
    for (few, many) in few.into_iter().zip(many) {
        assert!(many < 10 * few, "{few} steps for 20 zones, {many} for 160");
    }
}

/// A zone of many hosts, so that half of it is far longer than what else is there.
fn long(serial: u32, hosts: u32) -> String {
    (0..hosts).fold(zone(serial), |zone, host| zone + &format!("h{host} A 192.0.2.9\n"))
}

#[test]
fn a_zone_that_has_lost_more_than_half_under_its_serial_is_held_back_until_it_is_found_so_again() {
    let site = Site::new();
    site.write("one.zone", &long(1, 100));
    let before = site.read(&[]);
    let versions: Vec<_> = before.iter().map(|zone| zone.version.clone().unwrap()).collect();
    let read = |cause, held: &[(ZoneId, Vec<TextFile>)]| {
        let serving =
            Serving { versions: versions.clone(), cause, held: held.to_vec(), ..Serving::default() };
        let reading = LoadResult::new(&site.path("edgedns.toml"), &Purpose::Serve(serving), |_, _| {});
        reading.loaded.unwrap().zones.remove(0)
    };
    site.write("one.zone", &long(1, 40));
    let held = read(ReadCause::Change, &[]);
    assert!(held.version.is_none() && held.error.is_none() && !held.is_whole());
    let known = [(held.id.clone(), held.held.unwrap())];
    assert!(read(ReadCause::Change, &known).is_whole(), "it has stayed so");
    site.write("one.zone", &long(1, 30));
    assert!(!read(ReadCause::Change, &known).is_whole(), "it is yet another text");
    // Whoever says so, or raises the serial, means it; so does who takes out little.
    assert!(read(ReadCause::Operator, &[]).is_whole());
    site.write("one.zone", &long(2, 30));
    assert!(read(ReadCause::Change, &[]).is_whole());
    site.write("one.zone", &long(1, 60));
    assert!(read(ReadCause::Change, &[]).is_whole());
}

#[test]
fn a_zone_over_which_a_process_ended_is_left_alone_until_somebody_asks_or_changes_it() {
    let site = Site::new();
    let state = site.path("state");
    let marks = Marks::default();
    let killed = |times: u32| {
        for _ in 0..times {
            let stamp = Stamp::of(&site.path("one.zone")).unwrap();
            std::mem::forget(marks.put(
                &state,
                &ZoneId::from("one.example".parse::<crate::dns::Name>().unwrap()),
                stamp,
            ));
        }
    };
    let read = |cause| {
        let serving = Serving { cause, ..Serving::default() };
        LoadResult::new(&site.path("edgedns.toml"), &Purpose::Serve(serving), |_, _| {})
    };
    let is_whole = |cause| read(cause).loaded.unwrap().zones[0].is_whole();
    // There is no kept text: once may have been a coincidence.
    killed(1);
    assert!(is_whole(ReadCause::Start), "it is tried once more");
    killed(2);
    let reading = read(ReadCause::Start);
    let now = Digest::of_file(&site.path("one.zone")).ok();
    assert_eq!(reading.digests()[&site.path("one.zone")], now, "what happens to it is news");
    let zones = reading.loaded.unwrap().zones;
    assert!(zones[0].error.as_ref().unwrap().contains("the server was ended while it read"));
    assert!(zones[1].is_whole());
    assert!(!is_whole(ReadCause::Change), "others have changed");
    assert!(is_whole(ReadCause::Operator));
    killed(2);
    site.write("one.zone", &long(3, 1));
    assert!(is_whole(ReadCause::Change), "it has changed");
}

#[test]
fn a_file_that_is_being_written_counts_as_not_read_so_that_its_end_is_news() {
    let site = Site::new();
    let before = site.read(&[]);
    let versions: Vec<_> = before.iter().map(|zone| zone.version.clone().unwrap()).collect();
    let serving = Serving { versions, cause: ReadCause::Change, ..Serving::default() };
    site.write("one.zone", &zone(2));
    serving.writing.suppose_written(&site.path("one.zone"));
    let reading = LoadResult::new(&site.path("edgedns.toml"), &Purpose::Serve(serving), |_, _| {});
    assert_eq!(reading.digests()[&site.path("one.zone")], None);
    let zones = reading.loaded.unwrap().zones;
    assert!(zones[0].waits.is_some() && zones[0].held.is_none());
    assert_eq!(zones[0].version.as_ref().unwrap().serial, 1);
}
