//! From tokens to the tree.
//!
//! Decides how tokens may follow each other, and refuses by name the Lua that is not read. Does not know what
//! names and functions mean.

use super::code::{CODE_BYTES_MAX, Code};
use super::lexer::{self, FAULTS_MAX, Token, TokenKind};
use super::refusal;
use super::syntax::{Call, Expr, ExprKind, Field, Ident, Record, Statement};
use crate::source::{Diagnostic, Diagnostics, Severity, Span};

/// The table in which PowerDNS has its constants: `pdns.A` is a name for a type.
const CONSTANTS: &str = "pdns";

/// Deepest nesting of tables, calls and parentheses. The deepest that means anything is four; each level
/// costs stack.
pub const NESTING_MAX: usize = 20;

/// Reads the code of a record. `whole` is the record's place, for faults that have none of their own.
///
/// Every fault is pushed to `found`. None when the code breaks off; otherwise what could be read, with
/// [`ExprKind::Refused`] in place of what is not supported, so that the rest can be looked at.
pub fn parse(code: &Code, whole: Span, found: &mut Diagnostics) -> Option<Record> {
    read(code, whole, found, |parser| match parser.record() {
        Err(Stop) if parser.lost => Ok(parser.rest()),
        read => read,
    })
}

/// Reads code that is only statements, which other records include. Otherwise as [`parse`].
pub fn parse_statements(code: &Code, whole: Span, found: &mut Diagnostics) -> Option<Vec<Statement>> {
    read(code, whole, found, |parser| {
        let read = parser.statements();
        if read.is_err() && parser.lost {
            parser.rest();
        }
        read
    })
}

fn read<T>(
    code: &Code,
    whole: Span,
    found: &mut Diagnostics,
    of: impl FnOnce(&mut Parser<'_, '_>) -> Parsed<T>,
) -> Option<T> {
    code.remark_on_quoting(found);
    if code.bytes().len() > CODE_BYTES_MAX {
        let message = format!("LUA code longer than {} bytes", CODE_BYTES_MAX);
        found.push(Diagnostic::error(whole, message));
        return None;
    }
    let mut faults = Vec::new();
    let parsed = lexer::tokens(code, whole, &mut faults).and_then(|tokens| {
        of(&mut Parser { code, whole, tokens, at: 0, depth: 0, lost: false, faults: &mut faults }).ok()
    });
    found.extend(faults);
    parsed
}

/// The record cannot be read any further; why has been reported.
struct Stop;
type Parsed<T> = Result<T, Stop>;

struct Parser<'c, 'f> {
    code: &'c Code,
    whole: Span,
    /// Never empty: the last is the end of the code.
    tokens: Vec<Token<'c>>,
    at: usize,
    depth: usize,
    /// Whether the construct that stands here is known and not read: what follows can be looked at, not understood.
    lost: bool,
    faults: &'f mut Vec<Diagnostic>,
}

/// How the code began: PowerDNS puts a `return` in front of it unless it begins with `;`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Expression,
    Statements,
}

impl<'c> Parser<'c, '_> {
    fn record(&mut self) -> Parsed<Record> {
        let beginning = if self.is_symbol(";") { Beginning::Statements } else { Beginning::Expression };
        let mut statements = Vec::new();
        loop {
            while self.eat(";") {}
            if let Some(assignment) = self.assignment()? {
                statements.push(assignment);
                continue;
            }
            let start = self.here();
            if self.eat_keyword("return") {
                if beginning == Beginning::Expression {
                    self.warn_of_beginning(start);
                }
                return self.result(statements);
            }
            let value = self.expression()?;
            while self.eat(";") {}
            if *self.peek() == TokenKind::End {
                if beginning == Beginning::Statements || !statements.is_empty() {
                    self.warn_of_beginning(start);
                }
                return Ok(Record { statements, result: value, passed_over: Vec::new() });
            }
            if beginning == Beginning::Expression && statements.is_empty() {
                return Err(self.not_the_end());
            }
            statements.extend(self.as_statement(value)?);
        }
    }

    /// Statements to the end.
    fn statements(&mut self) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        if self.is_symbol(";") {
            self.faults.push(
                Diagnostic::warning(self.here(), "PowerDNS reads this as a syntax error")
                    .help("begin code that others include with its first `NAME=value`"),
            );
        }
        loop {
            while self.eat(";") {}
            if *self.peek() == TokenKind::End {
                return Ok(statements);
            }
            if matches!(self.peek(), TokenKind::Keyword("local")) {
                let what = "`local` in code that others include is";
                let help = "no other record can use a local name: write `NAME=value` alone";
                self.refuse(self.here(), what, Some(help))?;
                self.at += 1;
                continue;
            }
            if matches!(self.peek(), TokenKind::Keyword("return")) {
                let fault = self.unexpected("`NAME=value`");
                return self
                    .stop(fault.help("code that others include gives names to values and returns none"));
            }
            match self.assignment()? {
                Some(assignment) => statements.push(assignment),
                None => {
                    let value = self.expression()?;
                    statements.extend(self.as_statement(value)?);
                }
            }
        }
    }

    /// `NAME = value` or `local NAME = value`, if that stands here. Both mean the same: nobody else knows the
    /// names of a record.
    fn assignment(&mut self) -> Parsed<Option<Statement>> {
        let local = self.here();
        if self.eat_keyword("local") && self.name_before("=").is_none() {
            let refusal = refusal::local(self.peek(), self.peek_second());
            self.refuse(local, &refusal.construct, refusal.help)?;
            // It is a part of what has been refused.
            self.eat_keyword("function");
            self.lost = true;
            return Err(Stop);
        }
        let Some(name) = self.name_before("=") else { return Ok(None) };
        self.at += 2;
        Ok(Some(Statement::Assign(name, self.expression()?)))
    }

    /// What stands behind `return`.
    fn result(&mut self, statements: Vec<Statement>) -> Parsed<Record> {
        let result = self.expression()?;
        while self.eat(";") {}
        if *self.peek() == TokenKind::End {
            Ok(Record { statements, result, passed_over: Vec::new() })
        } else {
            Err(self.not_the_end())
        }
    }

    fn not_the_end(&mut self) -> Stop {
        let several = self.is_symbol(",");
        let fault = self.unexpected("the end of the code");
        self.faults.push(if several {
            fault.help("a record returns one value: put several in braces, {'…', '…'}")
        } else {
            fault
        });
        Stop
    }

    fn warn_of_beginning(&mut self, span: Span) {
        self.faults.push(
            Diagnostic::warning(span, "PowerDNS reads this as a syntax error")
                .help("write either `VALUE`, or `;NAME=… return VALUE` with the `;` and the `return`"),
        );
    }

    /// A value that stands alone: only a call can. None for what has been refused.
    fn as_statement(&mut self, value: Expr) -> Parsed<Option<Statement>> {
        match value.kind {
            ExprKind::Call(call) => Ok(Some(Statement::Call(call))),
            ExprKind::Refused => Ok(None),
            _ => Err(self.not_the_end()),
        }
    }

    /// A value, whatever operators try to make of it.
    fn expression(&mut self) -> Parsed<Expr> {
        if self.depth == NESTING_MAX {
            let message = format!("LUA code nested deeper than {NESTING_MAX} levels");
            return self.stop(Diagnostic::error(self.here(), message));
        }
        self.depth += 1;
        let mut value = self.operand()?;
        while let Some(refusal) = refusal::operator(self.peek()) {
            self.refuse(self.here(), &refusal.construct, refusal.help)?;
            self.at += 1;
            let right = self.operand()?;
            value = Expr { kind: ExprKind::Refused, span: value.span.to(right.span) };
        }
        self.depth -= 1;
        Ok(value)
    }

    /// A value behind any number of unary operators.
    fn operand(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let mut refused = false;
        loop {
            if let (true, Some(TokenKind::Number(value))) = (self.is_symbol("-"), self.peek_second()) {
                let kind = if refused { ExprKind::Refused } else { ExprKind::Number(-value) };
                self.at += 2;
                return Ok(Expr { kind, span: start.to(self.before()) });
            }
            let Some(refusal) = refusal::unary(self.peek()) else { break };
            self.refuse(self.here(), &refusal.construct, refusal.help)?;
            self.at += 1;
            refused = true;
        }
        let value = self.primary()?;
        if refused { Ok(Expr { kind: ExprKind::Refused, span: start.to(value.span) }) } else { Ok(value) }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let span = self.here();
        let kind = match self.peek() {
            TokenKind::String(text) => ExprKind::String(text.clone()),
            TokenKind::Number(value) => ExprKind::Number(*value),
            TokenKind::Keyword("nil") => ExprKind::Nil,
            TokenKind::Keyword("true") => ExprKind::Boolean(true),
            TokenKind::Keyword("false") => ExprKind::Boolean(false),
            TokenKind::Refused => ExprKind::Refused,
            TokenKind::Symbol("{") => return self.table(),
            TokenKind::Symbol("(") => return self.parenthesised(),
            &TokenKind::Name(name) => {
                self.at += 1;
                return self.suffixes(Expr { kind: ExprKind::Name(name.into()), span });
            }
            other => {
                let Some(refusal) = refusal::statement(other) else {
                    let fault = self.unexpected("a value");
                    return self.stop(fault);
                };
                self.refuse(span, &refusal.construct, refusal.help)?;
                self.at += 1;
                self.lost = true;
                return Err(Stop);
            }
        };
        self.at += 1;
        Ok(Expr { kind, span })
    }

    /// Goes on from a construct that is not read to the end of the code, token by token, and reports what
    /// else is not: somebody who rewrites a script wants to know all of it.
    fn rest(&mut self) -> Record {
        let mut passed_over = Vec::new();
        let mut defined = Vec::new();
        let start = self.here();
        while *self.peek() != TokenKind::End {
            let here = self.here();
            let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|token| &token.kind);
            let refused = match (self.peek(), self.peek_second()) {
                (&TokenKind::Symbol(dot @ ("." | ":")), Some(&TokenKind::Name(name))) => {
                    self.at += 1;
                    Some(refusal::field(dot, name))
                }
                (&TokenKind::Name(name), _) if before == Some(&TokenKind::Keyword("function")) => {
                    defined.push(name);
                    None
                }
                (&TokenKind::Name(name), _) => {
                    passed_over.push(Ident { text: name.into(), span: here });
                    None
                }
                // A part of the loop in front of it.
                (TokenKind::Keyword("do") | TokenKind::Symbol("::" | "..." | "-"), _) => None,
                (TokenKind::Keyword("local"), Some(TokenKind::Name(_))) => None,
                (token, _) => refusal::statement(token)
                    .or_else(|| refusal::operator(token))
                    .or_else(|| refusal::unary(token)),
            };
            if let Some(refusal) = refused
                && self.refuse(here, &refusal.construct, refusal.help).is_err()
            {
                break;
            }
            self.at += 1;
        }
        passed_over.retain(|name| !defined.contains(&&*name.text));
        let result = Expr { kind: ExprKind::Refused, span: start };
        Record { statements: Vec::new(), result, passed_over }
    }

    fn parenthesised(&mut self) -> Parsed<Expr> {
        let open = self.here();
        self.at += 1;
        let inner = self.expression()?;
        if !self.eat(")") {
            let fault = self.unexpected("`)`").and_at(open, "to close this");
            return self.stop(fault);
        }
        self.suffixes(Expr { kind: inner.kind, span: open.to(self.before()) })
    }

    /// Calls, fields and indices behind a name or parentheses. Only a call of a plain name is read.
    fn suffixes(&mut self, mut value: Expr) -> Parsed<Expr> {
        loop {
            let here = self.here();
            let refused = match (self.peek(), self.peek_second()) {
                (TokenKind::Symbol("(" | "{") | TokenKind::String(_), _) => {
                    value = self.call(value)?;
                    continue;
                }
                (&TokenKind::Symbol("."), Some(&TokenKind::Name(name))) if matches!(&value.kind, ExprKind::Name(table) if **table == *CONSTANTS) =>
                {
                    self.at += 2;
                    let text = format!("{CONSTANTS}.{name}").into();
                    value = Expr { kind: ExprKind::Name(text), span: value.span.to(self.before()) };
                    continue;
                }
                (&TokenKind::Symbol(dot @ ("." | ":")), Some(&TokenKind::Name(name))) => {
                    self.at += 2;
                    refusal::field(dot, name)
                }
                (TokenKind::Symbol("["), _) => {
                    self.at += 1;
                    self.expression()?;
                    if !self.eat("]") {
                        let fault = self.unexpected("`]`").and_at(here, "to close this");
                        return self.stop(fault);
                    }
                    refusal::index()
                }
                _ => return Ok(value),
            };
            if value.kind != ExprKind::Refused {
                self.refuse(here, &refused.construct, refused.help)?;
            }
            value = Expr { kind: ExprKind::Refused, span: value.span.to(self.before()) };
        }
    }

    fn call(&mut self, function: Expr) -> Parsed<Expr> {
        let span = function.span;
        let arguments = self.arguments()?;
        let whole = span.to(self.before());
        let kind = match function.kind {
            ExprKind::Name(text) => ExprKind::Call(Call { function: Ident { text, span }, arguments }),
            ExprKind::Refused => ExprKind::Refused,
            _ => {
                self.refuse(span, "calling anything but a function's name is", None)?;
                ExprKind::Refused
            }
        };
        Ok(Expr { kind, span: whole })
    }

    /// `(…)`, or a table or a string alone.
    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let open = self.here();
        if !self.eat("(") {
            return Ok(vec![self.primary()?]);
        }
        let mut arguments = Vec::new();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            if self.eat(")") {
                return Ok(arguments);
            }
            self.separator(&[","], ")", open)?;
            if self.is_symbol(")") {
                let fault = self.unexpected("another argument");
                self.fault(fault.help("PowerDNS reads a `,` before `)` as a syntax error"))?;
            }
            if self.eat(")") {
                return Ok(arguments);
            }
        }
    }

    fn table(&mut self) -> Parsed<Expr> {
        let open = self.here();
        self.at += 1;
        let mut fields = Vec::new();
        while !self.eat("}") {
            fields.push(self.field()?);
            if !self.is_symbol("}") {
                self.separator(&[",", ";"], "}", open)?;
            }
        }
        Ok(Expr { kind: ExprKind::Table(fields), span: open.to(self.before()) })
    }

    fn field(&mut self) -> Parsed<Field> {
        if let Some(name) = self.name_before("=") {
            self.at += 2;
            let key = Expr { kind: ExprKind::String(name.text.as_bytes().into()), span: name.span };
            return Ok(Field { key: Some(key), value: self.expression()? });
        }
        let open = self.here();
        if !self.eat("[") {
            return Ok(Field { key: None, value: self.expression()? });
        }
        let key = self.expression()?;
        if !self.eat("]") {
            let fault = self.unexpected("`]`").and_at(open, "to close this");
            return self.stop(fault);
        }
        if !self.eat("=") {
            let fault = self.unexpected("`=` and a value");
            return self.stop(fault);
        }
        Ok(Field { key: Some(key), value: self.expression()? })
    }

    /// One of `separators`. When it is missing between two values that is reported, and read as if it stood
    /// there.
    fn separator(&mut self, separators: &[&str], closing: &str, open: Span) -> Parsed<()> {
        if separators.iter().any(|separator| self.eat(separator)) {
            return Ok(());
        }
        let value = matches!(
            self.peek(),
            TokenKind::String(_)
                | TokenKind::Number(_)
                | TokenKind::Name(_)
                | TokenKind::Refused
                | TokenKind::Symbol("{" | "(" | "[")
                | TokenKind::Keyword("nil" | "true" | "false")
        );
        let fault = self.unexpected(&format!("`,` or `{closing}`"));
        if value { self.fault(fault) } else { self.stop(fault.and_at(open, "to close this")) }
    }

    fn refuse(&mut self, span: Span, construct: &str, help: Option<&'static str>) -> Parsed<()> {
        let message = format!("{construct} not supported: LUA records are read, not run");
        let fault = Diagnostic::error(span, message);
        self.fault(match help {
            Some(help) => fault.help(help),
            None => fault,
        })
    }

    /// Reports a fault behind which the code can be read on.
    fn fault(&mut self, fault: Diagnostic) -> Parsed<()> {
        self.faults.push(fault);
        let errors = self.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        if errors >= FAULTS_MAX { Err(Stop) } else { Ok(()) }
    }

    /// Reports a fault behind which it cannot.
    fn stop<T>(&mut self, fault: Diagnostic) -> Parsed<T> {
        self.faults.push(fault);
        Err(Stop)
    }

    fn unexpected(&self, wanted: &str) -> Diagnostic {
        let what = match self.peek() {
            TokenKind::End => "the end of the code".to_owned(),
            TokenKind::String(_) => "a string".to_owned(),
            TokenKind::Number(_) | TokenKind::Refused => "a number".to_owned(),
            TokenKind::Name(text) => format!("`{text}`"),
            TokenKind::Keyword(text) | TokenKind::Symbol(text) => format!("`{text}`"),
        };
        Diagnostic::error(self.here(), format!("expected {wanted}, found {what}"))
    }

    fn peek(&self) -> &TokenKind<'c> {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn peek_second(&self) -> Option<&TokenKind<'c>> {
        self.tokens.get(self.at + 1).map(|token| &token.kind)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), TokenKind::Keyword(found) if *found == keyword);
        self.at += usize::from(found);
        found
    }

    /// The name that stands here, if `symbol` follows it.
    fn name_before(&self, symbol: &str) -> Option<Ident> {
        match (self.peek(), self.peek_second()?) {
            (TokenKind::Name(text), TokenKind::Symbol(found)) if *found == symbol => {
                Some(Ident { text: (*text).into(), span: self.here() })
            }
            _ => None,
        }
    }

    /// Where the next token stands.
    fn here(&self) -> Span {
        self.span_of(self.tokens.get(self.at))
    }

    /// Where the token stands that was taken last.
    fn before(&self) -> Span {
        self.span_of(self.at.checked_sub(1).and_then(|last| self.tokens.get(last)))
    }

    fn span_of(&self, token: Option<&Token<'_>>) -> Span {
        token.and_then(|token| self.code.span(token.range.clone())).or(self.code.end()).unwrap_or(self.whole)
    }
}
