//! What an operator wants of the zones of a server.
//!
//! Filled from the config file, which this room does not read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clients::Clients;
use super::member_of::MemberOf;
use super::signing::DnssecSettings;
use super::source::ZoneSources;
use super::zone_id::ZoneId;
use crate::dns::Name;
use crate::kubernetes::Access;
use crate::source::Span;
use crate::transfer::catalog::Member;
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
    /// The catalogs among the zones, in the order of the config file: of two that name a zone the first one has it.
    pub catalogs: Vec<CatalogSettings>,
    /// The cluster that says who belongs to pools; none: none does.
    pub cluster: Option<Arc<ClusterSettings>>,
}

/// A cluster that says who belongs to pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// How its API servers are reached, and who asks.
    pub access: Access,
    /// How long a member stays that it has no more.
    pub forget: Duration,
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
    /// How it is signed; none: as its sources have it.
    pub dnssec: Option<DnssecSettings>,
    /// The catalog that names it; none: the config file does.
    pub member: Option<Arc<MemberOf>>,
}

/// A zone whose contents say which other zones are served (RFC 9432).
#[derive(Clone, Debug)]
pub struct CatalogSettings {
    /// Its name, which is that of one of the zones.
    pub name: Name,
    /// How members of groups are served, in the order of the config file: of several groups of a member the first here
    /// counts.
    pub groups: Vec<(String, MemberSettings)>,
    /// How the others are.
    pub others: MemberSettings,
}

/// How members of a catalog are served.
#[derive(Clone, Debug)]
pub struct MemberSettings {
    /// Where the config file says so.
    pub span: Span,
    /// Where their records come from.
    pub sources: ZoneSources,
    /// The clients that are answered; none: all.
    pub allow_query: Option<Vec<Clients>>,
    /// How much memory each may take.
    pub memory_limit: MemoryLimit,
    /// Whose updates of them are passed on to their primaries; none: nobody's.
    pub update: Option<Arc<Policy>>,
}

impl CatalogSettings {
    /// How a member is served.
    pub(super) fn member(&self, zone: &Name, member: &Member) -> ZoneSettings {
        let is_named = |name: &str| member.groups.iter().any(|group| group.is(name));
        let group = self.groups.iter().find(|(name, _)| is_named(name));
        let MemberSettings { span, sources, allow_query, memory_limit, update } =
            group.map_or(&self.others, |(_, settings)| settings).clone();
        let of = MemberOf { catalog: self.name.clone(), group: group.map(|(name, _)| name.clone()) };
        ZoneSettings {
            id: zone.clone().into(),
            name_span: span,
            sources,
            when_client_in: None,
            allow_query,
            memory_limit,
            guards: Vec::new(),
            update,
            dnssec: None,
            member: Some(Arc::new(of)),
        }
    }
}
