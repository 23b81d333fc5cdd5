//! Asking one server: its connection, its quirks, and one query at a time.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::encrypted::EncryptedConnection;
use super::exchange::{Answer, Counters, Exchange, Progress};
use super::failure::Failure;
use super::query::{Case, Form, Query, Request};
use super::quirks::{Encoding, Observed, Quirks};
use super::remote::{Protocol, Remote};
use super::tcp;
use crate::tls::{Credentials, Random, Verify};

/// Asks one server, and keeps between queries what the next one can use.
pub struct Requestor {
    remote: Remote,
    /// Whom its certificate must be from.
    verify: Verify,
    quirks: Quirks,
    counters: Counters,
    /// Where it is asked over an encrypted transport.
    connection: Option<EncryptedConnection>,
}

impl Requestor {
    /// Nothing is opened yet. `verify` says whom the server's certificate must be from, if it has one.
    pub fn new(remote: Remote, verify: Verify) -> Self {
        let connection = match &remote.protocol {
            Protocol::Udp | Protocol::Tcp => None,
            Protocol::Encrypted(one) => {
                let server = remote.encrypted_server(one, &verify);
                Some(EncryptedConnection::new(one.transport, server))
            }
        };
        Self { remote, verify, quirks: Quirks::default(), counters: Counters::default(), connection }
    }

    /// For a server that zones are copied from, or that is told of them. It is asked from `source` over TLS, which is then
    /// as strict as for transfers (RFC 9103): of version 1.3, and with what `credentials` says.
    pub fn of_zones(remote: Remote, source: Option<IpAddr>, credentials: &Credentials) -> Self {
        let connection = match &remote.protocol {
            Protocol::Udp | Protocol::Tcp => None,
            Protocol::Encrypted(one) => {
                let server = remote.encrypted_server_of_zones(one, credentials, source);
                Some(EncryptedConnection::new(one.transport, server))
            }
        };
        Self { connection, ..Self::new(remote, credentials.verify.clone()) }
    }

    /// The server.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Whom its certificate must be from.
    pub fn verify(&self) -> &Verify {
        &self.verify
    }

    /// What it does not understand.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// Datagrams that did not match.
    pub fn mismatched(&self) -> u64 {
        self.counters.mismatched.load(Ordering::Relaxed)
    }

    /// Queries that were asked again over TCP.
    pub fn over_tcp(&self) -> u64 {
        self.counters.over_tcp.load(Ordering::Relaxed)
    }

    /// Asks once. The answer's message is a response to just this request, whole and well formed. Over an
    /// encrypted transport `encoding` has no say: a name is in lower case, because some servers do not keep the
    /// case and encrypted responses cannot be forged.
    ///
    /// # Errors
    ///
    /// When there is no response. Only an encrypted connection has a time limit, to be opened: the caller drops the future, and
    /// `progress` then says what it waited for.
    pub async fn ask(
        &self,
        request: &Request<'_>,
        encoding: Encoding,
        random: &Random,
        progress: &Progress,
    ) -> Result<Answer, Failure> {
        let message = match (&self.remote.protocol, &self.connection) {
            (_, Some(connection)) => {
                connection.ask(Query::new(request, Form::Padded, Case::Lower, random)).await?
            }
            (Protocol::Tcp, None) => {
                let query = Query::new(request, Form::WithEdns, Case::Lower, random);
                tcp::ask(self.remote.address, &query).await?.0
            }
            (Protocol::Udp | Protocol::Encrypted(_), None) => {
                return self.exchange(progress).ask(request, encoding, random).await;
            }
        };
        Ok(Answer { message, observed: Observed::default() })
    }

    /// Sends a query that its sender has written, and returns the response to it, whole and well formed.
    ///
    /// # Errors
    ///
    /// When there is no response within `limit`.
    pub async fn send(&self, query: Query, limit: Duration) -> Result<Vec<u8>, Failure> {
        let progress = Progress::default();
        let sent = async {
            match (&self.remote.protocol, &self.connection) {
                (_, Some(connection)) => connection.ask(query).await,
                (Protocol::Tcp, None) => Ok(tcp::ask(self.remote.address, &query).await?.0),
                (Protocol::Udp | Protocol::Encrypted(_), None) => self.exchange(&progress).send(&query).await,
            }
        };
        let done = timeout(limit, sent).await;
        done.unwrap_or_else(|_| Err(progress.timed_out()))
    }

    /// Leaves a kept connection over which nothing has come since a query was sent, at `asked`.
    pub fn leave_if_silent_since(&self, asked: Instant) {
        if let Some(connection) = &self.connection {
            connection.leave_if_silent_since(asked);
        }
    }

    fn exchange<'e>(&'e self, progress: &'e Progress) -> Exchange<'e> {
        Exchange { address: self.remote.address, counters: &self.counters, progress }
    }
}
