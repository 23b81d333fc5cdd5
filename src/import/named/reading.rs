//! What the rules of `named.conf` work on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use super::super::networks::Clients;
use super::super::statement::{Parsed, Statement};
use super::super::work::Work;
use crate::dns::Name;

/// What the rules of `named.conf` work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    pub(super) parsed: &'r Parsed,
    /// `acl` statements by name, in small letters.
    pub(super) acls: BTreeMap<String, &'r [Statement]>,
    /// Those of the server, and behind them those of the view, which count where both say something.
    pub(super) options: Vec<&'r Statement>,
    /// The statements of the view that is read; none where there are none.
    pub(super) view: Option<&'r [Statement]>,
    /// Of several views, those that are in front of the one that is read; none where there is but one.
    pub(super) before: Option<Vec<Before>>,
    /// Whether names of others are asked for the clients that are read about.
    pub(super) forwards: Forwards,
    pub(super) directory: Option<PathBuf>,
    /// What `listen-on` and `listen-on-v6` said; none where they were not given.
    pub(super) listen: [Option<Vec<SocketAddr>>; 2],
    /// The zone that is served and whose statements are read; none outside of one.
    pub(super) zone: Option<OpenZone>,
}

/// A view in front of another: of several, the first that holds a client counts.
#[derive(Clone, Debug)]
pub(super) struct Before {
    /// The clients that it holds.
    pub(super) clients: Clients,
    /// Its zones that are taken over.
    pub(super) zones: BTreeSet<Name>,
}

/// Whether names of others are asked for some clients: [[forward]] has one list of them, so that they are
/// those of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwards {
    Here,
    Elsewhere,
}

/// A zone whose statements are read.
#[derive(Clone, Debug)]
pub(super) struct OpenZone {
    pub(super) name: Name,
    /// As the report shows it.
    pub(super) shown: String,
    pub(super) contents: ZoneContents,
}

/// Where a zone that is served comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZoneContents {
    File,
    Copied,
}

impl Reading<'_> {
    /// Whether the statements of a zone are read that is copied.
    pub(super) fn is_copied(&self) -> bool {
        self.zone.as_ref().is_some_and(|zone| zone.contents == ZoneContents::Copied)
    }
}

/// Servers to ask, and those of the list that are not among them.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) upstream: Vec<String>,
    pub(super) lost: Vec<String>,
}
