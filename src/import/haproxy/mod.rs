//! HAProxy: `haproxy.cfg`. A backend whose servers are checked becomes a pool with the same probes.
//!
//! HAProxy takes connections and hands them on; here clients get the addresses of the servers and connect to
//! those. So a backend needs a name, ports have to be the same, and what HAProxy does to connections is left.

mod lines;

mod server;

mod check;

mod rules;

mod pool;

mod ports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::address;
use super::hosts::{self, HostsLine};
use super::made::MadeZones;
use super::report::Fate;
use super::work::{Unreadable, Work, file_at};
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostic, Severity};
use pool::{Hosts, Pool};

/// TTL of the addresses of a pool, in seconds: how long a client may go on with a server that is down.
const TTL: u32 = 10;

/// What an operator adds to the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The domain that the names of backends are in, which is answered whole.
    pub(super) zone: Option<Name>,
    /// The names of backends, relative to that domain or complete.
    pub(super) names: Vec<(String, Vec<String>)>,
    /// A file of the form of /etc/hosts, where the names of servers are looked up.
    pub(super) hosts: Option<PathBuf>,
}

/// Reads `haproxy.cfg`; what it was read from.
pub(super) fn read(work: &mut Work, from: &Path, given: &Given) -> Result<String, Unreadable> {
    let path = file_at(from, &["haproxy.cfg"]);
    let file = work.sources.read(&path).map_err(|error| {
        work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
        work.report
            .add_besides(path.display().to_string(), Fate::refused("it cannot be read: nothing is written"));
        Unreadable
    })?;
    let sections = lines::read(&work.sources, file, &mut work.found);
    let hosts = read_hosts(work, given.hosts.as_deref());
    let mut made = MadeZones::new(TTL);
    if let Some(zone) = &given.zone {
        made.answer_whole(zone.clone(), "--zone");
    }
    let mut pools = Vec::new();
    for section in &sections {
        match section.kind() {
            "backend" | "listen" => {
                pools.push(Pool::read(work, section, &rules::inherited(&sections, section), &hosts));
            }
            _ => rules::report(work, section),
        }
    }
    ports::report(work, &sections, &pools);
    report_unknown_names(work, given, &pools);
    let named = pools.into_iter().map(|pool| (names_of(work, given, &pool), pool)).collect::<Vec<_>>();
    pool::write(work, &mut made, named);
    work.draft.listen = address::everywhere(address::DNS_PORT).into();
    work.draft.listen_remark = "HAProxy says nothing of it".to_owned();
    made.finish(work);
    Ok(path.display().to_string())
}

/// The addresses of names, from a hosts file.
fn read_hosts(work: &mut Work, path: Option<&Path>) -> Hosts {
    let Some(path) = path else { return Hosts::new() };
    let file = match work.sources.read(path) {
        Ok(file) => file,
        Err(error) => {
            work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
            return Hosts::new();
        }
    };
    let mut hosts: Hosts = BTreeMap::new();
    for HostsLine { address, names } in hosts::read(&work.sources, file, &mut work.found) {
        for name in names {
            hosts.entry(name.text.trim_end_matches('.').to_ascii_lowercase()).or_default().push(address);
        }
    }
    hosts
}

/// The names that a backend answers: those that were given, or what it is called in the domain.
fn names_of(work: &mut Work, given: &Given, pool: &Pool) -> Vec<Name> {
    let origin = given.zone.as_ref().map_or(NameRef::ROOT, Name::as_ref);
    let complete = |text: &str| {
        let whole = Name::parse(text.as_bytes(), NameRef::ROOT)?;
        // Within the domain a name may be written whole, without its final dot.
        if whole.as_ref().is_at_or_below(origin) { Ok(whole) } else { Name::parse(text.as_bytes(), origin) }
    };
    let mut names = Vec::new();
    let own = given.names.iter().filter(|(backend, _)| *backend == pool.name).flat_map(|(_, names)| names);
    for text in own {
        match complete(text) {
            Ok(name) => names.push(name),
            Err(error) => {
                work.found.push(Diagnostic::placeless(Severity::Error, format!("`{text}`: {error}")))
            }
        }
    }
    let is_named = given.names.iter().any(|(backend, _)| *backend == pool.name);
    if !is_named && given.zone.is_some() {
        let label = pool.name.to_ascii_lowercase().replace('_', "-");
        names.extend(Name::parse(label.as_bytes(), origin));
    }
    names
}

/// Backends that `--name` names and that are not there.
fn report_unknown_names(work: &mut Work, given: &Given, pools: &[Pool]) {
    for (backend, _) in &given.names {
        if !pools.iter().any(|pool| pool.name == *backend) {
            let known = || pools.iter().map(|pool| pool.name.as_str());
            let help = match crate::source::nearest(backend, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no backend is called `{backend}`");
            work.found.push(Diagnostic::placeless(Severity::Error, message).help(help));
        }
    }
}
