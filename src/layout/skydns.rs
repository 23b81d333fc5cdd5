//! The layout of SkyDNS, as CoreDNS reads and external-dns writes it: `/skydns/example/lab/api` holds what
//! `api.lab.example.` answers, as JSON.
//!
//! | of the value | is |
//! |---|---|
//! | `host` | an address: A or AAAA. A name: CNAME, in a reverse zone PTR |
//! | `port`, `priority`, `weight` | SRV at `_service._proto`, its children answer there; else at the name of an address |
//! | `mail` | MX |
//! | `text` | TXT |
//! | `ttl` | of all of it |
//! | `targetstrip` | so many labels less has the name that answers |
//! | `group` | of several values for a name, those of one group are answered |
//!
//! CoreDNS treats what is below a name as being at it, too, and `*` as a pattern of queries. Here a key answers at its
//! own name, as everywhere in DNS, unless [`Subtree::Joined`] is wished for, and `*` is a wildcard.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::item::{Item, KeyFault};
use super::place::{Place, Subtree};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::zone::{Record, is_reverse};

/// What CoreDNS takes where a value has no priority.
const PRIORITY: u16 = 10;

/// Longest string of a TXT record (RFC 1035, section 3.3).
const STRING_BYTES_MAX: usize = 255;

/// Longest text that fits RDATA with the lengths of its strings.
const TEXT_BYTES_MAX: usize = 65_000;

/// A value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Service {
    host: String,
    port: u16,
    priority: u16,
    weight: u16,
    text: String,
    mail: bool,
    #[serde(deserialize_with = "number_or_text")]
    ttl: u32,
    targetstrip: usize,
    group: String,
}

/// What keys of the zone begin with: those of names that only begin with the same letters do, too.
pub(super) fn prefix(place: &Place) -> String {
    let mut prefix = place.prefix.trim_end_matches('/').to_owned();
    let labels: Vec<String> = labels(place.apex.as_ref());
    labels.iter().rev().for_each(|label| {
        prefix.push('/');
        prefix.push_str(label);
    });
    prefix
}

/// The key of a name.
pub(super) fn key_of(place: &Place, name: &Name) -> String {
    let own = labels(name.as_ref());
    let below = own.len().saturating_sub(labels(place.apex.as_ref()).len());
    let mut key = prefix(place);
    own.iter().take(below).rev().for_each(|label| {
        key.push('/');
        key.push_str(label);
    });
    key
}

/// The labels of a name in presentation format and lower case.
fn labels(name: NameRef<'_>) -> Vec<String> {
    let text = name.to_string().to_ascii_lowercase();
    text.trim_end_matches('.').split('.').filter(|label| !label.is_empty()).map(str::to_owned).collect()
}

/// What a key says; none: it is not of the zone.
pub(super) fn read(place: &Place, key: &[u8], value: &[u8]) -> Option<Result<Vec<Item>, KeyFault>> {
    let rest = rest_of(place, key)?;
    if !(rest.is_empty() || rest.starts_with(b"/")) {
        return None;
    }
    Some(read_ours(place, key, rest, value).map_err(|what| KeyFault::of(key, what)))
}

/// What is behind the prefix of the zone; none: a key begins otherwise. Of an ordinary name nothing is put together for
/// that: there may be a million keys.
fn rest_of<'k>(place: &Place, key: &'k [u8]) -> Option<&'k [u8]> {
    let is_ordinary = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let labels: Vec<&[u8]> = place.apex.as_ref().labels().collect();
    if !labels.iter().all(|label| label.iter().all(is_ordinary)) {
        return key.strip_prefix(prefix(place).as_bytes());
    }
    let mut rest = key.strip_prefix(place.prefix.trim_end_matches('/').as_bytes())?;
    for label in labels.iter().rev() {
        let (own, behind) = rest.strip_prefix(b"/")?.split_at_checked(label.len())?;
        if !own.iter().zip(*label).all(|(own, byte)| *own == byte.to_ascii_lowercase()) {
            return None;
        }
        rest = behind;
    }
    Some(rest)
}

fn read_ours(place: &Place, key: &[u8], rest: &[u8], value: &[u8]) -> Result<Vec<Item>, String> {
    let rest = std::str::from_utf8(rest).map_err(|_| "the key is not UTF-8")?;
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let relative: Vec<&str> = parts.iter().rev().copied().collect();
    let name = if relative.is_empty() {
        place.apex.clone()
    } else {
        let text = relative.join(".");
        Name::parse(text.as_bytes(), place.apex.as_ref()).map_err(|error| error.to_string())?
    };
    if value.iter().all(u8::is_ascii_whitespace) {
        return Err("the value is empty".to_owned());
    }
    let service: Service = serde_json::from_slice(value).map_err(|error| told(&error))?;
    if service.host.is_empty() && service.text.is_empty() {
        return Err("the value has neither `host` nor `text`".to_owned());
    }
    let depth = key.iter().filter(|byte| **byte == b'/').count();
    let records = said(place, &name, &service)?;
    let aliased = aliased_service(place, &name, &service, &records);
    let group: Option<Box<str>> = (!service.group.is_empty()).then(|| service.group.as_str().into());
    let item =
        |(owner, records)| Item { owner, records, has_lua: false, pool: None, group: group.clone(), depth };
    let mut items: Vec<Item> = by_owner(records).into_iter().map(item).collect();
    if place.subtree == Subtree::Joined {
        let above = above(place, &name, &items, aliased.as_ref());
        items.extend(above.into_iter().map(item));
    }
    Ok(items)
}

/// A number, which the examples of CoreDNS also have as text.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(deserializer) {
        Ok(Either::Number(number)) => Ok(number),
        Ok(Either::Text(text)) => text.parse().map_err(|_| D::Error::custom(NO_TTL)),
        Err(_) => Err(D::Error::custom(NO_TTL)),
    }
}

/// What is told of a TTL that is none.
const NO_TTL: &str = "`ttl` is a number of seconds";

/// What is wrong with JSON, and where.
fn told(error: &serde_json::Error) -> String {
    error.to_string()
}

/// The records that a value at a name makes.
fn said(place: &Place, name: &Name, service: &Service) -> Result<Vec<Record>, String> {
    let ttl = match service.ttl {
        0 => place.ttl,
        seconds => Ttl::from_seconds(seconds).ok_or_else(|| format!("a TTL of {seconds} is too long"))?,
    };
    let owner = stripped(place, name, service.targetstrip)?;
    let is_child = service.targetstrip == 0 && is_service(above_of(name)) && !is_service(Some(name.as_ref()));
    let service_owner = if is_child { above_of(name).map(NameRef::to_name) } else { None };
    let service_owner = service_owner.unwrap_or_else(|| owner.clone());
    let at_service = is_service(Some(service_owner.as_ref()));
    let mut records = Vec::new();
    let mut add = |owner: &Name, rtype, rdata: Vec<u8>| {
        records.push(Record { owner: owner.clone(), rtype, ttl, rdata: rdata.into() });
    };
    let srv = |target: &Name| [&numbers(service)[..], target.as_ref().wire()].concat();
    let mx = |target: &Name| [&priority(service).to_be_bytes()[..], target.as_ref().wire()].concat();
    let host = service.host.trim();
    match host.parse::<IpAddr>() {
        _ if host.is_empty() => {}
        Ok(_) if is_reverse(place.apex.as_ref()) => {
            return Err("`host` is an address, and names of a reverse zone lead to names".to_owned());
        }
        Ok(address) => {
            match address {
                IpAddr::V4(address) => add(&owner, Rtype::A, address.octets().to_vec()),
                IpAddr::V6(address) => add(&owner, Rtype::AAAA, address.octets().to_vec()),
            }
            if service.port > 0 {
                add(&service_owner, Rtype::SRV, srv(&owner));
            }
            if service.mail {
                add(&owner, Rtype::MX, mx(&owner));
            }
        }
        Err(_) => {
            let target = Name::parse(host.as_bytes(), Name::root().as_ref());
            let target = target.map_err(|error| format!("`host` is no name: {error}"))?;
            if is_reverse(place.apex.as_ref()) {
                add(&owner, Rtype::PTR, target.as_ref().wire().to_vec());
            } else if service.mail {
                add(&owner, Rtype::MX, mx(&target));
            } else if at_service {
                add(&service_owner, Rtype::SRV, srv(&target));
            } else {
                add(&owner, Rtype::CNAME, target.as_ref().wire().to_vec());
            }
        }
    }
    if !service.text.is_empty() {
        let rdata = strings(&service.text)?;
        add(if at_service { &service_owner } else { &owner }, Rtype::TXT, rdata);
    }
    Ok(records)
}

/// The SRV record that the names above an alias with a port have. At its own name an alias is alone.
fn aliased_service(place: &Place, name: &Name, service: &Service, records: &[Record]) -> Option<Record> {
    let is_joined = place.subtree == Subtree::Joined && service.port > 0;
    let alias = records.iter().find(|record| is_joined && record.rtype == Rtype::CNAME)?;
    let rdata = [&numbers(service)[..], &alias.rdata].concat();
    Some(Record { owner: name.clone(), rtype: Rtype::SRV, ttl: alias.ttl, rdata: rdata.into() })
}

/// What an SRV record begins with: priority, weight and port.
fn numbers(service: &Service) -> Vec<u8> {
    [priority(service), service.weight, service.port].map(u16::to_be_bytes).concat()
}

fn priority(service: &Service) -> u16 {
    if service.priority == 0 { PRIORITY } else { service.priority }
}

/// A name without its first labels, which may not lead out of the zone.
fn stripped(place: &Place, name: &Name, labels: usize) -> Result<Name, String> {
    let mut rest = name.as_ref();
    for _ in 0..labels {
        let above = rest.parent().filter(|above| above.is_at_or_below(place.apex.as_ref()));
        rest = above.ok_or_else(|| format!("`targetstrip` {labels} leads out of the zone"))?;
    }
    Ok(rest.to_name())
}

fn above_of(name: &Name) -> Option<NameRef<'_>> {
    name.as_ref().parent()
}

/// Whether a name is `_service._proto` of something (RFC 2782).
fn is_service(name: Option<NameRef<'_>>) -> bool {
    let Some(name) = name else { return false };
    let mut labels = name.labels();
    let mut next = || labels.next().is_some_and(|label| label.starts_with(b"_"));
    next() && next()
}

/// A text as character strings.
fn strings(text: &str) -> Result<Vec<u8>, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("`text` is longer than {TEXT_BYTES_MAX} bytes"));
    }
    let mut rdata = Vec::with_capacity(text.len() + 1);
    for part in text.as_bytes().chunks(STRING_BYTES_MAX) {
        // The lowest byte says it all: a chunk has no more than 255.
        let [length, ..] = part.len().to_le_bytes();
        rdata.push(length);
        rdata.extend_from_slice(part);
    }
    Ok(rdata)
}

/// The records of each owner apart.
fn by_owner(records: Vec<Record>) -> Vec<(Name, Vec<Record>)> {
    let mut owners: Vec<(Name, Vec<Record>)> = Vec::new();
    for record in records {
        match owners.iter_mut().find(|(owner, _)| *owner == record.owner) {
            Some((_, own)) => own.push(record),
            None => owners.push((record.owner.clone(), vec![record])),
        }
    }
    owners
}

/// What the names above answer, too, up to the apex. An alias is no answer of theirs.
fn above(place: &Place, name: &Name, items: &[Item], aliased: Option<&Record>) -> Vec<(Name, Vec<Record>)> {
    let joined = items.iter().flat_map(|item| &item.records).filter(|record| record.rtype != Rtype::CNAME);
    let joined: Vec<&Record> = joined.chain(aliased).collect();
    let mut all = Vec::new();
    let mut next = (!joined.is_empty()).then_some(name.as_ref());
    while let Some(owner) = next {
        if !items.iter().any(|item| item.owner.as_ref() == owner) {
            let at = |record: &&Record| Record { owner: owner.to_name(), ..(*record).clone() };
            all.push((owner.to_name(), joined.iter().map(at).collect()));
        }
        next = owner.parent().filter(|above| above.is_at_or_below(place.apex.as_ref()));
    }
    all
}

#[cfg(test)]
mod tests;
