//! The names that PowerDNS gives a meaning: functions and variables, and which of them mean something here.
//!
//! A new function is a line here, and the code that reads its arguments.

use crate::zone::Selector;

/// A function that is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    IfPortUp,
    IfUrlUp,
    IfUrlExtUp,
    All,
    /// One value.
    Pick(Selector),
    PickSample,
    /// One value by weight.
    PickWeighted(Selector),
    PickClosest,
    PickSelfWeighted,
    View,
}

/// The functions that are supported.
const SUPPORTED: &[(&str, Function)] = &[
    ("ifportup", Function::IfPortUp),
    ("ifurlup", Function::IfUrlUp),
    ("ifurlextup", Function::IfUrlExtUp),
    ("all", Function::All),
    ("pickrandom", Function::Pick(Selector::Random)),
    ("pickrandomsample", Function::PickSample),
    ("pickhashed", Function::Pick(Selector::Hashed)),
    ("pickwrandom", Function::PickWeighted(Selector::WeightedRandom)),
    ("pickwhashed", Function::PickWeighted(Selector::WeightedHashed)),
    ("picknamehashed", Function::PickWeighted(Selector::NameHashed)),
    ("pickchashed", Function::PickWeighted(Selector::ConsistentHashed)),
    ("pickclosest", Function::PickClosest),
    ("pickselfweighted", Function::PickSelfWeighted),
    ("view", Function::View),
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

/// The function of this name, if it is supported.
pub(super) fn function(name: &str) -> Option<Function> {
    SUPPORTED.iter().find(|(known, _)| *known == name).map(|&(_, function)| function)
}

/// The names of the functions that are supported.
pub(super) fn supported() -> impl Iterator<Item = &'static str> {
    SUPPORTED.iter().map(|&(name, _)| name)
}

/// The names of all functions, those that are supported first.
pub(super) fn all_functions() -> impl Iterator<Item = &'static str> {
    supported().chain(UNSUPPORTED.iter().copied())
}
