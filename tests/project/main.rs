//! The project's own texts, held: floors and files of `src`, documents, and the list of programs that tests need.
//!
//! `floors` uses nothing but the standard library, and can be compiled alone: `rustc --test tests/project/floors.rs`.

mod documents;
mod floors;
