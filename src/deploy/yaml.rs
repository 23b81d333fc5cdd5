//! Values, written as YAML or JSON.
//!
//! Every reader of YAML 1.1 or 1.2 takes the text for the same value: what could be taken for something else
//! is quoted, and what cannot be a block of lines is not made one.

use std::fmt::Write;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// Columns of indentation per level.
const STEP: usize = 2;

/// A value with its keys in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u32),
    /// A number that YAML shows as an octal one.
    Octal(u32),
    Truth(bool),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl Value {
    /// As a document of YAML, without `---`.
    pub(super) fn to_yaml(&self) -> String {
        let mut text = String::new();
        self.write(0, &mut text);
        text
    }

    /// As JSON in one line.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As JSON for people, with a newline at its end.
    pub(super) fn to_pretty_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Writes whole lines, `indent` columns to the right.
    fn write(&self, indent: usize, out: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            Value::Map(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    let key = scalar(key);
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{margin}{key}:");
                    value.write_behind(indent, out);
                }
            }
            Value::List(items) if !items.is_empty() => {
                for item in items {
                    let _ = write!(out, "{margin}-");
                    let mut inner = String::new();
                    match item {
                        Value::Map(entries) if !entries.is_empty() => {
                            item.write(indent + STEP, &mut inner);
                            // The first line begins behind the hyphen.
                            out.push(' ');
                            out.push_str(inner.trim_start_matches(' '));
                        }
                        _ => item.write_behind(indent, out),
                    }
                }
            }
            _ => {
                out.push_str(&margin);
                out.push_str(&self.word());
                out.push('\n');
            }
        }
    }

    /// Writes the value after a key or a hyphen, indented by `indent` columns.
    fn write_behind(&self, indent: usize, out: &mut String) {
        let inner = indent + STEP;
        match self {
            Value::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                self.write(inner, out);
            }
            Value::List(items) if !items.is_empty() => {
                out.push('\n');
                self.write(inner, out);
            }
            Value::Text(text) if text.contains('\n') && fits_block(text) => block(text, inner, out),
            _ => {
                out.push(' ');
                out.push_str(&self.word());
                out.push('\n');
            }
        }
    }

    /// In one word.
    fn word(&self) -> String {
        match self {
            Value::Text(text) => scalar(text),
            Value::Number(number) => number.to_string(),
            Value::Octal(number) => format!("0{number:o}"),
            Value::Truth(truth) => truth.to_string(),
            Value::List(_) => "[]".to_owned(),
            Value::Map(_) => "{}".to_owned(),
        }
    }
}

/// A text as it is if no reader can take it for something else, in quotes otherwise.
fn scalar(text: &str) -> String {
    // What YAML 1.1 takes for a truth value or for nothing.
    const RESERVED: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:;,=+".contains(c);
    let is_word = begins && text.chars().all(is_plain) && !text.ends_with(':');
    if is_word && !RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    // A text in JSON's quotes is one in YAML's, too; a line break beyond ASCII is one inside of them as well.
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Whether the text can be written as a block of lines and be read as the same.
pub(super) fn fits_block(text: &str) -> bool {
    let is_printable = |c: char| match c {
        '\n' | '\t' | ' '..='~' => true,
        // Line breaks to some, a mark of bytes to others.
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => c >= '\u{a0}',
    };
    text.chars().all(is_printable) && text.contains(|c| !matches!(c, '\n' | ' ' | '\t'))
}

/// A text as lines (`|`): newlines at its end are kept as they are.
fn block(text: &str, indent: usize, out: &mut String) {
    let first = text.split('\n').find(|line| !line.is_empty()).unwrap_or_default();
    // The indentation is that of the first line with something in it, unless that begins with a blank.
    let indicator = if first.starts_with(' ') { STEP.to_string() } else { String::new() };
    let (lines, chomping) = match text.strip_suffix('\n') {
        None => (text, "-"),
        Some(lines) if lines.ends_with('\n') => (lines, "+"),
        Some(lines) => (lines, ""),
    };
    let _ = writeln!(out, " |{indicator}{chomping}");
    let margin = " ".repeat(indent);
    for line in lines.split('\n') {
        if !line.is_empty() {
            out.push_str(&margin);
            out.push_str(line);
        }
        out.push('\n');
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Number(number) | Value::Octal(number) => serializer.serialize_u32(*number),
            Value::Truth(truth) => serializer.serialize_bool(*truth),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_something_else_is_quoted() {
        for plain in ["master", "/etc/edgedns.toml", "data:;base64,W3Nl+/==", "edgedns.service"] {
            assert_eq!(scalar(plain), plain);
        }
        for odd in [
            "",
            "3.2.0",
            "0644",
            "no",
            "On",
            "null",
            "~",
            "a: b",
            "a:",
            "- a",
            "a #b",
            "2026-11-21",
            "1:30",
            "é",
        ] {
            assert_eq!(scalar(odd), format!("\"{odd}\""), "{odd}");
        }
        assert_eq!(scalar("a\"\\\n\u{2028}"), "\"a\\\"\\\\\\n\\u2028\"");
    }

    #[test]
    fn newlines_at_the_end_of_a_block_are_kept() {
        let written = |text: &str| Value::Map(vec![("a", text.into())]).to_yaml();
        assert_eq!(written("x\ny"), "a: |-\n  x\n  y\n");
        assert_eq!(written("x\n\ny\n"), "a: |\n  x\n\n  y\n");
        assert_eq!(written("x\n\n"), "a: |+\n  x\n\n");
        assert_eq!(written("\n x\n"), "a: |2\n\n   x\n");
        assert_eq!(written("\n"), "a: \"\\n\"\n");
        assert_eq!(written("x\r\n"), "a: \"x\\r\\n\"\n");
    }

    #[test]
    fn json_keeps_the_order_of_the_keys() {
        let value =
            Value::Map(vec![("z", Value::Octal(0o644)), ("a", Value::List(vec![Value::Truth(true)]))]);
        assert_eq!(value.to_json(), r#"{"z":420,"a":[true]}"#);
    }
}
