//! The documents are true: what they show works, what they name exists, and each page can be reached.

mod claims;
mod examples;
mod house;
mod keys;
mod links;
mod markdown;
mod shell;

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn every_file_beside_the_sources_is_told_in_the_readme_or_begins_with_a_dot() {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let known = ["Cargo.toml", "Cargo.lock", "README.md", "CHANGELOG.md", "LICENSE", "target"];
    for entry in std::fs::read_dir(ROOT).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = readme.contains(&format!("`{name}/`"));
        assert!(told || name.starts_with('.') || known.contains(&name.as_str()), "{name} is not told");
    }
}

/// What a benchmark has of the others it imports by name, so that one that has lost something does not start. Whoever
/// changes one of them does not measure with all.
#[test]
fn every_benchmark_starts_and_says_what_it_shows() {
    let mut seen = 0;
    for file in std::fs::read_dir(Path::new(ROOT).join("benches")).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        if !text.starts_with("#!/usr/bin/env python3\n") {
            continue;
        }
        let output = Command::new(file.path()).arg("--help").output().expect("Python is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}\n{}",
            file.path().display(),
            String::from_utf8_lossy(&output.stderr)
        );
        let shows = text.split("\"\"\"").nth(1).and_then(|words| words.lines().next()).unwrap_or_default();
        assert!(!shows.is_empty() && said.contains(shows), "{} is not said in\n{said}", shows);
        seen += 1;
    }
    assert!(seen >= 6, "{seen} benchmarks");
}

/// A machine that has a program already hides that the list lacks it.
#[test]
fn every_program_that_tests_call_is_in_the_list_of_what_is_installed() {
    let list = std::fs::read_to_string(Path::new(ROOT).join("tests/provision")).unwrap();
    let (_, list) = list.split_once("\nneeds=(").unwrap();
    let (list, _) = list.split_once(")\n").unwrap();
    let listed: Vec<&str> =
        list.split_whitespace().filter_map(|need| Some(need.split_once(':')?.0)).collect();
    // Debian marks the packages of these as essential: there is no Debian without.
    let essential = ["bash", "cp", "id", "sh"];
    let (mut folders, mut called) = (vec![Path::new(ROOT).join("tests")], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap_or_default();
            if entry.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            for program in programs(&text) {
                called += 1;
                let known = listed.contains(&program) || essential.contains(&program);
                assert!(known, "{}: `{program}` is not in the list of tests/provision", entry.display());
            }
        }
    }
    assert!(called > 15, "{called} programs");
}

/// The programs that the text of a test calls by name.
fn programs(text: &str) -> impl Iterator<Item = &str> {
    let ways =
        ["Command::new", "tool", "is_installed", "installed", "path_of"].map(|way| format!("{way}(\""));
    let calls = ways.map(|way| text.match_indices(&way).map(|(at, way)| at + way.len()).collect::<Vec<_>>());
    // Peers have their names in one place: `fn program`, or a constant.
    let named = text.match_indices("fn program(").flat_map(|(at, _)| {
        let body = &text[at..at + text[at..].find("\n    }").unwrap_or(0)];
        body.match_indices("=> \"").map(|(arm, way)| at + arm + way.len()).collect::<Vec<_>>()
    });
    let begins: Vec<usize> = calls.concat().into_iter().chain(named).collect();
    begins.into_iter().filter_map(|at| text[at..].split('"').next())
}
