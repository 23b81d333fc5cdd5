//! `[server]`: listen addresses, TCP limits, when to reload, and what the server says about itself.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::limit::{EXEMPT_MAX, one_exempt};
use super::socket_address::{socket_address, stands_in_the_way};
use super::table::Table;
use crate::answer::Prefix;
use crate::setting::DURATION_MAX;
use crate::setting::Value;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::transfer::outgoing::TransferLimits;
use crate::transport::{Affinity, ListenAddress, Protocols, ProtocolsEntry, SocketProtocol};
use crate::zones::Clients;

/// Most UDP threads. More than any machine has cores; beyond it is a slip.
pub const WORKERS_MAX: u32 = 1024;

/// Most TCP connections, in all and per client: what the kernel can give a process as file descriptors
/// (`fs.nr_open`).
pub const CONNECTIONS_MAX: u32 = 1 << 20;

/// Longest text for `nsid` and `version`, in bytes: fits beside the longest question into the 512 bytes of
/// the smallest client.
pub const IDENTITY_BYTES_MAX: usize = 128;

const AFFINITIES: &[(&str, Affinity)] = &[("clients", Affinity::Clients), ("cores", Affinity::Cores)];

/// Most folders of `include-folders`: each of them is looked at for every included file.
const INCLUDE_FOLDERS_MAX: usize = 16;

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where is listened, and what is served there; never empty, none twice, no port 0.
    pub listen: Vec<ListenAddress>,
    /// UDP threads; 0: one per core.
    pub workers: usize,
    /// Which of them takes a query.
    pub affinity: Affinity,
    /// TCP connections open at a time.
    pub tcp_connections: usize,
    /// TCP connections of one client open at a time.
    pub tcp_connections_per_client: usize,
    /// How long a TCP connection may be open without a query.
    pub tcp_idle: Duration,
    /// Transfers of zones to other servers at once.
    pub transfers: TransferLimits,
    /// Whether files are watched, so that a change is taken over by itself.
    pub watch: ReloadOn,
    /// Folders that zones may include files from, besides that of their own file and that of the config file.
    pub include_folders: Vec<PathBuf>,
    /// Resolvers that are believed for whom they ask (RFC 7871).
    pub client_subnet_from: Vec<Prefix>,
    /// What is told of this node by NSID (RFC 5001) and CHAOS `id.server`.
    pub nsid: Option<String>,
    /// What is told to CHAOS `version.bind`.
    pub version: Option<String>,
    /// What DNS cookies are made with; none: chance makes one at each start.
    pub cookie_secret: Option<CookieSecret>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Protocols::ALL.iter().flat_map(|protocols| protocols.usual_addresses()).collect(),
            workers: 0,
            affinity: Affinity::Clients,
            tcp_connections: 1000,
            tcp_connections_per_client: 100,
            tcp_idle: Duration::from_secs(10),
            transfers: TransferLimits::default(),
            watch: ReloadOn::FileChange,
            include_folders: Vec::new(),
            client_subnet_from: Vec::new(),
            nsid: None,
            version: Some("edgedns".to_owned()),
            cookie_secret: None,
        }
    }
}

/// What leads to a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOn {
    /// A changed file, and a request: SIGHUP or `edgedns reload`.
    FileChange,
    /// Only a request.
    Request,
}

/// The secret that DNS cookies are made with (RFC 9018, section 4.4). It is not shown, not even for
/// debugging.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieSecret([u8; 16]);

impl CookieSecret {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 hexadecimal digits.
    fn parse(text: &str) -> Option<Self> {
        // u128 alone would take a sign.
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret(…)")
    }
}

impl Server {
    /// The addresses alone.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listen.iter().map(|listen| listen.address).collect()
    }

    /// Those that have a socket for TCP.
    pub(super) fn over_tcp(&self) -> Vec<SocketAddr> {
        let own = self.listen.iter().filter(|listen| listen.protocols.entry().takes(SocketProtocol::Tcp));
        own.map(|listen| listen.address).collect()
    }

    /// Those at which these protocols are served.
    pub fn addresses_of(&self, protocols: Protocols) -> Vec<SocketAddr> {
        let own = self.listen.iter().filter(|listen| listen.protocols == protocols);
        own.map(|listen| listen.address).collect()
    }

    /// Reads `[server]`; what is absent or faulty keeps its default.
    pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Self {
        let default = Server::default();
        let idle = Duration::from_millis(1)..=DURATION_MAX;
        Self {
            listen: listen_all(table, found),
            workers: table.read("workers", found, workers).unwrap_or(default.workers),
            affinity: table
                .read("affinity", found, |value| value.word(AFFINITIES))
                .unwrap_or(default.affinity),
            tcp_connections: table
                .read("tcp-connections", found, connections)
                .unwrap_or(default.tcp_connections),
            tcp_connections_per_client: table
                .read("tcp-connections-per-client", found, connections)
                .unwrap_or(default.tcp_connections_per_client),
            tcp_idle: table
                .read("tcp-idle", found, |value| value.duration(&idle))
                .unwrap_or(default.tcp_idle),
            transfers: TransferLimits {
                all: table.read("transfers", found, connections).unwrap_or(default.transfers.all),
                per_client: table
                    .read("transfers-per-client", found, connections)
                    .unwrap_or(default.transfers.per_client),
            },
            watch: table.read("watch", found, watch).unwrap_or(default.watch),
            include_folders: table
                .get("include-folders")
                .and_then(|value| include_folders(value, folder, found))
                .unwrap_or(default.include_folders),
            client_subnet_from: table
                .get("client-subnet-from")
                .and_then(|value| resolvers(value, found))
                .unwrap_or(default.client_subnet_from),
            nsid: table.read("nsid", found, identity).unwrap_or(default.nsid),
            version: table.read("version", found, identity).unwrap_or(default.version),
            cookie_secret: table.read("cookie-secret", found, cookie_secret),
        }
    }
}

fn watch(value: Value<'_>) -> Result<ReloadOn, Diagnostic> {
    value.truth().map(|watched| if watched { ReloadOn::FileChange } else { ReloadOn::Request })
}

/// Folders, relative to that of the config file.
fn include_folders(value: Value<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Vec<PathBuf>> {
    let items = keep(value.items(), found)?;
    if items.len() > INCLUDE_FOLDERS_MAX {
        found.push(
            value.fault(format!("more than {INCLUDE_FOLDERS_MAX} folders")).help("name one above them"),
        );
        return None;
    }
    let path = |item: Value<'_>| match item.text()? {
        "" => Err(item.fault("an empty path names no folder")),
        text => Ok(folder.join(text)),
    };
    Some(items.into_iter().filter_map(|item| keep(path(item), found)).collect())
}

/// Networks of resolvers.
fn resolvers(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Prefix>> {
    let items = keep(value.items(), found)?;
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} prefixes")).help("name larger networks"));
        return None;
    }
    let network = |item: Value<'_>| match one_exempt(item)? {
        Clients::Prefix(network) => Ok(network),
        Clients::Local => {
            let fault = item.fault(
                "`local` is known only while the server runs, and may change: name the resolvers that are believed",
            );
            Err(fault.help("write it as \"192.0.2.53\" or \"192.0.2.0/24\""))
        }
    };
    Some(items.into_iter().filter_map(|item| keep(network(item), found)).collect())
}

fn workers(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("0 (one per core) to {WORKERS_MAX}"), |count| {
        usize::try_from(count).ok().filter(|_| count <= WORKERS_MAX)
    })
}

fn connections(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("1 to {CONNECTIONS_MAX}"), |count| {
        usize::try_from(count).ok().filter(|_| (1..=CONNECTIONS_MAX).contains(&count))
    })
}

/// A text told to clients; none for an empty one.
fn identity(value: Value<'_>) -> Result<Option<String>, Diagnostic> {
    let text = value.text()?;
    if text.len() > IDENTITY_BYTES_MAX {
        return Err(value.fault(format!("longer than {IDENTITY_BYTES_MAX} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(value.fault("a control character cannot be sent to clients"));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn cookie_secret(value: Value<'_>) -> Result<CookieSecret, Diagnostic> {
    CookieSecret::parse(value.text()?).ok_or_else(|| {
        value.fault("a cookie secret is 32 hexadecimal digits").help("make one with `openssl rand -hex 16`")
    })
}

/// Where all protocols are served.
fn listen_all(table: &Table<'_>, found: &mut Diagnostics) -> Vec<ListenAddress> {
    let mut all: Vec<ListenAddress> = Vec::new();
    for &protocols in Protocols::ALL {
        let own = listen(table, protocols, &all, found);
        all.extend(own);
    }
    all
}

/// Where these protocols are served: what their key says, else where they are usually served. The sockets of those
/// before are `taken`.
fn listen(
    table: &Table<'_>,
    protocols: Protocols,
    taken: &[ListenAddress],
    found: &mut Diagnostics,
) -> Vec<ListenAddress> {
    let value = table.get(protocols.entry().key.name);
    let given = value.and_then(|value| addresses(value, protocols.entry(), taken, found));
    match given {
        Some(given) => given.into_iter().map(|address| ListenAddress { address, protocols }).collect(),
        None => protocols.usual_addresses().collect(),
    }
}

/// The addresses of a list; none if it is of no use as a whole.
fn addresses(
    value: Value<'_>,
    protocols: ProtocolsEntry,
    taken: &[ListenAddress],
    found: &mut Diagnostics,
) -> Option<Vec<SocketAddr>> {
    let items = keep(value.items(), found)?;
    if items.is_empty() {
        let help = match protocols.absent {
            [] => format!("leave `{}` out", protocols.key.name),
            _ => format!("leave `{}` out to serve all addresses", protocols.key.name),
        };
        found.push(value.fault("no address to listen on").help(help));
    }
    let mut first: Vec<(SocketAddr, Span)> = Vec::with_capacity(items.len());
    let (given, errors) = (items.len(), found.errors());
    for item in items {
        let Some(address) = keep(socket_address(item, protocols.port), found) else { continue };
        if address.ip().is_multicast() {
            let fault = item.fault(format!("`{address}` is a multicast address: no connection ends there"));
            found.push(fault.help("name an address of one host"));
            continue;
        }
        if protocols.barred_port == Some(address.port()) {
            let fault = item.fault(format!("{} is never at port {}", protocols.name, address.port()));
            found.push(fault.help(format!("it is usually at port {}", protocols.port)));
            continue;
        }
        let clashes = |other: SocketAddr| match protocols.socket {
            SocketProtocol::Tcp => other == address,
            // It gets all that comes to its port: another socket would take what belongs to a connection.
            SocketProtocol::Udp => stands_in_the_way(other, address),
        };
        let has_its_socket = |other: &&ListenAddress| {
            clashes(other.address) && other.protocols.entry().takes(protocols.socket)
        };
        if let Some(other) = taken.iter().find(has_its_socket) {
            let (name, other) = (other.protocols.entry().name, other.address);
            let fault = item.fault(format!("`{other}` serves {name} already"));
            found.push(fault.help(format!("{} is usually at port {}", protocols.name, protocols.port)));
            continue;
        }
        match first.iter().find(|(known, _)| clashes(*known)) {
            Some(&(known, known_at)) => found.push(
                item.fault(format!("`{known}` is listened on already")).and_at(known_at, "first given here"),
            ),
            None => first.push((address, item.span())),
        }
    }
    if given > 0 && first.is_empty() && found.errors() == errors {
        found.push(value.fault("no address to listen on exists now").help("name one that is always there"));
    }
    Some(first.into_iter().map(|(address, _)| address).collect())
}
