//! The command line: what can be asked of `edgedns`, and how it exits.
//!
//! Responsible for arguments, exit status and the one place where an error
//! of a command is printed.
//! Not responsible for carrying commands out: that is `daemon`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use edgedns::daemon::{self, Check, Error, Format};
use edgedns::dns::Name;
use edgedns::source::Look;

/// Threads for what waits: probes, TCP, signals. The UDP workers are others.
const RUNTIME_THREADS: usize = 2;

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

#[derive(Subcommand)]
enum Command {
    /// Read everything the server would and say what is wrong; exit 0 or 1.
    Check {
        /// Config file; paths in it are relative to its folder.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// How to write the result.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
        /// Print this zone in canonical form to standard output.
        #[arg(long, value_name = "ZONE", conflicts_with = "format")]
        dump: Option<Name>,
    },
    /// Run an example cluster on loopback, with masters that come and go.
    Demo,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// Drawn for people, to standard error.
    Text,
    /// One JSON object, to standard output.
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.config) {
        (Some(Command::Check { config, format, dump }), _) => {
            let format = match format {
                OutputFormat::Text => Format::Text,
                OutputFormat::Json => Format::Json,
            };
            match daemon::check(&Check { config, format, dump }) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::FAILURE,
                // Whoever read our output has read enough: `check | head`.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => fail(&Error::System(error)),
            }
        }
        (Some(Command::Demo), _) => serve(daemon::demo()),
        (None, Some(config)) => {
            let look = if io::stderr().is_terminal() { Look::Coloured } else { Look::Plain };
            serve(daemon::run(config, look))
        }
        (None, None) => {
            let mut command = Arguments::command();
            command.error(ErrorKind::MissingRequiredArgument, "--config FILE or a command is needed").exit()
        }
    }
}

/// Runs a command that serves until it is stopped.
fn serve(command: impl Future<Output = Result<(), Error>>) -> ExitCode {
    daemon::start_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("edgedns-io")
        .enable_all()
        .build();
    let ended = runtime.map_err(Error::System).and_then(|runtime| runtime.block_on(command));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    // Nothing is left to tell it to if standard error is closed.
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
