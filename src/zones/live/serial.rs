//! Serials, which go round in a circle (RFC 1982).

/// Whether a serial is ahead of another one.
pub(super) fn is_ahead(serial: u32, of: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(of))
}

/// The serial of a zone whose file has changed to one with serial `file`, and that was at `served` before.
pub(super) fn after_change(file: u32, served: u32) -> u32 {
    // 0 is left out, as in updates.
    let next = served.wrapping_add(1).max(1);
    if is_ahead(file, served) { file } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serial_of_a_changed_file_counts_only_where_it_is_ahead() {
        assert_eq!(after_change(2026, 7), 2026);
        assert_eq!(after_change(7, 7), 8);
        assert_eq!(after_change(6, 7), 8);
        assert_eq!(after_change(5, u32::MAX), 5, "it has gone round");
        assert_eq!(after_change(u32::MAX, 5), 6);
        assert_eq!(after_change(u32::MAX, u32::MAX), 1);
    }
}
