//! What `local` means besides forwarding: the clients that zones answer, and those that the rate limit
//! exempts.
//!
//! Both follow the networks of this host, which at boot may come up after the server. Not responsible for
//! which these are (`own`), or for what is forwarded (`forwarding`).

use std::collections::HashMap;

use super::super::served::Served;
use super::super::zone_settings::zone_id;
use super::settings::rate_limit;
use crate::answer::{Access, Prefix};
use crate::config::{Config, Limit};
use crate::zones::{Clients, MemberOf, ZoneId, networks_of};

/// The clients, as the configuration has them.
#[derive(Default)]
pub(super) struct Locals {
    limit: Limit,
    zones: Vec<ZoneClients>,
    /// Groups of catalogs whose members answer clients that depend on the networks.
    groups: Vec<(MemberOf, Vec<Clients>)>,
}

/// The clients of a zone that is not for everybody.
struct ZoneClients {
    zone: ZoneId,
    view: Option<Vec<Clients>>,
    allowed: Option<Vec<Clients>>,
}

impl Locals {
    /// What of a configuration depends on the networks of this host.
    pub(super) fn of(config: &Config) -> Self {
        let zones = config.zones.iter().map(|zone| ZoneClients {
            zone: zone_id(zone),
            view: zone.when_client_in.clone(),
            allowed: zone.allow_query.clone(),
        });
        let groups = config.catalogs.iter().flat_map(|catalog| {
            let named = catalog.groups.iter().map(|(name, group)| (Some(name.clone()), group));
            named.chain([(None, &catalog.others)]).filter_map(|(group, settings)| {
                let clients = settings.allow_query.clone()?;
                Some((MemberOf { catalog: catalog.name.clone(), group }, clients))
            })
        });
        Self {
            limit: config.limit.clone(),
            zones: zones.filter(ZoneClients::are_local).collect(),
            groups: groups.filter(|(_, clients)| clients.contains(&Clients::Local)).collect(),
        }
    }

    /// Whether anything does.
    pub(super) fn are_any(&self) -> bool {
        self.limits() || !self.zones.is_empty() || !self.groups.is_empty()
    }

    fn limits(&self) -> bool {
        let Limit { responses_per_second, all_per_second, .. } = self.limit;
        (responses_per_second.is_some() || all_per_second.is_some())
            && self.limit.exempt.contains(&Clients::Local)
    }
}

impl ZoneClients {
    fn are_local(&self) -> bool {
        [&self.view, &self.allowed].into_iter().flatten().any(|clients| clients.contains(&Clients::Local))
    }

    fn access(&self, own: &[Prefix]) -> Option<Box<Access>> {
        let networks = |clients: &Vec<Clients>| networks_of(clients, own);
        Access::new(self.view.as_ref().map(networks), self.allowed.as_ref().map(networks))
    }
}

impl Locals {
    /// Sets what `local` means; the next snapshot has it.
    pub(super) fn mean(&self, served: &mut Served, own: &[Prefix]) {
        if !self.are_any() {
            return;
        }
        if self.limits() {
            served.set_limit(rate_limit(&self.limit, own));
        }
        let configured = self.zones.iter().map(|clients| (clients.zone.clone(), clients.access(own)));
        let mut access: HashMap<ZoneId, Option<Box<Access>>> = configured.collect();
        for (of, clients) in &self.groups {
            let members = served.zones().iter().filter(|zone| zone.member.as_deref() == Some(of));
            let allowed = || Access::new(None, Some(networks_of(clients, own)));
            access.extend(members.map(|zone| (zone.id.clone(), allowed())));
        }
        served.set_access(&access);
    }
}
