//! Text of the code, as a message shows it.

/// A string as a message shows it: its beginning, when it is long.
pub(super) fn shown(text: &[u8]) -> String {
    /// Enough for every address and every word that could have been meant.
    const CHARACTERS_MAX: usize = 50;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
