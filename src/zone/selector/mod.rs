//! Selectors: how an answer is chosen among the members that are up, one file each.
//!
//! A selector is its file (names, documentation, preparation, explanation) and its line in the list below. What can
//! be worked out when the board changes is worked out then; what is left for a query is one of the few shapes in
//! `choice`.

mod choice;
mod candidate;
mod entry;
mod shares;
mod all;
mod random;
mod sample;
mod hashed;
mod weighted_random;
mod weighted_hashed;
mod name_hashed;
mod consistent_hashed;
mod self_weighted;
mod first;
mod fastest;
mod least_loaded;
mod empty;

use std::net::IpAddr;
use std::num::NonZeroU32;

pub use candidate::Candidate;
pub use choice::{ChoiceAtQuery, ChosenBy, View};
pub use entry::{Answers, Arrangement, ConfigForm, Follows, LuaForm, LuaFunction, SelectorEntry};

/// PowerDNS's word for the member nearest to the client. Without coordinates every member is as near as any other, and
/// PowerDNS picks by chance, too: it is read as [`Selector::Random`].
pub const PICKCLOSEST: &str = "pickclosest";

/// Makes the enum, the list and the calls from one line per selector, so that none can be forgotten. A selector's file
/// offers `ENTRY`, `prepare` and `explain`.
macro_rules! selectors {
    ($($(#[$doc:meta])* $name:ident $(($given:ident: $type:ty = $example:expr))? in $file:ident;)+) => {
        /// How an answer is chosen among candidates.
        ///
        /// Those that hash choose as PowerDNS does, to the bit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Selector {
            $($(#[$doc])* $name $(($type))?,)+
        }

        impl Selector {
            /// Every selector, in the order in which documentation shows them; with an example of what it takes.
            pub const LIST: &[Selector] = &[$(Selector::$name $(($example))?),+];

            /// What there is to say of it.
            pub fn entry(self) -> &'static SelectorEntry {
                match self { $(Selector::$name $({ 0: $given })? => { $(let _ = $given;)? &$file::ENTRY })+ }
            }

            /// What is left to do at a query; leaves in `candidates` what it is done with.
            pub fn prepare(
                self,
                arrangement: &Arrangement,
                candidates: &mut Vec<Candidate<'_>>,
            ) -> ChoiceAtQuery {
                match self {
                    $(Selector::$name $({ 0: $given })? =>
                        $file::prepare($($given,)? arrangement, candidates),)+
                }
            }

            /// How it chooses an answer for `client`, as a part of a sentence.
            pub fn explain(self, arrangement: &Arrangement, client: IpAddr) -> String {
                match self {
                    $(Selector::$name $({ 0: $given })? => $file::explain($($given,)? arrangement, client),)+
                }
            }
        }
    };
}

selectors! {
    /// All of them.
    All in all;
    /// One, at random for each query.
    Random in random;
    /// This many, at random for each query, none twice and in random order.
    Sample(count: NonZeroU32 = NonZeroU32::MIN) in sample;
    /// One, by the client's address: PowerDNS's `hashed`.
    Hashed in hashed;
    /// One, at random by weight.
    WeightedRandom in weighted_random;
    /// One, by weight and the client's address.
    WeightedHashed in weighted_hashed;
    /// One, by weight and the name asked.
    NameHashed in name_hashed;
    /// One, by the client's address, such that few clients change when a candidate comes or goes.
    ConsistentHashed in consistent_hashed;
    /// One, by the client's address and by what the targets themselves say of their weight.
    SelfWeighted in self_weighted;
    /// The first in the order they were written.
    First in first;
    /// One of those whose probes are as fast as the fastest one's, at random.
    Fastest in fastest;
    /// One, at random by what the targets themselves say of their weight.
    LeastLoaded in least_loaded;
    /// None: NODATA. PowerDNS's `empty`.
    Empty in empty;
}

impl Selector {
    /// The words of `selector` in `[[zone.probe]]`.
    pub fn config_words() -> Vec<(&'static str, Selector)> {
        let word = |selector: &Selector| match selector.entry().config {
            ConfigForm::Word(word) => Some((word, *selector)),
            ConfigForm::Weighing(_) | ConfigForm::Absent => None,
        };
        Selector::LIST.iter().filter_map(word).collect()
    }

    /// What stands for the selector of a word where weights are given.
    pub fn weighing(word: &'static str) -> Option<Selector> {
        Selector::LIST.iter().copied().find(|one| one.entry().config == ConfigForm::Weighing(word))
    }

    /// The words of `selector` in the options of LUA functions and in `[lua]`.
    pub fn lua_words() -> Vec<(&'static str, Selector)> {
        let own = Selector::LIST.iter().filter_map(|one| Some((one.entry().lua_option?, *one)));
        own.chain([(PICKCLOSEST, Selector::Random)]).collect()
    }
}

#[cfg(test)]
mod tests;
