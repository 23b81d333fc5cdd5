//! Running what serves until it is stopped: the server itself, and `edgedns demo`.
//!
//! Sets up the log and the runtime around it.

use std::process::ExitCode;

use clap::ValueEnum;
use edgedns::daemon::{self, Error};

use super::exit_code::fail;

/// Threads for what waits: probes, TCP, signals. The UDP workers are others.
const RUNTIME_THREADS: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Journal if standard error is the journal, otherwise plain.
    Auto,
    /// Lines for people, in colour on a terminal.
    Plain,
    /// One JSON object per line.
    Json,
    /// Entries of the systemd journal, with fields.
    Journal,
}

impl From<LogFormat> for daemon::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Auto => Self::Auto,
            LogFormat::Plain => Self::Plain,
            LogFormat::Json => Self::Json,
            LogFormat::Journal => Self::Journal,
        }
    }
}

/// Runs a command that serves until it is stopped.
pub(crate) fn serve(log: LogFormat, command: impl Future<Output = Result<(), Error>>) -> ExitCode {
    daemon::start_logging(log.into());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("edgedns-io")
        .enable_all()
        .build();
    let ended = runtime.map_err(Error::System).and_then(|runtime| {
        let ended = runtime.block_on(command);
        // A thread that still waits for a file would hold up the end for as long.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}
