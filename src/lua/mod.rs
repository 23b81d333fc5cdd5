//! The expression language of LUA records: strings, numbers, tables, calls and names for them.
//!
//! Reads the code of a record into a tree in which every node knows its place in the zone text. What is
//! outside the language (control flow, operators, fields) is refused by name; nothing is ever run. `zonefile`
//! decides which functions exist and what they mean.

mod number;
mod code;
mod lexer;
mod syntax;
mod refusal;
mod parser;

pub use code::{CODE_BYTES_MAX, Chunk, Code};
pub use lexer::FAULTS_MAX;
pub use number::number;
pub use parser::{NESTING_MAX, parse, parse_statements};
pub use syntax::{Call, Expr, ExprKind, Field, Ident, Record, Statement};

#[cfg(test)]
pub(crate) mod tests;
