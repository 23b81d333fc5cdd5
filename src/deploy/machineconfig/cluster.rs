//! Documents for the cluster itself: when a node reboots, and which servers cluster DNS asks.

use std::net::{IpAddr, SocketAddr};

use super::super::yaml::Value;
use super::binary;
use super::dispatcher;
use super::error::{Error, UPSTREAMS_MAX};
use super::node_file::{CONFIG, FOLDER};
use super::object::{NAME_BYTES_MAX, is_name};
use super::recipe::{Part, Site};
use crate::dns::Name;
use crate::source::{Diagnostic, Severity};

/// The port that is meant where none is given.
const DNS_PORT: u16 = 53;

/// A document for the cluster, and what is to be known of it.
pub(super) struct Document {
    pub(super) remark: &'static str,
    pub(super) value: Value,
}

const POLICY_REMARK: &str = "\
Reload instead of reboot when zones or config change, from OpenShift 4.17 on. Make and apply it only when edgedns
runs on every node of the pool: where it does not, a reload fails and the node is degraded. Not with a merge patch,
which would take out the policies of others.";

const DNS_REMARK: &str = "\
Cluster DNS asks edgedns for these zones. There is one list of servers: where another owner has some in it, the
command refuses, and they are to be added here first.";

/// What a change of each of our files asks of a node.
pub(super) fn node_disruption_policy(parts: &[Part]) -> Document {
    let reload = || {
        let service = Value::Map(vec![("serviceName", "edgedns.service".into())]);
        Value::Map(vec![("type", "Reload".into()), ("reload", service)])
    };
    // NetworkManager reads the script anew whenever it runs it.
    let nothing = || Value::Map(vec![("type", "None".into())]);
    let mut files = vec![(FOLDER, reload()), (CONFIG, reload())];
    files.extend(parts.contains(&Part::Dispatcher).then(|| (dispatcher::PATH, nothing())));
    let files = files.into_iter().map(|(path, action)| {
        Value::Map(vec![("path", path.into()), ("actions", Value::List(vec![action]))])
    });
    let mut policy = vec![("files", Value::List(files.collect()))];
    // Units that the package brings are no matter of the operator's.
    let has = |is_it: fn(&Part) -> bool| parts.iter().any(is_it);
    let ours: &[&str] = if has(|part| matches!(part, Part::FetchedBinary(..))) {
        &[binary::FETCH_NAME, binary::SERVICE_NAME]
    } else if has(|part| matches!(part, Part::CarriedBinary(_))) {
        &[binary::SERVICE_NAME]
    } else {
        &[]
    };
    if !ours.is_empty() {
        policy.push(("units", Value::List(ours.iter().map(|unit| restarted(unit)).collect())));
    }
    let policy = Value::Map(policy);
    let value = Value::Map(vec![
        ("apiVersion", "operator.openshift.io/v1".into()),
        ("kind", "MachineConfiguration".into()),
        ("metadata", Value::Map(vec![("name", "cluster".into())])),
        ("spec", Value::Map(vec![("nodeDisruptionPolicy", policy)])),
    ]);
    Document { remark: POLICY_REMARK, value }
}

/// A unit that is read and started again when it changes.
fn restarted(unit: &str) -> Value {
    let restart = Value::Map(vec![("serviceName", unit.into())]);
    let actions = [
        Value::Map(vec![("type", "DaemonReload".into())]),
        Value::Map(vec![("type", "Restart".into()), ("restart", restart)]),
    ];
    Value::Map(vec![("name", unit.into()), ("actions", Value::List(actions.to_vec()))])
}

/// Where cluster DNS asks for the zones of the site.
///
/// # Errors
///
/// When there is no address to ask at, too many, or no zone to ask for.
pub(super) fn dns_operator(
    site: &Site,
    given: &[IpAddr],
    remarks: &mut Vec<Diagnostic>,
) -> Result<Document, Error> {
    let upstreams: Vec<String> = if given.is_empty() {
        let places = site.listen.iter().filter(|place| is_of_a_node(place.ip()));
        places.map(upstream).collect()
    } else {
        given.iter().map(IpAddr::to_string).collect()
    };
    match upstreams.len() {
        0 => return Err(Error::NoUpstream),
        count if count > UPSTREAMS_MAX => return Err(Error::TooManyUpstreams(count)),
        _ => {}
    }
    let mut zones = Vec::new();
    for zone in &site.zones {
        match subdomain(zone) {
            Some(name) => zones.push(Value::Text(name)),
            None => {
                let message =
                    format!("cluster DNS does not get `{zone}`: it takes host names, and none of its own");
                remarks.push(Diagnostic::placeless(Severity::Warning, message));
            }
        }
    }
    if zones.is_empty() {
        return Err(Error::NoZone);
    }
    let upstreams = upstreams.into_iter().map(Value::Text).collect();
    let forward = Value::Map(vec![("policy", "Random".into()), ("upstreams", Value::List(upstreams))]);
    let server = Value::Map(vec![
        ("name", "edgedns".into()),
        ("zones", Value::List(zones)),
        ("forwardPlugin", forward),
    ]);
    let value = Value::Map(vec![
        ("apiVersion", "operator.openshift.io/v1".into()),
        ("kind", "DNS".into()),
        ("metadata", Value::Map(vec![("name", "default".into())])),
        ("spec", Value::Map(vec![("servers", Value::List(vec![server]))])),
    ]);
    Ok(Document { remark: DNS_REMARK, value })
}

/// Whether it is one node's, and can be asked from a pod.
fn is_of_a_node(address: IpAddr) -> bool {
    !address.is_loopback() && !address.is_unspecified()
}

fn upstream(place: &SocketAddr) -> String {
    if place.port() == DNS_PORT { place.ip().to_string() } else { place.to_string() }
}

/// The zone as the DNS operator takes it: a subdomain of RFC 1123, in small letters, outside of the cluster's
/// own domain.
fn subdomain(zone: &Name) -> Option<String> {
    let text = zone.to_string().to_ascii_lowercase();
    let text = text.strip_suffix('.')?;
    let is_own = text == "cluster.local" || text.ends_with(".cluster.local");
    (is_name(text, NAME_BYTES_MAX) && !is_own).then(|| text.to_owned())
}
