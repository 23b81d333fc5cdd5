//! The Lua that is not read: what each construct is called, and what to write in its place.

use super::lexer::TokenKind;

/// A construct that is refused.
pub(super) struct LuaFault {
    /// Its name and a verb, to be followed by "not supported".
    pub(super) construct: String,
    /// What to do.
    pub(super) help: Option<&'static str>,
}

impl LuaFault {
    fn new(construct: impl Into<String>, help: Option<&'static str>) -> Option<LuaFault> {
        Some(LuaFault { construct: construct.into(), help })
    }
}

const CONDITION: Option<&str> = Some("write one value that holds for every client");
const LOCAL: Option<&str> = Some("write `local NAME=value`, or `NAME=value` alone");
const VALUE: Option<&str> = Some("write the value that comes out");

/// A token that stands between two values.
pub(super) fn operator(token: &TokenKind<'_>) -> Option<LuaFault> {
    match *token {
        TokenKind::Symbol("..") => LuaFault::new("joining strings with `..` is", Some("write one string")),
        TokenKind::Symbol(symbol @ ("+" | "-" | "*" | "/" | "%" | "^" | "//")) => {
            LuaFault::new(format!("arithmetic (`{symbol}`) is"), VALUE)
        }
        TokenKind::Symbol(symbol @ ("&" | "|" | "~" | "<<" | ">>")) => {
            LuaFault::new(format!("bitwise arithmetic (`{symbol}`) is"), VALUE)
        }
        TokenKind::Symbol(symbol @ ("==" | "~=" | "<" | ">" | "<=" | ">=")) => {
            LuaFault::new(format!("comparing (`{symbol}`) is"), CONDITION)
        }
        TokenKind::Keyword(word @ ("and" | "or")) => LuaFault::new(format!("`{word}` is"), CONDITION),
        _ => None,
    }
}

/// A token that stands in front of a value. A minus sign in front of a number belongs to the number.
pub(super) fn unary(token: &TokenKind<'_>) -> Option<LuaFault> {
    match *token {
        TokenKind::Symbol(symbol @ ("-" | "~")) => {
            LuaFault::new(format!("arithmetic (`{symbol}`) is"), VALUE)
        }
        TokenKind::Symbol("#") => LuaFault::new("taking a length (`#`) is", VALUE),
        TokenKind::Keyword("not") => LuaFault::new("`not` is", CONDITION),
        _ => None,
    }
}

/// A token that begins something which is no value.
pub(super) fn statement(token: &TokenKind<'_>) -> Option<LuaFault> {
    match *token {
        TokenKind::Keyword("if") => LuaFault::new("`if` statements are", CONDITION),
        TokenKind::Keyword(word @ ("for" | "while" | "repeat")) => {
            LuaFault::new(format!("`{word}` loops are"), Some("write the list that comes out"))
        }
        TokenKind::Keyword("function") => LuaFault::new("defining a `function` is", VALUE),
        TokenKind::Keyword("local") => LuaFault::new("`local` is", LOCAL),
        TokenKind::Keyword(word @ ("do" | "goto" | "break")) => LuaFault::new(format!("`{word}` is"), None),
        TokenKind::Symbol("::") => LuaFault::new("a label (`::`) is", None),
        TokenKind::Symbol("...") => LuaFault::new("`...` is", None),
        _ => None,
    }
}

/// `local` in front of anything but one name and its value: of the two tokens that follow.
pub(super) fn local(next: &TokenKind<'_>, behind: Option<&TokenKind<'_>>) -> LuaFault {
    let (construct, help) = match (next, behind) {
        (TokenKind::Keyword("function"), _) => ("defining a `local function` is", VALUE),
        (TokenKind::Name(_), Some(TokenKind::Symbol(","))) => {
            ("`local` with several names is", Some("give each name its value alone: `local a=… local b=…`"))
        }
        _ => ("`local` without `NAME=value` is", LOCAL),
    };
    LuaFault { construct: construct.to_owned(), help }
}

/// `value.name` or `value:name`.
pub(super) fn field(dot: &str, name: &str) -> LuaFault {
    let construct = match dot {
        ":" => format!("calling the method `:{name}` is"),
        _ => format!("taking the field `.{name}` is"),
    };
    LuaFault { construct, help: VALUE }
}

/// `value[…]`
pub(super) fn index() -> LuaFault {
    LuaFault { construct: "taking an entry with `[…]` is".to_owned(), help: VALUE }
}
