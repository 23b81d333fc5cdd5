//! A zone as its keys have it now, for commands that do not serve.

use std::sync::Arc;

use super::leases::learn_leases;
use super::settings::BYTES_MAX;
use crate::dns::Name;
use crate::etcd::{Client, read_all};
use crate::layout::KeyFault;
use crate::zone::Apexes;
use crate::zonefile;
use crate::zones::etcd::{Keys, Making, make};
use crate::zones::source::{EtcdKeys, ZoneSources};
use crate::zones::version::Inputs;
use crate::zones::zone_id::ZoneId;

/// A zone as its keys have it.
#[derive(Clone, Debug)]
pub struct FromEtcd {
    /// The zone as text.
    pub text: String,
    /// How many records it has.
    pub records: usize,
    /// Its serial, which is the revision.
    pub serial: u32,
    /// Values that say nothing of use.
    pub faults: Vec<KeyFault>,
    /// The keys that guard names, which are no zone text.
    pub pools: Vec<String>,
}

/// Reads the keys of a zone, and makes it.
///
/// # Errors
///
/// When the store is not heard, or there is no zone in it.
pub async fn from_etcd(source: &EtcdKeys, name: &Name) -> Result<FromEtcd, String> {
    let mut client = Client::new(source.access.clone());
    let all = read_all(&mut client, source.prefix().as_bytes(), BYTES_MAX).await;
    let (mark, all) = all.map_err(|error| format!("etcd: {error}"))?;
    let settings = source.place.text.clone();
    let mut keys = Keys::new(source.layout, source.place.clone());
    keys.restate(all);
    learn_leases(&mut client, &mut keys).await.map_err(|error| format!("etcd: {error}"))?;
    let mut sources = ZoneSources::default();
    sources.push(source.clone());
    let id = ZoneId::from(name.clone());
    let making = Making {
        id: &id,
        inputs: Arc::new(Inputs { sources, settings, ..Inputs::default() }),
        apexes: Arc::new(Apexes::default()),
        wants_hosts: false,
        span: source.span,
        store: source.store(),
        revision: mark.revision,
    };
    let made = make(&making, &mut keys, None)?;
    let version = made.version.ok_or("it has no records")?;
    let mut text = String::new();
    let zone = version.contents.as_deref().ok_or("its contents are not in memory")?;
    zonefile::write(zone, &mut text);
    let faults = keys.faults().cloned().chain(made.refused.into_iter().map(|(_, fault)| fault)).collect();
    let pools = keys.pools().map(|(_, key, _)| String::from_utf8_lossy(key).into_owned()).collect();
    Ok(FromEtcd { pools, text, records: version.records, serial: version.serial, faults })
}
