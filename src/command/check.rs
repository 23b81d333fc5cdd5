//! `edgedns check`: reads everything the server would read, and reports every fault.
//!
//! Arguments only; `tools` reads.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::dns::Name;
use edgedns::tools::{self, Check, RemoteError};

use super::exit_code::exit_code;
use super::output_format::OutputFormat;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns check --config /etc/edgedns.toml
  edgedns check --config /etc/edgedns.toml --format json | jq .
  edgedns check --config /etc/edgedns.toml --dump ocp4.example.com   # a zone as edgedns reads it
  edgedns check --config /etc/edgedns.toml --system                  # and this host
  edgedns check --config /etc/edgedns.toml --from-etcd               # and keys of etcd

Exit status:
  0  everything can be served; there may be warnings
  1  there are errors, each shown where it is
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Config file; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
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
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let check = Check { config: self.config, format: self.format.into(), dump: self.dump };
        let checked = if self.system { tools::check_with_system(&check) } else { tools::check(&check) };
        let checked = checked.map_err(RemoteError::Output);
        if !self.from_etcd {
            return exit_code(checked);
        }
        let in_etcd = tools::check_from_etcd(&check.config);
        exit_code(checked.and_then(|checked| in_etcd.map(|in_etcd| checked && in_etcd)))
    }
}
