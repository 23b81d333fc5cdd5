//! The program: serves a config file, or runs a command.
//!
//! `command` and, in the library, `daemon` do the work.

mod command;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use edgedns::control;
use edgedns::daemon::{self, Error};
use edgedns::source::Look;
use edgedns::transport::{self, Inherited};

use command::{Command, LogFormat};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns demo                                   # an example cluster on loopback
  edgedns check --config /etc/edgedns.toml       # read everything, report every fault
  edgedns --config /etc/edgedns.toml             # serve
  edgedns --config /etc/edgedns.toml --log-format json
  edgedns status                                 # what is answered now
  edgedns explain api.ocp4.example.com           # and why

Signals:
  SIGHUP           reload config and zones; what cannot be read stays as it is served
  SIGTERM, SIGINT  answer what has been received, then exit

Environment:
  EDGEDNS_LOG     lowest level that is logged: error, warn, info (the default), debug or trace
  NO_COLOR        if set, no colours, not even on a terminal
  CLICOLOR_FORCE  if set to anything but 0, colours in files and pipes as well

Files:
  /etc/edgedns.toml          config file of the service
  /run/edgedns/control.sock  control socket of the service; see --socket and --config of commands

Exit status:
  0  it served until it was stopped
  1  it cannot serve; standard error says why
  2  the command line is wrong";

/// Authoritative DNS whose answers follow health probes.
///
/// Serves the zones of a config file in the foreground. Guarded names are
/// answered with the members whose probes pass. SIGHUP reloads, SIGTERM stops.
#[derive(Parser)]
#[command(version, long_version = control::version(), args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(after_long_help = HELP_END)]
struct Arguments {
    /// Config file to serve; paths in it are relative to its folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Format of the log, which goes to standard error or to the journal.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Auto, requires = "config")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Option<Command>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.config) {
        (Some(command), _) => command.run(Arguments::command),
        (None, Some(config)) => {
            let look = Look::on(&io::stderr());
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
