//! The names that PowerDNS gives a meaning: functions and variables, and which of them mean something here.
//!
//! A new function is a line here, and the code that reads its arguments.

use crate::zone::{AddressFamily, PICKCLOSEST, Selector};

/// A function that is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    IfPortUp,
    IfUrlUp,
    IfUrlExtUp,
    All,
    /// One that chooses by a selector.
    Choose(Selector),
    PickClosest,
    View,
    /// The address in the name that is asked.
    CreateForward(AddressFamily),
    /// A host name for the address that the name asked stands for.
    CreateReverse(AddressFamily),
    FilterForward,
    /// Networks, for `filterForward`.
    NewNetworkGroup,
}

/// The functions that belong to no selector: those before the functions of selectors, and those behind.
const OWN: [&[(&str, Function)]; 2] = [
    &[
        ("ifportup", Function::IfPortUp),
        ("ifurlup", Function::IfUrlUp),
        ("ifurlextup", Function::IfUrlExtUp),
        ("all", Function::All),
    ],
    &[
        (PICKCLOSEST, Function::PickClosest),
        ("view", Function::View),
        ("createForward", Function::CreateForward(AddressFamily::Ipv4)),
        ("createForward6", Function::CreateForward(AddressFamily::Ipv6)),
        ("filterForward", Function::FilterForward),
        ("createReverse", Function::CreateReverse(AddressFamily::Ipv4)),
        ("createReverse6", Function::CreateReverse(AddressFamily::Ipv6)),
        ("newNMG", Function::NewNetworkGroup),
    ],
];

/// What makes the names of another record's code known here: a statement, not a value.
pub(super) const INCLUDE: &str = "include";

/// What gives the records of another name: a list, found before the code is read.
pub(super) const LOOK_UP: &str = "dblookup";

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
    "newCA",
    "newDN",
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

/// The functions that are supported.
fn functions() -> impl Iterator<Item = (&'static str, Function)> {
    let [before, behind] = OWN;
    let choosing = Selector::LIST
        .iter()
        .filter_map(|one| Some((one.entry().lua_function?.name, Function::Choose(*one))));
    before.iter().copied().chain(choosing).chain(behind.iter().copied())
}

/// The function of this name, if it is supported.
pub(super) fn function(name: &str) -> Option<Function> {
    functions().find(|(known, _)| *known == name).map(|(_, function)| function)
}

/// The names of the functions that are supported.
pub(super) fn supported() -> impl Iterator<Item = &'static str> {
    functions().map(|(name, _)| name).chain([LOOK_UP])
}

/// The names of all functions, those that are supported first.
pub(super) fn all_functions() -> impl Iterator<Item = &'static str> {
    supported().chain(UNSUPPORTED.iter().copied())
}
