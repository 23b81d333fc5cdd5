//! The program: a config file to serve, or a command.
//!
//! Responsible for telling the two apart.
//! Not responsible for either: that is `command` and, in the library,
//! `daemon`.

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
  edgedns demo                                   # an example cluster, to look at
  edgedns check --config /etc/edgedns.toml       # everything the server would read, and what is wrong with it
  edgedns --config /etc/edgedns.toml             # serve
  edgedns --config /etc/edgedns.toml --log-format json
  edgedns status                                 # what is answered now
  edgedns explain api.ocp4.example.com           # and why

Signals:
  SIGHUP           read config file and zones again; what cannot be read leaves what is served as it is
  SIGTERM, SIGINT  answer what has been received, and end

Environment:
  EDGEDNS_LOG     the least of the log: error, warn, info (the default), debug or trace
  NO_COLOR        anything: no colours, on a terminal either
  CLICOLOR_FORCE  anything but 0: colours into a file or a pipe, too

Files:
  /etc/edgedns.toml          the config file of the service
  /run/edgedns/control.sock  where its commands reach it, unless --socket or --config says otherwise

Exit status:
  0  it served, and was told to end
  1  it cannot serve; standard error says why
  2  the command line is wrong";

/// Authoritative DNS whose answers follow health probes.
///
/// Serves the zones of a config file in the foreground, answering guarded
/// names with the members whose probes pass. SIGHUP reloads, SIGTERM ends.
#[derive(Parser)]
#[command(version, long_version = control::version(), args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(after_long_help = HELP_END)]
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
