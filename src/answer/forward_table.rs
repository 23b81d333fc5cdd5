//! Names outside our zones that are forwarded, and for which clients. HOT, but only for queries outside our
//! zones.
//!
//! Forwards nothing unless the operator says so. The answers come from `forward`.

use std::net::IpAddr;

use super::hashed_name::HashedName;
use super::prefix::Prefix;
use crate::dns::message::{Header, Question, class};
use crate::dns::{Name, Rtype};

/// A name whose whole subtree is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardedZone {
    /// Its apex.
    pub apex: Name,
    /// The clients that may ask.
    pub allow: Vec<Prefix>,
}

/// The zones that are forwarded.
#[derive(Clone, Debug, Default)]
pub struct ForwardTable {
    /// The longest first. There are a handful, so they are tried in turn.
    entries: Vec<ForwardEntry>,
}

#[derive(Clone, Debug)]
struct ForwardEntry {
    /// In wire form, in lower case.
    apex: Box<[u8]>,
    labels: usize,
    allow: Vec<Prefix>,
}

/// Whether a query is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForwardAccess {
    /// The name is not, or the query does not ask for recursion.
    NotForwarded,
    /// The name is, but not for this client.
    Prohibited,
    /// It is.
    Allowed,
}

impl ForwardTable {
    /// Forwards these zones; none if there are none.
    pub fn new(zones: impl IntoIterator<Item = ForwardedZone>) -> Option<Self> {
        let entry = |zone: ForwardedZone| ForwardEntry {
            apex: zone.apex.as_ref().to_lowercase().into(),
            labels: zone.apex.as_ref().label_count(),
            allow: zone.allow,
        };
        let mut entries: Vec<ForwardEntry> = zones.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.labels));
        (!entries.is_empty()).then_some(Self { entries })
    }

    /// Whether a query for `name` is forwarded for `client`. One without RD is not: it asks what we know
    /// ourselves, and the answer would show what others have asked.
    pub(super) fn admit(
        &self,
        name: &HashedName,
        client: IpAddr,
        header: &Header,
        question: &Question<'_>,
    ) -> ForwardAccess {
        let is_transfer = matches!(question.qtype, Rtype::AXFR | Rtype::IXFR);
        if header.flags & Header::RD == 0 || question.qclass != class::IN || is_transfer {
            return ForwardAccess::NotForwarded;
        }
        let labels = name.labels();
        let mut entries = self.entries.iter();
        match entries.find(|entry| entry.labels <= labels && *entry.apex == *name.suffix(entry.labels)) {
            None => ForwardAccess::NotForwarded,
            Some(entry) if entry.allow.iter().any(|prefix| prefix.contains(client)) => ForwardAccess::Allowed,
            Some(_) => ForwardAccess::Prohibited,
        }
    }
}
