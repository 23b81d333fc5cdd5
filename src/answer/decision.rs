//! Decides whether a query is answered from a zone, and from which. HOT.
//!
//! `respond` acts on the decision, `explain` shows it: neither decides anything itself.

use super::authority::Authority;
use super::client::Client;
use super::context::QueryContext;
use super::hashed_name::HashedName;
use super::message_kind::MessageKind;
use super::zone_table::ZoneEntry;
use crate::dns::Rtype;
use crate::dns::message::class;

/// The first thing that is decided of a query, with its reason.
pub(super) enum Decision<'q> {
    /// Its EDNS version is not spoken here.
    BadVersion,
    /// Somebody takes the message; with the zone that it asks a transfer of.
    HandOver(MessageKind, Option<&'q ZoneEntry>),
    /// It has a TSIG, and nobody has keys.
    Signed,
    /// Its cookie has a length that no cookie has.
    BadCookie,
    /// It says for whom it asks, and not in the form that this has.
    MalformedSubnet,
    /// It is of class CHAOS: it asks about the server.
    Chaos,
    /// It is of a class that is not served.
    UnknownClass,
    /// No zone of this server holds the name.
    NotOurs,
    /// No version of the zone is for the client. With the first version.
    Prohibited(&'q ZoneEntry),
    /// It asks for a transfer of the zone, and nobody has one to give.
    Transfer(&'q ZoneEntry),
    /// The zone has no version that could be read.
    NoVersion(&'q ZoneEntry),
    /// It is answered from a zone.
    Zone(Authority<'q>),
}

/// Decides what a query is answered from. `name` takes the QNAME in.
#[inline(always)]
pub(super) fn decide<'q>(query: &QueryContext<'q>, name: &mut HashedName) -> Decision<'q> {
    let QueryContext { snapshot, client, question, edns, .. } = query;
    if edns.opt.is_some_and(|opt| opt.version != 0) {
        return Decision::BadVersion;
    }
    if edns.tsig.is_some() {
        return signed(query);
    }
    if edns.cookie.is_some() && !edns.has_sound_cookie() {
        return Decision::BadCookie;
    }
    match question.qclass {
        // Class ANY is answered as IN, the only class of our zones.
        class::IN | class::ANY => {}
        class::CH => return Decision::Chaos,
        _ => return Decision::UnknownClass,
    }
    name.set(question.qname);
    let Some(first) = snapshot.zones.zone_for(name, question.qtype) else {
        return Decision::NotOurs;
    };
    if matches!(question.qtype, Rtype::AXFR | Rtype::IXFR) {
        return transfer(query, first);
    }
    let Some(zone) = snapshot.zones.version_for(first, client) else {
        return Decision::Prohibited(first);
    };
    match zone.compiled.as_deref() {
        Some(compiled) => Decision::Zone(Authority { zone, compiled, host: &snapshot.host }),
        None => Decision::NoVersion(zone),
    }
}

/// Who has keys verifies it, and looks then at what else it asks for.
#[cold]
fn signed<'q>(query: &QueryContext<'q>) -> Decision<'q> {
    if query.snapshot.handed_over.have(MessageKind::Signed) {
        return Decision::HandOver(MessageKind::Signed, None);
    }
    Decision::Signed
}

/// A transfer of a zone, `first` being the first of its versions.
#[cold]
fn transfer<'q>(query: &QueryContext<'q>, first: &'q ZoneEntry) -> Decision<'q> {
    let QueryContext { snapshot, peer, .. } = query;
    // For whom else it may be matters to answers alone.
    let client = &Client::itself(&peer.address);
    if snapshot.handed_over.have(MessageKind::Transfer) {
        // `allow-query` is not about transfers: who may have one is for others to know.
        let seen = snapshot.zones.seen_by(first, client).unwrap_or(first);
        return Decision::HandOver(MessageKind::Transfer, Some(seen));
    }
    match snapshot.zones.version_for(first, client) {
        Some(zone) => Decision::Transfer(zone),
        None => Decision::Prohibited(first),
    }
}
