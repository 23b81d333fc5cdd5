//! Keys in a folder: written, read, and refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::*;

fn timing() -> Timing {
    Timing::default().with(Event::Created, now()).with(Event::Publish, now()).with(Event::Activate, now())
}

fn write(folder: &std::path::Path, algorithm: Algorithm) -> (WrittenKey, String) {
    let (public, secret) = Pair::generate(algorithm, ZONE_KEY | SEP).unwrap();
    (write_key(folder, &name("example.org."), public, &secret, &timing()).unwrap(), secret)
}

fn read(folder: &std::path::Path) -> Result<Vec<KeyFile>, String> {
    read_folder(folder, name("Example.org.").as_ref()).map_err(|error| error.to_string())
}

#[test]
fn a_key_is_read_as_it_was_written_and_its_secret_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in Algorithm::ALL {
        let (written, secret) = write(folder.path(), algorithm);
        let files = read(folder.path()).unwrap();
        let file = files.iter().find(|file| file.stem == written.stem).unwrap();
        assert_eq!((file.key.public(), file.key.timing()), (&written.public, &timing()));
        let private = format!("{}.private", written.stem.display());
        assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(fs::read_to_string(&private).unwrap().contains(&secret));
        assert!(!format!("{file:?}").contains(&secret), "{file:?}");
    }
    let other = name("other.example.");
    assert_eq!(read_folder(folder.path(), other.as_ref()).unwrap().len(), 0);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (written, _) = write(folder.path(), Algorithm::Ed25519);
    let private = format!("{}.private", written.stem.display());
    for mode in [0o640, 0o604, 0o620, 0o700] {
        fs::set_permissions(&private, Permissions::from_mode(mode)).unwrap();
        let refused = read(folder.path()).unwrap_err();
        assert!(
            refused.contains(&format!("(mode {mode:04o})")) && refused.contains("chmod 600"),
            "{refused}"
        );
    }
    fs::set_permissions(&private, Permissions::from_mode(0o400)).unwrap();
    assert_eq!(read(folder.path()).unwrap().len(), 1);
}

#[test]
fn files_that_do_not_fit_each_other_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (one, _) = write(folder.path(), Algorithm::Ed25519);
    let (other, _) = write(folder.path(), Algorithm::EcdsaP256Sha256);
    let path = |key: &WrittenKey, end: &str| format!("{}.{end}", key.stem.display());
    let (public, private) = (path(&one, "key"), path(&one, "private"));
    let texts = [&public, &private].map(|path| fs::read_to_string(path).unwrap());
    let refused = |path: &str, text: &str| {
        let before = fs::read_to_string(path).unwrap();
        fs::write(path, text).unwrap();
        let refused = read(folder.path()).unwrap_err();
        fs::write(path, before).unwrap();
        refused
    };
    let theirs = fs::read_to_string(path(&other, "private")).unwrap();
    assert!(refused(&private, &theirs).contains("another algorithm"));
    let (_, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY).unwrap();
    let own = texts[1].lines().find(|line| line.starts_with("PrivateKey")).unwrap();
    let wrong = texts[1].replace(own, &format!("PrivateKey: {secret}"));
    assert!(refused(&private, &wrong).contains("belongs to another public key"));
    assert!(refused(&private, &texts[1].replace(own, "")).contains("no line `PrivateKey:`"));
    assert!(refused(&private, &texts[1].replace("Publish: 2026", "Publish: 2026x")).contains("`Publish:`"));
    assert!(
        refused(&public, &texts[0].replace(" 257 ", " 256 ")).contains("would be named Kexample.org.+015+")
    );
    assert!(refused(&public, &texts[0].replace(" 3 15 ", " 3 8 ")).contains("not signed with algorithm 8"));
    assert!(refused(&public, "; nothing\n").contains("no DNSKEY record"));
    fs::remove_file(&private).unwrap();
    assert!(read(folder.path()).unwrap_err().contains("cannot read"));
}

#[test]
fn other_times_leave_the_rest_of_a_key_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (written, secret) = write(folder.path(), Algorithm::EcdsaP256Sha256);
    let file = read(folder.path()).unwrap().remove(0);
    let private = format!("{}.private", written.stem.display());
    fs::write(&private, format!("{}Engine: cGtjczExAA==\n", fs::read_to_string(&private).unwrap())).unwrap();
    let times = timing().with(Event::Delete, now().after(60));
    write_timing(&file, &times).unwrap();
    let again = read(folder.path()).unwrap().remove(0);
    assert_eq!((again.key.timing(), again.key.public()), (&times, &written.public));
    let text = fs::read_to_string(&private).unwrap();
    assert!(text.contains(&secret) && text.contains("Engine: cGtjczExAA=="), "what others wrote there stays");
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn files_of_keys_that_root_writes_are_whose_the_folder_or_the_other_keys_are() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        return;
    }
    chown(folder.path(), Some(4711), Some(4712)).unwrap();
    let owners = |stem: &std::path::Path| {
        [".key", ".private"].map(|end| {
            let meta = fs::metadata(format!("{}{end}", stem.display())).unwrap();
            (meta.uid(), meta.gid())
        })
    };
    let (first, _) = write(folder.path(), Algorithm::Ed25519);
    assert_eq!(owners(&first.stem), [(4711, 4712); 2]);
    chown(format!("{}.private", first.stem.display()), Some(4713), Some(4714)).unwrap();
    let file = read(folder.path()).unwrap().remove(0);
    write_timing(&file, &timing().with(Event::Delete, now().after(60))).unwrap();
    assert_eq!(owners(&first.stem), [(4711, 4712), (4713, 4714)]);
    let (second, _) = write(folder.path(), Algorithm::Ed25519);
    assert_eq!(owners(&second.stem), [(4713, 4714); 2], "as the key that the server reads");
}

#[test]
fn a_key_that_is_there_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (written, _) = write(folder.path(), Algorithm::Ed25519);
    let again = write_key(folder.path(), &name("example.org."), written.public, "secret", &timing());
    assert_eq!(again.unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(read(folder.path()).unwrap().len(), 1);
}

#[test]
fn how_far_a_zone_is_on_its_way_out_stands_beside_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let [zone, other]: [Name; 2] = ["Example.org.", "other.org."].map(|name| name.parse().unwrap());
    let read = |zone: &Name| read_leaving(folder.path(), zone.as_ref());
    assert_eq!(read(&zone).unwrap(), None);
    for ends in [None, Some(now().after(100))] {
        let leaving = Leaving { since: now(), ends };
        write_leaving(folder.path(), zone.as_ref(), &leaving).unwrap();
        assert_eq!((read(&zone).unwrap(), read(&other).unwrap()), (Some(leaving), None));
    }
    let path = folder.path().join("Kexample.org.leaving");
    std::fs::write(&path, "SyncPublish: soon\n").unwrap();
    assert!(read(&zone).unwrap_err().to_string().contains("its line `SyncPublish:` is not understood"));
    std::fs::write(&path, "").unwrap();
    assert!(read(&zone).unwrap_err().to_string().contains("it has no line `SyncPublish:`"));
    assert!(forget_leaving(folder.path(), zone.as_ref()).unwrap());
    assert!(!forget_leaving(folder.path(), zone.as_ref()).unwrap());
    assert_eq!(read(&zone).unwrap(), None);
}
