//! What is a word, a line, and a fault of form.

use super::*;
use crate::source::Sources;

/// The lines of a text as words; `"` before a word that stood in quotes, `>`
/// before a line that is indented, `!` and offsets for a fault.
fn lines(text: &[u8]) -> Vec<String> {
    let file = Sources::default().add("lab.zone", Vec::new());
    let mut lexer = Lexer::new(text, file);
    let (mut lines, mut words) = (Vec::new(), Vec::new());
    while let Some(line) = lexer.line(&mut words) {
        let mut shown: Vec<String> = words
            .iter()
            .map(|word| {
                format!("{}{}", if word.quoted { "\"" } else { "" }, String::from_utf8_lossy(word.text))
            })
            .collect();
        if line.start == Start::Indented {
            shown.insert(0, ">".to_owned());
        }
        if let Some(fault) = line.fault {
            let (kind, span) = match fault {
                LineFault::UnterminatedString(span) => ("string", span),
                LineFault::UnclosedParenthesis(span) => ("unclosed", span),
                LineFault::UnmatchedParenthesis(span) => ("unmatched", span),
                LineFault::TooManyWords(span) => ("words", span),
            };
            shown.push(format!("!{kind} {}..{}", span.start, span.end));
        }
        lines.push(shown.join(" "));
    }
    lines
}

#[test]
fn blanks_tabs_and_comments_separate_words() {
    assert_eq!(lines(b"a\tA  1.2.3.4;c\n;x\n\n b ; c"), ["a A 1.2.3.4", "> b"]);
}

#[test]
fn an_escaped_character_is_no_separator() {
    assert_eq!(lines(br"a\;b \( c\ d \046"), [r"a\;b \( c\ d \046"]);
}

#[test]
fn a_quoted_string_keeps_what_it_holds() {
    assert_eq!(lines(br#"t TXT "a;b ( ) \" c" "" d"#), [r#"t TXT "a;b ( ) \" c " d"#]);
}

#[test]
fn words_need_no_blank_around_strings_and_parentheses() {
    assert_eq!(lines(br#"t(TXT"a""b")x"#), [r#"t TXT "a "b x"#]);
}

#[test]
fn a_quoted_value_belongs_to_its_key() {
    assert_eq!(lines(br#"s SVCB 1 . alpn="h2, h3" port=53"#), [r#"s SVCB 1 . alpn="h2, h3" port=53"#]);
}

#[test]
fn parentheses_join_lines_at_any_depth_and_place() {
    assert_eq!(lines(b"(a\n IN ( A\n\n) ; c\n 1.2.3.4)\nb"), ["a IN A 1.2.3.4", "b"]);
    assert_eq!(lines(b"a SOA n h ( 1 2 ) ( 3\n 4 5 )\n"), ["a SOA n h 1 2 3 4 5"]);
    assert_eq!(lines(b"a ( 1 2 3 4 ) 5\n"), ["a 1 2 3 4 5"]);
}

#[test]
fn carriage_returns_and_control_z_end_no_word_wrongly() {
    assert_eq!(lines(b"a A 1.2.3.4\r\n\tb\r\n\x1a"), ["a A 1.2.3.4", "> b"]);
    assert_eq!(lines(b"a b\x1a\r\nc\x1a"), ["a b", "c"]);
    assert_eq!(lines(b"a\x1ab"), ["a\x1ab"]);
}

#[test]
fn bytes_that_are_not_ascii_are_words() {
    assert_eq!(lines("ü TXT \"größer\" €".as_bytes()), ["ü TXT \"größer €"]);
    assert_eq!(lines(b"\xff \x00").len(), 1);
}

#[test]
fn a_string_ends_in_its_line() {
    assert_eq!(lines(b"a TXT \"x\r\nb TXT \"y\"\n"), ["a TXT \"x !string 6..8", "b TXT \"y"]);
    assert_eq!(lines(b"a \"x\\\nb"), ["a \"x\\ !string 2..5", "b"]);
    assert_eq!(lines(b"\""), ["\" !string 0..1"]);
}

#[test]
fn a_parenthesis_that_is_never_closed_costs_one_line() {
    assert_eq!(lines(b"a A ( 1\nb A 2\n  c\n"), ["a A !unclosed 4..5", "b A 2", "> c"]);
    assert_eq!(lines(b"a ( ( 1\n) 2\nb"), ["a !unclosed 2..3", "2 !unmatched 8..9", "b"]);
}

#[test]
fn a_string_that_swallows_the_closing_parenthesis_is_one_fault() {
    assert_eq!(lines(b"a TXT ( \"x )\nb A 2\n"), ["a TXT !string 8..12", "b A 2"]);
}

#[test]
fn a_closing_parenthesis_alone_is_a_fault() {
    assert_eq!(lines(b"a A 1 )\nb"), ["a A 1 !unmatched 6..7", "b"]);
}

#[test]
fn a_file_of_open_parentheses_is_not_read_over_and_over() {
    let text = b"a (\n".repeat(100_000);
    assert_eq!(lines(&text).len(), UNCLOSED_MAX as usize);
}

#[test]
fn a_record_of_endless_words_is_refused_and_not_kept() {
    let mut text = b"a TXT (\n".to_vec();
    text.extend(b"x ".repeat(WORDS_MAX));
    text.extend(b")\nb");
    let lines = lines(&text);
    assert!(lines[0].contains("!words"));
    assert_eq!(lines[1], "b");
}

#[test]
fn what_is_shown_has_an_end_and_no_control_characters() {
    assert_eq!(shown(b"a\x1bb"), "a\u{fffd}b");
    assert_eq!(shown(&[b'x'; 100]).chars().count(), 61);
}
