//! What the platform runs itself: the installer's name server, keepalived and load balancer, by their static
//! pods.

use super::finding::{Finding, Grade};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "platform";

/// Where kubelet finds static pods.
const MANIFESTS: &str = "/etc/kubernetes/manifests";

/// The port that the platform's own name server has on every node.
const DNS_PORT: u16 = 53;

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let manifests = host.names(MANIFESTS).unwrap_or_default();
    let manifest = |prefix: &str| manifests.iter().find(|name| name.starts_with(prefix));
    let mut found = Vec::new();
    if let Some(name) = manifest("coredns") {
        let at_its_port = wanted.listen.iter().any(|place| place.port() == DNS_PORT);
        let grade = if at_its_port { Grade::Error } else { Grade::Warning };
        let message =
            format!("the platform serves DNS on this node with a CoreDNS of its own ({MANIFESTS}/{name})");
        found.push(
            Finding::new(SUBJECT, grade, message)
                .note("it has port 53 of every address, and the Machine Config Operator puts it back")
                .help("edgedns is for the platforms `none` and `external`, and for a single node")
                .help(
                    "here it can serve beside it, at another port: have CoreDNS or cluster DNS forward to it",
                ),
        );
    }
    if let Some(name) = manifest("keepalived") {
        let message = format!("keepalived moves the addresses of api and ingress ({MANIFESTS}/{name})");
        found.push(
            Finding::new(SUBJECT, Grade::Warning, message)
                .note("an address that moves is one target: it passes wherever it is, and its probes choose nothing")
                .help("probe the addresses of the masters themselves"),
        );
    }
    if found.is_empty() {
        found.push(Finding::new(SUBJECT, Grade::Fine, "no name server of the platform itself"));
    }
    found
}
