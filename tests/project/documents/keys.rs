//! The reference of the config file is made from the table that its reader goes by.

use std::path::Path;

use edgedns::config::{Absent, KEYS, Section};

use super::ROOT;

/// Begins the part of `docs/configuration.md` that is made from the table of keys.
const KEYS_BEGIN: &str =
    "<!-- From here on made from the table of keys: WRITE=1 cargo test --test project documents -->\n";

/// The list that the reader of the config file itself goes by; `WRITE=1` writes it anew.
#[test]
fn the_reference_has_every_key_with_its_default() {
    let mut text = String::new();
    for (place, key) in KEYS.iter().enumerate() {
        if place == 0 || KEYS[place - 1].section != key.section {
            let section = match key.section {
                Section::Kind(name) => format!("{name} = {{ … }}"),
                other => other.header().to_owned(),
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
    let file = Path::new(ROOT).join("docs/configuration.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (head, written) =
        page.split_once(KEYS_BEGIN).expect("docs/configuration.md marks where its tables begin");
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(&file, format!("{head}{KEYS_BEGIN}{text}")).unwrap();
    } else {
        assert!(
            written == text,
            "docs/configuration.md is out of date: WRITE=1 cargo test --test project documents"
        );
    }
}
