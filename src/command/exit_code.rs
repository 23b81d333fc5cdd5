//! How a command ends: its exit code, and its last words on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use edgedns::delivery::WriteError;
use edgedns::tools::RemoteError;

/// The exit code of a command that says yes, no, or why it cannot say.
pub(super) fn exit_code(result: Result<bool, RemoteError>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader of our output has read enough: `check | head`.
        Err(RemoteError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Says why files were not written to the folder of `--into`.
pub(super) fn fail_to_write(error: &WriteError) -> ExitCode {
    match error {
        WriteError::Exists(_) => {
            fail(&format!("{error}; choose another folder with --into, or replace it with --force"))
        }
        WriteError::System { .. } => fail(error),
    }
}

/// Says why a command failed.
pub(super) fn fail(error: &dyn Display) -> ExitCode {
    // A closed standard error leaves no other place to report this to.
    let _ = writeln!(io::stderr(), "{error}");
    ExitCode::FAILURE
}
