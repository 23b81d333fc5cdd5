//! Questions about a pair of zones: every name in them, and every name near one.

use std::collections::BTreeSet;
use std::fmt;

use proptest::prelude::Rng;

use super::zone::{LABELS, Planted, Target, Which};

/// Types asked for: all that the zones use, all that lookups treat apart, and one that nothing has.
const QTYPES: &[(&str, u16)] = &[
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("NAPTR", 35),
    ("DNAME", 39),
    ("DS", 43),
    ("SVCB", 64),
    ("ANY", 255),
    ("TYPE65280", 65_280),
];

/// Types that only signed zones have, asked for besides. NSEC3 is none: nobody's name has it.
pub(crate) const SIGNED_QTYPES: &[(&str, u16)] =
    &[("RRSIG", 46), ("NSEC", 47), ("DNSKEY", 48), ("NSEC3PARAM", 51)];

/// Types asked for at a name that no record names, chosen at random among [`QTYPES`].
const QTYPES_NEARBY_MAX: usize = 3;

/// A question, and how it is put.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The pair it is about.
    pub(crate) pair: usize,
    /// As it is sent, in random case (0x20).
    pub(crate) qname: String,
    pub(crate) qtype: u16,
    pub(crate) edns: Edns,
}

/// The OPT record of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edns {
    None,
    /// With this payload size.
    Plain(u16),
    /// With this payload size and the DO bit.
    DnssecOk(u16),
}

impl Question {
    /// The mnemonic of the type.
    pub(crate) fn mnemonic(&self) -> &'static str {
        QTYPES
            .iter()
            .chain(SIGNED_QTYPES)
            .find(|(_, number)| *number == self.qtype)
            .map_or("?", |(mnemonic, _)| mnemonic)
    }

    /// The query as it is sent.
    pub(crate) fn message(&self, id: u16) -> Vec<u8> {
        let mut message = Vec::with_capacity(64);
        message.extend(id.to_be_bytes());
        let opts = u8::from(self.edns != Edns::None);
        message.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, opts]);
        for label in self.qname.split_terminator('.') {
            message.push(u8::try_from(label.len()).expect("a short label"));
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(self.qtype.to_be_bytes());
        message.extend([0, 1]);
        if let Edns::Plain(size) | Edns::DnssecOk(size) = self.edns {
            message.extend([0, 0, 41]);
            message.extend(size.to_be_bytes());
            let dnssec_ok = if matches!(self.edns, Edns::DnssecOk(_)) { 0x80 } else { 0 };
            message.extend([0, 0, dnssec_ok, 0, 0, 0]);
        }
        message
    }
}

impl fmt::Display for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {:?}", self.qname, self.mnemonic(), self.edns)
    }
}

/// Everything worth asking about a pair, at most `count_max` questions, chosen at random when there are more.
pub(crate) fn about(planted: Planted<'_>, count_max: usize, chance: &mut impl Rng) -> Vec<Question> {
    of_types(planted, &[], count_max, chance)
}

/// The same, and besides about `more` types.
pub(crate) fn of_types(
    planted: Planted<'_>,
    more: &[(&str, u16)],
    count_max: usize,
    chance: &mut impl Rng,
) -> Vec<Question> {
    let named = names(planted);
    let mut questions = Vec::new();
    for qname in &named {
        questions.extend(QTYPES.iter().chain(more).map(|(_, qtype)| (qname.clone(), *qtype)));
    }
    for qname in nearby(&named) {
        for _ in 0..QTYPES_NEARBY_MAX {
            questions.push((qname.clone(), pick(QTYPES, chance).1));
        }
    }
    while questions.len() > count_max {
        let place = below(questions.len(), chance);
        questions.swap_remove(place);
    }
    let put = |(qname, qtype): (String, u16)| Question {
        pair: planted.index,
        qname: mix_case(&qname, chance),
        qtype,
        edns: *pick(
            &[Edns::None, Edns::Plain(512), Edns::Plain(1232), Edns::Plain(4096), Edns::DnssecOk(1232)],
            chance,
        ),
    };
    questions.into_iter().map(put).collect()
}

/// Every owner and every target, and their ancestors up to the apex of the first zone.
fn names(planted: Planted<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut add = |which: Which, path: &[&str]| {
        for skipped in 0..=path.len() {
            names.insert(planted.name(which, &path[skipped..]));
        }
    };
    for record in &planted.pair.records {
        add(record.zone, &record.owner);
        if let Some(Target::Inside(which, path)) = record.target() {
            add(*which, path);
        }
    }
    add(Which::First, &[]);
    add(Which::Second, &[]);
    names
}

/// Names one and two labels below the named ones, that are not named themselves.
fn nearby(named: &BTreeSet<String>) -> BTreeSet<String> {
    let mut nearby = BTreeSet::new();
    for name in named {
        for label in LABELS.iter().chain(&["x"]) {
            nearby.insert(format!("{label}.{name}"));
        }
        nearby.insert(format!("x.b.{name}"));
        nearby.insert(format!("a.*.{name}"));
    }
    nearby.retain(|name| !named.contains(name));
    nearby
}

fn mix_case(qname: &str, chance: &mut impl Rng) -> String {
    let upper = chance.next_u64();
    let turned = qname.chars().enumerate().map(|(place, letter)| {
        if upper >> (place % 64) & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
    });
    turned.collect()
}

fn pick<'l, T>(list: &'l [T], chance: &mut impl Rng) -> &'l T {
    &list[below(list.len(), chance)]
}

fn below(limit: usize, chance: &mut impl Rng) -> usize {
    usize::try_from(chance.next_u64() % limit as u64).expect("below a usize")
}
