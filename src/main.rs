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
use edgedns::control;
use edgedns::daemon::{self, Error};
use edgedns::source::Look;
use edgedns::transport::{self, Inherited};

use command::{Command, LogFormat};

/// Authoritative DNS whose answers follow health probes.
///
/// Serves the zones of a config file in the foreground, answering guarded
/// names with the members whose probes pass. SIGHUP reloads, SIGTERM ends.
/// The environment variable EDGEDNS_LOG sets the log's level.
#[derive(Parser)]
#[command(version, long_version = control::version(), args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Arguments {
    /// Config file; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the log looks like; it goes to standard error or to the journal.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Auto, requires = "config")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.config) {
        (Some(command), _) => command.run(),
        (None, Some(config)) => {
            let look = if io::stderr().is_terminal() { Look::Coloured } else { Look::Plain };
            // First of all: there is one thread yet, as it must be.
            let inherited = Inherited::from_environment();
            command::serve(arguments.log_format, async move {
                let passed = |(label, misfit)| Error::Listen(transport::Error::Passed { label, misfit });
                daemon::run(config, look, inherited.map_err(passed)?).await
            })
        }
        (None, None) => {
            let mut command = Arguments::command();
            command.error(ErrorKind::MissingRequiredArgument, "--config FILE or a command is needed").exit()
        }
    }
}
