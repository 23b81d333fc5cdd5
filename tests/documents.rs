//! What the documents show works: every config in the README is one that the
//! program takes, and so is what `zones/` offers to start from.
//!
//! Responsible for examples. Not responsible for prose.

use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A zone without guards, for the configs that guard plain records.
const PLAIN: &str = "\
$TTL 10
@ IN SOA ns1 hostmaster 1 3h 30m 2w 10
@ IN NS ns1
ns1 IN A 192.0.2.13
api IN A 192.0.2.13
api IN A 192.0.2.14
api-int IN A 192.0.2.13
*.apps IN A 192.0.2.13
";

fn check(config: &Path) -> Output {
    let edgedns = env!("CARGO_BIN_EXE_edgedns");
    Command::new(edgedns).arg("check").arg("--config").arg(config).output().expect("edgedns runs")
}

#[test]
fn every_config_in_the_readme_is_taken_without_a_word() {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 2, "the README shows {} configs", blocks.len());
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        let zones = folder.path().join("zones");
        std::fs::create_dir(&zones).unwrap();
        let example = "ocp4.example.com.zone";
        std::fs::copy(Path::new(ROOT).join("zones").join(example), zones.join(example)).unwrap();
        std::fs::write(zones.join("plain.zone"), PLAIN).unwrap();
        let config = folder.path().join("edgedns.toml");
        std::fs::write(&config, block).unwrap();
        let output = check(&config);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("0 errors, 0 warnings"), "{block}\n{said}");
    }
}

#[test]
fn the_example_to_start_from_is_sound() {
    let output = check(&Path::new(ROOT).join("zones/edgedns.toml"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("0 errors, 0 warnings"), "{said}");
}

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
