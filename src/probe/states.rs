//! Files of states that other programs write: which targets are up, in the words of gdnsd's extfile and HAProxy's agents.
//!
//! ```text
//!   # KEY [=>] WORDS [# REMARK]
//!   192.0.2.13     up
//!   192.0.2.14     maint              # a new disk, until noon
//!   2001:db8::15   ready 75%
//!   web      =>    DOWN/30
//! ```
//!
//! Reads them, as a whole or not at all. Not responsible for when one is read again: that is `file`.

use std::collections::HashMap;

use super::weight::Weight;
use crate::source::words;

/// What a file says, by key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct States(HashMap<Box<str>, State>);

/// What is said of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is up, perhaps with a share of its own.
    Up(Option<Weight>),
    /// It is not.
    Down { word: Box<str>, remark: Box<str> },
}

/// What is wrong with a file, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatesFault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

/// Words for up: HAProxy's, and gdnsd's.
const UP: &[&str] = &["up", "ready"];

/// Words for down.
const DOWN: &[&str] = &["down", "fail", "stopped", "maint"];

/// The word for no new clients, as a weight of 0 is: the target is not down for that.
const DRAIN: &str = "drain";

impl States {
    /// Reads a file.
    pub(super) fn read(text: &[u8]) -> Result<States, StatesFault> {
        let mut states = States::default();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let fault = |(column, message)| StatesFault { line: number, column, message };
            let line = str::from_utf8(line)
                .map_err(|error| fault((error.valid_up_to() + 1, "this is not UTF-8".to_owned())))?;
            let Some((key, state)) = read_line(line).map_err(fault)? else { continue };
            if states.0.insert(key.into(), state).is_some() {
                return Err(fault((column_of(line, key), format!("`{}` is there twice", words(key)))));
            }
        }
        Ok(states)
    }

    pub(super) fn get(&self, key: &str) -> Option<&State> {
        self.0.get(key)
    }
}

/// A fault at a column, from 1.
type LineFault = (usize, String);

/// Whether a line can begin with this key.
pub(super) fn is_key(text: &str) -> bool {
    !text.contains('#') && parts(text).eq([text])
}

/// The words of a line, without the arrow that gdnsd wants.
fn parts(said: &str) -> impl Iterator<Item = &str> {
    said.split([' ', '\t', '\r', '\n', ',']).filter(|part| !part.is_empty() && *part != "=>")
}

/// The column of a part of a line.
fn column_of(line: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(line.as_ptr() as usize) + 1
}

/// The key of a line, and what it says of it; none where the line says nothing.
fn read_line(line: &str) -> Result<Option<(&str, State)>, LineFault> {
    let (said, remark) = line.split_once('#').unwrap_or((line, ""));
    let mut parts = parts(said);
    let Some(key) = parts.next() else { return Ok(None) };
    let (mut is_up, mut down, mut weight) = (false, None, None);
    for word in parts {
        // What gdnsd says of TTLs: they are those of the zone here.
        let bare = word.split_once('/').map_or(word, |(state, _)| state);
        let is = |known: &&str| known.eq_ignore_ascii_case(bare);
        match bare.strip_suffix('%') {
            Some(share) => match share.parse().ok().and_then(Weight::new) {
                Some(share) => weight = Some(share),
                None => {
                    return Err((
                        column_of(line, word),
                        format!("`{}` is no share, as in `75%`", words(word)),
                    ));
                }
            },
            None if is(&DRAIN) => weight = Weight::new(0),
            None if UP.iter().any(&is) => is_up = true,
            None if DOWN.iter().any(&is) => down = down.or(Some(word)),
            None => {
                let message = format!(
                    "`{}` is no state: it is one of {}, {} or {DRAIN}",
                    words(word),
                    UP.join(", "),
                    DOWN.join(", ")
                );
                return Err((column_of(line, word), message));
            }
        }
    }
    match (down, is_up || weight.is_some()) {
        (Some(word), _) => {
            let state = State::Down { word: words(word).into(), remark: words(remark.trim()).into() };
            Ok(Some((key, state)))
        }
        (None, true) => Ok(Some((key, State::Up(weight)))),
        (None, false) => Err((column_of(line, key), format!("nothing is said of `{}`", words(key)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> State {
        let states = States::read(line.as_bytes()).unwrap();
        states.0.into_values().next().unwrap()
    }

    fn down(word: &str, remark: &str) -> State {
        State::Down { word: word.into(), remark: remark.into() }
    }

    #[test]
    fn words_of_gdnsd_and_of_haproxys_agents_are_understood() {
        for (line, state) in [
            ("192.0.2.1 up", State::Up(None)),
            ("web => UP/10", State::Up(None)),
            ("web => DOWN/MAX", down("DOWN/MAX", "")),
            ("192.0.2.1 ready 75%", State::Up(Weight::new(75))),
            ("192.0.2.1\t75%", State::Up(Weight::new(75))),
            ("192.0.2.1 up,50%\r", State::Up(Weight::new(50))),
            ("192.0.2.1 0%", State::Up(Weight::new(0))),
            ("192.0.2.1 maint 50% # a new disk", down("maint", "a new disk")),
            ("192.0.2.1 drain", State::Up(Weight::new(0))),
        ] {
            assert_eq!(one(line), state, "{line}");
        }
    }

    #[test]
    fn what_is_told_of_a_file_is_one_short_line_without_control_characters() {
        let State::Down { remark, .. } = one("192.0.2.1 down # red\u{1b}[31m\u{7}") else { panic!("up") };
        assert_eq!(&*remark, "red\u{fffd}[31m\u{fffd}");
        let State::Down { word, remark } = one(&format!("a down/{0} # {0}", "9".repeat(5000))) else {
            panic!("up")
        };
        assert!(word.chars().count() <= 201 && remark.chars().count() <= 201, "{word} {remark}");
    }

    #[test]
    fn a_key_is_what_a_line_can_begin_with() {
        for key in ["web", "192.0.2.1", "a=>b", "\u{e9}"] {
            assert!(
                is_key(key) && States::read(format!("{key} up").as_bytes()).unwrap().get(key).is_some(),
                "{key}"
            );
        }
        for odd in ["", "=>", "a b", "a#b", "a,b", "a\tb", "a\r", "a\nb", " a"] {
            assert!(!is_key(odd), "{odd:?}");
        }
    }

    #[test]
    fn lines_that_say_nothing_are_passed_over() {
        let states = States::read(b"# all of them\n\n  \n192.0.2.1 up\n2001:db8::1 down\n").unwrap();
        assert_eq!(states.0.len(), 2);
        assert_eq!(states.get("2001:db8::1"), Some(&down("down", "")));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_told_with_its_place() {
        for (text, line, column, message) in [
            ("192.0.2.1 up\n192.0.2.2 upp\n", 2, 11, "`upp` is no state"),
            ("192.0.2.1", 1, 1, "nothing is said of `192.0.2.1`"),
            ("a up\n a down", 2, 2, "`a` is there twice"),
            ("a x%", 1, 3, "`x%` is no share"),
            ("a 2000000%", 1, 3, "is no share"),
            ("a u\u{0}", 1, 3, "is no state"),
        ] {
            let fault = States::read(text.as_bytes()).unwrap_err();
            assert_eq!((fault.line, fault.column), (line, column), "{text}");
            assert!(fault.message.contains(message), "{}", fault.message);
        }
        let long = format!("{} up\n{0} down", "k".repeat(1000));
        let fault = States::read(long.as_bytes()).unwrap_err();
        assert!(fault.message.len() < 300, "{}", fault.message);
        let fault = States::read(b"a \xff").unwrap_err();
        assert_eq!((fault.line, fault.column), (1, 3));
    }
}
