//! Names outside our zones that are forwarded, and for whom.
//!
//! Responsible for who may ask us about names that are not ours: nobody,
//! unless the operator says so. HOT, but only for queries outside our zones.
//! Not responsible for what is answered: that is `forward`.

use std::net::IpAddr;

use super::lookup::Asked;
use super::respond::zone_of;
use super::write::Response;
use super::{Peer, Prefix, Scratch, Snapshot};
use crate::dns::compression::Decompressed;
use crate::dns::message::{Extra, Header, Question, class};
use crate::dns::{Name, Rtype};

/// A name whose whole subtree is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideZone {
    /// Its apex.
    pub apex: Name,
    /// The clients that may ask.
    pub allow: Vec<Prefix>,
}

/// What is forwarded.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// The longest first. There are a handful, so they are tried in turn.
    zones: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    apex: Box<[u8]>,
    labels: usize,
    allow: Vec<Prefix>,
}

/// Whether a query is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The name is not, or the query does not wish it.
    NotForwarded,
    /// The name is, but not for this client.
    Prohibited,
    /// It is.
    Admitted,
}

/// Whether a response of ours ends at an alias that is to be followed outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    Yes,
    No,
}

impl Outside {
    /// Forwards these; none where there are none.
    pub fn new(zones: impl IntoIterator<Item = OutsideZone>) -> Option<Self> {
        let entry = |zone: OutsideZone| Entry {
            apex: zone.apex.as_ref().to_lowercase().into(),
            labels: zone.apex.as_ref().label_count(),
            allow: zone.allow,
        };
        let mut zones: Vec<Entry> = zones.into_iter().map(entry).collect();
        zones.sort_by_key(|zone| std::cmp::Reverse(zone.labels));
        (!zones.is_empty()).then_some(Self { zones })
    }

    /// Whether this query of `client` is forwarded. One without RD is not:
    /// it asks what we know ourselves, and would tell what others have asked.
    pub(super) fn admit(
        &self,
        asked: &Asked,
        client: IpAddr,
        header: &Header,
        question: &Question<'_>,
    ) -> Admission {
        let is_transfer = matches!(question.qtype, Rtype::AXFR | Rtype::IXFR);
        if header.flags & Header::RD == 0 || question.qclass != class::IN || is_transfer {
            return Admission::NotForwarded;
        }
        let labels = asked.labels();
        let mut zones = self.zones.iter();
        match zones.find(|zone| zone.labels <= labels && *zone.apex == *asked.suffix(zone.labels)) {
            None => Admission::NotForwarded,
            Some(zone) if zone.allow.iter().any(|prefix| prefix.contains(client)) => Admission::Admitted,
            Some(_) => Admission::Prohibited,
        }
    }

    /// Whether our response ends at an alias whose target is forwarded for
    /// this client: a stub resolver does not ask on (RFC 1034, section 5.3.1).
    /// HOT: a response that begins with no alias costs one look.
    #[inline]
    pub(super) fn begun(
        &self,
        snapshot: &Snapshot,
        scratch: &mut Scratch,
        peer: Peer,
        (header, question): (&Header, &Question<'_>),
        response: &Response<'_>,
    ) -> Begun {
        let (message, records_at) = (response.message.written(), response.message.records_at());
        let first = message.get(records_at..).and_then(Extra::read);
        let is_alias = |rtype| matches!(rtype, Rtype::CNAME | Rtype::DNAME);
        let follows = !is_alias(question.qtype) && question.qtype != Rtype::ANY;
        match first {
            Some((first, _)) if follows && is_alias(first.rtype) => {
                self.leads_outside(snapshot, scratch, peer, (header, question), response)
            }
            _ => Begun::No,
        }
    }

    #[cold]
    fn leads_outside(
        &self,
        snapshot: &Snapshot,
        scratch: &mut Scratch,
        peer: Peer,
        (header, question): (&Header, &Question<'_>),
        response: &Response<'_>,
    ) -> Begun {
        let mut target = Decompressed::new();
        if last_alias(response, &mut target).is_none() {
            return Begun::No;
        }
        let Some(name) = target.name() else { return Begun::No };
        scratch.asked.set(name);
        if zone_of(snapshot, &scratch.asked, question.qtype).is_some() {
            return Begun::No;
        }
        match self.admit(&scratch.asked, peer.address, header, question) {
            Admission::Admitted => Begun::Yes,
            Admission::NotForwarded | Admission::Prohibited => Begun::No,
        }
    }
}

/// Where the last record of an answer leads, if it is a CNAME.
fn last_alias(response: &Response<'_>, target: &mut Decompressed) -> Option<usize> {
    let message = response.message.written();
    let mut rest = message.get(response.message.records_at()..)?;
    let mut last = None;
    for _ in 0..response.message.counts()[0] {
        let (record, after) = Extra::read(rest)?;
        let rdata_at = message.len().checked_sub(after.len())?.checked_sub(record.rdata.len())?;
        last = Some((record.rtype, rdata_at));
        rest = after;
    }
    let (Rtype::CNAME, at) = last? else { return None };
    target.read(message, at)
}
