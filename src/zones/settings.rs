//! What an operator wants of the zones of a server.
//!
//! Filled from the config file, which this room does not read.

use std::path::PathBuf;

use super::clients::Clients;
use super::zone_id::ZoneId;
use crate::dns::Name;
use crate::source::Span;
use crate::zone::{Guarding, MemoryLimit};
use crate::zonefile;

/// All zones, and what is the same for each of them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The config file. An error there may only be the echo of one in a zone file.
    pub config: PathBuf,
    /// The zones, in the order of the config file.
    pub zones: Vec<ZoneSettings>,
    /// How zone text is read. Each zone has its own memory limit instead of the one in here.
    pub text: zonefile::Settings,
    /// Where what is to outlive a restart is kept; none: it is not kept.
    pub state_directory: Option<PathBuf>,
}

/// One zone, or one of several versions of it.
#[derive(Clone, Debug)]
pub struct ZoneSettings {
    /// What tells it from the others.
    pub id: ZoneId,
    /// Where the config file names it.
    pub name_span: Span,
    /// Its zone file; none only where it is made from another zone.
    pub file: Option<ZoneFile>,
    /// The zone whose addresses give its PTR records.
    pub reverse_of: Option<ReverseOf>,
    /// The clients that see this version; none: all that see none before it.
    pub when_client_in: Option<Vec<Clients>>,
    /// Those of them that are answered; none: all.
    pub allow_query: Option<Vec<Clients>>,
    /// How much memory it may take while it is read.
    pub memory_limit: MemoryLimit,
    /// What guards plain RRsets, in the order of the config file.
    pub guards: Vec<Guarding>,
}

/// A zone file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneFile {
    /// If it was written relative, below the config file's folder.
    pub path: PathBuf,
    /// Where it is named.
    pub span: Span,
}

/// The zone that a reverse zone is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseOf {
    /// Its apex, which some other zone has.
    pub zone: Name,
    /// Where it is named.
    pub span: Span,
}
