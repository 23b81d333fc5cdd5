//! Other servers' files to ours: PowerDNS with its recursor, BIND, CoreDNS,
//! dnsmasq, HAProxy and gdnsd.
//!
//! ```text
//! pdns.conf, recursor.conf ─ keyed ─┐
//! recursor.yml ─ yaml ──────────────┼▶ server_setting ─▶ pdns, recursor ─┐    ┌▶ draft ─▶ edgedns.toml
//! bind.conf, named.conf ─ statement ┴─────────▶ named ──────────┼────┼▶ copies ─▶ edgedns/zones/
//! dnsmasq.conf, hosts ────────────────────────▶ dnsmasq ─▶ made ┤    │
//! Corefile, hosts ────────────────────────────▶ corefile ▶ made ┤    │
//! haproxy.cfg, hosts ─────────────────────────▶ haproxy ─▶ made ┤    │
//! config, zones ──────────────────────────────▶ gdnsd ──────────┤    │
//!                                                               └────┴▶ report
//! ```
//!
//! Reads each server's files by its own rules, and reports the fate of every setting. A client that was kept
//! out stays out: what cannot be carried over is closed, and refused in the report. `edgedns check` finds
//! whether the result can be served.

mod word;

mod address;
mod folders;
mod hosts;
mod networks;
mod open_door;
mod report;
mod statement;
mod yaml;

mod draft;
mod server_setting;
mod imported;
mod rule;

mod copies;
mod keyed;
mod netmasks;
mod sqlite;

mod work;

mod made;
mod zone;

mod listeners;

mod recursor;

mod corefile;
mod dnsmasq;
mod gdnsd;
mod haproxy;
mod named;
mod pdns;

use std::path::{Path, PathBuf};

use crate::delivery::{Existing, WriteError, write_files};
use crate::dns::Name;
use work::Work;

pub use imported::{Imported, Planned};
pub use report::{Concern, Fate, FateKind, Report, ReportLine};

/// A PowerDNS node.
#[derive(Clone, Debug)]
pub struct Pdns {
    /// The folder of `pdns.conf`, or that file.
    pub from: PathBuf,
    /// The folder of `recursor.yml` or `recursor.conf`, or one of them; none where no recursor runs.
    pub recursor: Option<PathBuf>,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// A BIND node.
#[derive(Clone, Debug)]
pub struct Named {
    /// `named.conf`, or its folder.
    pub from: PathBuf,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// A node of a server that answers names without having zones: dnsmasq or CoreDNS.
#[derive(Clone, Debug)]
pub struct Forwarder {
    /// `dnsmasq.conf` or the Corefile, or its folder.
    pub from: PathBuf,
    /// Domains that are answered whole, besides those that the files say.
    pub whole: Vec<Name>,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// A node of gdnsd.
#[derive(Clone, Debug)]
pub struct Gdnsd {
    /// The folder of `config` and `zones`, or that config file.
    pub from: PathBuf,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// A node of HAProxy.
#[derive(Clone, Debug)]
pub struct Haproxy {
    /// `haproxy.cfg`, or its folder.
    pub from: PathBuf,
    /// The domain that the names of backends are in, which is answered whole.
    pub zone: Option<Name>,
    /// The names of backends, relative to that domain or complete.
    pub names: Vec<(String, Vec<String>)>,
    /// A file of the form of /etc/hosts, where the names of servers are looked up.
    pub hosts: Option<PathBuf>,
    /// The folder to write to.
    pub into: PathBuf,
    /// What becomes of files there.
    pub existing: Existing,
}

/// Files by their paths.
#[cfg(feature = "fuzzing")]
pub type Texts = Vec<(String, Vec<u8>)>;

/// Imports a PowerDNS node.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn pdns(node: &Pdns) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = pdns::read(&mut work, &node.from, node.recursor.as_deref());
    write(work.finish(read), &node.into, node.existing)
}

/// What would become of a PowerDNS node with these texts as its files: no other file is opened, and nothing
/// is written; which paths there are is still asked of the system. `from` and `recursor` are as those of
/// [`Pdns`].
#[cfg(feature = "fuzzing")]
pub fn pdns_in_texts(from: &Path, recursor: Option<&Path>, texts: Texts) -> Planned {
    in_texts(from, texts, |work| pdns::read(work, from, recursor))
}

/// Imports a BIND node.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn named(node: &Named) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = named::read(&mut work, &node.from);
    write(work.finish(read), &node.into, node.existing)
}

/// What would become of a BIND node with these texts as its files: no other file is opened, and nothing is
/// written; which paths there are is still asked of the system.
#[cfg(feature = "fuzzing")]
pub fn named_in_texts(from: &Path, texts: Texts) -> Planned {
    in_texts(from, texts, |work| named::read(work, from))
}

/// Imports a node of dnsmasq.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn dnsmasq(node: &Forwarder) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = dnsmasq::read(&mut work, &node.from, &node.whole);
    write(work.finish(read), &node.into, node.existing)
}

/// Imports a node of CoreDNS.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn corefile(node: &Forwarder) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = corefile::read(&mut work, &node.from, &node.whole);
    write(work.finish(read), &node.into, node.existing)
}

/// Imports a node of gdnsd.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn gdnsd(node: &Gdnsd) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = gdnsd::read(&mut work, &node.from);
    write(work.finish(read), &node.into, node.existing)
}

/// Imports a node of HAProxy.
///
/// # Errors
///
/// When the files cannot be written. Faults of what is read are in the result.
pub fn haproxy(node: &Haproxy) -> Result<Imported, WriteError> {
    let mut work = Work::new(&node.from);
    let read = haproxy::read(&mut work, &node.from, &given(node));
    write(work.finish(read), &node.into, node.existing)
}

/// What would become of a node of dnsmasq, as [`named_in_texts`] says it of BIND.
#[cfg(feature = "fuzzing")]
pub fn dnsmasq_in_texts(node: &Forwarder, texts: Texts) -> Planned {
    in_texts(&node.from, texts, |work| dnsmasq::read(work, &node.from, &node.whole))
}

/// What would become of a node of CoreDNS, as [`named_in_texts`] says it of BIND.
#[cfg(feature = "fuzzing")]
pub fn corefile_in_texts(node: &Forwarder, texts: Texts) -> Planned {
    in_texts(&node.from, texts, |work| corefile::read(work, &node.from, &node.whole))
}

/// What would become of a node of gdnsd, as [`named_in_texts`] says it of BIND.
#[cfg(feature = "fuzzing")]
pub fn gdnsd_in_texts(node: &Gdnsd, texts: Texts) -> Planned {
    in_texts(&node.from, texts, |work| gdnsd::read(work, &node.from))
}

/// What would become of a node of HAProxy, as [`named_in_texts`] says it of BIND.
#[cfg(feature = "fuzzing")]
pub fn haproxy_in_texts(node: &Haproxy, texts: Texts) -> Planned {
    in_texts(&node.from, texts, |work| haproxy::read(work, &node.from, &given(node)))
}

/// Reads a node with these texts as its files.
#[cfg(feature = "fuzzing")]
fn in_texts(
    from: &Path,
    texts: Texts,
    read: impl FnOnce(&mut Work) -> Result<String, work::Unreadable>,
) -> Planned {
    let mut work = Work::new(from);
    work.sources = work.sources.closed_over(texts);
    let read = read(&mut work);
    work.finish(read)
}

/// What an operator adds to the file of HAProxy.
fn given(node: &Haproxy) -> haproxy::Given {
    haproxy::Given { zone: node.zone.clone(), names: node.names.clone(), hosts: node.hosts.clone() }
}

/// Does what an import is to do.
fn write(planned: Planned, into: &Path, existing: Existing) -> Result<Imported, WriteError> {
    let Planned { mut imported, files } = planned;
    // Nothing to write where nothing was understood.
    if files.is_empty() {
        return Ok(imported);
    }
    imported.written = write_files(&files, into, existing)?;
    imported.config = imported.written.last().cloned();
    Ok(imported)
}

#[cfg(test)]
mod tests;
