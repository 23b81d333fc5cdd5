//! The value of a key of a store that makes a pool: what `[[zone.probe]]` says, in JSON and without `names`.
//!
//! ```text
//!   {"tcp": 443, "order": "local-first", "https": {"port": 6443, "path": "/readyz"}}
//! ```
//!
//! The text becomes TOML and goes the way of the config file, so that its keys, bounds and faults are the same. Not
//! responsible for whom it guards: that is in the key.

use std::any::Any;
use std::path::Path;

use serde_json::Value as Json;
use toml::de::DeValue;

use super::keys::Section;
use super::probe::Probe;
use super::table::{Part, Table};
use super::zone_probe::ZoneProbe;
use crate::layout::{Guards, ReadPool};
use crate::probe::{KINDS, KindForm};
use crate::setting::{Holds, Value, span_of};
use crate::source::{Diagnostic, Diagnostics, Sources, Span, offset};

/// How pools are read that keys of a store make.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PoolText {
    /// What holds for a probe that says nothing else.
    pub(super) times: Probe,
}

impl ReadPool for PoolText {
    fn read(&self, text: &[u8]) -> Result<Guards, String> {
        let json: Json = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if !json.is_object() {
            return Err("a pool is an object, as in {\"tcp\": 443}".to_owned());
        }
        if has_null(&json) {
            return Err("`null` is no value of a pool: leave the key out".to_owned());
        }
        let toml = Toml::of(&String::from_utf8_lossy(text));
        let mut sources = Sources::default().closed_over(Vec::new());
        let file = sources.add("", text.to_vec());
        let tree = DeValue::parse(&toml.text).map_err(|error| {
            let span = error.span().map(|span| span_of(file, &span));
            toml.told(span, error.message(), &sources)
        })?;
        let DeValue::Table(entries) = tree.get_ref() else { return Err("a pool is an object".to_owned()) };
        let mut found = Diagnostics::default();
        let table = Table::open(Section::ZoneProbe, file, span_of(file, &tree.span()), entries, &mut found);
        if let Some(names) = table.get("names") {
            found.push(names.fault("the owner is that of the key: leave `names` out"));
        }
        if let Some(members) = table.get("members") {
            found.push(members.fault("the addresses are those of keys: leave `members` out"));
        }
        refuse_files(Section::ZoneProbe, &table, &mut found);
        let read = ZoneProbe::nameless(&table, &self.times, Path::new(""), &mut found);
        if let Some(first) = found.first_error() {
            return Err(toml.told(first.span(), &first.message, &sources));
        }
        Ok(Guards { guards: read.templates(), choice: read.choice })
    }

    fn is_same(&self, other: &dyn ReadPool) -> bool {
        (other as &dyn Any).downcast_ref::<Self>() == Some(self)
    }
}

fn refused(key: &str, value: Value<'_>) -> Diagnostic {
    value.fault(format!("`{key}` names a file of this host, and a key of a store cannot"))
}

fn has_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.iter().any(has_null),
        Json::Object(entries) => entries.values().any(has_null),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// A value in TOML: each byte is at the place that it has in JSON, but for what is left out.
struct Toml {
    text: String,
    /// Where something is left out, as places in `text`.
    left_out: Vec<u32>,
}

impl Toml {
    /// What JSON has besides is a colon, lines, and the escape of a slash.
    fn of(json: &str) -> Toml {
        let (mut text, mut left_out) = (String::with_capacity(json.len()), Vec::new());
        let (mut is_text, mut is_escaped) = (false, false);
        for byte in json.trim_end().chars() {
            match byte {
                // An escape that TOML does not know, of what needs none.
                '/' if is_escaped => {
                    text.pop();
                    left_out.push(offset(text.len()));
                }
                ':' if !is_text => {
                    text.push('=');
                    continue;
                }
                _ if byte.is_ascii_whitespace() && !is_text => {
                    // Before a value TOML has no blanks.
                    if text.is_empty() {
                        left_out.push(0);
                    } else {
                        text.push(' ');
                    }
                    continue;
                }
                _ => {}
            }
            is_text ^= byte == '"' && !is_escaped;
            is_escaped = is_text && byte == '\\' && !is_escaped;
            text.push(byte);
        }
        Toml { text, left_out }
    }

    /// A fault in one line, with its place in JSON.
    fn told(&self, span: Option<Span>, message: &str, sources: &Sources) -> String {
        let in_json = |at: u32| at + offset(self.left_out.iter().filter(|left_out| **left_out <= at).count());
        let span = span.map(|span| Span::new(span.file, in_json(span.start), in_json(span.end)));
        let place = span.map(|span| sources.place(span));
        let place =
            place.map_or_else(String::new, |place| format!("line {} column {}: ", place.line, place.column));
        format!("{place}{message}")
    }
}

/// Whoever writes into the store does not choose files of this host.
fn refuse_files(section: Section, table: &Table<'_>, found: &mut Diagnostics) {
    let is_setting = |holds| matches!(holds, Holds::Setting | Holds::SecretsOf(_) | Holds::Headers);
    for key in section.keys().filter(|key| !is_setting(key.holds)) {
        if let Some(value) = table.get(key.name) {
            found.push(refused(key.name, value));
        }
    }
    for child in section.children() {
        // What is wrong with it is told where it is read.
        for part in table.parts(child, &mut Diagnostics::default()) {
            match part {
                Part::Table(inner) => refuse_files(child, &inner, found),
                Part::Value(value) => {
                    let short = KINDS.iter().find(|kind| kind.entry.name == child.name());
                    if let Some(KindForm::Table { short: Some(key), .. }) = short.map(|kind| kind.entry.form)
                        && !is_setting(key.holds)
                    {
                        found.push(refused(child.name(), value));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{AnswerOrder, Test};

    fn read(text: &str) -> Result<Guards, String> {
        PoolText { times: Probe::default() }.read(text.as_bytes())
    }

    #[test]
    fn a_pool_in_json_is_what_the_config_file_says() {
        let pool = read(
            "{\n  \"tcp\": [6443, 22623], \"interval\": \"3s\", \"order\": \"local-first\",\n\
             \"weights\": {\"192.0.2.1\": 3, \"2001:db8::1\": 2},\n\
             \"https\": {\"port\": 6443, \"path\": \"\\/readyz\", \"body\": \"a \\\"b: c\\\" d\"}\n}",
        );
        let Guards { guards, choice } = pool.unwrap();
        assert_eq!((guards.len(), choice.order, choice.weights.len()), (3, AnswerOrder::LocalFirst, 2));
        assert!(guards.iter().all(|guard| guard.interval.as_secs() == 3));
        let shown = format!("{:?}", guards.last());
        assert!(shown.contains("/readyz") && !shown.contains("\\\\/readyz"), "{shown}");
        assert_eq!(read("{\"tcp\": \"target\"}").unwrap().guards[0].test, Test::TargetPort);
    }

    #[test]
    fn a_fault_of_a_pool_has_its_place_and_the_words_of_the_config_file() {
        let fault = |text: &str| read(text).unwrap_err();
        assert_eq!(
            fault("{\"tcp\": 443,\n \"intervall\": \"1s\"}"),
            "line 2 column 2: unknown key `intervall` in `[[zone.probe]]`"
        );
        assert_eq!(fault("{\"tcp\": 70000}"), "line 1 column 9: `tcp` is a port, 1 to 65535");
        assert_eq!(
            fault("\n {\"https\": {\"port\": 6443, \"path\": \"\\/ready\\/z\"}, \"tcp\": 70000}"),
            "line 2 column 57: `tcp` is a port, 1 to 65535"
        );
        assert!(fault("{\"tcp\": 443, \"tcp\": 444}").starts_with("line 1 column "));
        assert!(fault("{}").ends_with("`[[zone.probe]]` probes nothing"));
        assert!(fault("{\"tcp\": 443").contains("line 1 column"), "{}", fault("{\"tcp\": 443"));
        assert!(fault("[443]").contains("a pool is an object"));
        assert!(fault("{\"tcp\": null}").contains("`null` is no value"));
        assert!(fault("{\"tcp\": 443, \"names\": [\"api\"]}").contains("leave `names` out"));
        assert!(
            fault("{\"tcp\": 443, \"tcp\": 444}").contains("duplicate"),
            "{}",
            fault("{\"tcp\": 443, \"tcp\": 444}")
        );
    }

    #[test]
    fn a_pool_of_a_store_names_no_files_of_this_host() {
        let fault = read("{\"https\": {\"port\": 443, \"ca\": \"/etc/shadow\"}}").unwrap_err();
        assert!(fault.contains("`ca` names a file of this host"), "{fault}");
        for file in ["\"/etc/shadow\"", "{\"path\": \"/etc/shadow\"}"] {
            let fault = read(&format!("{{\"file\": {file}}}")).unwrap_err();
            assert!(fault.contains("names a file of this host"), "{fault}");
        }
    }
}
