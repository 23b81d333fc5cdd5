//! `edgedns manifests`: writes objects for a cluster.
//!
//! Arguments only; `tools` reads the config, `deploy` makes the objects.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use edgedns::deploy::monitoring::Namespace;
use edgedns::tls::ServerName;
use edgedns::tools::{self, MonitoringRequest, RemoteError};

use super::exit_code::exit_code;
use super::server_name::read_server_name;

/// What `--help` and the man page of `manifests` end with.
const HELP_END_OF_ALL: &str = "\
Examples:
  edgedns manifests monitoring --config site/edgedns.toml --namespace edgedns | oc apply --server-side -f -

Exit status:
  0  the objects are written
  1  the config has errors, or no node can be asked; nothing is written
  2  the command line is wrong";

/// What `--help` and the man page of `manifests monitoring` end with.
const HELP_END: &str = "\
Examples:
  edgedns manifests monitoring --config site/edgedns.toml --namespace edgedns > monitoring.yaml
  oc -n edgedns create secret generic edgedns-monitoring --from-file=token=keys/admin-token
  oc apply --server-side -f monitoring.yaml

Objects:
  Namespace, Service, Endpoints, EndpointSlice   the servers, by their addresses
  ServiceMonitor   how Prometheus asks them, with the token and the certificates of [admin]
  PrometheusRule   the alerts
  ConfigMap        the dashboard; and the authority of the servers' certificate
  ConsoleLink      the page of each node in the console's menu, where it is encrypted

Exit status:
  0  the objects are written
  1  the config has errors, or no node can be asked; nothing is written
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END_OF_ALL)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    manifests: Manifests,
}

#[derive(Subcommand)]
enum Manifests {
    /// Have the cluster's Prometheus and console watch edgedns on its nodes (user workload monitoring).
    Monitoring(MonitoringArguments),
}

#[derive(Args)]
#[command(after_long_help = HELP_END)]
struct MonitoringArguments {
    /// Config file of the servers: `[admin]` says how they are asked.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Namespace of the objects.
    #[arg(long, value_name = "NAME")]
    namespace: Namespace,
    /// Address of a node; by default those in [admin] or [server] listen. May be given several times.
    #[arg(long = "node", value_name = "ADDRESS")]
    nodes: Vec<IpAddr>,
    /// File with the authority of the servers' certificate; by default that certificate itself is believed.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Name that the servers' certificate is for; by default it must be for the address of each node.
    #[arg(long, value_name = "NAME", value_parser = read_server_name)]
    server_name: Option<ServerName>,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Manifests::Monitoring(arguments) = self.manifests;
        let MonitoringArguments { config, namespace, nodes, ca, server_name } = arguments;
        let request = MonitoringRequest { config, namespace, nodes, authority: ca, server_name };
        exit_code(tools::monitoring(&request).map_err(RemoteError::Output))
    }
}
