//! Where streams are served.

use super::encrypted_runtime::EncryptedRuntime;
use super::stream_threads::StreamThreads;

/// The threads of streams: a flood of handshakes takes none of those that serve plain TCP.
pub(super) struct Threads {
    /// Those of streams that are not encrypted.
    pub(super) plain: StreamThreads,
    /// Those of encrypted transports.
    pub(super) encrypted: EncryptedRuntime,
}
