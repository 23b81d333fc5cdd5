//! Entries that name clients by their network, by the key that they sign with, or by both.

use crate::answer::{Allowed, Prefix};
use crate::setting::{KEY_WORD, TsigKey, Value};
use crate::source::Diagnostic;

/// A network, `key:NAME`, or both in one text.
pub(super) fn allowed(value: Value<'_>, keys: &[TsigKey]) -> Result<Allowed, Diagnostic> {
    let text = value.text()?;
    let mut allowed = Allowed { prefix: None, key: None };
    for word in text.split_whitespace() {
        let is_again = match word.strip_prefix(KEY_WORD) {
            Some(name) => allowed.key.replace(TsigKey::named(value, name, keys)?.name.clone()).is_some(),
            None => allowed.prefix.replace(prefix(value, word)?).is_some(),
        };
        if is_again {
            let fault = value.fault("an entry has one network and one key at most");
            return Err(fault.help("write two entries"));
        }
    }
    if allowed == (Allowed { prefix: None, key: None }) {
        return Err(value.fault("an empty entry").help("write \"0.0.0.0/0\" and \"::/0\" for everybody"));
    }
    Ok(allowed)
}

fn prefix(value: Value<'_>, word: &str) -> Result<Prefix, Diagnostic> {
    word.parse().map_err(|error| {
        let help = "write \"192.0.2.0/24\" or \"key:NAME\"";
        value.fault(format!("`{word}` is no network: {error}")).help(help)
    })
}
