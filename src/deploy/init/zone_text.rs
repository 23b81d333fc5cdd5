//! The text of the first zones: records in columns, with a comment on each block.

use std::fmt::Write;
use std::net::IpAddr;

use super::named_cluster::{NamedCluster, NamedNode};

/// The port of etcd's peers.
const ETCD_PORT: u16 = 2380;

impl NamedCluster {
    /// The zone of the cluster.
    pub(super) fn zone_text(&self) -> String {
        let mut text = self.head(&format!(
            "{}. edgedns guards api, api-int, *.apps and etcd: see the [[zone.probe]] tables of its config.",
            self.domain
        ));
        let mut block = |remark: &str, records: Vec<Record>| {
            if records.is_empty() {
                return;
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "\n; {remark}\n");
            let width = records.iter().map(|record| record.owner.len()).max().unwrap_or(0);
            for Record { owner, rtype, data } in records {
                let _ = writeln!(text, "{owner:width$} IN {rtype:4} {data}");
            }
        };
        let mut api: Vec<IpAddr> = self.master_addresses().collect();
        let api_remark = match &self.bootstrap {
            Some(bootstrap) => {
                api.extend(&bootstrap.addresses);
                "The API. The bootstrap node leaves the answers as soon as it is gone; take it out then."
            }
            None => "The API.",
        };
        let both = ["api", "api-int"].into_iter().flat_map(|owner| addresses(owner, &api));
        block(api_remark, both.collect());
        block("The routers.", addresses("*.apps", &self.ingress_addresses()).collect());
        let nodes = |hosts: &[NamedNode]| -> Vec<Record> {
            hosts.iter().flat_map(|host| addresses(host.name.to_string(), &host.addresses)).collect()
        };
        block("Masters.", nodes(&self.masters));
        block("Arbiters: etcd, and no API.", nodes(&self.arbiters));
        block("Workers.", nodes(&self.workers));
        block("The node that installs the cluster.", nodes(self.bootstrap.as_slice()));
        block("etcd.", self.etcd());
        text
    }

    fn etcd(&self) -> Vec<Record> {
        let numbered = || self.members_of_etcd().enumerate();
        let hosts = numbered().flat_map(|(index, host)| addresses(format!("etcd-{index}"), &host.addresses));
        let services = numbered().map(|(index, _)| Record {
            owner: "_etcd-server-ssl._tcp".to_owned(),
            rtype: "SRV",
            data: format!("0 10 {ETCD_PORT} etcd-{index}"),
        });
        hosts.chain(services).collect()
    }

    /// A reverse zone.
    pub(super) fn reverse_text(&self, zone: &str, owners: &[(String, &NamedNode)]) -> String {
        let mut text = self.head(&format!("{zone}: OpenShift nodes learn their names from here."));
        text.push('\n');
        let width = owners.iter().map(|(owner, _)| owner.len()).max().unwrap_or(0);
        for (owner, host) in owners {
            let _ = writeln!(text, "{owner:width$} IN PTR  {}.{}.", host.name, self.domain);
        }
        text
    }

    /// What every zone begins with. The names are written out: a reverse zone is served by the same masters.
    fn head(&self, remark: &str) -> String {
        let domain = &self.domain;
        let mut text = format!("; {remark}\n$TTL 10\n");
        let primary = self.masters.first().map(|host| host.name.to_string()).unwrap_or_default();
        let _ = write!(
            text,
            "@ IN SOA {primary}.{domain}. hostmaster.{domain}. (\n    \
             1   ; serial: raise it with every change\n    \
             3h  ; refresh\n    \
             30m ; retry\n    \
             2w  ; expire\n    \
             10  ; negative answers\n)\n"
        );
        for host in self.members_of_etcd() {
            let _ = writeln!(text, "@ IN NS  {}.{domain}.", host.name);
        }
        text
    }
}

/// One line.
struct Record {
    owner: String,
    rtype: &'static str,
    data: String,
}

/// A line for each address.
fn addresses(owner: impl Into<String>, addresses: &[IpAddr]) -> impl Iterator<Item = Record> {
    let owner = owner.into();
    addresses.iter().map(move |address| Record {
        owner: owner.clone(),
        rtype: if address.is_ipv4() { "A" } else { "AAAA" },
        data: address.to_string(),
    })
}
