//! What a config holds that must go where the config goes, or must not be seen: files that probes
//! are run with, and secrets.
//!
//! Responsible for finding these keys again, with their places.
//! Not responsible for zone files, whose readers note what they read, or for what is in a file.

use std::path::{Path, PathBuf};

use super::keys::Section;
use super::syntax;
use super::table::{Part, Table};
use crate::source::{Diagnostics, FileId, Sources, Span};

/// Whether others may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Everybody may.
    Open,
    /// Who sees it can pass for its owner.
    Secret,
}

/// A value that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its key.
    pub key: &'static str,
    /// Where it is written.
    pub span: Span,
    /// The file it names; none: the value itself is meant.
    pub file: Option<PathBuf>,
    /// Whether others may see it.
    pub secrecy: Secrecy,
}

/// The keys that name a file, other than a zone file.
const FILES: &[(Section, &str, Secrecy)] = &[
    (Section::Tls, "ca", Secrecy::Open),
    (Section::Tls, "cert", Secrecy::Open),
    (Section::Tls, "key", Secrecy::Secret),
    (Section::Https, "ca", Secrecy::Open),
    (Section::Https, "cert", Secrecy::Open),
    (Section::Https, "key", Secrecy::Secret),
    (Section::Https, "token", Secrecy::Secret),
    (Section::Forward, "ca", Secrecy::Open),
];

/// The keys whose value is a secret itself.
const SECRETS: &[(Section, &str)] = &[(Section::Server, "cookie-secret")];

/// All that the config file `file` holds, which lies at `path`; nothing if it is no config file.
pub fn held(sources: &Sources, file: FileId, path: &Path) -> Vec<Held> {
    let bytes = sources.bytes(file);
    // What is wrong with the file was told when it was read.
    let mut told = Diagnostics::default();
    let text = syntax::text(file, &bytes, &mut told);
    let Some(tree) = text.and_then(|text| syntax::parse(file, text, &mut told)) else { return Vec::new() };
    let mut walk = Walk { folder: path.parent().unwrap_or(Path::new("")), told, list: Vec::new() };
    walk.table(Section::Root, &Table::root(file, &tree, &mut Diagnostics::default()));
    walk.list
}

struct Walk<'w> {
    folder: &'w Path,
    told: Diagnostics,
    list: Vec<Held>,
}

impl Walk<'_> {
    fn table(&mut self, section: Section, table: &Table<'_>) {
        for &(_, key, secrecy) in FILES.iter().filter(|(known, ..)| *known == section) {
            let Some(value) = table.get(key) else { continue };
            let Ok(text) = value.text() else { continue };
            self.list.push(Held { key, span: value.span(), file: Some(self.folder.join(text)), secrecy });
        }
        for &(_, key) in SECRETS.iter().filter(|(known, _)| *known == section) {
            let secrecy = Secrecy::Secret;
            self.list.extend(table.get(key).map(|value| Held {
                key,
                span: value.span(),
                file: None,
                secrecy,
            }));
        }
        for child in section.children() {
            for part in table.parts(child, &mut self.told) {
                if let Part::Table(inner) = part {
                    self.table(child, &inner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn every_key_that_names_a_file_is_listed() {
        let names_a_file = KEYS.iter().filter(|key| key.help.contains(" file with "));
        let mut count = 0;
        for key in names_a_file {
            let is_listed =
                FILES.iter().any(|&(section, name, _)| (section, name) == (key.section, key.name));
            assert!(is_listed, "{} {}", key.section.header(), key.name);
            count += 1;
        }
        assert_eq!(count, FILES.len());
    }

    #[test]
    fn files_and_secrets_are_found_in_every_way_to_write_them() {
        let text = r#"
[server]
cookie-secret = "000102030405060708090a0b0c0d0e0f"
[[zone]]
name = "a.example"
file = "a.zone"
[[zone.probe]]
names = ["@"]
https = { port = 6443, ca = "tls/ca.pem", token = '/etc/edgedns/token' }
[[zone.probe]]
names = ["api"]
[[zone.probe.tls]]
port = 1
key = "k"
"#;
        let mut sources = Sources::default();
        let file = sources.add("site/edgedns.toml", text.into());
        let held = held(&sources, file, Path::new("site/edgedns.toml"));
        let found: Vec<(&str, Option<&str>, Secrecy)> = held
            .iter()
            .map(|one| (one.key, one.file.as_ref().and_then(|file| file.to_str()), one.secrecy))
            .collect();
        let wanted = [
            ("cookie-secret", None, Secrecy::Secret),
            ("key", Some("site/k"), Secrecy::Secret),
            ("ca", Some("site/tls/ca.pem"), Secrecy::Open),
            ("token", Some("/etc/edgedns/token"), Secrecy::Secret),
        ];
        for one in wanted {
            assert!(found.contains(&one), "{one:?} is not in {found:?}");
        }
        assert_eq!(found.len(), wanted.len());
    }
}
