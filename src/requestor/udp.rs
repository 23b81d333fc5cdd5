//! One query over UDP.
//!
//! Takes only what comes from the server's address to the port of just this query, with its id and its
//! question letter by letter (RFC 5452).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::UdpSocket;

use super::failure::{Failure, TcpReason};
use super::query::{DatagramClass, Query};

/// Longest datagram taken. We ask for 1,232 bytes; some servers send more.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Datagrams that fit but cannot be read, after which TCP is tried.
const MALFORMED_MAX: u32 = 2;

/// Datagrams that fit no query, after which nothing more is listened to: an attacker is trying all ids.
const MISMATCHED_MAX: u32 = 1000;

/// What came of asking.
pub(super) enum UdpOutcome {
    Response(Vec<u8>),
    /// Ask over TCP.
    AskAgain(TcpReason),
}

/// Asks the server at `address`, and counts the datagrams that fit no query in `mismatched`.
///
/// # Errors
///
/// When a system call fails, or what comes is no response. There is no time limit: the caller drops the
/// future.
pub(super) async fn ask(
    address: SocketAddr,
    query: &Query,
    mismatched: &AtomicU64,
) -> Result<UdpOutcome, Failure> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // A socket of its own for every query: the kernel chooses a port at random.
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    socket.send(query.bytes()).await?;
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    let mut malformed: u32 = 0;
    for _ in 0..MISMATCHED_MAX {
        let length = socket.recv(&mut datagram).await?;
        let message = datagram.get(..length).unwrap_or_default();
        match query.classify(message) {
            DatagramClass::Response => return Ok(UdpOutcome::Response(message.to_vec())),
            DatagramClass::Truncated => return Ok(UdpOutcome::AskAgain(TcpReason::Truncated)),
            DatagramClass::Unreadable => return Err(Failure::Unreadable),
            DatagramClass::Mismatch => {
                mismatched.fetch_add(1, Ordering::Relaxed);
            }
            DatagramClass::OtherCase => {
                mismatched.fetch_add(1, Ordering::Relaxed);
                return Ok(UdpOutcome::AskAgain(TcpReason::OtherCase));
            }
            DatagramClass::Malformed => {
                malformed = malformed.saturating_add(1);
                if malformed >= MALFORMED_MAX {
                    return Ok(UdpOutcome::AskAgain(TcpReason::Malformed));
                }
                socket.send(query.bytes()).await?;
            }
        }
    }
    Err(Failure::Flooded)
}
