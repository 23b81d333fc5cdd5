//! What the functions of LUA records mean: from code to a pool or to constant records.
//!
//! Responsible for the functions and options of PowerDNS that are supported, for their defaults, and
//! for refusing at load whatever PowerDNS would stumble over, or silently misread, at a query.
//! Not responsible for the syntax of the code (`lua`) or for RDATA of constants (`dns::rdata`).

mod data;
mod functions;
mod if_url_up;
mod library;
mod options;
mod pickers;
mod pool;
mod request;
mod scope;
mod url;
mod value;

use std::num::NonZeroU32;
use std::time::Duration;

use crate::dns::{NameRef, Rtype, Ttl};
use crate::lua::{self, Call, Expr, ExprKind, Field};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Member, Pool, Selector};

pub(super) use library::Library;
use scope::Scope;

/// What holds for LUA records that do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How an answer is chosen where the record names no `selector` or no `backupSelector`.
    pub selector: Selector,
    /// From one probe of a target to the next.
    pub interval: Duration,
    /// How long one probe may take.
    pub timeout: Duration,
    /// From an outcome that contradicts the verdict to the next probe; never longer than the
    /// record's interval.
    pub retry: Duration,
    /// Consecutive passes until a target that was down is up.
    pub rise: NonZeroU32,
    /// Consecutive failures until a target that was up is down.
    pub fall: NonZeroU32,
}

impl Default for Settings {
    fn default() -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            // PowerDNS's own default is `random`. Clients of a cluster's names try what they are
            // given in turn, so all that is up serves them better.
            selector: Selector::All,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            retry: Duration::from_millis(200),
            rise: two,
            fall: two,
        }
    }
}

/// What a LUA record stands for.
#[derive(Clone, Debug)]
pub(super) enum Meaning {
    /// Members that are probed or chosen among.
    Pool(Pool),
    /// Records of the inner type that never change. At least one.
    Constants(Vec<Constant>),
}

/// The RDATA of one record, as text.
///
/// As in PowerDNS a name in it is absolute without a final dot, and the text of a TXT record is one
/// character-string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Constant {
    /// Presentation format. May hold any byte.
    pub(super) text: Box<[u8]>,
    /// Where the string stands in the code.
    pub(super) span: Span,
}

/// Most constants of one record: more do not fit into a message of 64 KiB.
const CONSTANTS_MAX: usize = 4_000;

/// A LUA record as it stands in the zone.
pub(super) struct Written<'r> {
    pub(super) owner: NameRef<'r>,
    /// The type it answers.
    pub(super) inner: Rtype,
    pub(super) ttl: Ttl,
    pub(super) code: &'r lua::Code,
    /// Its place for faults that have none of their own.
    pub(super) span: Span,
    /// The zone's own name.
    pub(super) apex: NameRef<'r>,
}

/// Reads a LUA record. Every fault is pushed to `found`; none when there was an error.
pub(super) fn read(
    written: &Written<'_>,
    library: &Library,
    settings: &Settings,
    found: &mut Diagnostics,
) -> Option<Meaning> {
    let errors_before = found.errors();
    let Written { owner, inner, ttl, code, span, apex } = *written;
    let record = lua::parse(code, span, found)?;
    let scope = Scope::of(&record, library, apex, found)?;
    let mut reader = Reader { owner, inner, ttl, code, span, settings, scope, found };
    let meaning = reader.meaning(&record.result);
    // What was refused on the way may have left something that could be read.
    meaning.filter(|_| found.errors() == errors_before)
}

/// One record while it is read.
struct Reader<'r, 'f> {
    owner: NameRef<'r>,
    inner: Rtype,
    ttl: Ttl,
    code: &'r lua::Code,
    span: Span,
    settings: &'r Settings,
    scope: Scope<'r>,
    found: &'f mut Diagnostics,
}

impl<'r> Reader<'r, '_> {
    fn meaning(&mut self, result: &'r Expr) -> Option<Meaning> {
        let result = self.scope.resolve(result);
        match &result.kind {
            ExprKind::Call(call) => functions::meaning_of(&call.function.text)?(self, call),
            ExprKind::Table(fields) => self.constants(fields, result.span),
            _ => Some(Meaning::Constants(vec![self.constant(result)?])),
        }
    }

    /// `all(list)`: every string of the list, whatever is up.
    fn all(&mut self, call: &'r Call) -> Option<Meaning> {
        let [list] = call.arguments.as_slice() else {
            let misplaced = call.arguments.get(1).map_or(call.function.span, |second| second.span);
            self.error(misplaced, "`all` takes one list: all({'…', '…'})");
            return None;
        };
        let (fields, span) = self.table(list, "a list of strings in braces")?;
        self.constants(fields, span)
    }

    fn constants(&mut self, fields: &'r [Field], span: Span) -> Option<Meaning> {
        if fields.is_empty() {
            self.error(span, "this list is empty: the record would answer nothing");
            return None;
        }
        if fields.len() > CONSTANTS_MAX {
            self.error(span, format!("more than {CONSTANTS_MAX} values do not fit into an answer"));
            return None;
        }
        let constants: Vec<Option<Constant>> =
            fields.iter().map(|field| self.item(field).and_then(|item| self.constant(item))).collect();
        constants.into_iter().collect::<Option<_>>().map(Meaning::Constants)
    }

    fn constant(&mut self, value: &'r Expr) -> Option<Constant> {
        let value = self.scope.resolve(value);
        let text = match &value.kind {
            ExprKind::String(text) => text.clone(),
            ExprKind::Number(number) => self.number_as_text(*number, value.span)?,
            _ => return self.mismatch(value, "a string"),
        };
        Some(Constant { text, span: value.span })
    }

    /// A number where a string is wanted, as Lua writes it.
    fn number_as_text(&mut self, number: f64, span: Span) -> Option<Box<[u8]>> {
        /// Digits that every version of Lua prints alike.
        const DIGITS_MAX: usize = 14;
        let text = number.to_string();
        if text.bytes().filter(u8::is_ascii_digit).count() > DIGITS_MAX {
            self.error(span, "versions of PowerDNS print this number differently: put it in quotes");
            return None;
        }
        Some(text.into_bytes().into())
    }

    /// A pool of this record.
    fn pool(&self, members: Vec<Member>) -> Pool {
        let pool = Pool::new(self.owner.to_name(), self.inner, self.ttl, members, self.span);
        Pool { lua: Some(self.code.text().into()), ..pool }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::error(span, message));
    }
}

#[cfg(test)]
mod tests;
