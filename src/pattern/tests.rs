//! Patterns: which texts they match, and which pattern covers which.

use proptest::prelude::*;

use super::*;

#[test]
fn a_pattern_means_the_names_it_fits_and_no_others() {
    let names = ["127.0.1.14:6443", "127.0.1.14:443", "127.0.1.1:6443", "[::1]:6443", "[2001:DB8::a]:443"];
    for (pattern, meant) in [
        ("*", vec![0, 1, 2, 3, 4]),
        ("127.0.1.14:6443", vec![0]),
        ("127.0.1.14:*", vec![0, 1]),
        ("*:6443", vec![0, 2, 3]),
        ("127.0.1.?:6443", vec![2]),
        ("127.0.1.1*", vec![0, 1, 2]),
        ("*1*4*", vec![0, 1, 2, 3, 4]),
        ("[::1]:*", vec![3]),
        ("[2001:db8::A]:443", vec![4]),
        ("127.0.1.14", vec![]),
        ("27.0.1.14:*", vec![]),
    ] {
        let pattern: Pattern = pattern.parse().unwrap();
        let found: Vec<usize> = (0..names.len()).filter(|&at| pattern.matches(names[at])).collect();
        assert_eq!(found, meant, "{pattern}");
    }
}

#[test]
fn text_that_would_garble_the_log_is_no_pattern() {
    assert_eq!("".parse::<Pattern>(), Err(TextError::Empty));
    assert_eq!("a\nb".parse::<Pattern>(), Err(TextError::Control('\n')));
    assert_eq!("x".repeat(LINE_BYTES_MAX + 1).parse::<Pattern>(), Err(TextError::TooLong));
}

/// The same by plain recursion.
fn reference(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], text) => (0..=text.len()).any(|taken| reference(rest, &text[taken..])),
        ([b'?', rest @ ..], [_, text @ ..]) => reference(rest, text),
        ([wanted, rest @ ..], [byte, text @ ..]) => wanted == byte && reference(rest, text),
        ([], _) | (_, []) => false,
    }
}

proptest! {
    #[test]
    fn patterns_fit_as_the_reference_model_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), reference(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn what_a_covered_pattern_means_the_covering_one_means_too(
        wide in "[ab*?]{1,6}", narrow in "[ab*?]{1,6}", text in "[ab]{0,6}",
    ) {
        let (wide, narrow): (Pattern, Pattern) = (wide.parse().unwrap(), narrow.parse().unwrap());
        if wide.covers(&narrow) && narrow.matches(&text) {
            prop_assert!(wide.matches(&text), "{} covers {}", wide, narrow);
        }
    }
}
