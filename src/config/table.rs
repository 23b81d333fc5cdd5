//! A table of the config file: which keys it may hold.
//!
//! Reports unknown and missing keys, and wrong brackets around headers. Not responsible for what a value
//! means.

use std::ops::Deref;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Section};
use crate::setting::{self, Value, list, span_of};
use crate::source::{Diagnostic, Diagnostics, FileId, Span, nearest};

/// A table whose keys are all known.
pub(super) struct Table<'t> {
    section: Section,
    inner: setting::Table<'t>,
}

impl<'t> Deref for Table<'t> {
    type Target = setting::Table<'t>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<'t> Table<'t> {
    /// The file itself.
    pub(super) fn root(file: FileId, entries: &'t DeTable<'t>, found: &mut Diagnostics) -> Self {
        Self::open(Section::Root, file, Span::new(file, 0, 0), entries, found)
    }

    /// Opens a table; keys it does not know are faults at their place.
    pub(super) fn open(
        section: Section,
        file: FileId,
        span: Span,
        entries: &'t DeTable<'t>,
        found: &mut Diagnostics,
    ) -> Self {
        for (key, value) in entries.iter().filter(|(key, _)| !is_known(section, key.get_ref())) {
            let place = span_of(file, &key.span());
            found.push(refuse(section, key.get_ref(), value.get_ref()).at(place));
        }
        Self { section, inner: setting::Table::new(section.header(), file, span, entries) }
    }

    /// As [`setting::Table::need`], of a key of this table.
    pub(super) fn need(&self, key: &'static str, found: &mut Diagnostics) -> Option<Value<'t>> {
        let known = self.section.keys().find(|known| known.name == key)?;
        self.inner.need(&known.entry(), found)
    }

    /// Whether there is anything under the key of a table in this one.
    pub(super) fn has(&self, section: Section) -> bool {
        self.entries().contains_key(section.name())
    }

    /// A table in this one that stands there once.
    pub(super) fn table(&self, section: Section, found: &mut Diagnostics) -> Option<Table<'t>> {
        let value = self.entries().get(section.name())?;
        let span = span_of(self.file(), &value.span());
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table::open(section, self.file(), span, entries, found)),
            DeValue::Array(_) => {
                found.push(wrong_brackets(section, span, "can be given once: write single brackets"));
                None
            }
            _ => {
                found.push(wrong_brackets(section, span, "is a table"));
                None
            }
        }
    }

    /// What stands under the key of a table that may be written short, as a single value; several of either
    /// in a list.
    pub(super) fn parts(&self, section: Section, found: &mut Diagnostics) -> Vec<Part<'t>> {
        let Some(value) = self.entries().get(section.name()) else { return Vec::new() };
        let mut part = |node: &'t Spanned<DeValue<'t>>| match node.get_ref() {
            DeValue::Table(entries) => {
                let span = span_of(self.file(), &node.span());
                Part::Table(Table::open(section, self.file(), span, entries, found))
            }
            _ => Part::Value(Value::new(section.name(), self.file(), node)),
        };
        match value.get_ref() {
            DeValue::Array(items) if !items.is_empty() => items.iter().map(part).collect(),
            _ => vec![part(value)],
        }
    }

    /// The tables in this one of a kind that may stand there several times.
    pub(super) fn tables(&self, section: Section, found: &mut Diagnostics) -> Vec<Table<'t>> {
        let Some((key, value)) = self.entries().get_key_value(section.name()) else {
            return Vec::new();
        };
        let span = span_of(self.file(), &value.span());
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| self.item(section, item, found)).collect()
            }
            // The parser gives a table that only the header of another one implies the place of its key.
            DeValue::Table(_) if value.span() == key.span() => {
                let header = section.header();
                found.push(
                    Diagnostic::error(span, format!("there is no `{header}` above this"))
                        .help(format!("begin with `{header}` and its own keys")),
                );
                Vec::new()
            }
            DeValue::Table(entries) => {
                found.push(wrong_brackets(
                    section,
                    span,
                    "can be given several times: write double brackets",
                ));
                vec![Table::open(section, self.file(), span, entries, found)]
            }
            _ => {
                found.push(wrong_brackets(section, span, "is a table"));
                Vec::new()
            }
        }
    }

    fn item(
        &self,
        section: Section,
        item: &'t Spanned<DeValue<'t>>,
        found: &mut Diagnostics,
    ) -> Option<Table<'t>> {
        let span = span_of(self.file(), &item.span());
        match item.get_ref() {
            DeValue::Table(entries) => Some(Table::open(section, self.file(), span, entries, found)),
            _ => {
                found.push(wrong_brackets(section, span, "is a table"));
                None
            }
        }
    }
}

/// A table, or the one value that stands for it.
pub(super) enum Part<'t> {
    Value(Value<'t>),
    Table(Table<'t>),
}

impl Part<'_> {
    /// Its place.
    pub(super) fn span(&self) -> Span {
        match self {
            Part::Value(value) => value.span(),
            Part::Table(table) => table.span(),
        }
    }
}

fn wrong_brackets(section: Section, span: Span, why: &str) -> Diagnostic {
    let header = section.header();
    Diagnostic::error(span, format!("`{}` {why}", section.name())).help(format!("write `{header}`"))
}

fn known(section: Section) -> impl Iterator<Item = &'static str> {
    section.keys().map(|key| key.name).chain(section.children().map(Section::name))
}

fn is_known(section: Section, name: &str) -> bool {
    known(section).any(|known| known == name)
}

/// Why a key cannot stand in a table, and what was likely meant.
struct UnknownKey {
    message: String,
    help: String,
}

impl UnknownKey {
    fn at(self, place: Span) -> Diagnostic {
        Diagnostic::error(place, self.message).help(self.help)
    }
}

fn refuse(section: Section, name: &str, value: &DeValue<'_>) -> UnknownKey {
    let help = meant(section, name);
    let is_table = match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().next().is_some_and(|item| item.get_ref().is_table()),
        _ => false,
    };
    let message = match (section, is_table) {
        (Section::Root, true) => format!("unknown table `{name}`"),
        (Section::Root, false) => format!("unknown key `{name}` outside of any table"),
        (_, true) => format!("unknown table `{name}` in `{}`", section.header()),
        (_, false) => format!("unknown key `{name}` in `{}`", section.header()),
    };
    UnknownKey { message, help }
}

/// What was meant: the same key of another table, else the nearest one of this, else any of this.
fn meant(section: Section, name: &str) -> String {
    let elsewhere: Vec<&str> =
        KEYS.iter().filter(|key| key.name == name).map(|key| key.section.header()).collect();
    if !elsewhere.is_empty() {
        return format!("`{name}` belongs in {}", list(&elsewhere, "or"));
    }
    if let Some(near) = nearest(name, known(section)) {
        let child = section.children().find(|child| child.name() == near);
        return format!("did you mean `{}`?", child.map_or(near, Section::header));
    }
    let tables = section.children().map(Section::header);
    let all: Vec<&str> = section.keys().map(|key| key.name).chain(tables).collect();
    match section {
        Section::Root => format!("the tables are {}", list(&all, "and")),
        _ => format!("`{}` knows {}", section.header(), list(&all, "and")),
    }
}
