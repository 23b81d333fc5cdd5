//! One query over a TCP connection of its own (RFC 7766).

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::failure::Failure;
use super::framing::{framed, read_frame};
use super::query::{Fit, Query};

/// Asks the server at `address`. The response is well formed and whole; only the case of its name may differ.
///
/// # Errors
///
/// When there is no connection, or no response over it. There is no time limit: the caller drops the future.
pub(super) async fn ask(address: SocketAddr, query: &Query) -> Result<(Vec<u8>, Fit), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&framed(query.bytes())?).await?;
    let message = read_frame(&mut stream).await?;
    let fit = query.accept(&message).ok_or(Failure::Malformed)?;
    Ok((message, fit))
}
