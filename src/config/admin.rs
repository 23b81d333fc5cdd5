//! `[admin]`: where an operator reaches the running server.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::socket_address::socket_address;
use super::table::Table;
use crate::dns::NameRef;
use crate::setting::Value;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics};

/// Longest path of a socket, in bytes: what the system's `sockaddr_un` holds, less the end of a temporary
/// name beside it.
pub const SOCKET_PATH_BYTES_MAX: usize = 96;

/// Most names of the admin listener: each is compared with every request's.
const NAMES_MAX: usize = 64;

/// The port that is suggested where one is missing.
const ADMIN_PORT: u16 = 9653;

/// `[admin]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admin {
    /// Where the page, the status and the metrics are served; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// By which names these may be asked for besides, in lower case and without a final dot.
    pub names: Vec<String>,
    /// The control socket; none: there is no way in but signals.
    pub socket: Option<PathBuf>,
    /// Where what an operator said is kept over restarts; none: it is not.
    pub state_directory: Option<PathBuf>,
}

impl Admin {
    /// Reads `[admin]`; paths are relative to `folder`, and DNS is served at `dns`.
    pub(super) fn read(
        table: &Table<'_>,
        folder: &Path,
        dns: &[SocketAddr],
        found: &mut Diagnostics,
    ) -> Self {
        Self {
            listen: table.get("listen").and_then(|value| listen(value, dns, found)),
            names: table.get("names").map(|value| names(value, found)).unwrap_or_default(),
            socket: table.read("socket", found, |value| socket(value, folder)),
            state_directory: table.read("state-directory", found, |value| path(value, folder)),
        }
    }
}

/// Where the listener is. Nobody who can connect is asked who they are.
fn listen(value: Value<'_>, dns: &[SocketAddr], found: &mut Diagnostics) -> Option<SocketAddr> {
    let address = keep(socket_address(value, ADMIN_PORT), found)?;
    if let Some(taken) = dns.iter().find(|taken| stands_in_the_way(**taken, address)) {
        let fault = value.fault(format!("DNS is served at {taken}, over TCP as well"));
        found.push(fault.help(format!("take another port, as {ADMIN_PORT}")));
        return None;
    }
    if !address.ip().is_loopback() {
        let message = format!("any client that can connect to {address} sees all zones, targets and faults");
        let open = Diagnostic::warning(value.span(), message).label("this listener asks for no password");
        found.push(open.help(format!(
            "let a firewall admit only who watches this server, or write \"127.0.0.1:{}\"",
            address.port()
        )));
    }
    Some(address)
}

/// Whether a listener at `taken` leaves none at `wanted`.
fn stands_in_the_way(taken: SocketAddr, wanted: SocketAddr) -> bool {
    let (held, asked) = (taken.ip(), wanted.ip());
    let of_all = |one: IpAddr, other: IpAddr| one.is_unspecified() && one.is_ipv4() == other.is_ipv4();
    taken.port() == wanted.port() && (held == asked || of_all(held, asked) || of_all(asked, held))
}

/// The names in their usual form, each once.
fn names(value: Value<'_>, found: &mut Diagnostics) -> Vec<String> {
    let items = keep(value.items(), found).unwrap_or_default();
    if items.len() > NAMES_MAX {
        found.push(value.fault(format!("more than {NAMES_MAX} names")));
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let Some(name) = keep(item.name(NameRef::ROOT), found) else { continue };
        let name = name.to_string().trim_end_matches('.').to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
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
