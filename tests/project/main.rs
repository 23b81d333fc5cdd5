//! The project's own texts, held: floors and files of `src`, documents, the list of programs that tests need, and the places
//! of tests.
//!
//! `floors` uses nothing but the standard library, and can be compiled alone: `rustc --test tests/project/floors.rs`.

mod documents;
mod floors;
mod places;
