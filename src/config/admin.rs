//! `[admin]`: where an operator reaches the running server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::host_path::{host_path, unix_socket};
use super::socket_address::{socket_address, stands_in_the_way};
use super::table::Table;
use crate::dns::NameRef;
use crate::setting::Value;
use crate::setting::{keep, path_in};
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
    /// Whether these are served over TLS.
    pub encryption: Encryption,
    /// The file with the token that every request must show; none: nobody is asked.
    pub token_file: Option<PathBuf>,
    /// The file with the authorities whose certificates clients must have; none: nobody is asked.
    pub client_ca: Option<PathBuf>,
    /// The control socket; none: there is no way in but signals.
    pub socket: Option<PathBuf>,
    /// Where what an operator said is kept over restarts; none: it is not.
    pub state_directory: Option<PathBuf>,
}

/// Whether the admin listener is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// HTTP in the clear.
    #[default]
    Off,
    /// TLS, with the certificate of `[tls]`.
    On,
}

impl Admin {
    /// Reads `[admin]`; paths are relative to `folder`, and DNS is served at `dns`, over TCP or what is carried by it.
    pub(super) fn read(
        table: &Table<'_>,
        folder: &Path,
        dns: &[SocketAddr],
        found: &mut Diagnostics,
    ) -> Self {
        let encryption = table.read("tls", found, encryption).unwrap_or_default();
        let token_file = table.read("token-file", found, |value| path_in(value, folder));
        let client_ca = table.read("client-ca", found, |value| path_in(value, folder));
        if let (Encryption::Off, Some(value)) = (encryption, table.get("client-ca")) {
            let fault = value.fault("clients have no certificates without TLS");
            found.push(fault.help("write `tls = true` beside it"));
        }
        let is_insecure = table.read("insecure", found, |value| value.truth()).unwrap_or_default();
        let is_known = encryption == Encryption::On && (token_file.is_some() || client_ca.is_some());
        let exposure = if is_known || is_insecure { Exposure::Any } else { Exposure::Loopback };
        Self {
            listen: table.get("listen").and_then(|value| listen(value, dns, exposure, found)),
            encryption,
            token_file,
            client_ca,
            names: table.get("names").map(|value| names(value, found)).unwrap_or_default(),
            socket: table.read("socket", found, |value| socket(value, folder)),
            state_directory: table.read("state-directory", found, |value| host_path(value, folder)),
        }
    }
}

/// From where the listener may be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    /// From this host alone: nobody who can connect is asked who they are, or others could listen in.
    Loopback,
    /// From anywhere: clients prove who they are, or the operator has said so.
    Any,
}

fn encryption(value: Value<'_>) -> Result<Encryption, Diagnostic> {
    value.truth().map(|encrypted| if encrypted { Encryption::On } else { Encryption::Off })
}

/// Where the listener is; none where it would be open to everybody and nobody has said that it may be. DNS is served
/// anyway.
fn listen(
    value: Value<'_>,
    dns: &[SocketAddr],
    exposure: Exposure,
    found: &mut Diagnostics,
) -> Option<SocketAddr> {
    let address = keep(socket_address(value, ADMIN_PORT), found)?;
    if let Some(taken) = dns.iter().find(|taken| stands_in_the_way(**taken, address)) {
        let fault = value.fault(format!("DNS is served at {taken}, over TCP as well"));
        found.push(fault.help(format!("take another port, as {ADMIN_PORT}")));
        return None;
    }
    if !address.ip().is_loopback() && exposure == Exposure::Loopback {
        let message = format!(
            "not listened on: any client that can connect to {address} would see all zones, targets and faults"
        );
        let open = Diagnostic::warning(value.span(), message)
            .label("beyond this host, and nobody is asked who they are");
        found.push(open.help("write `tls = true` with `token-file` or `client-ca`").help(format!(
            "or \"127.0.0.1:{}\"; or `insecure = true`, where a firewall admits only who watches this server",
            address.port()
        )));
        return None;
    }
    Some(address)
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
    let path = unix_socket(value, folder, SOCKET_PATH_BYTES_MAX);
    path.map_err(|fault| fault.help("a usual place is \"/run/edgedns/control.sock\""))
}
