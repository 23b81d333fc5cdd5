//! `[kubernetes]`: the cluster that says who belongs to pools, and `members` of `[[zone.probe]]`.
//!
//! Not responsible for asking it (`zones`).

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::table::Table;
use crate::dns::Ttl;
use crate::http_client::EndpointsOf;
use crate::kubernetes::{Access, Kubeconfig, PORT, Selector, SelectorError};
use crate::setting::{DURATION_MAX, Value, keep, path_in};
use crate::source::{Diagnostic, Diagnostics, Span};

/// Endpoints of API servers.
const ENDPOINTS: EndpointsOf = EndpointsOf {
    server: "an API server",
    port: PORT,
    for_a_name: "write the addresses of the masters",
    not_in_plain: Some("an API server is not asked in plain text"),
    example: "https://192.0.2.13:6443",
};

/// What `ttl` may be.
const TTLS: RangeInclusive<Duration> = Duration::from_secs(1)..=DURATION_MAX;

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
        let endpoints = table.get("endpoints").map(|value| ENDPOINTS.read(value, found));
        let forget = table.read("forget", found, |value| value.duration(&(Duration::ZERO..=DURATION_MAX)));
        let ttl = table
            .read("ttl", found, |value| value.ttl(&TTLS))
            .or(Ttl::from_seconds(TTL_SECONDS))
            .unwrap_or_default();
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
