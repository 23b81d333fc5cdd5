//! Random zones that every server loads, in pairs that one server serves together.

use std::collections::BTreeSet;
use std::fmt;

use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// Deepest owner below its apex, in labels: enough for a wildcard below a zone cut below a wildcard.
const DEPTH_MAX: usize = 4;

/// Labels, few, so that names meet: as ancestors, as wildcards, as targets.
pub(crate) const LABELS: &[&str] = &["a", "b", "c", "*", "w", "ent"];

/// The label of a child zone below the first zone's apex.
const CHILD: &str = "a";

/// Two zones. Without an index they have no apex yet: the same pair can stand under many.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) kin: Kin,
    pub(crate) records: Vec<Record>,
}

/// How the second zone of a pair relates to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    /// `y7.test.` beside `z7.test.`.
    Sibling,
    /// `a.z7.test.` below `z7.test.`.
    Child,
}

/// A zone of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    First,
    Second,
}

/// Labels below an apex, the lowest first.
pub(crate) type Path = Vec<&'static str>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) zone: Which,
    pub(crate) owner: Path,
    pub(crate) data: Data,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    A(u8),
    Aaaa(u8),
    Ns(Target),
    Cname(Target),
    Dname(Target),
    Mx(u8, Target),
    Srv(u8, Target),
    Ptr(Target),
    Svcb(Target),
    Txt(u8),
    Ds(u8),
    Unknown(u8),
}

/// A name in RDATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Inside(Which, Path),
    Outside,
}

/// A pair under its apexes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planted<'p> {
    pub(crate) pair: &'p Pair,
    pub(crate) index: usize,
}

/// Pairs of zones of 5 to 40 records together.
pub(crate) fn pairs() -> impl Strategy<Value = Pair> {
    let kin = prop_oneof![Just(Kin::Sibling), Just(Kin::Child)];
    (kin, proptest::collection::vec(record(), 5..40)).prop_map(|(kin, records)| Pair::new(kin, &records))
}

impl Pair {
    /// Keeps the records that may exist together, in their order.
    pub(crate) fn new(kin: Kin, records: &[Record]) -> Self {
        let mut kept: Vec<Record> = Vec::new();
        for record in records {
            if record.may_stand(kin) && kept.iter().all(|other| may_stand_together(kin, record, other)) {
                kept.push(record.clone());
            }
        }
        let owner = |record: &Record| (record.zone, record.owner.clone());
        let cuts: BTreeSet<(Which, Path)> = kept
            .iter()
            .filter(|record| record.mnemonic() == "NS")
            .map(owner)
            .chain((kin == Kin::Child).then(|| (Which::First, vec![CHILD])))
            .collect();
        // A DS set says something about a zone cut; elsewhere it says nothing.
        kept.retain(|record| record.mnemonic() != "DS" || cuts.contains(&owner(record)));
        Self { kin, records: kept }
    }
}

impl Record {
    /// The mnemonic of its type.
    pub(crate) fn mnemonic(&self) -> &'static str {
        match self.data {
            Data::A(_) => "A",
            Data::Aaaa(_) => "AAAA",
            Data::Ns(_) => "NS",
            Data::Cname(_) => "CNAME",
            Data::Dname(_) => "DNAME",
            Data::Mx(..) => "MX",
            Data::Srv(..) => "SRV",
            Data::Ptr(_) => "PTR",
            Data::Svcb(_) => "SVCB",
            Data::Txt(_) => "TXT",
            Data::Ds(_) => "DS",
            Data::Unknown(_) => "TYPE65280",
        }
    }

    /// The name in its RDATA.
    pub(crate) fn target(&self) -> Option<&Target> {
        match &self.data {
            Data::Ns(target)
            | Data::Cname(target)
            | Data::Dname(target)
            | Data::Mx(_, target)
            | Data::Srv(_, target)
            | Data::Ptr(target)
            | Data::Svcb(target) => Some(target),
            Data::A(_) | Data::Aaaa(_) | Data::Txt(_) | Data::Ds(_) | Data::Unknown(_) => None,
        }
    }

    fn may_stand(&self, kin: Kin) -> bool {
        // RFC 1034, section 3.6.2: the apex has an SOA set, hence no CNAME; RFC 6672, section 2.3: nor
        // anything below it when it has a DNAME, which would leave nothing to ask. The parent's DS set is not
        // here.
        if self.owner.is_empty() && matches!(self.data, Data::Cname(_) | Data::Dname(_) | Data::Ds(_)) {
            return false;
        }
        if kin == Kin::Sibling || self.zone == Which::Second {
            return true;
        }
        // The parent has a zone cut at the child's apex. Below it, it has nothing: NSD keeps the names of all
        // zones in one tree, and what is occluded in the parent exists in NSD's child.
        let alone_at_cut = self.owner == [CHILD] && matches!(self.data, Data::Cname(_) | Data::Dname(_));
        let below_cut = is_below(&self.owner, &[CHILD]);
        !alone_at_cut && !below_cut
    }
}

/// Whether two records may exist together.
fn may_stand_together(kin: Kin, one: &Record, other: &Record) -> bool {
    let dname = |record: &Record| matches!(record.data, Data::Dname(_));
    // RFC 6672, section 2.4: nothing exists below a DNAME owner. NSD, with its one tree, holds the parent's
    // DNAME against the names of the child.
    let (here, there) = (below_first(kin, one), below_first(kin, other));
    let related = one.zone == other.zone || kin == Kin::Child;
    if related && ((dname(one) && is_below(&there, &here)) || (dname(other) && is_below(&here, &there))) {
        return false;
    }
    if one.zone != other.zone || one.owner != other.owner {
        return true;
    }
    let alone = |record: &Record| matches!(record.data, Data::Cname(_));
    let cut = |record: &Record| matches!(record.data, Data::Ns(_));
    let cut_with_dname = (cut(one) && dname(other)) || (dname(one) && cut(other));
    let twice = dname(one) && dname(other);
    !(alone(one) || alone(other) || cut_with_dname || twice || one.data == other.data)
}

/// The owner as labels below the apex of the first zone.
fn below_first(kin: Kin, record: &Record) -> Path {
    let mut path = record.owner.clone();
    if kin == Kin::Child && record.zone == Which::Second {
        path.push(CHILD);
    }
    path
}

impl<'p> Planted<'p> {
    /// The apex of a zone, absolute.
    pub(crate) fn apex(self, which: Which) -> String {
        let index = self.index;
        match (which, self.pair.kin) {
            (Which::First, _) => format!("z{index}.test."),
            (Which::Second, Kin::Sibling) => format!("y{index}.test."),
            (Which::Second, Kin::Child) => format!("{CHILD}.z{index}.test."),
        }
    }

    /// Both apexes.
    pub(crate) fn apexes(self) -> BTreeSet<String> {
        BTreeSet::from([self.apex(Which::First), self.apex(Which::Second)])
    }

    /// A name of a zone, absolute.
    pub(crate) fn name(self, which: Which, path: &[&str]) -> String {
        path.iter().map(|label| format!("{label}.")).collect::<String>() + &self.apex(which)
    }

    fn target(self, target: &Target) -> String {
        match target {
            Target::Inside(which, path) => self.name(*which, path),
            Target::Outside => "www.example.org.".into(),
        }
    }

    /// The zone text: an SOA and an NS record, then the zone's records.
    pub(crate) fn text(self, which: Which) -> String {
        let apex = self.apex(which);
        // Once the minimum is the smaller one, once the TTL of the SOA record (RFC 2308, section 3).
        let (ttl, minimum) = if self.pair.records.len().is_multiple_of(2) { (900, 30) } else { (60, 600) };
        let mut text = format!(
            "{apex} {ttl} IN SOA a.{apex} b.{apex} 1 3600 600 86400 {minimum}\n{apex} 300 IN NS a.{apex}\n"
        );
        if which == Which::First && self.pair.kin == Kin::Child {
            let cut = Data::Ns(Target::Inside(Which::Second, vec!["b"]));
            text += &self.line(&Record { zone: which, owner: vec![CHILD], data: cut });
        }
        for record in self.pair.records.iter().filter(|record| record.zone == which) {
            text += &self.line(record);
        }
        text
    }

    fn line(self, record: &Record) -> String {
        let owner = self.name(record.zone, &record.owner);
        // One TTL per RRset (RFC 2181, section 5.2), different from the next set's.
        let ttl = if record.owner.is_empty() && record.mnemonic() == "NS" {
            300
        } else {
            60 * (1 + (record.owner.concat().len() + record.mnemonic().len()) % 5)
        };
        let rdata = match &record.data {
            Data::A(number) => format!("192.0.2.{number}"),
            Data::Aaaa(number) => format!("2001:db8::{number}"),
            Data::Ns(target) | Data::Cname(target) | Data::Dname(target) | Data::Ptr(target) => {
                self.target(target)
            }
            Data::Mx(preference, target) => format!("{preference} {}", self.target(target)),
            Data::Srv(port, target) => format!("0 0 {port} {}", self.target(target)),
            Data::Svcb(target) => format!("1 {}", self.target(target)),
            Data::Txt(number) => format!("\"text {number}\""),
            Data::Ds(number) => format!("{number} 8 2 {}", "AB".repeat(32)),
            Data::Unknown(number) => format!("\\# 1 {number:02x}"),
        };
        format!("{owner} {ttl} IN {} {rdata}\n", record.mnemonic())
    }
}

impl fmt::Display for Planted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for which in [Which::First, Which::Second] {
            write!(out, "; zone {}\n{}", self.apex(which), self.text(which))?;
        }
        Ok(())
    }
}

fn is_below(name: &[&str], ancestor: &[&str]) -> bool {
    name.len() > ancestor.len() && name.ends_with(ancestor)
}

fn label() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("a"), 3 => Just("b"), 2 => Just("c"), 3 => Just("*"), 2 => Just("w"), 1 => Just("ent")]
}

fn path() -> impl Strategy<Value = Path> {
    let depth = prop_oneof![1 => Just(0), 4 => Just(1), 5 => Just(2), 3 => Just(3), 1 => Just(DEPTH_MAX)];
    depth.prop_flat_map(|depth| proptest::collection::vec(label(), depth))
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![3 => Just(Which::First), 1 => Just(Which::Second)]
}

fn target() -> impl Strategy<Value = Target> {
    let inside = (which(), path()).prop_map(|(which, path)| Target::Inside(which, path));
    prop_oneof![12 => inside, 1 => Just(Target::Outside)]
}

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        10 => any::<u8>().prop_map(Data::A),
        4 => any::<u8>().prop_map(Data::Aaaa),
        4 => target().prop_map(Data::Ns),
        6 => target().prop_map(Data::Cname),
        2 => target().prop_map(Data::Dname),
        2 => (any::<u8>(), target()).prop_map(|(preference, target)| Data::Mx(preference, target)),
        2 => (any::<u8>(), target()).prop_map(|(port, target)| Data::Srv(port, target)),
        1 => target().prop_map(Data::Ptr),
        1 => target().prop_map(Data::Svcb),
        3 => any::<u8>().prop_map(Data::Txt),
        2 => any::<u8>().prop_map(Data::Ds),
        1 => any::<u8>().prop_map(Data::Unknown),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    (which(), path(), data()).prop_map(|(zone, owner, data)| Record { zone, owner, data })
}
