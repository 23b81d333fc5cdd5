//! Texts of the project itself: the order of rooms and files in `src`, the documents, the list of programs
//! that tests need, and `tests/README.md`.
//!
//! `floors` uses only the standard library, and can be compiled alone: `rustc --test
//! tests/project/floors.rs`.

mod documents;
mod floors;
mod places;
