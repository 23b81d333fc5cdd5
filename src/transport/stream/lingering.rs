//! The end of a stream that is in order.
//!
//! Closing with unread bytes would reset the connection, and with it the responses that the client has not read yet.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client_stream::ClientStream;
use super::clock::{Clock, after, by};

/// How long, after our last byte, the client's are taken and thrown away.
pub(in crate::transport) const LINGER_MAX: Duration = Duration::from_secs(1);

/// What of them is thrown away at once, in bytes.
const UNREAD_BYTES: usize = 512;

/// Ends our side, and waits a little for the client to end its own. What comes is thrown away: `space` is where.
pub(in crate::transport) async fn linger<S: ClientStream>(
    stream: &mut S,
    clock: &mut S::Clock,
    mut space: Vec<u8>,
) {
    space.resize(UNREAD_BYTES, 0);
    let limit = after(clock.now(), LINGER_MAX);
    let leave = async {
        // A stream that encrypts writes its end, which waits for a client that does not read.
        if stream.shutdown().await.is_ok() {
            while let Ok(1..) = stream.read(&mut space).await {}
        }
    };
    by(clock, limit, leave).await;
}
