//! The folders of the service: the state directory, whose files outlive a restart, and the folder of the
//! control socket.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::config::Config;

/// Where what must outlive a restart is kept: as configured, else in the folder that systemd has made for it
/// (`StateDirectory=`), else nowhere.
pub(super) fn state_directory(config: &Config) -> Option<PathBuf> {
    config.admin.state_directory.clone().or_else(|| made_by_systemd("STATE_DIRECTORY"))
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
