//! Zones in etcd for people: putting names, and zones as text.
//!
//! What is put is read by the same parser as what is served, before it is written. Not responsible for following a store:
//! the server does.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::remote::RemoteError;
use crate::config;
use crate::dns::Name;
use crate::etcd::{Client, Mark};
use crate::source::{Diagnostics, Look, Sources};
use crate::zones::from_etcd;
use crate::zones::source::EtcdKeys;

/// What is to become of a name.
#[derive(Clone, Debug)]
pub struct Put {
    /// The config file, which says where the zone is.
    pub config: PathBuf,
    /// The name.
    pub name: String,
    /// Which key of it.
    pub of: KeyOf,
    /// Its value; none: it is deleted.
    pub value: Option<String>,
}

/// Which key of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOf {
    /// The one with its records.
    Records,
    /// The one that guards its addresses.
    Pool,
}

/// Why nothing was done.
#[derive(Debug)]
pub enum EtcdError {
    /// The config file cannot be used, as drawn.
    Config(String),
    /// No zone in etcd has the name.
    NoZone(String),
    /// The value would not be served.
    Value(String),
    /// The store does not answer, or refuses.
    Store(String),
    /// Output, or the system.
    Io(io::Error),
}

impl fmt::Display for EtcdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EtcdError::Config(drawn) => f.write_str(drawn),
            EtcdError::NoZone(name) => write!(f, "no zone with [zone.etcd] has the name `{name}`"),
            EtcdError::Value(why) => write!(f, "nothing was written: {why}"),
            EtcdError::Store(why) => write!(f, "etcd: {why}"),
            EtcdError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EtcdError {}

impl From<io::Error> for EtcdError {
    fn from(error: io::Error) -> EtcdError {
        EtcdError::Io(error)
    }
}

/// Gives a name records, or takes them away. Says which key that is.
///
/// # Errors
///
/// When the value would not be served, or the store refuses it.
pub fn put(put: &Put) -> Result<(), EtcdError> {
    let zones = zones(&put.config)?;
    let no_zone = || EtcdError::NoZone(put.name.clone());
    let name: Name = Name::parse(put.name.as_bytes(), Name::root().as_ref()).map_err(|_| no_zone())?;
    let holding = zones.iter().filter(|(apex, _)| name.as_ref().is_at_or_below(apex.as_ref()));
    let longest = holding.max_by_key(|(apex, _)| apex.as_ref().label_count());
    let (_, source) = longest.ok_or_else(no_zone)?;
    let key = match (put.of, source.layout.pool_key_of) {
        (KeyOf::Records, _) => (source.layout.key_of)(&source.place, &name),
        (KeyOf::Pool, Some(pool_key_of)) => pool_key_of(&source.place, &name),
        (KeyOf::Pool, None) => {
            let layout = source.layout.name;
            return Err(EtcdError::Value(format!(
                "the layout `{layout}` has no keys for pools; write a `[[zone.probe]]`"
            )));
        }
    };
    if let Some(value) = &put.value {
        let read = (source.layout.read)(&source.place, key.as_bytes(), value.as_bytes());
        read.ok_or_else(no_zone)?.map_err(|fault| EtcdError::Value(fault.to_string()))?;
    }
    let mut client = Client::new(source.access.clone());
    let done = runtime()?.block_on(async {
        match &put.value {
            Some(value) => client.put(key.as_bytes(), value.as_bytes()).await,
            None => client.delete(key.as_bytes()).await,
        }
    });
    let Mark { revision, .. } = done.map_err(|error| EtcdError::Store(error.to_string()))?;
    let what = if put.value.is_some() { "written" } else { "deleted" };
    writeln!(io::stderr().lock(), "{key}: {what}, revision {revision}")?;
    Ok(())
}

/// Prints a zone as its keys have it now, as text of a zone file.
///
/// # Errors
///
/// When the store does not answer, or no zone is in it.
pub fn export(config: &Path, zone: &Name) -> Result<(), EtcdError> {
    let zones = zones(config)?;
    let found = zones.iter().find(|(apex, _)| apex == zone);
    let (apex, source) = found.ok_or_else(|| EtcdError::NoZone(zone.to_string()))?;
    let read = runtime()?.block_on(from_etcd(source, apex)).map_err(EtcdError::Store)?;
    for fault in &read.faults {
        writeln!(io::stderr().lock(), "warning: {fault}")?;
    }
    for key in &read.pools {
        writeln!(io::stderr().lock(), "warning: {key} is no zone text: write it as a `[[zone.probe]]`")?;
    }
    io::stdout().lock().write_all(read.text.as_bytes())?;
    Ok(())
}

/// Reads all zones in etcd, and tells what is wrong with their keys; true when nothing is.
///
/// # Errors
///
/// When the output cannot be written. What is wrong with the config file is for others to tell.
pub fn check_from_etcd(config: &Path) -> Result<bool, RemoteError> {
    let Ok(zones) = zones(config) else { return Ok(false) };
    let runtime = runtime().map_err(RemoteError::Output)?;
    let mut is_well = true;
    let mut out = io::stderr().lock();
    for (apex, source) in &zones {
        match runtime.block_on(from_etcd(source, apex)) {
            Ok(read) => {
                for fault in &read.faults {
                    writeln!(out, "error: {fault}")?;
                }
                is_well &= read.faults.is_empty();
                writeln!(
                    out,
                    "zone {apex}: serial {}, {} records, from {source}",
                    read.serial, read.records
                )?;
            }
            Err(why) => {
                is_well = false;
                writeln!(out, "error: zone {apex} cannot be had from {source}: {why}")?;
            }
        }
    }
    Ok(is_well)
}

/// The zones in etcd, with where they are.
fn zones(path: &Path) -> Result<Vec<(Name, EtcdKeys)>, EtcdError> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let read = config::read(&mut sources, path, &mut found);
    let drawn = || EtcdError::Config(sources.render_all(found.iter(), Look::on(&io::stderr())));
    let config = read.filter(|_| found.errors() == 0).ok_or_else(drawn)?;
    let of = |zone: &config::Zone| Some((zone.name.clone(), zone.sources.find::<EtcdKeys>()?.clone()));
    Ok(config.zones.iter().filter_map(of).collect())
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
