//! A version of a zone: what is served, and what it was made from.
//!
//! Responsible for whether it would come out the same if it were read now.
//! Not responsible for reading.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::zone_source::ZoneSource;
use crate::answer::{CompileError, CompiledZone, compile};
use crate::source::TextFile;
use crate::zone::{Guarding, Hosts, Pool, Zone};
use crate::zonefile;

/// A zone that can be served.
#[derive(Clone)]
pub struct Version {
    /// Of its SOA record.
    pub serial: u32,
    /// When its contents were accepted.
    pub loaded_at: SystemTime,
    /// How many records it has.
    pub records: usize,
    /// Its compiled form.
    pub compiled: Arc<CompiledZone>,
    /// The pools that its compiled form names, in that order.
    pub pools: Vec<Arc<Pool>>,
    /// What it was made from.
    pub basis: Arc<Basis>,
    /// What it says of addresses, where other zones are made from it.
    pub hosts: Option<Arc<Hosts>>,
    /// When its text was read from the zone's file for the first time, where it
    /// comes from the state directory now; none: it comes from its file.
    pub kept_at: Option<SystemTime>,
}

/// Everything a version is made from: the same gives the same version.
#[derive(Debug)]
pub struct Basis {
    /// Where its records come from.
    pub source: ZoneSource,
    /// What the zone was made from whose addresses are in this one.
    pub forward: Option<Arc<Basis>>,
    /// How its text was read.
    pub settings: zonefile::Settings,
    /// What guards its plain RRsets.
    pub guards: Vec<Guarding>,
    /// The addresses of this node.
    pub own: Vec<IpAddr>,
    /// The files that it was read from, its own first; none where the text was a kept one.
    pub texts: Vec<TextFile>,
}

impl Version {
    pub(super) fn of(zone: &Zone, basis: Basis) -> Result<Version, CompileError> {
        Ok(Version {
            serial: zone.serial(),
            loaded_at: SystemTime::now(),
            records: zone.record_count(),
            compiled: Arc::new(compile(zone)?),
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
