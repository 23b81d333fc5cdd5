//! What a catalog zone says (RFC 9432): which zones are its members, and the properties of each.
//!
//! ```text
//! version.catalog.example.        TXT  "2"
//! 5n.zones.catalog.example.       PTR  lab.example.          a member, called 5n here
//! group.5n.zones.catalog.example. TXT  "nodes"
//! coo.5n.zones.catalog.example.   PTR  other.example.        the catalog that it may go to
//! ```
//!
//! A pure function of the zone. Not responsible for which of these zones are served, and how: that is `zones`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::dns::{Name, NameRef, Rtype};
use crate::zone::{Node, Rrset, Zone};

/// The version of the schema that is read, as RDATA of a TXT record.
const VERSION: &[u8] = b"\x012";

/// A catalog that is not broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    members: HashMap<Name, Member>,
}

/// What a catalog says of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The label of its node. Another one means that nothing that is known of the zone holds (RFC 9432, section 5.4).
    pub label: MemberLabel,
    /// The values of the `group` property, in order.
    pub groups: Vec<GroupValue>,
    /// The `coo` property: the catalog that may take it over.
    pub coo: Option<Name>,
}

/// The label of a member's node, in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberLabel(Box<[u8]>);

/// A value of the `group` property: the whole RDATA of a TXT record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupValue(Box<[u8]>);

/// Why a catalog is broken. It changes nothing then (RFC 9432, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// There is no TXT record at `version`.
    NoVersion,
    /// There are so many.
    SeveralVersions(usize),
    /// It is another one than 2.
    OtherVersion(String),
    /// The node of a member has so many PTR records.
    SeveralZones {
        /// The node.
        node: Name,
        /// How many.
        count: usize,
    },
    /// Two nodes name one zone.
    Twice {
        /// The zone.
        zone: Name,
        /// The labels of the nodes, in order.
        labels: [MemberLabel; 2],
    },
    /// A member has so many `coo` properties.
    SeveralOwners {
        /// The node of the property.
        node: Name,
        /// How many.
        count: usize,
    },
}

impl Catalog {
    /// Reads a zone as a catalog. What is no property of this version of the schema is passed over.
    ///
    /// # Errors
    ///
    /// When it is broken.
    pub fn of(zone: &Zone) -> Result<Catalog, Broken> {
        check_version(zone)?;
        let mut nodes: BTreeMap<MemberLabel, Member> = BTreeMap::new();
        let mut named: HashMap<Name, MemberLabel> = HashMap::new();
        let mut properties = Vec::new();
        for node in zone.nodes() {
            match Place::of(node.name(), zone.apex()) {
                Some(Place::Member(label)) => {
                    let Some(target) = one_name(node, |node, count| Broken::SeveralZones { node, count })?
                    else {
                        continue;
                    };
                    match named.entry(target) {
                        Entry::Occupied(known) => {
                            let mut labels = [known.get().clone(), label];
                            labels.sort();
                            return Err(Broken::Twice { zone: known.key().clone(), labels });
                        }
                        Entry::Vacant(free) => {
                            free.insert(label.clone());
                        }
                    }
                    nodes.insert(label.clone(), Member { label, groups: Vec::new(), coo: None });
                }
                Some(Place::Property(label, property)) => properties.push((label, property, node)),
                None => {}
            }
        }
        // A node may come before the one that it lies below.
        for (label, property, node) in properties {
            let Some(member) = nodes.get_mut(&label) else { continue };
            match property {
                Property::Group => member.groups = groups(node),
                Property::Coo => {
                    member.coo = one_name(node, |node, count| Broken::SeveralOwners { node, count })?;
                }
            }
        }
        let member = |(zone, label): (Name, MemberLabel)| Some((zone, nodes.remove(&label)?));
        Ok(Catalog { members: named.into_iter().filter_map(member).collect() })
    }

    /// The members by their names, in no order.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (&Name, &Member)> {
        self.members.iter()
    }

    /// What it says of a zone; none: it is no member.
    pub fn member(&self, zone: &Name) -> Option<&Member> {
        self.members.get(zone)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// RFC 9432, section 4.2.1: exactly one record, and it says 2.
fn check_version(zone: &Zone) -> Result<(), Broken> {
    let place =
        |node: &Node<'_>| labels_below(node.name(), zone.apex()).is_some_and(|one| one == [b"version"]);
    let version = zone.nodes().find(place);
    let Some(rrset) = version.and_then(|node| node.rrset(Rtype::TXT)) else { return Err(Broken::NoVersion) };
    let mut rdatas = rrset.rdatas();
    match (rdatas.len(), rdatas.next()) {
        (1, Some(VERSION)) => Ok(()),
        (1, Some(other)) => Err(Broken::OtherVersion(GroupValue(other.into()).to_string())),
        (count, _) => Err(Broken::SeveralVersions(count)),
    }
}

/// Which part of a catalog a node is.
enum Place {
    Member(MemberLabel),
    Property(MemberLabel, Property),
}

/// A property of a member.
#[derive(Clone, Copy)]
enum Property {
    Group,
    Coo,
}

impl Place {
    /// None: it is none that is known, be it one of a later version of the schema or one below `ext`.
    fn of(name: NameRef<'_>, apex: NameRef<'_>) -> Option<Place> {
        let labels = labels_below(name, apex)?;
        let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
        let label = |label: &[u8]| MemberLabel(label.into());
        match *labels.as_slice() {
            [member, b"zones"] => Some(Place::Member(label(member))),
            [b"group", member, b"zones"] => Some(Place::Property(label(member), Property::Group)),
            [b"coo", member, b"zones"] => Some(Place::Property(label(member), Property::Coo)),
            _ => None,
        }
    }
}

/// Most labels of a name that is looked at, below the apex.
const LABELS_MAX: usize = 3;

/// The labels of a name below the apex, in lower case; none where they are more than any name has that means something.
fn labels_below(name: NameRef<'_>, apex: NameRef<'_>) -> Option<Vec<Vec<u8>>> {
    let count = name.label_count().checked_sub(apex.label_count())?;
    (count <= LABELS_MAX).then(|| name.labels().take(count).map(<[u8]>::to_ascii_lowercase).collect())
}

/// The name that the only PTR record of a node holds; none where it has none.
fn one_name(node: Node<'_>, several: impl Fn(Name, usize) -> Broken) -> Result<Option<Name>, Broken> {
    let Some(rrset) = node.rrset(Rtype::PTR) else { return Ok(None) };
    let mut rdatas = rrset.rdatas();
    match (rdatas.len(), rdatas.next()) {
        (1, Some(rdata)) => Ok(NameRef::split_from(rdata).ok().map(|(name, _)| name.to_name())),
        (count, _) => Err(several(node.name().to_name(), count)),
    }
}

fn groups(node: Node<'_>) -> Vec<GroupValue> {
    let values = node.rrset(Rtype::TXT).into_iter().flat_map(Rrset::rdatas);
    let mut values: Vec<GroupValue> = values.map(|rdata| GroupValue(rdata.into())).collect();
    values.sort_unstable();
    values
}

impl GroupValue {
    /// Whether it is this one string.
    pub fn is(&self, text: &str) -> bool {
        self.0
            .split_first()
            .is_some_and(|(length, rest)| usize::from(*length) == rest.len() && rest == text.as_bytes())
    }
}

/// The strings, as in zone text.
impl fmt::Display for GroupValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        crate::dns::rdata::write(Rtype::TXT, &self.0, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for GroupValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl MemberLabel {
    /// Its bytes, without the length.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for MemberLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

impl fmt::Debug for MemberLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::NoVersion => f.write_str("it has no TXT record at `version`, so it is no catalog"),
            Broken::SeveralVersions(count) => {
                write!(f, "it has {count} TXT records at `version`, where one must say its version")
            }
            Broken::OtherVersion(version) => write!(f, "its version is {version}, and only \"2\" is known"),
            Broken::SeveralZones { node, count } => {
                write!(f, "{node} has {count} PTR records, and each names a zone")
            }
            Broken::Twice { zone, labels: [one, other] } => {
                write!(f, "{zone} is named twice, by the labels {one} and {other}")
            }
            Broken::SeveralOwners { node, count } => {
                write!(f, "{node} has {count} PTR records, and a zone can go to one catalog only")
            }
        }
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests;
