//! What would go wrong on this host: before an installation, after it, and at three in the morning.
//!
//! ```text
//! config ─▶ Wanted ─┐
//! /proc, /etc, /sys ┴▶ one file per subject ─▶ Finding ─▶ drawn, or JSON
//! ```
//!
//! Reports what is wrong and what to do about it, and changes nothing.

mod finding;
mod host;
mod hosts;
mod wanted;

mod sockets;

mod addresses;
mod clock;
mod fips;
mod kernel;
mod platform;
mod ports;
mod resolver;
mod selinux;
mod service;
mod files;
mod state;

pub use finding::{Finding, Grade, listed};
pub use host::Host;
pub use hosts::{HostsEntry, hosts_entries};
pub use resolver::{resolvers, search_domains};
pub use wanted::Wanted;

/// Looks at one subject.
type Look = fn(&Host, &Wanted) -> Vec<Finding>;

/// Every subject, in the order of the report.
const SUBJECTS: &[Look] = &[
    service::look,
    ports::look,
    platform::look,
    addresses::look,
    files::look,
    state::look,
    resolver::look,
    selinux::look,
    clock::look,
    fips::look,
    kernel::look,
];

/// Looks at `host` with what is `wanted` of it. Nothing is changed, nothing is sent.
pub fn examine(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    SUBJECTS.iter().flat_map(|look| look(host, wanted)).collect()
}

#[cfg(test)]
mod tests;
