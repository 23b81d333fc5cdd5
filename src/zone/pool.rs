//! Pools: the members behind one owner name and type, and how an answer is chosen among those that pass.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::computed::Computed;
use super::member::Member;
use super::network::Network;
use super::order::AnswerOrder;
use super::pass::Pass;
use super::selector::{Answers, Arrangement, Selector};
use super::share_max::ShareMax;
use crate::dns::{Name, Rtype, Ttl, rdata};
use crate::probe::Vantage;
use crate::source::Origin;

/// Bytes of a record before its RDATA, when the owner is a pointer: owner, type, class, TTL and length (RFC
/// 1035, section 4.1.3).
pub(super) const RECORD_BYTES: usize = 12;

/// The members behind one owner name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The owner.
    pub owner: Name,
    /// Type of the records.
    pub rtype: Rtype,
    /// TTL of every record answered from it.
    pub ttl: Ttl,
    /// TTL while a member is down, never above `ttl`.
    pub ttl_degraded: Ttl,
    /// Ordered groups of members: the first group that has enough members up is answered from. Never empty,
    /// and neither is the first group, unless its record is computed.
    pub groups: Vec<Vec<Member>>,
    /// What makes its record from the name asked. Then it has no members.
    pub computed: Option<Arc<Computed>>,
    /// The clients that each group is for: a client is answered from the first group that is for it, and with
    /// SERVFAIL if there is none. Empty: every group is for everyone.
    pub views: Vec<Vec<Network>>,
    /// How an answer is chosen among the members of the group that are up.
    pub selector: Selector,
    /// In which order [`Selector::All`] answers.
    pub order: AnswerOrder,
    /// Most records that [`Selector::All`] answers; none: all there are.
    pub answers_max: Option<NonZeroU32>,
    /// Most of the answers that one member gets while others can take the rest; none: no limit.
    pub share_max: Option<ShareMax>,
    /// What is answered of a group that has enough members up.
    pub while_any: WhileAny,
    /// How many of the probes of an address must pass for it to be up.
    pub pass: Pass,
    /// How many members of the first group must be up for it to be answered from; of the others, one.
    pub min_up: MinUp,
    /// What is answered when no group has enough members up.
    pub all_down: AllDown,
    /// What is answered while no member has an outcome yet.
    pub while_pending: WhilePending,
    /// Whose probes count for clients elsewhere.
    pub vantage: Vantage,
    /// The code of the LUA record it was written as, chunks joined; none for a plain RRset guarded by the
    /// configuration.
    pub lua: Option<Box<str>>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Pool {
    /// A pool of one group whose members are all answered.
    pub fn new(owner: Name, rtype: Rtype, ttl: Ttl, members: Vec<Member>, origin: impl Into<Origin>) -> Pool {
        Pool {
            owner,
            rtype,
            ttl,
            ttl_degraded: ttl,
            groups: vec![members],
            computed: None,
            views: Vec::new(),
            selector: Selector::All,
            order: AnswerOrder::Rotate,
            answers_max: None,
            share_max: None,
            while_any: WhileAny::Passing,
            pass: Pass::All,
            min_up: MinUp::default(),
            all_down: AllDown::Select(Selector::All),
            while_pending: WhilePending::Select,
            vantage: Vantage::Own,
            lua: None,
            origin: origin.into(),
        }
    }

    /// Most bytes that it adds to a message, its owner in a pointer: all its records where several are
    /// answered, else the longest of them.
    pub fn answer_bytes_max(&self) -> usize {
        if let Some(computed) = &self.computed {
            return computed.rdata_bytes_max() + RECORD_BYTES;
        }
        let records = self.groups.iter().flatten().map(|member| member.rdata.len() + RECORD_BYTES);
        let answers_several = |selector: Selector| selector.entry().answers == Answers::Several;
        match self.all_down {
            AllDown::Select(resort) if answers_several(resort) => records.sum(),
            _ if answers_several(self.selector) => records.sum(),
            AllDown::Select(_) | AllDown::ServFail => records.max().unwrap_or(0),
        }
    }

    /// The RDATA of the records that stand for it where nobody probes: the members of the first group, each once; of aliases
    /// the first, since a name has no more (RFC 1034, section 3.6.2).
    pub fn standing(&self) -> Vec<&[u8]> {
        let most = if self.rtype == Rtype::CNAME { 1 } else { usize::MAX };
        let mut seen = HashSet::new();
        let members = self.groups.first().into_iter().flatten().map(|member| &*member.rdata);
        members.filter(|rdata| seen.insert(*rdata)).take(most).collect()
    }

    /// Whether there may be times when it answers no record.
    pub fn may_be_empty(&self) -> bool {
        if let Some(computed) = &self.computed {
            return computed.may_be_empty();
        }
        let is_nothing = |selector: Selector| selector.entry().answers == Answers::Nothing;
        let all_down = match self.all_down {
            AllDown::Select(selector) => is_nothing(selector),
            AllDown::ServFail => false,
        };
        all_down || is_nothing(self.selector) || self.while_pending == WhilePending::NoData
    }

    /// Whether a member that is back gets a growing share of the answers.
    pub fn has_growing_shares(&self) -> bool {
        let mut guards = self.groups.iter().flatten().flat_map(|member| &member.guards);
        guards.any(|guard| !guard.life.slow_start.is_zero())
    }

    /// What it says of choosing besides its selector.
    pub fn arrangement(&self) -> Arrangement {
        Arrangement { order: self.order, answers_max: self.answers_max, share_max: self.share_max }
    }

    /// What a member is answered as, in presentation format: `192.0.2.1`, `10 mail.example.net.`
    pub fn show(&self, member: &Member) -> String {
        let mut text = String::new();
        rdata::write(self.rtype, &member.rdata, &mut text);
        text
    }
}

/// What is answered of a group that has enough members up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhileAny {
    /// Those that are up.
    #[default]
    Passing,
    /// All of it.
    All,
}

/// How many members must be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinUp {
    /// So many.
    Count(NonZeroU32),
    /// So many in a hundred, at least one.
    Percent(NonZeroU32),
}

impl Default for MinUp {
    fn default() -> Self {
        MinUp::Count(NonZeroU32::MIN)
    }
}

impl MinUp {
    /// How many that is of `members`; at least 1.
    pub fn of(self, members: usize) -> usize {
        match self {
            MinUp::Count(count) => count.get() as usize,
            MinUp::Percent(percent) => members.saturating_mul(percent.get() as usize).div_ceil(100).max(1),
        }
    }
}

/// What is answered when every member is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AllDown {
    /// Chosen among all members of the first group; [`Selector::Empty`] is NODATA.
    Select(Selector),
    /// SERVFAIL.
    ServFail,
}

/// What is answered while no member of the pool has an outcome yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhilePending {
    /// Chosen by the pool's selector among the pending members of the first group.
    Select,
    /// NODATA: what PowerDNS answers with `backupSelector='empty'`.
    NoData,
    /// SERVFAIL: PowerDNS's `failOnIncompleteCheck`.
    ServFail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_up_and_never_nothing() {
        let percent = |percent| MinUp::Percent(NonZeroU32::new(percent).unwrap());
        assert_eq!([1, 2, 3, 4].map(|members| percent(34).of(members)), [1, 1, 2, 2]);
        assert_eq!(percent(100).of(3), 3);
        assert_eq!(percent(1).of(0), 1);
        assert_eq!(MinUp::default().of(3), 1);
    }
}
