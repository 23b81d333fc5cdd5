//! `tests/README.md` names every behaviour, and every file belongs to a crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, a folder each.
const CRATES: [&str; 5] = ["answers", "program", "peers", "host", "project"];

/// Files of a crate that are no behaviour: they are shared by those that are.
const SHARED: [&str; 3] = ["main", "served", "invariant"];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The names in a folder, without `.rs`.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder of tests").map(|entry| entry.expect("an entry"));
    let names = entries.map(|entry| entry.file_name().into_string().expect("a name in ASCII"));
    names.map(|name| name.trim_end_matches(".rs").to_owned()).collect()
}

/// The part of the page behind the head of a table.
fn table<'p>(page: &'p str, head: &str) -> &'p str {
    let (_, rest) =
        page.split_once(&format!("\n| {head} | |\n")).unwrap_or_else(|| panic!("no table of {head}"));
    rest.split("\n\n").next().unwrap_or_default()
}

#[test]
fn every_behaviour_has_its_line_in_the_readme_of_the_tests() {
    let page = fs::read_to_string(tests().join("README.md")).expect("tests/README.md");
    for folder in CRATES {
        let table = table(&page, folder);
        let told: BTreeSet<String> = table
            .lines()
            .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
            .collect();
        let there: BTreeSet<String> = names(&tests().join(folder))
            .into_iter()
            .filter(|name| !SHARED.contains(&name.as_str()))
            .collect();
        assert_eq!(told, there, "the table of `{folder}` in tests/README.md, and what is in that folder");
    }
}

#[test]
fn every_folder_and_command_is_named_in_the_readme_of_the_tests() {
    let page = fs::read_to_string(tests().join("README.md")).expect("tests/README.md");
    for name in names(&tests()).into_iter().filter(|name| name != "README.md") {
        let is_told = page.contains(&format!("`{name}`")) || page.contains(&format!("tests/{name}"));
        assert!(is_told, "{name} is not named in tests/README.md");
    }
}

/// A file that no list of modules names is not compiled, and its tests never run.
#[test]
fn every_file_of_a_crate_is_compiled_into_it() {
    for folder in CRATES.map(|name| tests().join(name)) {
        let mut folders = vec![(folder.clone(), folder.join("main.rs"))];
        while let Some((folder, list)) = folders.pop() {
            let list =
                fs::read_to_string(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
            for entry in
                fs::read_dir(&folder).expect("a folder of tests").map(|entry| entry.expect("an entry").path())
            {
                let module = entry.file_stem().and_then(|stem| stem.to_str()).expect("a name in ASCII");
                let is_code =
                    entry.extension().is_some_and(|end| end == "rs") || entry.join("mod.rs").is_file();
                if is_code && !["main", "mod"].contains(&module) {
                    assert!(
                        list.contains(&format!("mod {module};\n")),
                        "{} is in no list of modules",
                        entry.display()
                    );
                }
                if entry.join("mod.rs").is_file() {
                    folders.push((entry.clone(), entry.join("mod.rs")));
                }
            }
        }
    }
}
