//! Where the records of a zone come from: one trait, a file per kind.
//!
//! ```text
//!   file ─┐
//!         ├─ read ─▶ zone::Builder ─▶ Proposal ─▶ accepted, or refused with every fault
//!   reverse ┤
//!   primary ┤   the copy at a start; then `secondary` proposes what comes
//!   etcd ───┘   the image at a start; then `etcd` proposes what comes
//! ```
//!
//! A kind is a file in this folder, with its keys, and a line in the list below; `config` walks the list.

mod interface;
mod kind;

mod file;
mod reverse;
mod primary;
mod etcd;
mod changing;
mod cluster_members;
#[cfg(test)]
mod in_a_table;

mod all;

pub use all::ZoneSources;
pub use changing::Changing;
pub use cluster_members::ClusterMembers;
pub use etcd::EtcdKeys;
pub use file::ZoneFile;
#[cfg(test)]
pub use in_a_table::InATable;
pub use interface::{Reading, Source, SourceTiming};
pub use kind::{Company, Signable, SourceContext, SourceForm, SourceKind, SourceReader, TakesUpdates};
pub use primary::{Primaries, read_primaries};
pub use reverse::ReverseOf;

/// Every kind of source that a zone can ask for, in the order in which they add to it and in which documentation shows
/// them. The first is missed where a zone asks for none.
pub const KINDS: &[SourceKind] = &[
    file::KIND,
    reverse::KIND,
    primary::KIND,
    etcd::KIND,
    #[cfg(test)]
    in_a_table::KIND,
];
