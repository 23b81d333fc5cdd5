//! Kept texts: whole or not there, and never in each other's way.

use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::dns::Name;
use crate::source::Sources;
use crate::zonefile;
use crate::zones::last_good::{LastGoodKeeper, keeper};
use crate::zones::source::ZoneSources;
use crate::zones::version::Inputs;

/// A text in two files, and the state directory.
struct TwoFiles {
    folder: TempDir,
}

impl TwoFiles {
    fn new() -> TwoFiles {
        let files = TwoFiles { folder: tempfile::tempdir().unwrap() };
        fs::write(files.file("a.zone"), "@ SOA ns h 1 2 3 4 5\n").unwrap();
        fs::write(files.file("b.inc"), [0, 255, b'\n', b'"']).unwrap();
        files
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }

    fn good(&self) -> Good {
        let mut sources = Sources::default();
        for name in ["a.zone", "b.inc"] {
            sources.read(&self.file(name)).unwrap();
        }
        let inputs = Inputs {
            own: Vec::new(),
            sources: ZoneSources::default(),
            forward: None,
            settings: zonefile::Settings::default(),
            guards: Vec::new(),
            texts: sources.files().cloned().collect(),
            signing: None,
        };
        let loaded_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        Good { zone: zone(), serial: 7, loaded_at, inputs: Arc::new(inputs) }
    }

    fn kept(&self) -> PathBuf {
        path(self.state(), &zone())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state().join(FOLDER)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn keep(&self) {
        let keeper = LastGoodKeeper::start();
        keeper.keep(Some(self.state()), vec![self.good()]);
        keeper.stop().await;
    }
}

fn id(name: &str, view: Option<&str>) -> ZoneId {
    ZoneId { name: name.parse().unwrap(), view: view.map(str::to_owned) }
}

fn zone() -> ZoneId {
    "Lab.example".parse::<Name>().unwrap().into()
}

#[test]
fn what_is_written_is_read_again_byte_by_byte() {
    let files = TwoFiles::new();
    assert!(read(files.state(), &zone()).unwrap().is_none());
    assert!(!is_kept(files.state(), &files.good()).unwrap());
    assert_eq!(write(files.state(), &files.good()).unwrap(), Filled::Whole);
    assert!(is_kept(files.state(), &files.good()).unwrap());
    assert_eq!(files.names(), ["lab.example.zone"]);
    let kept = read(files.state(), &zone()).unwrap().unwrap();
    let texts = ["a.zone", "b.inc"]
        .map(|name| (files.file(name).display().to_string(), fs::read(files.file(name)).unwrap()));
    assert_eq!(kept.texts, texts);
    assert_eq!(kept.own_file(), texts[0].0);
    assert_eq!(kept.loaded_at, files.good().loaded_at);
}

#[test]
fn no_byte_can_be_another_one_and_none_can_be_missing() {
    let files = TwoFiles::new();
    write(files.state(), &files.good()).unwrap();
    let whole = fs::read(files.kept()).unwrap();
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1;
        fs::write(files.kept(), &other).unwrap();
        assert!(read(files.state(), &zone()).is_err(), "byte {at} may be another one");
        assert!(!is_kept(files.state(), &files.good()).unwrap_or(false), "byte {at}");
        fs::write(files.kept(), &whole[..at]).unwrap();
        assert!(read(files.state(), &zone()).is_err(), "it may end before byte {at}");
    }
    fs::write(files.kept(), [&whole[..], b"\n"].concat()).unwrap();
    assert!(read(files.state(), &zone()).is_err(), "it may be longer");
}

#[test]
fn a_file_that_has_changed_meanwhile_leaves_what_was_kept() {
    let files = TwoFiles::new();
    write(files.state(), &files.good()).unwrap();
    let before = fs::read(files.kept()).unwrap();
    let good = files.good();
    for change in ["@ SOA ns h 2 2 3 4 5\n", "@ SOA ns h 1 2 3 4 5\n; longer", ""] {
        fs::write(files.file("a.zone"), change).unwrap();
        assert_eq!(write(files.state(), &good).unwrap(), Filled::Abandoned, "{change:?}");
    }
    fs::remove_file(files.file("a.zone")).unwrap();
    assert_eq!(write(files.state(), &good).unwrap(), Filled::Abandoned);
    assert_eq!(fs::read(files.kept()).unwrap(), before);
    assert_eq!(files.names(), ["lab.example.zone"]);
}

#[tokio::test]
async fn what_a_power_cut_has_left_half_written_is_removed() {
    let files = TwoFiles::new();
    files.keep().await;
    let whole = fs::read(files.kept()).unwrap();
    fs::write(files.kept().with_extension("zone.new"), &whole[..10]).unwrap();
    fs::write(files.state().join(FOLDER).join("gone.example.zone.new"), "").unwrap();
    assert!(read(files.state(), &zone()).unwrap().is_some());
    files.keep().await;
    assert_eq!(files.names(), ["lab.example.zone"]);
}

#[tokio::test]
async fn a_text_that_is_kept_is_not_written_again_unless_it_is_not_whole() {
    let files = TwoFiles::new();
    files.keep().await;
    let written_at = || fs::metadata(files.kept()).unwrap().modified().unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    File::options().write(true).open(files.kept()).unwrap().set_modified(long_ago).unwrap();
    files.keep().await;
    assert_eq!(written_at(), long_ago);
    let mut other = fs::read(files.kept()).unwrap();
    other[3] ^= 1;
    fs::write(files.kept(), other).unwrap();
    files.keep().await;
    assert!(read(files.state(), &zone()).is_ok());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_stops_nothing() {
    let files = TwoFiles::new();
    // A file where the folder should be: not even root can write below it.
    fs::write(files.file(FOLDER), "").unwrap();
    files.keep().await;
    assert!(read(files.state(), &zone()).is_err());
    let keeper = LastGoodKeeper::start();
    keeper.keep(None, vec![files.good()]);
    keeper.keep(Some(Path::new("/nonexistent")), vec![files.good()]);
    keeper.stop().await;
}

#[test]
fn every_zone_has_a_file_name_of_its_own_that_is_one() {
    let long = |end: &str| format!("{}{end}", "\\000".repeat(60) + "." + &"\\255".repeat(60) + ".");
    let names = [
        ".".to_owned(),
        "lab.example".to_owned(),
        "lab\\.example".to_owned(),
        "a/b".to_owned(),
        "..%2f".replace("..", "\\.\\."),
        "\\000.example".to_owned(),
        "*.example".to_owned(),
        "-x".to_owned(),
        "lab.example.zone".to_owned(),
        long("one"),
        long("two"),
    ];
    let files: Vec<String> = names.iter().map(|name| file_name(&id(name, None), END)).collect();
    for (at, file) in files.iter().enumerate() {
        assert!(!file.contains(['/', '\0']) && !file.starts_with('.') && file.len() <= 210, "{file}");
        assert!(!files[..at].contains(file), "{file} is there twice");
    }
    assert_eq!(files[..4], ["%2e.zone", "lab.example.zone", "lab%2eexample.zone", "a%2fb.zone"]);
    assert_eq!(file_name(&id("LAB.Example", None), END), "lab.example.zone");
    let views = ["inside", "Inside", "192.0.2.0/24 local", "::1/128"]
        .map(|view| file_name(&id("lab", Some(view)), END));
    assert_eq!(views[..3], ["lab@inside.zone", "lab@Inside.zone", "lab@192%2e0%2e2%2e0%2f24%20local.zone"]);
    assert!(file_name(&id("lab@inside", None), END) != views[0]);
}

#[test]
fn a_text_that_has_shrunk_under_the_same_serial_replaces_the_kept_one_only_after_a_while() {
    let files = TwoFiles::new();
    fs::write(files.file("a.zone"), "@ SOA ns h 1 2 3 4 5\n".repeat(100)).unwrap();
    let whole = files.good();
    let mut work = keeper::Work::default();
    let begin = std::time::Instant::now();
    let keep = |work: &mut keeper::Work, good: &Good, now| {
        work.keep(Some(&(files.state().to_owned(), vec![good.clone()])), now);
        fs::read(files.kept()).unwrap()
    };
    let before = keep(&mut work, &whole, begin);
    fs::write(files.file("a.zone"), "@ SOA ns h 1 2 3 4 5\n".repeat(40)).unwrap();
    let half = files.good();
    assert_eq!(keep(&mut work, &half, begin), before);
    let due = work.due().expect("it is kept later");
    assert!(due >= begin + Duration::from_secs(60), "it is kept at once");
    assert_eq!(keep(&mut work, &half, due - Duration::from_secs(1)), before);
    assert!(keep(&mut work, &half, due) != before && work.due().is_none());
    // Nor does a restart make it younger or older: what is on the disk is compared.
    let serial = Good { serial: 8, ..whole.clone() };
    fs::write(files.file("a.zone"), "@ SOA ns h 1 2 3 4 5\n".repeat(100)).unwrap();
    assert!(keep(&mut work, &whole, due).len() > before.len() / 2);
    fs::write(files.file("a.zone"), "@ SOA ns h 1 2 3 4 5\n").unwrap();
    let raised = Good { serial: serial.serial, ..files.good() };
    assert!(keep(&mut work, &raised, due).len() < before.len() / 2, "a new serial says that it is meant");
}
