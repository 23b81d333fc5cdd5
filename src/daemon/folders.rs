//! The folders of the service: the state directory, whose files outlive a restart, and the folder of the
//! control socket.

use std::ffi::OsStr;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::source::{Diagnostic, Severity};

/// For this user only.
const STATE_DIRECTORY_MODE: u32 = 0o700;

/// Where what must outlive a restart is kept: as configured, else in the folder that systemd has made for it
/// (`StateDirectory=`), else nowhere.
pub(super) fn state_directory(config: &Config) -> Option<PathBuf> {
    config.admin.state_directory.clone().or_else(|| made_by_systemd("STATE_DIRECTORY"))
}

/// Makes the state directory if it is not there, for this user only, as systemd makes one. The folder above it must be
/// there: a mistake in the path makes no folders.
pub(super) fn make_state_directory(path: &Path) -> Option<Diagnostic> {
    let error = match DirBuilder::new().mode(STATE_DIRECTORY_MODE).create(path) {
        Ok(()) => return None,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return None,
        Err(error) => error,
    };
    let message = format!("cannot make the state directory {}: {error}", path.display());
    let warning = Diagnostic::placeless(Severity::Warning, message);
    Some(warning.remark("nothing outlives a restart, and updates are answered SERVFAIL"))
}

/// Where the control socket is: as configured, else in the folder that systemd has made for it
/// (`RuntimeDirectory=`), which is gone with the service.
pub(super) fn control_socket(config: &Config) -> Option<PathBuf> {
    let made = || made_by_systemd("RUNTIME_DIRECTORY").map(|folder| folder.join("control.sock"));
    config.admin.socket.clone().or_else(made)
}

/// The folder in a variable of systemd.exec(5).
fn made_by_systemd(variable: &str) -> Option<PathBuf> {
    first(&std::env::var_os(variable)?)
}

/// The first of several, which colons separate.
fn first(folders: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(folders).next().filter(|folder| folder.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_folders_the_first_is_taken() {
        assert_eq!(
            first("/var/lib/edgedns:/var/lib/other".as_ref()),
            Some(PathBuf::from("/var/lib/edgedns"))
        );
        assert_eq!(first("".as_ref()), None);
    }
}
