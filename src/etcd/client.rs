//! A client of a store: asks the member that answered last, else the next one.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::access::{Access, Login};
use super::connection::{Connection, read};
use super::error::Error;
use super::prefix::end_of;
use super::watch::Watch;
use super::wire::{
    Comparison, DeleteRequest, Done, GrantRequest, GrantResponse, KeptLine, KeptResult, KeyValue, LeaseId,
    LeaseRequest, LeaseResponse, LoginRequest, LoginResponse, Mark, PutRequest, RangeRequest, RangeResponse,
    WriteOperation, WriteRequest, to_base64,
};
use crate::http_client::Endpoint;
use crate::tls;

/// A client of one store.
pub struct Client {
    access: Access,
    /// The member that is asked first, by its place.
    place: usize,
    connection: Option<Connection>,
    /// What shows who we are. Members share it.
    token: Option<String>,
}

/// Keys with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// When the store was read.
    pub mark: Mark,
    /// The keys, in their order.
    pub keys: Vec<KeyValue>,
    /// How many there are in the range, on all pages.
    pub count: u64,
    /// Whether more follow.
    pub has_more: bool,
}

/// Most changes that are written together: etcd takes 128.
pub const WRITES_MAX: usize = 100;

/// A change among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A key gets a value.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
        /// The lease that it goes with; none: it stays.
        lease: Option<LeaseId>,
    },
    /// A key goes.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// All keys go that begin so.
    DeleteAll {
        /// What they begin with.
        prefix: Vec<u8>,
    },
}

/// What has become of a lease that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is.
    Kept,
    /// It had ended before.
    Ended,
}

impl Client {
    /// Nothing is asked yet.
    pub fn new(access: Access) -> Client {
        Client { access, place: 0, connection: None, token: None }
    }

    /// Another one of the same store, over a connection of its own: it begins with the same member, as who we are.
    pub fn beside(&self) -> Client {
        Client { access: self.access.clone(), place: self.place, connection: None, token: self.token.clone() }
    }

    /// The member that is asked first.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.access.endpoints.get(self.place).copied()
    }

    /// Keys that begin with `prefix`, at most `limit`, from `from` on if it is given; as they were at `revision`, else
    /// as they are now and most members agree.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn range(
        &mut self,
        prefix: &[u8],
        from: Option<&[u8]>,
        limit: u64,
        revision: Option<u64>,
    ) -> Result<Page, Error> {
        let request = RangeRequest {
            key: to_base64(from.unwrap_or(prefix)),
            range_end: Some(to_base64(&end_of(prefix))),
            limit: Some(limit),
            revision,
            count_only: false,
        };
        let RangeResponse { header, kvs, more, count } = self.ask("/v3/kv/range", &request).await?;
        let keys = kvs.into_iter().map(KeyValue::from).collect();
        Ok(Page { mark: header.mark(), keys, count, has_more: more })
    }

    /// How many keys begin with `prefix`.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn count(&mut self, prefix: &[u8]) -> Result<(Mark, u64), Error> {
        let request = RangeRequest {
            key: to_base64(prefix),
            range_end: Some(to_base64(&end_of(prefix))),
            limit: None,
            revision: None,
            count_only: true,
        };
        let response: RangeResponse = self.ask("/v3/kv/range", &request).await?;
        Ok((response.header.mark(), response.count))
    }

    /// Where the store stands, as most of its members agree. `key` is one that we may read; it need not be there.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn mark(&mut self, key: &[u8]) -> Result<Mark, Error> {
        let request = RangeRequest {
            key: to_base64(key),
            range_end: None,
            limit: Some(1),
            revision: None,
            count_only: true,
        };
        let response: RangeResponse = self.ask("/v3/kv/range", &request).await?;
        Ok(response.header.mark())
    }

    /// Gives a key a value.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses. It may have got the value all the same.
    pub async fn put(&mut self, key: &[u8], value: &[u8]) -> Result<Mark, Error> {
        let request = PutRequest { key: to_base64(key), value: to_base64(value), lease: None };
        let done: Done = self.ask("/v3/kv/put", &request).await?;
        Ok(done.header.mark())
    }

    /// Takes a key away.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses. It may be gone all the same.
    pub async fn delete(&mut self, key: &[u8]) -> Result<Mark, Error> {
        let request = RangeRequest {
            key: to_base64(key),
            range_end: None,
            limit: None,
            revision: None,
            count_only: false,
        };
        let done: Done = self.ask("/v3/kv/deleterange", &request).await?;
        Ok(done.header.mark())
    }

    /// Writes all of it, or nothing; at most [`WRITES_MAX`] changes, of different keys.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses. It may be written all the same.
    pub async fn write(&mut self, writes: &[Write]) -> Result<Mark, Error> {
        let operation = |write: &Write| match write {
            Write::Put { key, value, lease } => WriteOperation::RequestPut(PutRequest {
                key: to_base64(key),
                value: to_base64(value),
                lease: lease.map(|lease| lease.to_string()),
            }),
            Write::Delete { key } => {
                WriteOperation::RequestDeleteRange(DeleteRequest { key: to_base64(key), range_end: None })
            }
            Write::DeleteAll { prefix } => WriteOperation::RequestDeleteRange(DeleteRequest {
                key: to_base64(prefix),
                range_end: Some(to_base64(&end_of(prefix))),
            }),
        };
        let request = WriteRequest { compare: Vec::new(), success: writes.iter().map(operation).collect() };
        let done: Done = self.ask("/v3/kv/txn", &request).await?;
        Ok(done.header.mark())
    }

    /// Whether a key may be given a value. It gets none: the store judges what is to be written if something holds that
    /// never does.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn try_to_write(&mut self, key: &[u8]) -> Result<(), Error> {
        let put = PutRequest { key: to_base64(key), value: String::new(), lease: None };
        let request = WriteRequest {
            compare: vec![Comparison::never_true(key)],
            success: vec![WriteOperation::RequestPut(put)],
        };
        let _: Done = self.ask("/v3/kv/txn", &request).await?;
        Ok(())
    }

    /// A lease: what is put with it goes when nobody has kept it for so long, in whole seconds.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn grant(&mut self, lasts: Duration) -> Result<LeaseId, Error> {
        let request = GrantRequest { granted: lasts.as_secs().to_string() };
        let response: GrantResponse = self.ask("/v3/lease/grant", &request).await?;
        response.id.ok_or_else(|| Error::Malformed("a lease without a number".to_owned()))
    }

    /// Keeps a lease for as long again as it was granted for. Whether it has not ended before.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn keep(&mut self, lease: LeaseId) -> Result<Kept, Error> {
        let request = LeaseRequest { id: lease.to_string() };
        let line: KeptLine = self.ask("/v3/lease/keepalive", &request).await?;
        match (line.result, line.error) {
            (_, Some(told)) => Err(told.into()),
            (Some(KeptResult { left: 1.. }), None) => Ok(Kept::Kept),
            (Some(KeptResult { left: 0 }) | None, None) => Ok(Kept::Ended),
        }
    }

    /// Ends a lease: what was put with it goes at once.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn revoke(&mut self, lease: LeaseId) -> Result<(), Error> {
        let request = LeaseRequest { id: lease.to_string() };
        let _: Done = self.ask("/v3/lease/revoke", &request).await?;
        Ok(())
    }

    /// How long a lease was granted for, which is not how much of that is left; none where it has ended.
    ///
    /// # Errors
    ///
    /// When no member answers, or the store refuses.
    pub async fn granted(&mut self, lease: LeaseId) -> Result<Option<Duration>, Error> {
        let request = LeaseRequest { id: lease.to_string() };
        let response: LeaseResponse = self.ask("/v3/lease/timetolive", &request).await?;
        Ok((response.granted > 0).then(|| Duration::from_secs(response.granted)))
    }

    /// Watches keys that begin with `prefix`, from a revision on, over a connection of its own.
    ///
    /// # Errors
    ///
    /// When no member answers, or what has happened since is not known any more.
    pub async fn watch(&mut self, prefix: &[u8], from: u64) -> Result<Watch, Error> {
        let mut last = Error::Unavailable("no endpoint".to_owned());
        for _ in 0..self.access.endpoints.len() {
            match self.watch_there(prefix, from).await {
                Err(error) if error.is_of_member() => last = error,
                done => return done,
            }
            self.turn();
        }
        Err(last)
    }

    async fn watch_there(&mut self, prefix: &[u8], from: u64) -> Result<Watch, Error> {
        let Some(endpoint) = self.endpoint() else {
            return Err(Error::Unavailable("no endpoint".to_owned()));
        };
        if self.token.is_none() {
            self.log_in().await?;
        }
        let connection = Connection::open(&self.access, endpoint).await?;
        match Watch::open(connection, self.token.as_deref(), prefix, from).await {
            Err(Error::NotLoggedIn(_)) if self.access.login.is_some() => {}
            done => return done,
        }
        self.token = None;
        self.log_in().await?;
        let connection = Connection::open(&self.access, endpoint).await?;
        Watch::open(connection, self.token.as_deref(), prefix, from).await
    }

    /// Asks one member after the other, until one answers.
    async fn ask<T: DeserializeOwned>(&mut self, path: &str, message: &impl Serialize) -> Result<T, Error> {
        let mut last = Error::Unavailable("no endpoint".to_owned());
        for _ in 0..self.access.endpoints.len() {
            match self.ask_there(path, message).await {
                Err(error) if error.is_of_member() => last = error,
                done => return done,
            }
            self.turn();
        }
        Err(last)
    }

    /// The next member is asked from now on.
    pub fn turn(&mut self) {
        self.connection = None;
        let next = self.place.saturating_add(1);
        self.place = if next < self.access.endpoints.len() { next } else { 0 };
    }

    async fn ask_there<T: DeserializeOwned>(
        &mut self,
        path: &str,
        message: &impl Serialize,
    ) -> Result<T, Error> {
        if self.token.is_none() {
            self.log_in().await?;
        }
        match self.ask_as_we_are(path, message).await {
            // The token has run out, or the member has forgotten it when it began anew.
            Err(Error::NotLoggedIn(_)) if self.access.login.is_some() => {
                self.token = None;
                self.log_in().await?;
                self.ask_as_we_are(path, message).await
            }
            done => done,
        }
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        let Some(Login { user, password_file }) = self.access.login.clone() else { return Ok(()) };
        let read = tokio::task::spawn_blocking(move || tls::read_file(&password_file)).await;
        let text = read.map_err(|_| Error::NoPassword)??;
        let text = String::from_utf8(text).map_err(|_| Error::NoPassword)?;
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(Error::NoPassword);
        }
        let request = LoginRequest { name: &user, password };
        let response: LoginResponse = match self.ask_as_we_are("/v3/auth/authenticate", &request).await {
            Ok(response) => response,
            // Then it needs no token either.
            Err(Error::Refused(why)) if why.contains("authentication is not enabled") => return Ok(()),
            Err(error) => return Err(error),
        };
        self.token = Some(response.token);
        Ok(())
    }

    async fn ask_as_we_are<T: DeserializeOwned>(
        &mut self,
        path: &str,
        message: &impl Serialize,
    ) -> Result<T, Error> {
        let endpoint = self.endpoint().ok_or_else(|| Error::Unavailable("no endpoint".to_owned()))?;
        let mut connection = match self.connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(&self.access, endpoint).await?,
        };
        let asked = connection.ask(path, self.token.as_deref(), message).await;
        let body = match asked {
            Ok(body) => read(body).await?,
            // The body of an error has been read: the connection is good.
            Err(error) => {
                if !error.is_of_member() {
                    self.connection = Some(connection);
                }
                return Err(error);
            }
        };
        self.connection = Some(connection);
        serde_json::from_slice(&body).map_err(Error::malformed)
    }
}
