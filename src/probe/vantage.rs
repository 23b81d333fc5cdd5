//! Whose probes count: those of this server alone, or also those that others run from where they are.
//!
//! Has the rules that a pool may go by. Not responsible for what others see: that is `health`.

/// Whose probes count for clients elsewhere. Clients on this host get what it sees itself, whichever rule there is; and
/// what this server sees up is up by every rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Vantage {
    /// Its own.
    #[default]
    Own,
    /// What is down here is answered while one other sees it up.
    Any,
    /// While more than half of all see it up, this one counted.
    Quorum,
    /// While all others see it up.
    All,
}

impl Vantage {
    /// Each as it is written.
    pub const WORDS: &[(&str, Vantage)] =
        &[("own", Vantage::Own), ("any", Vantage::Any), ("quorum", Vantage::Quorum), ("all", Vantage::All)];
}
