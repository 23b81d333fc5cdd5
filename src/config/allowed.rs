//! Entries that name clients by their network, by the key that they sign with, by their certificate, or by several of these.

use crate::answer::{Allowed, Prefix};
use crate::setting::{KEY_WORD, TsigKey, Value};
use crate::source::Diagnostic;
use crate::tls::ServerName;

/// Begins the name that a client's certificate must be for.
const CERTIFICATE_WORD: &str = "tls:";

/// A network, `key:NAME`, `tls:NAME`, or several of these in one text.
pub(super) fn allowed(value: Value<'_>, keys: &[TsigKey]) -> Result<Allowed, Diagnostic> {
    let text = value.text()?;
    let mut allowed = Allowed::default();
    for word in text.split_whitespace() {
        let is_again = if let Some(name) = word.strip_prefix(KEY_WORD) {
            allowed.key.replace(TsigKey::named(value, name, keys)?.name.clone()).is_some()
        } else if let Some(name) = word.strip_prefix(CERTIFICATE_WORD) {
            allowed.certificate.replace(certificate_name(value, name)?).is_some()
        } else {
            allowed.prefix.replace(prefix(value, word)?).is_some()
        };
        if is_again {
            let fault = value.fault("an entry has one network, one key and one certificate at most");
            return Err(fault.help("write two entries"));
        }
    }
    if allowed == Allowed::default() {
        return Err(value.fault("an empty entry").help("write \"0.0.0.0/0\" and \"::/0\" for everybody"));
    }
    Ok(allowed)
}

fn certificate_name(value: Value<'_>, name: &str) -> Result<ServerName, Diagnostic> {
    let name_of = |name: &str| ServerName::new(name.trim_end_matches('.'));
    name_of(name).ok_or_else(|| value.fault(format!("`{name}` is not a name that a certificate can have")))
}

fn prefix(value: Value<'_>, word: &str) -> Result<Prefix, Diagnostic> {
    word.parse().map_err(|error| {
        let help = "write \"192.0.2.0/24\", \"key:NAME\" or \"tls:NAME\"";
        value.fault(format!("`{word}` is no network: {error}")).help(help)
    })
}
