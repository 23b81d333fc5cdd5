//! Words of others: what a server says of an error, what another program writes into a file.

/// Longest text of others that is told, in characters.
const CHARACTERS_MAX: usize = 200;

/// A text of others as a log, a status and a file can hold it: one line of at most 200 characters, of which each is
/// printed.
pub fn words(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
    let mut letters = text.chars().map(shown);
    let mut words: String = letters.by_ref().take(CHARACTERS_MAX).collect();
    if letters.next().is_some() {
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_one_short_line() {
        assert_eq!(words("nodes is forbidden"), "nodes is forbidden");
        assert_eq!(
            words("no\n2026 edgedns: all is well\u{1b}[2J"),
            "no\u{fffd}2026 edgedns: all is well\u{fffd}[2J"
        );
        assert_eq!(words(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(words(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
    }
}
