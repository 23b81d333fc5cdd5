//! Patterns of names below some name, label by label: `_acme-challenge.**`, `*.apps`.

use std::fmt;
use std::str::FromStr;

use super::glob::glob;
use super::line::{TextError, read_line};

/// Labels of a name from left to right, without those of the name that it is relative to. `**` stands for any number
/// of labels, and none; in a label, `*` stands for any text and `?` for one character. `@` is no label at all. Case is
/// ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelsPattern(Vec<LabelPattern>);

/// What stands between two dots.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum LabelPattern {
    /// Any number of labels.
    AnyLabels,
    /// One label, by a glob.
    One(String),
}

/// Why a text is no such pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelsError {
    /// It is no line of text, or empty.
    Text(TextError),
    /// Nothing stands between two dots.
    EmptyLabel,
    /// It ends in a dot, as names do that are relative to nothing.
    Absolute,
    /// `**` stands beside other text in a label.
    Mixed,
}

impl LabelsPattern {
    /// Whether it matches these labels, all of them.
    pub fn matches(&self, labels: &[&[u8]]) -> bool {
        let (mut at, mut seen) = (0, 0);
        // Behind the last `**`, and how many labels it had taken: a mismatch goes back there.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(label) = labels.get(seen) {
            match self.0.get(at) {
                Some(LabelPattern::AnyLabels) => {
                    at += 1;
                    retry = Some((at, seen));
                    continue;
                }
                Some(LabelPattern::One(wanted)) if glob(wanted.as_bytes(), label) => {}
                Some(LabelPattern::One(_)) | None => {
                    let Some((behind, taken)) = retry else { return false };
                    (at, seen) = (behind, taken + 1);
                    retry = Some((behind, seen));
                    continue;
                }
            }
            (at, seen) = (at + 1, seen + 1);
        }
        self.0.iter().skip(at).all(|rest| *rest == LabelPattern::AnyLabels)
    }
}

impl FromStr for LabelsPattern {
    type Err = LabelsError;

    fn from_str(text: &str) -> Result<Self, LabelsError> {
        if text.is_empty() {
            return Err(LabelsError::Text(TextError::Empty));
        }
        let text = read_line(text).map_err(LabelsError::Text)?;
        if text == "@" {
            return Ok(LabelsPattern(Vec::new()));
        }
        if text.len() > 1 && text.ends_with('.') {
            return Err(LabelsError::Absolute);
        }
        let labels = text.split('.').map(|label| match label {
            "" => Err(LabelsError::EmptyLabel),
            "**" => Ok(LabelPattern::AnyLabels),
            mixed if mixed.contains("**") => Err(LabelsError::Mixed),
            one => Ok(LabelPattern::One(one.to_owned())),
        });
        Ok(LabelsPattern(labels.collect::<Result<Vec<LabelPattern>, LabelsError>>()?))
    }
}

/// As it is written.
impl fmt::Display for LabelsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("@");
        }
        for (number, label) in self.0.iter().enumerate() {
            let dot = if number == 0 { "" } else { "." };
            match label {
                LabelPattern::AnyLabels => write!(f, "{dot}**")?,
                LabelPattern::One(text) => write!(f, "{dot}{text}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for LabelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelsError::Text(error) => error.fmt(f),
            LabelsError::EmptyLabel => f.write_str("a dot too many"),
            LabelsError::Absolute => {
                f.write_str("it ends in a dot, and is relative to the zone nevertheless")
            }
            LabelsError::Mixed => f.write_str("`**` stands for whole labels, between dots"),
        }
    }
}

impl std::error::Error for LabelsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        let labels: Vec<&[u8]> =
            name.split('.').filter(|label| !label.is_empty()).map(str::as_bytes).collect();
        pattern.parse::<LabelsPattern>().unwrap().matches(&labels)
    }

    #[test]
    fn two_asterisks_are_any_number_of_labels_and_one_is_within_a_label() {
        for (pattern, inside, outside) in [
            (
                "_acme-challenge.**",
                &["_acme-challenge", "_ACME-challenge.apps.eu"][..],
                &["", "x._acme-challenge", "_acme"][..],
            ),
            ("**", &["", "a", "a.b.c"], &[]),
            ("**.b.**.d", &["b.d", "a.b.c.d", "b.b.d.d"], &["b", "d", "a.d.b"]),
            ("*", &["a", "*"], &["", "a.b"]),
            ("a-*.apps", &["a-.apps", "a-1.APPS"], &["a.apps", "a-1.x.apps", "apps"]),
            ("@", &[""], &["a"]),
            ("**.x", &["x", "x.x", "a.x"], &["x.a"]),
        ] {
            inside.iter().for_each(|name| assert!(matches(pattern, name), "{pattern} {name}"));
            outside.iter().for_each(|name| assert!(!matches(pattern, name), "{pattern} {name}"));
        }
    }

    #[test]
    fn what_is_no_pattern_says_why_and_what_is_one_is_written_as_it_is_read() {
        let fault = |text: &str| text.parse::<LabelsPattern>().unwrap_err();
        assert_eq!(fault(""), LabelsError::Text(TextError::Empty));
        assert_eq!(fault("a..b"), LabelsError::EmptyLabel);
        assert_eq!(fault("."), LabelsError::EmptyLabel);
        assert_eq!(fault("a.example."), LabelsError::Absolute);
        assert_eq!(fault("a**.b"), LabelsError::Mixed);
        for text in ["@", "**", "_acme-challenge.**", "*.apps"] {
            assert_eq!(text.parse::<LabelsPattern>().unwrap().to_string(), text);
        }
    }
}
