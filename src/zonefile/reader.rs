//! The reader: from lines of words to entries, with all that one line of zone text inherits from those before
//! it.
//!
//! Has the previous owner, the origin and the default TTL, and goes on after a fault. Not responsible for
//! which records may exist together (`zone`), for RDATA (`dns::rdata`) or for LUA code (`lua_record`).

use std::ops::ControlFlow;

use crate::dns::{Name, NameRef, Rtype, Ttl, rdata, rdata::Token};
use crate::lua;
use crate::source::{DIAGNOSTICS_MAX, Diagnostic, Diagnostics, FileId, Sources, Span};

use super::head::{self, Head};
use super::lexer::{End, Lexer, Start, shown};
use super::opened::Opened;
use super::settings::Settings;
use super::{charset, unknown_type};

/// One record as it was read, or a text in which more will be.
#[derive(Debug)]
pub(super) enum TextEntry<'e> {
    /// A text that was not read before, and how long it is.
    Text { bytes: u64 },
    /// A record of any type but LUA.
    Record {
        owner: NameRef<'e>,
        rtype: Rtype,
        ttl: Ttl,
        /// Wire form, uncompressed.
        rdata: &'e [u8],
        /// The owner, or the first word where the owner is left out.
        span: Span,
    },
    /// A LUA record.
    Lua { owner: NameRef<'e>, inner: Rtype, ttl: Ttl, code: lua::Code, span: Span },
}

/// Who takes the entries, and says when it is enough.
pub(super) type Take<'r> = dyn FnMut(TextEntry<'_>, &mut Diagnostics) -> ControlFlow<()> + 'r;

/// Reads zone text. What it remembers is what a line takes from earlier ones.
pub(super) struct Reader<'r> {
    pub(super) settings: &'r Settings,
    take: &'r mut Take<'r>,
    apex: Name,
    pub(super) origin: Name,
    pub(super) owner: Owner,
    pub(super) default_ttl: DefaultTtl,
    /// The file that is being read, below it those that include it.
    pub(super) opened: Vec<Opened>,
    /// All files included so far, so that none is read twice.
    pub(super) included: Vec<(std::path::PathBuf, FileId)>,
    /// How often a file was included.
    pub(super) include_count: u32,
    pub(super) doubts: Doubts,
    /// Whether a compound TTL was remarked on: once is enough.
    compound_ttl_said: bool,
    errors_before: usize,
    /// Whether nothing more is taken.
    is_enough: bool,
    /// Where a comment begins in the current line that may be meant as text.
    cut: Option<Span>,
    /// RDATA of the current record; here so that its memory is used again.
    rdata: Vec<u8>,
}

/// The owner of the last record.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    /// As it was written under the current origin. Empty: not to be compared with.
    text: Vec<u8>,
    /// Wire form; empty: there is none.
    pub(super) wire: Vec<u8>,
    state: OwnerState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OwnerState {
    /// No record so far.
    #[default]
    Missing,
    /// The last owner could not be read. Records that take it are checked, but not handed on: they would
    /// stand at the wrong name.
    Broken,
    /// In `wire`.
    Known,
}

impl Owner {
    /// The name; the root when there is none.
    pub(super) fn name(&self) -> NameRef<'_> {
        NameRef::split_from(&self.wire).map_or(NameRef::ROOT, |(name, _)| name)
    }

    /// Makes the next owner be read even if it is written the same.
    pub(super) fn forget_text(&mut self) {
        self.text.clear();
    }
}

/// The TTL of records without one.
#[derive(Clone, Copy, Debug)]
pub(super) enum DefaultTtl {
    /// The last TTL a record gave, as long as there is no `$TTL` (RFC 1035, section 5.1).
    LastGiven(Ttl),
    /// From a `$TTL` (RFC 2308, section 4).
    Directive(Ttl),
}

impl DefaultTtl {
    /// What PowerDNS takes before any TTL is given, in seconds; BIND would take the SOA's minimum.
    const UNSAID_SECONDS: u32 = 3600;

    fn ttl(self) -> Ttl {
        match self {
            DefaultTtl::LastGiven(ttl) | DefaultTtl::Directive(ttl) => ttl,
        }
    }
}

/// Readings in which name servers differ: said only when a line depends on them.
#[derive(Debug)]
pub(super) struct Doubts {
    /// The origin that PowerDNS is at: what the last `$ORIGIN` set, in whichever file.
    pub(super) theirs: Name,
    /// On the origin, since an `$INCLUDE`.
    pub(super) origin: Option<Diagnostic>,
    /// On the previous owner: where it comes from, and who reads another.
    pub(super) owner: Option<(Span, String)>,
}

impl<'r> Reader<'r> {
    /// A reader at the beginning of the zone `apex`.
    pub(super) fn new(apex: Name, settings: &'r Settings, take: &'r mut Take<'r>) -> Self {
        let unsaid = Ttl::from_seconds(DefaultTtl::UNSAID_SECONDS).unwrap_or_default();
        Self {
            settings,
            take,
            origin: apex.clone(),
            doubts: Doubts { theirs: apex.clone(), origin: None, owner: None },
            apex,
            owner: Owner::default(),
            default_ttl: DefaultTtl::LastGiven(unsaid),
            opened: Vec::new(),
            included: Vec::new(),
            include_count: 0,
            compound_ttl_said: false,
            errors_before: 0,
            is_enough: false,
            cut: None,
            rdata: Vec::new(),
        }
    }

    /// Reads a zone's text and all that it includes.
    pub(super) fn zone(&mut self, sources: &mut Sources, file: FileId, found: &mut Diagnostics) {
        self.errors_before = found.errors();
        self.opened.push(Opened::first(sources, file));
        self.take_text(sources, file, found);
        self.file(sources, file, found);
        self.opened.pop();
    }

    /// Reads one file to its end.
    pub(super) fn file(&mut self, sources: &mut Sources, file: FileId, found: &mut Diagnostics) {
        let bytes = sources.bytes(file);
        if let Some(fault) = charset::not_utf8(&bytes, file) {
            found.push(fault);
            return;
        }
        let mut lexer = Lexer::new(&bytes, file);
        let mut words = Vec::new();
        let mut recovering = false;
        while !self.is_hopeless(found)
            && let Some(line) = lexer.line(&mut words)
        {
            // What was to stand between parentheses is no record of its own.
            if recovering && line.start == Start::Indented && !head::begins_with_class_or_type(&words) {
                continue;
            }
            recovering = line.end == End::Unclosed;
            found.extend(line.mark.map(charset::skipped_mark));
            self.cut = line.cut;
            let read = match (line.fault, line.start, words.first()) {
                (Some(fault), start, first) => {
                    found.push(fault.diagnostic());
                    // Lines that leave their owner out shall find the right one.
                    match first.filter(|word| start == Start::Indented || !is_directive(word)) {
                        Some(_) => self.owner(start, &words, found).map(|_| ()),
                        None => Ok(()),
                    }
                }
                (None, Start::FirstColumn, Some(word)) if is_directive(word) => {
                    self.directive(sources, &words, found)
                }
                (None, start, _) => self.record(start, &words, found),
            };
            found.extend(read.err());
        }
    }

    /// Says that a text was read.
    pub(super) fn take_text(&mut self, sources: &Sources, file: FileId, found: &mut Diagnostics) {
        let bytes = sources.bytes(file).len() as u64;
        self.is_enough |= (self.take)(TextEntry::Text { bytes }, found).is_break();
    }

    /// Whether so much is wrong that nobody would read on, or there is too much of it.
    fn is_hopeless(&self, found: &Diagnostics) -> bool {
        self.is_enough || found.errors() - self.errors_before >= DIAGNOSTICS_MAX
    }

    /// Reads a record and hands it on.
    pub(super) fn record(
        &mut self,
        start: Start,
        words: &[Token<'_>],
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return Ok(()) };
        let end = Span { start: last.span.end, ..last.span };
        // A broken owner is one fault; there may be another in the same record.
        let rest = match self.owner(start, words, found) {
            Ok(rest) => rest,
            Err(fault) => {
                found.push(fault);
                if start == Start::Indented { words } else { words.get(1..).unwrap_or_default() }
            }
        };
        let owner_word = (start == Start::FirstColumn).then_some(first);
        let head = head::read(owner_word, rest, end, found)?;
        if self.doubts.origin.is_some() && self.depends_on_origin(start, first, &head, end) {
            let doubt = self.doubts.origin.take();
            found.extend(doubt.map(|doubt| doubt.and_at(first.span, "this record is another one there")));
        }
        let read = self.behind_head(&head, first.span, end, found);
        let Some(owner) = owner_word.filter(|owner| unknown_type::is_comment(owner)) else { return read };
        // A comment of another language may hold a type by chance; or a record was to be commented out.
        if read.is_ok() {
            found.push(unknown_type::owner_like_a_comment(owner));
        }
        read.map_err(|_| unknown_type::comment(owner))
    }

    /// What follows the type.
    fn behind_head(
        &mut self,
        head: &Head<'_, '_>,
        first: Span,
        end: Span,
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let ttl = self.ttl(head, found);
        match head.rtype {
            Rtype::LUA => self.lua(head, ttl, first, end, found),
            _ => self.plain(head, ttl, first, end, found),
        }
    }

    /// Whether a record is another one at the origin that PowerDNS is at.
    fn depends_on_origin(&self, start: Start, first: &Token<'_>, head: &Head<'_, '_>, end: Span) -> bool {
        let read = |origin: NameRef<'_>| {
            let mut wire = Vec::new();
            if start == Start::FirstColumn {
                // A fault of it is told elsewhere.
                let _ = Name::parse_into(first.text, origin, &mut wire);
            }
            let mut told = Diagnostics::default();
            let read = rdata::parse(head.rtype, head.rdata, origin, end, &mut wire, &mut told).is_ok();
            (read, wire)
        };
        read(self.origin.as_ref()) != read(self.doubts.theirs.as_ref())
    }

    /// A record of any type that is not special here.
    fn plain(
        &mut self,
        head: &Head<'_, '_>,
        ttl: Ttl,
        span: Span,
        end: Span,
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        self.rdata.clear();
        let rtype = head.rtype;
        rdata::parse(rtype, head.rdata, self.origin.as_ref(), end, &mut self.rdata, found)
            .map_err(|fault| head.explain(fault))?;
        if let Some(cut) = self.cut.take()
            && rdata::ends_in_text(rtype)
        {
            found.push(charset::cut_text(cut));
        }
        if self.owner.state == OwnerState::Known {
            let entry = TextEntry::Record { owner: self.owner.name(), rtype, ttl, rdata: &self.rdata, span };
            self.is_enough |= (self.take)(entry, found).is_break();
        }
        Ok(())
    }

    /// A LUA record: the type it answers, then its code.
    fn lua(
        &mut self,
        head: &Head<'_, '_>,
        ttl: Ttl,
        span: Span,
        end: Span,
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        if rdata::is_unknown_form(head.rdata) {
            return Err(self.lua_on_the_wire(head, end, found));
        }
        let (inner, chunks) = head.lua(end)?;
        let chunks: Vec<lua::Chunk<'_>> = chunks
            .iter()
            .map(|word| lua::Chunk { text: word.text, span: word.span, quoted: word.quoted })
            .collect();
        let code = lua::Code::join(&chunks);
        if self.owner.state == OwnerState::Known {
            let entry = TextEntry::Lua { owner: self.owner.name(), inner, ttl, code, span };
            self.is_enough |= (self.take)(entry, found).is_break();
        }
        Ok(())
    }

    /// The fault of a LUA record in the form for unknown types.
    fn lua_on_the_wire(&mut self, head: &Head<'_, '_>, end: Span, found: &mut Diagnostics) -> Diagnostic {
        self.rdata.clear();
        let read = rdata::parse(Rtype::LUA, head.rdata, NameRef::ROOT, end, &mut self.rdata, found);
        let span = head.rdata.first().map_or(end, |first| first.span.to(end));
        read.err().unwrap_or_else(|| unknown_type::lua_on_the_wire(&self.rdata, span))
    }

    /// The TTL of a record, given or inherited.
    fn ttl(&mut self, head: &Head<'_, '_>, found: &mut Diagnostics) -> Ttl {
        let Some(given) = head.ttl else { return self.default_ttl.ttl() };
        if given.is_compound && !self.compound_ttl_said {
            self.compound_ttl_said = true;
            found.push(
                Diagnostic::note(given.span, format!("this TTL is read as {} seconds", given.ttl))
                    .remark("PowerDNS takes a compound TTL for a record type and rejects the zone"),
            );
        }
        if let DefaultTtl::LastGiven(last) = &mut self.default_ttl {
            *last = given.ttl;
        }
        given.ttl
    }

    /// Finds the owner of a record and returns the words behind it.
    fn owner<'w, 't>(
        &mut self,
        start: Start,
        words: &'w [Token<'t>],
        found: &mut Diagnostics,
    ) -> Result<&'w [Token<'t>], Diagnostic> {
        let Some((first, rest)) = words.split_first() else { return Ok(words) };
        if start == Start::FirstColumn {
            self.doubts.owner = None;
            self.new_owner(first, found)?;
            return Ok(rest);
        }
        if let Some((origin, who)) = self.doubts.owner.take() {
            let message = format!("this record belongs to `{}`", self.owner.name());
            found.push(
                Diagnostic::warning(first.span, message)
                    .and_at(origin, "since this line")
                    .remark(who)
                    .help("begin the line with the owner that is meant"),
            );
        }
        if self.owner.state == OwnerState::Missing {
            self.owner.state = OwnerState::Broken;
            return Err(Diagnostic::error(first.span, "the first record has no owner")
                .remark("a line that begins with a blank takes the owner of the record before it")
                .help("begin the line with an owner; `@` is the zone itself"));
        }
        Ok(words)
    }

    /// Reads an owner, unless it is written as the one before it.
    fn new_owner(&mut self, word: &Token<'_>, found: &mut Diagnostics) -> Result<(), Diagnostic> {
        if self.owner.text == word.text && !word.text.is_empty() {
            return Ok(());
        }
        self.owner.state = OwnerState::Broken;
        self.owner.text.clear();
        if word.quoted {
            return Err(Diagnostic::error(word.span, "an owner is written without quotes"));
        }
        self.owner.wire.clear();
        let written = Name::parse_into(word.text, self.origin.as_ref(), &mut self.owner.wire)
            .map_err(|error| not_a_name(word, error))?;
        self.owner.text.extend_from_slice(word.text);
        self.owner.state = OwnerState::Known;
        found.extend(charset::strange_owner(word, self.owner.name()));
        if written == crate::dns::name::Written::Relative {
            self.warn_of_a_missing_dot(word, found);
        }
        Ok(())
    }

    /// `www.example.org` in the zone `example.org` is hardly ever meant.
    fn warn_of_a_missing_dot(&self, word: &Token<'_>, found: &mut Diagnostics) {
        let (origin, apex) = (self.origin.as_ref().wire(), self.apex.as_ref().wire());
        let Some(relative) = self.owner.wire.len().checked_sub(origin.len()) else { return };
        let labels = apex.len().saturating_sub(1);
        let tail = relative.checked_sub(labels).and_then(|from| self.owner.wire.get(from..relative));
        if labels > 0
            && let (Some(tail), Some(apex)) = (tail, apex.get(..labels))
            && tail.eq_ignore_ascii_case(apex)
        {
            let text = shown(word.text);
            found.push(
                Diagnostic::warning(word.span, format!("this owner is read as `{}`", self.owner.name()))
                    .help(format!("did you mean `{text}.`, with a dot at its end?")),
            );
        }
    }

    /// Sets the origin of the names that follow.
    pub(super) fn set_origin(&mut self, origin: Name) {
        self.origin = origin;
        self.owner.forget_text();
    }
}

/// Whether a word in the first column is a directive.
fn is_directive(word: &Token<'_>) -> bool {
    !word.quoted && word.text.first() == Some(&b'$')
}

/// A word that was to be a name.
pub(super) fn not_a_name(word: &Token<'_>, error: crate::dns::NameError) -> Diagnostic {
    Diagnostic::error(word.span, format!("`{}` is not a name", shown(word.text))).label(error.to_string())
}

#[cfg(test)]
pub(super) mod tests;
