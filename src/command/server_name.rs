//! The name of a server, as certificates are for one.

use edgedns::tls::ServerName;

/// Reads the name of a host, or an address.
pub(super) fn read_server_name(text: &str) -> Result<ServerName, String> {
    ServerName::new(text.trim_end_matches('.')).ok_or_else(|| "neither a host name nor an address".to_owned())
}
