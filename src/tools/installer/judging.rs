//! Whether a server says what an installation and a running cluster need, and denies what it must.
//!
//! The names are those of the installation on user-provisioned infrastructure: api, api-int, `*.apps`, the nodes by name and
//! by address; the host that installs; and etcd, for releases before 4.4.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::lookup::{Lookup, Told, address_of, target_of};
use crate::deploy::init::Node;
use crate::deploy::system::{Finding, Grade, HostsEntry, listed};
use crate::dns::{Name, Rtype};
use crate::zone::reverse_name;

/// Names of routes that a cluster has from its first day.
const ROUTES: [&str; 4] = [
    "console-openshift-console.apps",
    "oauth-openshift.apps",
    "downloads-openshift-console.apps",
    "canary-openshift-ingress-canary.apps",
];

/// A label that no cluster has: what it stands for is made up.
const MADE_UP: &str = "edgedns-check-made-up";

/// What a name is looked up as where a list of domains is searched: pods do it with each name of less than five dots.
const OUTSIDE: &str = "registry.redhat.io";

/// TTL of names that follow probes, at most, in seconds: with the time until a fault is seen an address must be gone within
/// the 30 s that OpenShift asks for.
const TTL_MAX: u32 = 30;

/// What is known of the cluster.
#[derive(Clone, Debug)]
pub(super) struct Needs<'n> {
    /// `ocp4.example.com`, without a final dot.
    pub(super) domain: String,
    /// Nodes that are to be there.
    pub(super) nodes: &'n [Node],
    /// The host that installs: bootstrap, or the rendezvous host.
    pub(super) bootstrap: Option<&'n Node>,
    /// The hosts file of this host.
    pub(super) hosts: &'n [HostsEntry],
    /// The domains that this host searches.
    pub(super) searched: &'n [Name],
}

/// The addresses of a name.
#[derive(Clone, Debug, Default)]
struct Addresses {
    all: Vec<IpAddr>,
    ttl: u32,
    /// Why there is none.
    lack: String,
}

/// Everything that is to be said about a server.
pub(super) fn judge(needs: &Needs<'_>, lookup: &mut dyn Lookup) -> Vec<Finding> {
    let mut judging = Judging { needs, lookup, found: Vec::new(), known: BTreeMap::new() };
    let api = judging.needed("api", "everybody who uses the cluster asks for it");
    judging.needed("api-int", "kubelet and the machine config server of every node are reached by it");
    judging.routes();
    judging.times(&api);
    judging.nodes(&api);
    judging.bootstrap(&api);
    judging.etcd();
    judging.wildcards();
    judging.hosts_file();
    judging.searched();
    judging.found
}

struct Judging<'j> {
    needs: &'j Needs<'j>,
    lookup: &'j mut dyn Lookup,
    found: Vec<Finding>,
    /// What was found for each name that is needed.
    known: BTreeMap<String, Vec<IpAddr>>,
}

impl Judging<'_> {
    /// Below the domain of the cluster.
    fn below(&self, label: &str) -> String {
        format!("{label}.{}", self.needs.domain)
    }

    fn told(&mut self, name: &str, rtype: Rtype) -> Told {
        match name.parse::<Name>() {
            Ok(name) => self.lookup.look_up(&name, rtype),
            Err(error) => Told::Failure(error.to_string()),
        }
    }

    /// The addresses of a name; and a fault, where a type that it does not have is not denied as it should be.
    fn addresses(&mut self, subject: &'static str, name: &str) -> Addresses {
        let told = [Rtype::A, Rtype::AAAA].map(|rtype| (rtype, self.told(name, rtype)));
        let records = || told.iter().flat_map(|(_, told)| told.records());
        let mut all: Vec<IpAddr> = records().filter_map(address_of).collect();
        all.sort_unstable();
        let ttl = records().map(|record| record.ttl).min().unwrap_or_default();
        let lack = told[0].1.lack().unwrap_or_default();
        let denied = told.iter().find(|(_, told)| matches!(told, Told::NxDomain | Told::Failure(_)));
        if let (false, Some((rtype, told))) = (all.is_empty(), denied) {
            let how = told.lack().unwrap_or_default();
            self.found.push(
                Finding::new(subject, Grade::Error, format!("`{name}` has addresses, but of {rtype} {how}"))
                    .note("a client that asks for both kinds may take that for the whole name, and fails")
                    .help("a name without records of a type is answered NOERROR without records"),
            );
        }
        Addresses { all, ttl, lack }
    }

    /// A name that must have addresses which can be reached.
    fn needed(&mut self, label: &'static str, why: &str) -> Addresses {
        let name = self.below(label);
        let found = self.addresses(label, &name);
        self.known.insert(name.clone(), found.all.clone());
        if found.all.is_empty() {
            self.found.push(
                Finding::new(label, Grade::Error, format!("`{name}` has no address: {}", found.lack))
                    .note(why)
                    .help("give it the addresses of the masters, or of the load balancer before them")
                    .help("`edgedns init --cluster … --base-domain … --master …` writes the whole zone"),
            );
        } else if let Some(unfit) = found.all.iter().find(|one| one.is_loopback() || one.is_unspecified()) {
            let message = format!("`{name}` has {unfit}, which leads every client to itself");
            self.found
                .push(Finding::new(label, Grade::Error, message).help("name the address that others reach"));
        } else {
            let message = format!("`{name}` has {}", listed(&found.all));
            self.found.push(Finding::new(label, Grade::Fine, message));
        }
        found
    }

    /// Routes that are there from the first day, and one that comes tomorrow.
    fn routes(&mut self) {
        const SUBJECT: &str = "apps";
        let made_up = format!("{MADE_UP}.apps");
        let names = ROUTES.iter().copied().chain([made_up.as_str()]);
        let found: Vec<(String, Addresses)> = names
            .map(|label| {
                let name = self.below(label);
                let addresses = self.addresses(SUBJECT, &name);
                self.known.insert(name.clone(), addresses.all.clone());
                (name, addresses)
            })
            .collect();
        let apps = self.below("*.apps");
        let lacking = found.iter().filter(|(_, addresses)| addresses.all.is_empty());
        let lacking: Vec<&(String, Addresses)> = lacking.collect();
        let Some((name, addresses)) = lacking.first() else {
            let message = match found.first() {
                Some((_, first)) => format!("`{apps}` has {}", listed(&first.all)),
                None => return,
            };
            self.found.push(Finding::new(SUBJECT, Grade::Fine, message));
            return;
        };
        let message = if lacking.len() == found.len() {
            format!("`{apps}` has no address: {}", addresses.lack)
        } else {
            format!(
                "{} of {} names below `{apps}` have no address, first `{name}`: {}",
                lacking.len(),
                found.len(),
                addresses.lack
            )
        };
        self.found.push(
            Finding::new(SUBJECT, Grade::Error, message)
                .note("console and login are reached by such names, and every route that is made later")
                .help(format!("a wildcard `{apps}` with the addresses of the nodes that run routers")),
        );
    }

    /// How long a client may keep what no longer holds.
    fn times(&mut self, api: &Addresses) {
        if api.all.len() > 1 && api.ttl > TTL_MAX {
            let name = self.below("api");
            let message = format!("`{name}` may be kept for {} s, and has several addresses", api.ttl);
            self.found.push(
                Finding::new("api", Grade::Warning, message)
                    .note("for that long clients try a master that is gone; OpenShift wants one out within 30 s")
                    .help("a TTL of 10 s, if these are masters; one address of a load balancer may be kept longer"),
            );
        }
    }

    /// The nodes, by name and by address.
    fn nodes(&mut self, api: &Addresses) {
        for node in self.needs.nodes {
            self.node("nodes", node);
        }
        let given = |address: &IpAddr| {
            self.needs.nodes.iter().chain(self.needs.bootstrap).any(|node| node.addresses.contains(address))
        };
        let others: Vec<IpAddr> = api.all.iter().copied().filter(|address| !given(address)).collect();
        for address in others {
            self.reverse("nodes", address, None);
        }
    }

    fn node(&mut self, subject: &'static str, node: &Node) {
        let name = node.name.as_ref().map(|label| self.below(&label.to_string()));
        if let Some(name) = &name {
            let found = self.addresses(subject, name);
            self.known.insert(name.clone(), found.all.clone());
            let missing: Vec<&IpAddr> =
                node.addresses.iter().filter(|address| !found.all.contains(address)).collect();
            if missing.is_empty() {
                let message = format!("`{name}` has {}", listed(&found.all));
                self.found.push(Finding::new(subject, Grade::Fine, message));
            } else {
                let message = format!("`{name}` does not have {}", listed(missing));
                let has =
                    if found.all.is_empty() { found.lack } else { format!("it has {}", listed(&found.all)) };
                self.found.push(
                    Finding::new(subject, Grade::Error, message)
                        .note(has)
                        .help("an A or AAAA record for each address of the node"),
                );
            }
        }
        for address in &node.addresses {
            self.reverse(subject, *address, Some(name.as_deref()));
        }
    }

    /// The name of an address; `node` is there where it is known to be one, with the name that it should have.
    fn reverse(&mut self, subject: &'static str, address: IpAddr, node: Option<Option<&str>>) {
        let Some(owner) = reverse_name(address) else { return };
        let told = self.lookup.look_up(&owner, Rtype::PTR);
        let names: Vec<Name> = told.records().iter().filter_map(target_of).collect();
        let grade = if node.is_some() { Grade::Error } else { Grade::Warning };
        let remedy = format!(
            "a PTR record at `{owner}` with the node's full name; `reverse-of` of edgedns makes them"
        );
        let because = "a node takes its host name from there, unless DHCP or networkConfig gives it one, and its certificates are made for that name";
        if let Some(lack) = told.lack() {
            let message = format!("{address} has no name: {lack}");
            self.found.push(Finding::new(subject, grade, message).note(because).help(remedy));
            return;
        }
        let plain = |name: &Name| name.to_string().trim_end_matches('.').to_ascii_lowercase();
        let shown: Vec<String> = names.iter().map(plain).collect();
        if let Some(Some(wanted)) = node
            && !shown.iter().any(|name| name.eq_ignore_ascii_case(wanted))
        {
            let message = format!("{address} is called `{}`, not `{wanted}`", shown.join("`, `"));
            self.found.push(Finding::new(subject, Grade::Error, message).note(because).help(remedy));
            return;
        }
        let services: Vec<&String> = shown.iter().filter(|name| self.is_service(name)).collect();
        if node.is_some() && services.len() == shown.len() {
            let message = format!("{address} is called {}, which is a service", listed(services));
            self.found.push(Finding::new(subject, Grade::Error, message).note(because).help(remedy));
            return;
        }
        if shown.len() > 1 {
            let message = format!("{address} has {} names: {}", shown.len(), shown.join(", "));
            self.found.push(
                Finding::new(subject, Grade::Warning, message)
                    .note("which of them a node gets is left to chance")
                    .help("leave it the one of the host; api and api-int of edgedns need none"),
            );
        }
        for name in shown {
            let back = self.addresses(subject, &name);
            if back.all.contains(&address) {
                self.found.push(Finding::new(
                    subject,
                    Grade::Fine,
                    format!("{address} is `{name}`, and back"),
                ));
            } else {
                let has =
                    if back.all.is_empty() { back.lack } else { format!("that has {}", listed(&back.all)) };
                self.found.push(
                    Finding::new(
                        subject,
                        grade,
                        format!("{address} is called `{name}`, which leads elsewhere"),
                    )
                    .note(has)
                    .help("let name and address lead to each other"),
                );
            }
        }
    }

    /// Whether a name is no host's.
    fn is_service(&self, name: &str) -> bool {
        let labels = ["api", "api-int", "etcd-0", "etcd-1", "etcd-2"];
        labels.iter().any(|label| name.eq_ignore_ascii_case(&self.below(label)))
    }

    /// The host that installs: it is an API server meanwhile.
    fn bootstrap(&mut self, api: &Addresses) {
        const SUBJECT: &str = "bootstrap";
        let Some(node) = self.needs.bootstrap else {
            let name = self.below(SUBJECT);
            let told = self.told(&name, Rtype::A);
            let addresses: Vec<IpAddr> = told.records().iter().filter_map(address_of).collect();
            let message = if addresses.is_empty() {
                format!("no `{name}`: right, unless a host of its own installs the cluster (--bootstrap)")
            } else {
                format!("`{name}` has {}; it can go when the cluster is there", listed(addresses))
            };
            self.found.push(Finding::new(SUBJECT, Grade::Fine, message));
            return;
        };
        self.node(SUBJECT, node);
        // Where api leads to nodes, the installing one must be among them; where it leads to a load balancer, that has it.
        let is_node = |address: &IpAddr| self.needs.nodes.iter().any(|node| node.addresses.contains(address));
        let missing = node.addresses.iter().find(|address| !api.all.contains(address));
        let leads_to_nodes =
            api.all.iter().any(is_node) || node.addresses.iter().any(|one| api.all.contains(one));
        match missing {
            Some(address) if leads_to_nodes => {
                let message = format!(
                    "`{}` does not have {address}, which serves it while the cluster is installed",
                    self.below("api")
                );
                self.found.push(
                    Finding::new(SUBJECT, Grade::Error, message)
                        .note("until the masters have an API server nobody finds one: they wait for their configuration")
                        .help("`edgedns init … --bootstrap` puts it there; probes take it out when it is gone"),
                );
            }
            Some(address) => {
                let message = format!(
                    "`{}` leads to a load balancer, it seems: is {address} behind it?",
                    self.below("api")
                );
                self.found.push(
                    Finding::new(SUBJECT, Grade::Warning, message)
                        .help("ports 6443 and 22623 lead to it until the masters have taken over"),
                );
            }
            None => {}
        }
    }

    /// What releases before 4.4 needed, and must hold where it is there.
    fn etcd(&mut self) {
        const SUBJECT: &str = "etcd";
        let name = self.below("_etcd-server-ssl._tcp");
        let told = self.told(&name, Rtype::SRV);
        let targets: Vec<Name> = told.records().iter().filter_map(target_of).collect();
        if targets.is_empty() {
            let message = format!("no SRV records at `{name}`: none are needed since OpenShift 4.4");
            self.found.push(Finding::new(SUBJECT, Grade::Fine, message));
            return;
        }
        let mut lost = Vec::new();
        for target in &targets {
            let target = target.to_string();
            if self.addresses(SUBJECT, target.trim_end_matches('.')).all.is_empty() {
                lost.push(target);
            }
        }
        if lost.is_empty() {
            let message = format!("`{name}` leads to {} hosts with addresses", targets.len());
            self.found.push(Finding::new(SUBJECT, Grade::Fine, message));
        } else {
            let message = format!("`{name}` leads to {}, which has no address", listed(lost));
            self.found.push(Finding::new(SUBJECT, Grade::Error, message).help(
                "leave the SRV records out, which are not needed since 4.4, or give each target its address",
            ));
        }
    }

    /// Names that are not there must be denied: a domain that is searched is tried with every name.
    fn wildcards(&mut self) {
        const SUBJECT: &str = "wildcards";
        let domain = self.needs.domain.clone();
        let parent = domain.split_once('.').map(|(_, parent)| parent.to_owned());
        let before = self.found.len();
        for (place, zone) in [Some(domain), parent].into_iter().flatten().enumerate() {
            let name = format!("{MADE_UP}.{zone}");
            // The cluster's own domain is searched by its nodes, and so by all pods.
            let grade = if place == 0 { Grade::Error } else { Grade::Warning };
            match self.told(&name, Rtype::A) {
                Told::NxDomain | Told::NoData => {}
                Told::Records(records) => {
                    let addresses = listed(records.iter().filter_map(address_of));
                    let message = format!("every name in `{zone}` is answered, with {addresses}");
                    self.found.push(
                        Finding::new(SUBJECT, grade, message)
                            .note(format!("pods look for `{OUTSIDE}` as `{OUTSIDE}.{zone}` where that domain is searched, and get this"))
                            .help("take the wildcard away, and name what is to be answered; `*.apps` is enough"),
                    );
                }
                // The domain above may be another server's matter.
                Told::Failure(_) if place > 0 => {}
                Told::Failure(why) => {
                    self.found.push(
                        Finding::new(
                            SUBJECT,
                            grade,
                            format!("`{name}`, which is not there, is not denied: {why}"),
                        )
                        .note(
                            "a search through several domains ends there, and names behind it are not found",
                        )
                        .help(
                            "the server should answer NXDOMAIN for it, or be asked for this domain nowhere",
                        ),
                    );
                }
            }
        }
        if before == self.found.len() {
            self.found.push(Finding::new(SUBJECT, Grade::Fine, "names that are not there are denied"));
        }
    }

    /// What the hosts file of this host says of names that are needed.
    fn hosts_file(&mut self) {
        const SUBJECT: &str = "hosts";
        let before = self.found.len();
        for HostsEntry { line, address, names } in self.needs.hosts {
            let apps = self.below("apps");
            let is_ours =
                |name: &&String| self.known.contains_key(*name) || name.ends_with(&format!(".{apps}"));
            let Some(name) = names.iter().find(is_ours) else { continue };
            let known = self.known.get(name).is_some_and(|known| known.contains(address));
            let (grade, how) = if known {
                (Grade::Warning, "one of those that DNS says, and stays when that changes")
            } else {
                (Grade::Error, "not what DNS says")
            };
            self.found.push(
                Finding::new(
                    SUBJECT,
                    grade,
                    format!("line {line} of /etc/hosts has `{name}` at {address}: {how}"),
                )
                .note("the hosts file goes before every name server: on this host that is the answer")
                .help("take the line out"),
            );
        }
        if before == self.found.len() {
            self.found.push(Finding::new(
                SUBJECT,
                Grade::Fine,
                "/etc/hosts of this host shadows none of the names",
            ));
        }
    }

    /// Domains that this host searches and that answer for everything.
    fn searched(&mut self) {
        const SUBJECT: &str = "search";
        let before = self.found.len();
        for searched in self.needs.searched {
            let domain = searched.to_string();
            let name = format!("{}.{}", self.below("api"), domain.trim_end_matches('.'));
            let told = self.told(&name, Rtype::A);
            if told.records().is_empty() {
                continue;
            }
            let addresses = listed(told.records().iter().filter_map(address_of));
            self.found.push(
                Finding::new(
                    SUBJECT,
                    Grade::Error,
                    format!("this host searches `{domain}`, where `{name}` is {addresses}"),
                )
                .note("with `ndots:5`, as in pods, that is asked before the name itself")
                .help(format!("take the wildcard out of `{domain}`, or the domain off the search list")),
            );
        }
        if before == self.found.len() {
            self.found.push(Finding::new(
                SUBJECT,
                Grade::Fine,
                "no domain that this host searches swallows the names",
            ));
        }
    }
}

#[cfg(test)]
mod tests;
