//! A version of a zone: what is served, and what it was made from.
//!
//! Responsible for whether it would come out the same if it were read now.
//! Not responsible for reading.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::zone_source::ZoneSource;
use crate::answer::{Book, CompileError, compile};
use crate::source::TextFile;
use crate::zone::{Guarding, Hosts, Pool, Zone};
use crate::zonefile;

/// A zone that can be served.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) serial: u32,
    pub(crate) loaded_at: SystemTime,
    pub(crate) records: usize,
    pub(crate) book: Arc<Book>,
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) basis: Arc<Basis>,
    /// What it says of addresses, where other zones are made from it.
    pub(crate) hosts: Option<Arc<Hosts>>,
    /// When its text was read from the zone's file for the first time, where it
    /// comes from the state directory now; none: it comes from its file.
    pub(crate) kept_at: Option<SystemTime>,
}

/// Everything a version is made from: the same gives the same version.
#[derive(Debug)]
pub(crate) struct Basis {
    pub(crate) source: ZoneSource,
    /// What the zone was made from whose addresses are in this one.
    pub(crate) forward: Option<Arc<Basis>>,
    pub(crate) settings: zonefile::Settings,
    pub(crate) guards: Vec<Guarding>,
    /// The addresses of this node.
    pub(crate) own: Vec<IpAddr>,
    /// The files that it was read from, its own first; none where the text was a kept one.
    pub(crate) texts: Vec<TextFile>,
}

impl Version {
    pub(super) fn of(zone: &Zone, basis: Basis) -> Result<Version, CompileError> {
        Ok(Version {
            serial: zone.serial(),
            loaded_at: SystemTime::now(),
            records: zone.record_count(),
            book: Arc::new(compile(zone)?),
            pools: zone.pools().iter().cloned().map(Arc::new).collect(),
            basis: Arc::new(basis),
            hosts: None,
            kept_at: None,
        })
    }

    /// Whether the zone would come out the same with the file, settings and
    /// guards of `wanted`. The files are read, but nothing is kept of them.
    pub(super) fn is_current(&self, wanted: &Basis) -> bool {
        let Basis { source, forward, settings, guards, own, texts } = &*self.basis;
        self.kept_at.is_none()
            && *source == wanted.source
            && forward.as_ref().map(Arc::as_ptr) == wanted.forward.as_ref().map(Arc::as_ptr)
            && *settings == wanted.settings
            && *own == wanted.own
            && guards.len() == wanted.guards.len()
            && guards.iter().zip(&wanted.guards).all(|(one, other)| guards_the_same(one, other))
            && texts.iter().all(TextFile::is_unchanged)
    }
}

/// Where the config file says it makes no difference.
fn guards_the_same(one: &Guarding, other: &Guarding) -> bool {
    let Guarding { owner, span: _, guards, choice } = one;
    *owner == other.owner && *guards == other.guards && *choice == other.choice
}
