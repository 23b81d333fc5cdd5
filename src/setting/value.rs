//! A value of the config file and the types it may be read as.
//!
//! Reports wrong types and values out of bounds, drawn at the value. Not responsible for which keys there
//! are.

use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::duration;
use super::size;
use crate::dns::{Name, NameRef, Ttl};
use crate::source::{Diagnostic, Diagnostics, FileId, Span, nearest, offset};

/// A value, the key it belongs to, and its place.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    key: &'static str,
    file: FileId,
    node: &'t Spanned<DeValue<'t>>,
}

impl<'t> Value<'t> {
    /// The value `node` of `key`, which stands in `file`.
    pub fn new(key: &'static str, file: FileId, node: &'t Spanned<DeValue<'t>>) -> Self {
        Self { key, file, node }
    }

    /// Its place.
    pub fn span(self) -> Span {
        span_of(self.file, &self.node.span())
    }

    /// A fault of this value.
    pub fn fault(self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.span(), message)
    }

    /// A text.
    pub fn text(self) -> Result<&'t str, Diagnostic> {
        self.node.get_ref().as_str().ok_or_else(|| self.takes("a text in quotes"))
    }

    /// A truth value.
    pub fn truth(self) -> Result<bool, Diagnostic> {
        self.node.get_ref().as_bool().ok_or_else(|| match self.node.get_ref().as_str() {
            Some(word @ ("true" | "false")) => self.takes("a truth value").help(format!("write `{word}`")),
            _ => self.takes("a truth value, `true` or `false`"),
        })
    }

    /// An IP address.
    pub fn address(self) -> Result<IpAddr, Diagnostic> {
        let text = self.node.get_ref().as_str().ok_or_else(|| self.takes("an address in quotes"))?;
        let fault = || self.fault(format!("`{text}` is not an address"));
        text.parse().map_err(|_| fault().help("write it as \"192.0.2.1\" or \"2001:db8::1\""))
    }

    /// Whether it is a whole number.
    pub fn is_whole(self) -> bool {
        self.node.get_ref().as_integer().is_some()
    }

    /// Names and values of a table whose keys are the operator's own.
    pub fn entries(self) -> Result<Vec<(&'t str, Value<'t>)>, Diagnostic> {
        let table = self.node.get_ref().as_table().ok_or_else(|| self.takes("a table"))?;
        let value = |node| Value::new(self.key, self.file, node);
        Ok(table.iter().map(|(name, node)| (name.get_ref().as_ref(), value(node))).collect())
    }

    /// The values of these keys in its tables, however deep these are.
    pub fn within(self, names: &[&str]) -> Vec<Value<'t>> {
        let value = |node| Value::new(self.key, self.file, node);
        match self.node.get_ref() {
            DeValue::Array(items) => items.iter().flat_map(|node| value(node).within(names)).collect(),
            DeValue::Table(table) => {
                let found = table.iter().flat_map(|(name, node)| {
                    if names.contains(&name.get_ref().as_ref()) {
                        vec![value(node)]
                    } else {
                        value(node).within(names)
                    }
                });
                found.collect()
            }
            _ => Vec::new(),
        }
    }

    /// A whole number that `take` accepts; `bounds` says in words which.
    pub fn whole<T>(
        self,
        bounds: impl Display,
        take: impl FnOnce(u32) -> Option<T>,
    ) -> Result<T, Diagnostic> {
        let Some(number) = self.node.get_ref().as_integer() else {
            let fault = self.takes("a whole number");
            return Err(match self.node.get_ref().as_str() {
                Some(text) if text.parse::<u32>().is_ok() => fault.help(format!("write `{text}`")),
                _ => fault,
            });
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok();
        read.and_then(take).ok_or_else(|| self.fault(format!("`{}` is {bounds}", self.key)))
    }

    /// An amount of memory in bytes, within `bounds`, which are whole MiB.
    pub fn memory(self, bounds: &RangeInclusive<u64>) -> Result<u64, Diagnostic> {
        let text = self.node.get_ref().as_str().ok_or_else(|| self.takes("an amount, as in \"256MiB\""))?;
        let read = size::parse(text).ok_or_else(|| {
            let help = "it is a whole number of `KiB`, `MiB` or `GiB`, as in \"256MiB\"";
            self.fault(format!("`{text}` is not an amount of memory")).help(help)
        })?;
        if bounds.contains(&read) {
            return Ok(read);
        }
        let (least, most) = (bounds.start() >> 20, bounds.end() >> 20);
        Err(self.fault(format!("`{}` is {least}MiB to {most}MiB", self.key)))
    }

    /// A duration within `bounds`.
    pub fn duration(self, bounds: &RangeInclusive<Duration>) -> Result<Duration, Diagnostic> {
        if let Some(number) = self.node.get_ref().as_integer() {
            return Err(self.takes("a duration with its unit").help(format!("write \"{number}s\"")));
        }
        let text = self.node.get_ref().as_str().ok_or_else(|| self.takes("a duration, as in \"5s\""))?;
        let read = duration::parse(text).map_err(|error| self.fault(error.to_string()).help(error.help()))?;
        if bounds.contains(&read) {
            return Ok(read);
        }
        let (least, most) = (duration::show(*bounds.start()), duration::show(*bounds.end()));
        Err(self.fault(format!("`{}` is {least} to {most}", self.key)))
    }

    /// A TTL within `bounds`.
    pub fn ttl(self, bounds: &RangeInclusive<Duration>) -> Result<Ttl, Diagnostic> {
        let duration = self.duration(bounds)?;
        let seconds = u32::try_from(duration.as_secs()).ok().and_then(Ttl::from_seconds);
        seconds.ok_or_else(|| self.fault("it is too long"))
    }

    /// One of some words, and what it stands for.
    pub fn word<T: Copy>(self, words: &[(&'static str, T)]) -> Result<T, Diagnostic> {
        let written = self.text()?;
        if let Some(&(_, meaning)) = words.iter().find(|(word, _)| *word == written) {
            return Ok(meaning);
        }
        let all: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
        let help = match nearest(written, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is {}", list(&all, "or")),
        };
        Err(self.fault(format!("`{}` cannot be `{written}`", self.key)).help(help))
    }

    /// The items of a list.
    pub fn items(self) -> Result<Vec<Value<'t>>, Diagnostic> {
        match self.node.get_ref() {
            DeValue::Array(items) => {
                Ok(items.iter().map(|node| Value::new(self.key, self.file, node)).collect())
            }
            DeValue::String(text) => Err(self.takes("a list").help(format!("write `[\"{text}\"]`"))),
            _ => Err(self.takes("a list")),
        }
    }

    /// The items of a list; anything else is its only item.
    pub fn item_or_items(self) -> Vec<Value<'t>> {
        self.items().unwrap_or_else(|_| vec![self])
    }

    /// A domain name, relative to `origin` unless it ends in a dot.
    pub fn name(self, origin: NameRef<'_>) -> Result<Name, Diagnostic> {
        let text = self.text()?;
        // The name itself could hold any byte, but one of these was hardly meant.
        if let Some(odd) = text.chars().find(|&c| !c.is_ascii_graphic()) {
            let fault = self.fault(format!("`{text}` is not a domain name: it cannot contain {odd:?}"));
            return Err(if odd.is_ascii() {
                fault.help(format!("if it is meant, write `\\{:03}` in single quotes", u32::from(odd)))
            } else {
                fault.help("write the A-label, which begins with `xn--`")
            });
        }
        Name::parse(text.as_bytes(), origin)
            .map_err(|error| self.fault(format!("`{text}` is not a domain name: {error}")))
    }

    /// The value has the wrong type.
    pub fn takes(self, what: &str) -> Diagnostic {
        let is = match self.node.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("`{}` takes {what}, not {is}", self.key))
    }
}

/// Words in backquotes, with commas and a last `and` or `or`.
pub fn list(words: &[&str], last: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// A place given as a range of bytes.
pub fn span_of(file: FileId, range: &std::ops::Range<usize>) -> Span {
    Span::new(file, offset(range.start), offset(range.end))
}

/// The value of a result; a fault goes to `found`.
pub fn keep<T>(result: Result<T, Diagnostic>, found: &mut Diagnostics) -> Option<T> {
    result.map_err(|fault| found.push(fault)).ok()
}
