//! A client of API servers: asks the one that answered last, else the next one.

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue};
use hyper::{Request, StatusCode};

use super::access::{Access, Token};
use super::error::Error;
use super::selector::{Selector, encoded};
use super::watch::{GONE, Version, Watch, told};
use super::wire::{ListPage, Member, Told};
use crate::http_client::{Connection, Endpoint, Lines, read};
use crate::tls::read_file;

/// Nodes or pods of one page. Either has some 20 kB.
const PAGE: usize = 250;

/// Most of them in all: a pool has no more members than some hundred.
const MEMBERS_MAX: usize = 10_000;

/// Longest page that is taken.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Longest event that is taken.
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

    /// The next server is asked from now on. Whether that is the first one again.
    pub fn turn(&mut self) -> bool {
        let next = self.place.saturating_add(1);
        self.place = if next < self.access.endpoints.len() { next } else { 0 };
        self.place == 0
    }

    /// All that a selector means, as it is now.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or refuses.
    pub async fn list(&mut self, selector: &Selector) -> Result<Listed, Error> {
        let (mut connection, mut members, mut more) = (self.connect().await?, Vec::new(), String::new());
        loop {
            let page = format!("{}&limit={PAGE}&continue={}", selector.path(), encoded(&more));
            let body = self.ask(&mut connection, &page).await?;
            let body = read(body, BODY_BYTES_MAX).await?;
            let page: ListPage =
                serde_json::from_slice(&body).map_err(|error| Error::Malformed(error.to_string()))?;
            let version = page.metadata.resource_version;
            if version.is_empty() {
                return Err(Error::Malformed("a list without a version".to_owned()));
            }
            members.extend(page.items.iter().map(|item| item.member(selector)));
            if members.len() > MEMBERS_MAX || members.iter().any(|member| member.name.is_empty()) {
                return Err(Error::Malformed("a list with too many members, or with nobody".to_owned()));
            }
            more = page.metadata.more;
            if more.is_empty() {
                return Ok(Listed { members, version });
            }
        }
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
        let endpoint = self.endpoint().ok_or_else(|| Error::Malformed("no endpoint".to_owned()))?;
        Ok(Connection::open(endpoint, &self.access.handshake).await?)
    }

    async fn ask(&self, connection: &mut Connection, path: &str) -> Result<Incoming, Error> {
        let malformed = |error: &dyn std::error::Error| Error::Malformed(error.to_string());
        let mut request = Request::get(path)
            .header(HOST, connection.endpoint().address.to_string())
            .header(ACCEPT, "application/json");
        if let Some(token) = self.token().await? {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| malformed(&error))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::default()).map_err(|error| malformed(&error))?;
        let response = connection.send(request).await?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response.into_body());
        }
        if status.as_u16() == GONE {
            return Err(Error::Gone);
        }
        let body = read(response.into_body(), BODY_BYTES_MAX).await?;
        Err(told(serde_json::from_slice::<Told>(&body).unwrap_or_default(), status.as_u16()))
    }

    async fn token(&self) -> Result<Option<String>, Error> {
        let file = match &self.access.token {
            None => return Ok(None),
            Some(Token::Text(token)) => return Ok(Some(token.clone())),
            Some(Token::File(file)) => file.clone(),
        };
        let text = tokio::task::spawn_blocking(move || read_file(&file)).await;
        let text = text.map_err(|error| Error::Malformed(error.to_string()))??;
        Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
    }
}
