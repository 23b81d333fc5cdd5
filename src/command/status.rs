//! `edgedns status`: what the running server answers now, and why.
//!
//! Responsible for the command's arguments.
//! Not responsible for the table: that is `control`.

use std::process::ExitCode;

use clap::Args;
use edgedns::daemon;

use super::OutputFormat;
use super::server::ServerArguments;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
    /// Show it anew every second, until Ctrl-C.
    #[arg(long)]
    watch: bool,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let (server, format) = (self.server.into(), self.format.into());
        super::exit(if self.watch {
            daemon::watch(&server, format).map(|()| true)
        } else {
            daemon::status(&server, format)
        })
    }
}
