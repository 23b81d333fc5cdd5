//! The functions that PowerDNS knows, and those of them that mean something here.
//!
//! Responsible for the lists. A new function is a line here and the code that reads its arguments.

use super::{Meaning, Reader};
use crate::lua::Call;

/// Reads the call of a function.
pub(super) type Read = for<'r, 'f> fn(&mut Reader<'r, 'f>, &'r Call) -> Option<Meaning>;

/// The functions that are supported.
pub(super) const SUPPORTED: &[(&str, Read)] =
    &[("ifportup", |reader, call| reader.if_port_up(call)), ("all", |reader, call| reader.all(call))];

/// The functions PowerDNS has besides.
pub(super) const UNSUPPORTED: &[&str] = &[
    "ifurlup",
    "ifurlextup",
    "pickselfweighted",
    "pickrandom",
    "pickrandomsample",
    "pickhashed",
    "pickwrandom",
    "pickwhashed",
    "picknamehashed",
    "pickchashed",
    "pickclosest",
    "view",
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
    "include",
    "resolve",
];

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
