//! Durations and numbers of things, in words.

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
    fn a_duration_is_told_in_one_or_two_units() {
        let shown = [0, 59, 60, 3600, 3660, 90_000].map(duration);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "1 h 0 min", "1 h 1 min", "1 d 1 h"]);
    }
}
