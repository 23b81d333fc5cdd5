//! Whom a certificate must be for.

use super::value::Value;
use crate::source::Diagnostic;
use crate::tls::ServerName;

/// A host name or an address that a certificate can be for.
///
/// # Errors
///
/// When it is neither.
pub fn server_name(value: Value<'_>) -> Result<ServerName, Diagnostic> {
    let text = value.text()?;
    ServerName::new(text)
        .ok_or_else(|| value.fault(format!("`{text}` is neither a host name nor an address")))
}
