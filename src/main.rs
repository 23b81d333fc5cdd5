//! The command line: what can be asked of `edgedns`, and how it exits.
//!
//! Responsible for arguments, exit status and the one place where an error
//! of a command is printed.
//! Not responsible for carrying commands out: that is `daemon`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};
use edgedns::config::read_duration;
use edgedns::control::ForceOrder;
use edgedns::daemon::{self, Check, Error, Format, RemoteError, Server, USUAL_SOCKET};
use edgedns::dns::Name;
use edgedns::health::force::{Order, Pattern, Remark};
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
    /// Make the running server read its files again, and wait for what comes of it.
    ///
    /// Exits with 1, and says why, when not all of it is served.
    Reload {
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show what every pool of the running server answers now; exit 1 if one has no member up.
    Status {
        #[command(flatten)]
        server: ServerArguments,
        /// How to write it.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// Have targets be up or down whatever their probes say; `auto` leaves them to their probes.
    Force {
        #[command(flatten)]
        server: ServerArguments,
        /// The targets, by name as `status` shows them; `*` stands for any text: '192.0.2.1:*'.
        target: Pattern,
        /// What they are: up, down or auto.
        verdict: Order,
        /// For how long, as in 30m; without it until `auto`.
        #[arg(long = "for", value_name = "DURATION", value_parser = read_duration)]
        lasts: Option<Duration>,
        /// Why, for the log and the status.
        #[arg(long, value_name = "TEXT")]
        reason: Option<Remark>,
    },
    /// Run an example cluster on loopback, with masters that come and go.
    Demo,
}

/// How the running server is found.
#[derive(Args)]
struct ServerArguments {
    /// Config file of the server: its `[admin]` table names the socket.
    #[arg(long, value_name = "FILE", conflicts_with = "socket")]
    config: Option<PathBuf>,
    /// The server's control socket.
    #[arg(long, value_name = "SOCKET", default_value = USUAL_SOCKET)]
    socket: PathBuf,
}

impl From<ServerArguments> for Server {
    fn from(arguments: ServerArguments) -> Self {
        match arguments.config {
            Some(config) => Server::Config(config),
            None => Server::Socket(arguments.socket),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// Drawn for people, to standard error.
    Text,
    /// One JSON object, to standard output.
    Json,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Format::Text,
            OutputFormat::Json => Format::Json,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.config) {
        (Some(Command::Check { config, format, dump }), _) => {
            let check = Check { config, format: format.into(), dump };
            exit(daemon::check(&check).map_err(RemoteError::Output))
        }
        (Some(Command::Reload { server }), _) => exit(daemon::reload(&server.into())),
        (Some(Command::Status { server, format }), _) => exit(daemon::status(&server.into(), format.into())),
        (Some(Command::Force { server, target, verdict, lasts, reason }), _) => {
            let order = ForceOrder { pattern: target, order: verdict, lasts, remark: reason };
            exit(daemon::force(&server.into(), &order).map(|()| true))
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

/// The status of a command that says yes, no, or why it cannot say.
fn exit(said: Result<bool, RemoteError>) -> ExitCode {
    match said {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read our output has read enough: `check | head`.
        Err(RemoteError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&error),
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

fn fail(error: &dyn std::error::Error) -> ExitCode {
    // Nothing is left to tell it to if standard error is closed.
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
