//! The encoding of zone text, and text that is not what it looks like.
//!
//! Finds UTF-16, byte order marks, owners with letters that are not ASCII, and text that ends at a `;`.
//! Escapes are in `dns::presentation`.

use crate::dns::NameRef;
use crate::dns::rdata::Token;
use crate::source::{Diagnostic, FileId, Span};

use super::lexer::{BYTE_ORDER_MARK, shown};

/// The fault of a text in UTF-16, which some editors call Unicode: by its mark, or because every other byte
/// of plain English is zero there.
pub(super) fn not_utf8(text: &[u8], file: FileId) -> Option<Diagnostic> {
    let encoding = match text {
        [0xff, 0xfe, ..] => "UTF-16LE",
        [0xfe, 0xff, ..] => "UTF-16BE",
        [1..=u8::MAX, 0, 1..=u8::MAX, 0, ..] => "UTF-16LE",
        [0, 1..=u8::MAX, 0, 1..=u8::MAX, ..] => "UTF-16BE",
        _ => return None,
    };
    let message = "this file is UTF-16; zone text is ASCII or UTF-8";
    let fault = Diagnostic::error(Span::new(file, 0, 2), message);
    Some(fault.help(format!("save it as UTF-8 without a byte order mark: `iconv -f {encoding} -t UTF-8`")))
}

/// The warning of a byte order mark where a line begins.
pub(super) fn skipped_mark(span: Span) -> Diagnostic {
    let message = if span.start == 0 {
        "this file begins with a byte order mark, which is skipped"
    } else {
        "a byte order mark in the middle of the file, which is skipped"
    };
    Diagnostic::warning(span, message)
        .remark("other name servers read it as part of the owner behind it")
        .help("save the file as UTF-8 without a byte order mark")
}

/// The warning of an owner with letters that are not ASCII: nobody asks for it as it was written.
pub(super) fn strange_owner(word: &Token<'_>, owner: NameRef<'_>) -> Option<Diagnostic> {
    if word.text.is_ascii() {
        return None;
    }
    let warning = Diagnostic::warning(word.span, format!("this owner is read as `{owner}`"));
    if word.text.windows(BYTE_ORDER_MARK.len()).any(|some| some == BYTE_ORDER_MARK) {
        return Some(warning.help("it holds a byte order mark, which is not seen: remove it"));
    }
    let help = format!("clients ask for `{}` in its ASCII form, which begins with `xn--`", shown(word.text));
    Some(warning.remark("RFC 5890, section 2.3.2.1: names on the wire are A-labels").help(help))
}

/// The warning of text without quotes that a `;` ends.
pub(super) fn cut_text(span: Span) -> Diagnostic {
    Diagnostic::warning(span, "the text ends here: what follows is a comment")
        .help("put quotes round text with `;`: `\"v=DKIM1; k=rsa\"`")
}

#[cfg(test)]
mod tests {
    use super::super::reader::tests::read;

    /// What is found in a text, each up to its first remark.
    fn said(text: impl AsRef<[u8]>) -> Vec<String> {
        let first = |said: &String| said.split("; ").next().unwrap_or_default().to_owned();
        read(text).said().iter().map(first).collect()
    }

    #[test]
    fn a_file_in_utf_16_is_called_that_once() {
        let text = "@ SOA ns host 1 2 3 4 5\nwww A 192.0.2.1\n";
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = mark.encode_utf16().chain(text.encode_utf16()).collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for (bytes, name) in [(little, "UTF-16LE"), (big, "UTF-16BE")] {
                let outcome = read(bytes);
                assert_eq!(
                    outcome.said(),
                    [format!(
                        "error lab.zone:1:1: this file is UTF-16; zone text is ASCII or UTF-8; save it as UTF-8 \
                         without a byte order mark: `iconv -f {name} -t UTF-8`"
                    )]
                );
            }
        }
    }

    #[test]
    fn a_byte_order_mark_in_mid_file_is_skipped_with_a_warning() {
        let outcome = read("www A 192.0.2.1\n\u{feff}$TTL 60\n\u{feff}ftp A 192.0.2.2\n\u{feff}; end\n");
        assert_eq!(outcome.records, ["www.example.org. 3600 A 192.0.2.1", "ftp.example.org. 60 A 192.0.2.2"]);
        assert_eq!(outcome.found.warnings(), 3, "{:?}", outcome.said());
        assert_eq!(
            outcome.said()[1],
            "warning lab.zone:3:1: a byte order mark in the middle of the file, which is skipped; other name \
             servers read it as part of the owner behind it; save the file as UTF-8 without a byte order mark"
        );
    }

    #[test]
    fn an_owner_that_is_not_ascii_is_pointed_out() {
        let outcome =
            read("münchen A 192.0.2.1\n  A 192.0.2.2\na\u{feff} A 192.0.2.1\nxn--mnchen-3ya A 192.0.2.3\n");
        assert_eq!(outcome.records.len(), 4);
        assert_eq!(
            outcome.said(),
            [
                "warning lab.zone:1:1: this owner is read as `m\\195\\188nchen.example.org.`; RFC 5890, section \
                 2.3.2.1: names on the wire are A-labels; clients ask for `münchen` in its ASCII form, which \
                 begins with `xn--`",
                "warning lab.zone:3:1: this owner is read as `a\\239\\187\\191.example.org.`; it holds a byte \
                 order mark, which is not seen: remove it",
            ]
        );
    }

    #[test]
    fn text_without_quotes_that_a_semicolon_ends_is_pointed_out() {
        let cut = |place: &str| {
            vec![format!("warning lab.zone:{place}: the text ends here: what follows is a comment")]
        };
        assert_eq!(said("a TXT v=DKIM1; k=rsa; p=MIGf\n"), cut("1:14"));
        assert_eq!(said("a TXT v=DKIM1 ; k=rsa; p=MIGf\n"), cut("1:15"));
        assert_eq!(said("a TXT ( v=DKIM1;\n k=rsa )\n").len(), 1, "two strings without quotes");
        assert_eq!(said("a CAA 0 issue ca.example;account=1\n"), cut("1:25"));
        for silent in [
            "a TXT \"v=DKIM1; k=rsa\" ; of 2026\n",
            "a TXT v=spf1 ; of 2026\n",
            "a TXT v=spf1;\n",
            "a A 192.0.2.1;main\n",
            "a A 192.0.2.1 ; ttl=60\n",
            "a CNAME b;k=rsa\n",
            "a NAPTR 1 1 s x \"\" b. ; k=rsa\n",
            "a TXT \"v=DKIM1;\";k=rsa\n",
        ] {
            assert_eq!(said(silent), Vec::<String>::new(), "{silent}");
        }
    }
}
