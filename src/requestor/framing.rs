//! Messages on a stream: each behind its length (RFC 1035, section 4.2.2).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A message behind its length.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a message of more than 65,535 bytes.
pub(super) fn framed(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok([&length.to_be_bytes()[..], message].concat())
}

/// The next message of a stream.
///
/// # Errors
///
/// Those of the stream; an end within a message is [`io::ErrorKind::UnexpectedEof`].
pub(super) async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}
