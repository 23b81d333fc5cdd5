//! A setting as it was given, in either form of file: text, lists, yes and no.

use super::word::Word;
use super::yaml::{Content, Node};
use crate::source::Span;

/// One place where a setting is given.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// The line, from its name to its end.
    pub(super) span: Span,
    /// As the report shows it, secrets left out.
    pub(super) shown: String,
}

/// What was given.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `name=value`: one word for each line that counts.
    Lines(Vec<Word>),
    /// YAML: one node for each file that counts.
    Nodes(Vec<Node>),
}

/// A setting that counts, from all places that add to it.
#[derive(Clone, Debug)]
pub(super) struct ServerSetting {
    /// Its name in the old form, by which rules know it.
    pub(super) name: String,
    /// Where it is given last.
    pub(super) span: Span,
    /// Everywhere it is given.
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) value: Value,
}

impl ServerSetting {
    /// It, as each place gives it that adds to it.
    pub(super) fn parts(&self) -> Vec<ServerSetting> {
        let part = |(place, occurrence): (usize, &Occurrence)| {
            let value = match &self.value {
                Value::Lines(lines) => Value::Lines(lines.get(place).cloned().into_iter().collect()),
                Value::Nodes(nodes) => Value::Nodes(nodes.get(place).cloned().into_iter().collect()),
            };
            ServerSetting {
                name: self.name.clone(),
                span: occurrence.span,
                occurrences: vec![occurrence.clone()],
                value,
            }
        };
        self.occurrences.iter().enumerate().map(part).collect()
    }

    /// The value as one text: the last that was given.
    pub(super) fn text(&self) -> Word {
        let last = match &self.value {
            Value::Lines(lines) => lines.last().cloned(),
            Value::Nodes(nodes) => nodes.last().map(|node| match &node.content {
                Content::Scalar(text) => Word { text: text.clone(), span: node.span },
                Content::Sequence(_) | Content::Mapping(_) => Word { text: String::new(), span: node.span },
            }),
        };
        last.unwrap_or(Word { text: String::new(), span: self.span })
    }

    /// The values of a list: parted by `separators` in a line, the elements of a YAML sequence.
    pub(super) fn items(&self, separators: &[char]) -> Vec<Word> {
        match &self.value {
            Value::Lines(lines) => lines.iter().flat_map(|line| line.split(separators)).collect(),
            Value::Nodes(nodes) => nodes.iter().flat_map(Node::words).collect(),
        }
    }

    /// Elements of a YAML list that are no words.
    pub(super) fn strange(&self) -> Vec<Span> {
        let Value::Nodes(nodes) = &self.value else { return Vec::new() };
        let elements = nodes.iter().filter(|node| !node.is_empty()).flat_map(Node::elements);
        let strange = |node: &&Node| !matches!(&node.content, Content::Scalar(text) if !text.is_empty());
        elements.filter(strange).map(|node| node.span).collect()
    }

    /// Whether it says yes. In the old form that is anything but `no` and `off`.
    pub(super) fn is_on(&self) -> bool {
        let text = self.text().text;
        match self.value {
            Value::Lines(_) => !matches!(text.as_str(), "no" | "off"),
            Value::Nodes(_) => matches!(text.as_str(), "true" | "yes" | "on"),
        }
    }

    /// Whether it reads as no and means yes: `enable-x=false`.
    pub(super) fn is_on_by_mistake(&self) -> bool {
        let text = self.text().text.to_ascii_lowercase();
        matches!(self.value, Value::Lines(_))
            && self.is_on()
            && matches!(
                text.as_str(),
                "0" | "false" | "n" | "none" | "never" | "disable" | "disabled" | "no" | "off"
            )
    }

    /// Whether it asks for nothing: a no, a zero, or an empty list.
    pub(super) fn is_off(&self) -> bool {
        self.is_empty() || matches!(self.text().text.as_str(), "no" | "off" | "0") || self.is_false()
    }

    fn is_false(&self) -> bool {
        matches!(self.value, Value::Nodes(_)) && self.text().text == "false"
    }

    /// Whether nothing was given for it.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Lines(lines) => lines.iter().all(|line| line.text.is_empty()),
            Value::Nodes(nodes) => nodes.iter().all(Node::is_empty),
        }
    }
}

/// The settings of a server that count.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerSettings {
    list: Vec<ServerSetting>,
}

impl ServerSettings {
    pub(super) fn get(&self, name: &str) -> Option<&ServerSetting> {
        self.list.iter().find(|setting| setting.name == name)
    }

    /// Whether a setting says yes; none when it is not given.
    pub(super) fn is_on(&self, name: &str) -> Option<bool> {
        self.get(name).map(ServerSetting::is_on)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ServerSetting> {
        self.list.iter()
    }

    /// Takes a setting; returns the occurrences that it replaces.
    pub(super) fn set(&mut self, setting: ServerSetting) -> Vec<Occurrence> {
        match self.list.iter_mut().find(|known| known.name == setting.name) {
            Some(known) => std::mem::replace(known, setting).occurrences,
            None => {
                self.list.push(setting);
                Vec::new()
            }
        }
    }

    /// Adds to a setting; none if there is none to add to.
    pub(super) fn extend(&mut self, setting: &ServerSetting) -> Option<()> {
        let known = self.list.iter_mut().find(|known| known.name == setting.name)?;
        known.span = setting.span;
        known.occurrences.extend(setting.occurrences.iter().cloned());
        match (&mut known.value, &setting.value) {
            (Value::Lines(known), Value::Lines(more)) => known.extend(more.iter().cloned()),
            (Value::Nodes(known), Value::Nodes(more)) => known.extend(more.iter().cloned()),
            (Value::Lines(_), Value::Nodes(_)) | (Value::Nodes(_), Value::Lines(_)) => {}
        }
        Some(())
    }
}
