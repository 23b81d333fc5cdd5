//! What is read, what is refused, and that every fault points to its place in the zone text.

use proptest::prelude::*;

use super::*;
use crate::source::{Diagnostics, Look, Severity, Sources, Span};

/// A LUA record in zone text, its quoted words taken as chunks.
pub(crate) struct Written {
    pub(crate) sources: Sources,
    pub(crate) code: Code,
    pub(crate) span: Span,
    pub(crate) found: Diagnostics,
}

impl Written {
    pub(crate) fn new(text: &str) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        let offset = |at: usize| u32::try_from(at).unwrap();
        let mut quotes = Vec::new();
        let mut escaped = false;
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'"' && !escaped {
                quotes.push(at);
            }
            escaped = byte == b'\\' && !escaped;
        }
        let chunks: Vec<Chunk<'_>> = quotes
            .chunks_exact(2)
            .map(|pair| Chunk {
                text: &text.as_bytes()[pair[0] + 1..pair[1]],
                span: Span::new(file, offset(pair[0]), offset(pair[1] + 1)),
                quoted: true,
            })
            .collect();
        let code = Code::join(&chunks);
        Self { sources, code, span: Span::new(file, 0, offset(text.len())), found: Diagnostics::default() }
    }

    /// All that was found: severity, line, column, the text under the carets, message.
    pub(crate) fn faults(&self) -> Vec<String> {
        let line = |one: &crate::source::Diagnostic| {
            let place = self.sources.place(one.span().unwrap());
            let under = String::from_utf8_lossy(self.sources.slice(one.span().unwrap())).into_owned();
            format!("{} {}:{} [{under}] {}", one.severity.word(), place.line, place.column, one.message)
        };
        self.found.iter().map(line).collect()
    }
}

/// Reads the one record of `zone`.
fn read(zone: &str) -> (Option<Record>, Written) {
    let mut written = Written::new(zone);
    let record = parse(&written.code, written.span, &mut written.found);
    (record, written)
}

fn faults_of(zone: &str) -> Vec<String> {
    read(zone).1.faults()
}

/// The result of code that has no faults, without its places.
fn result_of(code: &str) -> String {
    let (record, written) = read(&format!("@ IN LUA A \"{code}\""));
    assert_eq!(written.faults(), Vec::<String>::new(), "{code}");
    shape(&record.unwrap().result)
}

fn shape(expr: &Expr) -> String {
    let joined = |parts: Vec<String>| parts.join(" ");
    match &expr.kind {
        ExprKind::Nil => "nil".into(),
        ExprKind::Boolean(truth) => truth.to_string(),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::String(text) => format!("'{}'", text.escape_ascii()),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Refused => "refused".into(),
        ExprKind::Call(call) => {
            format!("{}({})", call.function.text, joined(call.arguments.iter().map(shape).collect()))
        }
        ExprKind::Table(fields) => {
            let field = |field: &Field| match &field.key {
                Some(key) => format!("{}={}", shape(key), shape(&field.value)),
                None => shape(&field.value),
            };
            format!("{{{}}}", joined(fields.iter().map(field).collect()))
        }
    }
}

#[test]
fn the_code_of_a_cluster_zone_is_a_call() {
    let code = "ifportup(6443, {'127.0.1.13', '127.0.1.14'}, {selector='all'})";
    assert_eq!(result_of(code), "ifportup(6443 {'127.0.1.13' '127.0.1.14'} {'selector'='all'})");
}

#[test]
fn every_form_of_literal_is_read() {
    for (code, expected) in [
        ("'a'", "'a'"),
        ("[[a]]", "'a'"),
        ("[=[a]]b]=]", "'a]]b'"),
        ("[==[]]]=]]==]", "']]]=]'"),
        ("42", "42"),
        ("0x1F90", "8080"),
        ("0X1f", "31"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("25E-1", "2.5"),
        ("-1", "-1"),
        ("true", "true"),
        ("false", "false"),
        ("nil", "nil"),
        ("{}", "{}"),
        ("('a')", "'a'"),
        ("(('a'))", "'a'"),
    ] {
        assert_eq!(result_of(code), expected, "{code}");
    }
}

#[test]
fn every_escape_of_lua_is_read() {
    assert_eq!(result_of(r"'a\'b'"), r"'a\'b'");
    assert_eq!(result_of(r"'\\'"), r"'\\'");
    assert_eq!(result_of(r"'\65\066\x43\u{44}'"), "'ABCD'");
    assert_eq!(result_of(r"'\a\b\t\n\v\f\r'"), r"'\x07\x08\t\n\x0b\x0c\r'");
    assert_eq!(result_of(r"'a\z   b'"), "'ab'");
    assert_eq!(result_of(r"'\u{20AC}'"), r"'\xe2\x82\xac'");
    assert_eq!(result_of(r"[[\n]]"), r"'\\n'");
}

#[test]
fn tables_take_both_separators_a_trailing_one_and_both_forms_of_keys() {
    assert_eq!(result_of("{'a', 'b'; 'c',}"), "{'a' 'b' 'c'}");
    assert_eq!(result_of("{['k']='v'; n=2;}"), "{'k'='v' 'n'=2}");
    assert_eq!(result_of("{[1]='v', {}}"), "{1='v' {}}");
}

#[test]
fn calls_need_no_parentheses_around_one_table_or_string() {
    assert_eq!(result_of("all{'a'}"), "all({'a'})");
    assert_eq!(result_of("all'a'"), "all('a')");
    assert_eq!(result_of("all[[a]]"), "all('a')");
    assert_eq!(result_of("f()"), "f()");
    assert_eq!(result_of("f(g('x'), ({}))"), "f(g('x') {})");
}

#[test]
fn comments_are_skipped() {
    assert_eq!(result_of("'a' -- the rest"), "'a'");
    assert_eq!(result_of("--[[ one ]] 'a' --[==[ ]] two ]==]"), "'a'");
}

fn name_assigned(statement: &Statement) -> &str {
    match statement {
        Statement::Assign(name, _) => &name.text,
        Statement::Call(call) => panic!("{call:?}"),
    }
}

#[test]
fn names_for_values_are_read_behind_a_semicolon() {
    let (record, written) = read("@ LUA A \";PORT=6443;LIST={'a'} return f(PORT, LIST);\"");
    assert_eq!(written.faults(), Vec::<String>::new());
    let record = record.unwrap();
    let names: Vec<_> = record.statements.iter().map(name_assigned).collect();
    assert_eq!(names, ["PORT", "LIST"]);
    assert_eq!(shape(&record.result), "f(PORT LIST)");
    assert_eq!(result_of(";return 'a'"), "'a'");
}

#[test]
fn a_missing_return_or_semicolon_is_read_with_a_warning() {
    let message = "PowerDNS reads this as a syntax error";
    assert_eq!(faults_of("@ LUA A \"return 'a'\""), [format!("warning 1:10 [return] {message}")]);
    assert_eq!(faults_of("@ LUA A \";'a'\""), [format!("warning 1:11 ['a'] {message}")]);
    assert_eq!(faults_of("@ LUA A \"X='a' return X\""), [format!("warning 1:16 [return] {message}")]);
    assert_eq!(faults_of("@ LUA A \"X='a' X\""), [format!("warning 1:16 [X] {message}")]);
}

#[test]
fn every_node_knows_its_place_across_chunks_lines_and_parentheses() {
    let (record, written) =
        read("@ IN LUA A ( \"ifportup(6443, \"\n    \"{'192.0.2.1',\" ; first\n    \" '192.0.2.2'})\" )\n");
    assert_eq!(written.faults(), Vec::<String>::new());
    let ExprKind::Call(call) = record.unwrap().result.kind else { panic!("a call") };
    let place = |span| {
        let place = written.sources.place(span);
        (place.line, place.column, String::from_utf8_lossy(written.sources.slice(span)).into_owned())
    };
    assert_eq!(place(call.function.span), (1, 15, "ifportup".into()));
    assert_eq!(place(call.arguments[0].span), (1, 24, "6443".into()));
    let ExprKind::Table(fields) = &call.arguments[1].kind else { panic!("a table") };
    assert_eq!(place(call.arguments[1].span).0, 2);
    assert_eq!(place(fields[0].value.span), (2, 7, "'192.0.2.1'".into()));
    assert_eq!(place(fields[1].value.span), (3, 7, "'192.0.2.2'".into()));
}

#[test]
fn chunks_are_joined_with_nothing_and_a_chunk_of_one_blank_is_dropped() {
    assert_eq!(Written::new("\"a\" \" \" \"b\" \"  \" \"c\"").code.bytes(), b"ab  c");
    assert_eq!(Written::new("\"\" \"\"").code.bytes(), b"");
}

#[test]
fn a_token_that_crosses_chunks_is_read_with_a_warning() {
    let (record, written) = read("@ LUA TXT \"{'foo\" \"bar', 1\" \" \"\n \"2, al\" \"l}\"");
    let said = |what| format!("this {what} goes on in the next chunk");
    assert_eq!(
        written.faults(),
        [
            format!("warning 1:13 ['foo\" \"bar'] {}", said("string")),
            format!("warning 1:26 [1\" \" \"\n \"2] {}", said("number")),
            format!("warning 2:6 [al\" \"l] {}", said("name")),
        ]
    );
    assert_eq!(shape(&record.unwrap().result), "{'foobar' 12 all}");
}

#[test]
fn a_comment_that_swallows_the_next_chunk_is_warned_of() {
    let faults = faults_of("@ LUA A \"{'a', -- one\"\n \"'b'}\"");
    assert_eq!(
        faults,
        [
            "warning 1:16 [--] this comment takes in the chunks that follow",
            "error 2:7 [\"] expected a value, found the end of the code",
        ]
    );
}

#[test]
fn an_escaped_double_quote_is_a_plain_one_with_a_note() {
    let (record, written) = read(r#"@ LUA TXT "{\"a\", 'b\"'}""#);
    let result = record.unwrap().result;
    assert_eq!(shape(&result), r#"{'a' 'b\"'}"#);
    let ExprKind::Table(fields) = result.kind else { panic!("a table") };
    assert_eq!(written.sources.slice(fields[0].value.span), br#"\"a\""#);
    assert_eq!(written.faults(), [r#"note 1:13 [\"] `\"` is read as `"`"#]);
}

#[test]
fn other_backslashes_belong_to_the_code() {
    assert_eq!(Written::new(r#""'a\\nb' \\\" x""#).code.bytes(), br#"'a\\nb' \\" x"#);
}

#[test]
fn places_behind_an_escape_are_right() {
    assert_eq!(
        faults_of(r#"@ LUA TXT "{\"a\" 5x}""#),
        [
            r#"note 1:13 [\"] `\"` is read as `"`"#,
            "error 1:19 [5x] `5x` is not a number",
            "error 1:19 [5x] expected `,` or `}`, found a number",
        ]
    );
}

#[test]
fn code_without_quotes_is_read_with_a_warning() {
    let mut sources = Sources::default();
    let file = sources.add("lab.zone", b"@ LUA A 'x'".to_vec());
    let span = Span::new(file, 8, 11);
    let code = Code::join(&[Chunk { text: b"'x'", span, quoted: false }]);
    let mut found = Diagnostics::default();
    let record = parse(&code, span, &mut found).unwrap();
    assert_eq!((shape(&record.result), record.result.span), ("'x'".to_owned(), span));
    assert_eq!((found.errors(), found.warnings()), (0, 1));
}

#[test]
fn text_from_a_template_stands_where_the_template_stands() {
    let mut sources = Sources::default();
    let file = sources.add("lab.zone", b"\"'k$'\"".to_vec());
    let span = Span::new(file, 0, 6);
    let code = Code::join(&[Chunk { text: b"'k1000'", span, quoted: true }]);
    let record = parse(&code, span, &mut Diagnostics::default()).unwrap();
    assert_eq!((shape(&record.result), record.result.span), ("'k1000'".to_owned(), span));
}

#[test]
fn a_local_name_with_its_value_is_a_name_like_others() {
    let shapes = |code: &str| {
        let zone = format!("@ IN LUA A \"{code}\"\n");
        assert_eq!(faults_of(&zone), Vec::<String>::new(), "{code}");
    };
    shapes(";local m={'192.0.2.1','192.0.2.2'} return ifportup(18443, m)");
    shapes("; local a = 'x'; b = 'y' local c = {a, b}; return c");
}

#[test]
fn behind_a_construct_that_is_not_read_the_others_are_told_too() {
    let zone = "@ IN LUA A ( \";if x == 'a' then return f(1) .. 'b'\"\n  \" elseif os.time() then for i=1,2 do end end\" )\n";
    let not_run = "not supported: LUA records are read, not run";
    assert_eq!(
        faults_of(zone),
        [
            format!("error 1:16 [if] `if` statements are {not_run}"),
            format!("error 1:21 [==] comparing (`==`) is {not_run}"),
            format!("error 1:45 [..] joining strings with `..` is {not_run}"),
            format!("error 2:14 [.] taking the field `.time` is {not_run}"),
            format!("error 2:27 [for] `for` loops are {not_run}"),
        ]
    );
}

#[test]
fn a_script_without_end_has_so_many_faults_told() {
    let code = "if a then end ".repeat(FAULTS_MAX + 5);
    assert_eq!(faults_of(&format!("@ IN LUA A \";{code}\"\n")).len(), FAULTS_MAX);
}

/// Each refused construct of Lua in a record of two lines, and where its caret stands in the second.
#[test]
fn what_is_not_read_is_refused_by_name_at_its_place() {
    let not_run = "not supported: LUA records are read, not run";
    for (second, column, under, construct) in [
        ("if x then return 'a' end", 4, "if", "`if` statements are"),
        ("for i=1,2 do end", 4, "for", "`for` loops are"),
        ("while true do end", 4, "while", "`while` loops are"),
        ("repeat until x", 4, "repeat", "`repeat` loops are"),
        ("function f() end", 4, "function", "defining a `function` is"),
        ("return function() end", 11, "function", "defining a `function` is"),
        ("local x", 4, "local", "`local` without `NAME=value` is"),
        ("local x, y = 1, 2", 4, "local", "`local` with several names is"),
        ("local function f() end", 4, "local", "defining a `local function` is"),
        ("return (local x)", 12, "local", "`local` is"),
        ("do end", 4, "do", "`do` is"),
        ("goto x", 4, "goto", "`goto` is"),
        ("::x::", 4, "::", "a label (`::`) is"),
        ("return ...", 11, "...", "`...` is"),
        ("return 'a' .. 'b'", 15, "..", "joining strings with `..` is"),
        ("return 8000+80", 15, "+", "arithmetic (`+`) is"),
        ("return 2^3", 12, "^", "arithmetic (`^`) is"),
        ("return 7//2", 12, "//", "arithmetic (`//`) is"),
        ("return 1<<2", 12, "<<", "bitwise arithmetic (`<<`) is"),
        ("return -x", 11, "-", "arithmetic (`-`) is"),
        ("return ~1", 11, "~", "arithmetic (`~`) is"),
        ("return #x", 11, "#", "taking a length (`#`) is"),
        ("return not x", 11, "not", "`not` is"),
        ("return x and 'a'", 13, "and", "`and` is"),
        ("return x or 'a'", 13, "or", "`or` is"),
        ("return x == 'a'", 13, "==", "comparing (`==`) is"),
        ("return x ~= 'a'", 13, "~=", "comparing (`~=`) is"),
        ("return x >= 1", 13, ">=", "comparing (`>=`) is"),
        ("return os.time()", 13, ".", "taking the field `.time` is"),
        ("return s:upper()", 12, ":", "calling the method `:upper` is"),
        ("return x[1][2]", 12, "[", "taking an entry with `[…]` is"),
        ("return f(1)(2)", 11, "f(1)", "calling anything but a function's name is"),
    ] {
        let zone = format!("@ IN LUA A ( \";X='a' \" ; chunk one\n  \"{second}\" )\n");
        assert_eq!(
            faults_of(&zone),
            [format!("error 2:{column} [{under}] {construct} {not_run}")],
            "{second}"
        );
    }
}

#[test]
fn what_is_not_syntax_is_told_at_its_place() {
    for (code, faults) in [
        ("", vec!["error 1:10 [\"] expected a value, found the end of the code"]),
        (";", vec!["error 1:11 [\"] expected a value, found the end of the code"]),
        (";return", vec!["error 1:17 [\"] expected a value, found the end of the code"]),
        ("'a", vec!["error 1:10 ['] this string is never closed"]),
        (r"'a\\", vec!["error 1:10 ['] this string is never closed"]),
        ("[=[a]]", vec!["error 1:10 [[=[] this long string is never closed"]),
        ("'a' --[[ x", vec!["error 1:16 [[[] this comment is never closed"]),
        ("f(1", vec!["error 1:13 [\"] expected `,` or `)`, found the end of the code"]),
        ("f(6443, {", vec!["error 1:19 [\"] expected a value, found the end of the code"]),
        ("{'a' 'b'}", vec!["error 1:15 ['b'] expected `,` or `}`, found a string"]),
        ("f(1,)", vec!["error 1:14 [)] expected another argument, found `)`"]),
        ("f(1))", vec!["error 1:14 [)] expected the end of the code, found `)`"]),
        ("'a', 'b'", vec!["error 1:13 [,] expected the end of the code, found `,`"]),
        ("(1", vec!["error 1:12 [\"] expected `)`, found the end of the code"]),
        ("{[1]}", vec!["error 1:14 [}] expected `=` and a value, found `}`"]),
        ("{[1=2}", vec!["error 1:13 [=] expected `]`, found `=`"]),
        ("{,}", vec!["error 1:11 [,] expected a value, found `,`"]),
        ("then", vec!["error 1:10 [then] expected a value, found `then`"]),
        ("a$b", vec!["error 1:11 [$] `$` is not Lua"]),
        ("‘a’", vec!["error 1:10 [‘] `‘` is not Lua"]),
        ("6443x", vec!["error 1:10 [6443x] `6443x` is not a number"]),
        ("0x", vec!["error 1:10 [0x] `0x` is not a number"]),
        ("1e999", vec!["error 1:10 [1e999] `1e999` is not a number"]),
        (r"'\q'", vec![r"error 1:11 [\q] `\q` is not an escape of Lua"]),
        (r"'\300'", vec![r"error 1:11 [\300] `\300` is not an escape of Lua"]),
        (r"'\x4'", vec![r"error 1:11 [\x4] `\x4` is not an escape of Lua"]),
        (r"'\u{110000}'", vec![r"error 1:11 [\u{110000}] `\u{110000}` is not an escape of Lua"]),
        (
            "{192.0.2.1, 192.0.2.2, 'a' .. 'b'}",
            vec![
                "error 1:11 [192.0.2.1] `192.0.2.1` is not a number",
                "error 1:22 [192.0.2.2] `192.0.2.2` is not a number",
                "error 1:37 [..] joining strings with `..` is not supported: LUA records are read, not run",
            ],
        ),
    ] {
        assert_eq!(faults_of(&format!("@ LUA A \"{code}\"")), faults, "{code}");
    }
}

#[test]
fn a_record_without_code_is_told_at_the_record() {
    assert_eq!(faults_of("@ LUA A"), ["error 1:1 [@ LUA A] expected a value, found the end of the code"]);
}

#[test]
fn a_fault_is_drawn_in_the_line_of_its_chunk() {
    let (_, written) =
        read("api IN LUA A ( \"ifportup(6443, {'192.0.2.1'\"\n               \"'192.0.2.2'\" )\n");
    let drawn: Vec<String> =
        written.found.iter().map(|one| written.sources.render(one, Look::Plain)).collect();
    let expected = "\
error: expected `,` or `}`, found a string
 --> lab.zone:2:17
  |
2 |                \"'192.0.2.2'\" )
  |                 ^^^^^^^^^^^";
    assert_eq!(drawn[0], expected);
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth| format!("@ LUA A \"{}{}\"", "{".repeat(depth), "}".repeat(depth));
    assert_eq!(faults_of(&nested(NESTING_MAX)), Vec::<String>::new());
    let faults = faults_of(&nested(NESTING_MAX + 1));
    assert_eq!(faults.len(), 1);
    assert!(faults[0].ends_with("LUA code nested deeper than 20 levels"), "{faults:?}");
    assert_eq!(faults_of(&format!("@ LUA A \"{}\"", "f(".repeat(20_000))).len(), 1);
    assert_eq!(faults_of(&format!("@ LUA A \"{}1\"", "- ".repeat(20_000))).len(), FAULTS_MAX);
}

#[test]
fn a_record_full_of_faults_reports_the_first_ones() {
    assert_eq!(faults_of(&format!("@ LUA A \"{{{}}}\"", "192.0.2.1, ".repeat(1000))).len(), FAULTS_MAX);
    assert_eq!(faults_of(&format!("@ LUA A \"1{}\"", "+1".repeat(1000))).len(), FAULTS_MAX);
}

#[test]
fn code_longer_than_any_rdata_is_refused() {
    let faults = faults_of(&format!("@ LUA A \"'{}'\"", "a".repeat(CODE_BYTES_MAX)));
    assert_eq!(faults.len(), 1);
    assert!(faults[0].ends_with("LUA code longer than 65535 bytes"));
}

#[test]
fn numbers_in_strings_are_read_as_lua_does() {
    assert_eq!(number(b" 8080 "), Some(8080.0));
    assert_eq!(number(b"-0x10"), Some(-16.0));
    for text in ["", "-", "--1", "+1", "inf", "nan", "1s", "0x", "0x1.8", "1e", "."] {
        assert_eq!(number(text.as_bytes()), None, "{text}");
    }
}

/// Pieces of code, so that random records get past the first token.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("ifportup("),
        Just("6443"),
        Just(","),
        Just("{"),
        Just("}"),
        Just(")"),
        Just("'192.0.2.1'"),
        Just("'\\"),
        Just("[[x]]"),
        Just("[="),
        Just("]"),
        Just("="),
        Just("x"),
        Just(";"),
        Just("return "),
        Just(" .. "),
        Just("-"),
        Just("not "),
        Just(".a"),
        Just(":b"),
        Just("--"),
        Just("1e+"),
        Just("\\\""),
        Just("\" \""),
        Just("\"\n\""),
        Just("é"),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_point_outside(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(0usize..200, 0..4),
    ) {
        let mut sources = Sources::default();
        let file = sources.add("random.zone", bytes.clone());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunk = |pair: &[usize]| Chunk {
            text: &bytes[pair[0]..pair[1]],
            span: Span::new(file, u32::try_from(pair[0]).unwrap(), u32::try_from(pair[1]).unwrap()),
            quoted: false,
        };
        let chunks: Vec<Chunk<'_>> = cuts.windows(2).map(chunk).collect();
        let whole = Span::new(file, 0, u32::try_from(bytes.len()).unwrap());
        let mut found = Diagnostics::default();
        let record = parse(&Code::join(&chunks), whole, &mut found);
        prop_assert!(record.is_some() || found.errors() > 0);
        for one in &found {
            prop_assert!(one.labels.iter().all(|label| label.origin.span().is_some_and(|span| span.end as usize <= bytes.len())));
            sources.render(one, Look::Plain);
        }
    }

    #[test]
    fn no_pieces_of_code_make_the_reader_panic_or_fail_in_silence(code in pieces()) {
        let (record, written) = read(&format!("@ LUA A \"{code}\""));
        prop_assert!(record.is_some() || written.found.errors() > 0);
        for one in &written.found {
            prop_assert!(one.severity < Severity::Error || one.span().is_some());
            written.sources.render(one, Look::Plain);
        }
    }
}
