//! Parts of a config that must be copied with it, or must not be seen: files that probes are run with, and
//! secrets.
//!
//! Finds these keys again, with their places. Not responsible for zone files, whose readers note what they
//! read.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::concealed;
use super::keys::Section;
use super::syntax;
use super::table::{Part, Table};
use crate::probe::Header;
use crate::setting::{Holds, Value};
use crate::source::{Diagnostics, FileId, Sources, Span, merged};

/// Whether others may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Anybody may.
    Open,
    /// Whoever sees it can pass for its owner.
    Secret,
}

/// A value that names a file, or is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referenced {
    /// Its key.
    pub key: &'static str,
    /// Where it is written.
    pub span: Span,
    /// The file it names; none: the value itself is meant.
    pub file: Option<PathBuf>,
    /// Whether others may see it.
    pub secrecy: Secrecy,
}

/// The files and secrets of the config file `file`, which is at `path`; none if it is no config file.
pub fn referenced(sources: &Sources, file: FileId, path: &Path) -> Vec<Referenced> {
    walk(sources, file, path).0
}

/// The same, and where secrets are in values that are no secrets themselves.
fn walk(sources: &Sources, file: FileId, path: &Path) -> (Vec<Referenced>, Vec<Span>) {
    let bytes = sources.bytes(file);
    // What is wrong with the file was told when it was read.
    let mut told = Diagnostics::default();
    let text = syntax::text(file, &bytes, &mut told);
    let Some(tree) = text.and_then(|text| syntax::parse(file, text, &[], &mut told)) else {
        return (Vec::new(), Vec::new());
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut walk = Walk { folder, told, list: Vec::new(), within: Vec::new() };
    walk.table(Section::Root, &Table::root(file, &tree, &mut Diagnostics::default()));
    (walk.list, walk.within)
}

/// Where secrets stand in the text of the config file `file`, quotes included: in order, and none inside another. Found in a
/// text that is no config file, too, and in comments.
pub fn secrets(sources: &Sources, file: FileId) -> Vec<Range<usize>> {
    let bytes = sources.bytes(file);
    let (list, within) = walk(sources, file, Path::new(""));
    let read = list.into_iter().filter(|one| one.file.is_none() && one.secrecy == Secrecy::Secret);
    let values = read.map(|one| one.span).chain(within);
    let values = values.map(|span| span.start as usize..span.end as usize);
    merged(concealed::secrets(&bytes).into_iter().chain(values).collect())
}

struct Walk<'w> {
    folder: &'w Path,
    told: Diagnostics,
    list: Vec<Referenced>,
    /// Where secrets are in values that are no secrets themselves.
    within: Vec<Span>,
}

impl Walk<'_> {
    fn table(&mut self, section: Section, table: &Table<'_>) {
        for key in section.keys() {
            let (secrecy, is_file) = match key.holds {
                Holds::Setting | Holds::HostFile => continue,
                Holds::SecretsOf(names) => {
                    let values = table.get(key.name).map(|value| value.within(names)).unwrap_or_default();
                    self.within.extend(values.into_iter().map(Value::span));
                    continue;
                }
                Holds::Headers => {
                    let headers = table.get(key.name).and_then(|value| value.entries().ok());
                    let headers = headers.unwrap_or_default().into_iter();
                    let proving = headers.filter(|(name, _)| Header::proves_client(name));
                    self.within.extend(proving.map(|(_, value)| value.span()));
                    continue;
                }
                Holds::File => (Secrecy::Open, true),
                Holds::SecretFile => (Secrecy::Secret, true),
                Holds::Secret => (Secrecy::Secret, false),
            };
            let Some(value) = table.get(key.name) else { continue };
            let file = match value.text() {
                Ok(text) if is_file => Some(self.folder.join(text)),
                Err(_) if is_file => continue,
                Ok(_) | Err(_) => None,
            };
            self.list.push(Referenced { key: key.name, span: value.span(), file, secrecy });
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
    use crate::config::{ConfigKey, KEYS};

    #[test]
    fn every_key_that_names_a_file_is_listed() {
        let names_a_file = |key: &&ConfigKey| format!(" {}", key.help).contains(" file with ");
        for key in KEYS.iter().filter(names_a_file) {
            let is_listed = matches!(key.holds, Holds::File | Holds::SecretFile);
            assert!(is_listed, "{} {}", key.section.header(), key.name);
        }
        let is_file = |key: &&ConfigKey| matches!(key.holds, Holds::File | Holds::SecretFile);
        assert!(KEYS.iter().filter(is_file).all(|key| names_a_file(&key)));
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
        let found_all = referenced(&sources, file, Path::new("site/edgedns.toml"));
        let found: Vec<(&str, Option<&str>, Secrecy)> = found_all
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

    #[test]
    fn a_secret_whose_key_is_written_with_escapes_is_one_too() {
        let mut sources = Sources::default();
        let text = "[[key]]\nname = \"k\"\n\"s\\u0065cret\" = \"QUFB\"\n# secret = \"old\"\n\
                    [[zone]]\n[[zone.probe]]\ndialogue = { port = 1, steps = [{ \"s\\u0065nd\" = \"AUTH\\r\\n\" }, \
                    { begins = \"+OK\" }, { \"s\\u0065nd\" = { hex = \"41\" } }] }\n\
                    [webhook]\nurl = \"https://192.0.2.1/token\"\n";
        let file = sources.add("edgedns.toml", text.into());
        let found: Vec<&str> = secrets(&sources, file).into_iter().map(|range| &text[range]).collect();
        let sent = ["\"AUTH\\r\\n\"", "{ hex = \"41\" }"];
        assert_eq!(found, ["\"QUFB\"", "\"old\"", sent[0], sent[1], "\"https://192.0.2.1/token\""]);
    }
}
