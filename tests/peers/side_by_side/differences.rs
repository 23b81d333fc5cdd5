//! Where NSD and Knot DNS differ, and which of them edgedns follows: the list of differences with their
//! reasons, and the judgement of three answers.

use std::collections::BTreeSet;

use hickory_proto::op::ResponseCode;

use super::answer::{Answer, Set};
use super::question::Question;

/// A question with the answers of the servers.
pub(crate) struct Case<'c> {
    /// The apexes of the pair of zones that it is about.
    pub(crate) apexes: &'c BTreeSet<String>,
    pub(crate) question: &'c Question,
    pub(crate) nsd: &'c Answer,
    pub(crate) knot: &'c Answer,
    pub(crate) ours: &'c Answer,
}

/// A kind of question about which servers differ.
pub(crate) struct Difference {
    /// Printed with the number of times it was met.
    pub(crate) name: &'static str,
    /// Why we answer as we do.
    pub(crate) reason: &'static str,
    /// Whether the answers of the peers differ in this way.
    peers: fn(&Case<'_>) -> bool,
    /// Whether ours is what we want then.
    ours: fn(&Case<'_>) -> bool,
}

/// What is thought of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// NSD and Knot agree, and so do we.
    Agreed,
    /// NSD and Knot differ in a known way, and ours is what we want.
    Known(&'static Difference),
    /// NSD and Knot differ in a way that has not been looked into, and ours is one of both.
    OneOfBoth,
    /// A fault.
    Wrong,
}

impl PartialEq for Difference {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Difference {}

/// Every known difference. Where several fit a case, one of them must explain it.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "any",
        reason: "RFC 8482 lets a server choose one RRset for QTYPE ANY; NSD prefers the SOA, Knot the lowest type",
        peers: |case| case.question.qtype == 255 && same_but_last_set(case.nsd, case.knot),
        ours: |case| same_but_last_set(case.ours, case.knot),
    },
    Difference {
        name: "chain-into-another-zone",
        reason: "NSD follows a CNAME or DNAME into another zone it serves; Knot and BIND leave that to the resolver, \
                 which must ask again anyway (RFC 2181, section 5.4.1)",
        peers: |case| leaves_its_zone(case.nsd, case.apexes),
        // Both at once: see "dname-at-a-wildcard".
        ours: |case| {
            let wildcard = dname_at_a_wildcard(case.nsd) && case.nsd.answer.starts_with(&case.ours.answer);
            without_dnames(case.ours) == without_dnames(case.knot) || wildcard
        },
    },
    Difference {
        name: "chain-to-ds-at-the-apex",
        reason: "a CNAME in a child zone leads to the child's apex and DS is asked for: NSD goes on in the parent zone, \
                 Knot stays in the zone it is in",
        peers: |case| {
            let at_apex = |name: String| case.apexes.contains(&name);
            case.question.qtype == 43 && case.nsd.answer.iter().flat_map(Set::targets).any(at_apex)
        },
        ours: |case| case.ours == case.knot,
    },
    Difference {
        name: "dname-at-a-wildcard",
        reason: "RFC 4592, section 4.4: a DNAME at a wildcard is one only by its literal name, which NSD and BIND give \
                 as its owner; Knot writes the QNAME there",
        peers: |case| dname_at_a_wildcard(case.nsd),
        ours: |case| case.ours == case.nsd,
    },
    Difference {
        name: "ns-at-a-wildcard",
        reason: "RFC 4592, section 4.2 leaves it undefined: to NSD it is a type like any other, to Knot a zone cut \
                 below every name that matches",
        peers: |case| case.knot.authority.iter().any(|set| set.rtype == "NS" && set.owner.starts_with("*.")),
        // Both at once: see "any", and what NSD leaves out of the additional section.
        ours: |case| {
            let any = case.question.qtype == 255 && same_but_last_set(case.ours, case.nsd);
            any || only_additional_differs(case.ours, case.nsd)
        },
    },
    Difference {
        name: "dname-into-itself",
        reason: "the target of a DNAME lies below its owner: NSD stops after one step, Knot after five; nothing is right",
        peers: |case| dname_into_itself(case.nsd),
        // Names that grow with every step soon fill a datagram.
        ours: |case| {
            let begun = case.ours.answer.starts_with(&case.nsd.answer) || case.ours.flags.contains("TC");
            begun && case.ours.rcode == ResponseCode::NoError
        },
    },
    Difference {
        name: "long-chain",
        reason: "Knot follows five CNAMEs, NSD all of them; edgedns stops as Knot does, only later",
        peers: |case| case.knot.chain_len() >= 5 && case.nsd.answer.len() > case.knot.answer.len(),
        // Names that grow with every step soon fill a datagram.
        ours: |case| case.ours.answer.starts_with(&case.knot.answer) || case.ours.flags.contains("TC"),
    },
    Difference {
        name: "name-too-long-after-dname",
        reason: "RFC 6672, section 2.2: YXDOMAIN",
        peers: |case| case.nsd.rcode == ResponseCode::YXDomain,
        ours: |case| case.ours == case.nsd,
    },
    Difference {
        name: "addresses-of-svcb-targets",
        reason: "RFC 9460, section 4.1: a server should add the addresses of the target; Knot and BIND do, NSD does not",
        peers: |case| only_additional_differs(case.nsd, case.knot) && case.nsd.answers_with("SVCB"),
        // Knot adds the target's SVCB set too, and writes `*` above a wildcard's addresses.
        ours: |case| without_owners(case.ours) == without_owners(&without_more_svcb(case.knot)),
    },
    Difference {
        name: "owner-of-wildcard-addresses",
        reason: "addresses that a wildcard gives to a target stand under the target's name; NSD shortens it to the \
                 wildcard's neighbour or to the wildcard",
        peers: |case| {
            case.nsd.additional != case.knot.additional
                && without_owners(case.nsd) == without_owners(case.knot)
        },
        ours: |case| case.ours == case.knot,
    },
    Difference {
        name: "glue-for-mx-and-srv",
        reason: "a target below a zone cut: its address is a hint like any other, which saves the client a question; \
                 Knot gives it, NSD only for name servers",
        peers: |case| {
            only_additional_differs(case.nsd, case.knot)
                && case.nsd.additional.is_subset(&case.knot.additional)
        },
        ours: |case| case.ours == case.knot,
    },
];

/// What is thought of a case.
pub(crate) fn judge(case: &Case<'_>) -> Judgement {
    if case.nsd == case.knot {
        return if case.ours == case.nsd { Judgement::Agreed } else { Judgement::Wrong };
    }
    let mut fitting = DIFFERENCES.iter().filter(|known| (known.peers)(case)).peekable();
    if fitting.peek().is_some() {
        return fitting.find(|known| (known.ours)(case)).map_or(Judgement::Wrong, Judgement::Known);
    }
    if case.ours == case.nsd || case.ours == case.knot { Judgement::OneOfBoth } else { Judgement::Wrong }
}

/// Whether a CNAME or DNAME of the answer leads from one zone of ours into another.
fn leaves_its_zone(answer: &Answer, apexes: &BTreeSet<String>) -> bool {
    let zone = |name: &str| {
        let holds = |apex: &&String| name == apex.as_str() || name.ends_with(&format!(".{apex}"));
        apexes.iter().filter(holds).max_by_key(|apex| apex.len())
    };
    let chain = answer.answer.iter().filter(|set| set.rtype == "CNAME" || set.rtype == "DNAME");
    chain.flat_map(|set| set.targets().map(move |target| (set, target))).any(|(set, target)| {
        let target_zone = zone(&target);
        target_zone.is_some() && target_zone != zone(&set.owner)
    })
}

fn dname_at_a_wildcard(answer: &Answer) -> bool {
    answer.answer.iter().any(|set| set.rtype == "DNAME" && set.owner.starts_with("*."))
}

fn dname_into_itself(answer: &Answer) -> bool {
    let into_itself = |set: &Set| set.targets().any(|target| target.ends_with(&format!(".{}", set.owner)));
    answer.answer.iter().any(|set| set.rtype == "DNAME" && into_itself(set))
}

fn without_dnames(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    answer.answer.retain(|set| set.rtype != "DNAME");
    answer
}

/// The answer, and the additional section without owners.
fn without_owners(answer: &Answer) -> (Answer, Vec<Set>) {
    let mut additional: Vec<Set> =
        answer.additional.iter().map(|set| Set { owner: String::new(), ..set.clone() }).collect();
    additional.sort();
    (Answer { additional: BTreeSet::new(), ..answer.clone() }, additional)
}

/// Without SVCB sets among the additional ones.
fn without_more_svcb(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    answer.additional.retain(|set| set.rtype != "SVCB");
    answer
}

fn same_but_last_set(one: &Answer, other: &Answer) -> bool {
    let all_but_last = |answer: &Answer| answer.answer.split_last().map(|(_, rest)| rest.to_vec());
    let last_owner = |answer: &Answer| answer.answer.last().map(|set| set.owner.clone());
    one.rcode == other.rcode
        && one.is_authoritative() == other.is_authoritative()
        && all_but_last(one) == all_but_last(other)
        && last_owner(one) == last_owner(other)
        && one.authority == other.authority
}

fn only_additional_differs(one: &Answer, other: &Answer) -> bool {
    Answer { additional: other.additional.clone(), ..one.clone() } == *other
}
