//! `edgedns check`: reads everything the server would read, and reports every fault.
//!
//! Arguments only; `tools` reads.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::deploy::init::{HostName, Node};
use edgedns::dns::Name;
use edgedns::tools::{self, Check, InstallerCheck, RemoteError};

use super::exit_code::exit_code;
use super::output_format::OutputFormat;
use super::server_address::read_server;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns check --config /etc/edgedns.toml
  edgedns check --config /etc/edgedns.toml --format json | jq .
  edgedns check --config /etc/edgedns.toml --dump ocp4.example.com   # a zone as edgedns reads it
  edgedns check --config /etc/edgedns.toml --system                  # and this host
  edgedns check --config /etc/edgedns.toml --from-etcd               # and keys of etcd
  edgedns check --installer ocp4.example.com                         # what a cluster needs, from here
  edgedns check --installer ocp4.example.com --with 192.0.2.13 --node master-0=192.0.2.13

Exit status:
  0  everything can be served; there may be warnings
  1  there are errors, each shown where it is
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Config file; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE", required_unless_present = "installer")]
    config: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    /// Print this zone in canonical form.
    #[arg(long, value_name = "ZONE", conflicts_with = "format")]
    dump: Option<Name>,
    /// Also examine this host: what would keep the service from working here, and what to do about it.
    ///
    /// Examines processes on its ports, missing addresses, files its user cannot read, resolv.conf, the
    /// clock, the platform's own name server and kernel limits, and asks each etcd of the config whether it can be
    /// used. Works before and after the installation; root sees most.
    #[arg(long, conflicts_with = "dump")]
    system: bool,
    /// Also read the keys of zones with [zone.etcd], and report what is wrong with them.
    #[arg(long, conflicts_with_all = ["dump", "format"])]
    from_etcd: bool,
    #[command(flatten)]
    installer: InstallerArguments,
}

#[derive(Args)]
#[command(next_help_heading = "Names that a cluster needs, in place of a config")]
struct InstallerArguments {
    /// Ask for every name that an installation and a running cluster of this name need: api, api-int, *.apps, nodes
    /// and their addresses, etcd.
    ///
    /// Asks from where you are: the servers of /etc/resolv.conf, or the one of --with. Also looks for lines of
    /// /etc/hosts and for search domains that shadow the names. Each line says what is wrong and what to do.
    #[arg(long, value_name = "CLUSTER.DOMAIN", conflicts_with_all = ["config", "dump", "system", "from_etcd"])]
    installer: Option<HostName>,
    /// Server to ask.
    #[arg(long, value_name = "ADDRESS[:PORT]", requires = "installer", value_parser = read_server)]
    with: Option<SocketAddr>,
    /// A node that is to be there: 192.0.2.13, or master-0=192.0.2.13,2001:db8::13. May be given several times.
    #[arg(long = "node", value_name = "[NAME=]ADDRESS[,ADDRESS]", requires = "installer")]
    nodes: Vec<Node>,
    /// The host that installs the cluster: the bootstrap node, or the rendezvous host of the agent-based installer.
    #[arg(long, value_name = "[NAME=]ADDRESS[,ADDRESS]", requires = "installer")]
    bootstrap: Option<Node>,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let InstallerArguments { installer, with, nodes, bootstrap } = self.installer;
        if let Some(domain) = installer {
            let format = self.format.into();
            let check = InstallerCheck { domain, with, nodes, bootstrap, format };
            return exit_code(tools::check_installer(&check).map_err(RemoteError::Output));
        }
        // Clap has asked for one of the two.
        let config = self.config.unwrap_or_default();
        let check = Check { config, format: self.format.into(), dump: self.dump };
        let checked = if self.system { tools::check_with_system(&check) } else { tools::check(&check) };
        let checked = checked.map_err(RemoteError::Output);
        if !self.from_etcd {
            return exit_code(checked);
        }
        let in_etcd = tools::check_from_etcd(&check.config);
        exit_code(checked.and_then(|checked| in_etcd.map(|in_etcd| checked && in_etcd)))
    }
}
