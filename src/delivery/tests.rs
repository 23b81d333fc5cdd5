//! All files or none, and what is there already.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn file<'b>(path: &str, text: &'b str) -> File<'b> {
    File { path: path.into(), bytes: text.as_bytes().into(), readers: Readers::Usual }
}

/// All files and folders below a folder, with what is in them.
fn all(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            let text = if path.is_dir() { "a folder".into() } else { fs::read_to_string(&path).unwrap() };
            found.push((path.strip_prefix(folder).unwrap().to_owned(), text));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn listed<'l>(wanted: impl IntoIterator<Item = (&'l str, &'l str)>) -> Vec<(PathBuf, String)> {
    wanted.into_iter().map(|(path, text)| (path.into(), text.into())).collect()
}

#[test]
fn files_are_written_with_their_folders_and_nothing_else_is() {
    for existing in [Existing::Kept, Existing::Replaced] {
        let folder = folder();
        let into = folder.path().join("to/be/made");
        let files = [file("zones/a.zone", "one"), file("edgedns.toml", "two")];
        let written = write_files(&files, &into, existing).unwrap();
        assert_eq!(written, [into.join("zones/a.zone"), into.join("edgedns.toml")]);
        let wanted = [("edgedns.toml", "two"), ("zones", "a folder"), ("zones/a.zone", "one")];
        assert_eq!(all(&into), listed(wanted), "{existing:?}");
    }
}

#[test]
fn nothing_is_written_where_one_is_there_and_all_that_are_there_are_told() {
    let folder = folder();
    fs::write(folder.path().join("one"), "mine").unwrap();
    // Whatever it points to may come back.
    symlink("nowhere", folder.path().join("two")).unwrap();
    let files = [file("new/zero", "0"), file("one", "1"), file("two", "2")];
    let error = write_files(&files, folder.path(), Existing::Kept).unwrap_err();
    let [one, two] = ["one", "two"].map(|path| folder.path().join(path).display().to_string());
    let told = format!("error: {one} is there already\nerror: {two} is there already\nnothing was written");
    assert_eq!(error.to_string(), told);
    assert!(!folder.path().join("new").exists());
    assert_eq!(fs::read_to_string(one).unwrap(), "mine");
}

#[test]
fn a_folder_that_cannot_be_made_leaves_nothing_of_the_files_before() {
    for existing in [Existing::Kept, Existing::Replaced] {
        let folder = folder();
        fs::write(folder.path().join("mine"), "a file").unwrap();
        let files = [file("new/folder/one", "1"), file("two", "2"), file("mine/three", "3")];
        let error = write_files(&files, folder.path(), existing).unwrap_err();
        assert!(error.to_string().ends_with("\nnothing was written"), "{error}");
        assert_eq!(all(folder.path()), listed([("mine", "a file")]), "{existing:?}");
    }
}

#[test]
fn a_place_that_cannot_be_taken_gives_back_those_taken_before() {
    let folder = folder();
    fs::write(folder.path().join("one"), "mine").unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    let files = [file("one", "1"), file("two", "2"), file("new/three", "3"), file("taken", "4")];
    let error = write_files(&files, folder.path(), Existing::Replaced).unwrap_err();
    let taken = folder.path().join("taken").display().to_string();
    let told = format!("error: {taken} cannot be written: is a directory\nnothing was written");
    assert_eq!(error.to_string(), told);
    assert_eq!(all(folder.path()), listed([("one", "mine"), ("taken", "a folder"), ("two", "mine")]));
    assert!(folder.path().join("two").is_symlink());
}

#[test]
fn what_takes_the_place_of_a_file_has_its_permissions_and_no_more() {
    let folder = folder();
    let place = folder.path().join("secret");
    fs::write(&place, "mine").unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o640)).unwrap();
    write_files(&[file("secret", "new")], folder.path(), Existing::Replaced).unwrap();
    assert_eq!(all(folder.path()), listed([("secret", "new")]));
    assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_secret_is_for_its_owner_alone_whatever_was_there() {
    for old in [None, Some(0o644), Some(0o400)] {
        let folder = folder();
        let place = folder.path().join("secret");
        if let Some(mode) = old {
            fs::write(&place, "mine").unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
        }
        let secret = File { readers: Readers::Owner, ..file("secret", "new") };
        write_files(&[secret], folder.path(), Existing::Replaced).unwrap();
        assert_eq!(
            place.metadata().unwrap().permissions().mode() & 0o777,
            if old == Some(0o400) { 0o400 } else { 0o600 }
        );
    }
}

#[test]
fn what_a_replaced_link_points_to_stays() {
    let folder = folder();
    fs::write(folder.path().join("one"), "mine").unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    write_files(&[file("two", "new")], folder.path(), Existing::Replaced).unwrap();
    assert_eq!(all(folder.path()), listed([("one", "mine"), ("two", "new")]));
}

#[test]
fn what_an_earlier_run_has_left_is_told_by_its_name() {
    let folder = folder();
    let left = beside(&folder.path().join("one"), 0, "new");
    fs::write(&left, "half").unwrap();
    let refused = write_files(&[file("one", "new")], folder.path(), Existing::Kept).unwrap_err().to_string();
    assert!(refused.contains(&left.display().to_string()), "{refused}");
    assert!(refused.ends_with("nothing was written"), "{refused}");
    assert_eq!(fs::read_to_string(&left).unwrap(), "half");
}
