//! YAML as a tree without places: what a kubeconfig is. JSON is YAML, too.

use saphyr_parser::{Event, Parser};

/// Deepest nesting that is read. A kubeconfig is four deep.
const DEPTH_MAX: usize = 32;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Node::Mapping(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A text under a key, if it is not empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Node::Scalar(text) if !text.is_empty() => Some(text),
            Node::Scalar(_) | Node::Sequence(_) | Node::Mapping(_) => None,
        }
    }

    /// The element of the list under `key` whose `name` is this.
    pub(super) fn named(&self, key: &str, name: &str) -> Option<&Node> {
        let Node::Sequence(elements) = self.get(key)? else { return None };
        elements.iter().find(|element| element.text("name") == Some(name))
    }
}

/// What is being read.
enum Open {
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>, Option<String>),
}

/// Reads the only document of a text.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let (mut open, mut root): (Vec<Open>, Option<Node>) = (Vec::new(), None);
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.info().to_owned())?;
        let done = match event {
            Event::Scalar(text, ..) => Some(Node::Scalar(text.into_owned())),
            Event::SequenceStart(..) => {
                open.push(Open::Sequence(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Vec::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(|done| match done {
                Open::Sequence(nodes) => Node::Sequence(nodes),
                Open::Mapping(pairs, _) => Node::Mapping(pairs),
            }),
            Event::Alias(..) => return Err("an alias".to_owned()),
            _ => None,
        };
        if open.len() > DEPTH_MAX {
            return Err("it is nested too deep".to_owned());
        }
        let Some(done) = done else { continue };
        match open.last_mut() {
            None if root.is_some() => return Err("several documents".to_owned()),
            None => root = Some(done),
            Some(Open::Sequence(nodes)) => nodes.push(done),
            Some(Open::Mapping(pairs, key)) => match (key.take(), done) {
                (Some(key), value) => pairs.push((key, value)),
                (None, Node::Scalar(name)) => *key = Some(name),
                (None, Node::Sequence(_) | Node::Mapping(_)) => {
                    return Err("a key that is no text".to_owned());
                }
            },
        }
    }
    root.ok_or_else(|| "it is empty".to_owned())
}
