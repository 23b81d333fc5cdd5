//! `edgedns compare`: shows what another server answers differently, before ours takes its place.
//!
//! Arguments only; `tools` asks and compares.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::tools::{self, CompareError, Comparison, RemoteError};

use super::exit_code::{exit_code, fail};
use super::output_format::OutputFormat;
use super::server_address::read_server;

const HELP_END: &str = "\
Examples:
  edgedns compare --with 192.0.2.1                               # the server to be replaced
  edgedns compare --with 192.0.2.1:5300 --local 127.0.0.1        # two running servers
  edgedns compare --with 192.0.2.1 --sample 1000 --format json   # large zones, for scripts

Exit status:
  0  both answer the same
  1  they differ, or one of them does not answer
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// The server to compare with: PowerDNS, BIND, another edgedns.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = read_server)]
    with: SocketAddr,
    /// Config file with the zones to ask about. Our answers are computed from it, as if every member were up.
    #[arg(long, value_name = "FILE", default_value = "/etc/edgedns.toml")]
    config: PathBuf,
    /// Ask this running edgedns for our answers instead of computing them.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = read_server)]
    local: Option<SocketAddr>,
    /// Questions per second, at most.
    #[arg(long, value_name = "QUESTIONS", default_value = "200", value_parser = rate)]
    rate: NonZeroU32,
    /// Ask about this many names of each zone only, spread evenly; apex, pools and wildcards are always
    /// included.
    #[arg(long, value_name = "NAMES")]
    sample: Option<NonZeroUsize>,
    /// Output format; `json` writes one object per line, the totals last.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { with, config, local, rate, sample, format } = self;
        match tools::compare(&Comparison { with, config, local, rate, sample, format: format.into() }) {
            Err(CompareError::Output(error)) => exit_code(Err(RemoteError::Output(error))),
            Err(error) => fail(&error),
            Ok(same) => exit_code(Ok(same)),
        }
    }
}

/// Reads a rate, within what a server can take.
fn rate(text: &str) -> Result<NonZeroU32, String> {
    let rate = text.parse::<NonZeroU32>().ok().filter(|rate| rate.get() <= tools::COMPARE_RATE_MAX);
    rate.ok_or_else(|| format!("from 1 to {}", tools::COMPARE_RATE_MAX))
}
