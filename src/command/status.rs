//! `edgedns status`: shows what the running server answers now, and why.
//!
//! Arguments only; `control` draws the table.

use std::process::ExitCode;

use clap::Args;
use edgedns::tools;

use super::exit_code::exit_code;
use super::output_format::OutputFormat;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns status
  edgedns status --watch
  edgedns status --format json | jq '.pools[] | {owner, answering}'

Exit status:
  0  no pool has all its members down; with --watch always
  1  all members of a pool are down, or the server cannot be reached
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Output format.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    /// Refresh every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let (server, format) = (self.server.into(), self.format.into());
        exit_code(if self.watch {
            tools::watch(&server, format).map(|()| true)
        } else {
            tools::status(&server, format)
        })
    }
}
