//! What the task of one zone goes by.

use crate::layout::Place;
use crate::zones::feed::FeedSettings;
use crate::zones::source::EtcdKeys;

/// Most bytes that keys and values take, with what each costs besides: the memory that a zone may take.
pub(super) const BYTES_MAX: usize = 1 << 30;

/// What the task of one zone goes by.
pub(super) type EtcdSettings = FeedSettings<EtcdKeys>;

impl EtcdSettings {
    /// Where the zone is in the store.
    pub(super) fn place(&self) -> Place {
        Place { text: self.text.clone(), ..self.source.place.clone() }
    }
}
