//! Another server as the configuration names it: `192.0.2.1:5353`, `tls://192.0.2.1#dns.example`,
//! `https://192.0.2.1/dns-query#dns.example`.

use super::encrypted::{Encrypted, EncryptedTransport, TransportEntry};
use super::remote::{Protocol, Remote};
use crate::probe::{Path, no_host};
use crate::setting::Value;
use crate::source::Diagnostic;
use crate::tls::ServerName;
use crate::transport::{ScopeError, scoped_host};

const DNS_PORT: u16 = 53;

/// Why a text names no server.
#[derive(Debug)]
pub enum RemoteFault {
    /// It is no address.
    NoAddress,
    /// Its port is 0.
    NoPort,
    /// It is an address that cannot be asked, or not so.
    Other(Diagnostic),
}

impl Remote {
    /// Reads the server in `text`, a word of `value`: an address, with a port or without. `tls://` and the like before it
    /// say over what it is asked; then a path may follow, if the transport has paths, and behind a `#` the name in its
    /// certificate.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read(value: Value<'_>, text: &str) -> Result<Remote, RemoteFault> {
        let encrypted = EncryptedTransport::ALL.iter().find_map(|&transport| {
            let rest = text.strip_prefix(transport.entry().scheme)?.strip_prefix("://")?;
            Some((transport, rest))
        });
        let (place, protocol, port) = match encrypted {
            None => (text, Protocol::Udp, DNS_PORT),
            Some((transport, rest)) => {
                let (place, encrypted) = read_encrypted(value, transport, rest)?;
                (place, Protocol::Encrypted(encrypted), transport.entry().port)
            }
        };
        let address = scoped_host(place, port).map_err(|error| match error {
            ScopeError::NoAddress => RemoteFault::NoAddress,
            error => RemoteFault::Other(error.fault(value)),
        })?;
        if let Some(why) = no_host(address.ip()) {
            let fault = value.fault(format!("{} {why}", address.ip()));
            return Err(RemoteFault::Other(fault.help("name the address at which a server listens")));
        }
        if let Protocol::Encrypted(Encrypted { transport, .. }) = &protocol
            && let TransportEntry { name, barred_port: Some(barred), .. } = transport.entry()
            && address.port() == barred
        {
            let fault = value.fault(format!("nobody serves {name} at port {barred}"));
            return Err(RemoteFault::Other(fault.help(format!("leave the port out for {port}"))));
        }
        if address.port() == 0 { Err(RemoteFault::NoPort) } else { Ok(Remote { address, protocol }) }
    }
}

/// What stands behind the scheme: the place, and what there is of path and name.
fn read_encrypted<'t>(
    value: Value<'_>,
    transport: EncryptedTransport,
    rest: &'t str,
) -> Result<(&'t str, Encrypted), RemoteFault> {
    let (place, name) = rest.split_once('#').map_or((rest, None), |(place, name)| (place, Some(name)));
    let (place, path) = place.find('/').map_or((place, None), |at| {
        let (place, path) = place.split_at(at);
        (place, Some(path))
    });
    let name = name.map(|name| server_name(value, name)).transpose()?;
    let path = server_path(value, transport, path)?;
    Ok((place, Encrypted { transport, name, path }))
}

fn server_name(value: Value<'_>, name: &str) -> Result<ServerName, RemoteFault> {
    let fault = || value.fault(format!("`{name}` is not a name that a certificate can have"));
    ServerName::new(name).ok_or_else(|| RemoteFault::Other(fault()))
}

/// The path that is written, or the usual one; none where the transport has no paths.
fn server_path(
    value: Value<'_>,
    transport: EncryptedTransport,
    written: Option<&str>,
) -> Result<Option<Path>, RemoteFault> {
    let entry = transport.entry();
    let (path, usual) = match (written, entry.path) {
        (None, None) => return Ok(None),
        (Some(path), None) => {
            let fault = value.fault(format!("there are no paths over {}", entry.name));
            return Err(RemoteFault::Other(fault.help(format!("leave `{path}` out"))));
        }
        (written, Some(usual)) => (written.unwrap_or(usual), usual),
    };
    // Queries are sent with POST, which needs no template (RFC 8484, section 4.1).
    match Path::new(path).filter(|_| !path.contains(['?', '{'])) {
        Some(path) => Ok(Some(path)),
        None => {
            let fault = value.fault(format!("`{path}` is not a path at which queries are taken"));
            Err(RemoteFault::Other(
                fault.help(format!("write it as \"{usual}\", without a query or a template")),
            ))
        }
    }
}
