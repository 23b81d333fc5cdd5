//! Rows of text in columns that are as wide as their widest cell.

use super::style::{Style, style};
use crate::source::Look;

/// Between two columns.
const GAP: &str = "  ";

/// Text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Cell {
        Cell { text: text.into(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text, Style::Plain)
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
        line.push_str(&style(&cell.text, cell.style, look));
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
    words.iter().map(|word| Cell::new(*word, Style::Faint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_with_colours_or_without() {
        let rows: Vec<Vec<Cell>> = vec![
            vec!["a".into(), Cell::new("bbbb", Style::Good), "c".into()],
            vec!["aaa".into(), "b".into(), "".into()],
            vec!["".into()],
        ];
        assert_eq!(columns(" ", &rows, Look::Plain), " a    bbbb  c\n aaa  b\n\n");
        assert_eq!(columns("", &rows, Look::Coloured), "a    \x1b[32mbbbb\x1b[0m  c\naaa  b\n\n");
    }
}
