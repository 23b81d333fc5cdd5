//! Asks one primary for its SOA record and for the zone.
//!
//! Opens connections, limits waits, and asks again without EDNS where that helps. `receiver` reads the transfer,
//! `refresh` decides when to ask.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout, timeout_at};

use super::fault::TransferFault;
use super::message::{ExpectedResponse, MessagePlace, TransferMessage, edns_of};
use super::query::{self, Extended, QueryKind};
use super::receiver::{Received, Receiver, TransferProgress, TransferQuery};
use crate::dns::edns::option;
use crate::dns::message::{Header, Rcode};
use crate::dns::{Name, NameRef, Rtype};
use crate::requestor::{Failure, MessageStream, Protocol, Query, Remote, Requestor};
use crate::tls::{Credentials, Random};
use crate::transfer::soa::Soa;
use crate::tsig::{Algorithm, ClientExchange, Key, KeyName, Secret, Time, Unverified};

/// SOA queries over UDP before the query goes over TCP.
const DATAGRAMS_MAX: u32 = 2;

/// Wait for the answer to each.
const DATAGRAM_WAIT: Duration = Duration::from_secs(2);

/// Wait for a connection, and for it to take the query.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// Wait for each message of a transfer: a primary may have to load the zone first.
const MESSAGE_WAIT: Duration = Duration::from_secs(15);

/// Time limit of a transfer, so that the next primary is asked if this one only trickles records.
const TRANSFER_WAIT: Duration = Duration::from_secs(3600);

/// A server that has a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    /// Where it is, and how it is asked.
    pub remote: Remote,
    /// The key with which queries are signed, and responses must be.
    pub key: Option<PrimaryKey>,
}

/// A key that this server and a primary have (RFC 8945).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// Its name.
    pub name: KeyName,
    /// What MACs are made with.
    pub algorithm: Algorithm,
    /// What both know; not shown, not even for debugging. None: it cannot be read, and the primary not be asked.
    pub secret: Option<Secret>,
}

impl PrimaryKey {
    /// The key to sign with; none while there is no secret.
    pub fn key(&self) -> Option<Key> {
        let secret = self.secret.as_ref()?;
        Some(Key::new(self.name.clone(), self.algorithm, secret))
    }
}

/// As the configuration has it, with the port.
impl fmt::Display for Primary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.remote.fmt(f)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, " key:{}", key.name))
    }
}

/// Asks one primary.
pub struct PrimaryClient {
    primary: Primary,
    credentials: Credentials,
    requestor: Requestor,
    key: Option<Arc<Key>>,
}

/// What a primary says of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrimaryVersion {
    /// Its SOA record.
    pub soa: Soa,
    /// For how many seconds its version holds, where it is a secondary itself (RFC 7314).
    pub expire: Option<u32>,
}

/// A transfer that is whole and sound.
pub struct Fetched {
    /// The SOA record of what was sent, and for how long it holds there.
    pub seen: PrimaryVersion,
    /// What was sent.
    pub received: Received,
    /// Bytes of all messages.
    pub bytes: u64,
}

/// Why a query or transfer failed.
#[derive(Debug)]
pub enum FetchError {
    /// There is no answer.
    Failure(Failure),
    /// The response is not acceptable.
    Fault(TransferFault),
    /// The response is not signed as it must be.
    Unverified(Unverified),
    /// Nothing can be asked: the secret of this key cannot be read.
    NoSecret(KeyName),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Failure(failure) => failure.fmt(f),
            FetchError::Fault(fault) => fault.fmt(f),
            FetchError::Unverified(why) => why.fmt(f),
            FetchError::NoSecret(key) => write!(f, "the secret of key `{key}` cannot be read"),
        }
    }
}

impl std::error::Error for FetchError {}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        FetchError::Failure(failure)
    }
}

impl From<Unverified> for FetchError {
    fn from(why: Unverified) -> Self {
        FetchError::Unverified(why)
    }
}

impl From<TransferFault> for FetchError {
    fn from(fault: TransferFault) -> Self {
        FetchError::Fault(fault)
    }
}

impl PrimaryClient {
    /// Nothing is opened yet. `credentials` say whom the certificate must be from, over TLS, and what is shown.
    pub fn new(primary: Primary, credentials: Credentials) -> PrimaryClient {
        let requestor = Requestor::of_zones(primary.remote.clone(), None, &credentials);
        let key = primary.key.as_ref().and_then(PrimaryKey::key);
        PrimaryClient { primary, credentials, requestor, key: key.map(Arc::new) }
    }

    /// The primary.
    pub fn primary(&self) -> &Primary {
        &self.primary
    }

    /// Asks for the SOA record: over UDP where it may be, and over a connection where nothing comes of that.
    ///
    /// # Errors
    ///
    /// When the primary does not answer, or has not the zone.
    pub async fn soa(&self, apex: &Name, random: &Random) -> Result<PrimaryVersion, FetchError> {
        match self.soa_as(apex, Extended::Yes, random).await {
            Err(FetchError::Fault(TransferFault::Rcode(Rcode::FORMERR | Rcode::NOTIMP))) => {
                self.soa_as(apex, Extended::No, random).await
            }
            done => done,
        }
    }

    async fn soa_as(
        &self,
        apex: &Name,
        extended: Extended,
        random: &Random,
    ) -> Result<PrimaryVersion, FetchError> {
        self.need_secret()?;
        // What is signed, or must not be seen (RFC 9103, section 6.3), is asked over a connection as the zone would need.
        let takes_datagrams = self.key.is_none() && self.primary.remote.protocol == Protocol::Udp;
        let datagrams = if takes_datagrams { DATAGRAMS_MAX } else { 0 };
        for _ in 0..datagrams {
            let message = query::write(0, apex.as_ref(), QueryKind::Soa, extended);
            let Some(query) = Query::of_message(message, random) else { continue };
            let id = id_of(query.bytes());
            // What is truncated comes over TCP.
            if let Ok(response) = self.requestor.send(query, DATAGRAM_WAIT).await {
                return Ok(read_soa(&response, id, apex.as_ref())?);
            }
        }
        let id = random.id();
        let mut exchange = self.ask(query::write(id, apex.as_ref(), QueryKind::Soa, extended)).await?;
        let response = exchange.next().await?;
        Ok(read_soa(&response, id, apex.as_ref())?)
    }

    /// Asks for the whole zone, or for the changes since the version that `asked` names; the id of `asked` is ignored.
    ///
    /// # Errors
    ///
    /// When the transfer is not whole and sound.
    pub async fn transfer(&self, asked: &TransferQuery, random: &Random) -> Result<Fetched, FetchError> {
        match self.transfer_as(asked, Extended::Yes, random).await {
            Err(FetchError::Fault(TransferFault::Rcode(Rcode::FORMERR))) => {
                self.transfer_as(asked, Extended::No, random).await
            }
            done => done,
        }
    }

    async fn transfer_as(
        &self,
        asked: &TransferQuery,
        extended: Extended,
        random: &Random,
    ) -> Result<Fetched, FetchError> {
        let id = random.id();
        let kind = asked.base.map_or(QueryKind::Axfr, QueryKind::Ixfr);
        let mut exchange = self.ask(query::write(id, asked.apex.as_ref(), kind, extended)).await?;
        let received = receive(&mut exchange, Receiver::new(TransferQuery { id, ..asked.clone() }));
        // An hour fits any clock.
        let end = Instant::now().checked_add(TRANSFER_WAIT).unwrap_or_else(Instant::now);
        timeout_at(end, received).await.unwrap_or(Err(Failure::TimedOut.into()))
    }

    /// Passes a message on as it is, over a connection of its own, and returns the response: what the primary has made
    /// of it for whoever sent it, id and signature included (RFC 2136, section 6). It is not looked into any further.
    ///
    /// # Errors
    ///
    /// When there is no response within `limit`.
    pub async fn pass_on(&self, message: &[u8], limit: Duration) -> Result<Vec<u8>, Failure> {
        let passed_on = async {
            let mut stream = MessageStream::open(&self.primary.remote, &self.credentials, limit).await?;
            stream.send(message, limit).await?;
            stream.next(limit).await
        };
        let response = timeout(limit, passed_on).await.unwrap_or(Err(Failure::TimedOut))?;
        let (asked, header) = (Header::read(message), Header::read(&response));
        let fits = asked.zip(header).is_some_and(|(asked, header)| {
            header.is_response() && header.id == asked.id && header.opcode() == asked.opcode()
        });
        if fits { Ok(response) } else { Err(Failure::Malformed) }
    }

    /// A primary that has a key is asked nothing without a signature.
    fn need_secret(&self) -> Result<(), FetchError> {
        match &self.primary.key {
            Some(key) if self.key.is_none() => Err(FetchError::NoSecret(key.name.clone())),
            Some(_) | None => Ok(()),
        }
    }

    /// Sends a query over a connection of its own, signed where the primary has a key.
    async fn ask(&self, mut query: Vec<u8>) -> Result<SignedStream, FetchError> {
        self.need_secret()?;
        let mut stream = MessageStream::open(&self.primary.remote, &self.credentials, CONNECT_WAIT).await?;
        let signature = match &self.key {
            None => None,
            Some(key) => {
                let signed =
                    ClientExchange::sign_request(Arc::clone(key), &mut query, Time::of(SystemTime::now()));
                // A query of a kilobyte has room for a signature.
                Some(signed.map_err(|_| Failure::Malformed)?)
            }
        };
        stream.send(&query, CONNECT_WAIT).await?;
        Ok(SignedStream { stream, signature })
    }
}

/// A connection over which a query was sent, signed or not.
struct SignedStream {
    stream: MessageStream,
    signature: Option<ClientExchange>,
}

impl SignedStream {
    /// The next message, without its signature.
    async fn next(&mut self) -> Result<Vec<u8>, FetchError> {
        let mut message = self.stream.next(MESSAGE_WAIT).await?;
        if let Some(signature) = &mut self.signature {
            signature.verify(&mut message, Time::of(SystemTime::now()))?;
        }
        Ok(message)
    }

    /// Whether all that came is what the primary sent.
    fn finish(&self) -> Result<(), FetchError> {
        self.signature.as_ref().map_or(Ok(()), |signature| Ok(signature.finish()?))
    }
}

/// Receives message by message, until it is all there.
async fn receive(exchange: &mut SignedStream, mut receiver: Receiver) -> Result<Fetched, FetchError> {
    let (mut expire, mut bytes) = (None, 0_u64);
    loop {
        let message = exchange.next().await?;
        bytes = bytes.saturating_add(message.len() as u64);
        expire = expire.or_else(|| read_expire(&message));
        match receiver.take(&message)? {
            TransferProgress::More(more) => receiver = more,
            TransferProgress::Done { soa, received } => {
                exchange.finish()?;
                return Ok(Fetched { seen: PrimaryVersion { soa, expire }, received, bytes });
            }
        }
    }
}

fn id_of(message: &[u8]) -> u16 {
    message.first_chunk().copied().map_or(0, u16::from_be_bytes)
}

/// The SOA record in a response.
fn read_soa(message: &[u8], id: u16, apex: NameRef<'_>) -> Result<PrimaryVersion, TransferFault> {
    let read = TransferMessage::read(
        message,
        &ExpectedResponse { id, apex, qtype: Rtype::SOA },
        MessagePlace::First,
    )?;
    if !read.is_authoritative() {
        return Err(TransferFault::NotAuthoritative);
    }
    let mut soa = None;
    read.each(apex, |sent| {
        if sent.rtype == Rtype::SOA && sent.owner == apex {
            soa = Soa::read(sent.rdata);
        }
        Ok(())
    })?;
    let soa = soa.ok_or(TransferFault::NoSoa)?;
    Ok(PrimaryVersion { soa, expire: read_expire(message) })
}

/// For how many seconds the version of the primary holds.
fn read_expire(message: &[u8]) -> Option<u32> {
    edns_of(message)?.option(option::EXPIRE)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::requestor::Protocol;

    #[tokio::test]
    async fn a_primary_whose_key_has_no_secret_is_asked_nothing() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let remote = Remote { address: socket.local_addr().unwrap(), protocol: Protocol::Udp };
        let key =
            PrimaryKey { name: "transfer".parse().unwrap(), algorithm: Algorithm::DEFAULT, secret: None };
        let client = PrimaryClient::new(Primary { remote, key: Some(key) }, Credentials::default());
        let apex: Name = "lab.example.".parse().unwrap();
        let told = client.soa(&apex, &Random::new()).await.unwrap_err().to_string();
        assert_eq!(told, "the secret of key `transfer` cannot be read");
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0; 512]).is_err(), "something was sent");
    }
}
