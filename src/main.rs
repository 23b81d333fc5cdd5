//! The program: a config file to serve, or a command.
//!
//! Responsible for telling the two apart.
//! Not responsible for either: that is `command` and, in the library,
//! `daemon`.

mod command;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use edgedns::daemon;
use edgedns::source::Look;

use command::Command;

/// Authoritative DNS whose answers follow health probes.
///
/// Serves the zones of a config file in the foreground, answering guarded
/// names with the members whose probes pass. SIGHUP reloads, SIGTERM ends.
/// The environment variable EDGEDNS_LOG sets the log's level.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Arguments {
    /// Config file; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.config) {
        (Some(command), _) => command.run(),
        (None, Some(config)) => {
            let look = if io::stderr().is_terminal() { Look::Coloured } else { Look::Plain };
            command::serve(daemon::run(config, look))
        }
        (None, None) => {
            let mut command = Arguments::command();
            command.error(ErrorKind::MissingRequiredArgument, "--config FILE or a command is needed").exit()
        }
    }
}
