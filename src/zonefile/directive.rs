//! Directives: `$ORIGIN` and `$TTL`, and which others there are.
//!
//! Reads lines that begin with a dollar sign; `include` and `generate` have two of them.

use crate::dns::name::Written;
use crate::dns::{Name, Ttl, TtlForm, powerdns_reading, rdata::Token};
use crate::source::{Diagnostic, Diagnostics, Sources, nearest};

use super::lexer::shown;
use super::reader::{DefaultTtl, Reader, not_a_name};

/// A line that is no record (RFC 1035, section 5.1; RFC 2308, section 4; `$GENERATE` is BIND's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Origin,
    Ttl,
    Include,
    Generate,
}

/// Every directive: its word, and how it is written.
const DIRECTIVES: [(&str, &str, Directive); 4] = [
    ("$ORIGIN", "`$ORIGIN name`", Directive::Origin),
    ("$TTL", "`$TTL 1h`", Directive::Ttl),
    ("$INCLUDE", "`$INCLUDE file [origin]`", Directive::Include),
    ("$GENERATE", "`$GENERATE 1-10 host-$ A 192.0.2.$`", Directive::Generate),
];

impl Reader<'_> {
    /// Does what a line that begins with `$` says. `words` is not empty.
    pub(super) fn directive(
        &mut self,
        sources: &mut Sources,
        words: &[Token<'_>],
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let Some((word, arguments)) = words.split_first() else { return Ok(()) };
        let known = DIRECTIVES.iter().find(|(name, ..)| name.as_bytes().eq_ignore_ascii_case(word.text));
        let &(_, form, directive) = known.ok_or_else(|| unknown(word))?;
        let count_max = match directive {
            Directive::Origin | Directive::Ttl => 1,
            Directive::Include => 2,
            Directive::Generate => usize::MAX,
        };
        let Some((first, more)) = arguments.split_first() else {
            let message = format!("`{}` of what?", shown(word.text));
            return Err(Diagnostic::error(word.span, message).help(format!("it is written as {form}")));
        };
        if let Some(extra) = arguments.get(count_max) {
            let message = format!("`{}` is one word too many", shown(extra.text));
            return Err(Diagnostic::error(extra.span, message).help(format!("it is written as {form}")));
        }
        match directive {
            Directive::Origin => self.origin(first, found),
            Directive::Ttl => self.default_ttl(first, found),
            Directive::Include => self.include(sources, word, first, more.first(), found),
            Directive::Generate => self.generate(word, first, more, found),
        }
    }

    fn origin(&mut self, word: &Token<'_>, found: &mut Diagnostics) -> Result<(), Diagnostic> {
        let doubt = self.doubts.origin.take();
        let (origin, written) = self.read_origin(word)?;
        let was_root = self.origin.as_ref().is_root();
        if written == Written::Relative && !was_root && word.text != b"@" {
            found.extend(doubt);
            let text = shown(word.text);
            found.push(
                Diagnostic::warning(word.span, format!("this origin is read as `{origin}`"))
                    .remark(format!("PowerDNS reads it as `{text}.`, whatever the origin was before"))
                    .help("write the whole name, with a dot at its end"),
            );
        }
        self.doubts.theirs = origin.clone();
        self.set_origin(origin);
        Ok(())
    }

    /// Reads a word as an origin, relative to the present one.
    pub(super) fn read_origin(&self, word: &Token<'_>) -> Result<(Name, Written), Diagnostic> {
        let mut wire = Vec::new();
        let written = Name::parse_into(word.text, self.origin.as_ref(), &mut wire);
        let written = written.map_err(|error| not_a_name(word, error))?;
        let origin = Name::from_wire(&wire).map_err(|error| not_a_name(word, error))?;
        Ok((origin, written))
    }

    fn default_ttl(&mut self, word: &Token<'_>, found: &mut Diagnostics) -> Result<(), Diagnostic> {
        let (ttl, form) = Ttl::parse(word.text).map_err(|error| {
            let message = format!("`{}` is not a TTL", shown(word.text));
            Diagnostic::error(word.span, message).label(error.to_string())
        })?;
        if form == TtlForm::Compound {
            let theirs = powerdns_reading(word.text);
            found.push(
                Diagnostic::warning(word.span, format!("this TTL is read as {ttl} seconds"))
                    .remark(format!("PowerDNS reads it as {theirs} seconds"))
                    .help(format!("write `$TTL {ttl}`, which all servers read alike")),
            );
        }
        self.default_ttl = DefaultTtl::Directive(ttl);
        Ok(())
    }
}

fn unknown(word: &Token<'_>) -> Diagnostic {
    let text = shown(word.text);
    let fault = Diagnostic::error(word.span, format!("unknown directive `{text}`"));
    match nearest(&text, DIRECTIVES.iter().map(|&(name, ..)| name)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("an owner that begins with a dollar sign is written with `\\$`"),
    }
}
