//! From the config file to the settings of each room.

use super::super::served::Served;
use crate::answer::{CookieSecret, Identity, Prefix, RateLimit};
use crate::config::{Config, Limit};
use crate::daemon::descriptors;
use crate::health;
use crate::tls::secret_bytes;
use crate::transport::{self, TcpSettings};
use crate::zones::{known_networks, networks_of};

pub(super) fn transport_settings(config: &Config) -> transport::Settings {
    transport::Settings {
        listen: config.server.listen.clone(),
        workers: config.server.workers,
        affinity: config.server.affinity,
        tcp: TcpSettings {
            connections_max: config.server.tcp_connections,
            connections_per_client_max: config.server.tcp_connections_per_client,
            idle: config.server.tcp_idle,
            ..TcpSettings::default()
        },
    }
}

pub(super) fn health_settings(config: &Config) -> health::Settings {
    let probes_at_once_max = descriptors::probes_at_once(config.probe.at_once, descriptors::limit());
    health::Settings { probes_at_once_max, damping: config.probe.damping }
}

pub(super) fn identity(config: &Config, own_secret: Option<CookieSecret>) -> Identity {
    let configured = config.server.cookie_secret.as_ref().map(|secret| CookieSecret::new(*secret.bytes()));
    Identity {
        nsid: config.server.nsid.clone(),
        version: config.server.version.clone(),
        cookies: configured.or(own_secret),
    }
}

/// A random secret of the system; none where it has no random numbers.
pub(super) fn random_secret() -> Option<CookieSecret> {
    secret_bytes().map(CookieSecret::new)
}

/// Has `served` know which resolvers are believed for whom they ask, and whom a limit is for.
pub(super) fn know_clients(served: &mut Served, config: &Config) {
    served.set_subnet_from(&config.server.client_subnet_from);
    served.set_limit(rate_limit(&config.limit, &known_networks()));
}

/// The limit, if there is one; `own` are the networks of this host.
pub(super) fn rate_limit(limit: &Limit, own: &[Prefix]) -> Option<RateLimit> {
    let exempt = || networks_of(&limit.exempt, own);
    match (limit.responses_per_second, limit.all_per_second) {
        (None, None) => None,
        (None, Some(all)) => Some(RateLimit::for_all(all, limit.slip, exempt())),
        (Some(alike), None) => Some(RateLimit::new(alike, limit.slip, exempt())),
        (Some(alike), Some(all)) => Some(RateLimit::new(alike, limit.slip, exempt()).with_all(all)),
    }
}
