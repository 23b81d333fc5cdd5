//! The functions that PowerDNS knows, and those of them that mean something here.
//!
//! Responsible for the lists. A new function is a line here and the code that reads its arguments.

use super::{Meaning, Reader};
use crate::lua::Call;
use crate::zone::Selector;

/// Reads the call of a function.
pub(super) type Read = for<'r, 'f> fn(&mut Reader<'r, 'f>, &'r Call) -> Option<Meaning>;

/// The functions that are supported.
pub(super) const SUPPORTED: &[(&str, Read)] = &[
    ("ifportup", |reader, call| reader.if_port_up(call)),
    ("ifurlup", |reader, call| reader.if_url_up(call)),
    ("ifurlextup", |reader, call| reader.if_url_ext_up(call)),
    ("all", |reader, call| reader.all(call)),
    ("pickrandom", |reader, call| reader.pick(call, Selector::Random)),
    ("pickrandomsample", |reader, call| reader.pick_sample(call)),
    ("pickhashed", |reader, call| reader.pick(call, Selector::Hashed)),
    ("pickwrandom", |reader, call| reader.pick_weighted(call, Selector::WeightedRandom)),
    ("pickwhashed", |reader, call| reader.pick_weighted(call, Selector::WeightedHashed)),
    ("picknamehashed", |reader, call| reader.pick_weighted(call, Selector::NameHashed)),
    ("pickchashed", |reader, call| reader.pick_weighted(call, Selector::ConsistentHashed)),
    ("pickclosest", |reader, call| reader.pick_closest(call)),
    ("pickselfweighted", |reader, call| reader.pick_self_weighted(call)),
    ("view", |reader, call| reader.view(call)),
];

/// What makes the names of another record's code known here: a statement, not a value.
pub(super) const INCLUDE: &str = "include";

/// The functions PowerDNS has besides.
pub(super) const UNSUPPORTED: &[&str] = &[
    "netmask",
    "latlon",
    "latlonloc",
    "latlonMagic",
    "closestMagic",
    "geoiplookup",
    "asnum",
    "country",
    "countryCode",
    "region",
    "regionCode",
    "continent",
    "continentCode",
    "createReverse",
    "createReverse6",
    "createForward",
    "createForward6",
    "filterForward",
    "newCA",
    "newDN",
    "newNMG",
    "dblookup",
    "resolve",
];

/// Functions that tell clients apart by what is known about their address.
pub(super) const BY_CLIENT: &[&str] = &["netmask", "asnum", "country", "continent", "region"];

/// What PowerDNS sets for each query.
pub(super) const QUERY_VARIABLES: &[&str] = &[
    "qname",
    "zone",
    "zoneid",
    "who",
    "ecswho",
    "bestwho",
    "localwho",
    "dh",
    "dnssecOK",
    "ednsPKTSize",
    "tcp",
];

/// How the call of a function is read; none for one that is not supported.
pub(super) fn meaning_of(function: &str) -> Option<Read> {
    SUPPORTED.iter().find(|(name, _)| *name == function).map(|&(_, read)| read)
}

/// The names of all functions, those that are supported first.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SUPPORTED.iter().map(|&(name, _)| name).chain(UNSUPPORTED.iter().copied())
}
