//! Forwarding as the configuration wants it.
//!
//! Has the forwarder's settings and its clients, which follow the networks of this host, and gathers its
//! status. Not responsible for forwarding.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::answer::{CookieSecret, ForwardTable, ForwardedZone, Prefix, Readers};
use crate::config::{Config, Forward};
use crate::dns::{Name, NameRef};
use crate::forward::{self, ForwardStatus, Forwarder, OwnAddresses};
use crate::zones::{Clients, known_addresses, known_networks, networks_of};

/// How often it is looked whether this host is in other networks: at boot they come after us.
const NETWORKS_INTERVAL: Duration = Duration::from_secs(5);

/// The forwarder and the clients that may ask it.
pub(super) struct Forwarding {
    forwarder: Forwarder,
    forwards: Vec<Forward>,
    networks: Vec<Prefix>,
    looked: Instant,
}

impl Forwarding {
    /// Starts a forwarder, which is idle where nothing is forwarded.
    pub(super) fn start(config: &Config, own_secret: Option<CookieSecret>) -> Self {
        Self {
            forwarder: Forwarder::start(&Handle::current(), settings(config, own_secret)),
            forwards: config.forwards.clone(),
            networks: known_networks(),
            looked: Instant::now(),
        }
    }

    /// Forwards what another configuration says.
    pub(super) fn change(&mut self, config: &Config, own_secret: Option<CookieSecret>) {
        self.forwarder.change(settings(config, own_secret));
        self.forwards = config.forwards.clone();
        self.networks = known_networks();
    }

    /// Where workers get their cache frontends.
    pub(super) fn forwarder(&self) -> Forwarder {
        self.forwarder.clone()
    }

    /// Lets aliases of upstreams lead into what is served.
    pub(super) fn follow_aliases_into(&self, readers: Readers) {
        self.forwarder.follow_aliases_into(readers);
    }

    /// The zone whose upstreams are asked for a name: the longest.
    pub(super) fn zone_of(&self, qname: NameRef<'_>) -> Option<&Name> {
        let apexes = self.forwards.iter().map(|forward| &forward.zone.apex);
        apexes
            .filter(|apex| qname.is_at_or_below(apex.as_ref()))
            .max_by_key(|apex| apex.as_ref().label_count())
    }

    /// The forwarded zones, with their clients.
    pub(super) fn table(&self) -> Option<ForwardTable> {
        let zone = |forward: &Forward| ForwardedZone {
            apex: forward.zone.apex.clone(),
            allow: networks_of(&forward.allow, &self.networks),
        };
        ForwardTable::new(self.forwards.iter().map(zone))
    }

    /// The networks of this host, as they were found last.
    pub(super) fn networks(&self) -> &[Prefix] {
        &self.networks
    }

    pub(super) fn are_local(&self) -> bool {
        self.forwards.iter().any(|forward| forward.allow.contains(&Clients::Local))
    }

    /// Whether this host is in other networks now.
    pub(super) fn networks_changed(&mut self) -> bool {
        if self.looked.elapsed() < NETWORKS_INTERVAL {
            return false;
        }
        self.looked = Instant::now();
        let now = known_networks();
        let changed = now != self.networks;
        self.networks = now;
        changed
    }

    /// How it is doing; the workers have counted `rate_limited`.
    pub(super) fn status(&self, rate_limited: u64) -> Option<ForwardStatus> {
        self.forwarder.report().map(|report| ForwardStatus { rate_limited, ..report })
    }
}

fn settings(config: &Config, own_secret: Option<CookieSecret>) -> forward::Settings {
    let configured = config.server.cookie_secret.as_ref().map(|secret| CookieSecret::new(*secret.bytes()));
    forward::Settings {
        zones: config.forwards.iter().map(|forward| forward.zone.clone()).collect(),
        cache: config.cache,
        cookies: configured.or(own_secret),
        own: OwnAddresses { listen: config.server.addresses(), addresses: || known_addresses().into() },
        own_zones: config.zones.iter().map(|zone| zone.name.clone()).collect(),
    }
}
