//! The tree of a record's code.

use crate::source::Span;

/// The code of a record: statements, then the value it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What stands before the value, in the order it was written.
    pub statements: Vec<Statement>,
    /// What the record returns.
    pub result: Expr,
    /// Names of functions and values behind a construct that is not read, which were passed over: for telling
    /// all that is wrong at once. Empty where everything was read.
    pub passed_over: Vec<Ident>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// `NAME = value`
    Assign(Ident, Expr),
    /// `f(…)`, for what the function does.
    Call(Call),
}

/// A name and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// ASCII letters, digits and underscores.
    pub text: Box<str>,
    /// Where it stands.
    pub span: Span,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// The value.
    pub kind: ExprKind,
    /// From its first byte to its last.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// A finite number.
    Number(f64),
    /// A string, its escapes read. Any bytes.
    String(Box<[u8]>),
    /// `{…}`
    Table(Vec<Field>),
    /// A name that stands for a value; a constant of PowerDNS with its table: `pdns.A`.
    Name(Box<str>),
    /// `f(…)`, `f{…}` or `f'…'`
    Call(Call),
    /// Lua that is not read; the fault has been reported.
    Refused,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub function: Ident,
    /// Its arguments.
    pub arguments: Vec<Expr>,
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key; none in a list. `name=value` has the string `name` as its key, as in Lua.
    pub key: Option<Expr>,
    /// The value.
    pub value: Expr,
}
