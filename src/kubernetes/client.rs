//! A client of API servers: asks the one that answered last, else the next one.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::time::timeout;

use super::access::{Access, Token};
use super::error::Error;
use super::selector::{Selector, encoded};
use super::watch::{GONE, Version, Watch, told};
use super::wire::{ListPage, MEMBERS_MAX, Member, Told, is_version};
use crate::http_client::{self, Connection, Endpoint, Lines, read};
use crate::tls::read_file;

/// Nodes or pods of one page. Either has some 20 kB.
const PAGE: usize = 250;

/// Most pages of a list. A server that goes on after that does not come to an end.
const PAGES_MAX: usize = MEMBERS_MAX.div_ceil(PAGE);

/// Longest time that a list takes, with all its pages.
const LIST_MAX: Duration = Duration::from_secs(60);

/// Longest page that is taken: three times what it has.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Longest body of an error that is taken.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Longest event that is taken. etcd keeps no object beyond 1.5 MiB.
const LINE_BYTES_MAX: usize = 4 << 20;

/// How long a watch is asked for, in seconds. Then the next one begins, maybe at another server.
const WATCH_SECONDS: u32 = 290;

/// A client of the API servers of one cluster.
pub struct Client {
    access: Access,
    /// The server that is asked first, by its place.
    place: usize,
}

/// All that a selector means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The members.
    pub members: Vec<Member>,
    /// From where they are to be watched.
    pub version: Version,
}

impl Client {
    /// Nothing is asked yet.
    pub fn new(access: Access) -> Client {
        Client { access, place: 0 }
    }

    /// The server that is asked first.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.access.endpoints.get(self.place).copied()
    }

    /// These are the servers from now on.
    pub fn know(&mut self, endpoints: Vec<Endpoint>) {
        let asked = self.endpoint();
        self.place = endpoints.iter().position(|one| Some(*one) == asked).unwrap_or_default();
        self.access.endpoints = endpoints;
    }

    /// The next server is asked from now on.
    pub fn turn(&mut self) {
        let next = self.place.saturating_add(1);
        self.place = if next < self.access.endpoints.len() { next } else { 0 };
    }

    /// How many servers there are to ask.
    pub fn servers(&self) -> usize {
        self.access.endpoints.len()
    }

    /// All that a selector means, as it is now.
    ///
    /// # Errors
    ///
    /// When the server does not answer, refuses, or does not come to an end.
    pub async fn list(&mut self, selector: &Selector) -> Result<Listed, Error> {
        timeout(LIST_MAX, self.list_pages(selector)).await.map_err(|_| http_client::Error::TimedOut)?
    }

    async fn list_pages(&mut self, selector: &Selector) -> Result<Listed, Error> {
        let (mut connection, mut members, mut more) = (self.connect().await?, Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page = format!("{}&limit={PAGE}&continue={}", selector.path(), encoded(&more));
            let body = self.ask(&mut connection, &page).await?;
            let body = read(body, BODY_BYTES_MAX).await?;
            let ListPage { metadata, items } = serde_json::from_slice(&body).map_err(Error::malformed)?;
            if !is_version(&metadata.resource_version) {
                return Err(Error::malformed("a list without a version"));
            }
            let there = items.iter().filter(|item| !item.has_ended(selector));
            for member in there.map(|item| item.member(selector)) {
                members.push(member.ok_or_else(|| Error::malformed("a list with somebody who has no name"))?);
            }
            if members.len() > MEMBERS_MAX {
                return Err(Error::malformed("a list with too many members"));
            }
            more = metadata.more;
            if more.is_empty() {
                return Ok(Listed { members, version: metadata.resource_version });
            }
        }
        Err(Error::malformed("a list that does not come to an end"))
    }

    /// Watches what a selector means, from a version on, over a connection of its own.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or what has happened since is not known any more.
    pub async fn watch(&mut self, selector: &Selector, from: &str) -> Result<Watch, Error> {
        let path = format!(
            "{}&watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
            selector.path(),
            encoded(from)
        );
        let mut connection = self.connect().await?;
        let body = self.ask(&mut connection, &path).await?;
        Ok(Watch::new(selector.clone(), Lines::new(connection, body, LINE_BYTES_MAX)))
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let endpoint = self.endpoint().ok_or_else(|| Error::malformed("no endpoint"))?;
        Ok(Connection::open(endpoint, &self.access.handshake).await?)
    }

    async fn ask(&self, connection: &mut Connection, path: &str) -> Result<Incoming, Error> {
        let mut request = Request::get(path)
            .header(HOST, connection.endpoint().address.to_string())
            .header(ACCEPT, "application/json");
        if let Some(token) = self.token().await? {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(Error::malformed)?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::default()).map_err(Error::malformed)?;
        let response = connection.send(request).await?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response.into_body());
        }
        if status.as_u16() == GONE {
            return Err(Error::Gone);
        }
        let body = read(response.into_body(), ERROR_BYTES_MAX).await?;
        Err(told(&serde_json::from_slice::<Told>(&body).unwrap_or_default(), status.as_u16()))
    }

    async fn token(&self) -> Result<Option<String>, Error> {
        let file = match &self.access.token {
            None => return Ok(None),
            Some(Token::Text(token)) => return Ok(Some(token.clone())),
            Some(Token::File(file)) => file.clone(),
        };
        let text = tokio::task::spawn_blocking(move || read_file(&file)).await;
        let text = text.map_err(Error::malformed)??;
        Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
    }
}
