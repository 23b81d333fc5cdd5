//! What the rules of `named.conf` work on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::super::statement::{Parsed, Statement};
use super::super::work::Work;

/// What the rules of `named.conf` work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    pub(super) parsed: &'r Parsed,
    /// `acl` statements by name, in small letters.
    pub(super) acls: BTreeMap<String, &'r [Statement]>,
    /// Those of the server, and behind them those of the only view, which count where both say something.
    pub(super) options: Vec<&'r Statement>,
    /// The statements of the only view; none where there are none, or several.
    pub(super) view: Option<&'r [Statement]>,
    pub(super) directory: Option<PathBuf>,
    /// What `listen-on` and `listen-on-v6` said; none where they were not given.
    pub(super) listen: [Option<Vec<SocketAddr>>; 2],
}

/// Servers to ask, and those of the list that are not among them.
#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) upstream: Vec<String>,
    pub(super) lost: Vec<String>,
}
