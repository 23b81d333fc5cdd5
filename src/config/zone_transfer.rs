//! `allow-transfer`, `transfer-pools` and `notify`: which servers get a zone, what of it, and which are told of changes.
//!
//! Reads these keys of `[[zone]]`.

use std::net::SocketAddr;

use super::allowed::allowed;
use super::limit::EXEMPT_MAX;
use super::table::Table;
use crate::answer::Allowed;
use crate::probe::no_host;
use crate::setting::{KEY_WORD, TsigKey, Value, keep};
use crate::source::{Diagnostic, Diagnostics};
use crate::transfer::outgoing::TransferPools;
use crate::transport::{ScopeError, scoped_host};
use crate::tsig::KeyName;

/// Most servers of `notify`: each gets a message at every change.
const NOTIFY_MAX: usize = 64;

/// What `transfer-pools` may say.
const POOLS: &[(&str, TransferPools)] =
    &[("members", TransferPools::Members), ("up", TransferPools::Up), ("lua", TransferPools::Lua)];

/// Who gets a zone, and what of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTransfer {
    /// `allow-transfer`: who may have it; empty: nobody.
    pub allow: Vec<Allowed>,
    /// `transfer-pools`: what is sent of pools.
    pub pools: TransferPools,
    /// `notify`: whom to tell of changes.
    pub notify: Vec<NotifiedServer>,
}

/// A server that is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifiedServer {
    /// Where it is.
    pub place: SocketAddr,
    /// The key that messages to it are signed with.
    pub key: Option<KeyName>,
}

/// The port that is meant where none is given.
const DNS_PORT: u16 = 53;

impl ZoneTransfer {
    /// Whether other servers get anything of it.
    pub fn needs_contents(&self) -> bool {
        !self.allow.is_empty() || !self.notify.is_empty()
    }

    /// Whether what they get changes with the verdicts.
    pub fn follows_verdicts(&self) -> bool {
        self.needs_contents() && self.pools == TransferPools::Up
    }

    /// What is wrong where they would get what changes with the verdicts, and the serials of the zone are those of
    /// another one.
    pub(super) fn no_verdicts(&self, zone: &Table<'_>) -> Option<Diagnostic> {
        let value = zone.get("transfer-pools").filter(|_| self.follows_verdicts())?;
        let fault =
            value.fault("the serials of this zone are those of another one, and do not follow verdicts");
        Some(fault.help("leave the key out, or write \"members\" or \"lua\""))
    }

    /// What is wrong where the zone is signed here, and something else is sent of its pools than what is signed.
    pub(super) fn not_signed(&self, zone: &Table<'_>) -> Option<Diagnostic> {
        let value = zone.get("transfer-pools").filter(|_| self.pools != TransferPools::Members)?;
        let fault = value
            .fault("the zone is signed, and of its pools nothing but their members is signed for transfers");
        Some(fault.help("leave the key out, or write \"members\""))
    }

    /// Reads the keys of a zone.
    pub(super) fn read(zone: &Table<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Self {
        let allow =
            zone.get("allow-transfer").and_then(|value| allow(value, keys, found)).unwrap_or_default();
        let pools = zone.read("transfer-pools", found, |value| value.word(POOLS)).unwrap_or_default();
        let notify = zone.get("notify").and_then(|value| notify(value, keys, found)).unwrap_or_default();
        Self { allow, pools, notify }
    }
}

/// Entries; an empty list means what leaving the key out means.
fn allow(value: Value<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Vec<Allowed>> {
    let items = keep(value.items(), found)?;
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} entries")).help("name larger networks"));
        return None;
    }
    Some(items.into_iter().filter_map(|item| keep(allowed(item, keys), found)).collect())
}

/// Servers to tell.
fn notify(value: Value<'_>, keys: &[TsigKey], found: &mut Diagnostics) -> Option<Vec<NotifiedServer>> {
    let items = keep(value.items(), found)?;
    if items.len() > NOTIFY_MAX {
        found.push(value.fault(format!("more than {NOTIFY_MAX} servers")));
        return None;
    }
    let mut servers: Vec<NotifiedServer> = Vec::new();
    for item in items {
        let Some(server) = keep(notified(item, keys), found) else { continue };
        // Told twice, it would ask twice; and which of two keys it knows is not for us to guess.
        if servers.iter().any(|known| known.place == server.place) {
            found.push(item.fault(format!("{} is named twice", server.place)).help("leave one of them out"));
            continue;
        }
        servers.push(server);
    }
    Some(servers)
}

/// An address, with or without a port, and a key or none.
fn notified(value: Value<'_>, keys: &[TsigKey]) -> Result<NotifiedServer, Diagnostic> {
    let text = value.text()?;
    let (mut place, mut key) = (None, None);
    for word in text.split_whitespace() {
        let is_again = match word.strip_prefix(KEY_WORD) {
            Some(name) => key.replace(TsigKey::named(value, name, keys)?.name.clone()).is_some(),
            None => place.replace(notified_place(value, word)?).is_some(),
        };
        if is_again {
            let fault = value.fault("an entry has one address and one key at most");
            return Err(fault.help("write two entries"));
        }
    }
    let place = place.ok_or_else(|| {
        value.fault("an entry without an address").help("write \"192.0.2.53\" or \"192.0.2.53 key:NAME\"")
    })?;
    Ok(NotifiedServer { place, key })
}

fn notified_place(value: Value<'_>, text: &str) -> Result<SocketAddr, Diagnostic> {
    let place = match scoped_host(text, DNS_PORT) {
        Ok(place) => place,
        Err(ScopeError::NoAddress) => {
            let help = "write \"192.0.2.53\", \"192.0.2.53:5353\" or \"[2001:db8::53]:5353\"; names are not looked up";
            return Err(value.fault(format!("`{text}` is not an address")).help(help));
        }
        Err(error) => return Err(error.fault(value)),
    };
    if let Some(why) = no_host(place.ip()) {
        return Err(value
            .fault(format!("{} {why}", place.ip()))
            .help("name the address at which a server listens"));
    }
    if place.port() == 0 {
        return Err(value.fault("port 0 cannot be told anything"));
    }
    Ok(place)
}
