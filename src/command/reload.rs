//! `edgedns reload`: the running server reads its files again.
//!
//! Responsible for the command's arguments.
//! Not responsible for reloading: that is the server's loop.

use std::process::ExitCode;

use clap::Args;
use edgedns::daemon;

use super::server::ServerArguments;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        super::exit(daemon::reload(&self.server.into()))
    }
}
