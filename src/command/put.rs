//! `edgedns put`: gives a name of a zone in etcd records.
//!
//! Arguments only; `tools` checks and writes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::tools::{self, KeyOf, Put};

use super::exit_code::{exit_code, fail};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns put web.dyn.example.com '{\"host\": \"192.0.2.7\", \"ttl\": 60}'   # layout skydns
  edgedns put web.dyn.example.com '60 A 192.0.2.7'                       # layout zone
  edgedns put web.dyn.example.com --pool '{\"tcp\": 443}'                # layout zone
  edgedns put web.dyn.example.com --delete

Exit status:
  0  it is written, or deleted
  1  the value would not be served, or etcd does not take it
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// The name, in a zone with [zone.etcd].
    #[arg(value_name = "NAME")]
    name: String,
    /// What its key holds from now on: JSON with the layout skydns, lines of a zone file with the layout zone.
    #[arg(value_name = "VALUE", required_unless_present = "delete")]
    value: Option<String>,
    /// Its key is the one that guards its addresses, whose value has the keys of [[zone.probe]] without `names`, in JSON;
    /// for the layout zone.
    #[arg(long)]
    pool: bool,
    /// Delete its key.
    #[arg(long, conflicts_with = "value")]
    delete: bool,
    /// Config file with the zone.
    #[arg(long, value_name = "FILE", default_value = "/etc/edgedns.toml")]
    config: PathBuf,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { name, value, pool, delete: _, config } = self;
        let of = if pool { KeyOf::Pool } else { KeyOf::Records };
        match tools::put(&Put { config, name, of, value }) {
            Ok(()) => exit_code(Ok(true)),
            Err(error) => fail(&error),
        }
    }
}
