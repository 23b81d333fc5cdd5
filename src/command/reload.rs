//! `edgedns reload`: makes the running server reload its files.
//!
//! Arguments only; the server's loop reloads.

use std::process::ExitCode;

use clap::Args;
use edgedns::control::Shrunk;
use edgedns::tools;

use super::exit_code::exit_code;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns reload
  edgedns reload --socket /run/edgedns/control.sock
  edgedns reload --config /etc/edgedns.toml   # the socket that this file names
  edgedns reload --accept   # after `edgedns status` says that keys of a zone have gone

Exit status:
  0  everything in the files is served
  1  something is not, and stays as it was served before; or the server cannot be reached
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Serve what waits because so many keys of a zone have gone from etcd at once
    #[arg(long)]
    accept: bool,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let shrunk = if self.accept { Shrunk::Accept } else { Shrunk::Wait };
        exit_code(tools::reload(&self.server.into(), shrunk))
    }
}
