//! What the documents show works: every config in the README is one that the
//! program takes, and so is what `zones/` offers to start from.
//!
//! Responsible for examples. Not responsible for prose.

use std::path::Path;
use std::process::{Command, Output};

use edgedns::config::{Absent, KEYS, Section};

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

/// `zones/keys.md` is made from the list that the reader of the config file itself goes by; `WRITE=1` writes it anew.
#[test]
fn the_reference_has_every_key_with_its_default() {
    let mut text = String::from("# Every key of the config file\n");
    for (place, key) in KEYS.iter().enumerate() {
        if place == 0 || KEYS[place - 1].section != key.section {
            let section = match key.section {
                Section::Root => "",
                Section::Server => "[server]",
                Section::Admin => "[admin]",
                Section::Probe => "[probe]",
                Section::Limit => "[limit]",
                Section::Lua => "[lua]",
                Section::Cache => "[cache]",
                Section::Forward => "[[forward]]",
                Section::Zone => "[[zone]]",
                Section::ZoneProbe => "[[zone.probe]]",
                Section::Tls => "tls = { … }",
                Section::Http => "http = { … }",
                Section::Https => "https = { … }",
            };
            text += &format!("\n## `{section}`\n\n| key | default | what it says |\n|---|---|---|\n");
        }
        let default = match key.absent {
            Absent::Default(value) => format!("`{value}`"),
            Absent::Unset { example } => format!("none; e.g. `{example}`"),
            Absent::Required { example } => format!("required; e.g. `{example}`"),
            Absent::Inherited => "as in `[probe]`".to_string(),
        };
        text += &format!("| `{}` | {default} | {} |\n", key.name, key.help);
    }
    let file = Path::new(ROOT).join("zones/keys.md");
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == text, "zones/keys.md is out of date: WRITE=1 cargo test --test documents");
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
