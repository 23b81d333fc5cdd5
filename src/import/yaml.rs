//! YAML as a tree in which every node knows its place. Refuses anchors, several documents, and too much
//! depth.

use saphyr_parser::{Event, Marker, Parser, Span as Range};

use super::word::{Word, is_secret};
use crate::source::{Diagnostic, Diagnostics, FileId, Span, offset};

/// Deepest nesting that is read. Settings are four deep; more is a mistake or an attack.
const DEPTH_MAX: usize = 32;

/// A value.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) span: Span,
    /// The tag in front of it, without its `!`.
    pub(super) tag: Option<String>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Word, Node)>),
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Content::Mapping(pairs) = &self.content else { return None };
        pairs.iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
    }

    /// The pairs of a mapping.
    pub(super) fn pairs(&self) -> &[(Word, Node)] {
        match &self.content {
            Content::Mapping(pairs) => pairs,
            Content::Scalar(_) | Content::Sequence(_) => &[],
        }
    }

    /// The elements of a sequence; of anything else, itself.
    pub(super) fn elements(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(nodes) => nodes,
            Content::Scalar(_) | Content::Mapping(_) => std::slice::from_ref(self),
        }
    }

    /// The scalars among its elements.
    pub(super) fn words(&self) -> Vec<Word> {
        let scalar = |node: &Node| match &node.content {
            Content::Scalar(text) if !text.is_empty() => Some(Word { text: text.clone(), span: node.span }),
            Content::Scalar(_) | Content::Sequence(_) | Content::Mapping(_) => None,
        };
        self.elements().iter().filter_map(scalar).collect()
    }

    /// Its text on one line, secrets left out.
    pub(super) fn shown(&self) -> String {
        let pair = |(name, node): &(Word, Node)| match is_secret(&name.text) {
            true => format!("{}: …", name.text),
            false => format!("{}: {}", name.text, node.shown()),
        };
        match &self.content {
            Content::Scalar(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Content::Sequence(nodes) => {
                format!("[{}]", nodes.iter().map(Node::shown).collect::<Vec<_>>().join(", "))
            }
            Content::Mapping(pairs) => {
                format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match &self.content {
            Content::Scalar(text) => text.is_empty() || matches!(text.as_str(), "~" | "null"),
            Content::Sequence(nodes) => nodes.is_empty(),
            Content::Mapping(pairs) => pairs.is_empty(),
        }
    }
}

/// Reads one document; none if a fault was pushed, or nothing is there.
pub(super) fn read(file: FileId, bytes: &[u8], found: &mut Diagnostics) -> Option<Node> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            found.push(Diagnostic::error(Span::new(file, offset(at), offset(at + 1)), "not UTF-8"));
            return None;
        }
    };
    let places = Places { file, offsets: text.char_indices().map(|(at, _)| at).collect(), len: text.len() };
    let mut tree = Tree { places, open: Vec::new(), root: None };
    for event in Parser::new_from_str(text) {
        let taken = match event {
            Ok((event, range)) => tree.take(event, range),
            Err(error) => {
                let span = tree.places.span(Range::empty(*error.marker()));
                Err(Diagnostic::error(span, format!("no YAML: {}", error.info())))
            }
        };
        if let Err(fault) = taken {
            found.push(fault);
            return None;
        }
    }
    tree.root
}

/// Where characters are in the file: the parser counts characters, spans count bytes.
struct Places {
    file: FileId,
    offsets: Vec<usize>,
    len: usize,
}

impl Places {
    fn byte(&self, mark: Marker) -> u32 {
        offset(self.offsets.get(mark.index()).copied().unwrap_or(self.len))
    }

    fn span(&self, range: Range) -> Span {
        Span::new(self.file, self.byte(range.start), self.byte(range.end))
    }
}

/// The tree as far as it has been read.
struct Tree {
    places: Places,
    /// What has begun and not ended, with the key that waits for a value.
    open: Vec<(Node, Option<Word>)>,
    root: Option<Node>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, range: Range) -> Result<(), Diagnostic> {
        let span = self.places.span(range);
        let begun = |content, tag: Option<std::borrow::Cow<'_, saphyr_parser::Tag>>| Node {
            content,
            span,
            tag: tag.map(|tag| tag.suffix.clone()),
        };
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(Diagnostic::error(span, "a second document").help("only one is read"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(_) => {
                Err(Diagnostic::error(span, "aliases are not followed").help("write the value here"))
            }
            Event::Scalar(text, _, _, tag) => self.place(begun(Content::Scalar(text.into_owned()), tag)),
            Event::SequenceStart(_, tag) => self.begin(begun(Content::Sequence(Vec::new()), tag)),
            Event::MappingStart(_, tag) => self.begin(begun(Content::Mapping(Vec::new()), tag)),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((node, _)) => self.place(node),
                None => Ok(()),
            },
        }
    }

    fn begin(&mut self, node: Node) -> Result<(), Diagnostic> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Diagnostic::error(node.span, format!("nested more than {DEPTH_MAX} deep")));
        }
        self.open.push((node, None));
        Ok(())
    }

    /// Puts a whole node where it belongs.
    fn place(&mut self, node: Node) -> Result<(), Diagnostic> {
        let Some((parent, key)) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.content, key.take(), node) {
            (Content::Mapping(pairs), Some(name), node) => {
                if let Some((first, _)) = pairs.iter().find(|(known, _)| known.text == name.text) {
                    let message = format!("`{}` is given twice", name.text);
                    return Err(Diagnostic::error(name.span, message).and_at(first.span, "first given here"));
                }
                pairs.push((name, node));
            }
            (Content::Mapping(_), None, Node { content: Content::Scalar(text), span, .. }) => {
                *key = Some(Word { text, span });
            }
            (Content::Mapping(_), None, node) => return Err(Diagnostic::error(node.span, "a key is a word")),
            (Content::Sequence(nodes), _, node) => nodes.push(node),
            (Content::Scalar(_), _, _) => {}
        }
        Ok(())
    }
}
