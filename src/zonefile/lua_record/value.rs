//! Values where a certain kind of value is wanted.
//!
//! Accepts strings in place of numbers and the like, and says what was wanted and what was found.

use std::borrow::Cow;
use std::time::Duration;

use super::names;

use super::reader::Reader;
use super::shown::shown;
use crate::lua::{self, Expr, ExprKind, Field};
use crate::source::{Diagnostic, Span};

impl<'r> Reader<'r, '_> {
    /// The fields of a table, and where it stands.
    pub(super) fn table(&mut self, value: &'r Expr, wanted: &str) -> Option<(&'r [Field], Span)> {
        let value = self.scope.resolve(value);
        match &value.kind {
            ExprKind::Table(fields) => Some((fields, value.span)),
            _ => self.mismatch(value, wanted),
        }
    }

    /// The value of a field of a list.
    pub(super) fn item(&mut self, field: &'r Field) -> Option<&'r Expr> {
        match &field.key {
            None => Some(self.scope.resolve(&field.value)),
            Some(key) => {
                self.error(key.span, "a list has no keys: write the value alone");
                None
            }
        }
    }

    /// A string.
    pub(super) fn text(&mut self, value: &'r Expr, wanted: &str) -> Option<Cow<'r, str>> {
        let value = self.scope.resolve(value);
        match &value.kind {
            ExprKind::String(text) => Some(String::from_utf8_lossy(text)),
            _ => self.mismatch(value, wanted),
        }
    }

    /// A whole number from `least` to `most`; a string that reads as one will do, as in Lua.
    pub(super) fn integer(&mut self, value: &'r Expr, least: u32, most: u32, wanted: &str) -> Option<u32> {
        let value = self.scope.resolve(value);
        let integer = number(value)
            // Whole numbers of this type are written without a fraction.
            .and_then(|number| number.to_string().parse().ok())
            .filter(|integer| (least..=most).contains(integer));
        integer.or_else(|| self.mismatch(value, wanted))
    }

    /// A time in seconds, with or without a fraction.
    pub(super) fn seconds(&mut self, value: &'r Expr, least: Duration, most: Duration) -> Option<Duration> {
        let value = self.scope.resolve(value);
        let time = number(value)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|time| (least..=most).contains(time));
        let wanted = || format!("seconds from {} to {}", least.as_secs_f64(), most.as_secs_f64());
        time.or_else(|| self.mismatch(value, &wanted()))
    }

    /// `true` or `false`, as they are or as a string.
    pub(super) fn truth(&mut self, value: &'r Expr) -> Option<bool> {
        let value = self.scope.resolve(value);
        match &value.kind {
            ExprKind::Boolean(truth) => Some(*truth),
            ExprKind::String(text) if **text == *b"true" => Some(true),
            ExprKind::String(text) if **text == *b"false" => Some(false),
            _ => self.mismatch(value, "'true' or 'false'"),
        }
    }

    /// Says what was wanted instead of `value`, which is resolved. Says nothing where the fault that made the
    /// value useless has been reported.
    pub(super) fn mismatch<T>(&mut self, value: &Expr, wanted: &str) -> Option<T> {
        let found = match &value.kind {
            ExprKind::Refused | ExprKind::Name(_) => return None,
            ExprKind::Call(call) => {
                let function = &call.function.text;
                if names::function(function).is_some() {
                    let message = format!("`{function}` cannot be used inside a table or another call");
                    self.found.push(Diagnostic::error(value.span, message));
                }
                return None;
            }
            ExprKind::Nil => "`nil`".to_owned(),
            ExprKind::Boolean(truth) => format!("`{truth}`"),
            // Huge and tiny numbers would be shown with hundreds of digits.
            ExprKind::Number(number) if *number == 0.0 || (1e-4..1e15).contains(&number.abs()) => {
                number.to_string()
            }
            ExprKind::Number(number) => format!("{number:e}"),
            ExprKind::String(text) => format!("'{}'", shown(text)),
            ExprKind::Table(_) => "a table".to_owned(),
        };
        self.error(value.span, format!("expected {wanted}, found {found}"));
        None
    }
}

fn number(value: &Expr) -> Option<f64> {
    match &value.kind {
        ExprKind::Number(number) => Some(*number),
        ExprKind::String(text) => lua::number(text),
        _ => None,
    }
}
