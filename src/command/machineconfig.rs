//! `edgedns machineconfig`: writes a config and its zones for OpenShift nodes.
//!
//! Arguments only; `tools` reads the files, `deploy` makes the document.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use edgedns::deploy::machineconfig::{
    Form, ImageBuild, ImageDigest, ImageTag, ObjectName, Part, Role, Sha256, Url,
};
use edgedns::tools::{self, MachineConfigKeys, MachineConfigRequest, RemoteError};

use super::exit_code::{exit_code, fail};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns machineconfig --config edgedns.toml | oc apply --server-side -f -
  edgedns machineconfig --config edgedns.toml --dispatcher > 99-master-edgedns.yaml
  edgedns machineconfig --config edgedns.toml --dns-operator --upstream 192.0.2.13
  edgedns machineconfig --config edgedns.toml --binary-from https://192.0.2.5/edgedns \\
      --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Exit status:
  0  the document is written
  1  the config or a file it names has errors, each shown where it is; nothing is written
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Config file; paths in it are relative to its folder, here and on a node.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Pool of nodes it is for: master, worker, or a pool of your own.
    #[arg(long, default_value = "master")]
    role: Role,
    /// Output format.
    #[arg(long, value_enum, default_value_t = FormArgument::Machineconfig)]
    format: FormArgument,
    /// Name of the object; by default 99-ROLE-edgedns.
    #[arg(long)]
    name: Option<ObjectName>,
    /// Take the keys of signed zones and secrets in files along: whoever may read MachineConfigs has them then.
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    node: NodeParts,
    #[command(flatten)]
    cluster: ClusterParts,
}

#[derive(Args)]
#[command(next_help_heading = "Additions for the nodes")]
struct NodeParts {
    /// Make NetworkManager put the node's own address first in /etc/resolv.conf.
    #[arg(long)]
    dispatcher: bool,
    /// Mask the dnsmasq.service that the assisted installer sets up on a single node.
    #[arg(long)]
    mask_dnsmasq: bool,
    /// Layer the RPM from this URL while a cluster is installed, by a unit that runs until edgedns is there.
    #[arg(long, value_name = "URL")]
    day1_install: Option<Url>,
    /// Without the package: fetch the binary from this URL once and keep it, by a unit on each node. No layering, no network
    /// at later starts, and the last binary that worked stays until another one does.
    #[arg(long, value_name = "URL", requires = "sha256", conflicts_with_all = ["day1_install", "binary"])]
    binary_from: Option<Url>,
    /// Digest of that binary, as `sha256sum` prints it; another one is not run.
    #[arg(long, value_name = "DIGEST", requires = "binary_from")]
    sha256: Option<Sha256>,
    /// Without the package: carry this binary in the MachineConfig, if it is small enough.
    #[arg(long, value_name = "FILE", conflicts_with = "day1_install")]
    binary: Option<PathBuf>,
    /// Have the nodes boot this image, which has the package in it: REGISTRY/NAME@sha256:DIGEST.
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["day1_install", "binary_from", "binary"])]
    os_image: Option<ImageDigest>,
}

#[derive(Args)]
#[command(next_help_heading = "Documents for the cluster, after the MachineConfig")]
struct ClusterParts {
    /// Reload edgedns instead of rebooting when its files change (OpenShift 4.17 and later).
    #[arg(long)]
    node_disruption_policy: bool,
    /// Make cluster DNS ask the masters for the zones of the config.
    #[arg(long)]
    dns_operator: bool,
    /// An address that cluster DNS asks; by default the nodes' addresses in [server] listen. May be given
    /// several times.
    #[arg(long, value_name = "ADDRESS", requires = "dns_operator")]
    upstream: Vec<IpAddr>,
    /// Have the cluster build an image with the RPM from this URL for the pool (OpenShift 4.19 and later).
    #[arg(
        long,
        value_name = "URL",
        requires_all = ["push_to", "push_secret"],
        conflicts_with_all = ["day1_install", "binary_from", "binary", "os_image"]
    )]
    build_image: Option<Url>,
    /// Where that image is pushed: REGISTRY/NAME:TAG.
    #[arg(long, value_name = "IMAGE", requires = "build_image")]
    push_to: Option<ImageTag>,
    /// Secret in the namespace openshift-machine-config-operator that may push there.
    #[arg(long, value_name = "NAME", requires = "build_image")]
    push_secret: Option<ObjectName>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormArgument {
    /// YAML for `oc apply`.
    Machineconfig,
    /// YAML for butane.
    Butane,
    /// The Ignition config alone, as JSON.
    Ignition,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { config, role, format, name, with_keys, node, cluster } = self;
        let keys = if with_keys { MachineConfigKeys::Taken } else { MachineConfigKeys::Left };
        let form = match format {
            FormArgument::Machineconfig => Form::MachineConfig,
            FormArgument::Butane => Form::Butane,
            FormArgument::Ignition => Form::Ignition,
        };
        let parts = match node.parts() {
            Ok(parts) => parts.chain(cluster.parts()).collect(),
            Err(error) => return fail(&error),
        };
        let request = MachineConfigRequest { config, role, name, form, parts, keys };
        exit_code(tools::machineconfig(&request).map_err(RemoteError::Output))
    }
}

impl NodeParts {
    /// The parts; or why the binary cannot be read.
    fn parts(self) -> Result<impl Iterator<Item = Part>, String> {
        let dispatcher = self.dispatcher.then_some(Part::Dispatcher);
        let dnsmasq = self.mask_dnsmasq.then_some(Part::MaskDnsmasq);
        let read = |file: PathBuf| {
            std::fs::read(&file).map_err(|error| format!("error: cannot read {}: {error}", file.display()))
        };
        let carried = self.binary.map(read).transpose()?.map(Part::CarriedBinary);
        let fetched = self.binary_from.zip(self.sha256).map(|(url, digest)| Part::FetchedBinary(url, digest));
        let parts = dispatcher.into_iter().chain(dnsmasq).chain(self.day1_install.map(Part::Layering));
        Ok(parts.chain(fetched).chain(carried).chain(self.os_image.map(Part::OsImage)))
    }
}

impl ClusterParts {
    fn parts(self) -> impl Iterator<Item = Part> {
        let policy = self.node_disruption_policy.then_some(Part::NodeDisruptionPolicy);
        let dns = self.dns_operator.then_some(Part::DnsOperator(self.upstream));
        let build = self.build_image.zip(self.push_to).zip(self.push_secret);
        let build = build.map(|((rpm, push_to), push_secret)| ImageBuild { rpm, push_to, push_secret });
        policy.into_iter().chain(dns).chain(build.map(Part::ImageBuild))
    }
}
