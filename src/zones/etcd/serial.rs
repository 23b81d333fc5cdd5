//! Serials from revisions: the same on all servers that read one store.

/// The serial of a revision; behind 2^32 it begins anew, which is no step back (RFC 1982).
pub(in crate::zones) fn serial_of(revision: u64) -> u32 {
    let [_, _, _, _, low @ ..] = revision.to_be_bytes();
    u32::from_be_bytes(low)
}

/// The serial of the version behind `current`. It never goes back: a store that was restored is at an earlier revision, and
/// whoever copies the zone from here would take nothing until that is passed.
pub(super) fn next_serial(current: u32, revision: u64) -> u32 {
    let wanted = serial_of(revision);
    let ahead = wanted.wrapping_sub(current);
    if (1..1 << 31).contains(&ahead) { wanted } else { current.wrapping_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_the_revision_and_never_goes_back() {
        assert_eq!((serial_of(812), serial_of((1 << 32) + 5)), (812, 5));
        assert_eq!(next_serial(811, 812), 812);
        assert_eq!(next_serial(812, 812), 813);
        assert_eq!(next_serial(812, 3), 813);
        assert_eq!(next_serial(u32::MAX, 1 << 32), 0);
    }
}
