//! How many of the probes of one address must pass for it to be answered.

use std::num::NonZeroU32;

/// How many must pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pass {
    /// All of them.
    #[default]
    All,
    /// So many; all where there are fewer.
    Count(NonZeroU32),
}

impl Pass {
    /// How many that is of `probes`.
    pub fn of(self, probes: usize) -> usize {
        match self {
            Pass::All => probes,
            Pass::Count(count) => probes.min(count.get() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_are_is_all_of_them() {
        let count = |count| Pass::Count(NonZeroU32::new(count).unwrap());
        assert_eq!([Pass::All, count(1), count(2), count(9)].map(|pass| pass.of(3)), [3, 1, 2, 3]);
        assert_eq!(count(1).of(0), 0);
    }
}
