//! From values of LUA code to RDATA.
//!
//! Takes values as PowerDNS does: names are absolute without their final dot, and a text is one
//! character-string. RDATA itself is in `dns::rdata`.

use super::super::lexer::{self, Lexer};
use super::meaning::Constant;
use crate::dns::rdata::{self, Token};
use crate::dns::{NameRef, Rtype};
use crate::source::{Diagnostic, Diagnostics};

impl Constant {
    /// What is odd about a name in it: one label is hardly ever meant to be a name in full.
    pub(in crate::zonefile) fn doubt(&self, rtype: Rtype) -> Option<Diagnostic> {
        let rdata = self.rdata(rtype).ok()?;
        let alone = rdata::names(rtype, &rdata).find(|inner| inner.name.label_count() == 1)?;
        let word = alone.name.to_string();
        let word = word.trim_end_matches('.');
        // Who writes the dot knows.
        let ends = self.text.split(u8::is_ascii_whitespace).any(|written| written == word.as_bytes());
        ends.then(|| {
            Diagnostic::warning(self.span, format!("PowerDNS reads `{word}` here as absolute, and so do we"))
                .help(format!("write the whole name, or `{word}.` if that is meant"))
        })
    }

    /// Its RDATA, uncompressed, as a record of some type.
    ///
    /// # Errors
    ///
    /// When it is no data of that type; at its place in the code.
    pub(in crate::zonefile) fn rdata(&self, rtype: Rtype) -> Result<Vec<u8>, Diagnostic> {
        let (text, span) = (&self.text[..], self.span);
        let mut words = Vec::new();
        if rtype == Rtype::TXT {
            words.push(Token { text, quoted: true, span });
        } else {
            let line = Lexer::new(text, span.file).line(&mut words);
            words.iter_mut().for_each(|word| word.span = span);
            if line.is_some_and(|line| line.fault.is_some()) {
                let message = format!("`{}` is not the data of a record", lexer::shown(text));
                return Err(Diagnostic::error(span, message));
            }
        }
        let mut out = Vec::new();
        // Remarks about names without a final dot do not hold here.
        let mut unsaid = Diagnostics::default();
        rdata::parse(rtype, &words, NameRef::ROOT, span, &mut out, &mut unsaid)?;
        Ok(out)
    }
}
