//! Globs: one text with asterisks and question marks against another.

/// Whether a pattern matches a text, or every text that a text with wildcards of its own matches: hence a
/// question mark does not match an asterisk.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Behind the last asterisk, and how much of the text it had taken: a mismatch goes back there.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, seen));
                continue;
            }
            Some(b'?') if byte != b'*' => {}
            Some(wanted) if *wanted != b'?' && wanted.eq_ignore_ascii_case(&byte) => {}
            Some(_) | None => {
                let Some((behind, taken)) = retry else { return false };
                (at, seen) = (behind, taken + 1);
                retry = Some((behind, seen));
                continue;
            }
        }
        (at, seen) = (at + 1, seen + 1);
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}
