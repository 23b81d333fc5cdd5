//! Zones whose records are keys of etcd: a task for each, beside the loop.
//!
//! ```text
//!   image on the disk ─▶ Keys ◀─ pages at one revision ─ etcd
//!                         │ ▲ └── watch from there ────── etcd
//!        what has changed ▼ │
//!                       making ─▶ the next version ─▶ Publications ─▶ loop
//!                                        └──────────▶ image on the disk
//! ```
//!
//! Responsible for what is served being what the store says, and for it staying as it is while the store is silent, was
//! emptied, or says what makes no sense. Not responsible for asking the store (`crate::etcd`), for what a version is made
//! of (`etcd`), or for publishing.

mod gathering;
mod leases;
mod settings;
mod once;
mod status;
mod keeping;
mod serving;
mod beats;
mod task;
mod tasks;
mod feed;

pub use once::{FromEtcd, from_etcd};
pub use status::{EtcdStatus, Held};
pub use tasks::EtcdZones;
