//! `edgedns export`: a zone in etcd as text.
//!
//! Arguments only; `tools` reads and writes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::dns::Name;
use edgedns::tools;

use super::exit_code::{exit_code, fail};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns export dyn.example.com > dyn.example.com.zone   # a zone file, should etcd be given up

Exit status:
  0  the zone is printed; keys that are not served are told of
  1  etcd does not answer, or there is no such zone
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// The zone, with [zone.etcd].
    #[arg(value_name = "ZONE")]
    zone: Name,
    /// Config file with the zone.
    #[arg(long, value_name = "FILE", default_value = "/etc/edgedns.toml")]
    config: PathBuf,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        match tools::export(&self.config, &self.zone) {
            Ok(()) => exit_code(Ok(true)),
            Err(error) => fail(&error),
        }
    }
}
