//! The head of a record: TTL, class and type, in any order that is unambiguous, and what is likely meant if
//! they are wrong.
//!
//! Reads the words between owner and RDATA. `reader` has the TTL of a record that gives none.

use crate::dns::{Rtype, Ttl, TtlForm, rdata::Token};
use crate::source::{Diagnostic, Diagnostics, Span};

use super::lexer::shown;
use super::unknown_type::{self, RECORD_FORM};

/// The head of a record, and the words behind it.
#[derive(Debug)]
pub(super) struct Head<'w, 't> {
    pub(super) ttl: Option<GivenTtl>,
    pub(super) rtype: Rtype,
    type_word: Token<'t>,
    class_word: Option<Token<'t>>,
    pub(super) rdata: &'w [Token<'t>],
}

/// A TTL that a record gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenTtl {
    pub(super) ttl: Ttl,
    pub(super) span: Span,
    /// Written as `1h30m`.
    pub(super) is_compound: bool,
}

/// What a word before the RDATA can be.
enum Word {
    Ttl,
    ClassIn,
    OtherClass,
    Type(Rtype),
    Unknown,
}

/// Reads the head of a record. `owner` is the word in the first column, if there is one, `words` what follows
/// it, `end` where the line's last word ends.
pub(super) fn read<'w, 't>(
    owner: Option<&Token<'t>>,
    words: &'w [Token<'t>],
    end: Span,
    found: &mut Diagnostics,
) -> Result<Head<'w, 't>, Diagnostic> {
    let (mut ttl, mut class_word) = (None, None);
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        match classify(word) {
            Word::Ttl => set_ttl(&mut ttl, word)?,
            Word::ClassIn => class_word = Some(*word),
            Word::OtherClass => return Err(other_class(word)),
            Word::Type(rtype) => {
                let mut head = Head { ttl, rtype, type_word: *word, class_word, rdata: behind };
                head.take_class_behind_type(found);
                head.refuse_what_cannot_stand()?;
                return Ok(head);
            }
            Word::Unknown => return Err(unknown_type(word, owner, behind)),
        }
        rest = behind;
    }
    if let Some(owner) = owner.filter(|owner| unknown_type::is_comment(owner)) {
        return Err(unknown_type::comment(owner));
    }
    Err(Diagnostic::error(end, "this record has no type")
        .label("a type is missing here, such as `A`")
        .remark(RECORD_FORM))
}

/// Whether a line can be a record without an owner, and is not just data.
pub(super) fn begins_with_class_or_type(words: &[Token<'_>]) -> bool {
    words.first().is_some_and(|word| match classify(word) {
        Word::ClassIn | Word::OtherClass | Word::Type(_) => true,
        Word::Ttl | Word::Unknown => false,
    })
}

fn classify(word: &Token<'_>) -> Word {
    if word.quoted {
        return Word::Unknown;
    }
    match word.text {
        [b'0'..=b'9', ..] => Word::Ttl,
        [b'I' | b'i', b'N' | b'n'] => Word::ClassIn,
        text => match Rtype::parse(text) {
            Some(rtype) => Word::Type(rtype),
            None => class(text),
        },
    }
}

/// A class by its mnemonic, or as RFC 3597, section 5, writes it.
fn class(text: &[u8]) -> Word {
    const OTHER: [&[u8]; 6] = [b"CH", b"HS", b"CS", b"CHAOS", b"HESIOD", b"NONE"];
    if OTHER.iter().any(|class| class.eq_ignore_ascii_case(text)) {
        return Word::OtherClass;
    }
    match text.split_at_checked(5) {
        Some((word, number))
            if word.eq_ignore_ascii_case(b"CLASS") && number.iter().all(u8::is_ascii_digit) =>
        {
            let is_in = number.ends_with(b"1") && number.iter().filter(|&&digit| digit != b'0').count() == 1;
            if is_in { Word::ClassIn } else { Word::OtherClass }
        }
        _ => Word::Unknown,
    }
}

fn other_class(word: &Token<'_>) -> Diagnostic {
    Diagnostic::error(word.span, format!("class `{}` is not supported", shown(word.text)))
        .help("write `IN`, or leave the class out")
}

fn set_ttl(ttl: &mut Option<GivenTtl>, word: &Token<'_>) -> Result<(), Diagnostic> {
    let (value, form) = Ttl::parse(word.text).map_err(|error| {
        Diagnostic::error(word.span, format!("`{}` is not a TTL", shown(word.text))).label(error.to_string())
    })?;
    let given = GivenTtl { ttl: value, span: word.span, is_compound: form == TtlForm::Compound };
    match ttl.replace(given) {
        None => Ok(()),
        Some(first) => {
            Err(Diagnostic::error(word.span, "this record has two TTLs").and_at(first.span, "the first"))
        }
    }
}

fn unknown_type(word: &Token<'_>, owner: Option<&Token<'_>>, behind: &[Token<'_>]) -> Diagnostic {
    if word.quoted {
        return Diagnostic::error(word.span, "a record type is missing before this string");
    }
    if let Some(owner) = owner
        && !matches!(classify(owner), Word::Unknown)
    {
        // Such names are common, too: `ns AA 192.0.2.1`.
        let fault = unknown_type::misspelt(word).unwrap_or_else(|| unknown_type::unknown(word));
        return fault.and_at(owner.span, "this is read as the owner").help(
            "a line that leaves its owner out begins with a blank, and takes the owner of the record before it",
        );
    }
    if word.text.first() == Some(&b'$') {
        return unknown_type::unknown(word).help("a directive begins in the first column");
    }
    unknown_type::fault(word, owner, behind)
}

/// The type that a word names, unless it stands between quotes.
fn type_of(word: Option<&Token<'_>>) -> Option<Rtype> {
    word.filter(|word| !word.quoted).and_then(|word| Rtype::parse(word.text))
}

impl<'t> Head<'_, 't> {
    /// PowerDNS takes `www A IN 192.0.2.1` too.
    fn take_class_behind_type(&mut self, found: &mut Diagnostics) {
        let [word, behind @ ..] = self.rdata else { return };
        if self.class_word.is_some() || behind.is_empty() || !matches!(classify(word), Word::ClassIn) {
            return;
        }
        self.class_word = Some(*word);
        self.rdata = behind;
        if self.rtype == Rtype::TXT {
            found.push(
                Diagnostic::warning(word.span, "this word is read as the class of the record, not as text")
                    .help("write it between quotes if it is text, or before the type if it is the class"),
            );
        }
    }

    fn refuse_what_cannot_stand(&self) -> Result<(), Diagnostic> {
        if self.rtype.is_meta() {
            let word = shown(self.type_word.text);
            let message = format!("`{word}` is for questions and messages; a zone cannot contain it");
            return Err(Diagnostic::error(self.type_word.span, message));
        }
        // `quay IN A LUA A "ifportup(…)"`: seen in the wild, twice in one file.
        match self.rdata {
            [second, inner, ..] if self.rtype != Rtype::LUA && type_of(Some(second)) == Some(Rtype::LUA) => {
                type_of(Some(inner)).map_or(Ok(()), |inner| Err(self.second_type(inner)))
            }
            _ => Ok(()),
        }
    }

    fn second_type(&self, inner: Rtype) -> Diagnostic {
        let word = shown(self.type_word.text);
        let class = self.class_word.map_or(String::new(), |class| format!("{} ", shown(class.text)));
        Diagnostic::error(self.type_word.span, format!("`{word}` here is a second type"))
            .help(format!("did you mean `{class}LUA {inner} \"…\"`?"))
            .remark("PowerDNS loads such a record without a word and answers SERVFAIL")
    }

    /// Adds to a fault in the RDATA what was likely meant: another type, where that is what the fault is about.
    pub(super) fn explain(&self, fault: Diagnostic) -> Diagnostic {
        let first = self.rdata.first().filter(|first| fault.span() == Some(first.span));
        match type_of(first) {
            Some(second) if self.rdata.len() > 1 => fault.help(format!(
                "`{second}` is a record type too: one of `{}` and `{second}` is too many",
                self.rtype
            )),
            _ => fault,
        }
    }

    /// The type a LUA record answers, and the words of its code.
    pub(super) fn lua(&self, end: Span) -> Result<(Rtype, &[Token<'t>]), Diagnostic> {
        const FORM: &str = "a LUA record is written as `owner LUA A \"ifportup(443, {'192.0.2.1'})\"`";
        let Some((word, code)) = self.rdata.split_first() else {
            return Err(Diagnostic::error(end, "this LUA record has no type to answer").help(FORM));
        };
        let text = shown(word.text);
        let inner = match type_of(Some(word)) {
            Some(inner) if !inner.is_meta() => inner,
            Some(_) => {
                let message = format!("a LUA record cannot answer type `{text}`");
                return Err(Diagnostic::error(word.span, message).help(FORM));
            }
            None if word.quoted => {
                let message = "this LUA record does not say which type it answers";
                return Err(Diagnostic::error(word.span, message)
                    .label("a type is missing before this")
                    .help(FORM));
            }
            None => return Err(unknown_type(word, None, code).remark(FORM)),
        };
        if code.is_empty() {
            return Err(Diagnostic::error(end, "this LUA record has no code").help(FORM));
        }
        Ok((inner, code))
    }
}
