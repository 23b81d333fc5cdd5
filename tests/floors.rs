//! The architecture, held: rooms look down, files say what they are for, `unsafe` has one address, no drawers.
//!
//! Responsible for what can be read off the text of `src`. Not responsible for whether a room is the right one.

use std::fs;
use std::path::{Path, PathBuf};

/// The one file that may hold `unsafe`.
const UNSAFE: &str = "transport/mmsg.rs";

/// Names of files and folders into which anything could be put.
const DRAWERS: [&str; 7] = ["utils", "util", "common", "helpers", "misc", "types", "manager"];

#[test]
fn a_room_uses_only_rooms_below_it() {
    let library = read(&source().join("lib.rs"));
    let rooms: Vec<&str> =
        library.lines().filter_map(|line| Some(line.strip_prefix("pub mod ")?.split_once(';')?.0)).collect();
    assert!(rooms.len() > 5, "the rooms are the `pub mod` lines of src/lib.rs, lowest first: {rooms:?}");
    let floor = |room: &str| rooms.iter().position(|other| *other == room);
    let mut faults = Vec::new();
    for (file, text) in files() {
        let Some(own) = file.split(['/', '.']).next().and_then(floor) else { continue };
        for (line, room) in rooms_used(&text) {
            match floor(room) {
                Some(used) if used <= own => {}
                Some(_) => faults.push(format!("src/{file}:{line}: `{}` looks up at `{room}`", rooms[own])),
                None => faults.push(format!("src/{file}:{line}: `{room}` is no room of src/lib.rs")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    fault_free(|_, text| (!text.starts_with("//! ")).then_some(1), "does not begin with `//! `");
}

#[test]
fn unsafe_has_one_address() {
    // With a hyphen it is a word of a browser's policy.
    let word = |line: &str| line.replace("unsafe-", "");
    let blocks =
        |text: &str| text.lines().position(|line| words(&word(code(line))).any(|word| word == "unsafe"));
    fault_free(|file, text| blocks(text).filter(|_| file != UNSAFE).map(|line| line + 1), "holds `unsafe`");
}

#[test]
fn no_file_is_a_drawer() {
    let drawer = |file: &str| file.split(['/', '.']).any(|part| DRAWERS.contains(&part));
    fault_free(|file, _| drawer(file).then_some(1), "says nothing: which room is missing?");
}

/// No number becomes a length or an offset that is not its own: a substitute is never taken, and the line says why.
#[test]
fn a_conversion_with_a_substitute_says_why_it_cannot_fail() {
    /// Lines above that the reason may stand in: a closure or a pattern begins before the conversion.
    const NEAR: usize = 3;
    let substitutes = |line: &str| {
        let code = code(line);
        let kept = code.contains(".unwrap_or(") || code.contains(".unwrap_or_default()");
        kept && (code.contains("try_from(") || code.contains("MAX)"))
    };
    let unsaid = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        let said = |at: usize| lines[at.saturating_sub(NEAR)..=at].iter().any(|line| line.contains("//"));
        (0..lines.len()).find(|at| substitutes(lines[*at]) && !said(*at)).map(|at| at + 1)
    };
    let tests = |file: &str| file.contains("tests") || file.contains("scenarios");
    fault_free(
        |file, text| if tests(file) { None } else { unsaid(text) },
        "a conversion with a substitute, and no comment that says why it cannot fail",
    );
}

/// The rooms that a text names behind `crate::`, with the line; also inside `crate::{…}`.
fn rooms_used(text: &str) -> Vec<(usize, &str)> {
    let mut used = Vec::new();
    let plain: String = text.lines().flat_map(|line| [blanked(line), "\n".into()]).collect();
    for (at, _) in plain.match_indices("crate::").filter(|(at, _)| !plain[..*at].ends_with('$')) {
        let behind = at + "crate::".len();
        let mut depth = 0_usize;
        let mut fresh = true;
        // One name, or each name that begins a branch of the outermost braces.
        for (offset, character) in plain[behind..].char_indices() {
            if character.is_alphabetic() && fresh && depth <= 1 {
                used.push((plain[..behind + offset].lines().count(), word(&text[behind + offset..])));
            }
            fresh = matches!(character, '{' | ',') || (fresh && character.is_whitespace());
            match character {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    used
}

#[test]
fn rooms_are_found_in_every_kind_of_path() {
    let text = "use crate::dns::Name;\nuse crate::{\n    zone::{self, Zone},\n    health,\n};\n// crate::daemon\nfn f(x: crate::probe::Kind) {}\n";
    assert_eq!(rooms_used(text), [(1, "dns"), (3, "zone"), (4, "health"), (7, "probe")]);
}

/// Fails for every file in which `fault` finds a line.
fn fault_free(fault: impl Fn(&str, &str) -> Option<usize>, what: &str) {
    let faults: Vec<String> = files()
        .iter()
        .filter_map(|(file, text)| Some(format!("src/{file}:{}: {what}", fault(file, text)?)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.find("//").map_or(line, |comment| &line[..comment])
}

/// A line with blanks for its comment, so that offsets stay what they are.
fn blanked(line: &str) -> String {
    let code = code(line);
    format!("{code}{}", " ".repeat(line.len() - code.len()))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_alphanumeric() || character == '_'))
}

fn word(text: &str) -> &str {
    words(text).next().unwrap_or_default()
}

/// Every Rust file below `src`: its path there and its text.
fn files() -> Vec<(String, String)> {
    let mut folders = vec![source()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the source") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let file = path.strip_prefix(source()).expect("a path below src");
                found.push((file.to_string_lossy().into_owned(), read(&path)));
            }
        }
    }
    found.sort();
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
