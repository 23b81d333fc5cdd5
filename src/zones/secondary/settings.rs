//! The settings of the task of one secondary zone.

use crate::source::{Origin, Span};
use crate::transfer::incoming::TransferQuery;
use crate::zone::MemoryLimit;
use crate::zones::feed::FeedSettings;
use crate::zones::source::Primaries;

/// Memory that a zone of a primary may take where `memory-limit` says nothing, in bytes: some two million records. A
/// zone file may take more the longer it is; what a primary sends has no length before it ends.
pub(in crate::zones) const COPY_MEMORY_MAX: u64 = 1 << 30;

/// The settings of the task of one secondary zone.
pub(super) type SecondarySettings = FeedSettings<Primaries>;

impl SecondarySettings {
    /// The place of faults that have none of their own.
    pub(super) fn span(&self) -> Span {
        self.zone.name_span
    }

    /// What is asked of a primary, whose records come from `origin`: for what has changed since the version of a
    /// serial, or for the whole zone, which must be behind `newer_than`.
    pub(super) fn asked(&self, base: Option<u32>, newer_than: Option<u32>, origin: Origin) -> TransferQuery {
        let apex = self.zone.id.name.clone();
        let bytes_max = self.bytes_max();
        let (lua, span) = (self.source.lua, self.span());
        TransferQuery { apex, id: 0, base, newer_than, lua, bytes_max, origin, span }
    }

    /// Memory that the zone may take, in bytes.
    pub(super) fn bytes_max(&self) -> u64 {
        match self.zone.memory_limit {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::ByText => COPY_MEMORY_MAX,
        }
    }
}
