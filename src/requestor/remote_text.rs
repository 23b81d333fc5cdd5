//! Another server as the configuration names it: `192.0.2.1:5353`, `tls://192.0.2.1#dns.example`.

use super::remote::{Protocol, Remote};
use crate::probe::no_host;
use crate::setting::Value;
use crate::source::Diagnostic;
use crate::tls::ServerName;
use crate::transport::{ScopeError, ScopedIp, scoped_place};

/// Begins a server that is asked over TLS.
const TLS: &str = "tls://";

const DNS_PORT: u16 = 53;
const TLS_PORT: u16 = 853;

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
    /// Reads the server in `text`, a word of `value`: an address, with a port or without, `tls://` before it for TLS, and
    /// behind a `#` the name in its certificate.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read(value: Value<'_>, text: &str) -> Result<Remote, RemoteFault> {
        let (place, protocol, port) = match text.strip_prefix(TLS) {
            None => (text, Protocol::Udp, DNS_PORT),
            Some(rest) => {
                let (place, name) =
                    rest.split_once('#').map_or((rest, None), |(place, name)| (place, Some(name)));
                let name = name.map(|name| server_name(value, name)).transpose()?;
                (place, Protocol::Tls(name), TLS_PORT)
            }
        };
        let bare = place.strip_prefix('[').and_then(|place| place.strip_suffix(']')).unwrap_or(place);
        let read = match bare.parse::<ScopedIp>() {
            Ok(ip) => Ok(ip.at(port)),
            Err(ScopeError::NoAddress) => scoped_place(place),
            Err(error) => Err(error),
        };
        let address = read.map_err(|error| match error {
            ScopeError::NoAddress => RemoteFault::NoAddress,
            error => RemoteFault::Other(error.fault(value)),
        })?;
        if let Some(why) = no_host(address.ip()) {
            let fault = value.fault(format!("{} {why}", address.ip()));
            return Err(RemoteFault::Other(fault.help("name the address at which a server listens")));
        }
        if address.port() == 0 { Err(RemoteFault::NoPort) } else { Ok(Remote { address, protocol }) }
    }
}

fn server_name(value: Value<'_>, name: &str) -> Result<ServerName, RemoteFault> {
    let fault = || value.fault(format!("`{name}` is not a name that a certificate can have"));
    ServerName::new(name).ok_or_else(|| RemoteFault::Other(fault()))
}
