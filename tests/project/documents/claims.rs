//! Names in the prose are names of the program: keys, files, metrics.

use std::path::{Path, PathBuf};

use edgedns::config::{KEYS, Section};

use super::ROOT;
use super::markdown::pages;

/// The first folders of a path in the sources.
const FOLDERS: [&str; 6] = ["benches/", "docs/", "src/", "systemd/", "tests/", "zones/"];

/// ``[probe] interval`` names a key; what is behind it, a value or another key, is not looked at.
#[test]
fn every_key_with_its_table_is_a_key_of_the_config_file() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for code in page.codes() {
            let Some((header, rest)) = code.rsplit_once(']') else { continue };
            let header = format!("{header}]");
            let Some(section) = Section::all().find(|section| section.header() == header) else {
                continue;
            };
            let Some(name) = rest.split_whitespace().next() else { continue };
            seen += 1;
            if !KEYS.iter().any(|key| key.section == section && key.name == name) {
                faults.push(format!("{}: {header} has no key {name}", page.name()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 10, "{seen} keys");
}

#[test]
fn every_file_of_the_sources_that_is_named_is_there() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages().iter().filter(|page| page.path != Path::new("CHANGELOG.md")) {
        for code in page.codes() {
            let is_path =
                FOLDERS.iter().any(|folder| code.starts_with(folder)) && !code.contains(['*', '…', ' ']);
            // Examples have zones of their own.
            if !is_path || code.starts_with("zones/") {
                continue;
            }
            seen += 1;
            if !Path::new(ROOT).join(&code).exists() {
                faults.push(format!("{}: there is no {code}", page.name()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 5, "{seen} files");
}

#[test]
fn every_metric_that_is_named_is_one_of_the_program() {
    let sources = sources(Path::new(ROOT).join("src"));
    let mut seen = 0;
    for page in pages() {
        for code in page.codes() {
            if !code.starts_with("edgedns_") {
                continue;
            }
            seen += 1;
            let name: String =
                code.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            // A counter has its suffix from the writer of metrics.
            let name = name.strip_suffix("_total").unwrap_or(&name);
            let is_known = sources.iter().any(|text| text.contains(&format!("{name}\"")));
            assert!(is_known || name == "edgedns_t", "{}: there is no metric {name}", page.name());
        }
    }
    assert!(seen > 3, "{seen} metrics");
}

fn sources(folder: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(path)
            } else {
                vec![std::fs::read_to_string(path).unwrap_or_default()]
            }
        })
        .collect()
}
