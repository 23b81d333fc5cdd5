//! An entry of `primary`: `192.0.2.1:5353 key:NAME`, `tls://192.0.2.2#dns.example`.
//!
//! Reads a list of them, and says why one cannot be asked.

use std::net::SocketAddr;

use crate::requestor::{Remote, RemoteFault};
use crate::setting::{KEY_WORD, TsigKey, Value, keep};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::transfer::incoming::{Primary, PrimaryKey};

/// Most primaries of a zone. They are asked one after the other.
const PRIMARIES_MAX: usize = 16;

/// The servers of a list, with those of `keys` that they name. This server, which listens at `listen`, cannot be one.
pub fn read_primaries(
    value: Value<'_>,
    listen: &[SocketAddr],
    keys: &[TsigKey],
    found: &mut Diagnostics,
) -> Option<Vec<Primary>> {
    let items = keep(value.items(), found)?;
    if items.is_empty() || items.len() > PRIMARIES_MAX {
        found.push(value.fault(format!("`primary` has 1 to {PRIMARIES_MAX} items, not {}", items.len())));
        return None;
    }
    let mut list: Vec<(Primary, Span)> = Vec::new();
    for item in items {
        let Some(primary) = keep(primary(item, keys), found) else { continue };
        if is_own(primary.remote.address, listen) {
            let fault = item.fault(format!("`{primary}` is this server itself"));
            found.push(fault.help("name the server that has the zone"));
        } else if let Some((_, first)) = list.iter().find(|(known, _)| *known == primary) {
            let twice = item.fault(format!("`{primary}` is asked already"));
            found.push(twice.and_at(*first, "first given here"));
        } else {
            list.push((primary, item.span()));
        }
    }
    (!list.is_empty()).then(|| list.into_iter().map(|(primary, _)| primary).collect())
}

/// Whether this server answers at an address.
fn is_own(address: SocketAddr, listen: &[SocketAddr]) -> bool {
    listen.iter().any(|own| {
        let everywhere = own.ip().is_unspecified() && address.ip().is_loopback();
        own.port() == address.port() && (own.ip() == address.ip() || everywhere)
    })
}

/// `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`, `tls://192.0.2.1:853#dns.example`, each with ` key:NAME` behind
/// it or without.
fn primary(value: Value<'_>, keys: &[TsigKey]) -> Result<Primary, Diagnostic> {
    let text = value.text()?;
    let mut words = text.split_ascii_whitespace();
    let place = words.next().unwrap_or_default();
    let key = words.next().map(|word| key(value, word, keys)).transpose()?;
    if let Some(word) = words.next() {
        return Err(value.fault(format!("`{word}` is one word too many")));
    }
    Ok(Primary { remote: remote(value, place)?, key })
}

/// The key that `key:NAME` names.
fn key(value: Value<'_>, word: &str, keys: &[TsigKey]) -> Result<PrimaryKey, Diagnostic> {
    let Some(name) = word.strip_prefix(KEY_WORD) else {
        let help = "a key stands behind the address as \"key:NAME\"";
        return Err(value.fault(format!("`{word}` is no key")).help(help));
    };
    let TsigKey { name, algorithm, secret, .. } = TsigKey::named(value, name, keys)?;
    Ok(PrimaryKey { name: name.clone(), algorithm: *algorithm, secret: secret.clone() })
}

fn remote(value: Value<'_>, text: &str) -> Result<Remote, Diagnostic> {
    let remote = Remote::read(value, text).map_err(|fault| match fault {
        RemoteFault::NoAddress => value.fault(format!("`{text}` is no address of a primary")).help(
            "write it as \"192.0.2.1\", \"192.0.2.1:5353\" or \"tls://192.0.2.1#dns.example\", with \" key:NAME\" \
             behind it for a key; names are not looked up",
        ),
        RemoteFault::NoPort => value.fault("port 0 cannot be asked"),
        RemoteFault::Other(fault) => fault,
    })?;
    if let Some(name) = remote.protocol.without_transfers() {
        let fault = value.fault(format!("zones are not copied over {name}"));
        return Err(fault.help("begin it with `tls://`, or with nothing for TCP"));
    }
    Ok(remote)
}
