//! Redrawing a text in place on a terminal.

use std::io::{self, Write};

/// Draws `text` over what was drawn before: each line at its place, cut at the edge rather than wrapped, so
/// that nothing moves. Of a text that is longer than the screen the last line is at the bottom.
///
/// # Errors
///
/// Those of writing.
pub(super) fn redraw(out: &mut impl Write, text: &str) -> io::Result<()> {
    // The sequences of ECMA-48 and DEC that every terminal knows: no wrapping, then each line by its number
    // with the rest of it erased, then everything below erased, and wrapping again.
    write!(out, "\x1b[?7l")?;
    let mut row = 0;
    for line in text.lines() {
        row += 1;
        write!(out, "\x1b[{row};1H{line}\x1b[K")?;
    }
    write!(out, "\x1b[J\x1b[?7h\x1b[{};1H", row + 1)?;
    out.flush()
}

/// Makes room: what was on the screen is scrolled away, not lost.
///
/// # Errors
///
/// Those of writing.
pub(super) fn clear(out: &mut impl Write) -> io::Result<()> {
    write!(out, "\x1b[2J")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_at_its_place_and_what_was_there_is_erased() {
        let mut out = Vec::new();
        redraw(&mut out, "one\ntwo\n").unwrap();
        let drawn = String::from_utf8(out).unwrap();
        assert_eq!(drawn, "\x1b[?7l\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K\x1b[J\x1b[?7h\x1b[3;1H");
    }
}
