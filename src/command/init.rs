//! `edgedns init`: writes the first config and zones of a cluster.
//!
//! Arguments, and what is printed at the end; `deploy` makes the files.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::delivery::{Existing, write_files};
use edgedns::deploy::init::{CONFIG, Cluster, ClusterNodes, HostName, Node, files};
use edgedns::tools::{self, Check, Format, GrowthRequest, RemoteError};

use super::exit_code::{exit_code, fail, fail_to_write};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns init --cluster ocp4 --base-domain example.com --master 192.0.2.13 --master 192.0.2.14 --master 192.0.2.15
  edgedns init --cluster ocp4 --base-domain example.com --master master-0=192.0.2.13,2001:db8::13 --into /etc
  edgedns init --cluster ocp4 --base-domain example.com --master 192.0.2.13 --master 192.0.2.14 --arbiter 192.0.2.15
  edgedns init --cluster ocp4 --base-domain example.com --into site --add-master 192.0.2.16 | patch -d site -p1
  oc get nodes -o json | edgedns init --cluster ocp4 --base-domain example.com --from-cluster

Exit status:
  0  the files are written and can be served
  1  one of them exists already, or cannot be written
  2  the command line is wrong";

/// Most that is read of standard input: a node has some 20 kB, and ten thousand are more than a cluster has.
const NODES_BYTES_MAX: u64 = 256 << 20;

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Name of the cluster, as in install-config.yaml: ocp4.
    #[arg(long, value_name = "NAME")]
    cluster: HostName,
    /// Domain it is in: example.com.
    #[arg(long, value_name = "DOMAIN")]
    base_domain: HostName,
    /// A master: 192.0.2.13, or master-0=192.0.2.13,2001:db8::13. May be given several times.
    #[arg(
        long = "master",
        value_name = "[NAME=]ADDRESS[,ADDRESS]",
        required_unless_present_any = ["from_cluster", "add_master"]
    )]
    masters: Vec<Node>,
    /// A node with etcd and no API server, beside two masters; it serves names, too.
    #[arg(long = "arbiter", value_name = "[NAME=]ADDRESS[,ADDRESS]")]
    arbiters: Vec<Node>,
    /// A worker, written likewise; it gets a name only.
    #[arg(long = "worker", value_name = "[NAME=]ADDRESS[,ADDRESS]")]
    workers: Vec<Node>,
    /// Masters, arbiters and workers are those of a cluster that runs: standard input has what `oc get nodes -o json` prints.
    #[arg(long, conflicts_with_all = ["masters", "arbiters", "workers"])]
    from_cluster: bool,
    /// Show what becomes of the files in --into with one master more, as a diff that `patch -p1` takes; write nothing.
    #[arg(
        long,
        value_name = "[NAME=]ADDRESS[,ADDRESS]",
        conflicts_with_all = ["masters", "workers", "arbiters", "from_cluster", "ingress", "bootstrap", "force"]
    )]
    add_master: Option<Node>,
    /// An address that *.apps leads to; by default the masters'.
    #[arg(long, value_name = "ADDRESS")]
    ingress: Vec<IpAddr>,
    /// The bootstrap node, which serves the API during the installation.
    #[arg(long, value_name = "[NAME=]ADDRESS[,ADDRESS]")]
    bootstrap: Option<Node>,
    /// Folder for edgedns.toml and edgedns/zones; /etc on a node.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    force: bool,
}

impl Arguments {
    pub(super) fn run(mut self) -> ExitCode {
        if let Some(node) = self.add_master.take() {
            let domain = format!("{}.{}", self.cluster, self.base_domain).to_ascii_lowercase();
            let request = GrowthRequest { domain, node, site: self.into };
            return exit_code(tools::show_growth(&request).map_err(RemoteError::Output));
        }
        let Self {
            cluster,
            base_domain,
            masters,
            arbiters,
            workers,
            from_cluster,
            add_master: _,
            ingress,
            bootstrap,
            into,
            force,
        } = self;
        let nodes = if from_cluster { read_nodes() } else { Ok(ClusterNodes { masters, arbiters, workers }) };
        let ClusterNodes { masters, arbiters, workers } = match nodes {
            Ok(nodes) => nodes,
            Err(why) => return fail(&format!("error: {why}")),
        };
        let cluster = Cluster { name: cluster, base_domain, masters, arbiters, workers, ingress, bootstrap };
        let files = match files(&cluster) {
            Ok(files) => files,
            Err(error) => return fail(&format!("error: {error}")),
        };
        let existing = if force { Existing::Replaced } else { Existing::Kept };
        match write_files(&files, &into, existing) {
            Ok(written) => exit_code(finish(&written, into.join(CONFIG)).map_err(RemoteError::Output)),
            Err(error) => fail_to_write(&error),
        }
    }
}

/// The nodes that standard input has.
fn read_nodes() -> Result<ClusterNodes, String> {
    let mut text = Vec::new();
    io::stdin().lock().take(NODES_BYTES_MAX).read_to_end(&mut text).map_err(|error| error.to_string())?;
    ClusterNodes::read(&text).map_err(|error| error.to_string())
}

/// Says what was written, whether it holds, and what comes next.
fn finish(written: &[PathBuf], config: PathBuf) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    for file in written {
        writeln!(out, "wrote {}", file.display())?;
    }
    let shown = config.display().to_string();
    let holds = tools::check(&Check { config, format: Format::Text, dump: None })?;
    if holds {
        writeln!(out, "next: edgedns --config {shown}, and on another host: dig @<this host> api.<cluster>")?;
    }
    Ok(holds)
}
