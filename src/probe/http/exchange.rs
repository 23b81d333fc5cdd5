//! The exchanges with one target: request and response, over a connection that is kept between runs where the
//! target allows it.
//!
//! Decides when a connection is used again, and follows redirects. Not responsible for the bytes on it: that
//! is `connection`.

use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Version};
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connection::{Connection, Question};
use super::kept::{KeptConnection, OpenConnection};
use super::parameters::Http;
use super::redirect::{Endpoint, Resource, Scheme};
use super::request::Method;
use crate::probe::connect::connect;
use crate::probe::handshake::Handshaker;
use crate::probe::outcome::{Failure, Phase, Reason};
use crate::probe::session::{Ends, Evidence};
use crate::probe::token::Token;
use crate::tls::{FileError, FromFiles, Handshake};

/// What requests say of us.
pub(in crate::probe) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("edgedns/", env!("CARGO_PKG_VERSION")));

/// The exchanges with one target.
pub(in crate::probe) struct Exchanges {
    client: Client,
    kept: KeptConnection,
}

/// What does not change between runs, but for what files say.
struct Client {
    http: Http,
    security: Option<Security>,
}

/// What `https` has and `http` has not.
pub(in crate::probe) struct Security {
    handshaker: Handshaker,
    token: Option<Token>,
    authorization: FromFiles<HeaderValue>,
}

impl Security {
    pub(in crate::probe) fn new(handshake: Handshake, token: Option<Token>) -> Self {
        Self { handshaker: Handshaker::new(handshake), token, authorization: FromFiles::new() }
    }

    /// The value of the header, where there is a token.
    fn authorization(&mut self) -> Result<Option<HeaderValue>, FileError> {
        let Some(token) = &self.token else { return Ok(None) };
        self.authorization.current(&[token.path()], || token.read()).map(Some)
    }
}

/// A response, as far as it matters.
struct Answer {
    status: u16,
    location: Option<Box<str>>,
    /// Empty where the status alone decides.
    body: Vec<u8>,
}

/// One run on its way.
struct Run<'r> {
    ends: Ends,
    phase: &'r mut Phase,
    config: Option<Arc<ClientConfig>>,
    authorization: Option<HeaderValue>,
}

impl Exchanges {
    pub(in crate::probe) fn new(http: Http, security: Option<Security>) -> Self {
        Self { client: Client { http, security }, kept: KeptConnection::default() }
    }

    /// Asks, and judges the answer. A connection that was kept is used; whatever ends this run in another way
    /// than by a pass leaves none.
    pub(in crate::probe) async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        let kept = std::mem::take(&mut self.kept);
        let client = &mut self.client;
        let mut run = client.begin(ends, phase)?;
        let mut open = kept.into_open(run.config.as_ref());
        let mut resource = Resource { host: client.http.host.clone(), path: client.http.path.clone() };
        for _ in 0..=client.http.redirects {
            let (answer, mut used) = client.ask(open.take(), &resource, &mut run).await?;
            let is_reusable = used.connection.is_reusable().await;
            let not_after = used.not_after;
            if client.http.statuses.have(answer.status) {
                client.judge_body(&answer)?;
                self.kept = KeptConnection::new(is_reusable.then_some(used));
                let weight = client.http.tells.of_body(&answer.body);
                return Ok(Evidence { not_after, weight });
            }
            resource = client.redirected(&resource, &answer, ends.address)?;
            open = is_reusable.then_some(used);
        }
        Err(Reason::Redirects { followed: client.http.redirects }.into())
    }

    /// Resolves when the connection that is kept ends.
    pub(in crate::probe) async fn ended(&mut self) {
        self.kept.ended().await;
    }
}

impl Client {
    /// Looks at the files once, so that all of a run is of one piece.
    fn begin<'r>(&mut self, ends: Ends, phase: &'r mut Phase) -> Result<Run<'r>, FileError> {
        let Some(security) = &mut self.security else {
            return Ok(Run { ends, phase, config: None, authorization: None });
        };
        let config = Some(security.handshaker.config()?);
        Ok(Run { ends, phase, config, authorization: security.authorization()? })
    }

    /// Asks over the connection there is. Where that fails, or where there is none, a new one tells what a
    /// client would see.
    async fn ask(
        &self,
        open: Option<OpenConnection>,
        resource: &Resource,
        run: &mut Run<'_>,
    ) -> Result<(Answer, OpenConnection), Failure> {
        if let Some(mut open) = open {
            *run.phase = Phase::Response;
            if let Ok(answer) = self.ask_over(&mut open.connection, resource, run).await {
                return Ok((answer, open));
            }
        }
        let mut open = self.open(run).await?;
        *run.phase = Phase::Response;
        let answer = self.ask_over(&mut open.connection, resource, run).await?;
        Ok((answer, open))
    }

    async fn ask_over(
        &self,
        connection: &mut Connection,
        resource: &Resource,
        run: &Run<'_>,
    ) -> Result<Answer, Reason> {
        let question = self.question(connection.version(), resource, run)?;
        let (head, body) = connection.ask(question).await?.into_parts();
        let status = head.status.as_u16();
        let location = head.headers.get(header::LOCATION).map(|value| value.as_bytes());
        let location = location.map(|value| String::from_utf8_lossy(value).into());
        let mut answer = Answer { status, location, body: Vec::new() };
        if self.http.statuses.have(status) || self.is_followed(status) {
            answer.body = connection.read(body, self.http.body_limit_bytes).await?;
        }
        Ok(answer)
    }

    async fn open(&self, run: &mut Run<'_>) -> Result<OpenConnection, Failure> {
        *run.phase = Phase::Connect;
        let since = Instant::now();
        let stream = connect(run.ends.to(self.http.port), run.ends.source).await?;
        let (Some(security), Some(config)) = (&self.security, &run.config) else {
            let connection = Connection::http1(stream).await?;
            return Ok(OpenConnection::new(connection, None, None, since));
        };
        *run.phase = Phase::Handshake;
        let secured = security.handshaker.shake(Arc::clone(config), stream, run.ends.address).await?;
        let (_, session) = secured.stream.get_ref();
        let connection = match session.alpn_protocol() {
            Some(b"h2") => Connection::http2(secured.stream).await?,
            _ => Connection::http1(secured.stream).await?,
        };
        Ok(OpenConnection::new(connection, Some(Arc::clone(config)), secured.not_after, since))
    }

    fn scheme(&self) -> Scheme {
        if self.security.is_some() { Scheme::Https } else { Scheme::Http }
    }

    fn question(&self, version: Version, resource: &Resource, run: &Run<'_>) -> Result<Question, Reason> {
        let scheme = self.scheme();
        let host = resource.host.as_ref().map_or_else(
            || host_of(run.ends.address, self.http.port.get(), scheme.port()),
            ToString::to_string,
        );
        let path = resource.path.as_str();
        let request = Request::builder().method(hyper::Method::from(self.http.method));
        let request = match version {
            // RFC 9113, section 8.3.1: the pseudo-header takes the place of Host.
            Version::HTTP_2 => request.uri(format!("{}://{host}{path}", scheme.name())),
            _ => request.uri(path).header(header::HOST, host),
        };
        let mut request = request
            .body(Full::default())
            .map_err(|error| Reason::BrokenHttp { why: error.to_string().into() })?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        for one in &self.http.headers {
            headers.insert(&one.name, one.value.clone());
        }
        if let Some(authorization) = &run.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    fn judge_body(&self, answer: &Answer) -> Result<(), Reason> {
        let Some(text) = self.http.body.as_ref().filter(|_| self.http.method == Method::Get) else {
            return Ok(());
        };
        let wanted = text.as_bytes();
        let has_it = wanted.is_empty() || answer.body.windows(wanted.len()).any(|piece| piece == wanted);
        if has_it { Ok(()) } else { Err(Reason::BodyLacks { text: text.clone() }) }
    }

    /// Whether a response with this status sends us on (RFC 9110, section 15.4).
    fn is_followed(&self, status: u16) -> bool {
        self.http.redirects > 0 && matches!(status, 301 | 302 | 303 | 307 | 308)
    }

    /// What to ask next, after an answer whose status does not pass.
    fn redirected(&self, resource: &Resource, answer: &Answer, address: IpAddr) -> Result<Resource, Reason> {
        let is_followed = self.is_followed(answer.status);
        let Some(location) = answer.location.as_ref().filter(|_| is_followed) else {
            return Err(Reason::Status { code: answer.status });
        };
        let endpoint = Endpoint { scheme: self.scheme(), address, port: self.http.port };
        let elsewhere = || Reason::RedirectsElsewhere { location: location.clone() };
        resource.redirected(location, endpoint).ok_or_else(elsewhere)
    }
}

/// The Host header where none was asked for.
pub(in crate::probe) fn host_of(address: IpAddr, port: u16, usual_port: u16) -> String {
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if port == usual_port { host } else { format!("{host}:{port}") }
}
