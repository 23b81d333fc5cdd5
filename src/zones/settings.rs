//! What an operator wants of the zones of a server.
//!
//! Filled from the config file, which this room does not read.

use std::path::PathBuf;
use std::sync::Arc;

use super::clients::Clients;
use super::source::ZoneSources;
use super::zone_id::ZoneId;
use crate::source::Span;
use crate::update::Policy;
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
    /// Where its records come from.
    pub sources: ZoneSources,
    /// The clients that see this version; none: all that see none before it.
    pub when_client_in: Option<Vec<Clients>>,
    /// Those of them that are answered; none: all.
    pub allow_query: Option<Vec<Clients>>,
    /// How much memory it may take while it is read.
    pub memory_limit: MemoryLimit,
    /// What guards plain RRsets, in the order of the config file.
    pub guards: Vec<Guarding>,
    /// Who may change it while it is served; none: nobody.
    pub update: Option<Arc<Policy>>,
}
