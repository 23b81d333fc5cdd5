//! `[[forward]]`: which names are forwarded, to which upstreams, and for which clients.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::keys::Section;
use super::limit::{EXEMPT_MAX, one_exempt};
use super::table::Table;
use crate::dns::{Name, NameRef};
use crate::forward::{ATTEMPTS_MAX, ForwardZone, Policy, Rebinding, UPSTREAMS_MAX, UpstreamProbe, Upstreams};
use crate::probe::DnsQuestion;
use crate::requestor::{Remote, RemoteFault};
use crate::setting::{Value, keep};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::tls::{AuthorityFile, Verify};
use crate::zones::Clients;

/// How long an upstream may be waited for. Clients ask again after five seconds.
const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(10);

/// How often upstreams may be asked by a probe.
const PROBE_BOUNDS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3600);

/// How often they are unless told otherwise.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);

/// The word for the upstreams of this host.
const SYSTEM: &str = "resolv.conf";

/// Where those are, usually.
const SYSTEM_FILE: &str = "/etc/resolv.conf";

const POLICIES: &[(&str, Policy)] = &[("fastest", Policy::Fastest), ("in-order", Policy::InOrder)];

/// A name whose whole subtree is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Whom to ask, and how.
    pub zone: ForwardZone,
    /// Who may ask.
    pub allow: Vec<Clients>,
}

/// Reads every `[[forward]]`. None of the addresses of `listen` can be an upstream.
pub(super) fn read_all(
    root: &Table<'_>,
    folder: &Path,
    listen: &[SocketAddr],
    found: &mut Diagnostics,
) -> Vec<Forward> {
    let mut names: Vec<(Name, Span)> = Vec::new();
    let mut forwards = Vec::new();
    for table in root.tables(Section::Forward, found) {
        let apex = read_apex(&table, &names, found);
        names.extend(apex.clone());
        let upstreams = read_upstreams(&table, folder, listen, found);
        let Ok(ca) = table.read_file("ca", folder, found, AuthorityFile::new) else { continue };
        let policy = table.read("policy", found, |value| value.word(POLICIES));
        let ask_next_after = table.read("timeout", found, |value| value.duration(&TIMEOUT_BOUNDS));
        let attempts = table.read("attempts", found, attempts);
        let rebinding = table.read("rebinding-protection", found, rebinding);
        let probe = table.table(Section::ForwardProbe, found);
        let is_probed = probe.is_some();
        let probe = probe.and_then(|table| upstream_probe(&table, found));
        if is_probed && probe.is_none() {
            continue;
        }
        let allow = table.get("allow").and_then(|value| allow(value, found));
        let (Some((apex, _)), Some(upstreams)) = (apex, upstreams) else { continue };
        let usual = ForwardZone::new(apex, upstreams);
        let zone = ForwardZone {
            policy: policy.unwrap_or(usual.policy),
            ask_next_after: ask_next_after.unwrap_or(usual.ask_next_after),
            attempts: attempts.unwrap_or(usual.attempts),
            rebinding: rebinding.unwrap_or(usual.rebinding),
            verify: ca.map_or(Verify::System, Verify::File),
            probe,
            ..usual
        };
        forwards.push(Forward { zone, allow: allow.unwrap_or_else(|| vec![Clients::Local]) });
    }
    forwards
}

/// What upstreams must answer; none where that is faulty.
fn upstream_probe(table: &Table<'_>, found: &mut Diagnostics) -> Option<UpstreamProbe> {
    let interval = table.read("interval", found, |value| value.duration(&PROBE_BOUNDS));
    let question = DnsQuestion::read(table, found)?;
    Some(UpstreamProbe { question, interval: interval.unwrap_or(PROBE_INTERVAL) })
}

/// The apex, which none of the `earlier` ones has.
fn read_apex(table: &Table<'_>, earlier: &[(Name, Span)], found: &mut Diagnostics) -> Option<(Name, Span)> {
    let value = table.need("zone", found)?;
    if value.text() == Ok("@") {
        found.push(value.fault("`@` names no zone here").help("for everything write \".\""));
        return None;
    }
    let name = keep(value.name(NameRef::ROOT), found)?;
    if let Some((_, first)) = earlier.iter().find(|(known, _)| *known == name) {
        found.push(value.fault(format!("`{name}` is forwarded already")).and_at(*first, "first given here"));
        return None;
    }
    Some((name, value.span()))
}

fn attempts(value: Value<'_>) -> Result<u32, Diagnostic> {
    value.whole(format!("1 to {ATTEMPTS_MAX}"), |count| {
        Some(count).filter(|count| (1..=ATTEMPTS_MAX).contains(count))
    })
}

fn rebinding(value: Value<'_>) -> Result<Rebinding, Diagnostic> {
    Ok(if value.truth()? { Rebinding::Refused } else { Rebinding::Allowed })
}

fn read_upstreams(
    table: &Table<'_>,
    folder: &Path,
    listen: &[SocketAddr],
    found: &mut Diagnostics,
) -> Option<Upstreams> {
    let path = table.read("resolv-conf", found, |value| match value.text()? {
        "" => Err(value.fault("the path is empty")),
        path => Ok(folder.join(path)),
    });
    let value = table.need("upstream", found)?;
    if value.text() == Ok(SYSTEM) {
        return Some(Upstreams::System(path.unwrap_or_else(|| SYSTEM_FILE.into())));
    }
    if let Ok(text) = value.text() {
        let help = format!("write `[\"{text}\"]`, or \"{SYSTEM}\" for the resolvers of this host");
        found.push(value.fault(format!("`{text}` is not a list of upstreams")).help(help));
        return None;
    }
    let items = value.items().map_err(|_| value.takes("a list, or \"resolv.conf\""));
    let items = keep(items, found)?;
    if items.is_empty() || items.len() > UPSTREAMS_MAX {
        found.push(value.fault(format!("`upstream` has 1 to {UPSTREAMS_MAX} items, not {}", items.len())));
        return None;
    }
    let mut first: Vec<(Remote, Span)> = Vec::new();
    for item in items {
        let Some(address) = keep(upstream(item), found) else { continue };
        if listen.contains(&address.address) {
            found.push(item.fault(format!("`{address}` is this server itself")));
        } else if let Some((_, known)) = first.iter().find(|(known, _)| *known == address) {
            let twice = item.fault(format!("`{address}` is asked already"));
            found.push(twice.and_at(*known, "first given here"));
        } else {
            first.push((address, item.span()));
        }
    }
    Some(Upstreams::Listed(first.into_iter().map(|(address, _)| address).collect()))
}

/// `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`, `tls://192.0.2.1:853#dns.example`,
/// `https://192.0.2.1/dns-query#dns.example`.
fn upstream(value: Value<'_>) -> Result<Remote, Diagnostic> {
    let text = value.text()?;
    Remote::read(value, text).map_err(|fault| match fault {
        RemoteFault::NoAddress | RemoteFault::NoPort => {
            value.fault(format!("`{text}` is not the address of an upstream")).help(
                "write it as \"192.0.2.1\", \"192.0.2.1:5353\" or \"tls://192.0.2.1#dns.example\", also with https:// or \
                 quic://; names are not looked up",
            )
        }
        RemoteFault::Other(fault) => fault,
    })
}

/// Who may ask; none if the list as a whole is of no use.
fn allow(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Clients>> {
    let items = keep(value.items(), found)?;
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} prefixes")).help("name larger networks"));
        return None;
    }
    let mut allowed = Vec::with_capacity(items.len());
    for item in items {
        let Some(clients) = keep(one_exempt(item), found) else { continue };
        if let Clients::Prefix(prefix) = clients
            && prefix.length() == 0
        {
            let open = Diagnostic::warning(item.span(), "the whole world may ask");
            found.push(open.help("an open resolver floods others with what is asked under their addresses"));
        }
        allowed.push(clients);
    }
    Some(allowed)
}
