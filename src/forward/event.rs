//! What workers hand over to the dispatcher.

use super::cache_key::CacheKey;
use crate::transport::Deferred;

/// What workers hand over.
pub(super) enum ForwardEvent {
    /// A query that is not in the cache.
    Query(Deferred),
    /// The question of a cached answer that is in use and nearly stale.
    Refresh(CacheKey),
}
