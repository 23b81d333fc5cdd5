//! A word in the place of a type that names none that can be read: what was likely meant.
//!
//! Knows the types of other servers, typing mistakes, and lines that are no records. `head` finds the word.

use crate::dns::Rtype;
use crate::dns::rdata::Token;
use crate::source::{Diagnostic, Span};

use super::lexer::shown;

/// Longest word that is compared with all mnemonics, in bytes; a longer one is no misspelt type.
const MISSPELT_BYTES_MAX: usize = 12;

/// How a record is written.
pub(super) const RECORD_FORM: &str = "a record is written as `owner [TTL] [class] type data`";

/// A word that other servers know as a type.
struct Foreign {
    word: &'static str,
    /// Whose it is.
    whose: &'static str,
    help: &'static str,
}

/// Types that are no types of DNS, or not for anybody else to read.
const FOREIGN: &[Foreign] = &[
    Foreign {
        word: "ALIAS",
        whose: "PowerDNS looks its target up and answers with the addresses",
        help: "write the addresses, or a LUA record that probes them: `LUA A \"ifportup(443, {'192.0.2.1'})\"`",
    },
    Foreign {
        word: "ANAME",
        whose: "providers that have it look its target up and answer with the addresses",
        help: "write the addresses, or a LUA record that probes them: `LUA A \"ifportup(443, {'192.0.2.1'})\"`",
    },
    Foreign {
        word: "URL",
        whose: "old versions of PowerDNS answered with their own web server, which sent clients on",
        help: "write the addresses of a web server that does",
    },
    Foreign {
        word: "CURL",
        whose: "old versions of PowerDNS answered with their own web server, which hid the target",
        help: "write the addresses of a web server that does",
    },
    Foreign {
        word: "MBOXFW",
        whose: "old versions of PowerDNS had mail forwarded by it",
        help: "write an MX record, and forward mail there",
    },
];

/// Types with a number whose RDATA has no form in text here. What `\#` can tell is served.
const WITHOUT_TEXT: &[(&str, u16)] = &[
    // Microsoft's; a server that is not Microsoft's has nobody to ask.
    ("WINS", 65_281),
    ("WINSR", 65_282),
    ("WINS-R", 65_282),
];

/// The fault of a word that names no type. `owner` is the word in the first column, if there is one, `behind`
/// what follows.
pub(super) fn fault(word: &Token<'_>, owner: Option<&Token<'_>>, behind: &[Token<'_>]) -> Diagnostic {
    if owner.is_some_and(is_comment) || is_comment(word) {
        return comment(owner.filter(|owner| is_comment(owner)).unwrap_or(word));
    }
    if word.text.starts_with(b"[AGE:") {
        return Diagnostic::error(word.span, format!("`{}` cannot be part of a record", shown(word.text)))
            .remark("Microsoft's DNS server notes there when a client last came by")
            .help("remove it");
    }
    let fault = unknown(word);
    let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(word.text);
    if let Some(foreign) = FOREIGN.iter().find(|foreign| is(foreign.word)) {
        let no_type = format!("`{}` is not a DNS type: {}", foreign.word, foreign.whose);
        return fault.remark(no_type).help(foreign.help);
    }
    if let Some((mnemonic, number)) = WITHOUT_TEXT.iter().find(|(mnemonic, _)| is(mnemonic)) {
        return fault
            .remark(format!("`{mnemonic}` is Microsoft's type {number}, whose data has no form in text here"))
            .help(format!("write `TYPE{number} \\#`, the length of the data, and its bytes in hexadecimal"));
    }
    if behind.first().is_some_and(|next| next.text == br"\#" && !next.quoted) {
        return fault.help("a type without a mnemonic is written as `TYPE` and its number: `TYPE65280`");
    }
    misspelt(word).unwrap_or_else(|| fault.remark(RECORD_FORM))
}

/// The fault of a word that names no type, and nothing else.
pub(super) fn unknown(word: &Token<'_>) -> Diagnostic {
    Diagnostic::error(word.span, format!("unknown record type `{}`", shown(word.text)))
}

/// The fault of a word that resembles a type.
pub(super) fn misspelt(word: &Token<'_>) -> Option<Diagnostic> {
    let text = std::str::from_utf8(word.text).ok().filter(|text| text.len() <= MISSPELT_BYTES_MAX)?;
    Rtype::nearest(text).map(|near| unknown(word).help(format!("did you mean `{near}`?")))
}

/// Whether a word begins a comment in other languages. A name may hold these bytes, but hardly does.
pub(super) fn is_comment(word: &Token<'_>) -> bool {
    let begins = |mark: &[u8]| word.text.starts_with(mark);
    !word.quoted && (begins(b"#") || begins(b"//") || begins(b"/*"))
}

/// The fault of a line that is a comment in other languages.
pub(super) fn comment(begin: &Token<'_>) -> Diagnostic {
    Diagnostic::error(begin.span, format!("`{}` begins no record", shown(begin.text)))
        .help("comments begin with `;`")
}

/// The warning of a record that is read where a comment of another language was likely meant.
pub(super) fn owner_like_a_comment(owner: &Token<'_>) -> Diagnostic {
    Diagnostic::warning(
        owner.span,
        format!("`{}` is read as an owner, and this record is served", shown(owner.text)),
    )
    .help("comments begin with `;`")
}

/// The fault of a LUA record in the form for unknown types, as a secondary writes it that knows no LUA
/// records: two bytes for the type, then character strings (RFC 3597, section 5).
pub(super) fn lua_on_the_wire(wire: &[u8], span: Span) -> Diagnostic {
    let fault = Diagnostic::error(span, "this LUA record is written in its wire form");
    match code_of(wire) {
        Some((inner, code)) => {
            let code = code.replace('"', "\\\"");
            fault.help(format!("write its type and its code: `LUA {inner} \"{code}\"`"))
        }
        None => fault.help("write its type and its code: `LUA A \"ifportup(443, {'192.0.2.1'})\"`"),
    }
}

fn code_of(wire: &[u8]) -> Option<(Rtype, String)> {
    let (inner, mut rest) = wire.split_first_chunk()?;
    let mut code = Vec::new();
    while let Some((&length, behind)) = rest.split_first() {
        let (chunk, behind) = behind.split_at_checked(usize::from(length))?;
        code.extend_from_slice(chunk);
        rest = behind;
    }
    Some((Rtype(u16::from_be_bytes(*inner)), String::from_utf8(code).ok()?))
}

#[cfg(test)]
mod tests;
