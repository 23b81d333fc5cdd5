//! Text for people: columns, and colour where there is a terminal.
//!
//! Responsible for the look of cells and lines. Not responsible for what they say.

use crate::source::Look;

/// Between two columns.
const GAP: &str = "  ";

/// What a piece of text means to whoever looks: it is said by words, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ink {
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// As it should not be.
    Bad,
    /// Not known, or not as usual.
    Doubtful,
    /// What the eye looks for.
    Strong,
    /// What is there for completeness.
    Faint,
}

impl Ink {
    /// The parameters of its escape sequence (ECMA-48, section 8.3.117).
    fn code(self) -> &'static str {
        match self {
            Ink::Plain => "",
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Doubtful => "33",
            Ink::Strong => "1",
            Ink::Faint => "2",
        }
    }
}

/// Text in a colour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) ink: Ink,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, ink: Ink) -> Cell {
        Cell { text: text.into(), ink }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text, Ink::Plain)
    }
}

/// Text as it is drawn.
pub(crate) fn paint(text: &str, ink: Ink, look: Look) -> String {
    match (look, ink) {
        (Look::Plain, _) | (_, Ink::Plain) => text.to_owned(),
        (Look::Coloured, _) if text.is_empty() => String::new(),
        (Look::Coloured, _) => format!("\x1b[{}m{text}\x1b[0m", ink.code()),
    }
}

/// How wide each column of some rows is.
pub(super) fn widths<'r>(rows: impl IntoIterator<Item = &'r Vec<Cell>>) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    widths
}

/// One row as a line, its columns as wide as `widths`; no blanks at its end.
pub(super) fn line(indent: &str, row: &[Cell], widths: &[usize], look: Look) -> String {
    let shown = row.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1);
    let mut line = if shown == 0 { String::new() } else { indent.to_owned() };
    for (place, (cell, width)) in row.iter().take(shown).zip(widths).enumerate() {
        line.push_str(&paint(&cell.text, cell.ink, look));
        if place + 1 < shown {
            line.push_str(&" ".repeat(width.saturating_sub(cell.text.chars().count())));
            line.push_str(GAP);
        }
    }
    line.push('\n');
    line
}

/// Rows, each column as wide as its widest cell.
pub(super) fn columns(indent: &str, rows: &[Vec<Cell>], look: Look) -> String {
    let widths = widths(rows);
    rows.iter().map(|row| line(indent, row, &widths, look)).collect()
}

/// The head of columns.
pub(super) fn head(words: &[&str]) -> Vec<Cell> {
    words.iter().map(|word| Cell::new(*word, Ink::Faint)).collect()
}

/// The ink of a verdict or of a standing.
pub(super) fn verdict_ink(verdict: &str) -> Ink {
    match verdict {
        "up" => Ink::Good,
        "down" | "all-down" => Ink::Bad,
        _ => Ink::Doubtful,
    }
}

/// How long something takes or lasts, in one or two units: `12 s`, `3 min`, `2 h 5 min`.
pub(super) fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (_, _, _) => format!("{days} d {hours} h"),
    }
}

/// A number of things: `1 pool`, `3 pools`.
pub(crate) fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_with_colours_or_without() {
        let rows: Vec<Vec<Cell>> = vec![
            vec!["a".into(), Cell::new("bbbb", Ink::Good), "c".into()],
            vec!["aaa".into(), "b".into(), "".into()],
            vec!["".into()],
        ];
        assert_eq!(columns(" ", &rows, Look::Plain), " a    bbbb  c\n aaa  b\n\n");
        assert_eq!(columns("", &rows, Look::Coloured), "a    \x1b[32mbbbb\x1b[0m  c\naaa  b\n\n");
    }

    #[test]
    fn a_duration_is_told_in_one_or_two_units() {
        let shown = [0, 59, 60, 3600, 3660, 90_000].map(duration);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "1 h 0 min", "1 h 1 min", "1 d 1 h"]);
    }
}
