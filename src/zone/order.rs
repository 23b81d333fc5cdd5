//! In which order several members are answered.

/// In which order all members that are up are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerOrder {
    /// Beginning anywhere: clients that take the first are spread.
    #[default]
    Rotate,
    /// As they were written.
    Fixed,
    /// What this node serves first, while it is up, the others rotating behind.
    LocalFirst,
}
