//! `[kubernetes]`: the cluster that says who belongs to pools, and `members` of `[[zone.probe]]`.
//!
//! Not responsible for asking it (`zones`).

use std::path::Path;
use std::time::Duration;

use super::table::Table;
use crate::dns::Ttl;
use crate::http_client::{Endpoint, EndpointError, Scheme};
use crate::kubernetes::{Access, Kubeconfig, PORT, Selector, SelectorError};
use crate::setting::{DURATION_MAX, Value, keep, path_in};
use crate::source::{Diagnostic, Diagnostics, Span};

/// Most API servers that are named.
const ENDPOINTS_MAX: usize = 16;

/// The TTL of names that have no addresses of their own, in seconds: what `edgedns init` writes.
const TTL_SECONDS: u32 = 10;

/// `[kubernetes]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// How API servers are reached, and who asks.
    pub access: Access,
    /// How long a member stays that the cluster has no more.
    pub forget: Duration,
    /// The TTL of names that have no addresses of their own.
    pub ttl: Ttl,
    /// Where it stands.
    pub span: Span,
}

impl Kubernetes {
    /// Reads `[kubernetes]`; none where it is of no use.
    pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Self> {
        let endpoints = table.get("endpoints").map(|value| endpoints(value, found));
        let forget = table.read("forget", found, |value| value.duration(&(Duration::ZERO..=DURATION_MAX)));
        let ttl = table.read("ttl", found, ttl).or(Ttl::from_seconds(TTL_SECONDS)).unwrap_or_default();
        let named = table.need("kubeconfig", found)?;
        let path = keep(path_in(named, folder), found)?;
        let read = Kubeconfig::read(&path).map_err(|error| named.fault(error.to_string()));
        let Kubeconfig { server, handshake, token } = keep(read, found)?;
        let endpoints = match (endpoints, server) {
            (Some(endpoints), _) => endpoints?,
            (None, Ok(server)) => vec![server],
            (None, Err(name)) => {
                let fault = named.fault(format!("it names its server `{name}`, and names are not looked up"));
                found.push(fault.help("write the addresses of the masters as `endpoints`"));
                return None;
            }
        };
        let access = Access { endpoints, handshake, token };
        let forget = forget.unwrap_or(FORGET);
        Some(Kubernetes { access, forget, ttl, span: table.span() })
    }
}

/// How long a member stays that the cluster has no more.
const FORGET: Duration = Duration::from_secs(600);

/// Who `members` of a block means.
pub(super) fn members(value: Value<'_>) -> Result<Selector, Diagnostic> {
    const HELP: &str =
        "write { nodes = \"node-role.kubernetes.io/master\" }, or { pods = \"NAMESPACE/LABELS\" }";
    let entries = value.entries()?;
    let [(kind, labels)] = entries[..] else {
        return Err(value.fault("`members` are either nodes or pods").help(HELP));
    };
    let text = labels.text()?;
    let read: Result<Selector, SelectorError> = match kind {
        "nodes" => Selector::nodes(text),
        "pods" => Selector::pods(text),
        other => return Err(labels.fault(format!("members are no `{other}`")).help(HELP)),
    };
    read.map_err(|error| labels.fault(error.to_string()).help(HELP))
}

fn endpoints(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Endpoint>> {
    let items = keep(value.items(), found)?;
    if items.is_empty() || items.len() > ENDPOINTS_MAX {
        let count = items.len();
        found.push(value.fault(format!("`endpoints` has 1 to {ENDPOINTS_MAX} items, not {count}")));
        return None;
    }
    let mut list: Vec<Endpoint> = Vec::new();
    for item in items {
        let text = keep(item.text(), found)?;
        match Endpoint::read(text, PORT) {
            Ok(endpoint) if list.contains(&endpoint) => {
                found.push(item.fault(format!("`{endpoint}` is named already")));
            }
            Ok(endpoint) if endpoint.scheme == Scheme::Http => {
                found.push(
                    item.fault("an API server is not asked in plain text").help("begin it with https://"),
                );
            }
            Ok(endpoint) => list.push(endpoint),
            Err(error) => {
                let fault = item.fault(format!("no endpoint of an API server: {error}"));
                found.push(match error {
                    EndpointError::Name { .. } => fault.help("write the addresses of the masters"),
                    EndpointError::Scheme | EndpointError::Address => {
                        fault.help("write it as \"https://192.0.2.13:6443\"")
                    }
                });
            }
        }
    }
    (!list.is_empty()).then_some(list)
}

fn ttl(value: Value<'_>) -> Result<Ttl, Diagnostic> {
    let duration = value.duration(&(Duration::from_secs(1)..=DURATION_MAX))?;
    let seconds = u32::try_from(duration.as_secs()).ok().and_then(Ttl::from_seconds);
    seconds.ok_or_else(|| value.fault("it is too long"))
}
