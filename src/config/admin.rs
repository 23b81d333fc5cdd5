//! `[admin]`: where an operator reaches the running server.
//!
//! Responsible for these keys. Not responsible for opening anything.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::socket_address::socket_address;
use super::table::Table;
use super::value::Value;
use crate::source::{Diagnostic, Diagnostics};

/// Longest path of a socket, in bytes: what the system's `sockaddr_un` holds,
/// less the end of a temporary name beside it.
pub const SOCKET_PATH_BYTES_MAX: usize = 96;

/// The port that is suggested where one is missing.
const ADMIN_PORT: u16 = 9653;

/// `[admin]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// Where the page, the status and the metrics are served; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// The control socket; none: there is no way in but signals.
    pub socket: Option<PathBuf>,
    /// Where what an operator said is kept over restarts; none: it is not.
    pub state_directory: Option<PathBuf>,
}

impl Admin {
    /// Reads `[admin]`; paths are relative to `folder`.
    pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Self {
        Self {
            listen: table.read("listen", found, |value| socket_address(value, ADMIN_PORT)),
            socket: table.read("socket", found, |value| socket(value, folder)),
            state_directory: table.read("state-directory", found, |value| path(value, folder)),
        }
    }
}

fn socket(value: Value<'_>, folder: &Path) -> Result<PathBuf, Diagnostic> {
    let path = path(value, folder)?;
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        let fault =
            value.fault(format!("longer than the {SOCKET_PATH_BYTES_MAX} bytes a socket's path may have"));
        return Err(fault.help("a usual place is \"/run/edgedns/control.sock\""));
    }
    Ok(path)
}

fn path(value: Value<'_>, folder: &Path) -> Result<PathBuf, Diagnostic> {
    match value.text()? {
        "" => Err(value.fault("the path is empty")),
        text if text.contains('\0') => Err(value.fault("no path holds a NUL byte")),
        text => Ok(folder.join(text)),
    }
}
