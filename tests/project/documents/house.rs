//! The drawing of the rooms in `docs/architecture.md` is true.
//!
//! Each floor of it is `│ room │─▶ what it uses`, the highest first. Uses of the lowest rooms need not be drawn.

use std::path::{Path, PathBuf};

use super::ROOT;
use super::markdown::Page;

/// A floor as it is drawn.
struct Floor {
    room: String,
    uses: Vec<String>,
}

fn drawn() -> Vec<Floor> {
    let page = Page::read(PathBuf::from("docs/architecture.md"));
    let blocks = page.blocks("text");
    let house =
        blocks.iter().find(|block| block.contains("│─▶ ")).expect("docs/architecture.md draws the rooms");
    let floors = house.lines().filter_map(|line| {
        let (room, uses) = line.trim().strip_prefix('│')?.split_once('│')?;
        let uses = uses.strip_prefix("─▶ ").unwrap_or_default();
        Some(Floor {
            room: room.trim().to_owned(),
            uses: uses.split_whitespace().map(str::to_owned).collect(),
        })
    });
    floors.collect()
}

/// The rooms of `src/lib.rs`, lowest first.
fn rooms() -> Vec<String> {
    let library = std::fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).unwrap();
    let names = library.lines().filter_map(|line| Some(line.strip_prefix("pub mod ")?.split_once(';')?.0));
    names.map(str::to_owned).collect()
}

#[test]
fn every_room_is_drawn_on_its_floor() {
    let drawn: Vec<String> = drawn().into_iter().map(|floor| floor.room).collect();
    let highest_first: Vec<String> = rooms().into_iter().rev().collect();
    let page = Page::read(PathBuf::from("docs/architecture.md"));
    let untold = highest_first.iter().find(|room| !page.text.contains(&format!("\n| `{room}` | ")));
    assert_eq!(untold, None, "docs/architecture.md does not say what this room is responsible for");
    assert_eq!(
        drawn, highest_first,
        "docs/architecture.md (left) draws other floors than src/lib.rs (right)"
    );
}

#[test]
fn every_arrow_that_is_drawn_is_a_use_and_leads_down() {
    let rooms = rooms();
    let floor = |room: &str| rooms.iter().position(|other| other == room);
    let mut faults = Vec::new();
    let mut arrows = 0;
    for Floor { room, uses } in drawn() {
        for used in uses {
            arrows += 1;
            if floor(&used).is_none_or(|used| floor(&room).is_none_or(|room| used >= room)) {
                faults.push(format!("{room} ─▶ {used} does not lead down"));
            } else if !uses_of(&room).iter().any(|text| names(text, &used)) {
                faults.push(format!("{room} ─▶ {used}: no file of src/{room} uses it"));
            }
        }
    }
    assert!(faults.is_empty(), "docs/architecture.md draws what is not so:\n{}", faults.join("\n"));
    assert!(arrows > rooms.len(), "{arrows} arrows");
}

/// The texts of a room.
fn uses_of(room: &str) -> Vec<String> {
    let mut open = vec![Path::new(ROOT).join("src").join(room)];
    let mut texts: Vec<String> = std::fs::read_to_string(open[0].with_extension("rs")).into_iter().collect();
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                texts.extend(std::fs::read_to_string(path));
            }
        }
    }
    texts
}

/// Whether code names a room: `crate::dns::Name`, or inside `use crate::{…}`.
fn names(text: &str, room: &str) -> bool {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let begins = |rest: &str| {
        rest.strip_prefix(room)
            .is_some_and(|behind| !behind.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    code.split("crate::").skip(1).any(|rest| {
        let inside =
            rest.strip_prefix('{').and_then(|rest| rest.split_once(';')).map_or("", |(list, _)| list);
        begins(rest) || inside.split([',', '{']).any(|word| begins(word.trim()))
    })
}
