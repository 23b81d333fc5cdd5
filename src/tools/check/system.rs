//! `edgedns check --system`: collects what the config needs of this host, for `deploy` to examine, and looks at its stores.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::stores;
use crate::config::{Config, Secrecy, referenced};
use crate::daemon::LoadResult;
use crate::deploy::system::{self, Finding, Host, Wanted};
use crate::dns::Name;
use crate::transport::{Protocols, SocketProtocol};
use crate::zone::Zone;
use crate::zones::own_addresses;

/// The domains that this host searches, and the zones that answer for them.
#[derive(Default)]
pub(super) struct Searched {
    domains: Vec<Domain>,
}

struct Domain {
    name: Name,
    /// The apex of the zone nearest to it so far.
    zone: Option<Name>,
    /// The wildcard of that zone that answers for every name in the domain.
    wildcard: Option<Name>,
}

impl Searched {
    /// By this host, with no zone looked at.
    pub(super) fn by_this_host() -> Self {
        let domains = system::search_domains(&this_host()).into_iter();
        Searched { domains: domains.map(|name| Domain { name, zone: None, wildcard: None }).collect() }
    }

    /// Looks at one more zone.
    pub(super) fn see(&mut self, zone: &Zone) {
        for domain in &mut self.domains {
            let is_nearer = |other: &Name| zone.apex().is_at_or_below(other.as_ref());
            if domain.name.as_ref().is_at_or_below(zone.apex()) && domain.zone.as_ref().is_none_or(is_nearer)
            {
                let wildcard = zone.answering_wildcard(domain.name.as_ref());
                let same = domain.zone.as_ref().is_some_and(|other| other.as_ref() == zone.apex());
                // Of several versions of a zone any may be the one that pods get to see.
                let kept = domain.wildcard.take().filter(|_| same);
                domain.wildcard = kept.or_else(|| wildcard.map(|node| node.name().to_name()));
                domain.zone = Some(zone.apex().to_name());
            }
        }
    }

    fn wildcards(self) -> Vec<(Name, Name)> {
        self.domains.into_iter().filter_map(|domain| Some((domain.name, domain.wildcard?))).collect()
    }
}

fn this_host() -> Host {
    Host::new(PathBuf::from("/"), SystemTime::now(), own_addresses().unwrap_or_default())
}

/// Looks at the host this runs on. A config that cannot be used says nothing of ports and addresses: those
/// that are wanted without a word are taken then.
pub(super) fn examine(path: &Path, reading: &LoadResult, searched: Searched) -> Vec<Finding> {
    let host = this_host();
    let fallback = Config::default();
    let config = reading.loaded.as_ref().map_or(&fallback, |loaded| &loaded.config);
    let wanted = Wanted { wildcards: searched.wildcards(), ..wanted(path, config, reading) };
    let mut found = system::examine(&host, &wanted);
    found.extend(stores::look(config));
    found
}

fn wanted(path: &Path, config: &Config, reading: &LoadResult) -> Wanted {
    let sources = &reading.sources;
    let referenced = sources.first().map(|file| referenced(sources, file, path)).unwrap_or_default();
    let named = |secrecy| {
        let of_it = referenced.iter().filter(move |referenced| referenced.secrecy == secrecy);
        of_it.filter_map(|referenced| referenced.file.as_deref())
    };
    let read = sources.files().map(|file| file.path.as_path()).chain(sources.unread());
    let files = each_once([path].into_iter().chain(read).chain(named(Secrecy::Open)));
    let secrets = each_once(named(Secrecy::Secret));
    let absolute = |path: &PathBuf| std::path::absolute(path).ok();
    Wanted {
        listen: config.server.addresses_of(Protocols::Plain),
        encrypted: encrypted(config),
        admin: config.admin.listen,
        files,
        secrets,
        state_directory: config.admin.state_directory.as_ref().and_then(absolute),
        socket: config.admin.socket.as_ref().and_then(absolute),
        wildcards: Vec::new(),
    }
}

/// Absolute paths, each once.
fn each_once<'p>(files: impl Iterator<Item = &'p Path>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = files.filter_map(|file| std::path::absolute(file).ok()).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Where encrypted transports are to be served, and by which sockets.
fn encrypted(config: &Config) -> Vec<(SocketAddr, SocketProtocol)> {
    let listen = config.server.listen.iter().filter(|one| one.protocols.entry().is_encrypted());
    listen.map(|one| (one.address, one.protocols.entry().socket)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Diagnostics, Sources, Span};
    use crate::zone::Builder;
    use crate::zonefile;

    fn zone(apex: &str, records: &str) -> Zone {
        let mut sources = Sources::default();
        let text = format!("$TTL 60\n@ SOA ns.test. h.test. 1 2 3 4 5\n@ NS ns.test.\n{records}\n");
        let file = sources.add("lab.zone", text.into_bytes());
        let mut builder = Builder::new(apex.parse().unwrap(), Span::new(file, 0, 0));
        let mut found = Diagnostics::default();
        zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
        builder.finish(&mut found).unwrap()
    }

    /// The wildcards found for a domain, whichever zone comes first.
    fn searched(domain: &str, zones: &[(&str, &str)]) -> Vec<String> {
        let found = |order: &mut dyn Iterator<Item = &(&str, &str)>| {
            let name = domain.parse().unwrap();
            let mut searched = Searched { domains: vec![Domain { name, zone: None, wildcard: None }] };
            order.for_each(|(apex, records)| searched.see(&zone(apex, records)));
            searched.wildcards().iter().map(|(_, wildcard)| wildcard.to_string()).collect::<Vec<String>>()
        };
        let forwards = found(&mut zones.iter());
        assert_eq!(forwards, found(&mut zones.iter().rev()));
        forwards
    }

    #[test]
    fn a_searched_domain_is_answered_by_the_wildcard_of_the_nearest_zone() {
        let parent = ("example.com", "* A 192.0.2.9");
        assert_eq!(searched("example.com", &[parent]), ["*.example.com."]);
        assert_eq!(searched("ocp4.example.com", &[parent]), ["*.example.com."]);
        for wildcard in [
            "* CNAME www.test.",
            "* AAAA 2001:db8::1",
            "$GENERATE 1-1 * A 192.0.2.$",
            "* LUA A \"pickrandom({'192.0.2.1'})\"",
        ] {
            assert_eq!(
                searched("ocp4.example.com", &[("ocp4.example.com", wildcard)]),
                ["*.ocp4.example.com."]
            );
        }
        for child in ["*.apps A 192.0.2.9", "* TXT x"] {
            assert_eq!(searched("ocp4.example.com", &[parent, ("ocp4.example.com", child)]), [""; 0]);
        }
        assert_eq!(searched("ocp4.example.com", &[("example.com", "* A 192.0.2.9\nocp4 TXT x")]), [""; 0]);
        assert_eq!(searched("example.net", &[parent]), [""; 0]);
    }
}
