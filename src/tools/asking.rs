//! Asking a server one question, as a client does.
//!
//! Builds the query, decides which datagram is its response, retries, and turns to TCP where a response does
//! not fit.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::dns::edns::OptWriter;
use crate::dns::message::{self, Header, MESSAGE_BYTES_MAX, Rcode, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::response::Response;
use crate::dns::{Name, Rtype};
use crate::tls::random_bytes;

/// How long one response may take: resolvers of clients wait as long.
const RESPONSE_MAX: Duration = Duration::from_secs(1);

/// How often a question is put before it counts as not answered: datagrams get lost.
const TRIES_MAX: usize = 3;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The name, in the case in which it is asked.
    pub(super) qname: Name,
    /// The type.
    pub(super) qtype: Rtype,
}

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// From its zones.
    Authority,
    /// By asking others, from a cache: TTLs run down, and only the answer section means something.
    Resolver,
}

/// A response, and in which case the question came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) response: Response,
    pub(super) echo: Echo,
}

/// How the QNAME came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// In the case in which it was asked.
    AsAsked,
    /// In another case.
    OtherCase,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nothing came.
    Nothing,
    /// What came is no response that can be read.
    Garbled,
    /// The system says why.
    System(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::Nothing => {
                let seconds = RESPONSE_MAX.as_secs();
                write!(f, "does not answer: asked {TRIES_MAX} times, {seconds} s each")
            }
            Silence::Garbled => f.write_str("sends what is not a DNS response"),
            Silence::System(error) => write!(f, "cannot be asked: {error}"),
        }
    }
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Self {
        Silence::System(error.to_string())
    }
}

impl Reply {
    /// What `message` says, if that is a response to `query`.
    pub(super) fn read(query: &[u8], message: &[u8]) -> Option<Reply> {
        let (asked, _) = message::Question::read(query)?;
        let (told, _) = message::Question::read(message)?;
        let same_id = query.get(..2) == message.get(..2);
        let same_question = (asked.qname, asked.qtype, asked.qclass) == (told.qname, told.qtype, told.qclass);
        let response = Response::read(message).filter(|_| same_id && same_question)?;
        let echo = if asked.wire == told.wire { Echo::AsAsked } else { Echo::OtherCase };
        Some(Reply { response, echo })
    }

    /// Whether the server says that it asks others for its clients.
    pub(super) fn recurses(&self) -> bool {
        /// Recursion is available (RFC 1035, section 4.1.1).
        const RA: u16 = 0x0080;
        self.response.header.flags & RA != 0
    }
}

/// Asks a question, several times if need be.
pub(super) async fn ask(server: SocketAddr, question: &Question, manner: Manner) -> Result<Reply, Silence> {
    let query = query(question, manner);
    let mut silence = Silence::Nothing;
    for _ in 0..TRIES_MAX {
        match ask_once(server, &query).await {
            Ok(reply) => return Ok(reply),
            Err(why) => silence = why,
        }
    }
    Err(silence)
}

async fn ask_once(server: SocketAddr, query: &[u8]) -> Result<Reply, Silence> {
    let in_time = |result: Result<Result<Reply, Silence>, _>| result.unwrap_or(Err(Silence::Nothing));
    let reply = in_time(timeout(RESPONSE_MAX, over_udp(server, query)).await)?;
    if reply.response.header.flags & Header::TC == 0 {
        return Ok(reply);
    }
    in_time(timeout(RESPONSE_MAX, over_tcp(server, query)).await)
}

async fn over_udp(server: SocketAddr, query: &[u8]) -> Result<Reply, Silence> {
    // A port of its own for each question: what comes late for another one goes nowhere.
    let socket = UdpSocket::bind((unspecified(server), 0)).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    loop {
        let length = socket.recv(&mut buffer).await?;
        let message = buffer.get(..length).unwrap_or_default();
        if let Some(reply) = Reply::read(query, message) {
            return Ok(reply);
        }
        // What has our id is meant for us; anything else is a stray datagram.
        if query.get(..2) == message.get(..2) {
            return Err(Silence::Garbled);
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &[u8]) -> Result<Reply, Silence> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), query].concat()).await?;
    let mut message = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut message).await?;
    Reply::read(query, &message).ok_or(Silence::Garbled)
}

/// The query as it is sent: with EDNS, so that most responses fit in a datagram.
pub(super) fn query(question: &Question, manner: Manner) -> Vec<u8> {
    let flags = if manner == Manner::Resolver { Header::RD } else { 0 };
    message_writer::owned(QUERY_BYTES_MAX, u16::from_be_bytes(random_bytes()), flags, |query| {
        query.question(question.qname.as_ref(), question.qtype, class::IN);
        OptWriter::new(query, Rcode::NOERROR, 0).finish();
    })
}

/// The address of this host that a server sees; nothing is sent.
pub(super) fn local_address(server: SocketAddr) -> io::Result<IpAddr> {
    let socket = std::net::UdpSocket::bind((unspecified(server), 0))?;
    // Where there is no way to the server, asking will say so.
    let connected = socket.connect(server).and_then(|()| socket.local_addr());
    Ok(connected.map_or(unspecified(server), |local| local.ip()))
}

fn unspecified(server: SocketAddr) -> IpAddr {
    match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question { qname: "Www.example.com".parse().unwrap(), qtype: Rtype::A }
    }

    /// A response without records to `query`, whose question is asked by `name`.
    fn response(query: &[u8], name: &str) -> Vec<u8> {
        let question = Question { qname: name.parse().unwrap(), ..question() };
        let mut response = super::query(&question, Manner::Authority);
        response[..2].copy_from_slice(&query[..2]);
        response[2] |= 0x80;
        response
    }

    #[test]
    fn a_response_has_our_id_and_our_question_in_any_case() {
        let query = query(&question(), Manner::Authority);
        let echo = |name: &str| Reply::read(&query, &response(&query, name)).map(|reply| reply.echo);
        assert_eq!(echo("Www.example.com"), Some(Echo::AsAsked));
        assert_eq!(echo("www.example.com"), Some(Echo::OtherCase));
        assert_eq!(echo("ww.example.com"), None);
        let mut other = response(&query, "Www.example.com");
        other[0] ^= 1;
        assert_eq!(Reply::read(&query, &other), None);
        assert_eq!(Reply::read(&query, &query), None, "a query is no response");
        assert_eq!(Reply::read(&query, &query[..20]), None);
    }
}
